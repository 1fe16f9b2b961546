"""What lies between spikes and current: which synapses exist, how fast they are, what a cell gets in sum.

    instant         I_j = sum_i s_i w_ij
    exponential     g_j <- g_j exp(-dt/tau) + sum_i s_i w_ij,   I_j = g_j
    normalisation   w_ij <- w_ij total / sum_i |w_ij|

A spike adds its weight to the filtered current at once, so its whole effect is w / (1 - exp(-dt/tau)) ticks. The
filter is linear: one current per target and projection holds what all synapses of the projection have left.

Gerstner, Kistler, Naud, Paninski (2014) Neuronal Dynamics, ch. 3. doi:10.1017/CBO9781107447615;
Turrigiano (2008) Cell 135:422 (normalisation). doi:10.1016/j.cell.2008.10.008
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from bisnn.errors import ConfigError
from bisnn.parameters import positive
from bisnn.propagate import one_of, shared

FINE = 1.5 * 2.0**22
"""What, added to a float64 number and taken away again, leaves it rounded to 2^-30."""


@runtime_checkable
class Filter(Protocol):
    """The time course of a postsynaptic current."""

    def step(self, current: Tensor, arrived: Tensor, dt: float) -> Tensor:
        """One tick: the current left from before and what arrives now, `[*B, post]` each, to the current."""
        ...


@dataclass(frozen=True, kw_only=True)
class Exponential:
    """Exponentially decaying postsynaptic current (equation: module docstring). Raises `ConfigError` for tau <= 0."""

    tau: float = 5.0
    """Time constant of the decay, ms."""

    def __post_init__(self) -> None:
        positive(self, "tau")

    def step(self, current: Tensor, arrived: Tensor, dt: float) -> Tensor:
        """One tick: the current left from before and what arrives now, `[*B, post]` each, to the current."""
        return current * math.exp(-dt / self.tau) + arrived


def masked(weight: Tensor, mask: Tensor | None) -> Tensor:
    """The weights `[*B, pre, post]` of the synapses that exist; the others are 0. What all share stays shared."""
    if mask is None:
        return weight
    if shared(weight) and shared(mask):
        return (one_of(weight) * one_of(mask)).expand(weight.shape)
    return weight * mask


def normalised(weight: Tensor, total: float | None) -> Tensor:
    """The weights `[*B, pre, post]` with `total` absolute weight into every target that has any.

    The sum is taken in float64 over weights rounded to 2^-30, so it is exact in any order.
    """
    if total is None:
        return weight
    wide = weight.double()
    given = ((wide.abs() + FINE) - FINE).sum(-2, keepdim=True)
    return (wide * torch.where(given > 0.0, total / given, 1.0)).to(weight.dtype)


def check_mask(name: str, mask: Tensor) -> Tensor:
    """The mask. Raises `ConfigError` where it holds anything but 0 and 1."""
    if bool(((mask != 0.0) & (mask != 1.0)).any()):
        raise ConfigError(f"the mask of projection {name!r} holds other values than 0 and 1; 1: the synapse exists")
    return mask
