"""Streams that are longer than their budget: growth of peak memory, and every bit read back against a second run."""

import subprocess
import sys
import time

import pytest

LONG = """
import re, sys, time
import torch
from bisnn import rng
from bisnn.circuit import Area, Circuit
from bisnn.interop.parquet import read
from bisnn.interop.streaming import stream
from bisnn.neurons import IF
from bisnn.recording import Probe

torch.set_num_threads(1)
steps, budget, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
circuit = Circuit(areas={"source": Area(n=1000, neuron=IF(threshold=1.0, reset="subtract"))})
key = torch.tensor(7)
drive = {"source": rng.uniform(key, "drive", 0, 1000) * 0.2}


def memory(what):
    return int(re.search(what + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024


stream(circuit, circuit.init(key), drive, steps=10, probes=(Probe("source"),), path=path + ".warm")
read(path + ".warm")
open("/proc/self/clear_refs", "w").write("5")  # the peak is counted from now on
before, began = memory("VmRSS"), time.perf_counter()
stream(circuit, circuit.init(key), drive, steps=steps, probes=(Probe("source"),), path=path, budget=budget)
wrote, written = time.perf_counter() - began, memory('VmHWM') - before
seen = read(path)
print(written, memory('VmHWM') - before, wrote, seen.nbytes)
peak, block = memory("VmHWM"), torch.ones(2**26)
assert memory("VmHWM") - peak > 2**27, "the measure sees what is allocated"
del block
state, at = circuit.init(key), 0
while at < steps:  # the same run again, in other stretches, against what was read
    count = min(1777, steps - at)
    state, piece = circuit.run(state, drive, steps=count, probes=(Probe("source"),))
    assert torch.equal(seen.during(at, at + count)["source.spikes"], piece["source.spikes"]), at
    at += count
counts = sum(int(seen.during(t, t + 10000)["source.spikes"].sum()) for t in range(0, steps, 10000))
print(counts / steps / 1000)
"""


def long_run(path, steps, budget):
    """Growth of peak memory while writing, and while writing and reading, bytes; seconds; rate."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", LONG, str(steps), str(budget), str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split("\n")[:2]
    written, both, seconds, held = (float(part) for part in first.split())
    print(
        f"{steps} ticks of 1000 units: written in {seconds:.0f} s ({time.perf_counter() - began:.0f} s in all), "
        f"file {path.stat().st_size / 2**20:.1f} MiB, peak +{written / 2**20:.0f} MiB writing, "
        f"+{both / 2**20:.0f} MiB with reading, recording {held / 2**20:.0f} MiB"
    )
    assert 0.05 < float(second) < 0.2
    assert held == steps * 125
    return written, both


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")


@LINUX
def test_a_long_stream_stays_under_its_budget(tmp_path):
    written, both = long_run(tmp_path / "long.parquet", 20_000, 16 * 2**20)
    assert max(written, both) < 16 * 2**20


@LINUX
@pytest.mark.slow
def test_a_million_ticks_of_a_thousand_units_stay_under_256_mib(tmp_path):
    written, both = long_run(tmp_path / "long.parquet", 1_000_000, 256 * 2**20)
    assert max(written, both) < 256 * 2**20
