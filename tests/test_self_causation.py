"""The counterfactual contrast: its learning rule, its imagined worlds, its attributions, and responsibility by hand."""

import pytest
import torch

from bisnn import rng, tree
from bisnn.errors import ConfigError
from bisnn.experiments.tasks.consequences import babbling, draw, effects, outcome
from bisnn.gates import NO_GATES
from bisnn.recording import Probe
from bisnn.systems.self_causation import (
    CONTRASTS,
    EXAMPLES,
    INPUTS,
    LEARNED,
    Scene,
    SelfCausation,
    responsibility,
)

MODEL = SelfCausation()
HARM, NEITHER = (True, False), (False, False)


def scene(own, other, nature, context=0, n=1):
    return Scene(*(torch.full((n,), value) for value in (context, own, other, nature)))


def phase(key, step):
    return rng.uniform(key, "test/phase", step, MODEL.outcomes)


def taught(*lessons, n=1):
    """An agent after `(scene, outcome, times)` lessons."""
    key = torch.arange(n)
    state, step = MODEL.init(key), 0
    for acts, happened, times in lessons:
        for _ in range(times):
            state = MODEL.experience(state, scene(*acts, n=n), torch.tensor([happened] * n), phase(key, step))
            step += 1
    return state


def asked(state, acts, happened=HARM, **more):
    n = len(state.weights[LEARNED])
    return MODEL.attribute(state, scene(*acts, n=n), torch.tensor([happened] * n), phase(torch.arange(n), 999), **more)


def weight(state, actor, act, kind=0, context=0):
    """Mean weight of the conjunction of an act in a context onto the cells of a kind of outcome."""
    wanted = (context, *(act if k == actor else -1 for k in range(3)))
    cells = slice(kind * MODEL.cells, (kind + 1) * MODEL.cells)
    return float(state.weights[LEARNED][0, MODEL.conjunctions.index(wanted), cells].mean())


ALL = ((0, -1, -1), HARM, 15), ((-1, 0, -1), HARM, 15), ((-1, -1, 0), HARM, 15), ((1, 1, 1), NEITHER, 3)
"""Act 0 of everybody harms, act 1 of nobody does."""


@pytest.fixture(scope="module")
def learned():
    """Twenty individuals after 300 trials of babbling, their world, and scenes that they know."""
    key = torch.arange(20)
    world, state, free = draw(key, MODEL.contexts, MODEL.acts), MODEL.init(key), torch.zeros(20, dtype=torch.bool)
    for trial in range(300):
        now = babbling(world, key, trial, free)
        state = MODEL.experience(state, now, outcome(effects(world, now)), phase(key, trial))
    return key, world, state


# learning


def test_a_trial_changes_weights_by_the_rate_times_spikes_of_outcome_less_those_predicted():
    """dw = rate (5 - spikes predicted in 5 ticks): from 0 by 0.25, then, at 0.25, by as much less as it predicts."""
    first = taught(((0, -1, -1), HARM, 1))
    row = first.weights[LEARNED][0, MODEL.conjunctions.index((0, 0, -1, -1))]
    assert torch.allclose(row, torch.tensor([0.25] * 10 + [0.0] * 10))
    assert int((first.weights[LEARNED] != 0).sum()) == 10
    start = phase(torch.arange(1), 0)
    after = MODEL.experience(first, scene(0, -1, -1), torch.tensor([HARM]), start)
    v, spikes = start[0, :10].clone(), torch.zeros(10)
    for _ in range(MODEL.learning_ticks):
        v = v + 0.25
        spikes += v > 1.0
        v = torch.where(v > 1.0, 0.0, v)
    changed = after.weights[LEARNED][0, MODEL.conjunctions.index((0, 0, -1, -1)), :10] - 0.25
    assert torch.allclose(changed, MODEL.rate * (5 - spikes), atol=1e-6)


def test_what_is_already_predicted_is_not_learned_again():
    """Blocking: Kamin (1969); Rescorla and Wagner (1972)."""
    blocked = taught(((-1, 0, -1), HARM, 15), ((0, 0, -1), HARM, 15))
    alone = taught(((0, -1, -1), HARM, 15))
    assert weight(blocked, 0, 0) <= 0.15
    assert weight(alone, 0, 0) >= 1.0


def test_acts_that_always_come_together_share_the_blame():
    both = taught(((0, -1, 0), HARM, 30))
    assert weight(both, 0, 0) == pytest.approx(weight(both, 2, 0), abs=1e-6)
    assert 0.5 <= weight(both, 0, 0) <= 0.75


def test_an_expectation_that_fails_is_unlearned():
    faded = taught(((0, -1, -1), HARM, 15), ((0, -1, -1), NEITHER, 15))
    assert weight(faded, 0, 0) <= 0.1


def test_harm_and_change_are_learned_apart():
    state = taught(((0, -1, -1), (False, True), 15))
    assert weight(state, 0, 0, kind=1) >= 1.0
    assert weight(state, 0, 0, kind=0) == 0.0


def test_holding_the_other_back_is_learned_as_what_prevents():
    hold = MODEL.acts
    state = taught(*[((-1, 0, -1), HARM, 3), ((hold, 0, -1), NEITHER, 2)] * 20)
    assert float(asked(state, (hold, 0, -1))[0].predicted[0, 0]) == 0.0
    assert float(asked(state, (-1, 0, -1))[0].predicted[0, 0]) == 1.0


def test_an_agent_is_born_without_expectations_and_learns_by_theta_alone():
    assert not MODEL.init(torch.arange(2)).weights[LEARNED].any()
    still = NO_GATES._replace(release={"theta": torch.zeros(1)})
    key = torch.arange(1)
    state = MODEL.experience(MODEL.init(key), scene(0, 0, 0), torch.tensor([HARM]), phase(key, 0), still)
    assert not state.weights[LEARNED].any()


# imagined worlds


def test_in_each_world_those_who_are_imagined_away_are_silent_and_nobody_else():
    probes = tuple(Probe(area) for area in INPUTS)
    _, seen = asked(taught(), (0, 1, 2), probes=probes)
    for k, area in enumerate(INPUTS):
        by_world = seen[f"{area}.spikes"][0].sum(-1).unflatten(0, (8, MODEL.ticks))
        for world in range(8):
            expected = 0 if world >> k & 1 else MODEL.ticks
            assert int(by_world[world].sum()) == expected


def test_an_imagined_world_predicts_what_the_same_world_would_if_it_were_real(learned):
    """do(nothing) inside of the circuit against a scene in which nothing was done: every world, every individual."""
    key, world, state = learned
    n, close = len(key), []
    for trial in range(4):
        now = babbling(world, key, 1000 + trial, torch.zeros(n, dtype=torch.bool))
        happened = outcome(effects(world, now))
        inside, _ = MODEL.attribute(state, now, happened, phase(key, trial))
        for m in range(8):
            left = [torch.full_like(act, -1) if m >> k & 1 else act for k, act in enumerate(now[1:])]
            real, _ = MODEL.attribute(state, Scene(now.context, *left), happened, phase(key, trial))
            close.append((inside.predicted[:, m] - real.predicted[:, 0]).abs())
    assert float((torch.stack(close) < 0.25).double().mean()) > 0.98


def test_the_contrast_in_spikes_is_the_difference_of_two_predictions(learned):
    """Counted by the contrast areas, and computed from the predictions of two separate runs: they agree, as far as
    the one grows with the rate of a cell (1 - 2 p) and the other counts cells that fire in half of the ticks."""
    key, world, state = learned
    pairs = []
    for trial in range(10):
        now = babbling(world, key, 2000 + trial, torch.zeros(len(key), dtype=torch.bool))
        happened = outcome(effects(world, now))
        found, _ = MODEL.attribute(state, now, happened, phase(key, trial))
        without, _ = MODEL.attribute(state, now._replace(own=torch.full_like(key, -1)), happened, phase(key, trial))
        pairs.append(((found.predicted[:, 0] - without.predicted[:, 0]).clamp(min=0.0), found.caused[:, 0]))
    difference, contrast = (torch.cat(part) for part in zip(*pairs, strict=True))
    assert float(difference.max()) == 1.0
    assert float(torch.corrcoef(torch.stack((difference, contrast)))[0, 1]) > 0.9
    assert float(contrast[difference == 0.0].mean()) < 0.02
    assert not contrast[difference == 0.0].gt(0.5).any()


# attribution


@pytest.mark.parametrize(("acts", "who"), [((0, 1, 1), 0), ((1, 0, 1), 1), ((1, 1, 0), 2)])
def test_harm_with_one_cause_is_attributed_to_it(acts, who):
    found, _ = asked(taught(*ALL), acts)
    assert found.caused[0].tolist() == pytest.approx([float(k == who) for k in range(3)], abs=0.05)


@pytest.mark.parametrize(
    ("acts", "caused", "degrees"),
    [
        ((0, 0, 1), (0, 0, 0), (1 / 2, 1 / 2, 0)),  # self and other: neither but-for, and nothing is left for nature
        ((0, 1, 0), (0, 0, 1), (1 / 2, 0, 1 / 2)),  # self and nature: it would have come anyway
        ((1, 0, 0), (0, 0, 1), (0, 1 / 2, 1 / 2)),
        ((0, 0, 0), (0, 0, 1), (1 / 3, 1 / 3, 1 / 3)),
    ],
)
def test_over_determined_harm(acts, caused, degrees):
    found, _ = asked(taught(*ALL), acts)
    assert found.caused[0].tolist() == pytest.approx(caused, abs=0.05)
    assert responsibility(found.predicted)[0].tolist() == pytest.approx(degrees)


def test_harm_that_nobody_explains_is_natures_and_no_harm_is_nobodys():
    state = taught(*ALL)
    assert asked(state, (1, 1, 1))[0].caused[0].tolist() == [0.0, 0.0, 1.0]
    assert asked(state, (1, 1, 1), NEITHER)[0].caused[0].tolist() == [0.0, 0.0, 0.0]
    felt, predicted = (asked(state, (0, 1, 1), happened)[0].caused for happened in (HARM, NEITHER))
    assert torch.equal(felt, predicted)  # its limit: own harm is blamed as predicted, whether or not it came


def test_compared_with_the_start_the_self_is_blamed_for_the_harm_of_others():
    state, start = taught(*ALL), torch.tensor([True])
    for acts in ((1, 0, 1), (1, 1, 0), (-1, 0, -1)):
        assert float(asked(state, acts)[0].caused[0, 0]) == 0.0
        assert float(asked(state, acts, start=start)[0].caused[0, 0]) == pytest.approx(1.0, abs=0.05)


def test_coincidence_blames_whoever_acts_while_harm_is_felt():
    state = taught(*ALL)
    found = [float(asked(state, acts)[0].coincident) for acts in ((0, 1, 1), (1, 0, 1), (-1, 0, 1))]
    assert found == [1.0, 1.0, 0.0]
    assert float(asked(state, (0, 1, 1), NEITHER)[0].coincident) == 0.0


def test_without_efference_copy_acting_and_doing_nothing_are_alike():
    deaf = NO_GATES._replace(alive={"own": torch.zeros(1, MODEL.acts + 1)})
    found, _ = asked(taught(*ALL), (0, 1, 1), gates=deaf)
    assert float(found.caused[0, 0]) == 0.0


def test_a_change_without_harm_is_authored_and_not_blamed():
    state = taught(((0, -1, -1), (False, True), 15), ((1, 1, 1), NEITHER, 5))
    found, _ = asked(state, (0, 1, 1), (False, True))
    assert float(found.changed[0, 0]) == pytest.approx(1.0, abs=0.05)
    assert not found.caused.any()


def test_a_context_in_which_an_act_was_never_seen_to_harm_predicts_nothing():
    state = taught(*ALL)
    elsewhere, _ = MODEL.attribute(state, scene(0, 1, 1, context=1), torch.tensor([HARM]), phase(torch.arange(1), 5))
    assert not elsewhere.predicted.any()


# responsibility, by hand


def degrees(*sufficient):
    """Degrees where harm comes if any set of `sufficient` acts, whole, is there: sets of actors as bits."""
    harm = [float(any(not m & cause for cause in sufficient)) for m in range(8)]
    return responsibility(torch.tensor(harm)).tolist()


@pytest.mark.parametrize(
    ("sufficient", "expected"),
    [
        ((1,), (1, 0, 0)),
        ((1, 2), (1 / 2, 1 / 2, 0)),
        ((1, 2, 4), (1 / 3, 1 / 3, 1 / 3)),
        ((3,), (1, 1, 0)),  # two needed together: each is critical
        ((3, 4), (1 / 2, 1 / 2, 1 / 2)),
        ((3, 5, 6), (1 / 2, 1 / 2, 1 / 2)),  # two of three suffice, and all three act
        ((), (0, 0, 0)),
        ((0,), (0, 0, 0)),  # harm that comes whatever they do
    ],
)
def test_responsibility(sufficient, expected):
    assert degrees(*sufficient) == pytest.approx(expected)


# the plan


@pytest.mark.parametrize("model", EXAMPLES, ids=["default", "small"])
def test_the_same_individual_has_the_same_bits_alone_and_in_a_batch(model):
    def lived(seeds):
        key = torch.tensor(seeds)
        state = model.init(key)
        for k in range(6):
            acts = (rng.uniform(key, "act", k, 3) * model.acts).long().unbind(-1)
            now, happened = Scene(key % model.contexts, *acts), acts[0][..., None] > torch.tensor([1, 2])
            state = model.experience(state, now, happened, rng.uniform(key, "p", k, model.outcomes))
        found, seen = model.attribute(state, now, happened, rng.uniform(key, "p", 9, model.outcomes))
        return state, found, {name: seen[f"{name}.spikes"] for name in CONTRASTS}

    together, alone = lived([4, 0, 7]), lived([7])
    pairs = []
    tree.map(lambda a, b: pairs.append(torch.equal(a[2], b[0])), together, alone)
    assert all(pairs)
    assert together[0].weights[LEARNED].any()


@pytest.mark.parametrize("field", ["contexts", "acts", "cells", "learning_ticks"])
def test_sizes_are_whole_and_above_0(field):
    with pytest.raises(ConfigError, match=field):
        SelfCausation(**{field: 0})


def test_a_world_needs_time_and_learning_a_rate():
    with pytest.raises(ConfigError, match="ticks"):
        SelfCausation(ticks=3)
    with pytest.raises(ConfigError, match="rate"):
        SelfCausation(rate=0.0)
