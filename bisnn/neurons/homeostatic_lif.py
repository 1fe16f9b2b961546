"""Leaky integrate-and-fire neuron whose threshold moves until it fires at a target rate.

    tau dv/dt = -v + I;   v >= theta: spike, v <- reset, hold for `refractory`
    theta <- max(lowest, theta + rise (s - target dt))                  (s: 1 at a spike, else 0)

Exact integration over a tick, as in `LIF`; the threshold moves at the end of the tick. While theta stays above
`lowest`, the spikes of T ms number target T + (theta(T) - theta(0)) / rise, exactly: the mean rate goes to the target
as 1/T. Where even the lowest threshold yields fewer spikes, it stays there and fires as `LIF`.

Lazar, Pipa, Triesch (2009) Front. Comput. Neurosci. 3:23. doi:10.3389/neuro.10.023.2009;
Zhang, Linden (2003) Nat. Rev. Neurosci. 4:885. doi:10.1038/nrn1248
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.errors import ConfigError
from bisnn.neurons.base import ticks
from bisnn.parameters import not_negative, positive, rising


class HomeostaticLIFState(NamedTuple):
    """State of `HomeostaticLIF`."""

    v: Tensor  # [*B, n] membrane potential
    hold: Tensor  # [*B, n] ticks of refractory time left
    theta: Tensor  # [*B, n] threshold


@dataclass(frozen=True, kw_only=True)
class HomeostaticLIF:
    """Leaky integrate-and-fire neuron with a homeostatic threshold (equation and references: module docstring).

    Raises `ConfigError` for `tau`, `target` or `rise` not above 0, a negative `refractory`, potentials out of order
    (reset < lowest < threshold), or a target that the refractory period forbids.
    """

    tau: float = 20.0
    """Membrane time constant, ms."""
    threshold: float = 1.0
    """Threshold at the beginning."""
    lowest: float = 0.1
    """Threshold below which it does not fall."""
    reset: float = 0.0
    """Potential after a spike."""
    refractory: float = 2.0
    """Absolute refractory period, ms, rounded to whole ticks."""
    target: float = 10.0
    """Rate at which it aims, Hz."""
    rise: float = 0.05
    """What a spike adds to the threshold."""

    def __post_init__(self) -> None:
        positive(self, "tau", "target", "rise")
        not_negative(self, "refractory")
        rising(self, "reset", "lowest", "threshold")
        if self.target * self.refractory >= 1000.0:
            raise ConfigError(
                f"HomeostaticLIF: target = {self.target} Hz, but after each spike it rests for refractory = "
                f"{self.refractory} ms; give a target below {1000.0 / self.refractory:g} Hz, or a shorter refractory"
            )

    def init(self, shape: tuple[int, ...], like: Tensor) -> HomeostaticLIFState:
        """Potential and refractory time 0, the threshold at its beginning."""
        zero = torch.zeros(shape, device=like.device, dtype=like.dtype)
        return HomeostaticLIFState(v=zero, hold=zero, theta=torch.full_like(zero, self.threshold))

    def step(self, state: HomeostaticLIFState, current: Tensor, dt: float) -> tuple[Tensor, HomeostaticLIFState]:
        """One tick of `dt` ms: `current` `[*B, n]` to spikes `[*B, n]`."""
        keep = math.exp(-dt / self.tau)
        free = state.hold == 0
        v = torch.where(free, state.v * keep + current * (1.0 - keep), self.reset)
        fired = (v >= state.theta) & free
        spikes = fired.to(v.dtype)
        theta = state.theta + (spikes - self.target * dt / 1000.0) * self.rise
        hold = torch.where(fired, ticks(self.refractory, dt), (state.hold - 1.0).clamp(min=0.0))
        v = torch.where(fired, self.reset, v)
        return spikes, HomeostaticLIFState(v=v, hold=hold, theta=theta.clamp(min=self.lowest))

    @property
    def settling(self) -> float:
        """Time in which the threshold can fall from its beginning to the lowest, ms."""
        return (self.threshold - self.lowest) / (self.rise * self.target / 1000.0)

    def rate(self, current: float, dt: float) -> float:
        """Mean spikes per tick in the long run for a constant current: the target, or less where it is out of reach."""
        if current <= self.lowest:
            return 0.0
        left = (current - self.lowest) / (current - self.reset)  # of the way to I, when v reaches the lowest threshold
        needed = math.ceil(-math.log(left) * self.tau / dt)
        return min(self.target * dt / 1000.0, 1.0 / (needed + ticks(self.refractory, dt)))


EXAMPLES = (
    HomeostaticLIF(),
    HomeostaticLIF(tau=8.0, threshold=1.5, lowest=0.3, reset=-0.2, refractory=1.0, target=40.0, rise=0.08),
)
