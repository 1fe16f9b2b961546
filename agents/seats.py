"""Seats at a dilemma: some of its agents are played from outside, step by step, the others by players inside.

What the interfaces to other libraries share. Worlds are a batch `[N]`; methods are pure. A world that is begun with a
seed and renewed without one goes on with the next episode of the same individual, with the bits that it has in any
batch: a renewal after the end of an episode is the very step that resets it in the loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import tree
from bisnn.agents.base import GOALS, Agent, Dilemma, Obs, Outcome, Unlearning
from bisnn.agents.scripted import RandomAgent
from bisnn.agents.society import Advised, Happened, Insider, Life, Player, Society
from bisnn.errors import ConfigError, pick
from bisnn.gates import NO_GATES, Gates

SCRIPTS = (*GOALS, "random")
"""Players that can be named: what the dilemma advises for a goal, or chance."""


def player(dilemma: Dilemma, who: str | Player) -> Player:
    """The player that `who` is or names (`SCRIPTS`). Raises `UnknownName` for another name, `ConfigError` for what is
    no player."""
    if not isinstance(who, str):
        if isinstance(who, type) or not isinstance(who, Agent | Insider):
            raise ConfigError(f"{who!r} is no player; give a bisnn agent, or one of {', '.join(SCRIPTS)}")
        return who
    name = pick("script (or give a bisnn agent)", who, SCRIPTS)
    return RandomAgent(actions=len(dilemma.actions)) if name == "random" else Advised(name)


@dataclass(frozen=True)
class Absent(Unlearning):
    """Holds the seat of one who plays from outside; whatever it chooses is overwritten."""

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> tuple[()]:
        """Nobody is born."""
        return ()

    def act(self, state: tuple[()], obs: Obs) -> tuple[Tensor, tuple[()]]:
        """Action 0, int64 `[*B]`."""
        return torch.zeros_like(obs.place), state

    def learn(self, state: tuple[()], outcome: Outcome) -> tuple[()]:
        """Nothing is learned."""
        return state


ABSENT = Absent()


class Table(NamedTuple):
    """Worlds `[N]`, and which of them are at the end of an episode."""

    life: Life
    over: Tensor  # [N] bool


@dataclass(frozen=True, eq=False)
class Seats:
    """Who plays a dilemma from inside; the other agents are played from outside."""

    dilemma: Dilemma
    scripted: Mapping[int, Player]
    """Number of an agent -> its player."""

    @cached_property
    def open(self) -> tuple[int, ...]:
        """Numbers of the agents that are played from outside."""
        return tuple(number for number in range(len(self.dilemma.agents)) if number not in self.scripted)

    @cached_property
    def society(self) -> Society:
        """Everybody, with empty seats."""
        count = len(self.dilemma.agents)
        return Society(self.dilemma, tuple(self.scripted.get(number, ABSENT) for number in range(count)))

    def begin(self, key: Tensor, traits: Mapping[str, Tensor] | None = None) -> Table:
        """Newborn worlds `key` int64 `[N]` at the start of their first episode."""
        if self.scripted:
            life = self.society.begin(key, traits=traits)
        else:
            world, obs = self.dilemma.reset(key, traits=traits)
            life = Life(key, world, (), obs)
        return Table(life, torch.zeros_like(key, dtype=torch.bool))

    def step(self, table: Table, actions: Tensor) -> tuple[Table, Happened]:
        """One step of every world with `actions` int64 `[N, open]`; a world whose episode is over is renewed by it."""
        life = table.life
        if self.scripted:
            given = {number: actions[:, place] for place, number in enumerate(self.open)}
            life, happened = self.society.turn(life, given)
        else:
            world, obs, outcome = self.dilemma.step(life.key, life.world, actions)
            happened = Happened(life.world, actions, outcome)
            life = Life(life.key, world, (), obs)
        return Table(life, happened.outcome.terminated | happened.outcome.truncated), happened

    def renew(self, table: Table, where: Tensor) -> Table:
        """The next episode of the worlds in `where` `[N]`, whether or not theirs is over; the others stay as they are.

        Players inside perceive the last observation, as they do in the loop.
        """
        ended = table.over & where
        if bool(ended.any()):
            nothing = torch.zeros(*where.shape, len(self.open), dtype=torch.int64, device=where.device)
            stepped, _ = self.step(table, nothing)
            table = self.merge(ended, stepped, table)
        cut = where & ~ended
        return Table(self.society.cut(table.life, cut), table.over & ~cut) if bool(cut.any()) else table

    def merge(self, where: Tensor, yes: Table, no: Table) -> Table:
        """World by world: `yes` where `where` `[N]`, else `no`."""
        one, other = yes.life, no.life
        minds = []
        for number, (mine, theirs) in enumerate(zip(one.minds, other.minds, strict=True)):
            minds.append(tree.where(self.society.whose(number, where), mine, theirs))
        life = Life(
            torch.where(where, one.key, other.key),
            tree.where(where, one.world, other.world),
            tuple(minds),
            _observed(where, one.obs, other.obs),
        )
        return Table(life, torch.where(where, yes.over, no.over))


def _observed(where: Tensor, yes: Obs, no: Obs) -> Obs:
    """World by world; a part that nobody perceives has no worlds."""
    parts = (b if b.dim() == 1 and b.numel() == 0 else tree.where(where, a, b) for a, b in zip(yes, no, strict=True))
    return Obs(*parts)
