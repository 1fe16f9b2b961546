"""Leaky integrate-and-fire neuron.

    tau dv/dt = -v + I;   v >= threshold: spike, v <- reset, hold for `refractory`

Exact integration over a tick: v <- v exp(-dt/tau) + (1 - exp(-dt/tau)) I.

Gerstner, Kistler, Naud, Paninski (2014) Neuronal Dynamics, ch. 1. doi:10.1017/CBO9781107447615
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.neurons.base import reaches, ticks
from bisnn.parameters import not_negative, positive, rising


class LIFState(NamedTuple):
    """State of `LIF`."""

    v: Tensor  # [*B, n] membrane potential, in units of the threshold
    hold: Tensor  # [*B, n] ticks of refractory time left


@dataclass(frozen=True, kw_only=True)
class LIF:
    """Leaky integrate-and-fire neuron (equation and reference: module docstring).

    Raises `ConfigError` for `tau` not above 0, a negative `refractory`, or a reset that is not below the threshold.
    """

    tau: float = 20.0
    """Membrane time constant, ms."""
    threshold: float = 1.0
    """Potential at which a spike is emitted."""
    reset: float = 0.0
    """Potential after a spike."""
    refractory: float = 2.0
    """Absolute refractory period, ms, rounded to whole ticks."""

    def __post_init__(self) -> None:
        positive(self, "tau")
        not_negative(self, "refractory")
        rising(self, "reset", "threshold")

    def init(self, shape: tuple[int, ...], like: Tensor) -> LIFState:
        """Potential and refractory time 0 everywhere."""
        zero = torch.zeros(shape, device=like.device, dtype=like.dtype)
        return LIFState(v=zero, hold=zero)

    def step(self, state: LIFState, current: Tensor, dt: float) -> tuple[Tensor, LIFState]:
        """One tick of `dt` ms: `current` `[*B, n]` to spikes `[*B, n]`."""
        keep = math.exp(-dt / self.tau)
        free = state.hold == 0
        v = torch.where(free, state.v * keep + current * (1.0 - keep), self.reset)
        spikes = reaches(v, self.threshold) * free
        fired = spikes > 0
        hold = torch.where(fired, ticks(self.refractory, dt), (state.hold - 1.0).clamp(min=0.0))
        return spikes, LIFState(v=torch.where(fired, self.reset, v), hold=hold)

    def period(self, current: float) -> float:
        """Analytic interspike interval, ms: the simulated one lies in [T, T + dt) (refractory a multiple of dt)."""
        if current <= self.threshold:
            return math.inf
        return self.refractory + self.tau * math.log((current - self.reset) / (current - self.threshold))

    def period_bounds(self, current: float, dt: float) -> tuple[float, float]:
        """Where the simulated interval lies, ms, with the refractory period as it is rounded."""
        period = self.period(current) - self.refractory + ticks(self.refractory, dt) * dt
        return period, period + dt

    def fixed_point(self, current: float) -> dict[str, float] | None:
        """Where it rests with a constant current: v = I below the threshold."""
        return {"v": current, "hold": 0.0} if current < self.threshold else None


EXAMPLES = (LIF(), LIF(tau=7.0, reset=-0.3, refractory=0.0))
