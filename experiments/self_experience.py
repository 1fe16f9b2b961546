"""Does one know what a trap is worth to another from one's own traps alone? Value read from an episodic store.

Operational definition. An individual lives through rounds of own experiences (a trap that hurts, something harmless,
passing by a trap) and stores them. Then it sees another and, with its body well and nothing learned meanwhile, reads a
value from the store: minus the share of cost cells that fire. `rescue` is the share of others in a trap for whom its
rescue cells outvote its `advance` cells. Valuation that depends on experience is all that is claimed.

Rats that have been soaked learn sooner to free a soaked cagemate than those that never were, and leave one alone that
is not in distress: Sato, Tan, Tate, Okada (2015) Anim. Cogn. 18:1039, doi:10.1007/s10071-015-0872-2.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, field_validator

from bisnn.experiments import measures, scores, statistics
from bisnn.experiments.base import Condition, Experiment, Settings, expected, subjects
from bisnn.experiments.figures.self_experience import FIGURES
from bisnn.experiments.measures import Measure
from bisnn.experiments.ranges import numbers
from bisnn.experiments.tables import interval, number, p_value
from bisnn.experiments.tasks.self_experience import COST, KINDS, SHOWN, TRAP, Lives, Look
from bisnn.experiments.trials import Batch, Found, shown
from bisnn.interventions import INTACT, Ablation, Targets
from bisnn.systems.self_experience import STORE, SelfExperience

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rounds = Annotated[int, Field(ge=0, le=24)]
Distance = Annotated[float, Field(ge=0.0, le=4.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class SelfExperienceSettings(Settings):
    """Configuration of self-experience."""

    episodes: int = Field(default=4, ge=1, le=1000)
    """Looks at another of each kind, for every number of experiences and every distance."""
    experiences: Annotated[tuple[Rounds, ...], BeforeValidator(numbers)] = Field(default=(0, 1, 2, 5, 20), min_length=1)
    """Numbers of own traps (and of as many own harmless situations, and of traps passed by) before the looks."""
    distances: Annotated[tuple[Distance, ...], BeforeValidator(numbers)] = Field(
        default=(0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0), min_length=1
    )
    """Distances of what is seen from what was lived through, in widths of the fields."""
    cost: Annotated[tuple[Share, ...], BeforeValidator(numbers)] = Field(
        default=(0.1, 0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0), min_length=1
    )
    """Own costs of a rescue, shares of the effort cells: the usual one, then those also tried at the nearest trap."""

    @field_validator("experiences")
    @classmethod
    def _some(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not max(value):
            raise ValueError("0 alone stores nothing that could be read; name a number above 0 too")
        return value


ARMS = (
    INTACT,
    Ablation(
        name="wiped",
        expect="The store is emptied before the looks: no rescue, all values 0, AUROC 0.5.",
    ),
    Ablation(
        name="shuffled_outcomes",
        shuffle=("outcome",),
        expect="Outcomes shuffled among the experiences of a round: traps rescued no more than the rest, AUROC 0.5.",
    ),
    Ablation(
        name="frozen_store",
        freeze=STORE,
        expect="The same life, and nothing is stored: no rescue, AUROC 0.5.",
    ),
    Ablation(
        name="no_recall",
        cut=("episode->cost",),
        expect="Episodes are found and their cost cannot be called up: no rescue, AUROC 0.5.",
    ),
    Ablation(
        name="painless",
        drive={"pain": 0.0},
        expect="It was in the same traps and felt nothing: to know the situation is not enough, no rescue, AUROC 0.5.",
    ),
    Ablation(
        name="harmless_only",
        expect="As many experiences, all of them harmless: no rescue, AUROC 0.5.",
    ),
)
"""The arms, and what each should do, written before the run."""
CONTROLS = (
    Ablation(
        name="no_cost_cells",
        silence=("cost",),
        expect="The 20 cost cells are silenced: no rescue, AUROC 0.5.",
    ),
    Ablation(
        name="random_episode_cells",
        silence_random=20,
        spare=tuple(area for area in SHOWN if area != "episode"),
        expect="As many random cells of the store are silenced: others take their part, rescues as the intact.",
    ),
)
"""Further arms, run when they are named: a lesion of what mediates rescue, and a control of the same size."""
TRAITS: Mapping[str, Mapping[str, float]] = {"wiped": {"wiped": 1.0}, "harmless_only": {"harmless": 1.0}}
"""Arms that differ by their life or their store."""
PRIMARY = ("rescue", "auroc")
"""Measures of the first family of tests."""
MEASURES: Mapping[str, Measure] = {
    "rescue": Measure("rescued", among="near_trap", whole=True),
    "naive_rescue": Measure("rescued", among="naive_trap", whole=True),
    "false_rescue": Measure("rescued", among="near_harmless", whole=True),
    "passing_rescue": Measure("rescued", among="near_passing", whole=True),
    "value": Measure("value", among="near_trap", whole=True),
    "cost_error": Measure("cost_error", among="near_trap", whole=True),
    "outcome_right": Measure("outcome_right", among="near", whole=True),
}
"""What can be read from the rows alone: at the nearest distance and the usual cost, after most experiences (`naive`:
after none)."""


def looks(settings: SelfExperienceSettings) -> tuple[Look, ...]:
    """The trials of every individual, in order."""
    usual, nearest, most = settings.cost[0], min(settings.distances), max(settings.experiences)
    grid = [
        Look(n, distance, kind, usual)
        for n in settings.experiences
        for distance in settings.distances
        for kind in range(len(KINDS))
    ]
    grid += [Look(most, nearest, TRAP, cost) for cost in settings.cost[1:]]
    return tuple(look for look in grid for _ in range(settings.episodes))


def where(settings: SelfExperienceSettings, **wanted: float) -> Mask:
    """The looks that are as wanted, `[trials]`."""
    return np.array([all(getattr(look, name) == value for name, value in wanted.items()) for look in looks(settings)])


def near(settings: SelfExperienceSettings, experiences: int) -> Mask:
    """The looks at the nearest distance and the usual cost after so many experiences, `[trials]`."""
    return where(settings, experiences=experiences, distance=min(settings.distances), cost=settings.cost[0])


def conditions(settings: SelfExperienceSettings) -> tuple[Condition, ...]:
    """The arms that the settings name."""
    return subjects((*ARMS, *CONTROLS), settings, len(ARMS), TRAITS)


def system(settings: SelfExperienceSettings) -> SelfExperience:
    """The circuit."""
    return SelfExperience(backend=settings.backend)


def targets(settings: SelfExperienceSettings) -> Targets:
    """What ablations can name."""
    return Targets.of((system(settings).circuit,), senses=("outcome",))


def trials(batch: Batch) -> Found:
    """All trials of the individuals of a batch."""
    settings: SelfExperienceSettings = batch.settings
    lives = Lives(batch, system(settings), looks(settings))
    rows = lives.seen()
    kind = rows["kind"]
    close = torch.from_numpy(near(settings, max(settings.experiences))).to(kind.device)
    naive = torch.from_numpy(near(settings, 0)).to(kind.device)
    rows |= {f"near_{name}": close & (kind == index) for index, name in enumerate(KINDS)}
    rows["near"] = close.expand(kind.shape)
    rows["naive_trap"] = naive & (kind == TRAP)
    return Found(rows, lives.kept(), {"order": lives.order[batch.recorded]})


def over(settings: SelfExperienceSettings, of: Callable[[Mask], Floats]) -> list[dict[str, Any]]:
    """A quantity of the looks at every number of experiences and every distance, at the usual cost: `of` takes the
    looks `[trials]` and gives a value for every seed."""
    return [
        {"experiences": n, "distance": distance}
        | statistics.summarise(of(where(settings, experiences=n, distance=distance, cost=settings.cost[0])))
        for n in settings.experiences
        for distance in settings.distances
    ]


def discriminated(value: Floats, trap: Mask) -> Floats:
    """AUROC of the read values `[seeds, looks]` for traps against all else, `[seeds]`; low values speak for a trap."""
    return scores.auroc(-value, np.broadcast_to(trap, value.shape))


def by_cost(rescued: Floats, settings: SelfExperienceSettings) -> dict[str, Any]:
    """Rescue by own cost at the nearest trap after most experiences, and the cost at which it has fallen by half."""
    same = {"experiences": max(settings.experiences), "distance": min(settings.distances), "kind": TRAP}
    costs = sorted(settings.cost)
    rates = np.stack([rescued[:, where(settings, **same, cost=cost)].mean(-1) for cost in costs])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # with three costs the fit is exact, and has no covariance to estimate
        fit = statistics.psychometric([-cost for cost in costs], rates)
    value, ends = fit["value"], fit["ci95"]
    return {
        "cost": [{"cost": cost} | statistics.summarise(rate) for cost, rate in zip(costs, rates, strict=True)],
        "exchange_rate": {
            "value": None if value is None else -value,
            "ci95": None if ends is None else [-ends[1], -ends[0]],
            **({"note": fit["note"]} if "note" in fit else {}),
        },
    }


def analyse(episodes: Mapping[str, Any], settings: SelfExperienceSettings) -> dict[str, Any]:
    """Rescue by experiences, distance and own cost; AUROC of the read value; every arm against `intact`."""
    arm, trap = shown(settings), where(settings, kind=TRAP)
    value, rescued, error = (measures.table(episodes, name) for name in ("value", "rescued", "cost_error"))
    most = near(settings, max(settings.experiences))
    found = {name: measures.per_seed(episodes, plan) for name, plan in MEASURES.items()}
    found["auroc"] = {name: discriminated(seen[:, most], trap[most]) for name, seen in value.items()}
    judged = measures.judge(found, PRIMARY)
    return {
        **judged,
        "arm": arm,
        "rescue": over(settings, lambda among: rescued[arm][:, among & trap].mean(-1)),
        "false_rescue": over(settings, lambda among: rescued[arm][:, among & ~trap].mean(-1)),
        "auroc": judged["arms"][arm]["auroc"],
        "auroc_by": over(settings, lambda among: discriminated(value[arm][:, among], trap[among])),
        "cost_error": over(settings, lambda among: error[arm][:, among & trap].mean(-1)),
        **by_cost(rescued[arm], settings),
        "chance": {"rescue": 0.5, "auroc": 0.5, "cost_error": COST},
        "expected": expected(conditions(settings)),
    }


def table(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Arms with rescue, that before any experience and of what is harmless, AUROC, and rescue against intact."""
    header = [
        "arm",
        "rescue [95 %]",
        "naive",
        "harmless",
        "passing",
        "AUROC [95 %]",
        "rescue - intact [95 %]",
        "p (Holm)",
    ]
    rows = []
    for arm, found in summary["arms"].items():
        against = summary["comparisons"].get(arm, {}).get("rescue")
        rest = (number(found[name]["mean"]) for name in ("naive_rescue", "false_rescue", "passing_rescue"))
        difference = "" if against is None else interval({"mean": against["difference"], "ci95": against["ci95"]})
        p = "" if against is None else p_value(against["p_holm"])
        rows.append([arm, interval(found["rescue"]), *rest, interval(found["auroc"]), difference, p])
    return header, rows


EXPERIMENT = Experiment(
    name="self-experience",
    question="Is what another's state is worth read from own experience alone, and does rescue depend on it?",
    reference="doi:10.1146/annurev-psych-122414-033625; doi:10.1016/j.conb.2006.09.002; doi:10.1007/s10071-015-0872-2",
    settings=SelfExperienceSettings,
    conditions=conditions,
    trials=trials,
    targets=targets,
    measures=MEASURES,
    analyse=analyse,
    figures=FIGURES,
    table=table,
)
