"""Tabular Q-learners with social preferences: social value orientation and inequity aversion, for any dilemma.

    Q[s,a] <- Q[s,a] + rate (u + gamma max_a' Q[s',a'] - Q[s,a])      0 after an end; bootstrap at the time limit
    u = r_i cos(angle) + mean_j r_j sin(angle) - envy mean_j max(e_j - e_i, 0) - guilt mean_j max(e_i - e_j, 0)
    e_k <- gamma fading e_k + r_k                                     smoothed rewards, from 0 at each start

`i` is the learner, `j` all others, `r` external rewards. At 0 degrees it is an individualist, at 45 it weighs the
others as itself, at 90 it lives for them. The state is own place, whether each visible face shows pain, and chosen
entries of the view in `bins` equal bins. Who is told its own reward alone has nothing to compare: u = r_i cos(angle).

Murphy, Ackermann, Handgraaf (2011) Measuring social value orientation. doi:10.1017/S1930297500004204
McKee et al. (2020) Social diversity and social preferences in mixed-motive reinforcement learning. arXiv:2002.02325
Fehr, Schmidt (1999) A theory of fairness, competition, and cooperation. doi:10.1162/003355399556151
Hughes et al. (2018) Inequity aversion improves cooperation in intertemporal social dilemmas. arXiv:1803.08884
Watkins, Dayan (1992) Q-learning. doi:10.1007/BF00992698
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents import checks, clock
from bisnn.agents.base import Dilemma, Obs, Outcome, check_traits
from bisnn.agents.clock import Clock
from bisnn.agents.expression import shows_pain
from bisnn.agents.schedule import greedy_probability
from bisnn.gates import NO_GATES, Gates

TRAITS = ("angle", "envy", "guilt")


class SocialQState(NamedTuple):
    """A learner and its unfinished transition."""

    clock: Clock
    value: Tensor  # [*B, states * actions] float32, Q
    own: Tensor  # [*B] float32, cos(angle)
    others: Tensor  # [*B] float32, sin(angle)
    envy: Tensor  # [*B] float32
    guilt: Tensor  # [*B] float32
    smooth: Tensor  # [*B, agents] float32, e, the learner's own in its own column
    line: Tensor  # [*B] int64, which entry of `value` the last action was
    reward: Tensor  # [*B] float32, u of the last action
    terminated: Tensor  # [*B] bool: the last action ended the episode


@dataclass(frozen=True, kw_only=True)
class SocialQ:
    """Q-learning for itself and, as it cares, for others; ties are broken by the individual's own stream.

    Raises `ConfigError` where a field is out of its range.
    """

    places: int = 25
    """Number of places."""
    actions: int = 8
    """Number of actions."""
    faces: int = 1
    """Number of faces it sees."""
    view: tuple[int, ...] = ()
    """Which entries of the view belong to its state."""
    bins: int = 3
    """Into how many equal parts of [-1, 1] each of them falls."""
    agents: int = 2
    """How many agents there are, itself included."""
    angle: float = 0.0
    """Social value orientation in degrees, -180 to 180."""
    envy: float = 0.0
    """Weight of what others have more."""
    guilt: float = 0.0
    """Weight of what others have less."""
    fading: float = 0.975
    """Decay of the smoothed rewards for each step, beside the discount."""
    rate: float = 0.1
    """Learning rate."""
    gamma: float = 0.95
    """Discount for each step."""
    episodes: int = 1000
    """Episodes of its life; exploration is scheduled in fractions of it (`bisnn.agents.schedule`)."""

    def __post_init__(self) -> None:
        checks.within(0, 1, rate=self.rate, gamma=self.gamma, fading=self.fading)
        checks.within(-180, 180, angle=self.angle)
        checks.within(0, float("inf"), envy=self.envy, guilt=self.guilt)
        whole = {"places": self.places, "actions": self.actions, "bins": self.bins, "agents": self.agents}
        checks.within(1, float("inf"), episodes=self.episodes, **whole)
        checks.within(0, 16, faces=self.faces)

    @classmethod
    def suited(cls, dilemma: Dilemma, **changes: Any) -> SocialQ:
        """A learner that fits the senses and actions of `dilemma`; `changes` are further fields."""
        senses = dilemma.senses
        fitting = {"places": senses.places, "actions": len(dilemma.actions), "faces": len(senses.faces)}
        return cls(**(fitting | {"agents": len(dilemma.agents)} | changes))

    @property
    def states(self) -> int:
        """Number of states that it tells apart."""
        return self.places * int(2**self.faces * self.bins ** len(self.view))

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> SocialQState:
        """A newborn batch with all values 0; `key` int64 `[*B]`; traits `angle`, `envy`, `guilt` `[*B]`."""
        zero = torch.zeros(key.shape, device=key.device)
        given = check_traits(traits, TRAITS)
        angle, envy, guilt = (given.get(name, torch.full_like(zero, getattr(self, name))) for name in TRAITS)
        radians = [math.radians(value) for value in angle.flatten().tolist()]
        own, others = (
            torch.tensor([function(value) for value in radians], device=key.device).reshape(key.shape)
            for function in (math.cos, math.sin)
        )
        return SocialQState(
            clock=clock.newborn(key),
            value=torch.zeros((*key.shape, self.states * self.actions), device=key.device),
            own=own.to(zero.dtype),
            others=others.to(zero.dtype),
            envy=envy.to(zero.dtype),
            guilt=guilt.to(zero.dtype),
            smooth=torch.zeros((*key.shape, self.agents), device=key.device),
            line=torch.zeros_like(key),
            reward=zero,
            terminated=torch.zeros_like(key, dtype=torch.bool),
        )

    def situation(self, obs: Obs) -> Tensor:
        """The number of the state int64 `[*B]`, 0 ... states - 1."""
        state = obs.place
        if self.faces:
            for face in obs.expression.unflatten(-1, (self.faces, -1)).unbind(-2):
                state = state * 2 + shows_pain(face)
        for entry in self.view:
            part = ((obs.view[..., entry] + 1) * (self.bins / 2)).long().clamp(0, self.bins - 1)
            state = state * self.bins + part
        return state

    def act(self, state: SocialQState, obs: Obs) -> tuple[Tensor, SocialQState]:
        """Complete the last transition, choose actions int64 `[*B]`."""
        now = clock.tick(state.clock)
        numbers = torch.arange(self.actions, device=obs.place.device)
        row = (self.situation(obs) * self.actions)[..., None] + numbers
        value = self._update(state, now, row)
        action = self._choose(value.gather(-1, row), now)
        smooth = state.smooth * ~now.fresh[..., None]
        return action, state._replace(clock=now, value=value, smooth=smooth, line=row[..., 0] + action)

    def learn(self, state: SocialQState, outcome: Outcome) -> SocialQState:
        """Be told the own reward alone."""
        return self._kept(state, outcome, outcome.reward * state.own)

    def learn_of_all(self, state: SocialQState, outcome: Outcome, rewards: Tensor, me: Tensor) -> SocialQState:
        """Be told the `rewards` `[*B, agents]` of all, the own one in column `me` int64 `[*B]`."""
        smooth = state.smooth * (self.gamma * self.fading) + rewards
        mine = smooth.gather(-1, me[..., None])[..., 0]
        count = max(self.agents - 1, 1)
        theirs, above, below = (torch.zeros_like(mine) for _ in range(3))
        for number in range(self.agents):
            other = me != number
            theirs = theirs + rewards[..., number] * other
            above = above + (smooth[..., number] - mine).clamp(min=0) * other
            below = below + (mine - smooth[..., number]).clamp(min=0) * other
        caring = outcome.reward * state.own + theirs * state.others / count
        utility = caring - (state.envy * above + state.guilt * below) / count
        return self._kept(state._replace(smooth=smooth), outcome, utility)

    def _kept(self, state: SocialQState, outcome: Outcome, utility: Tensor) -> SocialQState:
        """The state with the outcome, until the next observation."""
        return state._replace(clock=clock.told(state.clock, outcome), reward=utility, terminated=outcome.terminated)

    def _update(self, state: SocialQState, now: Clock, row: Tensor) -> Tensor:
        """`value` after the last transition, which ended in the state whose entries are `row` `[*B, actions]`."""
        line = state.line[..., None]
        old = state.value.gather(-1, line)[..., 0]
        ahead = state.value.gather(-1, row).amax(-1) * ~state.terminated
        error = state.reward + ahead * self.gamma - old
        return state.value.scatter(-1, line, (old + error * self.rate * ~now.fresh)[..., None])

    def _choose(self, value: Tensor, now: Clock) -> Tensor:
        """The greedy action with the scheduled probability, else any; `value` `[*B, actions]`."""
        count = self.actions
        chance = rng.uniform(now.key, "social_q/choice", now.moment, count + 2)
        greedy = greedy_probability(now.episode, self.episodes)
        lot = torch.where(value == value.amax(-1, keepdim=True), chance[..., :count], -1.0)
        anything = (chance[..., count + 1] * count).long()
        return torch.where(chance[..., count] < greedy, lot.argmax(-1), anything)

    def keepsake(self, state: SocialQState) -> dict[str, Tensor]:
        """The learned values `[*B, states * actions]`."""
        return {"value": state.value}

    def revive(self, state: SocialQState, kept: Mapping[str, Tensor], episode: int) -> SocialQState:
        """A newborn batch with the values `kept`, before its episode `episode`."""
        born = state.clock._replace(episode=torch.full_like(state.clock.episode, episode - 1))
        return state._replace(clock=born, value=kept["value"])


EXAMPLES = (SocialQ(), SocialQ(angle=45.0, view=(0,), rate=0.2), SocialQ(envy=1.0, guilt=0.5, episodes=10))
