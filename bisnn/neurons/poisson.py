"""Poisson source: spikes at random at a rate that its input sets.

    rate = max(0, base + gain I);   p = 1 - exp(-rate dt);   noise < p: spike

The rate is in Hz. p is the probability that a Poisson process has at least one event in the tick; two events in one
tick are one spike, so the mean rate per tick is p, which is `rate dt` while that is small.

Gerstner, Kistler, Naud, Paninski (2014) Neuronal Dynamics, ch. 7. doi:10.1017/CBO9781107447615
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bisnn.elementary import exp
from bisnn.parameters import finite


class PoissonState(NamedTuple):
    """State of `Poisson`."""

    expected: Tensor  # [*B, n] probability of a spike in the tick that made this state


@dataclass(frozen=True, kw_only=True)
class Poisson:
    """Poisson source (equation and reference: module docstring).

    Raises `ConfigError` for a field that is not finite.
    """

    stochastic: ClassVar[bool] = True

    base: float = 10.0
    """Rate without input, Hz."""
    gain: float = 100.0
    """Rate per unit of current, Hz."""

    def __post_init__(self) -> None:
        finite(self, "base", "gain")

    def init(self, shape: tuple[int, ...], like: Tensor) -> PoissonState:
        """Probability 0 everywhere."""
        return PoissonState(expected=torch.zeros(shape, device=like.device, dtype=like.dtype))

    def step(self, state: PoissonState, current: Tensor, dt: float, noise: Tensor) -> tuple[Tensor, PoissonState]:
        """One tick of `dt` ms: `current` and uniform `noise` in [0, 1), `[*B, n]` each, to spikes `[*B, n]`."""
        rate = (current.double() * self.gain + self.base).clamp(min=0.0)
        expected = (1.0 - exp(rate * (-dt / 1000.0))).to(current.dtype)
        return (noise < expected).to(current.dtype), PoissonState(expected=expected)

    def rate(self, current: float, dt: float) -> float:
        """Analytic mean spikes per tick for a constant current: the claim that tests hold `step` to."""
        return -math.expm1(-max(0.0, self.base + self.gain * current) * dt / 1000.0)


EXAMPLES = (Poisson(), Poisson(base=-20.0, gain=300.0))
