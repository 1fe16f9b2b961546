"""Initial weights of a projection, as data: what stands where in `[pre, post]`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from bisnn import rng
from bisnn.errors import ConfigError, ShapeMismatch
from bisnn.parameters import counts, finite, fraction, is_whole, one_of


@runtime_checkable
class Initialiser(Protocol):
    """Initial weights; a frozen dataclass."""

    @property
    def largest(self) -> float:
        """An upper bound of the absolute weight; sums must be exact up to it."""
        ...

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """Weights `[*B, pre, post]` of the projection `name`; equal ones are one matrix expanded over `*B`."""
        ...


@dataclass(frozen=True)
class Constant:
    """The same weight everywhere. Raises `ConfigError` for one that is not finite."""

    value: float = 0.0

    def __post_init__(self) -> None:
        finite(self, "value")

    @property
    def largest(self) -> float:
        """The largest absolute weight."""
        return abs(self.value)

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`, all `value`."""
        return torch.full((pre, post), self.value, device=key.device).expand(*key.shape, pre, post)


@dataclass(frozen=True)
class Blocks:
    """Rectangles of constant weight, 0 elsewhere. Raises `ConfigError` for ranges that are none and weights that are
    not finite."""

    blocks: tuple[tuple[tuple[int, int], tuple[int, int], float], ...]
    """((first pre, past last pre), (first post, past last post), weight), later ones on top."""

    def __post_init__(self) -> None:
        if not isinstance(self.blocks, Sequence) or not all(_is_block(block) for block in self.blocks):
            raise ConfigError(
                f"Blocks: {self.blocks!r}; give ((first pre, past last pre), (first post, past last post), weight) of "
                "each, with 0 <= first <= past and a finite weight"
            )

    @property
    def largest(self) -> float:
        """The largest absolute weight."""
        return max((abs(value) for _, _, value in self.blocks), default=0.0)

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`. Raises `ShapeMismatch` for a block that reaches beyond an area."""
        matrix = torch.zeros(pre, post)
        for rows, columns, value in self.blocks:
            if rows[1] > pre or columns[1] > post:
                raise ShapeMismatch(
                    f"projection {name!r}: the block {(tuple(rows), tuple(columns))} reaches beyond its {pre} source "
                    f"and {post} target units; give ranges within them"
                )
            matrix[slice(*rows), slice(*columns)] = value
        return matrix.to(key.device).expand(*key.shape, pre, post)


def _is_block(block: Any) -> bool:
    """Whether it is two ranges and a finite weight."""
    if not isinstance(block, Sequence) or len(block) != 3:
        return False
    *ranges, value = block
    for span in ranges:
        if not isinstance(span, Sequence) or len(span) != 2 or not all(map(is_whole, span)):
            return False
        if span[0] > span[1]:
            return False
    return isinstance(value, Real) and math.isfinite(float(value))


@dataclass(frozen=True)
class OneToOne:
    """Unit `first_pre + i` to unit `first_post + i`, for `count` units; 0 elsewhere.

    Raises `ConfigError` for a value that is not finite and for numbers of units that are not whole or below 0.
    """

    value: float
    count: int | None = None
    """How many pairs; None: as many as fit."""
    first_pre: int = 0
    first_post: int = 0

    def __post_init__(self) -> None:
        finite(self, "value")
        counts(self, "first_pre", "first_post", *(() if self.count is None else ("count",)), least=0)

    @property
    def largest(self) -> float:
        """The largest absolute weight."""
        return abs(self.value)

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`. Raises `ShapeMismatch` where the pairs do not fit."""
        fit = min(pre - self.first_pre, post - self.first_post)
        count = fit if self.count is None else self.count
        if count > fit or fit < 0 or (self.count is None and fit == 0):
            raise ShapeMismatch(
                f"projection {name!r}: {max(fit, 0)} pairs fit from source unit {self.first_pre} of {pre} "
                f"and target unit {self.first_post} of {post} on (count = {self.count}); begin earlier or take fewer"
            )
        matrix, index = torch.zeros(pre, post), torch.arange(count)
        matrix[self.first_pre + index, self.first_post + index] = self.value
        return matrix.to(key.device).expand(*key.shape, pre, post)


@dataclass(frozen=True)
class Uniform:
    """Independent uniform weights from the individual's stream `name`/weight.

    Raises `ConfigError` unless low <= high, both finite.
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        finite(self, "low", "high")
        if self.low > self.high:
            raise ConfigError(f"Uniform: low = {self.low}, high = {self.high}; give values with low <= high")

    @property
    def largest(self) -> float:
        """The largest absolute weight."""
        return max(abs(self.low), abs(self.high))

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`, own to every individual."""
        draws = rng.uniform(key, f"{name}/weight", 0, pre * post)
        return (draws * (self.high - self.low) + self.low).reshape(*key.shape, pre, post)


@dataclass(frozen=True)
class Bernoulli:
    """`value` with a probability, else 0; drawn for every individual from its stream `name`/mask."""

    probability: float
    """Probability that a synapse exists."""
    value: float = 1.0

    def __post_init__(self) -> None:
        fraction(self, "probability")
        finite(self, "value")

    @property
    def largest(self) -> float:
        """The largest absolute weight."""
        return abs(self.value)

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`, own to every individual."""
        draws = rng.uniform(key, f"{name}/mask", 0, pre * post).reshape(*key.shape, pre, post)
        return (draws < self.probability).to(torch.float32) * self.value


@dataclass(frozen=True)
class FixedFan:
    """`value` from every source cell to `count` random targets ("out"), or to every target from `count` random
    sources ("in"); 0 elsewhere. Drawn for every individual from its stream `name`/mask."""

    count: int
    """Synapses of every cell."""
    value: float = 1.0
    of: Literal["out", "in"] = "out"
    """Which end counts."""
    loops: bool = True
    """Whether cell k may reach cell k."""

    def __post_init__(self) -> None:
        counts(self, "count", least=0)
        finite(self, "value")
        one_of(self, "of", ("out", "in"))

    @property
    def largest(self) -> float:
        """The largest absolute weight."""
        return abs(self.value)

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`, own to every individual. Raises `ShapeMismatch` where there are too few cells."""
        most = (post if self.of == "out" else pre) - (not self.loops)
        if self.count > most:
            raise ShapeMismatch(f"projection {name!r}: {self.count} synapses a cell, but only {most} cells to reach")
        draws = rng.uniform(key, f"{name}/mask", 0, pre * post).reshape(*key.shape, pre, post)
        if not self.loops:
            draws = draws + torch.eye(pre, post, device=key.device) * 2.0
        ranks = draws.argsort(dim=-1 if self.of == "out" else -2, stable=True)
        ranks = ranks.argsort(dim=-1 if self.of == "out" else -2, stable=True)
        return (ranks < self.count).to(torch.float32) * self.value
