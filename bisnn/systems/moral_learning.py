"""Moral learning: a spiking actor and critic whose synapses are taught by dopamine.

    r = relief + goal + effort,   relief = lambda delta                      (delta: `RewardPredictionError`)
    D = r + gamma V(s') - V(s)                                                dopamine, a pulse of one tick
    place->action:  w <- clip(w + rate_actor D E, 0, w_max);   place->value:  w <- clip(w + rate_critic D E, 0, 1)
    E <- min(1, gamma 0.5 E + x z) from one environment step to the next

Place cells (one for every place and shared emotion) excite one population per action and one of value cells;
the action is the population with most spikes. After the choice an efference copy makes the executed population
fire and the others be silent, which marks their synapses as eligible. V = low + span * rate of the value cells.

Fremaux, Sprekeler, Gerstner (2013) PLoS Comput. Biol. doi:10.1371/journal.pcbi.1003024;
Izhikevich (2007) Cereb. Cortex doi:10.1093/cercor/bhl152
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.coding import CURRENT, group_counts, place
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Constant
from bisnn.modulators import Dopamine
from bisnn.neurons import IF, IFState
from bisnn.parameters import below_one, counts, fraction, positive
from bisnn.plasticity import RSTDP
from bisnn.recording import Probe, Recording

FORCE = 2.0
"""Drive of the efference copy, in thresholds: excites the executed population, holds down the others."""


@dataclass(frozen=True, kw_only=True)
class MoralLearning:
    """The spiking actor-critic (module docstring).

    Raises `ConfigError` where a count is no whole number from 1, for `gamma` not above 0 or above 1, `trace_decay` not
    between 0 and 1 (both excluded), and `w_max` or `value_span` not above 0.
    """

    places: int = 25
    """Places of the world."""
    emotions: int = 2
    """Shared emotional states (calm, distress); place cells are places * emotions."""
    actions: int = 4
    """Actions."""
    cells: int = 10
    """Cells of each action population, and value cells."""
    ticks: int = 10
    """Ticks of one decision."""
    gamma: float = 0.9
    """Discount per environment step."""
    trace_decay: float = 0.5
    """Decay of eligibility per environment step, beside gamma."""
    w_max: float = 1.0
    """Largest actor weight; initial weights are half of it."""
    rate_actor: float = 0.01
    """Actor weight change per unit of dopamine and eligibility."""
    rate_critic: float = 0.2 / 90.0
    """Critic weight change per unit of dopamine and eligibility."""
    value_low: float = -60.0
    """Value when the value cells are silent."""
    value_span: float = 90.0
    """Value range between silence and a spike at every tick."""
    backend: str = "torch"
    """Backend of the circuit."""

    def __post_init__(self) -> None:
        counts(self, "places", "emotions", "actions", "cells", "ticks")
        below_one(self, "trace_decay")
        fraction(self, "gamma")
        positive(self, "gamma", "w_max", "value_span")

    @property
    def n_place(self) -> int:
        """Place cells."""
        return self.places * self.emotions

    def rule(self, rate: float) -> RSTDP:
        """R-STDP whose eligibility saturates at 1 and decays by gamma * trace_decay per environment step."""
        tau_e = -1.0 / math.log(self.gamma * self.trace_decay)
        return RSTDP(rate=rate, tau_e=tau_e, a_minus=0.0, cap=1.0)

    @cached_property
    def circuit(self) -> Circuit:
        """place -> action (actor), place -> value (critic), both taught by dopamine."""
        cell = IF(threshold=1.0, reset="subtract", floor=0.0)
        return Circuit(
            areas={
                "place": Area(n=self.n_place, neuron=IF(floor=-0.5)),
                "action": Area(n=self.actions * self.cells, neuron=cell),
                "value": Area(n=self.cells, neuron=cell),
            },
            projections=(
                Projection(
                    source="place",
                    target="action",
                    weight=Constant(0.5 * self.w_max),
                    rule=self.rule(self.rate_actor),
                    bounds=(0.0, self.w_max),
                    delay=0,
                ),
                Projection(
                    source="place",
                    target="value",
                    weight=Constant(-self.value_low / self.value_span),
                    rule=self.rule(self.rate_critic),
                    bounds=(0.0, 1.0),
                    delay=0,
                ),
            ),
            modulators={"dopamine": Dopamine(tau=0.0)},
            backend=self.backend,
        )

    def init(self, key: Tensor) -> CircuitState:
        """An actor without preference and a critic that expects nothing, for individuals `key` int64 `[*B]`."""
        return self.circuit.init(key)

    def decide(
        self,
        state: CircuitState,
        index: Tensor,
        noise: Tensor,
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[Tensor, Tensor, Recording]:
        """Spikes for and value of a state: `index` int64 `[*B]` (place + places * emotion), `noise` `[*B, n]` uniform
        for the initial potentials of action and value cells. Returns counts `[*B, actions]`, value `[*B]`, recording.
        """
        rest = self.circuit.rest(state)
        split = self.actions * self.cells
        potentials = {"action": IFState(v=noise[..., :split]), "value": IFState(v=noise[..., split:])}
        rest = rest._replace(neurons={**rest.neurons, **potentials}, traces=state.traces)
        wanted = (Probe("action"), Probe("value"), *(p for p in probes if p.target == "place"))
        drive = {"place": place(index, self.n_place) * CURRENT}
        _, seen = self.circuit.run(rest, drive, None, gates, steps=self.ticks, learning=False, probes=wanted)
        return group_counts(seen["action.spikes"], self.actions), self.value_of(seen), seen

    def value_of(self, seen: Recording) -> Tensor:
        """The value `[*B]` that the spikes of the value cells stand for."""
        spikes: Tensor = seen["value.spikes"].sum((-2, -1))
        return spikes * (self.value_span / (self.cells * self.ticks)) + self.value_low

    def reinforce(
        self,
        state: CircuitState,
        index: Tensor,
        action: Tensor,
        dopamine: Tensor,
        fresh: Tensor,
        gates: Gates = NO_GATES,
    ) -> CircuitState:
        """Dopamine `[*B]` teaches what is eligible; then the efference copy of `action` int64 `[*B]` in state `index`
        marks its synapses. Where `fresh` (bool `[*B]`) an episode begins and nothing is eligible yet.
        """
        executed = torch.arange(self.actions * self.cells, device=action.device) // self.cells == action[..., None]
        drive = {
            "place": place(index, self.n_place) * CURRENT,
            "action": executed.to(dopamine.dtype) * (2.0 * FORCE) - FORCE,
            "value": torch.full((), FORCE, device=action.device).expand(*action.shape, self.cells),
        }
        state, _ = self.circuit.run(self.eligible(state, fresh), drive, {"dopamine": dopamine}, gates, steps=1)
        return state

    def eligible(self, state: CircuitState, fresh: Tensor) -> CircuitState:
        """`state` at rest but for its eligibility, which is 0 where `fresh` (bool `[*B]`)."""
        rest = self.circuit.rest(state)
        keep = (~fresh)[..., None, None] if bool(fresh.any()) else None
        traces = {
            name: rest.traces[name]._replace(
                eligibility=trace.eligibility if keep is None else trace.eligibility * keep
            )
            for name, trace in state.traces.items()
        }
        return rest._replace(traces=traces)


EXAMPLES = (MoralLearning(), MoralLearning(places=9, cells=5, ticks=5))
