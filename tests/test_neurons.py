"""Neuron models against SpikingJelly 2 spike by spike, by hand, and against theory.

References: SpikingJelly IFNode and LIFNode, doi:10.1126/sciadv.adi1480 (spikes equal, v within 1e-5);
the IF of Feng, Zeng, Lu (2022) doi:10.3389/fncom.2022.784967 (by hand, exact);
Gerstner et al. (2014) doi:10.1017/CBO9781107447615, section 1.3 (v(t) = v0 exp(-t/tau), 1e-6).
"""

import math

import pytest
import torch
from spikingjelly.activation_based import neuron as theirs

from bisnn import rng
from bisnn.interop.spikingjelly import SpikingJellyNeuron
from bisnn.neurons import IF, LIF, IFState, LIFState

KEY = torch.arange(8)


def history(neuron, drive, dtype=torch.float32, dt=1.0):
    """Spikes and potentials `[T, *B, n]` for the current `drive` `[T, *B, n]`."""
    state = neuron.init(tuple(drive.shape[1:]), torch.zeros((), dtype=dtype))
    spikes, potentials = [], []
    for current in drive:
        out, state = neuron.step(state, current, dt)
        spikes.append(out)
        potentials.append(state.v)
    return torch.stack(spikes), torch.stack(potentials)


def noisy(ticks, low, high, dtype=torch.float32):
    draws = torch.stack([rng.uniform(KEY, "current", tick, 16) for tick in range(ticks)])
    return (draws * (high - low) + low).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_if_is_the_if_of_spikingjelly(dtype, reset):
    drive = noisy(300, -0.4, 0.7, dtype)
    oracle = SpikingJellyNeuron(lambda: theirs.IFNode(v_threshold=0.9, v_reset=None if reset == "subtract" else 0.0))
    ours, v = history(IF(threshold=0.9, reset=reset), drive, dtype)
    spikes, w = history(oracle, drive, dtype)
    assert torch.equal(ours, spikes)
    assert 0.05 < float(ours.mean()) < 0.5
    torch.testing.assert_close(v, w, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("tau", [2.0, 7.5, 30.0])
def test_lif_is_the_lif_of_spikingjelly(dtype, tau):
    drive = noisy(300, 0.0, 3.0, dtype)
    euler = 1.0 / (1.0 - math.exp(-1.0 / tau))  # its decay 1 - 1/tau, made that of exact integration
    oracle = SpikingJellyNeuron(lambda: theirs.LIFNode(tau=euler, decay_input=True, v_threshold=1.0, v_reset=0.0))
    ours, v = history(LIF(tau=tau, refractory=0.0), drive, dtype)
    spikes, w = history(oracle, drive, dtype)
    assert torch.equal(ours, spikes)
    assert 0.02 < float(ours.mean()) < 0.9
    torch.testing.assert_close(v, w, atol=1e-5, rtol=0)


def test_if_by_hand():
    drive = torch.tensor([0.6, 0.25, 0.25, 0.25, -2.0, 1.0, 2.5])[:, None]
    spikes, v = history(IF(), drive)
    assert spikes[:, 0].tolist() == [1, 0, 0, 1, 0, 0, 1], "the threshold itself does not fire"
    assert v[:, 0].tolist() == [0, 0.25, 0.5, 0, -2, -1, 0]
    spikes, v = history(IF(floor=-0.5), drive)
    assert spikes[:, 0].tolist() == [1, 0, 0, 1, 0, 0, 1]
    assert v[:, 0].tolist() == [0, 0.25, 0.5, 0, -0.5, 0.5, 0], "the floor holds the potential"
    spikes, v = history(IF(reset="subtract"), drive)
    assert v[1:4, 0].tolist() == pytest.approx([0.35, 0.1, 0.35], abs=1e-6)
    spikes, v = history(
        IF(threshold=1.0, reset="subtract", floor=0.0), torch.tensor([2.5, 0.0, 0.0, -9.0, 0.75])[:, None]
    )
    assert spikes[:, 0].tolist() == [1, 1, 0, 0, 0]
    assert v[:, 0].tolist() == [1.5, 0.5, 0.5, 0.0, 0.75], "nothing of a large input is lost"


def test_if_current_is_per_millisecond():
    _, coarse = history(IF(threshold=9.0), torch.full((4, 1), 0.5))
    _, fine = history(IF(threshold=9.0), torch.full((16, 1), 0.5), dt=0.25)
    assert torch.equal(coarse[-1], fine[-1])


def test_lif_holds_for_its_refractory_time():
    neuron = LIF(refractory=3.0)
    spikes, v = history(neuron, torch.full((10, 1), 1000.0))
    assert spikes[:, 0].tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 1, 0]
    assert not v.any()
    spikes, _ = history(neuron, torch.full((10, 1), 1000.0), dt=1.5)
    assert spikes[:, 0].tolist() == [1, 0, 0, 1, 0, 0, 1, 0, 0, 1]
    held = LIFState(v=torch.zeros(1), hold=torch.full((1,), 2.0))
    _, after = neuron.step(held, torch.full((1,), 1000.0), 1.0)
    assert after.hold.tolist() == [1.0]


@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_lif_decays_below_threshold_as_theory_says(dt):
    neuron = LIF(tau=12.0)
    state = LIFState(v=torch.full((1,), 0.8, dtype=torch.float64), hold=torch.zeros(1, dtype=torch.float64))
    for tick in range(1, 101):
        _, state = neuron.step(state, torch.zeros(1, dtype=torch.float64), dt)
        assert float(state.v) == pytest.approx(0.8 * math.exp(-tick * dt / 12.0), abs=1e-12)
    _, v = history(neuron, torch.full((int(60 / dt), 1), 0.7), dt=dt)
    assert float(v[-1]) == pytest.approx(0.7 * (1 - math.exp(-5.0)), abs=1e-5)


def test_states_are_only_what_they_say():
    assert IFState._fields == ("v",)
    assert LIFState._fields == ("v", "hold")
