"""A shard: some individuals of a run, lived to the end in one batch, with checkpoints.

A shard depends on nothing but the configuration and its number, so it can run in any process and be resumed to
the same bits. Individuals leave the batch when their life is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn import rng, tree
from bisnn.agents import loop
from bisnn.agents.altruist import Altruist
from bisnn.experiments import watch
from bisnn.experiments.base import Condition, Experiment, Settings
from bisnn.experiments.life import Life, guard, keep, thin
from bisnn.experiments.record import Log
from bisnn.experiments.storage import Checkpoint, load_checkpoint, save_checkpoint
from bisnn.gates import NO_GATES, Gates
from bisnn.interventions import INTACT, Targets, compile_gates

LARGEST = 480
"""Individuals in one shard, at most."""
CHUNK = 50
"""Turns between two looks at the clock."""
SAVE_EVERY = 15.0
"""Seconds between two checkpoints."""


class Part(NamedTuple):
    """Which individuals a shard holds."""

    name: str
    agent: str
    conditions: tuple[int, ...]  # indices into the experiment's conditions
    seeds: tuple[int, ...]


def plan(conditions: Sequence[Condition], seeds: int) -> tuple[Part, ...]:
    """The shards of a run, from its configuration alone: by agent, two or more when it pays, of about equal length."""
    parts = []
    for agent in dict.fromkeys(condition.agent for condition in conditions):
        mine = [i for i, condition in enumerate(conditions) if condition.agent == agent]
        count = min(len(mine), max(2 if len(mine) * seeds > 16 else 1, -(-len(mine) * seeds // LARGEST)))
        bins: list[list[int]] = [[] for _ in range(count)]
        for i in sorted(mine, key=lambda i: -conditions[i].length):
            min(bins, key=lambda held: sum(conditions[j].length for j in held)).append(i)
        parts += [Part(f"{agent}-{k}", agent, tuple(sorted(held)), tuple(range(seeds))) for k, held in enumerate(bins)]
    return tuple(parts)


@dataclass(frozen=True)
class Shard:
    """One shard of an experiment."""

    experiment: Experiment
    settings: Settings
    part: Part

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition of the experiment."""
        return self.experiment.conditions(self.settings)

    @cached_property
    def agent(self) -> Any:
        """The agent of this shard."""
        return self.experiment.agents(self.settings)[self.part.agent]

    @cached_property
    def individuals(self) -> tuple[Tensor, Tensor]:
        """Condition number and seed of every individual, int64 `[N]`, sorted by condition, then seed."""
        seeds = len(self.part.seeds)
        condition = torch.tensor(self.part.conditions).repeat_interleave(seeds)
        return condition, torch.tensor(self.part.seeds).repeat(len(self.part.conditions))

    @cached_property
    def targets(self) -> Targets | None:
        """What ablations can name in this agent; None where it has no circuits."""
        return self.agent.targets if isinstance(self.agent, Altruist) else None

    def gates(self, condition: Tensor, key: Tensor, progress: Tensor | float = 0.0) -> Gates:
        """The gates of individuals of `condition` `[B]` with `progress` `[B]` of their life behind them."""
        if self.targets is None:
            return NO_GATES
        mine = set(self.part.conditions)
        arms = [c.ablation if i in mine else INTACT for i, c in enumerate(self.conditions)]
        return compile_gates(arms, condition, key, self.targets, progress)

    def traits(self, condition: Tensor) -> dict[str, Tensor]:
        """The traits that conditions set, `[B]` each."""
        names = dict.fromkeys(name for i in self.part.conditions for name in self.conditions[i].traits)
        table = {name: [float(c.traits.get(name, float("nan"))) for c in self.conditions] for name in names}
        return {name: torch.tensor(values, device=condition.device)[condition] for name, values in table.items()}

    def newborn(self) -> Life:
        """All individuals of the shard, born and (altruists) raised; nothing lived yet."""
        device = torch.device(self.settings.device)
        condition, seeds = (values.to(device) for values in self.individuals)
        key = rng.keys(seeds)
        state = self.agent.init(key, self.gates(condition, key), self.traits(condition))
        return Life.begin(self.experiment.dilemma(self.settings), condition, key, state)

    def run(self, folder: Path, report: Callable[[int, int], None]) -> None:
        """Live every life to its end. `report(done, total)` counts episodes; development counts as a twentieth."""
        saved = load_checkpoint(folder, self.part.name)
        if saved is not None and saved.data["finished"]:
            return
        total = len(self.individuals[0]) * self.settings.episodes
        with torch.inference_mode():
            if saved is None:
                life, log = self._raise(lambda share: report(int(share * total / 20), total))
                self._save(folder, life, log, finished=False)
            else:
                life = self.newborn().restored(saved, self)
                log = Log.unpack(saved.tensors, saved.data["areas"])
            self._live(folder, life, log, report, total)

    def _raise(self, share: Callable[[float], None]) -> tuple[Life, Log]:
        life, log = self.newborn(), Log()
        if not isinstance(self.agent, Altruist):
            return life, log
        nursery = self.experiment.nursery(self.settings)
        mind = watch.development(self, nursery, life, log, share)
        return life._replace(loop=life.loop._replace(agent=mind)), log

    def _live(
        self, folder: Path, life: Life, log: Log, report: Callable[[int, int], None], total: int
    ) -> None:
        dilemma = self.experiment.dilemma(self.settings)
        windowed = any(self.conditions[i].ablation.since > 0 for i in self.part.conditions)
        recorded = watch.recorded(self, life)
        last = time.monotonic()
        while len(life.condition):
            for _ in range(CHUNK):
                if windowed:
                    life = self._regate(life)
                probes = watch.probes(self, life, recorded)
                state, step = loop.turn(self.agent, dilemma, life.loop, probes)
                if probes:
                    watch.note(self, life, state, step, recorded, log)
                keep(life, step)
                life = life._replace(loop=state)
                if bool((state.tally.episode >= self.settings.episodes).any()):
                    life = thin(self, life)
                    recorded = watch.recorded(self, life)
                    if not len(life.condition):
                        break
            guard(self, life)
            report(total // 20 + int(life.rows.count() * 19 / 20), total)
            if time.monotonic() - last > SAVE_EVERY and len(life.condition):
                self._save(folder, life, log, finished=False)
                last = time.monotonic()
        self._save(folder, life, log, finished=True)
        report(total, total)

    def _regate(self, life: Life) -> Life:
        """Begin the ablations whose time has come."""
        progress = life.loop.tally.episode.to(torch.float64) / self.settings.episodes
        since = torch.tensor([c.ablation.since for c in self.conditions], dtype=torch.float64, device=progress.device)
        begun = progress >= since[life.condition]
        if torch.equal(begun, life.begun):
            return life
        gates = self.gates(life.condition, life.loop.key, progress)
        mind = self.agent.regate(life.loop.agent, gates)
        return life._replace(begun=begun, loop=life.loop._replace(agent=mind))

    def _save(self, folder: Path, life: Life, log: Log, finished: bool) -> None:
        """A checkpoint of everything; of a finished shard, what is left is the result."""
        tensors = log.pack() | life.rows.pack() | {f"kept/{name}": value for name, value in life.kept.items()}
        if not finished:
            tensors |= {"present": life.present, "begun": life.begun}
            tensors |= {f"loop/{name}": leaf for name, leaf in tree.flatten(life.loop)}
        data = {"finished": finished, "areas": log.areas}
        save_checkpoint(folder, self.part.name, Checkpoint(tensors, data))
