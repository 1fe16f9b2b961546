"""Claims P4 to P6: graded injury of either sign, protection after one pain, and the self from the inside.

Tolerances: Spearman 0.95, strictly rising (criterion P3 of graded injury, here for three kinds of injury, three sizes
each, and in whole visits); at least 0.95 of hazards avoided after one experience; two alarms that are confused in less
than 5 % (the bound on confusion of own and other pain); AUROC of agency at least 0.9, and 0.5 +- 0.05 without an
efference copy. That of pain is at chance too without it, at severity 1, where the injured body moves as far as a
healthy one. The others are ours: without efference copy the sign of an error is told by chance (a third, at most 0.4)
and most healthy steps hurt; a naive body, or one that cannot learn or feel, avoids at most a tenth; harmless things are
avoided in at most a fifth of approaches; the alarm rings at least 5 of the 14 ticks of looking before the body moves
(motor cells take some 10 to fire, so a later one could not veto), also before injuries that it cannot veto; pain tells
injury from health with AUROC 0.9, and one image is accepted as the own one in at least 95 % and the other in at most 5
% of the steps of the second half of its time. That five pain cells fire for a cell of mismatch is built in; what P4
tests is that this holds through whole visits, and not without a prediction.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from bisnn.experiments import bodily_self, injury
from bisnn.experiments.claims.base import Claim
from bisnn.experiments.trials import summary

SEEDS = 20


def graded() -> Mapping[str, float]:
    """P4: pain cells at nine injuries of three kinds, and over two visits of every individual, with and without an
    efference copy."""
    found = summary(injury.EXPERIMENT, seeds=SEEDS, episodes=2, arms=("no_efference",))
    own, cut, scale = found["arms"]["intact"], found["arms"]["no_efference"], found["intensity"]
    steps = []
    for kind in ("short", "over", "inverted"):
        cells = [entry["pain_cells"] for entry in scale if entry["kind"] in ("healthy", kind)]
        steps += [after - before for before, after in itertools.pairwise(cells)]
    return {
        "spearman": found["spearman"],
        "smallest_step": min(steps),
        "sign_told": own["sign_told"]["mean"],
        "pain_of_mismatch": own["pain_of_mismatch"]["mean"],
        "pain_in_health": own["pain_in_health"]["mean"],
        "sign_told_no_efference": cut["sign_told"]["mean"],
        "pain_in_health_no_efference": cut["pain_in_health"]["mean"],
    }


def protection() -> Mapping[str, float]:
    """P5: six visits of intact individuals, of some that cannot learn, feel or stop."""
    found = summary(injury.EXPERIMENT, seeds=SEEDS, arms=("no_plasticity", "no_pain", "no_veto"))
    arms, own = found["arms"], found["arms"]["intact"]
    confused = found["alarm"]["confused"]
    return {
        "avoided": own["avoided_after_1"]["mean"],
        "avoided_low": own["avoided_after_1"]["ci95"][0],
        "avoided_naive": own["avoided_after_0"]["mean"],
        "avoided_no_plasticity": arms["no_plasticity"]["avoided_after_1"]["mean"],
        "avoided_no_pain": arms["no_pain"]["avoided_after_1"]["mean"],
        "harmless_avoided": own["harmless_avoided"]["mean"],
        "hits": own["hits"]["mean"],
        "false_alarms": own["false_alarms"]["mean"],
        "lead_ticks": own["lead_ticks"]["mean"],
        "hits_no_veto": arms["no_veto"]["hits"]["mean"],
        "impending_taken_for_actual": confused["impending_taken_for_actual"]["mean"],
        "actual_taken_for_impending": confused["actual_taken_for_impending"]["mean"],
    }


def inside() -> Mapping[str, float]:
    """P6: one session of intact individuals, and of some without efference copy."""
    arms = summary(bodily_self.EXPERIMENT, seeds=SEEDS, arms=("no_efference", "shuffled_image"))["arms"]
    own, cut = arms["intact"], arms["no_efference"]
    return {
        "agency_auroc": own["agency_auroc"]["mean"],
        "agency_auroc_no_efference": cut["agency_auroc"]["mean"],
        "pain_auroc": own["pain_auroc"]["mean"],
        "pain_auroc_no_efference": cut["pain_auroc"]["mean"],
        "accepted_own": own["accepted_own"]["mean"],
        "accepted_other": own["accepted_other"]["mean"],
        "accepted_own_shuffled": arms["shuffled_image"]["accepted_own"]["mean"],
        "ownership_auroc_no_efference": cut["ownership_auroc"]["mean"],
    }


PAIN = "Feng, Zeng (2022) doi:10.3389/fnbot.2022.1025338, whose pain is all or none"
FEAR = "Johansen et al. (2014) doi:10.1073/pnas.1421304111; LeDoux (2000) doi:10.1146/annurev.neuro.23.1.155"
SELF = "Frith, Blakemore, Wolpert (2000) doi:10.1098/rstb.2000.0734; Zeng et al. (2018) doi:10.1007/s12559-017-9505-1"

CLAIMS = (
    Claim(
        name="body/P4",
        claim="Injuries hurt by their size, whether the body moves less, more, or the other way, and the sign is told.",
        source="beyond the source: " + PAIN,
        expected={
            "spearman": 1.0,
            "smallest_step": 1.0,
            "sign_told": 1.0,
            "pain_of_mismatch": 1.0,
            "sign_told_no_efference": 1 / 3,
        },
        tolerance={
            "spearman": (0.95, None),
            "smallest_step": (1.0, None),
            "sign_told": (0.95, None),
            "pain_of_mismatch": (1.0, 1.0),
            "pain_in_health": (0.0, 0.0),
            "sign_told_no_efference": (None, 0.4),
            "pain_in_health_no_efference": (0.5, None),
        },
        measure=graded,
        seconds=8.0,
    ),
    Claim(
        name="body/P5",
        claim="One pain binds its cause: the next approach is stopped before it begins, by an alarm that is not pain.",
        source=FEAR,
        expected={"avoided": 1.0, "avoided_naive": 0.0, "avoided_no_plasticity": 0.0, "avoided_no_pain": 0.0},
        tolerance={
            "avoided": (0.95, None),
            "avoided_low": (0.95, None),
            "avoided_naive": (None, 0.1),
            "avoided_no_plasticity": (None, 0.1),
            "avoided_no_pain": (None, 0.1),
            "harmless_avoided": (None, 0.2),
            "hits": (0.95, None),
            "false_alarms": (None, 0.2),
            "lead_ticks": (5.0, None),
            "hits_no_veto": (0.95, None),
            "impending_taken_for_actual": (None, 0.05),
            "actual_taken_for_impending": (None, 0.05),
        },
        measure=protection,
        seconds=20.0,
    ),
    Claim(
        name="body/P6",
        claim="By the errors of its own prediction a body tells movement from push, injury from health, own image from "
        "another's.",
        source=SELF,
        expected={"agency_auroc_no_efference": 0.5, "accepted_own": 1.0, "accepted_other": 0.0},
        tolerance={
            "agency_auroc": (0.9, None),
            "agency_auroc_no_efference": (0.45, 0.55),
            "pain_auroc": (0.9, None),
            "pain_auroc_no_efference": (0.45, 0.55),
            "accepted_own": (0.95, None),
            "accepted_other": (None, 0.05),
            "accepted_own_shuffled": (None, 0.05),
            "ownership_auroc_no_efference": (0.45, 0.55),
        },
        measure=inside,
        seconds=8.0,
    ),
)
