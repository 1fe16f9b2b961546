"""The visible face: a graded and noisy population pattern that says whether its owner is in pain.

    K = cells / 2;  pain cell k (k = 0 .. K-1) is on iff  I > 0  and  I K + jitter K (2 u_k - 1) [k > 0] > k
    neutral cells are on iff I = 0;  each cell then flips with probability `flips`
    an active cell has the value 1 + amplitude u, a silent one 0

`I` in [0, 1] is the intensity of the pain. The first half of the cells are pain cells, the second
half neutral cells. Cell 0 has no jitter, so any pain recruits at least one cell; for given noise the
pattern can only grow with the intensity. Recruitment as a code of intensity: Coghill, Sang, Maisog,
Iadarola (1999) Pain intensity processing within the human brain. doi:10.1152/jn.1999.82.4.1934
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bisnn import rng
from bisnn.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Expression:
    """How a face shows pain. With `jitter = flips = amplitude = 0` it is the exact prototype.

    Raises `ConfigError` where a field is out of its range.
    """

    cells: int = 40
    """Number of cells of the pattern; even."""
    jitter: float = 0.15
    """Largest shift of a pain cell's threshold, as a fraction of the pain cells."""
    flips: float = 0.02
    """Probability that a cell is inverted, per cell and step."""
    amplitude: float = 0.15
    """Largest excess of an active cell's value over 1."""

    def __post_init__(self) -> None:
        if self.cells < 2 or self.cells % 2:
            raise ConfigError(f"an expression has an even number of cells, 2 or more; not {self.cells}")
        if not 0 <= self.flips <= 1:
            raise ConfigError(f"flips is a probability between 0 and 1; not {self.flips}")
        if self.jitter < 0 or self.amplitude < 0:
            raise ConfigError(f"jitter and amplitude are 0 or more; not {self.jitter} and {self.amplitude}")

    @property
    def streams(self) -> dict[str, int]:
        """The random streams of one pattern, for `rng.uniforms`: name -> values for each step."""
        return {
            "expression/recruit": self.cells // 2,
            "expression/flip": self.cells,
            "expression/amplitude": self.cells,
        }

    def pattern(self, intensity: Tensor, noise: Mapping[str, Tensor]) -> Tensor:
        """The face `[*B, cells]` for `intensity` `[*B]` in [0, 1] and the uniforms named in `streams`."""
        half = self.cells // 2
        level = intensity[..., None]
        order = torch.arange(half, device=intensity.device)
        shift = (noise["expression/recruit"] * 2 - 1) * (order > 0) * (self.jitter * half)
        pain = (level * half + shift > order) & (level > 0)
        active = torch.cat((pain, (level == 0).expand(pain.shape)), dim=-1)
        active = active ^ (noise["expression/flip"] < self.flips)
        return active * (noise["expression/amplitude"] * self.amplitude + 1)

    def draw(self, key: Tensor, step: Tensor | int, intensity: Tensor, visible: Tensor) -> Tensor:
        """The face `[*B, cells]` at `step` with the individual's own noise; all 0 where not `visible` `[*B]` bool.

        `key` int64 `[*B]`, `step` int or int64 `[*B]`, `intensity` `[*B]` in [0, 1].
        """
        return self.pattern(intensity, rng.uniforms(key, step, self.streams)) * visible[..., None]


def shows_pain(expression: Tensor) -> Tensor:
    """Bool `[*B]`: the pain half of the face `[*B, cells]` is on average more active than its neutral half.

    The halves are summed in float64, where sums of float32 patterns are exact in any order.
    """
    half = expression.shape[-1] // 2
    exact = expression.double()
    return exact[..., :half].sum(-1) > exact[..., half:].sum(-1)


def shows_calm(expression: Tensor) -> Tensor:
    """Bool `[*B]`: the neutral half is the more active one; a hidden face shows neither pain nor calm."""
    half = expression.shape[-1] // 2
    exact = expression.double()
    return exact[..., :half].sum(-1) < exact[..., half:].sum(-1)


EXAMPLES = (Expression(), Expression(cells=24, jitter=0.0, flips=0.1, amplitude=0.5))
