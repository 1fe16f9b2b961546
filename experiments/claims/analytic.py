"""What neurons and rules claim of themselves, all of them held to it: `bisnn.testing.claims`, `bisnn.testing.windows`.

Gerstner, Kistler, Naud, Paninski (2014) Neuronal Dynamics. doi:10.1017/CBO9781107447615
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from bisnn.experiments.claims.base import Claim
from bisnn.testing import kinds
from bisnn.testing.claims import hold_to_claims, stated
from bisnn.testing.windows import hold_to_timing, hold_to_window

THEORY = "Gerstner, Kistler, Naud, Paninski (2014), doi:10.1017/CBO9781107447615, and the docstring of each"


def analytic() -> Mapping[str, float]:
    """What neurons and rules miss of their own analytic claims (period, rate, fixed point; window, timing of reward),
    at two ticks and both dtypes, and how many state one."""
    missed, stating, windows = 0, 0, 0
    for _, _, neuron in kinds.candidates((kinds.NEURON,)):
        stating += bool(stated(neuron))
        for dtype, dt in ((torch.float32, 1.0), (torch.float64, 0.5)):
            missed += len(hold_to_claims(neuron, dtype, dt))
    for _, _, rule in kinds.candidates((kinds.RULE,)):
        missed += len(hold_to_window(rule)) + len(hold_to_timing(rule))
        windows += hasattr(rule, "window") and math.isfinite(rule.window(5.0))
    return {"missed": missed, "neurons_with_a_claim": stating, "rules_with_a_window": windows}


CLAIMS = (
    Claim(
        name="neurons/analytic",
        claim="Neurons and rules do what they claim of themselves: period, rate, fixed point, pair window, timing.",
        source=THEORY,
        expected={"missed": 0.0},
        tolerance={"missed": (0.0, 0.0), "neurons_with_a_claim": (22.0, None), "rules_with_a_window": (20.0, None)},
        measure=analytic,
        seconds=15.0,
    ),
)
