"""Spikes as bits: eight units of one tick in a byte, unpacked to the same tensor.

    byte[k] = sum_j s[8 k + j] 2^j,   j = 0 .. 7

The last byte of a tick is filled with zeros. `numpy.unpackbits(bits, axis=-1, bitorder="little")` reads the same.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad


def width(n: int) -> int:
    """Bytes that hold `n` spikes."""
    return -(-n // 8)


def binary(spikes: Tensor) -> bool:
    """Whether every value is 0 or 1, so that packing loses nothing."""
    return bool(((spikes == 0) | (spikes == 1)).all())


def pack(spikes: Tensor) -> Tensor:
    """Spikes 0/1 `[..., n]` as bytes, uint8 `[..., width(n)]`."""
    n = spikes.shape[-1]
    octets = pad(spikes.to(torch.uint8), (0, 8 * width(n) - n)).unflatten(-1, (-1, 8))
    packed: Tensor = octets[..., 0].clone()
    for place in range(1, 8):
        packed |= octets[..., place] << place
    return packed


def unpack(bits: Tensor, n: int, dtype: torch.dtype) -> Tensor:
    """The spikes `[..., n]` behind bytes `[..., width(n)]`."""
    places = torch.arange(8, device=bits.device, dtype=torch.uint8)
    octets: Tensor = (bits.unsqueeze(-1) >> places).bitwise_and_(1)
    spikes: Tensor = octets.flatten(-2)[..., :n].to(dtype)
    return spikes


class Packed(NamedTuple):
    """Packed spikes of many ticks."""

    bits: Tensor  # uint8 [*B, T, width(n)]
    n: int  # units
    dtype: torch.dtype  # of the spikes

    def values(self) -> Tensor:
        """The spikes `[*B, T, n]`."""
        return unpack(self.bits, self.n, self.dtype)
