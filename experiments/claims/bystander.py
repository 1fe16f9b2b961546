"""Claims of help beside others: the volunteer's dilemma of the rescue, and what altruists learn beside one another.

    1 - p = (K / U)^(1 / (N - 1))          who volunteers with p earns as much as who does not

V-1 lets N helpers draw lots in the world itself, with U = 6 and K = 4, 20 000 times: returns of volunteers and of the
others differ by their standard error at most four times, and somebody helps as often as 1 - (K / U)^(N / (N - 1)) says.
B-1 and B-2 are measured in lives of the experiment `bystander`, at their end. Tolerances are ours: a helper alone helps
in nearly all painful episodes, so a fall by half or more, or one whose 95 % interval excludes 0, is a fall.

Diekmann (1985) doi:10.1177/0022002785029004003; Darley, Latane (1968) doi:10.1037/h0025589
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch

from bisnn import rng
from bisnn.agents.dilemmas.rescue_bystander import RescueBystander
from bisnn.experiments.bystander import EXPERIMENT
from bisnn.experiments.claims.base import Claim
from bisnn.experiments.trials import summary

DIEKMANN = "Diekmann (1985) Volunteer's dilemma, doi:10.1177/0022002785029004003"
DARLEY = "Darley, Latane (1968) Bystander intervention in emergencies, doi:10.1037/h0025589"
WORLDS, MOST = 20_000, 4


def drawn(helpers: int) -> tuple[float, float, float]:
    """How far, in standard errors, returns of volunteers and others are apart, and how often anybody helped is off;
    and how often anybody helped."""
    dilemma = RescueBystander(helpers=helpers, shared_benefit=6.0, openings=("R",))
    game = dilemma.payoff().game
    key = torch.arange(WORLDS)
    state, _ = dilemma.reset(key)
    willing = rng.uniform(key, "claim/lots", 0, helpers) < game["volunteers"]
    reward = torch.zeros(WORLDS, helpers, dtype=torch.float64)
    live, helped = torch.ones(WORLDS, dtype=torch.bool), torch.zeros(WORLDS, dtype=torch.bool)
    while bool(live.any()):
        acts = torch.where(willing, dilemma.advise(state, "altruistic"), dilemma.advise(state, "selfish"))
        state, _, outcome = dilemma.step(key, state, acts)
        reward += outcome.reward * live[:, None]
        helped |= outcome.info["relieved_now"] & live
        live = live & ~(outcome.terminated | outcome.truncated)
    own, mine = reward[:, 0], willing[:, 0]  # one helper of each world: worlds are independent of one another
    error = sum(float(own[who].var()) / int(who.sum()) for who in (mine, ~mine)) ** 0.5
    apart = abs(float(own[mine].mean() - own[~mine].mean())) / error
    rate, due = float(helped.double().mean()), game["anybody"]
    return apart, abs(rate - due) / (due * (1 - due) / WORLDS) ** 0.5, rate


def equilibrium() -> Mapping[str, float]:
    """The worst of two, three and four helpers."""
    found = [drawn(helpers) for helpers in range(2, MOST + 1)]
    rates = [rate for *_, rate in found]
    return {
        "returns_apart_in_standard_errors": max(apart for apart, *_ in found),
        "anybody_off_in_standard_errors": max(off for _, off, _ in found),
        "anybody_of_two": rates[0],
        "anybody_falls_with_each_helper": min(a - b for a, b in pairwise(rates)),
    }


def _lived(arms: tuple[str, ...], seeds: int, episodes: int) -> tuple[dict[str, dict[str, float]], dict[str, Any]]:
    """The means of every arm, and how each differs from `intact`."""
    found = summary(EXPERIMENT, seeds=seeds, episodes=episodes, arms=arms)
    mean = {arm: {name: one["mean"] for name, one in rows.items() if one["n"]} for arm, rows in found["arms"].items()}
    return mean, found["comparisons"]


def beside_a_helper() -> Mapping[str, float]:
    """Three seeds, half a life: alone, and beside one who always helps."""
    mean, _ = _lived(("partner_always",), 3, 200)
    return {
        "alone": mean["intact"]["help_self"],
        "beside_helper": mean["partner_always"]["help_self"],
        "relieved_beside_helper": mean["partner_always"]["help_anybody"],
        "saved": mean["intact"]["cost"] - mean["partner_always"]["cost"],
    }


def together() -> Mapping[str, float]:
    """Twenty seeds, a whole life: two and three that learn together, and two without empathy."""
    mean, against = _lived(("pair", "trio", "pair_no_mirror", "pair_selfish"), 20, 400)
    return {
        "alone": mean["intact"]["help_self"],
        "pair_falls_by": -against["pair"]["help_self"]["ci95"][1],
        "trio_falls_by": -against["trio"]["help_self"]["ci95"][1],
        "pair_relieved": mean["pair"]["help_anybody"],
        "trio_relieved": mean["trio"]["help_anybody"],
        "without_empathy": max(mean[arm]["help_anybody"] for arm in ("pair_no_mirror", "pair_selfish")),
    }


CLAIMS = (
    Claim(
        name="bystander/V-1",
        claim="Helpers that draw lots as the mixed equilibrium says gain nothing by either choice, and the more there "
        "are the less likely anybody helps.",
        source=DIEKMANN,
        expected={"anybody_of_two": 5 / 9},
        tolerance={
            "returns_apart_in_standard_errors": (None, 4.0),
            "anybody_off_in_standard_errors": (None, 4.0),
            "anybody_falls_with_each_helper": (0.0, None),
        },
        measure=equilibrium,
        seconds=3.0,
    ),
    Claim(
        name="bystander/B-1-reduced",
        claim="An altruist that helps when it is alone learns to leave help to one who always does (3 seeds, half a "
        "life).",
        source=DARLEY,
        expected={"alone": 1.0, "beside_helper": 0.0, "relieved_beside_helper": 1.0},
        tolerance={
            "alone": (0.9, None),
            "beside_helper": (None, 0.5),
            "relieved_beside_helper": (0.95, None),
            "saved": (2.0, None),
        },
        measure=beside_a_helper,
        seconds=45.0,
    ),
    Claim(
        name="bystander/B-2",
        claim="Altruists that learn together each help less than one alone, and the victim is relieved as often.",
        source=DARLEY,
        expected={"alone": 1.0, "pair_relieved": 1.0, "trio_relieved": 1.0, "without_empathy": 0.0},
        tolerance={
            "alone": (0.9, None),
            "pair_falls_by": (0.0, None),
            "trio_falls_by": (0.0, None),
            "pair_relieved": (0.9, None),
            "trio_relieved": (0.9, None),
            "without_empathy": (None, 0.02),
        },
        measure=together,
        long=True,
        seconds=400.0,
    ),
)
