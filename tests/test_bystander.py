"""The bystander experiment: what its rows hold, its measures by hand, and its theory."""

import numpy as np
import pytest
import torch

from bisnn.agents.development import Nursery
from bisnn.agents.society import PERSON
from bisnn.experiments.base import configure
from bisnn.experiments.bystander import ARMS, EXPERIMENT, altruist, conditions
from bisnn.experiments.tasks.bystander import ALWAYS, NEVER, houses, live
from bisnn.experiments.tasks.bystander_scores import (
    HOUSEHOLDS,
    beside,
    equilibria,
    household,
    mean_of,
    scores,
    specialisation,
)
from bisnn.experiments.trials import Batch

EPISODES = 3
SHORT = Nursery(visits=0, calm=2)


@pytest.fixture(scope="module")
def lives():
    """Rows of two short, hardly developed lives of every arm: arm -> column -> `[seeds, episodes]`."""
    torch.set_num_threads(1)
    settings = configure(EXPERIMENT, {"seeds": 2, "episodes": EPISODES})
    batch = Batch.of(EXPERIMENT, settings, range(2))
    with torch.inference_mode():
        found = live(batch, altruist(settings), [household(one.name) for one in batch.conditions], SHORT)
    names = [one.name for one in batch.conditions]
    return {
        arm: {name: c.reshape(len(names), 2, -1)[i].numpy() for name, c in found.rows.items()}
        for i, arm in enumerate(names)
    }


def test_every_arm_says_who_lives_in_it():
    assert set(HOUSEHOLDS) == {arm.name for arm in ARMS}
    assert household("cut:ifg->dopamine") == household("intact")
    worlds = {one.name: dict(one.world) for one in conditions(configure(EXPERIMENT, {"toll": 3.0}))}
    assert worlds.pop("pair_unequal") == {"toll_others": 3.0}
    assert not any(worlds.values())


def test_the_rows_agree_with_one_another(lives):
    for arm, rows in lives.items():
        count = len(household(arm))
        helped = np.stack([rows[f"helped_{k}"] for k in range(3)])
        assert rows["painful"].shape == (2, EPISODES)
        assert np.isnan(helped[count:]).all()
        assert np.isfinite(helped[:count]).all()
        assert np.array_equal(rows["rescuers"], helped[:count].sum(0))
        assert np.array_equal(rows["relieved"], (rows["rescuers"] > 0).astype(float))
        assert (rows["relieved"] <= rows["painful"]).all()
        for k in range(count):
            assert np.array_equal(rows[f"cost_{k}"], 5.0 - rows[f"return_{k}"])
        eased = rows["relieved"] > 0
        assert np.array_equal(np.isfinite(rows["relief_delay"]), eased)
        assert (rows["pain_steps"][eased] == rows["relief_delay"][eased]).all()
        assert (rows["steps"] <= 100).all()


def test_beside_one_who_never_helps_all_is_as_alone(lives):
    for name, alone in lives["intact"].items():
        if not name.endswith(("_1", "_2")):
            assert np.array_equal(alone, lives["partner_never"][name], equal_nan=True), name
    assert not lives["partner_never"]["helped_1"].any()
    assert (lives["partner_never"]["return_1"] == 5.0).all()


def test_one_who_always_helps_does(lives):
    """Nobody is at the switch sooner, so it helps in every painful episode."""
    rows = lives["partner_always"]
    assert np.array_equal(rows["helped_1"], rows["painful"])
    assert [member.player for member in HOUSEHOLDS["partner_always"]][1] == ALWAYS
    assert [member.player for member in HOUSEHOLDS["partner_never"]][1] == NEVER


def test_members_of_a_pair_differ(lives):
    assert not np.array_equal(lives["pair"]["return_0"], lives["pair"]["return_1"])


def test_only_the_second_of_an_unequal_pair_pays_more():
    settings = configure(EXPERIMENT, {"arms": "pair,pair_unequal", "toll": 3.0})
    batch = Batch.of(EXPERIMENT, settings, range(2))
    alone, pairs = houses(batch, [household(one.name) for one in batch.conditions])
    assert alone.traits == {}
    assert pairs.traits["toll_others"].tolist() == [0.0, 0.0, 3.0, 3.0]
    state, _ = pairs.dilemma.reset(pairs.key, traits=pairs.traits)
    assert pairs.dilemma.tolls(state.traits)[2].tolist() == [0.0, 3.0]
    assert pairs.people.tolist() == [0, PERSON, 1, PERSON + 1] * 2


def test_specialisation_by_hand():
    counts = np.array([[5, 5], [10, 0], [9, 1], [0, 0]], dtype=float)
    assert np.allclose(specialisation(counts), [0.0, 1.0, 0.64, np.nan], equal_nan=True)
    assert specialisation(np.array([[4.0, 4.0, 4.0]])) == pytest.approx(0.0)
    assert specialisation(np.array([[0.0, 7.0, 0.0]])) == pytest.approx(1.0)
    assert np.isnan(specialisation(np.array([[3.0]]))).all()


def test_an_even_draw_of_k_acts_is_specialised_by_one_over_k_on_average():
    k = np.random.default_rng(0).binomial(20, 0.5, 40_000)
    mean = specialisation(np.stack((k, 20 - k), -1).astype(float)).mean()
    assert mean == pytest.approx(1 / 20, abs=0.002)


def test_the_measures_by_hand():
    """One world, ten episodes: the window is the last three."""
    none = np.full(10, np.nan)
    columns = {
        "painful": np.ones(10), "relieved": np.array([0.0] * 8 + [1, 1]), "rescuers": np.array([0.0] * 8 + [2, 1]),
        "relief_delay": np.r_[none[:8], 2, 4], "pain_steps": np.r_[np.full(8, 99.0), 2, 4],
        "helped_0": np.array([0.0] * 8 + [1, 1]), "helped_1": np.array([0.0] * 8 + [1, 0]), "helped_2": none,
        "return_0": np.array([5.0] * 8 + [1, 0]), "return_1": np.array([5.0] * 8 + [1, 5]), "return_2": none,
        "cost_0": np.array([0.0] * 8 + [4, 5]), "cost_1": np.array([0.0] * 8 + [4, 0]), "cost_2": none,
    }  # fmt: skip
    head = {"arm": np.array(["pair"] * 10, dtype=object), "seed": np.zeros(10), "episode": np.arange(10)}
    found = {name: float(arms["pair"][0]) for name, arms in scores(head | columns, {"pair": household("pair")}).items()}
    assert found["help_self"] == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert found["help_anybody"] == pytest.approx(2 / 3)
    assert found["cost"] == pytest.approx((3 + 4 / 3) / 2)
    assert found["relief_delay"] == 3.0
    assert found["pain_steps"] == pytest.approx((99 + 2 + 4) / 3)
    assert found["together"] == 0.5
    assert found["share_first"] == pytest.approx(2 / 3)
    assert found["specialisation"] == pytest.approx(1 / 9)


def test_means_are_over_what_is_known():
    assert mean_of(np.array([1.0, np.nan, 3.0])) == 2.0
    assert mean_of(np.array([1.0, 5.0]), np.array([0.0, 1.0])) == 5.0
    assert np.isnan(mean_of(np.array([np.nan])))


def test_theory_and_oracle_stand_beside_the_learners():
    two, three = equilibria(9.0)
    assert two["help_self"] == pytest.approx(2 / 3)
    assert two["help_anybody"] == pytest.approx(8 / 9)
    assert three["help_anybody"] < two["help_anybody"]
    assert equilibria(3.0) == []
    found = beside()
    assert found["fair oracle, 1"]["help_anybody"] == found["fair oracle, 3"]["help_anybody"] == 1.0
    assert found["fair oracle, 2"]["help_self"] == 0.5
    assert found["fair oracle, 2"]["cost"] == pytest.approx(found["fair oracle, 1"]["cost"] / 2, abs=0.01)
    assert 0.1 < found["random, 2"]["help_self"] < 0.5
