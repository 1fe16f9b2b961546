"""Event-driven evaluation of the network in `daspnet.py`: the same spikes and weights, at the cost of the spikes.

    pre spike i:   I_j <- I_j + w_ij;  c_ij <- c_ij - 1.5 y_j       for the targets j of i
    post spike j:  c_ij <- c_ij + x_i                                for the sources i of j

Neurons and dopamine are stepped by the components of the plan; only synapses are walked by event. Every individual
of the batch (seed and condition) keeps its own weights; individuals of one seed share wiring and noise. A trace is
looked up by the ticks since its spike, in a table made by the repeated product of the rule, so that its bits are those
of the rule; currents are sums of numbers on the grid of `bisnn.propagate`, exact in any order. `tests/
test_distal_reward.py` holds it to the circuit, spike for spike and bit for bit.

Arrays are flat over [B, unit] and [B, excitatory unit, target], float32, and change in place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from bisnn import rng
from bisnn.experiments.tasks.daspnet import BLOCK, LONG_AGO, DistalReward, Pairing

SHIFT = np.float32(3072.0)
"""Adding and subtracting it rounds a float32 weight to the grid 2^-12."""
REMEMBERED = 2048
"""Ticks after which a trace no longer changes: 0.1 * 0.95^2048 is far below the smallest float32."""


class EventNetwork:
    """A batch of networks, individual b with `seeds[b]`, rewarded for the pairs of individual `masters[b]` (itself,
    another, or None: never)."""

    def __init__(self, plan: DistalReward, seeds: Sequence[int], masters: Sequence[int | None]) -> None:
        self.plan, self.tick = plan, 0
        self.size, self.n, self.e, self.m = len(seeds), plan.n, plan.excitatory, plan.fan_out
        distinct = sorted(set(seeds))
        self.key = rng.keys(torch.tensor(distinct))
        self.row = np.array([distinct.index(seed) for seed in seeds])
        self.pairing = Pairing(plan, seeds, masters)
        self._wire()
        like = torch.zeros(())
        self.neurons = [
            plan.excitatory_neuron.init((self.size, self.e), like),
            plan.inhibitory_neuron.init((self.size, self.n - self.e), like),
        ]
        self.dopamine = plan.dopamine.init(torch.zeros(self.size))
        self.eligibility = np.zeros_like(self.weight)
        self.spare = np.zeros_like(self.weight)
        self.fired = np.zeros(0, dtype=np.int64)  # flat units that fired the tick before
        self.arrived = np.full(self.size * self.n, LONG_AGO, dtype=np.int64)  # tick of the last pre spike
        self.answered = np.full(self.size * self.n, LONG_AGO, dtype=np.int64)  # tick of the last post spike
        self.table = np.zeros(REMEMBERED, dtype=np.float32)
        self.table[0] = plan.rule.amplitude
        for age in range(1, REMEMBERED):
            self.table[age] = self.table[age - 1] * np.float32(plan.rule.keep_trace)
        self.table[-1] = 0.0
        self.count = np.zeros(self.size * self.n, dtype=np.int64)  # spikes so far
        self.noise = np.zeros((BLOCK, len(distinct), self.n), dtype=np.float32)  # currents of the block

    def _wire(self) -> None:
        """Targets, initial weights, n1 -> n2, and for every unit the plastic synapses onto it."""
        targets, second = (part.numpy()[self.row] for part in self.plan.targets(self.key))
        base = np.arange(self.size) * self.n
        self.target = (targets + base[:, None, None]).reshape(-1, self.m)  # [B * n, fan_out] flat units
        self.second = second + base
        self.first = base
        plastic = targets[:, : self.e]
        self.flat_target = (plastic + base[:, None, None]).reshape(-1)  # of every plastic synapse
        self.weight = np.full(self.flat_target.size, self.plan.start, dtype=np.float32)
        place = (plastic[:, 0] == second[:, None]).argmax(-1)
        self.reinforced = np.arange(self.size) * self.e * self.m + place
        self.weight[self.reinforced] = 0.0
        source = np.repeat(np.arange(self.size * self.e), self.m)
        self.flat_source = source // self.e * self.n + source % self.e
        order = np.argsort(self.flat_target, kind="stable")
        ends = np.cumsum(np.bincount(self.flat_target, minlength=self.size * self.n))
        self.onto = np.split(order, ends[:-1])

    def _trace(self, last: NDArray[np.int64], tick: int) -> NDArray[np.float32]:
        """The value at `tick` of traces that were last set at the ticks `last`."""
        found: NDArray[np.float32] = self.table[np.minimum(tick - last, REMEMBERED - 1)]
        return found

    def advance(self, ticks: int, watch: list[NDArray[np.int64]] | None = None) -> None:
        """Live `ticks` ticks; the flat units that fire are appended to `watch`, an array for each tick."""
        with torch.inference_mode():
            for _ in range(ticks):
                if self.tick % BLOCK == 0:
                    self.noise = self.plan.drive(self.key, self.tick // BLOCK).transpose(0, 1).contiguous().numpy()
                self._step()
                if watch is not None:
                    watch.append(self.fired)

    def _step(self) -> None:
        tick, plan = self.tick, self.plan
        units = self.fired % self.n
        plastic = self.fired[units < self.e]
        rows = (plastic // self.n * self.e + plastic % self.n)[:, None] * self.m + np.arange(self.m)
        current = self.noise[tick % BLOCK][self.row].reshape(-1)
        hit = self.target[plastic]
        used = (self.weight[rows] + SHIFT) - SHIFT
        excited = np.bincount(hit.reshape(-1), used.reshape(-1), minlength=current.size).astype(np.float32)
        held = np.bincount(self.target[self.fired[units >= self.e]].reshape(-1), minlength=current.size)
        current = (current + excited) - held.astype(np.float32)
        fired = self._neurons(current.reshape(self.size, self.n))
        self._learn(tick, plastic, rows, hit, fired)
        release = self.pairing.release(tick)
        level, self.dopamine = plan.dopamine.step(self.dopamine, torch.from_numpy(release), 1.0)
        if (tick + 1) % plan.rule.every == 0:
            self._update(level.numpy())
        one, two = self.answered[self.first] == tick, self.answered[self.second] == tick
        if two.any() or one.any():
            self.pairing.watch(tick, one, two)
        self.fired = fired
        self.tick += 1

    def _neurons(self, current: NDArray[np.float32]) -> NDArray[np.int64]:
        """Step all neurons; the flat units that fire."""
        given = torch.from_numpy(current)
        one, self.neurons[0] = self.plan.excitatory_neuron.step(self.neurons[0], given[:, : self.e], 1.0)
        two, self.neurons[1] = self.plan.inhibitory_neuron.step(self.neurons[1], given[:, self.e :], 1.0)
        return np.flatnonzero(torch.cat((one, two), -1).numpy())

    def _learn(
        self,
        tick: int,
        plastic: NDArray[np.int64],
        rows: NDArray[np.int64],
        hit: NDArray[np.int64],
        fired: NDArray[np.int64],
    ) -> None:
        """Eligibility: potentiation by post spikes, then depression by the pre spikes that arrive."""
        self.arrived[plastic] = tick
        if fired.size:
            onto = np.concatenate([self.onto[unit] for unit in fired])
            self.eligibility[onto] += self._trace(self.arrived[self.flat_source[onto]], tick)
        if plastic.size:
            y = self._trace(self.answered[hit], tick - 1)
            self.eligibility[rows] -= y * np.float32(self.plan.rule.depression)
        self.answered[fired] = tick
        self.count[fired] += 1

    def _update(self, level: NDArray[np.float32]) -> None:
        """Every tenth tick: w <- clip(w + (tonic + d) c), then the eligibility decays."""
        shape = (self.size, self.e * self.m)
        eligibility, spare, weight = (part.reshape(shape) for part in (self.eligibility, self.spare, self.weight))
        np.multiply(eligibility, (level + np.float32(self.plan.rule.tonic))[:, None], out=spare)
        np.add(weight, spare, out=weight)
        np.clip(weight, 0.0, self.plan.ceiling, out=weight)
        np.multiply(eligibility, np.float32(self.plan.rule.keep_eligibility), out=eligibility)

    @property
    def synapse(self) -> NDArray[np.float32]:
        """The reinforced weight of every individual, `[B]`."""
        found: NDArray[np.float32] = self.weight[self.reinforced]
        return found

    def at_ceiling(self, margin: float = 0.01) -> NDArray[np.float64]:
        """Fraction of excitatory weights of every individual at the ceiling, `[B]`."""
        there = self.weight.reshape(self.size, -1) >= self.plan.ceiling - margin
        return np.asarray(there.mean(-1), dtype=np.float64)
