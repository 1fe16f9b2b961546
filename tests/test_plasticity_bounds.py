"""Bounds, decay, scaling and sums of rules, alone and in a circuit.

References: Gütig et al. (2003) doi:10.1523/JNEUROSCI.23-09-03697.2003 (fixed point 1 / (1 + alpha^(1/mu)));
van Rossum, Bi, Turrigiano (2000) doi:10.1523/JNEUROSCI.20-23-08812.2000. Closed forms within 1e-9.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from bisnn import rng
from bisnn.circuit import Area, Circuit, Projection
from bisnn.initialisers import Uniform
from bisnn.modulators import Dopamine
from bisnn.neurons import IF
from bisnn.plasticity import (
    MSTDP,
    RSTDP,
    Combined,
    CombinedState,
    PairSTDP,
    RMax,
    SoftBounds,
    SynapticScaling,
    WeightDecay,
)
from bisnn.plasticity.soft_bounds import power

ON, OFF = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
KEY = torch.arange(3)


def matrix(*values):
    return torch.tensor([values], dtype=torch.float64).T


class Nothing(NamedTuple):
    pass


@dataclass(frozen=True, kw_only=True)
class Push:
    """Proposes the same change at every synapse: up by `up` for a pre spike, down by `down` for a post spike."""

    up: float = 0.1
    down: float = 0.1
    modulator: None = None

    def init(self, weight: Tensor) -> Nothing:
        return Nothing()

    def step(self, trace, weight, pre, post, level, dt):
        change = pre[..., :, None] * self.up - post[..., None, :] * self.down
        return change + torch.zeros_like(weight), trace


@pytest.mark.parametrize(("mu_plus", "mu_minus"), [(0.0, 0.0), (1.0, 1.0), (0.5, 2.0), (0.0, 1.0), (3.0, 0.02)])
def test_soft_bounds_are_the_published_factors(mu_plus, mu_minus):
    rule = SoftBounds(rule=Push(up=0.3, down=0.2), low=-1.0, high=3.0, mu_plus=mu_plus, mu_minus=mu_minus)
    weights = (-1.0, -0.5, 1.0, 2.2, 3.0)
    up, _ = rule.step(rule.init(matrix(*weights)), matrix(*weights), ON.expand(5), OFF, None, 1.0)
    down, _ = rule.step(rule.init(matrix(*weights)), matrix(*weights), OFF.expand(5), ON, None, 1.0)
    assert up[:, 0].tolist() == pytest.approx([0.3 * ((3.0 - w) / 4.0) ** mu_plus for w in weights], abs=1e-15)
    assert down[:, 0].tolist() == pytest.approx([-0.2 * ((w + 1.0) / 4.0) ** mu_minus for w in weights], abs=1e-15)


def test_outside_soft_bounds_a_weight_only_comes_back():
    rule, weights = SoftBounds(rule=Push(up=0.1, down=0.2), mu_plus=1.0, mu_minus=1.0), matrix(-0.5, 1.5)
    up, _ = rule.step(Nothing(), weights, ON.expand(2), OFF, None, 1.0)
    down, _ = rule.step(Nothing(), weights, OFF.expand(2), ON, None, 1.0)
    assert up[:, 0].tolist() == pytest.approx([0.15, 0.0])
    assert down[:, 0].tolist() == pytest.approx([0.0, -0.3])


@pytest.mark.parametrize(("mu", "alpha"), [(1.0, 1.05), (0.5, 1.3), (0.2, 0.9), (2.0, 3.0)])
def test_the_fixed_point_of_gutig(mu, alpha):
    """Potentiation and depression balance where (1 - w)^mu = alpha w^mu, and push towards that weight."""
    rule, fixed = SoftBounds(rule=Push(up=1.0, down=alpha), mu_plus=mu, mu_minus=mu), 1.0 / (1.0 + alpha ** (1.0 / mu))
    weight = matrix(fixed, 0.5 * fixed, 1.0 - 0.5 * (1.0 - fixed))
    up, _ = rule.step(Nothing(), weight, ON.expand(3), OFF, None, 1.0)
    down, _ = rule.step(Nothing(), weight, OFF.expand(3), ON, None, 1.0)
    drift = (up + down)[:, 0].tolist()
    assert drift[0] == pytest.approx(0.0, abs=1e-12)
    assert drift[1] > 0.05
    assert drift[2] < -0.05


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_powers(dtype):
    base = torch.tensor([0.0, 1e-6, 0.3, 1.0, 7.0], dtype=dtype)
    for exponent in (0.0, 0.02, 0.5, 1.0, 2.5):
        found = power(base, exponent)
        assert found.dtype == dtype
        torch.testing.assert_close(found, base**exponent, rtol=40 * torch.finfo(dtype).eps, atol=0.0)


def test_soft_bounds_pass_on_modulator_reads_and_traces():
    inner = RMax(modulator="reward", rate=0.3)
    rule = SoftBounds(rule=inner)
    assert (rule.modulator, rule.reads) == ("reward", ("expected",))
    weight, level = matrix(0.25), torch.tensor(2.0, dtype=torch.float64)
    ours, theirs = rule.init(weight), inner.init(weight)
    for post in (ON, OFF, OFF):
        change, ours = rule.step(ours, weight, ON, post, level, 1.0, ON * 0.4)
        plain, theirs = inner.step(theirs, weight, ON, post, level, 1.0, ON * 0.4)
        assert float(change) == pytest.approx(float(plain) * (0.75 if float(plain) > 0 else 0.25), abs=1e-15)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("dt", [0.25, 1.0, 10.0])
def test_weights_decay_to_their_target(dt):
    rule, weight = WeightDecay(tau=50.0, target=0.3), matrix(1.0, -0.5, 0.3)
    start = weight
    for _ in range(round(100.0 / dt)):
        weight = weight + rule.step(rule.init(weight), weight, ON.expand(3), ON, None, dt)[0]
    torch.testing.assert_close(weight, 0.3 + (start - 0.3) * math.exp(-2.0), rtol=1e-12, atol=1e-15)


def test_combined_rules_add_up():
    pair, decay, reward = PairSTDP(rate=0.1), WeightDecay(tau=30.0, target=0.7), RSTDP(tau_e=40.0)
    gradient = RMax(rate=0.2)
    rule, weight = Combined(rules=(pair, decay, reward, gradient)), matrix(0.2, 0.9)
    assert (rule.modulator, rule.reads) == ("dopamine", ("expected",))
    assert Combined(rules=(decay, pair)).modulator is None
    both = Combined(rules=(gradient, SoftBounds(rule=gradient), pair))
    assert both.reads == ("expected",), "each name once"
    trace = rule.init(weight)
    alone = [part.init(weight) for part in rule.rules]
    for tick in range(12):
        noise = rng.uniform(torch.tensor(5), "combined", tick, 5).double()
        pre, post, level, p = (noise[:2] < 0.4).double(), (noise[2:3] < 0.5).double(), noise[3], noise[4:]
        total, trace = rule.step(trace, weight, pre, post, level, 1.0, p)
        due = torch.zeros_like(weight)
        for i, part in enumerate(rule.rules):
            heard, more = (None if part.modulator is None else level), ((p,) if part is gradient else ())
            change, alone[i] = part.step(alone[i], weight, pre, post, heard, 1.0, *more)
            due = due + change
        torch.testing.assert_close(total, due, rtol=1e-14, atol=0.0)
    assert float(due.abs().min()) > 0.0
    with pytest.raises(ValueError, match="shorter"):
        rule.step(trace, weight, pre, post, level, 1.0)  # nothing read
    with pytest.raises(ValueError, match="shorter"):
        rule.step(CombinedState(parts=trace.parts[:1]), weight, pre, post, level, 1.0, p)


def test_scaling_by_hand():
    """tau = 100 ms / ln 2: halves per 100 ms; a spike adds 1000 / tau = 10 ln 2 Hz."""
    tau = 100.0 / math.log(2.0)
    rule, weight = SynapticScaling(goal=8.0, tau=tau, rate=1e-4, integral_rate=1e-7), matrix(0.5, -2.0)
    trace, jump = rule.init(weight), 10.0 * math.log(2.0)
    assert float(trace.activity) == 8.0
    assert rule.init(torch.zeros(3, 2, 5, 4)).activity.shape == (3, 2, 4)
    first, trace = rule.step(trace, weight, ON.expand(2), OFF, None, 100.0)
    factor = 4.0 * 100.0 * 1e-4 + 400.0 * 100.0 * 1e-7
    assert first[:, 0].tolist() == pytest.approx([0.5 * factor, -2.0 * factor], rel=1e-12)
    second, trace = rule.step(trace, weight, OFF.expand(2), ON, None, 100.0)
    lack = 8.0 - (2.0 + jump)
    factor = lack * 100.0 * 1e-4 + (400.0 + lack * 100.0) * 100.0 * 1e-7
    assert second[:, 0].tolist() == pytest.approx([0.5 * factor, -2.0 * factor], rel=1e-12)
    plain = SynapticScaling(goal=8.0, tau=tau, rate=1e-4)
    change, _ = plain.step(plain.init(weight), weight, ON.expand(2), OFF, None, 100.0)
    assert change[:, 0].tolist() == pytest.approx([0.5 * 0.04, -2.0 * 0.04], rel=1e-12)


def test_the_running_rate_is_the_rate_of_a_regular_train():
    rule, weight = SynapticScaling(goal=0.0, tau=2000.0, rate=0.0), matrix(1.0)
    trace, seen = rule.init(weight), []
    for tick in range(20_000):
        _, trace = rule.step(trace, weight, OFF, ON * float(tick % 40 == 39), None, 1.0)
        seen.append(float(trace.activity))
    assert sum(seen[-4000:]) / 4000 == pytest.approx(25.0, rel=1e-3)


def test_scaling_brings_a_cell_to_its_goal_and_keeps_the_ratios_of_its_weights():
    """An IF cell under regular input fires at a rate proportional to its weight; scaling finds the goal."""
    rule = SynapticScaling(goal=50.0, tau=200.0, rate=1e-5)
    circuit = Circuit(
        areas={"in": Area(n=4, neuron=IF()), "out": Area(n=1, neuron=IF(threshold=1.0, reset="subtract"))},
        projections=(Projection(source="in", target="out", weight=Uniform(0.02, 0.08), rule=rule, delay=0),),
    )
    state = circuit.init(KEY, dtype=torch.float64)
    before = state.weights["in->out"]
    state, _ = circuit.run(state, {"in": torch.ones(3, 4, dtype=torch.float64)}, steps=8000)
    after = state.weights["in->out"]
    assert 1000.0 * float(before.sum((-1, -2)).min()) > 100.0, "far above the goal at first"
    torch.testing.assert_close(1000.0 * after.sum((-1, -2)), torch.full((3,), 50.0).double(), rtol=0.05, atol=0.0)
    ratios = after / before
    torch.testing.assert_close(ratios, ratios[:, :1].expand_as(ratios), rtol=1e-9, atol=0.0)


@pytest.mark.parametrize(
    "rule",
    [
        PairSTDP(rate=0.5, a_minus=0.3),
        PairSTDP(rate=-0.5),
        RSTDP(rate=0.5),
        MSTDP(rate=0.5),
        WeightDecay(tau=2.0, target=9.0),
    ],
)
@pytest.mark.parametrize("bounds", [(-0.2, 0.4), (0.1, 0.11)])
def test_the_circuit_holds_every_rule_to_hard_bounds(rule, bounds):
    circuit = Circuit(
        areas={"in": Area(n=5, neuron=IF()), "out": Area(n=4, neuron=IF())},
        projections=(Projection(source="in", target="out", weight=Uniform(0.1, 0.11), rule=rule, bounds=bounds),),
        modulators={"dopamine": Dopamine()},
    )
    state = circuit.init(KEY)
    reached = torch.zeros(2, dtype=torch.bool)
    for tick in range(60):
        drive = {name: (rng.uniform(KEY, name, tick, n) < 0.4).float() for name, n in (("in", 5), ("out", 4))}
        state = circuit.step(state, drive, {"dopamine": rng.uniform(KEY, "da", tick, 1)[:, 0] - 0.5})
        weight = state.weights["in->out"]
        assert float(weight.min()) >= bounds[0] - 1e-7
        assert float(weight.max()) <= bounds[1] + 1e-7
        at = [bool((weight == torch.tensor(bound)).any()) for bound in bounds]
        reached |= torch.tensor(at)
    assert bool(reached.any()), "a bound was reached"
    if not isinstance(rule, WeightDecay):
        assert bool(reached.all())
