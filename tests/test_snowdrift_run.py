"""The snowdrift experiment: its bits, what its arms differ by, its measures by hand, its equilibrium."""

import numpy as np
import pytest
import torch

from bisnn.experiments.base import configure
from bisnn.experiments.claims.base import misses
from bisnn.experiments.claims.snowdrift import CLAIMS
from bisnn.experiments.snowdrift import ARMS, EXPERIMENT, TRAITS, world
from bisnn.experiments.tasks.snowdrift import GROUPS, one_shot
from bisnn.experiments.tasks.snowdrift_scores import GRID, arm_of, per_seed
from bisnn.experiments.trials import take

SHORT = {"episodes": 10, "games": 2}


def lived(seeds, arms, **settings):
    """What the groups `seeds` of the `arms` did: arm -> column -> `[seeds, trials]`."""
    return take(EXPERIMENT, configure(EXPERIMENT, {"arms": arms, **SHORT, **settings}), seeds, arms)


@pytest.fixture(scope="module")
def few():
    """Two groups of some arms."""
    return lived([1, 4], ("no_reward_learning", "selfish_alone", "own_selfish", "one_shot"))


def test_the_same_group_alone_and_among_others(few):
    alone = lived([4], ("one_shot", "selfish_alone"))
    for arm in alone:
        assert all(torch.equal(column[0], few[arm][name][1]) for name, column in alone[arm].items())


def test_nothing_is_cleared_twice_and_everybody_is_paid(few):
    for arm, rows in few.items():
        if arm == "one_shot":
            continue
        cleaned = sum(rows[f"cleaned_{i}"] for i in range(3))
        returns = sum(rows[f"return_{i}"] for i in range(3))
        assert bool((rows["cleared"] <= 10).all())
        assert bool((cleaned >= rows["cleared"]).all())
        assert torch.equal(returns, 18 * rows["cleared"] - 4 * cleaned)
        assert torch.equal(sum(rows[f"met_by_{k}_cold"] for k in range(3)), sum(rows[f"met_{i}"] for i in range(3)))
        assert bool((rows["steps"] <= 100).all())
        assert float(rows["tie_rate"].mean()) < 0.01
        weights = rows["weights"]
        assert bool(((weights >= 0.0) & (weights <= torch.tensor(0.2))).all())


def test_without_learning_chance_is_left(few):
    rows = few["no_reward_learning"]
    assert bool((rows["weights"] == 0.1).all())
    cleaned, met = (sum(rows[f"{what}_{i}"].sum() for i in range(3)) for what in ("cleaned", "met"))
    assert float(cleaned / met) == pytest.approx(0.2, abs=0.06)


def test_a_population_plays_all_its_games(few):
    rows = few["one_shot"]
    met = sum(rows[f"met_{i}"] for i in range(3))
    assert torch.allclose(met, torch.tensor(3.0))
    games = rows["cleared"] * GROUPS * SHORT["games"]
    assert torch.allclose(games, games.round(), atol=1e-4)
    game = one_shot(world(configure(EXPERIMENT, {})))
    assert (game.cells, game.horizon, game.members) == (1, 1, 3)


def test_every_arm_is_declared_and_means_what_it_says():
    names = [arm.name for arm in ARMS]
    assert len(set(names)) == len(names)
    assert set(TRAITS) - {"lambda_0", "lambda_15"} <= set(names)
    assert {arm_of(level) for level in GRID} <= set(names)


def test_the_measures_by_hand():
    """Two episodes of one seed: the first member cleans twice of four steps on a drift, the others once of two each."""
    shape = (1, 2)
    found = {
        f"{what}_{i}": {"a": np.full(shape, float(value))}
        for what, values in (("return", (8.0, 14.0, 20.0)), ("cleaned", (2, 1, 0)), ("met", (4, 2, 2)))
        for i, value in enumerate(values)
    }
    for k in range(3):
        found[f"cleaned_by_{k}_cold"] = {"a": np.full(shape, float(k == 1) * 3)}
        found[f"met_by_{k}_cold"] = {"a": np.full(shape, float(k > 0) * 4)}
    found |= {
        name: {"a": np.full(shape, float(value))} for name, value in (("cleared", 3), ("tie_rate", 0), ("margin", 9))
    }
    value = {name: float(seeds[0]) for name, seeds in per_seed(found, "a", 2).items()}
    assert value["clean_rate"] == pytest.approx(3 / 8)
    assert (value["first_rate"], value["others_rate"]) == (0.5, 0.25)
    assert value["gap"] == pytest.approx(8 - 17)
    assert np.isnan(value["rate_0_cold"])
    assert (value["rate_1_cold"], value["rate_2_cold"]) == (0.75, 0.0)


def test_the_quick_claims_hold():
    for claim in CLAIMS:
        if claim.name == "snowdrift/one-shot-theory":
            assert misses(claim, claim.measure()) == []
