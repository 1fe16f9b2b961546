"""What of a circuit can be recorded, and its values at a tick or over a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bisnn import tree
from bisnn.areas import Area, CircuitState, Projection
from bisnn.errors import UnknownName
from bisnn.modulators.base import Modulator
from bisnn.recording import Probe
from bisnn.simulation import Swept


class Probing:
    """The quantities of a circuit's areas, projections and modulators, by name."""

    def __init__(
        self, areas: Mapping[str, Area], projections: Sequence[Projection], modulators: Mapping[str, Modulator]
    ) -> None:
        self.areas, self.modulators = areas, modulators
        self.projections = {p.name: p for p in projections}

    def fields(self, target: str) -> tuple[str, ...]:
        """What can be recorded of an area, projection or modulator. Raises `UnknownName`."""
        like = torch.zeros(())
        if target in self.areas:
            area = self.areas[target]
            level = ("level",) if target in self.modulators else ()
            return ("spikes", *area.neuron.init((area.n,), like)._fields, *level)
        if target in self.projections:
            p = self.projections[target]
            traces = p.rule.init(torch.zeros(1, 1)) if p.rule else ()
            return ("weight", *(path for path, _ in tree.leaves(traces)), *(("current",) if p.filter else ()))
        if target in self.modulators:
            return ("level",)
        raise UnknownName("area, projection or modulator", target, self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Every area, projection and modulator."""
        return (*self.areas, *self.projections, *self.modulators)

    def check(self, probes: Sequence[Probe]) -> None:
        """Raises `UnknownName` for a probe of something that does not exist."""
        for probe in probes:
            if probe.field not in self.fields(probe.target):
                raise UnknownName(f"quantity of {probe.target!r}", probe.field, self.fields(probe.target))

    def values(self, state: CircuitState, levels: Mapping[str, Tensor], probes: Sequence[Probe]) -> dict[str, Tensor]:
        """The probed quantities by name, at this state and these modulator levels."""
        return {probe.name: self._value(state, levels, probe) for probe in probes}

    def _is_level(self, probe: Probe) -> bool:
        """Whether the level of a modulator is meant, which an area of the same name does not hide."""
        return probe.field == "level" and probe.target in self.modulators

    def _value(self, state: CircuitState, levels: Mapping[str, Tensor], probe: Probe) -> Tensor:
        if self._is_level(probe):
            return levels[probe.target]
        if probe.target in self.areas:
            if probe.field == "spikes":
                return state.spikes[probe.target][0]
            found: Tensor = getattr(state.neurons[probe.target], probe.field)
            return found
        if probe.field == "weight":
            return state.weights[probe.target]
        if probe.field == "current":
            return state.currents[probe.target]
        return dict(tree.leaves(state.traces[probe.target]))[probe.field]

    def swept(self, state: CircuitState, swept: Swept, probe: Probe) -> Tensor | list[Tensor]:
        """A probed quantity of a sweep: `[*B, T, n]`, or its values tick by tick."""
        if self._is_level(probe):
            return swept.levels[probe.target]
        if probe.target in self.areas:
            if probe.field == "spikes":
                return swept.spikes[probe.target]
            ticks = len(swept.states[probe.target][0])
            return [getattr(swept.state_at(probe.target, tick), probe.field) for tick in range(ticks)]
        return [self._value(state, {}, probe)] * len(next(iter(swept.states.values()))[0])
