"""Every dilemma through Gymnasium: its own checker, batches that are their single worlds, and clear errors."""

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from bisnn.agents.catalogue import dilemmas, make
from bisnn.agents.foreign_learner import SpikingLearner, small_rewards
from bisnn.agents.gymnasium import DilemmaGym, gymnasium_id
from bisnn.agents.scripted import RandomAgent
from bisnn.agents.vector import DilemmaVectorEnv
from bisnn.errors import ConfigError, ShapeMismatch, StateMismatch, UnknownName

IDS = list(dilemmas())
MANY = next(name for name in ("stag_hunt_v0", "snowdrift_v0", *IDS) if name in IDS)
"""A dilemma of several agents."""


def equal(one, other):
    """Whether two observations hold the same bits."""
    return set(one) == set(other) and all(np.array_equal(one[part], other[part]) for part in one)


def alike(name, steps, count=3, **given):
    """Whether `count` worlds in one batch are those that live alone, over `steps` steps with resets among them."""
    batch = DilemmaVectorEnv(name, num_envs=count, **given)
    alone = [DilemmaGym(name, **given) for _ in range(count)]
    batch.action_space.seed(1)
    seen, _ = batch.reset(seed=7)
    mine = [world.reset(seed=7 + k)[0] for k, world in enumerate(alone)]
    over = [False] * count
    for _ in range(steps):
        for k in range(count):
            assert equal({part: value[k] for part, value in seen.items()}, mine[k])
        actions = batch.action_space.sample()
        seen, rewards, ended, cut, info = batch.step(actions)
        assert not info
        assert seen in batch.observation_space
        for k, world in enumerate(alone):
            if over[k]:
                mine[k], reward, done, stopped = world.reset()[0], 0.0, False, False
            else:
                mine[k], reward, done, stopped, _ = world.step(actions[k])
            assert (rewards[k], ended[k], cut[k]) == (reward, done, stopped)
            over[k] = done or stopped


def test_ids_are_the_names_in_camel_case():
    assert gymnasium_id("rescue_v0") == "bisnn/Rescue-v0"
    assert gymnasium_id("stag_hunt_v0") == "bisnn/StagHunt-v0"
    assert {gymnasium_id(name) for name in IDS} <= set(gymnasium.registry)


def test_an_id_with_the_module_registers_by_itself():
    code = "import gymnasium; print(gymnasium.make('bisnn.agents.gymnasium:bisnn/Rescue-v0').reset(seed=1)[1])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "{}\n", done.stderr


@pytest.mark.parametrize("name", IDS)
def test_the_checker_of_gymnasium_passes_without_a_warning(name, capsys):
    check_env(gymnasium.make(gymnasium_id(name)).unwrapped)


@pytest.mark.parametrize("name", IDS)
def test_worlds_in_a_batch_are_those_alone(name):
    alike(name, min(make(name).horizon + 10, 120))


@pytest.mark.parametrize("partners", ["selfish", "random", RandomAgent(actions=2), None], ids=str)
def test_partners_in_a_batch_are_those_alone(partners):
    dilemma = make(MANY)
    if partners is None:
        partners = SpikingLearner(moral=small_rewards(dilemma.senses.places, len(dilemma.actions)), episodes=5)
    alike(MANY, 30, partners=partners)
    alike(MANY, 10, partners=[partners] * (len(dilemma.agents) - 1))


def test_make_vec_gives_a_batch_that_resets_at_the_next_step():
    worlds = gymnasium.make_vec("bisnn/Rescue-v0", num_envs=5, toll=1.0, render_mode="ansi")
    assert isinstance(worlds.unwrapped, DilemmaVectorEnv)
    assert worlds.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert worlds.dilemma.toll == 1.0
    worlds.reset(seed=0)
    assert len(worlds.render()) == 5
    assert all("#" in frame for frame in worlds.render())
    worlds.close()
    worlds.close()


def test_a_partial_reset_touches_those_it_names():
    for name in ("rescue_v0", MANY):
        worlds = DilemmaVectorEnv(name, num_envs=4, partners="random")
        worlds.action_space.seed(0)
        worlds.reset(seed=3)
        for _ in range(2):
            before = worlds.step(worlds.action_space.sample())[0]
        table = worlds._table
        mask = np.array([False, True, False, True])
        after, _ = worlds.reset(options={"reset_mask": mask})
        for part in before:
            assert np.array_equal(before[part][~mask], after[part][~mask])
        for path in ("episode", "t"):
            old, new = getattr(table.life.world, path), getattr(worlds._table.life.world, path)
            assert torch.equal(new, torch.where(torch.from_numpy(mask), (old + 1) if path == "episode" else 0, old))
        reborn, _ = worlds.reset(seed=[10, 11, 12, 13], options={"reset_mask": mask})
        assert worlds._table.life.key.tolist() == [3, 11, 5, 13]
        fresh = DilemmaVectorEnv(name, num_envs=4, partners="random").reset(seed=10)[0]
        for part in reborn:
            assert np.array_equal(reborn[part][mask], fresh[part][mask])
            assert np.array_equal(reborn[part][~mask], before[part][~mask])


def test_seeds_and_traits_are_of_each_world():
    worlds = DilemmaVectorEnv("rescue_v0", num_envs=3)
    worlds.reset(seed=[9, 2, 5], options={"traits": {"toll": [0.0, 1.0, 2.0], "risk": 0.5}})
    assert worlds._table.life.key.tolist() == [9, 2, 5]
    assert worlds._table.life.world.traits["toll"].tolist() == [0.0, 1.0, 2.0]
    assert worlds._table.life.world.traits["risk"].tolist() == [0.5] * 3
    worlds.reset(options={"traits": {"toll": 1.0}})
    assert worlds._table.life.key.tolist() == [9, 2, 5]
    drawn = DilemmaVectorEnv("rescue_v0", num_envs=3)
    drawn.reset()
    assert len(set(drawn._table.life.key.tolist())) == 3
    alone = DilemmaGym("rescue_v0")
    alone.reset()
    again = DilemmaGym("rescue_v0")
    assert equal(again.reset(seed=alone.np_random_seed)[0], alone.reset(seed=alone.np_random_seed)[0])


def test_what_is_wrong_is_refused_and_named():
    world, worlds = DilemmaGym("rescue_v0"), DilemmaVectorEnv("rescue_v0", num_envs=3)
    for one, action in ((world, 0), (worlds, [0, 0, 0])):
        with pytest.raises(StateMismatch, match="reset"):
            one.step(action)
    for one in (DilemmaGym("rescue_v0", "ansi"), DilemmaVectorEnv("rescue_v0", 2, "ansi")):
        with pytest.raises(StateMismatch, match="reset"):
            one.render()
    with pytest.raises(StateMismatch, match="all worlds"):
        worlds.reset(options={"reset_mask": np.ones(3, bool)})
    world.reset(seed=0)
    worlds.reset(seed=0)
    for action, error in ((8, ConfigError), (-1, ConfigError), (1.0, ConfigError), ([1], ShapeMismatch)):
        with pytest.raises(error):
            world.step(action)
    for actions, error, text in (
        ([0, 0], ShapeMismatch, "3 worlds"),
        (0, ShapeMismatch, "3 worlds"),
        ([[0], [0], [0]], ShapeMismatch, "3 worlds"),
        ([0, [0, 1], 2], ShapeMismatch, "3 worlds"),
        ([0, 8, 0], ConfigError, r"no action 8 \(world 1\)"),
        ([0.0, 1.0, 0.0], ConfigError, "whole"),
        ([True, False, True], ConfigError, "whole"),
        (["0", "1", "2"], ConfigError, "whole"),
    ):
        with pytest.raises(error, match=text):
            worlds.step(actions)
    done = False
    while not done:
        _, _, ended, cut, _ = world.step(3)
        done = ended or cut
    with pytest.raises(StateMismatch, match="ended"):
        world.step(0)
    for seed, error in (
        (-1, ConfigError),
        (2**48 - 1, ConfigError),
        ([1, 2], ShapeMismatch),
        ([1, 2, -3], ConfigError),
    ):
        with pytest.raises(error):
            worlds.reset(seed=seed)
    with pytest.raises(ShapeMismatch, match="reset_mask"):
        worlds.reset(options={"reset_mask": [1, 0, 1]})
    for call, error in (
        (lambda: DilemmaGym("rescue_v9"), UnknownName),
        (lambda: DilemmaGym("rescue_v0", tol=1.0), UnknownName),
        (lambda: DilemmaGym("rescue_v0", "text"), UnknownName),
        (lambda: DilemmaGym(MANY, partners="kind"), UnknownName),
        (lambda: DilemmaGym(MANY, partners=["selfish"] * 9), ShapeMismatch),
        (lambda: DilemmaVectorEnv("rescue_v0", num_envs=0), ConfigError),
    ):
        with pytest.raises(error):
            call()


def test_rendering_without_a_mode_draws_nothing():
    for one in (DilemmaGym("rescue_v0"), DilemmaVectorEnv("rescue_v0", num_envs=2)):
        one.reset(seed=0)
        with pytest.warns(UserWarning, match="render_mode"):
            assert one.render() is None
