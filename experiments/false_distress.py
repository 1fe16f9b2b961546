"""Deceived, learns, forgives? An altruist meets a victim that feigns distress for a time, then one in real need.

In the middle of life all distress is feigned: it looks alike, and help ends nothing. What is counted is whether the
helper stands on the switch while distress is shown (a visit). Beside it: honesty mixed by chance from birth on, and
distress of one who declines help.

Exploration follows the usual schedule of a life shorter than this one (`schedule`), so all of deception and
forgiveness happen while the actions are greedy; learning itself never ends. The spiking altruist then unlearns for
good what deception punishes: bounded weights that have reached their bound are not tried again. The one with trust
(`Truster`) unlearns it in its wary context alone, and tests now and then whether the need has become real.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from bisnn.agents.altruist import Altruist
from bisnn.agents.base import Agent
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.rememberer import Respecter
from bisnn.agents.scripted import RandomAgent
from bisnn.agents.tabular_q import TabularQ
from bisnn.agents.truster import Truster
from bisnn.experiments import measures, statistics
from bisnn.experiments.base import Condition, Experiment, Settings
from bisnn.experiments.figures.false_distress import FIGURES
from bisnn.experiments.measures import Measure
from bisnn.experiments.ranges import Numbers
from bisnn.experiments.tables import interval
from bisnn.experiments.tasks import rescue_family as family
from bisnn.interventions import INTACT, Ablation

BLOCK = 50
"""Episodes of a running rate of visits, at most: a twenty-fourth of life."""
FELL, ROSE = 0.05, 0.5
"""Rate of visits at which deception is seen through, and at which it is forgiven."""
MEASURES = {**measures.MEASURES, "visit_rate": Measure("visited")}


class FalseDistress(Settings):
    """Configuration of false-distress."""

    seeds: int = Field(default=10, ge=1, le=100_000)
    """Individuals per arm: seeds 0, 1, ..."""
    episodes: int = Field(default=1200, ge=1, le=1_000_000)
    """Episodes of every individual's life."""
    deceived_from: float = Field(default=0.5, ge=0.0, le=1.0)
    """Where in life all distress begins to be feigned, as a fraction."""
    deceived_until: float = Field(default=2.0 / 3.0, ge=0.0, le=1.0)
    """Where in life that ends."""
    schedule: float = Field(default=0.7, gt=0.0, le=100.0)
    """Length of the schedule of exploration in lives: actions are greedy from 0.7 of it on."""
    gain: float = Field(default=9.0, ge=0.0, le=1000.0)
    """Dose of empathy."""
    honesty: Numbers = (0.25, 0.5, 0.75)
    """Further worlds: probabilities per episode that distress is real, the whole life long."""
    unwanted: float = Field(default=0.5, ge=0.0, le=1.0)
    """Further world: probability per episode that the victim declines help."""
    record: int = Field(default=0, ge=0)
    """How many seeds of every condition to record, spikes and all."""

    @field_validator("honesty")
    @classmethod
    def _probabilities(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0.0 <= number <= 1.0 for number in value):
            raise ValueError("honesty holds probabilities, from 0 to 1")
        return tuple(dict.fromkeys(float(number) for number in value))

    @model_validator(mode="after")
    def _in_order(self) -> FalseDistress:
        if self.deceived_until < self.deceived_from:
            raise ValueError("deceived_until lies before deceived_from; give them in the order of life")
        return self

    @property
    def window(self) -> tuple[int, int]:
        """First episode of the deception, and the one in which it ends."""
        return round(self.deceived_from * self.episodes), round(self.deceived_until * self.episodes)


def conditions(settings: FalseDistress) -> tuple[Condition, ...]:
    """The deceived altruist and its controls, worlds of mixed honesty, unwanted help; other learners; chance."""
    first, last = settings.window
    deceived = {"fakes_from": float(first), "fakes_until": float(last)}
    worlds = {
        "intact": deceived,
        "honest": {"fakes_from": 0.0, "fakes_until": 0.0},
        "deceived_on": {"fakes_from": float(first), "fakes_until": float(settings.episodes)},
        **{f"honesty={value:g}": {"honesty": value} for value in settings.honesty},
        "unwanted": {"unwanted": settings.unwanted},
    }
    frozen = Ablation(
        name="frozen",
        freeze=("place->action", "place->value"),
        since=first / settings.episodes,
        expect="Learns no more once the deception begins: goes on visiting, and is exploited.",
    )
    shares = {"trusting": "gain", "spiking": "gain", "respecting": "gain", "tabular_q": "dose"}
    declared = []
    for agent, trait in shares.items():
        for name, world in worlds.items() if agent != "respecting" else (("unwanted", worlds["unwanted"]),):
            declared.append(_condition(name, agent, {trait: settings.gain}, world))
        if agent == "trusting":
            declared.append(_condition("frozen", agent, {trait: settings.gain}, deceived, frozen))
            selfish = Ablation(name="selfish", release={"relief": 0.0}, expect="Lambda 0: hardly ever visits.")
            declared.append(_condition("selfish", agent, {trait: settings.gain}, deceived, selfish))
    declared.append(_condition("chance", "random", {}, deceived, length=4.0))
    return family.chosen(declared, settings)


def _condition(
    name: str,
    agent: str,
    traits: Mapping[str, float],
    world: Mapping[str, float],
    ablation: Ablation = INTACT,
    length: float = 1.0,
) -> Condition:
    facts = {"honesty": world.get("honesty", 1.0), "unwanted": world.get("unwanted", 0.0)}
    return Condition(name=name, ablation=ablation, agent=agent, traits=traits, world=world, length=length, facts=facts)


def dilemma(settings: FalseDistress) -> Rescue:
    """The published rescue; who feigns when is a trait of every individual's world."""
    return Rescue()


def agents(settings: FalseDistress) -> Mapping[str, Agent]:
    """Spiking altruists with and without trust, those that heed a refusal, tabular learners, a random walker."""
    episodes = max(1, round(settings.schedule * settings.episodes))
    return {
        "trusting": Truster(episodes=episodes, backend=settings.backend),
        "spiking": Altruist(episodes=episodes, backend=settings.backend),
        "respecting": Respecter(episodes=episodes, backend=settings.backend),
        "tabular_q": TabularQ(episodes=episodes),
        "random": RandomAgent(),
    }


def analyse(episodes: Mapping[str, NDArray[Any]], settings: FalseDistress) -> dict[str, Any]:
    """Visits before, in and after the deception; help by honesty; visits to one who declines."""
    found: dict[str, Any] = measures.summary(episodes, measures=MEASURES, agent="trusting")
    declared = conditions(settings)
    found["expected"] = {c.name: c.ablation.expect for c in declared if c.ablation != INTACT}
    found["window"] = list(settings.window)
    declines = ~np.asarray(episodes["painful"], dtype=bool) & ~np.asarray(episodes["faked"], dtype=bool)
    rows = {**episodes, "declines": declines}
    found |= {"visits": {}, "by_honesty": [], "unwanted": {}}
    for agent in dict.fromkeys(c.agent for c in declared):
        mine = {c.name: c.facts for c in declared if c.agent == agent}
        table = measures.totals(episodes, MEASURES["visit_rate"], agent)
        found["visits"][agent] = {
            arm: visits(table.sums[i], table.counts[i], settings)
            for i, arm in enumerate(table.arms)
            if arm in mine and not arm.startswith(("honesty", "unwanted"))
        }
        by_honesty(found, rows, agent, mine)
        if "unwanted" in mine:
            declined = measures.per_seed(rows, Measure("visited", among="declines"), agent)["unwanted"]
            wanted = measures.per_seed(rows, "help_rate", agent)["unwanted"]
            found["unwanted"][agent] = {
                "visits_declined": statistics.summarise(declined),
                "help_rate": statistics.summarise(wanted),
            }
    return found


def by_honesty(
    found: dict[str, Any], rows: Mapping[str, NDArray[Any]], agent: str, mine: Mapping[str, Mapping[str, float]]
) -> None:
    """Add help where it is needed and visits of all distress, at the end of life, of the worlds of constant honesty."""
    constant = {arm: f["honesty"] for arm, f in mine.items() if arm == "honest" or arm.startswith("honesty=")}
    helps, visited = (measures.per_seed(rows, one, agent) for one in ("help_rate", MEASURES["visit_rate"]))
    for arm, honesty in constant.items():
        found["by_honesty"].append(
            {
                "honesty": honesty,
                "agent": agent,
                "help_rate": statistics.summarise(helps[arm]),
                "visit_rate": statistics.summarise(visited[arm]),
            }
        )


def visits(total: family.Floats, count: family.Floats, settings: FalseDistress) -> dict[str, Any]:
    """The rate of visits `[seeds, episodes]` in the last block before the deception, the first and the last one in it,
    and the last of life; and after how many episodes it fell to `FELL` and, afterwards, rose to `ROSE`: ends of the
    first block of which the mean over seeds is there, or None."""
    first, last = settings.window
    block = max(1, min(BLOCK, settings.episodes // 24))
    spans = {
        "before": (first - block, first),
        "at_first": (first, first + block),
        "at_last": (last - block, last),
        "at_end": (settings.episodes - block, settings.episodes),
    }
    found: dict[str, Any] = {}
    for name, (start, end) in spans.items():
        part, number = total[:, max(0, start) : end].sum(-1), count[:, max(0, start) : end].sum(-1)
        rate = np.divide(part, number, out=np.full_like(part, np.nan), where=number > 0)
        found[name] = statistics.summarise(rate)
    found["fell_after"] = _reached(total, count, (first, last), block, low=True)
    found["rose_after"] = _reached(total, count, (last, settings.episodes), block, low=False)
    return found


def _reached(total: family.Floats, count: family.Floats, span: tuple[int, int], block: int, low: bool) -> int | None:
    """Episodes from the start of `span` to the end of the first block with a mean rate at most `FELL` (`low`), or at
    least `ROSE`."""
    for end in range(span[0] + block, span[1] + 1):
        number = count[:, end - block : end].sum()
        rate = total[:, end - block : end].sum() / number if number else np.nan
        if (rate <= FELL) if low else (rate >= ROSE):
            return end - span[0]
    return None


def table(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Visits before, in and after the deception, agent by agent and arm by arm."""
    header = ["agent", "arm", "visits before", "first of deception", "last of deception", "end of life"]
    header += ["fell after", "rose after"]
    rows = []
    for agent, arms in summary["visits"].items():
        for arm, entry in arms.items():
            cells = [interval(entry[name]) for name in ("before", "at_first", "at_last", "at_end")]
            when = ["–" if entry[name] is None else str(entry[name]) for name in ("fell_after", "rose_after")]
            rows.append([agent, arm, *cells, *when])
    return header, rows


EXPERIMENT = Experiment(
    name="false-distress",
    question="Does an altruist see through feigned distress, and does it help again when the need is real?",
    reference="doi:10.1109/taffc.2025.3627936; doi:10.1086/406755; doi:10.1101/lm.78804",
    settings=FalseDistress,
    conditions=conditions,
    dilemma=dilemma,
    agents=agents,
    measures=MEASURES,
    analyse=analyse,
    figures=FIGURES,
    table=table,
)
