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


def philox(counter: Tensor, round_keys: Tensor) -> Tensor:
    """Ten rounds of Philox4x32 on int64 words: counter `[4, ...]` and `round_keys` to output `[4, ...]`.

    `round_keys` int64 `[10, 2, ...]`, each broadcast over the counter, as `schedule` gives them.
    """
    even, odd = counter[0::2], counter[1::2]
    multiplier = torch.tensor(_MULTIPLIER, device=counter.device).reshape(2, *(1,) * (counter.dim() - 1))
    for round_key in round_keys.unbind(0):
        product = (even * multiplier).flip(0)
        even = (product >> 32).bitwise_and_(_MASK).bitwise_xor_(odd).bitwise_xor_(round_key)
        odd = product.bitwise_and_(_MASK)
    return torch.stack((even[0], odd[0], even[1], odd[1]))


def schedule(key: Tensor) -> Tensor:
    """The round keys int64 `[10, 2, ...]` of key words `[2, ...]`: each round adds the Weyl constants."""
    weyl = torch.tensor(_WEYL, device=key.device).reshape(2, *(1,) * (key.dim() - 1))
    return torch.stack([(key + weyl * number) & _MASK for number in range(10)])


@lru_cache(maxsize=256)
def _blocks(streams: tuple[tuple[str, int], ...], batch: int, device: str) -> tuple[Tensor, Tensor]:
    """Block numbers int64 `[blocks]` and round keys `[10, 2, 1 ..., blocks]` of several streams for `batch` dims."""
    counts = [(name, -(-n // 4)) for name, n in streams]
    index = torch.cat([torch.arange(count) for _, count in counts])
    words = torch.cat([torch.tensor(stream(name))[:, None].expand(2, count) for name, count in counts], dim=-1)
    keys = schedule(words)
    return index.to(device), keys.reshape(10, 2, *(1,) * batch, -1).to(device)


def uniforms(key: Tensor, step: Tensor | int, streams: Mapping[str, int]) -> dict[str, Tensor]:
    """Float32 uniforms in [0, 1) for several streams in one pass, each `[*B, n]`.

    `key` int64 `[*B]`, `step` int or int64 `[*B]`, `streams` name -> n. The values of a stream
    depend neither on the other streams asked for nor on their order.
    """
    index, round_keys = _blocks(tuple(streams.items()), key.dim(), str(key.device))
    shape = key.shape + index.shape
    moment = torch.as_tensor(step, dtype=torch.int64, device=key.device)
    counter = torch.stack(
        [
            index.expand(shape),
            (moment & _MASK).expand(key.shape)[..., None].expand(shape),
            (key & _MASK)[..., None].expand(shape),
            (key >> 32)[..., None].expand(shape),
        ]
    )
    values = (philox(counter, round_keys) >> 8).to(torch.float32).mul_(2.0**-24).movedim(0, -1)
    parts = values.split([-(-n // 4) for n in streams.values()], dim=-2)
    return {name: part.reshape(*key.shape, -1)[..., :n] for (name, n), part in zip(streams.items(), parts, strict=True)}


def uniform(key: Tensor, name: str, step: Tensor | int, n: int) -> Tensor:
    """Float32 uniforms in [0, 1), `[*B, n]`, of the stream `name` at `step`."""
    return uniforms(key, step, {name: n})[name]
