"""The course of self-causation: an individual babbles in its world of consequences, then is tested on what is new.

All individuals of a batch babble together, trial by trial; test trials, in which nothing is learned, are computed many
at once. The rows say of every test trial what was done, what it brought about, and what the contrasts made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bisnn import rng, tree
from bisnn.circuit import CircuitState
from bisnn.coding import choose
from bisnn.experiments import measures
from bisnn.experiments.scores import auroc
from bisnn.experiments.tasks.consequences import (
    KINDS,
    PERMITTED,
    World,
    babbling,
    draw,
    effects,
    misread,
    outcome,
    trial_scenes,
)
from bisnn.experiments.trials import Batch, Found
from bisnn.recording import Probe, Recording
from bisnn.systems.self_causation import (
    ACTORS,
    INPUTS,
    LEARNED,
    OPENS,
    Attribution,
    Scene,
    SelfCausation,
    responsibility,
)

AT_ONCE = 4096
"""Trials computed at once, about."""
BLOCK = 50
"""Trials of babbling that are drawn at once."""
RECORDED = 4
"""Test trials whose spikes are kept: a harm by the self, by the other, by nature, and by self and other together."""
SHOWN = ("context", *INPUTS, "imagine", "prediction", "held", "outcome", *OPENS)
"""Areas whose spikes are kept."""

AUROCS = {
    "auroc": ("score", "single", "guilty"),
    "auroc_responsibility": ("responsible", "harmful", "self_harms"),
    "auroc_but_for": ("score", "harmful", "self_harms"),
    "auroc_change": ("authored", "control", "self_changes"),
}
"""Area under the ROC curve -> column of the score, of the trials that count, of the positives."""


def babble(model: SelfCausation, world: World, batch: Batch) -> CircuitState:
    """Individuals `[N]` after babbling."""
    settings, state, count = batch.settings, model.init(batch.key), len(batch.key)
    confounded = batch.trait("confounded", 0.0) > 0
    for first in range(0, settings.training, BLOCK):
        size = min(BLOCK, settings.training - first)
        index = torch.arange(count, device=batch.key.device).repeat_interleave(size)
        key, trial = batch.key[index], torch.arange(first, first + size, device=batch.key.device).repeat(count)
        mine = tree.take(world, index)
        scene = babbling(mine, key, trial, confounded[index])
        felt = outcome(effects(mine, scene))
        seen = misread(scene, key, "misread/babbling", trial, settings.noise, model.acts)
        phase = rng.uniform(key, "self_causation/phase/babbling", trial, model.outcomes)
        parts = tree.map(lambda leaf, n=size: leaf.unflatten(0, (count, n)), (seen, felt, phase))
        for k in range(size):
            now, happened, start = tree.map(lambda leaf, k=k: leaf[:, k], parts)
            state = model.experience(state, now, happened, start, batch.gates)
        batch.report(0.7 * (first + size) / settings.training)
    return state


class Testing:
    """Test trials of the individuals of a batch, taken in parts."""

    def __init__(self, model: SelfCausation, world: World, state: CircuitState, batch: Batch) -> None:
        self.model, self.world, self.state, self.batch = model, world, state, batch
        self.start, self.coincident = batch.trait("start", 0.0) > 0, batch.trait("coincident", 0.0) > 0
        self.scenes, self.kinds = trial_scenes(world, batch.key, batch.settings.episodes)

    def part(
        self, trials: range, hold: bool = False, probes: tuple[Probe, ...] = ()
    ) -> tuple[dict[str, Tensor], Recording]:
        """Rows `[N, trials]`, and the recording of their circuits `[N * trials, ...]`; `hold`: if the self held the
        other back instead, of which nothing is felt yet."""
        model, count = self.model, len(trials)
        index = torch.arange(len(self.batch.key), device=self.batch.key.device).repeat_interleave(count)
        key = self.batch.key[index]
        trial = torch.arange(trials.start, trials.stop, device=key.device).repeat(len(self.batch.key))
        scene = Scene(*(leaf[:, trials.start : trials.stop].reshape(-1) for leaf in self.scenes))
        if hold:
            scene = scene._replace(own=torch.full_like(scene.own, model.acts))
        effect = effects(tree.take(self.world, index), scene)
        felt = outcome(effect) & (not hold)
        seen = misread(scene, key, "misread/test", trial, self.batch.settings.noise, model.acts)
        phase = rng.uniform(key, "self_causation/phase/test", trial, model.outcomes)
        gates = tree.map(lambda leaf: leaf[index], self.batch.gates)
        state = tree.take(self.state, index)
        found, recording = model.attribute(state, seen, felt, phase, gates, self.start[index], probes)
        own = torch.where(self.coincident[index], found.coincident, found.caused[..., 0])
        found = found._replace(caused=torch.cat((own[..., None], found.caused[..., 1:]), -1))
        noise = rng.uniform(key, "self_causation/tie", trial, len(ACTORS))
        rows = self._rows(scene, effect, found, noise)
        return {name: column.reshape(-1, count) for name, column in rows.items()}, recording

    def _rows(self, scene: Scene, effect: Tensor, found: Attribution, noise: Tensor) -> dict[str, Tensor]:
        spikes = (found.caused * (self.model.cells * (self.model.ticks - 1))).round()
        responsible = responsibility(found.predicted)
        rows: dict[str, Tensor] = dict(zip(("context", *INPUTS), scene, strict=True))
        for k, actor in enumerate(ACTORS):
            rows[f"{actor}_effect"] = effect[..., k]
            rows[f"{actor}_contrast"] = found.caused[..., k]
            rows[f"{actor}_responsibility"] = responsible[..., k]
        rows |= {"score": found.caused[..., 0], "responsible": responsible[..., 0], "authored": found.changed[..., 0]}
        rows |= {"answer": choose(spikes, noise), "blamed": found.caused[..., 0] > self.batch.settings.criterion}
        return rows | {"deviation": found.caused[..., 0] + found.changed[..., 0]}

    def all(self) -> dict[str, Tensor]:
        """Rows `[N, trials]` of all test trials."""
        episodes = self.batch.settings.episodes
        size = max(1, AT_ONCE // len(self.batch.key))
        parts = []
        for first in range(0, episodes, size):
            parts.append(self.part(range(first, min(first + size, episodes)))[0])
            self.batch.report(0.7 + 0.3 * first / episodes)
        rows = {name: torch.cat([part[name] for part in parts], -1) for name in parts[0]}
        rows["interferes"] = torch.zeros_like(rows["blamed"])
        for trial in (self.kinds == PERMITTED).nonzero()[:, 0].tolist():
            held = self.part(range(trial, trial + 1), hold=True)[0]["deviation"][:, 0]
            rows["interferes"][:, trial] = rows["deviation"][:, trial] > held + self.batch.settings.criterion
        return rows | self._groups(rows)

    def _groups(self, rows: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Which trials are of which kind, bool `[N, trials]`."""
        kind = self.kinds.expand(len(self.batch.key), -1)
        harms = torch.tensor([each.harms for each in KINDS], device=kind.device)[kind]
        several = torch.tensor([each.harms.bit_count() for each in KINDS], device=kind.device)[kind]
        still = torch.tensor([each.still for each in KINDS], device=kind.device)[kind]
        single, self_harms = (several == 1) & ~still, (harms & 1) > 0
        changes = torch.tensor([each.changes or 0 for each in KINDS], device=kind.device)[kind]
        true = torch.where(harms == 4, 2, harms - 1)
        return {
            "kind": kind,
            "harmful": (several > 0) & ~still,
            "bystander": (several > 0) & still,
            "self_harms": self_harms,
            "single": single,
            "guilty": single & self_harms,
            "innocent": single & ~self_harms,
            "shared": self_harms & (several > 1),
            "control": (several == 0) & ~still & (changes > 0),
            "self_changes": (changes & 1) > 0,
            "permitted": kind == PERMITTED,
            "correct": single & (rows["answer"] == true),
            "missed": ~rows["blamed"],
        }


def trials(batch: Batch) -> Found:
    """Babbling, then all test trials, of all individuals of the batch."""
    model = SelfCausation()
    world = draw(batch.key, model.contexts, model.acts)
    state = babble(model, world, batch)
    testing = Testing(model, world, state, batch)
    rows = testing.all()
    for trial in range(min(RECORDED, batch.settings.episodes) if len(batch.recorded) else 0):
        batch.spikes(testing.part(range(trial, trial + 1), probes=tuple(map(Probe, SHOWN)))[1], trial)
    weight = state.weights[LEARNED]
    return Found(rows, {LEARNED: weight}, {f"weight.{LEARNED}": weight[batch.recorded]})


def areas_under(episodes: Mapping[str, Any]) -> dict[str, dict[str, NDArray[np.float64]]]:
    """The areas under the ROC curve, name -> arm -> `[seeds]`; NaN where an individual has no trial of one kind."""
    columns = {name for use in AUROCS.values() for name in use}
    tables = {name: measures.table(episodes, name) for name in columns}
    return {
        name: {
            arm: auroc(np.where(tables[among][arm] > 0, values, np.nan), tables[positive][arm])
            for arm, values in tables[score].items()
        }
        for name, (score, among, positive) in AUROCS.items()
    }
