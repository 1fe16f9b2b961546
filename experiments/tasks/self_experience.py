"""The task of self-experience: to be trapped oneself, or not, and then to see another.

    bodily cost of a trap with feature f:  0.75 + 0.15 (f - f0),  f - f0 cut off at -1.5 and 1.5 (share of pain cells)

Features are in widths of the fields that code them. A round is one own experience of each kind, in random order, with a
feature of at most 1 width from that of its kind. A look shows another at a distance from what the individual knows, on
either side: in a trap, in a harmless situation that is as new, or passing by a trap that is as new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng, tree
from bisnn.circuit import CircuitState
from bisnn.experiments.trials import Batch
from bisnn.recording import Probe, Recording
from bisnn.systems.self_experience import ENTER, PASS, STORE, Lived, Reading, SelfExperience

KINDS = ("trap", "harmless", "passing")
"""What the other does: enters a trap, enters something harmless, passes by a trap."""
TRAP, HARMLESS, PASSING = range(3)
HOME = (5.0, 15.0, 5.0)
"""Feature of each kind, in widths."""
ACTION = (ENTER, ENTER, PASS)
"""What is done in each."""
JITTER = 1.0
"""Largest distance of an own experience from the feature of its kind, in widths."""
COST, SLOPE, REACH = 0.75, 0.15, 1.5
"""Bodily cost of the trap at f0, its change per width, and how far it changes."""
APART = 2**20
"""Tick of the random streams at which looks begin, after any own experience."""
CROWD = 2048
"""Individuals times looks in one batch, about."""
SHOWN = (
    "situation", "action", "septum", "episode", "basket", "outcome", "pain", "cost", "effort", "dopamine", "rescue",
    "advance",
)  # fmt: skip
"""Areas whose spikes are kept of recorded individuals."""
STEPS = 3
"""Step of a look in the spikes of a recorded trial; before it come the last three own experiences."""


class Look(NamedTuple):
    """What is shown in one trial."""

    experiences: int  # rounds lived through before
    distance: float  # from the feature of its kind, in widths
    kind: int  # index into KINDS
    cost: float  # own cost of a rescue, share of the effort cells


def severity(away: Tensor) -> Tensor:
    """Bodily cost of traps `away` widths from f0, as a share of the pain cells."""
    return away.clamp(-REACH, REACH) * SLOPE + COST


def _table(values: Sequence[float] | Sequence[int], kind: Tensor) -> Tensor:
    """The entry of each kind."""
    return torch.tensor(values, device=kind.device)[kind]


class Lives:
    """The lives of the individuals of a batch up to every number of rounds, and what they see then."""

    def __init__(self, batch: Batch, system: SelfExperience, looks: Sequence[Look]) -> None:
        self.batch, self.system, self.looks = batch, system, looks
        self.levels = sorted({look.experiences for look in looks})
        self.harmless = batch.trait("harmless", 0.0) > 0
        self.wiped = batch.trait("wiped", 0.0) > 0
        self.order = torch.zeros(len(batch.key), len(KINDS), dtype=torch.int64, device=batch.key.device)

    def tested(self) -> Iterator[tuple[int, CircuitState]]:
        """After every level of rounds: the level, and the state in which the individuals are tested."""
        state = self.system.init(self.batch.key)
        for number in range(self.levels[-1] + 1):
            if number in self.levels:
                emptied = self.system.wiped(state, self.batch.key)
                yield number, tree.where(self.wiped, emptied, state) if bool(self.wiped.any()) else state
            if number < self.levels[-1]:
                state = self._round(state, number)
                self.batch.report(0.5 * (number + 1) / self.levels[-1])

    def _round(self, state: CircuitState, number: int) -> CircuitState:
        """One own experience of each kind."""
        key, gates = self.batch.key, self.batch.gates
        kind = torch.arange(len(KINDS), device=key.device).expand(len(key), -1)
        kind = torch.where(self.harmless[:, None] & (kind == TRAP), HARMLESS, kind)
        away = (rng.uniform(key, "self-experience/feature", number, len(KINDS)) * 2.0 - 1.0) * JITTER
        held = (kind == TRAP).to(away.dtype)
        outcome = torch.stack((held, held * severity(away)), -1)
        drawn = _take(outcome, _permuted(key, "self-experience/outcome", number))
        outcome = gates.shuffled("outcome", outcome.flatten(-2), drawn.flatten(-2)).unflatten(-1, (-1, 2))
        self.order = _permuted(key, "self-experience/order", number)
        lived = Lived(_table(HOME, kind) + away, _table(ACTION, kind), outcome[..., 0] > 0, outcome[..., 1])
        lived = Lived(*(part.gather(-1, self.order) for part in lived))
        last = number == self.levels[-1] - 1 and len(self.batch.recorded) > 0
        probes = tuple(Probe(area) for area in SHOWN) if last else ()
        for event in range(len(KINDS)):
            now = Lived(*(part[:, event] for part in lived))
            state, seen = self.system.experience(state, now, gates, probes)
            if last:
                self.batch.spikes(seen, self._first(TRAP), event)
        return state

    def _first(self, kind: int) -> int:
        """The first look at a kind after most experiences."""
        return next(i for i, look in enumerate(self.looks) if look[:1] == (self.levels[-1],) and look.kind == kind)

    def seen(self) -> dict[str, Tensor]:
        """All looks of all individuals: column -> `[N, looks]`."""
        found: dict[str, list[Tensor]] = {}
        where: list[int] = []
        for level, state in self.tested():
            mine = [i for i, look in enumerate(self.looks) if look.experiences == level]
            size = max(1, CROWD // len(self.batch.key))
            for first in range(0, len(mine), size):
                part = mine[first : first + size]
                for name, column in self._look(state, part, level).items():
                    found.setdefault(name, []).append(column)
                where += part
            if level == self.levels[-1]:
                self._record(state)
                self.state = state
        back = torch.tensor(where, device=self.batch.key.device).argsort()
        return {name: torch.cat(parts, -1)[:, back] for name, parts in found.items()}

    def _shown(self, numbers: Sequence[int]) -> dict[str, Tensor]:
        """What the looks `numbers` show to every individual, `[N, looks]`."""
        key, n = self.batch.key, len(self.looks)
        side = torch.where(rng.uniform(key, "self-experience/side", 0, n) < 0.5, -1.0, 1.0)[:, list(numbers)]
        looks = [self.looks[i] for i in numbers]
        kind = torch.tensor([look.kind for look in looks], device=key.device).expand(side.shape)
        distance, cost = (
            torch.tensor(values, device=key.device).expand(side.shape)
            for values in ([look.distance for look in looks], [look.cost for look in looks])
        )
        true = torch.where(kind == TRAP, severity(side * distance), 0.0)
        feature = _table(HOME, kind) + side * distance
        return {"kind": kind, "distance": distance, "cost": cost, "feature": feature, "true_cost": true}

    def _observe(
        self, state: CircuitState, numbers: Sequence[int], probes: tuple[Probe, ...] = ()
    ) -> tuple[dict[str, Tensor], Reading, Recording]:
        """The looks `numbers`, all at once, each with its own stretch of the random streams: `[N, looks]`."""
        shown, count = self._shown(numbers), len(numbers)
        beside = tree.map(lambda leaf: leaf[:, None].expand(len(leaf), count, *leaf.shape[1:]), state)
        when = torch.tensor(numbers, device=self.batch.key.device) * self.system.ticks + APART
        beside = beside._replace(clock=beside.clock._replace(tick=when.expand(len(self.batch.key), count)))
        gates = self.batch.gates.over_trials()
        action = _table(ACTION, shown["kind"])
        reading, seen = self.system.observe(beside, shown["feature"], action, shown["cost"], gates, probes)
        return shown, reading, seen

    def _look(self, state: CircuitState, numbers: Sequence[int], level: int) -> dict[str, Tensor]:
        """The rows of the looks `numbers`."""
        shown, reading, _ = self._observe(state, numbers)
        trap = shown["kind"] == TRAP
        return {
            "experiences": torch.full_like(shown["kind"], level),
            **shown,
            "harmful": trap,
            "value": reading.value,
            "cost_error": (reading.value + shown["true_cost"]).abs(),
            "held": reading.held,
            "outcome_right": torch.where(trap, reading.held > 0, reading.held < 0),
            "episodes": (reading.recalled > 0).sum(-1),
            "rescue_spikes": reading.choice[..., 0],
            "advance_spikes": reading.choice[..., 1],
            "rescued": reading.rescued,
            "correct": reading.rescued == trap,
        }

    def _record(self, state: CircuitState) -> None:
        """Keep the spikes of the first look of each kind after most experiences."""
        if not len(self.batch.recorded):
            return
        probes = tuple(Probe(area) for area in SHOWN)
        for kind in range(len(KINDS)):
            number = self._first(kind)
            _, _, seen = self._observe(state, [number], probes)
            alone = Recording({name: trace.with_raw(trace.raw[:, 0]) for name, trace in seen.traces.items()}, seen.dt)
            self.batch.spikes(alone, number, STEPS)

    def kept(self) -> Mapping[str, Tensor]:
        """The store after the last round, as it is tested: weights `[N, pre, post]` by projection."""
        return {name: self.state.weights[name] for name in STORE}


def _permuted(key: Tensor, name: str, number: int) -> Tensor:
    """A random order of the kinds, int64 `[N, kinds]`."""
    return rng.uniform(key, name, number, len(KINDS)).argsort(dim=-1, stable=True)


def _take(values: Tensor, order: Tensor) -> Tensor:
    """`values` `[N, kinds, ...]` in another order `[N, kinds]`."""
    return values.gather(1, order[..., None].expand(values.shape))
