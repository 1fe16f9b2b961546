"""Areas, projections and modulators joined into a circuit that steps and learns.

One tick = gather currents, step neurons, step modulators, step rules, clip. A projection with
delay d >= 1 carries the spikes of d ticks ago, so the order of areas cannot matter; zero-delay projections
carry the spikes of this tick and are followed in graph order (they may form no cycle).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from bisnn import backend as backends
from bisnn import simulation
from bisnn.areas import Area, CircuitState, Clock, Projection
from bisnn.checks import check_drive, check_plan, check_release, check_run, check_weights
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Initialiser
from bisnn.modulators.base import Modulator
from bisnn.parameters import positive
from bisnn.probing import Probing
from bisnn.propagate import single, used_weight
from bisnn.recording import Probe, Recorder, Recording
from bisnn.simulation import Inputs, Moment, Noise, some_spikes
from bisnn.synapses import check_mask, masked, normalised
from bisnn.wiring import Wiring, wire

__all__ = ["Area", "Circuit", "CircuitState", "Projection"]

BUDGET = 2**30
"""Default limit of a recording, bytes."""
SWEPT = 2**26
"""Spikes that a sweep may hold at once; a longer run goes tick by tick, to the same bits."""


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
        positive(self, "dt")
        check_plan(self.areas, self.projections, self.modulators)
        _ = self.wiring

    @cached_property
    def wiring(self) -> Wiring:
        """The plan as the simulation needs it. Raises `ConfigError` for a cycle without delay."""
        return wire(self.areas, self.projections, self.modulators, self.dt)

    @cached_property
    def probing(self) -> Probing:
        """What can be recorded."""
        return Probing(self.areas, self.projections, self.modulators)

    @property
    def plastic(self) -> tuple[Projection, ...]:
        """The projections that have a rule."""
        return self.wiring.plastic

    @cached_property
    def memory(self) -> dict[str, int]:
        """How many past ticks of spikes each area keeps."""
        return {name: max([1, *(p.delay for p in self.projections if p.source == name)]) for name in self.areas}

    def init(self, key: Tensor, dtype: torch.dtype = torch.float32) -> CircuitState:
        """The state at rest for individuals `key` int64 `[*B]`, on its device.

        Raises `ConfigError` for a mask that is not 0 and 1, for weights that are not finite, against the sign of their
        area or, where they learn, out of bounds, and for a dtype other than float32 and float64.
        """
        if dtype not in (torch.float32, torch.float64):
            raise ConfigError(f"dtype is {dtype}; a circuit computes in torch.float32 or torch.float64")
        like = torch.zeros((), device=key.device, dtype=dtype)
        masks = {p.name: check_mask(p.name, self._drawn(p.mask, p, key, dtype)) for p in self.projections if p.mask}
        weights = {p.name: self._first_weights(p, key, masks.get(p.name), dtype) for p in self.projections}
        batch = key.shape
        state = CircuitState(
            neurons={},
            spikes={},
            weights=weights,
            traces={},
            modulators={name: m.init(like.expand(batch).clone()) for name, m in self.modulators.items()},
            currents={},
            masks=masks,
            levels={},
            clock=Clock(key, torch.zeros_like(key)) if self.wiring.noisy else None,
        )
        state = self._rested(state, batch, like)
        if not self.wiring.felt:
            return state
        silence = {name: spikes[0] for name, spikes in state.spikes.items()}
        levels, _ = simulation.modulate(self.wiring, state, {}, NO_GATES, silence)
        return state._replace(levels={name: levels[name] for name in self.wiring.felt})

    def _first_weights(self, p: Projection, key: Tensor, mask: Tensor | None, dtype: torch.dtype) -> Tensor:
        drawn = self._drawn(p.weight, p, key, dtype)
        weight = check_weights(p, self.areas[p.source], normalised(masked(drawn, mask), p.normalise), mask)
        return weight.contiguous() if p.rule else weight

    def _drawn(self, plan: Initialiser, p: Projection, key: Tensor, dtype: torch.dtype) -> Tensor:
        return plan.weights(key, p.name, self.areas[p.source].n, self.areas[p.target].n).to(dtype)

    def rest(self, state: CircuitState) -> CircuitState:
        """`state` with membranes, spikes, currents and traces at rest; weights, modulators and clock stay."""
        some = some_spikes(state)
        return self._rested(state, some.shape[:-1], some)

    def _rested(self, state: CircuitState, batch: tuple[int, ...], like: Tensor) -> CircuitState:
        def zeros(n: int) -> Tensor:
            return torch.zeros((*batch, n), device=like.device, dtype=like.dtype)

        return state._replace(
            neurons={name: area.neuron.init((*batch, area.n), like) for name, area in self.areas.items()},
            spikes={name: (zeros(area.n),) * self.memory[name] for name, area in self.areas.items()},
            traces={p.name: p.rule.init(state.weights[p.name]) for p in self.plastic if p.rule},
            currents={p.name: zeros(self.areas[p.target].n) for p in self.projections if p.filter},
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
        `used_weights(state, gates)` computed before. Raises `ShapeMismatch`, `UnknownName`, `StateMismatch` for the
        state of another circuit and for a drive or release that is not finite or of another dtype, and `ConfigError`
        when the probes would exceed `budget` bytes.
        """
        check_run(self.areas, state, steps, rest_every)
        some = some_spikes(state)
        check_drive(self.areas, some, drive, steps)
        check_release(self.modulators, some[..., 0], release or {}, steps)
        self.probing.check(probes)
        zero = {name: some[..., 0] for name in self.modulators}
        recorder = Recorder(tuple(probes), self.probing.values(state, zero, probes), steps, budget)
        given = self.used_weights(state, gates) if used is None else used
        weights = {name: single(weight) for name, weight in given.items()}
        batch = some.dim() - 1
        inputs = Inputs(drive, release or {}, batch, steps)
        backend = backends.resolve(self.backend, some.device)
        free = backend.name == "torch" and not (learning or rest_every) and self.wiring.sweepable
        held = steps * sum(spikes[0].numel() for spikes in state.spikes.values())
        if free and steps > 1 and held <= SWEPT:
            state, swept = simulation.sweep(self.wiring, state, inputs, gates, weights, steps)
            traces = {p.name: self.probing.swept(state, swept, p) for p in probes}
            return state, recorder.gather(traces, batch, self.dt)
        noise = Noise(self.wiring, state, steps)
        for tick in range(steps):
            if rest_every and tick % rest_every == 0:
                state = self.rest(state)
            moment = Moment(inputs.drive_at(tick), inputs.release_at(tick), noise.at(tick))
            state, levels = simulation.tick(
                self.wiring, state, moment, gates, weights, learning, tick == steps - 1, backend.propagate
            )
            if probes:
                recorder.keep(tick, self.probing.values(state, levels, probes))
        if state.clock is not None:
            state = state._replace(clock=state.clock._replace(tick=state.clock.tick + steps))
        return state, recorder.finish(batch, self.dt)

    def fields(self, target: str) -> tuple[str, ...]:
        """What can be recorded of an area, projection or modulator. Raises `UnknownName`."""
        return self.probing.fields(target)

    @property
    def names(self) -> tuple[str, ...]:
        """Every area, projection and modulator."""
        return self.probing.names
