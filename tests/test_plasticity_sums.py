"""Plasticity rules against explicit sums over all spikes before, in float64 numpy, within 1e-12.

The sums weigh every pair of spikes by the exponential of its distance; nothing in them is updated tick by tick.
References: those of the rules. dt is 0.5 ms and no parameter is the default.
"""

import math

import numpy as np
import pytest
import torch

from bisnn.plasticity import MSTDP, MSTDPET, RSTDP, TDSTDP, PairSTDP, PreTraceSTDP, RMax, TripletSTDP

DT, TICKS = 0.5, 70
DRAW = np.random.default_rng(7)
PRE = (DRAW.random((TICKS, 3)) < 0.25).astype(float)
POST = (DRAW.random((TICKS, 2)) < 0.3).astype(float)
LEVEL = DRAW.normal(0.2, 1.0, TICKS)
EXPECTED = DRAW.random((TICKS, 2)) * 0.6
AGO = (np.arange(TICKS)[:, None] - np.arange(TICKS)[None, :]) * DT  # ms from spike (column) to now (row)
TRACES = {"tau_pre": 7.0, "tau_post": 12.0, "a_plus": 0.8, "a_minus": 0.3}


def ours(rule):
    """Weight changes `[T, pre, post]` of the rule at weight 0."""
    weight = torch.zeros(3, 2, dtype=torch.float64)
    trace, found = rule.init(weight), []
    pre, post, level, expected = (torch.from_numpy(each) for each in (PRE, POST, LEVEL, EXPECTED))
    for tick in range(TICKS):
        more = (expected[tick],) if isinstance(rule, RMax) else ()
        heard = level[tick] if rule.modulator else None
        change, trace = rule.step(trace, weight, pre[tick], post[tick], heard, DT, *more)
        found.append(change)
    return torch.stack(found).numpy()


def kernel(tau, strict=False):
    """Weights [now, then] of spikes up to now, or before now."""
    return np.where(AGO > 0 if strict else AGO >= 0, np.exp(-np.abs(AGO) / tau), 0.0)


def trace(spikes, tau, nearest=False, strict=False):
    """Sum over spikes up to now (before now), or the last of them alone, [T, n]."""
    if not nearest:
        return kernel(tau, strict) @ spikes
    found = np.zeros_like(spikes)
    for tick, unit in np.ndindex(*spikes.shape):
        past = np.flatnonzero(spikes[: tick + (0 if strict else 1), unit])
        found[tick, unit] = math.exp(-AGO[tick, past[-1]] / tau) if len(past) else 0.0
    return found


def pairs(tau_pre, tau_post, a_plus, a_minus, nearest=False):
    """Worth of the pairs that end in a tick, [T, pre, post]."""
    x, y = trace(PRE, tau_pre, nearest), trace(POST, tau_post, nearest)
    return a_plus * x[:, :, None] * POST[:, None, :] - a_minus * PRE[:, :, None] * y[:, None, :]


def late(values):
    """The values of the tick before."""
    return np.concatenate([np.zeros_like(values[:1]), values[:-1]])


def over(weights, values):
    """Sum over past ticks of [T, pre, post]."""
    return np.einsum("ts,sij->tij", weights, values)


def agree(found, sums):
    assert float(np.abs(sums).max()) > 1e-3
    np.testing.assert_allclose(found, sums, atol=1e-12, rtol=0)


@pytest.mark.parametrize("pairing", ["all", "nearest"])
def test_pair_stdp(pairing):
    agree(ours(PairSTDP(rate=0.7, pairing=pairing, **TRACES)), 0.7 * pairs(**TRACES, nearest=pairing == "nearest"))


def test_pre_trace_stdp():
    x = trace(PRE, 9.0)[:, :, None]
    agree(ours(PreTraceSTDP(rate=-0.4, tau=9.0, depression=0.2)), -0.4 * x * (POST[:, None, :] - 0.2))


def test_mstdp():
    agree(ours(MSTDP(rate=0.7, **TRACES)), 0.7 * LEVEL[:, None, None] * late(pairs(**TRACES)))


def test_mstdpet():
    tags = over(kernel(25.0), pairs(**TRACES)) / 25.0
    agree(ours(MSTDPET(rate=0.7, tau_e=25.0, **TRACES)), 0.7 * LEVEL[:, None, None] * late(tags))


@pytest.mark.parametrize("tau_modulator", [None, 40.0])
def test_rstdp(tau_modulator):
    tags = over(kernel(25.0), pairs(**TRACES))
    k = 1.0 / 25.0 + (1.0 / 40.0 if tau_modulator else 0.0)
    credit = (1.0 - math.exp(-k * DT)) / k if tau_modulator else 1.0
    rule = RSTDP(rate=0.7, tau_e=25.0, tau_modulator=tau_modulator, **TRACES)
    agree(ours(rule), 0.7 * credit * LEVEL[:, None, None] * late(tags))


def test_td_stdp():
    slow, fast = 30.0, 6.0

    def area(t):
        """Integral of the paper's kernel from 0 to t."""
        return (slow * (1 - np.exp(-t / slow)) - fast * (1 - np.exp(-t / fast))) / (slow - fast)

    ago = np.abs(AGO)
    passed = np.where(AGO > 0, area(ago) - area(np.where(AGO > 0, AGO - DT, 0.0)), 0.0)
    rule = TDSTDP(rate=0.7, tau_slow=slow, tau_fast=fast, **TRACES)
    agree(ours(rule), 0.7 * LEVEL[:, None, None] * over(passed, pairs(**TRACES)))
    assert area(1e4) == pytest.approx(1.0)


@pytest.mark.parametrize("tau_synapse", [0.0, 4.0])
def test_rmax(tau_synapse):
    current = trace(PRE, tau_synapse) if tau_synapse else PRE
    potential = 0.3 * kernel(11.0) @ current
    score = potential[:, :, None] * (POST - EXPECTED)[:, None, :] / 0.25
    rule = RMax(rate=0.7, tau_e=25.0, tau_membrane=11.0, tau_synapse=tau_synapse, delta_u=0.25, gain=0.3)
    agree(ours(rule), 0.7 * LEVEL[:, None, None] * late(over(kernel(25.0), score)))


@pytest.mark.parametrize("pairing", ["all", "nearest"])
def test_triplet_stdp(pairing):
    near = pairing == "nearest"
    r1, o1 = trace(PRE, 5.0, near), trace(POST, 8.0, near)
    r2, o2 = trace(PRE, 13.0, near, strict=True), trace(POST, 21.0, near, strict=True)
    up = r1[:, :, None] * (POST * (0.3 + 0.2 * o2))[:, None, :]
    down = (PRE * (0.25 + 0.15 * r2))[:, :, None] * o1[:, None, :]
    rule = TripletSTDP(
        rate=0.7, a2_plus=0.3, a3_plus=0.2, a2_minus=0.25, a3_minus=0.15,
        tau_plus=5.0, tau_minus=8.0, tau_x=13.0, tau_y=21.0, pairing=pairing,
    )  # fmt: skip
    agree(ours(rule), 0.7 * (up - down))
