"""Rescue at a risk: who reaches out on the switch may slip and be hurt.

    E[return with help] = return with help and without a risk - risk * harm

Everything else is as in `bisnn.agents.dilemmas.rescue`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bisnn.agents.dilemmas.rescue import Rescue


@dataclass(frozen=True, kw_only=True)
class RescueRisk(Rescue):
    """The rescue dilemma in which help is dangerous."""

    name: ClassVar[str] = "rescue_risk_v0"

    risk: float = 0.25
    """Probability that the helper slips when it reaches out on the switch in need."""
    harm: float = 4.0
    """Loss of a helper that slips."""


EXAMPLES = (RescueRisk(), RescueRisk(risk=0.5, harm=2.0, toll=1.0))
