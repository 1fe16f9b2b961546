"""LIF and Izhikevich against Brian2 2.9, spike for spike over 2000 ticks in float64, on the same currents.

The golden arrays in tests/truth/neurons say how they were made (make_*.py) and on what (recipe.py). What maps to what:

- both find a spike at the end of the tick in which the potential reaches the threshold, and reset in that tick;
- Brian2 counts `refractory` from the tick of the spike on, so it has R + dt where ours is R ("deaf for R after it");
- Brian2's method "euler" is `u_sees="old"`; the author's order, written as two statements, is `u_sees="new"`.

Tolerance: no spike differs; potentials within 1e-9 for LIF, bit for bit for Izhikevich, whose sums Brian2 was made to
take in the order of bisnn: rounding grows exponentially in half of the classes (make_izhikevich.py).
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from bisnn.neurons import LIF, PRESETS, Izhikevich

TRUTH = Path(__file__).parent / "truth" / "neurons"


def recipe():
    spec = importlib.util.spec_from_file_location("neurons_recipe", TRUTH / "recipe.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RECIPE = recipe()
FIRST = [-0.3928639888763428, 0.6974174976348877, -0.6877305507659912, -0.9377871751785278]


def run(neuron, currents, dt):
    """Spikes `[steps, units]`, and the state of every EVERY-th tick as a dict of `[steps / EVERY, units]`."""
    state = neuron.init(currents.shape[1:], currents.new_zeros(()))
    spikes, seen = [], []
    for tick, current in enumerate(currents):
        out, state = neuron.step(state, current, dt)
        spikes.append(out)
        if tick % RECIPE.EVERY == 0:
            seen.append(state)
    return torch.stack(spikes).bool().numpy(), {
        name: torch.stack([getattr(one, name) for one in seen]).numpy() for name in state._fields
    }


def test_the_noise_is_that_of_the_recipe():
    """The first values, so that a numpy with another stream says so here."""
    assert RECIPE.noise(1, 2, 2).ravel().tolist() == FIRST


def test_made_by_the_version_they_claim():
    for name in ("lif", "izhikevich"):
        assert np.load(TRUTH / f"{name}.npz")["versions"].tolist()[0].startswith("brian2 2.9")


@pytest.mark.parametrize("number", range(len(RECIPE.LIF)))
def test_lif_is_that_of_brian2(number):
    truth = np.load(TRUTH / "lif.npz")
    currents = torch.from_numpy(RECIPE.lif_currents())
    spikes, seen = run(LIF(**RECIPE.LIF[number]), currents, RECIPE.LIF_DT)
    theirs = np.unpackbits(truth["spikes"][number], axis=-1, count=currents.shape[1]).astype(bool)
    counts = theirs.sum(0)
    assert counts[0] == 0, "the first current is below threshold"
    assert counts[13:].min() > 50
    assert counts.max() > 100
    assert np.array_equal(spikes, theirs)
    assert np.abs(seen["v"] - truth["v"][number]).max() < 1e-9


@pytest.mark.parametrize("scheme", ["old", "new"])
def test_izhikevich_is_that_of_brian2(scheme):
    truth = np.load(TRUTH / "izhikevich.npz")
    currents = torch.from_numpy(RECIPE.izhikevich_currents())
    theirs = np.unpackbits(truth[f"spikes_{scheme}"], axis=-1, count=currents.shape[1]).astype(bool)
    per, half = len(RECIPE.FACTORS), currents.shape[1] // 2
    for number, name in enumerate(RECIPE.IZHIKEVICH):
        units = np.r_[number * per : (number + 1) * per, half + number * per : half + (number + 1) * per]
        preset = PRESETS[name].neuron
        neuron = Izhikevich(**{**vars(preset), "u_sees": scheme})
        spikes, seen = run(neuron, currents[:, units], RECIPE.IZHIKEVICH_DT)
        assert theirs[:, units].sum() > 30, name
        assert np.array_equal(spikes, theirs[:, units]), name
        assert np.array_equal(seen["v"], truth[f"v_{scheme}"][:, units]), name
        assert np.array_equal(seen["u"], truth[f"u_{scheme}"][:, units]), name


def test_the_two_schemes_differ():
    """So that equality with both is no accident."""
    truth = np.load(TRUTH / "izhikevich.npz")
    assert not np.array_equal(truth["spikes_old"], truth["spikes_new"])
