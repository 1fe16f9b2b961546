"""Does another who could help make help less likely? Spiking altruists that learn alone, beside scripted partners, and
together, sharing nothing.

    help of one's own = P(it relieved the victim | pain)        help by anybody = P(the victim was relieved | pain)
    specialisation of a group of N that share k_i of all acts of help: (N sum (k_i / k)^2 - 1) / (N - 1)
    volunteers in the mixed equilibrium, with cost / benefit = threshold / dose of empathy: 1 - (K / U)^(1 / (N - 1))

Darley, Latane (1968) doi:10.1037/h0025589; Fischer et al. (2011) doi:10.1037/a0023304; Diekmann (1985)
doi:10.1177/0022002785029004003
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import Field

from bisnn.agents.altruist import Altruist
from bisnn.agents.development import Nursery
from bisnn.experiments.base import Condition, Experiment, Settings, expected, subjects
from bisnn.experiments.figures.bystander import FIGURES
from bisnn.experiments.measures import Measure, judge
from bisnn.experiments.tables import interval, number, p_value
from bisnn.experiments.tasks.bystander import live
from bisnn.experiments.tasks.bystander_scores import beside, equilibria, household, scores
from bisnn.experiments.trials import Batch, Found
from bisnn.interventions import INTACT, Ablation, Targets


class Bystander(Settings):
    """Configuration of bystander."""

    episodes: int = Field(default=400, ge=1, le=1_000_000)
    """Episodes of every individual's life."""
    gain: float = Field(default=9.0, ge=0.0, le=1000.0, allow_inf_nan=False)
    """Empathy strength lambda of the altruists."""
    toll: float = Field(default=2.0, ge=0.0, le=1000.0, allow_inf_nan=False)
    """What help costs the second of an unequal pair in addition."""


ARMS = (
    INTACT,
    Ablation(
        name="partner_never",
        expect="Beside one that could help and never does: helps as one alone, since it perceives no other helper.",
    ),
    Ablation(
        name="partner_always",
        expect="Beside one that always helps: leaves help to it, and gets to its own goal.",
    ),
    Ablation(
        name="pair",
        expect="Two that learn together: each helps less than one alone; the victim is relieved at least as often.",
    ),
    Ablation(
        name="trio",
        expect="Three that learn together: each helps less than each of two.",
    ),
    Ablation(
        name="pair_mixed",
        expect="One with empathy beside one without: it helps as one alone, the other never.",
    ),
    Ablation(
        name="pair_unequal",
        expect="Help costs the second more: the first does more of it.",
    ),
    Ablation(
        name="pair_no_mirror",
        cut=("perception->ifg",),
        expect="No vicarious distress: nobody helps.",
    ),
    Ablation(
        name="pair_selfish",
        release={"relief": 0.0},
        expect="Lambda 0: nobody helps, all take the shortest way to their goals.",
    ),
)
"""The arms, and what each should do, written before the run. `intact` lives alone, in the rescue itself."""
PRIMARY = ("help_self", "help_anybody", "cost")
"""Measures of the first family of tests."""
MEASURES: Mapping[str, Measure] = {
    "help_anybody": Measure("relieved", among="painful"),
    "help_first": Measure("helped_0", among="painful"),
    "pain_steps": Measure("pain_steps"),
    "return_first": Measure("return_0"),
}
"""What can be read from the rows alone."""


def conditions(settings: Bystander) -> tuple[Condition, ...]:
    """The arms that the settings name."""
    chosen = subjects(ARMS, settings)
    return tuple(
        replace(one, world={"toll_others": settings.toll}) if one.name == "pair_unequal" else one for one in chosen
    )


def altruist(settings: Bystander) -> Altruist:
    """The plan of every altruist."""
    return Altruist(episodes=settings.episodes, gain=settings.gain, backend=settings.backend)


def targets(settings: Bystander) -> Targets:
    """What ablations can name."""
    return altruist(settings).targets


def trials(batch: Batch) -> Found:
    """The lives of a batch, an episode being a trial."""
    households = [household(one.name) for one in batch.conditions]
    return live(batch, altruist(batch.settings), households, Nursery(), batch.report)


def analyse(episodes: Mapping[str, Any], settings: Bystander) -> dict[str, Any]:
    """Measures at the end of life, arm by arm and against `intact`; beside them chance, an oracle, and the theory."""
    arms = [one.name for one in conditions(settings)]
    found = judge(scores(episodes, {arm: household(arm) for arm in arms}), PRIMARY)
    references = beside()
    return {
        **found,
        "beside": references,
        "chance": {name: references["random, 2"][name] for name in ("help_self", "help_anybody", "cost")},
        "equilibrium": equilibria(settings.gain),
        "expected": expected(conditions(settings)),
    }


def table(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Arms with help of one's own and by anybody, cost, pain of the victim and specialisation."""
    header = [
        "arm",
        "own help [95 %]",
        "p (Holm)",
        "help by anybody [95 %]",
        "cost paid",
        "pain, steps",
        "specialisation",
    ]
    rows = []
    for arm, found in summary["arms"].items():
        against = summary["comparisons"].get(arm, {}).get("help_self")
        rows.append(
            [
                arm,
                interval(found["help_self"]),
                "" if against is None else p_value(against["p_holm"]),
                interval(found["help_anybody"]),
                number(found["cost"]["mean"]),
                number(found["pain_steps"]["mean"]),
                number(found["specialisation"]["mean"]),
            ]
        )
    return header, rows


EXPERIMENT = Experiment(
    name="bystander",
    question="Does another who could help as well make an altruist help less, and the victim suffer longer?",
    reference="doi:10.1037/h0025589; doi:10.1037/a0023304; doi:10.1177/0022002785029004003",
    settings=Bystander,
    conditions=conditions,
    trials=trials,
    targets=targets,
    measures=MEASURES,
    analyse=analyse,
    figures=FIGURES,
    table=table,
)
