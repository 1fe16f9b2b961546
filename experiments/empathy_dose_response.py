"""How much empathy does help need? Empathy level by empathy strength, spiking agents beside tabular learning.

The dose of an individual is lambda * alpha * f: strength lambda, alpha = 1, and f the fraction of mirror cells that
the inhibitory pool leaves free. The products of the default lists are dense where the response is steep.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator

from bisnn.agents.altruist import Altruist
from bisnn.agents.base import Agent
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.tabular_q import TabularQ
from bisnn.experiments import measures, statistics
from bisnn.experiments.base import Condition, Experiment, Settings, select
from bisnn.experiments.figures.dose import FIGURES
from bisnn.experiments.tables import dose_table
from bisnn.interventions import INTACT
from bisnn.systems.empathy_presets import graded

Level = Annotated[float, Field(ge=0.0, le=1.0)]
Strength = Annotated[float, Field(ge=0.0, le=1000.0)]


class EmpathyDoseResponse(Settings):
    """Configuration of empathy-dose-response."""

    levels: tuple[Level, ...] = Field(default=(0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0), min_length=1)
    """Empathy levels: fractions of mirror cells left free."""
    gains: tuple[Strength, ...] = Field(default=(0.0, 1.0, 2.0, 3.0, 3.5, 4.0, 5.0, 9.0), min_length=1)
    """Empathy strengths lambda."""
    record: int = Field(default=0, ge=0)
    """How many seeds of every condition to record, spikes and all."""

    @field_validator("levels", "gains", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part for part in value.split(",") if part.strip())
        return value

    @field_validator("levels", "gains")
    @classmethod
    def _once(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(dict.fromkeys(value))


def free_fraction(level: float) -> float:
    """f: the fraction of mirror cells that are not inhibited at an empathy level."""
    return 1.0 - float(graded().inhibited(torch.tensor(level)).mean())


def conditions(settings: EmpathyDoseResponse) -> tuple[Condition, ...]:
    """The intact reference (level 1, lambda 9), then the grid, for both agents."""
    declared = []
    grid = [("intact", 1.0, 9.0)]
    grid += [(f"level={level:g}/lambda={gain:g}", level, gain) for level in settings.levels for gain in settings.gains]
    for name, level, gain in grid:
        dose = round(gain * free_fraction(level), 6)
        facts = {"level": level, "lambda": gain, "dose": dose}
        traits = {"level": level, "gain": gain}
        declared.append(Condition(name=name, ablation=INTACT, agent="spiking", traits=traits, facts=facts))
        declared.append(Condition(name=name, ablation=INTACT, agent="tabular_q", traits={"dose": dose}, facts=facts))
    named = select(tuple(c for c in declared if c.agent == "spiking"), settings)
    chosen = {condition.name for condition in named}
    return (*named, *(c for c in declared if c.agent == "tabular_q" and c.name in chosen))


def dilemma(settings: EmpathyDoseResponse) -> Rescue:
    """The published rescue."""
    return Rescue()


def agents(settings: EmpathyDoseResponse) -> Mapping[str, Agent]:
    """Spiking altruists and tabular learners, over the same life."""
    return {
        "spiking": Altruist(episodes=settings.episodes, backend=settings.backend),
        "tabular_q": TabularQ(episodes=settings.episodes),
    }


def analyse(episodes: Mapping[str, NDArray[Any]], settings: EmpathyDoseResponse) -> dict[str, Any]:
    """Help by dose: table, rank correlation of dose and mean help, threshold of each agent."""
    found: dict[str, Any] = measures.summary(episodes, agent="spiking")
    found |= {"dose": [], "dose_means": [], "rho": {}, "threshold": {}, "fit": {}}
    facts = {c.name: c.facts for c in conditions(settings) if c.facts}
    for agent in agents(settings):
        rates = {arm: rate for arm, rate in measures.per_seed(episodes, "help_rate", agent).items() if arm in facts}
        for arm, rate in rates.items():
            helps = float(np.mean(rate[np.isfinite(rate)] >= 0.5)) if np.isfinite(rate).any() else None
            entry = {**facts[arm], "arm": arm, "agent": agent, "help_rate": statistics.summarise(rate)}
            found["dose"].append({**entry, "individuals_that_help": helps})
        doses, means, seeds = by_dose(rates, {arm: facts[arm]["dose"] for arm in rates})
        found["dose_means"] += [
            {"dose": dose, "agent": agent, "help_rate": mean} for dose, mean in zip(doses, means, strict=True)
        ]
        found["rho"][agent] = statistics.spearman(doses, means)
        fit = statistics.psychometric(doses, seeds)
        found["threshold"][agent] = {"value": fit["value"], "ci95": fit["ci95"]}
        found["fit"][agent] = {"threshold": fit["value"], "width": fit["width"], "ceiling": fit["ceiling"]}
    return found


def by_dose(
    rates: Mapping[str, NDArray[np.float64]], dose: Mapping[str, float]
) -> tuple[list[float], list[float], NDArray[np.float64]]:
    """Distinct doses, mean help at each, and help per seed `[doses, seeds]` (mean over the arms of a dose)."""
    doses = sorted(set(dose.values()))
    seeds = np.stack([np.nanmean([rates[arm] for arm in rates if dose[arm] == value], axis=0) for value in doses])
    return doses, [float(value) for value in np.nanmean(seeds, axis=1)], seeds


EXPERIMENT = Experiment(
    name="empathy-dose-response",
    question="How does help rise with the level and the strength of empathy, and where is its threshold?",
    reference="doi:10.1109/taffc.2025.3627936; doi:10.3758/BF03194544",
    settings=EmpathyDoseResponse,
    conditions=conditions,
    dilemma=dilemma,
    agents=agents,
    analyse=analyse,
    figures=FIGURES,
    table=dose_table,
)
