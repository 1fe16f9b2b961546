"""Spike-train statistics by Elephant, on trains whose statistics are known; tolerance 1e-12 relative."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from bisnn.errors import ConfigError, UnknownName
from bisnn.interop import spike_statistics as statistics
from bisnn.recording import Recording, Trace

pytestmark = pytest.mark.filterwarnings("ignore:The 'copy' argument in Quantity is deprecated")  # Elephant's own
TICKS = 2000  # of 0.5 ms: 1 s
REGULAR, IRREGULAR, PAIR = [*range(100, 1900, 100)], [10, 40, 80, 90, 700, 1999], [300, 700]


def recording(units=None):
    spikes = torch.zeros(2, TICKS, 5)
    spikes[0, REGULAR, 0] = 1
    spikes[0, IRREGULAR, 1] = 1
    spikes[0, PAIR, 2] = 1
    spikes[0, [tick + 3 for tick in REGULAR], 4] = 1
    spikes[1, IRREGULAR, 3] = 1
    traces = {"a.spikes": Trace(spikes, units=units), "silent.spikes": Trace(torch.zeros(2, TICKS, 3))}
    return Recording({**traces, "a.v": Trace(torch.zeros(2, TICKS, 5))}, 0.5)


def same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)


def test_rates_and_intervals():
    seen, nan = recording(), np.nan
    same(statistics.rates(seen, "a"), [[18.0, 6.0, 2.0, 0.0, 18.0], [0.0, 0.0, 0.0, 6.0, 0.0]])
    same(statistics.rates(seen, "silent"), np.zeros((2, 3)))
    gaps = statistics.intervals(seen, "a")
    assert gaps.shape == (2, 5)
    same(gaps[0, 1], np.diff(IRREGULAR) * 0.5)
    same(gaps[0, 2], [200.0])
    assert len(gaps[0, 3]) == 0
    isi = np.diff(IRREGULAR) * 0.5
    expected = isi.std() / isi.mean()
    np.testing.assert_allclose(
        statistics.cv(seen, "a"), [[0.0, expected, nan, nan, 0.0], [nan, nan, nan, expected, nan]], rtol=1e-9, atol=1e-9
    )
    local = np.mean(2.0 * np.abs(np.diff(isi)) / (isi[1:] + isi[:-1]))
    np.testing.assert_allclose(
        statistics.cv2(seen, "a"), [[0.0, local, nan, nan, 0.0], [nan, nan, nan, local, nan]], rtol=1e-9, atol=1e-9
    )
    assert np.isnan(statistics.cv(seen, "silent")).all()


def test_fano_factor_by_individual():
    counts = np.array([[18, 6, 2, 0, 18], [0, 0, 0, 6, 0]])
    same(statistics.fano(recording(), "a"), counts.var(1) / counts.mean(1))
    assert np.isnan(statistics.fano(recording(), "silent")).all()


def test_a_cross_correlogram_finds_the_lag():
    found = statistics.correlogram(recording(), ("a", 0), ("a", 4), width=0.5, reach=5.0)
    assert found.lags.tolist() == [lag * 0.5 for lag in range(-10, 11)]
    assert found.counts.shape == (2, 21)
    assert found.lags[found.counts[0] > 0].tolist() == [1.5]  # unit 4 follows 3 ticks later
    assert found.counts[0].max() == len(REGULAR)
    assert not found.counts[1].any()
    numbered = recording(units=(7, 3, 5, 9, 11))
    again = statistics.correlogram(numbered, ("a", 11), ("a", 7), width=0.5, reach=5.0)
    assert again.lags[again.counts[0] > 0].tolist() == [-1.5]
    with pytest.raises(UnknownName, match="recorded unit of 'a'"):
        statistics.correlogram(numbered, ("a", 0), ("a", 7), width=0.5, reach=5.0)
    with pytest.raises(ConfigError, match=r"width is a multiple of 0\.5"):
        statistics.correlogram(recording(), ("a", 0), ("a", 4), width=0.7, reach=7.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        *(({"width": width}, "width = .*; give ms, above 0") for width in (0.0, -0.5, np.nan, np.inf, "1")),
        *(({"reach": reach}, "reach = .*; give ms, above 0") for reach in (0.0, -5.0, np.nan, np.inf, None)),
        ({"reach": 1e9}, r"longer than the recording of 1000 ms"),
        ({"one": ("a", "x")}, "is no unit; give"),
        ({"other": ("a", None)}, "is no unit; give"),
        ({"one": "a"}, "is no unit; give"),
    ],
)
def test_a_correlogram_needs_numbers(options, said):
    given = {"one": ("a", 0), "other": ("a", 4), "width": 0.5, "reach": 5.0} | options
    with pytest.raises(ConfigError, match=said):
        statistics.correlogram(recording(), given.pop("one"), given.pop("other"), **given)


def test_what_was_not_recorded_is_named():
    with pytest.raises(UnknownName, match=r"Did you mean 'a\.spikes'"):
        statistics.rates(recording(), "b")


MISSING = """
import sys
for package in ("neo", "elephant", "quantities", "pynwb", "hdmf", "nir", "nirtorch"):
    sys.modules[package] = None
import torch
from bisnn.circuit import Area, Circuit
from bisnn.errors import ConfigError
from bisnn.interop import neo_export, nir_export, nwb_export, spike_statistics
from bisnn.neurons import IF
from bisnn.recording import Recording, Trace

seen = Recording({"a.spikes": Trace(torch.zeros(4, 2))}, 1.0)
circuit = Circuit(areas={"a": Area(n=2, neuron=IF())})
for call, package, extra in (
    (lambda: neo_export.to_neo(seen), "neo", "neuro"),
    (lambda: nwb_export.to_nwb(seen, "never.nwb"), "pynwb", "neuro"),
    (lambda: nwb_export.from_nwb("never.nwb"), "pynwb", "neuro"),
    (lambda: spike_statistics.rates(seen, "a"), "elephant", "neuro"),
    (lambda: nir_export.to_nir(circuit, circuit.init(torch.tensor(0)), frozen=True), "nir", "nir"),
):
    try:
        call()
    except ConfigError as error:
        assert str(error) == f'{package} is not installed; it comes with: pip install "bisnn[{extra}]"', error
    else:
        raise AssertionError(package)
print("all five")
"""


def test_without_the_extras_an_error_says_how_to_install_them():
    done = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True)
    assert done.stdout == "all five\n", done.stderr
