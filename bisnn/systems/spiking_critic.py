"""A spiking critic that learns, from its own temporal-difference error, how far away reward is.

    place -> critic (TD-STDP);   dopamine = delta = dV/dt - V/tau_r + r         (`TemporalDifferenceError`)
    V*(t) = R tau_r / (tau_r + tau_reward) exp(-(T - t)/tau_r),   t <= T

The agent runs along a linear track at constant speed; place cells fire around their places. At the end, T, it
is taken off the track and eats: reward R, spread as exp(-(t - T)/tau_reward). The critic's activity comes to
stand for the discounted future reward V*, by which the learned value is judged. Place cells fire regularly, at the
rate of their place; critic cells draw their spikes (escape rate), so every trial and individual differs. At the start V
rises with kappa, and then lies above V* for some 200 ms: the onset of the place cells is a positive error, which the
first of them are credited with.

Frémaux, Sprekeler, Gerstner (2013) PLoS Comput. Biol. 9:e1003024. doi:10.1371/journal.pcbi.1003024 (its linear track;
sizes, rates and the time course of the meal are ours)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.elementary import exp
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Uniform
from bisnn.modulators import TemporalDifferenceError
from bisnn.neurons import IF, EscapeRateLIF
from bisnn.plasticity import TDSTDP
from bisnn.recording import Probe, Recording

PROBES = (Probe("critic"), Probe("dopamine", "level"))
"""What is recorded of a trial: spikes of the critic and the TD error."""


@dataclass(frozen=True, kw_only=True)
class SpikingCritic:
    """The spiking critic on a linear track (module docstring)."""

    places: int = 15
    """Place cells, their fields in equal steps along the track."""
    cells: int = 50
    """Critic cells."""
    duration: float = 2000.0
    """Time from the start of the track to its end, T, ms."""
    after: float = 1000.0
    """Time in which the agent eats and rests, ms."""
    reward: float = 1.0
    """Reward of one trial, R."""
    tau_reward: float = 250.0
    """Time constant over which it is eaten, ms."""
    tau_r: float = 2000.0
    """Time constant at which future reward is discounted, ms."""
    nu: float = 30.0
    """Value of one spike per ms of every critic cell, reward ms."""
    peak: float = 0.1
    """Rate of a place cell at its place, spikes per ms."""
    width: float = 1.0
    """Standard deviation of a place field, in steps between fields."""
    rate: float = 60.0
    """Change of charge per unit of pair under a TD error of 1 per ms."""
    a_minus: float = 0.0
    """Worth, with the sign turned, of post before pre; 0: TD-LTP."""
    initial: float = 4.0
    """Largest initial charge of a synapse, thresholds ms; they start uniform from 0. Weight: charge / dt."""
    bound: float = 40.0
    """Largest charge of a synapse, thresholds ms."""
    dt: float = 5.0
    """Length of a tick, ms."""

    @cached_property
    def error(self) -> TemporalDifferenceError:
        """The dopamine of this critic."""
        return TemporalDifferenceError(source="critic", nu=self.nu, tau_r=self.tau_r)

    @cached_property
    def circuit(self) -> Circuit:
        """place -> critic, taught by dopamine."""
        error = self.error
        rule = TDSTDP(rate=self.rate / self.dt, a_minus=self.a_minus, tau_slow=error.tau_slow, tau_fast=error.tau_fast)
        return Circuit(
            areas={
                "place": Area(n=self.places, neuron=IF(threshold=1.0, reset="subtract")),
                "critic": Area(n=self.cells, neuron=EscapeRateLIF(delta_u=0.3125, refractory=0.0)),
            },
            projections=(
                Projection(
                    source="place",
                    target="critic",
                    weight=Uniform(0.0, self.initial / self.dt),
                    rule=rule,
                    bounds=(0.0, self.bound / self.dt),
                    delay=0,
                ),
            ),
            modulators={"dopamine": error},
            dt=self.dt,
        )

    @property
    def ticks(self) -> int:
        """Ticks of one trial."""
        return round((self.duration + self.after) / self.dt)

    @cached_property
    def times(self) -> Tensor:
        """Time at the end of every tick from the start of a trial, ms, float64 `[ticks]`."""
        return torch.arange(1, self.ticks + 1, dtype=torch.float64) * self.dt

    @cached_property
    def way(self) -> Tensor:
        """Drive of the place cells, `[ticks, places]`: their rates, 0 once the agent has left the track."""
        where = self.times[:, None] / self.duration * (self.places - 1)
        away = (where - torch.arange(self.places)) / self.width
        return torch.where(self.times[:, None] <= self.duration, exp(away * away * -0.5) * self.peak, 0.0)

    @cached_property
    def meal(self) -> Tensor:
        """Reward of every tick, `[ticks]`: in sum that of the trial, less what is left at its end."""
        left = exp((self.times - self.duration) / -self.tau_reward)  # of the meal, at the end of the tick
        eaten = left * (math.expm1(self.dt / self.tau_reward) * self.reward)
        return torch.where(self.times > self.duration, eaten, 0.0)

    def ideal(self, times: Tensor) -> Tensor:
        """The true value V* at `times` ms from the start of a trial."""
        ahead = (self.duration - times).clamp(min=0.0) / self.tau_r
        eaten = (times - self.duration).clamp(min=0.0) / self.tau_reward
        return exp(-ahead - eaten) * (self.reward * self.tau_r / (self.tau_r + self.tau_reward))

    def init(self, key: Tensor) -> CircuitState:
        """A critic without experience, for individuals `key` int64 `[*B]`."""
        return self.circuit.init(key)

    def trial(
        self,
        state: CircuitState,
        gates: Gates = NO_GATES,
        *,
        rewarded: bool = True,
        learning: bool = True,
        probes: tuple[Probe, ...] = PROBES,
    ) -> tuple[CircuitState, Recording]:
        """One run along the track from rest, rewarded at its end or not; the state after it and its recording."""
        weight = state.weights["place->critic"]
        batch = weight.shape[:-2]
        drive = {"place": self.way.to(weight).expand(*batch, -1, -1)}
        release = {"dopamine": (self.meal * float(rewarded)).to(weight).expand(*batch, -1)}
        rest = self.circuit.rest(state)
        return self.circuit.run(rest, drive, release, gates, steps=self.ticks, learning=learning, probes=probes)

    def value(self, spikes: Tensor) -> Tensor:
        """V after every tick, `[*B, T]`, read from the critic's `spikes` `[*B, T, cells]` of a trial."""
        state, found = self.error.init(spikes[..., 0, 0]), []
        for now in spikes.unbind(-2):
            _, state = self.error.step(state, torch.zeros_like(now[..., 0]), self.dt, now)
            found.append(self.error.value(state, self.cells))
        return torch.stack(found, -1)


EXAMPLES = (SpikingCritic(), SpikingCritic(places=8, cells=20, duration=1000.0, a_minus=0.5, dt=10.0))
