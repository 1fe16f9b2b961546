"""Circuits: semantics by hand, same individual same bits, errors that name the thing.

References: semantics of design.md 4 (computed by hand, exact) and law 4 of design.md 2 (`torch.equal`).
"""

import numpy as np
import pytest
import torch

from bisnn import rng, tree
from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError, ShapeMismatch, UnknownName
from bisnn.initialisers import Blocks, Constant, OneToOne, Uniform
from bisnn.modulators import Dopamine
from bisnn.neurons import IF, LIF
from bisnn.plasticity import RSTDP, PreTraceSTDP
from bisnn.recording import Probe

RELAY = IF()
TICKS = 24


def same(one, other):
    """Whether two trees hold the same bits."""
    equal = []
    tree.map(lambda a, b: equal.append(torch.equal(a, b)), one, other)
    return all(equal)


def chain(*delays):
    """a -> b -> c ... with the given delays, one strong synapse each."""
    names = "abcdef"[: len(delays) + 1]
    links = [
        Projection(source=s, target=t, weight=Constant(1.0), delay=d)
        for s, t, d in zip(names, names[1:], delays, strict=False)
    ]
    return Circuit(areas={name: Area(n=1, neuron=RELAY) for name in names}, projections=tuple(links))


def learner(order=("sense", "hidden", "out"), extra=False, delay=1):
    """A circuit of everything: two models, three delays, both rules, a modulator, recurrence."""
    areas = {
        "sense": Area(n=12, neuron=RELAY),
        "hidden": Area(n=9, neuron=LIF(tau=8.0)),
        "out": Area(n=5, neuron=IF(reset="subtract")),
    }
    areas = {name: areas[name] for name in order} | ({"lonely": Area(n=3, neuron=RELAY)} if extra else {})
    return Circuit(
        areas=areas,
        projections=(
            Projection(
                source="sense",
                target="hidden",
                weight=Uniform(0.0, 0.9),
                delay=0,
                rule=RSTDP(rate=0.1),
                bounds=(0.0, 1.0),
            ),
            Projection(
                source="hidden",
                target="out",
                weight=Uniform(0.0, 0.4),
                delay=3,
                rule=PreTraceSTDP(rate=0.02),
                bounds=(0.0, 1.0),
            ),
            Projection(source="sense", target="out", weight=Uniform(-0.2, 0.3), delay=1),
            Projection(source="out", target="hidden", weight=Uniform(-0.3, 0.1), delay=delay),
        ),
        modulators={"dopamine": Dopamine(tau=30.0)},
    )


def inputs(key):
    """Drive and release per tick of the individuals `key`."""
    draws = [rng.uniforms(key, tick, {"drive": 12, "release": 1}) for tick in range(TICKS)]
    drive = torch.stack([draw["drive"] for draw in draws], dim=-2) * 0.8
    return {"sense": drive}, {"dopamine": torch.stack([draw["release"][..., 0] for draw in draws], dim=-1) - 0.4}


PROBES = (
    Probe("sense"),
    Probe("hidden"),
    Probe("hidden", "v"),
    Probe("out"),
    Probe("out", "v"),
    Probe("dopamine", "level"),
    Probe("sense->hidden", "weight"),
    Probe("sense->hidden", "eligibility"),
    Probe("hidden->out", "pre"),
)


def live(circuit, key, **given):
    drive, release = inputs(key)
    return circuit.run(circuit.init(key), drive, release, steps=TICKS, probes=PROBES, **given)


def test_a_small_circuit_by_hand():
    circuit = Circuit(
        areas={"in": Area(n=2, neuron=RELAY), "out": Area(n=2, neuron=IF(threshold=1.0, reset="subtract"))},
        projections=(
            Projection(
                source="in",
                target="out",
                weight=Blocks((((0, 1), (0, 2), 0.75), ((1, 2), (1, 2), -0.25))),
                delay=0,
                rule=PreTraceSTDP(rate=0.5, tau=1e9),
                bounds=(-1.0, 1.0),
            ),
        ),
    )
    drive = {"in": torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])}
    state, seen = circuit.run(
        circuit.init(torch.tensor(0)),
        drive,
        steps=4,
        probes=(*tuple(Probe("out", f) for f in ("spikes", "v")), Probe("in->out", "weight")),
    )
    assert seen["out.v"].tolist() == [[0.75, 0.5], [0.5, 0.25], [0.5, 0.25], [0.5, 1.0]]
    assert seen["out.spikes"].tolist() == [[0, 0], [1, 1], [1, 1], [1, 0]]
    # tick 1: traces (2, 1), both outputs fire: 0.5 * 2 and 0.5 * 1 are added, clipped to 1
    assert seen["in->out.weight"].tolist()[0] == [[0.75, 0.75], [0.0, -0.25]]
    assert seen["in->out.weight"].tolist()[1] == [[1.0, 1.0], [0.5, 0.25]]
    assert seen["in->out.weight"].tolist()[2] == [[1.0, 1.0], [1.0, 0.75]]
    assert torch.equal(state.weights["in->out"], seen["in->out.weight"][-1])


@pytest.mark.parametrize("delays", [(0,), (1,), (3,), (0, 3), (3, 1), (1, 0, 0), (2, 3, 1)])
@pytest.mark.parametrize("learning", [True, False])
def test_a_delay_is_a_number_of_ticks(delays, learning):
    circuit = chain(*delays)
    drive = torch.zeros(12, 1)
    drive[1] = 1.0
    probes = tuple(Probe(name) for name in circuit.areas)
    _, seen = circuit.run(circuit.init(torch.tensor(0)), {"a": drive}, steps=12, probes=probes, learning=learning)
    for name, tick in zip(circuit.areas, np.cumsum([1, *delays]), strict=True):
        assert seen[f"{name}.spikes"][:, 0].nonzero().flatten().tolist() == [tick]


def test_a_rule_sees_the_spikes_that_arrive():
    def weight(delay):
        link = Projection(source="a", target="b", delay=delay, rule=PreTraceSTDP(rate=1.0, tau=1e-3), bounds=(0.0, 9.0))
        circuit = Circuit(areas={"a": Area(n=1, neuron=RELAY), "b": Area(n=1, neuron=RELAY)}, projections=(link,))
        drive = {"a": torch.zeros(6, 1), "b": torch.zeros(6, 1)}
        drive["a"][0], drive["b"][2] = 1.0, 1.0
        return float(circuit.run(circuit.init(torch.tensor(0)), drive, steps=6)[0].weights["a->b"])

    assert [weight(delay) for delay in range(5)] == [0, 0, 1, 0, 0]


def test_the_order_of_areas_and_areas_beside_change_no_bit():
    key = torch.arange(4)
    state, seen = live(learner(), key)
    for order in (("out", "hidden", "sense"), ("hidden", "sense", "out")):
        other, also = live(learner(order), key)
        assert all(torch.equal(seen[name], also[name]) for name in seen)
        assert same(state.weights, other.weights)
    beside, also = live(learner(extra=True), key)
    assert all(torch.equal(seen[name], also[name]) for name in seen)
    assert same(state.weights, beside.weights)
    assert 0.05 < float(seen["hidden.spikes"].mean()) < 0.95
    assert 0.05 < float(seen["out.spikes"].mean()) < 0.95
    assert not torch.equal(state.weights["sense->hidden"], learner().init(key).weights["sense->hidden"])


def test_alone_as_in_a_batch_of_160_after_anything():
    circuit, seeds = learner(), torch.arange(20)
    state, seen = live(circuit, seeds.expand(8, 20))
    for arm, seed in ((0, 0), (7, 19), (3, 11)):
        torch.rand(5)
        np.random.rand(5)  # noqa: NPY002
        mine, alone = live(circuit, seeds[seed])
        assert all(torch.equal(seen[name][arm, seed], alone[name]) for name in seen)
        assert same(tree.map(lambda leaf, a=arm, s=seed: leaf[a, s], state), mine)
    order = torch.tensor([5, 0, 7, 3])
    _, some = live(circuit, seeds.flip(0).expand(4, 20))
    assert all(torch.equal(seen[name][order].flip(1), some[name]) for name in seen)
    _, fifty = live(circuit, torch.arange(50))
    assert all(torch.equal(seen[name][0], fifty[name][:20]) for name in seen)


def test_a_run_is_its_steps_and_can_be_cut_anywhere():
    circuit, key = learner(), torch.arange(3)
    drive, release = inputs(key)
    whole, _ = live(circuit, key)
    state = circuit.init(key)
    before = tree.map(lambda leaf: leaf.clone(), state)
    for tick in range(TICKS):
        state = circuit.step(state, {"sense": drive["sense"][:, tick]}, {"dopamine": release["dopamine"][:, tick]})
    assert same(whole, state)
    half = TICKS // 2
    first, _ = circuit.run(
        circuit.init(key), {"sense": drive["sense"][:, :half]}, {"dopamine": release["dopamine"][:, :half]}, steps=half
    )
    second, _ = circuit.run(
        first, {"sense": drive["sense"][:, half:]}, {"dopamine": release["dopamine"][:, half:]}, steps=half
    )
    assert same(whole, second)
    assert same(circuit.init(key), before), "a run changes no state that it was given"


def test_drive_of_stretches_and_constants():
    circuit, key = learner(), torch.arange(3)
    three = inputs(key)[0]["sense"][:, :3]
    each = three.repeat_interleave(TICKS // 3, dim=1)
    for learning in (True, False):
        one, _ = circuit.run(circuit.init(key), {"sense": three}, steps=TICKS, learning=learning)
        other, _ = circuit.run(circuit.init(key), {"sense": each}, steps=TICKS, learning=learning)
        assert same(one, other)
    one, _ = circuit.run(circuit.init(key), {"sense": three[:, 0]}, steps=TICKS)
    other, _ = circuit.run(circuit.init(key), {"sense": three[:, :1].expand(3, TICKS, 12)}, steps=TICKS)
    assert same(one, other)


def test_rest_keeps_what_was_learned():
    circuit, key = learner(), torch.arange(3)
    state, _ = live(circuit, key)
    rested, fresh = circuit.rest(state), circuit.init(key)
    assert same(rested.weights, state.weights)
    assert same(rested.modulators, state.modulators)
    assert same((rested.neurons, rested.spikes, rested.traces), (fresh.neurons, fresh.spikes, fresh.traces))
    drive, _ = inputs(key)
    often, _ = circuit.run(fresh, drive, steps=TICKS, rest_every=6)
    step = fresh
    for block in drive["sense"].split(6, dim=1):
        step, _ = circuit.run(circuit.rest(step), {"sense": block}, steps=6)
    assert same(often, step)


def test_weights_stay_within_their_bounds():
    state, seen = live(learner(), torch.arange(20))
    low, high = seen["sense->hidden.weight"].min(), seen["sense->hidden.weight"].max()
    assert 0.0 <= float(low) <= float(high) <= 1.0
    assert torch.equal(state.weights["sense->out"], learner().init(torch.arange(20)).weights["sense->out"])


def test_a_cycle_needs_a_delay():
    def ring(delay):
        links = tuple(
            Projection(source=s, target=t, delay=d) for s, t, d in (("a", "b", 0), ("b", "c", 0), ("c", "a", delay))
        )
        return Circuit(areas={name: Area(n=1, neuron=RELAY) for name in "abc"}, projections=links)

    assert ring(1).wiring.order == ("a", "b", "c")
    assert not ring(1).wiring.sweepable
    with pytest.raises(ConfigError, match=r"cycle \(.*->.*\); give one of them delay=1"):
        ring(0)
    with pytest.raises(ConfigError, match="zero-delay projections form a cycle"):
        Circuit(areas={"a": Area(n=1, neuron=RELAY)}, projections=(Projection(source="a", target="a", delay=0),))


def plan(**given):
    areas = {"emotion": Area(n=2, neuron=RELAY), "ifg": Area(n=2, neuron=RELAY)}
    return Circuit(areas=areas, projections=(Projection(**{"source": "emotion", "target": "ifg", **given}),))


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"target": "ifgg"}, UnknownName, r"no area 'ifgg'; areas: emotion, ifg\. Did you mean 'ifg'\?"),
        ({"source": "emotoin"}, UnknownName, r"Did you mean 'emotion'\?"),
        ({"rule": RSTDP(modulator="dopamin")}, UnknownName, r"no modulator 'dopamin'; modulators: none"),
        ({"delay": -1}, ConfigError, "delay is -1; give a whole number"),
        ({"weight": Constant(3000.0)}, ConfigError, "can exceed 4096"),
        ({"rule": PreTraceSTDP(), "bounds": (-5000.0, 1.0)}, ConfigError, "lower its bounds"),
    ],
)
def test_a_plan_that_cannot_work_is_refused(given, error, text):
    with pytest.raises(error, match=text):
        plan(**given)


def test_a_projection_is_declared_once():
    link = Projection(source="a", target="a", weight=OneToOne(1.0))
    with pytest.raises(ConfigError, match="'a->a' is declared twice"):
        Circuit(areas={"a": Area(n=1, neuron=RELAY)}, projections=(link, link))


def test_a_run_that_cannot_work_is_refused():
    circuit, key = learner(), torch.arange(3)
    state = circuit.init(key)
    for shape in ((3, 11), (2, 12), (12,), (3, 5, 12), (3, 24, 11), (1, 3, 24, 12)):
        with pytest.raises(ShapeMismatch, match=r"drive of 'sense' is \[.*must be \[3, 12\]"):
            circuit.run(state, {"sense": torch.zeros(shape)}, steps=TICKS)
    with pytest.raises(UnknownName, match="Did you mean 'sense'"):
        circuit.run(state, {"sence": torch.zeros(3, 12)}, steps=2)
    with pytest.raises(UnknownName, match="Did you mean 'dopamine'"):
        circuit.run(state, {}, {"dopamin": torch.zeros(3)}, steps=2)
    with pytest.raises(ShapeMismatch, match=r"release of 'dopamine' is \[2\]"):
        circuit.run(state, {}, {"dopamine": torch.zeros(2)}, steps=2)
    with pytest.raises(ConfigError, match="steps is 0; give a whole number of at least 1"):
        circuit.run(state, {}, steps=0)
    with pytest.raises(UnknownName, match="no quantity of 'hidden' 'w'"):
        circuit.run(state, {}, steps=2, probes=(Probe("hidden", "w"),))
    with pytest.raises(UnknownName, match="Did you mean 'hidden'"):
        circuit.run(state, {}, steps=2, probes=(Probe("hiden"),))
