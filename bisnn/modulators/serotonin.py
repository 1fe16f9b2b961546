"""Serotonin and patience: its level sets how far into the future a reward is worth waiting for.

    s <- s exp(-dt/tau) + release;   level = tonic + s
    horizon = min(tau_longest, tau_wait (1 + stretch max(level, 0)))
    a reward R after t ms is worth R exp(-t/horizon);  waiting pays for horizon ln(R / leave)

`leave` is the worth of going away now. The map from level to horizon is linear between its ends: the sources say that
serotonin sets the time scale of prediction and that raising it prolongs waiting for a delayed reward, not how
steeply; `stretch` is free.

Doya (2002) Neural Netw. 15:495 (serotonin and the discount). doi:10.1016/S0893-6080(02)00044-8;
Miyazaki et al. (2014) Curr. Biol. 24:2033 (serotonin cells and waiting). doi:10.1016/j.cub.2014.07.041
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.elementary import exp, log
from bisnn.errors import ConfigError
from bisnn.modulators.base import cleared
from bisnn.parameters import finite, not_negative, positive


class SerotoninState(NamedTuple):
    """State of `Serotonin`."""

    level: Tensor  # [*B] concentration relative to tonic


@dataclass(frozen=True, kw_only=True)
class Serotonin:
    """Serotonin that sets the horizon of waiting (equation and references: module docstring).

    Raises `ConfigError` for a number outside its range.
    """

    tau: float = 1000.0
    """Time constant of clearance, ms; 0: a pulse of one tick."""
    tonic: float = 0.0
    """Level without release."""
    tau_wait: float = 2000.0
    """Horizon (time constant of the discount) at level 0, ms."""
    stretch: float = 1.0
    """Relative growth of the horizon per unit of level."""
    tau_longest: float = 60000.0
    """Longest horizon, ms."""

    def __post_init__(self) -> None:
        finite(self, "tonic")
        not_negative(self, "tau", "stretch")
        positive(self, "tau_wait", "tau_longest")
        if self.tau_longest < self.tau_wait:
            raise ConfigError(f"Serotonin: tau_longest {self.tau_longest} is below tau_wait {self.tau_wait}; raise it")

    def init(self, like: Tensor) -> SerotoninState:
        """No phasic serotonin, on the shape `[*B]` of `like`."""
        return SerotoninState(level=torch.zeros_like(like))

    def step(self, state: SerotoninState, release: Tensor, dt: float) -> tuple[Tensor, SerotoninState]:
        """One tick: `release` `[*B]` to the level `[*B]`."""
        phasic = cleared(state.level, release, self.tau, dt)
        return phasic + self.tonic, SerotoninState(level=phasic)

    def horizon(self, level: Tensor) -> Tensor:
        """Time constant of the discount, ms, `[*B]`, at a level `[*B]`."""
        return ((level.clamp(min=0.0) * self.stretch + 1.0) * self.tau_wait).clamp(max=self.tau_longest)

    def discount(self, level: Tensor, dt: float) -> Tensor:
        """What a reward loses in worth by `dt` ms of waiting, as a factor `[*B]`, at a level `[*B]`."""
        return exp(-dt / self.horizon(level))

    def patience(self, level: Tensor, reward: float, leave: float) -> Tensor:
        """How long waiting for `reward` pays when going away is worth `leave`, ms, `[*B]`, at a level `[*B]`.

        Raises `ConfigError` unless both are above 0.
        """
        if not (reward > 0.0 and leave > 0.0):
            raise ConfigError(f"patience for a reward of {reward} against {leave}: both are worths above 0")
        ratio = torch.full_like(level, reward / leave)
        return (log(ratio) * self.horizon(level)).clamp(min=0.0)


EXAMPLES = (Serotonin(), Serotonin(tau=0.0, tonic=0.2, tau_wait=500.0, stretch=3.0, tau_longest=5000.0))
