"""Integrate-and-fire neuron without leak.

    v <- max(v + I dt, floor);   v > threshold: spike, v <- 0 ("zero") or v <- v - threshold ("subtract")

With a constant current I > 0, no floor and dt = 1, "zero" spikes every floor(threshold / I) + 1 ticks,
and "subtract" at the mean rate min(1, I / threshold). The strict threshold is that of the released
affective-empathy networks.

Feng, Zeng, Lu (2022) Front. Comput. Neurosci. doi:10.3389/fncom.2022.784967
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from bisnn.errors import ConfigError, pick
from bisnn.neurons.base import exceeds
from bisnn.parameters import positive


class IFState(NamedTuple):
    """State of `IF`."""

    v: Tensor  # [*B, n] membrane potential


@dataclass(frozen=True, kw_only=True)
class IF:
    """Integrate-and-fire neuron (equation and reference: module docstring).

    Raises `ConfigError` for a threshold not above 0 or a floor above 0, `UnknownName` for another reset.
    """

    threshold: float = 0.5
    """Potential above which (strictly) a spike is emitted."""
    reset: Literal["zero", "subtract"] = "zero"
    """What a spike does to the potential."""
    floor: float | None = None
    """Lower bound of the potential, at most 0; None: unbounded."""

    def __post_init__(self) -> None:
        positive(self, "threshold")
        pick("reset of IF", self.reset, ("zero", "subtract"))
        if self.floor is not None and not self.floor <= 0:
            raise ConfigError(f"IF: floor is {self.floor}; give a potential of at most 0, or None")

    def init(self, shape: tuple[int, ...], like: Tensor) -> IFState:
        """Potential 0 everywhere."""
        return IFState(v=torch.zeros(shape, device=like.device, dtype=like.dtype))

    def step(self, state: IFState, current: Tensor, dt: float) -> tuple[Tensor, IFState]:
        """One tick of `dt` ms: `current` `[*B, n]` to spikes `[*B, n]`."""
        v = state.v + (current if dt == 1.0 else current * dt)
        if self.floor is not None:
            v = v.clamp_(min=self.floor)
        spikes = exceeds(v, self.threshold)
        fall = v if self.reset == "zero" else self.threshold
        return spikes, IFState(v.sub_(spikes * fall))

    def rate(self, current: float, dt: float = 1.0) -> float:
        """Analytic mean spikes per tick for a constant current: the claim that tests hold `step` to."""
        if current <= 0:
            return 0.0
        if self.reset == "subtract":
            return min(1.0, current * dt / self.threshold)
        return 1.0 / (math.floor(self.threshold / (current * dt)) + 1)


EXAMPLES = (IF(), IF(threshold=1.0, reset="subtract", floor=0.0))
