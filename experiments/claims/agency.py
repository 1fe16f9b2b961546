"""Claim B-4: the error spikes of a forward model tell self-caused from identical external motion.

Tolerances are those of the project's acceptance criteria: AUROC at least 0.9, and 0.5 +- 0.05 without efference copy.
The trials of a pair have the same motion and the same sensory spikes, so without the copy 0.5 is exact; the shuffled
copies, of the same base rate, are the control in which it is not. One-sided error is a dissociation: without felt
cells, being moved against a command is told, being moved without one is not.

Wolpert, Ghahramani, Jordan (1995) Science 269:1880; Blakemore, Wolpert, Frith (1998) Nat. Neurosci. 1:635.
"""

from __future__ import annotations

from collections.abc import Mapping

from bisnn.experiments.agency import EXPERIMENT
from bisnn.experiments.claims.base import Claim
from bisnn.experiments.trials import summary

SEEDS, TRIALS = 20, 100
"""Individuals of each arm, and trials of each."""


def attribution() -> Mapping[str, float]:
    """B-4: 20 individuals of four arms, 100 trials each, no extra delay, motor noise 0.05, sensory noise 0.2."""
    arms = ("no_efference_copy", "shuffled_command", "no_felt")
    level = {"delay": (0.0,), "motor_noise": (0.05,)}
    found = summary(EXPERIMENT, seeds=SEEDS, episodes=TRIALS, arms=arms, **level)["arms"]
    intact, blind = found["intact"], found["no_felt"]
    return {
        "auroc": intact["auroc"]["mean"],
        "auroc_low": intact["auroc"]["ci95"][0],
        "auroc_evidence": intact["auroc_agency"]["mean"],
        "errors_self": intact["error_self"]["mean"],
        "errors_external": intact["error_external"]["mean"],
        "auroc_no_efference_copy": found["no_efference_copy"]["auroc"]["mean"],
        "auroc_shuffled": found["shuffled_command"]["auroc"]["mean"],
        "auroc_no_felt_against": blind["auroc_against"]["mean"],
        "auroc_no_felt_passive": blind["auroc_passive"]["mean"],
    }


CLAIMS = (
    Claim(
        name="body/B-4",
        claim="Error spikes tell own from identical external motion, AUROC 0.9; without efference copy 0.5.",
        source="Wolpert, Ghahramani, Jordan (1995) doi:10.1126/science.7569931; criterion of this project",
        expected={"auroc_no_efference_copy": 0.5, "auroc_shuffled": 0.5},
        tolerance={
            "auroc": (0.9, None),
            "auroc_low": (0.9, None),
            "auroc_evidence": (0.9, None),
            "auroc_no_efference_copy": (0.45, 0.55),
            "auroc_shuffled": (0.45, 0.55),
            "auroc_no_felt_against": (0.9, None),
            "auroc_no_felt_passive": (None, 0.5),
        },
        measure=attribution,
        seconds=12.0,
    ),
)
