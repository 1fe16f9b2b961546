"""Probes and recordings: what to keep of a run, checked by name and bounded in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.errors import ConfigError, ShapeMismatch, UnknownName


@dataclass(frozen=True)
class Probe:
    """One quantity to record: ("ifg", "spikes"), ("ifg", "v"), ("perception->ifg", "weight"), ("dopamine", "level")."""

    target: str
    """Name of an area, projection or modulator."""
    field: str = "spikes"
    """Which of its quantities; the circuit lists them."""
    every: int = 1
    """Keep one tick in this many."""
    units: tuple[int, int] | None = None
    """Range of units (first, past the last) of the last dim; None: all."""

    @property
    def name(self) -> str:
        """The key in the recording: `target.field`."""
        return f"{self.target}.{self.field}"

    def part(self, value: Tensor) -> Tensor:
        """The wanted units of a value `[..., n]`."""
        return value if self.units is None else value[..., slice(*self.units)]


class Trace(NamedTuple):
    """One recorded quantity."""

    values: Tensor  # [*B, T, ...] the quantity at the kept ticks
    every: int  # ticks between two values


@dataclass(frozen=True)
class Recording:
    """What probes saw: `recording["ifg.spikes"]` is `[*B, T, n]`."""

    traces: Mapping[str, Trace]
    """By `target.field`."""
    dt: float
    """Length of a tick, ms."""

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.traces:
            raise UnknownName("recorded quantity", name, self.traces)
        return self.traces[name].values

    def __iter__(self) -> Iterator[str]:
        return iter(self.traces)

    def times(self, name: str) -> Tensor:
        """Times of the values of `name`, ms, `[T]`."""
        values = self[name]
        every = self.traces[name].every
        return torch.arange(values.shape[self._time_dim(name)]) * (every * self.dt)

    def _time_dim(self, name: str) -> int:
        return self[name].dim() - (
            1 if name.endswith(".level") else 3 if name.endswith((".weight", ".eligibility")) else 2
        )

    def of(self, *index: int) -> Recording:
        """The recording of one individual: `recording.of(arm, seed)` has values `[T, ...]`."""
        return Recording(
            {name: Trace(trace.values[index], trace.every) for name, trace in self.traces.items()}, self.dt
        )


def join(recordings: list[Recording]) -> Recording:
    """Recordings of successive runs of the same individual `[T, ...]`, one after the other.

    Raises `ShapeMismatch` when they hold different quantities.
    """
    if not recordings:
        raise ShapeMismatch("there is no recording to join")
    if any(set(other.traces) != set(recordings[0].traces) for other in recordings):
        raise ShapeMismatch("recordings of different quantities cannot be joined; use the same probes")
    traces = {
        name: Trace(torch.cat([recording[name] for recording in recordings]), trace.every)
        for name, trace in recordings[0].traces.items()
    }
    return Recording(traces, recordings[0].dt)


class Recorder:
    """Collects the probed quantities of one run; `finish` gives the `Recording`."""

    def __init__(self, probes: tuple[Probe, ...], sizes: Mapping[str, int], steps: int, budget: int) -> None:
        """`sizes`: bytes of one value of every probe. Raises `ConfigError` when `steps` ticks exceed `budget` bytes,
        or when two probes have one name."""
        names = [probe.name for probe in probes]
        for name in {name for name in names if names.count(name) > 1}:
            raise ConfigError(f"{name!r} is probed twice; give one probe the units and the rate that you need")
        needed = {probe.name: sizes[probe.name] * -(-steps // probe.every) for probe in probes}
        if sum(needed.values()) > budget:
            largest = max(needed, key=lambda name: needed[name])
            raise ConfigError(
                f"recording {steps} ticks needs {sum(needed.values()) / 2**20:.0f} MiB, the budget is "
                f"{budget / 2**20:.0f} MiB; {largest!r} is the largest: raise `every`, narrow `units` or the budget"
            )
        self.probes, self.values = probes, {probe.name: list[Tensor]() for probe in probes}

    def keep(self, tick: int, values: Mapping[str, Tensor]) -> None:
        """Take the values of this tick (tensors are never changed in place afterwards)."""
        for probe in self.probes:
            if tick % probe.every == 0:
                value = probe.part(values[probe.name])
                self.values[probe.name].append(value if probe.units is None else value.clone())

    def gather(self, values: Mapping[str, Tensor | list[Tensor]], batch: int, dt: float) -> Recording:
        """The recording of values that exist for all ticks already: `[*B, T, ...]` or a list over ticks."""
        traces = {}
        for probe in self.probes:
            given = values[probe.name]
            kept = torch.stack(given[:: probe.every], dim=batch) if isinstance(given, list) else given
            if not isinstance(given, list) and probe.every > 1:
                kept = given[(slice(None),) * batch + (slice(None, None, probe.every),)]
            traces[probe.name] = Trace(probe.part(kept), probe.every)
        return Recording(traces, dt)

    def finish(self, batch: int, dt: float) -> Recording:
        """The recording; `batch` is the number of leading individual dims."""
        traces = {
            probe.name: Trace(torch.stack(self.values[probe.name], dim=batch), probe.every) for probe in self.probes
        }
        return Recording(traces, dt)
