"""The rescue among bystanders: its certificate by hand, who relieves and who pays, what is seen, and that beside one
who never helps it is the rescue itself, bit for bit."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bisnn import rng
from bisnn.agents import kinds
from bisnn.agents.altruist import Altruist
from bisnn.agents.base import REACH
from bisnn.agents.company import Company
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.dilemmas.rescue_bystander import EXAMPLES, RescueBystander
from bisnn.agents.loop import begin, rows, turn
from bisnn.agents.society import Advised, Society
from bisnn.errors import ConfigError

UP, DOWN, RIGHT, LEFT = range(4)
EARLY = RescueBystander(openings=("R",))
"""The victim is hurt in the first step."""


def played(dilemma, *goals, worlds=4):
    """Returns `[worlds, agent]` of one episode, and its acts of help `[worlds, agent]`."""
    society = Society(dilemma, tuple(Advised(goal) for goal in goals))
    life = society.begin(torch.arange(worlds))
    reward, helped = torch.zeros(worlds, len(goals)), torch.zeros(worlds, len(goals), dtype=torch.bool)
    live = torch.ones(worlds, dtype=torch.bool)
    while bool(live.any()):
        life, happened = society.turn(life)
        reward += happened.outcome.reward * live[:, None]
        helped |= happened.outcome.info["helped_now"] & live[:, None]
        live = live & ~(happened.outcome.terminated | happened.outcome.truncated)
    return reward, helped


def walk(dilemma, *ways, key=None):
    """States and outcomes of one world in which helper k takes the steps `ways[k]`."""
    key = torch.zeros(1, dtype=torch.int64) if key is None else key
    state, _ = dilemma.reset(key)
    seen = []
    for actions in zip(*ways, strict=True):
        before = state
        acts = torch.tensor([actions]).expand(len(key), -1)
        state, obs, outcome = dilemma.step(key, state, acts)
        seen.append((before, acts, state, obs, outcome))
    return seen


def test_both_ways_of_the_default_are_mirror_images_with_the_certificate_of_the_rescue():
    """Rescue: 6 steps to the goal earn 10 - 5 = 5; 4 to the switch and 6 to the goal 10 - 9 = 1."""
    payoff, alone = RescueBystander().payoff(), Rescue().payoff()
    assert (payoff.selfish, payoff.altruistic, payoff.cost_of_helping) == (5.0, 1.0, 4.0)
    assert (payoff.selfish, payoff.altruistic, payoff.benefit) == (alone.selfish, alone.altruistic, alone.benefit)
    assert payoff.fair == 1.0
    assert played(EARLY, "selfish", "selfish")[0].tolist() == [[5.0, 5.0]] * 4
    assert played(EARLY, "fair", "fair")[0].tolist() == [[1.0, 5.0]] * 4
    both, helped = played(EARLY, "altruistic", "altruistic")
    assert both.tolist() == [[1.0, 1.0]] * 4, "they arrive together, and each has paid"
    assert bool(helped.all())


@pytest.mark.parametrize("count", [2, 3, 4])
def test_whoever_helps_relieves_for_all_and_the_others_lose_nothing(count):
    for volunteer in range(count):
        goals = ["altruistic" if k == volunteer else "selfish" for k in range(count)]
        reward, helped = played(dataclasses.replace(EARLY, helpers=count), *goals)
        assert reward[0].tolist() == [1.0 if k == volunteer else 5.0 for k in range(count)]
        assert helped[0].tolist() == [k == volunteer for k in range(count)]


def test_a_shared_benefit_makes_it_a_volunteers_dilemma():
    """U = 6 > K = 4: T = 11 > R = S = 7 > P = 5, and one in three volunteers: 1 - 4 / 6."""
    dilemma = dataclasses.replace(EARLY, shared_benefit=6.0)
    payoff = dilemma.payoff()
    assert payoff.kind == "volunteer's dilemma"
    assert all(kinds.conditions(payoff).values())
    assert [payoff.game[name] for name in "TRSP"] == [11.0, 7.0, 7.0, 5.0]
    assert payoff.game["volunteers"] == pytest.approx(1 / 3)
    assert played(dilemma, "selfish", "altruistic")[0][0].tolist() == [11.0, 7.0]
    assert played(dilemma, "altruistic", "altruistic")[0][0].tolist() == [7.0, 7.0]
    assert played(dilemma, "selfish", "selfish")[0][0].tolist() == [5.0, 5.0]
    more = dataclasses.replace(dilemma, helpers=4).payoff().game
    assert more["volunteers"] < payoff.game["volunteers"]
    assert more["anybody"] < payoff.game["anybody"], "the more can help, the less likely anybody does"
    with pytest.raises(ConfigError, match="shared_benefit = 3 is not above what help costs"):
        RescueBystander(shared_benefit=3.0)


def test_in_the_mixed_equilibrium_nobody_gains_by_volunteering_more_or_less():
    """U - K of a volunteer = U (1 - (1 - p)^(N - 1)) of one who leaves it to the others."""
    for players in (2, 3, 5):
        p, anybody = kinds.volunteering(3.0, 9.0, players)
        assert 9.0 * (1 - (1 - p) ** (players - 1)) == pytest.approx(9.0 - 3.0)
        assert anybody == pytest.approx(1 - (1 - p) ** players)
    for wrong in ((3.0, 2.0, 2), (0.0, 2.0, 2), (1.0, 2.0, 1)):
        with pytest.raises(ConfigError, match="volunteer's dilemma has 2 or more players"):
            kinds.volunteering(*wrong)


def test_the_fair_volunteer_is_the_one_for_whom_it_is_cheapest():
    unequal = dataclasses.replace(EARLY, toll=1.5)
    assert played(unequal, "fair", "fair")[0][0].tolist() == [-0.5, 5.0], "the toll is everybody's"
    near = dataclasses.replace(EARLY, starts=((10, 0), (10, 2)), goals=((6, 2), (6, 2)))
    reward, helped = played(near, "fair", "fair")
    assert helped[0].tolist() == [False, True]
    assert float(reward.amin(-1)[0]) == near.payoff().fair
    key = torch.zeros(2, dtype=torch.int64)
    state, _ = EARLY.reset(key, traits={"toll_others": torch.tensor([0.0, 2.0])})
    assert EARLY.advise(state, "fair").tolist()[0] == EARLY.advise(state, "fair").tolist()[1]
    first = dataclasses.replace(EARLY, toll_others=-0.0, starts=((6, 4), (10, 0)), goals=((8, 0), (6, 2)))
    assert played(first, "fair", "fair")[1][0].tolist() == [True, False], "of equals the first"


def test_those_who_help_in_one_step_share_the_act_and_each_pays_its_toll():
    dilemma = dataclasses.replace(EARLY, toll=1.0, toll_others=0.5, shared_benefit=8.0)
    steps = walk(dilemma, [DOWN + REACH] * 4, [RIGHT + REACH] * 4)
    before, actions, after, _, outcome = steps[-1]
    assert outcome.info["helped_now"].tolist() == [[True, True]]
    assert outcome.info["paid"].tolist() == [[1.0, 1.5]]
    assert outcome.reward.tolist() == [[8.0 - 1.0 - 1.0, 8.0 - 1.0 - 1.5]]
    ledger = dilemma.ledger(before, actions, after, outcome)
    assert ledger.need.tolist() == [[True, True]]
    assert ledger.help.tolist() == [[[4.0, 4.0, 48.0], [4.0, 4.0, 48.0]]]
    assert ledger.cost.tolist() == [[1.0, 1.5]]
    assert ledger.welfare.tolist() == [[6.0, 5.5, 0.0]]


def test_a_helper_at_its_goal_is_out_and_still_sees_the_face():
    home = [LEFT] * 4 + [DOWN] * 2
    steps = walk(EARLY, [*home, DOWN + REACH, RIGHT + REACH], [UP] * 8)
    rewards = [outcome.reward[0, 0].item() for *_, outcome in steps]
    assert rewards == [-1.0] * 5 + [10.0, 0.0, 0.0]
    _, _, state, obs, outcome = steps[-1]
    assert state.scene.home.tolist() == [[True, False]]
    assert not bool(outcome.terminated), "the other is still on its way"
    assert obs.place[0, 0] == EARLY.places - 15, "it stands at its goal"
    face = obs.expression[0]
    assert torch.equal(face[0], face[1])
    assert float(face[0, :20].sum()) > float(face[0, 20:].sum()), "and sees the pain"
    need = EARLY.ledger(*steps[-1][:3], steps[-1][4]).need
    assert need.tolist() == [[False, True]], "but can no longer help"


def test_each_sees_where_the_others_are_if_it_sees_them():
    trio = RescueBystander(helpers=3, visible_others=1.0)
    _, obs = trio.reset(torch.arange(2))
    corner, mirror = [1.0, 1.0, -1.0, 0.0], [1.0, -1.0, 1.0, 0.0]
    assert obs.view[0].tolist() == [mirror + corner, corner + corner, corner + mirror]
    assert trio.senses.features[0] == "helper 1 on: is seen"
    key = torch.arange(2000)
    _, obs = trio.reset(key, traits={"visible_others": torch.full((2000,), 0.3)})
    seen = obs.view.unflatten(-1, (2, 4))
    assert bool((seen[..., 0, 0] == seen[..., 1, 0]).all())
    assert bool((seen[seen[..., 0] == 0] == 0).all())
    assert float(seen[..., 0].mean()) == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 6000))
    same = (seen[:, 0, 0, 0] == seen[:, 1, 0, 0]).double().mean()
    assert float(same) == pytest.approx(0.58, abs=0.05), "each by itself: .3^2 + .7^2"


def test_beside_one_who_never_helps_an_altruist_lives_as_in_the_rescue():
    agent, key = Altruist(episodes=6), torch.arange(3)
    worlds = (Rescue(), Company(RescueBystander(), (Advised("selfish"),)))
    lives = [begin(world, key, agent.init(key)) for world in worlds]
    ended = 0
    for _ in range(60):
        steps = []
        for i, world in enumerate(worlds):
            lives[i], step = turn(agent, world, lives[i])
            steps.append(step)
        one, other = steps
        assert torch.equal(one.actions, other.actions)
        assert torch.equal(one.outcome.reward, other.outcome.reward)
        assert all(torch.equal(a, b) for a, b in zip(rows(one).values(), rows(other).values(), strict=True))
        ended += len(rows(one)["index"])
    assert ended > 0


def test_the_facts_tell_the_first_helpers_relief_from_anybodys():
    helping = Company(EARLY, (Advised("altruistic"),))
    key = torch.arange(2)
    state, _ = helping.reset(key)
    for _ in range(4):
        state, _, outcome = helping.step(key, state, torch.full((2, 1), UP))
    assert outcome.info["relieved_now"].tolist() == [True, True]
    assert outcome.info["helped_now"].tolist() == [[False, True]] * 2
    assert outcome.info["helped"].tolist() == [[False, True]] * 2
    assert outcome.info["at_switch"].tolist() == [False, False]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"helpers": 1}, "one alone is the rescue itself"),
        ({"helpers": 5}, "there are 2 to 4"),
        ({"helpers": 3, "starts": ((10, 0), (6, 4))}, "starts has 2 cells for 3 helpers"),
        ({"goals": ((6, 2), (6, 4))}, "both at"),
        ({"goals": ((6, 2), (10, 3))}, "costs helper_1"),
        ({"horizon": 3}, "raise horizon"),
        ({"step_cost": 0.0}, "set a toll"),
        ({"visible_others": 1.5}, "visible_others"),
        ({"pain_intensity": 0.0}, "pain_intensity above 0"),
        ({"goal_reward": -1.0}, "goal_reward"),
    ],
)
def test_what_is_no_dilemma_is_refused_with_the_remedy(wrong, said):
    with pytest.raises(ConfigError, match=said):
        RescueBystander(**wrong)


@settings(max_examples=12, deadline=None)
@given(
    helpers=st.integers(2, 4), seeing=st.floats(0, 1), observed=st.floats(0, 1), toll=st.floats(0, 5),
    more=st.floats(0, 5), shared=st.sampled_from((0.0, 20.0)), horizon=st.integers(12, 40), seed=st.integers(0, 2**30),
)  # fmt: skip
def test_random_lives_in_random_worlds_stay_consistent(helpers, seeing, observed, toll, more, shared, horizon, seed):
    dilemma = RescueBystander(
        helpers=helpers, visible_others=seeing, observability=observed, toll=toll, toll_others=more,
        shared_benefit=shared, horizon=horizon,
    )  # fmt: skip
    key = torch.arange(seed, seed + 64)
    state, _ = dilemma.reset(key)
    for step in range(60):
        actions = (rng.uniform(key, "test/action", step, helpers) * 8).long()
        before = state
        state, _, outcome = dilemma.step(key, state, actions)
        assert all(bool(holds.all()) for holds in dilemma.audit(state).values()), dilemma.audit(state)
        ledger = dilemma.ledger(before, actions, state, outcome)
        assert torch.equal(ledger.welfare[:, :helpers], outcome.reward)
        assert bool((ledger.help.sum(1)[:, -1] == (horizon - state.t) * outcome.info["relieved_now"]).all())
        assert all(holds for holds in kinds.conditions(dilemma.payoff()).values())


def test_the_examples_differ_by_kind():
    assert {one.payoff().kind for one in EXAMPLES} == {"altruism", "volunteer's dilemma"}
    assert "V" in {mark.glyph for mark in EARLY.picture(walk(EARLY, [UP], [UP])[-1][2]).marks}
