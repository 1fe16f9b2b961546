"""exp, log and tanh against mpmath with 60 digits: within 1 ulp of float64 (exp, log), 2 ulp (tanh); edges; purity.

mpmath comes with torch (through sympy). The bounds are those of the module's docstring.
"""

import math

import mpmath
import pytest
import torch

from bisnn import elementary, rng

LIMIT = {"exp": 1.0, "log": 1.0, "tanh": 2.0}
RANGES = {
    "exp": [(-1.0, 1.0), (-1e-6, 1e-6), (-40.0, 40.0), (-745.0, -708.0), (-708.0, 709.7), (0.3465, 0.3467)],
    "log": [(0.0, 2.0), (0.7, 0.7072), (0.999, 1.001), (1.41, 1.4143), (0.0, 1e-300), (1.0, 1e6), (0.0, 1e-308)],
    "tanh": [(-1.0, 1.0), (-0.2, 0.2), (0.17, 0.177), (-1e-5, 1e-5), (0.5, 3.0), (-25.0, 25.0), (-1e-300, 1e-300)],
}
inf, nan = math.inf, math.nan


def drawn(low, high, n=3000):
    """Points between the ends, with all bits of float64, the ends and their middle."""
    coarse, fine = (rng.uniform(torch.tensor(7), f"{low}/{high}/{part}", 0, n).double() for part in "ab")
    u = coarse + fine * 2.0**-24
    ends = torch.tensor([low, high, (low + high) / 2], dtype=torch.float64)
    return torch.cat((ends, low + (high - low) * u))


def errors(name, x):
    """Errors of a function in ulp of the true value."""
    found = []
    with mpmath.workprec(200):
        for argument, value in zip(x.tolist(), getattr(elementary, name)(x).tolist(), strict=True):
            true = getattr(mpmath, name)(mpmath.mpf(argument)) if argument or name != "log" else -mpmath.inf
            rounded = float(true)
            if rounded == 0.0 or math.isinf(rounded):
                assert value == rounded
                continue
            found.append(float(abs(mpmath.mpf(value) - true) / math.ulp(rounded)))
    return found


@pytest.mark.parametrize(("name", "low", "high"), [(name, *ends) for name in RANGES for ends in RANGES[name]])
def test_within_its_bound(name, low, high):
    found = errors(name, drawn(low, high))
    assert max(found) < LIMIT[name]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "low", "high"), [(name, *ends) for name in RANGES for ends in RANGES[name]])
def test_within_its_bound_on_many(name, low, high):
    found = errors(name, drawn(low, high, 100_000))
    assert max(found) < LIMIT[name]


def test_log_over_all_exponents():
    mantissa = drawn(1.0, 2.0, 2200)[:2148]
    scaled = [math.ldexp(m, e) for m, e in zip(mantissa.tolist(), range(-1075, 1024), strict=False)]
    assert max(errors("log", torch.tensor(scaled, dtype=torch.float64))) < 1.0


def test_exp_at_every_power_of_two():
    """Where the reduction changes: k ln 2 and half way between."""
    x = torch.tensor([(k + half) * math.log(2.0) for k in range(-1070, 1023, 3) for half in (0.0, 0.5)]).double()
    assert max(errors("exp", x)) < 1.0


@pytest.mark.parametrize(
    ("name", "x", "value"),
    [
        ("exp", [0.0, -0.0, inf, -inf, 1e308, -1e308], [1.0, 1.0, inf, 0.0, inf, 0.0]),
        ("exp", [709.782712893384, 709.7827128933841, 710.0, 800.0], [1.797693134862273e308, inf, inf, inf]),
        ("exp", [-745.1332191019411, -745.1332191019412, -745.2, -746.0, -750.0], [5e-324, 0.0, 0.0, 0.0, 0.0]),
        ("exp", [5e-324, -5e-324, 1e-17], [1.0, 1.0, 1.0]),
        ("log", [1.0, 0.0, -0.0, inf], [0.0, -inf, -inf, inf]),
        ("log", [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308],
         [-744.4400719213812, -708.3964185322641, 709.782712893384]),
        ("tanh", [0.0, inf, -inf, 22.0, -30.0, 5e-324, -5e-324], [0.0, 1.0, -1.0, 1.0, -1.0, 5e-324, -5e-324]),
    ],
)  # fmt: skip
def test_edges(name, x, value):
    found = getattr(elementary, name)(torch.tensor(x, dtype=torch.float64)).tolist()
    assert found == pytest.approx(value, rel=3e-16, abs=0)


def test_what_is_no_number():
    for name in LIMIT:
        assert math.isnan(float(getattr(elementary, name)(torch.tensor(nan))))
    for below in (-5e-324, -1.0, -inf):
        assert math.isnan(float(elementary.log(torch.tensor(below, dtype=torch.float64))))
    assert math.copysign(1.0, float(elementary.tanh(torch.tensor(-0.0)))) == -1.0
    assert math.copysign(1.0, float(elementary.tanh(torch.tensor(0.0)))) == 1.0


@pytest.mark.parametrize("name", sorted(LIMIT))
def test_in_its_dtype_and_the_same_bits_alone_as_in_a_batch(name):
    x = drawn(0.01, 5.0, 61).reshape(4, 16)
    before, function = x.clone(), getattr(elementary, name)
    whole = function(x)
    assert torch.equal(x, before)
    assert whole.dtype == torch.float64
    assert whole.shape == x.shape
    for i in range(4):
        assert torch.equal(function(x[i]), whole[i])
        for j in range(16):
            assert torch.equal(function(x[i, j]), whole[i, j])
    assert torch.equal(function(x.t()).t(), whole), "a view with other strides"
    narrow = x.float()
    assert function(narrow).dtype == torch.float32
    assert torch.equal(function(narrow), function(narrow.double()).float()), "float32: the rounded float64 result"


def test_they_are_each_others_inverse_and_monotone():
    x = drawn(-30.0, 30.0, 20_000).sort().values
    assert torch.allclose(elementary.log(elementary.exp(x)), x, rtol=0, atol=4e-15)
    assert bool((elementary.exp(x).diff() >= 0).all())
    assert bool((elementary.tanh(x).diff() > -1.2e-16).all()), "but for one ulp below 1"
    assert float(elementary.tanh(x).abs().max()) == 1.0
