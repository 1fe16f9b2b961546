"""Faults that a mutation run (.ci/mutants.py) found unnoticed: the values of presets, and what happens at a border.

The stimuli and parameters of Izhikevich (2004) doi:10.1109/TNN.2004.832719 are those of the author's figure1.m, the
parameters of Izhikevich (2003) doi:10.1109/TNN.2003.820440 those of its figure 2; Pfister, Gerstner (2006)
doi:10.1523/JNEUROSCI.1425-06.2006, table 4.
"""

import math

import pytest
import torch

from bisnn.errors import ConfigError
from bisnn.neurons import IF, Izhikevich, Scripted, preset
from bisnn.plasticity import TripletSTDP
from bisnn.plasticity.soft_bounds import power
from bisnn.testing import claims, kinds, windows

# name, a, b, c, d, first potential, step, span; then (time, current) in the middle and beside every pulse
FIGURE_1 = """
tonic spiking                  0.02  0.2  -65   6    -70   0.25 100   9.9:0 10.1:14 99:14
phasic spiking                 0.02  0.25 -65   6    -64   0.25 200   19.9:0 20.1:0.5 199:0.5
tonic bursting                 0.02  0.2  -50   2    -70   0.25 220   21.9:0 22.1:15 219:15
phasic bursting                0.02  0.25 -55   0.05 -64   0.2  200   19.9:0 20.1:0.6 199:0.6
mixed mode                     0.02  0.2  -55   4    -70   0.25 160   15.9:0 16.1:10 159:10
spike frequency adaptation     0.01  0.2  -65   8    -70   0.25 85    8.4:0 8.6:30 84:30
class 1                        0.02  -0.1 -55   6    -60   0.25 300   29.9:0 50:1.5 130:7.5 230:15
class 2                        0.2   0.26 -65   0    -64   0.25 300   29.9:-0.5 50:-0.2 130:1 230:2.5
spike latency                  0.02  0.2  -65   6    -70   0.2  100   9.9:0 10.1:7.04 12.9:7.04 13.1:0
subthreshold oscillations      0.05  0.26 -60   0    -62   0.25 200   19.9:0 20.1:2 24.9:2 25.1:0
resonator                      0.1   0.26 -60   -1   -62   0.25 400   39.9:0 40.1:0.65 43.9:0.65 44.1:0 59.9:0 \
60.1:0.65 63.9:0.65 64.1:0 279.9:0 280.1:0.65 283.9:0.65 284.1:0 319.9:0 320.1:0.65 323.9:0.65 324.1:0
integrator                     0.02  -0.1 -55   6    -60   0.25 100   9:0 9.1:9 11:9 11.1:0 14:0 14.1:9 16:9 16.1:0 \
69.9:0 70.1:9 71.9:9 72.1:0 79.9:0 80.1:9 81.9:9 82.1:0
rebound spike                  0.03  0.25 -60   4    -64   0.2  200   19.9:0 20.1:-15 24.9:-15 25.1:0
rebound burst                  0.03  0.25 -52   0    -64   0.2  200   19.9:0 20.1:-15 24.9:-15 25.1:0
threshold variability          0.03  0.25 -60   4    -64   0.25 100   9.9:0 10.1:1 14.9:1 15.1:0 69.9:0 70.1:-6 \
74.9:-6 75.1:0 79.9:0 80.1:1 84.9:1 85.1:0
bistability                    0.1   0.26 -60   0    -61   0.25 300   37.4:0.24 37.6:1.24 42.4:1.24 42.6:0.24 \
215.9:0.24 216.1:1.24 220.9:1.24 221.1:0.24
depolarising after-potential   1     0.2  -60   -21  -70   0.1  50    8.9:0 9.1:20 10.9:20 11.1:0
accommodation                  0.02  1    -55   4    -65   0.5  400   100:4 199.9:7.996 200.1:0 299.9:0 306.25:2 312.6:0
inhibition-induced spiking     -0.02 -1   -60   8    -63.8 0.5  350   0:80 49.9:80 50.1:75 249.9:75 250.1:80 349:80
inhibition-induced bursting    -0.026 -1  -45   -2   -63.8 0.5  350   0:80 49.9:80 50.1:75 249.9:75 250.1:80 349:80
""".replace("\\\n", "").strip()


@pytest.mark.parametrize("line", FIGURE_1.splitlines(), ids=lambda line: line[:30].strip())
def test_the_presets_are_those_of_the_authors_figure(line):
    name, (a, b, c, d, v, dt, span), rest = line[:30].strip(), map(float, line[30:].split()[:7]), line[30:].split()[7:]
    found = preset(name)
    neuron = found.neuron
    assert (neuron.a, neuron.b, neuron.c, neuron.d, neuron.v_init, found.dt, found.span) == (a, b, c, d, v, dt, span)
    assert (neuron.square, neuron.peak) == (0.04, 30.0)
    one = name in ("class 1", "integrator")
    assert (neuron.linear, neuron.constant) == ((4.1, 108.0) if one else (5.0, 140.0))
    for pair in rest:
        time, current = map(float, pair.split(":"))
        assert found.current(time) == pytest.approx(current, abs=1e-9), time


FIGURE_2 = {
    "regular spiking": (0.02, 0.2, -65.0, 8.0),
    "intrinsically bursting": (0.02, 0.2, -55.0, 4.0),
    "chattering": (0.02, 0.2, -50.0, 2.0),
    "fast spiking": (0.1, 0.2, -65.0, 2.0),
    "low-threshold spiking": (0.02, 0.25, -65.0, 2.0),
    "thalamo-cortical": (0.02, 0.25, -65.0, 0.05),
    "thalamo-cortical burst": (0.02, 0.25, -65.0, 0.05),
    "resonator (2003)": (0.1, 0.26, -65.0, 2.0),
}


@pytest.mark.parametrize("name", FIGURE_2)
def test_the_cortical_classes_have_the_published_parameters(name):
    neuron = preset(name).neuron
    assert (neuron.a, neuron.b, neuron.c, neuron.d) == FIGURE_2[name]
    assert (neuron.square, neuron.linear, neuron.constant, neuron.peak) == (0.04, 5.0, 140.0, 30.0)


def test_a_recovery_that_integrates_rests_at_its_reference():
    """leak = 0: u goes on until v is v_ref, and u takes up all current: 0.04 v^2 + 5 v + 140 + I, by hand."""
    neuron = Izhikevich(a=0.02, b=1.0, v_ref=-65.0, leak=0.0, v_init=-65.0, u_init=-16.0)
    assert neuron.fixed_point(0.0) == pytest.approx({"v": -65.0, "u": -16.0}, abs=1e-9)
    assert neuron.fixed_point(3.0) == pytest.approx({"v": -65.0, "u": -13.0}, abs=1e-9)
    assert Izhikevich(b=0.0, v_ref=-65.0, leak=0.0, v_init=-65.0).fixed_point(0.0) is None


@pytest.mark.parametrize("name", ["a", "b", "d", "linear", "constant", "v_ref", "leak"])
def test_coefficients_are_finite(name):
    with pytest.raises(ConfigError, match=name):
        Izhikevich(v_init=-65.0, **{name: math.inf})


@pytest.mark.parametrize("dtype", kinds.DTYPES)
def test_the_rate_that_subtracts_depends_on_the_threshold(dtype):
    claims.check_claims(IF(threshold=0.5, reset="subtract"), dtype)
    assert IF(threshold=0.5, reset="subtract").rate(0.2) == pytest.approx(0.4)


def test_every_time_of_a_script_is_before_its_period():
    with pytest.raises(ConfigError, match="period"):
        Scripted(times=((1.0, 7.0),), period=5.0)


RULES = [one for _, _, one in kinds.candidates((kinds.RULE,)) if hasattr(one, "window")]


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("dtype", kinds.DTYPES)
def test_spikes_of_one_tick_are_a_pair_too(rule, dtype):
    """The window at gap 0, where both branches meet, and within a tick of it."""
    claim = rule.window(0.0)
    largest = max(abs(rule.window(gap)) for gap in (0.0, 1.0, -1.0))
    if not math.isnan(claim):
        (found,) = windows.simulated(rule, [0.0], 1.0, dtype)
        assert abs(found - claim) <= windows.LASTING[dtype] * largest


def test_minimal_fits_to_hippocampus():
    every, nearest = TripletSTDP.hippocampus("minimal"), TripletSTDP.hippocampus("minimal", "nearest")
    assert (every.a2_plus, every.a3_plus, every.a2_minus, every.tau_y) == (5.3e-3, 8e-3, 3.5e-3, 40.0)
    assert (nearest.a2_plus, nearest.a3_plus, nearest.a2_minus, nearest.tau_y) == (4.6e-3, 9.1e-3, 3e-3, 48.0)
    full, full_nearest = TripletSTDP.hippocampus(), TripletSTDP.hippocampus(pairing="nearest")
    assert every.a3_minus == nearest.a3_minus == 0.0
    assert (every.tau_x, nearest.tau_x) == (full.tau_x, full_nearest.tau_x) == (946.0, 575.0)
    assert every.rate == TripletSTDP.visual_cortex().rate == 1.0


def test_a_power_of_one_changes_no_bit():
    base = torch.linspace(0.0, 3.0, 1001)
    assert torch.equal(power(base, 1.0), base)
