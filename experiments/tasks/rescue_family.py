"""What the experiments on the family of rescues share: the planner's exchange rate, and help over a grid of costs.

A planner that sees pain k steps after the start compares two ways, step by step j = 1, 2 ... with discount gamma:

    on to the goal       sum of gamma^(j-1) (dose delta_j + r_j),   delta_j = -(1 - beta)^j
    switch, then goal    the same up to the switch (step s), where delta_s = 1 - (1 - beta)^s and the cost c is paid;
                         then delta_j = delta_s (1 - beta)^(j-s)

Both are linear in the dose, so there is one dose at which they are equal: the planned threshold.

Sutton, Barto (2018) Reinforcement Learning, 2nd ed., MIT Press; psychometric thresholds: Wichmann, Hill (2001)
doi:10.3758/BF03194544.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bisnn.agents import planning
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.experiments.base import Condition, Settings, select

Floats = NDArray[np.float64]
GAMMA, BETA = 0.9, 0.2
"""Discount per step and rate of the prediction of shared distress, of both learners."""


def planned_thresholds(dilemma: Rescue, cost: float, gamma: float = GAMMA, beta: float = BETA) -> list[float]:
    """The doses at which a planner turns to the switch, one for every opening of the fixed layout, ascending: the
    smallest of all places where a shortest way to the goal may have led by then. Infinite where no dose is enough."""
    world = dilemma.map()
    steps = planning.distances(world.next_place)
    goal, switch, start = int(world.goal), int(world.switch), int(world.start)
    found = []
    for walked in map(len, dilemma.openings):
        doses = [float("inf")]
        for place in range(len(world.next_place)):
            to_goal = int(steps[place, goal])
            if int(steps[start, place]) == walked and to_goal == int(steps[start, goal]) - walked > 0:
                ways = (to_goal, max(1, int(steps[place, switch])), int(steps[switch, goal]))
                doses.append(_equal(dilemma, cost, ways, gamma, beta))
        found.append(min(doses))
    return sorted(found)


def _equal(dilemma: Rescue, cost: float, ways: tuple[int, int, int], gamma: float, beta: float) -> float:
    """The dose at which both ways are worth the same: steps to the goal, to the switch, from there to the goal."""
    to_goal, to_switch, back = ways
    worth, felt = [], []
    for length, relief in ((to_goal, 0), (to_switch + back, to_switch)):
        step = np.arange(1, length + 1)
        eased = 1.0 - (1.0 - beta) ** relief
        delta = np.where(
            (step < relief) | (relief == 0), -((1.0 - beta) ** step), eased * (1.0 - beta) ** (step - relief)
        )
        reward = np.where(step == length, dilemma.goal_reward, -dilemma.step_cost) - cost * (step == relief)
        weight = gamma ** (step - 1)
        worth.append(float((weight * reward).sum()))
        felt.append(float((weight * delta).sum()))
    gain = felt[1] - felt[0]
    return (worth[0] - worth[1]) / gain if gain > 0 else float("inf")


def chosen(declared: Sequence[Condition], settings: Settings) -> tuple[Condition, ...]:
    """The conditions that the settings name, in the order of `declared`, with all their agents; `ablate` and `lesion`
    add further ones of the reference's agent. Raises what `select` raises."""
    first: dict[str, Condition] = {}
    for condition in declared:
        first.setdefault(condition.name, condition)
    picked = select(tuple(first.values()), settings)
    names = {condition.name for condition in picked}
    added = (condition for condition in picked if condition.name not in first)
    return (*(condition for condition in declared if condition.name in names), *added)


def crossing(cost: Floats, help_rate: Floats) -> float:
    """The smallest cost at which help has fallen to .5, `[costs]` and `[costs]` to a number by linear interpolation:
    below the least cost where nobody helps even there (minus infinity), above the largest where all do (infinity)."""
    under = np.flatnonzero(help_rate <= 0.5)
    if not under.size:
        return float("inf")
    last = int(under[0])
    if last == 0:
        return float(cost[0]) if help_rate[0] == 0.5 else float("-inf")
    high, low = help_rate[last - 1], help_rate[last]
    share = (high - 0.5) / (high - low)
    return float(cost[last - 1] + share * (cost[last] - cost[last - 1]))


def exchange_rate(cost: Floats, rates: Floats, resamples: int = 300) -> dict[str, Any]:
    """kappa*: the smallest own cost at which half help, of `[costs, seeds]`, with a percentile bootstrap interval
    over seeds. An infinite end is None: nobody helps even at the least cost, or all at the largest (`note` says which).
    """
    values = rates[:, np.isfinite(rates).all(axis=0)]
    n = int(values.shape[1])
    if not n:
        return {"value": None, "ci95": None, "n": 0, "note": "no values"}
    at = crossing(cost, values.mean(axis=1))
    rng = np.random.default_rng(20261123)
    draws = [crossing(cost, values[:, rng.integers(0, n, n)].mean(axis=1)) for _ in range(resamples)]
    low, high = (float(edge) for edge in np.quantile(draws, (0.025, 0.975), method="nearest"))
    result: dict[str, Any] = {"value": _finite(at), "ci95": [_finite(low), _finite(high)], "n": n}
    if at == float("inf"):
        result["note"] = "above the largest cost: most help at every cost"
    elif at == float("-inf"):
        result["note"] = "below the least cost: most do not help at any cost"
    return result


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def monotone(thresholds: list[dict[str, Any]]) -> bool | None:
    """Whether the threshold rises with every step of cost; None where one is undefined or there are fewer than two."""
    values = [entry["value"] for entry in thresholds]
    if len(values) < 2 or any(value is None for value in values):
        return None
    return bool(np.all(np.diff(np.array(values, dtype=np.float64)) > 0))


def slope(thresholds: list[dict[str, Any]]) -> float | None:
    """Least-squares rise of the threshold per unit of cost, or None where fewer than two are defined."""
    known = [(entry["cost"], entry["value"]) for entry in thresholds if entry["value"] is not None]
    if len(known) < 2:
        return None
    cost, value = np.array(known, dtype=np.float64).T
    return float(np.polyfit(cost, value, 1)[0])
