"""Does an altruist help one whose face it sees only at times? With and without a working memory of the face.

The face is visible with probability p per step, and all zeros else. The spiking altruist with a memory (`Rememberer`)
beside the one without, tabular learning, an oracle that knows the map and remembers, and chance. With its memory cut
the rememberer is the altruist without, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from pydantic import Field, field_validator

from bisnn.agents.altruist import Altruist
from bisnn.agents.base import Agent
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.oracle import OracleAgent
from bisnn.agents.rememberer import Rememberer
from bisnn.agents.scripted import RandomAgent
from bisnn.agents.tabular_q import TabularQ
from bisnn.experiments import measures, statistics
from bisnn.experiments.base import Condition, Experiment, Settings
from bisnn.experiments.figures.observability import FIGURES
from bisnn.experiments.ranges import Numbers
from bisnn.experiments.tables import interval
from bisnn.experiments.tasks import rescue_family as family
from bisnn.interventions import INTACT, Ablation

LEARNERS = ("remembering", "spiking", "tabular_q")
"""The learners, the reference first."""
SCALES = ("oracle", "random")
"""What the learners are judged between."""
REFERENCE: Mapping[float, float] = {1.0: 0.99, 0.9: 0.97, 0.7: 0.94, 0.5: 0.26, 0.3: 0.01}
"""Help of the tabular agent of the original rescue (where nobody has to reach out), by p: the baseline to beat."""
HARD = 0.5
"""Where that baseline fails, and where the arms are compared."""


class Observability(Settings):
    """Configuration of observability."""

    seeds: int = Field(default=10, ge=1, le=100_000)
    """Individuals per arm: seeds 0, 1, ..."""
    episodes: int = Field(default=600, ge=1, le=1_000_000)
    """Episodes of every individual's life."""
    visible: Numbers = Field(default=(1.0, 0.9, 0.7, 0.5, 0.3), min_length=1)
    """Probabilities per step that the face is visible."""
    gain: float = Field(default=9.0, ge=0.0, le=1000.0)
    """Dose of empathy of all learners."""

    @field_validator("visible")
    @classmethod
    def _probabilities(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0.0 <= number <= 1.0 for number in value):
            raise ValueError("visible holds probabilities, from 0 to 1")
        return tuple(dict.fromkeys(float(number) for number in value))


FAILS = (
    Ablation(
        name="no_memory",
        cut=("buffer->recall",),
        expect="Sees pain come and go with the face: helps as rarely as the altruist without a memory.",
    ),
    Ablation(name="no_mirror", cut=("perception->ifg",), expect="Remembers the face but shares nothing: never helps."),
)
"""Arms of the rememberer that must fail, at p = .5."""


def conditions(settings: Observability) -> tuple[Condition, ...]:
    """The intact rememberer whose partner is always visible, every p for every agent, and the arms that fail."""
    grid = [("intact", 1.0), *((f"p={p:g}", p) for p in settings.visible if p != 1.0)]
    declared = []
    for agent in (*LEARNERS, *SCALES):
        for name, p in grid if agent != "random" else (("chance", HARD),):  # it sees nothing: one p is enough
            traits = {} if agent in SCALES else {"dose" if agent == "tabular_q" else "gain": settings.gain}
            declared.append(
                Condition(
                    name=name,
                    agent=agent,
                    traits=traits,
                    world={"observability": p},
                    facts={"visible": p},
                    length=4.0 if agent == "random" else 1.0 + (p < 0.6),
                )
            )
        if agent == LEARNERS[0]:
            declared += [
                Condition(
                    name=arm.name,
                    ablation=arm,
                    agent=agent,
                    traits={"gain": settings.gain},
                    world={"observability": HARD},
                    facts={"visible": HARD},
                )
                for arm in FAILS
            ]
    return family.chosen(declared, settings)


def dilemma(settings: Observability) -> Rescue:
    """The published rescue; how visible the face is, is a trait of every individual's world."""
    return Rescue()


def agents(settings: Observability) -> Mapping[str, Agent]:
    """The learners over the same life; the oracle and chance."""
    return {
        "remembering": Rememberer(episodes=settings.episodes, backend=settings.backend),
        "spiking": Altruist(episodes=settings.episodes, backend=settings.backend),
        "tabular_q": TabularQ(episodes=settings.episodes),
        "oracle": OracleAgent(map=Rescue().map()),
        "random": RandomAgent(),
    }


def analyse(episodes: Mapping[str, NDArray[Any]], settings: Observability) -> dict[str, Any]:
    """Help by p and agent, and the rememberer against the altruist without memory, paired by seed."""
    found: dict[str, Any] = measures.summary(episodes, agent=LEARNERS[0])
    declared = conditions(settings)
    found |= {"expected": {c.name: c.ablation.expect for c in declared if c.ablation != INTACT}, "visible": []}
    facts = {c.name: c.facts["visible"] for c in declared if c.facts and c.ablation == INTACT and c.name != "chance"}
    rates: dict[str, Any] = {}
    for agent in (*LEARNERS, "oracle"):
        rates[agent] = measures.per_seed(episodes, "help_rate", agent)
        returns = measures.per_seed(episodes, "return_external", agent)
        found["visible"] += [
            {
                "visible": p,
                "agent": agent,
                "help_rate": statistics.summarise(rates[agent][arm]),
                "return_external": statistics.summarise(returns[arm]),
                "reference": REFERENCE.get(p) if agent == "tabular_q" else None,
            }
            for arm, p in facts.items()
            if arm in rates[agent]
        ]
    found["chance"] = statistics.summarise(measures.per_seed(episodes, "help_rate", "random").get("chance", []))
    one, two = rates["remembering"], rates["spiking"]
    found["memory"] = [
        {"visible": p, **statistics.compare(one[arm], two[arm])} for arm, p in facts.items() if {arm} <= one.keys()
    ]
    return found


def table(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Help rate by p and agent, and what the memory adds."""
    agents = list(dict.fromkeys(entry["agent"] for entry in summary["visible"]))
    gain = {entry["visible"]: entry for entry in summary["memory"]}
    cells: dict[float, dict[str, str]] = {}
    for entry in summary["visible"]:
        cells.setdefault(entry["visible"], {})[entry["agent"]] = interval(entry["help_rate"])
    rows = []
    for p in sorted(cells, reverse=True):
        added = gain.get(p, {})
        more = interval({"mean": added.get("difference"), "ci95": added.get("ci95")})
        rows.append([f"{p:g}", *(cells[p].get(agent, "") for agent in agents), more])
    return ["face visible", *(f"help, {agent}" for agent in agents), "memory adds [95 %]"], rows


EXPERIMENT = Experiment(
    name="observability",
    question="Does an altruist help one whose face it sees only at times, and does a memory of the face make it?",
    reference="doi:10.1109/taffc.2025.3627936; doi:10.1126/science.173.3997.652; doi:10.1038/1593",
    settings=Observability,
    conditions=conditions,
    dilemma=dilemma,
    agents=agents,
    analyse=analyse,
    figures=FIGURES,
    table=table,
)
