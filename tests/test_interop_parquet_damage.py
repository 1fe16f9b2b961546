"""Damaged Parquet files: whatever bit is flipped, `read` gives the same recording or raises `RunCorrupt`."""

import json
import random
import re

import pyarrow.parquet as pq
import pytest
import torch

from bisnn.circuit import Area, Circuit
from bisnn.errors import ConfigError, RunCorrupt
from bisnn.interop import layout
from bisnn.interop.parquet import _seal, read, write
from bisnn.interop.streaming import stream
from bisnn.neurons import IF
from bisnn.recording import Probe, Recording, Trace


def recording():
    spikes = (torch.arange(2 * 90 * 5).reshape(2, 90, 5) % 3 == 0).float()
    some = {"a.spikes": Trace(spikes, 1, 1, 3), "a.v": Trace(spikes[:, ::2] * 0.5, 2, 1, 3, (4, 1, 0, 2, 3))}
    return Recording(some, 0.5)


def same(one, other):
    return (
        list(one) == list(other)
        and one.dt == other.dt
        and all(
            torch.equal(one[name], other[name])
            and one[name].dtype == other[name].dtype
            and one.trace(name)[1:] == other.trace(name)[1:]
            for name in one
        )
    )


def test_every_flip_is_found_or_harmless(tmp_path):
    path = tmp_path / "a.parquet"
    write(recording(), path)
    whole = path.read_bytes()
    draw = random.Random(0)
    found = 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        try:
            assert same(read(path), recording()), place
        except RunCorrupt:
            found += 1
    assert found > 0.9 * len(whole)


@pytest.mark.parametrize(
    "change",
    [
        ('"dt": 0.5', '"dt": 0.25'),
        ('"every": 2', '"every": 4'),
        ('"dtype": "float32"', '"dtype": "float64"'),
        ('"units": [4, 1', '"units": [1, 4'),
        ('"a.v"', '"a.w"'),
        ('"sha256"', '"sha255"'),
        ('"bisnn": 2', '"bisnn": 1'),
        ('"first": 3', '"first": null'),
    ],
)
def test_a_description_that_was_changed_is_refused(change):
    text = layout.as_text(layout.describe(recording()), 0.5)
    assert layout.from_text(text, "here")[1] == 0.5
    assert change[0] in text
    with pytest.raises(RunCorrupt, match="here does not describe a recording"):
        layout.from_text(text.replace(*change), "here")
    assert re.fullmatch("[0-9a-f]{64}", json.loads(text)["sha256"])


def test_a_file_with_other_columns_or_ticks_than_it_says_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    write(recording(), path)
    table = pq.read_table(path)
    renamed = table.rename_columns(["tick", "a.spikes", "a.w"])
    pq.write_table(renamed.replace_schema_metadata(table.schema.metadata), path)
    _seal(path)
    with pytest.raises(RunCorrupt, match="other columns than it says"):
        read(path)
    pq.write_table(table.take(list(range(89, -1, -1))), path)
    _seal(path)
    with pytest.raises(RunCorrupt, match="are other ones than the file says"):
        read(path)


def test_paths_that_cannot_be_written_are_named(tmp_path, monkeypatch):
    circuit = Circuit(areas={"a": Area(n=2, neuron=IF())})

    def streamed(path):
        stream(circuit, circuit.init(torch.tensor(0)), {}, steps=3, probes=(Probe("a"),), path=path)

    (tmp_path / "file").touch()
    for put in (lambda path: write(recording(), path), streamed):
        for bad, said in (
            (tmp_path / "file" / "a.parquet", "cannot be written"),
            (tmp_path / ("x" * 240), "cannot be written"),
            (tmp_path / ("x" * 300), "cannot be written"),
            ("", "no name of a file"),
            (None, "no name of a file"),
            (tmp_path / "file", "exists; choose another name"),
        ):
            with pytest.raises(ConfigError, match=said):
                put(bad)
        with monkeypatch.context() as patch:
            patch.setattr(layout.os, "access", lambda *_: False)
            with pytest.raises(ConfigError, match="no permission"):
                put(tmp_path / "a.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("part", [{"window": (0.5, 3)}, {"units": (1,)}])
def test_parts_are_whole_numbers(tmp_path, part):
    write(recording(), tmp_path / "a.parquet")
    with pytest.raises(ConfigError, match="whole numbers"):
        read(tmp_path / "a.parquet", **part)
