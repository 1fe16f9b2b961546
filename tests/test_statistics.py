"""Statistics against SciPy, closed forms and simulation."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from bisnn.errors import ShapeMismatch
from bisnn.experiments import statistics

SAMPLE = np.random.default_rng(1).gamma(2.0, size=20)


def test_summary_agrees_with_scipy() -> None:
    found = statistics.summarise(SAMPLE)
    trimmed = np.sort(SAMPLE)[5:15].mean()
    assert found["mean"] == pytest.approx(SAMPLE.mean())
    assert found["sd"] == pytest.approx(SAMPLE.std(ddof=1))
    assert found["iqm"] == pytest.approx(trimmed)
    assert found["n"] == 20
    assert "note" not in found
    peer = stats.bootstrap((SAMPLE,), np.mean, n_resamples=20_000, rng=np.random.default_rng(5)).confidence_interval
    assert found["ci95"] == pytest.approx([peer.low, peer.high], abs=0.03)


def test_interval_covers_the_mean() -> None:
    draws = np.random.default_rng(2).normal(size=(300, 20))
    intervals = np.array([statistics.summarise(draw)["ci95"] for draw in draws])
    covered = ((intervals[:, 0] < 0) & (intervals[:, 1] > 0)).mean()
    assert 0.89 < covered < 0.98


def test_summary_is_repeatable_and_touches_no_global_generator() -> None:
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = statistics.summarise(SAMPLE), statistics.compare(SAMPLE, SAMPLE[::-1])
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    assert (statistics.summarise(SAMPLE), statistics.compare(SAMPLE, SAMPLE[::-1])) == first


@pytest.mark.parametrize("value", [0.0, 0.1, -3.7, 1e9])
def test_constant_sample_has_its_value_as_interval(value: float) -> None:
    found = statistics.summarise([value] * 7)
    assert found == {"mean": value, "sd": 0.0, "iqm": value, "ci95": [value, value], "n": 7}


def test_small_and_empty_samples_are_noted_and_hold_no_nan() -> None:
    one, none = statistics.summarise([0.25]), statistics.summarise([np.nan, np.inf])
    assert one["ci95"] == [0.25, 0.25]
    assert one["sd"] is None
    assert statistics.FEW in one["note"]
    assert none == {"mean": None, "sd": None, "iqm": None, "ci95": None, "n": 0, "note": "no values"}
    for values in ([], [1.0], [0.0, 1.0], [0.0, 0.0, 1.0], [1.0] * 19 + [0.99], [1e100, -1e100, 0.0]):
        json.dumps([statistics.summarise(values), statistics.compare(values, values[::-1])], allow_nan=False)


def test_not_a_number_is_dropped() -> None:
    holed = np.append(SAMPLE, np.nan)
    assert statistics.summarise(holed) == statistics.summarise(SAMPLE)
    other = np.append(SAMPLE[::-1], 5.0)
    assert statistics.compare(holed, other) == statistics.compare(SAMPLE, SAMPLE[::-1])
    assert statistics.interquartile_mean([np.nan]) is None


def test_comparison_agrees_with_scipy() -> None:
    rng = np.random.default_rng(3)
    one, two = rng.normal(0.4, 1, 12), rng.normal(size=12)
    found = statistics.compare(one, two)
    difference = one - two
    peer = stats.permutation_test(
        (difference,), np.mean, permutation_type="samples", vectorized=True, n_resamples=np.inf
    )
    assert found["p"] == pytest.approx(peer.pvalue, abs=1e-12)
    assert found["difference"] == pytest.approx(difference.mean())
    u = stats.mannwhitneyu(one, two).statistic
    assert found["cliffs_delta"] == pytest.approx(2 * u / 144 - 1)
    # J(11) of Hedges (1981), table 1
    assert found["hedges_g"] == pytest.approx(0.9300 * difference.mean() / difference.std(ddof=1), rel=2e-4)


def test_tied_values_count_as_in_scipy() -> None:
    difference = np.round(np.random.default_rng(4).normal(0.1, 0.2, 13), 1)
    peer = stats.permutation_test(
        (difference,), np.mean, permutation_type="samples", vectorized=True, n_resamples=np.inf
    )
    assert statistics.permutation_p(difference) == pytest.approx(peer.pvalue, abs=1e-12)


def test_least_p_is_exact_and_monte_carlo_agrees() -> None:
    assert statistics.permutation_p(np.ones(20)) == pytest.approx(2 / 2**20)
    assert statistics.permutation_p(np.ones(1)) == 1.0
    sample = np.random.default_rng(6).normal(0.25, 1, statistics.EXACT + 1)
    t = stats.ttest_1samp(sample, 0).pvalue
    assert statistics.permutation_p(sample) == pytest.approx(t, abs=0.02)
    assert statistics.permutation_p(np.ones(60)) == pytest.approx(1 / (statistics.RESAMPLES + 1))


def test_p_is_uniform_without_an_effect() -> None:
    rng = np.random.default_rng(8)
    found = np.array([statistics.permutation_p(rng.normal(size=10)) for _ in range(1500)])
    for level in (0.01, 0.05, 0.2, 0.5):
        assert (found <= level).mean() == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 1500) + 0.001)
    assert stats.kstest(found, "uniform").pvalue > 0.001


def test_equal_arms() -> None:
    found = statistics.compare(SAMPLE, SAMPLE)
    assert (found["difference"], found["ci95"], found["hedges_g"], found["p"]) == (0.0, [0.0, 0.0], None, 1.0)
    assert "effect size" in found["note"]


def test_the_same_difference_at_every_seed() -> None:
    found = statistics.compare(SAMPLE + 0.1, SAMPLE)
    assert found["difference"] == pytest.approx(0.1)
    assert found["ci95"] == [found["difference"]] * 2
    assert found["hedges_g"] is None
    assert found["p"] == pytest.approx(2 / 2**20)


def test_few_seeds_claim_nothing() -> None:
    assert statistics.FEW in statistics.compare([1.0, 2.0, 4.0, 3.0], [0.0, 0.0, 1.0, 0.5])["note"]
    assert statistics.compare([], [])["p"] is None
    two = statistics.compare([1.0, 2.0], [0.0, 0.5])
    assert two["hedges_g"] is None
    with pytest.raises(ShapeMismatch, match="one value per seed"):
        statistics.compare([1.0, 2.0], [1.0])


def test_holm_by_hand() -> None:
    # sorted .005 .01 .03 .04 times 4 3 2 1 -> .02 .03 .06 (.04 -> .06)
    found = statistics.holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005, "untested": None})
    assert found == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02, "untested": None})
    assert list(found) == ["a", "b", "c", "d", "untested"]
    assert statistics.holm({("arm", "x"): 0.7, ("arm", "y"): 0.6}) == {("arm", "x"): 1.0, ("arm", "y"): 1.0}
    assert statistics.holm({}) == {}


def test_threshold_of_the_dose_response() -> None:
    dose = np.array([0, 1, 2, 3, 3.5, 4, 4.5, 5, 6, 10, 30])
    noise = np.random.default_rng(9).normal(0, 0.05, (11, 20))
    clean = statistics.logistic(dose, 0.97, 3.5, 0.2)
    found = statistics.psychometric(dose, np.clip(clean[:, None] + noise, 0, 1), resamples=100)
    assert found["value"] == pytest.approx(3.5, abs=0.05)
    assert found["ci95"][0] <= found["value"] <= found["ci95"][1]
    assert found["ceiling"] == pytest.approx(0.97, abs=0.03)
    shuffled = np.random.default_rng(0).permutation(11)
    again = statistics.psychometric(dose[shuffled], clean[shuffled][:, None].repeat(5, 1), resamples=20)
    assert again["value"] == pytest.approx(3.5, abs=0.01)


def test_threshold_between_two_levels_and_without_any() -> None:
    dose = np.linspace(0, 9, 11)
    step = statistics.psychometric(dose, np.repeat(dose[:, None] >= 3.6, 6, axis=1).astype(float), resamples=20)
    assert 2.7 <= step["value"] <= 3.6
    for response in (np.zeros((11, 6)), np.ones((11, 6)), np.full((11, 6), np.nan)):
        found = statistics.psychometric(dose, response)
        assert found["value"] is None
        assert "no threshold" in found["note"]
    with pytest.raises(ShapeMismatch):
        statistics.psychometric(dose, np.zeros(11))


def test_rank_correlation() -> None:
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=11), rng.normal(size=11)
    found, peer = statistics.spearman(x, y), stats.spearmanr(x, y)
    assert found["value"] == pytest.approx(peer.statistic)
    assert found["p"] == pytest.approx(peer.pvalue, abs=0.03)
    perfect = statistics.spearman(np.arange(11), np.arange(11) ** 2)
    assert perfect["value"] == pytest.approx(1.0)
    assert 0 < perfect["p"] < 0.001
    assert statistics.spearman(np.arange(4), np.arange(4))["p"] == pytest.approx(2 / 24)
    assert statistics.spearman([0, 1, 2], [1, 1, 1])["value"] is None
