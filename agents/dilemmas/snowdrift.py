"""Snowdrift: the way is blocked by drifts; whoever clears one pays alone for what brings all of them further.

    reward_i = benefit * (drifts cleared in this step) - cost * [i cleared one]

Agents stand on a grid, and some of its cells are drifts, drawn once for each world. Who is on a drift may clean it.
Where several clean one drift in the same step, each of them pays. An episode ends when nothing is left, or at
the horizon; agents are placed anew at random for each. All are in distress when it begins; who cleans is left in the
cold, in distress, and all the others are relieved (a warm face), until they clean themselves.

With `movement = "random"`, as published, all are carried one cell on at random whatever they choose, so that only to
clean or to leave a drift is theirs, and an agent walks the same way in every arm. With "chosen" they walk, and clean
where they stay. An agent perceives a grid of cells, and the faces of the others, never how they feel:

    cell = (own + .3 * others + .6 * drift) / (1.6 + .3 (members - 1)),    0 where it does not see

which is the published current over .51 (1.6 + .3 (members - 1)). It sees all cells ("full"), the 3 x 3 around its own
("local") or its own cell alone ("own").

The game at each drift: T = benefit, what it brings to one who leaves it to others; R = benefit - cost / members, where
all share the work of many drifts evenly; S = benefit - cost, to one who does it all; P = 0. In one shot, all on the
same drift, it is the volunteer's dilemma: Diekmann (1985) doi:10.1177/0022002785029004003.

After Zhao, Feng, Tong, Han, Lin, Lu, Sun, Zeng (2025) Building altruistic and moral AI agent with
brain-inspired emotional empathy mechanisms. doi:10.1109/taffc.2025.3627936
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import checks
from bisnn.agents.base import MOVES, Ledger, Obs, Outcome, Payoff, Picture, Senses
from bisnn.agents.dilemmas import snowdrift_facts as facts
from bisnn.agents.dilemmas.world import Turn, World, WorldState
from bisnn.agents.expression import Expression
from bisnn.errors import ConfigError, pick

CLEAN = len(MOVES)
"""The action that clears the drift on which one stands."""
VIEWS = ("full", "local", "own")
MOVEMENTS = ("random", "chosen")
OTHER, DRIFT = 0.3, 0.6
"""What another agent and a drift add to a cell, beside 1 for the own place."""
PLAIN = Expression(jitter=0.0, flips=0.0, amplitude=0.0)


class Scene(NamedTuple):
    """What changes within an episode."""

    place: Tensor  # [*B, agent] int64 cell of each agent, column + columns * row
    snow: Tensor  # [*B, cells] bool: a drift lies there
    cold: Tensor  # [*B, agent] bool: in distress
    cleaned: Tensor  # [*B, agent] int64: drifts that each has cleaned in this episode
    first: Tensor  # [*B] int64: who goes first where a fair plan needs an order


@dataclass(frozen=True, kw_only=True)
class Snowdrift(World):
    """The snowdrift game on a grid (module docstring).

    Observation: `place` `[*B, agent]` the own cell; `view` `[*B, agent, cells]`; `expression` `[*B, agent,
    (members - 1) * expression.cells]`, the others in the order of their numbers. Actions 0 up, 1 down, 2 right, 3 left,
    4 clean; a move against the border stays, and to clean where no drift is does nothing.
    Raises `ConfigError` where a field is out of its range, or where the rules make no snowdrift game.
    """

    name: ClassVar[str] = "snowdrift_v0"
    actions: ClassVar[tuple[str, ...]] = (*MOVES, "clean")
    traits: ClassVar[tuple[str, ...]] = ("reach",)

    members: int = 3
    """Agents, 2 to 5."""
    columns: int = 8
    """Columns of the grid."""
    rows: int = 8
    """Rows of the grid."""
    drifts: int = 10
    """Drifts at the start, at most one on a cell."""
    benefit: float = 6.0
    """What every agent gains where a drift is cleared."""
    cost: float = 4.0
    """What it costs who clears it; between 0 and `benefit`, both excluded."""
    view: str = "full"
    """What is seen of the grid: full, local or own."""
    reach: float = -1.0
    """How many cells around its own an agent sees; -1: as `view` says."""
    movement: str = "random"
    """Whether moves are drawn at random or chosen."""
    horizon: int = 100
    """Steps after which an episode is cut."""
    expression: Expression = field(default=PLAIN)
    """How faces show distress."""

    def __post_init__(self) -> None:
        facts.check(self)
        pick("view", self.view, VIEWS)
        pick("movement", self.movement, MOVEMENTS)
        checks.within(-1, float("inf"), reach=self.reach)
        sweep = facts.longest_sweep(self)
        if self.movement == "chosen" and self.horizon < sweep:
            raise ConfigError(
                f"horizon = {self.horizon}: with chosen moves one agent alone may need {sweep} steps to clear all "
                f"{self.drifts} drifts; give it at least as many, or fewer drifts on a smaller grid"
            )

    # ------------------------------------------------------------ what it says of itself

    @property
    def agents(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(f"member_{number}" for number in range(self.members))

    @property
    def parties(self) -> tuple[str, ...]:
        """The agents."""
        return self.agents

    @property
    def cells(self) -> int:
        """Cells of the grid."""
        return self.columns * self.rows

    @property
    def usual_reach(self) -> float:
        """How many cells around its own an agent sees where `reach` is left open."""
        return {"full": float(max(self.columns, self.rows)), "local": 1.0, "own": 0.0}[self.view]

    @property
    def senses(self) -> Senses:
        """The own cell, the faces of the others, and the grid as far as it is seen."""
        faces = tuple(f"other_{number}" for number in range(1, self.members))
        features = tuple(f"cell ({c}, {r})" for r in range(self.rows) for c in range(self.columns))
        return Senses(self.cells, faces, self.expression.cells, features)

    def payoff(self) -> Payoff:
        """The certificate, exact: the mean over all openings, from the distribution of first visits of a random walk,
        or, with chosen moves, from the fact that one agent alone clears everything before the horizon."""
        return facts.payoff(self)

    def advise(self, state: WorldState, goal: str) -> Tensor:
        """Selfish: never clean. Altruistic: clean every drift, at once. Fair: the same, but where several stand on one
        drift only the first of them in a drawn order cleans."""
        return facts.advise(self, self.tables(str(state.t.device)), state, goal)

    def ledger(self, before: WorldState, actions: Tensor, after: WorldState, outcome: Outcome) -> Ledger:
        """Help is the benefit that a cleaned drift brings to each other one (halved where two cleaned it), cost what
        the cleaner paid; in need is whoever another is on a drift and sees in distress."""
        return facts.ledger(self, before, outcome)

    def audit(self, state: WorldState) -> dict[str, Tensor]:
        """What must hold of every state."""
        return facts.audit(self, state)

    def picture(self, state: WorldState, individual: int = 0) -> Picture:
        """The grid from above."""
        return facts.picture(self, state, individual)

    # ------------------------------------------------------------ its rules

    @cached_property
    def _tables(self) -> dict[str, facts.Tables]:
        return {}

    @cached_property
    def _last(self) -> list[tuple[Tensor, Tensor]]:
        return []

    def _drawn(self, key: Tensor) -> Tensor:
        """The drifts `[*B, cells]` of the worlds `key`; those of the last batch are kept, as they never change."""
        if self._last and self._last[0][0].device == key.device and torch.equal(self._last[0][0], key):
            return self._last[0][1]
        lot = rng.uniform(key, "snowdrift/drifts", 0, self.cells)
        rank = lot.argsort(dim=-1, stable=True).argsort(dim=-1, stable=True)
        self._last[:] = [(key.clone(), rank < self.drifts)]
        return self._last[0][1]

    def tables(self, device: str) -> facts.Tables:
        """What the steps look up, on a device."""
        if device not in self._tables:
            self._tables[device] = facts.tables(self, device)
        return self._tables[device]

    def opening(self, key: Tensor, moment: Tensor, traits: Mapping[str, Tensor]) -> Scene:
        """Drifts where they are in every episode of this world, agents at random, all in distress."""
        drawn = rng.uniforms(key, moment, {"snowdrift/start": self.members + 1})["snowdrift/start"]
        place = (drawn[..., : self.members] * self.cells).long()
        return Scene(
            place=place,
            snow=self._drawn(key),
            cold=torch.ones_like(place, dtype=torch.bool),
            cleaned=torch.zeros_like(place),
            first=(drawn[..., self.members] * self.members).long(),
        )

    def move(self, key: Tensor, moment: Tensor, scene: Scene, actions: Tensor, traits: Mapping[str, Tensor]) -> Turn:
        """Clean first, then walk or be carried."""
        met = scene.snow.gather(-1, scene.place)
        cleans = met & (actions == CLEAN)
        spot = torch.where(cleans, scene.place, self.cells)
        swept = torch.zeros(*spot.shape[:-1], self.cells + 1, dtype=torch.bool, device=spot.device)
        swept = swept.scatter(-1, spot, True)[..., : self.cells]
        snow = scene.snow & ~swept
        cleared = swept.sum(-1, keepdim=True)
        some = cleans.any(-1, keepdim=True)
        if self.movement == "random":
            way = (rng.uniform(key, "snowdrift/moves", moment, self.members) * len(MOVES)).long()
        else:
            way = actions
        place = self.tables(str(key.device)).next_place[scene.place * (CLEAN + 1) + way]
        after = Scene(place, snow, torch.where(some, cleans, scene.cold), scene.cleaned + cleans, scene.first)
        reward = cleared * self.benefit - cleans * self.cost
        left = snow.sum(-1)
        info = {"met": met, "cleaned": cleans, "cold": scene.cold, "place": scene.place, "left": left}
        return Turn(after, reward.to(torch.float32), left == 0, info)

    def observe(self, key: Tensor, moment: Tensor, scene: Scene, traits: Mapping[str, Tensor]) -> Obs:
        """The own cell, the faces of the others, the cells that are seen."""
        tables = self.tables(str(key.device))
        scale = 1.0 / (1.0 + OTHER * (self.members - 1) + DRIFT)
        own = tables.one_hot[scene.place]
        common = own.sum(-2, keepdim=True) * (OTHER * scale) + (scene.snow * (DRIFT * scale))[..., None, :]
        seen = own * ((1.0 - OTHER) * scale) + common
        reach = torch.where(traits["reach"] < 0, self.usual_reach, traits["reach"])
        view = seen * (tables.apart[scene.place] <= reach[..., None, None])
        face = self._faces(key, moment, scene.cold, tables)
        return Obs(scene.place, face[..., tables.others, :].flatten(-2), view)

    def _faces(self, key: Tensor, moment: Tensor, cold: Tensor, tables: facts.Tables) -> Tensor:
        """The faces `[*B, agent, cells]` of all."""
        if not (self.expression.jitter or self.expression.flips or self.expression.amplitude):
            return tables.faces[cold.long()]
        streams = {name: n * self.members for name, n in self.expression.streams.items()}
        noise = rng.uniforms(key, moment, streams)
        each = {name: drawn.unflatten(-1, (self.members, -1)) for name, drawn in noise.items()}
        return self.expression.pattern(cold.to(torch.float32), each)


EXAMPLES = (
    Snowdrift(),
    Snowdrift(columns=4, rows=3, drifts=4, members=2, view="local", movement="chosen", horizon=40, cost=2.0),
    Snowdrift(columns=1, rows=1, drifts=1, view="own", horizon=1),
)
