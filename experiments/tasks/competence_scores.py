"""What is measured of one arm of the competence experiment, `[seeds]` each, from its rows.

A request for help is right where the own attempt would have failed, which only the evaluator knows. A drop counts as
noticed once the estimated share of mastered tasks has fallen by half of what the injury takes from the true share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bisnn.experiments import measures
from bisnn.experiments.scores import auroc, brier, calibration_error, mean_among
from bisnn.experiments.tasks.competence import Spans

Floats = NDArray[np.float64]
Table = Mapping[str, Floats]
"""Column of the rows -> `[seeds, trials]` of one arm."""
RECENT = 50
"""Trials before the drop from which the usual estimate is taken, and last trials of a run."""


COLUMNS = (
    *("difficulty", "feature", "chance", "confidence", "scheduled", "asked", "succeeds", "gain", "regret"),
    *("estimate", "mastered", "fall"),
)
"""What is read of the rows."""


def phases(episodes: Mapping[str, Any], spans: Spans) -> dict[str, tuple[Table, Table]]:
    """The rows of every arm in the test phase and after the drop."""
    tables = {name: measures.table(episodes, name) for name in COLUMNS}
    return {
        arm: (
            {name: rows[arm][:, spans.test : spans.after] for name, rows in tables.items()},
            {name: rows[arm][:, spans.after :] for name, rows in tables.items()},
        )
        for arm in tables["confidence"]
    }


def slope(rows: Table, *regressors: str) -> Floats:
    """Change of confidence over the whole range of the first regressor, by least squares on all of them, `[seeds]`; NaN
    with too few trials."""
    found = np.full(len(rows["confidence"]), np.nan)
    if rows["confidence"].shape[-1] > len(regressors) + 1:
        for seed, confidence in enumerate(rows["confidence"]):
            plan = np.stack([*(rows[name][seed] for name in regressors), np.ones_like(confidence)], -1)
            found[seed] = np.linalg.lstsq(plan, confidence, rcond=None)[0][0]
    return found


def in_test(rows: Table, worth: float) -> dict[str, Floats]:
    """Measures of the test phase. A request is right where the own attempt would have failed."""
    failed, asked = 1.0 - rows["succeeds"], rows["asked"]
    driven = rows["scheduled"] * (rows["confidence"] < worth)
    return {
        "brier": brier(rows["confidence"], rows["succeeds"]),
        "ece": calibration_error(rows["confidence"], rows["succeeds"]),
        "auroc": auroc(-rows["confidence"], failed),
        "overconfidence": (rows["confidence"] - rows["succeeds"]).mean(-1),
        "precision": mean_among(failed, asked),
        "recall": mean_among(asked, failed),
        "regret": rows["regret"].mean(-1),
        "exploration_cost": (rows["regret"] * driven).mean(-1),
        "gain": rows["gain"].mean(-1),
        "ask_rate": asked.mean(-1),
        "difficulty_effect": slope(rows, "difficulty"),
        "feature_effect": slope(rows, "feature", "difficulty", "chance"),
    }


def detection(before: Table, after: Table) -> dict[str, Floats]:
    """Whether, and at which trial from the drop on (from 1), the estimated share of mastered tasks has left its mean
    over the last `RECENT` trials before by half of the fall that the injury brings (of the rise, where the capability
    rises); NaN where it never does."""
    usual = before["estimate"][:, -RECENT:].mean(-1, keepdims=True)
    fall = after["fall"][:, :1]
    crossed = ((usual - after["estimate"]) * np.sign(fall) >= 0.5 * np.abs(fall)) & (fall != 0.0)
    found = crossed.any(-1)
    return {
        "detected": found.astype(np.float64),
        "detection_trials": np.where(found, crossed.argmax(-1) + 1.0, np.nan),
        "ask_rate_after": after["asked"][:, -RECENT:].mean(-1),
        "brier_after": brier(after["confidence"][:, -RECENT:], after["succeeds"][:, -RECENT:]),
        "regret_after": after["regret"].mean(-1),
    }


def bounds(rows: Table, worth: float) -> dict[str, dict[str, Floats]]:
    """The same measures of those beside whom it is judged, from the same tasks and luck: an oracle that knows its own
    capability, one that knows its mean success alone, and those who always or never ask."""
    chance, succeeds = rows["chance"], rows["succeeds"]
    failed, asks = 1.0 - succeeds, (chance < worth).astype(np.float64)
    best, rate = np.maximum(chance, worth), np.broadcast_to(succeeds.mean(-1, keepdims=True), succeeds.shape)
    oracle = {
        "brier": brier(chance, succeeds),
        "ece": calibration_error(chance, succeeds),
        "auroc": auroc(-chance, failed),
        "precision": mean_among(failed, asks),
        "recall": mean_among(asks, failed),
        "regret": np.zeros(len(chance)),
        "gain": best.mean(-1),
        "ask_rate": asks.mean(-1),
    }
    return {
        "oracle": oracle,
        "base_rate": {"brier": brier(rate, succeeds), "precision": failed.mean(-1)},
        "always": {"regret": (best - worth).mean(-1), "gain": np.full(len(chance), worth)},
        "never": {"regret": (best - chance).mean(-1), "gain": chance.mean(-1)},
    }
