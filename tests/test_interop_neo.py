"""Recordings as Neo blocks and their statistics by Elephant. Round trips bit for bit."""

import itertools

import numpy as np
import pytest
import torch

from bisnn import rng
from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError, RunCorrupt
from bisnn.initialisers import Uniform
from bisnn.interop.neo_export import from_neo, to_neo
from bisnn.modulators import Dopamine
from bisnn.neurons import IF
from bisnn.plasticity import RSTDP
from bisnn.recording import Probe

KEY = torch.arange(4).reshape(2, 2)
PROBES = (
    Probe("a"),
    Probe("a", "v", every=4, window=(6, 90)),
    Probe("b", only=(3, 0), every=3, window=(1, 95)),
    Probe("silent"),
    Probe("a->b", "weight", every=20),
    Probe("dopamine", "level"),
)


def recording(key=KEY, dt=0.1, dtype=torch.float32):
    circuit = Circuit(
        areas={
            "a": Area(n=9, neuron=IF(threshold=0.7 * dt)),
            "b": Area(n=4, neuron=IF(threshold=dt)),
            "silent": Area(n=3, neuron=IF()),
        },
        projections=(Projection(source="a", target="b", weight=Uniform(0.0, 0.7), rule=RSTDP(), bounds=(0.0, 1.0)),),
        modulators={"dopamine": Dopamine()},
        dt=dt,
    )
    drive = {"a": rng.uniform(key, "drive", 0, 900).reshape(*key.shape, 100, 9).to(dtype)}
    _, seen = circuit.run(
        circuit.init(key, dtype), drive, {"dopamine": torch.ones(key.shape, dtype=dtype)}, steps=100, probes=PROBES
    )
    return seen


def same(one, other):
    assert list(one) == list(other)
    assert one.dt == other.dt
    for name in one:
        assert torch.equal(one[name], other[name]), name
        assert one[name].dtype == other[name].dtype
        assert one.trace(name)[1:] == other.trace(name)[1:]
        assert type(one.trace(name).data) is type(other.trace(name).data)


@pytest.mark.parametrize("key", [KEY, KEY[1, 0]])
@pytest.mark.parametrize(("dt", "dtype"), [(0.1, torch.float32), (1.0, torch.float64), (1 / 3, torch.float32)])
def test_a_block_gives_back_the_recording(key, dt, dtype):
    seen = recording(key, dt, dtype)
    assert 0.1 < float(seen["a.spikes"].double().mean()) < 0.9
    assert float(seen["b.spikes"].double().mean()) > 0.02
    same(from_neo(to_neo(seen)), seen)


def test_trains_and_signals_are_what_neo_expects():
    seen = recording()
    block = to_neo(seen)
    assert [segment.annotations["individual"] for segment in block.segments] == [[0, 0], [0, 1], [1, 0], [1, 1]]
    segment = block.segments[2]
    trains = {(train.annotations["area"], train.annotations["unit"]): train for train in segment.spiketrains}
    assert set(trains) == {
        *itertools.product("a", range(9)),
        ("b", 3),
        ("b", 0),
        *itertools.product(["silent"], range(3)),
    }
    for unit in range(9):
        ticks = seen["a.spikes"][1, 0, :, unit].nonzero()[:, 0].numpy()
        assert np.array_equal(trains["a", unit].rescale("ms").magnitude, ticks * 0.1)
    first = trains["b", 3]
    assert (float(first.t_start.rescale("ms")), float(first.t_stop.rescale("ms"))) == pytest.approx((0.1, 9.7))
    assert [len(trains["silent", unit]) for unit in range(3)] == [0, 0, 0]
    signals = {signal.name: signal for signal in segment.analogsignals}
    assert list(signals) == ["a.v", "a->b.weight", "dopamine.level"]
    assert signals["a.v"].shape == (21, 9)
    assert signals["a->b.weight"].shape == (5, 36)
    assert float(signals["a.v"].t_start.rescale("ms")) == pytest.approx(0.6)
    assert float(signals["a.v"].sampling_period.rescale("ms")) == pytest.approx(0.4)


def test_a_block_that_lacks_something_is_refused():
    block = to_neo(recording())
    block.segments[1].spiketrains = [t for t in block.segments[1].spiketrains if t.name != "a 4"]
    with pytest.raises(RunCorrupt, match=r"8 trains, signals or segments of 'a\.spikes' instead of 9"):
        from_neo(block)
    block = to_neo(recording())
    block.annotations.pop("bisnn")
    with pytest.raises(RunCorrupt, match="does not describe a recording"):
        from_neo(block)
    block = to_neo(recording())
    block.segments = block.segments[1:]
    with pytest.raises(RunCorrupt, match="instead of 4"):
        from_neo(block)
    for strange in (None, "a.nwb", block.segments[0]):
        with pytest.raises(ConfigError, match=r"from_neo takes a neo\.Block, not"):
            from_neo(strange)
