"""Files of a run: written whole or not at all, read strictly, never executed; and their hashes.

Every file is written under a temporary name in its own folder, flushed to the disk and renamed. Tables are
Parquet, tensors safetensors, the rest JSON; nothing is pickled. What cannot be trusted raises `RunCorrupt`
with the path and the remedy; a full disk raises an `OSError` that names the file.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as encode_tensors
from torch import Tensor, uint8

from bisnn.errors import ConfigError, RunCorrupt

SCHEMA = 1
"""Number of the file layout; a folder of another number is refused, not guessed at."""
Columns = dict[str, NDArray[Any]]
RESUME = "finish it with `bisnn run ... --resume`, or delete the folder and run again"
KEYS = {
    "episodes": ("arm", "seed", "episode", "agent"),
    "spikes": ("arm", "seed", "episode", "step", "tick", "area", "unit"),
}
"""The columns that identify a row of each table."""


def confine(folder: Path | str, name: str) -> Path:
    """The path of `name` inside `folder`. Raises `RunCorrupt` for a name that leads out of it, links included."""
    root = Path(folder).resolve()
    try:
        path = (root / name).resolve()
    except (ValueError, OSError, RuntimeError) as problem:
        raise RunCorrupt(f"{name!r} is no usable file name in {root} ({problem})") from problem
    if path == root or not path.is_relative_to(root) or "\0" in name:
        raise RunCorrupt(f"{name!r} leads out of the run folder {root}; the run was altered: do not trust it")
    return path


def _corrupt(path: Path, what: str, remedy: str = RESUME) -> NoReturn:
    raise RunCorrupt(f"{path}: {what}; {remedy}")


def write_whole(path: Path | str, write: Callable[[BinaryIO], object]) -> None:
    """Give `path` the content that `write` puts into a binary file: all of it or nothing.

    When writing fails the temporary file is removed and an earlier file of that name is intact. Raises
    `OSError` naming the file, the bytes that were written and the remedy.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as problem:
        done = temporary.stat().st_size if temporary.exists() else 0
        if temporary.exists():
            temporary.unlink()
        if not isinstance(problem, OSError):
            raise
        reason = os.strerror(problem.errno) if problem.errno else str(problem)
        message = f"cannot write {path} ({reason}, after {done} bytes); what was there before is intact"
        raise OSError(problem.errno or 0, f"{message}: free space or choose another --out, then --resume") from problem


def sweep(folder: Path | str) -> None:
    """Delete the temporary files that a killed writer left in `folder`."""
    for leftover in Path(folder).glob(".*.tmp"):
        leftover.unlink(missing_ok=True)


def sanitise(value: Any) -> Any:
    """`value` as JSON can hold it: numbers that are not finite become None, arrays and tuples lists."""
    if isinstance(value, np.ndarray | np.generic | Tensor):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): sanitise(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [sanitise(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def write_json(path: Path | str, value: Any) -> None:
    """Write `sanitise(value)` as readable JSON; the order of keys is kept."""
    text = json.dumps(sanitise(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(path, lambda file: file.write(text.encode()))


def write_parquet(path: Path | str, columns: Mapping[str, NDArray[Any]]) -> None:
    """Write equally long one-dimensional columns (numbers, bools or text) as Parquet with zstd."""
    table = pa.table({name: pa.array(np.asarray(column)) for name, column in columns.items()})
    write_whole(path, lambda file: pq.write_table(table, file, compression="zstd"))


def write_tensors(path: Path | str, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write named tensors of any device, and text beside them, as safetensors."""
    owned = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_whole(path, lambda file: file.write(encode_tensors(owned, dict(metadata) if metadata else None)))


def _present(path: Path | str) -> Path:
    return Path(path) if Path(path).is_file() else _corrupt(Path(path), "the file is missing")


def read_json(path: Path | str) -> Any:
    """The content of a JSON file. Raises `RunCorrupt` when it is missing, truncated or not strict JSON."""
    path = _present(path)
    try:
        return json.loads(path.read_bytes(), parse_constant=lambda name: _corrupt(path, f"holds {name}"))
    except (ValueError, RecursionError) as problem:
        _corrupt(path, f"truncated or not JSON ({problem})")


def _table(path: Path) -> Any:
    """The Arrow table of a Parquet file: numbers, bools, and text columns as one dictionary of codes each."""
    columns = {}
    try:
        table = pq.read_table(_present(path), partitioning=None)
        for field, column in zip(table.schema, table.columns, strict=True):
            kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
            text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
            if column.null_count or field.name in columns or not (text or pa.types.is_primitive(kind)):
                raise ValueError(f"column {field.name!r} is not one that bisnn writes")
            plain = column if kind == field.type else column.cast(kind)
            columns[field.name] = plain.dictionary_encode().unify_dictionaries() if text else plain
    except (pa.ArrowException, OSError, ValueError) as problem:
        if isinstance(problem, OSError) and problem.errno:
            raise
        _corrupt(path, f"truncated or not a table of bisnn ({problem})")
    return pa.table(columns)


def _codes(column: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """A text column as (names in use, sorted; index of each row into them)."""
    merged = pa.chunked_array(column.chunks, column.type).combine_chunks()
    names = np.array(merged.dictionary.to_pylist(), dtype=object)
    used, codes = np.unique(merged.indices.to_numpy(), return_inverse=True)
    order = np.argsort(names[used], kind="stable")
    return names[used][order], np.argsort(order)[codes].astype(np.int64)


def read_parquet(path: Path | str) -> Columns:
    """The columns of a table; text comes as objects that share one string per name. Raises `RunCorrupt`."""
    table = _table(Path(path))
    return {
        name: np.take(*_codes(column)) if pa.types.is_dictionary(column.type) else column.to_numpy()
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


def open_tensors(path: Path | str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file, on the CPU, and the text written beside them. Raises `RunCorrupt`."""
    path = _present(path)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name).clone() for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (SafetensorError, ValueError, KeyError) as problem:
        _corrupt(path, f"truncated or not safetensors ({problem})")


def read_tensors(path: Path | str) -> dict[str, Tensor]:
    """The tensors of a safetensors file, on the CPU. Raises `RunCorrupt` when it is missing or truncated."""
    return open_tensors(path)[0]


def canonical_json(value: Any) -> str:
    """One text for one configuration: keys sorted, no spaces, and 1.0 written as 1 (as RFC 8785 does).

    Raises `ConfigError` for what JSON cannot hold exactly (NaN, infinities, objects, names that are not text).
    """

    def plain(item: Any) -> Any:
        if isinstance(item, Mapping) and all(isinstance(name, str) for name in item):
            return {name: plain(part) for name, part in item.items()}
        if isinstance(item, list | tuple):
            return [plain(part) for part in item]
        if isinstance(item, float) and item.is_integer() and abs(item) < 2**53:
            return int(item)
        if item is None or isinstance(item, str | int) or (isinstance(item, float) and math.isfinite(item)):
            return item
        raise ConfigError(f"{item!r} cannot stand in a configuration; use text, finite numbers, lists and tables")

    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"))


def config_hash(configuration: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON of a resolved configuration."""
    return hashlib.sha256(canonical_json(configuration).encode()).hexdigest()


def _plain_column(column: Any) -> tuple[str, NDArray[Any]]:
    """A column without its encoding: (what it holds, int64 or float64 rows); text as ranks of its sorted names."""
    if pa.types.is_dictionary(column.type):
        names, codes = _codes(column)
        return json.dumps(names.tolist()), codes
    values = column.to_numpy()
    if values.dtype.kind == "f":
        real = values.astype("<f8") + 0.0  # one zero
        return "real", np.where(np.isnan(real), np.nan, real)  # and one NaN
    return "whole", values.astype("<i8")


def _hash_table(digest: Any, path: Path) -> None:
    """Feed the rows of a table to `digest`, sorted by its keys (and by all columns, where keys repeat)."""
    table, keys = _table(path), KEYS[path.stem]
    if missing := [key for key in keys if key not in table.column_names]:
        _corrupt(path, f"has no column {', '.join(missing)}", "it is not a table of bisnn")
    columns = {name: _plain_column(table.column(name)) for name in sorted(table.column_names)}
    rows = [columns[key][1] for key in keys]
    packed, span = np.zeros(table.num_rows, dtype=np.int64), 1  # all keys in one whole number, where they fit
    for row in rows if table.num_rows else ():
        width = int(row.max()) - int(row.min()) + 1
        span *= width
        packed = packed * width + (row - row.min()) if span < 2**63 else np.zeros_like(packed)
    order = np.argsort(packed)
    if (np.diff(packed[order]) == 0).any():
        rest = [values for name, (_, values) in columns.items() if name not in keys]
        order = np.lexsort((rows + rest)[::-1])
    for name, (kind, values) in columns.items():
        digest.update(json.dumps([name, kind, len(values)]).encode())
        digest.update(values[order].tobytes())


def _hash_tensors(digest: Any, path: Path) -> None:
    """Feed the tensors of a file to `digest`, in the order of their names."""
    for name, tensor in sorted(read_tensors(path).items()):
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(uint8).numpy())


def content_hash(folder: Path | str) -> str:
    """SHA-256 (hex) of what a run found: rows of episodes and spikes, recordings and final weights.

    Rows are decoded and sorted first, so the order of rows, the encoding and compression of files, paths,
    times, versions, backend and workers do not enter; one changed reward does. A file that is absent is
    hashed as absent. Raises `RunCorrupt` when one cannot be read.
    """
    root = Path(folder)
    digest = hashlib.sha256(b"bisnn content 1")
    recordings = sorted(f"recordings/{path.name}" for path in (root / "recordings").glob("[!.]*.safetensors"))
    for name in [*(f"{table}.parquet" for table in KEYS), *recordings, "state.safetensors"]:
        path = confine(root, name)
        digest.update(json.dumps([name, path.exists()]).encode())
        if path.exists():
            feed = _hash_table if path.suffix == ".parquet" else _hash_tensors
            feed(digest, path)
    return digest.hexdigest()


class Checkpoint(NamedTuple):
    """Where a shard of a run stands."""

    tensors: dict[str, Tensor]  # flat tree of states and rows, by path
    data: dict[str, Any]  # what else is needed to go on, as JSON


def save_checkpoint(run: Path | str, shard: str, checkpoint: Checkpoint) -> None:
    """Replace RUN/shards/SHARD/checkpoint.safetensors by `checkpoint`. Raises as `write_whole` and `confine` do."""
    text = json.dumps({"schema": SCHEMA, "data": checkpoint.data}, allow_nan=False)
    path = confine(Path(run) / "shards", shard) / "checkpoint.safetensors"
    write_tensors(path, checkpoint.tensors, {"bisnn": text})


def load_checkpoint(run: Path | str, shard: str) -> Checkpoint | None:
    """The checkpoint of a shard on the CPU, or None where there is none; leftovers of a killed writer are deleted.

    Raises `RunCorrupt` when it is truncated, foreign or of another schema.
    """
    folder = confine(Path(run) / "shards", shard)
    sweep(folder)
    path = folder / "checkpoint.safetensors"
    if not path.exists():
        return None
    tensors, metadata = open_tensors(path)
    try:
        note = json.loads(metadata["bisnn"])
        if note["schema"] != SCHEMA:
            raise ValueError(f"schema {note['schema']!r}, this one reads {SCHEMA}")
        return Checkpoint(tensors, dict(note["data"]))
    except (KeyError, TypeError, ValueError) as problem:
        _corrupt(path, f"not a checkpoint of this bisnn ({problem!r})", "resume with the bisnn that wrote it")
