"""Initial weights of a projection, as data: what stands where in `[pre, post]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from bisnn import rng
from bisnn.errors import ConfigError, ShapeMismatch
from bisnn.parameters import fraction, one_of


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


@dataclass(frozen=True)
class Bernoulli:
    """`value` with a probability, else 0; drawn for every individual from its stream `name`/mask."""

    probability: float
    """Probability that a synapse exists."""
    value: float = 1.0

    def __post_init__(self) -> None:
        fraction(self, "probability")

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
        if self.count < 0:
            raise ConfigError(f"count = {self.count}; a number of synapses starts at 0")
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
