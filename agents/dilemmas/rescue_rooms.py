"""The two rooms of a rescue: its parameters, what a planner may know of them, and what does not fit together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from torch import Tensor

from bisnn.agents import checks, layouts, planning
from bisnn.agents.clock import EPISODE
from bisnn.agents.expression import Expression
from bisnn.agents.layouts import Cell, RescueState, Tables
from bisnn.agents.planning import Certificate, Map
from bisnn.errors import ConfigError, pick


@dataclass(frozen=True, kw_only=True)
class RescueRooms:
    """Parameters of a rescue; the defaults are the published 11 x 5 grid.

    Raises `ConfigError` where parameters do not fit together, or where helping would cost nothing.
    """

    columns: int = 11
    """Columns of the grid, the wall included."""
    rows: int = 5
    """Rows of the grid."""
    wall: int = 5
    """Column of the wall that parts the rooms."""
    start: Cell = (10, 0)
    """Where the helper starts."""
    goal: Cell = (6, 2)
    """The helper's own goal (fixed layout)."""
    switch: Cell = (10, 4)
    """Where the helper relieves the victim (fixed layout)."""
    victim_start: Cell = (0, 0)
    """Where the victim starts."""
    hazards: tuple[Cell, ...] = ((1, 0), (0, 2), (3, 1), (3, 3))
    """Cells that hurt the victim; a drawn layout takes their number only."""
    openings: tuple[str, ...] = ("R", "DD", "UDD", "ULDD")
    """Scripts of the victim's first moves, one drawn per episode (fixed layout)."""
    horizon: int = 100
    """Steps after which an episode is cut."""
    goal_reward: float = 10.0
    """Reward of the step that reaches the goal."""
    step_cost: float = 1.0
    """Loss in every other step."""
    pain_intensity: float = 0.5
    """Intensity of the victim's pain, above 0 and up to 1."""
    observability: float = 1.0
    """Probability, per step, that the face is visible; a hidden face is all zeros."""
    honesty: float = 1.0
    """Probability, per episode, that the distress is real; a feigned one looks alike, and nothing ends it."""
    fakes_from: int = 0
    """First episode of a time in which all distress is feigned."""
    fakes_until: int = 0
    """Episode in which that time ends; not after `fakes_from`: there is none."""
    unwanted: float = 0.0
    """Probability, per episode, that the victim stays of its own will: it shows that it declines, help is an intrusion
    and relieves nobody."""
    toll: float = 0.0
    """Further loss in the step that relieves the victim, as of a way longer by that many steps."""
    risk: float = 0.0
    """Probability that the helper slips when it reaches out on the switch in need."""
    harm: float = 0.0
    """Loss of a helper that slips."""
    layout: Literal["fixed", "drawn", "moved"] = "fixed"
    """`drawn`: every individual lives in a layout drawn from its seed; `moved`: it does so from episode `moves_at`."""
    moves_at: int = 900
    """Episode in which a `moved` individual leaves the fixed layout."""
    drawn_cost: tuple[float, float] = (2.0, 4.0)
    """Least and greatest cost of helping of a drawn layout."""
    drawn_goal: tuple[int, int] = (6, 8)
    """Least and greatest distance of a drawn goal from the start, steps: pain comes before it can be reached."""
    drawn_switch: tuple[int, int] = (3, 5)
    """Least and greatest distance of a drawn switch from the start, steps."""
    expression: Expression = field(default_factory=Expression)
    """The victim's face."""

    def __post_init__(self) -> None:
        _check(self)

    @property
    def places(self) -> int:
        """Number of places of the helper's room."""
        return (self.columns - self.wall - 1) * self.rows

    @property
    def width(self) -> int:
        """Columns of the helper's room."""
        return self.columns - self.wall - 1

    def place(self, cell: Cell) -> int:
        """The place of the helper's room that `cell` is."""
        return cell[0] - self.wall - 1 + self.width * cell[1]

    def tables(self, device: str) -> Tables:
        """The lookup tables of the rooms on `device`."""
        grid = (self.columns, self.rows, self.wall)
        named = (self.goal, self.switch, self.victim_start)
        return layouts.tables(grid, named, self.hazards, self.openings, device)

    def map(self, state: RescueState | None = None) -> Map:
        """What a planner may know: of the fixed layout, or of every individual's own in `state`."""
        tables = self.tables("cpu" if state is None else str(state.t.device))
        layout = tables.layout if state is None else state.layout
        return Map(
            next_place=tables.right,
            start=self.place(self.start),
            goal=layout.goal,
            switch=layout.switch,
            onset=layouts.onset(layout.script),
            horizon=self.horizon,
            goal_reward=self.goal_reward,
            step_cost=self.step_cost,
            toll=self.toll + self.risk * self.harm if state is None else _toll(state.traits),
        )


def _toll(traits: Mapping[str, Tensor]) -> Tensor:
    """What the relief itself costs on average in each world, float64 `[*B]`."""
    toll, risk, harm = (traits[name].double() for name in ("toll", "risk", "harm"))
    return toll + risk * harm


@lru_cache(maxsize=64)
def certificates(rooms: RescueRooms) -> Certificate:
    """The certificates of all layouts that may occur."""
    world = rooms.map()
    if rooms.layout == "drawn":
        drawn = pairs(rooms, "cpu")
        world = world._replace(goal=drawn[:, 0], switch=drawn[:, 1])
    return planning.certify(world)


@lru_cache(maxsize=64)
def pairs(rooms: RescueRooms, device: str) -> Tensor:
    """The (goal, switch) int64 `[m, 2]` that may be drawn."""
    return layouts.admissible(rooms.map(), rooms.drawn_goal, rooms.drawn_switch, rooms.drawn_cost).to(device)


def _check(rooms: RescueRooms) -> None:
    """Raises `ConfigError` where the parameters of `rooms` do not fit together."""
    own = {"start": rooms.start, "goal": rooms.goal, "switch": rooms.switch}
    others = {f"hazard {number}": cell for number, cell in enumerate(rooms.hazards)}
    grid = (rooms.columns, rooms.rows, rooms.wall)
    checks.two_rooms(grid, {"victim_start": rooms.victim_start, **others}, own)
    checks.within(0, 1, observability=rooms.observability, honesty=rooms.honesty, intensity=rooms.pain_intensity)
    checks.within(1, EPISODE - 1, horizon=rooms.horizon)
    checks.within(0, 1, unwanted=rooms.unwanted, risk=rooms.risk)
    checks.within(0, float("inf"), step_cost=rooms.step_cost, toll=rooms.toll, harm=rooms.harm)
    checks.within(0, float("inf"), fakes_from=rooms.fakes_from, fakes_until=rooms.fakes_until)
    pick("layout", rooms.layout, ("fixed", "drawn", "moved"))
    if rooms.pain_intensity == 0 or not rooms.hazards or not rooms.openings:
        raise ConfigError("a rescue needs a hazard, an opening and a pain_intensity above 0")
    if rooms.layout == "moved" and len(rooms.openings) != layouts.WAITS:
        raise ConfigError(f"a moved layout needs {layouts.WAITS} openings, as many as a drawn one has")
    if rooms.layout != "fixed" and rooms.victim_start[1] not in (0, rooms.rows - 1):
        raise ConfigError("in a drawn layout the victim waits at the wall: start it in the first or last row")
    if rooms.layout != "fixed":
        pairs(rooms, "cpu")  # raises where no layout can be drawn
    found = certificates(rooms)
    if bool(found.altruistic.isinf().any()):
        raise ConfigError(f"nobody can help within {rooms.horizon} steps; raise horizon or move the switch")
    if not bool((found.selfish > found.altruistic).all()):
        raise ConfigError("helping costs nothing here, so it is no dilemma; move the switch away, or set a toll")
