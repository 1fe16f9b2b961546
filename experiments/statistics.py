"""Statistics of arms: intervals, paired comparisons, correction, dose-response.

Values are arrays paired by seed: entry k of every arm is the same newborn individual. Results are plain
dicts ready for JSON: what is undefined is None beside a `note`, never NaN. Generators are local and fixed,
so the same values always give the same result.

IQM: Agarwal et al. (2021) arXiv:2108.13264. Bootstrap: Efron (1987) doi:10.1080/01621459.1987.10478410.
Effect sizes: Hedges (1981) doi:10.3102/10769986006002107, Cliff (1993) doi:10.1037/0033-2909.114.3.494.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from bisnn.errors import ShapeMismatch

Floats = NDArray[np.float64]
Name = TypeVar("Name", bound=Hashable)

ENOUGH = 5
"""Seeds below which a result carries a note that nothing is claimed."""
EXACT = 36
"""Pairs up to which every sign flip is counted; above, `RESAMPLES` random ones are drawn."""
RESAMPLES = 100_000
"""Random sign flips or shuffles of a Monte-Carlo permutation test."""
FEW = f"fewer than {ENOUGH} seeds: no significance is claimed"
_SEED = 20261123
_LEVELS = (0.025, 0.975)


def _finite(values: ArrayLike) -> Floats:
    """The finite entries of a one-dimensional sample."""
    sample = np.asarray(values, dtype=np.float64).ravel()
    return sample[np.isfinite(sample)]


def _constant(sample: Floats, scale: float) -> bool:
    """Whether the spread of `sample` is no more than rounding at this scale of its terms."""
    return float(np.ptp(sample)) <= 1e-12 * scale


def _with_notes(result: dict[str, Any], *notes: str | None) -> dict[str, Any]:
    text = "; ".join(note for note in notes if note)
    return {**result, "note": text} if text else result


def interquartile_mean(values: ArrayLike) -> float | None:
    """Mean of the middle half of a sample (a quarter is cut at each end), or None for an empty one."""
    sample = _finite(values)
    return float(stats.trim_mean(sample, 0.25)) if sample.size else None


def _mean_interval(sample: Floats) -> tuple[list[float], str | None]:
    """95 % bootstrap interval of the mean of a sample that varies: BCa, percentile where BCa is undefined."""
    edges: list[float] = []
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a degenerate BCa warns and is NaN: answered by the next method
            found = stats.bootstrap((sample,), np.mean, method=method, rng=np.random.default_rng(_SEED))
        edges = [float(edge) for edge in found.confidence_interval]
        if np.isfinite(edges).all():
            break
    return edges, "a percentile interval: BCa is undefined here" if method == "percentile" else None


def summarise(values: ArrayLike) -> dict[str, Any]:
    """One arm's sample over seeds: `{"mean", "sd", "iqm", "ci95": [lo, hi], "n"}` and perhaps a `note`.

    `ci95` is the BCa bootstrap interval of the mean; `sd` has n - 1 degrees of freedom. Entries that are not
    finite are dropped and `n` counts the rest. A constant sample has `ci95 = [v, v]`.
    """
    sample = _finite(values)
    n = int(sample.size)
    if n == 0:
        return {"mean": None, "sd": None, "iqm": None, "ci95": None, "n": 0, "note": "no values"}
    few = FEW if n < ENOUGH else None
    if n == 1 or _constant(sample, float(np.abs(sample).max())):
        value = float(sample[0])
        result = {"mean": value, "sd": 0.0 if n > 1 else None, "iqm": value, "ci95": [value, value], "n": n}
        return _with_notes(result, None if n > 1 else "one value: the spread is unknown", few)
    interval, note = _mean_interval(sample)
    mean, spread = float(sample.mean()), float(sample.std(ddof=1))
    result = {"mean": mean, "sd": spread, "iqm": interquartile_mean(sample), "ci95": interval, "n": n}
    return _with_notes(result, note, few)


def _sign_flips(difference: Floats) -> float:
    """Exact two-sided p: the share of all 2^n sign flips whose |sum| reaches the observed one.

    The flips of two halves are summed apart, sorted and matched, so it costs n 2^(n/2), not 2^n.
    """
    halves = []
    for half in np.array_split(difference, 2):
        sums = np.zeros(1)
        for value in half:
            sums = np.concatenate((sums - value, sums + value))
        halves.append(np.sort(sums))
    left, right = halves
    reach = _reach(difference)
    above = right.size - np.searchsorted(right, reach - left, side="left")
    below = np.searchsorted(right, -reach - left, side="right")
    return float(min(1.0, (above.sum() + below.sum()) / (left.size * right.size)))


def _reach(difference: Floats) -> float:
    """|observed sum|, less what rounding may take from an equal one."""
    return float(max(abs(difference.sum()) - 1e-9 * np.abs(difference).sum(), 0.0))


def permutation_p(difference: ArrayLike) -> float | None:
    """Two-sided p of paired differences by sign flips: no effect means that the signs are arbitrary.

    Exact up to `EXACT` pairs (least value 2 / 2^n); above, `RESAMPLES` flips with the observed one counted,
    so that p is never 0. Phipson, Smyth (2010) doi:10.2202/1544-6115.1585. None for an empty sample.
    """
    sample = _finite(difference)
    if sample.size == 0:
        return None
    if not sample.any():
        return 1.0
    if sample.size <= EXACT:
        return _sign_flips(sample)
    rng, hits, block = np.random.default_rng(_SEED), 0, RESAMPLES // 10
    for _ in range(10):
        signs = rng.integers(0, 2, (block, sample.size), dtype=np.int8) * 2.0 - 1.0
        hits += int((np.abs(signs @ sample) >= _reach(sample)).sum())
    return (hits + 1) / (10 * block + 1)


def _paired(values: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats]:
    """The pairs of which both are finite."""
    one, two = np.asarray(values, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if one.ndim != 1 or one.shape != two.shape:
        raise ShapeMismatch(f"paired samples have shapes {one.shape} and {two.shape}; give one value per seed in each")
    both = np.isfinite(one) & np.isfinite(two)
    return one[both], two[both]


def _hedges_g(difference: Floats) -> float:
    """g = J(n-1) mean(d) / sd(d),  J(m) = G(m/2) / (sqrt(m/2) G((m-1)/2)): unbiased for small n."""
    m = difference.size - 1
    correction = np.exp(special.gammaln(m / 2) - special.gammaln((m - 1) / 2)) / np.sqrt(m / 2)
    return float(correction * difference.mean() / difference.std(ddof=1))


def compare(values: ArrayLike, reference: ArrayLike) -> dict[str, Any]:
    """An arm against a reference, both `[seeds]` and paired by seed.

    Returns `{"difference", "ci95", "hedges_g", "cliffs_delta", "p", "n"}` and perhaps a `note`. `difference` is
    the mean of arm minus reference, `ci95` its BCa interval, `hedges_g` the paired effect size in standard
    deviations of the difference, `cliffs_delta` P(arm > reference) - P(arm < reference) over all pairs of
    seeds, `p` that of `permutation_p`. Raises `ShapeMismatch` when the samples cannot be paired.
    """
    one, two = _paired(values, reference)
    difference = one - two
    n = int(difference.size)
    if n == 0:
        empty = dict.fromkeys(("difference", "ci95", "hedges_g", "cliffs_delta", "p"))
        return {**empty, "n": 0, "note": "no paired values"}
    scale = float(max(np.abs(one).max(), np.abs(two).max()))
    note: str | None = None
    mean, effect = float(difference.mean()), None
    if _constant(difference, scale):
        mean = 0.0 if abs(float(difference[0])) <= 1e-12 * scale else float(difference[0])
        difference = np.full(n, mean)
        interval = [mean, mean]
        note = "the difference is the same at every seed: its effect size is undefined"
    else:
        interval, note = _mean_interval(difference)
        effect = _hedges_g(difference) if n > 2 else None
        note = note if n > 2 else "the effect size needs 3 pairs"
    result = {
        "difference": mean,
        "ci95": interval,
        "hedges_g": effect,
        "cliffs_delta": float(np.sign(one[:, None] - two[None, :]).mean()),
        "p": permutation_p(difference),
        "n": n,
    }
    return _with_notes(result, note, FEW if n < ENOUGH else None)


def holm(pvalues: Mapping[Name, float | None]) -> dict[Name, float | None]:
    """Holm's step-down correction over one family: p_(i) -> max over j <= i of min(1, (m - j + 1) p_(j)).

    A None is no test: it stays None and does not count in m. Holm (1979) Scand. J. Statist. 6, 65-70.
    """
    tested = sorted((p, place, name) for place, (name, p) in enumerate(pvalues.items()) if p is not None)
    corrected: dict[Name, float | None] = dict.fromkeys(pvalues)
    largest = 0.0
    for rank, (p, _, name) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        corrected[name] = largest
    return corrected


def spearman(dose: ArrayLike, response: ArrayLike) -> dict[str, Any]:
    """Rank correlation `{"value", "p", "n"}` of two arrays `[levels]`; p by shuffling the response.

    Exact while all orders are fewer than `RESAMPLES`. Both are None, with a note, when either is constant.
    Spearman (1904) doi:10.2307/1412159. Raises `ShapeMismatch` when the arrays cannot be paired.
    """
    x, y = _paired(dose, response)
    n = int(x.size)
    if n < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return {"value": None, "p": None, "n": n, "note": "undefined: fewer than 3 levels, or one side is constant"}
    ranks, other = (stats.rankdata(side) - (n + 1) / 2 for side in (x, y))
    test = stats.permutation_test(
        (other,),
        lambda shuffled, axis=-1: (shuffled * ranks).sum(axis=axis),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=10_000,
        rng=np.random.default_rng(_SEED),
    )
    value = float((ranks * other).sum() / np.sqrt((ranks**2).sum() * (other**2).sum()))
    return {"value": value, "p": min(1.0, float(test.pvalue)), "n": n}


def logistic(x: ArrayLike, ceiling: float, threshold: float, width: float) -> Floats:
    """a / (1 + exp(-(x - t) / s)) with ceiling a, threshold t and width s."""
    return np.asarray(ceiling * special.expit((np.asarray(x, dtype=np.float64) - threshold) / width))


def _fit(dose: Floats, response: Floats) -> Floats | None:
    """Least-squares `(ceiling, threshold, width)`, or None where help stays under .05 or does not change."""
    top, span = float(response.max()), float(np.ptp(dose))
    if top < 0.05 or np.ptp(response) < 1e-9:
        return None
    start = float(np.interp(0.5, np.maximum.accumulate(response) / top, dose))
    bounds = ((0.0, dose.min() - span, 1e-3 * span), (1.5 * top, dose.max() + span, span))
    try:
        found, _ = optimize.curve_fit(logistic, dose, response, (top, start, 0.05 * span), bounds=bounds, maxfev=2000)
    except RuntimeError:
        return None
    return np.asarray(found, dtype=np.float64)


def psychometric(dose: ArrayLike, response: ArrayLike, resamples: int = 300) -> dict[str, Any]:
    """The dose at which help sets in: fit of a / (1 + exp(-(x - t) / s)) to the mean over seeds.

    `dose` `[levels]`, `response` `[levels, seeds]` in 0 ... 1. Returns `{"value": t, "ci95", "width": s,
    "ceiling": a, "n"}`, t and s in units of the dose; `ci95` is a percentile bootstrap over seeds (whole
    columns, as seeds are paired over doses). Wichmann, Hill (2001) doi:10.3758/BF03194544. Seeds that are
    not finite at every level are dropped. Raises `ShapeMismatch` for other shapes.
    """
    x, y = np.asarray(dose, dtype=np.float64), np.asarray(response, dtype=np.float64)
    if y.ndim != 2 or x.shape != y.shape[:1]:
        raise ShapeMismatch(f"doses {x.shape} and responses {y.shape}; give [levels] and [levels, seeds]")
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order][:, np.isfinite(y).all(axis=0)]
    n = int(y.shape[1])
    undefined = {"value": None, "ci95": None, "width": None, "ceiling": None, "n": n}
    found = _fit(x, y.mean(axis=1)) if n and x.size >= 3 and np.ptp(x) > 0 else None
    if found is None:
        return _with_notes(undefined, "no threshold: help does not rise with dose, or fewer than 3 levels")
    ceiling, threshold, width = (float(value) for value in found)
    rng = np.random.default_rng(_SEED)
    draws = (_fit(x, y[:, rng.integers(0, n, n)].mean(axis=1)) for _ in range(resamples if n > 1 else 0))
    thresholds = np.array([draw[1] for draw in draws if draw is not None] or [threshold])
    interval = [float(edge) for edge in np.quantile(thresholds, _LEVELS)]
    outside = None if x[0] <= threshold <= x[-1] else "the threshold lies outside of the doses"
    result = {"value": threshold, "ci95": interval, "width": width, "ceiling": ceiling, "n": n}
    return _with_notes(result, outside, FEW if n < ENOUGH else None)
