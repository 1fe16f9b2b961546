"""The claims of three-factor learning: closed form, delay curve, theorem table, XOR.

Izhikevich (2007) doi:10.1093/cercor/bhl152 (C-1: 0.2 % and 0.05 %; C-3: R^2 0.98);
Frémaux, Sprekeler, Gerstner (2010) doi:10.1523/JNEUROSCI.6249-09.2010 (C-4: 0.05);
Florian (2007) doi:10.1162/neco.2007.19.6.1468. The tables of 6000 trials and 80 epochs are marked slow.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from bisnn.experiments.claims import closed_form, florian, theorem
from bisnn.experiments.claims.base import misses
from bisnn.experiments.claims.closed_form import LATENCIES, REFERENCE, Pairing
from bisnn.initialisers import Constant


@pytest.fixture(autouse=True)
def without_gradients():
    with torch.inference_mode():
        yield


def judged(module, name):
    """Measures a claim; fails with what it misses."""
    claim = next(claim for claim in module.CLAIMS if claim.name == name)
    measured = claim.measure()
    assert not misses(claim, measured), measured
    return measured


def test_reference_values_are_those_of_the_closed_form():
    for latency, value in zip(LATENCIES, REFERENCE, strict=True):
        assert Pairing().gain(latency) == pytest.approx(value, abs=5e-4)


def test_one_pair_and_one_pulse_give_the_closed_form():
    measured = judged(closed_form, "dopamine/C-1")
    assert measured["error_exact"] < 1e-12
    assert measured["error_euler"] > 1e-4, "forward Euler is not exact"
    assert measured["error_pulse"] == pytest.approx(0.003, rel=0.01), "k dt / 2"


@pytest.mark.parametrize("dt", [0.5, 5.0])
def test_exact_integration_holds_at_other_ticks(dt):
    pairing = Pairing(tau_c=400.0, tau_d=90.0, amplitude=0.3)
    change, observed = closed_form.simulate(pairing, (0, 200), dt=dt, forms=("exact",), observed=400)
    truth = [pairing.gain(latency, float(t)) for latency, t in zip((0, 200), observed, strict=True)]
    assert change[0].tolist() == pytest.approx(truth, rel=1e-11)


def test_the_gain_of_a_lone_pair_falls_with_the_delay():
    change, _ = closed_form.simulate(Pairing(tau_c=300.0), (0, 150, 300, 600), forms=("exact",), observed=1500)
    slope, r2 = closed_form.fit(np.array([0.0, 150.0, 300.0, 600.0]), change[0].numpy())
    assert slope * 300.0 == pytest.approx(-1.0, abs=0.01)
    assert r2 > 0.9999


def test_a_fit_tells_a_line_from_a_cloud():
    x = np.arange(5.0)
    assert closed_form.fit(x, np.exp(-0.3 * x)) == pytest.approx((-0.3, 1.0))
    assert closed_form.fit(x, np.array([1.0, 9.0, 1.0, 9.0, 1.0]))[1] < 0.1
    assert math.isnan(closed_form.fit(x, np.array([1.0, 2.0, 0.0, 2.0, 1.0]))[1])


@pytest.mark.slow
def test_the_delay_curve_holds_in_a_network():
    judged(closed_form, "dopamine/C-3")


def test_the_drift_is_covariance_plus_unsupervised_term():
    measured = judged(theorem, "dopamine/C-4-theorem")
    assert measured["hebb_wrong_way"] > 50


def test_the_critic_is_a_running_mean_of_its_context():
    critics = theorem.Critics(4.0, torch.Size((3, 1, 1)))
    rewards = [(0, 1.0), (1, 3.0), (0, 2.0), (0, 0.0)]
    seen = []
    for stimulus, reward in rewards:
        shown = torch.full((3, 1, 1), stimulus)
        seen.append(critics.modulation(torch.full((3, 1, 1), reward), shown)[:, 0, 0].tolist())
    none, one_for_all, by_stimulus = (list(row) for row in zip(*seen, strict=True))
    assert none == [1.0, 3.0, 2.0, 0.0]
    assert one_for_all == [0.0, 2.0, 0.5, -1.625]
    assert by_stimulus == [0.0, 0.0, 1.0, -1.25]


def test_targets_hold_as_many_ones_as_zeros_and_differ_between_seeds():
    goal = theorem.targets(torch.arange(30))
    assert (goal.sum((-2, -1)) == 10).all()
    assert len({tuple(bits.flatten().tolist()) for bits in goal}) == 30


def test_a_short_life_already_tells_the_rules_apart():
    """300 trials: R-max learns with any critic, Hebb without one saturates at all bits 1."""
    life = theorem.live(replace(theorem.Task(), trials=300), torch.arange(8))
    assert (life.right["rmax"][1:].mean(-1) > 0.95).all()
    assert (life.right["hebb"][0, 1:] - 0.5).abs().max() < 1e-6
    assert (life.mean["rmax"] / life.error["rmax"]).abs().max() < 4
    assert (life.mean["hebb"] / life.error["hebb"]).min() > 50
    assert torch.equal(life.right["hebb"][2, 0], life.right["hebb"][2, 1]), "a critic removes a constant offset"


@pytest.mark.slow
def test_the_theorem_table():
    judged(theorem, "dopamine/C-4")


def test_inputs_fire_only_for_bits_that_are_on_and_at_their_rate():
    plan = florian.Xor()
    for pattern, bits in enumerate(florian.PATTERNS.tolist()):
        trains = plan.spikes(torch.arange(4), torch.full((4,), pattern), 0, 500)
        for train in trains.values():
            rate = train.mean((0, 1)).reshape(2, plan.inputs // 2)
            for half, bit in zip(rate, bits, strict=True):
                assert half.mean() == pytest.approx(plan.rate * bit, abs=0.01)


def test_a_weight_is_a_jump_of_the_potential_in_mv():
    """16 mV above rest is the threshold: two jumps of 8 in a tick reach it, two of 7.9 do not."""
    plan = florian.Xor(inputs=2, hidden=1)
    circuit = plan.circuit
    for weight, fires in ((8.0, 1.0), (7.9, 0.0)):
        state = circuit.init(torch.arange(1))
        state.weights["excitatory->hidden_mstdp"] = Constant(weight).weights(torch.arange(1), "", 2, 1).contiguous()
        state = circuit.step(state, {"excitatory": torch.ones(1, 2)})
        assert float(state.spikes["hidden_mstdp"][0]) == fires


def test_rewards_of_the_controls():
    """Without learning all arms are alike, so that they differ by their rewards alone."""
    plan = florian.Xor(epochs=1, duration=40, hidden=8, mstdp=0.0, mstdpet=0.0)
    trained = florian.train(plan, torch.arange(3))
    for curve in trained.curve.values():
        assert torch.equal(curve[:, 0], curve[:, 1])
        assert torch.equal(curve[:, 0], curve[:, 2])
        assert curve.sum() > 0
    plan = replace(plan, mstdp=0.1, mstdpet=0.625)
    weights = florian.train(plan, torch.arange(3)).state.weights["excitatory->hidden_mstdp"]
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_what_counts_as_learned():
    rates = torch.tensor([[0.0, 9.0, 8.0, 7.0], [0.0, 9.0, 7.0, 8.0], [0.0, 5.0, 5.0, 5.0]])
    assert florian.learned(rates).tolist() == [True, False, False]


@pytest.mark.slow
def test_xor_is_learned_from_one_global_reward():
    judged(florian, "florian/XOR")
