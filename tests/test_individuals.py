"""Same individual, same bits: alone, in a batch of 160, with arms reordered, after unrelated random calls."""

import numpy as np
import pytest
import torch

from bisnn import rng
from bisnn.agents import loop
from bisnn.agents.altruist import Altruist
from bisnn.agents.development import Nursery
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.dilemmas.rooms import SelfPainRoom
from bisnn.experiments.altruistic_rescue import ARMS
from bisnn.interventions import compile_gates
from bisnn.recording import Probe

TURNS = 24
NURSERY = Nursery(room=SelfPainRoom(horizon=12), visits=1, calm=4)
PROBES = tuple(Probe(name) for name in ("perception", "ifg", "affect", "sma", "dopamine", "place", "action", "value"))


def lived(arms, arm, seed):
    """Every spike, reward, action and weight of individuals that develop and then live for whole episodes."""
    agent, dilemma = Altruist(episodes=10), Rescue()
    key = rng.keys(torch.tensor(seed))
    with torch.inference_mode():
        gates = compile_gates(arms, torch.tensor(arm), key, agent.targets)
        state = loop.begin(dilemma, key, NURSERY.develop(agent, agent.init(key, gates)))
        found = []
        for _ in range(TURNS):
            state, step = loop.turn(agent, dilemma, state, PROBES)
            spikes = {name: recording[name] for recording in step.recordings for name in recording}
            found.append({**spikes, "reward": step.outcome.reward, "action": step.actions})
        return found, agent.keepsake(state.agent)


@pytest.fixture(scope="module")
def batch():
    """Eight arms of twenty seeds."""
    arms = list(ARMS[:8])
    arm = [i for i in range(8) for _ in range(20)]
    seed = list(range(20)) * 8
    return arms, arm, seed, *lived(arms, arm, seed)


def same(one, row, other, place):
    """Whether two histories agree in every bit, for individual `row` of one and `place` of the other."""
    for mine, yours in zip(one[0], other[0], strict=True):
        for name in mine:
            assert torch.equal(mine[name][row], yours[name][place]), name
    for name, weight in one[1].items():
        assert torch.equal(weight[row], other[1][name][place]), name


@pytest.mark.parametrize("number", [0, 23, 59, 97, 111, 159])
def test_alone_as_in_a_batch_of_160(batch, number):
    arms, arm, seed, *whole = batch
    torch.manual_seed(number)
    torch.rand(1000)
    np.random.default_rng(number).random(10)
    np.random.rand(3)  # noqa: NPY002 - the global generator must not matter
    alone = lived([arms[arm[number]]], [0], [seed[number]])
    same(whole, number, alone, 0)


def test_arms_reordered(batch):
    arms, arm, seed, *whole = batch
    order = [5, 2, 7, 0, 3, 6, 1, 4]
    turned = [order.index(i) for i in arm]
    other = lived([arms[i] for i in order], turned[::-1], seed[::-1])
    for number in range(0, 160, 7):
        same(whole, number, other, 159 - number)


def test_global_generators_are_not_touched():
    before, numbers = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    lived([ARMS[0]], [0], [3])
    assert torch.equal(before, torch.get_rng_state())
    assert (np.random.get_state()[1] == numbers).all()  # noqa: NPY002
