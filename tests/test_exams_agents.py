"""The universal exams of agents and experiments, found by walking their folders; those of dilemmas have their own.

References are exact: bits (`torch.equal`).
"""

import importlib
import pkgutil
from pathlib import Path

import pytest
import torch

import bisnn.agents
import bisnn.experiments
from bisnn import tree
from bisnn.agents.base import REACH, Agent, Dilemma
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.loop import begin, turn
from bisnn.errors import UnknownName
from bisnn.experiments import base, storage
from bisnn.experiments.runner import resolved
from bisnn.interventions import INTACT, check

ROOT = Path(__file__).resolve().parent.parent


def offered(package, protocol):
    """The examples of a package that satisfy a protocol."""
    found = []
    for each in pkgutil.iter_modules(package.__path__):
        if not each.ispkg and "EXAMPLES = (" in (Path(package.__path__[0]) / f"{each.name}.py").read_text("utf-8"):
            module = importlib.import_module(f"{package.__name__}.{each.name}")
            found += [one for one in module.EXAMPLES if isinstance(one, protocol)]
    return found


AGENTS = offered(bisnn.agents, Agent)
EXPERIMENTS = base.experiments()


def same(one, other):
    """Whether two trees hold the same bits."""
    equal = []
    tree.map(lambda a, b: equal.append(torch.equal(a, b)), one, other)
    return all(equal)


def life(agent, key, turns):
    state, actions = begin(Rescue(), key, agent.init(key)), []
    for _ in range(turns):
        state, step = turn(agent, Rescue(), state)
        actions.append(step.actions)
    return state, torch.stack(actions)


def test_the_walk_finds_them():
    assert AGENTS
    written = {
        path.stem for path in (ROOT / "experiments").glob("*.py") if "\nEXPERIMENT = " in path.read_text("utf-8")
    }
    assert {name.replace("-", "_") for name in EXPERIMENTS} == written


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: repr(agent)[:60])
def test_an_agent_alone_is_the_agent_in_a_batch(agent):
    key, turns = torch.tensor([5, 0, 3, 8]), 14
    together, actions = life(agent, key, turns)
    again, repeated = life(agent, key, turns)
    assert same(together.agent, again.agent)
    assert torch.equal(actions, repeated)
    assert bool(((actions >= 0) & (actions < 2 * REACH)).all())
    for k in (0, 3):
        alone, mine = life(agent, key[k : k + 1], turns)
        assert torch.equal(actions[:, k : k + 1], mine)
        assert same(tree.take(together.agent, torch.tensor([k])), alone.agent)
        assert same(tree.take(together.world, torch.tensor([k])), alone.world)


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: repr(agent)[:60])
def test_an_agent_is_pure_and_knows_its_traits(agent):
    key = torch.arange(3)
    state, _ = life(agent, key, 4)
    before = tree.map(lambda leaf: leaf.clone(), (state.agent, state.obs))
    seen = state.obs.of(0)
    first, second = agent.act(state.agent, seen), agent.act(state.agent, seen)
    assert same(first, second)
    assert same((state.agent, state.obs), before)
    kept = agent.keepsake(state.agent)
    assert all(leaf.shape[:1] == key.shape for leaf in kept.values())
    assert same(agent.keepsake(agent.revive(agent.init(key), kept, 3)), kept)
    with pytest.raises(UnknownName):
        agent.init(key, traits={"nonsense": torch.zeros(3)})


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda experiment: experiment.name)
def test_an_experiment_is_declared_in_full(experiment):
    settings = base.configure(experiment, {})

    def hashed(given):
        return storage.config_hash({"experiment": experiment.name, **resolved(experiment, given)})

    assert hashed(settings) == hashed(base.configure(experiment, {}))
    assert hashed(settings) == hashed(base.configure(experiment, {"record": 3})), "what is kept changes no result"
    assert hashed(settings) != hashed(base.configure(experiment, {"seeds": settings.seeds + 1}))
    declared = experiment.conditions(settings)
    assert declared[0].ablation == INTACT
    assert declared[0].name == "intact"
    last = experiment.conditions(settings.model_copy(update={"arms": (declared[-1].name,)}))
    assert last[0] == declared[0]
    assert last[-1] == declared[-1]
    agents = experiment.agents(settings)
    if experiment.trials is None:
        assert {condition.agent for condition in declared} <= set(agents)
        assert all(isinstance(agent, Agent) for agent in agents.values())
        assert isinstance(experiment.world(settings), Dilemma)
    else:
        assert {condition.agent for condition in declared} == {base.SUBJECT}
        assert not agents
        for condition in declared:
            check(condition.ablation, experiment.targets(settings))
    assert experiment.question.endswith("?")
    assert "doi:10." in experiment.reference
