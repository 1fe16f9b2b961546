"""Plasticity rules against Brian2 2.9: eligibility and weights of 12 synapses over 1500 to 3000 ticks, within 1e-5.

The arrays and how they were made: tests/truth/plasticity/make_three_factor.py; the rules:
bisnn.experiments.claims.agreement. doi:10.7554/eLife.47314
"""

import numpy as np
import pytest
import torch

from bisnn.experiments.claims import agreement

TOLERANCE = 1e-5
MOVED = {
    "rstdp eligibility": 1.0,
    "mstdpet eligibility": 0.03,
    "izhikevich weight": 0.05,
    "izhikevich eligibility": 0.3,
}
MOVED |= {"pair": 0.1, "triplet": 0.05}
"""How far the arrays must move at least, 0.3 where nothing is said."""


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_rules_are_those_of_brian2(dtype):
    names = []
    for name, ours, theirs in agreement.rules_beside_brian2(dtype):
        first, last = name.split()[0], name.split()[-1]
        moved = MOVED.get(f"{first} {last}", MOVED.get(first, 0.3))
        assert float(np.abs(theirs).max()) > moved, name
        np.testing.assert_allclose(ours, theirs, atol=TOLERANCE, rtol=0, err_msg=name)
        names.append(name)
    assert len(names) == len(set(names)) == 16


def test_dopamine_is_that_of_brian2():
    golden = agreement.truth("plasticity", "izhikevich")
    levels = agreement.dopamine_levels(golden["release"], 200.0, torch.float64)
    after = levels.numpy()[golden["steps"]] * np.exp(-1.0 / 200.0)  # Brian2 shows the end of the tick
    np.testing.assert_allclose(after, golden["d"], atol=TOLERANCE)


def test_pairings_differ():
    golden = agreement.truth("plasticity", "pair")
    assert float(np.abs(golden["all_w"] - golden["nearest_w"]).max()) > 0.05


def test_the_arrays_are_small_and_say_where_they_come_from():
    paths = list(agreement.truth_folder("plasticity").glob("*.npz"))
    assert len(paths) == 5
    for path in paths:
        assert path.stat().st_size < 300_000
        assert "brian2 2.9" in str(agreement.truth("plasticity", path.stem)["versions"])
