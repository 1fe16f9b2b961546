"""Noradrenaline: a level that sets the gain of cells.

    d <- d exp(-dt/tau) + release;   level = tonic + d

Its effect is a `Receptor` on an area (`gain`): the input current is multiplied by 1 + strength level, so that the rate
is f(factor I) instead of f(I): a curve steeper by this factor. The release is whatever calls for arousal;
`UnexpectedUncertainty` is noradrenaline released by surprise.

Servan-Schreiber, Printz, Cohen (1990) Science 249:892 (gain). doi:10.1126/science.2392679;
Aston-Jones, Cohen (2005) Annu. Rev. Neurosci. 28:403 (phasic and tonic). doi:10.1146/annurev.neuro.28.061604.135709
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.modulators.base import cleared
from bisnn.parameters import finite, not_negative
from bisnn.receptors import Receptor


class NoradrenalineState(NamedTuple):
    """State of `Noradrenaline`."""

    level: Tensor  # [*B] concentration relative to tonic


@dataclass(frozen=True, kw_only=True)
class Noradrenaline:
    """Tonic and decaying phasic noradrenaline (equation and references: module docstring).

    Raises `ConfigError` for tau below 0 and for numbers that are not finite.
    """

    tau: float = 500.0
    """Time constant of clearance, ms; 0: a pulse of one tick."""
    tonic: float = 0.0
    """Level without release."""

    def __post_init__(self) -> None:
        finite(self, "tonic")
        not_negative(self, "tau")

    def init(self, like: Tensor) -> NoradrenalineState:
        """No phasic noradrenaline, on the shape `[*B]` of `like`."""
        return NoradrenalineState(level=torch.zeros_like(like))

    def step(self, state: NoradrenalineState, release: Tensor, dt: float) -> tuple[Tensor, NoradrenalineState]:
        """One tick: `release` `[*B]` to the level `[*B]`."""
        phasic = cleared(state.level, release, self.tau, dt)
        return phasic + self.tonic, NoradrenalineState(level=phasic)


def gain(strength: float = 1.0, modulator: str = "noradrenaline", high: float = 4.0) -> Receptor:
    """Receptors of an area whose gain grows by `strength` per unit of level, up to the factor `high`."""
    return Receptor(modulator=modulator, gain=strength, high=high)


EXAMPLES = (Noradrenaline(), Noradrenaline(tau=0.0, tonic=0.5))
