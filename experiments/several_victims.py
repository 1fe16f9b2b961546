"""Whom does it save? Two victims of different need, distance and group, and time for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from bisnn.agents.development import Nursery
from bisnn.agents.dilemmas.rescue_several import RescueSeveral
from bisnn.agents.triage import ACTOR, Triage
from bisnn.agents.triage_q import TriageQ
from bisnn.experiments.base import Condition, Experiment, Settings, expected, subjects
from bisnn.experiments.figures.several_victims import FIGURES
from bisnn.experiments.measures import Measure, judge
from bisnn.experiments.statistics import summarise
from bisnn.experiments.tables import interval, number
from bisnn.experiments.tasks.several_victims import LOTTERY, NEAREST, NEEDIEST, RANDOM, TABULAR, Plan, lived
from bisnn.experiments.tasks.several_victims_scores import differing, equivalence, scores, tables
from bisnn.experiments.trials import Batch, Found
from bisnn.interventions import INTACT, Ablation, Targets
from bisnn.systems.moral_learning import MoralLearning

BOUND = 0.1
"""Equivalence bound of a gap between the groups, in rates."""


class SeveralVictims(Settings):
    """Configuration of several-victims."""

    seeds: int = Field(default=10, ge=1, le=100_000)
    """Individuals per arm: seeds 0, 1, ..."""
    episodes: int = Field(default=800, ge=4, le=1_000_000)
    """Episodes of every individual's life; the last 30 % are the test."""
    gain: float = Field(default=18.0, ge=0.0, le=1000.0, allow_inf_nan=False)
    """Empathy strength lambda."""
    bias: float = Field(default=0.8, ge=0.0, le=1.0)
    """How much less empathy the biased arm has with the second group."""


ARMS = (
    INTACT,
    Ablation(
        name="swapped_marks",
        expect="Sees the marks of the groups swapped: saves the same victims as the intact one, every time.",
    ),
    Ablation(
        name="no_grading",
        expect="Affect is all or none: need does not count, the nearer one is saved.",
    ),
    Ablation(
        name="biased",
        expect="Less empathy with the second group: at equal need it saves the first, a gap beyond the bound.",
    ),
    Ablation(
        name="no_mirror",
        cut=("perception->ifg",),
        expect="No vicarious distress: reaches for nobody, saves nobody.",
    ),
    Ablation(
        name="selfish",
        release={"relief": 0.0},
        expect="Lambda 0: saves only whom it happens to pass, takes the shortest way to its goal.",
    ),
    Ablation(name="tabular_q", expect="Baseline without neurons, the same attention: as the intact one, or less."),
    Ablation(name="random", expect="Chance: saves few, each with the same odds."),
    Ablation(name="nearest", expect="Knows the world and minds the way alone: need does not count."),
    Ablation(name="neediest", expect="Oracle: spares the most pain that can be spared."),
    Ablation(name="lottery", expect="Fair reference: need first, a lot among equals; no gap."),
)
"""The arms, and what each should do, written before the run."""
TRAITS: Mapping[str, Mapping[str, float]] = {
    "swapped_marks": {"swap": 1.0},
    "no_grading": {"grading": 0.0},
    "tabular_q": {"policy": TABULAR},
    "random": {"policy": RANDOM},
    "nearest": {"policy": NEAREST},
    "neediest": {"policy": NEEDIEST},
    "lottery": {"policy": LOTTERY},
}
"""Arms that differ by what they see, how they feel, or who acts."""
PRIMARY = ("neediest", "spared", "adjusted_gap")
"""Measures of the first family of tests."""
MEASURES: Mapping[str, Measure] = {
    "help_rate": Measure("helped", among="testing", whole=True),
    "return_external": Measure("return_external", among="testing", whole=True),
}
"""What can be read from the rows alone."""


def conditions(settings: SeveralVictims) -> tuple[Condition, ...]:
    """The arms that the settings name."""
    return subjects(ARMS, settings, traits={**TRAITS, "biased": {"bias": settings.bias}})


def dilemma() -> RescueSeveral:
    """Two victims, time for one; switches in opposite corners, the goal in a third; the helper begins on the diagonal
    between the switches or beside it, two to six steps from either."""
    return RescueSeveral(begins=((7, 1), (8, 1), (8, 2), (9, 2), (9, 3)))


def routes(world: RescueSeveral) -> tuple[tuple[int, ...], ...]:
    """The ways that learners know: to the goal, and to each switch."""
    table = world.ways("cpu")
    return (tuple(table.homewards.tolist()), *(tuple(way.tolist()) for way in table.towards.unbind(-1)))


def plan(settings: SeveralVictims) -> Plan:
    """The world, and who learns in it."""
    world = dilemma()
    return Plan(
        dilemma=world,
        spiking=Triage(
            episodes=settings.episodes,
            gain=settings.gain,
            moral=MoralLearning(**ACTOR),
            routes=routes(world),
            backend=settings.backend,
        ),
        tabular=TriageQ(episodes=settings.episodes, dose=settings.gain, routes=routes(world)),
        nursery=Nursery(),
        episodes=settings.episodes,
    )


def targets(settings: SeveralVictims) -> Targets:
    """What ablations can name."""
    return plan(settings).spiking.targets


def trials(batch: Batch) -> Found:
    """All episodes of the individuals of a batch."""
    return lived(batch, plan(batch.settings))


def analyse(episodes: Mapping[str, Any], settings: SeveralVictims) -> dict[str, Any]:
    """Measures arm by arm and against `intact`; fairness with its bound; whether the marks mattered."""
    by_arm, world = tables(episodes), dilemma()
    each = {arm: scores(rows, world.horizon) for arm, rows in by_arm.items()}
    names = each["intact"]
    found = judge({name: {arm: values[name] for arm, values in each.items()} for name in names}, PRIMARY)
    arms = found["arms"]
    apart = {}
    if "swapped_marks" in by_arm:
        apart["swapped_marks"] = summarise(differing(by_arm["intact"], by_arm["swapped_marks"]))
    return {
        **found,
        "fairness": {
            arm: {gap: equivalence(rows[gap], BOUND) for gap in ("equal_need_gap", "adjusted_gap", "parity_gap")}
            for arm, rows in arms.items()
        },
        "different_when_swapped": apart,
        "chance": {
            "neediest_of_helped": 0.5,
            "adjusted_gap": 0.0,
            **{name: arms["random"][name]["mean"] for name in ("neediest", "spared") if "random" in arms},
        },
        "payoff": vars(world.payoff()),
        "expected": expected(conditions(settings)),
    }


def table(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Arms with whom they save, the pain spared, the weights of the choice and the gap between the groups."""
    header = ["arm", "helps", "neediest saved [95 %]", "pain spared [95 %]", "w need", "w distance", "w group"]
    header += ["adjusted gap [95 %]", "within ±0.1", "return"]
    rows = []
    for arm, found in summary["arms"].items():
        weight = (number(found[f"{name}_weight"]["mean"]) for name in ("need", "distance", "group"))
        rows.append(
            [
                arm,
                number(found["help_rate"]["mean"]),
                interval(found["neediest"]),
                interval(found["spared"]),
                *weight,
                interval(found["adjusted_gap"]),
                {True: "yes", False: "no", None: "–"}[summary["fairness"][arm]["adjusted_gap"]["equivalent"]],
                number(found["return_external"]["mean"]),
            ]
        )
    return header, rows


EXPERIMENT = Experiment(
    name="several-victims",
    question="Of several who suffer, whom does it save: the neediest, the nearest, or those of its own group?",
    reference="doi:10.1109/taffc.2025.3627936; doi:10.1523/JNEUROSCI.2418-09.2009; doi:10.1111/1467-9329.00041",
    settings=SeveralVictims,
    conditions=conditions,
    trials=trials,
    targets=targets,
    measures=MEASURES,
    analyse=analyse,
    figures=FIGURES,
    table=table,
)
