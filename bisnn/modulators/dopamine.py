"""Dopamine: a tonic level, and a phasic concentration that decays after each release.

    d <- d exp(-dt/tau) + release;   level = tonic + d

With tau = 0 the phasic part is the release of this very tick: a pulse. A release below 0 is a dip. Cells of the direct
pathway carry D1 receptors, which raise their excitability with the level, cells of the indirect pathway D2
receptors, which lower it: `d1` and `d2`.

Izhikevich (2007) Cereb. Cortex 17:2443. doi:10.1093/cercor/bhl152;
Gerfen, Surmeier (2011) Annu. Rev. Neurosci. 34:441 (D1, D2). doi:10.1146/annurev-neuro-061010-113641;
Frank (2005) J. Cogn. Neurosci. 17:51 (their roles in action selection). doi:10.1162/0898929052880093
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.errors import ConfigError
from bisnn.modulators.base import cleared
from bisnn.parameters import finite, not_negative
from bisnn.receptors import Receptor


class DopamineState(NamedTuple):
    """State of `Dopamine`."""

    level: Tensor  # [*B] concentration relative to tonic


@dataclass(frozen=True, kw_only=True)
class Dopamine:
    """Tonic and decaying phasic dopamine (equation and references: module docstring).

    Raises `ConfigError` for tau below 0 and for numbers that are not finite.
    """

    tau: float = 200.0
    """Time constant of clearance, ms; 0: a pulse of one tick."""
    tonic: float = 0.0
    """Level without release."""

    def __post_init__(self) -> None:
        finite(self, "tonic")
        not_negative(self, "tau")

    def init(self, like: Tensor) -> DopamineState:
        """No phasic dopamine, on the shape `[*B]` of `like`."""
        return DopamineState(level=torch.zeros_like(like))

    def step(self, state: DopamineState, release: Tensor, dt: float) -> tuple[Tensor, DopamineState]:
        """One tick: `release` `[*B]` to the level `[*B]`."""
        phasic = cleared(state.level, release, self.tau, dt)
        level = phasic + self.tonic if self.tonic else phasic
        return level, DopamineState(level=phasic)


def d1(gain: float = 0.5, modulator: str = "dopamine") -> Receptor:
    """D1 receptors of an area or synapse: dopamine raises its excitability by `gain` > 0 per unit of level."""
    return Receptor(modulator=modulator, gain=_strength("D1", gain), high=1.0 + 4.0 * gain)


def d2(gain: float = 0.5, modulator: str = "dopamine") -> Receptor:
    """D2 receptors of an area or synapse: dopamine lowers its excitability by `gain` > 0 per unit of level."""
    return Receptor(modulator=modulator, gain=-_strength("D2", gain), high=1.0 + 4.0 * gain)


def _strength(name: str, gain: float) -> float:
    if not gain > 0.0:
        raise ConfigError(f"{name} receptors have gain {gain}; it is above 0, D1 excites and D2 inhibits by its size")
    return gain


EXAMPLES = (Dopamine(), Dopamine(tau=0.0), Dopamine(tau=50.0, tonic=0.3))
