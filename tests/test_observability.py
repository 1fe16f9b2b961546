"""Observability: a memory of the face holds distress through hidden faces; the experiment on it and its claims.

Reference: help of the published tabular decision maker, .99/.97/.94/.26/.01 at p = 1/.9/.7/.5/.3.
"""

import json

import pytest
import torch

from bisnn import rng
from bisnn.agents import loop
from bisnn.agents.altruist import Altruist
from bisnn.agents.base import REACH, Obs, Outcome
from bisnn.agents.development import Nursery
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.expression import Expression
from bisnn.agents.rememberer import Rememberer, Respecter
from bisnn.errors import ConfigError
from bisnn.experiments import runner
from bisnn.experiments.base import configure
from bisnn.experiments.claims.base import misses
from bisnn.experiments.claims.observability import CLAIMS
from bisnn.experiments.observability import EXPERIMENT, Observability
from bisnn.interventions import Ablation, compile_gates
from bisnn.systems.affect_memory import AffectMemory

PLAIN = Expression(jitter=0.0, flips=0.0, amplitude=0.0)
PAIN, CALM, HIDDEN = (
    PLAIN.draw(torch.tensor([0]), 0, torch.tensor([level]), torch.tensor([seen]))
    for level, seen in ((0.5, True), (0.0, True), (0.0, False))
)
NO = torch.tensor([False])


def recalled(faces, memory=AffectMemory(), fresh=()):  # noqa: B008 - a frozen plan
    """What the memory shows after each of `faces`; an episode begins at the numbers in `fresh`."""
    state, shown = memory.init(torch.tensor([0])), []
    for number, face in enumerate(faces):
        recall, state, _ = memory.recall(state, face, torch.tensor([number in fresh]))
        shown.append(recall)
    return shown


def test_the_last_face_is_held_while_none_is_seen():
    shown = recalled([HIDDEN, PAIN, HIDDEN, HIDDEN, HIDDEN, CALM, HIDDEN])
    assert not any(bool(shown[k].any()) for k in (0, 1, 5)), "nothing is recalled before a face, nor beside one"
    assert all(torch.equal(shown[k], PAIN) for k in (2, 3, 4))
    assert torch.equal(shown[6], CALM)


def test_a_face_replaces_the_one_before_it_cell_by_cell():
    faces = [Expression().draw(torch.tensor([k]), 0, torch.tensor([0.5]), torch.tensor([True])) for k in range(6)]
    sequence = [face for pair in zip(faces, [HIDDEN] * 6, strict=True) for face in pair]
    for face, shown in zip(faces, recalled(sequence)[1::2], strict=True):
        assert torch.equal(shown, (face > 0).float())


def test_an_episode_begins_without_memory():
    assert not bool(recalled([PAIN, HIDDEN], fresh=(1,))[1].any())


def test_too_weak_a_loop_holds_nothing():
    assert not bool(recalled([PAIN, HIDDEN], AffectMemory(hold=0.4))[1].any())


def test_memory_and_face_must_fit():
    with pytest.raises(ConfigError, match="40 cells, a face 24"):
        Rememberer(face=Expression(cells=24))
    assert Rememberer(face=Expression(cells=24), memory=AffectMemory(cells=24)).memory.cells == 24


# ------------------------------------------------------------ the agents

QUIET = Outcome(torch.tensor([-1.0]), NO, NO, NO, {})


@pytest.fixture(scope="module")
def grown():
    """An altruist, a rememberer and one without memory, all of seed 3 and developed."""
    found = {}
    cut = Ablation(name="no_memory", cut=("buffer->recall",))
    for name, agent in {"altruist": Altruist(), "rememberer": Rememberer(), "cut": Rememberer()}.items():
        key = rng.keys(torch.tensor([3]))
        with torch.inference_mode():
            gates = compile_gates([cut], torch.tensor([0]), key, agent.targets) if name == "cut" else None
            state = agent.init(key, gates) if gates else agent.init(key)
            found[name] = agent, Nursery().develop(agent, state)
    return found


def watch(agent, state, faces, view=None):
    """Affect, dopamine error and reaching at each of `faces`."""
    seen = []
    with torch.inference_mode():
        for face in faces:
            obs = Obs(torch.tensor([9]), face) if view is None else Obs(torch.tensor([9]), face, view)
            action, state = agent.act(state, obs)
            state = agent.learn(state, QUIET)
            seen.append((float(state.mood.affect[0]) > 0.025, float(state.mood.delta[0]), int(action[0]) >= REACH))
    return seen


FACES = [CALM, PAIN, HIDDEN, HIDDEN, PAIN, HIDDEN, CALM]


def test_without_memory_losing_sight_is_relief(grown):
    seen = watch(*grown["altruist"], FACES)
    assert [felt for felt, _, _ in seen] == [False, True, False, False, True, False, False]
    assert seen[2][1] > 0
    assert seen[5][1] > 0
    assert not seen[2][2]


def test_with_memory_only_relief_is_relief(grown):
    seen = watch(*grown["rememberer"], FACES)
    assert [felt for felt, _, _ in seen] == [False, True, True, True, True, True, False]
    assert [reach for _, _, reach in seen] == [False, True, True, True, True, True, False]
    assert all(delta < 0 for _, delta, _ in seen[1:6])
    assert seen[6][1] > 0.5


def test_with_its_memory_cut_it_is_the_altruist_bit_for_bit(grown):
    lives = []
    for name in ("altruist", "cut"):
        agent, mind = grown[name]
        world = {"observability": torch.tensor([0.5])}
        with torch.inference_mode():
            state = loop.begin(Rescue(), mind.clock.key, mind, traits=world)
            taken = []
            for _ in range(30):
                state, step = loop.turn(agent, Rescue(), state)
                taken.append(torch.cat((step.actions.float(), state.agent.mood.dopamine, state.agent.mood.affect)))
        lives.append((torch.stack(taken), agent.keepsake(state.agent)))
    (one, kept), (two, other) = lives
    assert torch.equal(one, two)
    assert all(torch.equal(kept[name], other[name]) for name in kept)


def test_a_refusal_closes_the_eye_of_who_heeds_it(grown):
    agent, mind = Respecter(), grown["altruist"][1]
    declined, open_ = torch.tensor([[1.0]]), torch.tensor([[0.0]])
    assert [felt for felt, _, _ in watch(agent, mind, [CALM, PAIN], declined)] == [False, False]
    assert watch(agent, mind, [CALM, PAIN], open_) == watch(Altruist(), mind, [CALM, PAIN])


# ------------------------------------------------------------ the experiment


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("observability") / "run"
    return runner.run(EXPERIMENT, folder, seeds=2, episodes=6, visible=(1.0, 0.5))


def test_every_agent_meets_every_p_beside_its_scales(done):
    summary = done.summary
    assert {(e["agent"], e["visible"]) for e in summary["visible"]} == {
        (agent, p) for agent in ("remembering", "spiking", "tabular_q", "oracle") for p in (1.0, 0.5)
    }
    assert summary["chance"]["n"] == 2
    assert {e["visible"] for e in summary["memory"]} == {1.0, 0.5}
    assert set(summary["expected"]) == {"no_memory", "no_mirror"}
    json.dumps(summary, allow_nan=False)
    assert {path.name for path in (done.path / "figures").glob("*.png")} == {
        f"{name}.png" for name in EXPERIMENT.figures
    }


def test_who_sees_everything_has_no_use_for_memory(done):
    """At p = 1 the rememberer is the altruist; without its memory it is so at every p."""
    rows = done.episodes
    for ours, theirs in (
        (("intact", "remembering"), ("intact", "spiking")),
        (("no_memory", "remembering"), ("p=0.5", "spiking")),
    ):
        one, two = ((rows["arm"] == arm) & (rows["agent"] == agent) for arm, agent in (ours, theirs))
        assert (rows["return_external"][one] == rows["return_external"][two]).all()
        assert (rows["steps"][one] == rows["steps"][two]).all()


def test_settings_refuse_what_is_no_probability():
    with pytest.raises(ConfigError, match="probabilities"):
        configure(EXPERIMENT, {"visible": (1.5,)})
    assert isinstance(configure(EXPERIMENT, {"visible": "0.5,1"}), Observability)


def test_a_trained_rememberer_can_be_revived(done):
    trained = done.agent("p=0.5", 1, "remembering")
    assert len(trained.live(2)) == 2


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_the_claims_hold(claim):
    assert misses(claim, claim.measure()) == []
