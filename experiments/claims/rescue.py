"""Claims A1 to A5 and M4 of the rescue: empathy helps at a cost, and without its circuit nobody helps.

    best return of who never helps = 5;   best return of who always helps = 1     (cost of helping 4)

Measured in runs of the experiments `altruistic-rescue` and `empathy-dose-response`, at the end of life (last 100
episodes), in a folder of their own that is removed afterwards.

Zhao et al. (2025) IEEE Trans. Affect. Comput. doi:10.1109/taffc.2025.3627936, with relief as reward.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bisnn.experiments.claims.base import Claim, Interval
from bisnn.experiments.runner import run

RESCUE = "Zhao et al. (2025) IEEE Trans. Affect. Comput., doi:10.1109/taffc.2025.3627936"
CUT = ("no_mirror", "no_dopamine", "no_own_experience", "selfish")
"""Arms without the circuit of empathy, or without its reward."""


def _summary(experiment: str, **settings: Any) -> dict[str, Any]:
    """The summary of a run in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        return dict(run(experiment, Path(folder) / "run", record=0, **settings).summary)


def _rescue(arms: tuple[str, ...], seeds: int, episodes: int) -> dict[str, float]:
    """The quantities of A1 and A2; those of the arms are the worst of them."""
    found = _summary("altruistic-rescue", arms=arms, seeds=seeds, episodes=episodes)
    intact, others = found["arms"]["intact"], [found["arms"][arm] for arm in arms]
    mean = {name: intact[name]["mean"] for name in ("help_rate", "goal_rate", "help_first", "return_external")}
    return {
        **mean,
        "cut_help_rate": max(arm["help_rate"]["mean"] for arm in others),
        "cut_return": min(arm["return_external"]["mean"] for arm in others),
        "help_rate_sd": intact["help_rate"]["sd"],
        "converged_at": float("nan") if intact["converged_at"] is None else float(intact["converged_at"]),
    }


def whole() -> Mapping[str, float]:
    """A1, A2, A4, A5 and M4: 20 seeds, 1000 episodes, intact and the four cut arms."""
    return _rescue(CUT, 20, 1000)


def reduced() -> Mapping[str, float]:
    """The same with 3 seeds, 500 episodes and three arms.

    Why so few decide: help is all or none. Over 100 seeds at this dose the reference has 1.000 +- .000 of intact and
    0 of selfish agents, so every single seed must show it; agents that helped by chance (a random walk: .42) would be
    at .95 or more in the about 300 painful episodes counted here, or at .02 or less, with a probability below 1e-60.
    Phases of exploration are fractions of life, so a life of half the length goes through the same phases. A return is
    asked to lie on its side of the midpoint 3 of the best returns without and with help, 5 and 1, since a shorter life
    leaves detours; the other intervals are those of the whole claim.
    """
    return _rescue(("no_mirror", "no_dopamine", "selfish"), 3, 500)


def dose() -> Mapping[str, float]:
    """A3: rank correlation of dose and help, and the dose at which half help, in lambda * alpha * f."""
    found = _summary("empathy-dose-response")
    means = [entry["help_rate"] for entry in found["dose_means"] if entry["agent"] == "spiking"]
    return {
        "doses": float(len(means)),
        "rho_spiking": found["rho"]["spiking"]["value"],
        "rho_tabular": found["rho"]["tabular_q"]["value"],
        "p_largest": max(found["rho"][agent]["p"] for agent in ("spiking", "tabular_q")),
        "threshold_spiking": found["threshold"]["spiking"]["value"],
        "threshold_tabular": found["threshold"]["tabular_q"]["value"],
    }


EXPECTED = {"help_rate": 1.0, "goal_rate": 1.0, "return_external": 0.74, "cut_help_rate": 0.0, "cut_return": 5.0}
HELPS: dict[str, Interval] = {
    "help_rate": (0.95, None),
    "goal_rate": (0.99, None),
    "help_first": (0.95, None),
    "cut_help_rate": (None, 0.02),
}

CLAIMS = (
    Claim(
        name="rescue/A1-reduced",
        claim="Intact agents help at a cost; with the circuit cut or selfish they do not (3 seeds, half a life).",
        source=RESCUE,
        expected=EXPECTED,
        tolerance={**HELPS, "return_external": (None, 3.0), "cut_return": (3.0, None)},
        measure=reduced,
        seconds=30.0,
    ),
    Claim(
        name="rescue/A1",
        claim="Intact agents help, reach their goal afterwards and pay for it; with the circuit cut they are selfish.",
        source=RESCUE,
        expected={**EXPECTED, "help_rate_sd": 0.04},
        tolerance={
            **HELPS,
            "return_external": (0.5, 1.0),
            "cut_return": (4.8, None),
            "help_rate_sd": (None, 0.05),
            "converged_at": (None, 700.0),
        },
        measure=whole,
        long=True,
        seconds=400.0,
    ),
    Claim(
        name="rescue/A3",
        claim="Help rises with the dose of empathy, and half help where relief pays for the cost.",
        source=RESCUE,
        expected={"threshold_tabular": 3.5, "threshold_spiking": 3.0},
        tolerance={
            "doses": (9.0, None),
            "rho_spiking": (0.9, None),
            "rho_tabular": (0.9, None),
            "p_largest": (None, 0.001),
            "threshold_spiking": (2.5, 4.0),
            "threshold_tabular": (3.0, 4.0),
        },
        measure=dose,
        long=True,
        seconds=900.0,
    ),
)
