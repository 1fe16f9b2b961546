"""Leaky integrate-and-fire neuron with a spike-triggered current that slows it down.

    tau dv/dt = -v + I - w;   tau_w dw/dt = -w;   v >= threshold: spike, v <- reset, w <- w + jump, hold

Exact integration over a tick, with k = exp(-dt/tau) and q = exp(-dt/tau_w):
v <- k v + (1 - k) I - w (q - k) / (1 - tau/tau_w)   (tau = tau_w: - w k dt/tau),   w <- q w.
w decays while v holds. After rest the first interval is that of `LIF`; the steady period T is the one at which v
reaches the threshold T - refractory after the reset, starting from w = jump / (1 - exp(-T/tau_w)).

Treves (1993) Network 4:259. doi:10.1088/0954-898X_4_3_002;
Gerstner, Kistler, Naud, Paninski (2014) Neuronal Dynamics, ch. 6. doi:10.1017/CBO9781107447615
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.neurons.base import reaches, ticks
from bisnn.parameters import not_negative, positive, rising


class AdaptiveLIFState(NamedTuple):
    """State of `AdaptiveLIF`."""

    v: Tensor  # [*B, n] membrane potential, in units of the threshold
    w: Tensor  # [*B, n] adaptation current
    hold: Tensor  # [*B, n] ticks of refractory time left


@dataclass(frozen=True, kw_only=True)
class AdaptiveLIF:
    """Adaptive leaky integrate-and-fire neuron (equation and references: module docstring).

    Raises `ConfigError` for a time constant not above 0, a negative `jump` or `refractory`, or a reset that is not
    below the threshold.
    """

    tau: float = 20.0
    """Membrane time constant, ms."""
    tau_w: float = 100.0
    """Time constant of adaptation, ms."""
    jump: float = 0.2
    """What a spike adds to the adaptation current."""
    threshold: float = 1.0
    """Potential at which a spike is emitted."""
    reset: float = 0.0
    """Potential after a spike."""
    refractory: float = 2.0
    """Absolute refractory period, ms, rounded to whole ticks."""

    def __post_init__(self) -> None:
        positive(self, "tau", "tau_w")
        not_negative(self, "jump", "refractory")
        rising(self, "reset", "threshold")

    def init(self, shape: tuple[int, ...], like: Tensor) -> AdaptiveLIFState:
        """Potential, adaptation and refractory time 0 everywhere."""
        zero = torch.zeros(shape, device=like.device, dtype=like.dtype)
        return AdaptiveLIFState(v=zero, w=zero, hold=zero)

    def step(self, state: AdaptiveLIFState, current: Tensor, dt: float) -> tuple[Tensor, AdaptiveLIFState]:
        """One tick of `dt` ms: `current` `[*B, n]` to spikes `[*B, n]`."""
        keep = math.exp(-dt / self.tau)
        free = state.hold == 0
        v = state.v * keep + current * (1.0 - keep) - state.w * self._pull(dt)
        v = torch.where(free, v, self.reset)
        spikes = reaches(v, self.threshold) * free
        fired = spikes > 0
        return spikes, AdaptiveLIFState(
            v=torch.where(fired, self.reset, v),
            w=state.w * math.exp(-dt / self.tau_w) + spikes * self.jump,
            hold=torch.where(fired, ticks(self.refractory, dt), (state.hold - 1.0).clamp(min=0.0)),
        )

    def period(self, current: float) -> float:
        """Steady interspike interval, ms: the simulated mean lies in [T, T + dt) (refractory a multiple of dt)."""
        return self._period(current, self.refractory)

    def period_bounds(self, current: float, dt: float) -> tuple[float, float]:
        """Where the simulated mean interval lies, ms, with the refractory period as it is rounded."""
        period = self._period(current, ticks(self.refractory, dt) * dt)
        return period, period + dt

    @property
    def settling(self) -> float:
        """Time in which adaptation comes to its steady cycle, ms."""
        return 8.0 * self.tau_w

    def fixed_point(self, current: float) -> dict[str, float] | None:
        """Where it rests with a constant current: v = I, w = 0 below the threshold."""
        return {"v": current, "w": 0.0, "hold": 0.0} if current < self.threshold else None

    def _period(self, current: float, refractory: float) -> float:
        if current <= self.threshold:
            return math.inf
        low, high = refractory, refractory + 1.0
        while self._reached(high, refractory, current) < self.threshold:
            low, high = high, high + 2.0 * (high - refractory)
        for _ in range(100):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self._reached(middle, refractory, current) < self.threshold else (low, middle)
        return high

    def _reached(self, period: float, refractory: float, current: float) -> float:
        """The potential at the end of an interval of this length, where all intervals are."""
        free = period - refractory
        if free == 0.0:
            return self.reset
        w = self.jump / -math.expm1(-period / self.tau_w) * math.exp(-refractory / self.tau_w)
        keep = math.exp(-free / self.tau)
        return self.reset * keep + current * (1.0 - keep) - w * self._pull(free)

    def _pull(self, time: float) -> float:
        """What a unit of adaptation takes from the potential over a time in ms."""
        if self.tau == self.tau_w:
            return time / self.tau * math.exp(-time / self.tau)
        difference = math.exp(-time / self.tau_w) - math.exp(-time / self.tau)
        return difference / (1.0 - self.tau / self.tau_w)


EXAMPLES = (
    AdaptiveLIF(),
    AdaptiveLIF(tau=7.0, tau_w=30.0, jump=0.5, threshold=0.8, reset=-0.3, refractory=0.0),
    AdaptiveLIF(tau=12.0, tau_w=12.0, jump=0.7, refractory=1.0),
)
