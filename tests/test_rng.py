"""The random streams: known answers of Philox4x32-10, independence, and what they leave alone.

Known answers: Random123 1.14 (kat_vectors, philox 4x32 10), Salmon et al. (2011) doi:10.1145/2063384.2063405; exact.
"""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bisnn import rng
from bisnn.errors import ConfigError

KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text):
    return [int(word, 16) for word in text.split()]


def python_philox(counter, key):
    """Philox4x32-10 with the integers of Python."""
    c, k = list(counter), list(key)
    for _ in range(10):
        first, second = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [
            (second >> 32) ^ c[1] ^ k[0],
            second & 0xFFFFFFFF,
            (first >> 32) ^ c[3] ^ k[1],
            first & 0xFFFFFFFF,
        ]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter, key, answer):
    assert python_philox(words(counter), words(key)) == words(answer)
    found = rng.philox(torch.tensor(words(counter))[:, None], rng.schedule(torch.tensor(words(key))[:, None]))
    assert found[:, 0].tolist() == words(answer)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**63 - 1), step=st.integers(0, 2**32 - 1), index=st.integers(0, 200), name=st.text(max_size=20)
)
def test_a_uniform_is_the_documented_function(seed, step, index, name):
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    key = (int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little"))
    block = python_philox((index // 4, step, seed & 0xFFFFFFFF, seed >> 32), key)
    expected = (block[index % 4] >> 8) * 2.0**-24
    assert float(rng.uniform(torch.tensor(seed), name, step, index + 1)[index]) == expected


def test_streams_do_not_depend_on_others():
    key = torch.arange(6).reshape(2, 3)
    alone = rng.uniform(key, "a", 7, 9)
    for streams in ({"a": 9, "b": 5}, {"b": 1, "a": 9}, {"c": 40, "a": 9, "b": 3}):
        assert torch.equal(rng.uniforms(key, 7, streams)["a"], alone)
    assert torch.equal(rng.uniform(key, "a", 7, 21)[..., :9], alone), "more values extend a stream"
    assert torch.equal(rng.uniform(key[1, 2], "a", 7, 9), alone[1, 2]), "the place in the batch plays no part"
    for other in (rng.uniform(key, "b", 7, 9), rng.uniform(key, "a", 8, 9), rng.uniform(key + 1000, "a", 7, 9)):
        assert int((other == alone).sum()) <= 1


def test_a_step_for_each_individual():
    key, step = torch.arange(4), torch.tensor([3, 0, 2**31 + 5, 3])
    together = rng.uniform(key, "x", step, 5)
    for k in range(4):
        assert torch.equal(together[k], rng.uniform(key[k], "x", int(step[k]), 5))
    high = torch.tensor([1, 1 + 2**32])
    values = rng.uniform(high, "x", 0, 4)
    assert not torch.equal(values[0], values[1]), "the upper half of a seed counts"


def test_they_look_uniform():
    values = rng.uniform(torch.arange(1000), "sanity", 0, 100).double()
    assert float(values.min()) >= 0.0
    assert float(values.max()) < 1.0
    assert float(values.mean()) == pytest.approx(0.5, abs=4 * 12**-0.5 / 10**2.5)  # 4 standard errors
    assert float(values.var()) == pytest.approx(1 / 12, abs=0.001)
    counts = torch.histc(values, 20, 0.0, 1.0)
    assert float(((counts - 5000) ** 2 / 5000).sum()) < 43.8  # chi-square, 19 degrees of freedom, p = .001
    assert abs(float(torch.corrcoef(values[:, :2].T)[0, 1])) < 0.1
    assert abs(float(torch.corrcoef(values[:2])[0, 1])) < 0.4


def test_no_global_generator_is_touched():
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = (torch.get_rng_state(), np.random.get_state()[1].copy())  # noqa: NPY002
    first = rng.uniform(torch.arange(3), "quiet", 0, 4)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert bool((np.random.get_state()[1] == before[1]).all())  # noqa: NPY002
    torch.rand(7)
    np.random.rand(7)  # noqa: NPY002
    assert torch.equal(rng.uniform(torch.arange(3), "quiet", 0, 4), first)


def test_seeds_are_whole_numbers_from_zero():
    assert rng.keys(5).item() == 5
    assert rng.keys(torch.tensor([1, 2], dtype=torch.int32)).dtype == torch.int64
    with pytest.raises(ConfigError, match="seeds are whole numbers from 0"):
        rng.keys(torch.tensor([0, -1]))
