"""The plan of a circuit as its simulation needs it: in which order, by which synapses, under which modulators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from bisnn.areas import Area, Projection
from bisnn.errors import ConfigError
from bisnn.modulators.base import Modulator
from bisnn.neurons.base import elementwise, stochastic


class Wiring(NamedTuple):
    """What a simulation needs to know of a circuit."""

    areas: Mapping[str, Area]
    order: tuple[str, ...]  # areas, each after those that reach it within a tick
    groups: tuple[tuple[str, ...], ...]  # areas of one neuron model that can be swept together, in order
    incoming: Mapping[str, tuple[Projection, ...]]
    plastic: tuple[Projection, ...]
    bounds: Mapping[str, tuple[float, float]]  # plastic projection -> lowest and highest weight
    modulators: Mapping[str, Modulator]
    dt: float
    noisy: Mapping[str, int]  # stochastic area -> its units
    felt: tuple[str, ...]  # modulators whose level the next tick feels, by a receptor
    sweepable: bool  # whether a run without learning can go area by area


def wire(
    areas: Mapping[str, Area], projections: Sequence[Projection], modulators: Mapping[str, Modulator], dt: float
) -> Wiring:
    """The wiring of a plan. Raises `ConfigError` for a cycle without delay."""
    order = ordered(areas, projections)
    incoming = {name: tuple(p for p in projections if p.target == name) for name in areas}
    plastic = tuple(p for p in projections if p.rule is not None)
    noisy = {name: area.n for name, area in areas.items() if stochastic(area.neuron)}
    sites = [area.receptors for area in areas.values()] + [p.receptors for p in projections]
    felt = tuple(dict.fromkeys(receptor.modulator for receptors in sites for receptor in receptors))
    rank = {name: i for i, name in enumerate(order)}
    forward = all(rank[p.source] < rank[p.target] for p in projections)
    instant = all(p.filter is None for p in projections)
    return Wiring(
        areas=areas,
        order=order,
        groups=grouped(areas, order, incoming),
        incoming=incoming,
        plastic=plastic,
        bounds={p.name: bounds(areas[p.source], p) for p in plastic},
        modulators=modulators,
        dt=dt,
        noisy=noisy,
        felt=felt,
        sweepable=forward and instant and not noisy and not felt,
    )


def noise_stream(area: str) -> str:
    """The random stream of a stochastic area."""
    return f"{area}/spikes"


def bounds(source: Area, projection: Projection) -> tuple[float, float]:
    """Lowest and highest weight that learning can reach: those of the projection, on the side of the source's sign."""
    low, high = projection.bounds
    if source.sign == "excitatory":
        low = max(low, 0.0)
    if source.sign == "inhibitory":
        high = min(high, 0.0)
    return low, high


def ordered(areas: Mapping[str, Area], projections: Sequence[Projection]) -> tuple[str, ...]:
    """Areas in an order that follows every zero-delay projection, and every projection where that is possible.

    Raises `ConfigError` for a cycle of zero-delay projections.
    """
    try:
        return _sorted(areas, projections)
    except CycleError:
        pass
    try:
        return _sorted(areas, [p for p in projections if p.delay == 0])
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise ConfigError(f"zero-delay projections form a cycle ({cycle}); give one of them delay=1") from None


def _sorted(areas: Mapping[str, Area], projections: Sequence[Projection]) -> tuple[str, ...]:
    graph: dict[str, set[str]] = {name: set() for name in areas}
    for projection in projections:
        graph[projection.target].add(projection.source)
    return tuple(TopologicalSorter(graph).static_order())


def grouped(
    areas: Mapping[str, Area], order: Sequence[str], incoming: Mapping[str, Sequence[Projection]]
) -> tuple[tuple[str, ...], ...]:
    """Areas by depth and neuron model: those of a group never reach each other, so they can be swept together."""
    depth: dict[str, int] = {}
    for name in order:
        depth[name] = max((depth[p.source] + 1 for p in incoming[name] if p.source in depth), default=0)
    found: list[list[str]] = []
    for name in sorted(order, key=lambda area: depth[area]):
        for group in found if elementwise(areas[name].neuron) else ():
            if depth[group[0]] == depth[name] and areas[group[0]].neuron == areas[name].neuron:
                group.append(name)
                break
        else:
            found.append([name])
    return tuple(tuple(group) for group in found)
