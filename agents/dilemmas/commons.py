"""Commons harvest: apples regrow from apples, so whoever takes too many ends them for all.

Gatherers start in the first column, each in a row of its own, and walk `way` steps to the orchard, the last columns of
the grid; they pass through one another. Its apples are within reach from all of its cells. A step: all move or eat, at
once; where more eat than there are apples, chance decides who gets one. Then each empty spot of the orchard bears an
apple with a probability that rises with the apples nearby, and where none is left none will ever grow again:

    P(apple) = min(1, regrowth x / N)          x apples left of N spots;      expected growth regrowth x (1 - x / N)

An apple is a reward of 1; nothing else is. An episode lasts `horizon` steps, the orchard living or dead.

The measure is the number of gatherers that may eat at each number of apples and each step so that all together eat
most, found by backward induction; who keeps it eats in turn, and whose turn comes first is drawn for each episode.

    T  takes most from others who keep the measure      R  all keep the measure
    P  all always eat                                   S  keeps the measure among others who always eat

Small, in the spirit of the commons harvest of Leibo et al. (2021) Scalable evaluation of multi-agent reinforcement
learning with Melting Pot. arXiv:2107.06857; Perolat, Leibo, Zambaldi, Beattie, Tuyls, Graepel (2017) A multi-agent
reinforcement learning model of common-pool resource appropriation. arXiv:1707.06600. Hardin (1968) The tragedy of the
commons. doi:10.1126/science.162.3859.1243; Ostrom (1990) Governing the commons. doi:10.1017/CBO9780511807763
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import checks, grids
from bisnn.agents.base import MOVES, REACH, Ledger, Obs, Outcome, Payoff, Picture, Senses
from bisnn.agents.clock import EPISODE
from bisnn.agents.dilemmas import commons_facts as facts
from bisnn.agents.dilemmas.world import Turn, World, WorldState
from bisnn.agents.expression import Expression
from bisnn.errors import ConfigError


class Orchard(NamedTuple):
    """What changes within an episode."""

    cell: Tensor  # [*B, agent] int64, column + columns * row
    apples: Tensor  # [*B] int64
    first: Tensor  # [*B] int64: whose turn comes first, among those who keep the measure
    waited: Tensor  # [*B, agent] int64: steps since the last apple, or since the start
    ate: Tensor  # [*B, agent] bool: in the last step


@dataclass(frozen=True, kw_only=True)
class Commons(World):
    """The commons harvest of two to five gatherers.

    Observation: `place` `[*B, agent]`, outside the orchard the own cell row + rows * column, within it rows * way + the
    number of apples; `expression` `[*B, agent, (gatherers - 1) * cells]`, the others' faces, from the next gatherer on:
    one that has gone without an apple for more than `patience` steps is in distress, greatest after twice as many;
    `view`: the share of spots with an apple, the own place, where each other is and whether it ate in the last step.
    Actions: up, down, right, left, eat. Raises `ConfigError` where the parameters make no social dilemma.
    """

    name: ClassVar[str] = "commons_v0"
    actions: ClassVar[tuple[str, ...]] = (*MOVES, "eat")
    traits: ClassVar[tuple[str, ...]] = ("regrowth",)

    gatherers: int = 2
    """Number of gatherers, 2 to 5."""
    orchard_columns: int = 2
    """Columns of the orchard."""
    rows: int = 5
    """Rows of the grid, at least as many as gatherers."""
    way: int = 2
    """Columns before the orchard, 1 or more."""
    apples: int | None = None
    """Apples at the start; None: one on every spot."""
    regrowth: float = 0.1
    """Probability, per step, that an empty spot bears an apple, if all others did; above 0, at most 1. An individual's
    own changes its world; certificate and advice are those of this one."""
    horizon: int = 50
    """Steps of an episode."""
    patience: int = 5
    """Steps without an apple after which distress begins."""
    expression: Expression = field(default_factory=lambda: Expression(cells=8, flips=0.0, amplitude=0.0))
    """The gatherers' faces."""

    def __post_init__(self) -> None:
        grids.whole(2, 5, gatherers=self.gatherers)
        grids.whole(1, 12, orchard_columns=self.orchard_columns, way=self.way)
        grids.whole(self.gatherers, 12, rows=self.rows)
        grids.whole(1, self.spots, apples=self.apples_at_start)
        grids.whole(self.way + 1, 500, horizon=self.horizon)
        grids.whole(1, EPISODE, patience=self.patience)
        checks.within(0, 1, regrowth=self.regrowth)
        if self.spots > 40:
            raise ConfigError(f"{self.spots} spots; orchard_columns * rows is at most 40")
        facts.refuse(self)

    @property
    def spots(self) -> int:
        """Cells of the orchard, each of which bears an apple or none."""
        return self.orchard_columns * self.rows

    @property
    def columns(self) -> int:
        """Columns of the grid."""
        return self.way + self.orchard_columns

    @property
    def apples_at_start(self) -> int:
        """Apples at the start of an episode."""
        return self.spots if self.apples is None else self.apples

    @property
    def agents(self) -> tuple[str, ...]:
        """The gatherers."""
        return tuple(f"gatherer_{number}" for number in range(1, self.gatherers + 1))

    @property
    def parties(self) -> tuple[str, ...]:
        """Nobody but the gatherers."""
        return self.agents

    @property
    def senses(self) -> Senses:
        """Own situation, the others' faces, the apples, and where the others are."""
        each = [f"other {number}" for number in range(1, self.gatherers)]
        features = (
            "apples", "own column", "own row",
            *(f"{who} {where}" for who in each for where in ("to the right", "below")),
            *(f"{who} ate" for who in each),
        )  # fmt: skip
        return Senses(self.way * self.rows + self.spots + 1, tuple(each), self.expression.cells, features)

    def inside(self, cell: Tensor) -> Tensor:
        """Whether `cell` is in the orchard."""
        return grids.look(facts.ground(self.way, self.columns, self.rows, str(cell.device))[1], cell)

    def payoff(self) -> Payoff:
        """The certificate: exact, by backward induction over apples and steps."""
        return facts.payoff(self)

    def opening(self, key: Tensor, moment: Tensor, traits: Mapping[str, Tensor]) -> Orchard:
        """Everybody in the first column, the orchard as it is at the start."""
        zero = torch.zeros_like(key)
        row = torch.arange(self.gatherers, device=key.device)
        none = zero[..., None].expand(*key.shape, self.gatherers).clone()
        turn = rng.uniform(key, "commons/turn", moment, 1)[..., 0]
        first = (turn * self.gatherers).long()
        return Orchard(none + row * self.columns, zero + self.apples_at_start, first, none, none > 0)

    def move(self, key: Tensor, moment: Tensor, scene: Orchard, actions: Tensor, traits: Mapping[str, Tensor]) -> Turn:
        """All move or eat at once; then apples grow."""
        noise = rng.uniforms(key, moment, {"commons/sprout": self.spots, "commons/chance": self.gatherers})
        cell = grids.walked(scene.cell, actions, self.columns, self.rows, 1)
        inside, eats = self.inside(cell), actions >= REACH
        ate = grids.lottery(inside & eats, scene.apples, noise["commons/chance"])
        left = scene.apples - ate.sum(-1)
        chance = traits["regrowth"] * left / self.spots
        empty = torch.arange(self.spots, device=key.device) < (self.spots - left)[..., None]
        grown = (empty & (noise["commons/sprout"] < chance[..., None])).sum(-1)
        after = Orchard(cell, left + grown, scene.first, (scene.waited + 1) * ~ate, ate)
        info = {
            "ate": ate,
            "leaves": inside & ~eats & (scene.apples > 0)[..., None],
            "left": left,
            "apples": left + grown,
        }
        return Turn(after, ate.float(), torch.zeros_like(left, dtype=torch.bool), info)

    def observe(self, key: Tensor, moment: Tensor, scene: Orchard, traits: Mapping[str, Tensor]) -> Obs:
        """What the gatherers perceive."""
        outside, inside = facts.ground(self.way, self.columns, self.rows, str(key.device))
        situation = self.way * self.rows + scene.apples[..., None]
        place = torch.where(grids.look(inside, scene.cell), situation, grids.look(outside, scene.cell))
        share = (scene.apples.float() / self.spots)[..., None, None].expand(*place.shape, 1)
        views = (
            share,
            grids.standing(scene.cell, self.columns, self.rows),
            grids.between(scene.cell, self.columns, self.rows),
            grids.of_others(scene.ate).float(),
        )
        face = grids.faces(self.expression, key, moment, self.distress(scene))
        return grids.seen_by_all(place, face, *views)

    def distress(self, scene: Orchard) -> Tensor:
        """How much distress each gatherer shows, float32 `[*B, agent]` in [0, 1]."""
        return grids.hunger(scene.waited, self.patience)

    def ledger(self, before: WorldState, actions: Tensor, after: WorldState, outcome: Outcome) -> Ledger:
        """What the step brought the gatherers (`bisnn.agents.dilemmas.commons_facts.ledger`)."""
        return facts.ledger(self, before, after, outcome)

    def advise(self, state: WorldState, goal: str) -> Tensor:
        """Selfish: always eat. Altruistic and fair: keep the measure, in turn."""
        return facts.advise(self, state, goal)

    def audit(self, state: WorldState) -> dict[str, Tensor]:
        """What must hold of every state."""
        return facts.audit(self, state)

    def picture(self, state: WorldState, individual: int = 0) -> Picture:
        """The grid from above."""
        return facts.picture(self, state, individual)


EXAMPLES = (Commons(), Commons(gatherers=4, rows=4, way=1, apples=6, regrowth=0.15, horizon=40, patience=3))
