"""Claim A8: deceived, learns, forgives.

    visits to the switch while distress is shown: .99 before, at most .05 within 200 episodes of feigned distress
    (reference, per third of them: .23, .045, .03), and help of genuine victims again afterwards

Zhao et al. (2025) IEEE Trans. Affect. Comput. doi:10.1109/taffc.2025.3627936 (adversarial defence), with relief as
reward; forgiveness in reciprocal altruism: Trivers (1971) doi:10.1086/406755.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from bisnn.agents.tabular_q import TabularQ
from bisnn.experiments.claims.base import Claim
from bisnn.experiments.runner import run
from bisnn.experiments.tasks.rescue_lives import live

SOURCE = "Zhao et al. (2025) IEEE Trans. Affect. Comput., doi:10.1109/taffc.2025.3627936 (adversarial defence)"


def reduced() -> Mapping[str, float]:
    """Tabular agents, 10 seeds: 500 honest episodes, 200 feigned ones, 200 honest ones; blocks of 50 at the ends."""
    worlds = [{"fakes_from": 500.0, "fakes_until": 700.0}]
    visited = live(TabularQ(episodes=700), worlds, 10, 900)["visited"][0].mean(0)
    return {
        "visits_before": float(visited[450:500].mean()),
        "visits_first": float(visited[500:550].mean()),
        "visits_last": float(visited[650:700].mean()),
        "visits_at_end": float(visited[850:900].mean()),
    }


def whole() -> Mapping[str, float]:
    """The experiment `false-distress` as it stands, with 20 seeds."""
    with tempfile.TemporaryDirectory() as folder:
        found = run("false-distress", Path(folder) / "run", seeds=20, record=0).summary
    measured: dict[str, float] = {}
    for agent in ("trusting", "spiking", "tabular_q"):
        mine = found["visits"][agent]
        for name in ("before", "at_first", "at_last", "at_end"):
            measured[f"{agent}_{name}"] = mine["intact"][name]["mean"]
    for arm, name in (("deceived_on", "at_end"), ("frozen", "at_last"), ("selfish", "at_end")):
        measured[f"{arm}_{name}"] = found["visits"]["trusting"][arm][name]["mean"]
    return measured


CLAIMS = (
    Claim(
        name="rescue/A8-reduced",
        claim="Feigned distress is seen through within 200 episodes, and genuine victims are helped again (10 tabular "
        "agents).",
        source=SOURCE,
        expected={"visits_before": 0.99, "visits_last": 0.03},
        tolerance={
            "visits_before": (0.9, None),
            "visits_last": (None, 0.05),
            "visits_at_end": (0.25, None),
        },
        measure=reduced,
        seconds=25.0,
    ),
    Claim(
        name="rescue/A8",
        claim="Deceived, learns, forgives: spiking agents with trust, tabular ones; who stops learning is exploited.",
        source=SOURCE,
        expected={"trusting_before": 0.99, "trusting_at_last": 0.03, "tabular_q_before": 0.99},
        tolerance={
            "trusting_before": (0.95, None),
            "trusting_at_last": (None, 0.05),
            "trusting_at_end": (0.5, None),
            "spiking_before": (0.95, None),
            "spiking_at_last": (None, 0.05),
            "tabular_q_before": (0.95, None),
            "tabular_q_at_last": (None, 0.05),
            "tabular_q_at_end": (0.5, None),
            "frozen_at_last": (0.9, None),
            "deceived_on_at_end": (None, 0.05),
            "selfish_at_end": (None, 0.05),
        },
        measure=whole,
        long=True,
        seconds=900.0,
    ),
)
