"""An agent's own clock: which of its episodes it lives in, and how many times it has acted there.

moment = 1024 episode + t        the step that keys its noise, the same in every arm
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.agents.base import Outcome

EPISODE = 1024
"""Moments of noise that belong to one episode; no episode may last longer."""


class Clock(NamedTuple):
    """The time of each individual."""

    key: Tensor  # [*B] int64 seed
    episode: Tensor  # [*B] int64 own episode, from 0; -1 before the first
    t: Tensor  # [*B] int64 actions chosen before in this episode
    fresh: Tensor  # [*B] bool: the next observation is the first of an episode

    @property
    def moment(self) -> Tensor:
        """Int64 `[*B]`, the step for `rng.uniforms`."""
        return self.episode * EPISODE + self.t


def newborn(key: Tensor) -> Clock:
    """The clock before the first observation; `key` int64 `[*B]`."""
    return Clock(
        key=key,
        episode=torch.full_like(key, -1),
        t=torch.zeros_like(key),
        fresh=torch.ones_like(key, dtype=torch.bool),
    )


def tick(clock: Clock) -> Clock:
    """The clock at a new observation. `fresh` stays True where it opens an episode, and then t = 0."""
    return clock._replace(episode=clock.episode + clock.fresh, t=(clock.t + 1) * ~clock.fresh)


def told(clock: Clock, outcome: Outcome) -> Clock:
    """The clock after an outcome: the next observation is fresh where the world has just been reset."""
    return clock._replace(fresh=outcome.started)
