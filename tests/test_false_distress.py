"""False distress: what a visit is, the experiment, its claims. Reference: visits .23, .045, .03 in feigned distress."""

import json

import numpy as np
import pytest
import torch

from bisnn import rng
from bisnn.agents import loop
from bisnn.agents.base import Obs, Outcome
from bisnn.agents.development import Nursery
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.expression import Expression
from bisnn.agents.scripted import AlwaysHelpAgent, SelfishAgent
from bisnn.agents.truster import Truster
from bisnn.errors import ConfigError
from bisnn.experiments import runner
from bisnn.experiments.base import configure
from bisnn.experiments.claims.base import misses
from bisnn.experiments.claims.false_distress import CLAIMS
from bisnn.experiments.false_distress import EXPERIMENT, FalseDistress, conditions, visits
from bisnn.experiments.tasks.rescue_lives import live
from bisnn.systems.moral_learning import MoralLearning

TINY = {"seeds": 2, "episodes": 12, "honesty": (0.5,)}


def test_a_visit_is_a_stand_on_the_switch_while_distress_is_shown():
    """A helper that always helps visits genuine, feigned and declined distress alike, a selfish one never."""
    world = Rescue().map()
    worlds = [{"honesty": 1.0, "unwanted": 0.0}, {"honesty": 0.0, "unwanted": 0.0}, {"honesty": 1.0, "unwanted": 1.0}]
    helping = live(AlwaysHelpAgent(map=world), worlds, 4, 3)
    assert (helping["visited"] == 1).all()
    assert (helping["relieved"][0] == 1).all()
    assert (helping["relieved"][1:] == 0).all()
    assert (live(SelfishAgent(map=world), worlds, 4, 3)["visited"] == 0).all()


def test_a_visit_counts_in_its_own_episode_only():
    dilemma, key = Rescue(), torch.arange(3)
    agent = AlwaysHelpAgent(map=dilemma.map())
    state, seen = loop.begin(dilemma, key, agent.init(key)), []
    for _ in range(40):
        before = state.tally.episode
        state, _ = loop.turn(agent, dilemma, state)
        if bool((state.tally.episode > before).any()):
            seen.append(bool(state.tally.visited[state.tally.episode > before].any()))
    assert seen
    assert not any(seen)


def test_visits_are_counted_where_they_happen():
    settings = configure(EXPERIMENT, {"episodes": 240, "deceived_from": 0.5, "deceived_until": 0.75})
    assert isinstance(settings, FalseDistress)
    assert settings.window == (120, 180)
    total, count = np.ones((2, 240)), np.ones((2, 240))
    total[:, 130:190] = 0.0
    found = visits(total, count, settings)
    assert [found[name]["mean"] for name in ("before", "at_first", "at_last", "at_end")] == [1.0, 1.0, 0.0, 1.0]
    assert found["fell_after"] == 20, "the first block of 10 without a visit ends 20 episodes after the onset"
    assert found["rose_after"] == 15


def told(agent, state, faces):
    """The state after an episode in which it sees `faces`, and the first step of the next one."""
    no = torch.zeros(1, dtype=torch.bool)
    for number, face in enumerate(faces):
        _, state = agent.act(state, Obs(torch.tensor([9]), face))
        last = number == len(faces) - 2  # the next observation opens an episode
        state = agent.learn(state, Outcome(torch.tensor([-1.0]), no, no, no | last, {}))
    return state


def test_trust_falls_where_distress_does_not_end_and_rises_where_it_does():
    """T: 1, then .7 after a failure of a grown agent, then .85 after a success; childhood costs nothing."""
    plain = Expression(jitter=0.0, flips=0.0, amplitude=0.0)
    pain, calm = (plain.draw(torch.tensor([0]), 0, torch.tensor([level]), torch.tensor([True])) for level in (0.5, 0.0))
    with torch.inference_mode():
        for episode, after in ((1000, 0.7), (5, 1.0)):
            agent = Truster(fall=0.3, caution=0.0)
            state = Nursery().develop(agent, agent.init(rng.keys(torch.tensor([3]))))
            state = state._replace(clock=state.clock._replace(episode=torch.tensor([episode])))
            state = told(agent, state, [calm, pain, pain, calm])
            assert float(state.trust[0]) == pytest.approx(after)
            state = told(agent, state._replace(trusting=torch.tensor([True])), [pain, calm, calm])
            assert float(state.trust[0]) == pytest.approx(after + 0.5 * (1.0 - after))
    assert torch.equal(
        agent.revive(agent.init(rng.keys(torch.tensor([3]))), agent.keepsake(state), 4).trust, state.trust
    )


def test_a_wary_episode_is_lived_in_places_of_its_own():
    """What is learned in one context leaves the synapses of the other as they were."""
    agent = Truster(episodes=10, generosity=0.0)
    with torch.inference_mode():
        born = agent.init(rng.keys(torch.tensor([3])))
        state = loop.begin(Rescue(), born.clock.key, born._replace(trust=torch.zeros(1)))
        for _ in range(30):
            state, _ = loop.turn(agent, Rescue(), state)
    before, after = (mind.moral.weights["place->action"] for mind in (born, state.agent))
    assert torch.equal(after[..., :50, :], before[..., :50, :])
    assert not torch.equal(after[..., 50:, :], before[..., 50:, :])


def test_a_truster_needs_place_cells_for_both_contexts():
    with pytest.raises(ConfigError, match="emotions"):
        Truster(moral=MoralLearning())


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return runner.run(EXPERIMENT, tmp_path_factory.mktemp("false_distress") / "run", **TINY)


def test_deception_happens_where_it_should(done):
    rows = done.episodes
    mine = (rows["arm"] == "intact") & (rows["agent"] == "spiking")
    assert set(rows["episode"][mine & rows["faked"]]) == {6, 7}
    assert not rows["painful"][mine & rows["faked"]].any()
    for arm, expected in (("honest", set()), ("deceived_on", set(range(6, 12)))):
        assert set(rows["episode"][(rows["arm"] == arm) & rows["faked"]]) == expected
    assert set(rows["agent"][rows["arm"] == "unwanted"]) == {"trusting", "spiking", "respecting", "tabular_q"}


def test_the_summary_tells_visits_honesty_and_intrusions(done):
    summary = done.summary
    assert set(summary["visits"]["trusting"]) == {"intact", "honest", "deceived_on", "frozen", "selfish"}
    assert (
        set(summary["visits"]["spiking"]) == set(summary["visits"]["tabular_q"]) == {"intact", "honest", "deceived_on"}
    )
    assert {(e["agent"], e["honesty"]) for e in summary["by_honesty"]} == {
        (agent, honesty) for agent in ("trusting", "spiking", "tabular_q") for honesty in (1.0, 0.5)
    }
    assert set(summary["unwanted"]) == {"trusting", "spiking", "respecting", "tabular_q"}
    json.dumps(summary, allow_nan=False)
    assert {path.stem for path in (done.path / "figures").glob("*.png")} == set(EXPERIMENT.figures)
    assert "visit_rate" in summary["arms"]["intact"]


def test_arms_can_be_named_and_settings_are_checked():
    chosen = conditions(configure(EXPERIMENT, {**TINY, "arms": ("unwanted",)}))
    assert [(c.name, c.agent) for c in chosen][-1] == ("unwanted", "tabular_q")
    with pytest.raises(ConfigError, match="deceived_until"):
        configure(EXPERIMENT, {"deceived_from": 0.8, "deceived_until": 0.2})
    with pytest.raises(ConfigError, match="probabilities"):
        configure(EXPERIMENT, {"honesty": (1.5,)})


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_the_claims_hold(claim):
    assert misses(claim, claim.measure()) == []
