"""Clean-up, a public good: a polluted river lets no apples grow; to clean it feeds all, but who cleans cannot eat.

The river is the first column of the grid, the orchard its last ones, and gatherers start between, each in a row of its
own, `way` steps from either; they pass through one another. A step: all move, eat or clean, at once. All apples of the
orchard are within reach from all of its cells; where more eat than there are apples, chance decides. Each that cleans
in the river takes out one level of pollution, at `cleaning_cost`, while there is any. Then waste flows in, and each
empty spot of the orchard bears an apple with a probability that falls with the pollution:

    w <- min(W, w + inflow)        inflow on average: its whole part for sure, one more with the rest as probability
    P(apple) = growth (1 - w / W)

An apple is a reward of 1. An episode lasts `horizon` steps. Cooperation is to take turns: in each episode the best
number of cleaners, found by search, cleans until the best time, and whose turn it is is drawn anew.

    T  eats while the others take turns         R  all take turns
    P  all eat, nobody cleans                   S  takes its turns while nobody else cleans

Small, in the spirit of Hughes et al. (2018) Inequity aversion improves cooperation in intertemporal social dilemmas.
arXiv:1803.08884; Leibo, Zambaldi, Lanctot, Marecki, Graepel (2017) Multi-agent reinforcement learning in sequential
social dilemmas. arXiv:1702.03037. Public goods: Samuelson (1954) The pure theory of public expenditure.
doi:10.2307/1925895
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import checks, grids
from bisnn.agents.base import MOVES, Ledger, Obs, Outcome, Payoff, Picture, Senses
from bisnn.agents.clock import EPISODE
from bisnn.agents.dilemmas import clean_up_facts as facts
from bisnn.agents.dilemmas.world import Turn, World, WorldState
from bisnn.agents.expression import Expression
from bisnn.errors import ConfigError


class Valley(NamedTuple):
    """What changes within an episode."""

    cell: Tensor  # [*B, agent] int64, column + columns * row
    apples: Tensor  # [*B] int64
    pollution: Tensor  # [*B] int64 level
    first: Tensor  # [*B] int64: the first of those whose turn it is to clean
    waited: Tensor  # [*B, agent] int64: steps since the last apple, or since the start
    ate: Tensor  # [*B, agent] bool: in the last step
    cleaned: Tensor  # [*B, agent] bool: in the last step


@dataclass(frozen=True, kw_only=True)
class CleanUp(World):
    """The clean-up of two to five gatherers.

    Observation: `place` `[*B, agent]`: between river and orchard the own cell, row + rows * (column - 1); then, in the
    river, the level of pollution; then, in the orchard, the number of apples; `expression`
    `[*B, agent, (gatherers - 1) * cells]`, the others' faces, from the next gatherer on: one that has gone without an
    apple for more than `patience` steps is in distress, greatest after twice as many; `view`: apples and pollution as
    shares, the own place, where each other is and whether it ate or cleaned in the last step. Actions: up, down, right,
    left, eat, clean. Raises `ConfigError` where the parameters make no social dilemma.
    """

    name: ClassVar[str] = "clean_up_v0"
    actions: ClassVar[tuple[str, ...]] = (*MOVES, "eat", "clean")
    traits: ClassVar[tuple[str, ...]] = ("growth", "inflow", "cleaning_cost")

    gatherers: int = 2
    """Number of gatherers, 2 to 5."""
    orchard_columns: int = 2
    """Columns of the orchard."""
    rows: int = 5
    """Rows of the grid, at least as many as gatherers."""
    way: int = 2
    """Steps from the start to the river, and to the orchard, 1 or more."""
    apples: int | None = None
    """Apples at the start; None: one on every spot."""
    levels: int = 10
    """Level of pollution at which nothing grows any more."""
    pollution: int = 0
    """Level of pollution at the start."""
    growth: float = 0.15
    """Probability, per step, that an empty spot bears an apple beside a clean river; above 0, at most 1. An
    individual's own growth, inflow or cost changes its world; certificate and advice are those of the plan."""
    inflow: float = 1.0
    """Levels of pollution that flow in with each step, on average."""
    cleaning_cost: float = 0.0
    """Loss of one that cleans, for each step in which there was pollution."""
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
        grids.whole(1, 30, levels=self.levels)
        grids.whole(0, self.levels, pollution=self.pollution)
        grids.whole(0, self.spots, apples=self.apples_at_start)
        grids.whole(self.way + 1, 300, horizon=self.horizon)
        grids.whole(1, EPISODE, patience=self.patience)
        checks.within(0, 1, growth=self.growth)
        checks.within(0, self.gatherers, inflow=self.inflow)
        checks.within(0, 1e6, cleaning_cost=self.cleaning_cost)
        if self.spots > 30:
            raise ConfigError(f"{self.spots} spots; orchard_columns * rows is at most 30")
        facts.refuse(self)

    @property
    def spots(self) -> int:
        """Cells of the orchard, each of which bears an apple or none."""
        return self.orchard_columns * self.rows

    @property
    def columns(self) -> int:
        """Columns of the grid."""
        return 2 * self.way + self.orchard_columns

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
        """Own situation, the others' faces, apples and pollution, where the others are and what they did."""
        each = [f"other {number}" for number in range(1, self.gatherers)]
        features = (
            "apples", "pollution", "own column", "own row",
            *(f"{who} {where}" for who in each for where in ("to the right", "below")),
            *(f"{who} {did}" for did in ("ate", "cleaned") for who in each),
        )  # fmt: skip
        places = self.rows * (2 * self.way - 1) + self.levels + 1 + self.spots + 1
        return Senses(places, tuple(each), self.expression.cells, features)

    def inside(self, cell: Tensor) -> Tensor:
        """Whether `cell` is in the orchard."""
        return grids.look(facts.ground(self.way, self.columns, self.rows, str(cell.device)).inside, cell)

    def at_river(self, cell: Tensor) -> Tensor:
        """Whether `cell` is in the river."""
        return grids.look(facts.ground(self.way, self.columns, self.rows, str(cell.device)).river, cell)

    def payoff(self) -> Payoff:
        """The certificate, from expectations over pollution and apples."""
        return facts.payoff(self)

    def opening(self, key: Tensor, moment: Tensor, traits: Mapping[str, Tensor]) -> Valley:
        """Everybody between river and orchard, both as they are at the start."""
        zero = torch.zeros_like(key)
        row = torch.arange(self.gatherers, device=key.device)
        none = zero[..., None].expand(*key.shape, self.gatherers).clone()
        first = (rng.uniform(key, "clean_up/turn", moment, 1)[..., 0] * self.gatherers).long()
        start = none + row * self.columns + self.way
        return Valley(start, zero + self.apples_at_start, zero + self.pollution, first, none, none > 0, none > 0)

    def move(self, key: Tensor, moment: Tensor, scene: Valley, actions: Tensor, traits: Mapping[str, Tensor]) -> Turn:
        """All move, eat or clean at once; then waste flows in, and apples grow."""
        streams = {"clean_up/sprout": self.spots, "clean_up/chance": self.gatherers + 1}
        noise = rng.uniforms(key, moment, streams)
        chance = noise["clean_up/chance"]
        cell = grids.walked(scene.cell, actions, self.columns, self.rows, 2)
        ate = grids.lottery(self.inside(cell) & (actions == facts.EAT), scene.apples, chance[..., 1:])
        cleaned = self.at_river(cell) & (actions == facts.CLEAN) & (scene.pollution > 0)[..., None]
        left = scene.apples - ate.sum(-1)
        sure = traits["inflow"].floor()
        waste = sure.long() + (chance[..., 0] < traits["inflow"] - sure)
        pollution = ((scene.pollution - cleaned.sum(-1)).clamp(min=0) + waste).clamp(max=self.levels)
        bears = traits["growth"] * (1 - pollution / self.levels)
        empty = torch.arange(self.spots, device=key.device) < (self.spots - left)[..., None]
        apples = left + (empty & (noise["clean_up/sprout"] < bears[..., None])).sum(-1)
        after = Valley(cell, apples, pollution, scene.first, (scene.waited + 1) * ~ate, ate, cleaned)
        reward = ate.float() - cleaned * traits["cleaning_cost"][..., None]
        info = {"ate": ate, "cleaned": cleaned, "left": left, "apples": apples, "pollution": pollution}
        return Turn(after, reward, torch.zeros_like(left, dtype=torch.bool), info)

    def observe(self, key: Tensor, moment: Tensor, scene: Valley, traits: Mapping[str, Tensor]) -> Obs:
        """What the gatherers perceive."""
        ground, cell = facts.ground(self.way, self.columns, self.rows, str(key.device)), scene.cell
        river = self.rows * (2 * self.way - 1)
        orchard = river + self.levels + 1 + scene.apples[..., None]
        place = torch.where(grids.look(ground.inside, cell), orchard, grids.look(ground.between, cell))
        place = torch.where(grids.look(ground.river, cell), river + scene.pollution[..., None], place)
        shares = torch.stack((scene.apples / self.spots, scene.pollution / self.levels), dim=-1)
        views = (
            shares[..., None, :].expand(*place.shape, 2),
            grids.standing(cell, self.columns, self.rows),
            grids.between(cell, self.columns, self.rows),
            grids.of_others(scene.ate).float(),
            grids.of_others(scene.cleaned).float(),
        )
        face = grids.faces(self.expression, key, moment, self.distress(scene))
        return grids.seen_by_all(place, face, *views)

    def distress(self, scene: Valley) -> Tensor:
        """How much distress each gatherer shows, float32 `[*B, agent]` in [0, 1]."""
        return grids.hunger(scene.waited, self.patience)

    def ledger(self, before: WorldState, actions: Tensor, after: WorldState, outcome: Outcome) -> Ledger:
        """What the step brought the gatherers (`bisnn.agents.dilemmas.clean_up_facts.ledger`)."""
        return facts.ledger(self, before, after, outcome)

    def advise(self, state: WorldState, goal: str) -> Tensor:
        """Selfish: always eat. Altruistic: clean until the best time, then eat. Fair: the same, in turn."""
        return facts.advise(self, state, goal)

    def audit(self, state: WorldState) -> dict[str, Tensor]:
        """What must hold of every state."""
        return facts.audit(self, state)

    def picture(self, state: WorldState, individual: int = 0) -> Picture:
        """The grid from above."""
        return facts.picture(self, state, individual)


EXAMPLES = (
    CleanUp(),
    CleanUp(gatherers=4, rows=4, way=1, apples=5, levels=6, growth=0.2, cleaning_cost=0.125, horizon=40, patience=3),
)
