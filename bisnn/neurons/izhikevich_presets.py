"""The classes of neurons of Izhikevich (2003, 2004), each with the stimulus that shows its firing pattern.

    I(t) = base + sum of level + slope (t - start) over the pulses with start < t < stop

Parameters, initial potentials, stimuli and steps are those of the author's published program for figure 1 of the 2004
paper and figure 2 of the 2003 paper. They differ from the captions in two classes: bistability (caption: a = 1,
b = 1.5) and inhibition-induced bursting (caption: d = 0). Names are those of the papers, in lower case.

Izhikevich (2003) IEEE Trans. Neural Netw. 14:1569, doi:10.1109/TNN.2003.820440;
Izhikevich (2004) IEEE Trans. Neural Netw. 15:1063, doi:10.1109/TNN.2004.832719
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bisnn.errors import pick
from bisnn.neurons.izhikevich import Izhikevich


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """A piece of a stimulus: `level + slope (t - start)` for start < t < stop."""

    start: float
    """Begins after this time, ms; -inf: from the beginning."""
    stop: float = math.inf
    """Ends before this time, ms."""
    level: float = 0.0
    """Current at its start."""
    slope: float = 0.0
    """Growth of the current, 1/ms."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A class of neurons and what shows it."""

    neuron: Izhikevich
    """Its parameters and initial state."""
    pulses: tuple[Pulse, ...]
    """The stimulus on top of `base`."""
    span: float
    """Length of the experiment, ms."""
    base: float = 0.0
    """Current outside the pulses."""
    dt: float = 0.25
    """The author's step, ms."""

    def current(self, time: float) -> float:
        """The stimulus at a time in ms; tick k of a run is fed `current(k dt)`."""
        on = [pulse for pulse in self.pulses if pulse.start < time < pulse.stop]
        return self.base + sum(p.level + (p.slope * (time - p.start) if p.slope else 0.0) for p in on)


def _step(at: float, level: float) -> tuple[Pulse, ...]:
    return (Pulse(start=at, level=level),)


def _pulses(length: float, level: float, *starts: float) -> tuple[Pulse, ...]:
    return tuple(Pulse(start=start, stop=start + length, level=level) for start in starts)


_CLASS_1 = Izhikevich(a=0.02, b=-0.1, c=-55.0, d=6.0, linear=4.1, constant=108.0, v_init=-60.0)
_REBOUND = Izhikevich(a=0.03, b=0.25, c=-60.0, d=4.0, v_init=-64.0)
_TC = Izhikevich(a=0.02, b=0.25, c=-65.0, d=0.05, v_init=-63.0)
_INHIBITED = (Pulse(start=-math.inf, stop=50.0, level=5.0), Pulse(start=250.0, level=5.0))

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        # 2004, figure 1, A to T
        "tonic spiking": Preset(
            neuron=Izhikevich(a=0.02, b=0.2, c=-65.0, d=6.0, v_init=-70.0), pulses=_step(10.0, 14.0), span=100.0
        ),
        "phasic spiking": Preset(
            neuron=Izhikevich(a=0.02, b=0.25, c=-65.0, d=6.0, v_init=-64.0), pulses=_step(20.0, 0.5), span=200.0
        ),
        "tonic bursting": Preset(
            neuron=Izhikevich(a=0.02, b=0.2, c=-50.0, d=2.0, v_init=-70.0), pulses=_step(22.0, 15.0), span=220.0
        ),
        "phasic bursting": Preset(
            neuron=Izhikevich(a=0.02, b=0.25, c=-55.0, d=0.05, v_init=-64.0),
            pulses=_step(20.0, 0.6),
            span=200.0,
            dt=0.2,
        ),
        "mixed mode": Preset(
            neuron=Izhikevich(a=0.02, b=0.2, c=-55.0, d=4.0, v_init=-70.0), pulses=_step(16.0, 10.0), span=160.0
        ),
        "spike frequency adaptation": Preset(
            neuron=Izhikevich(a=0.01, b=0.2, c=-65.0, d=8.0, v_init=-70.0), pulses=_step(8.5, 30.0), span=85.0
        ),
        "class 1": Preset(neuron=_CLASS_1, pulses=(Pulse(start=30.0, slope=0.075),), span=300.0),
        "class 2": Preset(
            neuron=Izhikevich(a=0.2, b=0.26, c=-65.0, d=0.0, v_init=-64.0),
            pulses=(Pulse(start=30.0, slope=0.015),),
            base=-0.5,
            span=300.0,
        ),
        "spike latency": Preset(
            neuron=Izhikevich(a=0.02, b=0.2, c=-65.0, d=6.0, v_init=-70.0),
            pulses=_pulses(3.0, 7.04, 10.0),
            span=100.0,
            dt=0.2,
        ),
        "subthreshold oscillations": Preset(
            neuron=Izhikevich(a=0.05, b=0.26, c=-60.0, d=0.0, v_init=-62.0), pulses=_pulses(5.0, 2.0, 20.0), span=200.0
        ),
        "resonator": Preset(
            neuron=Izhikevich(a=0.1, b=0.26, c=-60.0, d=-1.0, v_init=-62.0),
            pulses=_pulses(4.0, 0.65, 40.0, 60.0, 280.0, 320.0),
            span=400.0,
        ),
        "integrator": Preset(
            neuron=_CLASS_1, pulses=_pulses(2.0, 9.0, 100.0 / 11.0, 100.0 / 11.0 + 5.0, 70.0, 80.0), span=100.0
        ),
        "rebound spike": Preset(neuron=_REBOUND, pulses=_pulses(5.0, -15.0, 20.0), span=200.0, dt=0.2),
        "rebound burst": Preset(
            neuron=Izhikevich(a=0.03, b=0.25, c=-52.0, d=0.0, v_init=-64.0),
            pulses=_pulses(5.0, -15.0, 20.0),
            span=200.0,
            dt=0.2,
        ),
        "threshold variability": Preset(
            neuron=_REBOUND, pulses=(*_pulses(5.0, 1.0, 10.0, 80.0), *_pulses(5.0, -6.0, 70.0)), span=100.0
        ),
        "bistability": Preset(
            neuron=Izhikevich(a=0.1, b=0.26, c=-60.0, d=0.0, v_init=-61.0),
            pulses=_pulses(5.0, 1.0, 37.5, 216.0),
            base=0.24,
            span=300.0,
        ),
        "depolarising after-potential": Preset(
            neuron=Izhikevich(a=1.0, b=0.2, c=-60.0, d=-21.0, v_init=-70.0),
            pulses=_pulses(2.0, 20.0, 9.0),
            span=50.0,
            dt=0.1,
        ),
        "accommodation": Preset(
            neuron=Izhikevich(a=0.02, b=1.0, c=-55.0, d=4.0, v_ref=-65.0, leak=0.0, v_init=-65.0, u_init=-16.0),
            pulses=(Pulse(start=0.0, stop=200.0, slope=1.0 / 25.0), Pulse(start=300.0, stop=312.5, slope=4.0 / 12.5)),
            span=400.0,
            dt=0.5,
        ),
        "inhibition-induced spiking": Preset(
            neuron=Izhikevich(a=-0.02, b=-1.0, c=-60.0, d=8.0, v_init=-63.8),
            pulses=_INHIBITED,
            base=75.0,
            span=350.0,
            dt=0.5,
        ),
        "inhibition-induced bursting": Preset(
            neuron=Izhikevich(a=-0.026, b=-1.0, c=-45.0, d=-2.0, v_init=-63.8),
            pulses=_INHIBITED,
            base=75.0,
            span=350.0,
            dt=0.5,
        ),
        # 2003, figure 2
        "regular spiking": Preset(
            neuron=Izhikevich(a=0.02, b=0.2, c=-65.0, d=8.0, v_init=-63.0), pulses=_step(15.0, 14.0), span=150.0
        ),
        "intrinsically bursting": Preset(
            neuron=Izhikevich(a=0.02, b=0.2, c=-55.0, d=4.0, v_init=-70.0), pulses=_step(15.0, 11.0), span=150.0
        ),
        "chattering": Preset(
            neuron=Izhikevich(a=0.02, b=0.2, c=-50.0, d=2.0, v_init=-70.0), pulses=_step(15.0, 10.0), span=150.0
        ),
        "fast spiking": Preset(
            neuron=Izhikevich(a=0.1, b=0.2, c=-65.0, d=2.0, v_init=-70.0), pulses=_step(15.0, 10.0), span=150.0
        ),
        "low-threshold spiking": Preset(
            neuron=Izhikevich(a=0.02, b=0.25, c=-65.0, d=2.0, v_init=-63.0), pulses=_step(25.0, 10.0), span=250.0
        ),
        "thalamo-cortical": Preset(neuron=_TC, pulses=_step(30.0, 1.5), span=150.0),
        "thalamo-cortical burst": Preset(
            neuron=Izhikevich(a=0.02, b=0.25, c=-65.0, d=0.05, v_init=-87.0),
            pulses=_step(45.0, 25.0),
            base=-25.0,
            span=150.0,
        ),
        "resonator (2003)": Preset(
            neuron=Izhikevich(a=0.1, b=0.26, c=-65.0, d=2.0, v_init=-70.0),
            pulses=(*_step(10.0, 1.5), *_pulses(5.0, 10.5, 60.0)),
            base=-2.0,
            span=100.0,
        ),
    }
)
"""Every class by name: 20 of 2004, then those of 2003 (RS, IB, CH, FS, LTS, TC in both modes, RZ)."""


def preset(name: str) -> Preset:
    """The class of this name; raises `UnknownName`, which lists them."""
    return PRESETS[pick("Izhikevich preset", name, PRESETS)]


EXAMPLES = (PRESETS["phasic spiking"].neuron, PRESETS["class 2"].neuron, PRESETS["rebound burst"].neuron)
