"""Recordings in Parquet: written whole, or streamed from a run that is longer than memory; read whole or in part.

One row for each recorded tick, in order: `tick` (int64), and one column for each quantity, null where it was not
kept. Spikes are the bytes of their bits (fixed-size binary, see `bisnn.packing`), individuals one after the other;
other values are lists of numbers, individuals first. The schema's metadata `bisnn` says, as JSON with its SHA-256,
what is what; pages carry checksums. The 32 bytes before the footer are its SHA-256, where other readers do not look:
a damaged footer can end the process that parses it.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from bisnn.errors import BisnnError, ConfigError, RunCorrupt, ShapeMismatch, UnknownName
from bisnn.interop.layout import Quantity, as_text, describe, destination, from_text, unwritable
from bisnn.packing import binary, pack, unpack
from bisnn.parameters import is_whole
from bisnn.recording import Recording, Trace

ROWS = 4096
"""Most ticks of a row group."""


class Writer:
    """Appends successive stretches of one recording to a file that appears under its name when all is written.

    Raises `ConfigError` when there is a file of this name, or none can be written.
    """

    def __init__(self, path: Path | str, quantities: Mapping[str, Quantity], dt: float) -> None:
        self.path, self.quantities = destination(path), dict(quantities)
        self.temporary = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex[:12]}.tmp")
        try:
            self.file = pq.ParquetWriter(
                self.temporary,
                _schema(quantities).with_metadata({"bisnn": as_text(quantities, dt)}),
                compression="zstd",
                use_dictionary=False,
                write_statistics=["tick"],
                column_encoding={"tick": "DELTA_BINARY_PACKED"},
                write_page_checksum=True,
            )
        except OSError as problem:
            raise unwritable(self.path, problem) from problem

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()
        if kind is not None:
            self.temporary.unlink(missing_ok=True)
            return
        _seal(self.temporary)
        os.replace(self.temporary, self.path)

    def write(self, recording: Recording) -> None:
        """Append the next ticks as a row group; quantities that were not kept in them may be absent."""
        when = {name: recording.ticks(name).numpy() for name in recording}
        ticks = np.unique(np.concatenate([np.zeros(0, np.int64), *when.values()]))
        if not len(ticks):
            return
        columns = [pa.array(ticks)]
        for name, each in self.quantities.items():
            kept = np.isin(ticks, when.get(name, ticks[:0]))
            columns.append(_column(each, _rows(name, each, recording) if kept.any() else None, kept))
        self.file.write_table(pa.Table.from_arrays(columns, schema=self.file.schema), row_group_size=len(ticks))


def write(recording: Recording, path: Path | str) -> None:
    """Write a recording, all of it or nothing. Raises `ConfigError` for a name that is taken or cannot be
    written."""
    quantities = describe(recording)
    ends = [each.when for each in quantities.values() if each.ticks]
    first, past = min((when[0] for when in ends), default=0), max((when[-1] + 1 for when in ends), default=0)
    with Writer(path, quantities, recording.dt) as writer:
        for start in range(first, past, ROWS):
            writer.write(recording.during(start, start + ROWS))


def _schema(quantities: Mapping[str, Quantity]) -> Any:
    fields = [pa.field("tick", pa.int64()), *(pa.field(name, _type(each)) for name, each in quantities.items())]
    return pa.schema(fields)


def _type(each: Quantity) -> Any:
    if each.packed:
        return pa.binary(int(np.prod((*each.batch, *each.row))))
    return pa.list_(pa.from_numpy_dtype(np.dtype(each.dtype)))


def _rows(name: str, each: Quantity, recording: Recording) -> NDArray[Any]:
    """What is held of every kept tick, one row each."""
    trace = recording.trace(name)
    raw = trace.raw
    if each.packed and raw.dtype != torch.uint8:  # a stretch too short to have been packed
        if not binary(raw):
            raise ConfigError(f"{name!r} holds values beside 0 and 1, which cannot be packed; record it in memory")
        raw = pack(raw)
    rows = raw.movedim(trace.time_dim, 0).cpu().contiguous().numpy()
    return rows.reshape(len(rows), -1)


def _column(each: Quantity, rows: NDArray[Any] | None, kept: NDArray[np.bool_]) -> Any:
    """An Arrow column with `rows` where `kept`, else null."""
    kind, count = _type(each), len(kept)
    if rows is None:
        return pa.nulls(count, kind)
    validity = None if kept.all() else pa.py_buffer(np.packbits(kept, bitorder="little"))
    if each.packed:
        spread = np.zeros((count, rows.shape[1]), np.uint8)
        spread[kept] = rows
        return pa.Array.from_buffers(kind, count, [validity, pa.py_buffer(spread)])
    offsets = np.concatenate([[0], np.cumsum(kept * rows.shape[1])]).astype(np.int32)
    values = pa.array(rows.reshape(-1))
    return pa.Array.from_buffers(kind, count, [validity, pa.py_buffer(offsets)], children=[values])


def read(
    path: Path | str,
    names: Iterable[str] | None = None,
    *,
    window: tuple[int, int] | None = None,
    units: tuple[int, int] | None = None,
) -> Recording:
    """A recording, or a part of it: some `names`, the ticks and the recorded units (first, past the last).

    Only the row groups and columns that are asked for are read, and spikes stay packed. Raises `UnknownName`,
    `ShapeMismatch` for units that were not recorded, and `RunCorrupt` for a file that is truncated, damaged or foreign.
    """
    path = Path(path)
    for what, given in (("window", window), ("units", units)):
        if given is not None and not (len(given) == 2 and all(map(is_whole, given))):
            raise ConfigError(f"{what} = {given!r}; it is (first, past the last), whole numbers from 0")
    try:
        _check_seal(path)
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            found, dt = from_text((file.schema_arrow.metadata or {}).get(b"bisnn"), path)
            if not file.schema_arrow.equals(_schema(found)):
                raise RunCorrupt(f"{path} has other columns than it says; write it again")
            wanted = list(found) if names is None else list(names)
            if missing := [name for name in wanted if name not in found]:
                raise UnknownName("recorded quantity", missing[0], found)
            parts = {name: _Part(name, found[name], window, units) for name in wanted}
            for index in _groups(file, window):
                rows = file.read_row_group(index, columns=["tick", *wanted], use_threads=False)
                ticks = rows["tick"].to_numpy()
                for part in parts.values():
                    part.take(ticks, rows[part.name].combine_chunks())
    except FileNotFoundError:
        raise RunCorrupt(f"{path} is missing; a stream that was interrupted leaves no file: run it again") from None
    except BisnnError:
        raise
    except Exception as problem:  # a damaged file stops its reader in any way
        raise RunCorrupt(f"{path} is truncated, damaged or no recording ({problem}); write it again") from problem
    return Recording({name: part.trace(path) for name, part in parts.items()}, dt)


def _footer(file: BinaryIO) -> tuple[bytes, bytes]:
    """The 32 bytes before the footer, and the footer with its length and the mark of the format; then at its start."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 8, 0))
    length = int.from_bytes(file.read(4), "little") + 8
    if length + hashlib.sha256().digest_size > size:
        return b"", b""
    file.seek(size - length - hashlib.sha256().digest_size)
    found = file.read(hashlib.sha256().digest_size), file.read(length)
    file.seek(size - length)
    return found


def _seal(path: Path) -> None:
    """Puts the SHA-256 of the footer before it, and all of the file on the disk."""
    with path.open("r+b") as file:
        _, footer = _footer(file)
        file.write(hashlib.sha256(footer).digest() + footer)
        file.flush()
        os.fsync(file.fileno())


def _check_seal(path: Path) -> None:
    with path.open("rb") as file:
        seal, footer = _footer(file)
    if hashlib.sha256(footer).digest() != seal:
        raise RunCorrupt(f"{path} is truncated, damaged or no recording (SHA-256 of its footer); write it again")


def _groups(file: Any, window: tuple[int, int] | None) -> Iterator[int]:
    """The row groups that hold ticks of the window."""
    for index in range(file.metadata.num_row_groups):
        ticks = file.metadata.row_group(index).column(0).statistics
        if window is None or (ticks.min < window[1] and ticks.max >= window[0]):
            yield index


class _Part:
    """The wanted part of one quantity, filled row group by row group."""

    def __init__(
        self, name: str, each: Quantity, window: tuple[int, int] | None, units: tuple[int, int] | None
    ) -> None:
        self.name, self.source, self.filled = name, each, 0
        self.window, self.units = window or (0, each.first + each.ticks * each.every), units
        first, past = (min(max(-(-(tick - each.first) // each.every), 0), each.ticks) for tick in self.window)
        self.wanted = each._replace(first=each.first + first * each.every, ticks=max(past - first, 0))
        if units is not None:
            last = each.shape[-1] if each.shape else 0
            if not 0 <= units[0] < units[1] <= last:
                raise ShapeMismatch(f"{name!r} holds {last} units; {units} is not a range of them")
            numbers = each.numbers[slice(*units)]
            self.wanted = self.wanted._replace(shape=(*each.shape[:-1], units[1] - units[0]), units=numbers)
        kind = torch.uint8 if each.packed else each.torch_dtype
        self.raw = torch.empty((*each.batch, self.wanted.ticks, *self.wanted.row), dtype=kind)

    def take(self, ticks: NDArray[np.int64], column: Any) -> None:
        """Add the wanted rows of a column."""
        kept = column.is_valid().to_numpy(zero_copy_only=False)
        inside = kept & (ticks >= self.window[0]) & (ticks < self.window[1])
        each, count = self.source, int(inside.sum())
        if not count:
            return
        if list(ticks[inside]) != list(self.wanted.when[self.filled : self.filled + count]):
            raise RunCorrupt(f"the ticks of {self.name!r} are other ones than the file says; write it again")
        width = int(np.prod((*each.batch, *each.row)))
        if each.packed:
            bits = np.frombuffer(column.buffers()[1], np.uint8)[column.offset * width :][: len(column) * width]
            rows = bits.reshape(len(column), width)[inside]
        else:
            rows = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)[inside[kept]]
        block = torch.from_numpy(rows.copy()).reshape(count, *each.batch, *each.row).movedim(0, len(each.batch))
        self.raw.narrow(len(each.batch), self.filled, count).copy_(self._of_units(block))
        self.filled += count

    def _of_units(self, block: torch.Tensor) -> torch.Tensor:
        if self.units is None:
            return block
        if self.source.packed:
            return pack(unpack(block, self.source.shape[-1], torch.uint8)[..., slice(*self.units)])
        return block[..., slice(*self.units)]

    def trace(self, path: Path) -> Trace:
        """The whole part. Raises `RunCorrupt` where rows are missing."""
        if self.filled != self.wanted.ticks:
            raise RunCorrupt(
                f"{path}: {self.filled} of {self.wanted.ticks} ticks of {self.name!r} are there; write it again"
            )
        return self.wanted.trace(self.raw)
