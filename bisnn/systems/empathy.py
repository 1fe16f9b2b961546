"""Affective empathy: mirror neurons (IFG) and anti-mirror neurons (SMA) that grow from the own experience of pain.

While the agent is in pain it sees its own expression: STDP binds seen expression to the IFG cells that its own
emotion drives (perception->ifg, excitation) and to the SMA cells that express it (perception->sma,
inhibition). Afterwards the expression of another alone drives the same IFG cells, and they drive the affect
area (vicarious affect), while SMA and M1 stay silent: the distress is shared and known as the other's. In the graded
network a temporo-parietal gate (TPJ) keeps it apart from own pain as well, which is read from the insula.

Feng, Zeng, Lu (2022) Front. Comput. Neurosci. doi:10.3389/fncom.2022.784967;
Zhao et al. (2025) IEEE Trans. Affect. Comput. doi:10.1109/taffc.2025.3627936
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.circuit import Circuit, CircuitState
from bisnn.coding import direct
from bisnn.gates import NO_GATES, Gates
from bisnn.neurons import IFState
from bisnn.recording import Probe, Recording

Range = tuple[int, int]
READ = ("ifg", "affect", "insula", "dopamine")
"""The areas that a percept is read from, where the network has them."""


class Percept(NamedTuple):
    """What the network feels of another, read from its spikes."""

    mirror: Tensor  # [*B] mean firing of the pain mirror cells in IFG, spikes per tick
    affect: Tensor  # [*B] mean firing of the pain half of the affect area, spikes per tick
    own: Tensor  # [*B] mean firing of the pain half of the insula: what is felt as own pain, spikes per tick
    dopamine: Tensor  # [*B] firing of the dopamine area against its tonic rate, -1 silent, 0 tonic, 1 twice tonic


@dataclass(frozen=True, kw_only=True)
class Empathy:
    """A network of affective empathy: its circuit, its groups of cells, its phases."""

    circuit: Circuit
    """The areas and projections (see `bisnn.systems.empathy_presets`)."""
    pain: Mapping[str, Range]
    """Area -> units that stand for pain (first, past the last)."""
    neutral: Mapping[str, Range]
    """Area -> units that stand for its absence."""
    ticks: int = 20
    """Ticks of one step of own experience."""
    glance: int = 20
    """Ticks of one observation of another."""
    sight: int = 2
    """Ticks until a change of the own expression becomes visible."""
    settle: int = 4
    """Ticks left out of the read-out."""
    tonic: float = 0.0
    """Tonic drive of the dopamine area (0: it has none)."""
    tonic_rate: float = 0.5
    """Firing that the tonic drive causes, spikes per tick."""
    cycle: float = 1.0
    """Threshold of the tonic dopamine cells: their potentials start spread from 0 to here."""
    held: Mapping[str, float] = field(default_factory=dict)
    """Area -> its tonic inhibition: the drive that its input must outweigh."""

    def init(self, key: Tensor) -> CircuitState:
        """A network without experience, for individuals `key` int64 `[*B]`."""
        return self.circuit.init(key)

    @cached_property
    def reading(self) -> Empathy:
        """The part of the network that a percept needs: the areas in `READ`, and all that reach them."""
        kept = {name for name in READ if name in self.circuit.areas}
        for name in reversed(self.circuit.wiring.order):
            if name in kept:
                kept |= {p.source for p in self.circuit.projections if p.target == name}
        areas = {name: area for name, area in self.circuit.areas.items() if name in kept}
        projections = tuple(p for p in self.circuit.projections if p.target in kept)
        held = {name: against for name, against in self.held.items() if name in kept}
        return replace(self, circuit=replace(self.circuit, areas=areas, projections=projections), held=held)

    def part(self, state: CircuitState) -> CircuitState:
        """What belongs to this network in the `state` of one that holds it."""
        areas, names = self.circuit.areas, [p.name for p in self.circuit.projections]
        return state._replace(
            neurons={name: state.neurons[name] for name in areas},
            spikes={name: state.spikes[name] for name in areas},
            weights={name: state.weights[name] for name in names},
            traces={name: trace for name, trace in state.traces.items() if name in names},
        )

    def inhibited(self, level: Tensor) -> Tensor:
        """Which mirror cells the inhibitory pool holds down: round((1 - level) n) of them, `[*B]` to `[*B, n]`."""
        n = self.circuit.areas["inhibition"].n
        rank = torch.arange(n, device=level.device)
        return (torch.round((1.0 - level) * n)[..., None] > rank).to(torch.float32)

    def rest(self, state: CircuitState) -> CircuitState:
        """Membranes and traces at rest; tonic dopamine cells are spread over their cycle, so their mean is smooth."""
        state = self.circuit.rest(state)
        if not self.tonic:
            return state
        area = state.neurons["dopamine"]
        n = area.v.shape[-1]
        phase = torch.arange(n, device=area.v.device, dtype=area.v.dtype) * (self.cycle / n)
        return state._replace(neurons={**state.neurons, "dopamine": IFState(v=phase.expand(area.v.shape))})

    def own_pattern(self, cells: Tensor) -> Tensor:
        """Pattern `[*B, n_emotion]` of active pain cells `[*B, n_pain]`, or the neutral half if none is."""
        first, last = self.neutral["emotion"]
        calm = (cells.sum(-1, keepdim=True) == 0).to(cells.dtype)
        return torch.cat((cells, calm.expand(*cells.shape[:-1], last - first)), dim=-1)

    def drive(self, own: Tensor | None, seen: Tensor | None, level: Tensor | None) -> dict[str, Tensor]:
        """External drive of one environment step, constant over its ticks, `[*B, n]` by area."""
        given = {}
        if own is not None:
            given["emotion"] = direct(own)
        if seen is not None:
            given["perception"] = direct(seen)
        if level is not None and "inhibition" in self.circuit.areas:
            given["inhibition"] = direct(self.inhibited(level))
        some = next(iter(given.values()))
        standing = {"dopamine": self.tonic} if self.tonic else {}
        for area, tonic in (standing | {name: -against for name, against in self.held.items()}).items():
            n = self.circuit.areas[area].n
            given[area] = torch.full((), tonic, device=some.device).expand(*some.shape[:-1], n)
        return given

    def experience(
        self,
        state: CircuitState,
        own: Tensor,
        expression: Tensor,
        level: Tensor | None = None,
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[CircuitState, Recording]:
        """One step of own experience, with learning.

        `own` `[*B, n_emotion]`: the bodily emotion; `expression` `[*B, n_perception]`: the own expression, seen
        from tick `sight` on. Membranes and traces start at rest.
        """
        given = self.drive(own, expression, level)
        late = torch.arange(self.ticks, device=own.device) >= self.sight
        given["perception"] = given["perception"][..., None, :] * late.to(own.dtype)[:, None]
        state, seen = self.circuit.run(self.rest(state), given, None, gates, steps=self.ticks, probes=probes)
        return self.circuit.rest(state), seen

    def observe(
        self,
        state: CircuitState,
        expression: Tensor,
        level: Tensor | None = None,
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
        used: Mapping[str, Tensor] | None = None,
        own: Tensor | None = None,
    ) -> tuple[Percept, Recording]:
        """One step of observation: another's `expression` `[*B, n_perception]`, frozen weights, own body silent.

        With `own` `[*B, n_emotion]` the own body speaks too. Nothing of the pass remains in the network. Areas that
        neither a percept nor a probe reads, nor any area that they read hears, are left out of the pass.
        """
        wanted = tuple(Probe(name) for name in READ if name in self.circuit.areas)
        extra = tuple(probe for probe in probes if probe not in wanted)
        plan = self if extra else self.reading
        _, seen = plan.circuit.run(
            plan.rest(plan.part(state)),
            plan.drive(own, expression, level),
            None,
            gates,
            steps=self.glance,
            learning=False,
            probes=(*wanted, *extra),
            used=used,
        )
        return self.read(seen), seen

    def read(self, seen: Recording) -> Percept:
        """The percept in a recording of an observation."""
        mirror = self.firing(seen, "ifg", self.pain["ifg"])
        affect = self.firing(seen, "affect", self.pain["affect"]) if "affect.spikes" in seen.traces else mirror
        own = torch.zeros_like(mirror)
        if "insula.spikes" in seen.traces:
            own = self.firing(seen, "insula", self.pain["insula"])
        dopamine = torch.zeros_like(mirror)
        if "dopamine.spikes" in seen.traces:
            firing = _firing(seen["dopamine.spikes"][..., self.settle :, :])
            dopamine = (firing - self.tonic_rate) * (1.0 / self.tonic_rate) if self.tonic else firing
        return Percept(mirror, affect, own, dopamine)

    def firing(self, seen: Recording, area: str, units: Range) -> Tensor:
        """Mean spikes per tick and unit of some units of an area, after the first `settle` ticks, `[*B]`."""
        return _firing(seen[f"{area}.spikes"][..., self.settle :, units[0] : units[1]])


def _firing(spikes: Tensor) -> Tensor:
    """Mean spikes per tick and unit: `[*B, T, n]` to `[*B]`. Counts are summed first, so no order can matter."""
    return spikes.sum((-2, -1)) * (1.0 / spikes.shape[-2]) * (1.0 / spikes.shape[-1])


class Census(NamedTuple):
    """Counts of cells by what makes them fire, `[*B]` each."""

    mirror_pain: Tensor  # IFG cells that fire for own and seen pain alone
    mirror_neutral: Tensor  # IFG cells that fire for own and seen absence of pain alone
    non_selective: Tensor  # IFG cells that fire for all four
    anti_mirror_sma: Tensor  # SMA cells that fire for an own state and not for the same state seen
    anti_mirror_m1: Tensor  # the same in M1


def census(network: Empathy, state: CircuitState, gates: Gates = NO_GATES, level: Tensor | None = None) -> Census:
    """Classify every cell by four probe trials: pain and its absence, own (with sight) and seen (weights frozen)."""
    fires = {}
    some = next(iter(state.spikes.values()))[0]
    for feeling, ranges in (("pain", network.pain), ("neutral", network.neutral)):
        for who in ("own", "seen"):
            patterns = {}
            for area in ("emotion", "perception"):
                first, last = ranges[area]
                pattern = torch.zeros(*some.shape[:-1], network.circuit.areas[area].n, device=some.device)
                pattern[..., first:last] = 1.0
                patterns[area] = pattern
            own = patterns["emotion"] if who == "own" else None
            probes = (Probe("sma"), Probe("m1"))
            _, seen = network.observe(state, patterns["perception"], level, gates, probes, own=own)
            for area in ("ifg", "sma", "m1"):
                fires[area, feeling, who] = seen[f"{area}.spikes"].sum(-2) > 0

    def ifg(*answer: bool) -> Tensor:
        cases = (("pain", "own"), ("pain", "seen"), ("neutral", "own"), ("neutral", "seen"))
        match = [fires["ifg", *case] == wanted for case, wanted in zip(cases, answer, strict=True)]
        return torch.stack(match).all(0).sum(-1)

    def anti(area: str) -> Tensor:
        hit = [fires[area, feeling, "own"] & ~fires[area, feeling, "seen"] for feeling in ("pain", "neutral")]
        return (hit[0] | hit[1]).sum(-1)

    return Census(
        mirror_pain=ifg(True, True, False, False),
        mirror_neutral=ifg(False, False, True, True),
        non_selective=ifg(True, True, True, True),
        anti_mirror_sma=anti("sma"),
        anti_mirror_m1=anti("m1"),
    )
