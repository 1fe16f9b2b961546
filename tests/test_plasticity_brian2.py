"""Plasticity rules against Brian2 2.9: eligibility and weights of 12 synapses over 1500 to 3000 ticks, within 1e-5.

The arrays and how they were made: tests/truth/plasticity/make_three_factor.py. doi:10.7554/eLife.47314
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from bisnn.modulators import Dopamine
from bisnn.plasticity import MSTDPET, RSTDP, PairSTDP, TripletSTDP

TRUTH = Path(__file__).parent / "truth" / "plasticity"
TOLERANCE = 1e-5
DTYPES = [torch.float64, torch.float32]


def golden(name):
    """The arrays of one file."""
    with np.load(TRUTH / f"{name}.npz") as found:
        return dict(found)


def live(rule, truth, dtype, levels=None, dt=1.0):
    """Weights and eligibility `[len(steps), pre, post]` of the rule on the trains of a file."""
    pre, post = (torch.from_numpy(truth[end]).to(dtype) for end in ("pre", "post"))
    weight = torch.zeros(pre.shape[1], post.shape[1], dtype=dtype)
    trace, weights, tags = rule.init(weight), [], []
    for tick in range(len(pre)):
        level = None if levels is None else levels[tick]
        change, trace = rule.step(trace, weight, pre[tick], post[tick], level, dt)
        weight = weight + change
        weights.append(weight)
        tags.append(getattr(trace, "eligibility", weight))
    kept = torch.from_numpy(truth["steps"])
    return torch.stack(weights)[kept].double().numpy(), torch.stack(tags)[kept].double().numpy()


def dopamine(release, tau, dtype):
    """Levels of every tick."""
    modulator, like, levels = Dopamine(tau=tau), torch.zeros((), dtype=dtype), []
    state = modulator.init(like)
    for each in torch.from_numpy(release).to(dtype):
        level, state = modulator.step(state, each, 1.0)
        levels.append(level)
    return torch.stack(levels)


def agree(ours, theirs, moved):
    """Within the tolerance, of arrays that do move."""
    assert float(np.abs(theirs).max()) > moved
    np.testing.assert_allclose(ours, theirs, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["white", "pulses"])
@pytest.mark.parametrize("name", ["rstdp", "mstdpet"])
def test_three_factor_synapses(name, kind, dtype):
    truth = golden(name)
    given = {"tau_pre": 17.0, "tau_post": 34.0, "tau_e": 40.0, "a_plus": 0.9, "a_minus": 0.6}
    rule = RSTDP(rate=0.005, **given) if name == "rstdp" else MSTDPET(rate=0.15, **given)
    levels = dopamine(truth[f"{kind}_release"], 200.0 if kind == "pulses" else 0.0, dtype)
    weights, tags = live(rule, truth, dtype, levels)
    agree(weights, truth[f"{kind}_w"], 0.3)
    agree(tags, truth[f"{kind}_tag"], 1.0 if name == "rstdp" else 0.03)


@pytest.mark.parametrize("dtype", DTYPES)
def test_izhikevich_2007_in_continuous_time(dtype):
    truth = golden("izhikevich")
    levels = dopamine(truth["release"], 200.0, dtype)
    rule = RSTDP(
        rate=1e-3, tau_pre=20.0, tau_post=20.0, tau_e=1000.0, a_plus=0.1, a_minus=0.15, tau_modulator=200.0
    )  # Brian2's s is per second
    weights, tags = live(rule, truth, dtype, levels)
    agree(weights, truth["s"], 0.05)
    agree(tags, truth["c"], 0.3)
    after = levels.double().numpy()[truth["steps"]] * np.exp(-1.0 / 200.0)  # Brian2 shows the end of the tick
    np.testing.assert_allclose(after, truth["d"], atol=TOLERANCE)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pairing", ["all", "nearest"])
def test_pair_stdp(pairing, dtype):
    truth = golden("pair")
    rule = PairSTDP(rate=0.01, tau_pre=17.0, tau_post=34.0, a_plus=1.0, a_minus=0.7, pairing=pairing)
    agree(live(rule, truth, dtype)[0], truth[f"{pairing}_w"], 0.1)
    other = "nearest" if pairing == "all" else "all"
    assert float(np.abs(truth["all_w"] - truth["nearest_w"]).max()) > 0.05, f"{pairing} is not {other}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pairing", ["all", "nearest"])
@pytest.mark.parametrize("fit", ["cortex", "hippocampus"])
def test_triplet_stdp(fit, pairing, dtype):
    truth = golden("triplet")
    preset = TripletSTDP.visual_cortex if fit == "cortex" else TripletSTDP.hippocampus
    rule = preset("full", pairing, rate=0.2)
    agree(live(rule, truth, dtype, dt=0.5)[0], truth[f"{fit}_{pairing}_w"], 0.05)


def test_the_arrays_are_small_and_say_where_they_come_from():
    for path in TRUTH.glob("*.npz"):
        assert path.stat().st_size < 300_000
        assert "brian2 2.9" in str(golden(path.stem)["versions"])
    assert len(list(TRUTH.glob("*.npz"))) == 5
