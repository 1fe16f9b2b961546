"""Rescue among bystanders: several helpers see one victim, and each could relieve it for all, at a cost of its own.

The rooms, the victim, the steps and the rewards are those of `bisnn.agents.dilemmas.rescue`, noise included: of one
seed it is the same victim. Every helper has its own way to its own goal; helpers pass one another. A helper at its goal
is out and idle: it stands there, still sees the face, and earns nothing more. The episode ends when all are at their
goals. Whoever reaches out on the switch relieves the victim for all; those who do so in one step share the act, and
each pays for it.

    own external return of helper i:  free_i if it goes its way,  free_i - K_i if it helps     (K_i > 0)
    with a benefit U to each of them, whoever helped: T = free + U > R = S = free + U - K > P = free   where U > K

The latter is the volunteer's dilemma. Diekmann (1985) doi:10.1177/0022002785029004003. Of bystanders: Darley, Latane
(1968) doi:10.1037/h0025589.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import checks
from bisnn.agents.base import MOVES, REACH, Ledger, Obs, Payoff, Picture, Senses
from bisnn.agents.clock import EPISODE
from bisnn.agents.dilemmas import rescue_bystander_facts as facts
from bisnn.agents.dilemmas import rescue_facts
from bisnn.agents.dilemmas.world import Turn, World, WorldState
from bisnn.agents.expression import Expression
from bisnn.agents.layouts import Cell, Tables, tables
from bisnn.errors import ConfigError

MOST = 4
"""Helpers, at most."""
NOBODY = -1
"""The rescuer while there is none."""


class Bystanders(NamedTuple):
    """What changes within an episode."""

    helpers: Tensor  # [*B, agent] int64 place in the right room
    home: Tensor  # [*B, agent] bool: it has reached its goal
    helped: Tensor  # [*B, agent] bool: it relieved the victim, alone or with others
    victim: Tensor  # [*B] int64 spot in the left room
    opening: Tensor  # [*B] int64 which script the victim follows
    distress: Tensor  # [*B] bool: the victim is in pain, and shows it
    painful: Tensor  # [*B] bool: pain has occurred
    relieved: Tensor  # [*B] bool: the victim has been relieved and is safe


@dataclass(frozen=True, kw_only=True)
class RescueBystander(World):
    """The rescue dilemma with two to four helpers, told apart by their ways.

    Observation: `place` column + width * row in the right room; `expression` the victim's face; `view` of each other
    helper, from the next one on: whether it is seen, its column and row from -1 to 1, and whether it is at its goal.
    Actions 0 up, 1 down, 2 right, 3 left, and the same plus 4 to reach out as well. Raises `ConfigError`.
    """

    name: ClassVar[str] = "rescue_bystander_v0"
    actions: ClassVar[tuple[str, ...]] = (*MOVES, *(f"{move}+reach" for move in MOVES))
    traits: ClassVar[tuple[str, ...]] = ("observability", "visible_others", "toll", "toll_others")

    helpers: int = 2
    """How many can help, 2 to 4."""
    columns: int = 11
    """Columns of the grid, the wall included."""
    rows: int = 5
    """Rows of the grid."""
    wall: int = 5
    """Column of the wall that parts the rooms."""
    starts: tuple[Cell, ...] = ((10, 0), (6, 4), (10, 0), (6, 4))
    """Where each helper starts: the rescue's way and its mirror image, in turn."""
    goals: tuple[Cell, ...] = ((6, 2), (8, 0), (6, 2), (8, 0))
    """Each helper's own goal."""
    switch: Cell = (10, 4)
    """Where a helper relieves the victim."""
    victim_start: Cell = (0, 0)
    """Where the victim starts."""
    hazards: tuple[Cell, ...] = ((1, 0), (0, 2), (3, 1), (3, 3))
    """Cells that hurt the victim."""
    openings: tuple[str, ...] = ("R", "DD", "UDD", "ULDD")
    """Scripts of the victim's first moves, one drawn per episode."""
    horizon: int = 100
    """Steps after which an episode is cut."""
    goal_reward: float = 10.0
    """Reward of the step that reaches the own goal."""
    step_cost: float = 1.0
    """Loss in every other step on the way."""
    shared_benefit: float = 0.0
    """Reward to every helper in the step in which the victim is relieved, by whomever; 0, or above what help costs."""
    pain_intensity: float = 0.5
    """Intensity of the victim's pain, above 0 and up to 1."""
    observability: float = 1.0
    """Probability, per step and helper, that it sees the face; a hidden face is all zeros."""
    visible_others: float = 1.0
    """Probability, per step and helper, that it sees the other helpers; hidden ones are all zeros."""
    toll: float = 0.0
    """Further loss of a helper in the step in which it relieves the victim."""
    toll_others: float = 0.0
    """What that step costs every helper but the first in addition."""
    expression: Expression = field(default_factory=Expression)
    """The victim's face."""

    def __post_init__(self) -> None:
        _check(self)

    @property
    def agents(self) -> tuple[str, ...]:
        """`helper_0` and so on."""
        return tuple(f"helper_{number}" for number in range(self.helpers))

    @property
    def parties(self) -> tuple[str, ...]:
        """The helpers, then the victim."""
        return (*self.agents, "victim")

    @property
    def width(self) -> int:
        """Columns of the helpers' room."""
        return self.columns - self.wall - 1

    @property
    def places(self) -> int:
        """Number of places of the helpers' room."""
        return self.width * self.rows

    @property
    def senses(self) -> Senses:
        """Own place, the victim's face, and where the others are."""
        parts = ("is seen", "column", "row", "is at its goal")
        features = tuple(f"helper {step} on: {part}" for step in range(1, self.helpers) for part in parts)
        return Senses(self.places, ("victim",), self.expression.cells, features)

    def payoff(self) -> Payoff:
        """The certificate of the first helper, for a victim in pain from the start."""
        return facts.payoff(self)

    def opening(self, key: Tensor, moment: Tensor, traits: Mapping[str, Tensor]) -> Bystanders:
        """Everybody at their start."""
        chance = rng.uniform(key, "rescue/world", moment, 2)[..., 1]
        start = torch.zeros_like(key)
        no = torch.zeros_like(key, dtype=torch.bool)
        nobody = no[..., None].expand(*key.shape, self.helpers)
        return Bystanders(
            helpers=start[..., None] + facts.places(self, str(key.device)).start,
            home=nobody,
            helped=nobody,
            victim=start + (self.victim_start[0] + self.wall * self.victim_start[1]),
            opening=(chance * len(self.openings)).long(),
            distress=no,
            painful=no,
            relieved=no,
        )

    def move(
        self, key: Tensor, moment: Tensor, scene: Bystanders, actions: Tensor, traits: Mapping[str, Tensor]
    ) -> Turn:
        """The helpers move and perhaps reach out, then the victim moves and is perhaps hurt."""
        rooms, spots = self.tables(str(key.device)), facts.places(self, str(key.device))
        walked = rooms.right[scene.helpers, actions % REACH]
        helpers = torch.where(scene.home, scene.helpers, walked)
        reached = (helpers == spots.switch) & ~scene.home & (actions >= REACH)
        helped_now = reached & scene.distress[..., None]
        relieved_now = helped_now.any(-1)
        relieved = scene.relieved | relieved_now
        chance = rng.uniform(key, "rescue/world", moment, 1)[..., 0]
        victim, onto = rescue_facts.stroll(rooms, scene.victim, scene.opening, moment % EPISODE - 1, chance)
        distress = (scene.distress & ~relieved_now) | (onto & ~relieved)
        arrived = (helpers == spots.goal) & ~scene.home
        home = scene.home | arrived
        paid = self.tolls(traits) * helped_now
        walk = torch.where(arrived, self.goal_reward, -self.step_cost) * ~scene.home
        reward = walk - paid + self.shared_benefit * relieved_now[..., None]
        after = scene._replace(
            helpers=helpers,
            home=home,
            helped=scene.helped | helped_now,
            victim=victim,
            distress=distress,
            painful=scene.painful | distress,
            relieved=relieved,
        )
        return Turn(after, reward, home.all(-1), self._facts(rooms, spots, after, helped_now, arrived, paid))

    def _facts(
        self, rooms: Tables, spots: facts.Places, scene: Bystanders, helped_now: Tensor, arrived: Tensor, paid: Tensor
    ) -> dict[str, Tensor]:
        """What measures may read. `relieved` and `relieved_now` hold whoever did it; `helped` and `helped_now`
        `[*B, agent]` tell who. Without a dim `agent`, `at_switch` and `helper_cell` are the first helper's."""
        cells = rooms.right_cell[scene.helpers]
        return {
            "pain": scene.distress,
            "painful": scene.painful,
            "expressed": scene.distress,
            "relieved": scene.relieved,
            "relieved_now": helped_now.any(-1),
            "helped": scene.helped,
            "helped_now": helped_now,
            "faked": torch.zeros_like(scene.distress),
            "paid": paid,
            "at_goal": arrived,
            "home": scene.home,
            "at_switch": scene.helpers[..., 0] == spots.switch,
            "helper_cell": cells[..., 0],
            "helper_cells": cells,
            "victim_cell": rooms.left_cell[scene.victim],
        }

    def observe(self, key: Tensor, moment: Tensor, scene: Bystanders, traits: Mapping[str, Tensor]) -> Obs:
        """Own place, the victim's face, and where the other helpers are."""
        streams = {"rescue/world": 4, "bystander/sight": 2 * self.helpers, **self.expression.streams}
        noise = rng.uniforms(key, moment, streams)
        face = self.expression.pattern(scene.distress * self.pain_intensity, noise)
        first, sight = noise["rescue/world"][..., 3:4], noise["bystander/sight"]
        visible = torch.cat((first, sight[..., 1 : self.helpers]), dim=-1) < traits["observability"][..., None]
        others = sight[..., self.helpers :] < traits["visible_others"][..., None]
        spots = facts.places(self, str(key.device))
        look = torch.cat((spots.look[scene.helpers], scene.home[..., None].to(face.dtype)), dim=-1)
        view = look[..., spots.others, :] * others[..., None, None]
        return Obs(scene.helpers, face[..., None, :] * visible[..., None], view.flatten(-2))

    def tables(self, device: str) -> Tables:
        """The lookup tables of the rooms."""
        grid = (self.columns, self.rows, self.wall)
        named = (self.goals[0], self.switch, self.victim_start)
        return tables(grid, named, self.hazards, self.openings, device)

    def tolls(self, traits: Mapping[str, Tensor]) -> Tensor:
        """What the act costs each helper, `[*B, agent]`."""
        toll, more = traits["toll"][..., None], traits["toll_others"][..., None]
        return toll + more * (torch.arange(self.helpers, device=toll.device) > 0)

    def ledger(self, before: WorldState, actions: Tensor, after: WorldState, outcome: object) -> Ledger:
        """What the step brought everybody; relief is worth the painful steps that it spares."""
        return facts.ledger(self, before, after, outcome)  # type: ignore[arg-type]

    def advise(self, state: WorldState, goal: str) -> Tensor:
        """Selfish: all go their ways. Altruistic: all help. Fair: one helps, so that the worst off has most."""
        return facts.advise(self, state, goal)

    def audit(self, state: WorldState) -> dict[str, Tensor]:
        """What must hold of every state."""
        return facts.audit(self, state)

    def picture(self, state: WorldState, individual: int = 0) -> Picture:
        """Both rooms from above."""
        return facts.picture(self, state, individual)


def _check(dilemma: RescueBystander) -> None:
    """Raises `ConfigError` where the parameters of `dilemma` do not fit together."""
    count = dilemma.helpers
    if not (isinstance(count, int) and 2 <= count <= MOST):
        raise ConfigError(f"helpers = {count}; there are 2 to {MOST}: one alone is the rescue itself")
    for name, cells in (("starts", dilemma.starts), ("goals", dilemma.goals)):
        if len(cells) < count:
            raise ConfigError(f"{name} has {len(cells)} cells for {count} helpers; give one for each")
    others = {f"hazard {number}": cell for number, cell in enumerate(dilemma.hazards)}
    for number in range(count):
        own = {f"start {number}": dilemma.starts[number], f"goal {number}": dilemma.goals[number]}
        grid = (dilemma.columns, dilemma.rows, dilemma.wall)
        checks.two_rooms(grid, {"victim_start": dilemma.victim_start, **others}, {**own, "switch": dilemma.switch})
    checks.within(0, 1, observability=dilemma.observability, visible_others=dilemma.visible_others)
    checks.within(0, 1, intensity=dilemma.pain_intensity)
    checks.within(1, EPISODE - 1, horizon=dilemma.horizon)
    tolls = {"toll": dilemma.toll, "toll_others": dilemma.toll_others}
    checks.within(0, float("inf"), goal_reward=dilemma.goal_reward)
    checks.within(0, float("inf"), step_cost=dilemma.step_cost, shared_benefit=dilemma.shared_benefit, **tolls)
    if dilemma.pain_intensity == 0 or not dilemma.hazards or not dilemma.openings:
        raise ConfigError("a rescue needs a hazard, an opening and a pain_intensity above 0")
    facts.check(dilemma)


EXAMPLES = (
    RescueBystander(),
    RescueBystander(helpers=3, observability=0.9, visible_others=0.5, toll_others=1.5, expression=Expression(cells=24)),
    RescueBystander(shared_benefit=6.0, pain_intensity=0.8),
)
