"""Scores against counts by hand and against definitions pair by pair."""

import numpy as np
import pytest

from bisnn.errors import ConfigError, ShapeMismatch
from bisnn.experiments.scores import auroc, brier, calibration_error


def pairwise(score, positive):
    """AUROC by its definition: every positive trial against every other."""
    hits, others = score[positive], score[~positive]
    return np.mean([(a > b) + 0.5 * (a == b) for a in hits for b in others])


def test_auroc_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(0)
    score, positive = rng.integers(0, 6, (7, 40)) / 3.0, rng.random((7, 40)) < 0.4
    found = auroc(score, positive)
    assert found.shape == (7,)
    np.testing.assert_allclose(found, [pairwise(s, p) for s, p in zip(score, positive, strict=True)], rtol=1e-12)
    np.testing.assert_allclose(auroc(-score, positive), 1 - found, rtol=1e-12)


def test_auroc_at_its_ends_and_where_it_is_undefined():
    assert auroc([1, 2, 3, 4], [0, 0, 1, 1]) == 1.0
    assert auroc([4, 3, 2, 1], [0, 0, 1, 1]) == 0.0
    assert auroc([1, 1, 1, 1], [0, 1, 0, 1]) == 0.5
    assert np.isnan(auroc([1, 2], [1, 1]))
    assert auroc([1, np.nan, 2, 0], [0, 1, 1, 0]) == 1.0


def test_brier_by_hand():
    assert brier([0.5, 1.0], [0, 1]) == pytest.approx(0.125)
    assert brier([[0.0, 1.0], [1.0, 0.0]], [[0, 1], [0, 1]]).tolist() == [0.0, 1.0]


def test_calibration_error_by_hand():
    # bin 0: mean probability .05, outcome 0; bin 9: (.95, 1, .95) with outcomes (1, 0, 1)
    assert calibration_error([0.05, 0.95, 1.0, 0.95], [0, 1, 0, 1]) == pytest.approx((0.05 + 0.9) / 4)
    forecast = np.repeat([0.25, 0.75], 400)
    truth = np.tile([0, 0, 0, 1], 100).tolist() + np.tile([1, 1, 1, 0], 100).tolist()
    assert calibration_error(forecast, truth) == pytest.approx(0.0, abs=1e-12)


def test_what_cannot_be_scored_is_refused():
    for score in (auroc, brier, calibration_error):
        with pytest.raises(ShapeMismatch, match="trials"):
            score([0.1, 0.2], [1])
    with pytest.raises(ConfigError, match="probabilit"):
        calibration_error([1.5], [1])
