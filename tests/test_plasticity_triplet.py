"""Triplet STDP in the pairing protocol of Sjöström et al. (2001): 60 pairs at 0.1 to 50 Hz, 10 ms apart.

References: Pfister & Gerstner (2006) doi:10.1523/JNEUROSCI.1425-06.2006 (model, fits); data, mean and standard error:
Sjöström, Turrigiano, Nelson (2001) doi:10.1016/S0896-6273(01)00542-6. Sums over explicit spike times, 1e-12.
"""

import math

import pytest
import torch

from bisnn.errors import UnknownName
from bisnn.plasticity import PairSTDP, TripletSTDP
from bisnn.plasticity.triplet_stdp import HIPPOCAMPUS, VISUAL_CORTEX

PAIRS = 60
DATA = {  # Hz: change with pre first, its error, with post first, its error
    0.1: (-0.04, 0.05, -0.29, 0.08),
    10.0: (0.14, 0.10, -0.41, 0.11),
    20.0: (0.29, 0.14, -0.34, 0.10),
    40.0: (0.53, 0.11, 0.56, 0.32),
    50.0: (0.56, 0.26, 0.75, 0.19),
}
FITS = [name.split() for name in VISUAL_CORTEX]


def events(rho, gap):
    """Times (ms) of the spikes of both sides, first at 0."""
    period, shift = 1000.0 / rho, max(0.0, -gap)
    return [k * period + shift for k in range(PAIRS)], [k * period + gap + shift for k in range(PAIRS)]


def changes(rule, pre, post):
    """Weight change at every spike time: the rule steps from spike to spike, dt being the time between."""
    trace, found, before = rule.init(torch.zeros(1, 1, dtype=torch.float64)), [], 0.0
    for time in sorted({*pre, *post}):
        spikes = [torch.tensor([float(time in side)], dtype=torch.float64) for side in (pre, post)]
        change, trace = rule.step(trace, torch.zeros(1, 1, dtype=torch.float64), *spikes, None, time - before)
        found.append(float(change))
        before = time
    return found


def summed(rule, pre, post):
    """The weight change as a sum over pairs and triplets of spike times."""

    def reach(times, now, tau, strict):
        past = [time for time in times if time < now or (time == now and not strict)]
        past = past[-1:] if rule.pairing == "nearest" else past
        return sum(math.exp(-(now - time) / tau) for time in past)

    up = sum(
        reach(pre, t, rule.tau_plus, False) * (rule.a2_plus + rule.a3_plus * reach(post, t, rule.tau_y, True))
        for t in post
    )
    down = sum(
        reach(post, t, rule.tau_minus, False) * (rule.a2_minus + rule.a3_minus * reach(pre, t, rule.tau_x, True))
        for t in pre
    )
    return rule.rate * (up - down)


@pytest.mark.parametrize("gap", [10.0, -10.0])
@pytest.mark.parametrize(("pairing", "terms"), FITS)
def test_the_protocol_gives_the_sum_over_pairs_and_triplets(pairing, terms, gap):
    for preset in (TripletSTDP.visual_cortex, TripletSTDP.hippocampus):
        rule = preset(terms, pairing, rate=0.8)
        for rho in DATA:
            trains = events(rho, gap)
            assert sum(changes(rule, *trains)) == pytest.approx(summed(rule, *trains), abs=1e-12)


@pytest.mark.parametrize("rho", [10.0, 20.0, 40.0])
def test_a_fixed_tick_gives_the_same_as_steps_from_spike_to_spike(rho):
    rule, (pre, post) = TripletSTDP.visual_cortex(), events(rho, 10.0)
    trace, total = rule.init(torch.zeros(1, 1, dtype=torch.float64)), 0.0
    for tick in range(int(post[-1]) + 1):
        spikes = [torch.tensor([float(float(tick) in side)], dtype=torch.float64) for side in (pre, post)]
        change, trace = rule.step(trace, torch.zeros(1, 1, dtype=torch.float64), *spikes, None, 1.0)
        total += float(change)
    assert total == pytest.approx(sum(changes(rule, pre, post)), abs=1e-12)


@pytest.mark.parametrize("rho", [20.0, 40.0, 50.0])
def test_the_steady_change_per_pair_is_the_geometric_series(rho):
    """All earlier spikes at distances gap + kT, so every trace is a geometric series."""
    rule, period, gap = TripletSTDP.hippocampus(), 1000.0 / rho, 10.0
    rule = TripletSTDP(a2_plus=rule.a2_plus, a3_plus=rule.a3_plus, a2_minus=rule.a2_minus, a3_minus=0.002,
                       tau_x=80.0, tau_y=27.0)  # fmt: skip

    def series(first, tau):
        return math.exp(-first / tau) / (1.0 - math.exp(-period / tau))

    up = series(gap, 16.8) * (rule.a2_plus + rule.a3_plus * series(period, 27.0))
    down = series(period - gap, 33.7) * (rule.a2_minus + 0.002 * series(period, 80.0))
    found = changes(rule, *events(rho, gap))
    assert found[-1] == pytest.approx(up, rel=1e-5), "the last postsynaptic spike"
    assert found[-2] == pytest.approx(-down, rel=1e-5), "the last presynaptic spike"


@pytest.mark.parametrize(("pairing", "terms"), FITS)
def test_the_fits_to_visual_cortex_lie_within_the_error_of_the_data(pairing, terms):
    rule, deviation = TripletSTDP.visual_cortex(terms, pairing), 0.0
    for rho, (causal, causal_error, reverse, reverse_error) in DATA.items():
        deviation += ((sum(changes(rule, *events(rho, 10.0))) - causal) / causal_error) ** 2
        deviation += ((sum(changes(rule, *events(rho, -10.0))) - reverse) / reverse_error) ** 2
    assert deviation / (2 * len(DATA)) < 0.4, "mean squared deviation in standard errors"


def test_depression_turns_to_potentiation_with_triplets_but_not_with_pairs():
    triplet = TripletSTDP.visual_cortex()
    curve = [sum(changes(triplet, *events(rho, -10.0))) for rho in (0.1, 10.0, 20.0, 40.0, 50.0)]
    assert curve[0] < -0.2
    assert curve[2] < -0.2 < 0.1 < curve[3] < curve[4]
    assert abs(sum(changes(triplet, *events(0.1, 10.0)))) < 1e-3, "no potentiation at 0.1 Hz"
    pair = PairSTDP(rate=0.007, tau_pre=16.8, tau_post=33.7, a_plus=0.9, a_minus=1.0)
    curve = [sum(changes(pair, *events(rho, -10.0))) for rho in (0.1, 10.0, 20.0, 40.0)]
    assert max(curve) < -0.2


def test_the_presets_are_the_published_tables():
    full = TripletSTDP.visual_cortex()
    assert full == TripletSTDP(), "the default"
    assert (full.a2_plus, full.a3_plus, full.a2_minus, full.a3_minus) == (5e-10, 6.2e-3, 7e-3, 2.3e-4)
    assert (full.tau_plus, full.tau_minus, full.tau_x, full.tau_y) == (16.8, 33.7, 101.0, 125.0)
    minimal = TripletSTDP.visual_cortex("minimal")
    assert (minimal.a2_plus, minimal.a3_plus, minimal.a2_minus, minimal.a3_minus) == (0.0, 6.5e-3, 7.1e-3, 0.0)
    assert minimal.tau_y == 114.0
    other = TripletSTDP.hippocampus("full", "nearest")
    assert (other.a2_plus, other.a3_plus, other.a2_minus, other.a3_minus) == (4.6e-3, 9.1e-3, 3e-3, 7.5e-9)
    assert (other.tau_x, other.tau_y, other.pairing) == (575.0, 47.0, "nearest")
    assert VISUAL_CORTEX["nearest full"] == (8.8e-11, 5.3e-2, 6.6e-3, 3.1e-3, 714.0, 40.0)
    assert VISUAL_CORTEX["nearest minimal"] == (0.0, 5e-2, 8e-3, 0.0, 714.0, 40.0)
    assert HIPPOCAMPUS["all full"] == (6.1e-3, 6.7e-3, 1.6e-3, 1.4e-3, 946.0, 27.0)
    assert HIPPOCAMPUS["all minimal"] == (5.3e-3, 8e-3, 3.5e-3, 0.0, 946.0, 40.0)
    assert HIPPOCAMPUS["nearest minimal"] == (4.6e-3, 9.1e-3, 3e-3, 0.0, 575.0, 48.0)
    assert TripletSTDP.hippocampus("minimal", rate=0.5).rate == 0.5
    assert TripletSTDP.visual_cortex("minimal", "nearest").tau_y == 40.0
    assert list(VISUAL_CORTEX) == list(HIPPOCAMPUS) == ["all full", "all minimal", "nearest full", "nearest minimal"]
    with pytest.raises(UnknownName, match="all full"):
        TripletSTDP.hippocampus("best")  # type: ignore[arg-type]
