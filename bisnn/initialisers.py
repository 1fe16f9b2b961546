"""Initial weights of a projection, as data: what stands where in `[pre, post]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from bisnn import rng


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
    """The same weight everywhere."""

    value: float = 0.0

    @property
    def largest(self) -> float:
        """The largest absolute weight."""
        return abs(self.value)

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`, all `value`."""
        return torch.full((pre, post), self.value, device=key.device).expand(*key.shape, pre, post)


@dataclass(frozen=True)
class Blocks:
    """Rectangles of constant weight, 0 elsewhere."""

    blocks: tuple[tuple[tuple[int, int], tuple[int, int], float], ...]
    """((first pre, past last pre), (first post, past last post), weight), later ones on top."""

    @property
    def largest(self) -> float:
        """The largest absolute weight."""
        return max((abs(value) for _, _, value in self.blocks), default=0.0)

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`."""
        matrix = torch.zeros(pre, post)
        for rows, columns, value in self.blocks:
            matrix[slice(*rows), slice(*columns)] = value
        return matrix.to(key.device).expand(*key.shape, pre, post)


@dataclass(frozen=True)
class OneToOne:
    """Unit `first_pre + i` to unit `first_post + i`, for `count` units; 0 elsewhere."""

    value: float
    count: int | None = None
    """How many pairs; None: as many as fit."""
    first_pre: int = 0
    first_post: int = 0

    @property
    def largest(self) -> float:
        """The largest absolute weight."""
        return abs(self.value)

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`."""
        count = min(pre - self.first_pre, post - self.first_post) if self.count is None else self.count
        matrix, index = torch.zeros(pre, post), torch.arange(count)
        matrix[self.first_pre + index, self.first_post + index] = self.value
        return matrix.to(key.device).expand(*key.shape, pre, post)


@dataclass(frozen=True)
class Uniform:
    """Independent uniform weights from the individual's stream `name`/weight."""

    low: float = 0.0
    high: float = 1.0

    @property
    def largest(self) -> float:
        """The largest absolute weight."""
        return max(abs(self.low), abs(self.high))

    def weights(self, key: Tensor, name: str, pre: int, post: int) -> Tensor:
        """`[*B, pre, post]`, own to every individual."""
        draws = rng.uniform(key, f"{name}/weight", 0, pre * post)
        return (draws * (self.high - self.low) + self.low).reshape(*key.shape, pre, post)
