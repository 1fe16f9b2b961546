"""Recordings as Neo blocks, for Elephant and whatever else reads Neo; extra `neuro`.

    Neo                                        bisnn
    Block                                      Recording
    Segment                                    an individual (annotation `individual`)
    SpikeTrain, ms, from t_start to t_stop     spikes of a unit (annotations `area`, `unit`); empty for a silent one
    AnalogSignal [T, n]                        any other quantity; a matrix lies as one row of a signal

A spike of tick k is at k dt. The Block's annotation `bisnn` holds the rest as JSON, and `from_neo` gives back the same
bits.

Garcia et al. (2014) Front. Neuroinform. 8:10. doi:10.3389/fninf.2014.00010
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import torch

from bisnn.errors import ConfigError, RunCorrupt
from bisnn.interop.extras import need
from bisnn.interop.layout import Quantity, as_text, describe, from_text
from bisnn.recording import Recording


def to_neo(recording: Recording) -> Any:
    """The `neo.Block` of a recording. Raises `ConfigError` without the extra, or for graded spikes."""
    neo = need("neo", "neuro")
    found = describe(recording)
    batch = next((each.batch for each in found.values()), ())
    block = neo.Block(name="bisnn recording", bisnn=as_text(found, recording.dt))
    for index in itertools.product(*map(range, batch)):
        segment = neo.Segment(name=f"individual {list(index)}", individual=list(index))
        alone = recording.of(*index)
        for name, each in found.items():
            if name.endswith(".spikes"):
                segment.spiketrains.extend(_trains(name, each, alone, index))
            else:
                segment.analogsignals.append(_signal(name, each, alone, index))
        block.segments.append(segment)
    return block


def _trains(name: str, each: Quantity, alone: Recording, index: tuple[int, ...]) -> list[Any]:
    """One train for every unit, spikes or none."""
    neo, ms = need("neo", "neuro"), need("quantities", "neuro").ms
    area, dt = name.removesuffix(".spikes"), alone.dt
    values, ticks = alone[name].cpu().numpy(), alone.ticks(name).numpy()
    if not np.isin(values, (0, 1)).all():
        raise ConfigError(f"{name!r} holds values beside 0 and 1, which no train can hold; record another quantity")
    ends = {"t_start": each.first * dt * ms, "t_stop": (each.first + each.ticks * each.every) * dt * ms}
    period = each.every * dt * ms
    return [
        neo.SpikeTrain(
            ticks[values[:, place] > 0] * dt * ms,
            **ends,
            sampling_rate=(1.0 / period).rescale("Hz"),
            name=f"{area} {unit}",
            area=area,
            unit=unit,
            individual=list(index),
        )
        for place, unit in enumerate(each.numbers)
    ]


def _signal(name: str, each: Quantity, alone: Recording, index: tuple[int, ...]) -> Any:
    neo, quantities = need("neo", "neuro"), need("quantities", "neuro")
    target, _, field = name.rpartition(".")
    values = alone[name].cpu().numpy()
    return neo.AnalogSignal(
        values.reshape(each.ticks, math.prod(each.shape)),
        units=quantities.dimensionless,
        dtype=values.dtype,
        t_start=each.first * alone.dt * quantities.ms,
        sampling_period=each.every * alone.dt * quantities.ms,
        name=name,
        target=target,
        field=field,
        individual=list(index),
    )


def from_neo(block: Any) -> Recording:
    """The recording behind a block of `to_neo`, bit for bit. Raises `RunCorrupt` for another block, or one that lacks
    a train or a signal, `ConfigError` for what is no block."""
    if not isinstance(block, need("neo", "neuro").Block):
        raise ConfigError(f"from_neo takes a neo.Block, not {type(block).__name__}; give what `to_neo` made")
    found, dt = from_text(block.annotations.get("bisnn"), "this neo.Block")
    traces = {}
    for name, each in found.items():
        values = torch.zeros((*each.batch, each.ticks, *each.shape), dtype=each.torch_dtype)
        for segment in block.segments:
            mine = values[tuple(segment.annotations["individual"])]
            if name.endswith(".spikes"):
                _fill_spikes(name, each, segment, mine, dt)
            else:
                signals = [signal for signal in segment.analogsignals if signal.name == name]
                _exactly(name, 1, len(signals))
                mine.copy_(torch.from_numpy(signals[0].magnitude.copy()).reshape(each.ticks, *each.shape))
        _exactly("segments", math.prod(each.batch), len(block.segments))
        traces[name] = each.trace_of(values)
    return Recording(traces, dt)


def _fill_spikes(name: str, each: Quantity, segment: Any, values: torch.Tensor, dt: float) -> None:
    area = name.removesuffix(".spikes")
    trains = [train for train in segment.spiketrains if train.annotations.get("area") == area]
    place = {unit: at for at, unit in enumerate(each.numbers)}
    _exactly(name, len(place), len({train.annotations["unit"] for train in trains}))
    for train in trains:
        ticks = np.rint(train.rescale("ms").magnitude / dt).astype(np.int64)
        values[torch.from_numpy((ticks - each.first) // each.every), place[train.annotations["unit"]]] = 1


def _exactly(what: str, wanted: int, there: int) -> None:
    if wanted != there:
        raise RunCorrupt(f"this recording has {there} trains, signals or segments of {what!r} instead of {wanted}")
