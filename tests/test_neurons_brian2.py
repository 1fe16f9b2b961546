"""LIF and Izhikevich against Brian2 2.9, spike for spike over 2000 ticks in float64, on the same currents.

The golden arrays in tests/truth/neurons say how they were made (make_*.py) and on what (recipe.py); what maps to what
is said in bisnn.experiments.claims.agreement. Tolerance: no spike differs; potentials within 1e-9 for LIF, bit for bit
for Izhikevich.
"""

import numpy as np
import pytest

from bisnn.experiments.claims import agreement

FIRST = [-0.3928639888763428, 0.6974174976348877, -0.6877305507659912, -0.9377871751785278]
LIF = list(agreement.lif_beside_brian2())
IZHIKEVICH = list(agreement.izhikevich_beside_brian2())


def test_the_noise_is_that_of_the_recipe():
    """The first values, so that a numpy with another stream says so here."""
    assert agreement.recipe().noise(1, 2, 2).ravel().tolist() == FIRST


def test_made_by_the_version_they_claim():
    for name in ("lif", "izhikevich"):
        assert agreement.truth("neurons", name)["versions"].tolist()[0].startswith("brian2 2.9")


@pytest.mark.parametrize("one", LIF, ids=lambda one: one.name)
def test_lif_is_that_of_brian2(one):
    counts = one.theirs.sum(0)
    assert counts[0] == 0, "the first current is below threshold"
    assert counts[13:].min() > 50
    assert counts.max() > 100
    assert np.array_equal(one.spikes, one.theirs)
    assert one.deviation < 1e-9


@pytest.mark.parametrize("one", IZHIKEVICH, ids=lambda one: one.name)
def test_izhikevich_is_that_of_brian2(one):
    assert one.theirs.sum() > 30
    assert np.array_equal(one.spikes, one.theirs)
    assert one.deviation == 0.0


def test_the_two_schemes_differ():
    """So that equality with both is no accident."""
    golden = agreement.truth("neurons", "izhikevich")
    assert not np.array_equal(golden["spikes_old"], golden["spikes_new"])


def test_what_is_compared_is_there():
    assert len(LIF) == 3
    assert len(IZHIKEVICH) == 20
