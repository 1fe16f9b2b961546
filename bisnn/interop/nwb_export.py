"""Recordings as Neurodata Without Borders files; extra `neuro`.

    NWB                                        bisnn
    Units, one row for each unit, s            spikes (columns `area`, `unit`, `individual`); silent units have none
    acquisition/TimeSeries [T, ...]            any other quantity of an individual
    scratch/bisnn                              what else there is to say, as JSON

A spike of tick k is at k dt, and `from_nwb` gives back the same bits.

Rübel et al. (2022) eLife 11:e78362. doi:10.7554/eLife.78362
"""

from __future__ import annotations

import itertools
import math
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bisnn.errors import BisnnError, ConfigError, RunCorrupt
from bisnn.interop.extras import need
from bisnn.interop.layout import Quantity, as_text, describe, destination, from_text, unwritable
from bisnn.recording import Recording

SCRATCH = "bisnn"
"""Where the description stands."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""When a simulation starts that is said to start nowhere."""


def to_nwb(
    recording: Recording,
    path: Path | str,
    *,
    description: str = "simulation with bisnn",
    identifier: str = "bisnn",
    start: datetime = EPOCH,
) -> None:
    """Write a recording as NWB, all of it or nothing; missing folders are made.

    `start`: what time the first tick stands for. Raises `ConfigError` for a name that is taken or cannot be
    written, graded spikes, a matrix or a quantity that NWB cannot name, and without the extra.
    """
    pynwb, path = need("pynwb", "neuro"), destination(path)
    found = describe(recording)
    file = pynwb.NWBFile(session_description=description, identifier=identifier, session_start_time=start)
    file.add_scratch(as_text(found, recording.dt), name=SCRATCH, description="what the recording is, as JSON")
    if any(name.endswith(".spikes") for name in found):
        for column, text in (("area", "name of the area"), ("unit", "number in the area"), ("individual", "which one")):
            file.add_unit_column(column, text)
    for index in itertools.product(*map(range, next((each.batch for each in found.values()), ()))):
        for name, each in found.items():
            add = _add_units if name.endswith(".spikes") else _add_series
            add(pynwb, file, name, each, recording.of(*index), index)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp.nwb")
    try:
        with pynwb.NWBHDF5IO(temporary, "w") as io:
            io.write(file)
        os.replace(temporary, path)
    except OSError as problem:
        raise unwritable(path, problem) from problem
    finally:
        temporary.unlink(missing_ok=True)


def _label(index: tuple[int, ...]) -> str:
    return ",".join(map(str, index))


def _add_units(pynwb: Any, file: Any, name: str, each: Quantity, alone: Recording, index: tuple[int, ...]) -> None:
    """A row for every unit, spikes or none."""
    values, seconds = alone[name].cpu().numpy(), alone.ticks(name).numpy() * alone.dt / 1000.0
    if not np.isin(values, (0, 1)).all():
        raise ConfigError(f"{name!r} holds values beside 0 and 1, which no unit can hold; record another quantity")
    ends = [[each.first * alone.dt / 1000.0, (each.first + each.ticks * each.every) * alone.dt / 1000.0]]
    for place, unit in enumerate(each.numbers):
        file.add_unit(
            spike_times=seconds[values[:, place] > 0],
            obs_intervals=ends,
            area=name.removesuffix(".spikes"),
            unit=unit,
            individual=_label(index),
        )


def _series(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{_label(index)}]" if index else name


def _add_series(pynwb: Any, file: Any, name: str, each: Quantity, alone: Recording, index: tuple[int, ...]) -> None:
    if "/" in name or ":" in name:
        raise ConfigError(f"NWB cannot name {name!r}; rename the area or modulator without '/' and ':'")
    file.add_acquisition(
        pynwb.TimeSeries(
            name=_series(name, index),
            data=alone[name].cpu().numpy(),
            unit="1",
            starting_time=each.first * alone.dt / 1000.0,
            rate=1000.0 / (each.every * alone.dt),
        )
    )


def from_nwb(path: Path | str) -> Recording:
    """The recording in a file of `to_nwb`, bit for bit. Raises `RunCorrupt` for a file that is foreign or damaged."""
    pynwb, path = need("pynwb", "neuro"), Path(path)
    try:
        with pynwb.NWBHDF5IO(path, "r") as io:
            file = io.read()
            scratch = (file.scratch or {}).get(SCRATCH)
            found, dt = from_text(None if scratch is None else scratch.data, path)
            values = {name: _values(file, name, each, dt) for name, each in found.items()}
    except BisnnError:
        raise
    except Exception as problem:  # a damaged file stops its reader in any way
        raise RunCorrupt(f"{path} is missing, damaged or no recording ({problem}); write it again") from problem
    return Recording({name: each.trace_of(values[name]) for name, each in found.items()}, dt)


def _values(file: Any, name: str, each: Quantity, dt: float) -> torch.Tensor:
    values = torch.zeros((*each.batch, each.ticks, *each.shape), dtype=each.torch_dtype)
    if not name.endswith(".spikes"):
        for index in itertools.product(*map(range, each.batch)):
            values[index] = torch.from_numpy(np.asarray(file.acquisition[_series(name, index)].data[()]))
        return values
    area, place = name.removesuffix(".spikes"), {unit: at for at, unit in enumerate(each.numbers)}
    seen, units = 0, file.units
    areas, numbers, individuals = (units[column].data[()] for column in ("area", "unit", "individual"))
    for row in (row for row, mine in enumerate(areas) if _text(mine) == area):
        index = tuple(int(part) for part in _text(individuals[row]).split(",") if part)
        ticks = np.rint(np.asarray(units["spike_times"][row]) * 1000.0 / dt).astype(np.int64)
        values[index][torch.from_numpy((ticks - each.first) // each.every), place[int(numbers[row])]] = 1
        seen += 1
    if seen != math.prod(each.batch) * len(place):
        raise RunCorrupt(f"there are {seen} units of {name!r} instead of {math.prod(each.batch) * len(place)}")
    return values


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
