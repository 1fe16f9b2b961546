"""What dilemmas of several agents on a grid share: where moves lead, who is where, whose face is seen, who gets what is
scarce.

Cells are numbered column + columns * row. Agents pass through one another: a cell holds any number of them. Each agent
sees the others in turn, beginning with the one after it: agent i of n sees i + 1, i + 2, ... modulo n.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import planning
from bisnn.agents.base import Mark, Obs
from bisnn.agents.expression import Expression
from bisnn.errors import ConfigError

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9")
"""Colours of agents, in their order; of Okabe and Ito."""


@lru_cache(maxsize=64)
def walk(columns: int, rows: int, further: int, device: str) -> Tensor:
    """Int64 `[cells, 4 + further]`: where each action leads; the `further` ones, after the four moves, stay."""
    moves = planning.room(columns, rows)
    stay = torch.arange(columns * rows)[:, None].expand(-1, further)
    return torch.cat((moves, stay), dim=-1).to(device)


def walked(cell: Tensor, actions: Tensor, columns: int, rows: int, further: int) -> Tensor:
    """Where each agent at `cell` int64 `[*B, agent]` is after its action; it passes through others."""
    table = walk(columns, rows, further, str(cell.device))
    return look(table.flatten(), cell * table.shape[1] + actions)


@lru_cache(maxsize=64)
def others(agents: int, device: str) -> Tensor:
    """Int64 `[agent, agents - 1]`: whom each sees, in order."""
    number = torch.arange(agents)
    return ((number[:, None] + 1 + number[None, :-1]) % agents).to(device)


def look(table: Tensor, index: Tensor) -> Tensor:
    """The rows `index` int64 `[*B]` of `table` `[rows, ...]`, as `[*B, ...]`."""
    return table.index_select(0, index.reshape(-1)).reshape(*index.shape, *table.shape[1:])


def of_others(values: Tensor, dim: int = -1) -> Tensor:
    """`values` of all agents, in the negative dim `dim`, as each sees them of the others: the dim becomes
    `agent, agents - 1`."""
    agents = values.shape[dim]
    index = others(agents, str(values.device)).flatten()
    chosen: Tensor = values.index_select(dim, index).unflatten(dim, (agents, agents - 1))
    return chosen


@lru_cache(maxsize=64)
def spread(columns: int, rows: int, device: str) -> Tensor:
    """Column and row of each cell, float32 `[cells, 2]`."""
    cell = torch.arange(columns * rows)
    return torch.stack((cell % columns, cell // columns), dim=-1).float().to(device)


@lru_cache(maxsize=64)
def _extent(columns: int, rows: int, device: str) -> Tensor:
    return torch.tensor([max(columns - 1, 1), max(rows - 1, 1)], dtype=torch.float32).to(device)


def standing(cell: Tensor, columns: int, rows: int) -> Tensor:
    """Column and row of each cell int64 `[*B]` as shares of the grid: float32 `[*B, 2]` in [0, 1]."""
    device = str(cell.device)
    return look(spread(columns, rows, device), cell) / _extent(columns, rows, device)


def towards(cell: Tensor, target: int, columns: int, rows: int) -> Tensor:
    """How far the cell `target` lies to the right of and below each cell int64 `[*B]`, as a share of the grid: float32
    `[*B, 2]` in [-1, 1]."""
    device = str(cell.device)
    place = spread(columns, rows, device)
    return (place[target] - look(place, cell)) / _extent(columns, rows, device)


def between(cell: Tensor, columns: int, rows: int) -> Tensor:
    """How far each other lies to the right of and below each agent, as a share of the grid: float32
    `[*B, agent, (agents - 1) * 2]` in [-1, 1], for `cell` int64 `[*B, agent]`."""
    place = look(spread(columns, rows, str(cell.device)), cell)
    apart = of_others(place, -2) - place[..., :, None, :]
    return (apart / _extent(columns, rows, str(cell.device))).flatten(-2)


def hunger(waited: Tensor, patience: int) -> Tensor:
    """Intensity of the distress of one that has waited so many steps, float32 in [0, 1].

    0 up to `patience` steps, 1 from twice as many on, linear between.
    """
    return ((waited - patience).float() / patience).clamp(0, 1)


def faces(face: Expression, key: Tensor, moment: Tensor, intensity: Tensor) -> Tensor:
    """The others' faces as each agent sees them, `[*B, agent, (agents - 1) * cells]`, for `intensity` `[*B, agent]`.

    All who look at a face in one step see the same. Noise that cannot show is not drawn.
    """
    agents = intensity.shape[-1]
    shown = {"expression/recruit": face.jitter, "expression/flip": face.flips, "expression/amplitude": face.amplitude}
    drawn = {name: count * agents for name, count in face.streams.items() if shown[name] > 0}
    noise = {name: intensity.new_full((1,), 0.5) for name in face.streams}
    if drawn:
        found = rng.uniforms(key, moment, drawn)
        noise |= {name: values.unflatten(-1, (agents, -1)) for name, values in found.items()}
    pattern = face.pattern(intensity, noise)
    return of_others(pattern, -2).flatten(-2)


def lottery(wants: Tensor, supply: Tensor, chance: Tensor) -> Tensor:
    """Who gets one of `supply` int64 `[*B]` among those who want it, bool `[*B, agent]`: the least `chance` first."""
    agents = wants.shape[-1]
    number = torch.arange(agents, device=wants.device)
    mine, theirs = chance[..., :, None], chance[..., None, :]
    ahead = (theirs < mine) | ((theirs == mine) & (number[None, :] < number[:, None]))
    rank = (ahead & wants[..., None, :]).sum(-1)
    return wants & (rank < supply[..., None])


def seen_by_all(place: Tensor, expression: Tensor, *views: Tensor) -> Obs:
    """An observation of all agents; each view is `[*B, agent, features]`."""
    return Obs(place, expression, torch.cat(views, dim=-1))


def marks(cells: Sequence[int], distress: Sequence[float], columns: int) -> tuple[Mark, ...]:
    """Agents as a picture shows them: numbered from 1, each in its own colour, a face where it is in distress."""
    return tuple(
        Mark((cell % columns, cell // columns), str(number + 1), COLOURS[number], "face" if hungry > 0 else "disc")
        for number, (cell, hungry) in enumerate(zip(cells, distress, strict=True))
    )


def named(text: str, whose: Sequence[float]) -> str:
    """`text` and the numbers of those agents for whom it holds, for the line below a picture; empty if for none."""
    found = " ".join(str(number) for number, holds in enumerate(whose, 1) if holds)
    return f"; {text} {found}" if found else ""


def whole(low: int, high: int, **values: int) -> None:
    """Raises `ConfigError` for a named value that is not a whole number between `low` and `high`."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError(f"{name} = {value!r}; it is a whole number between {low} and {high}")
