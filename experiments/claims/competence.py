"""Claim E2-4: it knows what it can do, asks where it would fail, and notices when its capability drops.

    AUROC = P(confidence in a task at which its own attempt succeeds, or would > in one at which it fails, or would)
    regret = mean gain of an oracle that knows its own capability - mean gain of its choices

Twenty individuals, 600 trials each, with ablations (`bisnn run competence`). The metrics are those of the sources, that
give no numbers for such a test; the bounds are ours. With a constant confidence AUROC is 0.5 up to sampling: with
some 120 successes and 80 failures in 200 trials its standard error is 0.042 for an individual (Hanley, McNeil 1982,
doi:10.1148/radiology.143.1.7063747) and 0.009 for the mean of 20, of which 0.05 is five. A Brier score within 0.02 of
that of the true probabilities is a confidence within 0.14 of them in root mean square. Regret must be at most a quarter
of that of always asking and of never asking, the best of what needs no knowledge of oneself. The drop must be noticed
by nine in ten, and by at most three in twenty of those whose capability stays, within as many trials. The effect of the
irrelevant feature must be less than a twentieth of that of difficulty.
"""

from __future__ import annotations

from collections.abc import Mapping

from bisnn.experiments.claims.base import Claim, Interval
from bisnn.experiments.competence import EXPERIMENT
from bisnn.experiments.trials import summary

SEEDS = 20
ARMS = ("no_drop", "base_rate", "no_dopamine", "no_other")
"""Arms beside intact."""


def capability() -> Mapping[str, float]:
    """Intact individuals and four arms, 20 seeds, 600 trials each."""
    found = summary(EXPERIMENT, seeds=SEEDS, arms=ARMS)
    mean = {arm: {name: each["mean"] for name, each in rows.items()} for arm, rows in found["arms"].items()}
    own, beside = mean["intact"], found["beside"]
    simple = min(found["regret"][who]["mean"] for who in ("always", "never"))
    return {
        "auroc": own["auroc"],
        "auroc_low": found["auroc"]["ci95"][0],
        "brier_above_oracle": own["brier"] - beside["oracle"]["brier"]["mean"],
        "brier_below_base_rate": beside["base_rate"]["brier"]["mean"] - own["brier"],
        "ece": own["ece"],
        "precision_above_chance": own["precision"] - found["chance"]["precision"],
        "recall_above_chance": own["recall"] - found["chance"]["recall"],
        "regret_of_simple_policy": own["regret"] / simple,
        "auroc_base_rate": mean["base_rate"]["auroc"],
        "auroc_no_dopamine": mean["no_dopamine"]["auroc"],
        "regret_added_base_rate": found["comparisons"]["base_rate"]["regret"]["ci95"][0],
        "overconfidence_added_no_other": found["comparisons"]["no_other"]["overconfidence"]["ci95"][0],
        "feature_of_difficulty": abs(own["feature_effect"] / own["difficulty_effect"]),
        "drop_noticed": own["detected"],
        "drop_trials": own["detection_trials"],
        "false_alarms": mean["no_drop"]["detected"],
    }


CHANCE: Interval = (0.45, 0.55)
EXPECTED = {"brier_above_oracle": 0.0, "ece": 0.0, "regret_of_simple_policy": 0.0}
EXPECTED |= {"auroc_base_rate": 0.5, "auroc_no_dopamine": 0.5, "feature_of_difficulty": 0.0}
EXPECTED |= {"drop_noticed": 1.0, "false_alarms": 0.0}

CLAIMS = (
    Claim(
        name="self/E2-4",
        claim="A spiking estimate of own success is calibrated, tells failures from successes, asks for help where it "
        "would fail, and notices a drop of capability; without difficulty or dopamine it knows nothing of itself.",
        source="Fleming, Daw (2017), doi:10.1037/rev0000045; Guo et al. (2017), arXiv:1706.04599",
        expected=EXPECTED,
        tolerance={
            "auroc_low": (0.9, None),
            "brier_above_oracle": (0.0, 0.02),
            "brier_below_base_rate": (0.1, None),
            "ece": (None, 0.1),
            "precision_above_chance": (0.2, None),
            "recall_above_chance": (0.2, None),
            "regret_of_simple_policy": (None, 0.25),
            "auroc_base_rate": CHANCE,
            "auroc_no_dopamine": CHANCE,
            "regret_added_base_rate": (0.05, None),
            "overconfidence_added_no_other": (0.05, None),
            "feature_of_difficulty": (None, 0.05),
            "drop_noticed": (0.9, None),
            "drop_trials": (1.0, 100.0),
            "false_alarms": (None, 0.15),
        },
        measure=capability,
        seconds=15.0,
    ),
)
