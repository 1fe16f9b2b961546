"""The universal exams of dilemmas, found by walking their folder: what each promises, held to all its examples.

References are exact: bits (`torch.equal`), and what the certificate of a dilemma says of itself.
"""

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from bisnn import tree
from bisnn.agents import kinds
from bisnn.agents.base import GOALS
from bisnn.agents.catalogue import dilemmas, make
from bisnn.agents.society import Advised, Society
from bisnn.errors import ConfigError, ShapeMismatch, UnknownName
from bisnn.experiments.tasks.play import play

SPEC = importlib.util.spec_from_file_location("dilemma_exam", Path(__file__).with_name("dilemma_exam.py"))
exam = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(exam)

DILEMMAS = exam.offered()
every = pytest.mark.parametrize("dilemma", DILEMMAS, ids=lambda dilemma: repr(dilemma)[:60])
HIDDEN = ("faked", "opening", "painful")
"""Parts of a scene that nobody but its owner may know."""


def test_the_walk_finds_them():
    assert {type(one) for one in DILEMMAS} == set(dilemmas().values())
    for name, kind in dilemmas().items():
        assert isinstance(make(name), kind)
        assert any(one != kind() for one in DILEMMAS if type(one) is kind), f"{name}: no example beside the defaults"


@every
def test_names_fit_together(dilemma):
    assert dilemma.name.rpartition("_v")[2].isdigit()
    assert dilemma.parties[: len(dilemma.agents)] == dilemma.agents
    for names in (dilemma.agents, dilemma.parties, dilemma.actions, dilemma.senses.features, dilemma.traits):
        assert len(set(names)) == len(names)
    fields = {part.name for part in dataclasses.fields(dilemma)}
    assert set(dilemma.traits) <= fields
    assert hash(dilemma) == hash(dataclasses.replace(dilemma))
    key = torch.arange(2)
    with pytest.raises(UnknownName):
        dilemma.reset(key, traits={"nonsense": torch.zeros(2)})
    with pytest.raises(UnknownName):
        dilemma.advise(dilemma.reset(key)[0], "nonsense")


@every
def test_a_certificate_meets_its_kind(dilemma):
    payoff = dilemma.payoff()
    assert all(kinds.conditions(payoff).values()), kinds.conditions(payoff)
    assert payoff.selfish - payoff.altruistic == pytest.approx(payoff.cost_of_helping, abs=1e-9)
    assert payoff.bound >= 0
    assert payoff.method
    assert payoff.against
    assert payoff == dilemma.payoff()


@every
def test_every_step_of_many_lives_is_what_it_promises(dilemma):
    key = torch.arange(96)
    _, obs = dilemma.reset(key)
    exam.check_obs(dilemma, (96,), obs)
    for style, steps in (("uniform", dilemma.horizon + 20), *((goal, 40) for goal in GOALS)):
        length = torch.zeros_like(key)
        for before, actions, after, seen, outcome in exam.walk(dilemma, key, steps, style):
            exam.check_step(dilemma, (96,), before, actions, after, seen, outcome)
            length = (length + 1) * ~outcome.started
            assert bool((length <= dilemma.horizon).all())
            ended = outcome.terminated | outcome.truncated
            assert bool((ended | (length < dilemma.horizon)).all()), "an episode outlives its horizon"
            assert bool((~outcome.truncated | (length == dilemma.horizon)).all()), "an episode is cut too early"


@every
def test_advice_is_an_action_in_every_state(dilemma):
    for _, actions, after, _, _ in exam.walk(dilemma, torch.arange(96), 30):
        for goal in GOALS:
            advice = dilemma.advise(after, goal)
            assert advice.dtype == torch.int64
            assert advice.shape == actions.shape
            assert bool(((advice >= 0) & (advice < len(dilemma.actions))).all())


@every
def test_bits_alone_in_a_batch_again_and_whatever_the_global_generators(dilemma):
    key, steps = torch.tensor([5, 0, 3, 8, 2**40]), min(dilemma.horizon, 60) + 15
    one = exam.last(dilemma, key, steps)
    torch.manual_seed(4)
    np.random.seed(4)  # noqa: NPY002
    before = torch.random.get_rng_state()
    assert exam.same(one, exam.last(dilemma, key, steps))
    assert torch.equal(before, torch.random.get_rng_state())
    assert exam.same(one, exam.last(dataclasses.replace(dilemma), key, steps))
    for k in (0, 4):
        alone = exam.last(dilemma, key[k : k + 1], steps)
        assert exam.same(tree.take(one, torch.tensor([k])), alone)


@every
def test_ledger_and_advice_of_one_alone_are_those_in_a_batch(dilemma):
    key = torch.arange(6)
    for before, actions, after, _, outcome in exam.walk(dilemma, key, 50, "altruistic"):
        whole = dilemma.ledger(before, actions, after, outcome), *(dilemma.advise(after, goal) for goal in GOALS)
        two = torch.tensor([2])
        old, did, new, brought = tree.take((before, actions, after, tuple(outcome)), two)
        own = dilemma.ledger(old, did, new, type(outcome)(*brought)), *(dilemma.advise(new, goal) for goal in GOALS)
        assert exam.same(tree.take(whole, two), own)


@every
def test_a_partial_reset_touches_those_it_names(dilemma):
    key = torch.arange(6)
    for steps in (1, 7, dilemma.horizon):
        state, obs, _ = exam.last(dilemma, key, steps)
        before = tree.map(lambda leaf: leaf.clone(), state)
        where = torch.tensor([True, False, False, True, False, True])
        some, seen = dilemma.reset(key, state, where)
        everyone, fresh = dilemma.reset(key, state)
        assert exam.same(state, before)
        for k in range(6):
            index = torch.tensor([k])
            chosen = (everyone, fresh) if where[k] else (state, obs)
            assert exam.same(tree.take(some, index), tree.take(chosen[0], index))
            assert exam.same(tree.take(tuple(seen), index), tree.take(tuple(chosen[1]), index))


@every
def test_a_step_is_pure_and_one_that_starts_an_episode_ignores_the_action(dilemma):
    key, met = torch.arange(8), 0
    for number, (before, actions, after, obs, outcome) in enumerate(exam.walk(dilemma, key, dilemma.horizon + 9)):
        kept = tree.map(lambda leaf: leaf.clone(), before)
        other = dilemma.step(key, before, exam.actions_of(dilemma, key, number + 4096))
        again = dilemma.step(key, before, actions)
        assert exam.same(before, kept)
        assert exam.same((after, tuple(obs), tuple(outcome)), (again[0], tuple(again[1]), tuple(again[2])))
        for k in outcome.started.nonzero()[:, 0].tolist():
            met += 1
            index = torch.tensor([k])
            assert exam.same(tree.take(after, index), tree.take(other[0], index))
            assert exam.same(tree.take(tuple(obs), index), tree.take(tuple(other[1]), index))
    assert met >= 8


@every
def test_traits_of_each_individual_are_those_of_a_plan(dilemma):
    drawn = getattr(dilemma, "layout", "fixed") != "fixed"  # which layouts may be drawn depends on what help costs
    names = [trait for trait in dilemma.traits if not (drawn and trait in ("toll", "risk", "harm"))]
    pairs = {trait: next(exam.others(dilemma, trait), None) for trait in names}
    assert all(pairs.values()), f"{dilemma.name}: of a trait no other value is admissible: {pairs}"
    steps, key = min(dilemma.horizon, 40) + 10, torch.full((len(pairs) + 1,), 3)
    traits = {trait: torch.full(key.shape, float(getattr(dilemma, trait))) for trait in pairs}
    for k, (trait, (value, _)) in enumerate(pairs.items()):
        traits[trait][k] = float(value)
    mixed = exam.last(dilemma, key, steps, traits=traits)
    for k, whose in enumerate((*(plan for _, plan in pairs.values()), dilemma)):
        alone = exam.last(whose, key[:1], steps)
        for part, other in zip(tree.take(mixed, torch.tensor([k])), alone, strict=True):
            assert exam.same(tuple(part), tuple(other)), (
                f"{dilemma.name}: {[*pairs, 'no trait'][k]} is not as in a plan"
            )


@every
def test_wrong_actions_are_refused(dilemma):
    key = torch.arange(3)
    state, _ = dilemma.reset(key)
    good = torch.zeros(3, len(dilemma.agents), dtype=torch.int64)
    wrong = (good[:, 0], good[:2], torch.cat((good, good), dim=1), good.float(), good > 0, good[:, :0])
    for actions in wrong:
        with pytest.raises((ShapeMismatch, ConfigError), match=r"actions of \w+ are"):
            dilemma.step(key, state, actions)


@every
def test_what_is_hidden_is_not_seen(dilemma):
    key = torch.arange(64)
    if not hasattr(dilemma, "observe"):
        pytest.skip("its observation is not a function of the scene alone; its own tests judge it")
    for number, (_, _, state, obs, _) in enumerate(exam.walk(dilemma, key, 40, "altruistic")):
        hidden = [name for name in HIDDEN if name in state.scene._fields]
        if not hidden or number % 8:
            continue
        turned = {name: ~part if part.dtype == torch.bool else part * 0 for name, part in _parts(state.scene, hidden)}
        moment = state.episode * 1024 + state.t
        assert exam.same(tuple(dilemma.observe(key, moment, state.scene._replace(**turned), state.traits)), tuple(obs))


def _parts(scene, names):
    return [(name, getattr(scene, name)) for name in names]


@every
def test_a_picture_can_be_drawn(dilemma):
    state, _, _ = exam.last(dilemma, torch.arange(3), 12)
    for individual in range(3):
        picture = dilemma.picture(state, individual)
        for mark in (*picture.ground, *picture.marks):
            assert 0 <= mark.cell[0] < picture.columns
            assert 0 <= mark.cell[1] < picture.rows
            assert len(mark.glyph) == 1
            assert int(mark.colour.removeprefix("#"), 16) >= 0
            assert mark.shape in ("disc", "square", "ring", "star", "face")
        assert all(0 <= column < picture.columns and 0 <= row < picture.rows for column, row in picture.walls)


# ------------------------------------------------------------ advice earns what the certificate says


def returns(dilemma, goals, worlds=192):
    """Returns `[worlds, agent]` of one episode in which agents play for these goals."""
    book, _ = play(Society(dilemma, tuple(map(Advised, goals))), torch.arange(worlds), 1)
    return book.welfare[:, 0, : len(dilemma.agents)].double().numpy()


def certified(dilemma):
    """The dilemma in the case for which its certificate is given: who is to be hurt is so in the first step."""
    if getattr(dilemma, "openings", ()) and getattr(dilemma, "layout", "fixed") == "fixed":
        return dataclasses.replace(dilemma, openings=("R",))
    return dilemma


def misses(sample, due, bound):
    """By how much the mean of a sample misses a number, beyond its bound and 4 standard errors; 0 where it does not."""
    error = sample.std(ddof=1) / np.sqrt(len(sample))
    return max(0.0, abs(sample.mean() - due) - bound - 4 * error - 1e-6 * (1 + abs(due)))


@every
def test_advice_played_out_earns_the_certificate(dilemma):
    """What the others do meanwhile stands in `against`, in words: some goal that all of them play for."""
    if getattr(dilemma, "layout", "fixed") != "fixed":
        pytest.skip("layouts are drawn; tests/test_dilemmas.py holds each to its own certificate")
    payoff, played, rest = dilemma.payoff(), certified(dilemma), len(dilemma.agents) - 1
    for own in ("selfish", "altruistic"):
        missed = {}
        for goal in GOALS if rest else GOALS[:1]:
            missed[goal] = misses(returns(played, (own, *[goal] * rest))[:, 0], getattr(payoff, own), payoff.bound)
            if missed[goal] == 0.0:
                break
        assert 0.0 in missed.values(), (
            f"{dilemma}: {own} {getattr(payoff, own)} is missed by {missed} (goal of the others)"
        )
    if payoff.fair is not None:
        least = returns(played, ("fair",) * (rest + 1))
        worst = least[:, least.mean(0).argmin()]
        assert misses(worst, payoff.fair, payoff.bound) == 0.0, f"{dilemma}: fair {payoff.fair}, earned {worst.mean()}"
