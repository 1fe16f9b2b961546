"""Several agents in one dilemma, sharing nothing: each has its own state, its own noise, and is told its own reward.

The batch is one-dimensional, `[N]` worlds. Players that are one and the same plan act in one batch `[N * members]`,
world by world; their individuals differ by their keys (`person`), so they are born and live apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from bisnn import tree
from bisnn.agents.base import GOALS, Agent, Dilemma, Obs, Outcome
from bisnn.errors import ShapeMismatch, pick

PERSON = 2**48
"""Distance of the keys of two agents of one world; seeds are below it."""


def person(key: Tensor, number: int | Tensor) -> Tensor:
    """The key of agent `number` in the worlds `key` int64 `[N]`: agent 0 has that of its world."""
    return key + number * PERSON


class Happened(NamedTuple):
    """What one turn brought."""

    before: Any  # the world before it
    actions: Tensor  # [N, agent] int64
    outcome: Outcome


@runtime_checkable
class Insider(Protocol):
    """A player that sees the world itself and what all do in it, not what an agent perceives: a script, no subject."""

    def born(self, key: Tensor, agents: int) -> Any:
        """The mind of a group of such players in the worlds `key` int64 `[N]` of `agents` agents."""
        ...

    def decide(self, mind: Any, dilemma: Dilemma, world: Any, numbers: Tensor) -> tuple[Tensor, Any]:
        """Actions int64 `[N, members]` of the agents `numbers` int64 `[members]`."""
        ...

    def witness(self, mind: Any, dilemma: Dilemma, key: Tensor, happened: Happened, after: Any) -> Any:
        """See what all did in one turn, which led to the world `after`."""
        ...

    def begin(self, mind: Any, started: Tensor) -> Any:
        """An episode begins in the worlds `started` bool `[N]`, without a turn."""
        ...


@dataclass(frozen=True)
class Advised:
    """A player that does what the dilemma itself advises for a goal (`Dilemma.advise`). It knows everything."""

    goal: str = "selfish"
    """A goal of `GOALS`."""

    def __post_init__(self) -> None:
        pick("goal", self.goal, GOALS)

    def born(self, key: Tensor, agents: int) -> Any:
        """It keeps nothing in mind."""
        return ()

    def decide(self, mind: Any, dilemma: Dilemma, world: Any, numbers: Tensor) -> tuple[Tensor, Any]:
        """What the dilemma advises, int64 `[N, members]`."""
        return dilemma.advise(world, self.goal)[:, numbers], mind

    def witness(self, mind: Any, dilemma: Dilemma, key: Tensor, happened: Happened, after: Any) -> Any:
        """It keeps nothing in mind."""
        return mind

    def begin(self, mind: Any, started: Tensor) -> Any:
        """It keeps nothing in mind."""
        return mind


Player = Agent | Insider
NOBODY: Mapping[int, Tensor] = MappingProxyType({})


@runtime_checkable
class Informed(Protocol):
    """An agent that is told the rewards of all, such as one that is averse to inequity."""

    def learn_of_all(self, state: Any, outcome: Outcome, rewards: Tensor, me: Tensor) -> Any:
        """`Agent.learn` with the external `rewards` `[*B, agent]` of all; `me` int64 `[*B]` is its own number."""
        ...


class Life(NamedTuple):
    """Worlds `[N]` in the middle of their lives."""

    key: Tensor  # [N] int64 seed
    world: Any
    minds: tuple[Any, ...]  # the state of each group of players; () for those that are advised
    obs: Obs


@dataclass(frozen=True)
class Society:
    """Who plays which agent of a dilemma. Raises `ShapeMismatch` unless there is one player for each agent."""

    dilemma: Dilemma
    players: tuple[Player, ...]

    def __post_init__(self) -> None:
        if len(self.players) != len(self.dilemma.agents):
            raise ShapeMismatch(
                f"{len(self.players)} players for {self.dilemma.name}, whose agents are "
                f"{', '.join(self.dilemma.agents)}; give one for each"
            )

    @cached_property
    def groups(self) -> tuple[tuple[Player, tuple[int, ...]], ...]:
        """Players that are one plan, with the numbers of their agents."""
        found: dict[int, tuple[Player, list[int]]] = {}
        for number, player in enumerate(self.players):
            found.setdefault(id(player), (player, []))[1].append(number)
        return tuple((player, tuple(numbers)) for player, numbers in found.values())

    def keys(self, key: Tensor, group: int) -> Tensor:
        """The keys of the individuals of a group, int64 `[N * members]`, world by world."""
        return torch.stack([person(key, number) for number in self.groups[group][1]], dim=-1).reshape(-1)

    def born(self, key: Tensor) -> tuple[Any, ...]:
        """Newborn players of every group."""
        count, players = len(self.players), enumerate(self.groups)
        return tuple(
            p.born(key, count) if isinstance(p, Insider) else p.init(self.keys(key, i)) for i, (p, _) in players
        )

    def begin(
        self, key: Tensor, minds: Sequence[Any] | None = None, traits: Mapping[str, Tensor] | None = None
    ) -> Life:
        """Worlds `key` int64 `[N]` at the start of their first episode, with given players or newborn ones."""
        world, obs = self.dilemma.reset(key, traits=traits)
        return Life(key, world, tuple(self.born(key) if minds is None else minds), obs)

    def turn(self, life: Life, given: Mapping[int, Tensor] = NOBODY) -> tuple[Life, Happened]:
        """One step of every world (or the reset that starts its next episode). `given`: agents, by number, whose
        actions int64 `[N]` come from elsewhere, whatever their player would do."""
        actions = torch.zeros(*life.key.shape, len(self.players), dtype=torch.int64, device=life.key.device)
        minds = list(life.minds)
        for i, (player, numbers) in enumerate(self.groups):
            index = torch.tensor(numbers, device=actions.device)
            if isinstance(player, Insider):
                actions[:, index], minds[i] = player.decide(life.minds[i], self.dilemma, life.world, index)
            else:
                chosen, minds[i] = player.act(life.minds[i], seen(life.obs, index))
                actions[:, index] = chosen.unflatten(0, (-1, len(numbers)))
        for number, chosen in given.items():
            actions[:, number] = chosen
        world, obs, outcome = self.dilemma.step(life.key, life.world, actions)
        happened = Happened(life.world, actions, outcome)
        for i, (player, numbers) in enumerate(self.groups):
            if isinstance(player, Insider):
                minds[i] = player.witness(minds[i], self.dilemma, life.key, happened, world)
            else:
                minds[i] = told(player, minds[i], outcome, numbers)
        return Life(life.key, world, tuple(minds), obs), happened

    def cut(self, life: Life, where: Tensor) -> Life:
        """The next episode of the worlds in `where` (bool `[N]`), begun before their own has ended. As at an end, the
        players see what they came to, and what they would have done is not done."""
        no, minds = torch.zeros_like(where), []
        world, obs = self.dilemma.reset(life.key, life.world, where)
        news = Outcome(torch.zeros(*where.shape, len(self.players), device=where.device), no, no, where, {})
        for group, ((player, numbers), mind) in enumerate(zip(self.groups, life.minds, strict=False)):  # minds or none
            after = mind
            if not isinstance(player, Insider):
                _, after = player.act(mind, seen(life.obs, torch.tensor(numbers, device=where.device)))
            minds.append(tree.where(self.whose(group, where), told(player, after, news, numbers), mind))
        return Life(life.key, world, tuple(minds), obs)

    def whose(self, group: int, where: Tensor) -> Tensor:
        """`where` `[N]` for the minds of a group: one for each of its members, but for insiders one for each world."""
        player, numbers = self.groups[group]
        return where if isinstance(player, Insider) else where.repeat_interleave(len(numbers))


def seen(obs: Obs, index: Tensor) -> Obs:
    """What the agents `index` perceive, as one batch `[N * members]`."""
    parts = (part if part.numel() == 0 and part.dim() == 1 else part[:, index].flatten(0, 1) for part in obs)
    return Obs(*parts)


def told(player: Player, mind: Any, outcome: Outcome, numbers: tuple[int, ...]) -> Any:
    """The players of a group after they are told what the step brought them; an insider, where an episode begins."""
    if isinstance(player, Insider):
        return player.begin(mind, outcome.started)
    count = len(numbers)
    me = torch.tensor(numbers, device=outcome.reward.device)
    ended, cut, started = (
        part.repeat_interleave(count) for part in (outcome.terminated, outcome.truncated, outcome.started)
    )
    mine = Outcome(outcome.reward[:, me].flatten(), ended, cut, started, {})
    if isinstance(player, Informed):
        rewards = outcome.reward.repeat_interleave(count, dim=0)
        return player.learn_of_all(mind, mine, rewards, me.repeat(len(outcome.reward)))
    return player.learn(mind, mine)
