"""A sweep (many ticks area by area) has the bits of the ticks one by one: design.md 2, law 4; no tolerance."""

import pytest
import torch

from bisnn import circuit as circuits
from bisnn import rng, tree
from bisnn.circuit import Area, Circuit, Projection
from bisnn.initialisers import Uniform
from bisnn.interventions import INTACT, Ablation, Targets, compile_gates
from bisnn.modulators import Dopamine
from bisnn.neurons import IF, LIF
from bisnn.plasticity import RSTDP, PreTraceSTDP
from bisnn.recording import Probe

TICKS = 18


def link(source, target, delay, rule=None, low=-0.2, high=0.5):
    return Projection(
        source=source, target=target, weight=Uniform(low, high), delay=delay, rule=rule, bounds=(-1.0, 1.0)
    )


def circuit(delays):
    """Feedforward: two inputs of one model (swept together), two hidden areas, delays, both rules, two modulators."""
    first, second, third = delays
    return Circuit(
        areas={
            "out": Area(n=5, neuron=IF(reset="subtract", floor=-1.0)),
            "left": Area(n=7, neuron=IF()),
            "deep": Area(n=6, neuron=LIF(tau=5.0, refractory=1.0)),
            "right": Area(n=4, neuron=IF()),
            "silent": Area(n=3, neuron=IF()),
        },
        projections=(
            link("left", "deep", first, PreTraceSTDP()),
            link("right", "deep", second, low=0.1),
            link("deep", "out", third, RSTDP()),
            link("left", "out", first, high=0.2),
        ),
        modulators={"dopamine": Dopamine(tau=9.0), "other": Dopamine(tau=0.0)},
    )


PROBES = (
    Probe("left"),
    Probe("deep"),
    Probe("deep", "v", every=3),
    Probe("deep", "hold"),
    Probe("out"),
    Probe("out", "v", units=(1, 4)),
    Probe("silent", "v"),
    Probe("dopamine", "level"),
    Probe("other", "level", every=2),
    Probe("left->deep", "weight", every=5),
    Probe("deep->out", "eligibility"),
)
ARMS = (
    INTACT,
    Ablation(name="cut", cut=("left->deep",), silence=("right",), freeze=("deep->out",)),
    Ablation(name="some", silence=("deep[1:4]",), gain={"deep->out": -0.5}, drive={"left": 0.0}),
    Ablation(name="held", clamp={"dopamine": 0.5, "deep": 1.0}, release={"other": 0.0}),
)


def tick_by_tick(plan, state, drive, release, gates):
    """The same run in calls of one tick each, which are never swept; probes by hand from each call."""
    parts = []
    for tick in range(TICKS):
        now = {name: value[..., tick, :] for name, value in drive.items()}
        given = {name: value[..., tick] for name, value in release.items()}
        probes = tuple(Probe(p.target, p.field, units=p.units) for p in PROBES)
        state, seen = plan.run(state, now, given, gates, steps=1, learning=False, probes=probes)
        parts.append(seen)
    return state, parts


@pytest.mark.parametrize("delays", [(0, 0, 0), (1, 1, 1), (0, 1, 3), (3, 0, 1), (2, 3, 0)])
@pytest.mark.parametrize("ablated", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_bits_of_a_sweep_are_those_of_its_ticks(delays, ablated, dtype):
    plan = circuit(delays)
    assert plan.wiring.sweepable
    key = torch.arange(5).expand(4, 5)
    arm = torch.arange(4)[:, None].expand(4, 5)
    arms = ARMS if ablated else (INTACT,) * 4
    gates = compile_gates(arms, arm, key, Targets.of((plan,)))
    gates = tree.map(lambda gate: gate.to(dtype), gates)
    draws = [rng.uniforms(key, tick, {"l": 7, "r": 4, "d": 2}) for tick in range(TICKS)]
    drive = {
        "left": torch.stack([d["l"] for d in draws], -2).to(dtype),
        "right": torch.stack([d["r"] for d in draws], -2).to(dtype),
    }
    release = {
        name: torch.stack([d["d"][..., i] for d in draws], -1).to(dtype) for i, name in enumerate(plan.modulators)
    }
    warm = {name: value[..., 0, :] for name, value in drive.items()}
    start, _ = plan.run(plan.init(key, dtype), warm, steps=4)  # spikes under way, weights learned
    swept, seen = plan.run(start, drive, release, gates, steps=TICKS, learning=False, probes=PROBES)
    ticked, parts = tick_by_tick(plan, start, drive, release, gates)
    equal = []
    tree.map(lambda a, b: equal.append(torch.equal(a, b)), swept, ticked)
    assert all(equal)
    for probe in PROBES:
        one_by_one = torch.cat([part[probe.name] for part in parts[:: probe.every]], dim=2)
        assert torch.equal(seen[probe.name], one_by_one), probe
    assert 0.05 < float(seen["deep.spikes"][0].mean()) < 0.95
    assert 0.01 < float(seen["out.spikes"][0].mean()) < 0.95
    assert torch.equal(swept.weights["left->deep"], start.weights["left->deep"])
    assert torch.equal(swept.traces["deep->out"].eligibility, start.traces["deep->out"].eligibility)


def test_a_short_sweep_keeps_older_spikes_under_way():
    plan = circuit((3, 0, 0))
    key = torch.arange(3)
    start, _ = plan.run(plan.init(key), {"left": torch.ones(3, 7)}, steps=3)
    drive = {"left": torch.zeros(3, 7)}
    swept, _ = plan.run(start, drive, steps=2, learning=False)
    ticked = start
    for _ in range(2):
        ticked, _ = plan.run(ticked, drive, steps=1, learning=False)
    assert [torch.equal(a, b) for a, b in zip(swept.spikes["left"], ticked.spikes["left"], strict=True)] == [True] * 3
    assert bool(swept.spikes["left"][2].all())


def test_no_batch_dimension():
    plan, key = circuit((0, 1, 3)), torch.tensor(2)
    drive = {"left": rng.uniform(key, "l", 0, 7)}
    _, alone = plan.run(plan.init(key), drive, steps=TICKS, learning=False, probes=PROBES)
    keys = torch.arange(4)
    drive = {"left": rng.uniform(keys, "l", 0, 7)}
    _, together = plan.run(plan.init(keys), drive, steps=TICKS, learning=False, probes=PROBES)
    assert all(torch.equal(together[name][2], alone[name]) for name in alone)


def test_a_run_too_long_to_hold_goes_tick_by_tick_to_the_same_bits(monkeypatch):
    plan, swept = circuit((0, 1, 3)), []
    state, drive = plan.init(torch.arange(3)), {"left": torch.full((3, 7), 0.3), "right": torch.full((3, 4), 0.3)}
    real = circuits.simulation.sweep
    monkeypatch.setattr(circuits.simulation, "sweep", lambda *given: swept.append(1) or real(*given))
    runs = []
    for limit in (circuits.SWEPT, 40 * 3 * sum(area.n for area in plan.areas.values()) - 1):
        monkeypatch.setattr(circuits, "SWEPT", limit)
        runs.append(plan.run(state, drive, steps=40, learning=False, probes=(Probe("out"), Probe("deep", "v"))))
    assert swept == [1], "the first run alone was swept"
    for name in runs[0][1]:
        assert torch.equal(runs[0][1][name], runs[1][1][name])
