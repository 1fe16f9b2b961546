"""Dopamine: a concentration that decays after each release.

    d <- d exp(-dt/tau) + release

With tau = 0 the level is the release of this very tick: a phasic pulse.

Izhikevich (2007) Cereb. Cortex 17:2443. doi:10.1093/cercor/bhl152
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class DopamineState(NamedTuple):
    """State of `Dopamine`."""

    level: Tensor  # [*B] concentration relative to tonic


@dataclass(frozen=True, kw_only=True)
class Dopamine:
    """Decaying dopamine (equation and reference: module docstring)."""

    tau: float = 200.0
    """Time constant of clearance, ms; 0: a pulse of one tick."""

    def init(self, like: Tensor) -> DopamineState:
        """Level 0 on the shape `[*B]` of `like`."""
        return DopamineState(level=torch.zeros_like(like))

    def step(self, state: DopamineState, release: Tensor, dt: float) -> tuple[Tensor, DopamineState]:
        """One tick: `release` `[*B]` to the level `[*B]`."""
        keep = math.exp(-dt / self.tau) if self.tau > 0 else 0.0
        level = state.level * keep + release
        return level, DopamineState(level=level)


EXAMPLES = (Dopamine(), Dopamine(tau=0.0))
