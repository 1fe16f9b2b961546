"""Players that answer what the others did, in any dilemma: tit for tat, its generous form, conditional cooperation.

What counts as cooperation is read off the dilemma. A deed tells something where the agent could help (`Ledger.need`)
and where the advice of the norm differs from the selfish one. It cooperated if it did what the norm or an altruist
would have done, or helped at least `demand` times as much as the norm would have in its stead (the same step is played
again, with the same noise, to see that); it defected if it did what is selfish, or helped less. To harm others where
the norm would have done otherwise is to defect at any time. Any other deed tells nothing, such as a detour.

Axelrod, Hamilton (1981) The evolution of cooperation. doi:10.1126/science.7466396; Nowak, Sigmund (1992) Tit for tat
in heterogeneous populations. doi:10.1038/355250a0; Fischbacher, Gächter, Fehr (2001) Are people conditionally
cooperative? doi:10.1016/S0165-1765(01)00394-9
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import checks
from bisnn.agents.base import GOALS, Dilemma
from bisnn.agents.partner_model import Beliefs, PartnerModel
from bisnn.agents.society import Happened, person
from bisnn.errors import pick


class Deeds(NamedTuple):
    """What was seen of every agent in one step, each `[N, agent]`."""

    telling: Tensor  # bool
    cooperated: Tensor  # bool; False where it defected or nothing is told
    advice: Tensor  # [N, agent, goal] int64, what each goal of `GOALS` would have done


def deeds(dilemma: Dilemma, key: Tensor, happened: Happened, after: Any, norm: str, demand: float) -> Deeds:
    """What the actions of a turn say of those who did them. Raises `UnknownName` for a `norm` that is no goal."""
    before, actions, outcome = happened
    advice = torch.stack([dilemma.advise(before, goal) for goal in GOALS], dim=-1)
    matches = advice == actions[..., None]
    proper, selfish = advice[..., GOALS.index(pick("norm", norm, GOALS))], advice[..., 0]
    ledger = dilemma.ledger(before, actions, after, outcome)
    could = ledger.need & (proper != selfish)
    as_told = (actions == proper) | (matches[..., 1] & (advice[..., 1] != selfish))
    helped = _to_others(ledger.help)
    harmed = (helped < 0) & (actions != proper)
    partly = could & ~as_told & (actions != selfish) & (helped > 0)
    enough = partly.clone()
    for number in range(len(dilemma.agents)):
        if bool(partly[:, number].any()):
            instead = actions.clone()
            instead[:, number] = proper[:, number]
            world, _, result = dilemma.step(key, before, instead)
            owed = _to_others(dilemma.ledger(before, instead, world, result).help)[:, number]
            enough[:, number] = partly[:, number] & (helped[:, number] >= demand * owed)
    telling = (could & (as_told | (actions == selfish))) | partly | harmed
    return Deeds(telling, ((could & as_told) | enough) & ~harmed, advice)


def _to_others(help: Tensor) -> Tensor:  # noqa: A002
    """What each agent brought all parties but itself, `[N, agent]` float64, from `Ledger.help` `[N, agent, party]`."""
    agents, parties = help.shape[-2:]
    other = ~torch.eye(agents, parties, dtype=torch.bool, device=help.device)
    return (help.double() * other).sum(-1)


class Memory(NamedTuple):
    """What a group of reciprocators remembers."""

    key: Tensor  # [N] int64
    moment: Tensor  # [N] int64, turns lived
    defected: Tensor  # [N, agent] bool: the last telling deed of each


@dataclass(frozen=True, kw_only=True)
class Reciprocator:
    """Tit for tat: `nice` first and as long as the last telling deeds of the others cooperated, else `nasty`.

    A player of `bisnn.agents.society`. Raises `UnknownName` for a goal that is none, `ConfigError` for a probability
    out of its range.
    """

    nice: str = "fair"
    """The goal that it plays for with those who cooperate, and the norm it judges them by."""
    nasty: str = "selfish"
    """The goal that it plays for with those who defect."""
    generosity: float = 0.0
    """Probability, per step, of being nice all the same; above 0: generous tit for tat."""
    tolerated: int = 0
    """How many defectors among the others it puts up with."""
    demand: float = 1.0
    """How much of the help that the norm asks for counts as cooperation."""
    lasting: bool = False
    """Whether it remembers from one episode to the next."""

    def __post_init__(self) -> None:
        pick("goal", self.nice, GOALS)
        pick("goal", self.nasty, GOALS)
        checks.within(0, 1, generosity=self.generosity)
        checks.within(0, float("inf"), tolerated=self.tolerated, demand=self.demand)

    def born(self, key: Tensor, agents: int) -> Memory:
        """Nobody has done anything yet; `key` int64 `[N]`."""
        return Memory(key, torch.zeros_like(key), torch.zeros((len(key), agents), dtype=torch.bool, device=key.device))

    def decide(self, mind: Memory, dilemma: Dilemma, world: Any, numbers: Tensor) -> tuple[Tensor, Memory]:
        """Actions int64 `[N, members]`."""
        others = mind.defected.sum(-1, keepdim=True) - mind.defected[:, numbers].long()
        cooperates = others <= self.tolerated
        if self.generosity > 0:
            keys = person(mind.key[:, None], numbers)
            chance = rng.uniform(keys, "reciprocity/generosity", mind.moment[:, None].expand(keys.shape), 1)
            cooperates = cooperates | (chance[..., 0] < self.generosity)
        nice, nasty = (dilemma.advise(world, goal)[:, numbers] for goal in (self.nice, self.nasty))
        return torch.where(cooperates, nice, nasty), mind

    def witness(self, mind: Memory, dilemma: Dilemma, key: Tensor, happened: Happened, after: Any) -> Memory:
        """Remember what everybody did last, where it tells something."""
        seen = deeds(dilemma, key, happened, after, self.nice, self.demand)
        defected = torch.where(seen.telling, ~seen.cooperated, mind.defected)
        return self.begin(mind._replace(moment=mind.moment + 1, defected=defected), happened.outcome.started)

    def begin(self, mind: Memory, started: Tensor) -> Memory:
        """Forgive all at the start of an episode, unless memory is lasting."""
        return mind if self.lasting else mind._replace(defected=mind.defected & ~started[:, None])


@dataclass(frozen=True, kw_only=True)
class Conditional:
    """Cooperates with cooperators: `nice` while the others are expected to cooperate, else `nasty`.

    What is expected is the mean over the others of P(the next telling deed cooperates), by its `model` of each. A
    player of `bisnn.agents.society`; its mind is a `Beliefs` `[N, agent]`, which lasts for life. Raises `UnknownName`
    for a goal that is none, `ConfigError` for a threshold out of its range.
    """

    model: PartnerModel = field(default_factory=PartnerModel)
    """How it infers what the others are."""
    nice: str = "fair"
    """The goal that it plays for with those who cooperate, and the norm it judges them by."""
    nasty: str = "selfish"
    """The goal that it plays for with the others."""
    threshold: float = 0.5
    """Expected cooperation from which it cooperates."""
    demand: float = 1.0
    """How much of the help that the norm asks for counts as cooperation."""

    def __post_init__(self) -> None:
        pick("goal", self.nice, GOALS)
        pick("goal", self.nasty, GOALS)
        checks.within(0, 1, threshold=self.threshold)
        checks.within(0, float("inf"), demand=self.demand)

    def born(self, key: Tensor, agents: int) -> Beliefs:
        """It knows nobody yet; `key` int64 `[N]`."""
        return self.model.newborn(torch.zeros((len(key), agents), device=key.device))

    def decide(self, mind: Beliefs, dilemma: Dilemma, world: Any, numbers: Tensor) -> tuple[Tensor, Beliefs]:
        """Actions int64 `[N, members]`."""
        expected = self.model.cooperation(mind).double()
        others = expected.sum(-1, keepdim=True) - expected[:, numbers]
        cooperates = others >= self.threshold * max(expected.shape[-1] - 1, 1)
        nice, nasty = (dilemma.advise(world, goal)[:, numbers] for goal in (self.nice, self.nasty))
        return torch.where(cooperates, nice, nasty), mind

    def witness(self, mind: Beliefs, dilemma: Dilemma, key: Tensor, happened: Happened, after: Any) -> Beliefs:
        """Learn from what everybody did."""
        seen = deeds(dilemma, key, happened, after, self.nice, self.demand)
        count = len(dilemma.actions)
        return self.model.observe(mind, seen.advice, happened.actions, count, seen.telling, seen.cooperated)

    def begin(self, mind: Beliefs, started: Tensor) -> Beliefs:
        """What is believed of others lasts."""
        return mind


class Moment(NamedTuple):
    """The time of a fallible player."""

    key: Tensor  # [N] int64
    moment: Tensor  # [N] int64, turns lived


@dataclass(frozen=True, kw_only=True)
class Fallible:
    """Plays for a goal, but with probability `lapse` does anything at all, per step. A player of
    `bisnn.agents.society`. Raises `UnknownName` for another goal, `ConfigError` for a lapse out of its range."""

    goal: str = "selfish"
    """A goal of `GOALS`."""
    lapse: float = 0.1
    """Probability of an action drawn from all; 1: chance alone."""

    def __post_init__(self) -> None:
        pick("goal", self.goal, GOALS)
        checks.within(0, 1, lapse=self.lapse)

    def born(self, key: Tensor, agents: int) -> Moment:
        """The first turn is to come; `key` int64 `[N]`."""
        return Moment(key, torch.zeros_like(key))

    def decide(self, mind: Moment, dilemma: Dilemma, world: Any, numbers: Tensor) -> tuple[Tensor, Moment]:
        """Actions int64 `[N, members]`."""
        keys = person(mind.key[:, None], numbers)
        chance = rng.uniform(keys, "reciprocity/lapse", mind.moment[:, None].expand(keys.shape), 2)
        anything = (chance[..., 1] * len(dilemma.actions)).long()
        return torch.where(chance[..., 0] < self.lapse, anything, dilemma.advise(world, self.goal)[:, numbers]), mind

    def witness(self, mind: Moment, dilemma: Dilemma, key: Tensor, happened: Happened, after: Any) -> Moment:
        """Time passes."""
        return mind._replace(moment=mind.moment + 1)

    def begin(self, mind: Moment, started: Tensor) -> Moment:
        """Nothing changes."""
        return mind
