"""The oracle: it knows map and odds, and plans exactly.

    maximise  E[ own external return + welfare * (the other was relieved) ]

by backward induction over step, own place and what it has seen of the other: not yet hurt, in pain,
relieved. With `welfare` 0 it is the best selfish agent; above the cost of helping it helps.
Bellman (1957) Dynamic programming. doi:10.1515/9781400835386
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.agents import clock, planning
from bisnn.agents.base import REACH, Obs, Outcome, Unlearning, check_traits
from bisnn.agents.clock import Clock
from bisnn.agents.expression import shows_calm, shows_pain
from bisnn.agents.planning import IN_PAIN, RELIEVED, Map
from bisnn.gates import NO_GATES, Gates


class OracleState(NamedTuple):
    """The plan, the time and what has been seen."""

    clock: Clock
    other: Tensor  # [*B] int64: 0 not yet hurt, 1 in pain, 2 relieved
    policy: Tensor  # [*B, horizon * 3 * places] int8 the best action


@dataclass(frozen=True, kw_only=True, eq=False)
class OracleAgent(Unlearning):
    """Acts by the exact plan. While a face is hidden it takes the other to be as last seen."""

    map: Map
    """The world it lives in."""
    welfare: float = 10.0
    """What the relief of the other is worth to it, in units of reward."""

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> OracleState:
        """A newborn batch with its plan; `key` int64 `[*B]`."""
        check_traits(traits)
        policy = planning.plan(self.map, self.welfare).flatten(-3).to(key.device)
        policy = policy.expand((*key.shape, policy.shape[-1])).clone()
        return OracleState(clock.newborn(key), torch.zeros_like(key), policy)

    def act(self, state: OracleState, obs: Obs) -> tuple[Tensor, OracleState]:
        """Actions int64 `[*B]`."""
        now = clock.tick(state.clock)
        other = state.other * ~now.fresh
        eased = (other == IN_PAIN) & shows_calm(obs.expression)
        other = torch.where(shows_pain(obs.expression), IN_PAIN, torch.where(eased, RELIEVED, other))
        places = len(self.map.next_place)
        step = now.t.clamp(max=self.map.horizon - 1)
        line = (step * 3 + other) * places + obs.place
        action = state.policy.gather(-1, line[..., None])[..., 0].long()
        return action + (other == IN_PAIN) * REACH, OracleState(now, other, state.policy)

    def learn(self, state: OracleState, outcome: Outcome) -> OracleState:
        """Nothing is learned."""
        return state._replace(clock=clock.told(state.clock, outcome))
