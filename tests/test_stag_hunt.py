"""The stag hunt: certificate, rules by hand, what to do, ledger, bits, audit."""

import itertools

import pytest
import torch

from bisnn import rng, tree
from bisnn.agents.base import Dilemma
from bisnn.agents.dilemmas import stag_hunt_facts as facts
from bisnn.agents.dilemmas.stag_hunt import EXAMPLES, StagHunt
from bisnn.agents.expression import shows_pain
from bisnn.agents.kinds import conditions
from bisnn.errors import ConfigError, UnknownName

UP, DOWN, RIGHT, LEFT, GRIP = range(5)


def same(one, other):
    left, right = dict(tree.flatten(one)), dict(tree.flatten(other))
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def play(dilemma, key, steps, choose):
    """(state, outcome, ledger) of every step; `choose(state, step)` gives the actions."""
    state, _ = dilemma.reset(key)
    found = []
    for step in range(steps):
        actions = choose(state, step)
        after, _, outcome = dilemma.step(key, state, actions)
        found.append((after, outcome, dilemma.ledger(state, actions, after, outcome)))
        state = after
    return found


def returns(dilemma, goals, worlds=3):
    """Return of each hunter over the first episode, where each plays for a goal of its own."""
    key = torch.arange(worlds)
    plans = list(enumerate(goals))

    def choose(state, step):
        advice = {goal: dilemma.advise(state, goal) for goal in set(goals)}
        return torch.stack([advice[goal][:, i] for i, goal in plans], dim=-1)

    total, over = torch.zeros(worlds, len(goals), dtype=torch.float64), torch.zeros(worlds, dtype=torch.bool)
    for after, outcome, _ in play(dilemma, key, dilemma.horizon, choose):
        total += outcome.reward.double() * ~over[:, None]
        over |= after.over
    assert bool((total == total[0]).all() & over.all())
    return total[0]


def random_actions(key, step, agents):
    return (rng.uniform(key, "test/action", step, agents) * 5).long()


GRID = [
    {"hunters": n, "needed": k, "size": size, "hare_distance": d, "stag": stag, "step_cost": cost}
    for n, k, size, d, stag, cost in itertools.product(
        (2, 3, 4), (None, 2), (5, 7), (1, 2), (3.9, 6.0, 40.0), (0.0625, 0.1, 1.0)
    )
]


def test_certificate_over_a_range_and_what_is_refused():
    made = 0
    for fields in GRID:
        alone = 3.0 - (fields["hare_distance"] + 1) * fields["step_cost"]
        together = fields["stag"] - (fields["size"] - 1) * fields["step_cost"]
        if together <= alone:
            with pytest.raises(ConfigError, match="R > T fails"):
                StagHunt(**fields)
            continue
        payoff = StagHunt(**fields).payoff()
        assert all(conditions(payoff).values())
        assert payoff.selfish - payoff.altruistic == payoff.cost_of_helping
        assert (payoff.game["T"], payoff.game["R"], payoff.bound) == (alone, together, 0.0)
        made += 1
    assert made > 100


def test_certificate_of_the_default_by_hand():
    payoff = StagHunt().payoff()
    assert payoff.game == pytest.approx({"T": 2.7, "R": 5.6, "P": 2.7, "S": -2.0})
    assert (payoff.cost_of_helping, payoff.benefit) == pytest.approx((4.7, 7.6))


@pytest.mark.parametrize("fields", [*GRID[5::24], {}, {"size": 9, "hare_distance": 4}])
def test_advice_earns_what_the_certificate_says(fields):
    try:
        dilemma = StagHunt(**fields)
    except ConfigError:
        return
    n, game = dilemma.hunters, dilemma.payoff().game
    assert returns(dilemma, ["altruistic"] * n).tolist() == pytest.approx([game["R"]] * n, abs=1e-6)
    assert returns(dilemma, ["fair"] * n).tolist() == pytest.approx([dilemma.payoff().fair] * n, abs=1e-6)
    assert returns(dilemma, ["selfish"] * n).tolist() == pytest.approx([game["P"]] * n, abs=1e-6)
    alone = returns(dilemma, ["altruistic"] + ["selfish"] * (n - 1)).tolist()
    assert alone == pytest.approx([game["S"]] + [game["P"]] * (n - 1), abs=1e-6)
    leaving = returns(dilemma, ["selfish"] + ["altruistic"] * (n - 1)).tolist()
    left = game["R"] if n - 1 >= dilemma.enough else game["S"]
    assert leaving == pytest.approx([game["T"]] + [left] * (n - 1), abs=1e-6)
    prudent = returns(dilemma, ["fair"] + ["selfish"] * (n - 1)).tolist()
    assert game["S"] < prudent[0] <= game["P"] + 1e-9


def best_against(dilemma, others):
    """Best return of the first of two hunters against another's advice for `others`: search of all its plans, by
    states reached, over every step of an episode."""
    key = torch.zeros(1, dtype=torch.int64)
    state, _ = dilemma.reset(key)
    reached, best = {None: (0.0, state)}, -float("inf")
    for _ in range(dilemma.horizon):
        following = {}
        for value, here in reached.values():
            advice = dilemma.advise(here, others)
            for action in range(5):
                actions = torch.stack((torch.tensor([action]), advice[:, 1]), dim=-1)
                after, _, outcome = dilemma.step(key, here, actions)
                total = value + float(outcome.reward[0, 0])
                scene = tuple(leaf.flatten().tolist().__str__() for leaf in after.scene)
                if bool(after.over):
                    best = max(best, total)
                elif scene not in following or following[scene][0] < total:
                    following[scene] = (total, after)
        reached = following
    return best


def test_no_plan_at_all_beats_the_certificate():
    dilemma = StagHunt(horizon=8)
    assert best_against(dilemma, "selfish") == pytest.approx(dilemma.payoff().selfish, abs=1e-5)
    assert best_against(dilemma, "altruistic") == pytest.approx(dilemma.payoff().game["R"], abs=1e-5)


def test_rules_by_hand():
    dilemma, key = StagHunt(), torch.zeros(1, dtype=torch.int64)
    state, obs = dilemma.reset(key)
    assert obs.place.tolist() == [[0, 24]]
    script = [(RIGHT, LEFT), (RIGHT, LEFT), (GRIP, UP), (UP, GRIP), (DOWN, UP), (LEFT, GRIP)]
    rewards, held = [], []
    for pair in script:
        state, obs, outcome = dilemma.step(key, state, torch.tensor([pair]))
        rewards.append(outcome.reward[0].tolist())
        held.append(outcome.info["held_in_vain"][0].tolist())
    assert rewards[2] == pytest.approx([2.9, -0.1])  # the first has its hare at (2, 0)
    assert all(mine == [0.0, pytest.approx(-0.1)] for mine in rewards[3:]), "who has prey stands still, free of cost"
    assert obs.place[0].tolist() == [2, 24 - 2 - 10]
    assert held[3] == [False, True], "the other holds the stag in vain, from next to it"
    assert held[5] == [False, True], "and on its cell"
    assert state.scene.hare.tolist() == [[False, True]]
    assert not bool(state.over)


def test_a_shared_hare_and_a_stag_for_enough():
    dilemma = StagHunt(hunters=3, needed=2, horizon=40)
    key = torch.zeros(2, dtype=torch.int64)
    state, _ = dilemma.reset(key)
    cells = torch.tensor([[2, 2, 24], [7, 12, 24]])
    state = state._replace(scene=state.scene._replace(cell=cells))
    state, _, outcome = dilemma.step(key, state, torch.full((2, 3), GRIP))
    assert outcome.reward[0].tolist() == pytest.approx([1.4, 1.4, -0.1])  # two share the hare at (2, 0)
    assert outcome.reward[1].tolist() == pytest.approx([5.9, 5.9, -0.1])  # at the stag and next to it
    assert state.scene.prey.tolist() == [[1, 1, 0], [2, 2, 0]]
    assert state.scene.stag.tolist() == [True, False]
    assert dilemma.advise(state, "altruistic")[1, 2] != GRIP, "the stag is gone: to the hare"


def test_all_done_ends_the_episode_and_a_new_one_starts():
    dilemma, key = StagHunt(), torch.arange(4)
    found = play(dilemma, key, 5, lambda state, step: dilemma.advise(state, "altruistic"))
    assert bool(found[3][1].terminated.all() & ~found[3][1].truncated.any())
    state, outcome, ledger = found[4]
    assert bool(outcome.started.all() & (outcome.reward == 0).all() & (state.episode == 1).all())
    assert all(not bool(part.any()) for part in ledger)
    idle = play(dilemma, key, 20, lambda state, step: torch.zeros(4, 2, dtype=torch.int64))
    assert bool(idle[-1][1].truncated.all())


def test_ledger_of_help_harm_and_cost():
    dilemma, key = StagHunt(hunters=3, needed=2), torch.zeros(1, dtype=torch.int64)
    state, _ = dilemma.reset(key)

    def step(cells, actions, prey=(0, 0, 0)):
        scene = state.scene._replace(cell=torch.tensor([cells]), prey=torch.tensor([prey]))
        before = state._replace(scene=scene)
        after, _, outcome = dilemma.step(key, before, torch.tensor([actions]))
        return dilemma.ledger(before, torch.tensor([actions]), after, outcome)

    pair = step((7, 11, 0), (GRIP, GRIP, UP))
    assert pair.help[0].tolist() == [[0, 6, 0], [6, 0, 0], [0, 0, 0]]
    assert pair.need.tolist() == [[True, True, True]]
    three = step((7, 11, 13), (GRIP, GRIP, GRIP))
    assert not bool(three.help.any()), "one more than needed: nobody's grip was needed"
    alone = step((7, 0, 0), (GRIP, UP, UP))
    assert alone.cost[0].tolist() == pytest.approx([0.1, 0, 0])
    spoil = step((2, 11, 24), (GRIP, UP, UP), prey=(0, 0, 1))
    assert spoil.help[0].tolist() == [[0, -3, 0], [0, 0, 0], [0, 0, 0]]
    enough = step((2, 11, 24), (GRIP, UP, UP))
    assert not bool(enough.help.any()), "two are left, enough for the stag"
    nobody = step((2, 11, 24), (UP, UP, UP), prey=(0, 1, 1))
    assert not bool(nobody.need.any())


@pytest.mark.parametrize("dilemma", EXAMPLES)
def test_distress_shows_on_the_faces_of_who_goes_hungry(dilemma):
    key = torch.arange(16)
    state, obs = dilemma.reset(key)
    agents, cells = len(dilemma.agents), dilemma.expression.cells
    assert isinstance(dilemma, Dilemma)
    assert obs.expression.shape == (16, agents, (agents - 1) * cells)
    assert obs.view.shape == (16, agents, len(dilemma.senses.features))
    assert not bool(shows_pain(obs.expression.unflatten(-1, (-1, cells))).any())
    for _ in range(9):
        advice = dilemma.advise(state, "altruistic")
        advice[:, 0] = dilemma.advise(state, "selfish")[:, 0]
        if dilemma.hunters == 4:
            advice[:, 1] = dilemma.advise(state, "selfish")[:, 1]
        state, obs, _ = dilemma.step(key, state, advice)
        assert bool((obs.view.abs() <= 1).all())
    pain = shows_pain(obs.expression.unflatten(-1, (-1, cells)))
    assert bool(pain[:, 0, -1].all()), "the last waits in vain"
    assert not bool(pain[:, -1, 0].any()), "the first has eaten"


@pytest.mark.parametrize("dilemma", EXAMPLES)
def test_same_bits_alone_reordered_and_in_more_dimensions(dilemma):
    agents = len(dilemma.agents)

    def run(key, steps=40):
        state, obs = dilemma.reset(key)
        found = [(state, obs)]
        for step in range(steps):
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
    dilemma, key = StagHunt(), torch.arange(3)
    state, _ = dilemma.reset(key, traits={"stag": torch.tensor([1.0, 6.0, 9.0])})
    for _ in range(4):
        state, _, outcome = dilemma.step(key, state, dilemma.advise(state, "altruistic"))
    assert outcome.reward[:, 0].tolist() == pytest.approx([0.9, 5.9, 8.9])
    where = torch.tensor([False, True, False])
    after, _ = dilemma.reset(key, state, where)
    assert after.scene.cell.tolist()[1] == [0, 24]
    assert same(tree.take(after, torch.tensor([0, 2])), tree.take(state, torch.tensor([0, 2])))
    with pytest.raises(UnknownName, match="stag"):
        dilemma.reset(key, traits={"stagg": torch.ones(3)})


def test_audit_over_100_000_random_steps():
    plans = (*EXAMPLES, StagHunt(hunters=3, needed=2, horizon=60), StagHunt(hunters=4, horizon=200))
    ended = 0
    for number, dilemma in enumerate(plans):
        key = torch.arange(512) + 1000 * number
        state, _ = dilemma.reset(key)
        for step in range(50):
            actions = random_actions(key, step, dilemma.hunters)
            after, _, outcome = dilemma.step(key, state, actions)
            ledger = dilemma.ledger(state, actions, after, outcome)
            assert all(bool(holds.all()) for holds in dilemma.audit(after).values())
            assert bool((ledger.cost >= 0).all() & (ledger.welfare == outcome.reward).all())
            ended += int(outcome.terminated.sum())
            state = after
    assert ended > 100


@pytest.mark.parametrize(
    "fields",
    [{"hunters": 1}, {"hunters": 5}, {"needed": 1}, {"needed": 3}, {"size": 6}, {"size": 3}, {"hare_distance": 0},
     {"hare_distance": 3}, {"horizon": 3}, {"horizon": 1024}, {"stag": float("nan")}, {"hare": 6.0}, {"hare": -1.0},
     {"hare": 0.0, "step_cost": 0.0}, {"step_cost": 3.0}, {"patience": 0}, {"hunters": 2.0}],
)  # fmt: skip
def test_misfits_are_refused(fields):
    with pytest.raises(ConfigError):
        StagHunt(**fields)


def test_picture_and_advice_for_no_goal():
    dilemma, key = StagHunt(), torch.arange(2)
    state, _ = dilemma.reset(key)
    seen = dilemma.picture(state, 1)
    assert {mark.glyph for mark in (*seen.ground, *seen.marks)} == {"S", "h", "1", "2"}
    assert seen.text == "step 0, prey: 1 none, 2 none"
    assert facts.NONE == 0
    with pytest.raises(UnknownName, match="selfish"):
        dilemma.advise(state, "greedy")
