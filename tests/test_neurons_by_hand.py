"""Steps of every neuron model by hand, with parameters other than the defaults.

References are exact values worked out from the equation in the model's docstring (1e-12 in float64).
"""

import math

import pytest
import torch

from bisnn.neurons import (
    LIF,
    AdaptiveLIF,
    EscapeRateLIF,
    ExponentialIF,
    HomeostaticLIF,
    StochasticNeuron,
)

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


def test_lif():
    neuron = LIF(tau=2.0 / math.log(2.0), threshold=3.0, reset=-1.0, refractory=3.0)  # a tick of 2 ms halves
    found = history(neuron, [4.0, 8.0, 9.0, 9.0, 4.0, 100.0], dt=2.0)
    assert field(found, "v") == pytest.approx([2.0, -1.0, -1.0, -1.0, 1.5, -1.0], abs=CLOSE)
    assert spikes_of(found) == [0, 1, 0, 0, 0, 1], "v = 5 fires, then two ticks are held (1.5 rounded to even)"
    assert field(found, "hold") == [0, 2, 1, 0, 0, 2]
    assert spikes_of(history(neuron, [6.0], dt=2.0)) == [1], "the threshold itself fires"
    assert spikes_of(history(neuron, [6.0 - 1e-9], dt=2.0)) == [0]
    assert neuron.period(5.0) == pytest.approx(3.0 + neuron.tau * math.log(6.0 / 2.0), abs=CLOSE)
    assert neuron.period(3.0) == math.inf
    low, high = neuron.period_bounds(5.0, 2.0)
    assert (low, high) == pytest.approx((neuron.period(5.0) + 1.0, neuron.period(5.0) + 3.0), abs=CLOSE)
    assert neuron.fixed_point(2.5) == {"v": 2.5, "hold": 0.0}
    assert neuron.fixed_point(3.0) is None


def test_adaptive_lif():
    neuron = AdaptiveLIF(
        tau=1.0 / math.log(2.0), tau_w=2.0 / math.log(2.0), jump=0.5, threshold=1.0, reset=-0.5, refractory=1.0
    )
    q = math.sqrt(0.5)  # a tick of 1 ms halves v, two halve w
    pull = (q - 0.5) / (1.0 - 0.5)
    found = history(neuron, [1.0, 3.0, 9.0, 2.0, 0.0])
    v = [0.5, -0.5, -0.5, -0.25 + 1.0 - 0.5 * q * pull]
    w = [0.0, 0.5, 0.5 * q, 0.25]
    v.append(v[3] / 2 - 0.25 * pull)
    w.append(0.25 * q)
    assert spikes_of(found) == [0, 1, 0, 0, 0]
    assert field(found, "v") == pytest.approx(v, abs=CLOSE)
    assert field(found, "w") == pytest.approx(w, abs=CLOSE)
    assert field(found, "hold") == [0, 1, 0, 0, 0]
    assert spikes_of(history(neuron, [2.0, 0.0])) == [1, 0], "the threshold itself fires"


def test_adaptation_is_integrated_exactly():
    """Against 2^16 Euler steps of the equation, for time constants apart, equal, and the other way round."""
    for tau, tau_w in ((20.0, 100.0), (12.0, 12.0), (30.0, 7.0)):
        neuron = AdaptiveLIF(tau=tau, tau_w=tau_w, threshold=50.0, refractory=0.0)
        state = neuron.init((1,), torch.zeros((), dtype=torch.float64))._replace(
            w=torch.full((1,), 2.0, dtype=torch.float64), v=torch.full((1,), 0.3, dtype=torch.float64)
        )
        _, after = neuron.step(state, torch.full((1,), 1.5, dtype=torch.float64), 8.0)
        v, w, h = 0.3, 2.0, 8.0 / 2**16
        for _ in range(2**16):
            v, w = v + h * (1.5 - v - w) / tau, w - h * w / tau_w
        assert float(after.v) == pytest.approx(v, abs=2e-4)
        assert float(after.w) == pytest.approx(w, abs=2e-4)


def test_adaptive_period():
    plain, none = LIF(tau=9.0, reset=-0.2, refractory=1.5), AdaptiveLIF(tau=9.0, reset=-0.2, refractory=1.5, jump=0.0)
    for current in (1.01, 1.4, 3.0):
        assert none.period(current) == pytest.approx(plain.period(current), abs=1e-9), "without a jump it is LIF"
    assert none.period(1.0) == math.inf
    neuron = AdaptiveLIF(jump=0.4)
    for current in (1.2, 2.0, 5.0):
        period = neuron.period(current)
        w = 0.4 / (1 - math.exp(-period / 100.0)) * math.exp(-2.0 / 100.0)
        free = period - 2.0
        v = current * (1 - math.exp(-free / 20.0))
        v -= w * (math.exp(-free / 100.0) - math.exp(-free / 20.0)) / (1 - 20.0 / 100.0)
        assert v == pytest.approx(1.0, abs=1e-9)
        assert period > LIF().period(current)
        assert neuron.period_bounds(current, 0.5) == (period, period + 0.5)
        low, high = neuron.period_bounds(current, 0.8)  # 2 ms: 2.5 ticks, rounded to 2, are 1.6 ms
        assert high == low + 0.8
        assert low == pytest.approx(AdaptiveLIF(jump=0.4, refractory=1.6).period(current))
    assert neuron.settling == 800.0
    first = spikes_of(history(neuron, [2.0] * 200)).index(1.0)
    assert first == spikes_of(history(LIF(), [2.0] * 200)).index(1.0), "the first spike is that of LIF"
    assert neuron.fixed_point(0.5) == {"v": 0.5, "w": 0.0, "hold": 0.0}
    assert neuron.fixed_point(1.0) is None


def test_escape_rate():
    neuron = EscapeRateLIF(tau=1.0 / math.log(2.0), threshold=2.0, delta_u=0.5, rho0=0.3, reset=-1.0, refractory=2.0)

    def p(v):
        return 1.0 - math.exp(-0.3 * math.exp((v - 2.0) / 0.5))

    noise = [0.5, p(2.25) - 1e-9, 0.0, 0.0, 1.0 - 2.0**-24]
    found = history(neuron, [2.0, 3.5, 50.0, 50.0, 5.0], noise=noise)
    assert spikes_of(found) == [0, 1, 0, 0, 0], "noise just below p fires; while it holds even 0 does not"
    assert field(found, "v") == pytest.approx([1.0, -1.0, -1.0, -1.0, 2.0], abs=CLOSE)
    assert field(found, "hold") == [0, 2, 1, 0, 0]
    assert field(found, "expected") == pytest.approx([p(1.0), p(2.25), 0.0, 0.0, p(2.0)], abs=CLOSE)
    at = history(neuron, [2.0], noise=[float(neuron.probability(torch.tensor(1.0, dtype=torch.float64), 1.0))])
    assert spikes_of(at) == [0], "noise equal to p does not fire"
    half = neuron.probability(torch.tensor([2.0, -1e9, 1e9], dtype=torch.float64), 0.5)
    assert half.tolist() == pytest.approx([1.0 - math.exp(-0.15), 0.0, 1.0], abs=CLOSE)
    assert isinstance(neuron, StochasticNeuron)
    assert not isinstance(LIF(), StochasticNeuron)


def test_escape_rate_without_a_reset():
    neuron = EscapeRateLIF(tau=1.0 / math.log(2.0), threshold=1.0, delta_u=1.0, rho0=9.0, reset=None, refractory=2.0)
    found = history(neuron, [2.0, 2.0, 2.0, 2.0], noise=[0.0] * 4)
    assert field(found, "v") == pytest.approx([1.0, 1.5, 1.75, 1.875], abs=CLOSE), "it integrates while it holds"
    assert spikes_of(found) == [1, 0, 0, 1]
    p = 1.0 - math.exp(-9.0 * math.e)
    assert neuron.rate(2.0, 1.0) == pytest.approx(p / (1.0 + 2.0 * p), abs=CLOSE)
    assert neuron.rate(2.0, 0.5) == pytest.approx(1.0 / (4.0 + 1.0 / (1.0 - math.exp(-4.5 * math.e))), abs=CLOSE)


def test_escape_rate_of_renewals():
    neuron = EscapeRateLIF(tau=5.0, threshold=1.0, delta_u=0.3, rho0=0.2, reset=-0.4, refractory=3.0)
    for current in (0.2, 1.0, 2.5):
        survival, mean, v = 1.0, 3.0, -0.4
        for _ in range(40_000):
            v = v * math.exp(-0.2) + current * (1 - math.exp(-0.2))
            mean += survival
            survival *= math.exp(-0.2 * math.exp((v - 1.0) / 0.3))
        assert neuron.rate(current, 1.0) == pytest.approx(1.0 / mean, rel=1e-9)
    assert neuron.rate(-1e4, 1.0) == 0.0
    assert neuron.rate(1e6, 1.0) == pytest.approx(0.25), "3 ticks of rest and one to fire"
    assert neuron.settling == 31.0


def test_exponential_if():
    neuron = ExponentialIF(
        tau=0.5 / math.log(2.0), rest=0.5, threshold=2.0, slope=0.5, peak=4.0, reset=-0.5, refractory=2.0
    )  # half a tick halves the distance
    tau = neuron.tau
    found = history(neuron, [0.5, 3.5, 0.0, 0.0, 1.0])
    middle = 0.5 * (0.5 + 1.0)
    leaked = middle - 0.5 * math.log(1.0 - math.exp((middle - 2.0) / 0.5) / tau)
    first = 0.5 * (leaked + 1.0)
    assert first == pytest.approx(found[0][1]["v"], abs=CLOSE)
    assert spikes_of(found) == [0, 1, 0, 0, 0], "the exponential blows up within the second tick"
    assert field(found, "hold") == [0, 2, 1, 0, 0]
    assert field(found, "v")[1:4] == [-0.5, -0.5, -0.5]
    middle = 0.5 * (-0.5 + 1.5)
    leaked = middle - 0.5 * math.log(1.0 - math.exp((middle - 2.0) / 0.5) / tau)
    assert found[4][1]["v"] == pytest.approx(0.5 * (leaked + 1.5), abs=CLOSE)
    assert neuron.rheobase == 1.0
    start = neuron.init((2,), torch.zeros((), dtype=torch.float64))
    assert start.v.tolist() == [0.5, 0.5]


def test_exponential_if_fires_at_its_peak():
    """Far below the upstroke the exponential adds nothing, and the potential is that of a leaky integrator."""
    neuron = ExponentialIF(tau=1.0 / math.log(2.0), threshold=50.0, slope=0.5, peak=60.0, reset=1.0)
    found = history(neuron, [16.0, 0.0])
    assert field(found, "v") == pytest.approx([8.0, 4.0], abs=CLOSE)
    state = neuron.init((2,), torch.zeros((), dtype=torch.float64))._replace(
        v=torch.tensor([59.0, 61.0], dtype=torch.float64)
    )
    spikes, after = neuron.step(state, torch.zeros(2, dtype=torch.float64), 1e-12)
    assert spikes.tolist() == [0.0, 1.0]
    assert after.v.tolist() == pytest.approx([59.0, 1.0], abs=1e-3)


def test_exponential_period():
    neuron = ExponentialIF(tau=12.0, rest=-0.3, threshold=0.9, slope=0.25, peak=2.5, reset=-0.6, refractory=1.5)
    assert neuron.rheobase == pytest.approx(0.95)
    for more in (0.01, 0.2, 3.0):
        current = neuron.rheobase + more
        n, total = 200_000, 0.0
        for i in range(n):
            v = -0.6 + 3.1 * (i + 0.5) / n
            total += 12.0 / (-(v + 0.3) + 0.25 * math.exp((v - 0.9) / 0.25) + current)
        assert neuron.period(current) == pytest.approx(1.5 + total * 3.1 / n, rel=1e-6)
    assert neuron.period(neuron.rheobase) == math.inf
    assert neuron.period(-3.0) == math.inf
    beyond = ExponentialIF(reset=1.5)
    assert math.isfinite(beyond.period(0.0)), "reset beyond the unstable point: it fires on without input"
    assert beyond.period(-3.0) == math.inf
    period = neuron.period(2.0)
    error, driven = 0.25 * (0.4 / 12.0) ** 2 * (period + 0.1), (2.0 - 0.3 - 0.9) * 0.4 / (12.0 * 0.25)
    assert neuron.period_bounds(2.0, 0.4) == pytest.approx(  # 1.5 ms: 3.75 ticks, rounded to 4, are 1.6 ms
        (period + 0.1 - error, period + 0.5 + error + 0.05 * driven * 0.4), abs=1e-9
    )
    at = neuron.rheobase + 0.01
    extra = 0.25 * (0.5 / 12.0) ** 2 * neuron.period(at)
    assert neuron.period_bounds(at, 0.5)[1] == pytest.approx(neuron.period(at) + 0.5 + extra, abs=1e-9)


def test_exponential_rest():
    neuron = ExponentialIF()
    for current in (-2.0, 0.0, 0.5, 0.79):
        v = neuron.fixed_point(current)["v"]
        assert current - v + 0.2 * math.exp((v - 1.0) / 0.2) == pytest.approx(0.0, abs=1e-9)
        assert v < 1.0, "the stable one"
        coarse, fine = (neuron.fixed_point(current, dt)["v"] - v for dt in (2.0, 1.0))
        assert abs(coarse) < 5e-3
        assert coarse == pytest.approx(4.0 * fine, rel=0.1, abs=1e-10), "the scheme errs by O(dt^2)"
    assert neuron.fixed_point(0.8) is None
    assert neuron.fixed_point(0.7)["hold"] == 0.0


def test_homeostatic_lif():
    neuron = HomeostaticLIF(
        tau=1.0 / math.log(2.0), threshold=2.0, lowest=1.75, reset=-1.0, refractory=2.0, target=100.0, rise=0.5
    )
    found = history(neuron, [4.0, 9.0, 9.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0])
    assert spikes_of(found) == [1, 0, 0, 0, 0, 0, 0, 0, 0], "the threshold itself fires"
    assert field(found, "v")[:5] == pytest.approx([-1.0, -1.0, -1.0, 0.5, 1.25], abs=CLOSE)
    assert field(found, "hold")[:4] == [2, 1, 0, 0]
    assert field(found, "theta") == pytest.approx([2.45 - 0.05 * tick for tick in range(9)], abs=CLOSE)
    silent = history(neuron, [0.0] * 9)
    assert field(silent, "theta")[3:6] == pytest.approx([1.8, 1.75, 1.75], abs=CLOSE), "no lower than the lowest"
    assert neuron.settling == pytest.approx(0.25 / 0.05)


def test_homeostasis_counts_exactly():
    neuron = HomeostaticLIF(target=25.0, rise=0.04)
    found = history(neuron, [2.0 + math.sin(tick / 9.0) for tick in range(3000)], dt=0.5)
    theta = field(found, "theta")
    assert min(theta) > neuron.lowest
    count = sum(spikes_of(found))
    assert count == pytest.approx(25.0 * 1.5 + (theta[-1] - 1.0) / 0.04, abs=1e-6)


def test_homeostatic_rate():
    neuron = HomeostaticLIF(tau=1.0 / math.log(2.0), threshold=2.0, lowest=0.5, refractory=2.0, target=50.0)
    assert neuron.rate(0.4, 1.0) == 0.0
    assert neuron.rate(0.5, 1.0) == 0.0, "it never quite reaches its own asymptote"
    assert neuron.rate(9.0, 0.5) == pytest.approx(0.025)
    assert HomeostaticLIF(tau=1.0 / math.log(2.0), lowest=0.5, refractory=2.0, target=300.0).rate(
        0.6, 1.0
    ) == pytest.approx(1.0 / (3 + 2)), "0.3, 0.45, 0.525: three ticks to the lowest threshold"
