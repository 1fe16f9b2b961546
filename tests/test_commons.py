"""The commons harvest: certificate by hand and played out, rules, ledger, bits, audit."""

import itertools

import pytest
import torch

from bisnn import rng, tree
from bisnn.agents.base import Dilemma
from bisnn.agents.dilemmas import commons_facts as facts
from bisnn.agents.dilemmas.commons import EXAMPLES, Commons
from bisnn.agents.expression import shows_pain
from bisnn.agents.kinds import conditions
from bisnn.errors import ConfigError, UnknownName

UP, DOWN, RIGHT, LEFT, EAT = range(5)
TINY = Commons(rows=2, orchard_columns=1, way=1, horizon=3, regrowth=0.4)


def same(one, other):
    left, right = dict(tree.flatten(one)), dict(tree.flatten(other))
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def random_actions(key, step, agents):
    """Random, with a leaning to the orchard and to eating."""
    drawn = (rng.uniform(key, "test/action", step, agents) * 8).long()
    return torch.where(drawn > 4, torch.where(drawn == 7, RIGHT, EAT), drawn)


def returns(dilemma, key, choose):
    """Mean return of each gatherer in one episode, and its standard error."""
    state, _ = dilemma.reset(key)
    total = torch.zeros(*key.shape, dilemma.gatherers, dtype=torch.float64)
    for _ in range(dilemma.horizon):
        state, _, outcome = dilemma.step(key, state, choose(state))
        total += outcome.reward
    assert bool(state.over.all())
    return total.mean(0), total.std(0) / len(key) ** 0.5


def advised(dilemma, *goals):
    """What gatherers do of whom each plays for a goal of its own."""
    return lambda state: torch.stack([dilemma.advise(state, goal)[:, i] for i, goal in enumerate(goals)], dim=-1)


def test_a_tiny_commons_by_hand():
    game, payoff = TINY.payoff().game, TINY.payoff()
    assert game == pytest.approx({"T": 1.3, "R": 1.1, "P": 1.0, "S": 0.8}, abs=1e-12)
    assert (payoff.cost_of_helping, payoff.benefit, payoff.fair) == pytest.approx((0.2, 0.3, 1.1), abs=1e-12)


def test_growth_is_a_distribution_and_nothing_grows_from_nothing():
    for spots, rate in ((10, 0.1), (6, 1.0), (40, 0.3)):
        grow = facts.growth(spots, rate)
        assert torch.allclose(grow.sum(-1), torch.ones(spots + 1, dtype=torch.float64))
        apples = torch.arange(spots + 1, dtype=torch.float64)
        assert torch.allclose(grow @ apples, apples + rate * apples * (1 - apples / spots))
        assert grow[0, 0] == 1


RANGE = list(itertools.product((2, 3, 5), (1, 2), (0.0, 0.02, 0.1, 0.3, 1.0), (5, 40), (None, 3)))


def test_certificate_over_a_range_and_what_is_refused():
    made, refused = 0, 0
    for gatherers, columns, regrowth, horizon, apples in RANGE:
        fields = {"gatherers": gatherers, "orchard_columns": columns, "regrowth": regrowth, "horizon": horizon}
        try:
            payoff = Commons(apples=apples, **fields).payoff()
        except ConfigError:
            refused += 1
            continue
        made += 1
        assert all(conditions(payoff).values()), fields
        assert payoff.selfish - payoff.altruistic == payoff.cost_of_helping
        assert (payoff.selfish, payoff.fair, payoff.bound) == (payoff.game["P"], payoff.game["R"], 0.0)
    assert made > 50
    assert refused > 20


PLAYED = (
    Commons(),
    Commons(gatherers=3, regrowth=0.15, horizon=30),
    Commons(gatherers=5, rows=5, apples=6, horizon=40),
    TINY,
)


@pytest.mark.parametrize("dilemma", PLAYED)
def test_advice_earns_what_the_certificate_says(dilemma):
    key, n, payoff = torch.arange(1500), dilemma.gatherers, dilemma.payoff()
    crowd = ["selfish"] * (n - 1)
    solution = facts.solve(facts.plan_of(dilemma))

    def defects(state):
        actions = dilemma.advise(state, "fair")
        eats = solution.answer[state.scene.first, state.t.clamp(max=dilemma.horizon - 1), state.scene.apples]
        actions[:, 0] = torch.where(eats & dilemma.inside(state.scene.cell[:, 0]), EAT, RIGHT)
        return actions

    for choose, expected in (
        (advised(dilemma, *["fair"] * n), [payoff.fair] * n),
        (advised(dilemma, *["altruistic"] * n), [payoff.game["R"]] * n),
        (advised(dilemma, "selfish", *crowd), [payoff.selfish] * n),
        (advised(dilemma, "altruistic", *crowd), [payoff.altruistic]),
        (defects, [payoff.game["T"]]),
    ):
        mean, error = returns(dilemma, key, choose)
        for agent, value in enumerate(expected):
            assert abs(mean[agent] - value) <= 4.5 * error[agent] + 1e-6
    mean, error = returns(dilemma, key, advised(dilemma, "altruistic", *crowd))
    helped = float(mean[1:].sum()) - payoff.selfish * (n - 1)
    assert abs(helped - payoff.benefit) <= 4.5 * float(error[1:].sum())


def test_the_measure_sustains_and_greed_ends_the_orchard():
    dilemma, key = Commons(), torch.arange(500)
    for goal, least, most in (("fair", 0.98, 1.0), ("selfish", 0.0, 0.0)):
        state, _ = dilemma.reset(key)
        for _ in range(dilemma.horizon - 8):
            state, _, _ = dilemma.step(key, state, dilemma.advise(state, goal))
        alive = float((state.scene.apples > 0).float().mean())
        assert least <= alive <= most


def test_rules_by_hand():
    dilemma, key = Commons(regrowth=1.0, gatherers=5, horizon=9), torch.arange(64)
    state, obs = dilemma.reset(key)
    assert bool((obs.place == torch.arange(5)).all() & (obs.view[..., 0] == 1).all())
    state, obs, outcome = dilemma.step(key, state, torch.full((64, 5), EAT))
    assert not bool(outcome.reward.any()), "nothing is eaten outside"
    for _ in range(2):
        state, obs, outcome = dilemma.step(key, state, torch.full((64, 5), RIGHT))
    assert bool((obs.place == 10 + 10).all()), "in the orchard the place is the number of apples"
    assert bool(outcome.info["leaves"].all())
    state = state._replace(scene=state.scene._replace(apples=torch.full((64,), 3)))
    gone, obs, outcome = dilemma.step(key, state, torch.full((64, 5), EAT))
    assert bool((outcome.reward.sum(-1) == 3).all()), "three apples for five: chance decides"
    assert bool((outcome.reward.mean(0) - 0.6).abs().max() < 0.2)
    assert bool((obs.place == 10).all() & (gone.scene.apples == 0).all())
    for _ in range(5):
        gone, _, outcome = dilemma.step(key, gone, torch.full((64, 5), RIGHT))
        assert not bool(gone.scene.apples.any()), "none left: none will ever grow"
    assert bool(outcome.truncated.all())
    one = state._replace(scene=state.scene._replace(apples=torch.full((64,), 10)))
    one, _, _ = dilemma.step(key, one, torch.tensor([EAT] + [RIGHT] * 4).expand(64, 5))
    assert float((one.scene.apples == 10).float().mean()) > 0.75, "9 of 10 left: the empty spot bears with p = .9"


def test_growth_happens_as_often_as_the_rule_says():
    dilemma, key = Commons(), torch.arange(4000)
    state, _ = dilemma.reset(key, traits={"regrowth": torch.full((4000,), 0.5)})
    state = state._replace(scene=state.scene._replace(apples=torch.full((4000,), 4)))
    state, _, _ = dilemma.step(key, state, torch.zeros(4000, 2, dtype=torch.int64))
    counts = torch.bincount(state.scene.apples, minlength=11).double() / 4000
    assert bool((counts - facts.growth(10, 0.5)[4]).abs().max() < 0.03)


def test_ledger_of_one_who_leaves_and_one_who_takes():
    dilemma, key = Commons(), torch.zeros(1, dtype=torch.int64)
    state, _ = dilemma.reset(key)
    scene = state.scene._replace(cell=torch.tensor([[2, 6]]), apples=torch.tensor([6]), waited=torch.tensor([[9, 0]]))
    before = state._replace(scene=scene, t=torch.tensor([9]))
    actions = torch.tensor([[RIGHT, EAT]])
    after, _, outcome = dilemma.step(key, before, actions)
    found = dilemma.ledger(before, actions, after, outcome)
    each = facts.solve(facts.plan_of(dilemma)).each[9]
    assert found.help[0, 0, 1] == pytest.approx(float(each[5] - each[4]), abs=1e-5)
    assert found.help[0, 1, 0] == pytest.approx(-float(each[6] - each[5]), abs=1e-5)
    assert found.help[0, 0, 0] == found.help[0, 1, 1] == 0
    assert found.cost.tolist() == [[1.0, 0.0]]
    assert found.need.tolist() == [[False, True]], "the first is in distress"
    assert found.welfare.tolist() == [[0.0, 1.0]]
    last = before._replace(scene=scene._replace(apples=torch.tensor([1])))
    after, _, outcome = dilemma.step(key, last, actions)
    found = dilemma.ledger(last, actions, after, outcome)
    assert found.help[0, 1, 0] == pytest.approx(-float(each[1]), abs=1e-5), "who takes the last one ends it for all"
    assert not bool(found.cost.any() | found.help[0, 0].any()), "nothing was left"


@pytest.mark.parametrize("dilemma", EXAMPLES)
def test_distress_shows_on_the_faces_of_who_goes_without(dilemma):
    key = torch.arange(8)
    state, obs = dilemma.reset(key)
    n, cells = dilemma.gatherers, dilemma.expression.cells
    assert isinstance(dilemma, Dilemma)
    assert obs.expression.shape == (8, n, (n - 1) * cells)
    assert obs.view.shape == (8, n, len(dilemma.senses.features))
    for _ in range(dilemma.patience * 2):
        actions = dilemma.advise(state, "selfish")
        actions[:, 1:] = LEFT
        state, obs, _ = dilemma.step(key, state, actions)
        assert bool((obs.view.abs() <= 1).all() & (obs.place < dilemma.senses.places).all())
        state = state._replace(scene=state.scene._replace(apples=torch.full((8,), 5)))
    pain = shows_pain(obs.expression.unflatten(-1, (-1, cells)))
    assert bool(pain[:, 0].all()), "the others have had nothing"
    assert not bool(pain[:, -1, 0].any()), "the first has eaten"


@pytest.mark.parametrize("dilemma", EXAMPLES)
def test_same_bits_alone_reordered_and_in_more_dimensions(dilemma):
    agents = len(dilemma.agents)

    def run(key):
        state, obs = dilemma.reset(key)
        found = [(state, obs)]
        for step in range(60):
            state, obs, outcome = dilemma.step(key, state, random_actions(key, step, agents))
            found.append((state, obs, outcome))
        return found

    key = torch.arange(12)
    whole = run(key)
    for index in (torch.tensor([5]), torch.arange(12).flip(0)):
        assert all(same(tree.take(a, index), b) for a, b in zip(whole, run(key[index]), strict=True))
    twice = run(key.expand(2, 12))
    assert all(same(tree.map(lambda leaf: leaf[1], a), b) for a, b in zip(twice, whole, strict=True))
    single = run(key[3])
    assert all(same(tree.map(lambda leaf: leaf[3], a), b) for a, b in zip(whole, single, strict=True))


def test_traits_of_one_world_and_partial_reset():
    dilemma, key = Commons(apples=5, horizon=30), torch.arange(3)
    state, _ = dilemma.reset(key, traits={"regrowth": torch.tensor([0.0, 0.1, 1.0])})
    for _ in range(3):
        state, _, _ = dilemma.step(key, state, torch.zeros(3, 2, dtype=torch.int64))
    assert state.scene.apples[0] == 5
    assert state.scene.apples[2] > 7
    after, _ = dilemma.reset(key, state, torch.tensor([False, True, False]))
    assert (int(after.scene.apples[1]), int(after.t[1]), int(after.episode[1])) == (5, 0, 1)
    assert same(tree.take(after, torch.tensor([0, 2])), tree.take(state, torch.tensor([0, 2])))


def test_audit_over_100_000_random_steps():
    plans = (*EXAMPLES, Commons(gatherers=3, regrowth=0.02, horizon=20), Commons(gatherers=5, way=4, apples=2))
    started = 0
    for number, dilemma in enumerate(plans):
        key = torch.arange(512) + 1000 * number
        state, _ = dilemma.reset(key)
        for step in range(55):
            actions = random_actions(key, step, dilemma.gatherers)
            after, _, outcome = dilemma.step(key, state, actions)
            ledger = dilemma.ledger(state, actions, after, outcome)
            assert all(bool(holds.all()) for holds in dilemma.audit(after).values())
            assert bool((ledger.cost >= 0).all() & (ledger.welfare == outcome.reward).all())
            assert not any(bool(part[outcome.started].any()) for part in ledger)
            started += int(outcome.started.sum())
            state = after
    assert started > 512


@pytest.mark.parametrize(
    ("fields", "text"),
    [({"gatherers": 1}, "whole number"), ({"gatherers": 6}, "whole number"), ({"rows": 1}, "rows"),
     ({"way": 0}, "way"), ({"regrowth": 1.5}, "between 0 and 1"), ({"regrowth": 0.0}, "R > P fails"),
     ({"horizon": 2}, "horizon"), ({"apples": 11}, "apples"), ({"horizon": 501}, "horizon"),
     ({"orchard_columns": 9}, "45 spots"), ({"patience": 0}, "patience"), ({"regrowth": float("nan")}, "regrowth"),
     ({"regrowth": 0.4}, "would pay one to leave apples"), ({"apples": 2.0}, "whole number")],
)  # fmt: skip
def test_misfits_are_refused(fields, text):
    with pytest.raises(ConfigError, match=text):
        Commons(**fields)


def test_picture_and_advice_for_no_goal():
    dilemma, key = Commons(), torch.arange(2)
    state, _ = dilemma.reset(key)
    seen = dilemma.picture(state, 1)
    assert sum(mark.glyph == "a" for mark in seen.ground) == 10
    assert seen.text == "step 0: apples left 10"
    assert [mark.cell for mark in seen.marks] == [(0, 0), (0, 1)]
    with pytest.raises(UnknownName, match="selfish"):
        dilemma.advise(state, "greedy")
