"""Tabular Q-learning with an empathic reward: the published decision maker, and the baseline of ours.

    Q[s,a] <- Q[s,a] + rate (r + gamma max_a' Q[s',a'] - Q[s,a])       0 for a goal; bootstrap at the time limit
    r = dose delta + r_ext;   delta = S - P;   P <- P + beta delta;   S = -E

`E` is 1 where the other's face shows pain, else 0; `P` is the prediction of it, 0 at the start of an
episode; `dose` is the product of motivational strength, gain and mirror fraction. The state is own
place x E, and it reaches out while it shares pain. Relief after n steps of shared pain gives delta = 1 - (1 - beta)^n.

Watkins, Dayan (1992) Q-learning. doi:10.1007/BF00992698
Zhao et al. (2025) Building altruistic and moral AI agent with brain-inspired emotional empathy
mechanisms. doi:10.1109/taffc.2025.3627936
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import checks, clock
from bisnn.agents.base import MOVES, REACH, Obs, Outcome, check_traits
from bisnn.agents.clock import Clock
from bisnn.agents.expression import shows_pain
from bisnn.agents.schedule import greedy_probability
from bisnn.gates import NO_GATES, Gates


class TabularQState(NamedTuple):
    """A learner and its unfinished transition."""

    clock: Clock
    value: Tensor  # [*B, states * actions] float32, Q
    dose: Tensor  # [*B] float32
    predicted: Tensor  # [*B] float32, P
    line: Tensor  # [*B] int64, which entry of `value` the last action was
    reward: Tensor  # [*B] external reward of the last action
    terminated: Tensor  # [*B] bool: the last action ended the episode at the goal


@dataclass(frozen=True, kw_only=True)
class TabularQ:
    """Q-learning with a schedule of exploration; ties are broken by the individual's own stream.

    Raises `ConfigError` where a field is out of its range.
    """

    places: int = 25
    """Number of places."""
    dose: float = 9.0
    """Weight of the shared pain against the own reward."""
    rate: float = 0.1
    """Learning rate."""
    gamma: float = 0.9
    """Discount for each step."""
    beta: float = 0.2
    """Rate of the prediction of the shared pain."""
    episodes: int = 1000
    """Episodes of its life; exploration is scheduled in fractions of it (`bisnn.agents.schedule`)."""

    def __post_init__(self) -> None:
        checks.within(0, 1, rate=self.rate, gamma=self.gamma, beta=self.beta)
        checks.within(1, float("inf"), places=self.places, episodes=self.episodes)

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> TabularQState:
        """A newborn batch with all values 0; `key` int64 `[*B]`; the trait `dose` `[*B]` overrides the plan's."""
        zero = torch.zeros(key.shape, device=key.device)
        given = check_traits(traits, ("dose",))
        return TabularQState(
            clock=clock.newborn(key),
            value=torch.zeros((*key.shape, self.places * 2 * len(MOVES)), device=key.device),
            dose=given.get("dose", torch.full_like(zero, self.dose)),
            predicted=zero,
            line=torch.zeros_like(key),
            reward=zero,
            terminated=torch.zeros_like(key, dtype=torch.bool),
        )

    def act(self, state: TabularQState, obs: Obs) -> tuple[Tensor, TabularQState]:
        """Share the pain that is seen, complete the last transition, choose actions int64 `[*B]`."""
        now = clock.tick(state.clock)
        pain = shows_pain(obs.expression)
        predicted = state.predicted * ~now.fresh
        delta = -pain.float() - predicted
        row = ((obs.place * 2 + pain) * len(MOVES))[..., None] + torch.arange(len(MOVES), device=pain.device)
        value = self._update(state, delta, now, row)
        action = self._choose(value.gather(-1, row), now)
        after = state._replace(
            clock=now,
            value=value,
            predicted=predicted + delta * self.beta,
            line=row[..., 0] + action,
        )
        return action + pain * REACH, after

    def learn(self, state: TabularQState, outcome: Outcome) -> TabularQState:
        """Keep the outcome until the next observation says what it brought the other."""
        return state._replace(
            clock=clock.told(state.clock, outcome), reward=outcome.reward, terminated=outcome.terminated
        )

    def _update(self, state: TabularQState, delta: Tensor, now: Clock, row: Tensor) -> Tensor:
        """`value` after the last transition, which ended in the state whose entries are `row` `[*B, actions]`."""
        line = state.line[..., None]
        old = state.value.gather(-1, line)[..., 0]
        ahead = state.value.gather(-1, row).amax(-1) * ~state.terminated
        error = state.dose * delta + state.reward + ahead * self.gamma - old
        return state.value.scatter(-1, line, (old + error * self.rate * ~now.fresh)[..., None])

    def _choose(self, value: Tensor, now: Clock) -> Tensor:
        """The greedy action with the scheduled probability, else any; `value` `[*B, actions]`."""
        count = len(MOVES)
        chance = rng.uniform(now.key, "tabular_q/choice", now.moment, count + 2)
        greedy = greedy_probability(now.episode, self.episodes)
        lot = torch.where(value == value.amax(-1, keepdim=True), chance[..., :count], -1.0)
        anything = (chance[..., count + 1] * count).long()
        return torch.where(chance[..., count] < greedy, lot.argmax(-1), anything)

    def keepsake(self, state: TabularQState) -> dict[str, Tensor]:
        """The learned values `[*B, states * actions]`."""
        return {"value": state.value}

    def revive(self, state: TabularQState, kept: Mapping[str, Tensor], episode: int) -> TabularQState:
        """A newborn batch with the values `kept`, before its episode `episode`."""
        born = state.clock._replace(episode=torch.full_like(state.clock.episode, episode - 1))
        return state._replace(clock=born, value=kept["value"])


EXAMPLES = (TabularQ(), TabularQ(rate=0.2, dose=4.0, episodes=10))
