"""Recordings: what was asked for, at the right times, within the budget; references by hand, exact."""

import pytest
import torch

from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError, ShapeMismatch, UnknownName
from bisnn.initialisers import Constant
from bisnn.modulators import Dopamine
from bisnn.neurons import IF
from bisnn.plasticity import RSTDP
from bisnn.recording import Probe, join

CIRCUIT = Circuit(
    areas={"a": Area(n=6, neuron=IF(threshold=0.9)), "b": Area(n=4, neuron=IF())},
    projections=(Projection(source="a", target="b", weight=Constant(0.25), rule=RSTDP(), bounds=(0.0, 1.0)),),
    modulators={"dopamine": Dopamine()},
    dt=0.5,
)
KEY = torch.arange(6).reshape(2, 3)


def record(*probes, steps=10, learning=True, **given):
    drive = {"a": torch.full((2, 3, 6), 0.25)}
    return CIRCUIT.run(CIRCUIT.init(KEY), drive, None, steps=steps, probes=probes, learning=learning, **given)[1]


@pytest.mark.parametrize("learning", [True, False])
def test_shapes_units_rates_and_times(learning):
    every = record(Probe("a"), Probe("a", "v"), Probe("a->b", "weight"), Probe("dopamine", "level"), learning=learning)
    assert list(every) == ["a.spikes", "a.v", "a->b.weight", "dopamine.level"]
    assert every["a.v"].shape == (2, 3, 10, 6)
    assert every["a->b.weight"].shape == (2, 3, 10, 6, 4)
    assert every["dopamine.level"].shape == (2, 3, 10)
    some = record(Probe("a", "v", every=3, units=(2, 5)), Probe("a->b", "eligibility", every=4), learning=learning)
    assert torch.equal(some["a.v"], every["a.v"][:, :, ::3, 2:5])
    assert some["a->b.eligibility"].shape == (2, 3, 3, 6, 4)
    assert some.times("a.v").tolist() == [0.0, 1.5, 3.0, 4.5]
    assert every.times("dopamine.level").tolist() == [tick * 0.5 for tick in range(10)]
    assert every.times("a->b.weight").shape == (10,)
    alone = every.of(1, 2)
    assert torch.equal(alone["a.v"], every["a.v"][1, 2])
    assert alone.times("a.v").shape == alone.times("a->b.weight").shape == alone.times("dopamine.level").shape == (10,)


def test_the_values_are_those_after_each_tick():
    seen = record(Probe("a", "v"), Probe("a"))
    assert seen["a.v"][0, 0, :8, 0].tolist() == [0.125 * k for k in range(1, 8)] + [0.0]
    assert seen["a.spikes"][0, 0, :, 0].nonzero().flatten().tolist() == [7]


def test_a_silent_population_has_its_rows():
    assert record(Probe("b"))["b.spikes"].shape == (2, 3, 10, 4)


def test_the_budget_is_checked_before_the_run_and_names_the_culprit():
    probes = (Probe("a"), Probe("a->b", "weight"))
    needed = 10 * 6 * (6 + 24) * 4
    record(*probes, budget=needed)
    with pytest.raises(ConfigError, match=r"'a->b.weight' is the largest: raise `every`, narrow `units`"):
        record(*probes, budget=needed - 1)
    record(Probe("a->b", "weight", every=5), budget=2 * 6 * 24 * 4)
    with pytest.raises(ConfigError, match="1000000 ticks needs"):
        record(*probes, steps=1_000_000, budget=2**20)
    record(Probe("a", "v", units=(0, 1)), budget=10 * 6 * 4)


def test_names_are_checked():
    seen = record(Probe("a"))
    with pytest.raises(UnknownName, match=r"Did you mean 'a\.spikes'"):
        seen["a.spike"]
    assert CIRCUIT.fields("a") == ("spikes", "v")
    assert CIRCUIT.fields("a->b") == ("weight", "pre", "post", "eligibility")
    assert CIRCUIT.fields("dopamine") == ("level",)
    with pytest.raises(UnknownName, match="area, projection or modulator"):
        CIRCUIT.fields("c")
    with pytest.raises(ConfigError, match=r"'a\.spikes' is probed twice"):
        record(Probe("a"), Probe("a", units=(0, 2)))


def test_join_puts_runs_one_after_the_other():
    seen = record(Probe("a"), Probe("a", "v")).of(0, 1)
    joined = join([seen, seen])
    assert torch.equal(joined["a.v"], torch.cat((seen["a.v"], seen["a.v"])))
    assert joined.times("a.v").tolist() == [tick * 0.5 for tick in range(20)]
    with pytest.raises(ShapeMismatch, match="different quantities"):
        join([seen, record(Probe("a")).of(0, 1)])
    with pytest.raises(ShapeMismatch, match="no recording"):
        join([])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"every": 1.5}, "every = 1.5; it counts whole ticks"),
        ({"every": "2"}, "every = '2'"),
        ({"window": (0.0, 5.0)}, r"window = \(0.0, 5.0\); it is \(first, past the last\)"),
        ({"window": (0, 5, 6)}, "window = "),
        ({"window": 5}, "window = 5"),
        ({"units": (0, 1.5)}, "units = "),
        ({"units": (1,)}, r"units = \(1,\)"),
        ({"units": (3, 3)}, "units = "),
        ({"only": (0.5,)}, r"only = \(0.5,\) lists units"),
        ({"only": 3}, "only = 3"),
        ({"only": ()}, r"only = \(\)"),
    ],
)
def test_a_probe_counts_in_whole_numbers(options, said):
    with pytest.raises(ConfigError, match=rf"probe 'a\.spikes': {said}"):
        Probe("a", **options)


@pytest.mark.parametrize("budget", [float("nan"), None, 0, -5, "1"])
def test_a_budget_is_a_number_above_0(budget):
    with pytest.raises(ConfigError, match=r"budget = .*; give the bytes"):
        record(Probe("a"), budget=budget)


def test_small_sizes_are_said_in_kib():
    with pytest.raises(ConfigError, match=r"needs 1\.4 KiB, the budget is 1\.0 KiB"):
        record(Probe("a"), budget=1024)


@pytest.mark.parametrize("index", [(2,), (0, 3), (0, -4), (0, 0, 0), (0.5,), ("a",)])
def test_an_individual_that_is_not_there(index):
    with pytest.raises(ShapeMismatch, match=r"of 'a\.spikes': it has individuals \[2, 3\]"):
        record(Probe("a")).of(*index)
