"""The self from the inside: a body walks, is pushed, is hurt, and meets itself and another in a mirror."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bisnn.experiments.base import Condition, Experiment, Settings, expected, subjects
from bisnn.experiments.figures.bodily_self import FIGURES
from bisnn.experiments.measures import Measure, judge, table
from bisnn.experiments.scores import auroc, mean_among
from bisnn.experiments.tables import interval, p_value
from bisnn.experiments.tasks.bodily_self import (
    INJURED,
    OTHER_IMAGE,
    OWN_IMAGE,
    PUSHED,
    SESSION,
    WALK,
    Systems,
    lived,
)
from bisnn.experiments.trials import Batch, Found, shown
from bisnn.interventions import INTACT, Ablation, Targets
from bisnn.systems.agency import Agency
from bisnn.systems.body import Body
from bisnn.systems.ownership import Ownership

Floats = NDArray[np.float64]


class BodilySelf(Settings):
    """Configuration of bodily-self."""

    episodes: int = Field(default=240, ge=5 * len(SESSION), le=8 * 1000)
    """Steps of the session, of which every phase takes an eighth."""
    size: int = Field(default=9, ge=5, le=99)
    """Columns and rows of the room."""
    severity: int = Field(default=1, ge=1, le=3)
    """Severity of the injury, 1 to 3: moves the other way, by 1, 2 or 3 cells. A healthy step is one cell, so that from
    2 on the size of the movement tells injury from health without any prediction."""
    motor_noise: float = Field(default=0.05, ge=0.0, le=1.0)
    """Probability that another movement than the intended one slips in."""
    tau: float = Field(default=4.0, ge=1.0, le=1000.0, allow_inf_nan=False)
    """Time constant of agency, steps."""
    memory: float = Field(default=0.85, gt=0.0, lt=1.0)
    """What is left of the evidence of ownership after a step."""


ARMS = (
    INTACT,
    Ablation(
        name="no_efference",
        silence=("command",),
        expect="Own movement surprises as a push does: no agency, pain in health as in an injury of severity 1, and no "
        "image is its own.",
    ),
    Ablation(
        name="not_babbled",
        freeze=("command->prediction",),
        expect="Never learned its body, predicts nothing: as without efference copy.",
    ),
    Ablation(
        name="no_pain",
        silence=("pain",),
        expect="Injured without pain; agency and ownership as intact.",
    ),
    Ablation(
        name="shuffled_image",
        shuffle=("image",),
        expect="Negative control: the image moves without relation to the body; no image is its own.",
    ),
)  # fmt: skip
"""The arms, and what each should do, written before the run."""
PRIMARY = ("agency_auroc", "pain_auroc", "ownership_auroc")
"""The first family of tests."""
MEASURES: Mapping[str, Measure] = {}
"""Nothing can be read from the rows without their phase."""
CHANCE = {"agency_auroc": 0.5, "pain_auroc": 0.5, "ownership_auroc": 0.5}
"""Levels without any knowledge. Of pain without a prediction it is that of severity 1."""
EXPECTED_OTHER = 0.25 * 1.0 - 0.75 * 2.0
"""Ownership of another's image in the long run: one of four movements matches, the others mismatch twice."""


BEST_STEP = 0.75 + 0.25 / 2
"""Largest AUROC of the evidence of one movement: another's coincides with the own one in one of four."""


def conditions(settings: BodilySelf) -> tuple[Condition, ...]:
    """The arms that the settings name."""
    return subjects(ARMS, settings)


def systems(settings: BodilySelf) -> Systems:
    """The body of the settings."""
    body = Body(backend=settings.backend)
    return Systems(
        body=body,
        agency=Agency(tau=settings.tau),
        ownership=Ownership(
            units=4 * body.side, per_cell=body.per_cell, memory=settings.memory, backend=settings.backend
        ),
    )


def targets(settings: BodilySelf) -> Targets:
    """What ablations can name."""
    found = systems(settings)
    return Targets.of((found.body.circuit, found.ownership.circuit), senses=("image",))


def trials(batch: Batch) -> Found:
    """The session of the individuals of a batch."""
    return lived(batch, systems(batch.settings))


def _told(values: Floats, positive: Floats, negative: Floats) -> Floats:
    """AUROC of `values` for positive against negative steps, `[seeds]`; the other steps are left out."""
    return auroc(np.where(positive + negative > 0, values, np.nan), positive)


def _late(phase: Floats, number: int) -> Floats:
    """The second halves of the stretches of a phase, `[seeds, steps]`: where what came before is forgotten."""
    steps = phase.shape[-1]
    position = np.arange(steps) * len(SESSION) % steps
    late: Floats = ((phase == number) & (2 * position >= steps)).astype(np.float64)
    return late


def scores(rows: Mapping[str, Floats]) -> dict[str, Floats]:
    """The measures of one arm, `[seeds]` each, from its columns `[seeds, steps]`.

    AUROC is that of the evidence of single steps, which knows nothing of the order of the phases; levels, and how often
    an image is accepted as the own one (E > 0), are means over the second half of each phase.
    """
    phase = rows["phase"]
    moved, seen = ((rows[name] > 0).astype(np.float64) for name in ("moved", "seen"))
    own, push, hurt = ((phase == number) * moved for number in (WALK, PUSHED, INJURED))
    mine, other = ((phase == number) * seen for number in (OWN_IMAGE, OTHER_IMAGE))
    pain, errors = rows["pain"], rows["felt"] + rows["missing"]
    return {
        "agency_auroc": _told(rows["evidence"], own, push),
        "agency_own": mean_among(rows["agency"], _late(phase, WALK)),
        "agency_pushed": mean_among(rows["agency"], _late(phase, PUSHED)),
        "pain_auroc": _told(pain, hurt, own),
        "pain_injured": mean_among(pain, hurt),
        "pain_healthy": mean_among(pain, own),
        "pain_pushed": mean_among(pain, push),
        "errors_healthy": mean_among(errors, own),
        "errors_pushed": mean_among(errors, push),
        "errors_injured": mean_among(errors, hurt),
        "ownership_auroc": _told(rows["match"] - rows["mismatch"], mine, other),
        "ownership_own": mean_among(rows["ownership"], _late(phase, OWN_IMAGE)),
        "ownership_other": mean_among(rows["ownership"], _late(phase, OTHER_IMAGE)),
        "accepted_own": mean_among((rows["ownership"] > 0).astype(np.float64), _late(phase, OWN_IMAGE)),
        "accepted_other": mean_among((rows["ownership"] > 0).astype(np.float64), _late(phase, OTHER_IMAGE)),
    }


COLUMNS = (
    "phase", "moved", "seen", "agency", "evidence", "pain", "felt", "missing", "match", "mismatch", "ownership",
)  # fmt: skip
"""Columns of the rows that the measures read."""


def analyse(episodes: Mapping[str, Any], settings: BodilySelf) -> dict[str, Any]:
    """Measures arm by arm and against `intact`, and the phases of the arm shown."""
    tables = {name: table(episodes, name) for name in COLUMNS}
    values: dict[str, dict[str, Floats]] = {}
    for arm in tables["phase"]:
        for name, seeds in scores({column: rows[arm] for column, rows in tables.items()}).items():
            values.setdefault(name, {})[arm] = seeds
    found = judge(values, PRIMARY)
    own = found["arms"][shown(settings)]
    return {
        **found,
        "agency": {name: own[f"agency_{name}"] for name in ("own", "pushed", "auroc")},
        "pain": {name: own[f"pain_{name}"] for name in ("healthy", "injured", "pushed", "auroc")},
        "ownership": {
            **{name: own[f"ownership_{name}"] for name in ("own", "other", "auroc")},
            **{name: own[name] for name in ("accepted_own", "accepted_other")},
        },
        "best": {"ownership_auroc": BEST_STEP},
        "chance": {**CHANCE, "ownership_other": EXPECTED_OTHER},
        "expected": expected(conditions(settings)),
    }


def closing(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Arms with how well own movement, injury and own image are told."""
    header = ["arm"]
    for name in ("agency: own from pushed", "pain: injured from healthy", "ownership: own image from other's"):
        header += [f"{name}, AUROC [95 %]", "p (Holm)"]
    rows = []
    for arm, found in summary["arms"].items():
        row = [arm]
        for name in PRIMARY:
            against = summary["comparisons"].get(arm, {}).get(name)
            row += [interval(found[name]), "" if against is None else p_value(against["p_holm"])]
        rows.append(row)
    return header, rows


EXPERIMENT = Experiment(
    name="bodily-self",
    question="From the spikes of its own prediction: what did it do itself, what hurts, which image is its own?",
    reference="doi:10.3389/fnbot.2022.1025338; doi:10.1098/rstb.2000.0734; doi:10.1007/s12559-017-9505-1",
    settings=BodilySelf,
    conditions=conditions,
    trials=trials,
    targets=targets,
    measures=MEASURES,
    analyse=analyse,
    figures=FIGURES,
    table=closing,
)
