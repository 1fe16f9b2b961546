"""Encoders (value to drive or spikes) and decoders (spikes to value or choice)."""

from __future__ import annotations

import torch
from torch import Tensor

from bisnn.errors import ConfigError

CURRENT = 0.6
"""Drive that makes an integrate-and-fire cell of threshold 0.5 spike at every tick (0.1 through weight 6)."""


def direct(pattern: Tensor, gain: float = CURRENT) -> Tensor:
    """Direct current: a pattern `[*B, n]` in units of "one spike per tick" to drive `[*B, n]`."""
    return pattern * gain


def recruit(intensity: Tensor, n: int) -> Tensor:
    """Recruitment code: the first ceil(intensity n) of n cells are 1, `[*B]` in [0, 1] to `[*B, n]`."""
    rank = torch.arange(n, device=intensity.device, dtype=intensity.dtype)
    return (intensity[..., None] * n > rank).to(intensity.dtype)


def place(index: Tensor, n: int) -> Tensor:
    """Place code: one-hot float32 `[*B, n]` of `index` int64 `[*B]`."""
    cells = torch.arange(n, device=index.device)
    return (index[..., None] == cells).to(torch.float32)


def gaussian_latency(
    value: Tensor, low: float, high: float, cells: int = 12, ticks: int = 100, silent: float = 0.1
) -> Tensor:
    """Gaussian receptive fields, latency code: `value` `[*B, features]` to spikes `[*B, ticks, features * cells]`.

    x = min(0.9999, (value - low) / (high - low));  r_i = exp(-(x - c_i)^2 / (2 / 15^2)),  c_i = (2 i - 3) / 20;
    cell i spikes once at tick max(1, round(ticks (1 - r_i))), or never when r_i < `silent`.

    An encoder, not part of a step: it is computed in float64 and rounded to ticks.
    Feng, Zeng (2022) Front. Neurorobot. doi:10.3389/fnbot.2022.1025338. Raises `ConfigError` when high <= low.
    """
    if high <= low:
        raise ConfigError(f"the range of a Gaussian code is [{low}, {high}]; high must exceed low")
    x = ((value.to(torch.float64) - low) / (high - low)).clamp(0.0, 0.9999)
    centre = (2.0 * torch.arange(cells, dtype=torch.float64, device=value.device) - 3.0) / 20.0
    response = torch.exp(-((x[..., None] - centre) ** 2) * (15.0**2 / 2.0))
    when = torch.round(ticks * (1.0 - response)).clamp(1, ticks - 1)
    tick = torch.arange(ticks, dtype=torch.float64, device=value.device)
    spikes = (when[..., None, :, :] == tick[:, None, None]) & (response >= silent)[..., None, :, :]
    return spikes.flatten(-2).to(torch.float32)


def rate(spikes: Tensor, settle: int = 0) -> Tensor:
    """Mean spikes per tick of every unit after `settle` ticks: `[*B, T, n]` to `[*B, n]`."""
    kept = spikes[..., settle:, :]
    return kept.sum(-2) * (1.0 / kept.shape[-2])


def group_counts(spikes: Tensor, groups: int) -> Tensor:
    """Spike counts of equal groups of units over all ticks: `[*B, T, groups * n]` to `[*B, groups]`."""
    by_group: Tensor = spikes.sum(-2).unflatten(-1, (groups, -1))
    return by_group.sum(-1)


def choose(counts: Tensor, noise: Tensor) -> Tensor:
    """The group with most spikes, ties decided by uniform `noise` `[*B, groups]`: int64 `[*B]`."""
    return (counts + noise).argmax(-1)
