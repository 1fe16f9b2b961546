"""Stag hunt: together hunters catch a stag, which feeds each of them well; alone one can only catch a hare.

A square field of odd `size`. Hunters start in its corners, the stag stands in the middle, and `hare_distance` steps
clockwise along the border from each hunter's corner there is a hare. Stag and hares stay where they are. A step: all
hunters move or grip, at once; they pass through one another. One that grips where a hare is has it, and several that
grip the same hare in one step share it. The stag is caught where at least `needed` hunters that stand on its cell or
next to it (up, down, right or left) grip in the same step: each of these then has `stag`. To grip it with too few is
to wait. A hunter has one prey in an episode: then it is out, stands still and earns no more. Every step costs a hunter
without prey `step_cost`. The episode ends when all have prey, or at the horizon, where the others go hungry.

The game, of plans from the first step, exact (c = (size - 1) / 2, d = hare_distance, H = horizon):

    R = stag - 2c step_cost           all hunt the stag
    T = P = hare - (d + 1) step_cost  one takes its hare, whatever the others do
    S = -H step_cost                  one waits at the stag while the others take their hares

Where more hunt than are needed, R and T are those of one whose help is just needed.

Skyrms (2004) The stag hunt and the evolution of social structure. doi:10.1017/CBO9781139165228
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bisnn.agents import checks, grids
from bisnn.agents.base import MOVES, REACH, Ledger, Obs, Outcome, Payoff, Picture, Senses
from bisnn.agents.clock import EPISODE
from bisnn.agents.dilemmas import stag_hunt_facts as facts
from bisnn.agents.dilemmas.world import Turn, World, WorldState
from bisnn.agents.expression import Expression
from bisnn.errors import ConfigError


class Field(NamedTuple):
    """What changes within an episode."""

    cell: Tensor  # [*B, agent] int64, column + size * row
    prey: Tensor  # [*B, agent] int64: NONE, HARE or STAG
    hare: Tensor  # [*B, agent] bool: the hare near the corner of this hunter is still there
    stag: Tensor  # [*B] bool: the stag is still there


@dataclass(frozen=True, kw_only=True)
class StagHunt(World):
    """The stag hunt of two to four hunters.

    Observation: `place` `[*B, agent]`, the own cell column + size * row; `expression`
    `[*B, agent, (hunters - 1) * cells]`, the others' faces, from the next hunter on: a hunter without prey is in
    distress, which begins after `patience` steps and is greatest after twice as many; `view`: where the stag is, where
    each other hunter is, who has prey, which hares are left. Actions: up, down, right, left, grip. Raises `ConfigError`
    where the parameters make no stag hunt.
    """

    name: ClassVar[str] = "stag_hunt_v0"
    actions: ClassVar[tuple[str, ...]] = (*MOVES, "grip")
    traits: ClassVar[tuple[str, ...]] = ("stag", "hare", "step_cost")

    hunters: int = 2
    """Number of hunters, 2 to 4."""
    needed: int | None = None
    """How many it takes to catch the stag, 2 or more; None: all."""
    size: int = 5
    """Columns and rows of the field; odd, 5 or more."""
    hare_distance: int = 2
    """Steps from a hunter's corner to its hare, 1 to (size - 1) / 2."""
    stag: float = 6.0
    """Reward of each hunter that catches the stag."""
    hare: float = 3.0
    """Reward for a hare."""
    step_cost: float = 0.1
    """Loss in every step of a hunter without prey, the step that catches it included."""
    horizon: int = 20
    """Steps after which an episode is cut."""
    patience: int = 4
    """Steps without prey after which distress begins."""
    expression: Expression = field(default_factory=lambda: Expression(cells=8, flips=0.0, amplitude=0.0))
    """The hunters' faces."""

    def __post_init__(self) -> None:
        grids.whole(2, 4, hunters=self.hunters)
        grids.whole(2, self.hunters, needed=self.enough)
        grids.whole(5, 31, size=self.size)
        if self.size % 2 == 0:
            raise ConfigError(f"size = {self.size}; it is odd, so that the stag in the middle is as far from all")
        grids.whole(1, self.size // 2, hare_distance=self.hare_distance)
        grids.whole(self.size - 1, EPISODE - 1, horizon=self.horizon)
        grids.whole(1, EPISODE, patience=self.patience)
        checks.within(0, 1e6, step_cost=self.step_cost, stag=self.stag, hare=self.hare)
        facts.refuse(self)

    @property
    def enough(self) -> int:
        """Hunters that it takes to catch the stag."""
        return self.hunters if self.needed is None else self.needed

    @property
    def agents(self) -> tuple[str, ...]:
        """The hunters."""
        return tuple(f"hunter_{number}" for number in range(1, self.hunters + 1))

    @property
    def parties(self) -> tuple[str, ...]:
        """Nobody but the hunters."""
        return self.agents

    @property
    def senses(self) -> Senses:
        """Own cell, the others' faces, and where everything is; all distances as shares of the field."""
        each = [f"other {number}" for number in range(1, self.hunters)]
        features = (
            "stag to the right", "stag below",
            *(f"{who} {where}" for who in each for where in ("to the right", "below")),
            "own prey", *(f"{who} has prey" for who in each),
            "own hare is there", *(f"hare of {who} is there" for who in each),
        )  # fmt: skip
        return Senses(self.size**2, tuple(each), self.expression.cells, features)

    def payoff(self) -> Payoff:
        """The certificate: exact, from the shortest ways."""
        return facts.payoff(self)

    def opening(self, key: Tensor, moment: Tensor, traits: Mapping[str, Tensor]) -> Field:
        """All hunters in their corners, all prey there."""
        tables = facts.tables(self.size, self.hunters, self.hare_distance, str(key.device))
        shape = (*key.shape, self.hunters)
        there = torch.ones(shape, dtype=torch.bool, device=key.device)
        nothing = torch.zeros(shape, dtype=torch.int64, device=key.device)
        return Field(tables.corner.expand(shape).clone(), nothing, there, there[..., 0].clone())

    def move(self, key: Tensor, moment: Tensor, scene: Field, actions: Tensor, traits: Mapping[str, Tensor]) -> Turn:
        """All hunters move or grip at once."""
        tables = facts.tables(self.size, self.hunters, self.hare_distance, str(key.device))
        out = scene.prey == facts.NONE
        cell = torch.where(out, grids.walked(scene.cell, actions, self.size, self.size, 1), scene.cell)
        grips = out & (actions >= REACH)
        on_hare = grips[..., :, None] & (cell[..., :, None] == tables.hare) & scene.hare[..., None, :]
        sharing = on_hare.sum(-2, keepdim=True)  # [*B, 1, hare]
        takes = on_hare.any(-1)
        share = (on_hare / sharing.clamp(min=1)).amax(-1)  # a hunter stands at one hare at most
        holds = grips & grids.look(tables.near, cell) & scene.stag[..., None]
        caught = holds.sum(-1) >= self.enough
        wins = holds & caught[..., None]
        prey = torch.where(takes, facts.HARE, torch.where(wins, facts.STAG, scene.prey))
        reward = share * traits["hare"][..., None] + wins * traits["stag"][..., None]
        reward = reward - out * traits["step_cost"][..., None]
        after = Field(cell, prey, scene.hare & ~on_hare.any(-2), scene.stag & ~caught)
        info = {"took_hare": takes, "took_stag": wins, "held_in_vain": holds & ~wins, "prey": prey}
        return Turn(after, reward, (prey != facts.NONE).all(-1), info)

    def observe(self, key: Tensor, moment: Tensor, scene: Field, traits: Mapping[str, Tensor]) -> Obs:
        """What the hunters perceive."""
        fed = scene.prey != facts.NONE
        views = (
            grids.towards(scene.cell, self.size**2 // 2, self.size, self.size) * scene.stag[..., None, None],
            grids.between(scene.cell, self.size, self.size),
            fed[..., None], grids.of_others(fed),
            scene.hare[..., None], grids.of_others(scene.hare),
        )  # fmt: skip
        face = grids.faces(self.expression, key, moment, self.distress(scene, moment % EPISODE))
        return grids.seen_by_all(scene.cell, face, *(view.float() for view in views))

    def distress(self, scene: Field, t: Tensor) -> Tensor:
        """How much distress each hunter shows after `t` steps, float32 `[*B, agent]` in [0, 1]."""
        return grids.hunger(t, self.patience)[..., None] * (scene.prey == facts.NONE)

    def ledger(self, before: WorldState, actions: Tensor, after: WorldState, outcome: Outcome) -> Ledger:
        """What the step brought the hunters (`bisnn.agents.dilemmas.stag_hunt_facts.ledger`)."""
        return facts.ledger(self.enough, before, after, outcome)

    def advise(self, state: WorldState, goal: str) -> Tensor:
        """Selfish: the nearest hare. Altruistic: the stag, for as long as it stands there. Fair: the stag, while there
        are hunters enough for it, else the nearest hare."""
        device = str(state.t.device)
        return facts.advise(
            facts.tables(self.size, self.hunters, self.hare_distance, device), self.enough, state.scene, goal
        )

    def audit(self, state: WorldState) -> dict[str, Tensor]:
        """What must hold of every state."""
        return facts.audit(self, state)

    def picture(self, state: WorldState, individual: int = 0) -> Picture:
        """The field from above."""
        return facts.picture(self, state, individual)


EXAMPLES = (StagHunt(), StagHunt(hunters=4, needed=3, size=7, hare_distance=1, stag=5.0, step_cost=0.25, horizon=15))
