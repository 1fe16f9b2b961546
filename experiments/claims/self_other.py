"""Claim E2-5 of the self: own and another's pain stay apart, and the gate that does it can be opened and shut.

    confusion = P(own pain felt | the other alone in pain) < 5 %;   empathic response = affect, seen / own pain > 0.8

Measured in 20 individuals of the experiment `self-other` after development, with its own definitions; fewer trials.
The bounds are a requirement of this project, not published values. Contagion and detachment: Decety, Lamm (2006)
doi:10.1100/tsw.2006.221; egocentricity: Silani, Lamm, Ruff, Singer (2013) doi:10.1523/JNEUROSCI.1488-13.2013.
"""

from __future__ import annotations

from collections.abc import Mapping

from bisnn.experiments.claims.base import Claim
from bisnn.experiments.self_other import EXPERIMENT, SelfOther, design
from bisnn.experiments.tasks.self_other_scores import values
from bisnn.experiments.trials import columns

SOURCE = (
    "Silani, Lamm, Ruff, Singer (2013) J. Neurosci. 33:15466, doi:10.1523/JNEUROSCI.1488-13.2013; Decety, Lamm (2006) "
    "Sci. World J. 6:1146, doi:10.1100/tsw.2006.221"
)
ARMS = ("intact", "contagion", "detached", "no_decoupling", "no_mirror")


def distinction() -> Mapping[str, float]:
    """E2-5: the worst individual of 20 in each arm, and of the arms what each should lose."""
    settings = SelfOther(seeds=20, episodes=3, noise=(1.0,), gains=(1.0,), arms=ARMS)
    found = values(columns(EXPERIMENT, settings), design(settings))
    return {
        "confusion": float(found["confusion"]["intact"].max()),
        "confusion_size": float(found["confusion_size"]["intact"].max()),
        "empathic_response": float(found["empathic_response"]["intact"].mean()),
        "intrusion": float(found["intrusion"]["intact"].max()),
        "misread": float(found["misread"]["intact"].max()),
        "auroc": float(found["auroc"]["intact"].min()),
        "neutral_affect": float(found["neutral_affect"]["intact"].max()),
        "shuffled_affect": float(found["shuffled_affect"]["intact"].mean()),
        "shuffled_insula": float(found["shuffled_insula"]["intact"].max()),
        "open_confusion": float(found["confusion"]["contagion"].min()),
        "open_intrusion": float(found["intrusion"]["contagion"].min()),
        "open_response": float(found["empathic_response"]["contagion"].mean()),
        "shut_response": float(found["empathic_response"]["detached"].max()),
        "shut_own_pain": float(found["own_pain"]["detached"].min()),
        "decoupling_intrusion": float(found["intrusion"]["no_decoupling"].min()),
        "decoupling_confusion": float(found["confusion"]["no_decoupling"].max()),
        "cut_response": float(found["empathic_response"]["no_mirror"].max()),
    }


CLAIMS = (
    Claim(
        name="self/E2-5",
        claim="Another's pain is shared (> 0.8 of own) and not felt as own (< 5 %); with the gate open it is, with the "
        "gate shut nothing is shared.",
        source=SOURCE,
        expected={
            "confusion": 0.0,
            "empathic_response": 1.0,
            "auroc": 1.0,
            "open_confusion": 1.0,
            "shut_response": 0.0,
        },
        tolerance={
            "confusion": (None, 0.05),
            "confusion_size": (None, 0.05),
            "empathic_response": (0.8, None),
            "intrusion": (None, 0.05),
            "misread": (None, 0.05),
            "auroc": (0.95, None),
            "neutral_affect": (None, 0.025),
            "shuffled_affect": (None, 0.025),
            "shuffled_insula": (None, 0.025),
            "open_confusion": (0.5, None),
            "open_intrusion": (0.5, None),
            "open_response": (0.8, None),
            "shut_response": (None, 0.05),
            "shut_own_pain": (0.5, None),
            "decoupling_intrusion": (0.5, None),
            "decoupling_confusion": (None, 0.05),
            "cut_response": (None, 0.05),
        },
        measure=distinction,
        seconds=12.0,
    ),
)
