"""The altruist among several: attention, grading, bias, memory of hidden faces, and that a group's mark plays no part.

References are exact: arithmetic by hand for attention, bits for twins that differ in what must not matter.
"""

import pytest
import torch

from bisnn import tree
from bisnn.agents import triage_attention
from bisnn.agents.base import Obs, Outcome
from bisnn.agents.development import Nursery
from bisnn.agents.dilemmas.rescue_several import RescueSeveral
from bisnn.agents.expression import Expression
from bisnn.agents.loop import begin, turn
from bisnn.agents.triage import EXAMPLES, Triage
from bisnn.agents.triage_q import TriageQ
from bisnn.errors import ConfigError, ShapeMismatch, UnknownName
from bisnn.interventions import Ablation, compile_gates
from bisnn.recording import Probe

FACE = Expression(jitter=0.0, flips=0.0, amplitude=0.0)


@pytest.fixture(scope="module")
def grown():
    """Two altruists that have developed."""
    agent, key = Triage(episodes=10), torch.arange(2)
    with torch.inference_mode():
        return agent, Nursery(visits=1).develop(agent, agent.init(key)), key


def scene(*needs):
    """An observation of two individuals that see faces of these needs, all of the first group."""
    faces = [FACE.pattern(torch.full((2,), need), _calm()) for need in needs]
    view = torch.cat((torch.full((2, len(needs)), -1.0), torch.zeros(2, len(needs))), -1)
    return Obs(torch.tensor([3, 4]), torch.cat(faces, -1), view)


def _calm():
    return {name: torch.full((2, count), 0.5) for name, count in FACE.streams.items()}


def test_attention_goes_to_who_is_felt_most_and_stays():
    level = torch.tensor([[0.2, 0.8], [0.5, 0.5], [0.6, 0.65], [0.0, 0.01], [0.9, 0.4]])
    able = torch.tensor([[True, True]] * 4 + [[False, True]])
    held, lot = torch.tensor([-1, -1, 0, 0, 0]), torch.tensor([[0.1, 0.9]] * 5)
    focus = triage_attention.attend(level, able, held, lot, 0.025, 0.1)
    assert focus.tolist() == [1, 1, 0, -1, 1]
    assert triage_attention.situation(torch.arange(5), 25, focus).tolist() == [50, 51, 27, 3, 54]


def test_affect_is_averaged_over_looks_and_ends_with_calm():
    mind = triage_attention.nobody(torch.arange(1), 2)
    pain, calm = torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)
    pain[..., 0] = 1.0
    calm[..., 2:] = 1.0
    for affect in (0.2, 0.4):
        mind = triage_attention.remember(mind, pain, torch.full((1, 2), affect), torch.full((1, 2), -affect), 8)
    assert torch.allclose(mind.affect, torch.full((1, 2), 0.3))
    hidden = pain.clone()
    hidden[:, 1] = 0.0
    kept = triage_attention.remember(mind, hidden, torch.zeros(1, 2), torch.zeros(1, 2), 8)
    assert kept.affect[0].tolist() == pytest.approx([0.2, 0.3])
    eased = triage_attention.remember(mind, calm, torch.zeros(1, 2), torch.zeros(1, 2), 8)
    assert not bool(eased.affect.any())
    assert not bool(eased.looks.any())


def test_a_course_gathers_what_its_steps_bring_and_ends_with_attention():
    course = triage_attention.nowhere(torch.arange(2))
    fresh, focus, place = torch.tensor([True, False]), torch.tensor([0, 1]), torch.tensor([3, 4])
    course = triage_attention.further(course, torch.tensor([5.0, 5.0]), 0.5, fresh)
    assert course.gathered.tolist() == [0.0, 5.0]
    anew = triage_attention.decides(course, focus, focus, place, fresh)
    assert anew.tolist() == [True, False]
    course = triage_attention.set_out(course, anew, torch.tensor([2, 2]), place)
    assert course.chosen.tolist() == [2, 0]
    course = triage_attention.further(course, torch.tensor([1.0, 2.0]), 0.5, fresh & False)
    assert course.gathered.tolist() == [1.0, 6.0]
    assert course.factor.tolist() == [0.5, 0.25]
    still = triage_attention.decides(course, focus, focus, torch.tensor([9, 4]), fresh & False)
    assert still.tolist() == [False, True]
    other = triage_attention.decides(course, focus, focus + 1, torch.tensor([9, 9]), fresh & False)
    assert other.tolist() == [True, True]


def test_with_routes_it_keeps_to_its_choice():
    dilemma, key = RescueSeveral(), torch.arange(6)
    for agent in (Triage(routes=ways(dilemma)), TriageQ(routes=ways(dilemma))):
        state = begin(dilemma, key, agent.init(key))
        with torch.inference_mode():
            for _ in range(20):
                before = state
                state, step = turn(agent, dilemma, state)
                course = state.agent.course
                table = torch.tensor(agent.routes)
                moved = table[course.chosen, before.obs.place[:, 0]]
                assert torch.equal(step.actions % 4, moved)
                place = before.obs.place[:, 0]
                old, new = before.agent, state.agent
                kept = ~triage_attention.decides(
                    old.course, old.attention.focus, new.attention.focus, place, old.clock.fresh
                )
                assert torch.equal(course.chosen[kept], old.course.chosen[kept])
    with pytest.raises(ConfigError, match="as many moves"):
        Triage(routes=((0, 1),))


def ways(dilemma):
    """Routes to the goal and to every switch."""
    table = dilemma.ways("cpu")
    return (tuple(table.homewards.tolist()), *(tuple(way.tolist()) for way in table.towards.unbind(-1)))


def test_without_mirror_cells_or_relief_dopamine_is_that_of_the_own_goal():
    agent, key = Triage(episodes=10), torch.arange(2)
    arm = Ablation(name="selfish", release={"relief": 0.0})
    state = agent.init(key, compile_gates([arm], key * 0, key, agent.targets))
    told = state._replace(pending=state.pending._replace(reward=torch.tensor([10.0, -1.0])))
    assert agent.reward(told, torch.tensor([0.5, 0.5])).tolist() == [10.0, -1.0]
    free = agent.init(key)._replace(pending=told.pending)
    assert agent.reward(free, torch.tensor([0.5, 0.5])).tolist() == [19.0, 8.0]


def test_too_many_faces_are_refused():
    with pytest.raises(ShapeMismatch, match="set faces"):
        triage_attention.faces_of(torch.zeros(2, 120), 40, 2)
    with pytest.raises(ConfigError):
        Triage(faces=0)
    with pytest.raises(ConfigError):
        Triage(bias=2.0)
    with pytest.raises(UnknownName):
        Triage().init(torch.arange(2), traits={"kindness": torch.ones(2)})


def felt(agent, state, obs):
    """What is felt for every face after one look, and the next state."""
    with torch.inference_mode():
        _, after = agent.act(state, obs)
    return after.attention.affect, after


def test_affect_is_graded_by_need_and_the_neediest_is_attended(grown):
    agent, state, _ = grown
    affect, after = felt(agent, state, scene(0.2, 0.4))
    assert bool((affect[:, 1] > affect[:, 0] + 0.2).all())
    assert after.attention.focus.tolist() == [1, 1]
    strong, _ = felt(agent, state, scene(0.5, 0.1))
    assert bool((strong[:, 0] > affect[:, 1]).all())


def test_without_grading_need_does_not_count(grown):
    agent, state, _ = grown
    flat = state._replace(traits={**state.traits, "grading": torch.zeros(2)})
    _, weak = felt(agent, flat, scene(0.2, 0.5))
    _, other = felt(agent, flat, scene(0.5, 0.2))
    assert torch.equal(weak.attention.focus, other.attention.focus)
    assert torch.equal(weak.mood.signal, torch.full((2,), -2.0))


def test_a_mark_changes_nothing_without_bias_and_lowers_affect_with_it(grown):
    agent, state, _ = grown
    seen = scene(0.4, 0.4)
    marked = seen._replace(view=seen.view * torch.tensor([1.0, -1.0, 1.0, 1.0]))
    (one, first), (two, second) = felt(agent, state, seen), felt(agent, state, marked)
    assert torch.equal(one, two)
    assert torch.equal(first.mood.signal, second.mood.signal)
    biased = state._replace(traits={**state.traits, "bias": torch.full((2,), 0.5)})
    before, after = felt(agent, biased, seen)[0], felt(agent, biased, marked)
    assert torch.equal(before, one)
    assert bool((after[0][:, 1] < 0.7 * before[:, 1]).all())
    assert after[1].attention.focus.tolist() == [0, 0]


def test_who_is_beyond_help_is_felt_but_not_attended(grown):
    agent, state, _ = grown
    seen = scene(0.5, 0.2)
    lost = seen._replace(view=torch.tensor([[-1.0, -1.0, 1.0, 0.0]] * 2))
    with torch.inference_mode():
        actions, after = agent.act(state, lost)
    assert after.attention.focus.tolist() == [1, 1]
    assert bool((after.attention.affect[:, 0] > 0.5).all())
    assert bool((actions >= 4).all())
    with torch.inference_mode():
        actions, _ = agent.act(state, seen._replace(view=torch.tensor([[-1.0, -1.0, 1.0, 1.0]] * 2)))
    assert bool((actions < 4).all())


def test_relief_releases_dopamine_in_proportion_to_the_need(grown):
    agent, state, _ = grown
    errors = []
    for need in (0.1, 0.3, 0.5):
        _, after = felt(agent, state, scene(need, 0.2))
        _, later = felt(agent, agent.learn(after, _nothing()), scene(0.0, 0.2))
        errors.append(float(later.mood.delta.mean()))
    assert errors[0] > 0.05
    assert errors[0] < errors[1] < errors[2]


def _nothing():
    no = torch.zeros(2, dtype=torch.bool)
    return Outcome(torch.zeros(2), no, no, no, {})


def test_without_mirror_cells_it_reaches_for_nobody():
    agent, key = Triage(episodes=10), torch.arange(2)
    gates = compile_gates([Ablation(name="no_mirror", cut=("perception->ifg",))], key * 0, key, agent.targets)
    with torch.inference_mode():
        state = Nursery(visits=1).develop(agent, agent.init(key, gates))
        actions, after = agent.act(state, scene(0.5, 0.5))
    assert bool((actions < 4).all())
    assert not bool(after.attention.affect.any())


@pytest.mark.parametrize("agent", [*EXAMPLES, TriageQ()], ids=lambda one: repr(one)[:50])
def test_alone_and_in_a_batch_among_several(agent):
    dilemma, key = RescueSeveral(observability=0.8), torch.tensor([4, 0, 9])

    def live(keys):
        state, done = begin(dilemma, keys, agent.init(keys)), []
        for _ in range(12):
            state, step = turn(agent, dilemma, state)
            done.append(step.actions)
        return state, torch.stack(done)

    with torch.inference_mode():
        together, alone = live(key), live(key[2:])
    assert torch.equal(together[1][:, 2:], alone[1])
    mine = tree.take(together[0].agent, torch.tensor([2]))
    pairs = zip(tree.flatten(mine), tree.flatten(alone[0].agent), strict=True)
    assert all(torch.equal(one, other) for (_, one), (_, other) in pairs)


def test_watching_changes_nothing_and_shows_the_looks_in_turn(grown):
    agent, state, _ = grown
    with torch.inference_mode():
        plain, after = agent.act(state, scene(0.5, 0.1))
        seen, same, recordings = agent.watched_act(state, scene(0.5, 0.1), (Probe("perception"), Probe("ifg")))
    assert torch.equal(plain, seen)
    assert torch.equal(after.mood.affect, same.mood.affect)
    spikes = recordings[0]["perception.spikes"][..., :20].sum(-1)
    glance = agent.empathy.glance
    assert spikes.shape[-1] == 2 * glance
    assert bool((spikes[:, :glance].sum(-1) > spikes[:, glance:].sum(-1)).all())
