"""Encoders and decoders against the published tables.

Gaussian latency code: exact (tick, cell) table of empathy.md 1.4, doi:10.3389/fnbot.2022.1025338; the rest by hand.
"""

import pytest
import torch

from bisnn import coding
from bisnn.errors import ConfigError
from bisnn.systems.body import INTENDED

ACTIONS = {0: {(25, 1), (25, 2)}, 1: {(54, 4), (3, 5), (78, 6)}, 2: {(78, 7), (3, 8), (54, 9)}, 3: {(24, 11)}}
STILL = {"dx": {(25, 6), (25, 7)}, "dy": {(25, 18), (25, 19)}}
MOVES = {
    0: STILL["dx"] | {(25, 13), (25, 14)},
    1: STILL["dx"] | {(24, 23)},
    2: {(24, 11)} | STILL["dy"],
    3: {(25, 1), (25, 2)} | STILL["dy"],
}


def spots(code):
    return {(int(tick), int(cell)) for tick, cell in code.nonzero()}


@pytest.mark.parametrize("action", range(4))
def test_published_latency_codes(action):
    code = coding.gaussian_latency(torch.tensor([action]), 0.0, 3.0)
    assert code.shape == (100, 12)
    assert spots(code) == ACTIONS[action]
    moved = coding.gaussian_latency(torch.tensor(INTENDED[action]), -1.0, 1.0)
    assert moved.shape == (100, 24)
    assert spots(moved) == MOVES[action]


def test_latency_codes_of_a_batch():
    values = torch.tensor([[0.0], [1.0], [3.0]])
    together = coding.gaussian_latency(values, 0.0, 3.0)
    assert together.shape == (3, 100, 12)
    for k in range(3):
        assert torch.equal(together[k], coding.gaussian_latency(values[k], 0.0, 3.0))
    assert torch.equal(coding.gaussian_latency(torch.tensor([9.0]), 0.0, 3.0), together[2]), "clipped to the range"
    assert not together[:, 0].any(), "no cell answers before tick 1"
    assert int(together.sum(-2).max()) == 1, "a cell spikes at most once"
    with pytest.raises(ConfigError, match="high must exceed low"):
        coding.gaussian_latency(values, 3.0, 3.0)


def test_recruitment_counts_the_cells():
    for intensity, cells in ((0.0, 0), (0.01, 1), (0.05, 1), (0.051, 2), (0.5, 10), (1.0, 20)):
        pattern = coding.recruit(torch.tensor(intensity), 20)
        assert pattern.tolist() == [1.0] * cells + [0.0] * (20 - cells)
    assert coding.recruit(torch.rand(2, 3, generator=torch.Generator().manual_seed(1)), 7).shape == (2, 3, 7)


def test_place_and_direct():
    assert coding.place(torch.tensor([[2, 0]]), 3).tolist() == [[[0, 0, 1], [1, 0, 0]]]
    assert coding.direct(torch.tensor([1.0, 0.5])).tolist() == pytest.approx([0.6, 0.3])


def test_decoders():
    spikes = torch.zeros(2, 5, 6)
    spikes[0, 1:, 0] = 1
    spikes[0, 2, 4:] = 1
    assert coding.rate(spikes)[0].tolist() == pytest.approx([0.8, 0, 0, 0, 0.2, 0.2])
    assert coding.rate(spikes, settle=2)[0].tolist() == pytest.approx([1.0, 0, 0, 0, 1 / 3, 1 / 3])
    counts = coding.group_counts(spikes, 3)
    assert counts.tolist() == [[4, 0, 2], [0, 0, 0]]


def test_choice_takes_the_most_and_breaks_ties_by_noise():
    counts = torch.tensor([[4.0, 0.0, 5.0], [3.0, 3.0, 1.0], [3.0, 3.0, 1.0]])
    noise = torch.tensor([[0.999, 0.5, 0.0], [0.2, 0.6, 0.9], [0.6, 0.2, 0.9]])
    assert coding.choose(counts, noise).tolist() == [2, 1, 0]
