"""Recordings in Parquet: exact, in parts, streamed with the bits of an uncut run. Every comparison is bit for bit."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from bisnn import rng, tree
from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError, RunCorrupt, ShapeMismatch, UnknownName
from bisnn.initialisers import Uniform
from bisnn.interop.parquet import read, write
from bisnn.interop.streaming import stream
from bisnn.modulators import Dopamine
from bisnn.neurons import IF, LIF
from bisnn.neurons.poisson import Poisson
from bisnn.plasticity import RSTDP
from bisnn.receptors import Receptor
from bisnn.recording import Probe
from bisnn.synapses import Exponential

STEPS, KEY = 300, torch.arange(6).reshape(2, 3)
CIRCUIT = Circuit(
    areas={"a": Area(n=11, neuron=IF()), "b": Area(n=4, neuron=LIF(tau=5.0)), "silent": Area(n=3, neuron=IF())},
    projections=(
        Projection(source="a", target="b", weight=Uniform(0.2, 0.9), rule=RSTDP(rate=0.01), bounds=(0.0, 1.0), delay=2),
    ),
    modulators={"dopamine": Dopamine()},
    dt=0.5,
)
PROBES = (
    Probe("a"),
    Probe("a", "v", every=7, window=(20, 290), only=(10, 0, 3)),
    Probe("b", units=(1, 4), window=(3, 250)),
    Probe("b", "v", every=3),
    Probe("silent"),
    Probe("a->b", "weight", every=50, window=(10, 300)),
    Probe("dopamine", "level", every=2),
)


def noise(name, shape, k):
    return rng.uniform(KEY, name, 0, k * shape).reshape(*KEY.shape, k, shape)


DRIVES = {"per tick": STEPS, "stretches of 3": 100, "stretches of 100": 3, "constant": 1}


def given(kind):
    drive = {"a": noise("drive", 11, DRIVES[kind]), "b": noise("own", 4, 1)[:, :, 0]}
    return drive if DRIVES[kind] > 1 else {**drive, "a": drive["a"][:, :, 0]}


def same(one, other):
    assert list(one) == list(other)
    assert one.dt == other.dt
    for name in one:
        assert torch.equal(one[name], other[name]), name
        assert one[name].dtype == other[name].dtype
        assert torch.equal(one.times(name), other.times(name))
        assert one.trace(name)[1:] == other.trace(name)[1:]


def same_state(one, other):
    equal = []
    tree.map(lambda a, b: equal.append(torch.equal(a, b)), one, other)
    assert len(equal) > 8
    assert all(equal)


def uncut(kind, dtype=torch.float32, **options):
    release = {"dopamine": noise("release", 1, STEPS)[..., 0].to(dtype) - 0.4}
    drive = {name: value.to(dtype) for name, value in given(kind).items()}
    start = CIRCUIT.init(KEY, dtype)
    state, seen = CIRCUIT.run(start, drive, release, steps=STEPS, probes=PROBES, **options)
    return start, drive, release, state, seen


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_written_reads_back_exactly(tmp_path, dtype):
    *_, seen = uncut("per tick", dtype)
    assert 0.02 < float(seen["a.spikes"].mean()) < 0.98
    assert float(seen["b.spikes"].mean()) > 0.0
    assert not seen["silent.spikes"].any()
    write(seen, tmp_path / "all.parquet")
    same(read(tmp_path / "all.parquet"), seen)
    alone = seen.of(1, 2)
    write(alone, tmp_path / "alone.parquet")
    same(read(tmp_path / "alone.parquet"), alone)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["all.parquet", "alone.parquet"]


def test_a_part_is_read_alone(tmp_path):
    *_, seen = uncut("per tick")
    path = tmp_path / "a.parquet"
    write(seen, path)
    same(read(path, window=(17, 203)), seen.during(17, 203))
    part = read(path, ["a.spikes", "b.v"], window=(101, 128), units=(1, 3))
    assert list(part) == ["a.spikes", "b.v"]
    assert torch.equal(part["a.spikes"], seen["a.spikes"][:, :, 101:128, 1:3])
    assert torch.equal(part["b.v"], seen["b.v"][:, :, 34:43, 1:3])
    assert part.ticks("b.v").tolist() == list(range(102, 128, 3))
    assert part.trace("a.spikes").units == (1, 2)
    assert read(path, ["a.v"], units=(1, 3)).trace("a.v").units == (0, 3)
    assert read(path, ["a.spikes"], window=(900, 901))["a.spikes"].shape == (2, 3, 0, 11)
    with pytest.raises(UnknownName, match=r"Did you mean 'a\.spikes'"):
        read(path, ["a.spike"])
    with pytest.raises(ShapeMismatch, match="holds 11 units"):
        read(path, ["a.spikes"], units=(8, 12))
    with pytest.raises(ShapeMismatch, match="holds 0 units"):
        read(path, ["dopamine.level"], units=(0, 1))


@pytest.mark.parametrize(
    ("kind", "rest_every", "budget"),
    [
        *((kind, rest, budget) for kind in DRIVES for rest, budget in ((None, 300_000), (20, 40_000))),
        ("per tick", None, 2**20),
        ("per tick", 1, 40_000),
        ("per tick", 20, 300_000),
        ("stretches of 3", 128, 300_000),
    ],
)
def test_a_stream_has_the_bits_of_an_uncut_run(tmp_path, kind, rest_every, budget):
    path = tmp_path / "stream.parquet"
    start, drive, release, state, seen = uncut(kind, rest_every=rest_every)
    after = stream(
        CIRCUIT, start, drive, release, steps=STEPS, probes=PROBES, path=path, budget=budget, rest_every=rest_every
    )
    stretches = pq.ParquetFile(path).metadata.num_row_groups
    assert stretches >= {2**20: 1, 300_000: 4, 40_000: 30}[budget]
    same(read(path), seen)
    same_state(after, state)


def test_a_stream_without_learning_and_release_at_the_first_tick(tmp_path):
    drive, release = given("per tick"), {"dopamine": torch.ones(2, 3)}
    start = CIRCUIT.init(KEY)
    state, seen = CIRCUIT.run(start, drive, release, steps=STEPS, probes=PROBES, learning=False)
    path = tmp_path / "still.parquet"
    after = stream(
        CIRCUIT, start, drive, release, steps=STEPS, probes=PROBES, path=path, budget=200_000, learning=False
    )
    assert pq.ParquetFile(path).metadata.num_row_groups > 4
    assert float(seen["dopamine.level"][0, 0, 1]) > 0
    same(read(path), seen)
    same_state(after, state)


def test_a_stream_goes_on_in_its_noise_filters_and_receptors(tmp_path):
    circuit = Circuit(
        areas={
            "source": Area(n=6, neuron=Poisson()),
            "b": Area(n=4, neuron=LIF(tau=5.0), receptors=(Receptor(modulator="dopamine", gain=0.5),)),
        },
        projections=(
            Projection(source="source", target="b", weight=Uniform(0.5, 1.5), filter=Exponential(tau=4.0), delay=3),
        ),
        modulators={"dopamine": Dopamine()},
    )
    start, drive = circuit.init(KEY), {"source": torch.full((2, 3, 6), 2.0)}
    options = {"steps": STEPS, "probes": (Probe("source"), Probe("b"), Probe("b", "v", every=7)), "learning": False}
    release = {"dopamine": noise("release", 1, STEPS)[..., 0]}
    state, seen = circuit.run(start, drive, release, **options)
    after = stream(circuit, start, drive, release, path=tmp_path / "x.parquet", budget=100_000, **options)
    assert pq.ParquetFile(tmp_path / "x.parquet").metadata.num_row_groups > 4
    assert 0.02 < float(seen["source.spikes"].mean()) < 0.98
    assert 0.01 < float(seen["b.spikes"].mean()) < 0.98
    same(read(tmp_path / "x.parquet"), seen)
    same_state(after, state)


def test_a_stream_is_driven_by_functions(tmp_path):
    start, drive, release, state, seen = uncut("per tick")
    asked = []

    def some_drive(first, past):
        asked.append((first, past))
        return {"a": drive["a"][:, :, first:past], "b": drive["b"]}

    def some_release(first, past):
        return {"dopamine": release["dopamine"][..., first:past]}

    path = tmp_path / "given.parquet"
    after = stream(CIRCUIT, start, some_drive, some_release, steps=STEPS, probes=PROBES, path=path, budget=300_000)
    same(read(path), seen)
    same_state(after, state)
    assert asked[0] == (0, 1)
    assert asked[1][0] == 0
    assert [first for first, _ in asked[2:]] == [past for _, past in asked[1:-1]]
    assert asked[-1][1] == STEPS


def test_what_cannot_be_streamed_is_refused(tmp_path):
    path, start = tmp_path / "x.parquet", CIRCUIT.init(KEY)
    with pytest.raises(ConfigError, match=r"'a->b\.weight' is the largest"):
        stream(CIRCUIT, start, given("constant"), steps=10, probes=(Probe("a->b", "weight"),), path=path, budget=500)
    with pytest.raises(ShapeMismatch, match="K a divisor of 10"):
        stream(CIRCUIT, start, given("stretches of 100"), steps=10, probes=(Probe("a"),), path=path)
    with pytest.raises(ConfigError, match="rest_every = 0"):
        stream(CIRCUIT, start, given("constant"), steps=10, probes=(Probe("a"),), path=path, rest_every=0)
    assert not list(tmp_path.iterdir())
    path.touch()
    with pytest.raises(ConfigError, match="exists; choose another name"):
        stream(CIRCUIT, start, given("constant"), steps=10, probes=(Probe("a"),), path=path)


def test_an_interrupted_stream_leaves_nothing_under_its_name(tmp_path):
    path, drive = tmp_path / "x.parquet", given("per tick")

    def until(first, past):
        if first > 100:
            raise KeyboardInterrupt
        return {"a": drive["a"][:, :, first:past]}

    with pytest.raises(KeyboardInterrupt):
        stream(CIRCUIT, CIRCUIT.init(KEY), until, steps=STEPS, probes=PROBES, path=path, budget=100_000)
    assert not list(tmp_path.iterdir())
    with pytest.raises(RunCorrupt, match="is missing; a stream that was interrupted"):
        read(path)


def test_damage_is_found(tmp_path):
    *_, seen = uncut("per tick")
    path = tmp_path / "x.parquet"
    write(seen, path)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:]):
        path.write_bytes(damaged)
        with pytest.raises(RunCorrupt, match="truncated, damaged or no recording"):
            read(path)
    pq.write_table(pa.table({"tick": [1, 2]}), path)
    with pytest.raises(RunCorrupt, match="truncated, damaged or no recording"):
        read(path)
