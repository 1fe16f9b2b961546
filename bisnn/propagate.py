"""Propagation of spikes through weights, exact in any order of summation.

    I_j = sum_i s_i round_grid(g w_ij)

Spikes are 0 or 1 and the weight as used lies on the grid 2^-12, so every partial sum of fewer than
2^12 / max|w| terms is a float32 number: the sum has the same bits for any order, batch or device.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bisnn.errors import ConfigError

GRID = 2.0**-12
"""The grid of used weights."""
LIMIT = 2.0**10
"""Largest weight that `on_grid` rounds exactly."""


def on_grid(weight: Tensor) -> Tensor:
    """`weight` rounded (half to even) to the grid; adding 1.5 * 2^(p-12) drops all finer bits."""
    shift = 3072.0 if weight.dtype == torch.float32 else 1.5 * 2.0**40
    return (weight + shift).sub_(shift)


def shared(weight: Tensor) -> bool:
    """Whether all individuals use one and the same matrix (a view expanded over `*B`)."""
    return weight.dim() > 2 and all(
        stride == 0 or size == 1 for stride, size in zip(weight.stride()[:-2], weight.shape[:-2], strict=True)
    )


def one_of(weight: Tensor) -> Tensor:
    """The single matrix `[pre, post]` behind a shared weight."""
    return weight[(0,) * (weight.dim() - 2)]


def used_weight(weight: Tensor, gain: Tensor | None = None) -> Tensor:
    """The weight as used, `[*B, pre, post]`: gain `[*B]` (or None, 1) times weight, on the grid."""
    if gain is None:
        return on_grid(one_of(weight)).expand(weight.shape) if shared(weight) else on_grid(weight)
    return on_grid(weight * gain[..., None, None])


def single(used: Tensor) -> Tensor:
    """The used weight, or its one matrix `[pre, post]` where all individuals share it."""
    return one_of(used) if shared(used) else used


def propagate(spikes: Tensor, used: Tensor) -> Tensor:
    """Currents `[*B, post]` from spikes `[*B, pre]` through used weights `[*B, pre, post]` or `[pre, post]`."""
    if used.dim() == 2:
        return torch.matmul(spikes, used)
    return torch.matmul(spikes.unsqueeze(-2), used).squeeze(-2)


def propagate_all(spikes: Tensor, used: Tensor) -> Tensor:
    """`propagate` for every tick at once: spikes `[*B, T, pre]` to currents `[*B, T, post]`, the same bits."""
    return torch.matmul(spikes, used)


def check_exact(name: str, n_pre: int, largest: float) -> None:
    """Raises `ConfigError` unless sums through the projection `name` are exact in float32."""
    if not (n_pre * largest < 2.0**12 and largest < LIMIT):
        raise ConfigError(
            f"projection {name!r}: {n_pre} inputs of weight up to {largest:g} can exceed 4096, where float32 "
            f"sums stop being exact; lower its bounds or initial weights below {min(LIMIT, 4096 / n_pre):g}"
        )
