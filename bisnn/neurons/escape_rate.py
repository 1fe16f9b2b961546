"""Leaky integrate-and-fire neuron with escape noise, close to the spike-response model SRM0: it fires at random.

    tau dv/dt = -v + I;   rho = rho0 exp((v - threshold) / delta_u);   p = 1 - exp(-rho dt)
    noise < p: spike, v <- reset (None: v goes on), hold for `refractory`

v is integrated exactly over the tick as in `LIF`, then p is that of the tick's last potential. With a reset, input
from before the last spike is forgotten, as in Frémaux et al. (2013). `expected` is p of this tick (0 while it holds):
what a rule like R-max subtracts from the spike.

With a constant current, the mean number of ticks between spikes is h + sum over k >= 0 of (1 - p_1) ... (1 - p_k):
h ticks of refractory time, p_k the probability in the k-th tick after it. Without a reset that is h + 1/p(I).

Gerstner, Kistler, Naud, Paninski (2014) Neuronal Dynamics, ch. 9. doi:10.1017/CBO9781107447615;
Frémaux, Sprekeler, Gerstner (2013) PLoS Comput. Biol. 9:e1003024. doi:10.1371/journal.pcbi.1003024
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bisnn.elementary import exp
from bisnn.neurons.base import ticks
from bisnn.parameters import finite, not_negative, positive, rising


class EscapeRateLIFState(NamedTuple):
    """State of `EscapeRateLIF`."""

    v: Tensor  # [*B, n] membrane potential
    hold: Tensor  # [*B, n] ticks of refractory time left
    expected: Tensor  # [*B, n] probability of a spike in the tick that made this state


@dataclass(frozen=True, kw_only=True)
class EscapeRateLIF:
    """Leaky integrate-and-fire neuron with escape noise (equation and references: module docstring).

    Raises `ConfigError` for `tau`, `rho0` or `delta_u` not above 0, a negative `refractory`, or a reset that is not
    below the threshold.
    """

    stochastic: ClassVar[bool] = True

    tau: float = 20.0
    """Membrane time constant, ms."""
    threshold: float = 1.0
    """Potential at which the rate is `rho0`."""
    delta_u: float = 0.2
    """Potential over which the rate grows by a factor of e."""
    rho0: float = 0.06
    """Rate at the threshold, spikes per ms."""
    reset: float | None = 0.0
    """Potential after a spike; None: a spike leaves the potential as it is."""
    refractory: float = 2.0
    """Absolute refractory period, ms, rounded to whole ticks."""

    def __post_init__(self) -> None:
        positive(self, "tau", "rho0", "delta_u")
        not_negative(self, "refractory")
        finite(self, "threshold")
        if self.reset is not None:
            rising(self, "reset", "threshold")

    def init(self, shape: tuple[int, ...], like: Tensor) -> EscapeRateLIFState:
        """Potential, refractory time and probability 0 everywhere."""
        zero = torch.zeros(shape, device=like.device, dtype=like.dtype)
        return EscapeRateLIFState(v=zero, hold=zero, expected=zero)

    def step(
        self, state: EscapeRateLIFState, current: Tensor, dt: float, noise: Tensor
    ) -> tuple[Tensor, EscapeRateLIFState]:
        """One tick of `dt` ms: `current` and uniform `noise` in [0, 1), `[*B, n]` each, to spikes `[*B, n]`."""
        keep = math.exp(-dt / self.tau)
        free = state.hold == 0
        v = state.v * keep + current * (1.0 - keep)
        if self.reset is not None:
            v = torch.where(free, v, self.reset)
        expected = torch.where(free, self.probability(v, dt), 0.0)
        fired = noise < expected
        hold = torch.where(fired, ticks(self.refractory, dt), (state.hold - 1.0).clamp(min=0.0))
        if self.reset is not None:
            v = torch.where(fired, self.reset, v)
        return fired.to(v.dtype), EscapeRateLIFState(v=v, hold=hold, expected=expected)

    def probability(self, v: Tensor, dt: float) -> Tensor:
        """Probability of a spike in a tick of `dt` ms at potential `v`; computed in float64, in the dtype of `v`."""
        rho = exp((v.double() - self.threshold) / self.delta_u) * self.rho0
        return (1.0 - exp(rho * -dt)).to(v.dtype)

    @property
    def settling(self) -> float:
        """Time in which the potential comes to its steady distribution, ms."""
        return 5.0 * self.tau + 2.0 * self.refractory

    def rate(self, current: float, dt: float) -> float:
        """Analytic mean spikes per tick for a constant current: the claim that tests hold `step` to."""
        steady = self._probability(current, dt)
        expected, survival = ticks(self.refractory, dt), 1.0
        away, keep = 0.0 if self.reset is None else self.reset - current, math.exp(-dt / self.tau)
        while abs(away) > 1e-12 * self.delta_u and survival > 1e-18:
            expected += survival
            away *= keep
            survival *= 1.0 - self._probability(current + away, dt)
        if survival > 1e-18:
            expected = expected + survival / steady if steady else math.inf
        return 1.0 / expected

    def _probability(self, v: float, dt: float) -> float:
        rho = self.rho0 * math.exp(min((v - self.threshold) / self.delta_u, 700.0))
        return -math.expm1(-rho * dt)


EXAMPLES = (
    EscapeRateLIF(),
    EscapeRateLIF(tau=7.0, threshold=0.8, delta_u=0.5, rho0=0.2, reset=-0.3, refractory=0.0),
    EscapeRateLIF(reset=None, refractory=3.0, rho0=0.1),
)
