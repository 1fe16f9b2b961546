"""The baselines in the rescue: exact references, and the dose-response of tabular learning."""

import pytest
import torch

from bisnn import tree
from bisnn.agents import planning
from bisnn.agents.base import Agent, Obs, Outcome
from bisnn.agents.baselines import AlwaysHelpAgent, OracleAgent, RandomAgent, SelfishAgent, TabularQ
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.errors import ConfigError

NAMES = ("painful", "relieved", "goal", "return", "steps")


def live(dilemma, agent, key, episodes, last=None, traits=None):
    """Means `[*B]` over the last episodes: help rate of painful ones, goal rate, external return, steps."""
    last = last or episodes
    world, obs = dilemma.reset(key)
    state = agent.init(key, traits=traits)
    total = {name: torch.zeros(key.shape, dtype=torch.float64) for name in NAMES}
    count, earned = torch.zeros(key.shape), torch.zeros(key.shape)
    with torch.inference_mode():
        while int(world.episode.min()) < episodes:
            action, state = agent.act(state, Obs(obs.place[..., 0], obs.expression[..., 0, :]))
            world, obs, outcome = dilemma.step(key, world, action[..., None])
            state = agent.learn(state, outcome._replace(reward=outcome.reward[..., 0]))
            earned = earned + outcome.reward[..., 0]
            end = outcome.terminated | outcome.truncated
            counted = end & (world.episode >= episodes - last) & (world.episode < episodes)
            facts = (outcome.info["painful"], outcome.info["relieved"], outcome.terminated, earned, world.t)
            for name, fact in zip(NAMES, facts, strict=True):
                total[name] += counted * fact
            count, earned = count + counted, earned * ~end
    rates = {name: value / count for name, value in total.items()}
    return rates | {"help": total["relieved"] / total["painful"].clamp(min=1)}


def makers(dilemma, state):
    world = dilemma.map(state)
    return {
        "random": RandomAgent(),
        "selfish": SelfishAgent(map=world),
        "help": AlwaysHelpAgent(map=world),
        "oracle": OracleAgent(map=world, welfare=10.0),
        "egoist": OracleAgent(map=world, welfare=0.0),
        "tabular": TabularQ(places=dilemma.places, episodes=20),
    }


def test_references_in_the_default_rescue():
    key = torch.arange(30)
    result = {name: live(Rescue(), agent, key, 20) for name, agent in makers(Rescue(), None).items()}
    for name in ("selfish", "egoist"):
        assert bool((result[name]["return"] == 5).all() & (result[name]["help"] == 0).all()), name
    assert bool((result["help"]["help"] == 1).all() & (result["help"]["goal"] == 1).all())
    oracle = result["oracle"]
    assert bool((oracle["help"] == 1).all() & (oracle["goal"] == 1).all())
    assert 0.6 < float(oracle["return"].mean()) < 0.9  # .75: the victim hurt in the fourth step costs one more
    assert float(oracle["return"].mean()) > float(result["help"]["return"].mean())
    value = {name: float((one["return"] + 10 * one["relieved"]).mean()) for name, one in result.items()}
    assert max(value, key=value.get) == "oracle"
    assert min(value, key=value.get) == "random"


def test_the_oracle_turns_at_the_cost_of_helping():
    key = torch.arange(20)
    world = Rescue().map()
    assert bool((live(Rescue(), OracleAgent(map=world, welfare=3.9), key, 10)["help"] == 0).all())
    assert bool((live(Rescue(), OracleAgent(map=world, welfare=4.1), key, 10)["help"] > 0).all())


def test_the_value_of_the_plan_is_what_the_oracle_earns():
    policy = planning.plan(Rescue().map(), 0.0)
    assert policy.shape == (100, 3, 25)
    assert policy.dtype == torch.int8


def test_references_in_drawn_layouts():
    dilemma, key = Rescue(layout="drawn"), torch.arange(40)
    state, _ = dilemma.reset(key)
    result = {name: live(dilemma, agent, key, 10) for name, agent in makers(dilemma, state).items()}
    certificate = dilemma.payoffs(state)
    assert torch.equal(result["selfish"]["return"], certificate.selfish)
    assert torch.equal(result["egoist"]["return"], certificate.selfish)
    value = {name: float((one["return"] + 10 * one["relieved"]).mean()) for name, one in result.items()}
    assert max(value, key=value.get) == "oracle"
    assert min(value, key=value.get) == "random"
    assert bool((result["oracle"]["return"] <= certificate.selfish).all())


@pytest.mark.parametrize("name", ["random", "selfish", "help", "oracle", "tabular"])
def test_agents_are_pure_and_independent_of_the_batch(name):
    key = torch.arange(6)
    agent = makers(Rescue(), None)[name]
    assert isinstance(agent, Agent)
    whole = live(Rescue(), agent, key, 6)
    order = torch.tensor([4, 1])
    part = live(Rescue(), agent, key[order], 6)
    assert all(torch.equal(whole[field][order], part[field]) for field in whole)
    state = agent.init(key)
    copy = tree.map(torch.clone, state)
    obs = Obs(torch.full((6,), 4), torch.rand(6, 40, generator=torch.Generator().manual_seed(0)))
    first, after = agent.act(state, obs)
    agent.learn(after, Outcome(-torch.ones(6), *(torch.zeros(6, dtype=torch.bool) for _ in range(3)), {}))
    assert torch.equal(first, agent.act(state, obs)[0])
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(tree.flatten(state), tree.flatten(copy), strict=True))


def faces(pain):
    """Exact faces `[n, 40]` of those in `pain`."""
    pain = torch.tensor(pain)
    return torch.cat((pain[:, None].expand(-1, 20), ~pain[:, None].expand(-1, 20)), -1).float()


def answer(reward, terminated=False, started=False):
    """The outcome of one individual."""
    flags = (torch.tensor([flag]) for flag in (terminated, False, started))
    return Outcome(torch.tensor([reward]), *flags, {})


def test_one_transition_by_hand():
    """Pain for n steps and then relief: delta = -1, -.8, -.64 ... and 1 - .8^n at the relief."""
    agent = TabularQ(dose=2.0, episodes=1)
    state = agent.init(torch.tensor([0]))
    deltas = []
    for step, pain in enumerate([False, True, True, True, False]):
        before = state.predicted
        _, state = agent.act(state, Obs(torch.tensor([step]), faces([pain])))
        deltas.append(float(-torch.tensor(float(pain)) - before))
        state = agent.learn(state, answer(-1.0))
    assert deltas == pytest.approx([0, -1, -0.8, -0.64, 1 - 0.8**3], abs=1e-6)
    learned = state.value[state.value != 0].sort().values
    expected = sorted(0.1 * (2 * delta - 1) for delta in deltas[1:])
    assert learned.tolist() == pytest.approx(expected, abs=1e-6)


def test_the_end_of_an_episode():
    """A goal has no future, a fresh episode no past, and the prediction begins at 0."""
    agent = TabularQ(dose=1.0, episodes=1)
    state = agent.init(torch.tensor([0]))._replace(value=torch.full((1, 200), 5.0))
    _, state = agent.act(state, Obs(torch.tensor([3]), faces([False])))
    line = int(state.line)
    state = agent.learn(state, answer(10.0, terminated=True))
    _, state = agent.act(state, Obs(torch.tensor([2]), faces([True])))
    assert float(state.value[0, line]) == pytest.approx(5 + 0.1 * (10 - 1 - 5))
    assert float(state.predicted) == pytest.approx(-0.2)
    values = state.value
    state = agent.learn(state, answer(0.0, started=True))
    _, state = agent.act(state, Obs(torch.tensor([4]), faces([False])))
    assert torch.equal(state.value, values)
    assert float(state.predicted) == 0
    assert (int(state.clock.episode), int(state.clock.t)) == (1, 0)


def test_misfits_are_refused():
    for wrong in ({"gamma": 1.5}, {"rate": -0.1}, {"episodes": 0}):
        with pytest.raises(ConfigError):
            TabularQ(**wrong)


def dose_response(doses, seeds, episodes):
    """Help rate and return over the last tenth, `[dose, seed]` each; all doses meet the same worlds."""
    key = torch.arange(seeds).expand(len(doses), seeds)
    dose = torch.tensor(doses)[:, None].expand(len(doses), seeds)
    result = live(Rescue(), TabularQ(episodes=episodes), key, episodes, last=episodes // 10, traits={"dose": dose})
    return result["help"], result["return"]


def test_dose_decides_about_help():
    help_rate, earned = dose_response([0.0, 12.0], seeds=6, episodes=400)
    assert float(help_rate[0].mean()) <= 0.05
    assert float(earned[0].mean()) > 4.5
    assert float(help_rate[1].mean()) >= 0.85
    assert float(earned[1].mean()) < 1.1


@pytest.mark.slow
def test_dose_response_of_the_reference():
    """The numbers of 20 seeds of an independent program: help 0, .50, .98; return 4.9, 2.9, .76."""
    help_rate, earned = dose_response([0.0, 3.5, 10.0], seeds=20, episodes=1000)
    mean, gain = help_rate.mean(-1).tolist(), earned.mean(-1).tolist()
    assert mean[0] <= 0.02
    assert 0.2 < mean[1] < 0.8
    assert mean[2] >= 0.95
    assert gain[0] == pytest.approx(4.9, abs=0.15)
    assert gain[2] == pytest.approx(0.75, abs=0.25)
