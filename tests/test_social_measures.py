"""Social measures, each against numbers worked out by hand, and the ledgers of a society that plays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.scripted import RandomAgent
from bisnn.agents.society import Advised, Society
from bisnn.errors import ConfigError, ShapeMismatch, UnknownName
from bisnn.experiments import social
from bisnn.experiments.tasks.play import play

HELP = np.array([[5.0, 2.0, 0.0], [1.0, 9.0, 3.0]])  # two agents, three parties
NUMBERS = st.lists(st.floats(0, 1e3, allow_subnormal=False), min_size=2, max_size=6)


def test_given_and_received_leave_oneself_out() -> None:
    assert social.given(HELP).tolist() == [2.0, 4.0]
    assert social.received(HELP).tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(ShapeMismatch, match="agent, party"):
        social.given(HELP.T)


def test_help_is_judged_where_there_is_need() -> None:
    need, brought, cost = [3, 0, 1, 2], [2.0, 9.0, 0.0, -1.0], [4.0, 7.0, 0.0, 2.0]
    assert social.help_rate(need, brought) == pytest.approx(1 / 3)
    assert social.help_given(need, brought) == pytest.approx((2 + 0 - 1) / 3)
    assert social.cost_paid(need, cost) == pytest.approx(6 / 3)
    assert social.price_of_help(cost, brought) == pytest.approx(13 / 11)
    assert np.isnan(social.help_rate([0, 0], [1.0, 1.0]))
    assert np.isnan(social.price_of_help([1.0], [-2.0]))
    assert social.help_rate(np.ones((2, 3, 4)), np.ones((2, 3, 4))).shape == (2, 3)


def test_who_benefits() -> None:
    shares = social.beneficiaries([[5.0, 2.0, 6.0], [1.0, 9.0, -3.0]])
    assert np.allclose(shares, [[0, 0.25, 0.75], [1, 0, 0]])
    assert np.isnan(social.beneficiaries([[1.0, 0.0]])).all(), "who helps nobody prefers nobody"


def test_welfare() -> None:
    welfare = np.array([[1.0, 3.0, -2.0], [4.0, 4.0, 4.0]])
    assert social.welfare_sum(welfare).tolist() == [2.0, 12.0]
    assert social.welfare_worst(welfare).tolist() == [-2.0, 4.0]
    assert social.efficiency(welfare, [4, 0])[0] == 0.5
    assert np.isnan(social.efficiency(welfare, [4, 0])[1])


def test_gini_by_hand() -> None:
    # pairs of (1, 2, 6): 1, 5, 4, each twice: 20 / (2 * 3 * 9)
    assert social.gini([1.0, 2.0, 6.0]) == pytest.approx(20 / 54)
    assert social.equality([1.0, 2.0, 6.0]) == pytest.approx(34 / 54)
    assert social.gini([3.0, 3.0]) == 0.0
    assert social.gini([0.0, 0.0, 0.0, 8.0]) == social.gini_bounds(4)[1] == 0.75
    assert np.isnan(social.gini([0.0, 0.0]))
    assert np.isnan(social.gini([-1.0, 2.0]))
    # pairs of (-1, 2, 1): 3, 2, 1, each twice: 12 / (2 * 2 * 4)
    assert social.gini_signed([-1.0, 2.0, 1.0]) == pytest.approx(0.75)
    assert social.gini_signed([-1.0, 1.0]) == 1.0
    with pytest.raises(ConfigError, match="one or more"):
        social.gini_bounds(0)


@settings(max_examples=50, deadline=None)
@drawn(NUMBERS)
def test_gini_keeps_its_bounds(values: list[float]) -> None:
    found, (low, high) = social.gini(values), social.gini_bounds(len(values))
    if sum(values) > 0:
        assert low <= found <= high + 1e-12
        assert social.gini_signed(values) == pytest.approx(found / high)
        assert social.gini([2.0 * value for value in values]) == pytest.approx(found)


@settings(max_examples=50, deadline=None)
@drawn(st.lists(st.floats(-1e3, 1e3, allow_subnormal=False), min_size=2, max_size=6))
def test_gini_of_losses_keeps_its_bounds(values: list[float]) -> None:
    if any(values):
        assert 0.0 <= social.gini_signed(values) <= 1.0 + 1e-12


def test_reciprocity_by_hand() -> None:
    acts = np.zeros((5, 2, 2))
    acts[0, 0, 1] = acts[1, 1, 0] = acts[2, 0, 1] = acts[3, 0, 1] = 1
    # occasion 1: 0 was not helped, does not; 1 was helped, helps     2: 0 helped, helps; 1 not, does not
    # occasion 3: 0 not, helps; 1 helped, does not                    4: 0 not, does not; 1 helped, does not
    found = social.reciprocity(acts)
    assert found.answered == pytest.approx(2 / 4)
    assert found.unasked == pytest.approx(1 / 4)
    assert found.difference == pytest.approx(1 / 4)
    assert found.phi == pytest.approx((2 * 3 - 1 * 2) / np.sqrt(4 * 4 * 3 * 5))
    assert np.isnan(social.reciprocity(acts[:1]).answered)
    with pytest.raises(ConfigError, match="memory"):
        social.reciprocity(acts, memory=0)
    with pytest.raises(ShapeMismatch, match="agents alone"):
        social.reciprocity(np.zeros((5, 2, 3)))


def test_reciprocity_remembers_longer() -> None:
    acts = np.zeros((4, 2, 2))
    acts[0, 0, 1] = acts[2, 1, 0] = 1
    assert social.reciprocity(acts).answered == 0.0
    assert social.reciprocity(acts, memory=2).answered == 0.5  # occasion 2: 1 answers; 3: 0 does not answer occasion 2
    tit_for_tat = np.zeros((40, 2, 2))
    tit_for_tat[::2, 0, 1] = tit_for_tat[1::2, 1, 0] = 1
    assert social.reciprocity(tit_for_tat).phi == 1.0


def test_reciprocity_of_chance_is_none() -> None:
    acts = np.random.default_rng(0).random((200, 100, 3, 3)) < 0.3
    found = social.reciprocity(acts)
    assert found.phi.shape == (200,)
    error = found.phi.std(ddof=1) / np.sqrt(200)
    assert abs(found.phi.mean()) < 4 * error
    assert found.answered.mean() == pytest.approx(0.3, abs=0.01)


def test_mutuality_and_exploitation() -> None:
    even = [[0.0, 4.0, 1.0], [4.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    assert social.mutuality(even) == pytest.approx(1.0)
    assert social.exploitation(even).tolist() == [0.0, 0.0, 0.0]
    assert social.mutuality([[0.0, 4.0], [1.0, 0.0]]) == pytest.approx(-1.0)
    assert np.isnan(social.mutuality([[0.0, 4.0], [4.0, 0.0]]))
    assert social.exploitation([[0.0, 4.0], [1.0, 0.0]]).tolist() == [-3.0, 3.0]
    assert social.exploitation([[0.0, 4.0, 9.0], [1.0, 0.0, 9.0]]).tolist() == [-3.0, 3.0], "patients do not exploit"


def test_sustainability() -> None:
    reward = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [2.0, 0.0, -1.0], [0.0, 5.0, 0.0]])
    assert social.sustainability(reward) == pytest.approx((2 + 4) / 2)
    assert np.isnan(social.sustainability(np.zeros((3, 2))))


def test_division_of_labour() -> None:
    assert social.division_of_labour([[4, 0], [0, 4]]) == pytest.approx(1.0)
    assert social.division_of_labour([[4, 2], [4, 2]]) == pytest.approx(0.0)
    share = np.array([3, 1, 1, 3]) / 8
    mutual = 2 * np.log(2) + (share * np.log(share)).sum()
    assert social.division_of_labour([[3, 1], [1, 3]]) == pytest.approx(mutual / np.log(2))
    assert np.isnan(social.division_of_labour([[4, 0], [4, 0]]))


def test_rows_of_several_agents() -> None:
    rows = {"return_0": [1, 2], "return_1": [3, 4], "seed": [0, 1]}
    assert social.by_agent(rows, "return").tolist() == [[1, 3], [2, 4]]
    with pytest.raises(UnknownName, match="Did you mean 'return'"):
        social.by_agent(rows, "retur")


# ------------------------------------------------------------ play


def test_a_society_plays_and_its_ledgers_are_kept() -> None:
    dilemma, key = Rescue(), torch.arange(4)
    book, life = play(Society(dilemma, (Advised("altruistic"),)), key, 3)
    assert book.steps.shape == (4, 3)
    assert book.help.shape == (4, 3, 1, 2)
    assert torch.equal(book.welfare[..., 0], 11.0 - book.steps), "10 at the goal, -1 in every other step"
    brought = social.given(book.help.numpy())[..., 0]
    assert (social.help_rate(book.need[..., 0].numpy(), brought) == 1.0).all()
    assert torch.equal(book.acts.sum((-1, -2)), book.steps)
    assert torch.equal(book.gathered, torch.ones(4, 3, 1))
    assert torch.equal(book.when[..., 0], book.steps), "only the last step is rewarded"
    assert int(life.world.episode.min()) == 2


def test_play_alone_later_and_in_part_is_the_same_play() -> None:
    society, key = Society(Rescue(), (RandomAgent(),)), torch.tensor([5, 2, 9])
    whole, _ = play(society, key, 4)
    alone, _ = play(society, key[1:2], 4)
    ending, _ = play(society, key, 4, last=2)
    for name in whole._fields:
        assert torch.equal(getattr(whole, name)[1:2], getattr(alone, name))
        assert torch.equal(getattr(whole, name)[:, 2:], getattr(ending, name))
    advised = Society(Rescue(), (Advised("selfish"),))
    late, _ = play(advised, key, 2, first=7)
    lived, _ = play(advised, key, 9, last=2)
    assert torch.equal(late.need, lived.need)
    with pytest.raises(ConfigError, match="one or more"):
        play(society, key, 0)
