"""What there is: experiments, dilemmas, agents, ablations and components, found by walking the folders."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from bisnn.agents import kinds
from bisnn.agents.base import GOALS, Agent, Dilemma
from bisnn.agents.catalogue import dilemmas
from bisnn.experiments.base import Experiment, experiments
from bisnn.interventions import Ablation
from bisnn.modulators import Modulator
from bisnn.neurons import Neuron
from bisnn.plasticity import Rule

Row = dict[str, Any]


def _modules(package: str) -> Iterator[ModuleType]:
    """Every module of a package."""
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not found.name.startswith("_"):
            yield importlib.import_module(f"{package}.{found.name}")


def _own_classes(module: ModuleType) -> Iterator[type]:
    """The public classes that a module defines."""
    for name, value in vars(module).items():
        if inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_"):
            yield value


def _satisfies(kind: type, protocol: type) -> bool:
    """Whether a dataclass has every member of a protocol."""
    wanted = {name for name in vars(protocol) if not name.startswith("_")}
    has = {*dir(kind), *getattr(kind, "__dataclass_fields__", {})}
    return dataclasses.is_dataclass(kind) and wanted <= has


def _first_line(value: Any) -> str:
    return (inspect.getdoc(value) or "").partition("\n")[0]


def _components(package: str, protocol: type) -> list[Row]:
    """The implementations of a protocol in a package, with their parameters."""
    found = []
    for module in _modules(package):
        for kind in _own_classes(module):
            if _satisfies(kind, protocol):
                parameters = {part.name: _plain(part) for part in dataclasses.fields(kind)}
                about = _first_line(kind)
                summary = _first_line(module) if "module docstring" in about or not about else about
                row = {"name": kind.__name__, "summary": summary, "module": module.__name__, "parameters": parameters}
                found.append(row)
    return sorted(found, key=lambda row: str(row["name"]))


def _plain(part: dataclasses.Field[Any]) -> Any:
    """The default of a parameter as JSON can hold it."""
    value = part.default
    if value is dataclasses.MISSING:
        value = None if part.default_factory is dataclasses.MISSING else part.default_factory()
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)


def list_experiments() -> list[Row]:
    """Experiments with their arms; `further_arms` run when they are named."""
    rows = []
    for experiment in experiments().values():
        row = {"name": experiment.name, "question": experiment.question, "arms": arms(experiment)}
        row |= {"further_arms": further_arms(experiment), "reference": experiment.reference}
        rows.append({**row, "figures": list(experiment.figures)})
    return rows


def arms(experiment: Experiment) -> list[str]:
    """The conditions that run by default."""
    return list(dict.fromkeys(condition.name for condition in experiment.conditions(experiment.settings())))


def further_arms(experiment: Experiment) -> list[str]:
    """The declared arms that run only when they are named."""
    default = arms(experiment)
    return [arm.name for arm in _ablations(experiment) if arm.name not in default]


def _ablations(experiment: Experiment) -> list[Ablation]:
    """The ablations of an experiment: of its default conditions, then the others that its module declares."""
    found = {c.ablation.name: c.ablation for c in experiment.conditions(experiment.settings())}
    for value in vars(sys.modules[experiment.conditions.__module__]).values():
        if isinstance(value, tuple):
            found |= {arm.name: arm for arm in value if isinstance(arm, Ablation) and arm.name not in found}
    return list(found.values())


def list_dilemmas() -> list[Row]:
    """Dilemmas with the certificate that their own rules give."""
    return [_certified(kind(), _first_line(kind)) for kind in dilemmas().values()]


def _certified(dilemma: Dilemma, summary: str) -> Row:
    """One dilemma: who can do what in it, what helping costs and brings, and how that was found."""
    payoff = dilemma.payoff()
    optima = {goal: getattr(payoff, goal) for goal in GOALS}
    return {
        "id": dilemma.name,
        "kind": payoff.kind,
        "cost_of_helping": float(payoff.cost_of_helping),
        "benefit": float(payoff.benefit),
        "optima": {goal: None if value is None else float(value) for goal, value in optima.items()},
        "agents": list(dilemma.agents),
        "parties": list(dilemma.parties),
        "actions": list(dilemma.actions),
        "horizon": dilemma.horizon,
        "method": payoff.method,
        "bound": float(payoff.bound),
        "against": payoff.against,
        "game": {name: float(value) for name, value in payoff.game.items()},
        "meaning": kinds.KINDS[payoff.kind].meaning,
        "summary": summary,
    }


def list_agents() -> list[Row]:
    """Agents that can live in a dilemma."""
    return _components("bisnn.agents", Agent)


def list_ablations() -> list[Row]:
    """The arms that experiments declare: what each does, and what it should do."""
    return [
        {"name": arm.name, "experiment": experiment.name, "does": describe(arm), "expect": arm.expect}
        for experiment in experiments().values()
        for arm in _ablations(experiment)
    ]


def describe(ablation: Ablation) -> str:
    """What an ablation does, as `--ablate` writes it where it can."""
    parts = []
    for verb in ("cut", "silence", "freeze", "shuffle"):
        parts += [f"{verb}:{name}" for name in getattr(ablation, verb)]
    for verb in ("gain", "clamp", "drive", "release"):
        parts += [f"{verb}:{name}={value:g}" for name, value in getattr(ablation, verb).items()]
    if ablation.silence_random:
        spared = f" outside {', '.join(ablation.spare)}" if ablation.spare else ""
        parts.append(f"{ablation.silence_random} random units silenced{spared}")
    since = f", from {ablation.since:.0%} of life" if ablation.since else ""
    return ("+".join(parts) or "nothing") + since


def list_neurons() -> list[Row]:
    """Neuron models."""
    return _components("bisnn.neurons", Neuron)


def list_rules() -> list[Row]:
    """Plasticity rules."""
    return _components("bisnn.plasticity", Rule)


def list_modulators() -> list[Row]:
    """Neuromodulators."""
    return _components("bisnn.modulators", Modulator)


KINDS: dict[str, Callable[[], list[Row]]] = {
    "experiments": list_experiments,
    "dilemmas": list_dilemmas,
    "agents": list_agents,
    "ablations": list_ablations,
    "neurons": list_neurons,
    "rules": list_rules,
    "modulators": list_modulators,
}
"""Kind -> what there is of it."""
SHOWN = {
    "experiments": ("name", "question", "arms"),
    "dilemmas": ("id", "kind", "agents", "cost_of_helping", "benefit", "optima", "bound"),
    "agents": ("name", "summary"),
    "ablations": ("name", "experiment", "does", "expect"),
    "neurons": ("name", "summary"),
    "rules": ("name", "summary"),
    "modulators": ("name", "summary"),
}
"""The columns of each kind's table."""


def table(kind: str, rows: list[Row]) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the table of one kind."""
    columns = SHOWN[kind]
    return [name.replace("_", " ") for name in columns], [[_cell(row[name]) for name in columns] for row in rows]


def _cell(value: Any) -> str:
    if isinstance(value, list):
        most = 12
        return ", ".join(map(str, value[:most])) + (f" ... ({len(value)})" if len(value) > most else "")
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(part)}" for name, part in value.items() if part is not None)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
