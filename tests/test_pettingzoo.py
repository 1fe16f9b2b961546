"""Every dilemma through PettingZoo: PettingZoo's own checkers, whole episodes bit for bit, and clear errors.

PettingZoo 1.27 compares the first step of an episode only (`parallel_seed_test`), so whole lives are compared here.
"""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pettingzoo
import pytest
import torch
from pettingzoo.test import (
    api_test,
    max_cycles_test,
    parallel_api_test,
    parallel_seed_test,
    render_test,
    seed_test,
)

from bisnn import rng
from bisnn.agents.catalogue import dilemmas, make
from bisnn.agents.foreign_learner import SpikingLearner, small_rewards
from bisnn.agents.pettingzoo import DilemmaEnv, env, parallel_env, raw_env
from bisnn.agents.seats import player
from bisnn.agents.society import Society
from bisnn.errors import ConfigError, ShapeMismatch, StateMismatch, UnknownName

IDS = list(dilemmas())
MANY = next(name for name in ("stag_hunt_v0", "snowdrift_v0", *IDS) if name in IDS)
"""A dilemma of several agents."""


def actions_of(dilemma, seed, count):
    """A fixed random series of actions `[count, agent]`."""
    key = torch.tensor([seed])
    chance = torch.stack([rng.uniform(key, "test/actions", step, len(dilemma.agents))[0] for step in range(count)])
    return (chance * len(dilemma.actions)).long()


def life(world: DilemmaEnv, seed, steps):
    """Everything that happens to individual `seed` in `steps` steps, resets included."""
    acts = actions_of(world.dilemma, seed, steps)
    seen = [world.reset(seed=seed)]
    for step in range(steps):
        if world.agents:
            given = {name: int(acts[step, world.dilemma.agents.index(name)]) for name in world.agents}
            seen.append(world.step(given))
        else:
            seen.append(world.reset())
    return seen


def same(one, other):
    """Whether two trees of numbers and arrays are equal, types included."""
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("name", IDS)
def test_the_checkers_of_pettingzoo_pass(name, capsys):
    parallel_api_test(parallel_env(name), 60)
    parallel_seed_test(partial(parallel_env, name))
    api_test(env(name), 20)
    api_test(raw_env(name), 3)
    seed_test(partial(env, name), 20)
    render_test(partial(env, name))
    assert pettingzoo.make("parallel", f"bisnn/{name}").metadata["name"] == name
    assert pettingzoo.make("aec", f"bisnn/{name}").metadata["name"] == name


@pytest.mark.parametrize("name", [n for n in ("rescue_v0", "snowdrift_v0", "commons_v0") if n in IDS])
def test_an_episode_is_cut_at_max_cycles(name):
    max_cycles_test(SimpleNamespace(parallel_env=partial(parallel_env, name), env=partial(env, name)))


@pytest.mark.parametrize("name", IDS)
def test_a_life_repeats_itself_whatever_happened_before(name):
    steps = min(make(name).horizon + 15, 130)
    first = life(parallel_env(name), 5, steps)
    world = parallel_env(name)
    life(world, 8, 7)
    kept = np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(3)
    assert same(life(world, 5, steps), first)
    np.random.set_state(kept[0])  # noqa: NPY002
    torch.set_rng_state(kept[1])
    assert not same(life(world, 6, steps), first)


@pytest.mark.parametrize("name", IDS)
def test_a_world_is_that_of_any_batch(name):
    world, dilemma = parallel_env(name), make(name)
    steps = min(dilemma.horizon + 15, 130)
    acts, key = actions_of(dilemma, 5, steps), torch.tensor([2, 5, 9])
    state, obs = dilemma.reset(key)
    found = life(world, 5, steps)
    for step in range(steps + 1):
        if step:
            state, obs, outcome = dilemma.step(key, state, acts[step - 1].expand(3, -1))
            if len(found[step]) == 5:
                assert not bool(outcome.started[1])
                _, rewards, ended, cut, infos = found[step]
                assert list(rewards.values()) == outcome.reward[1].tolist()
                assert set(ended.values()) == {bool(outcome.terminated[1])}
                assert set(cut.values()) == {bool(outcome.truncated[1])}
                assert infos == {agent: {} for agent in dilemma.agents}, "nobody is told more than it perceives"
            else:
                assert bool(outcome.started[1])
        for number, (agent, seen) in enumerate(found[step][0].items()):
            assert seen in world.observation_space(agent)
            assert seen["place"] == obs.place[1, number]
            for part in ("expression", "view"):
                whole = getattr(obs, part)
                assert part in seen or whole.shape[-1] == 0
                assert part not in seen or torch.equal(torch.from_numpy(seen[part]), whole[1, number])


def test_a_first_reset_without_a_seed_draws_one_and_touches_no_generator():
    kept = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    drawn = set()
    for _ in range(4):
        world = parallel_env("rescue_v0")
        world.reset()
        drawn.add(world.individual)
    assert len(drawn) == 4
    assert np.array_equal(kept[0], np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(kept[1], torch.get_rng_state())
    again = parallel_env("rescue_v0")
    assert same(again.reset(seed=world.individual), world.reset(seed=world.individual))


def test_a_reset_in_the_middle_opens_the_next_episode():
    def opening(*, until_the_end):
        world = parallel_env("rescue_v0")
        world.reset(seed=4)
        while world.agents:
            world.step({"helper": 3})
            if not until_the_end:
                break
        return world.reset()

    assert same(opening(until_the_end=True), opening(until_the_end=False))


def test_traits_are_of_the_individuals_world():
    def returned(options):
        world = parallel_env("rescue_v0", scripted=None)
        world.reset(seed=1, options=options)
        total = 0.0
        while world.agents:
            advised = world.dilemma.advise(world._table.life.world, "altruistic")
            total += world.step({"helper": int(advised[0, 0])})[1]["helper"]
        return total

    assert returned({"traits": {"toll": 2.5}}) == returned(None) - 2.5
    world = parallel_env("rescue_v0")
    world.reset(seed=1, options={"traits": {"toll": 2.5}})
    world.reset()
    assert float(world._table.life.world.traits["toll"]) == 2.5, "they last for life"
    for options, error in (
        ({"traits": {"tool": 1.0}}, UnknownName),
        ({"trait": {"toll": 1.0}}, UnknownName),
        ({"traits": {"observability": 2.0}}, ConfigError),
        ({"traits": {"toll": "much"}}, ConfigError),
        ({"traits": {"toll": [1.0, 2.0]}}, ShapeMismatch),
        ({"traits": {"toll": float("nan")}}, ConfigError),
        ({"traits": 3}, ConfigError),
    ):
        with pytest.raises(error):
            parallel_env("rescue_v0").reset(seed=1, options=options)


def test_who_is_scripted_plays_inside_as_in_a_society():
    dilemma = make(MANY)
    spiking = SpikingLearner(moral=small_rewards(dilemma.senses.places, len(dilemma.actions)), episodes=4)
    for who in ("selfish", "altruistic", "fair", "random", spiking):
        last = dilemma.agents[-1]
        world = parallel_env(MANY, scripted={last: who})
        assert last not in world.possible_agents
        inside = player(dilemma, who)
        others = tuple(player(dilemma, "random") for _ in dilemma.agents[1:])
        society = Society(dilemma, (*others, inside))
        steps = min(2 * dilemma.horizon + 4, 60)
        acts = actions_of(dilemma, 5, steps)
        found, given = life(world, 5, steps), society.begin(torch.tensor([5]))
        for step in range(steps):
            outside = {number: acts[step, number : number + 1] for number in range(len(dilemma.agents) - 1)}
            given, happened = society.turn(given, outside)
            if len(found[step + 1]) == 5:
                assert found[step + 1][1][dilemma.agents[0]] == float(happened.outcome.reward[0, 0])
            for number, seen in enumerate(found[step + 1][0].values()):
                assert seen["place"] == given.obs.place[0, number]


def test_the_ledger_of_the_last_step_can_be_asked_for():
    world = parallel_env("rescue_v0")
    with pytest.raises(StateMismatch, match="step"):
        world.ledger()
    world.reset(seed=1)
    with pytest.raises(StateMismatch, match="step"):
        world.ledger()
    rewards = world.step({"helper": 0})[1]
    assert float(world.ledger().welfare[0, 0]) == rewards["helper"]


def test_what_is_wrong_is_refused_and_named():
    world = parallel_env("rescue_v0")
    with pytest.raises(StateMismatch, match=r"reset\(\) before step"):
        world.step({"helper": 0})
    with pytest.raises(StateMismatch, match=r"reset\(\) before render"):
        parallel_env("rescue_v0", render_mode="ansi").render()
    world.reset(seed=0)
    for actions, error, text in (
        ({"helper": 8}, ConfigError, "0 up.*7 left.reach"),
        ({"helper": -1}, ConfigError, "no action -1"),
        ({"helper": 1.0}, ConfigError, "whole number"),
        ({"helper": True}, ConfigError, "whole number"),
        ({"helper": None}, ConfigError, "whole number"),
        ({"helper": "up"}, ConfigError, "whole number"),
        ({"helper": np.array([1])}, ShapeMismatch, "one number"),
        ({"helper": [1]}, ShapeMismatch, "one number"),
        ({}, ShapeMismatch, "no action of helper"),
        ([1], ShapeMismatch, "dict"),
        (3, ShapeMismatch, "dict"),
        ({"helper": 1, "helpr": 1}, UnknownName, "helper"),
    ):
        with pytest.raises(error, match=text):
            world.step(actions)
    for good in (np.int64(1), np.array(1), torch.tensor(1)):
        world.step({"helper": good})
    while world.agents:
        world.step({"helper": 3})
    for actions in ({"helper": 0}, {}):
        with pytest.raises(StateMismatch, match="has ended"):
            world.step(actions)
    for seed in (-1, 2**48, 1.5, True, "1"):
        with pytest.raises(ConfigError, match="seed"):
            world.reset(seed=seed)
    for call, error in (
        (lambda: parallel_env("rescue_v9"), UnknownName),
        (lambda: parallel_env("rescue_v0", tol=1.0), UnknownName),
        (lambda: parallel_env("rescue_v0", toll=-50.0), ConfigError),
        (lambda: parallel_env("rescue_v0", render_mode="rgb"), UnknownName),
        (lambda: parallel_env("rescue_v0", max_cycles=0), ConfigError),
        (lambda: parallel_env("rescue_v0", scripted={"helper": "selfish"}), ConfigError),
        (lambda: parallel_env("rescue_v0", scripted={"nobody": "selfish"}), UnknownName),
        (lambda: parallel_env(MANY, scripted={make(MANY).agents[0]: "kind"}), UnknownName),
        (lambda: parallel_env(MANY, scripted={make(MANY).agents[0]: 3}), ConfigError),
        (lambda: world.observation_space("victim"), UnknownName),
    ):
        with pytest.raises(error):
            call()


def test_a_scripted_agent_takes_no_action_and_a_missing_one_is_named():
    names = make(MANY).agents
    world = parallel_env(MANY, scripted={names[-1]: "selfish"})
    world.reset(seed=0)
    with pytest.raises(ConfigError, match="scripted"):
        world.step(dict.fromkeys(names, 0))
    with pytest.raises(ConfigError, match="scripted"):
        world.action_space(names[-1])
    whole = parallel_env(MANY)
    whole.reset(seed=0)
    with pytest.raises(ShapeMismatch, match=names[-1]):
        whole.step(dict.fromkeys(names[:-1], 0))


def test_the_agent_by_agent_form_refuses_at_once():
    world = env(MANY)
    with pytest.raises(StateMismatch, match="reset"):
        world.step(0)
    world.reset(seed=0)
    for action, error in ((99, ConfigError), (None, ConfigError), (0.5, ConfigError), ([0], ShapeMismatch)):
        with pytest.raises(error):
            world.step(action)
    while not (world.terminations[world.agent_selection] or world.truncations[world.agent_selection]):
        world.step(0)
    with pytest.raises(StateMismatch, match="has ended"):
        world.step(0)
    while world.agents:
        world.step(None)
    with pytest.raises(StateMismatch, match="has ended"):
        world.step(None)
