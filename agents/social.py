"""A spiking learner for any dilemma: it shares the distress of the faces that it sees, and relief teaches it.

    S = sum over faces of the firing of its dopamine cells against tonic (-1: all the face's distress is shared)
    relief = delta = S - P;   P <- P + beta delta,  0 at the start of an episode
    error = reward + gamma V(s') - V(s)  [+ gain worth delta, where it anticipates relief]      teaches the critic
    D = error + gain worth delta  [once]                                                        teaches the actor

Every face goes through the same network of affective empathy (perception, mirror neurons in IFG, vicarious affect,
dopamine cells that IFG inhibits), one after the other as gaze does. What the agent decides on are currents into state
cells: its place, once for calm and once for shared distress; what else it perceives; and how many faces are in
distress (`SocialDecision`). It learns from all relief that it sees, whoever brought it.

Childhood: the mirror neurons grow from own pain as in `bisnn.agents.development`, but briefly: in turn it feels pain of
rising intensity, or none, while it sees its own face, without noise. That is the same for all individuals, so it is
computed once for a plan and the innate network is shared. Agents that were not `raised` never mirror anything.

A face that has not changed since the last step is felt as it was felt then: the network has no noise, so this is
exact and only saves time. Zhao et al. (2025) IEEE Trans. Affect. Comput. doi:10.1109/taffc.2025.3627936
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import checks
from bisnn.agents import clock as clocks
from bisnn.agents.base import Obs, Outcome, Senses, check_traits
from bisnn.agents.clock import Clock
from bisnn.agents.schedule import greedy_probability
from bisnn.agents.social_feeling import Felt, childhood, feel
from bisnn.circuit import CircuitState
from bisnn.coding import choose, place
from bisnn.errors import ConfigError, ShapeMismatch
from bisnn.gates import NO_GATES, Gates
from bisnn.interventions import Targets
from bisnn.modulators import PredictionState, RewardPredictionError
from bisnn.systems.empathy import Empathy
from bisnn.systems.empathy_presets import graded
from bisnn.systems.social_decision import SocialDecision

RELEASES = ("relief", "reward")
"""Parts of the dopamine signal, as ablations name them."""
CHILDHOOD = 40
"""Steps of own experience."""


class Pending(NamedTuple):
    """The last transition, whose consequence is not perceived yet; `[*B]` each."""

    reward: Tensor
    terminated: Tensor
    value: Tensor


class Mood(NamedTuple):
    """What it feels and how it decided, for measures; `[*B]` each."""

    distressed: Tensor  # int64, how many faces it feels to be in distress
    delta: Tensor  # relief: error of the prediction of S
    dopamine: Tensor  # D, what taught it
    margin: Tensor  # spikes by which the chosen population led; 0: a tie at the top


class SocialState(NamedTuple):
    """A batch of social agents."""

    clock: Clock
    traits: dict[str, Tensor]  # gain, level [*B]
    gates: Gates
    decision: CircuitState
    prediction: PredictionState
    felt: Felt
    pending: Pending
    mood: Mood


@dataclass(frozen=True, kw_only=True)
class SocialAgent:
    """The social agent (module docstring). `SocialAgent.of` fits one to the senses of a dilemma.

    Raises `ConfigError` where a field is out of its range.
    """

    places: int = 25
    """Places that it knows apart; 0: it does not heed `Obs.place`."""
    faces: int = 1
    """Faces that it sees."""
    features: int = 1
    """Entries of its view."""
    signed: bool = True
    """Whether they may be below 0; every entry then has a second cell for that side."""
    actions: int = 8
    """Its actions."""
    episodes: int = 1000
    """Episodes of its life; exploration is scheduled in fractions of it (`bisnn.agents.schedule`)."""
    gain: float = 1.5
    """Empathy strength lambda."""
    worth: float = 6.0
    """Reward that the relief of one face is worth at lambda = 1."""
    level: float = 1.0
    """Empathy level in [0, 1]: fraction of the mirror cells that the inhibitory pool leaves free."""
    anticipates: bool = True
    """Whether its critic anticipates relief as it does reward."""
    background: float = 0.5
    """Current of the cells of its view and of distress, in thresholds, beside 1 for places and strong entries."""
    decision: SocialDecision = field(default_factory=SocialDecision)
    """The deciding network; the numbers of its state cells and actions follow from the fields above."""
    explores: bool = True
    """Whether it also tries actions by schedule, beside the noise of its spikes."""
    raised: bool = True
    """Whether it felt pain of its own before."""
    felt: float = 0.025
    """Affect above which a face counts as in distress."""
    beta: float = 0.2
    """Rate of the reward prediction."""
    backend: str = "torch"
    """Backend of its circuits."""

    def __post_init__(self) -> None:
        checks.within(0, float("inf"), places=self.places, faces=self.faces, features=self.features, worth=self.worth)
        checks.within(1, float("inf"), actions=self.actions, episodes=self.episodes)
        checks.within(0, 1, level=self.level, felt=self.felt, beta=self.beta)
        states = 2 * self.places + (2 + self.signed) * self.features + self.faces + 1
        fitted = replace(self.decision, states=states, actions=self.actions, backend=self.backend)
        object.__setattr__(self, "decision", fitted)

    @classmethod
    def of(cls, senses: Senses, actions: int, **fields: object) -> SocialAgent:
        """An agent for `senses` and so many actions. Raises `ConfigError` for faces of another number of cells than
        its perception has."""
        cells = graded().circuit.areas["perception"].n
        if senses.faces and senses.cells != cells:
            raise ConfigError(
                f"faces have {senses.cells} cells and perception {cells}; give the dilemma Expression(cells={cells})"
            )
        given = {"places": senses.places, "faces": len(senses.faces), "features": len(senses.features), **fields}
        return cls(actions=actions, **given)  # type: ignore[arg-type]

    # ------------------------------------------------------------ what it is made of

    @cached_property
    def empathy(self) -> Empathy:
        """The empathy network."""
        return graded(self.backend)

    @cached_property
    def childhood(self) -> CircuitState:
        """The empathy network of one individual `[1]` after its childhood."""
        return childhood(self.empathy, CHILDHOOD if self.raised else 0)

    @property
    def rpe(self) -> RewardPredictionError:
        """The prediction of shared distress."""
        return RewardPredictionError(beta=self.beta)

    @property
    def targets(self) -> Targets:
        """What ablations can name."""
        return Targets.of((self.empathy.circuit, self.decision.circuit, self.decision.selection), RELEASES)

    # ------------------------------------------------------------ its life

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> SocialState:
        """A newborn batch, individuals `key` int64 `[*B]`; `traits` (gain, level, each `[*B]`) overrides the plan's."""
        given = {"gain": self.gain, "level": self.level}
        like = torch.zeros(key.shape, device=key.device)
        full = {name: torch.full_like(like, value) for name, value in given.items()} | check_traits(traits, given)
        return SocialState(
            clock=clocks.newborn(key),
            traits=full,
            gates=gates,
            decision=self.decision.init(key),
            prediction=self.rpe.init(like),
            felt=Felt.nothing(like, self.faces, self.empathy.circuit.areas["perception"].n),
            pending=Pending(like, like > 0, like),
            mood=Mood(torch.zeros_like(key), like, like, like),
        )

    def act(self, state: SocialState, obs: Obs) -> tuple[Tensor, SocialState]:
        """Perceive, let dopamine teach what the last action brought, choose the next: int64 `[*B]`."""
        clock = clocks.tick(state.clock)
        noise = rng.uniforms(clock.key, clock.moment, self.decision.streams)
        felt = state.felt
        if self.faces:
            felt = feel(self.empathy, self.childhood, felt, obs.expression, state.traits["level"], state.gates)
        distressed = (felt.affect > self.felt).sum(-1)
        delta, prediction = self._relief(state, felt, clock)
        current = self.currents(obs, distressed)
        decided, _, _ = self.decision.decide(state.decision, current, noise, state.gates)
        dopamine, error = self._taught(state, delta, decided.value, (~clock.fresh).to(delta.dtype))
        action = self._choose(decided.counts, noise["decision/lot"][..., self.actions :], clock)
        taught = self.decision.reinforce(
            state.decision, decided.rates, action, dopamine, error, clock.fresh, state.gates
        )
        state = state._replace(
            clock=clock,
            decision=taught,
            prediction=prediction,
            felt=felt,
            pending=state.pending._replace(value=decided.value),
            mood=Mood(distressed, delta, dopamine, decided.margin),
        )
        return action, state

    def currents(self, obs: Obs, distressed: Tensor) -> Tensor:
        """What drives the state cells, `[*B, states]` in thresholds: place x shared distress, view, distress."""
        parts = []
        if self.places:
            which = obs.place + (distressed > 0) * self.places
            parts.append(place(which, 2 * self.places))
        if self.features:
            if obs.view.shape[-1] != self.features:
                raise ShapeMismatch(f"the view has {obs.view.shape[-1]} entries, the agent {self.features} features")
            parts += [obs.view.clamp(min=0.0) * self.background, (obs.view * 4.0 - 2.0).clamp(0.0, 1.0)]
            parts += [(-obs.view).clamp(min=0.0) * self.background] * self.signed
        parts.append(place(distressed, self.faces + 1) * self.background)
        return torch.cat(parts, -1)

    def learn(self, state: SocialState, outcome: Outcome) -> SocialState:
        """Be told the outcome; it teaches when its consequence is perceived."""
        pending = state.pending._replace(reward=outcome.reward, terminated=outcome.terminated)
        return state._replace(clock=clocks.told(state.clock, outcome), pending=pending)

    def keepsake(self, state: SocialState) -> dict[str, Tensor]:
        """The learned weights, `[*B, pre, post]` by projection."""
        return {p.name: state.decision.weights[p.name] for p in self.decision.circuit.plastic}

    def revive(self, state: SocialState, kept: Mapping[str, Tensor], episode: int) -> SocialState:
        """A newborn batch with the learned weights `kept`, before its episode `episode`."""
        weights = state.decision.weights | {p.name: kept[p.name] for p in self.decision.circuit.plastic}
        return state._replace(
            clock=state.clock._replace(episode=torch.full_like(state.clock.episode, episode - 1)),
            decision=state.decision._replace(weights=weights),
        )

    # ------------------------------------------------------------ feeling

    def _relief(self, state: SocialState, felt: Felt, clock: Clock) -> tuple[Tensor, PredictionState]:
        """The error of the predicted S, `[*B]`, and the next prediction."""
        signal = torch.zeros_like(state.pending.reward)
        for part in felt.dopamine.unbind(-1):
            signal = signal + part
        started = state.prediction.prediction * (~clock.fresh).to(signal.dtype)
        return self.rpe.step(PredictionState(started), signal, 1.0)

    def _taught(self, state: SocialState, delta: Tensor, value: Tensor, on: Tensor) -> tuple[Tensor, Tensor]:
        """Dopamine and the error of the critic, `[*B]`, 0 where not `on`; V is 0 after a terminal step."""
        relief = state.gates.released("relief", delta * state.traits["gain"] * self.worth)
        reward = state.gates.released("reward", state.pending.reward)
        ahead = value * (~state.pending.terminated).to(value.dtype) * self.decision.gamma
        error = reward + ahead - state.pending.value
        total = error + relief
        return total * on, (total if self.anticipates else error) * on

    def _choose(self, counted: Tensor, lot: Tensor, clock: Clock) -> Tensor:
        """The population with most spikes, or, as the schedule of exploration has it, any."""
        chosen = choose(counted, lot)
        if not self.explores:
            return chosen
        extra = rng.uniform(clock.key, "social/explore", clock.moment, 2)
        greedy = extra[..., 0] < greedy_probability(clock.episode, self.episodes)
        return torch.where(greedy, chosen, (extra[..., 1] * self.actions).long())


EXAMPLES = (SocialAgent(), SocialAgent(episodes=10, gain=0.5, level=0.5, anticipates=False))
