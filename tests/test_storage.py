"""Files of a run: whole or not at all, refused when they cannot be trusted, hashed by content alone."""

from __future__ import annotations

import errno
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from bisnn.errors import ConfigError, RunCorrupt
from bisnn.experiments import storage

ARMS = ("intact", "no_mirror", "no_dopamine")


def episode_rows(seeds: int = 4, episodes: int = 10) -> storage.Columns:
    rng = np.random.default_rng(1)
    arm, seed, episode = (part.ravel() for part in np.indices((3, seeds, episodes)))
    return {
        "arm": np.array(ARMS)[arm],
        "seed": seed,
        "episode": episode,
        "agent": np.full(arm.size, "helper"),
        "steps": rng.integers(5, 20, arm.size),
        "return_external": rng.normal(size=arm.size),
        "relieved": rng.random(arm.size) < 0.7,
    }


def spike_rows(n: int = 200) -> storage.Columns:
    rng = np.random.default_rng(2)
    names = ("seed", "episode", "step", "tick", "unit")
    columns = {name: rng.integers(0, 50, n).astype(np.int32) for name in names}
    return {
        **columns,
        "arm": np.array(ARMS)[rng.integers(0, 3, n)],
        "area": np.array(["ifg", "sma"])[rng.integers(0, 2, n)],
    }


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    storage.write_parquet(folder / "episodes.parquet", episode_rows())
    storage.write_parquet(folder / "spikes.parquet", spike_rows())
    storage.write_tensors(
        folder / "recordings" / "intact-0.safetensors", {"v": torch.arange(6.0).reshape(2, 3)}, {"dt": "1"}
    )
    storage.write_tensors(folder / "state.safetensors", {"weights/a->b": torch.ones(3, 4), "step": torch.tensor(7)})
    storage.write_json(folder / "summary.json", {"arms": {}, "comparisons": {}})
    return folder


def test_everything_comes_back(run: Path) -> None:
    for name, rows in (("episodes", episode_rows()), ("spikes", spike_rows())):
        found = storage.read_parquet(run / f"{name}.parquet")
        assert list(found) == list(rows)
        for column, values in rows.items():
            assert (found[column] == values).all()
            assert found[column].dtype == values.dtype or values.dtype.kind == "U"
    assert list(storage.read_parquet(run / "spikes.parquet")["area"][:2]) == list(spike_rows()["area"][:2])
    tensors, notes = storage.open_tensors(run / "recordings" / "intact-0.safetensors")
    assert torch.equal(tensors["v"], torch.arange(6.0).reshape(2, 3))
    assert notes == {"dt": "1"}
    storage.write_parquet(run / "empty.parquet", {"arm": np.array([], dtype=str), "x": np.array([])})
    assert [len(values) for values in storage.read_parquet(run / "empty.parquet").values()] == [0, 0]


def test_tensors_that_share_memory(tmp_path: Path) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    storage.write_tensors(tmp_path / "t.safetensors", {"a": base, "b": base.T, "c": base[1]})
    assert torch.equal(storage.read_tensors(tmp_path / "t.safetensors")["b"], base.T)


def rewrite(path: Path, change: Any, **how: Any) -> None:
    pq.write_table(change(pq.read_table(path)), path, **how)


def test_hash_is_free_of_order_encoding_and_place(run: Path, tmp_path: Path) -> None:
    expected = storage.content_hash(run)
    rng = np.random.default_rng(3)
    for name in ("episodes", "spikes"):
        rewrite(run / f"{name}.parquet", lambda table: table.take(rng.permutation(table.num_rows)), compression="none")
    assert storage.content_hash(run) == expected
    rewrite(
        run / "episodes.parquet",
        lambda table: pa.table(
            {
                "arm": table["arm"].cast(pa.large_string()).dictionary_encode(),
                "seed": table["seed"].cast(pa.int16()).dictionary_encode(),
                **{name: table[name] for name in reversed(table.column_names) if name not in ("arm", "seed")},
            }
        ),
        row_group_size=7,
        use_dictionary=False,
        compression="gzip",
    )
    storage.write_json(run / "manifest.json", {"device": "cuda", "simulation_seconds": 9.0})
    storage.write_tensors(
        run / "state.safetensors", dict(reversed(storage.read_tensors(run / "state.safetensors").items()))
    )
    run.rename(tmp_path / "elsewhere")
    assert storage.content_hash(tmp_path / "elsewhere") == expected


def test_rows_that_repeat_their_key_hash_in_any_order(run: Path) -> None:
    rows = {name: np.tile(values, 2) for name, values in episode_rows().items()}
    rows["return_external"] = np.arange(len(rows["arm"]), dtype=float)
    storage.write_parquet(run / "episodes.parquet", rows)
    expected = storage.content_hash(run)
    storage.write_parquet(run / "episodes.parquet", {name: values[::-1].copy() for name, values in rows.items()})
    assert storage.content_hash(run) == expected


@pytest.mark.parametrize("column", ["return_external", "relieved", "steps", "agent", "seed"])
def test_one_changed_cell_changes_the_hash(run: Path, column: str) -> None:
    expected = storage.content_hash(run)
    rows = episode_rows()
    value = rows[column][17]
    rows[column][17] = {"f": lambda: np.nextafter(value, 9), "b": lambda: not value, "U": lambda: "other"}.get(
        value.dtype.kind, lambda: value + 1
    )()
    storage.write_parquet(run / "episodes.parquet", rows)
    assert storage.content_hash(run) != expected


def test_hash_sees_weights_recordings_and_absence(run: Path) -> None:
    seen = {storage.content_hash(run)}
    weights = storage.read_tensors(run / "state.safetensors")
    weights["weights/a->b"][0, 0] += 2.0**-20
    storage.write_tensors(run / "state.safetensors", weights)
    seen.add(storage.content_hash(run))
    for name in ("spikes.parquet", "state.safetensors", "recordings/intact-0.safetensors"):
        (run / name).unlink()
        seen.add(storage.content_hash(run))
    storage.write_parquet(run / "spikes.parquet", {name: values[:0] for name, values in spike_rows().items()})
    seen.add(storage.content_hash(run))
    assert len(seen) == 6


def test_not_a_number_and_both_zeros_hash_alike(run: Path) -> None:
    rows = episode_rows()
    rows["return_external"][:2] = [0.0, np.nan]
    storage.write_parquet(run / "episodes.parquet", rows)
    expected = storage.content_hash(run)
    rows["return_external"][:2] = [-0.0, -np.nan]
    storage.write_parquet(run / "episodes.parquet", rows)
    assert storage.content_hash(run) == expected


WRITERS = {
    "a.json": lambda path: storage.write_json(path, {"new": 1}),
    "a.parquet": lambda path: storage.write_parquet(path, {"x": np.arange(100_000)}),
    "a.safetensors": lambda path: storage.write_tensors(path, {"x": torch.zeros(9)}),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("fails", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, fails: str
) -> None:
    (tmp_path / name).write_bytes(b"before")

    def full(*arguments: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    if fails == "write":
        opened = Path.open

        def open_full(path: Path, mode: str = "r", **how: Any) -> Any:
            return opened(path, mode, **how) if "x" not in mode else FullDisk(path, mode)

        monkeypatch.setattr(Path, "open", open_full)
    else:
        monkeypatch.setattr(os, fails, full)
    with pytest.raises(OSError, match=r"cannot write .*No space left.* bytes.*--out") as caught:
        WRITERS[name](tmp_path / name)
    assert caught.value.errno == errno.ENOSPC
    assert name in str(caught.value)
    assert (tmp_path / name).read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == [name]


class FullDisk(io.FileIO):
    """A file on which nothing can be written."""

    def write(self, data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_an_interrupted_writer_leaves_nothing(tmp_path: Path) -> None:
    def stop(file: Any) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        storage.write_whole(tmp_path / "a", stop)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="cannot write"):
        storage.write_json(tmp_path / "file" / "below.json", {})


READERS = {
    "episodes.parquet": storage.read_parquet,
    "state.safetensors": storage.read_tensors,
    "summary.json": storage.read_json,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("keep", [0.0, 0.1, 0.9])
def test_truncated_files_are_refused(run: Path, name: str, keep: float) -> None:
    data = (run / name).read_bytes()
    (run / name).write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(RunCorrupt, match="--resume"):
        READERS[name](run / name)
    (run / name).unlink()
    with pytest.raises(RunCorrupt):
        READERS[name](run / name)


def test_strict_json(tmp_path: Path) -> None:
    for text in ('{"a": NaN}', '{"a": -Infinity}', "[1,]", "\xff", "[" * 100_000):
        (tmp_path / "a.json").write_text(text, encoding="latin-1")
        with pytest.raises(RunCorrupt):
            storage.read_json(tmp_path / "a.json")
    storage.write_json(tmp_path / "a.json", {"x": float("nan"), "y": np.int64(3)})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": None, "y": 3}


def test_tables_of_others_are_refused(tmp_path: Path) -> None:
    for column in (pa.array([1, None]), pa.array([[1], [2]]), pa.array([{"a": 1}, {"a": 2}])):
        pq.write_table(pa.table({"arm": column}), tmp_path / "episodes.parquet")
        with pytest.raises(RunCorrupt, match="arm"):
            storage.read_parquet(tmp_path / "episodes.parquet")
    pq.write_table(pa.table({"arm": ["a"]}), tmp_path / "episodes.parquet")
    with pytest.raises(RunCorrupt, match="no column seed, episode, agent"):
        storage.content_hash(tmp_path)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "", ".", "link/x", "a\0b"])
def test_paths_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(RunCorrupt):
        storage.confine(folder, name)
    assert storage.confine(folder, "shards/cut:A->B") == folder.resolve() / "shards" / "cut:A->B"


def test_a_recording_that_links_outside_is_refused(run: Path, tmp_path: Path) -> None:
    storage.write_tensors(tmp_path / "secret.safetensors", {"x": torch.zeros(1)})
    (run / "recordings" / "x.safetensors").symlink_to(tmp_path / "secret.safetensors")
    with pytest.raises(RunCorrupt, match="leads out"):
        storage.content_hash(run)


def test_configuration_has_one_text() -> None:
    assert storage.canonical_json({"b": (1.0, 0.1, -0.0), "a": {"ü": None, "t": True}}) == (
        '{"a":{"t":true,"\\u00fc":null},"b":[1,0.1,0]}'
    )
    assert storage.config_hash({"a": 1, "b": [20]}) == storage.config_hash({"b": (20.0,), "a": 1.0})
    assert storage.config_hash({"a": 0.1}) != storage.config_hash({"a": 0.1 + 2e-17 + 1e-16})
    for value in (float("nan"), {1: 2}, {"a": object()}, {"a": {1, 2}}):
        with pytest.raises(ConfigError):
            storage.canonical_json(value)


def test_checkpoints(tmp_path: Path) -> None:
    assert storage.load_checkpoint(tmp_path, "intact") is None
    saved = storage.Checkpoint({"w": torch.ones(3), "step": torch.tensor(4)}, {"episode": 17, "arms": ["intact"]})
    storage.save_checkpoint(tmp_path, "intact", saved)
    folder = tmp_path / "shards" / "intact"
    (folder / ".checkpoint.safetensors.0123.tmp").write_bytes(b"half")
    found = storage.load_checkpoint(tmp_path, "intact")
    assert found is not None
    assert found.data == saved.data
    assert torch.equal(found.tensors["w"], saved.tensors["w"])
    assert [path.name for path in folder.iterdir()] == ["checkpoint.safetensors"]
    path = folder / "checkpoint.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    with pytest.raises(RunCorrupt, match="truncated"):
        storage.load_checkpoint(tmp_path, "intact")
    for metadata in (None, {"bisnn": "3"}, {"bisnn": "{"}, {"bisnn": '{"schema": 9, "data": {}}'}):
        storage.write_tensors(path, saved.tensors, metadata)
        with pytest.raises(RunCorrupt, match="not a checkpoint"):
            storage.load_checkpoint(tmp_path, "intact")
    with pytest.raises(RunCorrupt, match="leads out"):
        storage.save_checkpoint(tmp_path, "../../x", saved)
