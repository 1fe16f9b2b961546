"""What the neuron models refuse: the error names the model, the field and the remedy."""

import math

import pytest

from bisnn.errors import ConfigError, UnknownName
from bisnn.neurons import (
    IF,
    LIF,
    AdaptiveLIF,
    EscapeRateLIF,
    ExponentialIF,
    HomeostaticLIF,
    Izhikevich,
    Poisson,
    Scripted,
)

REFUSED = [
    (IF, {"threshold": 0.0}, "IF: threshold is 0.0; give a finite number above 0"),
    (IF, {"threshold": math.nan}, "threshold"),
    (IF, {"floor": 0.1}, "IF: floor is 0.1"),
    (IF, {"floor": math.nan}, "floor"),
    (LIF, {"tau": 0.0}, "LIF: tau is 0.0; give a finite number above 0"),
    (LIF, {"tau": math.inf}, "tau is inf"),
    (LIF, {"refractory": -1.0}, "LIF: refractory is -1.0; give a finite number of at least 0"),
    (LIF, {"refractory": math.inf}, "refractory"),
    (LIF, {"reset": 1.0}, "LIF: reset = 1.0, threshold = 1.0; give values with reset < threshold"),
    (LIF, {"threshold": math.nan}, "threshold is nan; give a finite number"),
    (AdaptiveLIF, {"tau": -1.0}, "tau"),
    (AdaptiveLIF, {"tau_w": 0.0}, "tau_w"),
    (AdaptiveLIF, {"jump": -0.1}, "jump"),
    (AdaptiveLIF, {"refractory": -0.1}, "refractory"),
    (AdaptiveLIF, {"reset": 2.0}, "reset < threshold"),
    (EscapeRateLIF, {"tau": 0.0}, "tau"),
    (EscapeRateLIF, {"rho0": 0.0}, "rho0"),
    (EscapeRateLIF, {"delta_u": -1.0}, "delta_u"),
    (EscapeRateLIF, {"refractory": -2.0}, "refractory"),
    (EscapeRateLIF, {"reset": 1.0}, "reset < threshold"),
    (EscapeRateLIF, {"threshold": math.nan, "reset": None}, "threshold"),
    (ExponentialIF, {"tau": 0.0}, "tau"),
    (ExponentialIF, {"slope": 0.0}, "slope"),
    (ExponentialIF, {"refractory": -1.0}, "refractory"),
    (ExponentialIF, {"rest": 1.0}, "rest < threshold < peak"),
    (ExponentialIF, {"peak": 1.0}, "rest < threshold < peak"),
    (ExponentialIF, {"reset": 3.0}, "reset < peak"),
    (HomeostaticLIF, {"tau": 0.0}, "tau"),
    (HomeostaticLIF, {"target": 0.0}, "target"),
    (HomeostaticLIF, {"rise": 0.0}, "rise"),
    (HomeostaticLIF, {"refractory": -1.0}, "refractory"),
    (HomeostaticLIF, {"lowest": 0.0}, "reset < lowest < threshold"),
    (HomeostaticLIF, {"lowest": 1.0}, "reset < lowest < threshold"),
    (HomeostaticLIF, {"target": 500.0}, "give a target below 500 Hz"),
    (Poisson, {"base": math.inf}, "base"),
    (Poisson, {"gain": math.nan}, "gain"),
    (Scripted, {"times": ()}, "a tuple with one tuple"),
    (Scripted, {"times": (1.0,)}, "a tuple with one tuple"),
    (Scripted, {"times": [(1.0,)]}, "a tuple with one tuple"),
    (Scripted, {"times": ((-1.0,),)}, "finite times from 0 on"),
    (Scripted, {"times": ((math.inf,),)}, "finite times"),
    (Scripted, {"period": 0.0}, "period is 0.0"),
    (Scripted, {"times": ((5.0,),), "period": 5.0}, "time 5.0 is not before the period 5.0"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "wrong", "text"), REFUSED)
def test_what_cannot_be_is_refused(model, wrong, text):
    with pytest.raises(ConfigError, match=text):
        model(**wrong)


def test_an_unknown_reset_is_refused():
    with pytest.raises(UnknownName, match="subtract, zero"):
        IF(reset="substract")


def test_what_is_at_the_edge_is_allowed():
    assert IF(floor=0.0).floor == 0.0
    assert LIF(refractory=0.0).refractory == AdaptiveLIF(refractory=0.0, jump=0.0).refractory == 0.0
    assert EscapeRateLIF(refractory=0.0, reset=None).reset is None
    assert HomeostaticLIF(target=499.0).target == 499.0


def test_defaults_are_those_of_the_documentation():
    assert IF() == IF(threshold=0.5, reset="zero", floor=None)
    assert LIF() == LIF(tau=20.0, threshold=1.0, reset=0.0, refractory=2.0)
    assert AdaptiveLIF() == AdaptiveLIF(tau=20.0, tau_w=100.0, jump=0.2, threshold=1.0, reset=0.0, refractory=2.0)
    assert ExponentialIF() == ExponentialIF(
        tau=20.0, rest=0.0, threshold=1.0, slope=0.2, peak=3.0, reset=0.0, refractory=2.0
    )
    assert EscapeRateLIF() == EscapeRateLIF(tau=20.0, threshold=1.0, delta_u=0.2, rho0=0.06, reset=0.0, refractory=2.0)
    assert HomeostaticLIF() == HomeostaticLIF(
        tau=20.0, threshold=1.0, lowest=0.1, reset=0.0, refractory=2.0, target=10.0, rise=0.05
    )
    assert Poisson() == Poisson(base=10.0, gain=100.0)
    assert Scripted() == Scripted(times=((0.0,),), period=None)
    assert Izhikevich() == Izhikevich(
        a=0.02, b=0.2, c=-65.0, d=8.0, peak=30.0, square=0.04, linear=5.0, constant=140.0, v_ref=0.0, leak=1.0,
        v_init=None, u_init=None, substeps=1, u_sees="new",
    )  # fmt: skip
