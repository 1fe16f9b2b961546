"""Learners with social preferences: the utility by hand, individuals on their own, and what they come to do.

The utility is computed from the formulas for hand-picked numbers; what is learned, over several seeds of the trust
game.
"""

import math

import pytest
import torch

from bisnn import tree
from bisnn.agents.base import Obs, Outcome
from bisnn.agents.dilemmas.omission import Omission
from bisnn.agents.dilemmas.trust import Trust
from bisnn.agents.expression import Expression
from bisnn.agents.social_preferences import SocialQ
from bisnn.agents.society import Informed, Society
from bisnn.errors import ConfigError, UnknownName

CLEAR = Expression(cells=2, jitter=0.0, flips=0.0, amplitude=0.0)
TRUST = Trust(rounds=2, levels=3, endowment=1.0, expression=CLEAR)
EPISODES, SEEDS = 120, 6
ARMS = {"self": {}, "equal": {"angle": 45.0}, "other": {"angle": 75.0}, "guilt": {"guilt": 1.0}}


def outcome(reward, started=False):
    no = torch.zeros_like(reward, dtype=torch.bool)
    return Outcome(reward, no, no, no | started, {})


def utilities(agent, rewards, me):
    """The utilities of learner `me` over steps with the rewards [steps][agents]."""
    state, found = agent.init(torch.arange(1)), []
    for step in rewards:
        row = torch.tensor([step])
        state = agent.learn_of_all(state, outcome(row[:, me]), row, torch.tensor([me]))
        found.append(float(state.reward))
    return found


@pytest.mark.parametrize("angle", [0.0, 30.0, 45.0, 90.0, -45.0, 180.0])
def test_value_orientation_weighs_own_and_others(angle):
    agent = SocialQ(agents=3, angle=angle)
    own, others = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    assert utilities(agent, [[2.0, 4.0, -1.0], [0.0, 0.0, 3.0]], 1) == pytest.approx(
        [4 * own + 0.5 * others, 1.5 * others], abs=1e-6
    )


def test_inequity_is_felt_on_smoothed_rewards():
    agent = SocialQ(agents=3, envy=2.0, guilt=0.5, gamma=0.8, fading=0.5)
    first = 1 - 2.0 * (3 - 1) / 2 - 0.5 * (1 - 0) / 2
    smooth = [0.4 * 1 + 0, 0.4 * 3 + 0, 0.4 * 0 + 5]
    second = 0 - 2.0 * (smooth[1] - smooth[0] + smooth[2] - smooth[0]) / 2
    assert utilities(agent, [[1.0, 3.0, 0.0], [0.0, 0.0, 5.0]], 0) == pytest.approx([first, second])


def test_smoothed_rewards_end_with_the_episode():
    agent = SocialQ(agents=2, guilt=1.0)
    state = agent.init(torch.arange(1))
    nothing = Obs(torch.zeros(1, dtype=torch.int64), torch.zeros(1, 2))
    for started in (False, True):
        _, state = agent.act(state, nothing)
        rewards = torch.tensor([[4.0 * (not started), 0.0]])
        state = agent.learn_of_all(state, outcome(rewards[:, 0], started), rewards, torch.tensor([0]))
    assert state.smooth.any()
    _, state = agent.act(state, nothing)
    assert not state.smooth.any()


def test_who_is_told_its_own_reward_alone_compares_with_nobody():
    agent = SocialQ(envy=3.0, guilt=3.0, angle=60.0)
    assert isinstance(agent, Informed)
    state = agent.learn(agent.init(torch.arange(2)), outcome(torch.tensor([2.0, -1.0])))
    assert state.reward.tolist() == pytest.approx([1.0, -0.5])


def test_the_state_is_place_faces_and_chosen_entries_of_the_view():
    dilemma = Omission(expression=CLEAR)
    agent = SocialQ.suited(dilemma, view=(1, 3), bins=4)
    assert (agent.places, agent.actions, agent.faces, agent.agents) == (12, 4, 2, 1)
    assert agent.states == 12 * 4 * 16
    pain, calm = [1.0, 0.0], [0.0, 1.0]
    obs = Obs(
        torch.tensor([11, 3]),
        torch.tensor([[*pain, *calm], [*calm, *pain]]),
        torch.tensor([[0.0, -1.0, 0.0, 1.0, 0.0], [0.0, 0.1, 0.0, -0.1, 0.0]]),
    )
    assert agent.situation(obs).tolist() == [(11 * 4 + 2) * 16 + 0 * 4 + 3, (3 * 4 + 1) * 16 + 2 * 4 + 1]


@pytest.mark.parametrize(
    "changes", [{"rate": 2.0}, {"angle": 200.0}, {"envy": -1.0}, {"fading": 1.5}, {"actions": 0}, {"episodes": 0}]
)
def test_fields_out_of_range_are_refused(changes):
    with pytest.raises(ConfigError, match=next(iter(changes))):
        SocialQ(**changes)
    with pytest.raises(UnknownName, match="trait"):
        SocialQ().init(torch.arange(1), traits={"kindness": torch.zeros(1)})


def lived(key, traits, episodes=EPISODES):
    """Per world, over the last fifth: part sent, part of it returned, rewards; and the learners at the end."""
    agent = SocialQ.suited(TRUST, faces=0, rate=0.3, episodes=EPISODES)
    society = Society(TRUST, (agent, agent))
    both = {name: value.repeat_interleave(2) for name, value in traits.items()}
    life = society.begin(key, minds=(agent.init(society.keys(key, 0), traits=both),))
    sent, back, rewards, late = 0, 0, 0, int(EPISODES * 0.8)
    for episode in range(episodes):
        for _ in range(TRUST.horizon + 1):
            life, happened = society.turn(life)
            if episode >= late:
                sent = sent + happened.outcome.info["invested"]
                back = back + happened.outcome.info["returned"]
                rewards = rewards + happened.outcome.reward
    count = EPISODES - late
    return sent / (count * TRUST.rounds), back / (3 * sent + 1e-9), rewards / count, life.minds[0]


def arms(key):
    """The key and the traits of every arm x seed."""
    named = {
        name: torch.tensor([arm.get(name, 0.0) for arm in ARMS.values()]).repeat_interleave(len(key))
        for name in ("angle", "guilt")
    }
    return key.repeat(len(ARMS)), named


def test_social_preferences_change_what_is_learned():
    """Investor and trustee of one kind: 6 seeds for each of 4 arms, the individualist as control."""
    sent, back, rewards, _ = lived(*arms(torch.arange(SEEDS)))
    sent, back = (dict(zip(ARMS, part.split(SEEDS), strict=True)) for part in (sent, back))
    worst = dict(zip(ARMS, rewards.amin(-1).split(SEEDS), strict=True))
    assert sent["self"].max() < 0.1, "the equilibrium of selfish play: no trust"
    assert sent["equal"].min() > 0.3
    assert sent["equal"].mean() > 0.6, "who weighs the other as itself sends, for it grows"
    assert sent["other"].min() > 0.9
    assert back["other"].min() > 0.9, "who lives for the other returns all"
    assert sent["guilt"].min() > 0.4
    assert back["guilt"].min() > 0.3, "who is averse to having more returns a part"
    assert worst["guilt"].min() > worst["self"].max() + 1, "and the worse-off gains by it"


def test_a_learner_alone_is_the_learner_in_a_batch():
    key, traits = arms(torch.tensor([3, 8]))
    *_, together = lived(key, traits, episodes=4)
    for k in (0, 5):
        one = torch.tensor([k])
        *_, alone = lived(key[one], {name: value[one] for name, value in traits.items()}, episodes=4)
        pairs = zip(tree.leaves(tree.take(together, torch.tensor([2 * k, 2 * k + 1]))), tree.leaves(alone), strict=True)
        assert all(torch.equal(mine, other) for (_, mine), (_, other) in pairs)
