"""The rescue: certificate, rules of the world, pairing, what an observation may hold."""

import pytest
import torch

from bisnn import rng, tree
from bisnn.agents import planning
from bisnn.agents.base import Dilemma
from bisnn.agents.dilemmas.rescue import EXAMPLES, Rescue
from bisnn.agents.expression import Expression, shows_calm, shows_pain
from bisnn.errors import ConfigError, UnknownName

N = 16


def roll(dilemma, key, steps, actions=None, salt=0):
    """(state, obs, outcome) after every step; random actions keyed by seed and step unless given."""
    state, obs = dilemma.reset(key)
    states = [(state, obs, None)]
    for step in range(steps):
        chosen = actions
        if chosen is None:
            chosen = (rng.uniform(key, "test/action", step + salt * 4096, 1) * 8).long()
        state, obs, outcome = dilemma.step(key, state, chosen)
        states.append((state, obs, outcome))
    return states


def same(one, other):
    """Whether two trees hold the same bits."""
    left, right = dict(tree.flatten(one)), dict(tree.flatten(other))
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def stay(n):
    """Bump into the wall of the start corner for ever."""
    return torch.full((n, 1), 0)


def test_certificate_of_the_default_is_exact():
    payoff = Rescue().payoff()
    assert (payoff.selfish, payoff.altruistic, payoff.cost_of_helping) == (5.0, 1.0, 4.0)
    assert payoff.benefit == 97.0  # relieved in the fourth of 100 steps


def test_certificate_follows_the_rules():
    with pytest.raises(ConfigError, match="no dilemma"):
        Rescue(switch=(10, 2))  # on the way
    assert Rescue(switch=(10, 2), toll=1.5).payoff().cost_of_helping == 1.5
    assert Rescue(risk=0.5, harm=3.0).payoff().cost_of_helping == 5.5
    assert Rescue(goal_reward=20.0, step_cost=0.5).payoff().cost_of_helping == 2.0
    short = Rescue(horizon=10).payoff()
    assert (short.altruistic, short.benefit) == (1.0, 7.0)


def test_the_helper_in_the_certificate_may_not_walk_over_its_goal():
    corridor = Rescue(rows=1, victim_start=(0, 0), hazards=((1, 0),), openings=("R",), start=(8, 0), goal=(6, 0),
                      switch=(10, 0))  # fmt: skip
    assert corridor.payoff().cost_of_helping == 4.0
    with pytest.raises(ConfigError, match="nobody can help"):
        Rescue(rows=1, hazards=((1, 0),), openings=("R",), start=(6, 0), goal=(8, 0), switch=(10, 0))


def test_drawn_layouts_are_dilemmas_and_last_for_life():
    dilemma = Rescue(layout="drawn")
    key = torch.arange(200)
    states = roll(dilemma, key, 3)
    layout = states[0][0].layout
    certificate = dilemma.payoffs(states[0][0])
    cost = certificate.selfish - certificate.altruistic
    assert cost.min() >= 2
    assert cost.max() <= 4
    away = planning.distances(dilemma.map().next_place)[4]
    assert bool(
        (away[layout.goal] >= 3).all() & (away[layout.switch] >= 3).all() & (layout.goal != layout.switch).all()
    )
    assert bool((layout.hazard.sum(-1) == 4).all() & ~layout.hazard[:, 0].any())
    assert len({tuple(row.tolist()) for row in layout.hazard}) > 100
    assert same(states[-1][0].layout, layout)
    again, _ = dilemma.reset(key, states[-1][0])
    assert same(again.layout, layout)


@pytest.mark.parametrize("dilemma", EXAMPLES)
def test_is_a_dilemma_and_observations_hold_no_inner_state(dilemma):
    assert isinstance(dilemma, Dilemma)
    _, obs, outcome = roll(dilemma, torch.arange(N), 1)[-1]
    assert obs._fields == ("place", "expression", "view")
    assert obs.place.shape == (N, 1)
    assert obs.expression.shape == (N, 1, dilemma.expression.cells)
    assert dilemma.senses.features == ("the victim declines help",)
    assert obs.view.shape == (N, 1, 1)
    assert outcome.reward.shape == (N, 1)
    assert all(value.shape == (N,) for value in (*outcome[1:4], *outcome.info.values()))
    assert int(obs.place.max()) < dilemma.places


@pytest.mark.parametrize("dilemma", EXAMPLES)
def test_same_bits_again_alone_and_reordered(dilemma):
    key = torch.arange(N)
    one = roll(dilemma, key, 130)
    assert all(same(a, b) for a, b in zip(one, roll(dilemma, key, 130), strict=True))
    order = torch.arange(N).flip(0)
    for before, after in zip(one, roll(dilemma, key[order], 130), strict=True):
        assert same(tree.take(before[:2], order), after[:2])
    alone = roll(dilemma, key[5:6], 130)
    assert all(same(tree.take(a[:2], torch.tensor([5])), b[:2]) for a, b in zip(one, alone, strict=True))
    arms = roll(dilemma, key.expand(2, N), 20)
    assert all(same(tree.map(lambda leaf: leaf[1], a[:2]), b[:2]) for a, b in zip(arms, one, strict=False))


def test_no_batch_dimension():
    state, obs, outcome = roll(Rescue(), torch.tensor(3), 2)[-1]
    assert obs.place.shape == (1,)
    assert state.t.shape == outcome.terminated.shape == ()


@pytest.mark.parametrize("dilemma", EXAMPLES)
def test_step_is_pure(dilemma):
    key = torch.arange(N)
    state = roll(dilemma, key, 7)[-1][0]
    copy = tree.map(torch.clone, state)
    first = dilemma.step(key, state, stay(N))
    assert same(state, copy)
    assert same(first[0], dilemma.step(key, state, stay(N))[0])


@pytest.mark.parametrize("dilemma", [EXAMPLES[0], Rescue(layout="drawn")])
def test_a_long_episode_is_painful_and_pain_lasts_until_relief(dilemma):
    key = torch.arange(64)
    states = roll(dilemma, key, 99, actions=stay(64))
    pain = torch.stack([outcome.info["pain"] for _, _, outcome in states[1:]])
    assert bool(pain[98].all()), "nobody came, so everyone is in pain at the end"
    assert bool((pain[1:] >= pain[:-1]).all())
    onset = pain.long().argmax(0)
    if dilemma.layout == "fixed":
        assert sorted(set(onset.tolist())) == [0, 1, 2, 3]
        assert bool(pain[4].all())
    assert onset.max() <= 3 + 7


def test_relief_takes_the_switch_and_makes_safe():
    key = torch.arange(64)
    states = roll(Rescue(), key, 60, actions=torch.full((64, 1), 5))  # down, stay on the switch and reach out
    infos = [outcome.info for _, _, outcome in states[1:]]
    relieved_now = torch.stack([info["relieved_now"] for info in infos])
    assert bool((relieved_now.sum(0) == 1).all())
    pain = torch.stack([info["pain"] for info in infos])
    first = pain.long().argmax(0)
    assert torch.equal(relieved_now.long().argmax(0), torch.maximum(first + 1, torch.tensor(3)))
    assert not bool(pain[5:].any())
    assert bool(infos[-1]["relieved"].all() & infos[-1]["painful"].all() & infos[-1]["at_switch"].all())
    assert bool((infos[-1]["helper_cell"] == 10 + 11 * 4).all())


def test_rewards_ends_and_the_reset_step():
    dilemma, key = Rescue(), torch.arange(4)
    state, obs = dilemma.reset(key)
    assert bool((obs.place == 4).all())
    way = [1, 1, 3, 3, 3, 3]
    for number, action in enumerate(way):
        state, obs, outcome = dilemma.step(key, state, torch.full((4, 1), action))
        assert bool((outcome.reward == (10.0 if number == 5 else -1.0)).all())
        assert bool((outcome.terminated == (number == 5)).all())
    assert bool((obs.place == 10).all()), "the final observation is seen"
    state, obs, outcome = dilemma.step(key, state, stay(4))
    assert bool(outcome.started.all() & (outcome.reward == 0).all() & ~outcome.terminated.any())
    assert bool((state.episode == 1).all() & (state.t == 0).all() & (obs.place == 4).all())
    states = roll(dilemma, key, 101, actions=stay(4))
    assert bool(states[100][2].truncated.all() & ~states[100][2].terminated.any())
    assert bool(states[101][2].started.all())
    assert not any(bool(outcome.truncated.any()) for _, _, outcome in states[1:100])


def test_the_same_episode_is_the_same_whatever_happened_before():
    dilemma, key = Rescue(), torch.arange(N)
    quick, _ = dilemma.reset(key)
    for action in (1, 1, 3, 3, 3, 3):
        quick, _, _ = dilemma.step(key, quick, torch.full((N, 1), action))
    slow = roll(dilemma, key, 100, actions=stay(N))[-1][0]
    for _ in range(12):
        quick, seen, _ = dilemma.step(key, quick, stay(N))
        slow, other, _ = dilemma.step(key, slow, stay(N))
        assert same((quick, seen), (slow, other))


def test_partial_reset():
    dilemma, key = Rescue(), torch.arange(4)
    state, obs, _ = roll(dilemma, key, 5)[-1]
    where = torch.tensor([True, False, True, False])
    after, seen = dilemma.reset(key, state, where)
    assert same(tree.take((after, seen), torch.tensor([1, 3])), tree.take((state, obs), torch.tensor([1, 3])))
    assert after.episode.tolist() == [1, 0, 1, 0]
    assert bool((after.t[where] == 0).all() & (seen.place[where] == 4).all())


def test_hidden_pain_is_not_observed():
    key = torch.arange(N)
    real = roll(Rescue(observability=0.0), key, 30)
    unhurt = roll(Rescue(observability=0.0, honesty=0.0), key, 30)
    pain = torch.stack([outcome.info["pain"] for _, _, outcome in real[1:]])
    assert bool(pain.any())
    assert not any(bool(outcome.info["pain"].any()) for _, _, outcome in unhurt[1:])
    assert all(same(a[1], b[1]) for a, b in zip(real, unhurt, strict=True))
    assert all(bool((obs.expression == 0).all()) for _, obs, _ in real)


def test_a_feigned_pain_looks_alike_and_has_no_relief():
    key = torch.arange(N)
    real = roll(Rescue(), key, 40, actions=stay(N))
    fake = roll(Rescue(honesty=0.0), key, 40, actions=stay(N))
    assert all(same(a[1], b[1]) for a, b in zip(real, fake, strict=True))
    at_switch = roll(Rescue(honesty=0.0), key, 40, actions=torch.full((N, 1), 5))
    info = at_switch[-1][2].info
    assert bool((info["faked"] & info["expressed"] & ~info["relieved"] & ~info["painful"] & ~info["pain"]).all())
    assert bool(shows_pain(at_switch[-1][1].expression).all())
    rate = torch.cat([Rescue(honesty=0.75).reset(torch.arange(1000))[0].scene.faked]).float().mean()
    assert abs(float(rate) - 0.25) < 0.05


def test_observability_is_a_probability_per_step():
    states = roll(Rescue(observability=0.7), torch.arange(50), 90, actions=stay(50))
    visible = torch.stack([(obs.expression != 0).any(-1) for _, obs, _ in states]).float().mean()
    assert abs(float(visible) - 0.7) < 0.03


def test_expression_is_graded_and_monotone():
    face = Expression()
    noise = rng.uniforms(torch.arange(500), 0, face.streams)
    levels = torch.linspace(0.05, 1.0, 20)
    counts = []
    for level in levels:
        quiet = Expression(flips=0.0).pattern(torch.full((500,), float(level)), noise)
        counts.append((quiet[:, :20] > 0).sum(-1))
        assert not bool(quiet[:, 20:].any())
    counts = torch.stack(counts)
    assert bool((counts[1:] >= counts[:-1]).all()), "monotone for given noise"
    mean = counts.double().mean(-1)
    assert bool((mean[1:] > mean[:-1]).all()), "graded on average"
    assert bool((mean - 20 * levels).abs().max() < 1.1)
    pattern = face.pattern(torch.full((500,), 0.5), noise)
    assert bool(((pattern == 0) | ((pattern >= 1) & (pattern < 1.15001))).all())
    assert bool(shows_pain(pattern).all())
    assert bool(shows_calm(face.pattern(torch.zeros(500), noise)).all())


def test_the_prototype_is_exact_and_a_hidden_face_is_empty():
    face = Expression(jitter=0.0, flips=0.0, amplitude=0.0)
    seen = face.draw(torch.arange(3), 7, torch.tensor([0.0, 0.5, 0.5]), torch.tensor([True, True, False]))
    expected = torch.zeros(3, 40)
    expected[0, 20:] = 1
    expected[1, :10] = 1
    assert torch.equal(seen, expected)
    assert not bool(shows_pain(seen)[2] | shows_calm(seen)[2])


@pytest.mark.parametrize(
    "fields",
    [
        {"goal": (5, 2)},
        {"goal": (10, 4)},
        {"switch": (10, 0)},
        {"hazards": ((0, 0),)},
        {"hazards": ((1, 0), (1, 0))},
        {"openings": ("RR",)},
        {"openings": ("X",)},
        {"openings": ()},
        {"observability": 1.5},
        {"honesty": -0.1},
        {"pain_intensity": 0.0},
        {"horizon": 1024},
        {"horizon": 3},
        {"wall": 10},
        {"layout": "drawn", "drawn_cost": (30.0, 40.0)},
        {"layout": "drawn", "victim_start": (2, 2), "openings": ("RU",)},
    ],
)
def test_misfits_are_refused(fields):
    with pytest.raises(ConfigError):
        Rescue(**fields)


def test_other_misfits():
    with pytest.raises(UnknownName, match="fixed"):
        Rescue(layout="fixd")
    for fields in ({"cells": 7}, {"flips": 2.0}, {"jitter": -1.0}):
        with pytest.raises(ConfigError):
            Expression(**fields)
