"""Layouts of the rescue: where goal, switch and hazards lie, how the victim walks into its pain, what changes."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng, tree
from bisnn.agents import planning
from bisnn.agents.planning import Map
from bisnn.errors import ConfigError

Cell = tuple[int, int]
"""(column, row), from (0, 0) at the top left."""
STEPS = {"U": 0, "D": 1, "R": 2, "L": 3}
"""The letters of an opening and their actions."""
WAITS = 4
"""Openings of a drawn layout: the victim waits 0, 1, 2 or 3 steps before it walks to the nearest hazard."""


class Layout(NamedTuple):
    """Where things are, for each individual."""

    goal: Tensor  # [*B] int64 place of the helper's room
    switch: Tensor  # [*B] int64 place of the helper's room
    hazard: Tensor  # [*B, spots] bool, the spots of the victim's room that hurt
    script: Tensor  # [*B, openings, k] int64 action of the victim at each step; -1: a random one


class Scene(NamedTuple):
    """What changes within an episode, `[*B]` each."""

    helper: Tensor  # int64 place in the right room
    victim: Tensor  # int64 spot in the left room
    opening: Tensor  # int64 which script the victim follows
    faked: Tensor  # bool: the distress of this episode is feigned
    declines: Tensor  # bool: in this episode the victim does not want to be helped
    distress: Tensor  # bool: the victim expresses pain, real or feigned
    painful: Tensor  # bool: real pain has occurred
    relieved: Tensor  # bool: the victim has been relieved and is safe
    over: Tensor  # bool: the episode has ended, the next step resets it


class RescueState(NamedTuple):
    """The world of each individual."""

    episode: Tensor  # [*B] int64, from 0
    t: Tensor  # [*B] int64 steps taken in this episode
    scene: Scene
    layout: Layout
    traits: dict[str, Tensor]  # [*B] float32 each, for life


class Tables(NamedTuple):
    """Lookup tables of two rooms parted by a wall, on one device."""

    left: Tensor  # [spots, 4] int64, where an action leads in the victim's room
    right: Tensor  # [places, 4] int64, the same in the helper's room
    left_cell: Tensor  # [spots] int64, column + columns * row of the whole grid
    right_cell: Tensor  # [places] int64
    layout: Layout  # the fixed one


@lru_cache(maxsize=64)
def tables(
    grid: tuple[int, int, int],
    named: tuple[Cell, Cell, Cell],
    hazards: tuple[Cell, ...],
    openings: tuple[str, ...],
    device: str,
) -> Tables:
    """The tables of a grid.

    `grid`: columns, rows, the column of the wall. `named`: goal and switch in the right room, the
    victim's start in the left one. Raises `ConfigError` where an opening does not lead onto a hazard.
    """
    columns, rows, wall = grid
    width = columns - wall - 1
    goal, switch = (torch.tensor(column - wall - 1 + width * row) for column, row in named[:2])
    left, right = planning.room(wall, rows), planning.room(width, rows)
    spot, place = torch.arange(len(left)), torch.arange(len(right))
    hurt = [column + wall * row for column, row in hazards]
    hazard = (spot[:, None] == torch.tensor(hurt)).any(-1)
    script = pad([walk(opening, named[2][0] + wall * named[2][1], left, set(hurt)) for opening in openings])
    made: Tables = tree.map(
        lambda leaf: leaf.to(device),
        Tables(
            left=left,
            right=right,
            left_cell=spot % wall + columns * (spot // wall),
            right_cell=place % width + wall + 1 + columns * (place // width),
            layout=Layout(goal=goal, switch=switch, hazard=hazard, script=script),
        ),
    )
    return made


def walk(opening: str, start: int, next_spot: Tensor, hazards: set[int]) -> Tensor:
    """The actions int64 `[k]` of an opening that enters a hazard with its last step, and not before.

    Raises `ConfigError` where it holds another letter than U, D, R, L or does not lead onto a hazard.
    """
    if not opening or set(opening) - set(STEPS):
        raise ConfigError(f"opening {opening!r} is not made of the letters U, D, R, L")
    spot, entered = start, []
    for letter in opening:
        after = int(next_spot[spot, STEPS[letter]])
        entered.append(after != spot and after in hazards)
        spot = after
    if entered != [False] * (len(opening) - 1) + [True]:
        raise ConfigError(f"opening {opening!r} must enter a hazard with its last step and not before")
    return torch.tensor([STEPS[letter] for letter in opening])


def pad(walks: list[Tensor]) -> Tensor:
    """The walks as one script int64 `[openings, k]`, filled up with -1; the last column is -1 throughout."""
    script = torch.full((len(walks), max(map(len, walks)) + 1), -1)
    for row, actions in zip(script, walks, strict=True):
        row[: len(actions)] = actions
    return script


def draw(key: Tensor, pairs: Tensor, next_spot: Tensor, start: int, hazards: int) -> Layout:
    """A layout of its own for every individual, from its seed alone.

    `key` int64 `[*B]`; `pairs` int64 `[m, 2]` the admissible (goal, switch), each as likely as the
    others; `next_spot` `[spots, 4]` the victim's room; `start` the victim's first spot; `hazards`
    the number of distinct spots that hurt, one of them beside `start`, which does not hurt.
    """
    spots = next_spot.shape[0]
    noise = rng.uniforms(key, 0, {"layout/pair": 1, "layout/hazards": spots})
    chosen = pairs[(noise["layout/pair"][..., 0] * len(pairs)).long()]
    near = planning.distances(next_spot)[start] == 1
    lot = noise["layout/hazards"].clone()
    nearest = torch.where(near, lot, 2.0).argmin(-1)
    lot = lot.scatter(-1, nearest[..., None], -1.0)
    lot[..., start] = 2.0
    lowest = torch.argsort(lot, dim=-1, stable=True)[..., :hazards]
    hazard = torch.zeros_like(lot, dtype=torch.bool).scatter(-1, lowest, True)
    return Layout(goal=chosen[..., 0], switch=chosen[..., 1], hazard=hazard, script=_scripts(hazard, next_spot, start))


def admissible(world: Map, goal: tuple[int, int], switch: tuple[int, int], cost: tuple[float, float]) -> Tensor:
    """The pairs (goal, switch) int64 `[m, 2]` that make a dilemma of the rooms of `world`.

    Their distances from the start lie within `goal` and `switch`, they are different places, and helping costs
    within `cost`. Raises `ConfigError` where there is none.
    """
    distance = planning.distances(world.next_place)[world.start]
    goals, switches = (((distance >= low) & (distance <= high)).nonzero()[:, 0] for low, high in (goal, switch))
    pairs = torch.cartesian_prod(goals, switches)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    certificate = planning.certify(world._replace(goal=pairs[:, 0], switch=pairs[:, 1]))
    price = certificate.selfish - certificate.altruistic
    kept: Tensor = pairs[(price >= cost[0]) & (price <= cost[1])]
    if not len(kept):
        raise ConfigError(
            f"no layout with goals {goal} and switches {switch} away costs within {cost}; widen these ranges"
        )
    return kept


def _scripts(hazard: Tensor, next_spot: Tensor, start: int) -> Tensor:
    """Wait, then take a shortest path to the nearest hazard (of equals the lowest spot): `[*B, openings, k]`."""
    distance, direction = planning.distances(next_spot), planning.directions(next_spot)
    farthest = next_spot.shape[0]
    target = torch.where(hazard, distance[start], farthest).argmin(-1)
    longest = int(distance.max())
    spot = torch.full_like(target, start)
    path = torch.full((*target.shape, longest), -1, device=target.device)
    for step in range(longest):
        action = torch.where(spot == target, -1, direction[spot, target])
        path[..., step] = action
        spot = torch.where(action < 0, spot, next_spot[spot, action])
    script = torch.full((*target.shape, WAITS, WAITS + longest), -1, device=target.device)
    stay = direction[start, start]
    for wait in range(WAITS):
        script[..., wait, :wait] = stay
        script[..., wait, wait : wait + longest] = path
    return script


def widen(layout: Layout, next_spot: Tensor) -> Layout:
    """The layout with its script filled up to the length of a drawn one."""
    longest = WAITS + int(planning.distances(next_spot).max())
    missing = max(0, longest - layout.script.shape[-1])
    return layout._replace(script=torch.nn.functional.pad(layout.script, (0, missing), value=-1))


def onset(script: Tensor) -> Tensor:
    """Probability float64 `[*B, k]` that the victim is hurt in step k if it was not before."""
    last = (script >= 0).sum(-1) - 1
    step = torch.arange(script.shape[-1], device=script.device)[:, None]
    now = (last[..., None, :] == step).sum(-1).double()
    later = (last[..., None, :] >= step).sum(-1).double()
    return now / later.clamp(min=1)
