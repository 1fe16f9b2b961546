"""Checks of a circuit's plan, when it is built, and of what a run is given."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bisnn.areas import SIGNS, Area, CircuitState, Projection
from bisnn.errors import ConfigError, ShapeMismatch, StateMismatch, UnknownName
from bisnn.initialisers import Initialiser
from bisnn.modulators.base import Modulator, source
from bisnn.neurons.base import Neuron, stochastic
from bisnn.plasticity.base import Rule, reads
from bisnn.propagate import GRID, check_exact
from bisnn.receptors import Receptor
from bisnn.synapses import Filter
from bisnn.wiring import bounds


def check_plan(
    areas: Mapping[str, Area], projections: Sequence[Projection], modulators: Mapping[str, Modulator]
) -> None:
    """Raises `UnknownName` for a name that does not exist, `ConfigError` for a plan that contradicts itself."""
    if not areas:
        raise ConfigError("a circuit has at least one area; give areas={NAME: Area(n=..., neuron=...)}")
    for name, area in areas.items():
        _check_area(name, area)
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


def _check_area(name: str, area: Area) -> None:
    _whole(f"area {name!r}: n", area.n, 1)
    if area.sign not in SIGNS:
        raise UnknownName("sign", area.sign, SIGNS)
    _instance(f"area {name!r}: neuron", area.neuron, Neuron, "a neuron model such as LIF()")
    _receptors(f"area {name!r}", area.receptors)
    if stochastic(area.neuron) and "expected" not in _leaves(area):
        raise ConfigError(f"the stochastic neuron of area {name!r} has no leaf 'expected' in its state; add it")


def _whole(what: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigError(f"{what} is {value!r}; give a whole number of at least {least}")


def _instance(what: str, value: object, kind: type, example: str) -> None:
    if isinstance(value, type) or not isinstance(value, kind):
        raise ConfigError(f"{what} is {value!r}; give {example}")


def _receptors(what: str, receptors: object) -> None:
    if not isinstance(receptors, tuple) or not all(isinstance(one, Receptor) for one in receptors):
        raise ConfigError(f"{what}: receptors are a tuple, such as (Receptor(modulator='dopamine'),)")


def _check_parts(p: Projection) -> None:
    """Raises `ConfigError` where a part of the projection is of another kind than its field."""
    where = f"projection {p.name!r}"
    _instance(f"{where}: weight", p.weight, Initialiser, "an initialiser such as Uniform(0.0, 1.0)")
    if p.rule is not None:
        _instance(f"{where}: rule", p.rule, Rule, "a rule such as RSTDP(), or None")
    if p.mask is not None:
        _instance(f"{where}: mask", p.mask, Initialiser, "an initialiser of 0 and 1 such as Bernoulli(0.1), or None")
    if p.filter is not None:
        _instance(f"{where}: filter", p.filter, Filter, "a filter such as Exponential(tau=5.0), or None")
    _receptors(where, p.receptors)
    _receptors(f"{where}, plasticity", p.plasticity_receptors)
    if p.plasticity_receptors and p.rule is None:
        raise ConfigError(f"{where} has plasticity_receptors but no rule; give it one, or use receptors")
    _whole(f"{where}: delay", p.delay, 0)
    numbers = isinstance(p.bounds, tuple) and [isinstance(bound, int | float) for bound in p.bounds] == [True, True]
    if not numbers or any(math.isnan(bound) for bound in p.bounds):
        raise ConfigError(f"{where}: bounds are {p.bounds!r}; give two numbers, the lowest and the highest weight")


def _check_projection(p: Projection, areas: Mapping[str, Area], modulators: Mapping[str, Modulator]) -> None:
    _check_parts(p)
    modulator = p.rule.modulator if p.rule else None
    if modulator is not None and modulator not in modulators:
        raise UnknownName("modulator", modulator, modulators)
    leaves = _leaves(areas[p.target])
    for leaf in reads(p.rule):
        if leaf not in leaves:
            raise ConfigError(
                f"the rule of {p.name!r} reads {leaf!r} of its target, whose neurons have {', '.join(leaves)}; "
                f"choose another neuron for {p.target!r}, or another rule"
            )
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


def check_weights(p: Projection, source_area: Area, weight: Tensor, mask: Tensor | None) -> Tensor:
    """The initial weights. Raises `ConfigError` where one is not finite, has not the sign of its area, or, if it
    exists and learns, lies out of bounds (by more than rounding)."""
    low, high = bounds(source_area, p)
    least, most = (float(end) for end in weight.aminmax()) if weight.numel() else (0.0, 0.0)
    if not (math.isfinite(least) and math.isfinite(most)):
        raise ConfigError(f"projection {p.name!r} starts with weights that are not finite; change its initial weights")
    wrong = {"excitatory": weight < 0.0, "inhibitory": weight > 0.0}.get(source_area.sign)
    if wrong is not None and bool(wrong.any()):
        raise ConfigError(
            f"projection {p.name!r} starts with weights that are not {source_area.sign}, as area {p.source!r} is; "
            f"change the initial weights, or the sign of the area to 'any'"
        )
    if p.normalise is not None and 0.0 < max(-least, most) < GRID:
        raise ConfigError(
            f"projection {p.name!r}: normalise = {p.normalise:g} over so many synapses leaves weights below the grid "
            f"of 2^-12 on which they are used; raise it, or mask synapses"
        )
    slack = 1e-6 * max(1.0, abs(low), abs(high))
    if p.rule is not None and not low - slack <= least <= most <= high + slack:
        there = weight if mask is None else weight[mask.expand(weight.shape) > 0.0]
        if bool(((there < low - slack) | (there > high + slack)).any()):
            why = " after normalisation" if p.normalise is not None else ""
            raise ConfigError(
                f"projection {p.name!r} learns within {low:g} to {high:g}, but starts{why} with weights from {least:g} "
                f"to {most:g}; change its bounds or its initial weights"
            )
    return weight


def check_run(areas: Mapping[str, Area], state: CircuitState, steps: int, rest_every: int | None) -> None:
    """Raises `ConfigError` for a number of ticks that is none, `StateMismatch` for the state of another circuit."""
    _whole("steps", steps, 1)
    if rest_every is not None:
        _whole("rest_every", rest_every, 1)
    if state.spikes.keys() != areas.keys():
        raise StateMismatch(
            f"the state has areas {', '.join(state.spikes)}, this circuit {', '.join(areas)}; "
            f"use the state of its own init"
        )
    for name, area in areas.items():
        if state.spikes[name][0].shape[-1] != area.n:
            raise StateMismatch(
                f"area {name!r} has {state.spikes[name][0].shape[-1]} units in the state and {area.n} in this circuit; "
                f"use the state of its own init"
            )


def check_drive(areas: Mapping[str, Area], rest: Tensor, drive: Mapping[str, Tensor], steps: int) -> None:
    """Raises for a drive that is of no area, not finite, or neither `[*B, n]` nor `[*B, K, n]`; `rest`: any spikes."""
    for name, value in drive.items():
        if name not in areas:
            raise UnknownName("area", name, areas)
        _check_dtype(f"drive of {name!r}", value, rest)
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


def check_release(modulators: Mapping[str, Modulator], rest: Tensor, release: Mapping[str, Tensor], steps: int) -> None:
    """Raises for a release that is of no modulator, not finite, or neither `[*B]` nor `[*B, steps]`; `rest`: any
    `[*B]`."""
    batch = rest.shape
    for name, value in release.items():
        if name not in modulators:
            raise UnknownName("modulator", name, modulators)
        _check_dtype(f"release of {name!r}", value, rest)
        if not bool(torch.isfinite(value).all()):
            raise StateMismatch(f"release of {name!r} holds NaN or Infinity; mend what computes it")
        if value.shape not in (batch, (*batch, steps)):
            raise ShapeMismatch(
                f"release of {name!r} is {list(value.shape)}; it must be {list(batch)} (first tick) or "
                f"{[*batch, steps]} (per tick)"
            )


def _check_dtype(what: str, value: Tensor, like: Tensor) -> None:
    if value.is_floating_point() and value.dtype != like.dtype:
        raise StateMismatch(
            f"{what} is {value.dtype}, the circuit computes in {like.dtype}; "
            f"convert it, or init the circuit with that dtype"
        )
