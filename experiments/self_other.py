"""Whose pain is it? Own and another's pain in conflict, and what a gate between them does.

Individuals develop as altruists do (own pain, own face), then feel their own body and look at another's face. The
definitions, all from spikes after the first 4 of 12 ticks; `felt` is the altruist's threshold of distress:

    confusion           share of trials, other in pain and self calm, in which own pain is felt (insula > felt)
    confusion size      insula then / insula in own pain with nobody in sight
    empathic response   affect when the other is in pain and the self calm / affect in own pain, nobody in sight
    intrusion           share of conflicts in which the own state is read into the other (its half of mPFC > felt)
    egocentric bias     mPFC's half for the own state / that and its half for the other's, over all conflicts
    misread             share of conflicts in which the other's state is not the one that mPFC holds more of
    AUROC               own against other's pain in conflicts, by the insula

A conflict is own pain beside a calm other, or own calm beside another in pain. Bounds: confusion < 5 %, empathic
response > 0.8 (the requirement on a self-other gate); chance is 50 % for all rates, 0.5 for AUROC and bias.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from bisnn.experiments import measures, trials
from bisnn.experiments.base import SUBJECT, Condition, Experiment, Settings, expected, select
from bisnn.experiments.figures.self_other import FIGURES
from bisnn.experiments.measures import Columns
from bisnn.experiments.ranges import Numbers
from bisnn.experiments.tables import interval, number, p_value
from bisnn.experiments.tasks.self_other import Design, session, targets
from bisnn.experiments.tasks.self_other_scores import MEASURES, PRIMARY, levels, values
from bisnn.interventions import LARGEST_GAIN, Ablation

GROWN = 1e-6
"""Just after development."""


class SelfOther(Settings):
    """Configuration of self-other."""

    episodes: int = Field(default=10, ge=1, le=1000)
    """Trials of every case, intensity and noise for each individual (half as many at every gain of the gate)."""
    intensities: Numbers = Field(default=(0.25, 0.5, 0.75, 1.0), min_length=1)
    """Intensities of pain, own and other's, above 0 and up to 1."""
    noise: Numbers = Field(default=(1.0, 0.0, 2.0), min_length=1)
    """Noise of the other's face, in units of that in the dilemma; the measures are taken at the first."""
    gains: Numbers = Field(
        default=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.25, 1.3, 1.35, 1.4, 1.5, 1.75, 2.0), min_length=1
    )
    """Gains of the outputs of TPJ, from 0 (the gate is open) over 1 (as it is) up."""
    visits: int = Field(default=5, ge=0, le=100)
    """Visits to the room of self-pain in development."""
    felt: float = Field(default=0.025, ge=0.0, lt=1.0)
    """Firing above which a feeling counts, spikes per tick and cell; the altruist's threshold of distress."""

    @field_validator("intensities")
    @classmethod
    def _painful(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        return _within(value, 0.0, 1.0, "an intensity of pain lies above 0 and reaches up to 1", above=True)

    @field_validator("noise")
    @classmethod
    def _noisy(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        return _within(value, 0.0, 10.0, "noise lies between 0 and 10 times that of the dilemma")

    @field_validator("gains")
    @classmethod
    def _gained(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        return _within(value, 0.0, LARGEST_GAIN, f"a gain of the gate lies between 0 and {LARGEST_GAIN:g}")


def _within(values: tuple[float, ...], low: float, high: float, text: str, above: bool = False) -> tuple[float, ...]:
    for value in values:
        if not low <= value <= high or (above and value == low):  # not: also what is no number
            raise ValueError(f"{text}; not {value:g}")
    return values


CONDITIONS = (
    Condition(name="intact", agent=SUBJECT),
    Condition(
        name="contagion",
        agent=SUBJECT,
        ablation=Ablation(
            name="contagion",
            silence=("tpj",),
            expect="The gate is open: the other's pain is felt as own, own feelings are read into the other.",
        ),
    ),
    Condition(
        name="detached",
        agent=SUBJECT,
        ablation=Ablation(
            name="detached",
            clamp={"tpj": 1.0},
            since=GROWN,
            expect="The gate is shut once it has grown up: own pain is felt, the other's is neither felt nor read.",
        ),
    ),
    Condition(
        name="no_decoupling",
        agent=SUBJECT,
        ablation=Ablation(
            name="no_decoupling",
            silence=("smg",),
            expect="SMG is silent: own and other's pain stay apart, but own feelings are read into the other.",
        ),
    ),
    Condition(
        name="no_own_experience",
        agent=SUBJECT,
        ablation=Ablation(
            name="no_own_experience",
            expect="Felt nothing while it grew up: feels own pain now, the other's moves nothing and is not read.",
        ),
        traits={"experience": 0.0},
    ),
    Condition(
        name="no_mirror",
        agent=SUBJECT,
        ablation=Ablation(
            name="no_mirror",
            cut=("perception->ifg",),
            expect="Mirror cells see nothing: no confusion and no empathy; the other's state is not read.",
        ),
    ),
)
"""The arms, and what each should show, written before the run."""

CHANCE = {"confusion": 0.5, "intrusion": 0.5, "egocentric_bias": 0.5, "misread": 0.5, "auroc": 0.5}
BOUNDS = {"confusion": [None, 0.05], "confusion_size": [None, 0.05], "empathic_response": [0.8, None]}


def conditions(settings: SelfOther) -> tuple[Condition, ...]:
    """The arms that the settings name."""
    return select(CONDITIONS, settings)


def design(settings: SelfOther) -> Design:
    """The trials of the settings."""
    return Design(settings.episodes, settings.intensities, settings.noise, settings.gains)


def analyse(episodes: Columns, settings: SelfOther) -> dict[str, Any]:
    """The measures of every arm and against intact; at the head those of intact, or of the first lesion asked for."""
    plan = design(settings)
    found = measures.judge(values(episodes, plan), PRIMARY)
    arm = trials.shown(settings)
    head = {name: found["arms"][arm][name]["mean"] for name in PRIMARY}
    return {
        **head,
        "gate": levels(episodes, plan, arm, "gain"),
        "noise": levels(episodes, plan, arm, "noise"),
        "shown": arm,
        **found,
        "chance": CHANCE,
        "bounds": BOUNDS,
        "expected": expected(conditions(settings)),
    }


def table(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Arms with confusion, empathic response, intrusion, reading of the other and AUROC."""
    header = ["arm", "confusion", "empathic response [95 %]", "intrusion", "misread", "AUROC", "least p of 4 (Holm)"]
    rows = []
    for arm, found in summary["arms"].items():
        against = summary["comparisons"].get(arm, {})
        least = [one["p_holm"] for name, one in against.items() if name in PRIMARY and one["p_holm"] is not None]
        rows.append(
            [
                arm,
                number(found["confusion"]["mean"], 3),
                interval(found["empathic_response"]),
                number(found["intrusion"]["mean"], 3),
                number(found["misread"]["mean"], 3),
                number(found["auroc"]["mean"], 3),
                p_value(min(least)) if least else "",
            ]
        )
    return header, rows


EXPERIMENT = Experiment(
    name="self-other",
    question="Is another's pain shared without being taken for own pain, and own feeling not read into the other?",
    reference="doi:10.1523/JNEUROSCI.1488-13.2013; doi:10.1098/rstb.2015.0077; doi:10.1016/j.tics.2006.08.008",
    settings=SelfOther,
    conditions=conditions,
    trials=session,
    targets=lambda settings: targets(settings.backend),
    measures=MEASURES,
    analyse=analyse,
    figures=FIGURES,
    table=table,
)
