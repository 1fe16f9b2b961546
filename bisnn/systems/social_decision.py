"""Social decision: graded state cells, a striatum and a critic that dopamine teaches, and populations that compete.

    striatum_a  <- sum_i r_i w_ia       value = span (gain rate - loss rate),   each <- sum_i r_i w_i
    w <- clip(w + rate D E, 0, w_max)    E <- min(1, gamma decay E + r_i z_j)
    D: dopamine for the actor; the error r + gamma V(s') - V(s) for the critic (loss with -rate); pulses of one tick
    action population a:  input drive * rate of striatum_a + lot_a + own excitation - inhibition by the others

State cells fire at a rate r that follows a graded current. Each action has a channel of striatal cells; it drives a
population whose cells excite each other and, through slow synapses, inhibit all other populations, so that a small
lead grows until one population fires alone: ties at the top are rare even between equal channels. `lot` is a current
that all cells of a population share in one decision, uniform within +-`noise`, so choices between near equals are
random. Membranes are reset by subtraction and begin at staggered potentials. After the choice an efference copy makes
the channel of the executed action fire and the others be silent, which marks the synapses that the decision used.

Wang (2002) Probabilistic decision making by slow reverberation in cortical circuits. doi:10.1016/S0896-6273(02)01092-9;
Fremaux, Sprekeler, Gerstner (2013) PLoS Comput. Biol. doi:10.1371/journal.pcbi.1003024;
Izhikevich (2007) Cereb. Cortex doi:10.1093/cercor/bhl152
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.coding import group_counts
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Blocks, Constant
from bisnn.modulators import Dopamine
from bisnn.neurons import IF, IFState
from bisnn.parameters import below_one, counts, fraction, positive
from bisnn.plasticity import RSTDP
from bisnn.recording import Probe, Recording
from bisnn.synapses import Exponential

FORCE = 2.0
"""Drive of the efference copy, in thresholds: excites the executed channel, holds down the others."""
TAU_PRE = 20.0
"""Time constant of the trace that a decision leaves at the synapses of the state cells, ms."""


class Decision(NamedTuple):
    """What a decision is read from."""

    counts: Tensor  # [*B, actions] spikes of each action population
    value: Tensor  # [*B] what the critic expects
    rates: Tensor  # [*B, states] firing of the state cells, spikes per tick
    margin: Tensor  # [*B] spikes by which the first population leads the second; 0: a tie at the top


@dataclass(frozen=True, kw_only=True)
class SocialDecision:
    """The deciding network (module docstring).

    Raises `ConfigError` where a count is no whole number from 1, for `gamma` not above 0 or above 1, `trace_decay` not
    between 0 and 1 (both excluded), and for another field that is not above 0.
    """

    states: int = 53
    """State cells."""
    actions: int = 8
    """Actions."""
    channel: int = 2
    """Striatal cells of each action."""
    cells: int = 10
    """Cells of each action population."""
    values: int = 4
    """Cells of gain and of loss each."""
    ticks: int = 20
    """Ticks of one decision."""
    gamma: float = 0.9
    """Discount per environment step."""
    trace_decay: float = 0.5
    """Decay of eligibility per environment step, beside gamma."""
    w_max: float = 0.5
    """Largest weight; initial weights are half of it."""
    rate_actor: float = 0.005
    """Actor weight change per unit of dopamine and eligibility."""
    rate_critic: float = 0.0005
    """Critic weight change per unit of dopamine and eligibility."""
    span: float = 100.0
    """Value of a gain cell that fires at every tick."""
    noise: float = 0.1
    """Largest shared current of a population in one decision, in thresholds."""
    drive: float = 0.8
    """Input of an action cell while its channel fires at every tick, in thresholds."""
    tonic: float = 0.1
    """Its standing input."""
    contrast: float = 0.3
    """Excitation by a population whose cells all fire, and inhibition of the others."""
    backend: str = "torch"
    """Backend of the circuits."""

    def __post_init__(self) -> None:
        counts(self, "states", "actions", "channel", "cells", "values", "ticks")
        below_one(self, "trace_decay")
        fraction(self, "gamma")
        positive(self, "gamma", "w_max", "span", "noise", "drive", "tonic", "contrast")

    def rule(self, rate: float, modulator: str = "error") -> RSTDP:
        """R-STDP whose eligibility saturates at 1 and decays by gamma * trace_decay per environment step."""
        tau_e = -1.0 / math.log(self.gamma * self.trace_decay)
        kept = math.exp(1.0 / TAU_PRE)  # what the trace loses in the tick of the efference copy
        return RSTDP(modulator=modulator, rate=rate, tau_e=tau_e, tau_pre=TAU_PRE, a_plus=kept, a_minus=0.0, cap=1.0)

    @cached_property
    def circuit(self) -> Circuit:
        """state -> striatum (actor), state -> gain and loss (critic), all taught by dopamine."""
        cell = IF(threshold=1.0, reset="subtract", floor=0.0)

        def taught(target: str, rate: float, modulator: str = "error") -> Projection:
            return Projection(
                source="state",
                target=target,
                weight=Constant(0.5 * self.w_max),
                rule=self.rule(rate, modulator),
                bounds=(0.0, self.w_max),
                delay=0,
            )

        return Circuit(
            areas={
                "state": Area(n=self.states, neuron=cell),
                "striatum": Area(n=self.actions * self.channel, neuron=cell),
                "gain": Area(n=self.values, neuron=cell),
                "loss": Area(n=self.values, neuron=cell),
            },
            projections=(
                taught("striatum", self.rate_actor, "dopamine"),
                taught("gain", self.rate_critic),
                taught("loss", -self.rate_critic),
            ),
            modulators={"dopamine": Dopamine(tau=0.0), "error": Dopamine(tau=0.0)},
            backend=self.backend,
        )

    @cached_property
    def selection(self) -> Circuit:
        """action -> action: populations that compete."""
        n, each = self.actions, self.cells
        spans = [(a * each, (a + 1) * each) for a in range(n)]
        weight = self.contrast / each
        wired = Blocks(tuple((one, two, weight if one == two else -weight) for one in spans for two in spans))
        slow = Exponential(tau=-1.0 / math.log(0.8))
        return Circuit(
            areas={"action": Area(n=n * each, neuron=IF(threshold=1.0, reset="subtract", floor=-1.0))},
            projections=(Projection(source="action", target="action", weight=wired, filter=slow, delay=1),),
            backend=self.backend,
        )

    @property
    def streams(self) -> dict[str, int]:
        """The random streams of one decision, for `rng.uniforms`: name -> values."""
        return {
            "decision/channel": self.actions * self.channel,
            "decision/action": self.actions * self.cells,
            "decision/lot": 2 * self.actions,
        }

    def init(self, key: Tensor) -> CircuitState:
        """An actor without preference and a critic that expects nothing, for individuals `key` int64 `[*B]`."""
        return self.circuit.init(key)

    def decide(
        self,
        state: CircuitState,
        current: Tensor,
        noise: dict[str, Tensor],
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[Decision, Recording, Recording]:
        """One decision on `current` `[*B, states]` in thresholds, with the uniforms named in `streams`.

        Returns what it is read from, and recordings of the learning circuit and of the competition.
        """
        rest = self.circuit.rest(state)
        staggered = {
            "state": _spread(rest.neurons["state"].v),
            "striatum": noise["decision/channel"],
            "gain": _spread(rest.neurons["gain"].v),
            "loss": _spread(rest.neurons["loss"].v),
        }
        rest = rest._replace(neurons={name: IFState(v=v) for name, v in staggered.items()}, traces=state.traces)
        wanted = tuple(Probe(name) for name in self.circuit.areas)
        _, seen = self.circuit.run(
            rest, {"state": current}, None, gates, steps=self.ticks, learning=False, probes=wanted
        )
        lot = (noise["decision/lot"][..., : self.actions] * 2.0 - 1.0) * self.noise + self.tonic
        channel = seen["striatum.spikes"].unflatten(-1, (self.actions, self.channel)).sum(-1)
        given = channel * (self.drive / self.channel) + lot[..., None, :]
        fought = self._compete(given.repeat_interleave(self.cells, -1), noise["decision/action"], gates, probes)
        counted = group_counts(fought["action.spikes"], self.actions)
        top = counted.topk(min(2, self.actions), dim=-1).values
        decision = Decision(
            counts=counted,
            value=(seen["gain.spikes"].sum((-2, -1)) - seen["loss.spikes"].sum((-2, -1)))
            * (self.span / (self.values * self.ticks)),
            rates=seen["state.spikes"].sum(-2) * (1.0 / self.ticks),
            margin=top[..., 0] - top[..., -1],
        )
        return decision, seen, fought

    @cached_property
    def _arenas(self) -> dict[str, CircuitState]:
        return {}

    def _arena(self, device: str) -> CircuitState:
        """The competition of one individual `()` at rest; nothing in it is learned, so all share its weights."""
        if device not in self._arenas:
            self._arenas[device] = self.selection.init(torch.zeros((), dtype=torch.int64, device=device))
        return self._arenas[device]

    def _compete(self, given: Tensor, start: Tensor, gates: Gates, probes: tuple[Probe, ...]) -> Recording:
        """The competition, with input `given` `[*B, ticks, cells]` from the potentials `start` `[*B, cells]`."""
        one = self._arena(str(start.device))
        weights = {name: weight.expand(*start.shape[:-1], -1, -1) for name, weight in one.weights.items()}
        still = torch.zeros_like(start)
        rest = one._replace(
            neurons={"action": IFState(v=start)},
            spikes={"action": (still,)},
            weights=weights,
            currents={name: still for name in one.currents},
        )
        _, fought = self.selection.run(
            rest, {"action": given}, None, gates, steps=self.ticks, learning=False, probes=(Probe("action"),)
        )
        return fought

    def reinforce(
        self,
        state: CircuitState,
        rates: Tensor,
        action: Tensor,
        dopamine: Tensor,
        error: Tensor,
        fresh: Tensor,
        gates: Gates = NO_GATES,
    ) -> CircuitState:
        """Dopamine `[*B]` teaches the actor and `error` `[*B]` the critic what is eligible; then the efference copy of
        `action` int64 `[*B]` marks the synapses of the state cells by the trace of their `rates` `[*B, states]`. Where
        `fresh` (bool `[*B]`) an episode begins and nothing is eligible yet.
        """
        n = self.actions * self.channel
        executed = torch.arange(n, device=action.device) // self.channel == action[..., None]
        forced = torch.full((), FORCE, device=action.device).expand(*action.shape, self.values)
        drive = {
            "striatum": executed.to(dopamine.dtype) * (2.0 * FORCE) - FORCE,
            "gain": forced,
            "loss": forced,
        }
        rest = self.circuit.rest(state)
        keep = (~fresh)[..., None, None] if bool(fresh.any()) else None
        traces = {
            name: rest.traces[name]._replace(
                pre=rates, eligibility=trace.eligibility if keep is None else trace.eligibility * keep
            )
            for name, trace in state.traces.items()
        }
        taught, _ = self.circuit.run(
            rest._replace(traces=traces), drive, {"dopamine": dopamine, "error": error}, gates, steps=1
        )
        return taught


def _spread(v: Tensor) -> Tensor:
    """Potentials spread evenly over a cycle, so that the mean firing of the cells is smooth."""
    n = v.shape[-1]
    return ((torch.arange(n, device=v.device, dtype=v.dtype) + 0.5) * (1.0 / n)).expand(v.shape)


EXAMPLES = (SocialDecision(), SocialDecision(states=9, actions=3, cells=4, ticks=12, gamma=0.98))
