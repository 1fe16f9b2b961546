"""Areas, projections and modulators joined into a circuit that steps and learns.

One tick = gather currents, step neurons, step modulators, step rules, clip. A projection with
delay d >= 1 carries the spikes of d ticks ago, so the order of areas cannot matter; zero-delay projections
carry the spikes of this tick and are followed in graph order (they may form no cycle).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

import torch
from torch import Tensor

from bisnn import backend as backends
from bisnn import simulation
from bisnn.areas import Area, CircuitState, Projection
from bisnn.errors import ConfigError, ShapeMismatch, StateMismatch, UnknownName
from bisnn.gates import NO_GATES, Gates
from bisnn.modulators.base import Modulator
from bisnn.propagate import check_exact, single, used_weight
from bisnn.recording import Probe, Recorder, Recording
from bisnn.simulation import Inputs, Swept, Wiring, some_spikes

__all__ = ["Area", "Circuit", "CircuitState", "Projection"]

BUDGET = 2**30
"""Default limit of a recording, bytes."""


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """A plan of areas, projections and modulators; `init`, `step` and `run` are pure.

    Raises `UnknownName` for a projection end or modulator that does not exist, and `ConfigError` for a cycle
    without delay, a repeated projection, or weights too large for exact sums.
    """

    areas: Mapping[str, Area]
    projections: tuple[Projection, ...] = ()
    modulators: Mapping[str, Modulator] = field(default_factory=dict)
    dt: float = 1.0
    """Length of a tick, ms."""
    backend: str = "torch"
    """What computes `propagate`: torch, cuda or auto."""

    def __post_init__(self) -> None:
        seen = set[str]()
        for projection in self.projections:
            for end in (projection.source, projection.target):
                if end not in self.areas:
                    raise UnknownName("area", end, self.areas)
            if projection.name in seen:
                raise ConfigError(f"projection {projection.name!r} is declared twice; merge the two")
            seen.add(projection.name)
            modulator = projection.rule.modulator if projection.rule else None
            if modulator is not None and modulator not in self.modulators:
                raise UnknownName("modulator", modulator, self.modulators)
            if projection.delay < 0:
                raise ConfigError(f"projection {projection.name!r} has delay {projection.delay}; delays start at 0")
            bound = max(map(abs, projection.bounds)) if projection.rule else 0.0
            check_exact(projection.name, self.areas[projection.source].n, max(bound, projection.weight.largest))
        _ = self.order

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Areas in an order that follows every zero-delay projection, and every projection where that is possible."""
        try:
            order = self._sorted(self.projections)
        except CycleError:
            order = None
        if order is not None:
            return order
        try:
            return self._sorted(tuple(p for p in self.projections if p.delay == 0))
        except CycleError as error:
            cycle = " -> ".join(error.args[1])
            raise ConfigError(f"zero-delay projections form a cycle ({cycle}); give one of them delay=1") from None

    def _sorted(self, projections: Sequence[Projection]) -> tuple[str, ...]:
        graph: dict[str, set[str]] = {name: set() for name in self.areas}
        for projection in projections:
            graph[projection.target].add(projection.source)
        return tuple(TopologicalSorter(graph).static_order())

    @cached_property
    def feedforward(self) -> bool:
        """Whether no spike can come back to its area, so that a run without learning can be swept."""
        rank = {name: i for i, name in enumerate(self.order)}
        return all(rank[p.source] < rank[p.target] for p in self.projections)

    @cached_property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Areas by depth and neuron model: those of a group never reach each other, so they can be swept together."""
        depth: dict[str, int] = {}
        for name in self.order:
            depth[name] = max((depth[p.source] + 1 for p in self.incoming[name] if p.source in depth), default=0)
        found: list[list[str]] = []
        for name in sorted(self.order, key=lambda area: depth[area]):
            for group in found:
                same = self.areas[group[0]].neuron == self.areas[name].neuron
                if depth[group[0]] == depth[name] and same:
                    group.append(name)
                    break
            else:
                found.append([name])
        return tuple(tuple(group) for group in found)

    @cached_property
    def wiring(self) -> Wiring:
        """The plan as the simulation needs it."""
        return Wiring(self.areas, self.order, self.groups, self.incoming, self.plastic, self.modulators, self.dt)

    @cached_property
    def incoming(self) -> dict[str, tuple[Projection, ...]]:
        """The projections into each area."""
        return {name: tuple(p for p in self.projections if p.target == name) for name in self.areas}

    @cached_property
    def plastic(self) -> tuple[Projection, ...]:
        """The projections that have a rule."""
        return tuple(p for p in self.projections if p.rule is not None)

    @cached_property
    def memory(self) -> dict[str, int]:
        """How many past ticks of spikes each area keeps."""
        return {name: max([1, *(p.delay for p in self.projections if p.source == name)]) for name in self.areas}

    def init(self, key: Tensor, dtype: torch.dtype = torch.float32) -> CircuitState:
        """The state at rest for individuals `key` int64 `[*B]`, on its device."""
        like = torch.zeros((), device=key.device, dtype=dtype)
        weights = {
            p.name: p.weight.weights(key, p.name, self.areas[p.source].n, self.areas[p.target].n).to(dtype)
            for p in self.projections
        }
        weights |= {p.name: weights[p.name].contiguous() for p in self.plastic}
        return CircuitState(
            neurons={name: area.neuron.init((*key.shape, area.n), like) for name, area in self.areas.items()},
            spikes={name: self._silence((*key.shape, area.n), like, name) for name, area in self.areas.items()},
            weights=weights,
            traces={p.name: p.rule.init(weights[p.name]) for p in self.plastic if p.rule},
            modulators={name: m.init(like.expand(key.shape).clone()) for name, m in self.modulators.items()},
        )

    def _silence(self, shape: tuple[int, ...], like: Tensor, name: str) -> tuple[Tensor, ...]:
        return (torch.zeros(shape, device=like.device, dtype=like.dtype),) * self.memory[name]

    def rest(self, state: CircuitState) -> CircuitState:
        """`state` with membranes, spikes and traces at rest; weights and modulators stay."""
        some = some_spikes(state)
        batch = some.shape[:-1]
        return state._replace(
            neurons={name: area.neuron.init((*batch, area.n), some) for name, area in self.areas.items()},
            spikes={name: self._silence((*batch, area.n), some, name) for name, area in self.areas.items()},
            traces={p.name: p.rule.init(state.weights[p.name]) for p in self.plastic if p.rule},
        )

    def used_weights(self, state: CircuitState, gates: Gates = NO_GATES) -> dict[str, Tensor]:
        """The weights as used: gain times weight, on the grid, `[*B, pre, post]` each."""
        return {name: used_weight(weight, gates.gain.get(name)) for name, weight in state.weights.items()}

    def step(
        self,
        state: CircuitState,
        drive: Mapping[str, Tensor],
        release: Mapping[str, Tensor] | None = None,
        gates: Gates = NO_GATES,
    ) -> CircuitState:
        """One tick with external `drive` (area -> `[*B, n]`) and `release` (modulator -> `[*B]`)."""
        return self.run(state, drive, release, gates, steps=1)[0]

    def run(
        self,
        state: CircuitState,
        drive: Mapping[str, Tensor],
        release: Mapping[str, Tensor] | None = None,
        gates: Gates = NO_GATES,
        *,
        steps: int,
        learning: bool = True,
        rest_every: int | None = None,
        probes: Sequence[Probe] = (),
        used: Mapping[str, Tensor] | None = None,
        budget: int = BUDGET,
    ) -> tuple[CircuitState, Recording]:
        """`steps` ticks.

        `drive` is constant (`[*B, n]`) or given for K equal stretches (`[*B, K, n]`; K = steps: per tick);
        `release` arrives at the first tick (`[*B]`) or per tick (`[*B, steps]`). Without `learning`, rules and traces
        stand still. With `rest_every`, membranes, spikes and traces return to rest every so many ticks. `used` may hold
        `used_weights(state, gates)` computed before. Raises `ShapeMismatch`, `UnknownName`, `StateMismatch` for a drive
        that is not finite, and `ConfigError` when the probes would exceed `budget` bytes.
        """
        self._check(state, drive, steps)
        self._check_release(state, release or {}, steps)
        recorder = Recorder(tuple(probes), self._sizes(state, probes), steps, budget)
        given = self.used_weights(state, gates) if used is None else used
        weights = {name: single(weight) for name, weight in given.items()}
        batch = some_spikes(state).dim() - 1
        inputs = Inputs(drive, release or {}, batch, steps)
        backend = backends.resolve(self.backend, some_spikes(state).device)
        if backend.name == "torch" and not (learning or rest_every) and self.feedforward and steps > 1:
            state, swept = simulation.sweep(self.wiring, state, inputs, gates, weights, steps)
            traces = {p.name: self._swept(state, swept, p) for p in probes}
            return state, recorder.gather(traces, batch, self.dt)
        for tick in range(steps):
            if rest_every and tick % rest_every == 0:
                state = self.rest(state)
            now, given = inputs.drive_at(tick), inputs.release_at(tick)
            state, levels = simulation.tick(
                self.wiring, state, now, given, gates, weights, learning, tick == steps - 1, backend.propagate
            )
            if probes:
                recorder.keep(tick, self._values(state, levels, probes))
        return state, recorder.finish(batch, self.dt)

    def _swept(self, state: CircuitState, swept: Swept, probe: Probe) -> Tensor | list[Tensor]:
        """A probed quantity of a sweep: `[*B, T, n]`, or its values tick by tick."""
        if probe.target in self.areas:
            if probe.field == "spikes":
                return swept.spikes[probe.target]
            ticks = len(swept.states[probe.target][0])
            return [getattr(swept.state_at(probe.target, tick), probe.field) for tick in range(ticks)]
        if probe.target in self.modulators:
            return swept.levels[probe.target]
        constant = self._values(state, {}, (probe,))[probe.name]
        return [constant] * len(next(iter(swept.states.values()))[0])

    def fields(self, target: str) -> tuple[str, ...]:
        """What can be recorded of an area, projection or modulator."""
        like = torch.zeros(())
        if target in self.areas:
            return ("spikes", *self.areas[target].neuron.init((1,), like)._fields)
        for p in self.projections:
            if p.name == target:
                return ("weight", *(p.rule.init(torch.zeros(1, 1))._fields if p.rule else ()))
        if target in self.modulators:
            return ("level",)
        raise UnknownName("area, projection or modulator", target, self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Every area, projection and modulator."""
        return (*self.areas, *(p.name for p in self.projections), *self.modulators)

    def _values(self, state: CircuitState, levels: Mapping[str, Tensor], probes: Sequence[Probe]) -> dict[str, Tensor]:
        found = {}
        for probe in probes:
            if probe.target in self.areas:
                area = state.neurons[probe.target]
                value = state.spikes[probe.target][0] if probe.field == "spikes" else getattr(area, probe.field)
            elif probe.target in self.modulators:
                value = levels[probe.target]
            elif probe.field == "weight":
                value = state.weights[probe.target]
            else:
                value = getattr(state.traces[probe.target], probe.field)
            found[probe.name] = value
        return found

    def _sizes(self, state: CircuitState, probes: Sequence[Probe]) -> dict[str, int]:
        for probe in probes:
            if probe.field not in self.fields(probe.target):
                raise UnknownName(f"quantity of {probe.target!r}", probe.field, self.fields(probe.target))
        some = some_spikes(state)
        zero = {name: some[..., 0] for name in self.modulators}
        kept = {probe.name: probe.part(self._values(state, zero, (probe,))[probe.name]) for probe in probes}
        return {name: value.numel() * value.element_size() for name, value in kept.items()}

    def _check(self, state: CircuitState, drive: Mapping[str, Tensor], steps: int) -> None:
        if steps < 1:
            raise ConfigError(f"steps is {steps}; a run has at least one tick")
        for name, value in drive.items():
            if name not in self.areas:
                raise UnknownName("area", name, self.areas)
            if value.numel() and not bool(torch.isfinite(torch.stack(value.aminmax())).all()):
                raise StateMismatch(f"drive of {name!r} holds NaN or Infinity; mend what computes it")
            rest = state.spikes[name][0].shape
            stretches = value.shape[-2] if value.dim() == len(rest) + 1 else 1
            wanted = rest if value.dim() == len(rest) else (*rest[:-1], stretches, rest[-1])
            if value.shape != wanted or stretches < 1 or steps % stretches:
                raise ShapeMismatch(
                    f"drive of {name!r} is {list(value.shape)}; it must be {list(rest)} (constant) or "
                    f"{[*rest[:-1], 'K', rest[-1]]} with K a divisor of {steps} (per tick: K = {steps})"
                )

    def _check_release(self, state: CircuitState, release: Mapping[str, Tensor], steps: int) -> None:
        batch = some_spikes(state).shape[:-1]
        for name, value in release.items():
            if name not in self.modulators:
                raise UnknownName("modulator", name, self.modulators)
            if value.shape not in (batch, (*batch, steps)):
                raise ShapeMismatch(
                    f"release of {name!r} is {list(value.shape)}; it must be {list(batch)} (first tick) or "
                    f"{[*batch, steps]} (per tick)"
                )
