"""Exact planning on small maps: rooms, shortest paths, what helping costs, the best policy.

    V_k(p, s) = max over actions of  r(p') + V_{k-1}(p', s')        backward induction, k steps left

`p` is the place of the helper and `s` the state of the other: not yet hurt, in pain, relieved.
Bellman (1957) Dynamic programming. doi:10.1515/9781400835386
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

DISPLACEMENT = ((0, -1), (0, 1), (1, 0), (-1, 0))
"""(dx, dy) of the actions up, down, right, left, in cells; rows grow downwards."""
UNHURT, IN_PAIN, RELIEVED = 0, 1, 2
"""States of the other in a plan."""


class Map(NamedTuple):
    """What a planner knows of a rescue. `*M` is empty, or `*B` where every individual has its own layout."""

    next_place: Tensor  # [places, 4] int64, where an action leads
    start: int
    goal: Tensor  # [*M] int64
    switch: Tensor  # [*M] int64
    onset: Tensor  # [*M, k] float64, probability that the other is hurt in step k if it was not before
    horizon: int
    goal_reward: float
    step_cost: float
    toll: Tensor | float = 0.0  # what the relief itself costs on average; a tensor is [*M]


class Certificate(NamedTuple):
    """The best returns with and without helping one who is in pain from the start, `[*M]` float64."""

    selfish: Tensor
    altruistic: Tensor
    spared: Tensor  # painful steps that the best helper spares the other, of the whole horizon


def room(columns: int, rows: int) -> Tensor:
    """Int64 `[places, 4]`: where each action leads in a walled room; place = column + columns * row."""
    table = []
    for row in range(rows):
        for column in range(columns):
            ways = ((column + dx, row + dy) for dx, dy in DISPLACEMENT)
            table.append([x + columns * y if 0 <= x < columns and 0 <= y < rows else -1 for x, y in ways])
    way = torch.tensor(table)
    return torch.where(way < 0, torch.arange(columns * rows)[:, None], way)


def distances(next_place: Tensor) -> Tensor:
    """Int64 `[places, places]`: steps of the shortest path from the first to the second; `places` where none."""
    places = next_place.shape[0]
    steps = torch.full((places, places), places, device=next_place.device)
    steps.fill_diagonal_(0)
    for _ in range(places):
        steps = torch.minimum(steps, steps[next_place].amin(1) + 1)
    return steps


def directions(next_place: Tensor) -> Tensor:
    """Int64 `[places, places]`: the action at the first on a shortest path to the second.

    Of equals the lowest; at the target itself an action that stays there, if the place has one.
    """
    return distances(next_place)[next_place].argmin(1)


def certify(world: Map) -> Certificate:
    """The certificate of every layout of `world`, by backward induction over place and relief.

    The other is in pain before the first step. `selfish` is the best external return without any
    demand, `altruistic` the best one of the plans that relieve the other before the episode ends
    (-inf where there is none). `spared` counts the steps from the relief to the horizon.
    """
    places = world.next_place.shape[0]
    place = torch.arange(places, device=world.next_place.device)
    at_goal = place == world.goal[..., None]
    at_switch = place == world.switch[..., None]
    toll = torch.as_tensor(world.toll, dtype=torch.float64, device=place.device)[..., None]
    free = torch.zeros(at_goal.shape, dtype=torch.float64, device=place.device)
    bound = torch.full_like(free, -torch.inf)
    spared = torch.zeros_like(free)
    for left in range(1, world.horizon + 1):
        arrive_bound = torch.where(at_switch, free - toll, bound) - world.step_cost
        arrive_bound = torch.where(at_goal, -torch.inf, arrive_bound)
        arrive_free = torch.where(at_goal, world.goal_reward, free - world.step_cost)
        ways = arrive_bound[..., world.next_place]
        counts = torch.where(at_switch, left, spared)[..., world.next_place]
        free = arrive_free[..., world.next_place].amax(-1)
        bound = ways.amax(-1)
        spared = torch.where(ways == bound[..., None], counts, 0).amax(-1)
    return Certificate(*(table[..., world.start] for table in (free, bound, spared)))


def plan(world: Map, welfare: float) -> Tensor:
    """The best action int8 `[*M, horizon, 3, places]` at each step, state of the other and place.

    It maximises the own external return plus `welfare` for the relief, knowing when the other is
    likely to be hurt; the lowest of equal actions.
    """
    place = torch.arange(world.next_place.shape[0], device=world.next_place.device)
    at_goal = (place == world.goal[..., None])[..., None, :]
    at_switch = place == world.switch[..., None]
    gain = welfare - torch.as_tensor(world.toll, dtype=torch.float64, device=place.device)[..., None]
    value = torch.zeros((*world.goal.shape, 3, len(place)), dtype=torch.float64, device=place.device)
    policy = []
    for step in reversed(range(world.horizon)):
        hurt = world.onset[..., step, None] if step < world.onset.shape[-1] else 0.0
        unhurt, in_pain, relieved = value.unbind(-2)
        unhurt = (1 - hurt) * unhurt + hurt * in_pain
        in_pain = torch.where(at_switch, relieved + gain, in_pain)
        arrive = torch.stack((unhurt, in_pain, relieved), dim=-2) - world.step_cost
        arrive = torch.where(at_goal, world.goal_reward, arrive)
        ways = arrive[..., world.next_place]
        value = ways.amax(-1)
        policy.append(ways.argmax(-1).to(torch.int8))
    return torch.stack(policy[::-1], dim=-3)
