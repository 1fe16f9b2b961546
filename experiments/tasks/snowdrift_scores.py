"""What the snowdrift experiment measures, arm by arm, from its rows alone: one value for every seed.

All are taken over the last 30 % of the episodes, in which nothing is explored; ties over the whole life.

    clean_rate = drifts cleaned / steps on a drift            of all members, of one, or while k others were cold
    gap = return of the first member - mean return of the others
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from bisnn.agents.dilemmas.snowdrift import Snowdrift
from bisnn.agents.dilemmas.snowdrift_facts import dominant, equilibrium
from bisnn.experiments.measures import judge, table, window
from bisnn.experiments.statistics import Floats, spearman, summarise
from bisnn.experiments.tasks.snowdrift import MEMBERS, beside

GRID = (0.0, 0.1, 0.25, 0.5, 1.0, 1.5, 3.0)
"""Lambda of groups that are all alike."""
PRIMARY = ("cleared", "clean_rate", "return")
"""Measures of the first family of tests."""
SHOWN = ("return", "cleaned", "met")
ONCE = ("one_shot", "one_shot_empathic")
"""Arms of one-shot games."""
BESIDE = 10
"""Episodes that chance and the best cleaners play."""


def arm_of(level: float) -> str:
    """The arm of groups of lambda `level`."""
    return {0.0: "selfish", 1.5: "intact"}.get(level, f"lambda_{level:g}".replace(".", ""))


def columns(episodes: Mapping[str, Any]) -> dict[str, dict[str, Floats]]:
    """Column -> arm -> `[seeds, episodes]`."""
    names = [f"{what}_{i}" for what in SHOWN for i in range(MEMBERS)]
    names += [f"{what}_by_{k}_cold" for what in ("cleaned", "met") for k in range(MEMBERS)]
    return {name: table(episodes, name) for name in (*names, "cleared", "tie_rate", "margin")}


def _share(part: Floats, whole: Floats) -> Floats:
    """Sum over sum along the episodes; NaN where there is nothing."""
    total, count = part.sum(-1), whole.sum(-1)
    return np.asarray(np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0))


def per_seed(found: Mapping[str, Mapping[str, Floats]], arm: str, last: int | None = None) -> dict[str, Floats]:
    """Every measure of an arm, `[seeds]`, over its last episodes (by default those that close a run)."""
    length = found["cleared"][arm].shape[-1]
    end = slice(length - (window(length) if last is None else last), None)
    rows = {name: by_arm[arm][:, end] for name, by_arm in found.items()}
    returns = [rows[f"return_{i}"].mean(-1) for i in range(MEMBERS)]
    others = range(1, MEMBERS)
    values = {
        "cleared": rows["cleared"].mean(-1),
        "clean_rate": _share(_sum(rows, "cleaned", range(MEMBERS)), _sum(rows, "met", range(MEMBERS))),
        "return": np.mean(returns, axis=0),
        "gap": returns[0] - np.mean(returns[1:], axis=0),
        "first_return": returns[0],
        "others_return": np.mean(returns[1:], axis=0),
        "first_rate": _share(rows["cleaned_0"], rows["met_0"]),
        "others_rate": _share(_sum(rows, "cleaned", others), _sum(rows, "met", others)),
        "ties": found["tie_rate"][arm].mean(-1),
        "margin": found["margin"][arm].mean(-1),
    }
    for k in range(MEMBERS):
        values[f"rate_{k}_cold"] = _share(rows[f"cleaned_by_{k}_cold"], rows[f"met_by_{k}_cold"])
    return values


def _sum(rows: Mapping[str, Floats], what: str, members: Sequence[int]) -> Floats:
    return np.asarray(np.sum([rows[f"{what}_{i}"] for i in members], axis=0))


def analyse_columns(
    episodes: Mapping[str, Any], names: Sequence[str], dilemma: Snowdrift, seeds: int
) -> dict[str, Any]:
    """The summary, but for what was expected."""
    found = columns(episodes)
    by_arm = {arm: per_seed(found, arm) for arm in names}
    measures = list(next(iter(by_arm.values())))
    values = {name: {arm: by_arm[arm][name] for arm in names} for name in measures}
    judged = judge(values, PRIMARY)
    played = beside(dilemma, torch.arange(seeds), BESIDE)
    around = {name.replace(" ", "_"): summarise(cleared.double().numpy()) for name, cleared in played.items()}
    chance = 1.0 / len(dilemma.actions)
    return {
        **judged,
        **_doses(judged["arms"]),
        "free_riding": {arm: judged["arms"][arm]["gap"] for arm in ("selfish_alone", "altruist_alone") if arm in names},
        "partners": _partners(judged["arms"]),
        "one_shot": _once(judged["arms"], dilemma),
        "ties": summarise(np.concatenate([by_arm[arm]["ties"] for arm in names])),
        "beside": {"cleared": around, "dominant": {f"{k}_relieved": dominant(k) for k in (1, 2)}},
        "chance": {"cleared": around["random"]["mean"], "clean_rate": chance, "one_shot": chance},
    }


def _doses(arms: Mapping[str, Any]) -> dict[str, Any]:
    """The groups that are all alike, by lambda, and how cleaning rises with it."""
    levels = [level for level in GRID if arm_of(level) in arms]
    shown = ("cleared", "clean_rate", "return", *(f"rate_{k}_cold" for k in range(MEMBERS)))
    dose = [{"lambda": level, **{name: arms[arm_of(level)][name] for name in shown}} for level in levels]
    means = {name: [arms[arm_of(level)][name]["mean"] for level in levels] for name in ("cleared", "clean_rate")}
    rho = {
        name: spearman(levels, [float("nan") if mean is None else mean for mean in row]) for name, row in means.items()
    }
    return {"dose": dose, "rho": rho}


def _partners(arms: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One member of a fixed lambda, by that of its partners."""
    cast = {0.0: "partners_0", 0.25: "lambda_025", 1.5: "partners_15"}
    shown = ("first_rate", "first_return", "others_rate", "others_return")
    return [
        {"partners": level, **{name: arms[arm][name] for name in shown}} for level, arm in cast.items() if arm in arms
    ]


def _once(arms: Mapping[str, Any], dilemma: Snowdrift) -> dict[str, Any]:
    """Cleaning in one-shot games, and the equilibrium."""
    result = {}
    for arm, strength in zip(ONCE, (0.0, 1.0), strict=True):
        if arm not in arms:
            continue
        relief = strength * dilemma.benefit
        theory = equilibrium(dilemma.members, dilemma.benefit, dilemma.cost, relief)
        rate = arms[arm]["clean_rate"]
        low, high = rate["ci95"] if rate["ci95"] else (float("nan"), float("nan"))
        result[arm] = {"lambda": strength, "rate": rate, "equilibrium": theory, "within": bool(low <= theory <= high)}
    return result
