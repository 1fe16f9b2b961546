"""A spiking learner without empathy: the actor and critic of the altruist, taught by its own external reward alone.

    D = r + gamma V(s') - V(s)         completed when the consequence is perceived; V is 0 after a terminal step

It needs nothing of a world but places and actions, so it can live in worlds that are not dilemmas. Equations:
`bisnn.systems.moral_learning`. Fremaux, Sprekeler, Gerstner (2013) doi:10.1371/journal.pcbi.1003024
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import checks
from bisnn.agents import clock as clocks
from bisnn.agents.base import REACH, Obs, Outcome, check_traits
from bisnn.agents.clock import Clock
from bisnn.agents.schedule import greedy_probability
from bisnn.circuit import CircuitState
from bisnn.coding import choose
from bisnn.gates import NO_GATES, Gates
from bisnn.systems.moral_learning import MoralLearning


def small_rewards(places: int, actions: int) -> MoralLearning:
    """An actor-critic for rewards of about 1 in each step: values from -10 to 10."""
    return MoralLearning(
        places=places,
        emotions=1,
        actions=actions,
        value_low=-10.0,
        value_span=20.0,
        rate_actor=0.05,
        rate_critic=0.01,
    )


class LearnerState(NamedTuple):
    """A batch of learners and their unfinished transition."""

    clock: Clock
    gates: Gates
    moral: CircuitState
    reward: Tensor  # [*B] of the last action
    terminated: Tensor  # [*B] bool: the last action ended the episode
    value: Tensor  # [*B] of the state it was chosen in


@dataclass(frozen=True, kw_only=True)
class SpikingLearner:
    """The spiking learner (module docstring). Raises `ConfigError` where a field is out of its range."""

    moral: MoralLearning = field(default_factory=lambda: MoralLearning(emotions=1, actions=2 * REACH))
    """The actor-critic, with the places and actions of the world."""
    episodes: int = 1000
    """Episodes of its life; exploration is scheduled in fractions of it (`bisnn.agents.schedule`)."""

    def __post_init__(self) -> None:
        checks.within(1, float("inf"), episodes=self.episodes)

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> LearnerState:
        """A newborn batch without preferences; `key` int64 `[*B]`."""
        check_traits(traits)
        zero = torch.zeros(key.shape, device=key.device)
        return LearnerState(clocks.newborn(key), gates, self.moral.init(key), zero, zero > 0, zero)

    def act(self, state: LearnerState, obs: Obs) -> tuple[Tensor, LearnerState]:
        """Perceive the place, let dopamine teach what the last action brought, choose: int64 `[*B]`."""
        clock, moral = clocks.tick(state.clock), self.moral
        cells = (moral.actions + 1) * moral.cells
        noise = rng.uniforms(clock.key, clock.moment, {"membrane": cells, "tie": moral.actions, "explore": 2})
        counts, value, _ = moral.decide(state.moral, obs.place, noise["membrane"], state.gates)
        ahead = value * (~state.terminated).to(value.dtype) * moral.gamma
        dopamine = (state.reward + ahead - state.value) * (~clock.fresh).to(value.dtype)
        greedy = noise["explore"][..., 0] < greedy_probability(clock.episode, self.episodes)
        anything = (noise["explore"][..., 1] * moral.actions).to(torch.int64)
        actions = torch.where(greedy, choose(counts, noise["tie"]), anything)
        taught = moral.reinforce(state.moral, obs.place, actions, dopamine, clock.fresh, state.gates)
        return actions, state._replace(clock=clock, moral=taught, value=value)

    def learn(self, state: LearnerState, outcome: Outcome) -> LearnerState:
        """Be told the outcome; it teaches when its consequence is perceived."""
        clock = clocks.told(state.clock, outcome)
        return state._replace(clock=clock, reward=outcome.reward, terminated=outcome.terminated)

    def keepsake(self, state: LearnerState) -> dict[str, Tensor]:
        """Every plastic weight, `[*B, pre, post]` by projection."""
        return {p.name: state.moral.weights[p.name] for p in self.moral.circuit.plastic}

    def revive(self, state: LearnerState, kept: Mapping[str, Tensor], episode: int) -> LearnerState:
        """A newborn batch with the weights `kept`, before its episode `episode`."""
        clock = state.clock._replace(episode=torch.full_like(state.clock.episode, episode - 1))
        weights = state.moral.weights | {p.name: kept[p.name] for p in self.moral.circuit.plastic}
        return state._replace(clock=clock, moral=state.moral._replace(weights=weights))


EXAMPLES = (SpikingLearner(), SpikingLearner(moral=MoralLearning(emotions=1, actions=4, cells=5), episodes=10))
