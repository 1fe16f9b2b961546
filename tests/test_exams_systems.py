"""Universal exams of brain systems and of ablations: every system that a file of bisnn/systems offers in `EXAMPLES`,
every arm that an experiment declares."""

import importlib
import pkgutil

import pytest
import torch

import bisnn.systems
from bisnn import rng, tree
from bisnn.experiments.base import configure, experiments
from bisnn.experiments.engine.cohort import Cohort, plan
from bisnn.interventions import INTACT, Ablation, compile_gates

FOUND = {
    module.name: importlib.import_module(f"bisnn.systems.{module.name}")
    for module in pkgutil.iter_modules(bisnn.systems.__path__)
}
SYSTEMS = [(name, system) for name, module in FOUND.items() for system in getattr(module, "EXAMPLES", ())]
SPIKING = [(name, system) for name, system in SYSTEMS if hasattr(system, "circuit")]
RATES = [(name, system) for name, system in SYSTEMS if not hasattr(system, "circuit")]
"""Published models whose units are rates: they have no circuit, but the same names for ablations."""
ARMS = [
    (name, i)
    for name, experiment in experiments().items()
    for i, arm in enumerate(experiment.conditions(configure(experiment, {})))
    if arm.agent in ("altruist", "spiking")
]


def lived(circuit, seeds, steps=100):
    """The state after `steps` ticks of random drive into every area that nothing else reaches."""
    key = rng.keys(torch.tensor(seeds))
    drive = {
        name: rng.uniform(key, f"exam/{name}", 0, circuit.areas[name].n)
        for name in circuit.areas
        if not circuit.wiring.incoming[name]
    }
    with torch.inference_mode():
        return circuit.run(circuit.init(key), drive, steps=steps)[0]


def test_every_file_offers_systems():
    assert {name for name, _ in SYSTEMS} == set(FOUND) - {"empathy"}  # its networks are the presets


@pytest.mark.parametrize(("name", "system"), SPIKING, ids=[f"{name}-{i}" for i, (name, _) in enumerate(SPIKING)])
def test_a_system_runs_the_same_alone_and_in_a_batch(name, system):
    circuit = system.circuit
    together, alone = lived(circuit, [4, 0, 7]), lived(circuit, [7])
    pairs = []
    tree.map(lambda a, b: pairs.append(torch.equal(a[2], b[0]) and bool(torch.isfinite(a).all())), together, alone)
    assert all(pairs)
    assert any(bool(spikes[0].any()) for spikes in together.spikes.values())


@pytest.mark.parametrize(("name", "system"), RATES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(RATES)])
def test_a_rate_model_learns_the_same_alone_and_in_a_batch(name, system):
    """One that has names to ablate, and whose individuals, one of them cut, do not touch each other."""
    targets = system.targets
    together, alone = (rng.keys(torch.tensor(seeds)) for seeds in ([4, 0, 7], [7]))
    cut = Ablation(name="cut", cut=targets.projections[:1])
    gates = compile_gates([INTACT, cut], torch.tensor([1, 0, 0]), together, targets)
    pairs = []
    tree.map(
        lambda a, b: pairs.append(torch.equal(a[2], b[0]) and not torch.equal(a[0], a[2])),
        system.learn(system.init(together), gates),
        system.learn(system.init(alone)),
    )
    assert pairs
    assert all(pairs)


@pytest.mark.parametrize(("name", "number"), ARMS[:9] + ARMS[9::24], ids=str)
def test_an_ablation_does_what_it_says(name, number):
    """Its targets exist; what it cuts carries exactly nothing; the reference beside it is untouched."""
    experiment = experiments()[name]
    settings = configure(experiment, {"seeds": 2})
    part = next(part for part in plan(experiment.conditions(settings), 2) if number in part.conditions)
    cohort = Cohort(experiment, settings, part)
    assert cohort.targets is not None
    condition, key = torch.tensor([number, 0]), rng.keys(torch.tensor([1, 1]))
    gates = Cohort(experiment, settings, part._replace(conditions=(0, number))).gates(condition, key)
    network = cohort.agent.empathy
    used = network.circuit.used_weights(network.init(key), gates)
    intact = network.circuit.used_weights(network.init(key))
    for projection in cohort.conditions[number].ablation.cut:
        assert not used[projection][0].any()
    for projection, weight in used.items():
        assert torch.equal(weight[1], intact[projection][1])


def test_an_arm_without_traits_has_those_of_the_plan():
    """A lesion added to the dose-response lives with the agent's own strength and level."""
    experiment = experiments()["empathy-dose-response"]
    settings = configure(experiment, {"seeds": 1, "levels": (0.5,), "gains": (2.0,), "lesion": ("ifg",)})
    part = next(part for part in plan(experiment.conditions(settings), 1) if part.agent == "spiking")
    cohort = Cohort(experiment, settings, part)
    lesioned = next(i for i, c in enumerate(cohort.conditions) if c.name == "silence:ifg")
    traits = cohort.traits(torch.tensor([lesioned]))
    assert {name: value.tolist() for name, value in traits.items()} == {"level": [1.0], "gain": [9.0]}
