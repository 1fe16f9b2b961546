"""The classes of Izhikevich (2003, 2004), each by what its figure shows.

Sources: doi:10.1109/TNN.2003.820440 and doi:10.1109/TNN.2004.832719. A pattern is asked for with the author's step and
with 0.1, 0.25 and 0.5 ms, in float32 and float64. Where a class needs the author's step, `NEEDS_ITS_STEP` says why.
"""

import itertools
import math

import pytest
import torch

from bisnn.neurons import PRESETS, Izhikevich, Preset
from bisnn.testing.claims import simulate

BURST = 15.0  # ms; spikes closer than this belong to one burst


def record(given, dt, dtype=torch.float64, current=None, span=None):
    """Spike times, ms, and the potential at the end of every tick."""
    feed = given.current if current is None else (lambda time: current)
    state, times, potential = given.neuron.init((1,), torch.zeros((), dtype=dtype)), [], []
    for tick in range(round((span or given.span) / dt) + 1):
        spikes, state = given.neuron.step(state, torch.full((1,), feed(tick * dt), dtype=dtype), dt)
        potential.append(float(state.v))
        if spikes:
            times.append(tick * dt)
    return times, potential


def gaps(times):
    return [b - a for a, b in itertools.pairwise(times)]


def bursts(times):
    """The spikes grouped into bursts."""
    found = [times[:1]]
    for before, now in itertools.pairwise(times):
        if now - before > BURST:
            found.append([])
        found[-1].append(now)
    return found


def steady(values, within):
    return max(values) - min(values) <= within * min(values)


def tonic_spiking(times, v, dt):
    assert times[0] > 10
    assert steady(gaps(times)[-2:], 0.1)
    assert len(times) >= 5


def phasic_spiking(times, v, dt):
    assert len(times) == 1, "one spike at the onset of a current that stays"
    assert 20 < times[0] < 60


def tonic_bursting(times, v, dt):
    found = bursts(times)
    assert len(found) >= 4
    assert all(len(burst) >= 4 for burst in found[:-1])
    assert steady(gaps([burst[0] for burst in found])[1:], 0.1)


def phasic_bursting(times, v, dt):
    assert len(bursts(times)) == 1
    assert len(times) >= 3
    assert times[-1] < 80, "silent to the end at 200 ms"


def mixed_mode(times, v, dt):
    first, *rest = bursts(times)
    assert len(first) == 3
    assert len(rest) >= 3
    assert all(len(burst) == 1 for burst in rest)
    assert steady(gaps(times)[3:], 0.1)


def spike_frequency_adaptation(times, v, dt):
    found = gaps(times)
    assert len(found) >= 5
    assert found == sorted(found)
    assert found[-1] > 8 * found[0]


def class_1(times, v, dt):
    found = gaps(times)
    assert len(found) >= 8
    assert found[0] > 35, "it begins slowly"
    assert max(b - a for a, b in itertools.pairwise(found)) <= 2 * dt, "and becomes faster with the ramp"
    assert found[0] > 2.5 * found[-1]


def class_2(times, v, dt):
    found = gaps(times)
    assert times[0] > 60, "silent at the foot of the ramp"
    assert found[0] < 25, "it begins fast"
    assert found[0] < 2.3 * found[-1]
    assert len(found) >= 11


def spike_latency(times, v, dt):
    assert len(times) == 1
    assert times[0] > 13 + 4, "long after a pulse that ended at 13 ms"


def subthreshold_oscillations(times, v, dt):
    assert len(times) == 1
    assert 20 < times[0] < 30
    rest = Izhikevich(a=0.05, b=0.26).fixed_point(0.0)["v"]
    after = [value - rest for value in v[round(40 / dt) :]]
    upward = [i * dt for i, (a, b) in enumerate(itertools.pairwise(after)) if a < 0 <= b]
    slope = 0.08 * rest + 5  # linearised: l^2 + (a - slope) l + a (b - slope) = 0
    omega = math.sqrt(0.05 * (0.26 - slope) - (0.05 - slope) ** 2 / 4)
    assert len(upward) >= 3
    assert sum(gaps(upward)) / len(gaps(upward)) == pytest.approx(2 * math.pi / omega, rel=0.1)


def resonator(times, v, dt):
    assert len(times) == 1, "pulses 20 ms apart do nothing, 40 ms apart they fire it"
    assert times[0] > 320


def integrator(times, v, dt):
    assert len(times) == 1, "pulses 5 ms apart fire it, 10 ms apart they do not"
    assert 100 / 11 + 5 < times[0] < 25


def rebound_spike(times, v, dt):
    assert len(times) == 1
    assert times[0] > 25, "after the inhibition has ended"


def rebound_burst(times, v, dt):
    assert len(bursts(times)) == 1
    assert len(times) >= 5
    assert times[0] > 25


def threshold_variability(times, v, dt):
    assert len(times) == 1, "the same pulse fires it only after an inhibition"
    assert times[0] > 80


def bistability(times, v, dt):
    assert times[0] > 37.5, "at rest before the first pulse"
    inner = [time for time in times if 42.5 < time < 216]
    assert len(inner) >= 4
    assert steady(gaps(inner), 0.1)
    assert times[-1] < 221, "the second pulse ends it"


def depolarising_after_potential(times, v, dt):
    assert len(times) == 1
    after = v[round(times[0] / dt) + 1 :]
    top = max(range(len(after)), key=after.__getitem__)
    assert after[top] > -70 + 8, "well above rest without input"
    assert after[top] > -55 or dt > 0.1, "above the reset too, with the author's step"
    assert top * dt < 5
    assert after[-1] == pytest.approx(-70, abs=0.5)


def accommodation(times, v, dt):
    assert len(times) == 1, "a slow ramp to 8 does nothing, a fast one to 4 fires it"
    assert 300 < times[0] < 314


def inhibition_induced_spiking(times, v, dt):
    assert times[0] > 50
    assert times[-1] < 250 + 15
    assert len(times) >= 3
    assert min(gaps(times)[:2]) > 40


def inhibition_induced_bursting(times, v, dt):
    found = bursts(times)
    assert times[0] > 50
    assert times[-1] < 250
    assert len(found) >= 2
    assert all(len(burst) >= 3 for burst in found)


def regular_spiking(times, v, dt):
    found = gaps(times)
    assert found[0] < 0.3 * found[1] < found[1], "it adapts"
    assert steady(found[-2:], 0.05)


def intrinsically_bursting(times, v, dt):
    first, *rest = bursts(times)
    assert len(first) >= 3
    assert len(rest) >= 3
    assert all(len(burst) == 1 for burst in rest)


def chattering(times, v, dt):
    found = bursts(times)
    assert len(found) >= 3
    assert all(len(burst) >= 3 for burst in found)
    assert max(gaps(found[0])) < 5


def fast_spiking(times, v, dt):
    found = gaps(times)
    assert len(times) >= 12
    assert max(found) < 14
    assert steady(found[4:], 0.3), "without adaptation after the first"


def low_threshold_spiking(times, v, dt):
    found = gaps(times)
    assert len(times) >= 15
    assert found[-1] > 2.5 * found[0], "it adapts"
    assert steady(found[-3:], 0.15)
    assert len(record(PRESETS["low-threshold spiking"], dt, current=1.5)[0]) > 0, "it fires where RS does not"
    assert not record(Preset(neuron=Izhikevich(), pulses=(), span=250.0), dt, current=1.5)[0]


def thalamo_cortical(times, v, dt):
    assert times[0] > 30
    assert len(times) >= 4
    assert min(gaps(times)) > 10, "from rest it fires tonically"


def thalamo_cortical_burst(times, v, dt):
    assert times[0] > 45, "after the release from inhibition"
    assert len(times) >= 3
    assert max(gaps(times)[:2]) < 9
    assert times[-1] < 100


def resonator_2003(times, v, dt):
    assert 60 < times[0] < 65, "only the pulse fires it"
    assert times[-1] < 75
    before = v[round(15 / dt) : round(60 / dt)]
    turns = sum((a - b) * (c - b) > 0 for a, b, c in zip(before, before[1:], before[2:], strict=False))
    assert turns >= 2, "it oscillates below threshold"


CRITERIA = {
    name: globals()[name.replace(" ", "_").replace("-", "_").replace("(", "").replace(")", "")] for name in PRESETS
}
NEEDS_ITS_STEP = {
    "spike latency": (0.25, 0.5),  # a pulse at the edge of firing: open at both ends, it loses a tick of charge
    "resonator": (0.5,),  # likewise
    "rebound spike": (0.25, 0.5),  # likewise
    "rebound burst": (0.25, 0.5),  # likewise
    "bistability": (0.1, 0.5),  # the second pulse must meet its phase
    "inhibition-induced bursting": (0.1, 0.25),  # d = -2: bursts end by the error of the author's step
}
CASES = [
    (name, dt)
    for name, given in PRESETS.items()
    for dt in sorted({given.dt, 0.1, 0.25, 0.5} - set(NEEDS_ITS_STEP.get(name, ())))
]


@pytest.mark.parametrize(("name", "dt"), CASES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pattern(name, dt, dtype):
    CRITERIA[name](*record(PRESETS[name], dt, dtype), dt)


def test_a_criterion_tells_the_classes_apart():
    """No criterion is met by every class: it is met by its own and by few others."""
    found = {name: record(given, given.dt) for name, given in PRESETS.items()}
    for name, criterion in CRITERIA.items():
        met = [other for other, (times, v) in found.items() if _met(criterion, times, v, PRESETS[other].dt)]
        assert name in met
        assert len(met) <= 10, (name, met)


def _met(criterion, times, v, dt):
    try:
        criterion(times, v, dt)
    except (AssertionError, IndexError, ValueError):
        return False
    return True


def rates_at(name, currents, dt=0.1, span=1500.0):
    """Spikes per second in the second half of a run with each constant current."""
    given = torch.tensor(currents, dtype=torch.float64)
    ticks = round(span / dt)
    spikes, _ = simulate(PRESETS[name].neuron, given, dt, ticks)
    return (spikes[ticks // 2 :].sum(0) * (2000.0 / span)).tolist()


def test_class_1_begins_at_any_rate_and_class_2_does_not():
    onset = (4.1 + 0.1) ** 2 / (4 * 0.04) - 108  # saddle-node of class 1
    silent, slow, faster, fast = rates_at("class 1", [onset - 0.02, onset + 0.05, onset + 1.0, onset + 6.0])
    assert silent == 0 < slow < 6
    assert slow < faster < fast
    rates = rates_at("class 2", [0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.6, 1.0])
    assert rates[0] == 0
    assert min(rate for rate in rates if rate) > 25
    assert rates == sorted(rates)
