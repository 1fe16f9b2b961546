"""Acetylcholine: a level that turns a recurrent network from retrieval to encoding.

    d <- d exp(-dt/tau) + release;   level = tonic + d

It acts at two sites of a recurrent projection. `suppression` lowers what the synapses transmit (presynaptic muscarinic
receptors), so that a new input is not overlaid by what it recalls; `enabling` raises their plasticity. A high level
so encodes; a low one lets the synapses transmit and hardly learn: retrieval.

Hasselmo (2006) Curr. Opin. Neurobiol. 16:710. doi:10.1016/j.conb.2006.09.002
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


class AcetylcholineState(NamedTuple):
    """State of `Acetylcholine`."""

    level: Tensor  # [*B] concentration relative to tonic


@dataclass(frozen=True, kw_only=True)
class Acetylcholine:
    """Tonic and decaying phasic acetylcholine (equation and reference: module docstring).

    Raises `ConfigError` for tau below 0 and for numbers that are not finite.
    """

    tau: float = 1000.0
    """Time constant of clearance, ms; 0: a pulse of one tick."""
    tonic: float = 0.0
    """Level without release."""

    def __post_init__(self) -> None:
        finite(self, "tonic")
        not_negative(self, "tau")

    def init(self, like: Tensor) -> AcetylcholineState:
        """No phasic acetylcholine, on the shape `[*B]` of `like`."""
        return AcetylcholineState(level=torch.zeros_like(like))

    def step(self, state: AcetylcholineState, release: Tensor, dt: float) -> tuple[Tensor, AcetylcholineState]:
        """One tick: `release` `[*B]` to the level `[*B]`."""
        phasic = cleared(state.level, release, self.tau, dt)
        return phasic + self.tonic, AcetylcholineState(level=phasic)


def suppression(strength: float = 0.9, modulator: str = "acetylcholine") -> Receptor:
    """Receptors of a projection whose transmission falls by `strength` (above 0, at most 1) per unit of level.

    For `Projection.receptors`.
    """
    if not 0.0 < strength <= 1.0:
        raise ConfigError(f"acetylcholine suppresses by {strength}; it is a share above 0 and at most 1")
    return Receptor(modulator=modulator, gain=-strength, high=1.0)


def enabling(strength: float = 9.0, modulator: str = "acetylcholine") -> Receptor:
    """Receptors of a projection whose plasticity is 1 + `strength` (above 0) times as fast at level 1.

    For `Projection.plasticity_receptors`; the rate of its rule is that of level 0.
    """
    if not strength > 0.0:
        raise ConfigError(f"acetylcholine enables plasticity by {strength}; it is above 0")
    return Receptor(modulator=modulator, gain=strength, low=1.0, high=1.0 + strength)


EXAMPLES = (Acetylcholine(), Acetylcholine(tau=0.0, tonic=0.2))
