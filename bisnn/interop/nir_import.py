"""Circuits from NIR graphs (`bisnn.interop.nir_export` has the table of what is what); extra `nir`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError
from bisnn.interop.extras import need
from bisnn.interop.nir_export import PER_SECOND, Given
from bisnn.neurons import IF, LIF
from bisnn.propagate import GRID


class _Said(NamedTuple):
    """What the graph says about itself, or what its reader says."""

    dt: float
    areas: list[str]
    tau: dict[str, float]  # ms
    projections: list[list[Any]]  # [source, target, delay], in the order of their sums


def from_nir(graph: Any, dt: float | None = None) -> Circuit:
    """The circuit of a `nir.NIRGraph`, with its weights as initial weights.

    `dt`: tick in ms; None: that of a graph of `to_nir`. Raises `ConfigError` for a graph that a circuit cannot compute:
    nodes other than IF, LIF, Linear, Delay, Input and Output, parameters that differ within a node, weights off the
    grid, delays that are no whole number of ticks; and without the extra.
    """
    nir = need("nir", "nir")
    said = _said(graph, dt)
    neurons = {name: node for name, node in graph.nodes.items() if isinstance(node, (nir.IF, nir.LIF))}
    known = (nir.IF, nir.LIF, nir.Linear, nir.Delay, nir.Input, nir.Output)
    for name, node in graph.nodes.items():
        if not isinstance(node, known):
            raise ConfigError(
                f"node {name!r} is a {type(node).__name__}; a circuit is made of IF, LIF, Linear and Delay"
            )
    order = [name for name in said.areas if name in neurons] or list(neurons)
    areas = {name: _area(nir, name, neurons[name], said.tau) for name in order}
    found = {(p.source, p.target, p.delay): p for p in _projections(nir, graph, neurons, said.dt)}
    wanted = [tuple(each) for each in said.projections if tuple(each) in found] or list(found)
    if len(wanted) != len(found) or len(areas) != len(neurons):
        raise ConfigError("the graph was changed after its export; give `dt` to read it as it is")
    return Circuit(areas=areas, projections=tuple(found[each] for each in wanted), dt=said.dt)


def _said(graph: Any, dt: float | None) -> _Said:
    if dt is not None:
        return _Said(dt, [], {}, [])
    text = graph.metadata.get("bisnn") if isinstance(graph.metadata, dict) else None
    if text is None:
        raise ConfigError("this graph says no tick; give `dt` in ms")
    return _Said(**json.loads(text.decode() if isinstance(text, bytes) else str(text)))


def _uniform(name: str, node: Any, field: str) -> float:
    values = np.unique(np.asarray(getattr(node, field), dtype=np.float64))
    if len(values) != 1:
        raise ConfigError(f"node {name!r}: {field} differs between units; an area has one model, so split the node")
    return float(values[0])


def _area(nir: Any, name: str, node: Any, taus: dict[str, float]) -> Area:
    given = {field: _uniform(name, node, field) for field in ("r", "v_threshold", "v_reset")}
    n = int(np.size(node.v_threshold))
    if isinstance(node, nir.IF):
        _equal(name, r=(given["r"], PER_SECOND), v_reset=(given["v_reset"], 0.0))
        return Area(n=n, neuron=IF(threshold=given["v_threshold"]))
    _equal(name, r=(given["r"], 1.0), v_leak=(_uniform(name, node, "v_leak"), 0.0))
    tau = _uniform(name, node, "tau")
    ms = taus.get(name, tau * PER_SECOND)
    if ms / PER_SECOND != tau and name in taus:
        raise ConfigError("the graph was changed after its export; give `dt` to read it as it is")
    return Area(n=n, neuron=LIF(tau=ms, threshold=given["v_threshold"], reset=given["v_reset"], refractory=0.0))


def _equal(name: str, **pairs: tuple[float, float]) -> None:
    for field, (found, wanted) in pairs.items():
        if found != wanted:
            raise ConfigError(f"node {name!r}: {field} = {found:g}; a circuit computes {field} = {wanted:g} alone")


def _projections(nir: Any, graph: Any, neurons: dict[str, Any], dt: float) -> Iterator[Projection]:
    """Every path from neuron to neuron: through a Linear, before it at most one Delay."""
    before: dict[str, list[str]] = {name: [] for name in graph.nodes}
    after: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for one, other in graph.edges:
        before[other].append(one)
        after[one].append(other)
    for name in neurons:
        if strange := [one for one in before[name] if not isinstance(graph.nodes[one], (nir.Linear, nir.Input))]:
            raise ConfigError(f"node {strange[0]!r} reaches {name!r} without a Linear; put one between them")
    for name, node in graph.nodes.items():
        if not isinstance(node, nir.Linear):
            continue
        start, delay = _start(nir, graph, before, name, dt)
        if start not in neurons or len(after[name]) != 1 or after[name][0] not in neurons:
            raise ConfigError(f"node {name!r} must lead from one IF or LIF to another; here {start!r} to {after[name]}")
        weight = np.asarray(node.weight)
        if np.abs(weight / GRID - np.rint(weight / GRID)).max(initial=0.0) != 0.0:
            raise ConfigError(f"node {name!r}: weights lie beside the grid of 1/4096; round them to it")
        rows = tuple(tuple(float(value) for value in row) for row in weight.T)
        yield Projection(source=start, target=after[name][0], weight=Given(rows), delay=delay)


def _start(nir: Any, graph: Any, before: dict[str, list[str]], name: str, dt: float) -> tuple[str, int]:
    """Where a Linear comes from, and how many ticks ago."""
    delay = 0
    if len(before[name]) == 1 and isinstance(graph.nodes[before[name][0]], nir.Delay):
        name = before[name][0]
        ticks = _uniform(name, graph.nodes[name], "delay") * PER_SECOND / dt
        delay = round(ticks)
        if abs(ticks - delay) > 1e-9 * max(1.0, ticks) or delay < 1:
            raise ConfigError(f"node {name!r}: a delay of {ticks:g} ticks; a circuit delays by whole ticks, from 1")
    if len(before[name]) != 1:
        raise ConfigError(f"node {name!r} has {len(before[name])} inputs; a projection has one")
    return before[name][0], delay
