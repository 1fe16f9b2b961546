"""Did I do that harm? Counterfactual contrast of acting against doing nothing, and attribution to self, other, nature.

Every individual babbles in its own world of consequences (`tasks/consequences.py`) and learns a forward model. Then it
meets combinations of acts that never came up, all three actors doing something in each trial, with the same outcome
percept whoever caused it. Its score of self-causation is h(do a) - h(do nothing), a count of spikes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from bisnn.experiments import measures
from bisnn.experiments.base import Condition, Experiment, Settings, expected, subjects
from bisnn.experiments.figures.self_causation import FIGURES
from bisnn.experiments.measures import Measure
from bisnn.experiments.scores import mean_among
from bisnn.experiments.statistics import summarise
from bisnn.experiments.tables import interval, number, p_value
from bisnn.experiments.tasks.attribution import areas_under, trials
from bisnn.experiments.tasks.consequences import KINDS
from bisnn.experiments.trials import shown
from bisnn.interventions import INTACT, Ablation, Targets
from bisnn.systems.self_causation import ACTORS, LEARNED, SelfCausation


class SelfCausationSettings(Settings):
    """Configuration of self-causation."""

    episodes: int = Field(default=200, ge=1, le=100_000)
    """Test trials of every individual."""
    training: int = Field(default=1000, ge=0, le=100_000)
    """Trials of babbling before."""
    noise: float = Field(default=0.05, ge=0.0, le=1.0, allow_inf_nan=False)
    """Probability that what the other did, and what nature did, is misread in a trial, each."""
    criterion: float = Field(default=0.5, gt=0.0, lt=1.0, allow_inf_nan=False)
    """Contrast from which the self is blamed, as a share of the largest."""


ARMS = (
    INTACT,
    Ablation(
        name="starting_state",
        expect="Compares with the world before anyone acted: blames itself for what the other or nature did (AUROC "
        "near 0.5, false blame near 1), and would hold back the other's harmless act.",
    ),
    Ablation(
        name="no_counterfactual",
        expect="Its score is harm felt while it acts (spikes of `coincidence`): AUROC near 0.5, false blame near 1, "
        "but no blame where it stood still.",
    ),
    Ablation(
        name="no_efference",
        silence=("own",),
        expect="Without efference copy acting and doing nothing are alike: AUROC 0.5, never blames itself.",
    ),
    Ablation(
        name="no_learning",
        freeze=(LEARNED,),
        expect="No forward model: AUROC 0.5, every harm is nature's.",
    ),
    Ablation(
        name="confounded",
        expect="Babbled with its acts tied to nature's: blame is shared with nature; AUROC falls.",
    ),
    Ablation(
        name="no_other_contrast",
        silence=("other_caused",),
        expect="Control lesion: AUROC as intact, harms of the other are no longer attributed to it.",
    ),
)
"""The arms, and what each should do, written before the run."""
TRAITS = {"starting_state": {"start": 1.0}, "no_counterfactual": {"coincident": 1.0}, "confounded": {"confounded": 1.0}}
"""Arms that differ in what they compare with, in what they read, or in how they babbled."""
CHANCE = {"auroc": 0.5, "accuracy": 1 / 3, "false_blame": 0.5, "missed_blame": 0.5}
"""By chance: a score without relation to the cause; a guess among three; a coin that blames the self."""
MEASURES: Mapping[str, Measure] = {
    "accuracy": Measure("correct", "single", whole=True),
    "false_blame": Measure("blamed", "innocent", whole=True),
    "missed_blame": Measure("missed", "guilty", whole=True),
    "blame_overdetermined": Measure("blamed", "shared", whole=True),
    "responsibility_overdetermined": Measure("responsible", "shared", whole=True),
    "blame_without_harm": Measure("blamed", "control", whole=True),
    "blame_bystander": Measure("blamed", "bystander", whole=True),
    "interference": Measure("interferes", "permitted", whole=True),
}
"""Means of rows. `single`: harm with one cause while all three act, `shared`: with several, the self among them."""
PRIMARY = ("auroc", "accuracy", "false_blame", "missed_blame")


def conditions(settings: SelfCausationSettings) -> tuple[Condition, ...]:
    """The arms that the settings name."""
    return subjects(ARMS, settings, traits=TRAITS)


def targets(settings: SelfCausationSettings) -> Targets:
    """What can be ablated."""
    return Targets.of((SelfCausation().circuit,))


def confusion(episodes: Mapping[str, Any]) -> dict[str, list[list[float | None]]]:
    """Share of answers (self, other, nature) to every kind of harm, arm -> kinds x answers, over all seeds."""
    kinds, answers = measures.table(episodes, "kind"), measures.table(episodes, "answer")
    found: dict[str, list[list[float | None]]] = {}
    for arm, kind in kinds.items():
        rows = [answers[arm][kind == k] for k, each in enumerate(KINDS) if each.harms and not each.still]
        found[arm] = [[float((row == a).mean()) if row.size else None for a in range(3)] for row in rows]
    return found


def overdetermined(episodes: Mapping[str, Any], arm: str) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """Harms with several sufficient causes: the but-for contrast and the responsibility of each actor, and the degree
    that Chockler and Halpern give to an actor among k causes, 1/k."""
    kind = measures.table(episodes, "kind")[arm]
    found: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
    for k, each in enumerate(KINDS):
        if each.harms.bit_count() < 2:
            continue
        found[each.name] = {}
        for actor, name in enumerate(ACTORS):
            due = 1.0 / each.harms.bit_count() if each.harms >> actor & 1 else 0.0
            found[each.name][name] = {
                what: summarise(mean_among(measures.table(episodes, f"{name}_{what}")[arm], kind == k))
                for what in ("contrast", "responsibility")
            }
            found[each.name][name]["due"] = {"responsibility": due}
    return found


def analyse(episodes: Mapping[str, Any], settings: SelfCausationSettings) -> dict[str, Any]:
    """Measures over all test trials, arm by arm and against `intact`; those of the arm in view stand at the head."""
    values = {**areas_under(episodes), **{n: measures.per_seed(episodes, plan) for n, plan in MEASURES.items()}}
    found = measures.judge(values, PRIMARY)
    arm = shown(settings)
    confused = confusion(episodes)
    return {
        **{name: found["arms"][arm][name] for name in values},
        "arm": arm,
        "confusion": {
            "true": [each.name for each in KINDS if each.harms and not each.still],
            "answer": list(ACTORS),
            "share": confused[arm],
        },
        "confusions": confused,
        "overdetermined": overdetermined(episodes, arm),
        **found,
        "chance": CHANCE,
        "expected": expected(conditions(settings)),
    }


def table(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Arms with their AUROC, accuracy, blame and interference."""
    header = ["arm", "AUROC [95 %]", "accuracy", "false blame", "missed blame", "interference", "p (Holm, AUROC)"]
    rows = []
    for arm, found in summary["arms"].items():
        against = summary["comparisons"].get(arm, {}).get("auroc")
        shares = (number(found[name]["mean"]) for name in ("accuracy", "false_blame", "missed_blame", "interference"))
        rows.append([arm, interval(found["auroc"]), *shares, "" if against is None else p_value(against["p_holm"])])
    chance = [number(CHANCE[name]) for name in PRIMARY]
    return header, [*rows, ["(chance)", *chance, "", ""]]


EXPERIMENT = Experiment(
    name="self-causation",
    question="Does the agent know its own harms from those of others and of nature, by what would have come anyway?",
    reference="arXiv:1806.01186; doi:10.1016/S0893-6080(96)00035-4; doi:10.1093/bjps/axi147; doi:10.1613/jair.1391",
    settings=SelfCausationSettings,
    conditions=conditions,
    trials=trials,
    targets=targets,
    measures=MEASURES,
    analyse=analyse,
    figures=FIGURES,
    table=table,
)
