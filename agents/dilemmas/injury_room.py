"""The room of self-pain with injuries of graded severity and both signs of error, and with harmless things beside.

    actual displacement = gain * intended displacement, stopped by walls          (healthy: gain 1)

    short     gain 1 - m    moves less than intended:  predicted but not felt             m = 0.2, 0.6, 1
    over      gain 1 + m    moves more than intended:  felt but not predicted             m = 1, 2, 3
    inverted  gain 1 - m    moves the other way:       both                               m = 2, 3, 4

m, in cells, is the mismatch of a movement that no wall cuts short, for severity 1, 2, 3. A body that moves a part of a
cell stands a part of a cell beside the centre of the nearest cell, in fifths. A wall ahead stops what moves towards it.
`inverted` of severity 1 is the injury of `SelfPainRoom`, whose left room is one of these (4 by 4). Each hazard causes
the injury of its own kind; harmless things cause none and are else alike. Where things lie is drawn for every visit, so
that what is dangerous can be told by what it is, not by where.

After Feng, Zeng, Lu (2022) doi:10.3389/fncom.2022.784967, whose injury is all or none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import checks, planning
from bisnn.agents.clock import EPISODE
from bisnn.agents.dilemmas.rooms import Cell
from bisnn.errors import ConfigError, pick

FIFTHS = 5
"""Parts of a cell."""
MISMATCH = {"short": (1, 3, 5), "over": (5, 10, 15), "inverted": (10, 15, 20)}
"""Kind of injury -> mismatch at severity 1, 2, 3, in fifths of a cell."""
SEVERITIES = (1, 2, 3)
"""Severities of an injury."""


def gain(kind: str, severity: int) -> int:
    """What an injured body makes of an intended cell, in fifths; 5 is healthy. Raises `UnknownName`, `ConfigError`."""
    if severity not in SEVERITIES:
        raise ConfigError(f"severity is {severity}; give 1, 2 or 3")
    mismatch = MISMATCH[pick("kind of injury", kind, MISMATCH)][severity - 1]
    return FIFTHS + mismatch if kind == "over" else FIFTHS - mismatch


class Walker(NamedTuple):
    """A body in the room, `[*B]` each unless stated."""

    visit: Tensor  # int64, from 0
    t: Tensor  # int64 steps taken in this visit
    place: Tensor  # [*B, 2] int64 column and row of the body in fifths of a cell
    gain: Tensor  # int64 fifths of a cell that it moves where it intends a cell; 5 healthy
    cause: Tensor  # int64 number of the hazard that injured it; 0 none
    things: Tensor  # [*B, cells] int64 what lies where: 0 nothing, 1 ... hazards, then the harmless


class Stride(NamedTuple):
    """What a step did to a body, `[*B]` each unless stated."""

    intended: Tensor  # [*B, 2] float32 displacement (columns, rows) of a healthy body, in cells
    actual: Tensor  # [*B, 2] float32 displacement of this body
    injured: Tensor  # bool, at the time of the step
    carried: Tensor  # bool: led out through the door; no movement of its own
    hurt_by: Tensor  # int64 hazard that injured the body in this step; 0 none


@dataclass(frozen=True, kw_only=True)
class InjuryRoom:
    """One room with hazards and harmless things (module docstring).

    A body that begins a step on the switch is healed and led to the start again. After `horizon` steps the visit ends
    and a healthy body begins another. Raises `ConfigError` where parameters do not fit together.
    """

    columns: int = 5
    """Columns of the room."""
    rows: int = 5
    """Rows of the room."""
    start: Cell = (0, 0)
    """Where every visit starts."""
    switch: Cell | None = (4, 4)
    """Where a body is healed; None: nowhere."""
    kinds: tuple[str, ...] = ("short", "over", "inverted")
    """What each hazard does: hazard number 1, 2, ..."""
    severity: tuple[int, ...] = SEVERITIES
    """Severities, of which every visit draws one for each hazard."""
    harmless: int = 2
    """Harmless things."""
    fixed: tuple[Cell, ...] = ()
    """Where the things lie, hazards first; none given: drawn for every visit."""
    horizon: int = 100
    """Steps of a visit."""

    def __post_init__(self) -> None:
        if self.columns < 2 or self.rows < 2:
            raise ConfigError("the room has at least two columns and two rows, else an injured body could be stuck")
        checks.within(1, EPISODE - 1, horizon=self.horizon)
        named = {"start": self.start} | ({} if self.switch is None else {"switch": self.switch})
        named |= {f"thing {number + 1}": cell for number, cell in enumerate(self.fixed)}
        checks.cells(named, range(self.columns), range(self.rows))
        if self.kinds and not self.severity:
            raise ConfigError("severity is empty; give one or more of 1, 2, 3")
        for kind in self.kinds:
            for severity in self.severity:
                gain(kind, severity)
        if self.fixed and len(self.fixed) != self.count:
            raise ConfigError(f"{len(self.fixed)} places for {self.count} things; give one for each")
        if self.harmless < 0 or self.count > self.columns * self.rows - 2:
            raise ConfigError(f"{self.count} things do not fit beside start and switch into the room")

    @property
    def count(self) -> int:
        """How many things lie in the room."""
        return len(self.kinds) + self.harmless

    def reset(self, key: Tensor, visit: Tensor | None = None) -> Walker:
        """Healthy bodies `[*B]` at the start of a visit, the first by default; `key` int64 `[*B]`."""
        number = torch.zeros_like(key) if visit is None else visit
        zero = torch.zeros_like(key)
        start = torch.tensor(self.start, device=key.device) * FIFTHS
        return Walker(
            visit=number,
            t=zero,
            place=start.expand(*key.shape, 2),
            gain=torch.full_like(key, FIFTHS),
            cause=zero,
            things=self._laid(key, number),
        )

    def _laid(self, key: Tensor, visit: Tensor) -> Tensor:
        """What lies where in a visit, int64 `[*B, cells]`."""
        size = self.columns * self.rows
        taken = [self._number(cell) for cell in (self.start, self.switch) if cell is not None]
        if self.fixed:
            lies = torch.zeros(size, dtype=torch.int64, device=key.device)
            for number, cell in enumerate(self.fixed):
                lies[self._number(cell)] = number + 1
            return lies.expand(*key.shape, size)
        draws = rng.uniform(key, "injury/layout", visit, size)
        draws[..., taken] = 2.0
        rank = draws.argsort(dim=-1, stable=True).argsort(dim=-1, stable=True)
        return torch.where(rank < self.count, rank + 1, 0)

    def _number(self, cell: Cell) -> int:
        return cell[0] + self.columns * cell[1]

    def cell(self, body: Walker) -> Tensor:
        """The cell whose centre is nearest, int64 `[*B]`."""
        near = (body.place + FIFTHS // 2) // FIFTHS
        return near[..., 0] + self.columns * near[..., 1]

    def wish(self, key: Tensor, body: Walker) -> Tensor:
        """A uniformly random intention, int64 `[*B]`: 0 up, 1 down, 2 right, 3 left, as in `SelfPainRoom`."""
        moment = body.visit * EPISODE + body.t + 1
        return (rng.uniform(key, "self_pain/action", moment, 1)[..., 0] * len(planning.DISPLACEMENT)).long()

    def ahead(self, body: Walker, action: Tensor) -> tuple[Tensor, Tensor]:
        """What lies in the cell that a healthy body would enter, int64 `[*B]`, and whether a wall is there instead."""
        cell = self.cell(body)
        beyond = planning.room(self.columns, self.rows).to(cell.device)[cell, action]
        blocked = beyond == cell
        thing = body.things.gather(-1, beyond[..., None])[..., 0]
        return torch.where(blocked, 0, thing), blocked

    def ground(self, body: Walker) -> Tensor:
        """What the body stands on, int64 `[*B]`."""
        return body.things.gather(-1, self.cell(body)[..., None])[..., 0]

    def step(self, key: Tensor, body: Walker, action: Tensor, go: Tensor | None = None) -> tuple[Walker, Stride]:
        """One step; where `go` (bool `[*B]`, default True) is False the body stays where it is."""
        moves = torch.ones_like(action, dtype=torch.bool) if go is None else go
        _, blocked = self.ahead(body, action)
        way = torch.tensor(planning.DISPLACEMENT, device=action.device)[action]
        carried = self.cell(body) == (-1 if self.switch is None else self._number(self.switch))
        moves = moves & ~carried
        free = (moves & ~blocked)[..., None]
        still = (~moves | (blocked & (body.gain > 0)))[..., None]  # a wall ahead stops what moves towards it
        ends = torch.tensor((self.columns, self.rows), device=action.device) * FIFTHS - FIFTHS
        reached = (body.place + way * body.gain[..., None]).clamp(min=0).minimum(ends)
        place = torch.where(still, body.place, reached)
        start = torch.tensor(self.start, device=action.device) * FIFTHS
        stride = Stride(
            intended=(way * free).to(torch.float32),
            actual=(place - body.place).to(torch.float32) / FIFTHS,
            injured=body.cause > 0,
            carried=carried,
            hurt_by=torch.zeros_like(action),
        )
        moved = body._replace(t=body.t + 1, place=torch.where(carried[..., None], start, place))
        thing = self.ground(moved)
        fresh = (self.cell(moved) != self.cell(body)) & (body.cause == 0) & ~carried
        hurt = torch.where(fresh & (thing <= len(self.kinds)), thing, 0)
        cause = torch.where(carried, 0, body.cause + hurt)
        after = torch.where(hurt > 0, self._gain(key, body.visit, hurt), body.gain) if self.kinds else body.gain
        moved = moved._replace(cause=cause, gain=torch.where(carried, FIFTHS, after))
        return moved, stride._replace(hurt_by=hurt)

    def pushed(self, body: Walker, action: Tensor) -> tuple[Walker, Tensor]:
        """The body moved one cell by something else, in the direction `action` int64 `[*B]`, as far as walls allow; and
        its displacement float32 `[*B, 2]`."""
        way = torch.tensor(planning.DISPLACEMENT, device=action.device)[action]
        ends = torch.tensor((self.columns, self.rows), device=action.device) * FIFTHS - FIFTHS
        place = (body.place + way * FIFTHS).clamp(min=0).minimum(ends)
        return body._replace(t=body.t + 1, place=place), (place - body.place).to(torch.float32) / FIFTHS

    def _gain(self, key: Tensor, visit: Tensor, hazard: Tensor) -> Tensor:
        """The gain that `hazard` int64 `[*B]` (1, 2, ...) causes in this visit."""
        table = torch.tensor([[gain(kind, s) for s in self.severity] for kind in self.kinds], device=key.device)
        draw = rng.uniform(key, "injury/severity", visit, len(self.kinds))
        row = (hazard - 1).clamp(min=0)
        grade = (draw.gather(-1, row[..., None])[..., 0] * len(self.severity)).long()
        return table[row, grade]


EXAMPLES = (
    InjuryRoom(),
    InjuryRoom(columns=4, rows=4, switch=(3, 3), kinds=("inverted",), severity=(1,), harmless=0, fixed=((1, 1),)),
)
"""Rooms of the exams."""
