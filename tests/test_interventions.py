"""Ablations do exactly what they say, to those whom they name, and to nobody else: `torch.equal`, design.md 2 and 4."""

import pytest
import torch

from bisnn import rng
from bisnn.agents.altruist import Altruist
from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError, UnknownName
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Uniform
from bisnn.interventions import INTACT, Ablation, Targets, check, compile_gates, parse
from bisnn.modulators import Dopamine
from bisnn.neurons import IF
from bisnn.plasticity import RSTDP, PreTraceSTDP
from bisnn.recording import Probe

SEEDS, TICKS = 6, 20
CIRCUIT = Circuit(
    areas={"a": Area(n=8, neuron=IF()), "b": Area(n=6, neuron=IF()), "c": Area(n=4, neuron=IF(floor=-2.0))},
    projections=(
        Projection(source="a", target="b", weight=Uniform(0.0, 0.4), rule=PreTraceSTDP(), bounds=(0.0, 1.0)),
        Projection(source="b", target="c", weight=Uniform(0.1, 0.4), rule=RSTDP(rate=0.1), bounds=(0.0, 1.0)),
    ),
    modulators={"dopamine": Dopamine(tau=10.0)},
)
TARGETS = Targets.of((CIRCUIT,), releases=("relief",), senses=("sight",))
PROBES = (
    *(Probe(area, field) for area in "abc" for field in ("spikes", "v")),
    Probe("a->b", "weight"),
    Probe("b->c", "weight"),
    Probe("dopamine", "level"),
)


def live(arms, progress=0.0, seeds=SEEDS):
    """What the probes see, `[arm, seed, T, ...]`."""
    key = torch.arange(seeds).expand(len(arms), seeds)
    arm = torch.arange(len(arms))[:, None].expand(key.shape)
    gates = compile_gates(arms, arm, key, TARGETS, progress)
    drive = {"a": torch.stack([rng.uniform(key, "drive", tick, 8) for tick in range(TICKS)], -2)}
    release = {"dopamine": torch.stack([rng.uniform(key, "release", tick, 1)[..., 0] for tick in range(TICKS)], -1)}
    return CIRCUIT.run(CIRCUIT.init(key), drive, release, gates, steps=TICKS, probes=PROBES)[1]


def arm(**given):
    return Ablation(name="arm", **given)


def test_intact_beside_anything_has_its_own_bits():
    alone = live((INTACT,))
    arms = (
        arm(cut=("a->b",), silence=("b[1:3]",)),
        INTACT,
        arm(freeze=("b->c",), clamp={"dopamine": 3.0, "b": 1.0}, drive={"a": 0.5}),
        arm(silence_random=7, gain={"b->c": -1.0}, release={"dopamine": 0.0}),
    )
    beside = live(arms)
    for name in alone:
        assert torch.equal(alone[name][0], beside[name][1]), name
        assert any(not torch.equal(alone[name][0], beside[name][other]) for other in (0, 2, 3)), name
    assert compile_gates((INTACT,), torch.zeros(3, dtype=torch.int64), torch.arange(3), TARGETS) == NO_GATES


def test_a_cut_leaves_exactly_no_current():
    seen = live((INTACT, arm(cut=("a->b",))))
    assert not seen["b.v"][1].any()
    assert not seen["b.spikes"][1].any()
    assert seen["b.spikes"][0].any()
    assert torch.equal(seen["a.spikes"][0], seen["a.spikes"][1]), "what lies upstream is untouched"
    assert torch.equal(seen["a->b.weight"][1, :, 0], seen["a->b.weight"][0, :, 0])


def test_a_gain_multiplies_and_may_invert():
    seen = live(
        (arm(cut=("b->c",)), arm(gain={"b->c": 0.0}), arm(gain={"b->c": 1.0}), INTACT, arm(gain={"b->c": -1.0}))
    )
    for name in seen:
        assert torch.equal(seen[name][0], seen[name][1])
        assert torch.equal(seen[name][2], seen[name][3])
    assert float(seen["c.v"][4].max()) == 0.0
    assert float(seen["c.v"][4].min()) < 0.0


def test_a_silenced_area_keeps_an_observable_voltage():
    seen = live((INTACT, arm(silence=("b",)), arm(silence=("b[2:4]",))))
    assert not seen["b.spikes"][1].any()
    assert not seen["c.v"][1].any(), "nobody hears it"
    assert seen["b.v"][1].any(), "its voltage can be seen"
    assert torch.equal(seen["b.v"][1, :, :2], seen["b.v"][0, :, :2]), "and is that of the intact one at first"
    assert not seen["b.spikes"][2, ..., 2:4].any()
    rest = [0, 1, 4, 5]
    assert torch.equal(seen["b.spikes"][2][..., rest], seen["b.spikes"][0][..., rest])


def test_a_frozen_projection_does_not_learn():
    seen = live((INTACT, arm(freeze=("a->b",))))
    start = CIRCUIT.init(torch.arange(SEEDS)).weights["a->b"]
    assert torch.equal(seen["a->b.weight"][1], start[:, None].expand(SEEDS, TICKS, 8, 6))
    assert not torch.equal(seen["a->b.weight"][0, :, -1], start)
    assert not torch.equal(seen["b->c.weight"][1, :, -1], CIRCUIT.init(torch.arange(SEEDS)).weights["b->c"])


def test_a_clamp_holds():
    seen = live(
        (
            INTACT,
            arm(clamp={"dopamine": 0.25}),
            arm(clamp={"dopamine": 0.0}),
            arm(clamp={"b": 1.0}),
            arm(clamp={"b": 0.0}),
        )
    )
    assert bool((seen["dopamine.level"][1] == 0.25).all())
    start = CIRCUIT.init(torch.arange(SEEDS)).weights["b->c"]
    assert torch.equal(seen["b->c.weight"][2, :, -1], start), "without dopamine exactly nothing is learned"
    assert bool(seen["b.spikes"][3].all())
    assert not seen["b.spikes"][4].any()


def test_drive_and_release_are_multiplied():
    seen = live((INTACT, arm(drive={"a": 0.0}), arm(release={"dopamine": 0.0}), arm(release={"dopamine": 0.5})))
    assert not seen["a.v"][1].any()
    assert not seen["dopamine.level"][2].any()
    torch.testing.assert_close(seen["dopamine.level"][3], seen["dopamine.level"][0] * 0.5, atol=1e-6, rtol=0)
    gates = compile_gates((arm(release={"relief": 0.0}),), torch.zeros(2, dtype=torch.int64), torch.arange(2), TARGETS)
    assert gates.released("relief", torch.ones(2)).tolist() == [0, 0]
    assert gates.released("goal", torch.ones(2)).tolist() == [1, 1]


def test_a_shuffled_sense_is_replaced():
    gates = compile_gates((INTACT, arm(shuffle=("sight",))), torch.tensor([0, 1]), torch.arange(2), TARGETS)
    true, draw = torch.ones(2, 3), torch.zeros(2, 3)
    assert gates.shuffled("sight", true, draw).tolist() == [[1, 1, 1], [0, 0, 0]]
    assert NO_GATES.shuffled("sight", true, draw) is true


@pytest.mark.parametrize(("count", "spare"), [(1, ()), (7, ("b",)), (12, ("b",)), (18, ())])
def test_random_units_are_as_many_as_said_and_the_individual_s_own(count, spare):
    key = torch.arange(30)
    arms = (INTACT, arm(silence_random=count, spare=spare))
    gates = compile_gates(arms, torch.ones(30, dtype=torch.int64), key, TARGETS)
    silenced = torch.cat([1 - gates.alive[area] for area in "abc" if area in gates.alive], -1)
    assert bool((silenced.sum(-1) == count).all())
    assert "b" not in gates.alive or "b" not in spare
    if count in (7,):
        assert len({tuple(row.tolist()) for row in silenced}) > 20, "every individual has its own"
    alone = compile_gates(arms, torch.tensor(1), key[4], TARGETS)
    assert all(torch.equal(alone.alive[area], gates.alive[area][4]) for area in alone.alive)
    spared = compile_gates(arms, torch.zeros(30, dtype=torch.int64), key, TARGETS)
    assert all(bool(gate.all()) for gate in spared.alive.values())


def test_more_random_units_than_there_are():
    with pytest.raises(ConfigError, match="more units than the 12 that it may"):
        compile_gates((arm(silence_random=13, spare=("b",)),), torch.tensor(0), torch.tensor(0), TARGETS)


def test_a_late_ablation_begins_when_it_says():
    arms = (INTACT, arm(silence=("b",), since=0.9))
    for progress, silent in ((0.0, False), (0.899, False), (0.9, True), (1.0, True)):
        seen = live(arms, progress)
        assert bool((seen["b.spikes"][1] == 0).all()) is silent
        if not silent:
            assert all(torch.equal(seen[name][0], seen[name][1]) for name in seen)
    each = torch.tensor([0.5, 0.95])
    gates = compile_gates(arms, torch.tensor([1, 1]), torch.arange(2), TARGETS, each)
    assert gates.alive["b"].sum(-1).tolist() == [6, 0], "each individual by its own progress"


def test_gates_of_no_batch_dimension():
    gates = compile_gates((INTACT, arm(silence=("b",), cut=("b->c",))), torch.tensor(1), torch.tensor(3), TARGETS)
    state, seen = CIRCUIT.run(
        CIRCUIT.init(torch.tensor(3)), {"a": torch.ones(8)}, None, gates, steps=5, probes=(Probe("b"), Probe("c", "v"))
    )
    assert not seen["b.spikes"].any()
    assert isinstance(gates, Gates)
    assert state.spikes["b"][0].shape == (6,)


def test_parse_reads_what_people_write():
    assert parse("cut:a->b") == Ablation(name="cut:a->b", cut=("a->b",))
    found = parse(
        "silence:b[1:3] + freeze:a->b+gain:b->c=-0.5 +clamp:dopamine=0+drive:a=2+release:relief=0+shuffle:sight", "x"
    )
    assert found == Ablation(
        name="x", silence=("b[1:3]",), freeze=("a->b",), gain={"b->c": -0.5}, clamp={"dopamine": 0.0},
        drive={"a": 2.0}, release={"relief": 0.0}, shuffle=("sight",),
    )  # fmt: skip
    assert check(found, TARGETS) == found
    assert check(parse("cut: A->B"), TARGETS).cut == ("a->b",), "case does not matter"


@pytest.mark.parametrize("text", ["", "a->b", "destroy:a", "cut:", "gain:a->b", "gain:a->b=much", "clamp:dopamine"])
def test_parse_refuses_with_an_example(text):
    with pytest.raises(ConfigError, match=r"write cut:A->B|needs a number after '='"):
        parse(text)


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        (arm(cut=("a->bb",)), UnknownName, r"no projection 'a->bb'; projections: a->b, b->c\. Did you mean 'a->b'"),
        (arm(silence=("x",)), UnknownName, "no area 'x'; areas: a, b, c"),
        (arm(silence=("b[4:9]",)), ConfigError, "has units 0 to 5"),
        (arm(silence=("b[3:3]",)), ConfigError, "outside 'b'"),
        (arm(silence=("b[one:2]",)), ConfigError, r"write b\[first:last\]"),
        (arm(freeze=("dopamine",)), UnknownName, "no plastic projection"),
        (arm(clamp={"dopamin": 0.0}), UnknownName, "Did you mean 'dopamine'"),
        (arm(release={"relif": 0.0}), UnknownName, "Did you mean 'relief'"),
        (arm(shuffle=("sigth",)), UnknownName, "Did you mean 'sight'"),
        (arm(spare=("d",)), UnknownName, "no area 'd'"),
        (arm(since=1.5), ConfigError, "since is 1.5; it is a fraction"),
    ],
)
def test_an_ablation_of_nothing_is_refused(given, error, text):
    with pytest.raises(error, match=text):
        check(given, TARGETS)
    with pytest.raises(error, match=text):
        compile_gates((INTACT, given), torch.tensor(0), torch.tensor(0), TARGETS)


def test_a_modulator_is_clamped_apart_from_the_area_of_the_same_name():
    """The altruist has a dopamine area and a dopamine modulator; clamping the one leaves the other alone."""
    targets = Altruist().targets
    gates = compile_gates(
        [Ablation(name="x", clamp={"dopamine": 0.0})], torch.zeros(2).long(), torch.arange(2), targets
    )
    spikes = torch.ones(2, 24)
    assert torch.equal(gates.alive_only("dopamine", spikes), spikes)
    assert torch.equal(gates.clamped("dopamine", torch.ones(2)), torch.zeros(2))
    held = compile_gates([Ablation(name="x", clamp={"ifg": 1.0})], torch.zeros(2).long(), torch.arange(2), targets)
    assert torch.equal(held.alive_only("ifg", torch.zeros(2, 50)), torch.ones(2, 50))


@pytest.mark.parametrize(
    "wrong",
    [
        {"clamp": {"ifg": 0.3}},
        {"drive": {"emotion": float("inf")}},
        {"release": {"relief": float("nan")}},
        {"gain": {"ifg->dopamine": 2000.0}},
    ],
)
def test_values_that_break_exact_sums_are_refused(wrong):
    with pytest.raises(ConfigError):
        compile_gates([Ablation(name="x", **wrong)], torch.zeros(1).long(), torch.arange(1), Altruist().targets)
