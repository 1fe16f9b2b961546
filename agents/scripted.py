"""Agents without learning: chance, pure self-interest, unconditional help.

They calibrate every dilemma: a learner is judged between them. `SelfishAgent` and `AlwaysHelpAgent`
know the map and walk shortest paths; of the other they know what its face shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import clock, planning
from bisnn.agents.base import REACH, Obs, Outcome, Unlearning, check_traits
from bisnn.agents.clock import Clock
from bisnn.agents.expression import shows_pain
from bisnn.agents.planning import Map
from bisnn.gates import NO_GATES, Gates


class RandomState(NamedTuple):
    """A random walker knows the time only."""

    clock: Clock


@dataclass(frozen=True, kw_only=True)
class RandomAgent(Unlearning):
    """Chooses uniformly among the actions; noise from the stream `random/action`."""

    actions: int = 2 * REACH
    """Number of actions."""

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> RandomState:
        """A newborn batch; `key` int64 `[*B]`."""
        check_traits(traits)
        return RandomState(clock.newborn(key))

    def act(self, state: RandomState, obs: Obs) -> tuple[Tensor, RandomState]:
        """Actions int64 `[*B]`."""
        now = clock.tick(state.clock)
        chance = rng.uniform(now.key, "random/action", now.moment, 1)[..., 0]
        return (chance * self.actions).long(), RandomState(now)

    def learn(self, state: RandomState, outcome: Outcome) -> RandomState:
        """Nothing is learned."""
        return RandomState(clock.told(state.clock, outcome))


class WalkerState(NamedTuple):
    """What a walker on fixed paths knows."""

    to_goal: Tensor  # [*B, places] int64 action on a shortest path to the goal
    to_switch: Tensor  # [*B, places] int64 action on a shortest path to the switch


def _paths(world: Map, key: Tensor) -> WalkerState:
    """The shortest paths of `world`, one copy for each individual."""
    way = planning.directions(world.next_place).T.to(key.device)
    shape = (*key.shape, len(way))
    goal, switch = world.goal.to(key.device), world.switch.to(key.device)
    return WalkerState(way[goal].expand(shape).clone(), way[switch].expand(shape).clone())


@dataclass(frozen=True, kw_only=True, eq=False)
class SelfishAgent(Unlearning):
    """Walks a shortest path to its own goal, whatever it sees."""

    map: Map
    """The world it lives in."""

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> WalkerState:
        """A newborn batch; `key` int64 `[*B]`."""
        check_traits(traits)
        return _paths(self.map, key)

    def act(self, state: WalkerState, obs: Obs) -> tuple[Tensor, WalkerState]:
        """Actions int64 `[*B]`."""
        return state.to_goal.gather(-1, obs.place[..., None])[..., 0], state

    def learn(self, state: WalkerState, outcome: Outcome) -> WalkerState:
        """Nothing is learned."""
        return state


@dataclass(frozen=True, kw_only=True, eq=False)
class AlwaysHelpAgent(Unlearning):
    """Walks to the switch and reaches out while the other's face shows pain, and walks to its own goal otherwise."""

    map: Map
    """The world it lives in."""

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> WalkerState:
        """A newborn batch; `key` int64 `[*B]`."""
        check_traits(traits)
        return _paths(self.map, key)

    def act(self, state: WalkerState, obs: Obs) -> tuple[Tensor, WalkerState]:
        """Actions int64 `[*B]`."""
        pain = shows_pain(obs.expression)
        way = torch.where(pain[..., None], state.to_switch, state.to_goal)
        return way.gather(-1, obs.place[..., None])[..., 0] + pain * REACH, state

    def learn(self, state: WalkerState, outcome: Outcome) -> WalkerState:
        """Nothing is learned."""
        return state


EXAMPLES = (RandomAgent(), RandomAgent(actions=4))
