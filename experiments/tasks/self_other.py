"""Trials of self and other: after its development an individual feels its own body and looks at another's face.

Three blocks: `main` crosses the own state (calm, pain) with the other's (hidden, calm, pain), the intensity of the pain
and the noise of the face; `control` shows faces of pain whose cells are shuffled (equal energy, no expression) to
an individual that is calm; `gate` repeats the informative cases with the outputs of TPJ multiplied by a gain. Trials
of the same number and intensity have the same noise in every case, arm and block, so all are paired.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bisnn import rng, tree
from bisnn.agents.altruist import Altruist
from bisnn.agents.development import MOMENT, Nursery
from bisnn.agents.expression import Expression
from bisnn.circuit import CircuitState
from bisnn.coding import recruit
from bisnn.experiments.trials import Batch, Found
from bisnn.gates import Gates
from bisnn.interventions import Targets, compile_gates
from bisnn.recording import Probe, Recording, Trace
from bisnn.systems.self_other import OUTPUTS, Feelings, SelfOther

HIDDEN, CALM, PAIN = -1, 0, 1
"""States of the other; the own state is calm or pain."""
MAIN, CONTROL, GATE = 0, 1, 2
"""Blocks."""
CASES = ((CALM, PAIN), (PAIN, CALM), (PAIN, HIDDEN))
"""Own and other's state in the block of gains: shared pain, the conflict, and own pain as the measure of both."""
FIRST = MOMENT + 2**20
"""Step of the noise of the first trial, past that of development."""
AT_ONCE = 4096
"""Looks computed at once, about."""
SHOWN = ("emotion", "perception", "tpj", "afmc", "ifg", "affect", "insula", "smg", "mpfc", "sma", "m1")
"""Areas whose spikes are kept."""

Ints = NDArray[np.int64]


class Case(NamedTuple):
    """One trial of the design, or all of them as arrays."""

    block: Any
    own: Any
    other: Any
    intensity: Any
    noise: Any
    gain: Any
    number: Any  # of its noise


@dataclass(frozen=True)
class Design:
    """The trials of every individual."""

    episodes: int
    """Trials of each case."""
    intensities: tuple[float, ...]
    noise: tuple[float, ...]
    """Noise of the face in units of the dilemma's; measures are taken at the first."""
    gains: tuple[float, ...]

    def _cases(self) -> Iterator[Case]:
        for noise in self.noise:
            for own in (CALM, PAIN):
                for other in (HIDDEN, CALM, PAIN):
                    yield from self._draws(MAIN, own, other, noise, 1.0)
            yield from self._draws(CONTROL, CALM, PAIN, noise, 1.0)
        for gain in self.gains:
            for own, other in CASES:
                yield from self._draws(GATE, own, other, self.noise[0], gain)

    def _draws(self, block: int, own: int, other: int, noise: float, gain: float) -> Iterator[Case]:
        for i, intensity in enumerate(self.intensities):
            for draw in range(self.episodes if block != GATE else max(1, self.episodes // 2)):
                yield Case(block, own, other, intensity, noise, gain, draw + i * self.episodes)

    @cached_property
    def table(self) -> Case:
        """Every field of all trials, `[trials]`."""
        return Case(*(np.array(column) for column in zip(*self._cases(), strict=True)))

    def where(
        self, own: int, other: int, block: int = MAIN, gain: float | None = None, noise: float | None = None
    ) -> NDArray[np.bool_]:
        """Which trials belong to a case, `[trials]`; those with the first noise, unless another is named."""
        it = self.table
        found = (it.block == block) & (it.own == own) & (it.other == other)
        found &= it.noise == (self.noise[0] if noise is None else noise)
        return np.asarray(found if gain is None else found & (it.gain == gain))

    def example(self, own: int, other: int) -> int:
        """The trial of a case that is recorded: the first of an intensity in the middle."""
        middle = sorted(self.intensities)[len(self.intensities) // 2]
        return int(np.flatnonzero(self.where(own, other) & (self.table.intensity == middle))[0])


def targets(backend: str = "torch") -> Targets:
    """What ablations can name: the areas and projections of the body and of the network."""
    return Targets.of((Altruist(backend=backend).body.circuit, SelfOther(backend=backend).circuit))


class Raised(NamedTuple):
    """Individuals after development."""

    plan: SelfOther
    key: Tensor  # [N]
    state: CircuitState
    gates: Gates  # of the tests


def raise_all(batch: Batch) -> Raised:
    """Develop the individuals as altruists do; those of trait `experience` 0 feel nothing meanwhile. Ablations that
    begin later (`since`) act in the tests alone."""
    backend, experience = batch.settings.backend, batch.trait("experience", 1.0)
    agent, plan = Altruist(backend=backend), SelfOther(backend=backend)
    gates = batch.gates
    if bool((experience != 1.0).any()):
        felt = experience if "emotion" not in gates.drive else gates.drive["emotion"] * experience
        gates = gates._replace(drive={**gates.drive, "emotion": felt})
    steps = iter(range(1, 10**9))
    nursery = Nursery(visits=batch.settings.visits)
    tick = partial(_tell, batch, steps, 2 * nursery.steps)
    grown = nursery.develop(agent, agent.init(batch.key, gates), tick=tick)
    arms = [condition.ablation for condition in batch.conditions]
    tested = compile_gates(arms, batch.condition, batch.key, targets(backend), 1.0)
    return Raised(plan, batch.key, plan.init(batch.key, grown.empathy.weights), tested)


def _tell(batch: Batch, steps: Iterator[int], total: int) -> None:
    batch.report(min(0.5, next(steps) / total))


def session(batch: Batch) -> Found:
    """All individuals through all trials."""
    settings = batch.settings
    design = Design(settings.episodes, settings.intensities, settings.noise, settings.gains)
    raised = raise_all(batch)
    it, parts = design.table, []
    chunk = max(1, AT_ONCE // len(batch.key))
    for gain, noise, block in dict.fromkeys(zip(it.gain.tolist(), it.noise.tolist(), it.block.tolist(), strict=True)):
        used = _used(raised, gain)
        alike = np.flatnonzero((it.gain == gain) & (it.noise == noise) & (it.block == block))
        for now in np.split(alike, range(chunk, len(alike), chunk)):
            parts.append((now, look(raised, Case(*(column[now] for column in it)), used)[0]))
        batch.report(0.5 + 0.5 * sum(len(now) for now, _ in parts) / len(it.own))
    _record(batch, design, raised)
    back = torch.from_numpy(np.argsort(np.concatenate([now for now, _ in parts]), kind="stable"))
    found = Feelings(*(torch.cat(columns, 1)[:, back] for columns in zip(*(part for _, part in parts), strict=True)))
    kept = {p.name: raised.state.weights[p.name] for p in raised.plan.circuit.plastic}
    return Found(rows=rows(design, found, settings.felt), kept=kept)


def _used(raised: Raised, gain: float) -> dict[str, Tensor]:
    """The weights as used, with the outputs of TPJ multiplied by `gain`."""
    gains = dict(raised.gates.gain)
    if gain != 1.0:
        one = torch.full(raised.key.shape, gain, device=raised.key.device)
        gains |= {name: gains.get(name, torch.ones_like(one)) * one for name in OUTPUTS}
    return raised.plan.circuit.used_weights(raised.state, raised.gates._replace(gain=gains))


def look(
    raised: Raised, cases: Case, used: Mapping[str, Tensor], probes: tuple[Probe, ...] = ()
) -> tuple[Feelings, Recording]:
    """What all individuals feel in `cases` of one noise, `[N, trials]` each."""
    key = raised.key[:, None].expand(-1, len(cases.own))
    device, count = key.device, key.shape[-1]

    def spread(leaf: Tensor) -> Tensor:
        return leaf[:, None].expand(leaf.shape[0], count, *leaf.shape[1:])

    def per_trial(column: Any) -> Tensor:
        return torch.as_tensor(column, dtype=torch.float32, device=device).expand(key.shape)

    intensity, own = per_trial(cases.intensity), per_trial(cases.own == PAIN)
    step = torch.as_tensor(cases.number + FIRST, device=device).expand(key.shape)
    noisy = float(cases.noise[0])
    usual = Expression()
    plan = Expression(
        jitter=usual.jitter * noisy, flips=min(1.0, usual.flips * noisy), amplitude=usual.amplitude * noisy
    )
    seen = torch.as_tensor(cases.other != HIDDEN, device=device).expand(key.shape)
    face = plan.draw(key, step, intensity * per_trial(cases.other == PAIN), seen)
    if cases.block[0] == CONTROL:
        mixed = rng.uniform(key, "self_other/shuffle", step, face.shape[-1]).argsort(dim=-1, stable=True)
        face = face.gather(-1, mixed)
    felt = raised.plan.empathy.own_pattern(recruit(intensity * own, face.shape[-1] // 2))
    gates = raised.gates.over_trials()
    state = tree.map(spread, raised.state)
    return raised.plan.feel(state, felt, face, gates, probes, {name: spread(one) for name, one in used.items()})


def _record(batch: Batch, design: Design, raised: Raised) -> None:
    """Keep the spikes of the four cases in which the other is seen."""
    used, probes = _used(raised, 1.0), tuple(Probe(area) for area in SHOWN)
    for own in (CALM, PAIN):
        for other in (CALM, PAIN):
            number = design.example(own, other)
            _, seen = look(raised, Case(*(column[number : number + 1] for column in design.table)), used, probes)
            batch.spikes(Recording({name: Trace(seen[name][:, 0]) for name in seen}, seen.dt), number)


def rows(design: Design, found: Feelings, felt: float) -> dict[str, Tensor]:
    """The rows: the design, what was felt and read, and the judgements, `[N, trials]` each."""
    shape, it = found.own.shape, design.table
    columns = {name: torch.from_numpy(np.asarray(column)).expand(shape) for name, column in it._asdict().items()}
    other_is_pain = columns["other"] == PAIN
    mine = torch.where(columns["own"] == PAIN, found.other_pain, found.other_calm)
    theirs = torch.where(other_is_pain, found.other_pain, found.other_calm)
    against = torch.where(other_is_pain, found.other_calm, found.other_pain)

    def among(mask: NDArray[np.bool_]) -> Tensor:
        return torch.from_numpy(mask).expand(shape)

    return {
        **{name: column for name, column in columns.items() if name != "number"},
        "insula": found.own,
        "affect": found.affect,
        "other_pain": found.other_pain,
        "other_calm": found.other_calm,
        "tpj": found.gate,
        "expressed": found.shown,
        "own_read": mine,
        "other_read": theirs,
        "felt_as_own": found.own > felt,
        "distressed": found.affect > felt,
        "intruded": mine > felt,
        "misread": theirs <= against,
        "only_other": among(design.where(CALM, PAIN)),
        "only_own": among(design.where(PAIN, HIDDEN)),
        "conflict": among(design.where(CALM, PAIN) | design.where(PAIN, CALM)),
        "neutral": among(design.where(CALM, CALM)),
        "shuffled": among(design.where(CALM, PAIN, CONTROL)),
    }
