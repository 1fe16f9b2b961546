"""Izhikevich's model: its steps by hand, its rests against algebra and against the Jacobian of a step, its checks.

Source: doi:10.1109/TNN.2003.820440. The classes are in test_neurons_patterns.py, Brian2 in test_neurons_brian2.py.
"""

import itertools
import math

import pytest
import torch

from bisnn.errors import ConfigError, UnknownName
from bisnn.neurons import PRESETS, Izhikevich, IzhikevichState, Preset, Pulse, preset
from bisnn.testing.claims import hold_to_claims


def test_all_the_classes_of_the_papers_are_there():
    assert len(PRESETS) == 28
    assert next(iter(PRESETS)) == "tonic spiking"
    assert list(PRESETS)[19] == "inhibition-induced bursting"
    assert preset("Class 1") is PRESETS["class 1"]
    with pytest.raises(UnknownName, match="tonic spiking"):
        preset("tonic spikes")


def test_stimuli():
    both = Preset(
        neuron=Izhikevich(),
        pulses=(Pulse(start=1.0, stop=3.0, level=2.0), Pulse(start=2.0, level=1.0, slope=0.5)),
        base=-1.0,
        span=9.0,
    )
    assert [both.current(time) for time in (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)] == [-1, -1, 1, 1, 2.25, 0.5, 1.0]
    assert preset("accommodation").current(100.0) == 4.0
    assert preset("accommodation").current(250.0) == 0.0
    assert preset("accommodation").current(306.25) == 2.0
    assert [preset("inhibition-induced spiking").current(time) for time in (0.0, 49.5, 50.0, 250.0, 251.0)] == [
        80, 80, 75, 75, 80,
    ]  # fmt: skip
    assert preset("class 2").current(30.0) == -0.5
    assert preset("class 2").current(130.0) == 1.0


def one_step(neuron, v, u, current, dt, dtype=torch.float64):
    state = IzhikevichState(v=torch.tensor([v], dtype=dtype), u=torch.tensor([u], dtype=dtype))
    spikes, after = neuron.step(state, torch.tensor([current], dtype=dtype), dt)
    return float(spikes), float(after.v), float(after.u)


def test_steps_by_hand():
    kind = {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0}
    # dv = 0.04 * 3600 - 300 + 140 + 13 + 5 = 2; v = -59; u = -13 + 0.5 * 0.02 * (0.2 * -59 + 13) = -12.988
    assert one_step(Izhikevich(**kind), -60.0, -13.0, 5.0, 0.5) == (0.0, -59.0, pytest.approx(-12.988, abs=1e-12))
    # with the old v: u = -13 + 0.5 * 0.02 * (-12 + 13) = -12.99
    assert one_step(Izhikevich(**kind, u_sees="old"), -60.0, -13.0, 5.0, 0.5) == (0.0, -59.0, pytest.approx(-12.99))
    # two half steps of 0.5: v = -59; dv = 0.04 * 3481 - 295 + 158 = 2.24; v = -57.88; u = -13 + 0.02 * (-11.576 + 13)
    assert one_step(Izhikevich(**kind, substeps=2), -60.0, -13.0, 5.0, 1.0) == (
        0.0, pytest.approx(-57.88, abs=1e-12), pytest.approx(-12.97152, abs=1e-12),
    )  # fmt: skip
    # 29 + 0.25 * (0.04 * 841 + 145 + 140 - 0 + 0) = 108.66: a spike; u = 0.25 * 0.02 * 0.2 * 108.66 + 8
    assert one_step(Izhikevich(**kind), 29.0, 0.0, 0.0, 0.25) == (1.0, -65.0, pytest.approx(8.10866, abs=1e-12))


def test_every_coefficient_counts():
    odd = Izhikevich(
        a=0.1, b=0.5, c=-40.0, d=-2.0, peak=10.0, square=0.02, linear=2.0, constant=30.0, v_ref=-50.0, leak=0.5,
        v_init=-33.0, u_init=3.0,
    )  # fmt: skip
    # dv = 0.02 * 900 - 60 + 30 - 4 + 1 = -15; v = -33; u = 4 + 0.2 * 0.1 * (0.5 * 17 - 2) = 4.13
    assert one_step(odd, -30.0, 4.0, 1.0, 0.2) == (0.0, pytest.approx(-33.0), pytest.approx(4.13))
    assert one_step(odd, 10.0, 0.0, -52.0, 0.2) == (1.0, -40.0, pytest.approx(0.02 * 0.5 * 60 - 2)), "the peak fires"
    below = one_step(odd, 10.0, 0.0, -52.5, 0.2)
    assert below == (0.0, pytest.approx(9.9), pytest.approx(0.02 * 0.5 * 59.9))
    state = odd.init((2, 3), torch.zeros((), dtype=torch.float64))
    assert state.v.tolist() == [[-33.0] * 3] * 2
    assert state.u.tolist() == [[3.0] * 3] * 2


def test_initial_states():
    like = torch.zeros((), dtype=torch.float64)
    rest = Izhikevich().init((1,), like)
    assert (float(rest.v), float(rest.u)) == pytest.approx((-70.0, -14.0), abs=1e-9)
    given = Izhikevich(v_init=-50.0).init((1,), like)
    assert (float(given.v), float(given.u)) == (-50.0, -10.0), "u_init: b v_init"
    only_u = Izhikevich(u_init=2.0).init((1,), like)
    assert (float(only_u.v), float(only_u.u)) == pytest.approx((-70.0, 2.0), abs=1e-9)
    shifted = Izhikevich(v_ref=-65.0, leak=0.0, b=1.0, v_init=-60.0).init((1,), like)
    assert float(shifted.u) == 5.0


def test_fixed_points():
    neuron = Izhikevich()
    for current in (-20.0, -3.0, 0.0, 2.0, 3.7):
        point = neuron.fixed_point(current)
        v, u = point["v"], point["u"]
        assert 0.04 * v * v + 5 * v + 140 - u + current == pytest.approx(0.0, abs=1e-9)
        assert u == pytest.approx(0.2 * v, abs=1e-12)
    assert neuron.fixed_point(4.0 - 1e-9 - 0.0) is None or 0.08 * neuron.fixed_point(3.99)["v"] + 5 < 0.2
    assert neuron.fixed_point(4.01) is None, "(5 - b)^2 / (4 square) - 140 = 4: no root beyond"
    leakless = preset("accommodation").neuron
    assert leakless.fixed_point(2.0) == {"v": -65.0, "u": pytest.approx(0.04 * 65**2 - 325 + 140 + 2)}
    assert Izhikevich(leak=0.0, v_ref=-55.0, b=1.0, v_init=-60.0).fixed_point(0.0) is None, "slope 0.6 > 0: repels"
    assert Izhikevich(leak=0.0, b=0.0, v_ref=-65.0, v_init=-60.0).fixed_point(0.0) is None, "a line of rests is none"
    upper = preset("inhibition-induced spiking").neuron
    assert upper.fixed_point(80.0)["v"] == pytest.approx(-75 + math.sqrt(75**2 - 5500), abs=1e-9), "a < 0: the upper"
    assert upper.fixed_point(75.0) is None, "inhibition destabilises it"
    fast = Izhikevich(a=0.9, b=0.1)
    assert fast.fixed_point(0.0) is not None
    assert fast.fixed_point(0.0, 0.5) is not None
    assert fast.fixed_point(0.0, 4.0) is None, "a large step makes it unstable"


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_keep_their_claims(name):
    dtype = torch.float32 if len(name) % 2 else torch.float64
    assert hold_to_claims(PRESETS[name].neuron, dtype, max(PRESETS[name].dt, 0.25)) == []


@pytest.mark.parametrize("substeps", [1, 2, 3])
@pytest.mark.parametrize("sees", ["new", "old"])
def test_the_scheme_attracts_where_it_says(substeps, sees):
    """Multipliers against the Jacobian of a step by differences; attraction against what 4000 ticks do."""
    for a, b, dt in itertools.product((0.05, 0.4, 1.5), (0.2, 0.26), (0.25, 0.7, 1.3)):
        neuron = Izhikevich(a=a, b=b, v_init=-65.0, substeps=substeps, u_sees=sees)
        for current in (-30.0, -5.0, 0.1):
            v, u = neuron._equilibria(current)[0]
            h = 1e-5
            columns = []
            for dv, du in ((h, 0.0), (0.0, h)):
                _, v_up, u_up = one_step(neuron, v + dv, u + du, current, dt)
                _, v_down, u_down = one_step(neuron, v - dv, u - du, current, dt)
                columns.append([(v_up - v_down) / (2 * h), (u_up - u_down) / (2 * h)])
            largest = float(torch.linalg.eigvals(torch.tensor(columns, dtype=torch.float64)).abs().max())
            if abs(largest - 1.0) > 1e-4:
                assert (neuron.fixed_point(current, dt) is not None) == (largest < 1.0), (a, b, dt, current, largest)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"a": math.nan}, "a is nan"),
        ({"b": math.inf}, "b is inf"),
        ({"d": math.nan}, "d is nan"),
        ({"linear": math.nan}, "linear"),
        ({"constant": math.inf}, "constant"),
        ({"v_ref": math.nan}, "v_ref"),
        ({"leak": math.nan}, "leak"),
        ({"square": 0.0}, "square is 0.0; give a finite number above 0"),
        ({"c": 30.0}, "c < peak"),
        ({"peak": math.nan}, "peak is nan"),
        ({"substeps": 0}, "substeps is 0"),
        ({"substeps": 1.5}, "substeps is 1.5"),
        ({"substeps": 0.5}, "Izhikevich: substeps is 0.5; give a whole number of at least 1"),
        ({"substeps": math.nan}, "substeps is nan"),
        ({"substeps": math.inf}, "substeps is inf"),
        ({"substeps": True}, "substeps is True"),
        ({"a": "0.02"}, "Izhikevich: a is '0.02', which is no number; give a finite number"),
        ({"b": None}, "b is None"),
        ({"square": True}, "square is True"),
        ({"v_init": math.inf}, "v_init is inf"),
        ({"u_init": math.nan}, "u_init is nan"),
        ({"constant": 200.0}, "give v_init, in mV"),
    ],
)
def test_what_cannot_be_is_refused(wrong, name):
    with pytest.raises(ConfigError, match=name):
        Izhikevich(**wrong)


def test_an_unknown_order_is_refused():
    with pytest.raises(UnknownName, match="new, old"):
        Izhikevich(u_sees="middle")


def lasting(neuron, current, dt, dtype=torch.float64):
    """Spikes of each of these constant currents in 300 ticks, and the last potentials."""
    state, spikes = neuron.init((len(current),), torch.zeros((), dtype=dtype)), torch.zeros(len(current), dtype=dtype)
    for _ in range(300):
        fired, state = neuron.step(state, torch.tensor(current, dtype=dtype), dt)
        spikes = spikes + fired
    return spikes, state.v


@pytest.mark.parametrize(("dt", "edge"), [(1.0, -87.5), (0.5, -112.5), (0.25, -162.5)])
def test_below_which_potential_the_scheme_does_not_rest(dt, edge):
    """v > -62.5 - 25 / h, where recovery stands still (a = 0); the current is that of the fixed point, u = 0."""
    assert edge == -62.5 - 25.0 / dt
    for v, rests in ((edge + 1.0, True), (edge - 1.0, False)):
        current = -(0.04 * v * v + 5.0 * v + 140.0)
        for neuron, tick in (
            (Izhikevich(a=0.0, b=0.0, v_init=v + 0.1, u_init=0.0), dt),
            (Izhikevich(a=0.0, b=0.0, v_init=v + 0.1, u_init=0.0, substeps=2), 2.0 * dt),
        ):
            _, last = lasting(neuron, [current], tick)
            assert (abs(float(last) - v) < 1e-3) == rests, (v, float(last))
    with_recovery = -(0.04 * edge * edge + 5.0 * edge + 140.0 - 0.2 * edge)
    assert round(with_recovery) == {1.0: -26, 0.5: -106, 0.25: -416}[dt], "the currents of the docstring"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_strong_inhibition_needs_two_substeps(dtype):
    spikes, last = lasting(Izhikevich(), [-55.0, -80.0, -120.0], 1.0, dtype)
    assert bool((spikes > 0).all()), "an artefact of the step; where it goes, the docstring must change"
    assert not last.isfinite().any()
    for neuron, dt in ((Izhikevich(substeps=2), 1.0), (Izhikevich(), 0.5)):
        spikes, last = lasting(neuron, [-20.0, -55.0, -80.0, -100.0, -120.0], dt, dtype)
        assert not spikes.any()
        assert bool(last.isfinite().all())
    assert Izhikevich().fixed_point(-55.0, 1.0) is None
    assert Izhikevich(substeps=2).fixed_point(-55.0, 1.0) is not None


@pytest.mark.parametrize("substeps", [1, 2, 10])
def test_a_tick_of_5_ms_is_too_long(substeps):
    assert not lasting(Izhikevich(substeps=substeps), [10.0], 5.0)[1].isfinite().any()
    assert lasting(Izhikevich(substeps=substeps), [10.0], 0.5)[1].isfinite().all()
