"""What is measured in the trials of self and other, from their rows (definitions: `bisnn.experiments.self_other`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bisnn.experiments import measures
from bisnn.experiments.measures import Columns, Measure
from bisnn.experiments.scores import auroc
from bisnn.experiments.statistics import Floats, summarise
from bisnn.experiments.tasks.self_other import CASES, GATE, Design

Mask = NDArray[np.bool_]

MEASURES: Mapping[str, Measure] = {
    "confusion": Measure("felt_as_own", among="only_other", whole=True),
    "intrusion": Measure("intruded", among="conflict", whole=True),
    "misread": Measure("misread", among="conflict", whole=True),
    "own_pain": Measure("insula", among="only_own", whole=True),
    "own_distress": Measure("affect", among="only_own", whole=True),
    "other_as_own": Measure("insula", among="only_other", whole=True),
    "shared_distress": Measure("affect", among="only_other", whole=True),
    "neutral_affect": Measure("affect", among="neutral", whole=True),
    "neutral_insula": Measure("insula", among="neutral", whole=True),
    "shuffled_affect": Measure("affect", among="shuffled", whole=True),
    "shuffled_insula": Measure("insula", among="shuffled", whole=True),
    "shuffled_distress": Measure("distressed", among="shuffled", whole=True),
}
PRIMARY = ("confusion", "empathic_response", "intrusion", "auroc")


def ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole, NaN where nothing was felt."""
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0))


def values(episodes: Columns, design: Design) -> dict[str, dict[str, Floats]]:
    """Every measure of every individual: measure -> arm -> `[seeds]`."""
    counted = {name: measures.per_seed(episodes, one) for name, one in MEASURES.items()}
    seen, clash, alone = (design.where(own, other) for own, other in CASES)
    conflict = seen | clash
    truth, found = design.table.own[conflict], dict[str, dict[str, Floats]]()
    for arm, columns in tables(episodes).items():
        insula = columns["insula"][:, conflict]
        score = {"auroc": auroc(insula, np.broadcast_to(truth, insula.shape))} | scores(columns, seen, clash, alone)
        for name in ("empathic_response", "auroc", "confusion_size", "egocentric_bias"):
            found.setdefault(name, {})[arm] = score[name]
    order = [*PRIMARY, *found, *counted]
    return {name: (found | counted)[name] for name in dict.fromkeys(order)}


def tables(episodes: Columns) -> dict[str, dict[str, Floats]]:
    """The columns that are judged: arm -> column -> `[seeds, trials]`."""
    names = ("insula", "affect", "felt_as_own", "intruded", "own_read", "other_read")
    found = {name: measures.table(episodes, name) for name in names}
    return {arm: {name: found[name][arm] for name in names} for arm in found["insula"]}


def scores(columns: Mapping[str, Floats], seen: Mask, clash: Mask, alone: Mask) -> dict[str, Floats]:
    """The measures `[seeds]` over the trials `seen` (the other alone in pain), `clash` (own pain, the other calm) and
    `alone` (own pain, nobody in sight)."""

    def mean(name: str, trials: Mask) -> Floats:
        return np.asarray(columns[name][:, trials].mean(-1))

    mine, theirs = (mean(name, seen | clash) for name in ("own_read", "other_read"))
    return {
        "confusion": mean("felt_as_own", seen),
        "confusion_size": ratio(mean("insula", seen), mean("insula", alone)),
        "empathic_response": ratio(mean("affect", seen), mean("affect", alone)),
        "intrusion": mean("intruded", seen | clash),
        "egocentric_bias": ratio(mine, mine + theirs),
    }


def levels(episodes: Columns, design: Design, arm: str, name: str) -> list[dict[str, Any]]:
    """The measures of one arm against `gain` (of the gate) or `noise` (of the face), with intervals over seeds."""
    columns, found = tables(episodes)[arm], []
    for level in design.gains if name == "gain" else design.noise:
        entry: dict[str, Any] = {name: level}
        masks = [
            design.where(*case, GATE, gain=level) if name == "gain" else design.where(*case, noise=level)
            for case in CASES
        ]
        for measure, sample in scores(columns, masks[0], masks[1], masks[2]).items():
            summary, key = summarise(sample), "response" if measure == "empathic_response" else measure
            entry |= {key: summary["mean"], f"{key}_ci95": summary["ci95"]}
        found.append(entry)
    return found
