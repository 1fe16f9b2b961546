"""Checks of a circuit's plan, when it is built, and of what a run is given."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bisnn.areas import SIGNS, Area, Projection
from bisnn.errors import ConfigError, ShapeMismatch, StateMismatch, UnknownName, pick
from bisnn.modulators.base import Modulator, source
from bisnn.neurons.base import stochastic
from bisnn.plasticity.base import reads
from bisnn.propagate import check_exact
from bisnn.wiring import bounds


def check_plan(
    areas: Mapping[str, Area], projections: Sequence[Projection], modulators: Mapping[str, Modulator]
) -> None:
    """Raises `UnknownName` for a name that does not exist, `ConfigError` for a plan that contradicts itself."""
    for name, area in areas.items():
        if area.n < 1:
            raise ConfigError(f"area {name!r} has n = {area.n}; an area has at least one neuron")
        pick(f"sign of area {name!r}", area.sign, SIGNS)
        if stochastic(area.neuron) and "expected" not in _leaves(area):
            raise ConfigError(f"the stochastic neuron of area {name!r} has no leaf 'expected' in its state; add it")
    for name, modulator in modulators.items():
        heard = source(modulator)
        if heard is not None and heard not in areas:
            raise UnknownName(f"area that modulator {name!r} listens to", heard, areas)
    seen = set[str]()
    for projection in projections:
        for end in (projection.source, projection.target):
            if end not in areas:
                raise UnknownName("area", end, areas)
        if projection.name in seen:
            raise ConfigError(f"projection {projection.name!r} is declared twice; merge the two")
        seen.add(projection.name)
        _check_projection(projection, areas, modulators)
    sites = [area.receptors for area in areas.values()]
    sites += [(*p.receptors, *p.plasticity_receptors) for p in projections]
    for receptor in (receptor for receptors in sites for receptor in receptors):
        if receptor.modulator not in modulators:
            raise UnknownName("modulator", receptor.modulator, modulators)


def _check_projection(p: Projection, areas: Mapping[str, Area], modulators: Mapping[str, Modulator]) -> None:
    modulator = p.rule.modulator if p.rule else None
    if modulator is not None and modulator not in modulators:
        raise UnknownName("modulator", modulator, modulators)
    for leaf in reads(p.rule):
        if leaf not in _leaves(areas[p.target]):
            kind = f"leaf of the neurons of {p.target!r}, which the rule of {p.name!r} reads,"
            raise UnknownName(kind, leaf, _leaves(areas[p.target]))
    if p.delay < 0:
        raise ConfigError(f"projection {p.name!r} has delay {p.delay}; delays start at 0")
    if p.normalise is not None and not (p.normalise > 0.0 and math.isfinite(p.normalise)):
        raise ConfigError(f"projection {p.name!r}: normalise = {p.normalise}; a weight above 0 is due, or None")
    low, high = bounds(areas[p.source], p)
    if not low <= high:
        sign = f" of the {areas[p.source].sign} area {p.source!r}" if p.bounds[0] <= p.bounds[1] else ""
        raise ConfigError(f"projection {p.name!r}: no weight{sign} lies within the bounds {p.bounds}")
    bound = max(abs(low), abs(high)) if p.rule else 0.0
    check_exact(p.name, areas[p.source].n, max(bound, p.weight.largest, p.normalise or 0.0))


def _leaves(area: Area) -> tuple[str, ...]:
    """The leaves of the state of an area's neurons."""
    found: tuple[str, ...] = area.neuron.init((area.n,), torch.zeros(()))._fields
    return found


def check_weights(p: Projection, source_area: Area, weight: Tensor) -> Tensor:
    """The initial weights. Raises `ConfigError` where one has not the sign of its area."""
    wrong = {"excitatory": weight < 0.0, "inhibitory": weight > 0.0}.get(source_area.sign)
    if wrong is not None and bool(wrong.any()):
        raise ConfigError(
            f"projection {p.name!r} starts with weights that are not {source_area.sign}, as area {p.source!r} is; "
            f"change the initial weights, or the sign of the area to 'any'"
        )
    return weight


def check_drive(areas: Mapping[str, Area], rest: Tensor, drive: Mapping[str, Tensor], steps: int) -> None:
    """Raises for a drive that is of no area, not finite, or neither `[*B, n]` nor `[*B, K, n]`; `rest`: any spikes."""
    if steps < 1:
        raise ConfigError(f"steps is {steps}; a run has at least one tick")
    for name, value in drive.items():
        if name not in areas:
            raise UnknownName("area", name, areas)
        if value.numel() and not bool(torch.isfinite(torch.stack(value.aminmax())).all()):
            raise StateMismatch(f"drive of {name!r} holds NaN or Infinity; mend what computes it")
        whole = (*rest.shape[:-1], areas[name].n)
        stretches = value.shape[-2] if value.dim() == len(whole) + 1 else 1
        wanted = whole if value.dim() == len(whole) else (*whole[:-1], stretches, whole[-1])
        if value.shape != wanted or stretches < 1 or steps % stretches:
            raise ShapeMismatch(
                f"drive of {name!r} is {list(value.shape)}; it must be {list(whole)} (constant) or "
                f"{[*whole[:-1], 'K', whole[-1]]} with K a divisor of {steps} (per tick: K = {steps})"
            )


def check_release(
    modulators: Mapping[str, Modulator], batch: tuple[int, ...], release: Mapping[str, Tensor], steps: int
) -> None:
    """Raises for a release that is of no modulator, or neither `[*B]` nor `[*B, steps]`."""
    for name, value in release.items():
        if name not in modulators:
            raise UnknownName("modulator", name, modulators)
        if value.shape not in (batch, (*batch, steps)):
            raise ShapeMismatch(
                f"release of {name!r} is {list(value.shape)}; it must be {list(batch)} (first tick) or "
                f"{[*batch, steps]} (per tick)"
            )
