"""Claims A9 and A10: cleaning rises with empathy, and the selfish among the empathic ride free.

    rho = Spearman(lambda, mean over groups of the measure)
    gap = return of one member - mean return of the others; the low end is that of its 95 % BCa interval over groups

Zhao et al. (2025) doi:10.1109/taffc.2025.3627936 claim consistent altruism in this game without reported numbers. Of
the released code 0.29 of 10 drifts at lambda 1.51 and 99.8 % ties at the top were measured: less than random. The
bounds rho >= .9, more than random at lambda >= 1, ties < 1 %, gap > 0 are acceptance criteria that we set ourselves.
In the claims that run by default groups are few and lives short; `bisnn run snowdrift` has 20 groups for every arm.

One-shot games: with q = 1 - p, benefit q^2 + 2 relief q^2 = cost, so p = 1 - sqrt(4 / (6 + 12 lambda)); .184 at 0.
Diekmann (1985) doi:10.1177/0022002785029004003.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bisnn.agents.dilemmas.snowdrift_facts import dominant, equilibrium
from bisnn.experiments.claims.base import Claim
from bisnn.experiments.snowdrift import EXPERIMENT
from bisnn.experiments.tasks.snowdrift_scores import GRID, arm_of
from bisnn.experiments.trials import summary

SOURCE = (
    "Zhao, Feng, Tong, Han, Lin, Lu, Sun, Zeng (2025) IEEE Trans. Affect. Comput. doi:10.1109/taffc.2025.3627936; "
    "criteria of bisnn"
)
VOLUNTEER = "Diekmann (1985) Volunteer's dilemma. doi:10.1177/0022002785029004003"


def _measured(found: Mapping[str, Any]) -> dict[str, float]:
    """What both versions of A9 judge."""
    arms, random = found["arms"], found["beside"]["cleared"]["random"]["mean"]
    strong = [arm for arm in ("lambda_1", "intact", "lambda_3") if arm in arms]
    return {
        "cleared_above_random": min(arms[arm]["cleared"]["ci95"][0] for arm in strong) - random,
        "cleared_gained": arms["intact"]["cleared"]["mean"] - arms["selfish"]["cleared"]["mean"],
        "clean_rate_gained": arms["intact"]["clean_rate"]["mean"] - arms["selfish"]["clean_rate"]["mean"],
        "ties": found["ties"]["mean"],
    }


def quick() -> Mapping[str, float]:
    """Three groups of lambda 0 and of 1.5, 14 episodes."""
    return _measured(summary(EXPERIMENT, seeds=3, episodes=14, arms=("selfish",)))


def rises() -> Mapping[str, float]:
    """Twenty groups for each lambda, and for each ablation."""
    arms = (*(arm_of(level) for level in GRID), "no_mirror", "no_dopamine")
    found = summary(EXPERIMENT, seeds=20, arms=arms)
    lost = found["comparisons"]
    return {
        **_measured(found),
        "rho_cleared": found["rho"]["cleared"]["value"],
        "rho_clean_rate": found["rho"]["clean_rate"]["value"],
        "no_mirror_lost": -lost["no_mirror"]["clean_rate"]["ci95"][1],
        "no_dopamine_lost": -lost["no_dopamine"]["clean_rate"]["ci95"][1],
    }


def free_riding() -> Mapping[str, float]:
    """Twenty mixed groups, and twenty in which one member of lambda .25 has other partners."""
    arms = ("selfish_alone", "altruist_alone", "partners_0", "partners_15")
    found = summary(EXPERIMENT, seeds=20, arms=arms)
    none, many = (next(p for p in found["partners"] if p["partners"] == level) for level in (0.0, 1.5))
    return {
        "gap_selfish_alone": found["free_riding"]["selfish_alone"]["ci95"][0],
        "gap_altruist_alone": -found["free_riding"]["altruist_alone"]["ci95"][1],
        "return_with_empathic_partners": many["first_return"]["ci95"][0] - none["first_return"]["ci95"][1],
    }


def theory() -> Mapping[str, float]:
    """The closed forms."""
    return {
        "one_shot": equilibrium(),
        "one_shot_empathic": equilibrium(relief=6.0),
        "dominant_one": dominant(1),
        "dominant_two": dominant(2),
    }


def one_shot() -> Mapping[str, float]:
    """Twenty populations of 24 spiking agents that are matched anew for every game."""
    found = summary(EXPERIMENT, seeds=20, arms=("one_shot", "one_shot_empathic"))["one_shot"]
    return {arm: entry["rate"]["mean"] for arm, entry in found.items()}


CLAIMS = (
    Claim(
        name="snowdrift/A9-quick",
        claim="Groups of empathic spiking agents clear more drifts than selfish ones and than chance, without ties.",
        source=SOURCE,
        expected={"ties": 0.0},
        tolerance={
            "cleared_above_random": (0.0, None),
            "cleared_gained": (0.0, None),
            "clean_rate_gained": (0.0, None),
            "ties": (0.0, 0.01),
        },
        measure=quick,
        seconds=20.0,
    ),
    Claim(
        name="snowdrift/A9",
        claim="Cleaning rises with lambda and beats chance from lambda 1 on, by mirror neurons and dopamine.",
        source=SOURCE,
        expected={"rho_cleared": 1.0, "rho_clean_rate": 1.0, "ties": 0.0},
        tolerance={
            "rho_cleared": (0.9, None),
            "rho_clean_rate": (0.9, None),
            "cleared_above_random": (0.0, None),
            "no_mirror_lost": (0.0, None),
            "no_dopamine_lost": (0.0, None),
            "ties": (0.0, 0.01),
        },
        measure=rises,
        long=True,
        seconds=400.0,
    ),
    Claim(
        name="snowdrift/A10",
        claim="A selfish member of an empathic group earns more than the others, an empathic one of a selfish less.",
        source=SOURCE,
        expected={},
        tolerance={
            "gap_selfish_alone": (0.0, None),
            "gap_altruist_alone": (0.0, None),
            "return_with_empathic_partners": (0.0, None),
        },
        measure=free_riding,
        long=True,
        seconds=300.0,
    ),
    Claim(
        name="snowdrift/one-shot-theory",
        claim="In one shot, three players clean with probability 1 - sqrt(2/3) in the symmetric equilibrium.",
        source=VOLUNTEER,
        expected={
            "one_shot": 1 - math.sqrt(2 / 3),
            "one_shot_empathic": 1 - math.sqrt(4 / 18),
            "dominant_one": 2 / 3,
            "dominant_two": 1 / 3,
        },
        tolerance={
            "one_shot": (0.1834, 0.1836),
            "one_shot_empathic": (0.5285, 0.5287),
            "dominant_one": (0.6666, 0.6667),
            "dominant_two": (0.3333, 0.3334),
        },
        measure=theory,
        seconds=0.1,
    ),
    Claim(
        name="snowdrift/one-shot",
        claim="Independent spiking learners clean in one-shot games as the equilibrium says, within .01 and .02.",
        source=VOLUNTEER,
        expected={"one_shot": 1 - math.sqrt(2 / 3), "one_shot_empathic": 1 - math.sqrt(4 / 18)},
        tolerance={"one_shot": (0.174, 0.194), "one_shot_empathic": (0.509, 0.549)},
        measure=one_shot,
        long=True,
        seconds=300.0,
    ),
)
"""Claims of the snowdrift game."""
