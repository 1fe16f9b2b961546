"""Several victims: the regression, the gaps and the references, by hand and on small runs.

References: coefficients that generated the data (within 4 standard errors), rates counted by hand, and what the
oracle and the nearest-first policy do by their definition.
"""

import numpy as np
import pytest

from bisnn.experiments.several_victims import EXPERIMENT, conditions
from bisnn.experiments.several_victims import SeveralVictims as Several
from bisnn.experiments.tasks.several_victims_scores import equivalence, fit, gaps, scores, weights
from bisnn.experiments.trials import columns, take

SCRIPTED = ("random", "nearest", "neediest", "lottery")


def rows(**given):
    """A table of one individual."""
    count = len(given["saved_1"])
    names = ("need", "distance", "other_group", "saved", "time")
    table = {f"{name}_{k}": np.zeros((1, count)) for name in names for k in (1, 2)}
    table |= {name: np.ones((1, count)) for name in ("return_external", "helped", "goal", "spared", "best")}
    return table | {name: np.asarray([values], dtype=float) for name, values in given.items()}


def test_the_regression_finds_what_made_the_choices():
    rng = np.random.default_rng(3)
    x = np.stack((np.ones(4000), rng.integers(-4, 5, 4000), rng.integers(-4, 5, 4000), rng.integers(-1, 2, 4000)), -1)
    true = np.array([0.3, 0.8, 0.4, 0.0])
    y = (rng.random(4000) < 1 / (1 + np.exp(-(x @ true)))).astype(float)
    found = fit(x.astype(float), y)
    p = 1 / (1 + np.exp(-(x @ found)))
    error = np.sqrt(np.diag(np.linalg.inv((x * (p * (1 - p))[:, None]).T @ x)))
    assert (np.abs(found - true) < 4 * error).all()


def test_the_regression_is_finite_where_need_decides_every_time():
    need = np.tile([0.1, 0.5], 20)
    table = rows(need_1=need, need_2=0.6 - need, saved_1=need > 0.3, saved_2=need < 0.3)
    found = weights(table)
    assert 2.0 > found["need_weight"][0] > 0.5
    assert abs(found["group_weight"][0]) < 1e-9
    few = rows(saved_1=[1.0], saved_2=[0.0])
    assert np.isnan(weights(few)["need_weight"][0])


def test_gaps_are_counted_by_hand():
    table = rows(
        need_1=[0.3, 0.3, 0.3, 0.5],
        need_2=[0.3, 0.3, 0.3, 0.1],
        other_group_1=[0, 1, 0, 1],
        other_group_2=[1, 0, 0, 0],
        saved_1=[1, 0, 1, 1],
        saved_2=[0, 1, 0, 0],
    )
    found = gaps(table)
    assert found["equal_need_gap"][0] == pytest.approx(1.0)
    assert found["parity_gap"][0] == pytest.approx(3 / 5 - 1 / 3)
    assert np.isnan(found["adjusted_gap"][0]), "too few episodes"
    whole = scores(table, 30)
    assert whole["neediest"][0] == 1.0
    assert 0 < whole["gini"][0] <= 0.5


def test_the_adjusted_gap_finds_a_bias_that_need_hides():
    rng = np.random.default_rng(5)
    need, distance = rng.integers(1, 6, (2, 900)) / 10, rng.integers(2, 6, (2, 900))
    group = rng.integers(0, 2, (2, 900))
    drive = 3 * (need[0] - need[1]) + 0.2 * (distance[1] - distance[0]) + 0.4 * (group[1] - group[0])
    first = (drive + rng.normal(0, 0.3, 900) > 0).astype(float)
    table = dict(zip(("need_1", "need_2", "distance_1", "distance_2"), (*need, *distance), strict=True))
    table |= {"other_group_1": group[0], "other_group_2": group[1], "saved_1": first, "saved_2": 1 - first}
    assert gaps(rows(**table))["adjusted_gap"][0] > 0.2
    blind = (drive - 0.4 * (group[1] - group[0]) + rng.normal(0, 0.3, 900) > 0).astype(float)
    assert abs(gaps(rows(**{**table, "saved_1": blind, "saved_2": 1 - blind}))["adjusted_gap"][0]) < 0.1


def test_equivalence_needs_the_whole_interval_inside():
    assert equivalence({"ci95": [-0.05, 0.08]}, 0.1)["equivalent"]
    assert not equivalence({"ci95": [-0.05, 0.12]}, 0.1)["equivalent"]
    assert equivalence({"ci95": None}, 0.1)["equivalent"] is None


@pytest.fixture(scope="module")
def scripted():
    """The policies that know the world, thirty individuals."""
    return take(EXPERIMENT, Several(episodes=20, arms=SCRIPTED), range(30), SCRIPTED)


def test_the_references_do_what_they_are_for(scripted):
    found = {name: {key: value.double().numpy() for key, value in arm.items()} for name, arm in scripted.items()}
    oracle, near, fair = found["neediest"], found["nearest"], found["lottery"]
    assert np.allclose(oracle["spared"], oracle["best"], atol=1e-4)
    assert (near["saved_1"] + near["saved_2"] == 1).all()
    closer = near["distance_1"] < near["distance_2"]
    assert (near["saved_1"][closer] == 1).all()
    needier = fair["need_2"] > fair["need_1"] + 0.01
    assert (fair["saved_2"][needier] == 1).all()
    assert (found["random"]["spared"] <= found["random"]["best"] + 1e-4).all()
    for name in ("need_1", "distance_2", "other_group_1", "best"):
        assert np.array_equal(oracle[name], near[name]), "the same worlds in every arm"


def test_a_short_life_of_all_arms_is_judged():
    settings = Several(seeds=2, episodes=4, arms=("swapped_marks", "no_mirror", "neediest", "random"))
    found = EXPERIMENT.analyse(columns(EXPERIMENT, settings), settings)
    assert list(found["arms"]) == [condition.name for condition in conditions(settings)]
    assert found["arms"]["neediest"]["spared"]["mean"] == pytest.approx(1.0, abs=1e-4)
    assert found["different_when_swapped"]["swapped_marks"]["mean"] == 0.0
    assert found["arms"]["no_mirror"]["help_rate"]["mean"] == 0.0


def test_an_individual_alone_is_the_one_among_others():
    settings = Several(episodes=4, arms=("biased", "tabular_q"))
    many = take(EXPERIMENT, settings, range(2), ("biased", "tabular_q"))
    few = take(EXPERIMENT, settings, [1], ("biased",))["biased"]
    for name, column in few.items():
        assert np.array_equal(column[0].numpy(), many["biased"][name][1].numpy()), name
