"""Tabular Q-learning among several who suffer: the baseline of `Triage`, with the same attention and no neurons.

    Q[s,a] <- Q[s,a] + rate (r + gamma max_a' Q[s',a'] - Q[s,a])       0 for a goal; bootstrap at the time limit
    r = dose delta + r_ext;   delta = S - P;   P <- P + beta delta;   S = - sum over faces of m_k;   P = S at first

The affect a_k of a face is read from its cells: 2 (active pain cells) / (pain cells), at most 1, and 0 where it shows
calm. m_k, the attention and the states are those of `bisnn.agents.triage_attention`.

Watkins, Dayan (1992) Q-learning. doi:10.1007/BF00992698
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import checks, clock, triage_attention
from bisnn.agents.base import MOVES, REACH, Obs, Outcome, check_traits
from bisnn.agents.clock import Clock
from bisnn.agents.expression import shows_calm
from bisnn.agents.schedule import greedy_probability
from bisnn.agents.triage_attention import Attention, Course
from bisnn.gates import NO_GATES, Gates


class TriageQState(NamedTuple):
    """A learner and its unfinished transition."""

    clock: Clock
    value: Tensor  # [*B, states * actions] float32, Q
    dose: Tensor  # [*B] float32
    predicted: Tensor  # [*B] float32, P
    line: Tensor  # [*B] int64, which entry of `value` the last action was
    reward: Tensor  # [*B] external reward of the last step
    terminated: Tensor  # [*B] bool: the last action ended the episode at the goal
    attention: Attention
    course: Course


@dataclass(frozen=True, kw_only=True)
class TriageQ:
    """Q-learning among several; fields as in `TabularQ` and `Triage`. Raises `ConfigError` out of their ranges."""

    places: int = 25
    """Number of places."""
    routes: tuple[tuple[int, ...], ...] = ()
    """For each destination that it knows, the move from every place; none: it chooses moves."""
    faces: int = 2
    """Faces that it can attend to, at most."""
    cells: int = 40
    """Cells of a face."""
    dose: float = 18.0
    """Weight of the shared pain against the own reward."""
    rate: float = 0.2
    """Learning rate."""
    gamma: float = 0.95
    """Discount for each step."""
    beta: float = 0.5
    """Rate of the prediction of the shared pain."""
    episodes: int = 1000
    """Episodes of its life; exploration is scheduled in fractions of it."""
    span: int = 8
    """Looks over which affect is averaged, at most."""
    hold: float = 0.1
    """Affect by which another must be felt more to draw attention away."""

    def __post_init__(self) -> None:
        checks.within(0, 1, rate=self.rate, gamma=self.gamma, beta=self.beta)
        checks.within(0, float("inf"), hold=self.hold, dose=self.dose)
        counts = {"places": self.places, "episodes": self.episodes, "faces": self.faces, "span": self.span}
        checks.within(1, float("inf"), **counts)

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> TriageQState:
        """A newborn batch with all values 0; `key` int64 `[*B]`; the trait `dose` `[*B]` overrides the plan's."""
        zero = torch.zeros(key.shape, device=key.device)
        given = check_traits(traits, ("dose",))
        states = self.places * (1 + self.faces)
        return TriageQState(
            clock=clock.newborn(key),
            value=torch.zeros((*key.shape, states * self.options), device=key.device),
            dose=given.get("dose", torch.full_like(zero, self.dose)),
            predicted=zero,
            line=torch.zeros_like(key),
            reward=zero,
            terminated=torch.zeros_like(key, dtype=torch.bool),
            attention=triage_attention.nobody(key, self.faces),
            course=triage_attention.nowhere(key),
        )

    @property
    def options(self) -> int:
        """What it chooses among: destinations, or moves."""
        return len(self.routes) or len(MOVES)

    def act(self, state: TriageQState, obs: Obs) -> tuple[Tensor, TriageQState]:
        """Share the pain that is seen, complete the last transition, choose actions int64 `[*B]`."""
        now = clock.tick(state.clock)
        count = self.options
        chance = rng.uniforms(now.key, now.moment, {"triage_q/choice": count + 2, "triage_q/attend": self.faces})
        attention = self._attend(state, obs, now, chance["triage_q/attend"])
        signal = triage_attention.summed(attention.signal)
        predicted = torch.where(now.fresh, signal, state.predicted)
        delta = signal - predicted
        index = triage_attention.situation(obs.place, self.places, attention.focus)
        row = (index * count)[..., None] + torch.arange(count, device=index.device)
        reward = state.dose * delta + state.reward
        course = triage_attention.further(state.course, reward, self.gamma, now.fresh)
        anew = triage_attention.decides(course, state.attention.focus, attention.focus, obs.place, now.fresh)
        anew = anew if self.routes else torch.ones_like(anew)
        value = self._update(state, course, row, anew & ~now.fresh)
        chosen = self._choose(value.gather(-1, row), now, chance["triage_q/choice"])
        line = torch.where(anew, row[..., 0] + chosen, state.line)
        course = triage_attention.set_out(course, anew, chosen, obs.place)
        action = triage_attention.moves(self.routes, obs.place, course.chosen) if self.routes else chosen
        after = state._replace(
            clock=now,
            value=value,
            predicted=predicted + delta * self.beta,
            line=line,
            attention=attention,
            course=course,
        )
        return action + (attention.focus >= 0) * REACH, after

    def learn(self, state: TriageQState, outcome: Outcome) -> TriageQState:
        """Keep the outcome until the next observation says what it brought the others."""
        course = state.course._replace(over=outcome.terminated | outcome.truncated)
        told = clock.told(state.clock, outcome)
        return state._replace(clock=told, reward=outcome.reward, terminated=outcome.terminated, course=course)

    def _attend(self, state: TriageQState, obs: Obs, now: Clock, lot: Tensor) -> Attention:
        """The attention after a look at every face."""
        face = triage_attention.faces_of(obs.expression, self.cells, self.faces)
        count = face.shape[-2]
        active = (face[..., : self.cells // 2] > 0).sum(-1).to(face.dtype)  # a count, exact in any order
        affect = (active * (4.0 / self.cells)).clamp(max=1.0) * ~shows_calm(face)
        before = triage_attention.forgotten(state.attention, now.fresh)
        attention = triage_attention.remember(before, face, affect, -affect, self.span)
        marks = triage_attention.marks_of(obs.view, count)
        lost = torch.zeros_like(affect, dtype=torch.bool) if marks is None else marks[1]
        able = torch.nn.functional.pad(~lost, (0, self.faces - count))
        focus = triage_attention.attend(attention.affect, able, attention.focus, lot, 0.025, self.hold)
        return attention._replace(focus=focus)

    def _update(self, state: TriageQState, course: Course, row: Tensor, learns: Tensor) -> Tensor:
        """`value` after the last choice, which has led to the state whose entries are `row` `[*B, options]`, where it
        `learns`, bool `[*B]`."""
        line = state.line[..., None]
        old = state.value.gather(-1, line)[..., 0]
        ahead = state.value.gather(-1, row).amax(-1) * course.factor * ~state.terminated
        error = (course.gathered + ahead - old) * learns
        return state.value.scatter(-1, line, (old + error * self.rate)[..., None])

    def _choose(self, value: Tensor, now: Clock, chance: Tensor) -> Tensor:
        """The greedy option with the scheduled probability, else any; `value` `[*B, options]`."""
        count = self.options
        greedy = greedy_probability(now.episode, self.episodes)
        lot = torch.where(value == value.amax(-1, keepdim=True), chance[..., :count], -1.0)
        anything = (chance[..., count + 1] * count).long()
        return torch.where(chance[..., count] < greedy, lot.argmax(-1), anything)

    def keepsake(self, state: TriageQState) -> dict[str, Tensor]:
        """The learned values `[*B, states * actions]`."""
        return {"value": state.value}

    def revive(self, state: TriageQState, kept: Mapping[str, Tensor], episode: int) -> TriageQState:
        """A newborn batch with the values `kept`, before its episode `episode`."""
        born = state.clock._replace(episode=torch.full_like(state.clock.episode, episode - 1))
        return state._replace(clock=born, value=kept["value"])


EXAMPLES = (TriageQ(), TriageQ(faces=3, rate=0.2, dose=4.0, episodes=10))
