"""A shard: some individuals of a run, lived to the end in one batch, with checkpoints.

A shard depends on nothing but the configuration and its number, so it can run in any process and be resumed to
the same bits. Individuals leave the batch when their life is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from bisnn import rng, tree
from bisnn.agents import loop
from bisnn.agents.altruist import Altruist
from bisnn.experiments import trials
from bisnn.experiments.engine import watch
from bisnn.experiments.engine.cohort import Cohort
from bisnn.experiments.engine.life import Life, guard, keep, thin
from bisnn.experiments.engine.record import Log
from bisnn.experiments.storage import Checkpoint, load_checkpoint, save_checkpoint

CHUNK = 50
"""Turns between two looks at the clock."""
SAVE_EVERY = 15.0
"""Seconds between two checkpoints."""


@dataclass(frozen=True)
class Shard(Cohort):
    """A cohort that lives in this process."""

    def newborn(self) -> Life:
        """All individuals of the shard, born and (altruists) raised; nothing lived yet."""
        device = torch.device(self.settings.device)
        condition, seeds = (values.to(device) for values in self.individuals)
        key = rng.keys(seeds)
        state = self.agent.init(key, self.gates(condition, key), self.traits(condition))
        return Life.begin(self.experiment.world(self.settings), condition, key, state, self.surroundings(condition))

    def run(self, folder: Path, report: Callable[[int, int], None]) -> None:
        """Live every life to its end. `report(done, total)` counts episodes; development counts as a twentieth."""
        saved = load_checkpoint(folder, self.part.name)
        if saved is not None and saved.data["finished"]:
            return
        total = len(self.individuals[0]) * self.settings.episodes
        with torch.inference_mode():
            if self.experiment.trials is not None:
                self._try(folder, self.experiment.trials, lambda share: report(int(share * total), total))
            elif saved is None:
                life, log = self._raise(lambda share: report(int(share * total / 20), total))
                self._save(folder, life, log, finished=False)
                self._live(folder, life, log, report, total)
            else:
                life = self.newborn().restored(saved, self)
                log = Log.unpack(saved.tensors, saved.data["areas"])
                self._live(folder, life, log, report, total)

    def _try(
        self, folder: Path, session: Callable[[trials.Batch], trials.Found], share: Callable[[float], None]
    ) -> None:
        """All trials of all individuals; they are saved at the end, so a shard that is stopped begins anew."""
        condition, seeds = (values.to(self.settings.device) for values in self.individuals)
        key = rng.keys(seeds)
        batch = trials.Batch(
            self.settings,
            self.conditions,
            condition,
            key,
            self.gates(condition, key),
            (seeds < self.settings.record).nonzero()[:, 0],
            share,
        )
        found = session(batch)
        rows = {f"rows/{name}": column for name, column in trials.check(found, batch).items()}
        batch.log.extras.update(trials.recordings(found, batch))
        kept = {f"kept/{name}": value for name, value in found.kept.items()}
        data = {"finished": True, "areas": batch.log.areas}
        save_checkpoint(folder, self.part.name, Checkpoint(batch.log.pack() | rows | kept, data))
        share(1.0)

    def _raise(self, share: Callable[[float], None]) -> tuple[Life, Log]:
        life, log = self.newborn(), Log()
        if not isinstance(self.agent, Altruist):
            return life, log
        nursery = self.experiment.nursery(self.settings)
        mind = watch.development(self, nursery, life, log, share)
        return life._replace(loop=life.loop._replace(agent=mind)), log

    def _live(self, folder: Path, life: Life, log: Log, report: Callable[[int, int], None], total: int) -> None:
        dilemma = self.experiment.world(self.settings)
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
