"""Closing tables, of ordinary runs and of runs in which a measure is undefined."""

import numpy as np

from bisnn.experiments import measures
from bisnn.experiments.tables import rescue_table


def episodes(painful):
    """Two arms, six seeds, ten episodes each."""
    arm, seed, episode = (a.ravel() for a in np.meshgrid(["intact", "selfish"], range(6), range(10), indexing="ij"))
    helped = (arm == "intact") & painful
    return {
        "arm": arm.astype(object),
        "seed": seed,
        "episode": episode,
        "agent": np.full(len(arm), "altruist", dtype=object),
        "steps": np.full(len(arm), 6),
        "return_external": np.where(helped, 1.0, 5.0),
        "goal": np.ones(len(arm), dtype=bool),
        "painful": np.full(len(arm), painful),
        "relieved": helped,
        "help_first": helped,
    }


def test_every_arm_has_its_row():
    header, rows = rescue_table(measures.summary(episodes(True)))
    assert [row[0] for row in rows] == ["intact", "selfish"]
    assert all(len(row) == len(header) for row in rows)
    assert rows[0][1].startswith("1.00")
    assert rows[1][4].startswith("-1.00")


def test_a_run_without_pain_has_no_help_rate():
    _, rows = rescue_table(measures.summary(episodes(False)))
    assert [row[1] for row in rows] == ["–", "–"]
    assert rows[0][3] == "5.00"
