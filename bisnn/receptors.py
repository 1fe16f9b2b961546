"""Receptors: how the level of a neuromodulator scales what an area or a projection does.

    factor = min(high, max(low, 1 + gain level))

On an area it multiplies the input current (excitability), on a projection the transmitted current
(`receptors`) or the weight change (`plasticity_receptors`). Excitability and transmission follow the level of
the previous tick, plasticity that of this tick. Several receptors multiply.

Servan-Schreiber, Printz, Cohen (1990) Science 249:892. doi:10.1126/science.2392679
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from bisnn.errors import ConfigError
from bisnn.parameters import finite


@dataclass(frozen=True, kw_only=True)
class Receptor:
    """A receptor for one neuromodulator (equation and reference: module docstring).

    Raises `ConfigError` for a range that is empty, or numbers that are not finite.
    """

    modulator: str
    """Name of the modulator that binds."""
    gain: float = 1.0
    """Change of the factor per unit of level; negative: inhibitory."""
    low: float = 0.0
    """Smallest factor."""
    high: float = 2.0
    """Largest factor."""

    def __post_init__(self) -> None:
        finite(self, "gain", "low", "high")
        if self.low > self.high:
            raise ConfigError(f"receptor of {self.modulator!r}: low {self.low:g} exceeds high {self.high:g}; swap them")

    def factor(self, level: Tensor) -> Tensor:
        """The factor `[*B]` at a level `[*B]`."""
        return (level * self.gain + 1.0).clamp_(self.low, self.high)


def scaled(value: Tensor, receptors: Sequence[Receptor], levels: Mapping[str, Tensor]) -> Tensor:
    """`value` `[*B, ...]` times the factor of every receptor at the modulators' `levels`, each `[*B]`."""
    for receptor in receptors:
        factor = receptor.factor(levels[receptor.modulator])
        value = value * factor.reshape(*factor.shape, *(1,) * (value.dim() - factor.dim()))
    return value
