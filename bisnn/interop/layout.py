"""How a recording lies in a file: what must stand beside the numbers so that they read back exactly.

Every exchange format holds the numbers in its own way and this description as JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn.errors import ConfigError, RunCorrupt
from bisnn.packing import Packed, pack, width
from bisnn.recording import Recording, Trace

VERSION = 2
"""Of the description."""
DTYPES = {"float32": torch.float32, "float64": torch.float64, "int64": torch.int64, "bool": torch.bool}
"""What a quantity can be made of."""


class Quantity(NamedTuple):
    """One recorded quantity."""

    batch: tuple[int, ...]  # individuals, *B
    ticks: int  # T
    shape: tuple[int, ...]  # dims after T
    dtype: str
    packed: bool
    every: int
    first: int
    units: tuple[int, ...] | None

    @property
    def when(self) -> range:
        """The ticks of its values."""
        return range(self.first, self.first + self.ticks * self.every, self.every)

    @property
    def row(self) -> tuple[int, ...]:
        """Shape of what is held of a tick, after *B: bytes of bits, or values."""
        return (*self.shape[:-1], width(self.shape[-1])) if self.packed else self.shape

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype of its values."""
        return DTYPES[self.dtype]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the units of its last dim."""
        return tuple(range(self.shape[-1])) if self.units is None else self.units

    def trace(self, raw: Tensor) -> Trace:
        """The trace of what is held, `[*B, T, *row]`."""
        data = Packed(raw, self.shape[-1], self.torch_dtype) if self.packed else raw
        return Trace(data, self.every, len(self.shape), self.first, self.units)

    def trace_of(self, values: Tensor) -> Trace:
        """The trace of values `[*B, T, ...]`."""
        return self.trace(pack(values) if self.packed else values)


def quantity(name: str, trace: Trace) -> Quantity:
    """The description of a trace. Raises `ConfigError` for a dtype that no format holds."""
    packed, raw, time = isinstance(trace.data, Packed), trace.raw, trace.time_dim
    dtype = str(trace.data.dtype).removeprefix("torch.")
    if dtype not in DTYPES:
        raise ConfigError(f"{name!r} is {dtype}; recordings of {', '.join(DTYPES)} can be written")
    shape = tuple(raw.shape[time + 1 :])
    shape = (trace.data.n,) if isinstance(trace.data, Packed) else shape
    return Quantity(
        tuple(raw.shape[:time]), raw.shape[time], shape, dtype, packed, trace.every, trace.first, trace.units
    )


def describe(recording: Recording) -> dict[str, Quantity]:
    """The description of every quantity."""
    return {name: quantity(name, trace) for name, trace in recording.traces.items()}


def as_text(quantities: Mapping[str, Quantity], dt: float) -> str:
    """A description as JSON, with its digest."""
    content = {"bisnn": VERSION, "dt": dt, "quantities": {name: each._asdict() for name, each in quantities.items()}}
    return json.dumps({**content, "sha256": _digest(content)})


def _digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of a description."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def from_text(text: Any, where: object) -> tuple[dict[str, Quantity], float]:
    """The description and dt behind JSON. Raises `RunCorrupt` for anything else, naming `where` it stood."""
    try:
        content = json.loads(text)
        if content["bisnn"] != VERSION:
            raise ValueError(f"version {content['bisnn']}, this bisnn reads {VERSION}")
        if content.pop("sha256") != _digest(content):
            raise ValueError("its SHA-256 is another")
        found = {name: Quantity(**_tuples(each)) for name, each in content["quantities"].items()}
        return found, float(content["dt"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as problem:
        raise RunCorrupt(
            f"{where} does not describe a recording of bisnn ({problem}); write it again, or read it with other tools"
        ) from None


def _tuples(each: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in each.items()}


def destination(path: Path | str) -> Path:
    """Where a file is to be written; makes the missing folders. Raises `ConfigError` for a name that is taken or empty
    and for a folder in which nothing can be written."""
    if not isinstance(path, (str, os.PathLike)) or not Path(path).name:
        raise ConfigError(f"{str(path)!r} is no name of a file; give a path to write to")
    path = Path(path)
    try:
        if path.exists():
            raise ConfigError(f"{path} exists; choose another name, or remove it")
        path.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as problem:
        if isinstance(problem, ConfigError):
            raise
        raise unwritable(path, problem) from problem
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise unwritable(path, "no permission")
    return path


def unwritable(path: Path, problem: object) -> ConfigError:
    """What to raise where a file cannot be made."""
    return ConfigError(f"{path} cannot be written ({problem}); choose a folder in which you may write")
