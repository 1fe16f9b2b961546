"""The battery: an agent lives in every dilemma, and is scored between chance and full knowledge.

    score = mean over seeds of (x - random) / mean over seeds of (oracle - random)

`x` is the agent's measure, `random` that of uniform actions in its place, and `oracle` that of one who knows everything
and plays for itself, for the others or for the worst off, whichever serves this measure best in this dilemma beside
these partners. All three live with the same partners in the same worlds (paired by seed). 0 is chance, 1 the oracle; in
a dilemma nobody has 1 in all. The interval is a 95 % percentile bootstrap over seeds, numerator and denominator drawn
together. Where the oracle does not beat chance (the interval of oracle - random reaches 0) a score is undefined: None
with a note, and not part of the overall profile, which is the mean over dilemmas.

    own_return      reward of the agent per episode
    others_welfare  sum of the welfare of all other parties per episode, as far as the episode lasts
    help_rate       share of the episodes with need in which it did others good
    help_given      benefit that its acts brought others per episode with need; harm counts against it

Agarwal et al. (2021) arXiv:2108.13264; Agapiou et al. (2022) Melting Pot 2.0 arXiv:2211.13746
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from bisnn import rng
from bisnn.agents.altruist import Altruist
from bisnn.agents.base import GOALS, Dilemma
from bisnn.agents.development import Nursery
from bisnn.agents.society import Insider, Player, Society
from bisnn.errors import BisnnError, ConfigError, pick
from bisnn.experiments import contestants, social
from bisnn.experiments.contestants import Maker
from bisnn.experiments.statistics import ENOUGH, FEW
from bisnn.experiments.tasks.play import Ledgers, play

Floats = NDArray[np.float64]
SCORED = ("own_return", "others_welfare", "help_rate", "help_given")
"""What is scored (module docstring)."""
REFERENCES = ("random", "selfish", "altruistic", "fair")
"""Who is always scored as well."""
PARTNERS = ("selfish", "altruistic", "fair", "random", "self")
"""Who can play the other agents; self: the agent itself, in as many individuals."""
LAST = 0.3
"""Share of a life that is scored, at its end."""
RESAMPLES = 2000
"""Draws of seeds for an interval."""


class Plan(NamedTuple):
    """How agents are scored."""

    dilemmas: tuple[Dilemma, ...]
    seeds: int
    episodes: int
    partners: str


def scored(episodes: int) -> int:
    """How many of the last episodes are scored, at least one."""
    return max(1, int(LAST * episodes))


# ------------------------------------------------------------ lives


def live(dilemma: Dilemma, maker: Maker, plan: Plan) -> dict[str, Floats]:
    """The measures of an agent in a dilemma, each `[seeds]`. Who does not learn lives the scored episodes alone."""
    me = maker(dilemma, plan.episodes)
    partner = me if plan.partners == "self" else contestants.find(plan.partners)(dilemma, plan.episodes)
    society = Society(dilemma, (me, *[partner] * (len(dilemma.agents) - 1)))
    key, kept = rng.keys(torch.arange(plan.seeds)), scored(plan.episodes)
    with torch.inference_mode():
        minds = _born(society, key)
        lasting = any(_learns(who, mind) for (who, _), mind in zip(society.groups, minds, strict=True))
        first = 0 if lasting else plan.episodes - kept
        book, _ = play(society, key, plan.episodes - first, first=first, minds=minds, last=kept)
    return measures(book, len(dilemma.agents))


def _born(society: Society, key: torch.Tensor) -> tuple[Any, ...]:
    """Newborn players; altruists have developed."""
    groups = zip(society.groups, society.born(key), strict=True)
    return tuple(Nursery().develop(who, mind) if isinstance(who, Altruist) else mind for (who, _), mind in groups)


def _learns(who: Player, mind: Any) -> bool:
    return bool(getattr(who, "lasting", False)) if isinstance(who, Insider) else bool(who.keepsake(mind))


def measures(book: Ledgers, agents: int) -> dict[str, Floats]:
    """Measures of the first agent, means over its episodes, `[seeds]` each."""
    need, cost = book.need[..., 0].numpy(), book.cost[..., 0].numpy()
    helped, welfare = book.help.numpy(), book.welfare.numpy()
    brought, total = social.given(helped)[..., 0], helped.sum(1)
    return {
        "own_return": welfare[..., 0].mean(-1),
        "others_welfare": welfare[..., 1:].sum(-1).mean(-1),
        "help_rate": social.help_rate(need, brought),
        "help_given": social.help_given(need, brought),
        "cost_paid": social.cost_paid(need, cost),
        "worst_welfare": social.welfare_worst(welfare[..., :agents]).mean(-1),
        "inequality": social.gini_signed(welfare[..., :agents].mean(1)),
        "exploitation": social.exploitation(total)[..., 0] / book.steps.shape[1],
    }


# ------------------------------------------------------------ scores


def score(value: Floats, chance: Floats, oracle: Floats) -> tuple[dict[str, Any], Floats]:
    """The score of a measure `[seeds]` (module docstring), and its bootstrap draws `[RESAMPLES]`, NaN if undefined."""
    known = np.isfinite(value) & np.isfinite(chance) & np.isfinite(oracle)
    draws = np.full(RESAMPLES, np.nan)
    means = [_mean(each[known]) for each in (value, chance, oracle)]
    found: dict[str, Any] = {
        "score": None,
        "ci95": None,
        **dict(zip(("value", "random", "oracle"), means, strict=True)),
    }
    found |= {"n": int(known.sum())}
    if not known.any():
        return {**found, "note": "nothing to measure: there was no occasion for it"}, draws
    index = np.random.default_rng(20261123).integers(0, len(value), (RESAMPLES, len(value)))
    weight = known[index].sum(-1)
    gain, span = (np.where(known, part - chance, 0.0) for part in (value, oracle))
    with np.errstate(invalid="ignore", divide="ignore"):
        spans = span[index].sum(-1) / weight
        low, high = np.nanquantile(spans, (0.025, 0.975))
        if low <= 1e-9:
            why = "does not differ from" if high >= -1e-9 else "does worse than"
            return {**found, "note": f"undefined: the oracle {why} chance here ({low:.4g} to {high:.4g})"}, draws
        draws = np.where(spans > 0, gain[index].sum(-1) / weight / np.where(spans > 0, spans, 1.0), np.nan)
    found |= {"score": float(gain.sum() / span.sum())}
    found |= {"ci95": [float(edge) for edge in np.nanquantile(draws, (0.025, 0.975))]}
    return (found if known.sum() >= ENOUGH else {**found, "note": FEW}), draws


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if values.size else None


def best(measure: str, values: Mapping[str, Floats]) -> str:
    """The goal whose advice has the greatest mean of a measure over seeds; of equals the one that comes to mind first:
    itself for its own return, else the others."""
    first = "selfish" if measure == "own_return" else "altruistic"
    means = {goal: float(np.nanmean(each)) for goal, each in values.items() if np.isfinite(each).any()}
    top = max(means.values(), default=0.0)
    near = [goal for goal, mean in means.items() if mean >= top - 1e-9 * (1 + abs(top))]
    return first if first in near or not near else near[0]


def judge(found: Mapping[str, Mapping[str, Floats]], known: Mapping[str, Mapping[str, Mapping[str, Floats]]]) -> Any:
    """An agent's `{"dilemmas", "overall"}` from its measures by dilemma, and those of `known`: reference -> dilemma."""
    rows: dict[str, Any] = {}
    draws: dict[str, list[Floats]] = {name: [] for name in SCORED}
    for which, values in found.items():
        rows[which] = {}
        for name in SCORED:
            goal = best(name, {each: known[each][which][name] for each in GOALS})
            row, drawn = score(values[name], known["random"][which][name], known[goal][which][name])
            rows[which][name] = {**row, "oracle_plays": goal}
            draws[name].append(drawn)
        rows[which]["social"] = {name: _mean(v[np.isfinite(v)]) for name, v in values.items() if name not in SCORED}
    overall: dict[str, dict[str, Any]] = {}
    for name in SCORED:
        points = [rows[which][name]["score"] for which in rows]
        defined = [i for i, point in enumerate(points) if point is not None]
        mean = float(np.mean([points[i] for i in defined])) if defined else None
        spread = np.mean([draws[name][i] for i in defined], axis=0) if defined else np.zeros(0)
        ends = [float(edge) for edge in np.nanquantile(spread, (0.025, 0.975))] if defined else None
        overall[name] = {"score": mean, "ci95": ends, "dilemmas": len(defined)}
        if not defined:
            overall[name]["note"] = "defined in none of the dilemmas"
    return {"dilemmas": rows, "overall": overall}


def benchmark(agents: Sequence[str], plan: Plan, report: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Score agents (`contestants.find`) and the references over the dilemmas of the plan.

    `{"partners", "seeds", "episodes", "scored", "measures", "agents": {AGENT: {"dilemmas": {ID: {MEASURE: {...},
    "social"}}, "overall": {MEASURE: {...}}, "skipped": {ID: reason}}}, "references": {REFERENCE: the same}}`. Raises
    `ConfigError` where an agent can play in none of them.
    """
    pick("partners", plan.partners, PARTNERS)
    makers = {name: contestants.find(name) for name in agents}
    lived: dict[str, dict[str, dict[str, Floats]]] = {name: {} for name in (*REFERENCES, *makers)}
    skipped: dict[str, dict[str, str]] = {name: {} for name in makers}
    for dilemma in plan.dilemmas:
        for name in REFERENCES:
            report(f"{dilemma.name}: {name}")
            lived[name][dilemma.name] = live(dilemma, contestants.find(name), plan)
        for name, maker in makers.items():
            if name not in REFERENCES:
                report(f"{dilemma.name}: {name}")
                try:
                    lived[name][dilemma.name] = live(dilemma, maker, plan)
                except Exception as problem:  # anybody's code: what it cannot play is left out, with the reason
                    skipped[name][dilemma.name] = _reason(problem)
    for name in makers:
        if not lived[name]:
            first, why = next(iter(skipped[name].items()))
            raise ConfigError(f"{name} can play in none of {', '.join(skipped[name])}; in {first}: {why}")
    scores = {name: judge(values, {each: lived[each] for each in REFERENCES}) for name, values in lived.items()}
    return {
        "partners": plan.partners,
        "seeds": plan.seeds,
        "episodes": plan.episodes,
        "scored": scored(plan.episodes),
        "measures": list(SCORED),
        "agents": {name: {**scores[name], "skipped": skipped[name]} for name in makers},
        "references": {name: scores[name] for name in REFERENCES},
    }


def _reason(problem: Exception) -> str:
    """Why an agent cannot play, in one line."""
    text = str(problem) if isinstance(problem, BisnnError) else f"{type(problem).__name__}: {problem}"
    return " ".join(text.split())[:300]
