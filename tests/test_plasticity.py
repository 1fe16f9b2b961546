"""Plasticity rules against hand-computed curves, SpikingJelly and numpy.

References and tolerances: exposure curve M1 of empathy.md 2.1 (doi:10.3389/fncom.2022.784967; 1e-9);
SpikingJelly 2 STDP, MSTDP and MSTDPET, doi:10.1126/sciadv.adi1480 (1e-6); Florian (2007)
doi:10.1162/neco.2007.19.6.1468; Izhikevich (2007) doi:10.1093/cercor/bhl152; W3 of
performance.md 1 in float64 numpy (1e-12).
"""

import math

import numpy as np
import pytest
import torch

from bisnn import rng
from bisnn.circuit import Area, Circuit, Projection
from bisnn.initialisers import Uniform
from bisnn.interop.spikingjelly import mstdp_oracle, mstdpet_oracle, stdp_oracle
from bisnn.modulators import Dopamine
from bisnn.neurons import IF
from bisnn.plasticity import MSTDP, MSTDPET, RSTDP, PairSTDP, PreTraceSTDP

KEY = torch.arange(6).reshape(2, 3)


def trains(ticks, pre=5, post=4, dtype=torch.float64, rate=0.3):
    """Spikes `[T, *B, pre]`, `[T, *B, post]`, levels `[T, *B]` and weights of individuals."""
    draw = [rng.uniforms(KEY, tick, {"pre": pre, "post": post, "level": 1}) for tick in range(ticks)]
    spikes = [torch.stack([(noise[end] < rate) for noise in draw]).to(dtype) for end in ("pre", "post")]
    level = torch.stack([noise["level"][..., 0] for noise in draw]).to(dtype) - 0.5
    return *spikes, level, rng.uniform(KEY, "weight", 0, pre * post).reshape(*KEY.shape, pre, post).to(dtype)


def changes(rule, pre, post, weight, level=None):
    """Weight changes `[T, *B, pre, post]` at constant weights."""
    trace, found = rule.init(weight), []
    for tick in range(len(pre)):
        change, trace = rule.step(trace, weight, pre[tick], post[tick], None if level is None else level[tick], 1.0)
        found.append(change)
    return torch.stack(found)


def test_exposure_curve_of_the_published_networks():
    ones = torch.ones(18, 1, dtype=torch.float64)
    curve = changes(PreTraceSTDP(), ones, ones, torch.zeros(1, 1, dtype=torch.float64)).cumsum(0)[:, 0, 0]
    by_hand = [0.01, 0.0299, 0.059601, 0.09900499, 0.1480149401]  # .01 sum (1 - .99^j) / .01
    assert curve[:5].tolist() == pytest.approx(by_hand, abs=1e-9)
    assert [f"{value:.3f}" for value in curve[:5].tolist()] == ["0.010", "0.030", "0.060", "0.099", "0.148"]
    assert float(curve[17]) == pytest.approx(sum(1 - 0.99**j for j in range(1, 19)), abs=1e-9)
    assert float(curve[17]) == pytest.approx(1.617, abs=1e-3)
    assert float(changes(PreTraceSTDP(rate=-0.1), ones, ones, torch.zeros(1, 1, dtype=torch.float64)).sum(0)) == (
        pytest.approx(-10 * float(curve[17]), abs=1e-9)
    )


def test_pre_trace_stdp_is_the_post_branch_of_spikingjelly():
    pre, post, _, weight = trains(60)
    rule = PreTraceSTDP(rate=0.02, tau=8.0)
    oracle = stdp_oracle(pre, post, weight, tau_pre=8.0, tau_post=8.0, a_plus=0.02, a_minus=0.0)
    torch.testing.assert_close(changes(rule, pre, post, weight), oracle, atol=1e-12, rtol=0)


def test_depression_unlearns_noise():
    ones, zeros = torch.ones(1, 1), torch.zeros(1, 1)
    rule, weight = PreTraceSTDP(rate=0.1, depression=0.25), torch.zeros(1, 1)
    assert float(changes(rule, ones, zeros, weight)) == pytest.approx(-0.025)
    assert float(changes(rule, ones, ones, weight)) == pytest.approx(0.075)
    assert float(changes(rule, zeros, ones, weight)) == 0.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("a_plus", "a_minus"), [(1.0, 1.0), (0.5, 0.7), (1.0, 0.0)])
def test_rstdp_is_mstdpet_of_spikingjelly_individual_by_individual(dtype, a_plus, a_minus):
    pre, post, level, weight = trains(80, dtype=dtype)
    rule = RSTDP(rate=0.01, tau_pre=20.0, tau_post=15.0, tau_e=25.0, a_plus=a_plus, a_minus=a_minus)
    ours = changes(rule, pre, post, weight, level)
    oracle = mstdpet_oracle(
        pre, post, level, weight, tau_pre=20.0, tau_post=15.0, tau_e=25.0, a_plus=a_plus, a_minus=a_minus
    )
    assert float((ours - oracle * (0.01 * 25.0)).abs().max()) <= 1e-6
    assert not ours[0].any(), "the first tick has nothing to credit"
    assert float(ours.abs().max()) > 1e-3


TRACES = {"tau_pre": 20.0, "tau_post": 15.0}
WORTH = {"a_plus": 0.8, "a_minus": 0.6}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_mstdp_and_mstdpet_are_those_of_spikingjelly(dtype):
    pre, post, level, weight = trains(80, dtype=dtype)
    ours = changes(MSTDP(rate=0.05, **TRACES, **WORTH), pre, post, weight, level)
    oracle = mstdp_oracle(pre, post, level, weight, **TRACES, **WORTH)
    assert float((ours - oracle * 0.05).abs().max()) <= 1e-6
    assert float(ours.abs().max()) > 1e-2
    ours = changes(MSTDPET(rate=0.5, tau_e=30.0, **TRACES, **WORTH), pre, post, weight, level)
    oracle = mstdpet_oracle(pre, post, level, weight, tau_e=30.0, **TRACES, **WORTH)
    assert float((ours - oracle * 0.5).abs().max()) <= 1e-6
    assert float(ours.abs().max()) > 1e-2
    assert not ours[0].any(), "the first tick has nothing to credit"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pair_stdp_is_stdp_of_spikingjelly(dtype):
    pre, post, _, weight = trains(80, dtype=dtype)
    ours = changes(PairSTDP(rate=0.05, **TRACES, **WORTH), pre, post, weight)
    oracle = stdp_oracle(pre, post, weight, **TRACES, **WORTH)
    assert float((ours - oracle * 0.05).abs().max()) <= 1e-6
    assert float(ours.abs().max()) > 1e-2
    one_sided = changes(PairSTDP(rate=0.05, a_minus=0.0, a_plus=0.8, **TRACES), pre, post, weight)
    oracle = stdp_oracle(pre, post, weight, a_plus=0.8, a_minus=0.0, **TRACES)
    assert float((one_sided - oracle * 0.05).abs().max()) <= 1e-6


def test_mstdpet_is_rstdp_of_a_rate_over_tau_e():
    pre, post, level, weight = trains(60)
    ours = changes(MSTDPET(rate=0.5, tau_e=30.0, **TRACES, **WORTH), pre, post, weight, level)
    theirs = changes(RSTDP(rate=0.5 / 30.0, tau_e=30.0, **TRACES, **WORTH), pre, post, weight, level)
    torch.testing.assert_close(ours, theirs, atol=1e-14, rtol=0)


def pair(gap, rule, wait=1, level=1.0):
    """Weight change of a pre and a post spike `gap` ticks later (earlier if negative), reward `wait` ticks after."""
    ticks = abs(gap) + wait + 1
    pre, post = torch.zeros(ticks, 1, dtype=torch.float64), torch.zeros(ticks, 1, dtype=torch.float64)
    pre[max(0, -gap)], post[max(0, gap)] = 1.0, 1.0
    reward = torch.zeros(ticks, dtype=torch.float64)
    reward[-1] = level
    weight = torch.zeros(1, 1, dtype=torch.float64)
    trace, total = rule.init(weight), 0.0
    for tick in range(ticks):
        change, trace = rule.step(trace, weight, pre[tick], post[tick], reward[tick], 1.0)
        total += float(change)
    return total


@pytest.mark.parametrize("gap", [1, 2, 5, 10, 20, 50])
def test_pair_window_is_exponential(gap):
    rule = RSTDP(rate=1.0, tau_pre=17.0, tau_post=34.0, a_plus=1.0, a_minus=0.6)
    assert pair(gap, rule) == pytest.approx(math.exp(-gap / 17.0), abs=1e-12)
    assert pair(-gap, rule) == pytest.approx(-0.6 * math.exp(-gap / 34.0), abs=1e-12)


@pytest.mark.parametrize("delay", [1, 5, 25, 100])
def test_delayed_dopamine_scales_by_the_eligibility_decay(delay):
    rule = RSTDP(rate=0.3, tau_e=25.0)
    prompt = pair(4, rule)
    assert pair(4, rule, wait=1 + delay) == pytest.approx(prompt * math.exp(-delay / 25.0), rel=1e-12)
    assert pair(4, rule, wait=1 + delay, level=-2.0) == pytest.approx(-2 * prompt * math.exp(-delay / 25.0), rel=1e-12)


def test_no_dopamine_changes_exactly_nothing():
    for dtype in (torch.float32, torch.float64):
        pre, post, level, weight = trains(50, dtype=dtype)
        for rule in (RSTDP(), RSTDP(cap=1.0, tau_modulator=200.0)):
            assert not changes(rule, pre, post, weight, level * 0.0).any()


def test_a_cap_holds_the_eligibility():
    rule, weight = RSTDP(cap=0.5, a_minus=0.0), torch.zeros(1, 1)
    trace = rule.init(weight)
    for _ in range(5):
        _, trace = rule.step(trace, weight, torch.ones(1), torch.ones(1), torch.zeros(()), 1.0)
    assert float(trace.eligibility) == 0.5


@pytest.mark.parametrize("dt", [1.0, 20.0, 100.0])
def test_the_integrated_product_is_the_integral(dt):
    rule = RSTDP(rate=0.7, tau_e=1000.0, tau_modulator=200.0)
    fine = np.arange(0.0, dt, dt / 200_000) + dt / 400_000
    integral = 0.7 * np.sum(np.exp(-fine / 1000.0) * np.exp(-fine / 200.0)) * (dt / 200_000)
    assert rule.credit(dt) == pytest.approx(integral, rel=1e-9)
    level, dopamine = torch.tensor(1.0, dtype=torch.float64), Dopamine(tau=200.0)
    weight = torch.zeros(1, 1, dtype=torch.float64)
    trace = rule.init(weight)._replace(eligibility=torch.ones(1, 1, dtype=torch.float64))
    state, total, silent = dopamine.init(level), 0.0, torch.zeros(1, dtype=torch.float64)
    for tick in range(400):
        now, state = dopamine.step(state, level if tick == 0 else level * 0.0, dt)
        change, trace = rule.step(trace, weight, silent, silent, now, dt)
        total += float(change)
    k = 1 / 1000.0 + 1 / 200.0
    assert total == pytest.approx(0.7 * (1 - math.exp(-k * dt * 400)) / k, rel=1e-9), "exact for any tick"


def test_w3_equations_against_numpy():
    ticks, pre, post, rate = 100, 24, 16, 0.25
    alpha, lam, eta = math.exp(-1 / 20), math.exp(-1 / 25), 0.25 / 25
    spikes, _, level, _ = trains(ticks, pre, post, rate=rate)
    circuit = Circuit(
        areas={"in": Area(n=pre, neuron=IF()), "out": Area(n=post, neuron=IF(threshold=3.0))},
        projections=(
            Projection(source="in", target="out", weight=Uniform(0.0, 1.0), bounds=(0.0, 1.0), delay=0,
                       rule=RSTDP(rate=eta, tau_pre=20.0, tau_post=20.0, tau_e=25.0)),
        ),
        modulators={"dopamine": Dopamine(tau=0.0)},
    )  # fmt: skip
    state = circuit.init(KEY, dtype=torch.float64)
    w = state.weights["in->out"].numpy().copy()
    x, y, v = np.zeros((*KEY.shape, pre)), np.zeros((*KEY.shape, post)), np.zeros((*KEY.shape, post))
    e, fired = np.zeros_like(w), 0.0
    for tick in range(ticks):
        s, d = spikes[tick].numpy(), 4.0 * level[tick].numpy()
        v = v + np.einsum("abi,abij->abj", s, np.round(w * 4096) / 4096)
        z = (v > 3.0).astype(float)
        v = v * (1 - z)
        w = np.clip(w + eta * d[..., None, None] * e, 0, 1)
        x, y = alpha * x + s, alpha * y + z
        e = lam * e + x[..., :, None] * z[..., None, :] - s[..., :, None] * y[..., None, :]
        fired += z.mean()
        state = circuit.step(state, {"in": spikes[tick]}, {"dopamine": 4.0 * level[tick]})
    np.testing.assert_allclose(state.weights["in->out"].numpy(), w, atol=1e-12)
    np.testing.assert_allclose(state.traces["in->out"].eligibility.numpy(), e, atol=1e-11)
    np.testing.assert_allclose(state.neurons["out"].v.numpy(), v, atol=1e-12)
    assert 5 < fired < 95
    assert bool(((w == 0) | (w == 1)).any()), "the bounds were reached"
