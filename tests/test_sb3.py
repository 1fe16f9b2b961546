"""An external learner, Stable-Baselines3's PPO, through the interfaces: it finds the selfish optimum of the rescue."""

import gymnasium
import numpy as np
import pytest
import torch

import bisnn.agents.gymnasium
from bisnn.agents.catalogue import dilemmas, make
from bisnn.agents.foreign import Policy
from bisnn.agents.gymnasium import DilemmaGym
from bisnn.agents.society import Society
from bisnn.errors import ConfigError, ShapeMismatch, StateMismatch

stable_baselines3 = pytest.importorskip("stable_baselines3")
from stable_baselines3 import PPO  # noqa: E402
from stable_baselines3.common.env_checker import check_env  # noqa: E402
from stable_baselines3.common.env_util import make_vec_env  # noqa: E402
from stable_baselines3.common.evaluation import evaluate_policy  # noqa: E402

from bisnn.agents.sb3 import DilemmaVecEnv  # noqa: E402

OPTIMUM = 5.0
"""Best external return of the rescue: six steps to the goal, five of them at a cost of 1, and 10 there."""


def ppo(worlds, policy, seed, **given):
    usual = {"n_steps": 64, "batch_size": 256, "n_epochs": 8, "learning_rate": 1e-3, "ent_coef": 0.003, "gamma": 0.95}
    return PPO(policy, worlds, seed=seed, device="cpu", **(usual | given))


@pytest.mark.parametrize("name", dilemmas())
def test_the_checker_of_stable_baselines_passes(name):
    check_env(DilemmaGym(name), skip_render_check=True)


def test_the_batch_is_its_single_worlds():
    worlds, alone = DilemmaVecEnv("rescue_v0", num_envs=3), [DilemmaGym("rescue_v0") for _ in range(3)]
    assert worlds.seed(4) == [4, 5, 6]
    seen = worlds.reset()
    mine = [world.reset(seed=4 + k)[0] for k, world in enumerate(alone)]
    returns, lengths = np.zeros(3), np.zeros(3, int)
    worlds.action_space.seed(0)
    for step in range(120):
        for k in range(3):
            assert all(np.array_equal(seen[part][k], mine[k][part]) for part in seen)
        actions = np.array([2 if step % 7 else worlds.action_space.sample(), 3, step % 8])
        seen, rewards, dones, infos = worlds.step(actions)
        for k, world in enumerate(alone):
            mine[k], reward, ended, cut, _ = world.step(actions[k])
            returns[k] += reward
            lengths[k] += 1
            assert (rewards[k], dones[k], infos[k]["TimeLimit.truncated"]) == (reward, ended or cut, cut)
            if dones[k]:
                last = infos[k]["terminal_observation"]
                assert all(np.array_equal(last[part], mine[k][part]) for part in last)
                assert (infos[k]["episode"]["r"], infos[k]["episode"]["l"]) == (returns[k], lengths[k])
                mine[k], returns[k], lengths[k] = world.reset()[0], 0.0, 0
    assert worlds.get_attr("num_envs") == [3, 3, 3]
    with pytest.raises(ConfigError):
        worlds.set_attr("toll", 1.0)
    with pytest.raises(StateMismatch):
        worlds.env_method("reset")
    with pytest.raises(ShapeMismatch):
        worlds.step([0])
    worlds.close()


def test_a_model_plays_in_a_society_as_a_policy():
    dilemma = make("rescue_v0")
    model = ppo(DilemmaVecEnv("rescue_v0", num_envs=2), "MultiInputPolicy", 0, n_steps=8, batch_size=16)
    agent = Policy(lambda seen: model.predict(seen, deterministic=True)[0], dilemma, batched=True)
    society = Society(dilemma, (agent,))
    happened = society.turn(society.begin(torch.arange(5)))[1]
    assert happened.actions.shape == (5, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ppo_learns_the_selfish_optimum_of_the_rescue_in_a_batch(seed):
    assert make("rescue_v0").payoff().selfish == OPTIMUM
    model = ppo(DilemmaVecEnv("rescue_v0", num_envs=32), "MultiInputPolicy", seed)
    unseen = DilemmaVecEnv("rescue_v0", num_envs=16)
    unseen.seed(1000)
    before, _ = evaluate_policy(model, unseen, n_eval_episodes=32)
    model.learn(24_576)
    returns, _ = evaluate_policy(model, unseen, n_eval_episodes=32, return_episode_rewards=True)
    assert before < -40.0
    assert np.mean(returns) == pytest.approx(OPTIMUM, abs=0.2)


@pytest.mark.slow
def test_ppo_learns_it_through_gymnasium_alone():
    assert "bisnn/Rescue-v0" in gymnasium.registry, bisnn.agents.gymnasium.__name__
    flat = gymnasium.wrappers.FlattenObservation
    worlds = make_vec_env("bisnn/Rescue-v0", n_envs=8, seed=0, wrapper_class=flat)
    model = ppo(worlds, "MlpPolicy", 0, n_steps=128, n_epochs=6, ent_coef=0.01)
    model.learn(16_384)
    unseen = make_vec_env("bisnn/Rescue-v0", n_envs=1, seed=1000, wrapper_class=flat)
    returns, _ = evaluate_policy(model, unseen, n_eval_episodes=10, return_episode_rewards=True)
    assert np.mean(returns) == pytest.approx(OPTIMUM, abs=0.2)
