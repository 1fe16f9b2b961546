"""Measures of a run from its rows of episodes: per seed, per arm, over time, and compared with a reference.

`episodes` is always the columns of episodes.parquet, one row per arm, seed, episode and agent; their order
does not matter. The measures that close a run are taken over its last min(100, 30 %) episodes, at least one.

Two families of tests are declared in advance, and each is corrected by Holm on its own: the primary one
holds every arm on `help_rate`, `goal_rate` and `return_external` (what is asked), the secondary one every
arm on the other measures (what describes how). With 7 arms and 20 seeds the least corrected p of the
primary family is 21 * 2 / 2^20 = 4e-5.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bisnn.errors import RunCorrupt, pick
from bisnn.experiments.statistics import Floats, compare, holm, summarise

Columns = Mapping[str, NDArray[Any]]
HELPFUL = 0.9
"""Help rate from which a run counts as converged."""
BLOCK = 50
"""Episodes in one block of a running rate, at most; a tenth of a short run."""


class Measure(NamedTuple):
    """The mean of an episode column over the episodes that count."""

    column: str
    among: str | None = None  # only episodes where this column is true
    whole: bool = False  # over the whole run; else over its end


MEASURES: Mapping[str, Measure] = {
    "help_rate": Measure("relieved", among="painful"),
    "goal_rate": Measure("goal"),
    "help_first": Measure("help_first", among="painful"),  # relieved, and the goal reached afterwards
    "return_external": Measure("return_external"),
    "steps": Measure("steps"),
}
PRIMARY = ("help_rate", "goal_rate", "return_external")


class Curve(NamedTuple):
    """A measure over time: one entry per block of episodes."""

    centres: Floats  # [blocks] mean episode of the block
    mean: Floats  # [blocks] over seeds
    lo: Floats  # [blocks] 95 % bootstrap interval of the mean over seeds
    hi: Floats  # [blocks]


class Totals(NamedTuple):
    """A measure before division: its mean over any episodes is sum(sums) / sum(counts)."""

    arms: tuple[str, ...]  # in the order of their first rows
    seeds: tuple[int, ...]  # ascending
    sums: Floats  # [arm, seed, episode]
    counts: Floats  # [arm, seed, episode]


def _column(episodes: Columns, name: str) -> NDArray[Any]:
    if name not in episodes:
        raise RunCorrupt(f"the episodes have no column {name!r}; they have {', '.join(episodes)}")
    return episodes[name]


def totals(episodes: Columns, measure: str | Measure, agent: str | None = None) -> Totals:
    """The totals of a measure, of all agents or of one, with every episode in its place.

    Raises `UnknownName` for a measure that is not in `MEASURES`, `RunCorrupt` when a column is missing.
    """
    plan = MEASURES[pick("measure", measure, MEASURES)] if isinstance(measure, str) else measure
    names = _column(episodes, "arm").tolist()
    place = {arm: index for index, arm in enumerate(dict.fromkeys(names))}
    arm = np.fromiter((place[name] for name in names), np.int64, len(names))
    seeds, seed = np.unique(_column(episodes, "seed"), return_inverse=True)
    episode = _column(episodes, "episode").astype(np.int64)
    values = _column(episodes, plan.column).astype(np.float64)
    counts = (episode >= 0) & np.isfinite(values)
    if plan.among is not None:
        counts &= _column(episodes, plan.among).astype(bool)
    if agent is not None:
        counts &= _column(episodes, "agent") == agent
    shape = (len(place), len(seeds), int(episode.max(initial=-1)) + 1)
    flat = ((arm * shape[1] + seed) * shape[2] + episode)[counts]
    size = int(np.prod(shape))
    total, count = (
        np.bincount(flat, weights, size).astype(np.float64).reshape(shape) for weights in (values[counts], None)
    )
    return Totals(tuple(place), tuple(int(number) for number in seeds), total, count)


def _ratio(total: Floats, count: Floats) -> Floats:
    """total / count, NaN where nothing counts."""
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def window(episodes: int) -> int:
    """How many of the last episodes close a run: min(100, 30 %), at least one."""
    return max(1, min(100, episodes * 3 // 10))


def block_size(episodes: int) -> int:
    """Episodes in one block of a running rate: min(50, 10 %), at least one."""
    return max(1, min(BLOCK, episodes // 10))


def per_seed(episodes: Columns, measure: str | Measure, agent: str | None = None) -> dict[str, Floats]:
    """The measure that closes the run, arm -> `[seeds]` in ascending order of seeds; NaN where nothing counts."""
    found = totals(episodes, measure, agent)
    length = found.sums.shape[-1]
    last = length if isinstance(measure, Measure) and measure.whole else window(length)
    values = _ratio(found.sums[..., -last:].sum(-1), found.counts[..., -last:].sum(-1))
    return dict(zip(found.arms, values, strict=True))


def table(episodes: Columns, column: str) -> dict[str, Floats]:
    """A column of the rows, arm -> `[seeds, episodes]` in ascending order; NaN where a row is missing."""
    found = totals(episodes, Measure(column))
    return dict(zip(found.arms, _ratio(found.sums, found.counts), strict=True))


def over_seeds(values: Floats) -> Floats:
    """Mean over axis 0 of what is not NaN; NaN where nothing is left."""
    known = np.isfinite(values)
    return _ratio(np.where(known, values, 0.0).sum(0), known.sum(0).astype(np.float64))


def _settled(total: Floats, count: Floats, block: int) -> int | None:
    """First episode from which every block of episodes, up to the last, has a help rate of at least `HELPFUL`."""
    episodes = total.shape[-1]
    if episodes < block:
        return None
    total, count = (np.concatenate((np.zeros((len(part), 1)), part.cumsum(-1)), axis=-1) for part in (total, count))
    rate = over_seeds(_ratio(total[:, block:] - total[:, :-block], count[:, block:] - count[:, :-block]))
    low = np.flatnonzero(rate < HELPFUL - 1e-9)
    start = int(low[-1]) + 1 if low.size else 0
    known = np.flatnonzero(np.isfinite(rate[start:]))
    return start + int(known[0]) if known.size else None


def converged_at(episodes: Columns, agent: str | None = None) -> dict[str, int | None]:
    """Per arm the first episode from which the running help rate stays at `HELPFUL` or above to the end, or None.

    The running rate at episode e is that of the block of `block_size` episodes which begins at e, taken per
    seed and averaged over seeds; blocks without a painful episode are passed over.
    """
    found = totals(episodes, "help_rate", agent)
    block = block_size(found.sums.shape[-1])
    return {arm: _settled(found.sums[i], found.counts[i], block) for i, arm in enumerate(found.arms)}


def curve(
    episodes: Columns, measure: str | Measure, block: int | None = None, agent: str | None = None
) -> dict[str, Curve]:
    """The learning curve of every arm: the measure per block of episodes, mean over seeds with a 95 % interval.

    `block` defaults to `block_size`. The interval is a percentile bootstrap over seeds, so it stays within the
    range of the measure; with one seed it is the value itself.
    """
    found = totals(episodes, measure, agent)
    length = found.sums.shape[-1]
    edges = np.arange(0, length, max(1, block or block_size(length)))
    ends = np.append(edges[1:], length)
    values = _ratio(np.add.reduceat(found.sums, edges, -1), np.add.reduceat(found.counts, edges, -1))
    centres = (edges + ends - 1) / 2
    return {arm: Curve(centres, over_seeds(values[i]), *band(values[i])) for i, arm in enumerate(found.arms)}


def band(values: Floats) -> tuple[Floats, Floats]:
    """95 % percentile-bootstrap interval of the mean over seeds, for `values` `[seeds, blocks]`."""
    if len(values) < 2:
        return values[0].copy(), values[0].copy()

    def mean(sample: Floats, axis: int = 0) -> Floats:
        return over_seeds(np.moveaxis(sample, axis, 0))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a block where nothing counts is NaN, as its mean is
        found = stats.bootstrap(
            (values,),
            mean,
            axis=0,
            method="percentile",
            n_resamples=1000,
            batch=100,
            rng=np.random.default_rng(len(values)),
        )
    return np.asarray(found.confidence_interval.low), np.asarray(found.confidence_interval.high)


def _corrected(comparisons: dict[str, dict[str, Any]], primary: tuple[str, ...]) -> None:
    """Add `p_holm` to every comparison, the primary and the other measures each as one family."""
    for is_primary in (True, False):
        family = {
            (arm, name): result["p"]
            for arm, row in comparisons.items()
            for name, result in row.items()
            if (name in primary) is is_primary
        }
        for (arm, name), p in holm(family).items():
            comparisons[arm][name]["p_holm"] = p


def summary(
    episodes: Columns,
    reference: str = "intact",
    measures: Mapping[str, Measure] = MEASURES,
    primary: tuple[str, ...] = PRIMARY,
    agent: str | None = None,
) -> dict[str, Any]:
    """What summary.json holds: every arm's measures, and every other arm against `reference`, paired by seed.

    `{"arms": {ARM: {MEASURE: summarise(...), "converged_at": EPISODE or None}}, "comparisons": {ARM: {MEASURE:
    compare(...) and "p_holm"}}}`; `converged_at` is that of help, where it is measured. Measures whose columns the
    episodes lack are left out; without the reference arm there are no comparisons.
    """
    kept = {
        name: per_seed(episodes, plan, agent)
        for name, plan in measures.items()
        if plan.column in episodes and (plan.among is None or plan.among in episodes)
    }
    found = judge(kept, primary, reference)
    if "help_rate" in kept:
        for arm, episode in converged_at(episodes, agent).items():
            found["arms"][arm]["converged_at"] = episode
    return found


def judge(
    values: Mapping[str, Mapping[str, Floats]], primary: tuple[str, ...] = PRIMARY, reference: str = "intact"
) -> dict[str, Any]:
    """`{"arms", "comparisons"}` as `summary` gives them, of measures -> arm -> `[seeds]`, paired by seed."""
    names = list(dict.fromkeys(arm for rows in values.values() for arm in rows))
    arms: dict[str, dict[str, Any]] = {
        arm: {name: summarise(rows[arm]) for name, rows in values.items() if arm in rows} for arm in names
    }
    comparisons = {
        arm: {
            name: compare(rows[arm], rows[reference]) for name, rows in values.items() if {arm, reference} <= set(rows)
        }
        for arm in names
        if arm != reference and reference in names
    }
    _corrected(comparisons, primary)
    return {"arms": arms, "comparisons": comparisons}
