"""Claims B-1 and B-2: self-recognition in a mirror by contingency, and the rejection that the source does not test.

Tolerances are those of the project's acceptance criteria: with 3 identical bodies and 10 movements at least 95 %
correct over 100 or more tests, at most 45 % (chance 33 %) with shuffled babbling or frozen STDP; accuracy that never
falls with contingency, and none in at least 80 % of the tests where no image follows. Without a prediction the answer
is none, so the two ablations are also forced to choose. That of the half point is ours: 0.05 around the theory of a
perfect prediction (`ideal`), whose half point between these levels is 0.437.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from bisnn.experiments.claims.base import Claim
from bisnn.experiments.mirror_test import EXPERIMENT, MirrorTest, half_point
from bisnn.experiments.trials import take

SOURCE = "Zeng, Zhao, Bai, Xu (2018) Cogn. Comput. 10:307, doi:10.1007/s12559-017-9505-1"


def share(column: Tensor) -> float:
    """The share of tests in which it is true."""
    return float(column.double().mean())


def recognition() -> Mapping[str, float]:
    """B-1: 20 individuals of each arm, 10 tests each, in which the own image always follows."""
    settings = MirrorTest(contingency=(1.0,), arms=("intact", "frozen_stdp", "shuffled_training"))
    found = take(EXPERIMENT, settings, range(settings.seeds))
    measured = {"tests": float(found["intact"]["correct"].numel())}
    for arm, short in (("intact", "intact"), ("frozen_stdp", "frozen"), ("shuffled_training", "shuffled")):
        measured |= {short: share(found[arm]["correct"]), f"{short}_forced": share(found[arm]["forced"])}
    return measured


def rejection() -> Mapping[str, float]:
    """B-2: 20 intact individuals, 10 tests each at 11 contingencies."""
    settings = MirrorTest(arms=("intact",))
    rows = take(EXPERIMENT, settings, range(settings.seeds))["intact"]
    levels = len(settings.contingency)
    accuracy = rows["correct"].double().unflatten(-1, (levels, -1)).mean(-1).numpy()
    half = half_point(settings.contingency, accuracy)
    return {
        "smallest_step": float(np.diff(accuracy.mean(0).round(12)).min()),
        "accuracy_at_1": float(accuracy[:, -1].mean()),
        "none_at_0": share(rows["none"].unflatten(-1, (levels, -1))[:, 0]),
        "misidentified": share(rows["misidentified"]),
        "half_point": float("nan") if half["value"] is None else half["value"],
        "half_point_low": float("nan") if half["value"] is None else half["ci95"][0],
        "half_point_high": float("nan") if half["value"] is None else half["ci95"][1],
    }


CLAIMS = (
    Claim(
        name="body/B-1",
        claim="Among 3 identical images an individual finds its own by 10 movements; without STDP, or babbling with "
        "images of other moments, it does not.",
        source=SOURCE + "; ablations ours",
        expected={"intact": 1.0, "frozen_forced": 1 / 3, "shuffled_forced": 1 / 3},
        tolerance={
            "tests": (100.0, None),
            "intact": (0.95, None),
            "frozen": (None, 0.45),
            "shuffled": (None, 0.45),
            "frozen_forced": (None, 0.45),
            "shuffled_forced": (None, 0.45),
        },
        measure=recognition,
        seconds=6.0,
    ),
    Claim(
        name="body/B-2",
        claim="It finds itself the more often the more its image follows, and says none where no image does.",
        source="beyond the source, which never tests rejection: " + SOURCE,
        expected={"none_at_0": 0.981, "accuracy_at_1": 1.0, "half_point": 0.437},
        tolerance={
            "smallest_step": (0.0, None),
            "accuracy_at_1": (0.95, None),
            "none_at_0": (0.8, None),
            "half_point": (0.387, 0.487),
        },
        measure=rejection,
        seconds=6.0,
    ),
)
