"""Weights that relax to a resting value.

    tau dw/dt = target - w;   dw = (target - w) (1 - exp(-dt/tau)),   exact at any dt

Reward's timing: none, no modulator is heard.

Gerstner & Kistler (2002) Mathematical formulations of Hebbian learning. Biol. Cybern. 87:404.
doi:10.1007/s00422-002-0353-y
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from bisnn.parameters import finite, positive


class WeightDecayState(NamedTuple):
    """Nothing: `WeightDecay` remembers no spikes."""


@dataclass(frozen=True, kw_only=True)
class WeightDecay:
    """Weight decay (equation and reference: module docstring).

    Raises `ConfigError` for a time constant that is not above 0, or a target that is not finite.
    """

    tau: float = 1e6
    """Time constant of forgetting, ms."""
    target: float = 0.0
    """Weight that is left in the end."""

    def __post_init__(self) -> None:
        positive(self, "tau")
        finite(self, "target")

    @property
    def modulator(self) -> None:
        """Unsupervised."""
        return None

    def init(self, weight: Tensor) -> WeightDecayState:
        """Nothing to remember."""
        return WeightDecayState()

    def step(
        self, trace: WeightDecayState, weight: Tensor, pre: Tensor, post: Tensor, level: Tensor | None, dt: float
    ) -> tuple[Tensor, WeightDecayState]:
        """One tick: weights `[*B, pre, post]` to their change."""
        return (self.target - weight) * -math.expm1(-dt / self.tau), trace


EXAMPLES = (WeightDecay(), WeightDecay(tau=50.0, target=0.4))
