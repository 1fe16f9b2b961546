"""What pays in the clean-up: the best parts, the game, and how far they may lie from the best there is.

Expectations over pollution w and apples k, in float64, exact but for rounding:

    Q_t(w, k) = sum over inflow and growth of V_{t+1}(min(W, w + inflow), k')      w, k: after cleaning and eating

A plan of parts: c of n clean from step `way` to step u and then walk over to eat, the others eat throughout; the best c
and u are found among all. That is a family of plans, not all of them. Relaxed, where each may clean or eat at once
wherever it is, backward induction finds the best of all plans, which no true one can exceed: the difference is the
bound. Bellman (1957) Dynamic programming. doi:10.1515/9781400835386
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor


class Plan(NamedTuple):
    """What decides how river and orchard fare."""

    agents: int
    spots: int
    levels: int  # of pollution
    growth: float
    inflow: float
    cleaning_cost: float
    steps: int  # horizon
    way: int  # steps from the start to the river, and to the orchard
    apples: int  # at the start
    pollution: int  # at the start


class Chances(NamedTuple):
    """What happens by itself in a step."""

    grow: Tensor  # [w, k, k'] float64
    foul: Tensor  # [w, w'] float64


class Solution(NamedTuple):
    """What there is to know about a plan."""

    cleaners: int  # how many clean, so that all together eat most
    until: int  # the step from which they do so no more
    game: dict[str, float]
    altruistic: float  # return of one that cleans while nobody else does
    benefit: float  # what it brings all others together
    alone: float  # best return of one among others who never clean, cleaning or not
    bound: float  # how much more than R each might have
    future: Tensor  # [step, w, k] float64: apples each may expect, after cleaning and eating, if nobody cleans again


def chances(plan: Plan) -> Chances:
    """Growth and inflow as probabilities."""
    spots, levels = plan.spots, plan.levels
    grow = torch.zeros(levels + 1, spots + 1, spots + 1, dtype=torch.float64)
    foul = torch.zeros(levels + 1, levels + 1, dtype=torch.float64)
    sure = int(plan.inflow)
    for level in range(levels + 1):
        chance = plan.growth * (1 - level / levels)
        for apples in range(spots + 1):
            empty = spots - apples
            for new in range(empty + 1):
                grow[level, apples, apples + new] = math.comb(empty, new) * chance**new * (1 - chance) ** (empty - new)
        foul[level, min(level + sure, levels)] += 1 - (plan.inflow - sure)
        foul[level, min(level + sure + 1, levels)] += plan.inflow - sure
    return Chances(grow, foul)


def ahead(by: Chances, value: Tensor) -> Tensor:
    """Q of V: `value` `[..., w, k]` as expected before inflow and growth."""
    return by.foul @ (by.grow @ value[..., None])[..., 0]


def less(count: int, most: int) -> Tensor:
    """The numbers 0 ... `most`, less `count`, never below 0."""
    return (torch.arange(most + 1) - count).clamp(min=0)


def all_eat(plan: Plan, by: Chances) -> Tensor:
    """What each may expect from each step on where all eat and nobody cleans, float64 `[step + 1, w, k]`."""
    apples = torch.arange(plan.spots + 1)
    value = [torch.zeros(plan.levels + 1, plan.spots + 1, dtype=torch.float64)]
    for _ in range(plan.steps):
        future = ahead(by, value[-1])[:, less(plan.agents, plan.spots)]
        value.append(apples.clamp(max=plan.agents) / plan.agents + future)
    return torch.stack(value[::-1])


def walk_over(plan: Plan, by: Chances, eaters: int, last: Tensor) -> tuple[Tensor, Tensor]:
    """What an eater and one that walks from the river to the orchard may expect, float64 `[u, w, k]`, when the walk
    begins at step u = way ... horizon. `last`: `all_eat`."""
    begin = torch.arange(plan.way, plan.steps + 1)
    apples = torch.arange(plan.spots + 1)
    eater = walker = last[(begin + 2 * plan.way).clamp(max=plan.steps)]
    for step in reversed(range(2 * plan.way)):
        within = (begin + step < plan.steps)[:, None, None]
        rest = less(eaters, plan.spots)
        share = apples.clamp(max=eaters).double() / eaters
        eater = within * (share + ahead(by, eater)[..., rest])
        walker = within * ahead(by, walker)[..., rest]
    return eater, walker


def parts(plan: Plan, by: Chances, cleaners: int, last: Tensor) -> tuple[Tensor, Tensor]:
    """Return of an eater and of a cleaner, float64 `[u]`, where `cleaners` clean from step `way` to u."""
    eaters, most = plan.agents - cleaners, plan.levels
    apples = torch.arange(plan.spots + 1)
    now = torch.zeros(most + 1, plan.spots + 1, dtype=torch.float64)
    now[plan.pollution, plan.apples] = 1
    had, paid, found = 0.0, 0.0, []
    late_eater, late_walker = walk_over(plan, by, eaters, last)
    for step in range(plan.steps + 1):
        if step >= plan.way:
            u = step - plan.way
            found.append((had + (now * late_eater[u]).sum(), paid + (now * late_walker[u]).sum()))
            had = had + float(now.sum(0) @ (apples.clamp(max=eaters).double() / eaters))
            paid = paid - plan.cleaning_cost * float(now[1:].sum())
            now = torch.zeros_like(now).index_add(1, less(eaters, plan.spots), now)
            now = torch.zeros_like(now).index_add(0, less(cleaners, most), now)
        now = by.foul.T @ now
        now = (now[:, None, :] @ by.grow)[:, 0]
    eater, cleaner = (torch.stack(part) for part in zip(*found, strict=True))
    return eater, cleaner


def relaxed(plan: Plan, by: Chances) -> float:
    """The most that all together may expect, if each could clean or eat at once wherever it is."""
    apples = torch.arange(plan.spots + 1)
    dirty = (torch.arange(plan.levels + 1) > 0)[:, None]
    value = torch.zeros(plan.levels + 1, plan.spots + 1, dtype=torch.float64)
    for step in reversed(range(plan.steps)):
        future = ahead(by, value)
        if step < plan.way:
            value = future
            continue
        ways = []
        for cleaners in range(plan.agents + 1):
            eaters = plan.agents - cleaners
            later = future[less(cleaners, plan.levels)][:, less(eaters, plan.spots)]
            ways.append(apples.clamp(max=eaters) - plan.cleaning_cost * cleaners * dirty + later)
        value = torch.stack(ways).amax(0)
    return float(value[plan.pollution, plan.apples])


def best_alone(plan: Plan, by: Chances) -> float:
    """Best return of one that may go anywhere, clean and eat, while the others eat and never clean."""
    others, end = plan.agents - 1, 2 * plan.way
    apples = torch.arange(plan.spots + 1)
    dirty = (torch.arange(plan.levels + 1) > 0)[:, None]
    value = torch.zeros(end + 1, plan.levels + 1, plan.spots + 1, dtype=torch.float64)  # by its column
    for step in reversed(range(plan.steps)):
        takers = others if step >= plan.way else 0
        future = ahead(by, value)
        stay = future[..., less(takers, plan.spots)]
        best = stay.clone()
        best[1:] = torch.maximum(best[1:], stay[:-1])
        best[:-1] = torch.maximum(best[:-1], stay[1:])
        eat = (apples.double() / (takers + 1)).clamp(max=1) + future[end][:, less(takers + 1, plan.spots)]
        best[end] = torch.maximum(best[end], eat)
        clean = stay[0][less(1, plan.levels)] - plan.cleaning_cost * dirty
        best[0] = torch.maximum(best[0], clean)
        value = best
    return float(value[plan.way, plan.pollution, plan.apples])


@lru_cache(maxsize=256)
def solve(plan: Plan) -> Solution:
    """The best parts and the game of `plan`; expected values over whose part is which, inflow and growth."""
    by, n = chances(plan), plan.agents
    last = all_eat(plan, by)
    each = [parts(plan, by, count, last) for count in range(n)]
    total = torch.stack([count * each[count][1] + (n - count) * each[count][0] for count in range(1, n)])
    place = int((total >= total.max() - 1e-9).flatten().to(torch.int64).argmax())
    count, u = 1 + place // total.shape[1], place % total.shape[1]
    eats = [float(eater[u]) for eater, _ in each]
    lone = float(each[1][1][u])
    never, share = float(each[0][0][-1]), count / n
    together = float(total[count - 1, u]) / n
    return Solution(
        cleaners=count,
        until=plan.way + u,
        game={
            "T": share * eats[count - 1] + (1 - share) * eats[count],
            "R": together,
            "P": never,
            "S": share * lone + (1 - share) * never,
        },
        altruistic=lone,
        benefit=(n - 1) * (eats[1] - never),
        alone=best_alone(plan, by),
        bound=max(relaxed(plan, by) / n - together, 0.0),
        future=torch.stack([ahead(by, value) for value in last[1:]]),
    )
