"""Recordings as NWB files: round trips bit for bit, silent units have their rows, other readers see ms as s."""

import numpy as np
import pynwb
import pytest
import torch

from bisnn import rng
from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError, RunCorrupt
from bisnn.initialisers import Uniform
from bisnn.interop.nwb_export import from_nwb, to_nwb
from bisnn.modulators import Dopamine
from bisnn.neurons import IF
from bisnn.plasticity import RSTDP
from bisnn.recording import Probe, Recording, Trace

KEY = torch.arange(2).reshape(1, 2)
PROBES = (
    Probe("silent"),
    Probe("a"),
    Probe("a", "v", every=4, window=(6, 90)),
    Probe("b", only=(3, 0), every=3, window=(1, 95)),
    Probe("a->b", "weight", every=20),
    Probe("dopamine", "level"),
)


def recording(key=KEY, dt=0.1, dtype=torch.float32, probes=PROBES):
    areas = {"a": 0.7 * dt, "b": dt, "silent": 1.0}
    circuit = Circuit(
        areas={name: Area(n=5, neuron=IF(threshold=threshold)) for name, threshold in areas.items()},
        projections=(Projection(source="a", target="b", weight=Uniform(0.0, 0.7), rule=RSTDP(), bounds=(0.0, 1.0)),),
        modulators={"dopamine": Dopamine()},
        dt=dt,
    )
    drive = {"a": rng.uniform(key, "drive", 0, 500).reshape(*key.shape, 100, 5).to(dtype)}
    release = {"dopamine": torch.ones(key.shape, dtype=dtype)}
    return circuit.run(circuit.init(key, dtype), drive, release, steps=100, probes=probes)[1]


def same(one, other):
    assert list(one) == list(other)
    assert one.dt == other.dt
    for name in one:
        assert torch.equal(one[name], other[name]), name
        assert one[name].dtype == other[name].dtype
        assert one.trace(name)[1:] == other.trace(name)[1:]
        assert type(one.trace(name).data) is type(other.trace(name).data)


@pytest.mark.parametrize("key", [KEY, KEY[0, 1]])
@pytest.mark.parametrize(("dt", "dtype"), [(0.1, torch.float32), (1 / 3, torch.float64)])
def test_a_file_gives_back_the_recording(tmp_path, key, dt, dtype):
    seen = recording(key, dt, dtype)
    assert 0.1 < float(seen["a.spikes"].double().mean()) < 0.9
    assert float(seen["b.spikes"].double().mean()) > 0.02
    to_nwb(seen, tmp_path / "a.nwb")
    same(from_nwb(tmp_path / "a.nwb"), seen)
    assert [path.name for path in tmp_path.iterdir()] == ["a.nwb"]


@pytest.mark.parametrize("names", [("silent.spikes",), ("dopamine.level",), ("a.spikes",)])
def test_some_quantities_alone(tmp_path, names):
    seen = recording(probes=tuple(probe for probe in PROBES if probe.name in names))
    to_nwb(seen, tmp_path / "a.nwb")
    same(from_nwb(tmp_path / "a.nwb"), seen)


def test_the_file_is_what_other_readers_expect(tmp_path):
    seen = recording()
    to_nwb(seen, tmp_path / "a.nwb")
    with pynwb.NWBHDF5IO(tmp_path / "a.nwb", "r") as io:
        file = io.read()
        units = file.units.to_dataframe()
        assert len(units) == 2 * (5 + 5 + 2)
        mine = units[(units["area"] == "a") & (units["individual"] == "0,1")]
        assert mine["unit"].tolist() == [0, 1, 2, 3, 4]
        for unit, times in zip(mine["unit"], mine["spike_times"], strict=True):
            ticks = seen["a.spikes"][0, 1, :, unit].nonzero()[:, 0].numpy()
            assert np.allclose(times, ticks * 1e-4, rtol=1e-15, atol=0)
        silent = units[units["area"] == "silent"]
        assert len(silent) == 10
        assert all(len(times) == 0 for times in silent["spike_times"])
        assert np.allclose(silent["obs_intervals"].iloc[0], [[0.0, 0.01]])
        series = file.acquisition["a.v[0,0]"]
        assert series.data.shape == (21, 5)
        assert series.rate == pytest.approx(2500.0)
        assert series.starting_time == pytest.approx(0.0006)
        assert file.acquisition["a->b.weight[0,1]"].data.shape == (5, 5, 5)
    assert pynwb.validate(path=str(tmp_path / "a.nwb")) in ([], ([], 0))


def test_what_does_not_fit_is_refused(tmp_path):
    path = tmp_path / "a.nwb"
    graded = Recording({"a.spikes": Trace(torch.full((4, 2), 0.5))}, 1.0)
    with pytest.raises(ConfigError, match="beside 0 and 1"):
        to_nwb(graded, path)
    with pytest.raises(ConfigError, match=r"cannot name 'a/b\.v'"):
        to_nwb(Recording({"a/b.v": Trace(torch.ones(4, 2))}, 1.0), path)
    assert not list(tmp_path.iterdir())
    path.write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="exists; choose another name"):
        to_nwb(recording(), path)
    with pytest.raises(RunCorrupt, match="missing, damaged or no recording"):
        from_nwb(path)
    with pytest.raises(RunCorrupt, match="missing, damaged or no recording"):
        from_nwb(tmp_path / "b.nwb")


def test_folders_are_made_or_named(tmp_path):
    seen = recording(probes=(Probe("silent"),))
    to_nwb(seen, tmp_path / "new" / "deep" / "a.nwb")
    same(from_nwb(tmp_path / "new" / "deep" / "a.nwb"), seen)
    (tmp_path / "file").touch()
    for bad, said in (
        (tmp_path / "file" / "a.nwb", "cannot be written"),
        (tmp_path / ("x" * 300), "cannot be written"),
        ("", "no name of a file"),
        (None, "no name of a file"),
    ):
        with pytest.raises(ConfigError, match=said):
            to_nwb(seen, bad)
