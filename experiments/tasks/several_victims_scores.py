"""Whom they save: choice as a function of need, distance and group, fairness across groups, pain.

    logit P(the first is saved | one of two is) = b_0 + b_need dn + b_distance dd + b_group dg

dn: how much more need the first has, in steps of 0.1; dd: how much nearer it is, in steps; dg: 1 where it alone is of
the first group, -1 where the second alone is. The coefficients of each individual have a Gaussian prior of mean 0
and standard deviation 2.5, so that they are finite where need decides every time (after Gelman et al. 2008,
doi:10.1214/08-AOAS191, who take a Cauchy prior of that scale). Everything is over the test episodes.

    parity gap       P(saved | first group) - P(saved | second group), over all victims
    equal-need gap   the same where need is equal and the groups differ; distance is drawn apart from the group
    adjusted gap     b_3 of  (first saved) - (second saved) = b_0 + b_1 dn + b_2 dd + b_3 dg  by least squares, where
                     the groups differ: of victims alike in need and distance, from all of these episodes

Hardt, Price, Srebro (2016) Equality of opportunity in supervised learning arXiv:1610.02413. Equivalence: Schuirmann
(1987) doi:10.1007/BF01068419.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bisnn.experiments import measures, social
from bisnn.experiments.statistics import Floats

Table = Mapping[str, Floats]
PRIOR = 2.5
"""Standard deviation of the prior of a coefficient."""
LEAST = 20
"""Choices from which coefficients are fitted."""
STEP = 0.1
"""Unit of need in the regression."""
COLUMNS = ("return_external", "helped", "goal", "steps", "spared", "best", "testing")
PAIRS = ("need", "distance", "other_group", "saved", "time")


def tables(episodes: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, Floats]]:
    """Arm -> column -> `[seeds, test episodes]`."""
    names = (*COLUMNS, *(f"{name}_{k}" for name in PAIRS for k in (1, 2)))
    columns = {name: measures.table(episodes, name) for name in names}
    found = {}
    for arm in columns["testing"]:
        test = columns["testing"][arm][0] > 0
        found[arm] = {name: columns[name][arm][:, test] for name in names}
    return found


def _mean(values: Floats, chosen: NDArray[np.bool_] | None = None) -> Floats:
    """Mean of `values` `[seeds, T]` over the `chosen`; NaN where there is none."""
    among = np.ones(values.shape, dtype=bool) if chosen is None else chosen
    count = among.sum(-1)
    total = np.where(among, values, 0.0).sum(-1)
    return np.asarray(np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0))


def choices(rows: Table) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """Predictors `[seeds, T, 4]` (1, dn, dd, dg), whether one of the two was saved, and whether it was the first."""
    need = (rows["need_1"] - rows["need_2"]) / STEP
    distance = rows["distance_2"] - rows["distance_1"]
    group = rows["other_group_2"] - rows["other_group_1"]
    one = rows["saved_1"] + rows["saved_2"] == 1.0
    return np.stack((np.ones_like(need), need, distance, group), -1), one, rows["saved_1"]


def fit(x: Floats, y: Floats) -> Floats:
    """Coefficients `[k]` of a logistic regression of `y` `[n]` on `x` `[n, k]` with the prior, by Newton's method."""
    found, precision = np.zeros(x.shape[1]), np.eye(x.shape[1]) / PRIOR**2
    for _ in range(50):
        p = special.expit(x @ found)
        gradient = x.T @ (y - p) - precision @ found
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + precision, gradient)
        found = found + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-9:
            break
    return found


def weights(rows: Table) -> dict[str, Floats]:
    """Coefficients of need, distance and group of every individual; NaN with fewer than `LEAST` choices."""
    x, one, first = choices(rows)
    found = np.full((len(x), 4), np.nan)
    for seed in range(len(x)):
        if one[seed].sum() >= LEAST:
            found[seed] = fit(x[seed][one[seed]], first[seed][one[seed]])
    return {"need_weight": found[:, 1], "distance_weight": found[:, 2], "group_weight": found[:, 3]}


def gaps(rows: Table) -> dict[str, Floats]:
    """Rates at which victims of the first group are saved above those of the second."""
    saved = np.concatenate((rows["saved_1"], rows["saved_2"]), -1)
    other = np.concatenate((rows["other_group_1"], rows["other_group_2"]), -1) > 0
    mixed = rows["other_group_1"] != rows["other_group_2"]
    equal = mixed & (np.abs(rows["need_1"] - rows["need_2"]) < 1e-6)
    sign = rows["other_group_2"] - rows["other_group_1"]
    x, _, _ = choices(rows)
    difference, adjusted = rows["saved_1"] - rows["saved_2"], np.full(len(saved), np.nan)
    for seed in range(len(saved)):
        if mixed[seed].sum() >= LEAST:
            here = mixed[seed]
            adjusted[seed] = np.linalg.lstsq(x[seed][here], difference[seed][here], rcond=None)[0][3]
    return {
        "parity_gap": _mean(saved, ~other) - _mean(saved, other),
        "equal_need_gap": _mean(difference * sign, equal),
        "adjusted_gap": adjusted,
    }


def scores(rows: Table, horizon: int) -> dict[str, Floats]:
    """Every measure of an arm, `[seeds]` each."""
    unequal = np.abs(rows["need_1"] - rows["need_2"]) > 1e-6
    neediest = np.where(rows["need_1"] > rows["need_2"], rows["saved_1"], rows["saved_2"])
    chosen = unequal & (rows["helped"] > 0)
    pain = [rows[f"need_{k}"] * np.where(rows[f"saved_{k}"] > 0, rows[f"time_{k}"], horizon) for k in (1, 2)]
    return {
        "neediest": _mean(neediest, unequal),
        "neediest_of_helped": _mean(neediest, chosen),
        "spared": rows["spared"].sum(-1) / rows["best"].sum(-1),
        "help_rate": _mean(rows["helped"]),
        "return_external": _mean(rows["return_external"]),
        "goal_rate": _mean(rows["goal"]),
        **gaps(rows),
        **weights(rows),
        "gini": social.gini(np.stack(pain, -1)).mean(-1),
    }


def differing(rows: Table, other: Table) -> Floats:
    """Share of the test episodes in which two arms saved different victims, `[seeds]`, paired by seed."""
    apart = (rows["saved_1"] != other["saved_1"]) | (rows["saved_2"] != other["saved_2"])
    return _mean(apart.astype(np.float64))


def equivalence(found: Mapping[str, Any], bound: float) -> dict[str, Any]:
    """A gap with its interval, and whether the interval lies within the bound on either side."""
    ends = found["ci95"]
    inside = None if ends is None else bool(-bound < ends[0] and ends[1] < bound)
    return {**found, "bound": bound, "equivalent": inside}
