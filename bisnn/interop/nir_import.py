"""Circuits from NIR graphs (`bisnn.interop.nir_export` has the table of what is what); extra `nir`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError
from bisnn.interop.extras import need
from bisnn.interop.nir_export import PER_SECOND, Given
from bisnn.neurons import IF, LIF
from bisnn.parameters import is_number, is_whole
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
    nodes other than IF, LIF, Linear, Delay, Input and Output, no neuron, edges to nowhere, parameters that differ in a
    node, weights of another shape or off the grid, delays that are no whole number of ticks; and without the extra.
    Linear nodes that lead the same way with the same delay become one projection with the sum of their weights.
    """
    nir = need("nir", "nir")
    if not isinstance(graph, nir.NIRGraph):
        raise ConfigError(f"from_nir takes a nir.NIRGraph, not {type(graph).__name__}; read a file with nir.read(path)")
    said = _said(graph, dt)
    neurons = {name: node for name, node in graph.nodes.items() if isinstance(node, (nir.IF, nir.LIF))}
    known = (nir.IF, nir.LIF, nir.Linear, nir.Delay, nir.Input, nir.Output)
    for name, node in graph.nodes.items():
        if not isinstance(node, known):
            raise ConfigError(
                f"node {name!r} is a {type(node).__name__}; a circuit is made of IF, LIF, Linear and Delay"
            )
    if not neurons:
        raise ConfigError("the graph has no IF and no LIF; a circuit has at least one area")
    order = [name for name in said.areas if name in neurons] or list(neurons)
    areas = {name: _area(nir, name, neurons[name], said.tau) for name in order}
    found: dict[tuple[Any, ...], Projection] = {}
    for p in _projections(nir, graph, neurons, said.dt):
        key = (p.source, p.target, p.delay)
        found[key] = _sum(found[key], p) if key in found else p
    wanted = [tuple(each) for each in said.projections if tuple(each) in found] or list(found)
    if len(wanted) != len(found) or len(set(wanted)) != len(found) or len(areas) != len(neurons):
        raise ConfigError("the graph was changed after its export; give `dt` to read it as it is")
    return Circuit(areas=areas, projections=tuple(found[each] for each in wanted), dt=said.dt)


def _said(graph: Any, dt: float | None) -> _Said:
    if dt is not None:
        return _Said(_tick(dt), [], {}, [])
    text = graph.metadata.get("bisnn") if isinstance(graph.metadata, dict) else None
    if text is None:
        raise ConfigError("this graph says no tick; give `dt` in ms")
    try:
        said = _Said(**json.loads(text.decode() if isinstance(text, bytes) else str(text)))
        fits = (
            all(isinstance(name, str) for name in said.areas)
            and all(isinstance(tau, Real) for tau in said.tau.values())
            and all(is_whole(delay) for _, _, delay in said.projections)
            and all(isinstance(end, str) for *ends, _ in said.projections for end in ends)
        )
    except (TypeError, ValueError, AttributeError, RecursionError) as problem:
        raise ConfigError(f"the metadata 'bisnn' of the graph is damaged ({problem}); give `dt` in ms") from problem
    if not fits:
        raise ConfigError("the metadata 'bisnn' of the graph is damaged; give `dt` in ms")
    return said._replace(dt=_tick(said.dt))


def _tick(dt: Any) -> float:
    if not is_number(dt) or dt <= 0:
        raise ConfigError(f"dt = {dt!r}; give the length of a tick in ms, above 0")
    return float(dt)


def _sum(one: Projection, other: Projection) -> Projection:
    """Two ways from the same to the same in the same time as one."""
    rows = np.sum([p.weight.rows for p in (one, other) if isinstance(p.weight, Given)], axis=0)
    return replace(one, weight=Given(tuple(tuple(row) for row in rows.tolist())))


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
        for end in (one, other):
            if end not in graph.nodes:
                raise ConfigError(f"the edge {one!r} to {other!r}: there is no node {end!r}; add it or drop the edge")
        before[other].append(one)
        after[one].append(other)
    for name in neurons:
        if strange := [one for one in before[name] if not isinstance(graph.nodes[one], (nir.Linear, nir.Input))]:
            raise ConfigError(f"node {strange[0]!r} reaches {name!r} without a Linear; put one between them")
    for name, node in graph.nodes.items():
        if isinstance(node, nir.Delay) and not all(isinstance(graph.nodes[one], nir.Linear) for one in after[name]):
            raise ConfigError(f"node {name!r} leads to {after[name]}; a Delay stands before a Linear")
        if not isinstance(node, nir.Linear):
            continue
        start, delay = _start(nir, graph, before, name, dt)
        if start not in neurons or len(after[name]) != 1 or after[name][0] not in neurons:
            raise ConfigError(f"node {name!r} must lead from one IF or LIF to another; here {start!r} to {after[name]}")
        pre, post = (int(np.size(neurons[end].v_threshold)) for end in (start, after[name][0]))
        rows = _rows(name, node, pre, post)
        yield Projection(source=start, target=after[name][0], weight=Given(rows), delay=delay)


def _rows(name: str, node: Any, pre: int, post: int) -> tuple[tuple[float, ...], ...]:
    """The weights of a Linear, `[pre][post]`."""
    weight = np.asarray(node.weight, dtype=np.float64)
    if weight.shape != (post, pre):
        raise ConfigError(f"node {name!r}: weights {list(weight.shape)}; [post, pre] is {[post, pre]} here")
    if not np.isfinite(weight).all() or np.abs(weight / GRID - np.rint(weight / GRID)).max(initial=0.0) != 0.0:
        raise ConfigError(f"node {name!r}: weights lie beside the grid of 1/4096; round them to it")
    return tuple(tuple(row) for row in weight.T.tolist())


def _start(nir: Any, graph: Any, before: dict[str, list[str]], name: str, dt: float) -> tuple[str, int]:
    """Where a Linear comes from, and how many ticks ago."""
    delay = 0
    if len(before[name]) == 1 and isinstance(graph.nodes[before[name][0]], nir.Delay):
        name = before[name][0]
        ticks = _uniform(name, graph.nodes[name], "delay") * PER_SECOND / dt
        delay = round(ticks) if math.isfinite(ticks) else 0
        if not abs(ticks - delay) <= 1e-9 * max(1.0, ticks) or delay < 1:
            raise ConfigError(f"node {name!r}: a delay of {ticks:g} ticks; a circuit delays by whole ticks, from 1")
    if len(before[name]) != 1:
        raise ConfigError(f"node {name!r} has {len(before[name])} inputs; a projection has one")
    return before[name][0], delay
