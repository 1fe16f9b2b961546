"""The spiking altruist: a body that feels, a network that shares distress, an actor that dopamine teaches.

It is born without experience and develops in a room of its own: it babbles until it can predict its body,
then walks at random, is hurt, sees its own face and so grows mirror and anti-mirror neurons. In the dilemma
it perceives the other's face alone; shared distress inhibits its dopamine cells, relief releases dopamine. While
it feels distress that it knows as the other's, it reaches out (a reflex of affect); where it goes is learned.

    reach = (affect > felt) and not (own pain in the insula > felt)
    r = gain * delta + goal + effort,  delta: error of the leaky prediction of S = dopamine firing
    D = r + gamma V(s') - V(s)         completed when the consequence is perceived

That distress felt as own evokes no reaching for the other is a decision of the model, not a result of it: personal
distress turns to the self, empathic concern to the other. Batson, Fultz, Schoenrade (1987)
doi:10.1111/j.1467-6494.1987.tb00426.x; Decety, Lamm (2006) doi:10.1100/tsw.2006.221

Zhao et al. (2025) IEEE Trans. Affect. Comput. doi:10.1109/taffc.2025.3627936
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import clock as clocks
from bisnn.agents.base import REACH, Obs, Outcome, check_traits
from bisnn.agents.clock import Clock
from bisnn.agents.expression import Expression, shows_pain
from bisnn.agents.schedule import greedy_probability
from bisnn.circuit import Circuit, CircuitState
from bisnn.coding import choose, recruit
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES, Gates
from bisnn.interventions import Targets
from bisnn.modulators import PredictionState, RewardPredictionError
from bisnn.recording import Probe, Recording
from bisnn.systems.body import Body
from bisnn.systems.empathy import Empathy
from bisnn.systems.empathy_presets import graded
from bisnn.systems.moral_learning import MoralLearning

RELEASES = ("relief", "goal", "effort")
"""Parts of the reward, as ablations name them."""


class Pending(NamedTuple):
    """The last transition, whose consequence is not perceived yet; `[*B]` each."""

    reward: Tensor  # external reward
    terminated: Tensor  # bool
    value: Tensor  # value of the state it left


class Mood(NamedTuple):
    """What the agent feels now; `[*B]` each."""

    mirror: Tensor  # firing of the pain mirror cells
    affect: Tensor  # vicarious affect
    own: Tensor  # what is felt as own pain
    signal: Tensor  # dopamine firing against tonic, S
    delta: Tensor  # error of its prediction
    dopamine: Tensor  # D, what taught the actor


class Share(NamedTuple):
    """How often the agent saw pain: the base rate of shuffled perception; `[*B]` each."""

    pain: Tensor
    steps: Tensor


class AltruistState(NamedTuple):
    """A batch of altruists."""

    clock: Clock
    traits: dict[str, Tensor]  # gain (lambda) and level (empathy level), [*B]
    gates: Gates
    body: CircuitState
    empathy: CircuitState
    moral: CircuitState
    prediction: PredictionState  # of the reward-prediction error
    pending: Pending
    mood: Mood
    share: Share
    used: dict[str, Tensor]  # the empathy weights as used


@dataclass(frozen=True, kw_only=True)
class Altruist:
    """The spiking altruist (module docstring)."""

    episodes: int = 1000
    """Episodes of its life in the dilemma; exploration is scheduled in fractions of it."""
    gain: float = 9.0
    """Empathy strength lambda: reward per unit of dopamine error."""
    level: float = 1.0
    """Empathy level in [0, 1]: fraction of the mirror cells that the inhibitory pool leaves free."""
    moral: MoralLearning = field(default_factory=MoralLearning)
    """The actor-critic: `MoralLearning`, or the basal ganglia in its place."""
    body: Body = field(default_factory=Body)
    """The bodily self."""
    face: Expression = field(default_factory=Expression)
    """Its own visible expression."""
    felt: float = 0.025
    """Affect above which it counts as distress, and firing of the insula above which that is felt as own pain."""
    beta: float = 0.2
    """Rate of the reward prediction."""
    backend: str = "auto"
    """Backend of its circuits."""

    def __post_init__(self) -> None:
        for part in ("moral", "body"):  # one backend for all circuits
            object.__setattr__(self, part, replace(getattr(self, part), backend=self.backend))
        if self.episodes < 1:
            raise ConfigError(f"episodes is {self.episodes}; an agent lives for at least one")
        if not 0.0 <= self.level <= 1.0:
            raise ConfigError(f"level is {self.level}; the empathy level lies between 0 and 1")

    @cached_property
    def empathy(self) -> Empathy:
        """The empathy network."""
        return graded(self.backend)

    @property
    def targets(self) -> Targets:
        """What ablations can name."""
        circuits = (self.body.circuit, self.empathy.circuit, self.moral.circuit)
        return Targets.of(circuits, RELEASES, senses=("perception",))

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> AltruistState:
        """A newborn batch, individuals `key` int64 `[*B]`; `traits` (gain, level, each `[*B]`) overrides the plan's."""
        given = {"gain": self.gain, "level": self.level}
        like = torch.zeros(key.shape, device=key.device)
        full = {name: torch.full_like(like, value) for name, value in given.items()} | check_traits(traits, given)
        empathy = self.empathy.init(key)
        return AltruistState(
            clock=clocks.newborn(key),
            traits=full,
            gates=gates,
            body=self.body.init(key),
            empathy=empathy,
            moral=self.moral.init(key),
            prediction=self.rpe.init(like),
            pending=Pending(like, like > 0, like),
            mood=Mood(like, like, like, like, like, like),
            share=Share(like, like),
            used=self.empathy.circuit.used_weights(empathy, gates),
        )

    @property
    def rpe(self) -> RewardPredictionError:
        """The prediction of shared distress."""
        return RewardPredictionError(beta=self.beta)

    def regate(self, state: AltruistState, gates: Gates) -> AltruistState:
        """The same individuals under other gates (an ablation begins or ends)."""
        return state._replace(gates=gates, used=self.empathy.circuit.used_weights(state.empathy, gates))

    def noise(self, clock: Clock) -> dict[str, Tensor]:
        """This moment's uniforms."""
        cells = (self.moral.actions + 1) * self.moral.cells
        return rng.uniforms(
            clock.key,
            clock.moment,
            {"membrane": cells, "tie": self.moral.actions, "explore": 2, "shuffle": 1},
        )

    def see(self, state: AltruistState, expression: Tensor, draw: Tensor) -> tuple[Tensor, Share]:
        """What perception receives: the face, or for shuffled perception a face drawn with the same base rate."""
        share = Share(state.share.pain + shows_pain(expression).to(draw.dtype), state.share.steps + 1.0)
        if "perception" not in state.gates.shuffle:
            return expression, share
        pain = (draw * share.steps < share.pain).to(draw.dtype)
        shown = self.empathy.own_pattern(recruit(pain * 0.5, expression.shape[-1] // 2))
        return state.gates.shuffled("perception", expression, shown), share

    def act(self, state: AltruistState, obs: Obs) -> tuple[Tensor, AltruistState]:
        """Perceive, let dopamine teach what the last action brought, choose the next: int64 `[*B]`."""
        actions, state, _ = self.watched_act(state, obs, ())
        return actions, state

    def watched_act(
        self, state: AltruistState, obs: Obs, probes: tuple[Probe, ...]
    ) -> tuple[Tensor, AltruistState, tuple[Recording, Recording]]:
        """`act`, with recordings of the empathy network and of the actor-critic."""
        clock = clocks.tick(state.clock)
        noise = self.noise(clock)
        seen, share = self.see(state, obs.expression, noise["shuffle"][..., 0])
        percept, mirrored = self.empathy.observe(
            state.empathy, seen, state.traits["level"], state.gates, _of(self.empathy.circuit, probes), used=state.used
        )
        fresh = clock.fresh.to(seen.dtype)
        before = state.prediction._replace(prediction=state.prediction.prediction * (1.0 - fresh))
        delta, prediction = self.rpe.step(before, percept.dopamine, 1.0)
        distress = (percept.affect > self.felt).to(torch.int64)
        index = obs.place + distress * self.moral.places
        watched = _of(self.moral.circuit, probes)
        counts, value, decided = self.moral.decide(state.moral, index, noise["membrane"], state.gates, watched)
        dopamine = self.error(state, delta, value) * (1.0 - fresh)
        greedy = noise["explore"][..., 0] < greedy_probability(clock.episode, self.episodes)
        random = (noise["explore"][..., 1] * self.moral.actions).to(torch.int64)
        actions = torch.where(greedy, choose(counts, noise["tie"]), random)
        moral = self.moral.reinforce(state.moral, index, actions, dopamine, clock.fresh, state.gates)
        state = state._replace(
            clock=clock,
            moral=moral,
            prediction=prediction,
            pending=state.pending._replace(value=value),
            mood=Mood(percept.mirror, percept.affect, percept.own, percept.dopamine, delta, dopamine),
            share=share,
        )
        reach = distress * (percept.own <= self.felt)
        return actions + reach * REACH, state, (mirrored, decided)

    def error(self, state: AltruistState, delta: Tensor, value: Tensor) -> Tensor:
        """D = relief + goal + effort + gamma V(s') - V(s), `[*B]`; V is 0 after a terminal step."""
        parts = {
            "relief": delta * state.traits["gain"],
            "goal": state.pending.reward.clamp(min=0.0),
            "effort": state.pending.reward.clamp(max=0.0),
        }
        reward = sum((state.gates.released(name, part) for name, part in parts.items()), torch.zeros_like(value))
        ahead = value * (~state.pending.terminated).to(value.dtype) * self.moral.gamma
        return reward + ahead - state.pending.value

    def learn(self, state: AltruistState, outcome: Outcome) -> AltruistState:
        """Be told the outcome; it teaches when its consequence is perceived."""
        pending = state.pending._replace(reward=outcome.reward, terminated=outcome.terminated)
        return state._replace(clock=clocks.told(state.clock, outcome), pending=pending)

    def keepsake(self, state: AltruistState) -> dict[str, Tensor]:
        """What the individuals have learned: every plastic weight, `[*B, pre, post]` by projection, and how often they
        saw pain."""
        parts = (
            (self.body.circuit, state.body),
            (self.empathy.circuit, state.empathy),
            (self.moral.circuit, state.moral),
        )
        learned = {p.name: part.weights[p.name] for circuit, part in parts for p in circuit.plastic}
        return learned | {"share.pain": state.share.pain, "share.steps": state.share.steps}

    def revive(self, state: AltruistState, kept: Mapping[str, Tensor], episode: int) -> AltruistState:
        """A newborn batch with the learned weights `kept`, before its episode `episode`."""

        def learned(circuit: Circuit, part: CircuitState) -> CircuitState:
            return part._replace(weights=part.weights | {p.name: kept[p.name] for p in circuit.plastic})

        state = state._replace(
            clock=state.clock._replace(episode=torch.full_like(state.clock.episode, episode - 1)),
            share=Share(kept["share.pain"], kept["share.steps"]),
            body=learned(self.body.circuit, state.body),
            empathy=learned(self.empathy.circuit, state.empathy),
            moral=learned(self.moral.circuit, state.moral),
        )
        return self.regate(state, state.gates)


def _of(circuit: Circuit, probes: tuple[Probe, ...]) -> tuple[Probe, ...]:
    """The probes that belong to a circuit."""
    return tuple(probe for probe in probes if probe.target in circuit.names)


EXAMPLES = (Altruist(), Altruist(episodes=10, gain=4.0, level=0.5))
