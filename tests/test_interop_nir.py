"""Frozen circuits as NIR graphs: the round trip, also through a file, has the same spikes bit for bit."""

import importlib
import itertools
import pkgutil

import nir
import numpy as np
import pytest
import torch

from bisnn import rng, tree
from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError, ShapeMismatch, UnknownName
from bisnn.gates import NO_GATES
from bisnn.initialisers import Bernoulli, Constant, Uniform
from bisnn.interop.nir_export import to_nir
from bisnn.interop.nir_import import from_nir
from bisnn.modulators import Dopamine
from bisnn.neurons import IF, LIF
from bisnn.plasticity import RSTDP
from bisnn.receptors import Receptor
from bisnn.recording import Probe
from bisnn.synapses import Exponential

TICKS = 200
AREAS = {
    "zebra": Area(n=7, neuron=IF(threshold=0.9)),
    "lif": Area(n=6, neuron=LIF(tau=7.3, threshold=0.8, reset=-0.1, refractory=0.0)),
    "back": Area(n=4, neuron=LIF(tau=11.1, refractory=0.0)),
    "out": Area(n=5, neuron=IF(threshold=0.6)),
}
LINKS = (
    ("zebra", "lif", 0, 1.7),
    ("lif", "back", 1, 1.9),
    ("back", "lif", 3, -1.3),
    ("lif", "out", 2, 0.5),
    ("zebra", "out", 1, 0.2),
    ("back", "zebra", 1, -0.4),
)
CIRCUIT = Circuit(
    areas=AREAS,
    projections=tuple(
        Projection(source=a, target=b, delay=d, weight=Uniform(min(0.0, w), max(0.0, w)), bounds=(-2.0, 2.0))
        for a, b, d, w in LINKS
    ),
    dt=0.7,
)
KEY = torch.tensor(3)


def spikes(circuit, state, gates=NO_GATES, driven=("zebra", "lif"), scale=1.0):
    drive = {
        name: rng.uniform(KEY, name, 0, TICKS * AREAS[name].n).reshape(TICKS, AREAS[name].n) * scale for name in driven
    }
    probes = tuple(Probe(name) for name in circuit.areas)
    return circuit.run(state, drive, None, gates, steps=TICKS, probes=probes, learning=False)[1]


def same(one, other):
    assert set(one) == set(other)
    for name in one:
        assert torch.equal(one[name], other[name]), name
        assert 0.02 < float(one[name].mean()) < 0.98, name


@pytest.mark.parametrize("through_a_file", [False, True])
def test_the_round_trip_computes_the_same_spikes(tmp_path, through_a_file):
    state = CIRCUIT.init(KEY)
    graph = to_nir(CIRCUIT, state, inputs=("zebra", "lif"), outputs=("out",))
    if through_a_file:
        nir.write(tmp_path / "a.nir", graph)
        graph = nir.read(tmp_path / "a.nir")
    again = from_nir(graph)
    assert dict(again.areas) == AREAS
    assert list(again.areas) == list(AREAS)
    assert [(p.name, p.delay) for p in again.projections] == [(p.name, p.delay) for p in CIRCUIT.projections]
    assert again.dt == 0.7
    same(spikes(again, again.init(torch.tensor(99))), spikes(CIRCUIT, state))


def test_a_trained_circuit_is_exported_as_it_is_used():
    projection = Projection(
        source="zebra",
        target="out",
        weight=Uniform(0.1, 0.4),
        rule=RSTDP(rate=0.02),
        bounds=(0.0, 1.0),
        mask=Bernoulli(0.6),
    )
    learning = Circuit(areas=AREAS, projections=(projection,), modulators={"dopamine": Dopamine()})
    keys = torch.arange(2)
    drive = {"zebra": rng.uniform(keys, "d", 0, 7) + 0.2}
    states, _ = learning.run(learning.init(keys), drive, {"dopamine": torch.ones(2)}, steps=60)
    state = tree.map(lambda leaf: leaf[1], states)
    assert not torch.equal(state.weights["zebra->out"], learning.init(keys[1]).weights["zebra->out"])
    gates = NO_GATES._replace(gain={"zebra->out": torch.tensor(0.7)})
    with pytest.raises(ConfigError, match=r"no learning \(zebra->out, dopamine\); say frozen=True"):
        to_nir(learning, state, gates)
    graph = to_nir(learning, state, gates, frozen=True)
    again = from_nir(graph)
    found = spikes(again, again.init(KEY), driven=("zebra",))
    expected = spikes(learning, learning.rest(state), gates, driven=("zebra",))
    assert torch.equal(found["out.spikes"], expected["out.spikes"])
    assert float(found["out.spikes"].mean()) > 0.02
    with pytest.raises(ShapeMismatch, match=r"one individual, the state holds \[2\]"):
        to_nir(learning, states, frozen=True)


def test_the_graph_says_what_nir_says():
    with pytest.raises(ConfigError, match="name the areas to take as `inputs`"):
        to_nir(CIRCUIT, CIRCUIT.init(KEY))
    graph = to_nir(CIRCUIT, CIRCUIT.init(KEY), inputs=("zebra",), outputs=("out",))
    assert isinstance(graph.nodes["lif"], nir.LIF)
    assert np.allclose(graph.nodes["lif"].tau, 0.0073)
    assert graph.nodes["lif"].v_reset.tolist() == [-0.1] * 6
    assert graph.nodes["zebra"].r.tolist() == [1000.0] * 7
    assert graph.nodes["back_to_lif"].weight.shape == (6, 4)
    assert np.allclose(graph.nodes["back_to_lif_delay"].delay, 3 * 0.0007)
    path = ["back", "back_to_lif_delay", "back_to_lif", "lif"]
    assert set(itertools.pairwise(path)) <= set(graph.edges)
    assert ("zebra", "zebra_to_lif") in graph.edges
    assert ("out", "output") in graph.edges


def test_spikingjelly_computes_the_same_spikes():
    """A chain of IF without delay, as SpikingJelly's importer takes it: r = 1 / dt."""
    from spikingjelly.activation_based import nir_exchange
    from spikingjelly.activation_based.nir_exchange.from_nir import import_from_nir

    assert nir_exchange
    areas = {"a": Area(n=6, neuron=IF(threshold=0.9)), "b": Area(n=4, neuron=IF(threshold=1.1))}
    chain = Circuit(areas=areas, projections=(Projection(source="a", target="b", weight=Uniform(-0.2, 0.6), delay=0),))
    state = chain.init(KEY)
    theirs = import_from_nir(to_nir(chain, state), dt=1e-3)
    drive = rng.uniform(KEY, "a", 0, TICKS * 6).reshape(TICKS, 6)
    memory, found = None, []
    for now in drive:
        out, memory = theirs(now[None], memory)
        found.append(out[0].detach())
    _, seen = chain.run(state, {"a": drive}, steps=TICKS, probes=(Probe("b"),))
    assert 0.05 < float(seen["b.spikes"].mean()) < 0.95
    assert torch.equal(torch.stack(found), seen["b.spikes"])


BAD = {
    "refractory": (Area(n=2, neuron=LIF()), "the LIF of NIR has no refractory time"),
    "subtract": (Area(n=2, neuron=IF(reset="subtract")), "resets to a potential and has no floor"),
    "floor": (Area(n=2, neuron=IF(floor=0.0)), "resets to a potential and has no floor"),
    "receptor": (Area(n=2, neuron=IF(), receptors=(Receptor(modulator="m", gain=0.5),)), "no receptors"),
}


@pytest.mark.parametrize("name", BAD)
def test_areas_that_nir_cannot_say_are_refused(name):
    area, said = BAD[name]
    circuit = Circuit(areas={"a": area}, modulators={"m": Dopamine()})
    with pytest.raises(ConfigError, match=said):
        to_nir(circuit, circuit.init(KEY), frozen=True)


def test_every_other_neuron_of_the_library_is_refused_by_name():
    from bisnn import neurons

    found = {type(one) for module in _neuron_modules(neurons) for one in getattr(module, "EXAMPLES", ())}
    assert {IF, LIF} < found
    for kind in found - {IF, LIF}:
        one = next(e for m in _neuron_modules(neurons) for e in getattr(m, "EXAMPLES", ()) if type(e) is kind)
        circuit = Circuit(areas={"a": Area(n=2, neuron=one)})
        with pytest.raises(ConfigError, match=f"NIR has no {kind.__name__}; it has IF and LIF"):
            to_nir(circuit, circuit.init(KEY))


def _neuron_modules(package):
    names = (found.name for found in pkgutil.iter_modules(package.__path__))
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def test_projections_and_gates_that_nir_cannot_say_are_refused():
    def link(**options):
        areas = {"a": Area(n=2, neuron=IF()), "b": Area(n=2, neuron=IF())}
        projection = Projection(source="a", target="b", weight=Constant(0.5), **options)
        circuit = Circuit(areas=areas, projections=(projection,), modulators={"m": Dopamine()})
        return circuit, circuit.init(KEY)

    with pytest.raises(ConfigError, match="no filter of a projection"):
        to_nir(*link(filter=Exponential(tau=5.0)), frozen=True)
    with pytest.raises(ConfigError, match=r"no receptors \('a->b'\)"):
        to_nir(*link(receptors=(Receptor(modulator="m", gain=0.5),)), frozen=True)
    with pytest.raises(ConfigError, match="'a' is silenced, clamped or turned down"):
        to_nir(*link(), NO_GATES._replace(alive={"a": torch.tensor([1.0, 0.0])}), frozen=True)
    to_nir(*link(), NO_GATES._replace(alive={"a": torch.ones(2)}), frozen=True)
    with pytest.raises(UnknownName, match="no area 'c'"):
        to_nir(*link(), inputs=("c",), frozen=True)
    areas = {name: Area(n=2, neuron=IF()) for name in ("a", "b", "a_to_b")}
    clash = Circuit(areas=areas, projections=(Projection(source="a", target="b", weight=Constant(0.5)),))
    with pytest.raises(ConfigError, match="an area is called 'a_to_b'"):
        to_nir(clash, clash.init(KEY))


def test_graphs_that_a_circuit_cannot_compute_are_refused():
    def graph(change):
        found = to_nir(CIRCUIT, CIRCUIT.init(KEY), inputs=("zebra",))
        change(found)
        return found

    def foreign(found):
        found.nodes["lif"] = nir.LI(tau=np.ones(6), r=np.ones(6), v_leak=np.zeros(6))

    def mixed(found):
        found.nodes["lif"].v_threshold[2] = 0.5

    def resistance(found):
        found.nodes["zebra"].r[:] = 10.0

    def off_grid(found):
        found.nodes["zebra_to_lif"].weight[0, 0] = 1e-5

    def late(found):
        found.nodes["back_to_lif_delay"].delay[:] = 0.001

    def cut(found):
        found.nodes["back_to_lif_delay"].delay[:] = 0.0014

    def nameless(found):
        found.metadata.clear()

    for change, said in (
        (foreign, "node 'lif' is a LI; a circuit is made of"),
        (mixed, "v_threshold differs between units"),
        (resistance, "r = 10; a circuit computes r = 1000 alone"),
        (off_grid, "beside the grid of 1/4096"),
        (late, "a circuit delays by whole ticks"),
        (cut, "changed after its export"),
        (nameless, "says no tick; give `dt` in ms"),
    ):
        with pytest.raises(ConfigError, match=said):
            from_nir(graph(change))
    read = from_nir(graph(nameless), dt=0.7)
    assert {p.name: p.delay for p in read.projections} == {p.name: p.delay for p in CIRCUIT.projections}
