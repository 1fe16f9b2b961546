"""Claim A7: help when the face is hidden at times; a spiking agent with a working memory beats the baseline of .26.

    baseline, tabular:  .99 / .97 / .94 / .26 / .01  at p = 1 / .9 / .7 / .5 / .3

The baseline's numbers are those of the original rescue, in which whoever stands on the switch helps. Here a helper must
reach out, which it does while it shares distress; a face that is hidden on the switch costs the tabular agent some of
its help, so at p = .7 and .5 its intervals are ours and lie lower.

Zhao et al. (2025) IEEE Trans. Affect. Comput. doi:10.1109/taffc.2025.3627936, with relief as reward.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from bisnn.agents.rememberer import Rememberer
from bisnn.agents.tabular_q import TabularQ
from bisnn.experiments.claims.base import Claim
from bisnn.experiments.runner import run
from bisnn.experiments.tasks.rescue_lives import help_rate, live

SOURCE = "Zhao et al. (2025) IEEE Trans. Affect. Comput., doi:10.1109/taffc.2025.3627936 (partial observability)"
BASELINE = 0.26
"""Help of the tabular baseline at p = .5, which an agent with memory must beat."""


def reduced() -> Mapping[str, float]:
    """Tabular agents at p = 1, .5 and .3 (8 seeds, 500 episodes), a rememberer at p = .5 (3 seeds, 300 episodes)."""
    worlds = [{"observability": p} for p in (1.0, 0.5, 0.3)]
    table = help_rate(live(TabularQ(episodes=500), worlds, 8, 500), 100).mean(-1)
    memory = help_rate(live(Rememberer(episodes=300), worlds[1:2], 3, 300), 90)
    return {
        "tabular_at_1": float(table[0]),
        "tabular_at_0.5": float(table[1]),
        "tabular_at_0.3": float(table[2]),
        "memory_at_0.5": float(memory.mean()),
    }


def whole() -> Mapping[str, float]:
    """The experiment `observability` as it stands, 20 seeds and 1000 episodes."""
    with tempfile.TemporaryDirectory() as folder:
        found = run("observability", Path(folder) / "run", seeds=20, episodes=1000, record=0).summary
    rate = {(e["agent"], e["visible"]): e["help_rate"] for e in found["visible"]}
    added = next(e for e in found["memory"] if e["visible"] == 0.5)
    return {
        **{f"tabular_at_{p:g}": rate["tabular_q", p]["mean"] for p in (1.0, 0.9, 0.7, 0.5, 0.3)},
        **{f"memory_at_{p:g}": rate["remembering", p]["mean"] for p in (1.0, 0.9, 0.7, 0.5, 0.3)},
        "memory_at_0.5_low": rate["remembering", 0.5]["ci95"][0],
        "memory_adds_low": added["ci95"][0],
        "no_memory_at_0.5": found["arms"]["no_memory"]["help_rate"]["mean"],
        "no_mirror_at_0.5": found["arms"]["no_mirror"]["help_rate"]["mean"],
    }


CLAIMS = (
    Claim(
        name="rescue/A7-reduced",
        claim="Where the face is hidden every other step, the tabular baseline stops helping; a spiking agent with a "
        "memory of the face goes on (3 seeds).",
        source=SOURCE,
        expected={"tabular_at_1": 0.99, "tabular_at_0.5": 0.26, "tabular_at_0.3": 0.01, "memory_at_0.5": 0.8},
        tolerance={
            "tabular_at_1": (0.9, None),
            "tabular_at_0.5": (None, 0.4),
            "tabular_at_0.3": (None, 0.1),
            "memory_at_0.5": (BASELINE, None),
        },
        measure=reduced,
        seconds=60.0,
    ),
    Claim(
        name="rescue/A7",
        claim="Help falls with the visibility of the face; a memory of the face keeps it above the baseline.",
        source=SOURCE,
        expected={
            "tabular_at_1": 0.99,
            "tabular_at_0.9": 0.97,
            "tabular_at_0.7": 0.94,
            "tabular_at_0.5": BASELINE,
            "tabular_at_0.3": 0.01,
        },
        tolerance={
            "tabular_at_1": (0.95, None),
            "tabular_at_0.9": (0.9, None),
            "tabular_at_0.7": (0.75, None),
            "tabular_at_0.5": (0.05, 0.4),
            "tabular_at_0.3": (None, 0.05),
            "memory_at_1": (0.95, None),
            "memory_at_0.5_low": (BASELINE, None),
            "memory_adds_low": (0.0, None),
            "no_mirror_at_0.5": (None, 0.05),
        },
        measure=whole,
        long=True,
        seconds=1500.0,
    ),
)
