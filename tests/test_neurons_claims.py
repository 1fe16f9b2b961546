"""Every neuron of bisnn keeps the claims it states, and `bisnn.testing.claims` finds those that are not kept.

Claims are exact or analytic and stand in the modules of the neurons; tolerances are those of bisnn/testing/claims.py.
"""

import math
from dataclasses import dataclass, replace

import pytest
import torch

from bisnn.neurons import (
    IF,
    LIF,
    PRESETS,
    AdaptiveLIF,
    EscapeRateLIF,
    ExponentialIF,
    HomeostaticLIF,
    Izhikevich,
    Poisson,
    Scripted,
)
from bisnn.testing.claims import check_claims, hold_to_claims, simulate, stated
from bisnn.testing.kinds import examples, modules

NEURONS = [neuron for module in modules("bisnn.neurons") for neuron in examples(module)]
QUICK = [(1.0, torch.float64), (0.5, torch.float32)]
THOROUGH = [(dt, dtype) for dt in (1.0, 0.5, 0.3, 0.125, 0.1) for dtype in (torch.float32, torch.float64)]


@pytest.mark.parametrize("neuron", NEURONS, ids=repr)
@pytest.mark.parametrize(("dt", "dtype"), QUICK)
def test_claims(neuron, dtype, dt):
    assert hold_to_claims(neuron, dtype, dt) == []


@pytest.mark.slow
@pytest.mark.parametrize("neuron", NEURONS, ids=repr)
@pytest.mark.parametrize(("dt", "dtype"), [case for case in THOROUGH if case not in QUICK])
def test_claims_at_every_tick_and_dtype(neuron, dtype, dt):
    assert hold_to_claims(neuron, dtype, dt) == []


def test_who_claims_what():
    assert stated(IF()) == ("rate",)
    assert stated(LIF()) == stated(AdaptiveLIF()) == stated(ExponentialIF()) == ("period", "fixed_point")
    assert stated(EscapeRateLIF()) == stated(HomeostaticLIF()) == stated(Poisson()) == ("rate",)
    assert stated(Izhikevich()) == ("fixed_point",)
    assert stated(Scripted()) == ()


@dataclass(frozen=True, kw_only=True)
class Plain:
    """A user's neuron that states only what it must: perfect integration, reset to 0."""

    threshold: float = 30.0
    wrong: float = 0.0

    def init(self, shape, like):
        return IF().init(shape, like)

    def step(self, state, current, dt):
        v = state.v + (current - 4.0).clamp(min=0.0) * dt
        spikes = (v >= self.threshold).to(v.dtype)
        return spikes, state._replace(v=v * (1.0 - spikes))

    def period(self, current):
        return self.threshold / (current - 4.0) + self.wrong if current > 4.0 else math.inf


def test_a_neuron_of_a_user_is_held_to_its_claim():
    check_claims(Plain(), torch.float64, 0.5)
    with pytest.raises(AssertionError, match="simulated intervals are"):
        check_claims(Plain(wrong=1.5), torch.float64, 0.5)
    with pytest.raises(AssertionError, match="simulated intervals are"):
        check_claims(Plain(wrong=-1.5), torch.float64, 0.5)


def broken(base, **methods):
    return dataclass(frozen=True, kw_only=True)(type("Broken", (base,), methods))


def forgets_to_hold(self, state, current, dt, *noise):
    return type(self).__mro__[1].step(self, state._replace(hold=torch.zeros_like(state.hold)), current, dt, *noise)


def holds_a_tick_more(self, state, current, dt, *noise):
    spikes, after = type(self).__mro__[1].step(self, state, current, dt, *noise)
    return spikes, after._replace(hold=after.hold + spikes)


def leaks_the_other_way(self, state, current, dt, *noise):
    return type(self).__mro__[1].step(self, state._replace(v=state.v * 1.01), current, dt, *noise)


def fires_when_it_likes(self, state, current, dt, *noise):
    spikes, after = type(self).__mro__[1].step(self, state, current, dt, *noise)
    return 1.0 - spikes, after


FAULTS = [forgets_to_hold, holds_a_tick_more, leaks_the_other_way, fires_when_it_likes]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("model", [LIF, AdaptiveLIF, ExponentialIF, EscapeRateLIF])
def test_a_fault_in_a_step_is_found(model, fault):
    assert hold_to_claims(broken(model, step=fault)(), torch.float64, 1.0)


def test_a_wrong_rate_is_found():
    for model in (IF, EscapeRateLIF, Poisson, HomeostaticLIF):
        wrong = broken(model, rate=lambda self, current, dt, model=model: 1.1 * model.rate(self, current, dt))
        found = hold_to_claims(wrong(), torch.float64, 1.0)
        assert any("spikes per tick, but" in what or "cannot be" in what for what in found), model


def test_a_wrong_rest_is_found():
    def beside(self, current, dt=None):
        point = Izhikevich.fixed_point(self, current, dt)
        return point and {**point, "v": point["v"] + 0.2}

    moved = broken(Izhikevich, fixed_point=beside)
    found = hold_to_claims(moved(v_init=-70.0), torch.float64, 0.5)
    assert any("v came to" in what for what in found)
    assert any("a step from there takes v" in what for what in found)
    nowhere = broken(LIF, fixed_point=lambda self, current: None)
    assert any("rests at no current" in what for what in hold_to_claims(nowhere(), torch.float64, 1.0))
    misnamed = broken(LIF, fixed_point=lambda self, current: {"u": 0.0} if current < 1 else None)
    assert any("its state has no u" in what for what in hold_to_claims(misnamed(), torch.float64, 1.0))


def test_claims_that_say_nothing_are_found():
    vague = broken(LIF, period_bounds=lambda self, current, dt: (0.0, 1e9))
    assert any("claim next to nothing" in what for what in hold_to_claims(vague(), torch.float64, 1.0))
    mute = broken(LIF, period=lambda self, current: math.inf)
    assert any("no current was found" in what for what in hold_to_claims(mute(), torch.float64, 1.0))


def test_rest_without_input_is_not_needed():
    """Inhibition-induced spiking rests only while it is driven."""
    neuron = PRESETS["inhibition-induced spiking"].neuron
    assert neuron.fixed_point(0.0) is None
    assert hold_to_claims(neuron, torch.float64, 0.5) == []
    at = neuron.fixed_point(80.0)
    moved = broken(Izhikevich, fixed_point=lambda self, current, dt=None: None if current < 79 else {**at, "u": 60.0})
    assert hold_to_claims(moved(**vars(neuron)), torch.float64, 0.5)


def test_periods_are_equal_to_the_tick():
    """Where a spike forgets everything, all intervals are the same number of ticks."""
    for neuron in (LIF(), LIF(tau=7.0, reset=-0.3, refractory=0.0), ExponentialIF(), IF(threshold=3.3)):
        spikes, _ = simulate(neuron, torch.tensor([1.07, 1.9, 5.3], dtype=torch.float64), 0.5, 1200)
        for train in spikes.unbind(-1):
            gaps = train.nonzero()[:, 0].diff()
            assert len(gaps) > 1
            assert int(gaps.max()) == int(gaps.min())


def test_adaptation_slows_down():
    spikes, _ = simulate(AdaptiveLIF(), torch.tensor([2.0], dtype=torch.float64), 0.5, 2000)
    gaps = spikes[:, 0].nonzero()[:, 0].diff().tolist()
    assert gaps[0] * 0.5 == pytest.approx(AdaptiveLIF(jump=0.0).period(2.0), abs=6.0)
    assert gaps[0] < gaps[2] <= gaps[-1] + 1
    assert gaps[-1] * 0.5 == pytest.approx(AdaptiveLIF().period(2.0), abs=0.5)


def test_noise_is_the_same_for_the_same_key():
    one, _ = simulate(EscapeRateLIF(), torch.full((40,), 1.2), 1.0, 300)
    two, _ = simulate(EscapeRateLIF(), torch.full((40,), 1.2), 1.0, 300)
    assert torch.equal(one, two)
    assert 0 < float(one.mean()) < 1
    assert len({tuple(train.tolist()) for train in one.unbind(-1)}) == 40, "every unit its own"


def test_a_pinned_membrane_fires_as_a_bernoulli_process():
    """Potential held at u: every tick an independent toss with p = 1 - exp(-rho dt); counts within 5 sigma."""
    neuron = replace(EscapeRateLIF(), reset=None, refractory=0.0)
    for u in (0.6, 1.0, 1.3):
        state = neuron.init((500,), torch.zeros((), dtype=torch.float64))
        p = 1.0 - math.exp(-0.06 * math.exp((u - 1.0) / 0.2) * 0.5)
        start = state._replace(v=torch.full_like(state.v, u))
        noise = torch.linspace(0.0, 1.0, 501, dtype=torch.float64)[:-1]
        spikes, after = neuron.step(start, torch.full_like(start.v, u), 0.5, noise)
        assert float(after.expected[0]) == pytest.approx(p, abs=1e-12)
        assert int(spikes.sum()) == math.ceil(500 * p), "exactly the noise below p"
