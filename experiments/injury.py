"""Does pain protect? Graded injuries in a room, the memory of one pain, and an alarm before the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator
from scipy import stats

from bisnn.agents.dilemmas.injury_room import FIFTHS, MISMATCH, SEVERITIES, InjuryRoom
from bisnn.agents.protector import Protector
from bisnn.experiments.base import Condition, Experiment, Settings, expected, subjects
from bisnn.experiments.figures.injury import FIGURES
from bisnn.experiments.measures import Measure, judge, table
from bisnn.experiments.ranges import Whole
from bisnn.experiments.statistics import summarise
from bisnn.experiments.tables import interval, number, p_value
from bisnn.experiments.tasks.injury import COUNTS, lived
from bisnn.experiments.trials import Batch, Found, shown
from bisnn.interventions import INTACT, Ablation, Targets
from bisnn.systems.protection import Protection

Floats = NDArray[np.float64]


class Injury(Settings):
    """Configuration of injury."""

    episodes: int = Field(default=6, ge=1, le=10_000)
    """Visits of every individual to the room."""
    steps: int = Field(default=100, ge=1, le=1000)
    """Steps of a visit."""
    kinds: tuple[str, ...] = tuple(MISMATCH)
    """What the hazards do, one each: short, over, inverted."""
    severity: Whole = SEVERITIES
    """Severities of injury, 1 to 3, of which every visit draws one for each hazard."""
    harmless: int = Field(default=2, ge=0, le=8)
    """Harmless things in the room."""
    rate: float = Field(default=0.1, ge=0.0, le=10.0, allow_inf_nan=False)
    """Learning rate of the amygdala."""

    @field_validator("kinds", mode="before")
    @classmethod
    def _split_kinds(cls, value: Any) -> Any:
        items = (value,) if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            return items
        return tuple(part.strip().lower() for item in items for part in str(item).split(",") if part.strip())

    @model_validator(mode="after")
    def _fits(self) -> Injury:
        if unknown := [kind for kind in self.kinds if kind not in MISMATCH]:
            raise ValueError(f"no kind of injury {unknown[0]!r}; kinds: {', '.join(MISMATCH)}")
        if not self.kinds or len(set(self.kinds)) < len(self.kinds):
            raise ValueError("kinds names each kind of injury once, and at least one")
        if not self.severity or any(grade not in SEVERITIES for grade in self.severity):
            raise ValueError(f"severity = {self.severity}; give one or more of 1, 2, 3")
        return self


ARMS = (
    INTACT,
    Ablation(
        name="no_efference",
        silence=("command",),
        expect="Nothing is predicted: every movement hurts, in health too, and the sign of an error is told by chance.",
    ),
    Ablation(
        name="no_plasticity",
        freeze=("object->la",),
        expect="Pain is felt and not bound to its cause: the hazard is entered again and again.",
    ),
    Ablation(
        name="no_alarm",
        silence=("cea",),
        expect="The cause is remembered and no alarm rings: nothing is avoided.",
    ),
    Ablation(
        name="no_pain",
        silence=("pain",),
        expect="Injured without pain: no alarm of either kind, nothing is learned.",
    ),
    Ablation(
        name="shuffled_sight",
        shuffle=("sight",),
        expect="Sees what lies elsewhere: stops no more often before a hazard than before anything else.",
    ),
    Ablation(
        name="no_veto",
        cut=("cea->motor",),
        expect="The alarm rings before the injury and does not stop the movement.",
    ),
)  # fmt: skip
"""The arms, and what each should do, written before the run."""

RATES: Mapping[str, tuple[str, str]] = {
    **{f"avoided_after_{n}": (f"avoided_{n}", f"approaches_{n}") for n in COUNTS},
    "avoided_after_delayed": ("avoided_delayed", "approaches_delayed"),
    "delayed": ("delayed", "begun"),
    "hits": ("known_alarms", "known_steps"),
    "avoided_known": ("known_vetoes", "known_steps"),
    "false_alarms": ("harmless_alarms", "harmless_steps"),
    "harmless_avoided": ("harmless_vetoes", "harmless_steps"),
    "empty_avoided": ("empty_vetoes", "empty_steps"),
    "pain_in_health": ("healthy_pain", "healthy_steps"),
    "pain_of_mismatch": ("mismatch_pain", "mismatch_steps"),
    "sign_told": ("sign_right", "mismatch_steps"),
    "injury_alarm": ("injury_alarms", "injury_steps"),
    "injury_alarm_in_health": ("moved_healthy_alight", "moved_healthy"),
    "impending_taken_for_actual": ("impending_as_actual", "known_alarms"),
    "actual_taken_for_impending": ("actual_as_impending", "bare_pain"),
    "lead_ticks": ("lead_ticks", "known_alarms"),
    "lead_steps": ("lead_steps", "lead_count"),
}
"""Measure -> count and number of chances, both summed over the visits of an individual."""
PRIMARY = ("avoided_after_1",)
"""The first family of tests."""
MEASURES: Mapping[str, Measure] = {"injuries": Measure("injuries", whole=True)}
"""What can be read from the rows alone."""
SIGNS = 3
"""What an error can be: felt, missing, or both."""


def conditions(settings: Injury) -> tuple[Condition, ...]:
    """The arms that the settings name."""
    return subjects(ARMS, settings)


def room(settings: Injury) -> InjuryRoom:
    """The room of the settings."""
    return InjuryRoom(
        kinds=settings.kinds, severity=settings.severity, harmless=settings.harmless, horizon=settings.steps
    )


def body(settings: Injury) -> Protector:
    """The protected body of the settings."""
    return Protector(
        things=room(settings).count, protection=Protection(rate=settings.rate, backend=settings.backend)
    )  # fmt: skip


def targets(settings: Injury) -> Targets:
    """What ablations can name."""
    return body(settings).targets


def trials(batch: Batch) -> Found:
    """All visits of the individuals of a batch."""
    return lived(batch, room(batch.settings), body(batch.settings))


def _rates(episodes: Mapping[str, Any]) -> dict[str, dict[str, Floats]]:
    """Every measure per arm and seed: `[seeds]`, NaN where there was no chance."""
    found: dict[str, dict[str, Floats]] = {}
    for name, (count, chances) in RATES.items():
        above, below = table(episodes, count), table(episodes, chances)
        for arm in above:
            total = below[arm].sum(-1)
            rate = np.divide(above[arm].sum(-1), total, out=np.full(total.shape, np.nan), where=total > 0)
            found.setdefault(name, {})[arm] = rate
    found["injuries"] = {arm: rows.mean(-1) for arm, rows in table(episodes, "injuries").items()}
    return found


def intensities(episodes: Mapping[str, Any], arm: str) -> list[dict[str, Any]]:
    """Pain cells and the two signs of error for every kind and severity of injury, mean over the seeds of an arm."""
    cases = [("healthy", 0, 0)] + [
        (kind, grade, mismatch)
        for kind, grades in MISMATCH.items()
        for grade, mismatch in zip(SEVERITIES, grades, strict=True)
    ]
    found = []
    for kind, grade, mismatch in cases:
        means = {
            f"{what}": float(table(episodes, f"{what}_{kind}_{grade}")[arm].mean())
            for what in ("cells", "felt", "missing")
        }
        entry = {"kind": kind, "severity": grade, "mismatch": mismatch / FIFTHS, "pain_cells": means["cells"]}
        found.append({**entry, "felt": means["felt"], "missing": means["missing"]})
    return found


def spearman(entries: list[dict[str, Any]]) -> float | None:
    """Rank correlation of pain cells with mismatch over all kinds; None where one of them is constant."""
    sizes, cells = ([entry[name] for entry in entries] for name in ("mismatch", "pain_cells"))
    if len(set(sizes)) < 2 or len(set(cells)) < 2:
        return None
    return float(stats.spearmanr(sizes, cells).statistic)


def likeness(episodes: Mapping[str, Any], arm: str) -> list[dict[str, Any]]:
    """Share of known hazards whose likeness stops the body, by the share of object cells that both activate."""
    names = sorted((name for name in episodes if name.startswith("like_")), key=lambda name: int(name[5:]))
    most = max(len(names) - 1, 1)
    last = {name: table(episodes, name)[arm][:, -1] for name in names}
    return [{"shared": int(name[5:]) / most, "avoided": summarise(last[name])} for name in names]


def analyse(episodes: Mapping[str, Any], settings: Injury) -> dict[str, Any]:
    """Rates arm by arm and against `intact`; intensity, avoidance, alarm and generalisation of the arm shown. Chance of
    avoidance is the rate before any experience, that of an alarm before a known hazard the rate before harmless things.
    """
    values, arm = _rates(episodes), shown(settings)
    found = judge(values, PRIMARY)
    own, scale = found["arms"][arm], intensities(episodes, arm)
    warned = "no_veto" if "no_veto" in found["arms"] else arm
    return {
        **found,
        "arm": arm,
        "intensity": scale,
        "spearman": spearman(scale),
        "avoidance": [{"experiences": n, "avoided": own[f"avoided_after_{n}"]} for n in COUNTS],
        "alarm": {
            "hits": own["hits"],
            "false_alarms": own["false_alarms"],
            "lead_ticks": own["lead_ticks"],
            "lead_steps": {**found["arms"][warned]["lead_steps"], "arm": warned},
            "actual": {"hits": own["injury_alarm"], "false_alarms": own["injury_alarm_in_health"]},
            "confused": {
                "impending_taken_for_actual": own["impending_taken_for_actual"],
                "actual_taken_for_impending": own["actual_taken_for_impending"],
            },
        },
        "generalisation": likeness(episodes, arm),
        "chance": {
            "avoided_after_1": own["avoided_after_0"]["mean"],
            "hits": own["false_alarms"]["mean"],
            "sign_told": 1.0 / SIGNS,
        },
        "expected": expected(conditions(settings)),
    }


def closing(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Arms with avoidance before and after one experience, alarms and injuries."""
    header = [
        "arm", "avoided, naive", "after one [95 %]", "p (Holm)", "alarm before known hazard", "before harmless",
        "injuries per visit",
    ]  # fmt: skip
    rows = []
    for arm, found in summary["arms"].items():
        against = summary["comparisons"].get(arm, {}).get("avoided_after_1")
        rows.append(
            [
                arm,
                number(found["avoided_after_0"]["mean"]),
                interval(found["avoided_after_1"]),
                "" if against is None else p_value(against["p_holm"]),
                number(found["hits"]["mean"]),
                number(found["false_alarms"]["mean"]),
                interval(found["injuries"]),
            ]
        )
    return header, rows


EXPERIMENT = Experiment(
    name="injury",
    question="Is pain graded and two-sided, and does one experience of it protect the body from the next injury?",
    reference="doi:10.3389/fncom.2022.784967; doi:10.1073/pnas.1421304111; doi:10.1038/nn.2594",
    settings=Injury,
    conditions=conditions,
    trials=trials,
    targets=targets,
    measures=MEASURES,
    analyse=analyse,
    figures=FIGURES,
    table=closing,
)
