"""The spiking altruist among several who suffer: it looks at each face, and learns whom to go to.

It is an `Altruist` (same body, development, empathy network, actor-critic) with one look of the empathy network at each
face in every step, in turn. The affect that a face evokes is graded by the pain it shows, since a mirror cell sums its
inputs; it is kept in mind over looks, and the face that is felt most gets the attention (`triage_attention`). What
dopamine cells do is summed over faces, so the relief of any one releases dopamine in proportion to the distress that
it ends. They have suffered before it comes, so the prediction begins at what the first look brings:

    S = sum over faces of S_k        delta = S - P,  P <- P + beta delta,  P = S at first        D as in `Altruist`
    state = place x (nobody, or who is attended)

Nothing tells it to go to the neediest: attention says who that is, dopamine teaches where to go, and that may be to a
nearer one, or home. Where it knows the ways (`routes`), its actor chooses among destinations and keeps to its choice
until attention changes, it arrives, or the episode ends; then dopamine is told what the k steps brought,

    D = sum over i < k of gamma^i r_i + gamma^k V(s') - V(s)

so it learns whom to go to, not to find its way (options: Sutton, Precup, Singh 1999
doi:10.1016/S0004-3702(99)00052-1; Botvinick, Niv, Barto 2009 doi:10.1016/j.cognition.2008.08.011). Without routes it
chooses moves, k = 1. While it attends to distress that it does not feel as its own, it reaches out.

Two traits show what goes wrong without a part. `grading` 0 makes affect all or none, as the reference networks
do. `bias` b inhibits the mirror cells for faces with the mark of the other group: their empathy level is 1 - b that
of the own one, as responses to pain are lower for another group: Xu, Zuo, Wang, Han (2009)
doi:10.1523/JNEUROSCI.2418-09.2009; Hein et al. (2010) doi:10.1016/j.neuron.2010.09.003

Zhao et al. (2025) IEEE Trans. Affect. Comput. doi:10.1109/taffc.2025.3627936
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn import rng, tree
from bisnn.agents import checks, triage_attention
from bisnn.agents import clock as clocks
from bisnn.agents.altruist import Altruist, Mood, Pending, Share
from bisnn.agents.base import REACH, Obs, Outcome, check_traits
from bisnn.agents.clock import Clock
from bisnn.agents.schedule import greedy_probability
from bisnn.agents.triage_attention import Attention, Course, attend, situation
from bisnn.circuit import Circuit, CircuitState
from bisnn.coding import choose
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES, Gates
from bisnn.modulators import PredictionState
from bisnn.recording import Probe, Recording, join
from bisnn.systems.empathy import Percept
from bisnn.systems.moral_learning import MoralLearning


class TriageState(NamedTuple):
    """A batch of altruists among several; as `AltruistState`, and what is kept in mind of every face."""

    clock: Clock
    traits: dict[str, Tensor]  # gain, level, bias, grading, [*B]
    gates: Gates
    body: CircuitState
    empathy: CircuitState
    moral: CircuitState
    prediction: PredictionState
    pending: Pending
    mood: Mood  # sums over faces; `own` the greatest
    share: Share
    used: dict[str, Tensor]
    attention: Attention
    course: Course


class Looks(NamedTuple):
    """What the looks of one step brought; `[*B, faces seen]` each, in the order of the faces."""

    face: Tensor  # [*B, faces seen, cells] as perceived
    percept: Percept
    lost: Tensor  # bool: beyond help


ACTOR: Mapping[str, Any] = {
    "gamma": 0.95,
    "rate_actor": 0.006,
    "value_low": -30.0,
}
"""Parameters of its actor-critic: it looks farther ahead and expects more than that of `Altruist`."""


@dataclass(frozen=True, kw_only=True)
class Triage(Altruist):
    """The spiking altruist among several (module docstring). It also lives where there are fewer faces.

    Its `moral` gets as many emotions as there are states of attention. Raises `ConfigError` as `Altruist`, and where a
    field is out of its range.
    """

    gain: float = 18.0
    """Empathy strength lambda; more than that of `Altruist`, for it weighs one relief against another and the way."""
    beta: float = 0.5
    """Rate of the reward prediction."""
    moral: MoralLearning = field(default_factory=lambda: MoralLearning(**ACTOR))
    """The actor-critic; its states are those of attention."""
    faces: int = 2
    """Faces that it can attend to, at most."""
    bias: float = 0.0
    """How much less empathy it has with the other group, 0 to 1."""
    grading: float = 1.0
    """1: affect is graded; 0: all or none."""
    span: int = 8
    """Looks over which affect is averaged, at most."""
    routes: tuple[tuple[int, ...], ...] = ()
    """For each destination that it knows, the move from every place; none: it chooses moves."""
    hold: float = 0.1
    """Affect by which another must be felt more to draw attention away."""

    def __post_init__(self) -> None:
        checks.within(0, 1, bias=self.bias, grading=self.grading)
        checks.within(0, float("inf"), hold=self.hold)
        if self.faces < 1 or self.span < 1:
            raise ConfigError(f"faces = {self.faces}, span = {self.span}; give 1 or more of each")
        if any(len(route) != self.moral.places for route in self.routes):
            raise ConfigError(f"routes say where to move from each of {self.moral.places} places; give as many moves")
        actions = len(self.routes) or self.moral.actions
        object.__setattr__(self, "moral", replace(self.moral, emotions=1 + self.faces, actions=actions))
        super().__post_init__()

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> Any:
        """A newborn batch, individuals `key` int64 `[*B]`; `traits` (gain, level, bias, grading) as in `Altruist`."""
        own = {"bias": self.bias, "grading": self.grading}
        given = check_traits(traits, ("gain", "level", *own))
        born = super().init(key, gates, {name: value for name, value in given.items() if name not in own})
        like = torch.zeros(key.shape, device=key.device)
        more = {name: given.get(name, torch.full_like(like, value)) for name, value in own.items()}
        mind = triage_attention.nobody(key, self.faces)
        state = TriageState(*born, attention=mind, course=triage_attention.nowhere(key))
        return state._replace(traits={**born.traits, **more})

    def noise(self, clock: Clock) -> dict[str, Tensor]:
        """This moment's uniforms."""
        cells = (self.moral.actions + 1) * self.moral.cells
        streams = {"membrane": cells, "tie": self.moral.actions, "explore": 2}
        return rng.uniforms(clock.key, clock.moment, {**streams, "shuffle": self.faces, "attend": self.faces})

    def look(
        self, state: Any, obs: Obs, draw: Tensor, probes: tuple[Probe, ...] = ()
    ) -> tuple[Looks, Share, Recording]:
        """One look at each face, in turn; the recording holds them one after another. `draw` `[*B, faces]` uniform."""
        faces = triage_attention.faces_of(obs.expression, self.face.cells, self.faces)
        count = faces.shape[-2]
        marks = triage_attention.marks_of(obs.view, count)
        other, lost = marks if marks is not None else (torch.zeros_like(faces[..., 0], dtype=torch.bool),) * 2
        shown, percepts, recordings = [], [], []
        for k in range(count):
            seen, share = self.see(state, faces[..., k, :], draw[..., k])
            state = state._replace(share=share)
            level = state.traits["level"] * (1.0 - state.traits["bias"] * other[..., k])
            percept, recording = self.empathy.observe(state.empathy, seen, level, state.gates, probes, used=state.used)
            shown.append(seen)
            percepts.append(percept)
            recordings.append(recording)
        together = Percept(*(torch.stack(parts, dim=-1) for parts in zip(*percepts, strict=True)))
        return Looks(torch.stack(shown, dim=-2), together, lost), state.share, join(recordings)

    def feel(self, state: TriageState, looks: Looks, fresh: Tensor, lot: Tensor) -> tuple[Attention, Tensor]:
        """Attention after the looks, and what is felt for everybody in sum (S), `[*B]`."""
        before = triage_attention.forgotten(state.attention, fresh)
        attention = triage_attention.remember(
            before, looks.face, looks.percept.affect, looks.percept.dopamine, self.span
        )
        graded = state.traits["grading"][..., None]
        every = (attention.affect > self.felt).to(graded.dtype) * (1.0 - graded)
        able = torch.nn.functional.pad(~looks.lost, (0, self.faces - looks.lost.shape[-1]))
        level = attention.affect * graded + every
        focus = attend(level, able, attention.focus, lot, self.felt, self.hold)
        signal = attention.signal * graded - every
        return attention._replace(focus=focus), triage_attention.summed(signal)

    def watched_act(
        self, state: Any, obs: Obs, probes: tuple[Probe, ...]
    ) -> tuple[Tensor, Any, tuple[Recording, Recording]]:
        """`act`, with recordings of the empathy network (the looks one after another) and of the actor-critic."""
        clock = clocks.tick(state.clock)
        noise = self.noise(clock)
        looks, share, mirrored = self.look(state, obs, noise["shuffle"], _of(self.empathy.circuit, probes))
        attention, signal = self.feel(state, looks, clock.fresh, noise["attend"])
        expected = torch.where(clock.fresh, signal, state.prediction.prediction)
        delta, prediction = self.rpe.step(state.prediction._replace(prediction=expected), signal, 1.0)
        course = triage_attention.further(state.course, self.reward(state, delta), self.moral.gamma, clock.fresh)
        anew = triage_attention.decides(course, state.attention.focus, attention.focus, obs.place, clock.fresh)
        anew = anew if self.routes else torch.ones_like(anew)
        index = situation(obs.place, self.moral.places, attention.focus)
        watched = _of(self.moral.circuit, probes)
        counts, value, decided = self.moral.decide(state.moral, index, noise["membrane"], state.gates, watched)
        ahead = value * course.factor * ~state.pending.terminated
        dopamine = (course.gathered + ahead - state.pending.value) * (anew & ~clock.fresh)
        greedy = noise["explore"][..., 0] < greedy_probability(clock.episode, self.episodes)
        random = (noise["explore"][..., 1] * self.moral.actions).to(torch.int64)
        choice = torch.where(greedy, choose(counts, noise["tie"]), random)
        taught = self.moral.reinforce(state.moral, index, choice, dopamine, clock.fresh, state.gates)
        course = triage_attention.set_out(course, anew, choice, obs.place)
        actions = triage_attention.moves(self.routes, obs.place, course.chosen) if self.routes else choice
        mirror, affect, own = (triage_attention.summed(part) for part in looks.percept[:3])
        state = state._replace(
            clock=clock,
            moral=tree.where(anew, taught, state.moral) if self.routes else taught,
            prediction=prediction,
            pending=state.pending._replace(value=torch.where(anew, value, state.pending.value)),
            mood=Mood(mirror, affect, own, signal, delta, dopamine),
            share=share,
            attention=attention,
            course=course,
        )
        reach = (attention.focus >= 0) & (looks.percept.own <= self.felt).all(-1)
        return actions + reach * REACH, state, (mirrored, decided)

    def reward(self, state: Any, delta: Tensor) -> Tensor:
        """What the last step brought, relief + goal + effort, `[*B]`."""
        parts = {
            "relief": delta * state.traits["gain"],
            "goal": state.pending.reward.clamp(min=0.0),
            "effort": state.pending.reward.clamp(max=0.0),
        }
        return sum((state.gates.released(name, part) for name, part in parts.items()), torch.zeros_like(delta))

    def learn(self, state: Any, outcome: Outcome) -> Any:
        """Be told the outcome; it teaches when its consequence is perceived."""
        after: Any = super().learn(state, outcome)
        return after._replace(course=state.course._replace(over=outcome.terminated | outcome.truncated))


def _of(circuit: Circuit, probes: tuple[Probe, ...]) -> tuple[Probe, ...]:
    """The probes that belong to a circuit."""
    return tuple(probe for probe in probes if probe.target in circuit.names)


EXAMPLES = (Triage(), Triage(faces=3, episodes=10, gain=4.0, level=0.5, bias=0.5, grading=0.0))
