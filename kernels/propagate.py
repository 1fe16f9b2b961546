"""Spikes through weights on the GPU: the arguments and the bits of `bisnn.propagate.propagate`."""

from __future__ import annotations

import numpy
import torch
from torch import Tensor

from bisnn.kernels import launch


def propagate(spikes: Tensor, used: Tensor) -> Tensor:
    """Currents `[*B, post]` from spikes `[*B, pre]` through used weights `[*B, pre, post]` or `[pre, post]`.

    `used` may be one matrix for all, expanded over `*B` or not; it is read in place. Raises `ValueError` for shapes,
    dtypes or devices that do not fit, and where a gradient is asked for (kernels give none).
    """
    if used.dim() == 2 and spikes.dim() > 1:
        used = used.expand(*spikes.shape[:-1], *used.shape)
    if used.dim() < 2 or used.shape[:-1] != spikes.shape:
        raise ValueError(
            f"kernel 'propagate' needs spikes [*B, pre] and weights [*B, pre, post], "
            f"got {list(spikes.shape)} and {list(used.shape)}"
        )
    if torch.is_grad_enabled() and (spikes.requires_grad or used.requires_grad):
        raise ValueError("kernel 'propagate' gives no gradient; use backend='torch' or torch.no_grad()")
    pre, post = used.shape[-2:]
    shared = used.dim() > 2 and all(
        stride == 0 or size == 1 for stride, size in zip(used.stride()[:-2], used.shape[:-2], strict=True)
    )
    matrix = (used[(0,) * (used.dim() - 2)] if shared and used.numel() else used).contiguous()
    source = spikes.contiguous()
    new = torch.empty if pre else torch.zeros
    current = new((*spikes.shape[:-1], post), dtype=spikes.dtype, device=spikes.device)
    launch.check("propagate", source, matrix, current)
    if current.numel() and pre:
        stride = 0 if shared else pre * post
        numbers = (numpy.int32(pre), numpy.int32(post), numpy.int64(stride))
        launch.launch("propagate", current.numel() // post, post, (source, matrix, current), *numbers)
    return current
