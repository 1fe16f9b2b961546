"""The simulation of a circuit: the tick, and the sweep that computes many ticks area by area.

Both use the same steps of the same neurons. A tick goes through all areas once. Without learning, a circuit
whose projections form no cycle can also be swept: an area sees all ticks of its input at once, which
needs one matrix product per projection instead of one per tick. Sums of weighted spikes are exact, so the bits
are the same; a sweep is a matter of speed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn import rng, tree
from bisnn.areas import CircuitState, Projection
from bisnn.gates import Gates
from bisnn.modulators.base import source
from bisnn.plasticity.base import reads
from bisnn.propagate import propagate_all, used_weight
from bisnn.receptors import scaled
from bisnn.synapses import masked, normalised
from bisnn.wiring import Wiring, noise_stream

Propagate = Callable[[Tensor, Tensor], Tensor]
"""Spikes `[*B, pre]` and used weights to currents `[*B, post]`."""


class Inputs(NamedTuple):
    """What reaches a circuit from outside."""

    drive: Mapping[str, Tensor]  # area -> [*B, n], or [*B, K, n]: K equal stretches of the run, each constant
    release: Mapping[str, Tensor]  # modulator -> [*B] at the first tick, or [*B, T]
    batch: int  # number of dims in *B
    steps: int  # ticks of the run, T

    def drive_at(self, tick: int) -> dict[str, Tensor]:
        """Drive `[*B, n]` of one tick."""
        return {
            name: value
            if value.dim() == self.batch + 1
            else value.select(self.batch, tick * value.shape[self.batch] // self.steps)
            for name, value in self.drive.items()
        }

    def release_at(self, tick: int) -> dict[str, Tensor]:
        """Release `[*B]` of one tick."""
        return {
            name: value.select(self.batch, tick) if value.dim() == self.batch + 1 else value
            for name, value in self.release.items()
            if value.dim() == self.batch + 1 or tick == 0
        }


def some_spikes(state: CircuitState) -> Tensor:
    """Spikes of any area, for their batch shape, device and dtype."""
    return next(iter(state.spikes.values()))[0]


def arriving(p: Projection, state: CircuitState, now: Mapping[str, Tensor]) -> Tensor:
    """The spikes `[*B, pre]` that arrive through a projection in this tick."""
    return now[p.source] if p.delay == 0 else state.spikes[p.source][p.delay - 1]


class Moment(NamedTuple):
    """What reaches a circuit from outside in one tick."""

    drive: Mapping[str, Tensor]  # area -> [*B, n]
    release: Mapping[str, Tensor]  # modulator -> [*B]
    noise: Mapping[str, Tensor]  # stochastic area -> uniform [*B, n]


class Noise:
    """The noise of the stochastic areas in a run, drawn for many ticks at once: the same bits as tick by tick."""

    BLOCK = 2**18
    """Numbers drawn at once, about."""

    def __init__(self, wiring: Wiring, state: CircuitState, steps: int) -> None:
        self.areas, self.clock, self.steps, self.dtype = wiring.noisy, state.clock, steps, some_spikes(state).dtype
        batch = some_spikes(state)[..., 0].numel()
        self.length = max(1, self.BLOCK // max(1, batch * sum(self.areas.values())))
        self.drawn: dict[str, Tensor] = {}

    def at(self, tick: int) -> dict[str, Tensor]:
        """Uniform numbers in [0, 1) by area, `[*B, n]` each."""
        if self.clock is None:
            return {}
        if tick % self.length == 0:
            ticks = torch.arange(tick, min(tick + self.length, self.steps), device=self.clock.key.device)
            keys = self.clock.key[..., None].expand(*self.clock.key.shape, len(ticks))
            streams = {noise_stream(area): n for area, n in self.areas.items()}
            drawn = rng.uniforms(keys, self.clock.tick[..., None] + ticks, streams)
            self.drawn = dict(zip(self.areas, drawn.values(), strict=True))
        return {name: block[..., tick % self.length, :].to(self.dtype) for name, block in self.drawn.items()}


def tick(
    wiring: Wiring,
    state: CircuitState,
    moment: Moment,
    gates: Gates,
    used: dict[str, Tensor],
    learning: bool,
    last: bool,
    propagate: Propagate,
) -> tuple[CircuitState, dict[str, Tensor]]:
    """One tick: gather, neurons, modulators, rules, clip. Returns the state and the modulator levels `[*B]`.

    `used` holds the used weights and is brought up to date, unless this tick is the `last` of its run.
    """
    now: dict[str, Tensor] = {}
    neurons, currents = {}, dict(state.currents)
    felt = {name: gates.clamped(name, level) for name, level in state.levels.items()}
    for name in wiring.order:
        current = gates.driven(name, moment.drive.get(name))
        for p in wiring.incoming[name]:
            part = propagate(arriving(p, state, now), used[p.name])
            if p.filter is not None:
                part = currents[p.name] = p.filter.step(currents[p.name], part, wiring.dt)
            if p.receptors:
                part = scaled(part, p.receptors, felt)
            current = part if current is None else current + part
        if current is None:
            current = torch.zeros_like(state.spikes[name][0])
        area = wiring.areas[name]
        if area.receptors:
            current = scaled(current, area.receptors, felt)
        step: Callable[..., tuple[Tensor, Any]] = area.neuron.step
        noise = (moment.noise[name],) if name in moment.noise else ()
        spikes, neurons[name] = step(state.neurons[name], current, wiring.dt, *noise)
        now[name] = gates.alive_only(name, spikes)
    levels, modulators = modulate(wiring, state, moment.release, gates, now)
    weights, traces = state.weights, state.traces
    if learning and wiring.plastic:
        weights, traces = learn(wiring, state, now, neurons, levels, gates)
        for p in () if last else wiring.plastic:
            used[p.name] = used_weight(weights[p.name], gates.gain.get(p.name))
    after = state._replace(
        neurons={name: neurons[name] for name in wiring.areas},
        spikes={name: (now[name], *state.spikes[name][:-1]) for name in wiring.areas},
        weights=weights,
        traces=traces,
        modulators=modulators,
        currents=currents,
        levels={name: levels[name] for name in wiring.felt},
    )
    return after, levels


def modulate(
    wiring: Wiring,
    state: CircuitState,
    release: Mapping[str, Tensor],
    gates: Gates,
    spikes: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """One tick of every modulator, some listening to the `spikes` of this tick: levels `[*B]` and next states."""
    levels, modulators = {}, {}
    for name, modulator in wiring.modulators.items():
        given = release.get(name)
        if given is None:
            given = torch.zeros_like(some_spikes(state)[..., 0])
        area = source(modulator)
        heard = () if area is None else (spikes[area],)
        step: Callable[..., tuple[Tensor, Any]] = modulator.step
        level, modulators[name] = step(state.modulators[name], gates.released(name, given), wiring.dt, *heard)
        levels[name] = gates.clamped(name, level)
    return levels, modulators


def learn(
    wiring: Wiring,
    state: CircuitState,
    now: Mapping[str, Tensor],
    neurons: Mapping[str, Any],
    levels: Mapping[str, Tensor],
    gates: Gates,
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """One tick of every rule: weights (changed, bounded, then normalised within the bounds) and next traces."""
    weights, traces = dict(state.weights), {}
    for p in wiring.plastic:
        assert p.rule is not None
        level = None if p.rule.modulator is None else levels[p.rule.modulator]
        before, mask = weights[p.name], state.masks.get(p.name)
        step: Callable[..., tuple[Tensor, Any]] = p.rule.step
        seen = (_read(neurons[p.target], leaf, p.target, gates) for leaf in reads(p.rule))
        pre = arriving(p, state, now)
        change, traces[p.name] = step(state.traces[p.name], before, pre, now[p.target], level, wiring.dt, *seen)
        if p.plasticity_receptors:
            change = scaled(change, p.plasticity_receptors, levels)
        after = before + gates.learned(p.name, change)
        after = after.clamp_(*wiring.bounds[p.name])
        if p.normalise is not None:
            after = normalised(masked(after, mask), p.normalise).clamp_(*wiring.bounds[p.name])
        after = after if mask is None else masked(after, mask)
        weights[p.name] = gates.unfrozen(p.name, after, before)
    return weights, traces


def _read(neurons: Any, leaf: str, area: str, gates: Gates) -> Tensor:
    """A leaf of an area's neuron state as a rule reads it: a silenced cell is expected to be silent."""
    value: Tensor = getattr(neurons, leaf)
    return gates.alive_only(area, value) if leaf == "expected" else value


class Swept(NamedTuple):
    """What a sweep computed, by area."""

    spikes: dict[str, Tensor]  # [*B, T, n]
    states: dict[str, tuple[list[NamedTuple], int, int]]  # group's neuron state after every tick, first unit, units
    levels: dict[str, list[Tensor]]  # modulator levels [*B] at every tick

    def state_at(self, area: str, tick: int) -> NamedTuple:
        """The neuron state of one area after a tick."""
        states, first, units = self.states[area]
        found: NamedTuple = tree.map(lambda leaf: leaf.narrow(-1, first, units), states[tick])
        return found


def sweep(
    wiring: Wiring, state: CircuitState, inputs: Inputs, gates: Gates, used: Mapping[str, Tensor], steps: int
) -> tuple[CircuitState, Swept]:
    """`steps` ticks without learning, area by area; `wiring.groups` must follow every projection."""
    found = Swept({}, {}, {name: [] for name in wiring.modulators})
    for group in wiring.groups:
        currents = [_current(wiring, state, inputs, gates, used, steps, found, name) for name in group]
        sizes = [current.shape[-1] for current in currents]
        before = [state.neurons[name] for name in group]
        states = [tree.map(lambda *leaves: torch.cat(leaves, -1), *before) if len(group) > 1 else before[0]]
        step: Callable[..., tuple[Tensor, Any]] = wiring.areas[group[0]].neuron.step
        each = []
        current = torch.cat(currents, -1) if len(group) > 1 else currents[0]
        for now in current.unbind(inputs.batch):
            spikes, after = step(states[-1], now, wiring.dt)
            each.append(spikes)
            states.append(after)
        first = 0
        for name, part in zip(group, torch.stack(each, dim=inputs.batch).split(sizes, -1), strict=True):
            found.spikes[name] = gates.alive_only(name, part)
            found.states[name] = (states[1:], first, part.shape[-1])
            first += part.shape[-1]
    modulated = state
    for now_tick in range(steps if wiring.modulators else 0):
        heard = {name: spikes.select(inputs.batch, now_tick) for name, spikes in found.spikes.items()}
        levels, modulators = modulate(wiring, modulated, inputs.release_at(now_tick), gates, heard)
        modulated = modulated._replace(modulators=modulators)
        for name, level in levels.items():
            found.levels[name].append(level)
    history = {}
    for name, old in state.spikes.items():
        newest = found.spikes[name].narrow(inputs.batch, max(0, steps - len(old)), min(steps, len(old)))
        history[name] = (*reversed(newest.unbind(inputs.batch)), *old)[: len(old)]
    neurons = {name: found.state_at(name, -1) for name in wiring.areas}
    return modulated._replace(neurons=neurons, spikes=history), found


def _current(
    wiring: Wiring,
    state: CircuitState,
    inputs: Inputs,
    gates: Gates,
    used: Mapping[str, Tensor],
    steps: int,
    found: Swept,
    name: str,
) -> Tensor:
    """The input current `[*B, T, n]` of one area, in the order of sums of `tick`."""
    current = _over_ticks(gates.driven(name, inputs.drive.get(name)), inputs.batch, steps)
    for p in wiring.incoming[name]:
        sent = found.spikes[p.source]
        if p.delay:
            past = torch.stack(state.spikes[p.source][: p.delay][::-1], dim=inputs.batch)
            sent = torch.cat((past, sent), dim=inputs.batch).narrow(inputs.batch, 0, steps)
        part = propagate_all(sent, used[p.name])
        current = part if current is None else current + part
    if current is None:
        silence = torch.zeros_like(state.spikes[name][0]).unsqueeze(inputs.batch)
        return silence.expand(*silence.shape[:-2], steps, silence.shape[-1])
    return current


def _over_ticks(value: Tensor | None, batch: int, steps: int) -> Tensor | None:
    """A constant `[*B, n]` or stretchwise `[*B, K, n]` value as `[*B, T, n]`."""
    if value is None:
        return None
    if value.dim() == batch + 2:
        stretch = steps // value.shape[batch]
        return value if stretch == 1 else value.repeat_interleave(stretch, dim=batch)
    return value.unsqueeze(batch).expand(*value.shape[:batch], steps, value.shape[-1])
