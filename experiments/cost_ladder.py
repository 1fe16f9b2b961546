"""What does help have to cost before it ends? Dose of empathy by own cost: a ladder of tolls, and one of risks.

    cost c = toll + risk * harm        paid in the step that relieves the other

At each cost the threshold is the dose at which half help; at each dose the exchange rate kappa* is the cost at which
half still help. A discounting planner sets the scale (`tasks.rescue_family.planned_thresholds`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from bisnn.agents.altruist import Altruist
from bisnn.agents.base import Agent
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.scripted import RandomAgent
from bisnn.agents.tabular_q import TabularQ
from bisnn.experiments import measures, statistics
from bisnn.experiments.base import Condition, Experiment, Settings
from bisnn.experiments.figures.cost_ladder import FIGURES
from bisnn.experiments.ranges import Numbers
from bisnn.experiments.tables import interval
from bisnn.experiments.tasks import rescue_family as family
from bisnn.interventions import INTACT, Ablation

LEARNERS = ("spiking", "tabular_q")
"""The agents that are compared over the whole grid."""
STRONG = 9.0
"""Dose of the reference and of the arms that fail."""


class CostLadder(Settings):
    """Configuration of cost-ladder."""

    seeds: int = Field(default=10, ge=1, le=100_000)
    """Individuals per arm: seeds 0, 1, ..."""
    episodes: int = Field(default=800, ge=1, le=1_000_000)
    """Episodes of every individual's life."""
    doses: Numbers = Field(default=(2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0, 11.0, 14.0), min_length=1)
    """Doses of empathy lambda * alpha * f (all mirror cells free)."""
    tolls: Numbers = Field(default=(0.0, 2.0, 4.0, 8.0), min_length=1)
    """Certain costs of the relief."""
    risks: Numbers = Field(default=(0.25, 0.5, 1.0))
    """Probabilities of slipping, each with `harm`."""
    harm: float = Field(default=8.0, ge=0.0, le=1000.0)
    """Loss of a helper that slips."""
    record: int = Field(default=0, ge=0)
    """How many seeds of every condition to record, spikes and all."""

    @field_validator("doses", "tolls")
    @classmethod
    def _amounts(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0.0 <= number <= 1000.0 for number in value):
            raise ValueError("doses and tolls lie between 0 and 1000")
        return tuple(dict.fromkeys(float(number) for number in value))

    @field_validator("risks")
    @classmethod
    def _probabilities(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0.0 < number <= 1.0 for number in value):
            raise ValueError("a risk is a probability above 0 and up to 1; the toll 0 stands for none")
        return tuple(dict.fromkeys(float(number) for number in value))


FAILS = (
    Ablation(name="no_mirror", cut=("perception->ifg",), expect="Shares nothing: helps at no cost at all."),
    Ablation(name="selfish", release={"relief": 0.0}, expect="Relief is worth nothing: helps at no cost at all."),
)
"""Arms that must not help, at the dose of the reference and without a toll."""


def conditions(settings: CostLadder) -> tuple[Condition, ...]:
    """The intact reference (no toll), the grid, for both learners; the arms that fail; chance."""
    grid = [("intact", STRONG, {"toll": 0.0})]
    for dose in settings.doses:
        grid += [(f"toll={toll:g}/lambda={dose:g}", dose, {"toll": toll}) for toll in settings.tolls]
        grid += [
            (f"risk={risk:g}/lambda={dose:g}", dose, {"risk": risk, "harm": settings.harm}) for risk in settings.risks
        ]
    declared = []
    for agent, trait in zip(LEARNERS, ("gain", "dose"), strict=True):
        for name, dose, world in grid:
            traits, facts = {trait: dose}, _facts(dose, world)
            declared.append(Condition(name=name, agent=agent, traits=traits, world=world, facts=facts))
        if agent == "spiking":
            facts = _facts(STRONG, {})
            declared += [
                Condition(name=a.name, ablation=a, agent=agent, traits={trait: STRONG}, facts=facts) for a in FAILS
            ]
    declared.append(Condition(name="chance", ablation=INTACT, agent="random", length=4.0, facts=_facts(0.0, {})))
    return family.chosen(declared, settings)


def _facts(dose: float, world: Mapping[str, float]) -> dict[str, float]:
    """Numbers that describe a condition: its dose, what it costs on average, the risk in it."""
    risk = world.get("risk", 0.0)
    return {"dose": dose, "cost": world.get("toll", 0.0) + risk * world.get("harm", 0.0), "risk": risk}


def dilemma(settings: CostLadder) -> Rescue:
    """The published rescue; its costs are traits of every individual's world."""
    return Rescue()


def agents(settings: CostLadder) -> Mapping[str, Agent]:
    """Spiking altruists and tabular learners over the same life, and who walks at random."""
    return {
        "spiking": Altruist(episodes=settings.episodes, backend=settings.backend),
        "tabular_q": TabularQ(episodes=settings.episodes),
        "random": RandomAgent(),
    }


def analyse(episodes: Mapping[str, NDArray[Any]], settings: CostLadder) -> dict[str, Any]:
    """Help by dose and cost, thresholds by cost, exchange rates by dose, the planner's thresholds beside them."""
    found: dict[str, Any] = measures.summary(episodes, agent="spiking")
    declared = conditions(settings)
    found |= {"expected": {a.name: a.expect for a in FAILS}, "grid": [], "thresholds": {}, "kappa": {}}
    found |= {"monotone": {}, "slope": {}, "rho": {}}
    facts = {c.name: c.facts for c in declared if "/" in c.name}
    for agent in LEARNERS:
        rates = {arm: rate for arm, rate in measures.per_seed(episodes, "help_rate", agent).items() if arm in facts}
        found["grid"] += [
            {**facts[arm], "arm": arm, "agent": agent, "help_rate": statistics.summarise(rate)}
            for arm, rate in rates.items()
        ]
        for ladder in ("toll", "risk"):
            table = _table(rates, facts, ladder)
            if table:
                found["thresholds"].setdefault(agent, {})[ladder] = by_cost = thresholds(table)
                found["monotone"].setdefault(agent, {})[ladder] = family.monotone(by_cost)
                found["slope"].setdefault(agent, {})[ladder] = family.slope(by_cost)
        tolls = _table(rates, facts, "toll")
        found["kappa"][agent] = kappa(tolls)
        known = [e for e in found["kappa"][agent] if e["value"] is not None]
        found["rho"][agent] = statistics.spearman([e["dose"] for e in known], [e["value"] for e in known])
    chance = measures.per_seed(episodes, "help_rate", "random").get("chance", np.array([]))
    found["chance"] = statistics.summarise(chance)
    costs = sorted({fact["cost"] for fact in facts.values()})
    planned = {cost: family.planned_thresholds(dilemma(settings), cost) for cost in costs}
    found["planned"] = [{"cost": cost, "thresholds": values} for cost, values in planned.items()]
    return found


Table = dict[float, dict[float, family.Floats]]
"""cost -> dose -> help `[seeds]`."""


def _table(rates: Mapping[str, family.Floats], facts: Mapping[str, Mapping[str, float]], ladder: str) -> Table:
    """The help of one ladder; that of risks begins, as that of tolls, without a cost."""
    table: Table = {}
    for arm, rate in rates.items():
        if arm.startswith(ladder) or facts[arm]["cost"] == 0.0:
            table.setdefault(facts[arm]["cost"], {})[facts[arm]["dose"]] = rate
    return dict(sorted(table.items())) if any(arm.startswith(ladder) for arm in rates) else {}


def thresholds(table: Table) -> list[dict[str, Any]]:
    """The threshold of help in the dose at every cost."""
    found = []
    for cost, rates in table.items():
        doses = sorted(rates)
        fit = statistics.psychometric(doses, np.stack([rates[dose] for dose in doses]))
        found.append({"cost": cost, **fit})
    return found


def kappa(table: Table) -> list[dict[str, Any]]:
    """The exchange rate at every dose, of the certain costs."""
    costs = np.array(list(table), dtype=np.float64)
    doses = sorted({dose for rates in table.values() for dose in rates})
    complete = [dose for dose in doses if all(dose in rates for rates in table.values())]
    found = []
    for dose in complete if len(costs) > 1 else []:
        help_rate = np.stack([rates[dose] for rates in table.values()])
        found.append({"dose": dose, **family.exchange_rate(costs, help_rate)})
    return found


def table(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Thresholds by cost and agent, beside what a planner needs."""
    header = ["ladder", "cost", *(f"threshold, {agent} [95 %]" for agent in LEARNERS), "planner"]
    planned = {entry["cost"]: entry["thresholds"] for entry in summary["planned"]}
    rows = []
    for ladder in ("toll", "risk"):
        found = {
            agent: {entry["cost"]: entry for entry in summary["thresholds"].get(agent, {}).get(ladder, [])}
            for agent in LEARNERS
        }
        for cost in sorted({cost for entries in found.values() for cost in entries}):
            cells = [
                interval({"mean": entry.get("value"), "ci95": entry.get("ci95")})
                for entry in (found[agent].get(cost, {}) for agent in LEARNERS)
            ]
            rows.append([ladder, f"{cost:g}", *cells, f"{planned[cost][0]:.2f} to {planned[cost][-1]:.2f}"])
    return header, rows


EXPERIMENT = Experiment(
    name="cost-ladder",
    question="How much may help cost before it ends, and how does the dose that it takes rise with the cost?",
    reference="doi:10.1109/taffc.2025.3627936; doi:10.3758/BF03194544",
    settings=CostLadder,
    conditions=conditions,
    dilemma=dilemma,
    agents=agents,
    analyse=analyse,
    figures=FIGURES,
    table=table,
)
