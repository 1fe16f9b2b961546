"""NIR graphs by hand: parallel paths are summed, and what is damaged or no circuit is refused with words."""

import json

import nir
import numpy as np
import pytest
import torch

from bisnn.errors import ConfigError
from bisnn.interop.nir_import import from_nir

KEY = torch.tensor(0)


def neuron(n):
    return nir.IF(r=np.full(n, 1000.0), v_threshold=np.ones(n), v_reset=np.zeros(n))


def graph(change=lambda nodes, edges: None, metadata=None):
    """x (2 units) -> l -> y (3 units), and whatever `change` makes of it."""
    nodes = {"x": neuron(2), "l": nir.Linear(np.full((3, 2), 0.25)), "y": neuron(3)}
    edges = [("x", "l"), ("l", "y")]
    change(nodes, edges)
    found = nir.NIRGraph(nodes=nodes, edges=edges, type_check=False)
    found.metadata.update({} if metadata is None else {"bisnn": metadata})
    return found


def beside(delay=None):
    """A second Linear from x to y, behind a Delay where one is given (s)."""

    def change(nodes, edges):
        nodes["l2"] = nir.Linear(np.arange(6.0).reshape(3, 2) / 8)
        edges.append(("l2", "y"))
        if delay is None:
            edges.append(("x", "l2"))
        else:
            nodes["d"] = nir.Delay(np.full(2, delay))
            edges.extend([("x", "d"), ("d", "l2")])

    return change


def test_parallel_paths_are_one_projection_with_the_sum_of_their_weights():
    circuit = from_nir(graph(beside()), dt=1.0)
    assert [(p.source, p.target, p.delay) for p in circuit.projections] == [("x", "y", 0)]
    expected = torch.full((2, 3), 0.25) + torch.arange(6.0).reshape(3, 2).T / 8
    assert torch.equal(circuit.init(KEY).weights["x->y"], expected)


SAID = {"dt": 1.0, "areas": ["x", "y"], "tau": {}, "projections": [["x", "y", 0]]}
BAD = (
    "junk",
    "{}",
    "[]",
    "3",
    b"\xff",
    *(json.dumps({**SAID, **change}) for change in ({"areas": 3}, {"tau": []}, {"projections": [[1]]})),
    json.dumps({**SAID, "tau": {"x": "1"}}),
)


@pytest.mark.parametrize("metadata", BAD)
def test_damaged_metadata_is_refused(metadata):
    with pytest.raises(ConfigError, match=r"metadata 'bisnn' of the graph is damaged.*; give `dt` in ms"):
        from_nir(graph(metadata=metadata))


@pytest.mark.parametrize("dt", [0, 0.0, -1.0, float("nan"), float("inf"), "1"])
def test_a_tick_that_is_none_is_refused(dt):
    with pytest.raises(ConfigError, match="give the length of a tick in ms, above 0"):
        from_nir(graph(), dt=dt)
    with pytest.raises(ConfigError, match="give the length of a tick in ms, above 0"):
        from_nir(graph(metadata=json.dumps({**SAID, "dt": dt})))
    assert from_nir(graph(metadata=json.dumps(SAID))).dt == 1.0


def wrong_shape(nodes, edges):
    nodes["l"] = nir.Linear(np.full((2, 3), 0.25))


def not_finite(nodes, edges):
    nodes["l"].weight[0, 0] = np.nan


def late_output(nodes, edges):
    nodes["d"], nodes["output"] = nir.Delay(np.full(3, 0.001)), nir.Output({"output": np.array([3])})
    edges.extend([("y", "d"), ("d", "output")])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (beside(np.nan), "node 'd': a delay of nan ticks"),
        (beside(np.inf), "node 'd': a delay of inf ticks"),
        (beside(0.0), "node 'd': a delay of 0 ticks"),
        (wrong_shape, r"weights \[2, 3\]; \[post, pre\] is \[3, 2\] here"),
        (not_finite, "beside the grid of 1/4096"),
        (late_output, r"node 'd' leads to \['output'\]; a Delay stands before a Linear"),
        (lambda nodes, edges: (nodes.clear(), edges.clear()), "no IF and no LIF"),
        (lambda nodes, edges: ([nodes.pop(name) for name in "xy"], edges.clear()), "no IF and no LIF"),
    ],
)
def test_graphs_that_are_no_circuit_are_refused(change, said):
    with pytest.raises(ConfigError, match=said):
        from_nir(graph(change), dt=1.0)


def test_dangling_edges_and_other_things_than_graphs_are_refused():
    found = graph()
    found.edges.append(("y", "nowhere"))
    with pytest.raises(ConfigError, match="there is no node 'nowhere'"):
        from_nir(found, dt=1.0)
    for strange in ("x.nir", None, {}):
        with pytest.raises(ConfigError, match=r"takes a nir\.NIRGraph, not .*; read a file with nir\.read"):
            from_nir(strange)
