"""Exponential integrate-and-fire neuron.

    tau dv/dt = -(v - rest) + slope exp((v - threshold) / slope) + I;   v >= peak: spike, v <- reset, hold

A tick is a Strang splitting of two exact flows: half a tick of leak and input, a tick of the exponential, and half a
tick of leak and input again. The middle one, v <- v - slope log(1 - (dt/tau) exp((v - threshold)/slope)), becomes
infinite in finite time as the equation does, which is a spike; so large ticks find the upstroke, and the potential
between spikes errs by O(dt^2).

At rheobase, I = threshold - rest - slope, the stable and the unstable fixed point meet; above it the period is
refractory + integral of dv / (dv/dt) from reset to peak, here by Gauss's quadrature. A simulated interval lies in
[T, T + dt) but for the error of the splitting, which `period_bounds` states.

Fourcaud-Trocmé, Hansel, van Vreeswijk, Brunel (2003) J. Neurosci. 23:11628.
doi:10.1523/JNEUROSCI.23-37-11628.2003
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bisnn.elementary import exp, log
from bisnn.neurons.base import reaches, ticks
from bisnn.parameters import not_negative, positive, rising

_NODES, _WEIGHTS = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(16))
_PANELS = 512


class ExponentialIFState(NamedTuple):
    """State of `ExponentialIF`."""

    v: Tensor  # [*B, n] membrane potential
    hold: Tensor  # [*B, n] ticks of refractory time left


@dataclass(frozen=True, kw_only=True)
class ExponentialIF:
    """Exponential integrate-and-fire neuron (equation, scheme and reference: module docstring).

    Raises `ConfigError` for `tau` or `slope` not above 0, a negative `refractory`, or potentials out of order
    (rest < threshold < peak, reset < peak).
    """

    tau: float = 20.0
    """Membrane time constant, ms."""
    rest: float = 0.0
    """Potential to which the leak pulls."""
    threshold: float = 1.0
    """Potential at which the upstroke takes over: dv/dt is lowest there."""
    slope: float = 0.2
    """Sharpness of the upstroke, in units of potential."""
    peak: float = 3.0
    """Potential at which a spike is emitted."""
    reset: float = 0.0
    """Potential after a spike."""
    refractory: float = 2.0
    """Absolute refractory period, ms, rounded to whole ticks."""

    def __post_init__(self) -> None:
        positive(self, "tau", "slope")
        not_negative(self, "refractory")
        rising(self, "rest", "threshold", "peak")
        rising(self, "reset", "peak")

    def init(self, shape: tuple[int, ...], like: Tensor) -> ExponentialIFState:
        """Potential `rest` and refractory time 0 everywhere."""
        return ExponentialIFState(
            v=torch.full(shape, self.rest, device=like.device, dtype=like.dtype),
            hold=torch.zeros(shape, device=like.device, dtype=like.dtype),
        )

    def step(self, state: ExponentialIFState, current: Tensor, dt: float) -> tuple[Tensor, ExponentialIFState]:
        """One tick of `dt` ms: `current` `[*B, n]` to spikes `[*B, n]`."""
        keep = math.exp(-0.5 * dt / self.tau)
        free = state.hold == 0
        inflow = (current + self.rest) * (1.0 - keep)
        v = state.v * keep + inflow
        room = 1.0 - exp((v - self.threshold) / self.slope) * (dt / self.tau)
        v = torch.where(room > 0, v - log(room) * self.slope, math.inf)
        v = torch.where(free, v * keep + inflow, self.reset)
        spikes = reaches(v, self.peak) * free
        fired = spikes > 0
        hold = torch.where(fired, ticks(self.refractory, dt), (state.hold - 1.0).clamp(min=0.0))
        return spikes, ExponentialIFState(v=torch.where(fired, self.reset, v), hold=hold)

    @property
    def rheobase(self) -> float:
        """The constant current above which nothing rests."""
        return self.threshold - self.rest - self.slope

    def period(self, current: float) -> float:
        """Interspike interval of the equation, ms; inf where the potential cannot go from reset to peak."""
        if self._drift(max(self.reset, self.threshold), current) <= 0.0:
            return math.inf
        half = 0.5 * (self.peak - self.reset) / _PANELS
        middles = self.reset + half * torch.arange(1, 2 * _PANELS, 2, dtype=torch.float64)
        v = middles[:, None] + half * _NODES
        drift = (self.rest - v + current + exp((v - self.threshold) / self.slope) * self.slope) / self.tau
        return self.refractory + float((_WEIGHTS / drift).sum() * half)

    def period_bounds(self, current: float, dt: float) -> tuple[float, float]:
        """Where the simulated mean interval lies, ms: [T, T + dt), wider by what the splitting errs.

        Both ends give (dt/tau)^2 T / 4. The upper one gives x dt / 20 more, with x what the input adds to the potential
        in a tick beyond the threshold, in units of `slope`: a spike driven by input alone is found late.
        """
        period = self.period(current) - self.refractory + ticks(self.refractory, dt) * dt
        error = 0.25 * (dt / self.tau) ** 2 * period
        driven = max(0.0, current + self.rest - self.threshold) * dt / (self.tau * self.slope)
        return period - error, period + dt + error + 0.05 * driven * dt

    def fixed_point(self, current: float, dt: float | None = None) -> dict[str, float] | None:
        """The stable potential for a constant current, of the equation (`dt` None) or of the scheme at this tick."""
        if current >= self.rheobase:
            return None
        low, high = self.rest + current, self.threshold
        for _ in range(100):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self._gain(middle, current, dt) > 0.0 else (low, middle)
        return {"v": low, "hold": 0.0}

    def _gain(self, v: float, current: float, dt: float | None) -> float:
        """What the equation, or one tick of the scheme, adds to the potential."""
        if dt is None:
            return self._drift(v, current)
        keep, aim = math.exp(-0.5 * dt / self.tau), current + self.rest
        middle = aim + (v - aim) * keep
        room = 1.0 - math.exp((middle - self.threshold) / self.slope) * (dt / self.tau)
        return aim + (middle - math.log(room) * self.slope - aim) * keep - v if room > 0 else math.inf

    def _drift(self, v: float, current: float) -> float:
        """tau dv/dt of the equation."""
        return self.rest - v + current + self.slope * math.exp((v - self.threshold) / self.slope)


EXAMPLES = (
    ExponentialIF(),
    ExponentialIF(tau=9.0, rest=-0.2, threshold=0.8, slope=0.35, peak=4.0, reset=-0.5, refractory=0.0),
)
