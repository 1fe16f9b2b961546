"""Sums of weighted spikes are exact: the same bits in any order, batch and precision (design.md, law 4).

Reference: integers of Python (a weight on the grid is an integer times 2^-12); no tolerance.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bisnn import rng
from bisnn.errors import ConfigError
from bisnn.propagate import GRID, check_exact, on_grid, propagate, propagate_all, shared, single, used_weight

KEY = torch.arange(6)


def case(pre, post, largest, dtype=torch.float32):
    weight = ((rng.uniform(KEY, "weight", 0, pre * post) * 2 - 1) * largest).reshape(6, pre, post).to(dtype)
    return (rng.uniform(KEY, "spikes", 0, pre) < 0.4).to(dtype), weight


@settings(max_examples=60, deadline=None)
@given(st.floats(-1000, 1000, width=32))
def test_on_grid_rounds_half_to_even(value):
    expected = round(value / GRID) * GRID  # round() is half to even, and exact here
    for dtype in (torch.float32, torch.float64):
        assert float(on_grid(torch.tensor(value, dtype=dtype))) == expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_on_grid_changes_nothing_that_is_on_it(dtype):
    grid = torch.arange(-(2**22) + 1, 2**22, 4097, dtype=dtype) * GRID
    assert torch.equal(on_grid(grid), grid)
    off = grid + GRID * 0.3
    kept = off.clone()
    assert float((on_grid(off) - off).abs().max()) <= GRID / 2
    assert torch.equal(off, kept), "the weight given is not touched"


@pytest.mark.parametrize(("pre", "post", "largest"), [(3, 2, 1.0), (200, 17, 6.0), (1000, 8, 4.0), (40, 50, 100.0)])
def test_exact_in_any_order_and_batch(pre, post, largest):
    check_exact("case", pre, largest)
    spikes, weight = case(pre, post, largest)
    used = used_weight(weight)
    integers = (used.double() / GRID).long() * spikes.long()[..., None]
    expected = (integers.sum(-2).double() * GRID).float()
    assert torch.equal(propagate(spikes, used), expected)
    assert torch.equal(propagate(spikes.double(), used_weight(weight.double())).float(), expected)
    order = rng.uniform(torch.tensor(0), "order", 0, pre).argsort()
    assert torch.equal(propagate(spikes[:, order], used[:, order]), expected)
    for k in range(6):
        assert torch.equal(propagate(spikes[k], used[k]), expected[k])
    arms = propagate(spikes.expand(3, 6, pre), used.expand(3, 6, pre, post))
    assert torch.equal(arms, expected.expand(3, 6, post))
    one_by_one = torch.zeros(6, post)
    for i in reversed(range(pre)):
        one_by_one = one_by_one + spikes[:, i, None] * used[:, i]
    assert torch.equal(one_by_one, expected)


def test_all_ticks_at_once_are_the_ticks_one_by_one():
    _, weight = case(33, 9, 4.0)
    used = used_weight(weight)
    spikes = torch.stack([(rng.uniform(KEY, "spikes", tick, 33) < 0.3).float() for tick in range(8)], dim=1)
    together = propagate_all(spikes, used)
    for tick in range(8):
        assert torch.equal(together[:, tick], propagate(spikes[:, tick], used))
    matrix = used_weight(weight[0].expand(6, 33, 9))
    assert torch.equal(propagate_all(spikes, single(matrix)), propagate_all(spikes, matrix.contiguous()))


def test_a_shared_matrix_gives_the_bits_of_its_copies():
    spikes, weight = case(20, 7, 2.0)
    view = weight[0].expand(6, 20, 7)
    assert shared(view)
    assert not shared(weight)
    assert not shared(view.contiguous())
    assert shared(used_weight(view)), "rounding does not unshare"
    assert single(used_weight(view)).shape == (20, 7)
    assert torch.equal(propagate(spikes, single(used_weight(view))), propagate(spikes, used_weight(view.contiguous())))


def test_gain_is_the_factor_before_rounding():
    spikes, weight = case(20, 7, 2.0)
    gain = torch.tensor([1.0, 0.0, 0.5, -1.0, 1.0, 0.3])
    used = used_weight(weight, gain)
    assert torch.equal(used, on_grid(weight * gain[:, None, None]))
    assert torch.equal(used[0], used_weight(weight)[0]), "a neutral gain changes no bit"
    assert not used[1].any(), "a cut projection weighs exactly nothing"
    assert torch.equal(used[3], -used_weight(weight)[3])
    assert not propagate(spikes, used)[1].any()


def test_weights_whose_sums_would_round_are_refused():
    check_exact("a->b", 4095, 1.0)
    check_exact("a->b", 1, 1023.0)
    for inputs, largest in ((4096, 1.0), (50, 100.0), (1, 1024.0), (1, float("nan"))):
        with pytest.raises(ConfigError, match=r"'a->b'.*lower its bounds"):
            check_exact("a->b", inputs, largest)
