"""Probes and recordings: what to keep of a run, checked by name and bounded in memory.

Spikes of a long run are held as bits (`bisnn.packing`) and unpacked when they are asked for; a part of a long
recording is unpacked alone: `recording.during(first, past)["ifg.spikes"]`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import packing
from bisnn.errors import ConfigError, ShapeMismatch, UnknownName
from bisnn.packing import Packed
from bisnn.parameters import is_whole
from bisnn.probe import Probe

__all__ = ["Probe", "Recorder", "Recording", "Trace", "join"]


class Trace(NamedTuple):
    """One recorded quantity."""

    data: Tensor | Packed  # [*B, T, ...] the quantity at the kept ticks, spikes of long runs packed
    every: int = 1  # ticks between two values
    trailing: int = 1  # dims after T: 0 for a level, 1 for an area, 2 for a projection
    first: int = 0  # tick of the first value
    units: tuple[int, ...] | None = None  # which units of the last dim; None: all

    @property
    def values(self) -> Tensor:
        """The values `[*B, T, ...]`, unpacked."""
        return self.data.values() if isinstance(self.data, Packed) else self.data

    @property
    def raw(self) -> Tensor:
        """What is held: the values, or the bytes of their bits; `[*B, T, ...]` both."""
        return self.data.bits if isinstance(self.data, Packed) else self.data

    @property
    def time_dim(self) -> int:
        """Which dim of the values is T; before it come the individuals."""
        return self.raw.dim() - 1 - self.trailing

    def with_raw(self, raw: Tensor, first: int | None = None) -> Trace:
        """The same quantity with other individuals or ticks of what is held."""
        data = self.data._replace(bits=raw) if isinstance(self.data, Packed) else raw
        return self._replace(data=data, first=self.first if first is None else first)


@dataclass(frozen=True)
class Recording:
    """What probes saw: `recording["ifg.spikes"]` is `[*B, T, n]`."""

    traces: Mapping[str, Trace]
    """By `target.field`."""
    dt: float
    """Length of a tick, ms."""

    def __getitem__(self, name: str) -> Tensor:
        return self.trace(name).values

    def __iter__(self) -> Iterator[str]:
        return iter(self.traces)

    def trace(self, name: str) -> Trace:
        """One quantity as it is held. Raises `UnknownName`."""
        if name not in self.traces:
            raise UnknownName("recorded quantity", name, self.traces)
        return self.traces[name]

    def ticks(self, name: str) -> Tensor:
        """Ticks of the values of `name`, counted from the first of the run, int64 `[T]`."""
        trace = self.trace(name)
        return torch.arange(trace.raw.shape[trace.time_dim]) * trace.every + trace.first

    def times(self, name: str) -> Tensor:
        """Times of the values of `name`, ms since the first tick of the run, float64 `[T]`."""
        return self.ticks(name).to(torch.float64) * self.dt

    @property
    def nbytes(self) -> int:
        """Bytes that the recording holds."""
        return sum(trace.raw.numel() * trace.raw.element_size() for trace in self.traces.values())

    def of(self, *index: int) -> Recording:
        """The recording of one individual: `recording.of(arm, seed)` has values `[T, ...]`.

        Raises `ShapeMismatch` for an individual that is not there.
        """
        for name, trace in self.traces.items():
            batch = list(trace.raw.shape[: trace.time_dim])
            fits = all(is_whole(k, -n) and k < n for k, n in zip(index, batch, strict=False))
            if len(index) > len(batch) or not fits:
                raise ShapeMismatch(
                    f"no individual {list(index)} of {name!r}: it has individuals {batch}; give one whole number for "
                    "each of these dims, numbered from 0"
                )
        return replace(self, traces={name: trace.with_raw(trace.raw[index]) for name, trace in self.traces.items()})

    def during(self, first: int, past: int) -> Recording:
        """What was recorded in the ticks `first` to `past` - 1 of the run; packed spikes stay packed."""
        traces = {}
        for name, trace in self.traces.items():
            count = trace.raw.shape[trace.time_dim]
            low, high = (min(max(-(-(tick - trace.first) // trace.every), 0), count) for tick in (first, past))
            raw = trace.raw.narrow(trace.time_dim, low, max(high - low, 0))
            traces[name] = trace.with_raw(raw, trace.first + low * trace.every)
        return replace(self, traces=traces)


def join(recordings: list[Recording]) -> Recording:
    """Recordings of successive runs of the same individuals, one after the other.

    Raises `ShapeMismatch` when they hold different quantities, units or individuals.
    """
    if not recordings:
        raise ShapeMismatch("there is no recording to join")
    if any(set(other) != set(recordings[0]) or other.dt != recordings[0].dt for other in recordings):
        raise ShapeMismatch("recordings of different quantities cannot be joined; use the same probes")
    return replace(recordings[0], traces={name: _joined(name, recordings) for name in recordings[0]})


def _joined(name: str, recordings: list[Recording]) -> Trace:
    traces = [recording.trace(name) for recording in recordings]
    one, packed = traces[0], all(isinstance(trace.data, Packed) for trace in traces)
    parts = [trace.raw if packed else trace.values for trace in traces]
    time = one.time_dim
    kinds = [
        (t.every, t.units, *part.shape[:time], *part.shape[time + 1 :]) for t, part in zip(traces, parts, strict=True)
    ]
    if any(kind != kinds[0] for kind in kinds):
        raise ShapeMismatch(f"recordings of {name!r} differ in units, rate or individuals; use the same probes")
    return (one if packed else one._replace(data=parts[0])).with_raw(torch.cat(parts, dim=time))


REMEDY = "raise `every`, narrow `units` or `window`, or raise the budget"


def _size(count: float) -> str:
    """Bytes in words."""
    return f"{count / 2**20:.0f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"


BLOCK = 64
"""Ticks of spikes that are packed at once; spikes of shorter recordings stay as they are."""


class _Column:
    """The values of one probe so far: tick by tick, or packed into bytes that were set aside."""

    def __init__(self, probe: Probe, value: Tensor, steps: int) -> None:
        value = probe.part(value)
        self.probe, self.ticks = probe, probe.ticks(steps)
        self.n, self.dtype = value.shape[-1] if value.dim() else 1, value.dtype
        self.held: list[Tensor] = []  # values of ticks, not packed
        self.dense = value.numel() * value.element_size() * len(self.ticks)
        self.packed, self.filled = probe.field == "spikes" and len(self.ticks) >= BLOCK, 0
        self.shape = (*value.shape[:-1], len(self.ticks), packing.width(self.n))
        self.bits = torch.empty(0, dtype=torch.uint8, device=value.device)  # of self.shape from the first pack on
        self.room = 0  # bytes that its values may take

    @property
    def needed(self) -> int:
        """Bytes of all its values."""
        return math.prod(self.shape) if self.packed else self.dense

    def add(self, value: Tensor) -> None:
        """Take the value `[*B, ...]` of one tick (not changed in place afterwards)."""
        self.held.append(value if self.probe.numbers is None else self.probe.part(value).clone())
        if self.packed and len(self.held) == BLOCK:
            self.pack()

    def pack(self) -> None:
        """Pack what is held; graded spikes end the packing."""
        spikes = torch.stack(self.held, dim=-2)
        if not self.filled:
            self.bits = self.bits.new_empty(self.shape)
        if packing.binary(spikes):
            self.bits.narrow(-2, self.filled, len(self.held)).copy_(packing.pack(spikes))
            self.filled, self.held = self.filled + len(self.held), []
        else:
            past = packing.unpack(self.bits.narrow(-2, 0, self.filled), spikes.shape[-1], spikes.dtype)
            self.held = [*past.unbind(-2), *self.held]
            self.as_graded()

    def as_graded(self) -> None:
        """Go on without packing. Raises `ConfigError` where there is no room for that."""
        self.packed, self.bits = False, self.bits.new_empty(0)
        if self.dense > self.room:
            raise ConfigError(
                f"{self.probe.name!r} holds values beside 0 and 1, which cannot be packed: it needs "
                f"{_size(self.dense)}, of the budget {_size(self.room)} are left for it; {REMEDY}"
            )

    def trace(self, batch: int) -> Trace:
        """All that was taken, with `batch` individual dims."""
        if self.packed and self.held:
            self.pack()
        if self.packed:
            return self.as_trace(Packed(self.bits, self.n, self.dtype), batch)
        return self.as_trace(stack(self.held, batch), batch)

    def whole(self, given: Tensor | list[Tensor], batch: int) -> Trace:
        """What to keep of the values of all ticks, `[*B, T, ...]` or a list over ticks."""
        when = slice(self.ticks.start, self.ticks.stop, self.ticks.step)
        kept = stack(given[when], batch) if isinstance(given, list) else given[(slice(None),) * batch + (when,)]
        values = self.probe.part(kept)
        if self.packed and packing.binary(values):
            return self.as_trace(Packed(packing.pack(values), values.shape[-1], values.dtype), batch)
        if self.packed:
            self.as_graded()
        part = isinstance(given, Tensor) and values.numel() < given.numel()
        return self.as_trace(values.clone() if part else values, batch)

    def as_trace(self, data: Tensor | Packed, batch: int) -> Trace:
        """`data` with what says when and of which units it is."""
        trailing = (data.bits if isinstance(data, Packed) else data).dim() - batch - 1
        if trailing == 0 and self.probe.numbers is not None:
            raise ConfigError(f"{self.probe.name!r} has no units to choose from; leave out `units` and `only`")
        return Trace(data, self.probe.every, trailing, self.ticks.start, self.probe.numbers)


def stack(values: list[Tensor], dim: int) -> Tensor:
    """`torch.stack`, which for many values lets go of each when it is copied; empties the list."""
    if len(values) < BLOCK:
        return torch.stack(values, dim=dim)
    one = values[0]
    found = one.new_empty((*one.shape[:dim], len(values), *one.shape[dim:]))
    for place in range(len(values) - 1, -1, -1):
        found.select(dim, place).copy_(values.pop())
    return found


class Recorder:
    """Collects the probed quantities of one run; `finish` gives the `Recording`."""

    def __init__(self, probes: tuple[Probe, ...], values: Mapping[str, Tensor], steps: int, budget: int) -> None:
        """`values`: a value of every probe, for its size. Raises `ConfigError` when `steps` ticks exceed `budget`
        bytes, for a budget that is no number above 0, when two probes have one name, or for units or a window that do
        not exist."""
        if not isinstance(budget, int | float) or not budget > 0:
            raise ConfigError(f"budget = {budget!r}; give the bytes that a recording may take, above 0")
        names = [probe.name for probe in probes]
        for name in {name for name in names if names.count(name) > 1}:
            raise ConfigError(f"{name!r} is probed twice; give one probe the units and the rate that you need")
        self.columns = {probe.name: _Column(probe, values[probe.name], steps) for probe in probes}
        needed = {name: column.needed for name, column in self.columns.items()}
        total = sum(needed.values())
        if total > budget:
            largest = max(needed, key=lambda name: needed[name])
            raise ConfigError(
                f"recording {steps} ticks needs {_size(total)}, the budget is {_size(budget)}; {largest!r} is the "
                f"largest: {REMEDY}"
            )
        for column in self.columns.values():
            column.room = budget - total + column.needed

    def keep(self, tick: int, values: Mapping[str, Tensor]) -> None:
        """Take the values of this tick (tensors are never changed in place afterwards)."""
        for name, column in self.columns.items():
            if tick in column.ticks:
                column.add(values[name])

    def gather(self, values: Mapping[str, Tensor | list[Tensor]], batch: int, dt: float) -> Recording:
        """The recording of values that exist for all ticks already: `[*B, T, ...]` or a list over ticks."""
        return Recording({name: column.whole(values[name], batch) for name, column in self.columns.items()}, dt)

    def finish(self, batch: int, dt: float) -> Recording:
        """The recording; `batch` is the number of leading individual dims."""
        return Recording({name: column.trace(batch) for name, column in self.columns.items()}, dt)
