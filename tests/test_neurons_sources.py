"""Poisson and scripted sources by hand: exact probabilities and ticks."""

import math

import pytest
import torch

from bisnn.errors import ShapeMismatch
from bisnn.neurons import Poisson, Scripted

CLOSE = 1e-12


def history(neuron, currents, dt=1.0, noise=None, dtype=torch.float64):
    """Spikes and states of one unit, tick by tick."""
    state, found = neuron.init((1,), torch.zeros((), dtype=dtype)), []
    for tick, current in enumerate(currents):
        more = () if noise is None else (torch.full((1,), noise[tick], dtype=dtype),)
        spikes, state = neuron.step(state, torch.full((1,), current, dtype=dtype), dt, *more)
        found.append((float(spikes), {name: float(getattr(state, name)) for name in state._fields}))
    return found


def spikes_of(found):
    return [spike for spike, _ in found]


def field(found, name):
    return [state[name] for _, state in found]


def test_poisson():
    neuron = Poisson(base=20.0, gain=-50.0)
    p = [1.0 - math.exp(-rate / 2000.0) for rate in (20.0, 0.0, 120.0)]
    found = history(neuron, [0.0, 1.0, -2.0], dt=0.5, noise=[p[0] - 1e-9, 0.0, p[2] + 1e-9])
    assert spikes_of(found) == [1, 0, 0]
    assert field(found, "expected") == pytest.approx(p, abs=CLOSE)
    assert neuron.rate(-2.0, 0.5) == pytest.approx(p[2], abs=CLOSE)
    assert neuron.rate(7.0, 0.5) == 0.0
    start = neuron.init((2, 3), torch.zeros((), dtype=torch.float32))
    assert start.expected.tolist() == [[0.0] * 3] * 2
    small = Poisson(base=0.01, gain=0.0)
    _, state = small.step(small.init((1,), torch.zeros(())), torch.zeros(1), 1.0, torch.ones(1))
    assert float(state.expected) == pytest.approx(1e-5, rel=1e-4), "float32 keeps a small probability"


def test_scripted_once():
    neuron = Scripted(times=((0.0, 1.4, 1.6, 5.0), (), (3.0, 3.2, 7.0)))
    state = neuron.init((2, 3), torch.zeros(()))
    found = []
    for _ in range(12):
        spikes, state = neuron.step(state, torch.full((2, 3), 99.0), 1.0)
        assert torch.equal(spikes[0], spikes[1])
        found.append(spikes[0].tolist())
    assert [[tick for tick in range(12) if found[tick][unit]] for unit in range(3)] == [[0, 1, 2, 5], [], [3, 7]]
    assert float(state.tick.max()) == 8.0, "the count stands still after the last spike"
    assert spikes_of(history(neuron_of(0.0, 1.5), [0.0] * 8, dt=0.5)) == [1, 0, 0, 1, 0, 0, 0, 0]


def neuron_of(*times, period=None):
    return Scripted(times=(times,), period=period)


def test_scripted_again_and_again():
    found = spikes_of(history(neuron_of(0.5, 2.0, period=2.5), [0.0] * 11, dt=0.5))
    assert found == [0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0]
    assert spikes_of(history(neuron_of(2.4, period=2.5), [0.0] * 6)) == [1, 0, 1, 0, 1, 0], "2.4 is tick 2, that is 0"
    shared = neuron_of(1.0).init((3,), torch.zeros(()))
    _, shared = neuron_of(1.0).step(shared, torch.zeros(3), 1.0)
    assert neuron_of(1.0).step(shared, torch.zeros(3), 1.0)[0].tolist() == [1, 1, 1], "one row is that of all"
    assert spikes_of(history(Scripted(times=((),)), [0.0] * 3)) == [0, 0, 0]
    assert not Scripted.elementwise
    with pytest.raises(ShapeMismatch, match="times for 2 units, its area has 3"):
        Scripted(times=((1.0,), (2.0,))).init((4, 3), torch.zeros(()))
