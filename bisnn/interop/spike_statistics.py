"""Statistics of recorded spike trains, computed by Elephant; extra `neuro`.

    rate = spikes / duration,   CV = sd(ISI) / mean(ISI),   CV2 = mean(2 |ISI_k+1 - ISI_k| / (ISI_k+1 + ISI_k)),
    Fano = var(counts) / mean(counts)

Units Hz and ms. Every function takes a `Recording` and an area and gives one number for each individual `[*B]` and
unit, NaN where a train has too few spikes to say. All raise `ConfigError` without the extra, and `UnknownName` for an
area whose spikes were not recorded.

Denker, Yegenoglu, Grün (2018) Neuroinformatics 2018, P19. doi:10.12751/incf.ni2018.0019
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bisnn.errors import ConfigError, UnknownName
from bisnn.interop.extras import need
from bisnn.interop.neo_export import to_neo
from bisnn.parameters import is_number, is_whole
from bisnn.recording import Recording

Numbers = NDArray[np.float64]


def trains(recording: Recording, area: str) -> NDArray[Any]:
    """The `neo.SpikeTrain` of every individual and unit, object array `[*B, n]`."""
    name = f"{area}.spikes"
    trace = recording.trace(name)
    block = to_neo(Recording({name: trace}, recording.dt))
    found = np.empty((*trace.raw.shape[: trace.time_dim], len(block.segments[0].spiketrains)), dtype=object)
    for segment in block.segments:
        for place, train in enumerate(segment.spiketrains):
            found[(*segment.annotations["individual"], place)] = train
    return found


def _each(recording: Recording, area: str, least: int, number: Callable[[Any], Any]) -> Numbers:
    """`number` of every train with at least `least` spikes, else NaN, `[*B, n]`."""
    given = trains(recording, area)
    found = [float(number(train)) if len(train) >= least else np.nan for train in given.reshape(-1)]
    return np.array(found, dtype=np.float64).reshape(given.shape)


def rates(recording: Recording, area: str) -> Numbers:
    """Mean firing rates, Hz `[*B, n]`; 0 for a silent unit."""
    statistics = need("elephant.statistics", "neuro")
    return _each(recording, area, 0, lambda train: statistics.mean_firing_rate(train).rescale("Hz"))


def intervals(recording: Recording, area: str) -> NDArray[Any]:
    """Interspike intervals, ms: object array `[*B, n]` of arrays, empty below two spikes."""
    statistics = need("elephant.statistics", "neuro")
    given = trains(recording, area)
    found = np.empty(given.shape, dtype=object)
    for index in np.ndindex(given.shape):
        train = given[index]
        found[index] = statistics.isi(train).rescale("ms").magnitude if len(train) > 1 else np.zeros(0)
    return found


def cv(recording: Recording, area: str) -> Numbers:
    """Coefficients of variation of the intervals `[*B, n]`; NaN below three spikes."""
    statistics = need("elephant.statistics", "neuro")
    return _each(recording, area, 3, lambda train: statistics.cv(statistics.isi(train)))


def cv2(recording: Recording, area: str) -> Numbers:
    """Local coefficients of variation (Holt et al. 1996) `[*B, n]`; NaN below three spikes."""
    statistics = need("elephant.statistics", "neuro")
    return _each(recording, area, 3, lambda train: statistics.cv2(statistics.isi(train)))


def fano(recording: Recording, area: str) -> Numbers:
    """Fano factor of the spike counts of the units of an area `[*B]`; NaN for a silent area."""
    statistics = need("elephant.statistics", "neuro")
    given = trains(recording, area)
    found = np.full(given.shape[:-1], np.nan)
    for index in np.ndindex(found.shape):
        if any(len(train) for train in given[index]):
            found[index] = statistics.fanofactor(list(given[index]))
    return found


class Correlogram(NamedTuple):
    """A cross-correlation histogram."""

    lags: Numbers  # [L] ms; positive: the second unit follows
    counts: Numbers  # [*B, L] pairs of spikes


def correlogram(
    recording: Recording, one: tuple[str, int], other: tuple[str, int], *, width: float, reach: float
) -> Correlogram:
    """Cross-correlogram of two units (area, recorded unit) in bins of `width` ms, for lags up to `reach` ms.

    Raises `ConfigError` where `width` is no multiple of a tick, `reach` none of `width` or longer than the recording,
    and for a unit that is no number.
    """
    for which in (one, other):
        if not isinstance(which, (tuple, list)) or len(which) != 2 or not is_whole(which[1]):
            raise ConfigError(f"{which!r} is no unit; give (name of the area, number of the unit)")
    for name, value in (("width", width), ("reach", reach)):
        if not is_number(value) or value <= 0:
            raise ConfigError(f"{name} = {value!r}; give ms, above 0")
    trace = recording.trace(f"{one[0]}.spikes")
    length = trace.raw.shape[trace.time_dim] * trace.every * recording.dt
    if reach > length:
        raise ConfigError(f"reach = {reach} ms is longer than the recording of {length:g} ms; give a shorter one")
    correlation, conversion = need("elephant.spike_train_correlation", "neuro"), need("elephant.conversion", "neuro")
    ms = need("quantities", "neuro").ms
    bins = round(reach / width)
    if not np.isclose(width / recording.dt, max(1, round(width / recording.dt))) or not np.isclose(bins * width, reach):
        raise ConfigError(
            f"width {width} ms and reach {reach} ms: width is a multiple of {recording.dt}, reach of width"
        )
    first, second = (_unit(recording, *which) for which in (one, other))
    counts = np.zeros((*first.shape, 2 * bins + 1))
    for index in itertools.product(*map(range, first.shape)):
        pair = [conversion.BinnedSpikeTrain(each[index], bin_size=width * ms) for each in (first, second)]
        histogram, _ = correlation.cross_correlation_histogram(*pair, window=[-bins, bins])
        counts[index] = histogram.magnitude[:, 0]
    return Correlogram(np.arange(-bins, bins + 1, dtype=np.float64) * width, counts)


def _unit(recording: Recording, area: str, unit: int) -> NDArray[Any]:
    """The trains of one unit `[*B]`."""
    given = trains(recording, area)
    units = recording.trace(f"{area}.spikes").units or tuple(range(given.shape[-1]))
    if unit not in units:
        raise UnknownName(f"recorded unit of {area!r}", unit, map(str, units))
    chosen = np.empty(given.shape[:-1], dtype=object)
    for index in np.ndindex(chosen.shape):
        chosen[index] = given[(*index, units.index(unit))]
    return chosen
