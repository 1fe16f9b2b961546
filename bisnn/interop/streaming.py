"""Runs that are longer than memory: simulated stretch by stretch, each appended to a Parquet file.

The bits are those of one uncut run: a stretch goes on from the state that the last one left, what is kept is
counted from the first tick of the whole run, and rests fall where they would have fallen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from bisnn import tree
from bisnn.checks import check_drive, check_release
from bisnn.circuit import BUDGET, Circuit, CircuitState
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES, Gates
from bisnn.interop.layout import Quantity, quantity
from bisnn.interop.parquet import ROWS, Writer
from bisnn.probe import Probe
from bisnn.recording import Recording
from bisnn.simulation import some_spikes

Given = Mapping[str, Tensor] | Callable[[int, int], Mapping[str, Tensor]]
"""Tensors for the whole run as `Circuit.run` takes them, or a function of (first tick, past the last) that gives
them for a stretch: drive `[*B, n]` (constant in it) or `[*B, past - first, n]`, release `[*B, past - first]`."""


def stream(
    circuit: Circuit,
    state: CircuitState,
    drive: Given,
    release: Given | None = None,
    gates: Gates = NO_GATES,
    *,
    steps: int,
    probes: Sequence[Probe],
    path: Path | str,
    budget: int = BUDGET,
    learning: bool = True,
    rest_every: int | None = None,
) -> CircuitState:
    """`Circuit.run` with its recording written to `path`; `bisnn.interop.parquet.read` gives it back.

    No more than `budget` bytes of recording and of what the simulation holds for it are in memory at a time. The file
    appears under its name when the run is done. Raises `ConfigError` for a name that is taken or cannot be written, a
    budget that is too small for a tick, and what `Circuit.run` raises.
    """
    some, source = some_spikes(state), _Inputs(drive, release or {}, steps, some_spikes(state).dim() - 1)
    if not callable(source.drive):
        check_drive(circuit.areas, some, source.drive, steps)
    if not callable(source.release):
        check_release(circuit.modulators, some[..., 0], source.release, steps)
    now, given = source.at(0, 1)
    wanted = [replace(probe, every=1, window=None) for probe in probes]
    _, tick = circuit.run(state, now, given, gates, steps=1, learning=learning, probes=wanted, budget=budget)
    quantities = {probe.name: _expected(probe, tick, steps) for probe in probes}
    length = _affordable(circuit, state, tick, budget)
    with Writer(path, quantities, circuit.dt) as writer:
        for first, past, rest in _stretches(steps, length, rest_every):
            here = [cut for probe in probes if (cut := _cut(probe, steps, first, past))]
            state, seen = circuit.run(
                state, *source.at(first, past), gates,
                steps=past - first, learning=learning, rest_every=rest, probes=here, budget=budget,
            )  # fmt: skip
            writer.write(_shifted(seen, first))
    return state


class _Inputs(NamedTuple):
    """What reaches the circuit, cut into stretches."""

    drive: Given
    release: Given
    steps: int
    batch: int  # dims of *B

    def at(self, first: int, past: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Drive and release of a stretch, as `Circuit.run` takes them."""
        if callable(self.drive):
            drive = dict(self.drive(first, past))
        else:
            drive = {name: self._drive(value, first, past) for name, value in self.drive.items()}
        if callable(self.release):
            return drive, dict(self.release(first, past))
        release = {}
        for name, value in self.release.items():
            if value.dim() > self.batch:
                release[name] = value.narrow(self.batch, first, past - first)
            elif first == 0:
                release[name] = value
        return drive, release

    def _drive(self, value: Tensor, first: int, past: int) -> Tensor:
        if value.dim() == self.batch + 1:
            return value
        ticks = self.steps // value.shape[self.batch]
        low, high = first // ticks, (past - 1) // ticks
        if low == high:
            return value.select(self.batch, low)
        part = value.narrow(self.batch, low, high - low + 1)
        if ticks == 1:
            return part
        return part.repeat_interleave(ticks, dim=self.batch).narrow(self.batch, first - low * ticks, past - first)


def _expected(probe: Probe, tick: Recording, steps: int) -> Quantity:
    """What the whole run will have recorded, from what one tick of it did."""
    seen, when = quantity(probe.name, tick.trace(probe.name)), probe.ticks(steps)
    return seen._replace(ticks=len(when), every=probe.every, first=when.start, packed=probe.field == "spikes")


def _affordable(circuit: Circuit, state: CircuitState, tick: Recording, budget: int) -> int:
    """Ticks of a stretch: half the budget holds the recording (as values and on its way to the file) and the
    simulation's neuron states and spikes of every tick."""
    held = 0

    def count(leaf: Tensor) -> None:
        nonlocal held
        held += leaf.numel() * leaf.element_size()

    tree.map(count, state.neurons)
    for spikes in state.spikes.values():
        held += 4 * spikes[0].numel() * spikes[0].element_size()  # current, drive and spikes, and spikes stacked
    return max(1, int(min(ROWS, budget // 2 // (held + 4 * tick.nbytes))))


def _stretches(steps: int, length: int, rest_every: int | None) -> Iterator[tuple[int, int, int | None]]:
    """(first, past, rest_every) of every stretch. It rests at its first tick only where the whole run would."""
    if rest_every is not None and rest_every < 1:
        raise ConfigError(f"rest_every = {rest_every}; it counts ticks from 1")
    if rest_every and length >= rest_every:
        length -= length % rest_every
    first = 0
    while first < steps:
        past = min(first + length, steps)
        if rest_every and length < rest_every:
            past = min(past, first - first % rest_every + rest_every)
        yield first, past, rest_every if rest_every and first % rest_every == 0 else None
        first = past


def _cut(probe: Probe, steps: int, first: int, past: int) -> Probe | None:
    """The probe for a stretch, with its window counted from there; None where it keeps nothing."""
    when = probe.ticks(steps)
    low = max(0, -(-(first - when.start) // probe.every))
    high = min(len(when), max(0, -(-(past - when.start) // probe.every)))
    if low >= high:
        return None
    return replace(probe, window=(when[low] - first, when[high - 1] + 1 - first))


def _shifted(recording: Recording, first: int) -> Recording:
    """The recording of a stretch, counted from the first tick of the whole run."""
    traces = {name: trace._replace(first=trace.first + first) for name, trace in recording.traces.items()}
    return replace(recording, traces=traces)
