"""Weights and masks that depend on the distance between cells on two grids.

    d = distance of the cells, both grids stretched over the unit square (the unit line for one dimension)
    gaussian      f(d) = exp(-d^2 / (2 length^2))
    exponential   f(d) = exp(-d / length)
    disc          f(d) = 1 where d <= length, else 0

Cell k of a grid of `shape` (rows, columns) is at row k // columns, column k % columns. With `periodic` opposite
edges touch. Computed once, in float64 on the host, and rounded to float32: the same bits on every device.

Hellwig (2000) Biol. Cybern. 82:111 (connection probability by distance). doi:10.1007/PL00007964
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from bisnn import rng
from bisnn.elementary import exp
from bisnn.errors import ConfigError, ShapeMismatch
from bisnn.parameters import finite, fraction, is_whole, one_of, positive

Profile = Literal["gaussian", "exponential", "disc"]


@dataclass(frozen=True, kw_only=True)
class Distance:
    """Weights `peak f(d)` (equations and reference: module docstring).

    Raises `ConfigError` for a length that is not above 0 or a grid without cells, `UnknownName` for another profile,
    `ShapeMismatch` where a grid does not hold its area.
    """

    peak: float = 1.0
    """Weight at distance 0."""
    length: float = 0.1
    """Length constant, in widths of the sheet."""
    profile: Profile = "gaussian"
    """How the weight falls with distance."""
    shape_pre: tuple[int, ...] | None = None
    """Grid of the source's cells; None: a line."""
    shape_post: tuple[int, ...] | None = None
    """Grid of the target's cells; None: a line."""
    periodic: bool = False
    """Whether opposite edges touch."""

    def __post_init__(self) -> None:
        positive(self, "length")
        finite(self, "peak")
        one_of(self, "profile", get_args(Profile))
        for name in ("shape_pre", "shape_post"):
            shape = getattr(self, name)
            if shape is not None and not (
                isinstance(shape, (tuple, list)) and all(is_whole(size, 1) for size in shape)
            ):
                raise ConfigError(f"Distance: {name} = {shape!r}; give the size of each dimension, whole and from 1")

    @property
    def largest(self) -> float:
        """The largest absolute weight."""
        return abs(self.peak)

    def profile_at(self, distance: Tensor) -> Tensor:
        """f(d) of distances, float64."""
        if self.profile == "disc":
            return (distance <= self.length).to(torch.float64)
        if self.profile == "exponential":
            return exp(-distance / self.length)
        return exp(-(distance**2) / (2.0 * self.length**2))

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`, one matrix for all individuals."""
        matrix = self.profile_at(distances(self, name, pre, post)) * self.peak
        return matrix.to(torch.float32).to(key.device).expand(*key.shape, pre, post)


@dataclass(frozen=True, kw_only=True)
class DistanceBernoulli:
    """1 with probability `probability f(d)`, else 0: a mask, drawn for every individual from its stream `name`/mask."""

    probability: float = 1.0
    """Probability of a synapse at distance 0."""
    by: Distance = Distance()
    """The profile; its `peak` plays no part."""

    def __post_init__(self) -> None:
        fraction(self, "probability")

    @property
    def largest(self) -> float:
        """The largest value."""
        return 1.0

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`, own to every individual."""
        chance = (self.by.profile_at(distances(self.by, name, pre, post)) * self.probability).to(torch.float32)
        draws = rng.uniform(key, f"{name}/mask", 0, pre * post).reshape(*key.shape, pre, post)
        return (draws < chance.to(key.device)).to(torch.float32)


def distances(plan: Distance, name: str, pre: int, post: int) -> Tensor:
    """Distances `[pre, post]`, float64. Raises `ShapeMismatch` for grids of another size or number of dimensions."""
    one, other = _positions(plan.shape_pre, name, "source", pre), _positions(plan.shape_post, name, "target", post)
    if one.shape[1] != other.shape[1]:
        raise ShapeMismatch(
            f"projection {name!r}: the grid of the source has {one.shape[1]} dimensions, that of the target "
            f"{other.shape[1]}; give both the same number"
        )
    apart = (one[:, None] - other[None]).abs()
    if plan.periodic:
        apart = torch.minimum(apart, 1.0 - apart)
    return torch.sqrt((apart**2).sum(-1))


def _positions(shape: tuple[int, ...] | None, name: str, end: str, n: int) -> Tensor:
    """Positions of the cells on the unit line or square, `[n, dimensions]`."""
    shape = (n,) if shape is None else shape
    if math.prod(shape) != n or not shape:
        raise ShapeMismatch(f"projection {name!r}: a grid {list(shape)} does not hold the {n} cells of the {end}")
    axes = [(torch.arange(size, dtype=torch.float64) + 0.5) / size for size in shape]
    return torch.stack([axis.reshape(-1) for axis in torch.meshgrid(*axes, indexing="ij")], dim=-1)
