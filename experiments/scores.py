"""Scores of an individual's judgements, each over its last axis, the trials. NaN where a score is undefined.

AUROC: Hanley, McNeil (1982) doi:10.1148/radiology.143.1.7063747. Brier (1950)
doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2. Calibration error: Guo et al. (2017) arXiv:1706.04599.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bisnn.errors import ConfigError, ShapeMismatch

Floats = NDArray[np.float64]


def _pair(one: ArrayLike, two: ArrayLike) -> tuple[Floats, Floats]:
    """Both as float64. Raises `ShapeMismatch` where a trial of one has no trial of the other."""
    first, second = np.asarray(one, dtype=np.float64), np.asarray(two, dtype=np.float64)
    if first.ndim == 0 or first.shape != second.shape:
        raise ShapeMismatch(f"scores have shape {first.shape}, outcomes {second.shape}; give [..., trials] for both")
    return first, second


def auroc(score: ArrayLike, positive: ArrayLike) -> Floats:
    """P(score of a positive trial > score of another), ties counted half: `[..., trials]` to `[...]`; chance is 0.5.

    NaN where all trials are of one kind. Trials whose score is NaN are left out. Raises `ShapeMismatch`.
    """
    values, truth = _pair(score, positive)
    ranks = stats.rankdata(values, axis=-1, nan_policy="omit")
    known = np.isfinite(values)
    hit = known & (truth > 0.5)
    n_hit, n_miss = hit.sum(-1).astype(np.float64), (known & ~hit).sum(-1)
    above = np.where(hit, ranks, 0.0).sum(-1) - n_hit * (n_hit + 1) / 2
    pairs = n_hit * n_miss
    return np.asarray(np.divide(above, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0))


def mean_among(values: ArrayLike, among: ArrayLike) -> Floats:
    """Mean of `values` over the trials that are `among`, `[..., trials]` to `[...]`; NaN where there are none."""
    value, chosen = _pair(values, among)
    count = (chosen > 0).sum(-1)
    total = np.where(chosen > 0, value, 0.0).sum(-1)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def brier(probability: ArrayLike, outcome: ArrayLike) -> Floats:
    """Mean of (probability - outcome)^2, `[..., trials]` to `[...]`: 0 perfect, 0.25 for a constant 0.5."""
    forecast, truth = _pair(probability, outcome)
    return np.asarray(((forecast - truth) ** 2).mean(-1))


def calibration_error(probability: ArrayLike, outcome: ArrayLike, bins: int = 10) -> Floats:
    """Expected calibration error: sum over equal bins of (share of trials) |mean outcome - mean probability|.

    `[..., trials]` to `[...]`. Raises `ShapeMismatch`; `ConfigError` for a probability outside of [0, 1].
    """
    forecast, truth = _pair(probability, outcome)
    if not bool(((forecast >= 0) & (forecast <= 1)).all()):
        raise ConfigError("a probability lies outside of 0 to 1; calibration is defined for probabilities alone")
    place = np.minimum((forecast * bins).astype(np.int64), bins - 1)
    gap = [np.abs(np.where(place == b, truth - forecast, 0.0).sum(-1)) for b in range(bins)]
    return np.asarray(np.sum(gap, axis=0) / forecast.shape[-1])
