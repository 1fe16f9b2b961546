"""The social agent and its deciding network: bits, bounds, ties, what is felt, what ablations abolish, learning."""

from dataclasses import replace

import pytest
import torch

from bisnn import rng, tree
from bisnn.agents.base import Agent, Obs, Outcome, Senses
from bisnn.agents.social import EXAMPLES, SocialAgent
from bisnn.errors import ConfigError, ShapeMismatch
from bisnn.gates import NO_GATES
from bisnn.interventions import INTACT, Ablation, compile_gates
from bisnn.systems.social_decision import SocialDecision

SMALL = SocialDecision(states=3, actions=5, ticks=12, channel=1, values=3, w_max=0.4)


def face(pain, cells=40):
    """A plain face: all pain cells, or all neutral ones."""
    half = torch.ones(cells // 2)
    return torch.cat((half * pain, half * (1 - pain)))


def decided(decision, weights, count=2000):
    """Decisions of `count` individuals whose channels have the `weights`, on full state currents."""
    key = torch.arange(count)
    state = decision.init(key)
    given = torch.tensor(weights).repeat_interleave(decision.channel).expand(count, decision.states, -1)
    state = state._replace(weights={**state.weights, "state->striatum": given.contiguous()})
    noise = rng.uniforms(key, 0, decision.streams)
    return decision.decide(state, torch.ones(count, decision.states), noise)[0]


@pytest.mark.parametrize("base", [0.1, 0.2, 0.3])
def test_ties_are_rare_even_between_equals(base):
    """Five channels alike: below 1 % of decisions end in a tie at the top, and each is chosen about as often."""
    found = decided(SMALL, [base] * 5)
    assert float((found.margin == 0).float().mean()) < 0.01
    share = torch.bincount(found.counts.argmax(-1), minlength=5) / 2000
    assert float((share - 0.2).abs().max()) < 0.04
    assert float(found.margin.mean()) > 20


def test_a_stronger_channel_wins_more_often_the_stronger_it_is():
    rates = [float((decided(SMALL, [0.2] * 4 + [w]).counts.argmax(-1) == 4).float().mean()) for w in (0.2, 0.23, 0.33)]
    assert rates[0] < rates[1] < rates[2]
    assert rates[2] > 0.9


def test_dopamine_teaches_the_executed_action_within_bounds():
    key = torch.arange(4)
    state = SMALL.init(key)
    rates, action = torch.ones(4, 3) * 0.5, torch.tensor([0, 1, 4, 4])
    zero, fresh = torch.zeros(4), torch.zeros(4, dtype=torch.bool)
    marked = SMALL.reinforce(state, rates, action, zero, zero, fresh)
    level = torch.tensor([10.0, -10.0, 1e6, -1e6])
    taught = SMALL.reinforce(marked, rates, action, level, zero, fresh)
    weight = taught.weights["state->striatum"]
    assert torch.allclose(weight[0, :, 0], torch.tensor(0.2 + 0.005 * 10 * 0.5))
    assert torch.allclose(weight[1, :, 1], torch.tensor(0.2 - 0.005 * 10 * 0.5))
    assert weight[0, :, 1:].eq(0.2).all()
    assert weight[2, :, 4].eq(torch.tensor(0.4)).all()
    assert weight[3, :, 4].eq(0.0).all()
    assert torch.equal(taught.weights["state->gain"], state.weights["state->gain"]), "the critic has its own error"
    critic = SMALL.reinforce(marked, rates, action, zero, level.clamp(-10, 10), fresh)
    up, down = (critic.weights[f"state->{name}"] - 0.2 for name in ("gain", "loss"))
    assert torch.allclose(up[:2], -down[:2], atol=1e-6)
    assert float(up[0].min()) > 0
    forgot = SMALL.reinforce(marked, rates, action, level, zero, ~fresh)
    assert torch.equal(forgot.weights["state->striatum"], state.weights["state->striatum"])


def test_it_is_an_agent_and_fits_any_senses():
    agent = SocialAgent.of(Senses(4, ("a", "b"), 40, ("x", "y", "z")), 3, signed=False)
    assert isinstance(agent, Agent)
    assert agent.decision.states == 2 * 4 + 2 * 3 + 3
    with pytest.raises(ConfigError, match="40"):
        SocialAgent.of(Senses(4, ("a",), 24, ()), 3)
    with pytest.raises(ConfigError, match="level"):
        SocialAgent(level=2.0)
    state = agent.init(torch.arange(2))
    bad = Obs(torch.zeros(2, dtype=torch.int64), face(1).repeat(2).expand(2, -1), torch.zeros(2, 2))
    with pytest.raises(ShapeMismatch, match="features"):
        agent.act(state, bad)


def test_it_feels_every_face_and_relief_releases_dopamine():
    """Two faces: distress of both, of one, of none; delta is the error of their predicted sum."""
    agent = SocialAgent(places=1, faces=2, features=0, actions=2)
    key = torch.arange(3)
    state = agent.init(key)
    still = Outcome(torch.zeros(3), *(torch.zeros(3, dtype=torch.bool),) * 3, {})
    here = torch.zeros(3, dtype=torch.int64)
    shown = [(1, 1), (1, 1), (0, 1), (0, 0)]
    felt, delta = [], []
    for pair in shown:
        faces = torch.cat([face(pain) for pain in pair]).expand(3, -1)
        _, state = agent.act(state, Obs(here, faces, torch.zeros(3, 0)))
        felt.append(state.mood.distressed.tolist())
        delta.append(float(state.mood.delta[0]))
        state = agent.learn(state, still)
    assert felt == [[2] * 3, [2] * 3, [1] * 3, [0] * 3]
    assert delta[0] == pytest.approx(-2.0, abs=0.02)
    assert delta[1] == pytest.approx(-2.0 + 0.2 * 2.0, abs=0.05)
    assert delta[2] > 0 or delta[2] == pytest.approx(-1.0 + 0.36 * 2.0, abs=0.05)
    assert delta[3] > 0.4


def felt_by(agent, gates=NO_GATES, level=1.0):
    key = torch.arange(2)
    state = agent.init(key, gates, {"level": torch.full((2,), level)})
    obs = Obs(torch.zeros(2, dtype=torch.int64), face(1).expand(2, -1), torch.zeros(2, 1))
    return agent.act(state, obs)[1]


def test_what_ablations_abolish():
    agent = EXAMPLES[0]
    assert felt_by(agent).mood.distressed.tolist() == [1, 1]
    arms = [INTACT, Ablation(name="no_mirror", cut=("perception->ifg",))]
    gates = compile_gates(arms, torch.tensor([0, 1]), torch.arange(2), agent.targets)
    cut = felt_by(agent, gates)
    assert cut.mood.distressed.tolist() == [1, 0]
    assert float(cut.felt.dopamine[0, 0]) < -0.9
    assert abs(float(cut.felt.dopamine[1, 0])) < 0.05
    arms[1] = Ablation(name="no_dopamine", cut=("ifg->dopamine",))
    numb = felt_by(agent, compile_gates(arms, torch.tensor([0, 1]), torch.arange(2), agent.targets))
    assert numb.mood.distressed.tolist() == [1, 1]
    assert abs(float(numb.felt.dopamine[1, 0])) < 0.05
    assert felt_by(replace(agent, raised=False)).mood.distressed.tolist() == [0, 0], "own pain comes first"
    assert float(felt_by(agent, level=0.0).felt.affect.max()) == 0.0


def world(agent, key, turns, gates=NO_GATES):
    """A bandit: action 0 is worth 1 while a face is calm, and relieves it while it is in distress."""
    state = agent.init(key, gates)
    no = torch.zeros(len(key), dtype=torch.bool)
    chosen = []
    for turn in range(turns):
        pain = float(turn % 2 == 0)
        here = torch.zeros_like(key)
        obs = Obs(here, face(pain).expand(len(key), -1), torch.zeros(len(key), 0))
        action, state = agent.act(state, obs)
        chosen.append(action)
        state = agent.learn(state, Outcome((action == 0).float() * 4.0 - 1.0, no, no, no, {}))
    return torch.stack(chosen, -1), state


LEARNER = SocialAgent(
    places=1, faces=1, features=0, actions=3, gain=0.0, explores=False, decision=SocialDecision(w_max=0.4, gamma=0.1)
)


def test_it_learns_what_pays_alone_and_in_a_batch_with_the_same_bits():
    together, state = world(LEARNER, torch.arange(12), 160)
    assert float((together[:, -40:] == 0).float().mean()) > 0.8
    assert float((together[:, :10] == 0).float().mean()) < 0.7
    alone, mine = world(LEARNER, torch.tensor([7]), 160)
    assert torch.equal(together[7:8], alone)
    leaves = (tree.flatten(part) for part in (tree.take(state, torch.tensor([7])), mine))
    assert all(torch.equal(one, other) for (_, one), (_, other) in zip(*leaves, strict=True))
    weight = state.decision.weights["state->striatum"]
    assert 0.0 <= float(weight.min()) <= float(weight.max()) <= torch.tensor(0.4)


def test_without_dopamine_nothing_is_learned():
    key = torch.arange(6)
    still = Ablation(name="still", clamp={"dopamine": 0.0, "error": 0.0})
    gates = compile_gates([INTACT, still], torch.ones_like(key), key, LEARNER.targets)
    _, state = world(LEARNER, key, 60, gates)
    assert all(bool((state.decision.weights[p.name] == 0.2).all()) for p in LEARNER.decision.circuit.plastic)


def test_what_it_has_learned_survives():
    _, state = world(LEARNER, torch.arange(3), 30)
    kept = LEARNER.keepsake(state)
    again = LEARNER.revive(LEARNER.init(torch.arange(3)), kept, 5)
    assert all(torch.equal(LEARNER.keepsake(again)[name], value) for name, value in kept.items())
    assert again.clock.episode.tolist() == [4, 4, 4]
