"""The rooms of development: where a body learns what pain is, and where one sees another's.

Injury turns the motor map round: up and down, left and right are exchanged until the injured one is
past the wall. Pain is the error of the body's own prediction:

    PE = actual displacement - intended displacement          (columns, rows)

0 in every step of a healthy body and not 0 in every step of an injured one (of two opposite moves at
least one is free), from the step after the hazard until the relief. The step that carries the body
through the door is no movement of its own: intended and actual displacement are both given as 0.

Feng, Zeng, Lu (2022) Brain-inspired affective empathy computational model and its application on
altruistic rescue task. doi:10.3389/fncom.2022.784967
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng, tree
from bisnn.agents import checks, planning
from bisnn.agents.clock import EPISODE
from bisnn.errors import ConfigError

Cell = tuple[int, int]
"""(column, row), from (0, 0) at the top left."""


class Body(NamedTuple):
    """One who walks about the rooms, `[*B]` each."""

    visit: Tensor  # int64, from 0
    t: Tensor  # int64 steps taken in this visit
    cell: Tensor  # int64, column + columns * row
    injured: Tensor  # bool
    over: Tensor  # bool: the visit has ended, the next step starts another


class Move(NamedTuple):
    """What a step did to a body, `[*B]` each unless stated."""

    started: Tensor  # bool: this step was the start of a visit; no action was taken
    action: Tensor  # int64, 0 up, 1 down, 2 right, 3 left: what was intended
    intended: Tensor  # [*B, 2] int64 displacement (columns, rows) of a healthy body from this cell
    actual: Tensor  # [*B, 2] int64 displacement of this body
    blocked: Tensor  # bool: a wall or the border is ahead in the intended direction
    injured: Tensor  # bool, at the time of the move
    carried: Tensor  # bool: taken through the door; no movement of its own
    hurt_now: Tensor  # bool: the step ended on a hazard and injured the body
    relieved_now: Tensor  # bool: the step ended the injury
    cell: Tensor  # int64 after the step, column + columns * row


class _Tables(NamedTuple):
    """Lookup tables of the rooms, on one device."""

    next_cell: Tensor  # [cells, 4] int64
    shift: Tensor  # [cells, 4, 2] int64 displacement of a healthy body
    hazard: Tensor  # [cells] bool


@dataclass(frozen=True, kw_only=True)
class SelfPainRoom:
    """A body alone in two rooms: it walks at random, is injured on a hazard and healed behind the door.

    A body that begins a step on the switch is carried through the wall, which closes behind it and
    heals it. After `horizon` steps the visit ends; the next step starts a new one. Noise is keyed by
    1024 visit + t. Raises `ConfigError` where parameters do not fit together.
    """

    columns: int = 9
    """Columns of the grid, the wall included."""
    rows: int = 4
    """Rows of the grid."""
    wall: int = 4
    """Column of the wall."""
    start: Cell = (0, 0)
    """Where every visit starts."""
    hazards: tuple[Cell, ...] = ((1, 1),)
    """Cells that injure."""
    switch: Cell = (3, 3)
    """Cell whence the body is carried through the wall."""
    horizon: int = 100
    """Steps of a visit."""

    def __post_init__(self) -> None:
        _check(self.columns, self.rows, self.wall, self.horizon)
        left = {"start": self.start, "switch": self.switch}
        left |= {f"hazard {number}": cell for number, cell in enumerate(self.hazards)}
        checks.cells(left, range(self.wall), range(self.rows))

    def reset(self, key: Tensor) -> Body:
        """Every body `[*B]` at the start of its first visit; `key` int64 `[*B]`."""
        return _enter(torch.zeros_like(key), self.start[0] + self.columns * self.start[1])

    def step(self, key: Tensor, body: Body, action: Tensor | None = None) -> tuple[Body, Move]:
        """One step with a uniformly random action, or with `action` int64 `[*B]`."""
        visit, t = _now(body)
        if action is None:
            action = (rng.uniform(key, "self_pain/action", visit * EPISODE + t, 1)[..., 0] * 4).long()
        tables = _tables(self.columns, self.rows, self.wall, self.hazards, str(key.device))
        switch = self.switch[0] + self.columns * self.switch[1]
        moved, move = _walk(tables, body, action, body.cell == switch, self.columns, self.wall)
        moved = moved._replace(visit=visit, t=t, over=t >= self.horizon)
        return _restart(body, moved, move, self.start[0] + self.columns * self.start[1])


class Companions(NamedTuple):
    """Two who are parted by the wall."""

    actor: Body  # in the left room, may be hurt
    helper: Tensor  # [*B] int64 cell of the helper
    open: Tensor  # [*B] bool: the helper has opened the door
    red: Tensor  # [*B] bool: the colour that the actor shows; True is pain


@dataclass(frozen=True, kw_only=True)
class CompanionRoom:
    """An actor that may be hurt, and a scripted helper behind the wall that can open the door for it.

    The actor walks at random with probabilities `policy`; once it is hurt and the door is open, it
    tries up and left only, which its inverted body turns into down and right, towards the exit. An actor
    that begins a step in the exit row is carried through the wall, open or not: help shows it the way.
    The colour it shows is that of its pain one step before. At the first call the helper walks onto its
    switch, at the second it opens the door. A visit ends behind the wall, or after `horizon` steps.
    Raises `ConfigError` where parameters do not fit together.
    """

    columns: int = 9
    """Columns of the grid, the wall included."""
    rows: int = 4
    """Rows of the grid."""
    wall: int = 4
    """Column of the wall."""
    start: Cell = (0, 0)
    """Where the actor starts."""
    hazards: tuple[Cell, ...] = ((2, 0), (1, 2))
    """Cells that injure the actor."""
    exit_row: int = 3
    """Row whence the actor is carried through the wall."""
    helper_start: Cell = (8, 0)
    """Where the helper starts."""
    switch: Cell = (5, 1)
    """Where the helper opens the door."""
    policy: tuple[float, float, float, float] = (0.2, 0.3, 0.3, 0.2)
    """Probabilities of the actor's up, down, right, left."""
    horizon: int = 1000
    """Most steps of a visit."""

    def __post_init__(self) -> None:
        _check(self.columns, self.rows, self.wall, self.horizon)
        left = {"start": self.start} | {f"hazard {number}": cell for number, cell in enumerate(self.hazards)}
        checks.cells(left, range(self.wall), range(self.rows))
        if self.exit_row not in range(self.rows) or self.exit_row in {row for _, row in left.values()}:
            raise ConfigError(f"exit_row = {self.exit_row}; a row of the room without the start or a hazard")
        right = {"helper_start": self.helper_start, "switch": self.switch}
        checks.cells(right, range(self.wall + 1, self.columns), range(self.rows))
        if min(self.policy) < 0 or abs(sum(self.policy) - 1) > 1e-6:
            raise ConfigError(f"policy = {self.policy}; four probabilities that add up to 1")

    def reset(self, key: Tensor) -> Companions:
        """Both `[*B]` at the start of the first visit; `key` int64 `[*B]`."""
        actor = _enter(torch.zeros_like(key), self.start[0] + self.columns * self.start[1])
        start = self.helper_start[0] + self.columns * self.helper_start[1]
        no = torch.zeros_like(actor.injured)
        return Companions(actor=actor, helper=torch.full_like(key, start), open=no, red=no)

    def step(self, key: Tensor, state: Companions, call: Tensor | None = None) -> tuple[Companions, Move]:
        """One step. `call` bool `[*B]`: the helper is moved to help; by default where the actor shows red."""
        body = state.actor
        visit, t = _now(body)
        chance = rng.uniform(key, "companion/action", visit * EPISODE + t, 1)[..., 0]
        up, down, right, _ = self.policy
        free = (chance >= up).long() + (chance >= up + down) + (chance >= up + down + right)
        action = torch.where(state.open & body.injured, 3 * (chance >= 0.5), free)
        tables = _tables(self.columns, self.rows, self.wall, self.hazards, str(key.device))
        carried = body.cell // self.columns == self.exit_row
        moved, move = _walk(tables, body, action, carried, self.columns, self.wall)
        over = (moved.cell % self.columns > self.wall) | (t >= self.horizon)
        switch = self.switch[0] + self.columns * self.switch[1]
        called = state.red if call is None else call
        helped = Companions(
            actor=moved._replace(visit=visit, t=t, over=over),
            helper=torch.where(called, switch, state.helper),
            open=state.open | (called & (state.helper == switch)),
            red=body.injured,
        )
        actor, move = _restart(body, helped.actor, move, self.start[0] + self.columns * self.start[1])
        both: Companions = tree.where(body.over, self.reset(key), helped)
        return both._replace(actor=actor), move


def _check(columns: int, rows: int, wall: int, horizon: int) -> None:
    """Raises `ConfigError` where wall and time limit do not make two rooms."""
    if rows < 2 or wall < 2 or columns - wall < 3:
        raise ConfigError("each room has at least two columns and two rows, else an injured body could be stuck")
    checks.within(1, EPISODE - 1, horizon=horizon)


@lru_cache(maxsize=16)
def _tables(columns: int, rows: int, wall: int, hazards: tuple[Cell, ...], device: str) -> _Tables:
    """Where each action leads, and which cells hurt."""
    cell = torch.arange(columns * rows)
    way = planning.room(columns, rows)
    way = torch.where(way % columns == wall, cell[:, None], way)
    shift = torch.stack((way % columns - (cell % columns)[:, None], way // columns - (cell // columns)[:, None]), -1)
    hurt = torch.tensor([column + columns * row for column, row in hazards], dtype=torch.int64)
    return _Tables(way.to(device), shift.to(device), (cell[:, None] == hurt).any(-1).to(device))


def _enter(visit: Tensor, start: int) -> Body:
    """A healthy body at cell `start` of a `visit` `[*B]`."""
    no = torch.zeros_like(visit, dtype=torch.bool)
    return Body(visit=visit, t=torch.zeros_like(visit), cell=torch.full_like(visit, start), injured=no, over=no)


def _now(body: Body) -> tuple[Tensor, Tensor]:
    """Visit and step number, `[*B]` each, of the coming step."""
    return body.visit + body.over, (body.t + 1) * ~body.over


def _walk(tables: _Tables, body: Body, action: Tensor, carried: Tensor, columns: int, wall: int) -> tuple[Body, Move]:
    """The body after `action`, inverted where it is injured, or after it was `carried` through the wall."""
    done = torch.where(body.injured, action ^ 1, action)
    behind = body.cell - body.cell % columns + wall + 1
    cell = torch.where(carried, behind, tables.next_cell[body.cell, done])
    own = ~carried[..., None]
    hurt_now = tables.hazard[cell] & (cell != body.cell) & ~body.injured
    relieved_now = body.injured & (cell % columns > wall)
    move = Move(
        started=body.over,
        action=action,
        intended=tables.shift[body.cell, action] * own,
        actual=tables.shift[body.cell, done] * own,
        blocked=tables.next_cell[body.cell, action] == body.cell,
        injured=body.injured,
        carried=carried,
        hurt_now=hurt_now,
        relieved_now=relieved_now,
        cell=cell,
    )
    return body._replace(cell=cell, injured=(body.injured | hurt_now) & ~relieved_now), move


def _restart(before: Body, moved: Body, move: Move, start: int) -> tuple[Body, Move]:
    """A new visit, and a move in which nothing happened, where the one `before` was over."""
    body: Body = tree.where(before.over, _enter(moved.visit, start), moved)
    nothing = Move(*(torch.zeros_like(leaf) for leaf in move))._replace(started=before.over, cell=body.cell)
    return body, tree.where(before.over, nothing, move)


EXAMPLES = (SelfPainRoom(), SelfPainRoom(hazards=((1, 1), (2, 2)), horizon=50), CompanionRoom())
