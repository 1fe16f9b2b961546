"""What an experiment is: a question, arms declared before the run, what is lived or tried, measures, figures."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bisnn.agents.base import Agent, Dilemma
from bisnn.agents.development import Nursery
from bisnn.errors import ConfigError, UnknownName, pick
from bisnn.experiments.measures import MEASURES, Measure
from bisnn.interventions import INTACT, Ablation, Targets, parse

SUBJECT = "subject"
"""The name of the individuals of an experiment without agents."""


class Settings(BaseModel):
    """The configuration of a run. Every field can stand in a TOML file and be a flag of `bisnn run`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    seeds: int = Field(default=20, ge=1, le=100_000)
    """Individuals per arm: seeds 0, 1, ..."""
    episodes: int = Field(default=1000, ge=1, le=1_000_000)
    """Episodes of every individual's life."""
    arms: tuple[str, ...] = ()
    """Arms to run, in order; none named: all that the experiment declares. `intact` always comes first."""
    ablate: tuple[str, ...] = ()
    """Further arms: cut:A->B, silence:A, freeze:A->B, gain:A->B=0.5, clamp:dopamine=0, joined by +."""
    lesion: tuple[str, ...] = ()
    """Further arms that silence an area: short for --ablate silence:AREA."""
    record: int = Field(default=1, ge=0, le=100_000)
    """How many seeds of every arm to record, spikes and all."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where to compute."""
    backend: Literal["auto", "torch", "fused", "cuda"] = "auto"
    """What computes; all give the same bits."""

    @field_validator("arms", "ablate", "lesion", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = (value,)
        if not isinstance(value, list | tuple):
            return value
        return tuple(part.strip() for item in value for part in str(item).split(",") if part.strip())


PLACE = ("device", "backend", "record")
"""Settings of where a run computes and what it keeps, never of how a life goes; they stay out of `config_hash`."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One arm: an agent, what is done to it, and its traits."""

    name: str
    """Name in the tables."""
    ablation: Ablation = INTACT
    """What is done."""
    agent: str = "altruist"
    """Which of the experiment's agents."""
    traits: Mapping[str, float] = field(default_factory=dict)
    """Traits that differ from the agent's plan (gain, level, dose)."""
    world: Mapping[str, float] = field(default_factory=dict)
    """Traits of its world that differ from the dilemma's plan (observability, toll)."""
    length: float = 1.0
    """Expected length of its lives beside the others'; it only serves to balance the work."""
    facts: Mapping[str, float] = field(default_factory=dict)
    """Numbers that describe the condition in tables (level, lambda, dose)."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A declared experiment; one file of `bisnn.experiments` holds one as `EXPERIMENT`."""

    name: str
    question: str
    reference: str
    """DOIs."""
    settings: type[Settings]
    """Its configuration and defaults."""
    conditions: Callable[[Any], tuple[Condition, ...]]
    """Settings -> every condition; the first is the reference."""
    dilemma: Callable[[Any], Dilemma] | None = None
    """Settings -> dilemma; None: there is none, the system is tested by `trials`."""
    agents: Callable[[Any], Mapping[str, Agent]] = lambda settings: {}
    """Settings -> agents by name."""
    nursery: Callable[[Any], Nursery] = lambda settings: Nursery()
    """Settings -> where altruists develop."""
    trials: Callable[[Any], Any] | None = None
    """`trials.Batch` -> `trials.Found`: what its individuals do in all their trials, where there is no dilemma."""
    targets: Callable[[Any], Targets] | None = None
    """Settings -> what ablations can name in an experiment of trials."""
    measures: Mapping[str, Measure] = field(default_factory=lambda: MEASURES)
    """Name -> measure of the rows, as `Run.measure` reads them."""
    analyse: Callable[[Mapping[str, Any], Any], dict[str, Any]]
    """Episode columns, settings -> summary.json."""
    figures: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    """Name -> function of a `Run` that returns a matplotlib Figure."""
    table: Callable[[dict[str, Any]], tuple[list[str], list[list[str]]]]
    """summary -> header and rows of the closing table."""

    def __post_init__(self) -> None:
        if (self.dilemma is None) == (self.trials is None):
            raise ConfigError(f"experiment {self.name!r} is either lived in a dilemma or made of trials; give one")
        if (self.trials is None) != (self.targets is None):
            raise ConfigError(f"experiment {self.name!r}: trials and their targets go together; give both or none")

    @property
    def unit(self) -> str:
        """What an individual goes through: episodes or trials."""
        return "trial" if self.dilemma is None else "episode"

    def world(self, settings: Any) -> Dilemma:
        """The dilemma of the settings. Raises `ConfigError` where the experiment has none."""
        if self.dilemma is None:
            raise ConfigError(f"{self.name} has no dilemma: it tests a system by trials")
        return self.dilemma(settings)


def experiments() -> dict[str, Experiment]:
    """Every experiment of the package, by name: found by walking its files."""
    found = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name in ("worker", "__main__"):
            continue
        experiment = getattr(importlib.import_module(f"bisnn.experiments.{module.name}"), "EXPERIMENT", None)
        if isinstance(experiment, Experiment):
            found[experiment.name] = experiment
    return dict(sorted(found.items()))


def find(name: str) -> Experiment:
    """The experiment called `name`. Raises `UnknownName`."""
    known = experiments()
    return known[pick("experiment", name, known)]


def configure(experiment: Experiment, values: Mapping[str, Any]) -> Settings:
    """Validated settings. Raises `ConfigError` with the field, the reason and the nearest name."""
    fields = experiment.settings.model_fields
    for name in values:
        if name not in fields:
            raise UnknownName(f"setting of {experiment.name}", name, fields)
    try:
        return experiment.settings.model_validate(dict(values))
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        text = (f"{where} = {first['input']!r}: " if where else "") + said[:1].lower() + said[1:]
        raise ConfigError(f"{text}; see `bisnn run {experiment.name} --help`") from None


def select(declared: tuple[Condition, ...], settings: Settings, usual: int | None = None) -> tuple[Condition, ...]:
    """The declared conditions that `arms` names (the first `usual`, or all, when it names none), the reference
    first, and those of `ablate` and `lesion`, of the reference's agent. Raises `UnknownName` for an arm that is not
    declared, `ConfigError` for a bad ablation.
    """
    table = {condition.name: condition for condition in declared}
    wanted = [pick("arm", name, table) for name in settings.arms] or list(table)[:usual]
    first = declared[0].name
    names = [first, *(name for name in dict.fromkeys(wanted) if name != first)]
    chosen = [table[name] for name in names]
    for text in (*settings.ablate, *(f"silence:{area}" for area in settings.lesion)):
        chosen.append(Condition(name=text, ablation=parse(text), agent=declared[0].agent))
    once: dict[tuple[str, str], Condition] = {}
    for condition in chosen:  # an ablation is the same in another spelling
        once.setdefault((condition.name.lower(), condition.agent), condition)
    return tuple(once.values())


def subjects(
    arms: tuple[Ablation, ...],
    settings: Settings,
    usual: int | None = None,
    traits: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
) -> tuple[Condition, ...]:
    """The conditions of an experiment of trials, from its declared arms (`select`) and the `traits` of some of them.
    Raises `ConfigError` for an arm that begins later: trials are all taken at once.
    """
    if late := [arm.name for arm in arms if arm.since > 0.0]:
        raise ConfigError(f"arm {', '.join(late)} begins late, but trials are taken at once; leave `since` at 0")
    declared = (Condition(name=a.name, ablation=a, agent=SUBJECT, traits=traits.get(a.name, {})) for a in arms)
    return select(tuple(declared), settings, usual)


def expected(conditions: Iterable[Condition]) -> dict[str, str]:
    """What was expected of every arm before the run, for the summary."""
    return {condition.name: condition.ablation.expect for condition in conditions}
