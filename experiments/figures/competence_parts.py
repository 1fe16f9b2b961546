"""What the figures of the competence experiment share: arms in words, intervals over individuals."""

from __future__ import annotations

from collections.abc import Mapping

from bisnn.experiments.results import Run
from bisnn.experiments.tasks.competence import Spans

NAMES: Mapping[str, str] = {
    "intact": "intact",
    "no_drop": "not injured",
    "overconfident": "competence cells held at 1",
    "base_rate": "difficulty → competence cut",
    "frozen": "synapses frozen",
    "no_dopamine": "dopamine held at 0",
    "shuffled_outcomes": "outcomes shuffled",
    "no_other": "helper's success taken as own",
    "no_exploration": "no scheduled tries",
    "gain": "capability rises",
    "gain_no_exploration": "rises, no scheduled tries",
}
"""Arms in words."""
COLOURS: Mapping[str, str] = {
    "intact": "#0072B2",
    "no_drop": "#56B4E9",
    "overconfident": "#D55E00",
    "base_rate": "#E69F00",
    "frozen": "#555555",
    "no_dopamine": "#7A5195",
    "shuffled_outcomes": "#CC79A7",
    "no_other": "#B2182B",
    "no_exploration": "#44AA99",
    "gain": "#009E73",
    "gain_no_exploration": "#999933",
}
"""Their colours."""


def name(arm: str) -> str:
    """An arm as figures call it."""
    from bisnn.plots import style

    return style.arm_name(arm, NAMES)


def spans(view: Run) -> Spans:
    """The phases of the run."""
    found = view.manifest.configuration
    return Spans.of(float(found["practice"]), float(found["drop_at"]), int(found["episodes"]))


def worth(view: Run) -> float:
    """What asking is worth."""
    found = view.manifest.configuration
    return float(found["helper"]) - float(found["cost"])


def note(view: Run, text: str) -> str:
    """`text`, and of how many individuals the means are."""
    count = len(view.manifest.seeds)
    return f"{text}; " + (f"mean of {count} individuals, 95 % intervals" if count > 1 else "one individual")
