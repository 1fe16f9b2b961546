"""Measures of help beside others, per individual world, and what chance, an oracle and theory say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bisnn.agents import kinds
from bisnn.agents.base import Dilemma
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.dilemmas.rescue_bystander import RescueBystander
from bisnn.agents.scripted import RandomAgent
from bisnn.agents.society import Advised, Player, Society
from bisnn.experiments.measures import table, window
from bisnn.experiments.tasks.bystander import ALWAYS, LEARNS, NEVER, PLACES, Member

Floats = NDArray[np.float64]
THRESHOLD = 3.0
"""Dose of empathy above which a spiking altruist helps alone (claim rescue/A3): what help costs, in units of dose."""
WORLDS = 200
"""Worlds of random walkers."""
ALONE = (Member(),)
HOUSEHOLDS: Mapping[str, tuple[Member, ...]] = {
    "intact": ALONE,
    "partner_never": (Member(), Member(NEVER)),
    "partner_always": (Member(), Member(ALWAYS)),
    "pair": (Member(), Member()),
    "trio": (Member(), Member(), Member()),
    "pair_mixed": (Member(), Member(gain=0.0)),
    "pair_unequal": (Member(), Member()),
    "pair_no_mirror": (Member(), Member()),
    "pair_selfish": (Member(), Member()),
}
"""Who lives in the worlds of each arm; an arm that is not here is of one alone."""


def household(arm: str) -> tuple[Member, ...]:
    """Who lives in the worlds of an arm."""
    return HOUSEHOLDS.get(arm, ALONE)


def mean_of(values: Floats, among: Floats | None = None) -> Floats:
    """Mean over the last axis of what is finite (and `among`), NaN where nothing is."""
    known = np.isfinite(values) if among is None else np.isfinite(values) & (among > 0)
    count = known.sum(-1)
    total = np.where(known, values, 0.0).sum(-1)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def specialisation(counts: Floats) -> Floats:
    """(N sum s^2 - 1) / (N - 1) with the shares s of N helpers, `[..., N]` to `[...]`: 0 equal, 1 always the same.

    NaN for fewer than two helpers and where nobody helped. With k acts drawn evenly its mean is 1 / k.
    """
    helpers, total = counts.shape[-1], counts.sum(-1, keepdims=True)
    if helpers < 2:
        return np.full(counts.shape[:-1], np.nan)
    share = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
    return np.asarray((helpers * (share**2).sum(-1) - 1) / (helpers - 1))


def scores(episodes: Mapping[str, Any], households: Mapping[str, tuple[Member, ...]]) -> dict[str, dict[str, Floats]]:
    """Measure -> arm -> `[seeds]` over the last episodes; of helpers, the altruists alone."""
    each = [f"{name}_{k}" for name in ("helped", "return", "cost") for k in range(PLACES)]
    names = ("painful", "relieved", "rescuers", "relief_delay", "pain_steps", *each)
    columns = {name: table(episodes, name) for name in names}
    found: dict[str, dict[str, Floats]] = {}
    for arm, members in households.items():
        own = {name: rows[arm][:, -window(rows[arm].shape[-1]) :] for name, rows in columns.items()}
        learners = [k for k, member in enumerate(members) if member.player == LEARNS]
        for name, value in _of(own, learners).items():
            found.setdefault(name, {})[arm] = value
    return found


def _of(own: Mapping[str, Floats], learners: Sequence[int]) -> dict[str, Floats]:
    """The measures of one arm, from its columns `[seeds, episodes]`."""
    pain = own["painful"]
    help_of = np.stack([mean_of(own[f"helped_{k}"], pain) for k in learners], -1)
    acts = np.stack([np.nansum(own[f"helped_{k}"], -1) for k in learners], -1)
    total = acts.sum(-1)
    first = np.divide(acts[:, 0], total, out=np.full(total.shape, np.nan), where=(total > 0) & (len(learners) > 1))
    return {
        "help_self": help_of.mean(-1),
        "help_anybody": mean_of(own["relieved"], pain),
        "cost": np.stack([mean_of(own[f"cost_{k}"]) for k in learners], -1).mean(-1),
        "return": np.stack([mean_of(own[f"return_{k}"]) for k in learners], -1).mean(-1),
        "relief_delay": mean_of(own["relief_delay"]),
        "pain_steps": mean_of(own["pain_steps"]),
        **{f"help_{k}": mean_of(own[f"helped_{k}"], pain) for k in range(2)},
        "together": mean_of((own["rescuers"] > 1).astype(np.float64), own["relieved"]),
        "specialisation": specialisation(acts),
        "share_first": first,
    }


def equilibria(dose: float) -> list[dict[str, Any]]:
    """The mixed equilibrium of the volunteer's dilemma by the number of helpers, where the dose is above the threshold:
    who draws lots anew each time would help so often. Learners are not bound to it: they may take turns or parts."""
    if dose <= THRESHOLD:
        return []
    found = []
    for helpers in range(2, PLACES + 1):
        one, anybody = kinds.volunteering(THRESHOLD, dose, helpers)
        found.append(
            {"helpers": helpers, "help_self": one, "help_anybody": anybody, "cost_to_benefit": THRESHOLD / dose}
        )
    return found


@lru_cache(maxsize=1)
def beside() -> dict[str, dict[str, float]]:
    """Help of one's own, help by anybody and cost paid by random walkers, and by an oracle that is fair."""
    found = {}
    for count in range(1, PLACES + 1):
        dilemma: Dilemma = Rescue() if count == 1 else RescueBystander(helpers=count)
        found[f"random, {count}"] = _played(dilemma, RandomAgent())
        found[f"fair oracle, {count}"] = _played(dilemma, Advised("fair"))
    return found


def _played(dilemma: Dilemma, player: Player) -> dict[str, float]:
    """One episode of `WORLDS` worlds in which all helpers are played by `player`."""
    key = torch.arange(WORLDS)
    society = Society(dilemma, (player,) * len(dilemma.agents))
    life = society.begin(key)
    live = torch.ones_like(key, dtype=torch.bool)
    reward, helped = (torch.zeros(WORLDS, len(dilemma.agents), dtype=torch.float64) for _ in range(2))
    painful = live & False
    while bool(live.any()):
        life, happened = society.turn(life)
        outcome, info = happened.outcome, happened.outcome.info
        acted = info.get("helped_now", info["relieved_now"][:, None])
        reward += outcome.reward * live[:, None]
        helped += acted * live[:, None]
        painful |= info["painful"] & live
        live = live & ~(outcome.terminated | outcome.truncated)
    return {
        "help_self": float(helped[painful].mean()),
        "help_anybody": float((helped[painful].sum(-1) > 0).double().mean()),
        "cost": float((dilemma.payoff().selfish - reward).mean()),
    }
