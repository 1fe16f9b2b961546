"""Who is in a run: the individuals of an experiment, parted into cohorts that live in one batch each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn.agents.altruist import Altruist
from bisnn.errors import ConfigError
from bisnn.experiments.base import Condition, Experiment, Settings
from bisnn.gates import NO_GATES, Gates
from bisnn.interventions import INTACT, Ablation, Targets, compile_gates

LARGEST = 480
"""Individuals in one cohort, at most."""


class Part(NamedTuple):
    """Which individuals a cohort holds."""

    name: str
    agent: str
    conditions: tuple[int, ...]  # indices into the experiment's conditions
    seeds: tuple[int, ...]


def plan(conditions: Sequence[Condition], seeds: int) -> tuple[Part, ...]:
    """The parts of a run, from its configuration alone: by agent, two or more when it pays, of about equal length."""
    parts = []
    for agent in dict.fromkeys(condition.agent for condition in conditions):
        mine = [i for i, condition in enumerate(conditions) if condition.agent == agent]
        count = min(len(mine), max(2 if len(mine) * seeds > 16 else 1, -(-len(mine) * seeds // LARGEST)))
        bins: list[list[int]] = [[] for _ in range(count)]
        for i in sorted(mine, key=lambda i: -conditions[i].length):
            min(bins, key=lambda held: sum(conditions[j].length for j in held)).append(i)
        for k, held in enumerate(bins):
            size = max(1, LARGEST // len(held))
            chunks = [tuple(range(seeds))[first : first + size] for first in range(0, seeds, size)]
            names = [f"{agent}-{k}" + (f"-{j}" if len(chunks) > 1 else "") for j in range(len(chunks))]
            parts += [Part(name, agent, tuple(sorted(held)), chunk) for name, chunk in zip(names, chunks, strict=True)]
    return tuple(parts)


@dataclass(frozen=True)
class Cohort:
    """One part of an experiment: its individuals, what is done to them, and their agent."""

    experiment: Experiment
    settings: Settings
    part: Part

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition of the experiment."""
        return self.experiment.conditions(self.settings)

    @cached_property
    def agent(self) -> Any:
        """The agent of this cohort."""
        return self.experiment.agents(self.settings)[self.part.agent]

    @cached_property
    def individuals(self) -> tuple[Tensor, Tensor]:
        """Condition number and seed of every individual, int64 `[N]`, sorted by condition, then seed."""
        seeds = len(self.part.seeds)
        condition = torch.tensor(self.part.conditions).repeat_interleave(seeds)
        return condition, torch.tensor(self.part.seeds).repeat(len(self.part.conditions))

    @cached_property
    def targets(self) -> Targets | None:
        """What ablations can name in these individuals; None where they have no circuits."""
        if self.experiment.targets is not None:
            return self.experiment.targets(self.settings)
        return self.agent.targets if isinstance(self.agent, Altruist) else None

    def gates(self, condition: Tensor, key: Tensor, progress: Tensor | float = 0.0) -> Gates:
        """The gates of individuals of `condition` `[B]` with `progress` `[B]` of their life behind them."""
        if self.targets is None:
            for i in self.part.conditions:
                if replace(self.conditions[i].ablation, name="", expect="") != Ablation(name=""):
                    raise ConfigError(f"arm {self.conditions[i].name!r}: {self.part.agent} has no circuit to ablate")
            return NO_GATES
        mine = set(self.part.conditions)
        arms = [c.ablation if i in mine else INTACT for i, c in enumerate(self.conditions)]
        return compile_gates(arms, condition, key, self.targets, progress)

    def traits(self, condition: Tensor) -> dict[str, Tensor]:
        """The traits that conditions set, `[B]` each."""
        return self._table(condition, [one.traits for one in self.conditions], self.agent)

    def surroundings(self, condition: Tensor) -> dict[str, Tensor]:
        """The traits of their worlds that conditions set, `[B]` each."""
        given = [one.world for one in self.conditions]
        return self._table(condition, given, self.experiment.world(self.settings)) if any(given) else {}

    def _table(self, condition: Tensor, given: Sequence[Mapping[str, float]], plan: Any) -> dict[str, Tensor]:
        """Every trait that a condition of this part sets; where one does not, the field of `plan`, `[B]` each."""
        names = dict.fromkeys(name for i in self.part.conditions for name in given[i])
        usual = {name: float(getattr(plan, name)) for name in names}  # a trait's default is the plan's field
        table = {name: [float(traits.get(name, usual[name])) for traits in given] for name in names}
        return {name: torch.tensor(values, device=condition.device)[condition] for name, values in table.items()}
