"""The temporal-difference error of a spiking critic, in continuous time.

    V(t) = baseline + nu/N sum_i (kappa * S_i)(t)
    kappa(s) = (exp(-s/tau_slow) - exp(-s/tau_fast)) / (tau_slow - tau_fast)
    delta(t) = dV/dt - V/tau_r + r(t)

S_i are the spike trains of the N cells of the area `source`. The level is the mean of delta over the tick, in reward
per ms, without error of discretisation:

    level = (V(t) - V(t-dt) - int V/tau_r + release) / dt
    a <- a exp(-dt/tau_slow) + n;   b <- b exp(-dt/tau_fast) + n                   (n: spikes of this tick)

so the errors of any dt add up to the same; times dt it is the error of the tick. The release is the reward that
arrives in this tick. A spike raises V from the next tick on.

Fremaux, Sprekeler, Gerstner (2013) PLoS Comput. Biol. 9:e1003024. doi:10.1371/journal.pcbi.1003024;
Doya (2000) Neural Comput. 12:219 (continuous time). doi:10.1162/089976600300015961
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.errors import ConfigError
from bisnn.parameters import finite, positive


class CriticState(NamedTuple):
    """State of `TemporalDifferenceError`."""

    slow: Tensor  # [*B] spikes of the critic, decaying with tau_slow
    fast: Tensor  # [*B] spikes of the critic, decaying with tau_fast


@dataclass(frozen=True, kw_only=True)
class TemporalDifferenceError:
    """TD error of a spiking critic (equation and references: module docstring).

    Raises `ConfigError` for a number outside its range.
    """

    source: str | None = "critic"
    """Area of the critic; None: V stays at the baseline."""
    nu: float = 50.0
    """Value of one spike per ms of every cell, reward ms."""
    baseline: float = 0.0
    """Value of a silent critic, reward."""
    tau_r: float = 4000.0
    """Time constant at which future reward is discounted, ms."""
    tau_slow: float = 200.0
    """Slow time constant of kappa, ms."""
    tau_fast: float = 50.0
    """Fast time constant of kappa, ms."""

    def __post_init__(self) -> None:
        finite(self, "nu", "baseline")
        positive(self, "tau_r", "tau_slow", "tau_fast")
        if self.tau_fast >= self.tau_slow:
            raise ConfigError(
                f"TemporalDifferenceError: tau_fast is {self.tau_fast}, tau_slow is {self.tau_slow}; "
                f"kappa rises faster than it decays"
            )

    def init(self, like: Tensor) -> CriticState:
        """A critic that was silent, on the shape `[*B]` of `like`."""
        return CriticState(slow=torch.zeros_like(like), fast=torch.zeros_like(like))

    def step(
        self, state: CriticState, release: Tensor, dt: float, spikes: Tensor | None = None
    ) -> tuple[Tensor, CriticState]:
        """One tick: reward `release` `[*B]` and `spikes` of the critic `[*B, n]` to the TD error `[*B]` per ms."""
        cells = 1 if spikes is None else spikes.shape[-1]
        slow, fast = math.expm1(-dt / self.tau_slow) / dt, math.expm1(-dt / self.tau_fast) / dt
        scale = self._scale(cells)
        change = state.slow * (scale * slow * (1.0 + self.tau_slow / self.tau_r)) - state.fast * (
            scale * fast * (1.0 + self.tau_fast / self.tau_r)
        )
        level = change - self.baseline / self.tau_r + release / dt
        a, b = state.slow * math.exp(-dt / self.tau_slow), state.fast * math.exp(-dt / self.tau_fast)
        if spikes is not None:
            count = spikes.sum(-1)  # whole numbers: exact
            a, b = a + count, b + count
        return level, CriticState(slow=a, fast=b)

    def value(self, state: CriticState, cells: int) -> Tensor:
        """V `[*B]` after the tick of `state`, of a critic of so many cells."""
        return (state.slow - state.fast) * self._scale(cells) + self.baseline

    def _scale(self, cells: int) -> float:
        return self.nu / (cells * (self.tau_slow - self.tau_fast))


EXAMPLES = (
    TemporalDifferenceError(),
    TemporalDifferenceError(nu=20.0, baseline=-0.1, tau_r=1000.0, tau_slow=100.0, tau_fast=20.0),
)
