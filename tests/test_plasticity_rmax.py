"""R-max: no drift, the score of an escape-rate neuron, and the gradient of expected reward.

References: Xie & Seung (2004) doi:10.1103/PhysRevE.69.041909; Frémaux, Sprekeler, Gerstner (2010)
doi:10.1523/JNEUROSCI.6249-09.2010. Means over 4000 individuals within 4 standard errors.
"""

import math

import pytest
import torch

from bisnn import rng
from bisnn.circuit import Area, Circuit, Projection
from bisnn.initialisers import Constant
from bisnn.modulators import Dopamine
from bisnn.neurons import IF, EscapeRateLIF
from bisnn.plasticity import PairSTDP, RMax

KEY = torch.arange(4000)
PRE, POST = 3, 2


def draws(tick):
    """Presynaptic spikes and spike probabilities (the same for all), uniforms of every individual."""
    noise = rng.uniform(KEY, "rmax/post", tick, POST)
    some = rng.uniform(torch.tensor(77), "rmax/input", tick, PRE + POST)
    pre = (some[:PRE] < 0.4).double().expand(len(KEY), PRE)
    expected = (some[PRE:] * 0.8).double().expand(len(KEY), POST)
    return pre, expected, (noise < expected).double()


def lived(rule, level, ticks=40):
    """Total weight change and last trace of all individuals under a constant level."""
    weight = torch.zeros(len(KEY), PRE, POST, dtype=torch.float64)
    trace, total = rule.init(weight), torch.zeros_like(weight)
    for tick in range(ticks):
        pre, expected, post = draws(tick)
        more = (expected,) if isinstance(rule, RMax) else ()
        heard = level if rule.modulator else None
        change, trace = rule.step(trace, weight, pre, post, heard, 1.0, *more)
        total = total + change
    return total, trace


def errors(values):
    """Mean over individuals in standard errors, `[pre, post]`."""
    return values.mean(0) / (values.std(0) / math.sqrt(len(values)))


def test_the_eligibility_is_zero_on_average_whatever_drives_the_cell():
    rule = RMax(rate=1.0, tau_e=25.0, tau_membrane=8.0, tau_synapse=3.0, delta_u=0.3, gain=0.4)
    total, trace = lived(rule, torch.ones(len(KEY), dtype=torch.float64))
    assert float(trace.eligibility.std(0).min()) > 1.0, "it does move"
    assert float(errors(trace.eligibility).abs().max()) < 4.0
    assert float(errors(total).abs().max()) < 4.0, "a constant reward teaches nothing"
    hebbian, _ = lived(PairSTDP(a_minus=0.0), torch.ones(len(KEY), dtype=torch.float64))
    assert float(errors(hebbian).min()) > 40.0, "a rule whose eligibility has a mean drifts"


def test_reward_for_a_spike_moves_the_weight_by_the_covariance():
    """E[dw] = rate Cov(R, e) for R = spike of cell 0: p (1 - p) u / delta_u at its synapses, 0 at the other cell's."""
    rule = RMax(rate=0.5, tau_e=1000.0, tau_membrane=8.0, delta_u=0.5, gain=0.4)
    weight = torch.zeros(len(KEY), PRE, POST, dtype=torch.float64)
    trace, u = rule.init(weight), torch.zeros(PRE, dtype=torch.float64)
    for tick in range(6):
        pre, expected, post = draws(tick)
        _, trace = rule.step(trace, weight, pre, post, torch.zeros(len(KEY), dtype=torch.float64), 1.0, expected)
        u = u * math.exp(-1.0 / 8.0) + pre[0] * 0.4
    reward = post[:, 0]
    change, _ = rule.step(trace, weight, pre, post, reward, 1.0, expected)
    p = float(expected[0, 0])
    due = 0.5 * p * (1.0 - p) * u / 0.5
    spread = change.std(0) / math.sqrt(len(KEY))
    assert bool((due > 20.0 * spread[:, 0]).all())
    assert bool(((change.mean(0)[:, 0] - due).abs() < 4.0 * spread[:, 0]).all())
    assert bool((change.mean(0)[:, 1].abs() < 4.0 * spread[:, 1]).all())


@pytest.mark.parametrize("tau_synapse", [0.0, 4.0])
def test_the_eligibility_is_the_score_of_an_escape_rate_neuron(tau_synapse):
    """d ln P(spikes) / dw by autograd, for P(spike) = 1 - exp(-rho0 exp(u / delta_u)), to first order in P."""
    rho0, delta_u, gain, tau = 1e-4, 0.5, 0.2, 10.0
    weight = torch.tensor([[0.3], [-0.2], [0.1]], dtype=torch.float64, requires_grad=True)
    rule = RMax(rate=1.0, tau_e=1e12, tau_membrane=tau, tau_synapse=tau_synapse, delta_u=delta_u, gain=gain)
    trace, g, u, likelihood = rule.init(weight), torch.zeros(1), torch.zeros(1), torch.zeros(())
    for tick in range(60):
        pre = (rng.uniform(torch.tensor(3), "score/pre", tick, 3) < 0.3).double()
        post = torch.tensor([float(tick in (5, 17, 18, 40))], dtype=torch.float64)
        g = g * (math.exp(-1.0 / tau_synapse) if tau_synapse else 0.0) + pre @ weight
        u = u * math.exp(-1.0 / tau) + gain * g
        hazard = rho0 * torch.exp(u / delta_u)
        expected = -torch.expm1(-hazard)
        likelihood = likelihood + (post * torch.log(expected) - (1.0 - post) * hazard).sum()
        with torch.no_grad():
            _, trace = rule.step(trace, weight, pre, post, torch.zeros(()), 1.0, expected.detach())
    (score,) = torch.autograd.grad(likelihood, weight)
    torch.testing.assert_close(trace.eligibility, score, rtol=2e-3, atol=0.0)


def test_a_few_ticks_by_hand():
    """u = .5, .25 + .5, .375: decay 1/2 per tick; e decays by 1/4."""
    rule = RMax(rate=2.0, tau_e=1.0 / math.log(4.0), tau_membrane=1.0 / math.log(2.0), delta_u=0.5, gain=0.5)
    weight, one = torch.zeros(1, 1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    trace, found, level = rule.init(weight), [], torch.tensor(3.0, dtype=torch.float64)
    for pre, post, expected in ((1.0, 0.0, 0.25), (1.0, 1.0, 0.5), (0.0, 1.0, 0.0), (0.0, 0.0, 0.5)):
        change, trace = rule.step(trace, weight, one * pre, one * post, level, 1.0, one * expected)
        found.append(float(change))
    e0 = -0.25 * 0.5 / 0.5
    e1 = e0 / 4 + 0.5 * 0.75 / 0.5
    e2 = e1 / 4 + 1.0 * 0.375 / 0.5
    assert found == pytest.approx([0.0, 6 * e0, 6 * e1, 6 * e2], abs=1e-14)


@pytest.mark.parametrize("reset", [None, 0.0])
def test_in_a_circuit_a_constant_reward_moves_no_weight_on_average(reset):
    cell = EscapeRateLIF(threshold=0.5, delta_u=0.5, rho0=0.1, reset=reset)
    rule = RMax(rate=0.2, tau_e=50.0, tau_membrane=cell.tau, delta_u=cell.delta_u, gain=1.0 - math.exp(-1.0 / cell.tau))
    circuit = Circuit(
        areas={"in": Area(n=PRE, neuron=IF()), "out": Area(n=POST, neuron=cell)},
        projections=(Projection(source="in", target="out", weight=Constant(0.5), rule=rule, bounds=(-9.0, 9.0)),),
        modulators={"dopamine": Dopamine(tau=0.0)},
    )
    state, drive = circuit.init(KEY, dtype=torch.float64), torch.ones(len(KEY), PRE, dtype=torch.float64)
    before, fired = state.weights["in->out"], 0.0
    for _ in range(30):
        state = circuit.step(state, {"in": drive}, {"dopamine": torch.full((len(KEY),), 0.05, dtype=torch.float64)})
        fired += float(state.spikes["out"][0].mean()) / 30
    moved = state.weights["in->out"] - before
    assert 0.05 < fired < 0.5
    assert float(moved.std(0).min()) > 1e-3
    # weights feed back on the rate within the run, to second order in the change
    assert float(errors(moved).abs().max()) < 4.0
