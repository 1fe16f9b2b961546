"""Claim E2-3: own harms are told from those of others and of nature by what would have come without the own act.

    score = h(s, a) - h(s, nothing), spikes of a contrast area;   AUROC over harms with one cause, self against the rest

The tolerances are those of the sense of agency (AUROC 0.9, and 0.5 +- 0.05 without efference copy), which this test
repeats for consequences; that of false and missed blame is ours: a tenth of what a coin would do, or less. The starting
state as baseline must fail: it blames the self for nine in ten harms of others, and would hold back harmless acts.
False blame, blame without harm and interference are bounds on one side: an agent that never blames itself (no efference
copy, no learning) is at 0 in all three. They count beside missed blame, in which it fails, and against that baseline.

Krakovna et al. (2018) arXiv:1806.01186 (baselines, interference); Wolpert, Miall (1996)
doi:10.1016/S0893-6080(96)00035-4; Chockler, Halpern (2004) doi:10.1613/jair.1391 (1/k for k sufficient causes).
"""

from __future__ import annotations

from collections.abc import Mapping

from bisnn.experiments.claims.base import Claim, Interval
from bisnn.experiments.self_causation import EXPERIMENT
from bisnn.experiments.trials import summary

SEEDS, TRIALS = 20, 100
"""Individuals of each arm, and test trials of each."""


def attribution() -> Mapping[str, float]:
    """Intact agents and four arms, 20 seeds, 100 test trials each, half of them harms with one cause."""
    arms = ("starting_state", "no_counterfactual", "no_efference", "no_learning")
    found = summary(EXPERIMENT, seeds=SEEDS, episodes=TRIALS, arms=arms)
    mean = {arm: {name: each["mean"] for name, each in rows.items()} for arm, rows in found["arms"].items()}
    intact, start = mean["intact"], mean["starting_state"]
    shared = found["overdetermined"]["self+nature"]["self"]
    return {
        **{name: intact[name] for name in ("auroc", "accuracy", "false_blame", "missed_blame", "interference")},
        "auroc_low": found["arms"]["intact"]["auroc"]["ci95"][0],
        "blame_without_harm": intact["blame_without_harm"],
        "auroc_start": start["auroc"],
        "false_blame_start": start["false_blame"],
        "interference_start": start["interference"],
        "auroc_coincidence": mean["no_counterfactual"]["auroc"],
        "auroc_no_efference": mean["no_efference"]["auroc"],
        "auroc_no_learning": mean["no_learning"]["auroc"],
        "but_for_overdetermined": shared["contrast"]["mean"],
        "responsibility_overdetermined": shared["responsibility"]["mean"],
    }


CHANCE: Interval = (0.45, 0.55)
EXPECTED = {"auroc": 1.0, "accuracy": 1.0, "false_blame": 0.0, "missed_blame": 0.0, "interference": 0.0}
EXPECTED |= {"blame_without_harm": 0.0, "auroc_start": 0.5, "false_blame_start": 1.0, "auroc_coincidence": 0.5}
EXPECTED |= {"auroc_no_efference": 0.5, "auroc_no_learning": 0.5}
EXPECTED |= {"but_for_overdetermined": 0.0, "responsibility_overdetermined": 0.5}

CLAIMS = (
    Claim(
        name="self/E2-3",
        claim="Harm is attributed to self, other or nature by counterfactual contrast; without it the self is blamed "
        "for what others did.",
        source="Krakovna et al. (2018), arXiv:1806.01186; Chockler, Halpern (2004), doi:10.1613/jair.1391",
        expected=EXPECTED,
        tolerance={
            "auroc_low": (0.9, None),
            "accuracy": (0.9, None),
            "false_blame": (None, 0.05),
            "missed_blame": (None, 0.1),
            "interference": (None, 0.05),
            "blame_without_harm": (None, 0.05),
            "auroc_start": CHANCE,
            "false_blame_start": (0.9, None),
            "interference_start": (0.5, None),
            "auroc_coincidence": CHANCE,
            "auroc_no_efference": CHANCE,
            "auroc_no_learning": CHANCE,
            "but_for_overdetermined": (None, 0.1),
            "responsibility_overdetermined": (0.45, 0.55),
        },
        measure=attribution,
        seconds=15.0,
    ),
)
