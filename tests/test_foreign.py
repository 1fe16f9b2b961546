"""A bisnn agent in a published PettingZoo world that is not ours, and a scripted PettingZoo agent in a bisnn dilemma.

Reference: in `classic/rps-v2` whoever foresees the other wins every round, and nobody gains against pure chance.
"""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from bisnn import rng
from bisnn.agents.base import Obs
from bisnn.agents.catalogue import make
from bisnn.agents.foreign import Abroad, Digits, Policy, live
from bisnn.agents.foreign_learner import SpikingLearner, small_rewards
from bisnn.agents.pettingzoo import parallel_env
from bisnn.agents.scripted import RandomAgent
from bisnn.agents.seats import player
from bisnn.agents.society import Society
from bisnn.errors import ConfigError, ShapeMismatch, UnknownName

ROUNDS = 10


def cycle(seen, t):
    """Rock, paper, scissors, and again."""
    return t % 3


class Chance:
    """Rock, paper or scissors by chance: its own stream, not that of the learner."""

    def __init__(self, number):
        self.number, self.step = number, 0

    def __call__(self, seen, t):
        self.step += 1
        return int(rng.uniform(torch.tensor([self.number]), "test/rps", self.step, 1)[0, 0] * 3)


def abroad(count, script):
    pettingzoo = pytest.importorskip("pettingzoo")
    pytest.importorskip("pygame", reason="rock, paper, scissors needs pygame")
    worlds = [pettingzoo.make("parallel", "classic/rps-v2", max_cycles=ROUNDS) for _ in range(count)]
    return Abroad(worlds, "player_0", {"player_1": script})


def learner(world, episodes):
    return SpikingLearner(moral=small_rewards(world.places, world.actions), episodes=episodes)


def test_a_spiking_learner_beats_a_regular_opponent_at_rock_paper_scissors():
    key, episodes = torch.arange(4), 40
    world = abroad(4, cycle)
    assert (world.places, world.actions) == (4, 3)
    returns, _ = live(world, learner(world, episodes), key, episodes)
    late = returns[:, -12:].mean(1)
    by_chance, _ = live(abroad(4, cycle), RandomAgent(actions=3), key, episodes)
    assert bool((late > 0.8 * ROUNDS).all()), late
    assert float(returns[:, :4].mean()) < 0.7 * ROUNDS, "it was not born with it"
    assert abs(float(by_chance.mean())) < 0.15 * ROUNDS


def test_a_life_abroad_repeats_itself_alone_and_in_a_batch():
    key = torch.tensor([3, 5])
    together, _ = live(abroad(2, cycle), learner(abroad(1, cycle), 5), key, 5)
    alone, _ = live(abroad(1, cycle), learner(abroad(1, cycle), 5), key[1:], 5)
    assert torch.equal(together[1:], alone)
    assert not torch.equal(together[0], together[1])


@pytest.mark.slow
def test_nobody_gains_against_chance():
    world = abroad(6, Chance(1))
    returns, _ = live(world, learner(world, 40), torch.arange(6), 40)
    assert abs(float(returns[:, -12:].mean())) < 0.15 * ROUNDS


def test_spaces_are_written_as_numbers():
    for space, count in (
        (spaces.Discrete(5, start=-2), 5),
        (spaces.MultiDiscrete([2, 3, 2]), 12),
        (spaces.MultiDiscrete([2, 2], start=[1, 5]), 4),
        (spaces.Box(-2.0, np.array([0.0, 4.0], np.float32), dtype=np.float32), 9),
    ):
        digits = Digits(space)
        assert digits.count == count
        values = [digits.value(number) for number in range(count)]
        assert all(value in space for value in values)
        assert [digits.number(value) for value in values] == list(range(count))
    box = Digits(spaces.Box(-2.0, 4.0, (2,)), bins=4)
    assert box.features == 2
    assert box.scaled([1.0, -2.0]).tolist() == [0.0, -1.0]
    assert box.number([-2.0, 4.0]) == 3
    assert box.number([1.0, -2.0]) == 8


def test_spaces_that_cannot_be_are_refused():
    for space in (
        spaces.Dict({"a": spaces.Discrete(2)}),
        spaces.Box(-np.inf, np.inf, (2,)),
        spaces.Box(0, 1, (30,)),
    ):
        with pytest.raises(ConfigError):
            Digits(space)
    with pytest.raises(ConfigError, match="2 parts"):
        Digits(spaces.Discrete(2), bins=1)


class Line(gymnasium.Env):
    """A minimal parallel world with boxes: agent `a` is rewarded for going to where the sign points."""

    possible_agents = ("a", "b")

    def reset(self, seed=None, options=None):
        self.agents, self.t = ["a", "b"], 0
        self.sign = (-1.0, 1.0)[seed % 2]
        return {name: np.array([self.sign], np.float32) for name in self.agents}, {}

    def step(self, actions):
        self.t += 1
        gained = float(actions["a"][0] * self.sign)
        done = self.t == 2
        names, self.agents = self.agents, [] if done else self.agents
        seen = {name: np.array([self.sign], np.float32) for name in names}
        return seen, {"a": gained, "b": 0.0}, dict.fromkeys(names, False), dict.fromkeys(names, done), {}

    def observation_space(self, agent):
        return spaces.Box(-1.0, 1.0, (1,))

    def action_space(self, agent):
        return spaces.Box(-1.0, 1.0, (1,))


def test_boxes_are_places_and_views_and_levels():
    world = Abroad([Line(), Line()], "a", {"b": lambda seen, t: seen}, bins=3)
    key = torch.tensor([0, 1])
    state = world.reset(key)
    assert state.obs.place.tolist() == [0, 2]
    assert state.obs.view.tolist() == [[-1.0], [1.0]]
    state, outcome = world.step(key, state, torch.tensor([0, 0]))
    assert outcome.reward.tolist() == [1.0, -1.0]
    state, outcome = world.step(key, state, torch.tensor([2, 1]))
    assert outcome.reward.tolist() == [-1.0, 0.0]
    assert outcome.truncated.tolist() == [True, True]
    assert not outcome.terminated.any()
    state, outcome = world.step(key, state, torch.tensor([2, 1]))
    assert outcome.started.tolist() == [True, True]
    assert outcome.reward.tolist() == [0.0, 0.0]
    assert state.episode.tolist() == [1, 1]
    with pytest.raises(ConfigError, match="there are 3"):
        world.step(key, state, torch.tensor([3, 0]))


def test_worlds_abroad_that_do_not_fit_are_refused():
    with pytest.raises(UnknownName):
        Abroad([Line()], "c", {})
    with pytest.raises(ShapeMismatch, match="no script for b"):
        Abroad([Line()], "a", {})
    world = Abroad([Line()], "a", {"b": lambda seen, t: seen})
    with pytest.raises(ShapeMismatch):
        world.reset(torch.arange(2))
    with pytest.raises(ConfigError):
        live(world, RandomAgent(actions=3), torch.arange(1), 0)


def toward(seen):
    """A scripted PettingZoo agent, which knows nothing of bisnn: it walks on along the row, then along the column."""
    return int(seen["place"]) % 4


def test_a_scripted_pettingzoo_agent_plays_beside_a_bisnn_agent():
    """The same script, from outside through PettingZoo and from inside as a player, meets the same spiking partner."""
    dilemma = make("stag_hunt_v0")
    first, last = dilemma.agents
    spiking = SpikingLearner(moral=small_rewards(dilemma.senses.places, len(dilemma.actions)), episodes=6)
    world = parallel_env("stag_hunt_v0", scripted={last: spiking})
    society = Society(dilemma, (Policy(toward, dilemma), spiking))
    life = society.begin(torch.tensor([3]))
    seen, _ = world.reset(seed=3)
    for _ in range(2 * dilemma.horizon + 10):
        life, happened = society.turn(life)
        if world.agents:
            seen, rewards, *_ = world.step({first: toward(seen[first])})
            assert rewards[first] == float(happened.outcome.reward[0, 0])
            assert torch.equal(world._last[0].actions, happened.actions)
        else:
            seen, _ = world.reset()
        assert seen[first]["place"] == life.obs.place[0, 0]
    assert set(life.minds[1].moral.weights) == {"place->action", "place->value"}
    born = spiking.init(society.keys(torch.tensor([3]), 1)).moral.weights["place->action"]
    assert not torch.equal(life.minds[1].moral.weights["place->action"], born), "it has learned meanwhile"


def test_a_policy_is_asked_with_observations_of_the_interface():
    dilemma = make("rescue_v0")
    asked = []

    def choose(seen):
        asked.append(seen)
        return np.int64(2)

    obs = Obs(torch.tensor([3, 4]), torch.ones(2, dilemma.senses.cells), torch.zeros(2, len(dilemma.senses.features)))
    actions, _ = Policy(choose, dilemma).act((), obs)
    assert actions.tolist() == [2, 2]
    assert [one["place"] for one in asked] == [3, 4]
    space = parallel_env("rescue_v0").observation_space("helper")
    assert all(one in space for one in asked)
    together, _ = Policy(lambda seen: seen["place"] % 8, dilemma, batched=True).act((), obs)
    assert together.tolist() == [3, 4]
    for wrong, error in ((lambda seen: 8, ConfigError), (lambda seen: [1], ShapeMismatch)):
        with pytest.raises(error):
            Policy(wrong, dilemma).act((), obs)
    assert player(dilemma, Policy(choose, dilemma)).choose is choose
