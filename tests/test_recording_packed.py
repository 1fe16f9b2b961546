"""Packed spikes, windows and chosen units: what is kept is what a dense recording by hand keeps, bit for bit."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from torch import Tensor

from bisnn import packing, plots, rng
from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError, ShapeMismatch
from bisnn.initialisers import Uniform
from bisnn.modulators import Dopamine
from bisnn.neurons import IF
from bisnn.plasticity import RSTDP
from bisnn.recording import Probe, Recorder, join

STEPS, KEY = 150, torch.arange(6).reshape(2, 3)
CIRCUIT = Circuit(
    areas={"a": Area(n=11, neuron=IF()), "b": Area(n=4, neuron=IF()), "silent": Area(n=3, neuron=IF())},
    projections=(Projection(source="a", target="b", weight=Uniform(0.0, 0.5), rule=RSTDP(), bounds=(0.0, 1.0)),),
    modulators={"dopamine": Dopamine()},
    dt=0.1,
)


def run(*probes, learning=True, dtype=torch.float32, **given):
    drive = {"a": rng.uniform(KEY, "a", 0, STEPS * 11).reshape(2, 3, STEPS, 11).to(dtype)}
    return CIRCUIT.run(CIRCUIT.init(KEY, dtype), drive, steps=STEPS, probes=probes, learning=learning, **given)[1]


def by_hand(field="spikes", area="a", dtype=torch.float32):
    """The quantity tick by tick, from calls of one tick each, without learning."""
    drive, state, found = rng.uniform(KEY, "a", 0, STEPS * 11).reshape(2, 3, STEPS, 11).to(dtype), None, []
    state = CIRCUIT.init(KEY, dtype)
    for tick in range(STEPS):
        state, _ = CIRCUIT.run(state, {"a": drive[:, :, tick]}, steps=1, learning=False)
        found.append(state.spikes[area][0] if field == "spikes" else getattr(state.neurons[area], field))
    return torch.stack(found, dim=2)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 1000])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_packing_is_exact_and_as_numpy_does_it(n, dtype):
    spikes = (rng.uniform(KEY, "s", 0, 5 * n).reshape(2, 3, 5, n) < 0.3).to(dtype)
    bits = packing.pack(spikes)
    assert bits.shape == (2, 3, 5, packing.width(n))
    assert bits.dtype == torch.uint8
    assert np.array_equal(bits.numpy(), np.packbits(spikes.numpy() > 0, axis=-1, bitorder="little"))
    again = packing.unpack(bits, n, dtype)
    assert torch.equal(again, spikes)
    assert again.dtype == dtype
    assert not packing.binary(spikes * 0.5)
    assert not packing.binary(spikes - 1.0)


@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_spikes_of_a_long_run_are_held_as_bits(learning, dtype):
    seen, expected = run(Probe("a"), Probe("silent"), learning=learning, dtype=dtype), by_hand(dtype=dtype)
    assert isinstance(seen.trace("a.spikes").data, packing.Packed)
    assert seen["a.spikes"].dtype == dtype
    assert torch.equal(seen["a.spikes"], expected)
    assert 0.05 < float(expected.mean()) < 0.95
    assert seen["silent.spikes"].shape == (2, 3, STEPS, 3)
    assert seen.nbytes == 6 * STEPS * (2 + 1)
    assert torch.equal(seen.of(1, 2)["a.spikes"], expected[1, 2])
    assert torch.equal(seen.during(40, 90).of(0, 1)["a.spikes"], expected[0, 1, 40:90])


@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize(
    ("window", "every"), [((0, 150), 1), ((7, 150), 1), ((3, 149), 2), ((130, 131), 5), ((20, 90), 7)]
)
def test_windows_and_rates(learning, window, every):
    first, past = window
    seen = run(Probe("a", every=every, window=window), Probe("a", "v", every=every, window=window), learning=learning)
    for field in ("spikes", "v"):
        expected = by_hand(field)[:, :, first:past:every]
        assert torch.equal(seen[f"a.{field}"], expected)
        assert seen.ticks(f"a.{field}").tolist() == list(range(first, past, every))
        assert seen.times(f"a.{field}").tolist() == [tick * 0.1 for tick in range(first, past, every)]
    part = seen.during(first + 1, past - 1)
    assert part.ticks("a.v").tolist() == [tick for tick in range(first, past, every) if first < tick < past - 1]
    assert torch.equal(part["a.v"], by_hand("v")[:, :, part.ticks("a.v")])
    assert torch.equal(part["a.spikes"], by_hand()[:, :, part.ticks("a.spikes")])


@pytest.mark.parametrize("learning", [True, False])
def test_units_by_range_and_by_list(learning):
    expected, v = by_hand(), by_hand("v")
    some = run(Probe("a", units=(2, 9)), Probe("a", "v", only=(10, 0, 3)), learning=learning)
    assert torch.equal(some["a.spikes"], expected[..., 2:9])
    assert torch.equal(some["a.v"], v[..., [10, 0, 3]])
    assert some.trace("a.spikes").units == tuple(range(2, 9))
    assert some.trace("a.v").units == (10, 0, 3)
    assert torch.equal(run(Probe("a", only=(7,)), learning=learning)["a.spikes"], expected[..., [7]])
    columns = run(Probe("a->b", "weight", only=(3, 1), every=50))["a->b.weight"]
    assert torch.equal(columns, run(Probe("a->b", "weight", every=50))["a->b.weight"][..., [3, 1]])


def test_the_budget_counts_bits():
    bits = 6 * STEPS * 2
    run(Probe("a"), budget=bits)
    with pytest.raises(ConfigError, match=r"'a\.spikes' is the largest: raise `every`, narrow `units` or `window`"):
        run(Probe("a"), budget=bits - 1)
    dense = 6 * 10 * 11 * 4
    run(Probe("a", "v", window=(20, 30)), budget=dense)
    with pytest.raises(ConfigError, match=r"'a\.v' is the largest"):
        run(Probe("a", "v", window=(20, 30)), Probe("b"), budget=dense)
    with pytest.raises(ConfigError, match="1000000 ticks needs 119 MiB, the budget is 100 MiB"):
        Recorder((Probe("a"),), {"a.spikes": torch.zeros(1000)}, 1_000_000, 100 * 2**20)
    Recorder((Probe("a"),), {"a.spikes": torch.zeros(1000)}, 10**12, 2**50)  # nothing is set aside before a tick


def test_a_probe_that_can_hold_nothing_is_refused():
    for options, said in (
        ({"every": 0}, "every = 0"),
        ({"units": (3, 3)}, r"units = \(3, 3\)"),
        ({"window": (-1, 4)}, r"window = \(-1, 4\)"),
        ({"only": ()}, r"only = \(\)"),
        ({"only": (-1,)}, r"only = \(-1,\)"),
        ({"only": (1,), "units": (0, 2)}, "in place of `units`"),
    ):
        with pytest.raises(ConfigError, match=said):
            Probe("a", **options)
    with pytest.raises(ConfigError, match="wants unit 11 of 11"):
        run(Probe("a", units=(5, 12)))
    with pytest.raises(ConfigError, match="wants unit 40 of 11"):
        run(Probe("a", only=(3, 40)))
    with pytest.raises(ConfigError, match=r"window = \(100, 151\) reaches beyond the 150 ticks"):
        run(Probe("a", window=(100, 151)))
    with pytest.raises(ConfigError, match=r"'dopamine\.level' has no units"):
        run(Probe("dopamine", "level", units=(0, 1)))


def test_joined_runs_stay_packed():
    seen = run(Probe("a"), Probe("a", "v", every=3))
    joined = join([seen, seen])
    assert isinstance(joined.trace("a.spikes").data, packing.Packed)
    assert torch.equal(joined["a.spikes"], torch.cat((seen["a.spikes"], seen["a.spikes"]), dim=2))
    assert joined["a.v"].shape == (2, 3, 100, 11)
    short = CIRCUIT.run(CIRCUIT.init(KEY), {}, steps=5, probes=(Probe("a"), Probe("a", "v", every=3)))[1]
    mixed = join([short, seen])
    assert torch.equal(mixed["a.spikes"], torch.cat((short["a.spikes"], seen["a.spikes"]), dim=2))
    for other in (run(Probe("a", units=(0, 4)), Probe("a", "v", every=3)), run(Probe("a"), Probe("a", "v", every=2))):
        with pytest.raises(ShapeMismatch, match="differ in units, rate or individuals"):
            join([seen, other])


class Count(NamedTuple):
    ticks: Tensor


@dataclass(frozen=True)
class Graded:
    """Gives 0 and 1, and from a tick on, 1/2."""

    late: int

    def init(self, shape, like):
        return Count(torch.zeros(shape, device=like.device, dtype=like.dtype))

    def step(self, state, current, dt):
        return torch.where(state.ticks < self.late, (state.ticks % 2), 0.5), Count(state.ticks + 1.0)


@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize("late", [3, 64, 100, 149])
def test_graded_spikes_are_kept_as_they_are(learning, late):
    circuit = Circuit(areas={"g": Area(n=2, neuron=Graded(late))})
    state = circuit.init(KEY)
    _, seen = circuit.run(state, {}, steps=STEPS, probes=(Probe("g"),), learning=learning)
    expected = torch.tensor([tick % 2 if tick < late else 0.5 for tick in range(STEPS)])
    assert torch.equal(seen["g.spikes"], expected[:, None].expand(2, 3, STEPS, 2))
    with pytest.raises(ConfigError, match="beside 0 and 1, which cannot be packed: it needs"):
        circuit.run(state, {}, steps=STEPS, probes=(Probe("g"),), learning=learning, budget=2000)


def test_a_silent_population_shows_its_rows_for_the_whole_recording():
    seen = run(Probe("silent"), Probe("a")).of(0, 0)
    assert not seen["silent.spikes"].any()
    ax = plots.raster(seen)
    FigureCanvasAgg(ax.figure).draw()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["silent (3)", "a (11)"]
    alone = plots.raster(seen, "silent")
    assert [label.get_text() for label in alone.get_yticklabels()] == ["silent (3)"]
    assert alone.get_xlim() == pytest.approx((0.0, 15.0))
    assert alone.get_ylim()[0] >= 3.0
