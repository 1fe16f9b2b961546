"""Trials: experiments that test a system directly. All individuals of a shard take all their trials in one batch.

An experiment gives `trials`, a function of a `Batch` to what it `Found`; its rows, recordings and spikes are kept,
gathered and hashed like those of a life in a dilemma, an episode being a trial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bisnn import rng
from bisnn.errors import ConfigError, ShapeMismatch, StateMismatch, pick
from bisnn.experiments.base import SUBJECT, Condition, Experiment, Settings, configure
from bisnn.experiments.engine.record import Log
from bisnn.gates import Gates
from bisnn.interventions import compile_gates
from bisnn.recording import Recording

Taken = dict[str, dict[str, Tensor]]
"""Arm -> column -> `[seeds, trials]`."""
NOTHING: Mapping[str, Tensor] = MappingProxyType({})


class Found(NamedTuple):
    """What the individuals of a batch did."""

    rows: Mapping[str, Tensor]
    """Column -> `[N, trials]`: one row for every individual and trial."""
    kept: Mapping[str, Tensor] = NOTHING
    """What each had learned at the end, `[N, ...]` by name."""
    recordings: Mapping[str, Tensor] = NOTHING
    """Recordings of the individuals in `Batch.recorded`, `[R, ...]` by name."""


@dataclass(frozen=True)
class Batch:
    """The individuals of a shard, and what is done to them."""

    settings: Any
    """The settings of the experiment."""
    conditions: tuple[Condition, ...]
    """Its conditions."""
    condition: Tensor
    """The condition of every individual, int64 `[N]`."""
    key: Tensor
    """Their seeds, int64 `[N]`."""
    gates: Gates
    """Their ablations."""
    recorded: Tensor
    """Which individuals are recorded, int64 `[R]`."""
    report: Callable[[float], None] = lambda share: None
    """Told the fraction that is done."""
    log: Log = field(default_factory=Log)
    """Spikes of the recorded individuals."""

    @classmethod
    def of(cls, experiment: Experiment, settings: Any, seeds: Sequence[int], arms: Sequence[str] = ()) -> Batch:
        """The individuals `seeds` of each of the `arms`, arm by arm; no arms: all that the settings name. None is
        recorded. Raises `UnknownName` for an arm that they do not name, `ConfigError` for an experiment without trials.
        """
        if experiment.targets is None:
            raise ConfigError(f"{experiment.name} is lived in a dilemma; it has no trials that could be taken")
        conditions = experiment.conditions(settings)
        names = [condition.name for condition in conditions]
        which = [names.index(pick("arm", arm, names)) for arm in arms or names]
        condition = torch.tensor(which).repeat_interleave(len(seeds))
        key = rng.keys(torch.tensor(seeds)).repeat(len(which))
        gates = compile_gates([one.ablation for one in conditions], condition, key, experiment.targets(settings))
        return cls(settings, conditions, condition, key, gates, key[:0])

    def trait(self, name: str, usual: float) -> Tensor:
        """A trait of every individual's condition, or its `usual` value, float32 `[N]`."""
        values = [float(condition.traits.get(name, usual)) for condition in self.conditions]
        return torch.tensor(values, dtype=torch.float32, device=self.key.device)[self.condition]

    def spikes(self, recording: Recording, trial: int, step: int = 0) -> None:
        """Keep the spikes of the recorded individuals in `recording` (areas `[N, T, n]`), of `step` of a `trial`."""
        if not len(self.recorded):
            return
        where = [torch.full_like(self.recorded, number) for number in (trial, step)]
        self.log.spikes(recording, self.recorded, self.recorded, *where)


def shown(settings: Settings) -> str:
    """The arm that the head of a summary describes: the first lesion or ablation that was asked for, else intact."""
    asked = (*settings.ablate, *(f"silence:{area}" for area in settings.lesion))
    return asked[0] if asked else "intact"


def check(found: Found, batch: Batch) -> dict[str, Tensor]:
    """The rows as columns `[N trials]`, with the `individual` and `episode` of each.

    Raises `ShapeMismatch` where a column has a name that is taken or is not `[N, trials]`, or what is kept is not
    `[N, ...]`; `StateMismatch` where an individual computed NaN or Infinity in what it learned, with its arm and seed.
    """
    count = len(batch.key)
    if taken := {"individual", "episode"} & set(found.rows):
        raise ShapeMismatch(f"column {', '.join(sorted(taken))} is written by the run itself; give it another name")
    shapes = {name: tuple(column.shape) for name, column in found.rows.items()}
    if not shapes or len(set(shapes.values())) != 1 or any(len(s) != 2 or s[0] != count for s in shapes.values()):
        raise ShapeMismatch(f"rows of {count} individuals have shapes {shapes}; each column is [individuals, trials]")
    for name, value in found.kept.items():
        if value.shape[:1] != (count,):
            raise ShapeMismatch(f"{name!r} of {count} individuals has shape {tuple(value.shape)}")
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            bad = ~torch.isfinite(value.reshape(count, -1)).all(-1)
            first = int(bad.nonzero()[0, 0])
            arm, seed = batch.conditions[int(batch.condition[first])].name, int(batch.key[first])
            raise StateMismatch(f"arm {arm!r}, seed {seed}: {name} is not finite after its trials; mend the settings")
    individual = torch.arange(count)[:, None].expand(count, next(iter(shapes.values()))[1])
    episode = torch.arange(individual.shape[1]).expand(individual.shape)
    return {
        "individual": individual.reshape(-1),
        "episode": episode.reshape(-1),
        **{name: column.cpu().reshape(-1).contiguous() for name, column in found.rows.items()},
    }


def recordings(found: Found, batch: Batch) -> dict[str, Tensor]:
    """The recordings by `individual/name`. Raises `ShapeMismatch` where one is not `[R, ...]`."""
    named = {}
    for name, value in found.recordings.items():
        if value.shape[:1] != batch.recorded.shape:
            raise ShapeMismatch(f"recording {name!r} of {len(batch.recorded)} individuals is {tuple(value.shape)}")
        for i, number in enumerate(batch.recorded.tolist()):
            named[f"{number}/{name}"] = value[i].detach().cpu().clone()
    return named


# ------------------------------------------------------------ without a run folder


def take(experiment: Experiment, settings: Any, seeds: Sequence[int], arms: Sequence[str] = ()) -> Taken:
    """The trials of some individuals, arm -> column, or what was learned -> `[seeds, ...]` (`Batch.of`)."""
    batch = Batch.of(experiment, settings, seeds, arms)
    found = _found(experiment, batch)
    names = [batch.conditions[i].name for i in batch.condition[:: len(seeds)].tolist()]
    parts = {name: part.unflatten(0, (len(names), -1)) for name, part in {**found.rows, **found.kept}.items()}
    return {arm: {name: part[i] for name, part in parts.items()} for i, arm in enumerate(names)}


def columns(experiment: Experiment, settings: Any) -> dict[str, NDArray[Any]]:
    """The rows of a run with these settings, as in episodes.parquet, computed in this process."""
    batch = Batch.of(experiment, settings, range(settings.seeds))
    rows = {name: column.numpy() for name, column in check(_found(experiment, batch), batch).items()}
    who = rows.pop("individual")
    arms = np.array([condition.name for condition in batch.conditions], dtype=object)
    head: dict[str, NDArray[Any]] = {"arm": arms[batch.condition.numpy()[who]], "seed": batch.key.numpy()[who]}
    return {**head, "agent": np.full(len(who), SUBJECT, dtype=object), **rows}


def summary(experiment: Experiment, **values: Any) -> dict[str, Any]:
    """What a run with these settings would find (summary.json), computed in this process; nothing is written."""
    settings = configure(experiment, values)
    return experiment.analyse(columns(experiment, settings), settings)


def _found(experiment: Experiment, batch: Batch) -> Found:
    assert experiment.trials is not None
    with torch.inference_mode():
        found: Found = experiment.trials(batch)
    return found
