"""Claim E2-2: what another's state is worth is read from own experience alone, and without it nobody is rescued.

    drop = rescue after most own experiences - rescue after none

Measured in runs of the experiment `self-experience`, at the nearest distance and the usual cost, in a folder of their
own that is removed afterwards. "Worth" is a number read from an episodic store: a valuation that depends on experience.

Anchor: the algorithm of Tong et al. (arXiv:2501.00320), with a Q-table and 6 seeds, rescues .99 to 1 with and 0 to .01
without own experience of the very trap; so rescue must drop by .9 or more. An AUROC of 0.5 is held to +- 0.05, over 200
seeds: that of one individual with shuffled outcomes has a standard deviation of about 0.3.
"""

from __future__ import annotations

from collections.abc import Mapping

from bisnn.experiments.claims.base import Claim, Interval
from bisnn.experiments.self_experience import EXPERIMENT
from bisnn.experiments.trials import summary

SILENT = ("wiped", "frozen_store", "no_recall", "painless", "harmless_only")
"""Arms in which nothing can be read that would move a rescue."""


NEAR = {"distances": (0.0,), "cost": (0.1,)}
"""The nearest traps, at the usual cost."""


def experience() -> Mapping[str, float]:
    """20 seeds after 0 and 20 own traps, with the arms that must fail; 200 seeds after 10 with shuffled outcomes."""
    arms = summary(EXPERIMENT, **NEAR, experiences=(0, 20), seeds=20, arms=SILENT)["arms"]
    mixed = summary(EXPERIMENT, **NEAR, experiences=(10,), seeds=200, arms=("shuffled_outcomes",))["arms"]
    intact = {name: found["mean"] for name, found in arms["intact"].items()}
    aurocs = [arms[arm]["auroc"]["mean"] for arm in SILENT]
    return {
        "rescue": intact["rescue"],
        "naive_rescue": intact["naive_rescue"],
        "drop": intact["rescue"] - intact["naive_rescue"],
        "false_rescue": max(intact["false_rescue"], intact["passing_rescue"]),
        "auroc": intact["auroc"],
        "ablated_rescue": max(arms[arm]["rescue"]["mean"] for arm in SILENT),
        "ablated_auroc_lowest": min(aurocs),
        "ablated_auroc_highest": max(aurocs),
        "shuffled_auroc": mixed["shuffled_outcomes"]["auroc"]["mean"],
    }


EXPECTED = {"rescue": 0.99, "naive_rescue": 0.0, "drop": 0.99, "false_rescue": 0.0, "auroc": 1.0}
EXPECTED |= {"ablated_rescue": 0.0, "ablated_auroc_lowest": 0.5, "ablated_auroc_highest": 0.5, "shuffled_auroc": 0.5}
CHANCE: Interval = (0.45, 0.55)

CLAIMS = (
    Claim(
        name="self/E2-2",
        claim="Another's state is valued from own experience alone: it is rescued with it, and never without it.",
        source="Tong et al. (2025), doi:10.48550/arXiv.2501.00320: rescue .99 with own experience, .00 without",
        expected=EXPECTED,
        tolerance={
            "rescue": (0.95, None),
            "naive_rescue": (None, 0.05),
            "drop": (0.9, None),
            "false_rescue": (None, 0.05),
            "auroc": (0.9, None),
            "ablated_rescue": (None, 0.05),
            "ablated_auroc_lowest": CHANCE,
            "ablated_auroc_highest": CHANCE,
            "shuffled_auroc": CHANCE,
        },
        measure=experience,
        seconds=18.0,
    ),
)
