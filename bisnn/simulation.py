"""The simulation of a circuit: the tick, and the sweep that computes many ticks area by area.

Both use the same steps of the same neurons. A tick goes through all areas once. Without learning, a circuit
whose projections form no cycle can also be swept: an area sees all ticks of its input at once, which
needs one matrix product per projection instead of one per tick. Sums of weighted spikes are exact, so the bits
are the same; a sweep is a matter of speed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.areas import Area, CircuitState, Projection
from bisnn.gates import Gates
from bisnn.modulators.base import Modulator
from bisnn.propagate import propagate_all, used_weight

Propagate = Callable[[Tensor, Tensor], Tensor]
"""Spikes `[*B, pre]` and used weights to currents `[*B, post]`."""


class Wiring(NamedTuple):
    """What a simulation needs to know of a circuit."""

    areas: Mapping[str, Area]
    order: tuple[str, ...]  # areas, each after those that reach it within a tick
    incoming: Mapping[str, tuple[Projection, ...]]
    plastic: tuple[Projection, ...]
    modulators: Mapping[str, Modulator]
    dt: float


class Inputs(NamedTuple):
    """What reaches a circuit from outside."""

    drive: Mapping[str, Tensor]  # area -> [*B, n] or [*B, T, n]
    release: Mapping[str, Tensor]  # modulator -> [*B] at the first tick, or [*B, T]
    batch: int  # number of dims in *B

    def drive_at(self, tick: int) -> dict[str, Tensor]:
        """Drive `[*B, n]` of one tick."""
        return {
            name: value if value.dim() == self.batch + 1 else value.select(self.batch, tick)
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


def tick(
    wiring: Wiring,
    state: CircuitState,
    drive: Mapping[str, Tensor],
    release: Mapping[str, Tensor],
    gates: Gates,
    used: dict[str, Tensor],
    learning: bool,
    propagate: Propagate,
) -> tuple[CircuitState, dict[str, Tensor]]:
    """One tick: gather, neurons, modulators, rules, clip. Returns the state and the modulator levels `[*B]`.

    `used` holds the used weights and is brought up to date.
    """
    now: dict[str, Tensor] = {}
    neurons = {}
    for name in wiring.order:
        current = gates.driven(name, drive.get(name))
        for p in wiring.incoming[name]:
            part = propagate(arriving(p, state, now), used[p.name])
            current = part if current is None else current + part
        if current is None:
            current = torch.zeros_like(state.spikes[name][0])
        spikes, neurons[name] = wiring.areas[name].neuron.step(state.neurons[name], current, wiring.dt)
        now[name] = gates.alive_only(name, spikes)
    levels, modulators = modulate(wiring, state, release, gates)
    weights, traces = state.weights, state.traces
    if learning and wiring.plastic:
        weights, traces = learn(wiring, state, now, levels, gates, used)
    history = {name: (now[name], *state.spikes[name][:-1]) for name in wiring.areas}
    return CircuitState(neurons, history, weights, traces, modulators), levels


def modulate(
    wiring: Wiring, state: CircuitState, release: Mapping[str, Tensor], gates: Gates
) -> tuple[dict[str, Tensor], dict[str, NamedTuple]]:
    """One tick of every modulator: levels `[*B]` and next states."""
    levels, modulators = {}, {}
    for name, modulator in wiring.modulators.items():
        given = release.get(name)
        if given is None:
            given = torch.zeros_like(some_spikes(state)[..., 0])
        level, modulators[name] = modulator.step(state.modulators[name], gates.released(name, given), wiring.dt)
        levels[name] = gates.clamped(name, level)
    return levels, modulators


def learn(
    wiring: Wiring,
    state: CircuitState,
    now: Mapping[str, Tensor],
    levels: Mapping[str, Tensor],
    gates: Gates,
    used: dict[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, NamedTuple]]:
    """One tick of every rule: weights (changed, then bounded) and next traces."""
    weights, traces = dict(state.weights), {}
    for p in wiring.plastic:
        assert p.rule is not None
        level = None if p.rule.modulator is None else levels[p.rule.modulator]
        before = weights[p.name]
        pre = arriving(p, state, now)
        change, traces[p.name] = p.rule.step(state.traces[p.name], before, pre, now[p.target], level, wiring.dt)
        weights[p.name] = (before + gates.learned(p.name, change)).clamp_(*p.bounds)
        used[p.name] = used_weight(weights[p.name], gates.gain.get(p.name))
    return weights, traces


class Swept(NamedTuple):
    """What a sweep computed, by area."""

    spikes: dict[str, Tensor]  # [*B, T, n]
    states: dict[str, list[NamedTuple]]  # the neuron state after every tick
    levels: dict[str, list[Tensor]]  # modulator levels [*B] at every tick


def sweep(
    wiring: Wiring, state: CircuitState, inputs: Inputs, gates: Gates, used: Mapping[str, Tensor], steps: int
) -> tuple[CircuitState, Swept]:
    """`steps` ticks without learning, area by area; `wiring.order` must follow every projection."""
    found = Swept({}, {}, {name: [] for name in wiring.modulators})
    for name in wiring.order:
        current = _over_ticks(gates.driven(name, inputs.drive.get(name)), inputs.batch, steps)
        for p in wiring.incoming[name]:
            sent = found.spikes[p.source]
            if p.delay:
                past = torch.stack(state.spikes[p.source][: p.delay][::-1], dim=inputs.batch)
                sent = torch.cat((past, sent), dim=inputs.batch).narrow(inputs.batch, 0, steps)
            part = propagate_all(sent, used[p.name])
            current = part if current is None else current + part
        if current is None:
            current = _over_ticks(torch.zeros_like(state.spikes[name][0]), inputs.batch, steps)
        neuron, each, states = wiring.areas[name].neuron, [], [state.neurons[name]]
        for now in current.unbind(inputs.batch):
            spikes, after = neuron.step(states[-1], now, wiring.dt)
            each.append(spikes)
            states.append(after)
        found.spikes[name] = gates.alive_only(name, torch.stack(each, dim=inputs.batch))
        found.states[name] = states[1:]
    modulated = state
    for now_tick in range(steps if wiring.modulators else 0):
        levels, modulators = modulate(wiring, modulated, inputs.release_at(now_tick), gates)
        modulated = modulated._replace(modulators=modulators)
        for name, level in levels.items():
            found.levels[name].append(level)
    history = {}
    for name, old in state.spikes.items():
        newest = found.spikes[name].narrow(inputs.batch, max(0, steps - len(old)), min(steps, len(old)))
        history[name] = (*reversed(newest.unbind(inputs.batch)), *old)[: len(old)]
    neurons = {name: states[-1] for name, states in found.states.items()}
    return modulated._replace(neurons=neurons, spikes=history), found


def _over_ticks(value: Tensor | None, batch: int, steps: int) -> Tensor | None:
    """A constant `[*B, n]` or per-tick `[*B, T, n]` value as `[*B, T, n]`."""
    if value is None or value.dim() == batch + 2:
        return value
    return value.unsqueeze(batch).expand(*value.shape[:batch], steps, value.shape[-1])
