"""Every plasticity rule: its window, the reward's timing, a few ticks by hand, and what is refused.

References: those of the rules; windows within 1e-9 (float64), values by hand within 1e-12.
"""

import importlib
import math
import pkgutil
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

import bisnn.plasticity as package
from bisnn.errors import ConfigError, UnknownName
from bisnn.plasticity import (
    MSTDP,
    MSTDPET,
    RSTDP,
    TDSTDP,
    Combined,
    PairSTDP,
    PreTraceSTDP,
    RMax,
    SoftBounds,
    SynapticScaling,
    TripletSTDP,
    WeightDecay,
)
from bisnn.plasticity.base import outer, timing, window_tau
from bisnn.testing.windows import hold_to_timing, hold_to_window

MODULES = [
    importlib.import_module(f"bisnn.plasticity.{found.name}")
    for found in pkgutil.iter_modules(package.__path__)
    if found.name != "base"
]
EXAMPLES = [(f"{type(one).__name__}-{i}", one) for module in MODULES for i, one in enumerate(module.EXAMPLES)]
NAMED = pytest.mark.parametrize("rule", [one for _, one in EXAMPLES], ids=[name for name, _ in EXAMPLES])
WITH_WINDOW = {"MSTDP", "MSTDPET", "PairSTDP", "PreTraceSTDP", "RMax", "RSTDP", "TDSTDP", "TripletSTDP"}
ONE = torch.ones(1, dtype=torch.float64)
HALF = 1.0 / math.log(2.0)  # ms: decays by 1/2 per ms


@NAMED
def test_the_window_is_what_the_steps_do(rule):
    assert hasattr(rule, "window") == (type(rule).__name__ in WITH_WINDOW)
    if window_tau(rule) == 0.0:  # a level that lasts takes seconds: left to the exams
        assert hold_to_window(rule) == []


@NAMED
def test_the_level_of_a_tick_acts_on_the_ticks_before(rule):
    assert timing(rule) == "past"
    assert hold_to_timing(rule) == []


@NAMED
def test_a_rule_is_a_frozen_plan_of_named_fields(rule):
    assert rule.__dataclass_params__.frozen
    assert all(field.kw_only for field in fields(rule))


def test_every_docstring_says_when_the_reward_acts():
    for module in MODULES:
        assert "Reward's timing:" in str(module.__doc__), module.__name__


class State(NamedTuple):
    eligibility: Tensor
    x: Tensor


@dataclass(frozen=True, kw_only=True)
class Now:
    """Hebbian rule of a user: the level acts on this tick's pairs too."""

    timing = "present"
    modulator: str = "dopamine"
    forget: float = 0.5
    tau: float = 10.0

    def init(self, weight):
        return State(torch.zeros_like(weight), torch.zeros_like(weight[..., 0]))

    def step(self, trace, weight, pre, post, level, dt):
        x = trace.x * math.exp(-dt / self.tau) + pre
        eligibility = trace.eligibility * self.forget + outer(x, post)
        return eligibility * level[..., None, None], State(eligibility, x)

    def window(self, gap):
        return math.exp(-gap / self.tau) if gap >= 0 else 0.0


def test_a_rule_whose_level_acts_at_once_says_so():
    assert hold_to_window(Now()) == []
    assert hold_to_timing(Now()) == []


def test_rules_around_rules_have_the_timing_of_what_is_in_them():
    assert timing(SoftBounds(rule=Now())) == "present"
    assert timing(Combined(rules=(RSTDP(), Now()))) == "present"
    assert timing(Combined(rules=(RSTDP(), WeightDecay()))) == "past"
    assert hold_to_timing(SoftBounds(rule=Now())) == []
    assert hold_to_timing(Combined(rules=(WeightDecay(), Now()))) == []


def test_a_wrong_claim_is_found():
    class Past(Now):
        timing = "past"

    class Wide(Now):
        def window(self, gap):
            return math.exp(-gap / 12.0) if gap >= 0 else 0.0

    class Mirrored(PairSTDP):
        def window(self, gap):
            return super().window(-gap)

    class Late(MSTDP):
        timing = "present"

    assert any("credits a pair that ends in tick 1" in line for line in hold_to_timing(Past()))
    assert any("does not credit a pair that ends in tick 0" in line for line in hold_to_timing(Late()))
    assert any("gap 20 ms" in line and "float32" in line for line in hold_to_window(Wide()))
    assert len(hold_to_window(Mirrored())) == 72, "every gap, dt and dtype"
    assert hold_to_window(WeightDecay()) == []


def test_windows_at_hand():
    pair = PairSTDP(rate=2.0, tau_pre=10.0, tau_post=20.0, a_plus=0.5, a_minus=0.25)
    assert pair.window(10.0) == pytest.approx(math.exp(-1.0))
    assert pair.window(-10.0) == pytest.approx(-0.5 * math.exp(-0.5))
    assert pair.window(0.0) == pytest.approx(0.5), "both branches"
    assert RSTDP(rate=1.0, cap=0.5).window(1.0) == 0.5
    assert RMax(tau_synapse=1.0).window(1.0) != RMax(tau_synapse=1.0).window(1.0), "NaN"
    lasting = RSTDP(rate=3.0, tau_pre=10.0, tau_post=20.0, tau_e=25.0, tau_modulator=100.0, a_plus=0.5, a_minus=0.25)
    assert lasting.window(10.0) == pytest.approx(3.0 * 0.5 * math.exp(-1.0) * 20.0), "k = 1/25 + 1/100 = 1/20"
    assert lasting.window(-10.0) == pytest.approx(-3.0 * 0.25 * math.exp(-0.5) * 20.0)
    constant = TDSTDP(rate=3.0, tau_pre=10.0, tau_post=20.0, a_plus=0.5, a_minus=0.25)
    assert constant.window(10.0) == pytest.approx(1.5 * math.exp(-1.0))
    assert constant.window(-10.0) == pytest.approx(-0.75 * math.exp(-0.5))
    assert window_tau(RSTDP(tau_modulator=200.0)) == 200.0
    assert window_tau(RSTDP()) == 0.0
    assert window_tau(TDSTDP()) == math.inf


def told(rule, pre, post, levels=(1.0, 1.0, 1.0, 1.0), weight=0.0):
    """Weight changes of one synapse at constant weight, dt = 1 ms."""
    weights = torch.full((1, 1), weight, dtype=torch.float64)
    trace, found = rule.init(weights), []
    for s, z, level in zip(pre, post, levels, strict=True):
        heard = None if rule.modulator is None else torch.tensor(level, dtype=torch.float64)
        change, trace = rule.step(trace, weights, ONE * s, ONE * z, heard, 1.0)
        found.append(float(change))
    return found


FAST = {"tau_pre": HALF, "tau_post": HALF / 2.0, "a_plus": 0.8, "a_minus": 0.4}  # halves, quarters
TRAINS = ((1, 0, 1, 0), (0, 1, 1, 0))
# x = 1, .5, 1.25, .625;  y = 0, 1, 1.25, .3125;  pairs = 0, .4, .8 * 1.25 - .4 * 1.25 = .5, 0


def test_pairs_by_hand():
    assert told(PairSTDP(rate=2.0, **FAST), *TRAINS) == pytest.approx([0.0, 0.8, 1.0, 0.0], abs=1e-12)
    near = PairSTDP(rate=2.0, pairing="nearest", **FAST)  # x = 1, .5, 1;  y = 0, 1, 1
    assert told(near, *TRAINS) == pytest.approx([0.0, 0.8, 0.8, 0.0], abs=1e-12)


def test_rewarded_pairs_by_hand():
    levels = (5.0, 7.0, 2.0, 3.0)
    assert told(MSTDP(rate=2.0, **FAST), *TRAINS, levels) == pytest.approx([0.0, 0.0, 1.6, 3.0], abs=1e-12)
    # e = 0, .4, .5 + .4 / 2
    assert told(RSTDP(rate=2.0, tau_e=HALF, **FAST), *TRAINS, levels) == pytest.approx([0, 0, 1.6, 4.2], abs=1e-12)
    assert told(MSTDPET(rate=2.0 * HALF, tau_e=HALF, **FAST), *TRAINS, levels) == (
        pytest.approx([0.0, 0.0, 1.6, 4.2], abs=1e-12)
    )
    capped = RSTDP(rate=2.0, tau_e=HALF, cap=0.6, **FAST)
    assert told(capped, *TRAINS, levels) == pytest.approx([0.0, 0.0, 1.6, 3.6], abs=1e-12)


def test_td_errors_by_hand():
    """The kernel's integral over a tick after decays of 1/2 and 1/4 per ms is HALF (1/2 A - 3/8 F) / (HALF / 2)."""
    rule = TDSTDP(rate=2.0, tau_slow=HALF, tau_fast=HALF / 2.0, **FAST)
    # slow = 0, .4, .5 + .2 = .7;  fast = 0, .4, .5 + .1 = .6
    due = [0.0, 0.0, 2.0 * 2.0 * (0.4 - 0.75 * 0.4), 2.0 * 3.0 * (0.7 - 0.75 * 0.6)]
    assert told(rule, *TRAINS, (5.0, 7.0, 2.0, 3.0)) == pytest.approx(due, abs=1e-12)


def test_triplets_by_hand():
    rule = TripletSTDP(a2_plus=0.8, a3_plus=0.4, a2_minus=0.4, a3_minus=0.2, tau_plus=HALF, tau_minus=HALF / 2.0,
                       tau_x=HALF, tau_y=HALF / 2.0, rate=2.0)  # fmt: skip
    # tick 2: r1 = 1.25, o2 before = 1/4; o1 = 1.25, r2 before = 1/4
    last = 2.0 * (1.25 * (0.8 + 0.4 * 0.25) - 1.25 * (0.4 + 0.2 * 0.25))
    assert told(rule, *TRAINS) == pytest.approx([0.0, 0.8, last, 0.0], abs=1e-12)


def test_the_sources_rule_by_hand():
    rule = PreTraceSTDP(rate=2.0, tau=HALF, depression=0.1)  # x = 1, .5, 1.25, .625
    assert told(rule, *TRAINS) == pytest.approx([-0.2, 0.9, 2.25, -0.125], abs=1e-12)


REFUSED = [
    *((rule, name) for rule in (RSTDP, MSTDPET) for name in ("tau_pre", "tau_post", "tau_e")),
    *((rule, name) for rule in (PairSTDP, MSTDP, TDSTDP) for name in ("tau_pre", "tau_post")),
    *((RSTDP, name) for name in ("cap", "tau_modulator")),
    *((TDSTDP, name) for name in ("tau_slow", "tau_fast")),
    *((TripletSTDP, name) for name in ("tau_plus", "tau_minus", "tau_x", "tau_y")),
    *((RMax, name) for name in ("tau_e", "tau_membrane", "delta_u")),
    (PreTraceSTDP, "tau"),
    (SynapticScaling, "tau"),
    (WeightDecay, "tau"),
]


@pytest.mark.parametrize(("rule", "name"), REFUSED)
@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_what_must_be_above_zero(rule, name, value):
    with pytest.raises(ConfigError, match=rf"{rule.__name__}: {name} is {value}; give a finite number above 0"):
        rule(**{name: value})


@pytest.mark.parametrize(
    ("rule", "name"),
    [(RMax, "tau_synapse"), (SoftBounds, "mu_plus"), (SoftBounds, "mu_minus"),
     *((SynapticScaling, name) for name in ("goal", "rate", "integral_rate"))],
)  # fmt: skip
@pytest.mark.parametrize("value", [-0.1, math.inf, math.nan])
def test_what_must_not_be_negative(rule, name, value):
    rule(**{name: 0.0})
    with pytest.raises(ConfigError, match=rf"{rule.__name__}: {name} is {value}; give a finite number of at least 0"):
        rule(**{name: value})


NUMBERS = [
    (rule, field.name)
    for rule in (MSTDP, MSTDPET, RSTDP, TDSTDP, PairSTDP, PreTraceSTDP, RMax, TripletSTDP, SynapticScaling, SoftBounds,
                 WeightDecay)
    for field in fields(rule)
    if field.type in ("float", "float | None")
]  # fmt: skip


@pytest.mark.parametrize(("rule", "name"), NUMBERS)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_no_parameter_is_nan_or_infinite(rule, name, value):
    with pytest.raises(ConfigError, match=f"{rule.__name__}: {name} is {value}; give a finite number"):
        replace(rule(), **{name: value})


DEFAULTS = {
    RSTDP: "dopamine 0.01 20.0 20.0 25.0 1.0 1.0 None None",
    MSTDP: "dopamine 0.01 20.0 20.0 1.0 1.0",
    MSTDPET: "dopamine 0.25 20.0 20.0 25.0 1.0 1.0",
    TDSTDP: "dopamine 0.01 20.0 20.0 200.0 50.0 1.0 1.0",
    RMax: "dopamine 0.01 500.0 20.0 0.0 1.0 1.0",
    PairSTDP: "0.01 20.0 20.0 1.0 1.05 all",
    TripletSTDP: "1.0 5e-10 0.0062 0.007 0.00023 16.8 33.7 101.0 125.0 all",
    PreTraceSTDP: f"0.01 {-1.0 / math.log(0.99)} 0.0",
    SynapticScaling: "10.0 10000.0 1e-07 0.0",
    WeightDecay: "1000000.0 0.0",
    SoftBounds: f"{PairSTDP()} 0.0 1.0 1.0 1.0",
}


@pytest.mark.parametrize(("rule", "values"), DEFAULTS.items(), ids=lambda what: getattr(what, "__name__", ""))
def test_the_defaults_stay(rule, values):
    assert " ".join(str(getattr(rule(), field.name)) for field in fields(rule)) == values


def test_what_contradicts_itself():
    with pytest.raises(ConfigError, match=r"tau_fast is 50.0; it must be below tau_slow \(50.0\)"):
        TDSTDP(tau_slow=50.0)
    with pytest.raises(ConfigError, match=r"SoftBounds: low is 1.0; it must be below high \(1.0\)"):
        SoftBounds(low=1.0)
    with pytest.raises(ConfigError, match="Combined: rules is empty; give at least one rule"):
        Combined(rules=())
    with pytest.raises(ConfigError, match="listen to dopamine, serotonin; a projection hears one modulator"):
        Combined(rules=(RSTDP(), MSTDP(modulator="serotonin")))
    for rule in (PairSTDP, TripletSTDP):
        with pytest.raises(UnknownName, match=r"no pairing 'nearst'; pairings: all, nearest\. Did you mean 'nearest'"):
            rule(pairing="nearst")
