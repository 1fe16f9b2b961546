"""Counter-based random streams: noise is a pure function of (seed, stream name, step, index).

    words = Philox4x32-10(counter = (index, step, seed_lo, seed_hi), key = blake2b-64(stream name))
    uniform = floor(word / 2^8) * 2^-24

The seed alone identifies the individual, never its arm or its place in the batch, so arms are
paired and a batch of 20 holds the same individuals as one of 50. No global generator is touched.

Salmon, Moraes, Dror, Shaw (2011) Parallel random numbers: as easy as 1, 2, 3.
doi:10.1145/2063384.2063405
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor

from bisnn.errors import ConfigError

_MASK = 0xFFFFFFFF
_MULTIPLIER = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)


def keys(seeds: Tensor | int) -> Tensor:
    """The key of every individual, int64 `[*B]`: its seed. Raises `ConfigError` for a negative seed."""
    key = torch.as_tensor(seeds, dtype=torch.int64)
    if bool((key < 0).any()):
        raise ConfigError("a seed is negative; seeds are whole numbers from 0")
    return key


@lru_cache(maxsize=4096)
def stream(name: str) -> tuple[int, int]:
    """The two 32-bit key words of a named stream."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


def philox(counter: Tensor, key: tuple[Tensor | int, Tensor | int]) -> Tensor:
    """Ten rounds of Philox4x32 on int64 words: counter `[4, ...]` to output `[4, ...]`."""
    even, odd = counter[0::2], counter[1::2]
    shape = (2,) + (1,) * (counter.dim() - 1)
    multiplier = torch.tensor(_MULTIPLIER, device=counter.device).reshape(shape)
    weyl = torch.tensor(_WEYL, device=counter.device).reshape(shape)
    words = torch.stack([torch.as_tensor(word, device=counter.device) for word in key])
    round_key = words.reshape(2, *(1,) * (counter.dim() - words.dim()), *words.shape[1:])
    for _ in range(10):
        product = (even * multiplier).flip(0)
        even = (product >> 32).bitwise_and_(_MASK).bitwise_xor_(odd).bitwise_xor_(round_key)
        odd = product.bitwise_and_(_MASK)
        round_key = (round_key + weyl).bitwise_and_(_MASK)
    return torch.stack((even[0], odd[0], even[1], odd[1]))


def uniforms(key: Tensor, step: Tensor | int, streams: Mapping[str, int]) -> dict[str, Tensor]:
    """Float32 uniforms in [0, 1) for several streams in one pass, each `[*B, n]`.

    `key` int64 `[*B]`, `step` int or int64 `[*B]`, `streams` name -> n. The values of a stream
    depend neither on the other streams asked for nor on their order.
    """
    blocks = {name: -(-n // 4) for name, n in streams.items()}
    device = key.device
    index = torch.cat([torch.arange(count, device=device) for count in blocks.values()])
    low, high = (
        torch.cat([torch.full((count,), stream(name)[word], device=device) for name, count in blocks.items()])
        for word in (0, 1)
    )
    shape = key.shape + index.shape
    moment = torch.as_tensor(step, dtype=torch.int64, device=device)
    counter = torch.stack(
        [
            index.expand(shape),
            (moment & _MASK).expand(key.shape)[..., None].expand(shape),
            (key & _MASK)[..., None].expand(shape),
            (key >> 32)[..., None].expand(shape),
        ]
    )
    words = philox(counter, (low, high))
    values = (words >> 8).to(torch.float32).mul_(2.0**-24).movedim(0, -1)
    parts = values.split(list(blocks.values()), dim=-2)
    return {name: part.reshape(*key.shape, -1)[..., :n] for (name, n), part in zip(streams.items(), parts, strict=True)}


def uniform(key: Tensor, name: str, step: Tensor | int, n: int) -> Tensor:
    """Float32 uniforms in [0, 1), `[*B, n]`, of the stream `name` at `step`."""
    return uniforms(key, step, {name: n})[name]
