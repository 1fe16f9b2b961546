"""Holds a neuron's `step` to the claims that it makes of itself, the library's own and a user's.

    period(current) -> ms          steady interspike interval; inf: silent. The simulated mean lies in [T, T + dt)
    rate(current, dt)              mean spikes per tick in the long run
    fixed_point(current) -> dict   field -> value at which it rests, that a step leaves; None: it does not rest

Currents are found from the neuron itself: some above and below the one at which it begins to fire, in units of how
much more makes it fast. Optional, beside the claims: `period_bounds(current, dt) -> (low, high)` where discrete time
needs another interval than [T, T + dt); `fixed_point(current, dt)` for the rest of the scheme at that tick; `settling`,
a time in ms after which it is steady. The noise of stochastic neurons comes from `bisnn.rng`; a rate measured on it may
miss the claim by five standard errors of as many independent tosses.

Method: Diffrax (Kidger 2022) states the order of every solver and lets one test hold each to its own.
"""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from bisnn import rng

CLAIMS = ("period", "rate", "fixed_point")
"""The claims that a neuron can state, each a method of this name."""
_ABOVE = (0.1, 0.23, 0.61, 1.3, 3.1)
_BELOW = (0.05, 0.4, 1.7)
_RATES = (0.013, 0.06, 0.11, 0.27, 0.52, 0.8)
_LANES = 250  # independent units of a stochastic neuron
_TICKS = 4000
_BLOCK = 128  # ticks whose noise is drawn at once


def stated(neuron: Any) -> tuple[str, ...]:
    """The claims that a neuron states."""
    return tuple(name for name in CLAIMS if callable(getattr(neuron, name, None)))


def hold_to_claims(neuron: Any, dtype: torch.dtype, dt: float) -> list[str]:
    """What is wrong with the stated claims at this dtype and tick in ms; empty: every one holds."""
    ask: dict[str, Callable[[Any, torch.dtype, float], Iterator[str]]] = {
        "period": _period,
        "rate": _rate,
        "fixed_point": _fixed_point,
    }
    return [f"{name}: {what}" for name in stated(neuron) for what in ask[name](neuron, dtype, dt)]


def check_claims(neuron: Any, dtype: torch.dtype = torch.float32, dt: float = 1.0) -> None:
    """Raises `AssertionError` that lists every claim that does not hold; a neuron without claims has none to break."""
    wrong = hold_to_claims(neuron, dtype, dt)
    assert not wrong, f"{neuron!r} at dt = {dt}, {dtype}:\n" + "\n".join(wrong)


def simulate(neuron: Any, currents: Tensor, dt: float, ticks: int) -> tuple[Tensor, Any]:
    """Spikes `[ticks, n]` and the last state of units fed a current each, `[n]`, or one every tick, `[ticks, n]`."""
    units = currents.shape[-1]
    state, noisy = neuron.init((units,), currents.new_zeros(())), getattr(neuron, "stochastic", False)
    spikes = currents.new_zeros((ticks, units))
    for tick in range(ticks):
        if noisy and tick % _BLOCK == 0:
            moments = torch.arange(tick, tick + _BLOCK)
            noise = rng.uniform(torch.zeros_like(moments), "claims/spikes", moments, units).to(currents.dtype)
        more = (noise[tick % _BLOCK],) if noisy else ()
        out, state = neuron.step(state, currents[tick] if currents.dim() > 1 else currents, dt, *more)
        spikes[tick] = out
    return spikes, state


def _period(neuron: Any, dtype: torch.dtype, dt: float) -> Iterator[str]:
    found = _onset(neuron)
    if found is None:
        yield "no current was found above which it is finite and below which it is inf"
        return
    onset, scale = found
    given = torch.tensor([onset + scale * part for part in _ABOVE], dtype=dtype)
    periods = [float(neuron.period(current)) for current in given.tolist()]
    settling = getattr(neuron, "settling", 0.0)
    longest = settling + 5.0 * max(periods) + 40.0
    spikes, _ = simulate(neuron, given, dt, math.ceil(longest / dt))
    for current, period, train in zip(given.tolist(), periods, spikes.unbind(-1), strict=True):
        when = train.nonzero()[:, 0]
        late = when[when >= settling / dt]
        case = f"at current {current:.6g} it is {period:.6g} ms"
        if len(late) < 3:
            yield f"{case}, but {len(when)} spikes came in {longest:.6g} ms"
            continue
        gaps = late.diff()
        mean, spread = float(gaps.double().mean()) * dt, int(gaps.max() - gaps.min())
        low, high = _bounds(neuron, current, period, dt)
        if not low - 2e-5 * period <= mean < high + 2e-5 * period:
            yield f"{case}, but simulated intervals are {mean:.6g} ms, not within [{low:.6g}, {high:.6g})"
        if spread > 1:
            yield f"{case}, but simulated intervals differ by {spread} ticks"
        if high - low > max(3.0 * dt, 0.5 * period):
            yield f"{case}, but bounds of [{low:.6g}, {high:.6g}) claim next to nothing"
    quiet = torch.tensor([onset - scale * part for part in _BELOW], dtype=dtype)
    spikes, _ = simulate(neuron, quiet, dt, math.ceil(300.0 / dt))
    for current, count in zip(quiet.tolist(), spikes.sum(0).tolist(), strict=True):
        if neuron.period(current) != math.inf or count:
            yield f"at current {current:.6g} it is {neuron.period(current):.6g} ms, but {count:g} spikes came in 300 ms"


def _bounds(neuron: Any, current: float, period: float, dt: float) -> tuple[float, float]:
    if not hasattr(neuron, "period_bounds"):
        return period, period + dt
    low, high = neuron.period_bounds(current, dt)
    return float(low), float(high)


def _onset(neuron: Any) -> tuple[float, float] | None:
    """The current at which the period becomes finite, and how much more makes it fast."""
    low, high = _bracket(lambda current: math.isfinite(neuron.period(current)))
    if high is None:
        return None
    onset = _bisected(lambda current: math.isfinite(neuron.period(current)), low, high)
    fastest = neuron.period(onset + max(1.0, abs(onset)) * 2.0**30)
    scale = 2.0**-20
    while neuron.period(onset + scale) > fastest + 8.0 and scale < 2.0**30:
        scale *= 2.0
    return onset, scale


def _bracket(on: Callable[[float], bool]) -> tuple[float, float | None]:
    """A current at which it is off and one at which it is on; None where it is always the one or the other."""
    sizes = [0.0, *(2.0**k for k in range(-6, 24))]
    if on(0.0):
        for size in sizes[1:]:
            if not on(-size):
                return -size, -size / 2.0 if on(-size / 2.0) else 0.0
        return 0.0, None
    for before, size in itertools.pairwise(sizes):
        if on(size):
            return before, size
    return 0.0, None


def _bisected(on: Callable[[float], bool], low: float, high: float) -> float:
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if on(middle) else (middle, high)
    return high


def _rate(neuron: Any, dtype: torch.dtype, dt: float) -> Iterator[str]:
    low, high = _bracket(lambda current: neuron.rate(current, dt) > 0.0)
    given = torch.tensor(_spread(neuron, dt, low, high), dtype=dtype)
    stochastic = getattr(neuron, "stochastic", False)
    lanes = _LANES if stochastic else 1
    settle, ticks = math.ceil(2.0 * getattr(neuron, "settling", 0.0) / dt), _TICKS // 10 if stochastic else _TICKS
    spikes, _ = simulate(neuron, given.repeat_interleave(lanes), dt, settle + ticks)
    counts = spikes[settle:].double().sum(0).reshape(-1, lanes).sum(-1).tolist()
    tosses = ticks * lanes
    for current, count in zip(given.tolist(), counts, strict=True):
        claimed = neuron.rate(current, dt)
        error = 5.0 * math.sqrt(max(claimed * (1.0 - claimed), 0.0) * tosses) + 2.0 if stochastic else 2.0
        if not 0.0 <= claimed <= 1.0:
            yield f"at current {current:.6g} it is {claimed:.6g} spikes per tick, which cannot be"
        elif abs(count - claimed * tosses) > error:
            yield (
                f"at current {current:.6g} it is {claimed:.6g} spikes per tick, but {count:g} came in {tosses} ticks, "
                f"{count / tosses:.6g} per tick (accepted error {error / tosses:.2g})"
            )


def _spread(neuron: Any, dt: float, low: float, high: float | None) -> list[float]:
    """Currents from silence to the fastest: where the rate passes several values, and a little beyond each."""
    if high is None:
        return [low, low + 1.0, low - 1.0]
    fastest = neuron.rate(2.0**20 * max(1.0, abs(high)), dt)

    def passes(part: float) -> float:
        top = high
        while neuron.rate(top, dt) < part * fastest and top - low < 2.0**30:
            top = low + 2.0 * (top - low)
        return _bisected(lambda current: neuron.rate(current, dt) >= part * fastest, low, top)

    start, each = passes(1e-6), [passes(part) for part in _RATES]
    beyond = [at + 0.037 * (at - start) + 0.02 * abs(at) for at in each]
    return [low, low - abs(high - low), *beyond, beyond[-1] + 3.0 * abs(beyond[-1])]


def _fixed_point(neuron: Any, dtype: torch.dtype, dt: float) -> Iterator[str]:
    """Creeps from rest to every current, and asks that it is where it says and stays there."""
    scheme = len(inspect.signature(neuron.fixed_point).parameters) > 1

    def claimed(current: float) -> dict[str, float] | None:
        found: dict[str, float] | None = neuron.fixed_point(current, dt) if scheme else neuron.fixed_point(current)
        return found

    if claimed(0.0) is None:
        yield from _stays(neuron, dtype, dt, claimed)
        return
    low, high = _bracket(lambda current: claimed(current) is None)
    onset = 1.0 if high is None else _bisected(lambda current: claimed(current) is None, low, high)
    aims = [current for part in (-1.0, -0.2, 0.0, 0.35, 0.7) if claimed(current := part * onset) is not None]
    creep, rest = math.ceil(400.0 / dt), math.ceil(600.0 / dt)
    ramp = torch.linspace(0.0, 1.0, creep, dtype=dtype)[:, None] * torch.tensor(aims, dtype=dtype)
    currents = torch.cat((ramp, ramp[-1:].expand(rest, -1)))
    spikes, state = simulate(neuron, currents, dt, creep + rest)
    for i, current in enumerate(currents[-1].tolist()):
        point = claimed(current) or {}
        yield from _rests(neuron, state, point, i, currents[-1], dt)
        if spikes[creep:, i].any():
            yield f"at current {current:.6g} it rests at {point}, but it fired"


def _stays(
    neuron: Any, dtype: torch.dtype, dt: float, claimed: Callable[[float], dict[str, float] | None]
) -> Iterator[str]:
    """Where nothing rests without input: asks only that a step leaves it where it says."""
    grid = [0.25 * part for part in range(-512, 513)]
    some = [current for current in grid if claimed(current) is not None]
    if not some:
        yield "it rests at no current from -128 to 128 that is a multiple of 0.25"
    for current in some[:: max(1, len(some) // 3)]:
        given = torch.tensor([current], dtype=dtype)
        point, state = claimed(float(given)) or {}, neuron.init((1,), given.new_zeros(()))
        there = {name: torch.full_like(getattr(state, name), value) for name, value in point.items()}
        yield from _rests(neuron, state._replace(**there), point, 0, given, dt)


def _rests(neuron: Any, state: Any, point: dict[str, float], i: int, currents: Tensor, dt: float) -> Iterator[str]:
    """Whether unit `i` has come to the point, and whether a step from the point itself leaves it there."""
    case = f"at current {float(currents[i]):.6g} it rests at {point}"
    exact = torch.finfo(currents.dtype).eps
    missing: Sequence[str] = [name for name in point if name not in state._fields]
    if missing:
        yield f"{case}, but its state has no {', '.join(missing)}"
        return
    there = state._replace(**{name: torch.full_like(getattr(state, name), value) for name, value in point.items()})
    more = (torch.ones_like(currents),) if getattr(neuron, "stochastic", False) else ()
    _, after = neuron.step(there, currents, dt, *more)
    for name, value in point.items():
        size = max(1.0, abs(value))
        come, left = float(getattr(state, name)[i]) - value, float(getattr(after, name)[i]) - value
        if not abs(come) <= (4096.0 * exact + 1e-4) * size:
            yield f"{case}, but {name} came to {value + come:.9g}"
        if not abs(left) <= 64.0 * exact * size:
            yield f"{case}, but a step from there takes {name} to {value + left:.9g}"
