"""Worlds that are not ours, and players that are not ours.

`Abroad`: a batch of PettingZoo parallel environments in which one agent is played by a bisnn agent, whose `Obs` are
translated from the observations of that world, and the others by scripts. `Policy`: a function on observations, such
as anybody's PettingZoo or Stable-Baselines3 policy, as a bisnn agent that plays in a dilemma.

    place    of Discrete and MultiDiscrete: the value itself; of a Box: which of `bins` parts each entry lies in
    view     of a Box: its entries, scaled from [low, high] to [-1, 1]
    action   of Discrete and MultiDiscrete: the value itself; of a Box: one of `bins` levels for each entry
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from torch import Tensor

from bisnn.agents import interfaces
from bisnn.agents.base import NOTHING, Agent, Dilemma, Obs, Outcome, Unlearning, check_traits
from bisnn.errors import ConfigError, ShapeMismatch, StateMismatch, pick
from bisnn.gates import NO_GATES, Gates

MOST = 2**20
"""Most places or actions that an agent of ours may be given."""

Script = Callable[[Any, int], Any]
"""A script of a foreign world: its observation and the number of the step in the episode, from 0, to its action."""


@dataclass(frozen=True, eq=False)
class Digits:
    """A space whose values are written as one number: the `place` of an observation, or an action.

    Raises `ConfigError` for a space that cannot be, or that has more than `MOST` values.
    """

    space: spaces.Space[Any]
    bins: int = 3
    """Parts of the range of every entry of a Box."""

    def __post_init__(self) -> None:
        if self.bins < 2:
            raise ConfigError(f"bins is {self.bins!r}; a range has at least 2 parts")
        if not isinstance(self.space, spaces.Discrete | spaces.MultiDiscrete | spaces.Box):
            raise ConfigError(
                f"{self.space} is no space of numbers; wrap the world so that it gives Discrete, MultiDiscrete or Box "
                "(gymnasium.spaces.flatten_space makes a Box of any)"
            )
        if isinstance(self.space, spaces.Box) and not self.space.is_bounded():
            raise ConfigError(f"{self.space} has no bounds to divide; clip it to a range of your choice")
        if self.count > MOST:
            raise ConfigError(f"{self.space} has {self.count} values of {self.bins} bins; give fewer entries or bins")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Values of every entry."""
        if isinstance(self.space, spaces.Discrete):
            return (int(self.space.n),)
        if isinstance(self.space, spaces.MultiDiscrete):
            return tuple(int(n) for n in self.space.nvec.flatten())
        return (self.bins,) * math.prod(self.space.shape or ())

    @property
    def count(self) -> int:
        """Number of values."""
        return math.prod(self.sizes)

    @property
    def features(self) -> int:
        """Entries of a view; 0 for what is no Box."""
        return math.prod(self.space.shape or ()) if isinstance(self.space, spaces.Box) else 0

    def scaled(self, value: Any) -> NDArray[np.float64]:
        """The entries of a value of a Box, from [low, high] to [-1, 1]."""
        assert isinstance(self.space, spaces.Box)
        low, high = self.space.low.astype(np.float64), self.space.high.astype(np.float64)
        middle, half = (low + high) / 2, np.maximum((high - low) / 2, 1e-12)
        return np.asarray(np.clip((np.asarray(value, np.float64) - middle) / half, -1, 1)).flatten()

    def number(self, value: Any) -> int:
        """The number of a value."""
        if isinstance(self.space, spaces.Discrete):
            return int(value) - int(self.space.start)
        if isinstance(self.space, spaces.MultiDiscrete):
            digits = (np.asarray(value) - self.space.start).flatten()
        else:
            digits = np.minimum(((self.scaled(value) + 1) / 2 * self.bins).astype(int), self.bins - 1)
        found = 0
        for digit, size in zip(digits, self.sizes, strict=True):
            found = found * size + int(digit)
        return found

    def value(self, number: int) -> Any:
        """The value of a number; of a Box, the levels at equal distances from `low` to `high`."""
        if isinstance(self.space, spaces.Discrete):
            return number + int(self.space.start)
        digits = []
        for size in reversed(self.sizes):
            number, digit = divmod(number, size)
            digits.append(digit)
        entries = np.array(digits[::-1]).reshape(self.space.shape)
        if isinstance(self.space, spaces.MultiDiscrete):
            return (entries + self.space.start).astype(self.space.dtype)
        assert isinstance(self.space, spaces.Box)
        part = entries / (self.bins - 1)
        return (self.space.low * (1 - part) + self.space.high * part).astype(self.space.dtype)


class AbroadState(NamedTuple):
    """Where the environments are; they themselves change in place."""

    obs: Obs  # what our agent perceives, [N, ...]
    over: Tensor  # [N] bool: the episode has ended, the next step resets the environment
    episode: Tensor  # [N] int64, from 0
    t: Tensor  # [N] int64 steps of this episode


class Abroad:
    """Environments `[N]`, one for each individual, in which the agent `me` is ours and `others` are scripts.

    Episode e of individual k is reset with the seed (1000003 k + e) mod 2^31, so that a life repeats itself. Raises
    `UnknownName` for an agent that does not exist, `ShapeMismatch` unless every other agent has a script.
    """

    def __init__(self, envs: Sequence[Any], me: str, others: Mapping[str, Script], bins: int = 3) -> None:
        names = list(envs[0].possible_agents)
        self.envs, self.me, self.others = list(envs), pick("agent", me, names), dict(others)
        missing = [name for name in names if name != self.me and name not in self.others]
        if missing:
            raise ShapeMismatch(f"no script for {', '.join(missing)}; give one for each agent but {self.me}")
        for name in self.others:
            pick("agent", name, names)
        self.sees = Digits(envs[0].observation_space(self.me), bins)
        self.does = Digits(envs[0].action_space(self.me), bins)
        self._last: list[dict[str, Any]] = [{} for _ in self.envs]

    @property
    def places(self) -> int:
        """Number of places that the agent needs."""
        return self.sees.count

    @property
    def actions(self) -> int:
        """Number of actions that the agent needs."""
        return self.does.count

    def reset(self, key: Tensor) -> AbroadState:
        """The first episode of individuals `key` int64 `[N]`. Raises `ShapeMismatch` unless each has its own world."""
        if key.shape != (len(self.envs),):
            raise ShapeMismatch(f"{list(key.shape)} individuals in {len(self.envs)} environments; give each its own")
        zero = torch.zeros_like(key)
        for number in range(len(self.envs)):
            self._open(number, int(key[number]), 0)
        return AbroadState(self._seen(), zero > 0, zero, zero)

    def step(self, key: Tensor, state: AbroadState, actions: Tensor) -> tuple[AbroadState, Outcome]:
        """One step of every environment with `actions` int64 `[N]`, or the reset of those whose episode is over."""
        rewards, ended, cut = [], [], []
        episode = state.episode + state.over
        for number, env in enumerate(self.envs):
            reward, done, stopped = 0.0, False, False
            if bool(state.over[number]):
                self._open(number, int(key[number]), int(episode[number]))
            else:
                given = self._given(number, int(state.t[number]), int(actions[number]))
                seen, gained, dones, stops, _ = env.step(given)
                reward = float(gained.get(self.me, 0.0))
                stopped = bool(stops.get(self.me, False))
                done = bool(dones.get(self.me, False)) or (self.me not in env.agents and not stopped)
                self._last[number] = dict(seen) if self.me in seen else {**seen, self.me: self._last[number][self.me]}
            rewards.append(reward)
            ended.append(done)
            cut.append(stopped and not done)
        terminated, truncated = torch.tensor(ended), torch.tensor(cut)
        outcome = Outcome(torch.tensor(rewards), terminated, truncated, state.over, {})
        t = (state.t + 1) * ~state.over
        return AbroadState(self._seen(), terminated | truncated, episode, t), outcome

    def _open(self, number: int, seed: int, episode: int) -> None:
        seen, _ = self.envs[number].reset(seed=(1000003 * seed + episode) % 2**31)
        self._last[number] = dict(seen)

    def _given(self, number: int, t: int, action: int) -> dict[str, Any]:
        env, seen = self.envs[number], self._last[number]
        if not 0 <= action < self.actions:
            raise ConfigError(f"action {action} of {self.me}; there are {self.actions}, from 0")
        return {
            name: self.does.value(action) if name == self.me else self.others[name](seen[name], t)
            for name in env.agents
        }

    def _seen(self) -> Obs:
        values = [seen[self.me] for seen in self._last]
        place = torch.tensor([self.sees.number(value) for value in values])
        blank = torch.zeros(len(values), 0)
        if not self.sees.features:
            return Obs(place, blank)
        return Obs(place, blank, torch.tensor(np.stack([self.sees.scaled(v) for v in values]), dtype=torch.float32))


def live(abroad: Abroad, agent: Agent, key: Tensor, episodes: int, gates: Gates = NO_GATES) -> tuple[Tensor, Any]:
    """The first `episodes` episodes of individuals `key` int64 `[N]` abroad: returns `[N, episodes]`, and the agent.

    Raises `ConfigError` below 1 episode.
    """
    if episodes < 1:
        raise ConfigError(f"episodes is {episodes!r}; a life has at least one")
    state, mind = abroad.reset(key), agent.init(key, gates)
    returns = torch.zeros(len(key), episodes)
    rows = torch.arange(len(key))
    while bool(((state.episode < episodes - 1) | ((state.episode == episodes - 1) & ~state.over)).any()):
        actions, mind = agent.act(mind, state.obs)
        state, outcome = abroad.step(key, state, actions)
        mind = agent.learn(mind, outcome)
        kept = state.episode < episodes
        returns[rows[kept], state.episode[kept]] += outcome.reward[kept]
    return returns, mind


@dataclass(frozen=True, eq=False)
class Policy(Unlearning):
    """A function on observations as an agent of a dilemma; it learns nothing, and is asked in every step.

    `choose` gets an observation as the environments of `bisnn.agents.pettingzoo` give it (`bisnn.agents.interfaces`)
    and answers with an action; where `batched`, arrays of `[B, ...]` and an answer `[B]`. Stable-Baselines3:
    `Policy(lambda seen: model.predict(seen, deterministic=True)[0], dilemma, batched=True)`.
    `act` raises `ShapeMismatch` or `ConfigError` for an answer that is no action.
    """

    choose: Callable[[dict[str, Any]], Any]
    dilemma: Dilemma
    batched: bool = False

    def init(self, key: Tensor, gates: Gates = NO_GATES, traits: Mapping[str, Tensor] | None = None) -> tuple[()]:
        """It keeps nothing in mind."""
        check_traits(traits)
        return ()

    def act(self, state: tuple[()], obs: Obs) -> tuple[Tensor, tuple[()]]:
        """Actions int64 `[B]`."""
        if obs.place.dim() != 1:
            raise StateMismatch(f"a policy plays a batch [B]; not {list(obs.place.shape)}")
        crowd = Obs(*(part if part is NOTHING else part[:, None] for part in obs))
        seen = interfaces.all_observed(crowd, 0, interfaces.observation_space(self.dilemma))
        count = len(obs.place)
        if self.batched:
            return interfaces.all_legal(self.dilemma, self.choose(dict(seen)), count), state
        each = [self.choose({name: part[i] for name, part in seen.items()}) for i in range(count)]
        return torch.tensor([interfaces.legal(self.dilemma, "a policy", action) for action in each]), state

    def learn(self, state: tuple[()], outcome: Outcome) -> tuple[()]:
        """Nothing is learned."""
        return state
