"""Claim A6: the dearer help is, the more empathy it takes; the threshold rises with the cost.

    cost of the relief c = toll + risk * harm

Measured with tabular agents alone, and in the whole experiment `cost-ladder` with spiking ones and with risks.

Zhao et al. (2025) IEEE Trans. Affect. Comput. doi:10.1109/taffc.2025.3627936, with relief as reward;
psychometric thresholds: Wichmann, Hill (2001) doi:10.3758/BF03194544.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.tabular_q import TabularQ
from bisnn.experiments import statistics
from bisnn.experiments.claims.base import Claim
from bisnn.experiments.runner import run
from bisnn.experiments.tasks.rescue_family import planned_thresholds
from bisnn.experiments.tasks.rescue_lives import help_rate, live

SOURCE = "Zhao et al. (2025) IEEE Trans. Affect. Comput., doi:10.1109/taffc.2025.3627936 (cost sensitivity)"
DOSES = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 11.0)
TOLLS = (0.0, 4.0, 8.0)


def reduced() -> Mapping[str, float]:
    """Thresholds of tabular agents at three tolls (8 seeds, 500 episodes, 7 doses), and the least rise of the planner's
    thresholds from toll to toll over all openings."""
    grid = [(toll, dose) for toll in TOLLS for dose in DOSES]
    lives = live(
        TabularQ(episodes=500),
        [{"toll": toll} for toll, _ in grid],
        8,
        500,
        traits={"dose": [dose for _, dose in grid]},
    )
    rates = help_rate(lives, 100).reshape(len(TOLLS), len(DOSES), -1)
    found = [statistics.psychometric(DOSES, rate)["value"] for rate in rates]
    at = np.array([np.nan if value is None else value for value in found])
    planned = np.array([planned_thresholds(Rescue(), toll) for toll in TOLLS])
    return {
        "threshold_at_0": float(at[0]),
        "threshold_at_4": float(at[1]),
        "threshold_at_8": float(at[2]),
        "least_rise": float(np.diff(at).min()),
        "planned_rise": float(np.diff(planned, axis=0).min()),
    }


def whole() -> Mapping[str, float]:
    """The experiment `cost-ladder` with 20 seeds and 1000 episodes: least rise of the thresholds in every ladder."""
    with tempfile.TemporaryDirectory() as folder:
        found = run("cost-ladder", Path(folder) / "run", seeds=20, episodes=1000, record=0).summary
    measured: dict[str, float] = {}
    for agent, ladders in found["thresholds"].items():
        for ladder, entries in ladders.items():
            values = np.array([np.nan if e["value"] is None else e["value"] for e in entries], dtype=np.float64)
            measured[f"{agent}_{ladder}_least_rise"] = float(np.diff(values).min())
            measured[f"{agent}_{ladder}_at_0"] = float(values[0])
    for arm in ("no_mirror", "selfish"):
        measured[f"{arm}_help"] = found["arms"][arm]["help_rate"]["mean"]
    return measured


CLAIMS = (
    Claim(
        name="rescue/A6-reduced",
        claim="The threshold of help rises with its cost (tabular agents, 8 seeds, half a life).",
        source=SOURCE,
        expected={"threshold_at_0": 3.5},
        tolerance={
            "threshold_at_0": (2.5, 4.5),
            "least_rise": (0.0, None),
            "planned_rise": (0.0, None),
        },
        measure=reduced,
        seconds=25.0,
    ),
    Claim(
        name="rescue/A6",
        claim="The threshold of help rises with a certain cost and with a risk, in spiking and in tabular agents.",
        source=SOURCE,
        expected={"spiking_toll_at_0": 3.0, "tabular_q_toll_at_0": 3.5},
        tolerance={
            "spiking_toll_at_0": (2.5, 4.0),
            "tabular_q_toll_at_0": (3.0, 4.0),
            "spiking_toll_least_rise": (0.0, None),
            "spiking_risk_least_rise": (0.0, None),
            "tabular_q_toll_least_rise": (0.0, None),
            "tabular_q_risk_least_rise": (0.0, None),
            "no_mirror_help": (None, 0.02),
            "selfish_help": (None, 0.02),
        },
        measure=whole,
        long=True,
        seconds=1800.0,
    ),
)
