"""The clean-up: certificate by hand and played out, rules, ledger, bits, audit."""

import itertools

import pytest
import torch

from bisnn import rng, tree
from bisnn.agents.base import Dilemma
from bisnn.agents.dilemmas import clean_up_facts as facts
from bisnn.agents.dilemmas import clean_up_optima as optima
from bisnn.agents.dilemmas.clean_up import EXAMPLES, CleanUp
from bisnn.agents.expression import shows_pain
from bisnn.agents.kinds import conditions
from bisnn.errors import ConfigError, UnknownName

UP, DOWN, RIGHT, LEFT, EAT, CLEAN = range(6)
TINY = CleanUp(rows=2, orchard_columns=1, way=1, horizon=4, levels=2, growth=1.0, cleaning_cost=0.25)


def same(one, other):
    left, right = dict(tree.flatten(one)), dict(tree.flatten(other))
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def random_actions(key, step, agents):
    """Random; one half of the worlds lean to the river and to cleaning, the other to the orchard and to eating."""
    drawn = (rng.uniform(key, "test/action", step, agents) * 10).long()
    river = (key % 2 == 0)[..., None]
    leaning = torch.where(drawn % 2 == 0, torch.where(river, LEFT, RIGHT), torch.where(river, CLEAN, EAT))
    return torch.where(drawn > 5, leaning, drawn)


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


def test_a_tiny_clean_up_by_hand():
    payoff, found = TINY.payoff(), optima.solve(facts.plan_of(TINY))
    # apples eaten by the one beside a cleaner: 1, 1, and .5 * .75 + .5 in the last step
    assert (found.cleaners, found.until) == (1, 3)
    assert payoff.game == pytest.approx({"T": (1 + 2.875) / 2, "R": (2.875 - 0.5) / 2, "P": 1.0, "S": 0.25}, abs=1e-12)
    assert (payoff.altruistic, payoff.benefit) == pytest.approx((-0.5, 1.875), abs=1e-12)
    assert found.alone == pytest.approx(1.0)
    assert payoff.bound >= 0


def test_chances_are_distributions():
    for dilemma in (*EXAMPLES, CleanUp(inflow=1.75, gatherers=3)):
        by = optima.chances(facts.plan_of(dilemma))
        assert torch.allclose(by.grow.sum(-1), torch.ones_like(by.grow[..., 0]))
        assert torch.allclose(by.foul.sum(-1), torch.ones_like(by.foul[..., 0]))
        assert torch.equal(by.grow[-1], torch.eye(dilemma.spots + 1, dtype=torch.float64)), "nothing grows"


RANGE = list(itertools.product((2, 3, 5), (5, 10), (0.03, 0.2, 1.0), (0.5, 1.0, 1.5), (0, 5), (0.0, 0.25), (12, 40)))


def test_certificate_over_a_range_and_what_is_refused():
    made, refused = 0, 0
    for gatherers, levels, growth, inflow, pollution, cost, horizon in RANGE[::5]:
        try:
            payoff = CleanUp(
                gatherers=gatherers, levels=levels, growth=growth, inflow=inflow, pollution=pollution,
                cleaning_cost=cost, horizon=horizon,
            ).payoff()  # fmt: skip
        except ConfigError:
            refused += 1
            continue
        made += 1
        assert all(conditions(payoff).values())
        assert payoff.selfish - payoff.altruistic == payoff.cost_of_helping
        assert (payoff.selfish, payoff.fair) == (payoff.game["P"], payoff.game["R"])
        assert payoff.bound >= 0
    assert made > 15
    assert refused > 10


def test_more_gatherers_are_nearer_to_the_bound_and_it_is_small_at_the_defaults():
    for gatherers in (2, 3, 4, 5):
        payoff = CleanUp(gatherers=gatherers).payoff()
        assert all(conditions(payoff).values())
        assert payoff.bound < 0.25 * payoff.game["R"]
    assert CleanUp().payoff().bound < 0.06 * CleanUp().payoff().game["R"]


PLAYED = (CleanUp(), CleanUp(gatherers=3, inflow=1.5, pollution=2, horizon=40), EXAMPLES[1], TINY)


@pytest.mark.parametrize("dilemma", PLAYED)
def test_advice_earns_what_the_certificate_says(dilemma):
    key, n, payoff = torch.arange(1500), dilemma.gatherers, dilemma.payoff()
    crowd = ["selfish"] * (n - 1)
    mixed = [
        (advised(dilemma, *["fair"] * n), [payoff.fair] * n),
        (advised(dilemma, "selfish", *crowd), [payoff.selfish] * n),
        (advised(dilemma, "selfish", *["fair"] * (n - 1)), [payoff.game["T"]]),
        (advised(dilemma, "fair", *crowd), [payoff.game["S"]]),
        (
            advised(dilemma, "altruistic", *crowd),
            [payoff.altruistic] + [payoff.selfish + payoff.benefit / (n - 1)] * (n - 1),
        ),
    ]
    for choose, expected in mixed:
        mean, error = returns(dilemma, key, choose)
        for agent, value in enumerate(expected):
            assert abs(mean[agent] - value) <= 4.5 * error[agent] + 2e-3


def test_no_random_mixture_of_goals_beats_the_bound():
    dilemma, key = CleanUp(gatherers=3), torch.arange(200)
    payoff = dilemma.payoff()
    for goals in itertools.combinations_with_replacement(("selfish", "altruistic", "fair"), 3):
        mean, error = returns(dilemma, key, advised(dilemma, *goals))
        assert float(mean.mean() - 4 * error.mean()) <= payoff.fair + payoff.bound


def test_rules_by_hand():
    dilemma, key = CleanUp(gatherers=3, pollution=4), torch.arange(32)
    state, obs = dilemma.reset(key)
    assert bool((obs.place == torch.tensor([5, 6, 7])).all()), "the start is the second of three columns between"
    script = torch.tensor([[LEFT, LEFT, RIGHT], [LEFT, LEFT, RIGHT]])
    for actions in script:
        state, obs, outcome = dilemma.step(key, state, actions.expand(32, 3))
        assert not bool(outcome.reward.any())
    assert bool((state.scene.pollution == 6).all())
    river = 5 * 3
    assert bool((obs.place[:, :2] == river + 6).all() & (obs.place[:, 2] == river + 11 + 10).all())
    state, obs, outcome = dilemma.step(key, state, torch.tensor([[CLEAN, CLEAN, EAT]]).expand(32, 3))
    assert bool((state.scene.pollution == 5).all()), "two levels out, one in"
    assert bool((outcome.reward == torch.tensor([0.0, 0.0, 1.0])).all())
    assert bool((obs.view[:, 2, -2:] == 1).all() & (obs.view[:, 0, -4:] == torch.tensor([0.0, 1.0, 1.0, 0.0])).all())
    state, _, outcome = dilemma.step(key, state, torch.tensor([[EAT, UP, CLEAN]]).expand(32, 3))
    assert not bool(outcome.reward.any() | outcome.info["cleaned"].any()), "to eat at the river is to do nothing"
    full = state._replace(scene=state.scene._replace(pollution=torch.full((32,), 10), apples=torch.zeros(32).long()))
    for _ in range(3):
        full, _, _ = dilemma.step(key, full, torch.full((32, 3), UP))
        assert bool((full.scene.pollution == 10).all() & (full.scene.apples == 0).all())
    clean = state._replace(scene=state.scene._replace(pollution=torch.zeros(32).long()))
    _, _, outcome = dilemma.step(key, clean, torch.full((32, 3), CLEAN))
    assert not bool(outcome.info["cleaned"].any()), "there is nothing to clean"


def test_inflow_cost_and_growth_follow_their_traits():
    dilemma, key = CleanUp(), torch.arange(6000)
    thirds = key % 3
    traits = {
        "inflow": torch.tensor([0.0, 0.25, 1.5])[thirds],
        "growth": torch.tensor([0.0, 0.5, 0.5])[thirds],
        "cleaning_cost": torch.tensor([0.0, 1.0, 2.0])[thirds],
    }
    state, _ = dilemma.reset(key, traits=traits)
    scene = state.scene._replace(
        pollution=torch.full((6000,), 5), apples=torch.zeros(6000).long(), cell=torch.zeros(6000, 2).long()
    )
    state, _, outcome = dilemma.step(key, state._replace(scene=scene), torch.full((6000, 2), CLEAN))
    found = torch.stack([state.scene.pollution[thirds == i].double().mean() for i in range(3)])
    assert torch.allclose(found, torch.tensor([3.0, 3.25, 4.5], dtype=torch.float64), atol=0.04)
    apples = torch.stack([state.scene.apples[thirds == i].double().mean() for i in range(3)])
    assert torch.allclose(apples, torch.tensor([0.0, 3.375, 2.75], dtype=torch.float64), atol=0.15)
    assert outcome.reward[:3].tolist() == [[0.0, 0.0], [-1.0, -1.0], [-2.0, -2.0]]


def test_ledger_of_those_who_clean():
    dilemma, key = CleanUp(gatherers=3, cleaning_cost=0.25), torch.zeros(1, dtype=torch.int64)
    state, _ = dilemma.reset(key)
    cells = torch.tensor([[0, 6, 5]])  # two in the river, one in the orchard
    scene = state.scene._replace(cell=cells, pollution=torch.tensor([4]), waited=torch.tensor([[9, 0, 0]]))
    before = state._replace(scene=scene, t=torch.tensor([9]))
    actions = torch.tensor([[CLEAN, CLEAN, EAT]])
    after, _, outcome = dilemma.step(key, before, actions)
    found = dilemma.ledger(before, actions, after, outcome)
    future = optima.solve(facts.plan_of(dilemma)).future[9]
    each = float(future[2, 9] - future[4, 9]) / 2
    assert each > 0
    assert found.help[0].tolist() == [
        pytest.approx(row, abs=1e-5) for row in ([0, each, each], [each, 0, each], [0, 0, 0])
    ]
    assert found.cost.tolist() == [[1.25, 1.25, 0.0]], "the cost, and an apple that was left over"
    assert found.need.tolist() == [[False, True, True]], "the first is in distress"
    assert found.welfare.tolist() == [[-0.25, -0.25, 1.0]]
    idle = before._replace(scene=scene._replace(pollution=torch.tensor([0])))
    after, _, outcome = dilemma.step(key, idle, actions)
    found = dilemma.ledger(idle, actions, after, outcome)
    assert not bool(found.help.any() | found.cost.any() | found.need.any())


@pytest.mark.parametrize("dilemma", EXAMPLES)
def test_distress_shows_on_the_faces_of_who_goes_without(dilemma):
    key = torch.arange(8)
    state, obs = dilemma.reset(key)
    n, cells = dilemma.gatherers, dilemma.expression.cells
    assert isinstance(dilemma, Dilemma)
    assert obs.expression.shape == (8, n, (n - 1) * cells)
    assert obs.view.shape == (8, n, len(dilemma.senses.features))
    for _ in range(dilemma.patience * 2):
        actions = dilemma.advise(state, "altruistic")
        actions[:, 0] = dilemma.advise(state, "selfish")[:, 0]
        state, obs, _ = dilemma.step(key, state, actions)
        assert bool((obs.view.abs() <= 1).all() & (obs.place < dilemma.senses.places).all() & (obs.place >= 0).all())
        state = state._replace(scene=state.scene._replace(apples=torch.full((8,), 4)))
    pain = shows_pain(obs.expression.unflatten(-1, (-1, cells)))
    assert bool(pain[:, 0].all()), "who cleans goes without"
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


def test_partial_reset_and_turns():
    dilemma, key = CleanUp(), torch.arange(3)
    state, _ = dilemma.reset(key)
    for _ in range(5):
        state, _, _ = dilemma.step(key, state, dilemma.advise(state, "fair"))
    after, _ = dilemma.reset(key, state, torch.tensor([False, True, False]))
    assert (int(after.scene.pollution[1]), int(after.t[1]), int(after.episode[1])) == (0, 0, 1)
    assert same(tree.take(after, torch.tensor([0, 2])), tree.take(state, torch.tensor([0, 2])))
    first = CleanUp(gatherers=5).opening(torch.arange(5000), torch.tensor(1024), {}).first
    assert bool((torch.bincount(first, minlength=5).double() / 5000 - 0.2).abs().max() < 0.02), "turns are even"


def test_audit_over_100_000_random_steps():
    plans = (*EXAMPLES, CleanUp(gatherers=3, inflow=1.5, horizon=20), CleanUp(gatherers=5, way=4, pollution=2))
    started = cleaned = ate = 0
    for number, dilemma in enumerate(plans):
        key = torch.arange(512) + 1000 * number
        state, _ = dilemma.reset(key)
        for step in range(55):
            actions = random_actions(key, step, dilemma.gatherers)
            after, _, outcome = dilemma.step(key, state, actions)
            ledger = dilemma.ledger(state, actions, after, outcome)
            assert all(bool(holds.all()) for holds in dilemma.audit(after).values())
            assert bool((ledger.cost >= 0).all() & (ledger.help >= 0).all() & (ledger.welfare == outcome.reward).all())
            assert not any(bool(part[outcome.started].any()) for part in ledger)
            started += int(outcome.started.sum())
            cleaned += int(outcome.info["cleaned"].sum())
            ate += int(outcome.info["ate"].sum())
            state = after
    assert min(started, cleaned, ate) > 512


@pytest.mark.parametrize(
    ("fields", "text"),
    [({"gatherers": 1}, "whole number"), ({"gatherers": 6}, "whole number"), ({"rows": 1}, "rows"),
     ({"way": 0}, "way"), ({"growth": 1.5}, "between 0 and 1"), ({"growth": 0.0}, "R > P fails"),
     ({"horizon": 2}, "horizon"), ({"apples": 11}, "apples"), ({"horizon": 301}, "horizon"), ({"levels": 0}, "levels"),
     ({"pollution": 11}, "pollution"), ({"inflow": 3.0}, "inflow"), ({"cleaning_cost": -1.0}, "cleaning_cost"),
     ({"orchard_columns": 7}, "35 spots"), ({"patience": 0}, "patience"), ({"growth": float("nan")}, "growth"),
     ({"inflow": 0.5}, "to clean for itself"), ({"cleaning_cost": 5.0}, "R > P fails"),
     ({"pollution": 10, "apples": 0, "inflow": 0.5, "growth": 0.1, "horizon": 60}, "T > R fails")],
)  # fmt: skip
def test_misfits_are_refused(fields, text):
    with pytest.raises(ConfigError, match=text):
        CleanUp(**fields)


def test_picture_and_advice_for_no_goal():
    dilemma, key = CleanUp(pollution=3), torch.arange(2)
    state, _ = dilemma.reset(key)
    seen = dilemma.picture(state, 1)
    assert sum(mark.glyph == "a" for mark in seen.ground) == 10
    assert sum(mark.glyph == "%" for mark in seen.ground) == 5
    assert seen.text == "step 0: apples left 10, pollution 3 of 10"
    assert [mark.cell for mark in seen.marks] == [(2, 0), (2, 1)]
    with pytest.raises(UnknownName, match="selfish"):
        dilemma.advise(state, "greedy")
