"""Reviving: a trained agent of a run, alone, ready to act with the same bits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents.base import Dilemma, Obs, Outcome
from bisnn.errors import ConfigError, RunCorrupt, UnknownName
from bisnn.experiments.base import configure, find
from bisnn.experiments.engine.cohort import Cohort, plan


class Finished(Protocol):
    """What reviving needs of a run."""

    @property
    def path(self) -> Path:
        """Its folder."""
        ...

    @property
    def manifest(self) -> Any:
        """Its manifest."""
        ...

    @property
    def state(self) -> dict[str, Tensor]:
        """Its final state."""
        ...


@dataclass
class TrainedAgent:
    """One individual after its training: `act` on an observation, `learn` from an outcome, as in `bisnn.agents.base`.

    It holds the state that its pure agent passes along, so it can be used like any other player.
    """

    agent: Any
    """The plan."""
    state: Any
    """Its present state, of batch shape `[1]`."""
    key: Tensor
    """Its seed, int64 `[1]`."""
    dilemma: Dilemma
    """The dilemma that it was trained in."""
    episode: int
    """The episode that comes next in its life."""
    traits: dict[str, Tensor]
    """Traits of its world, `[1]` each."""

    def act(self, obs: Obs) -> Tensor:
        """The action int64 `[1]` for what it perceives (its own slice: place `[1]`, expression `[1, cells]`)."""
        with torch.inference_mode():
            action: Tensor
            action, self.state = self.agent.act(self.state, obs)
        return action

    def learn(self, outcome: Outcome) -> None:
        """Be told the outcome of the action (its own slice)."""
        self.state = self.agent.learn(self.state, outcome)

    def live(self, episodes: int = 1) -> list[dict[str, float]]:
        """Live further episodes in its dilemma: one row of facts per episode (as in episodes.parquet)."""
        from bisnn.agents import loop

        rows: list[dict[str, float]] = []
        with torch.inference_mode():
            state = loop.begin(self.dilemma, self.key, self.state, self.episode, self.traits)
            while len(rows) < episodes:
                state, step = loop.turn(self.agent, self.dilemma, state)
                found = loop.rows(step)
                if len(found.pop("index")):
                    rows.append({name: float(value[0]) for name, value in found.items()})
        self.state, self.episode = state.agent, self.episode + episodes
        return rows


def agent(run: Finished, arm: str, seed: int, name: str | None = None) -> TrainedAgent:
    """The individual of `arm` and `seed`. `name` says which agent, where the arm has several.

    Raises `UnknownName` for an arm without individuals, `RunCorrupt` when its weights are missing, `ConfigError` for an
    experiment without a dilemma.
    """
    experiment = find(run.manifest.experiment)
    if experiment.dilemma is None:
        raise ConfigError(f"{experiment.name} has no agents that act; what its individuals learned is in `Run.state`")
    settings = configure(experiment, {**run.manifest.configuration, "device": "cpu", "backend": "auto"})
    for part in plan(experiment.conditions(settings), settings.seeds):
        shard = Cohort(experiment, settings, part)
        found = [i for i in part.conditions if shard.conditions[i].name == arm]
        if found and seed in part.seeds and name in (None, part.agent):
            return _revive(run, shard, found[0], seed)
    raise UnknownName("arm", arm, run.manifest.arms)


def _revive(run: Finished, shard: Cohort, condition: int, seed: int) -> TrainedAgent:
    prefix = f"{shard.part.agent}/"
    kept = {name.removeprefix(prefix): value for name, value in run.state.items() if name.startswith(prefix)}
    row = ((kept["condition"] == condition) & (kept["seed"] == seed)).nonzero()[:, 0]
    if len(row) != 1:
        raise RunCorrupt(f"{run.path} does not hold seed {seed} of {shard.conditions[condition].name}; run it again")
    key, which = rng.keys(torch.tensor([seed])), torch.tensor([condition])
    newborn = shard.agent.init(key, shard.gates(which, key, 1.0), shard.traits(which))
    learned = {name: value[row] for name, value in kept.items()}
    episodes = shard.settings.episodes
    state = shard.agent.revive(newborn, learned, episodes)
    world = shard.experiment.world(shard.settings)
    return TrainedAgent(shard.agent, state, key, world, episodes, shard.surroundings(which))
