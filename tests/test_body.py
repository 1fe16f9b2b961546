"""The bodily self: pain is the error of its own prediction. Claims P1, P2 and P3 of empathy.md 7; all exact.

Feng, Zeng, Lu (2022) doi:10.3389/fncom.2022.784967 (squared error {0, 8000, 32000} px^2);
Feng, Zeng (2022) doi:10.3389/fnbot.2022.1025338 (weights, latencies and pain cells of the reference body).
"""

import pytest
import torch

from bisnn import tree
from bisnn.agents.dilemmas.rooms import SelfPainRoom
from bisnn.circuit import CircuitState
from bisnn.errors import ConfigError
from bisnn.systems.body import INTENDED, Body, Feeling, free_energy, squared_error
from bisnn.systems.body_latency import brp_snn

ROOM, SEEDS = SelfPainRoom(), 200


@pytest.fixture(scope="module")
def grown() -> CircuitState:
    return Body().babble(Body().init(torch.tensor(0)))


def feel(state: CircuitState, action, blocked, moved) -> Feeling:
    """What the grown body feels of movements `[k]`."""
    k = len(action)
    many = tree.map(lambda leaf: leaf.expand(k, *leaf.shape), state)
    return Body().feel(many, torch.tensor(action), torch.tensor(blocked), torch.tensor(moved, dtype=torch.float32))[0]


def test_p1_pain_is_prediction_error_over_whole_visits(grown):
    body, key = Body(), torch.arange(SEEDS)
    state = body.babble(body.init(key))
    walker, moves, errors, pains = ROOM.reset(key), [], [], []
    for _ in range(2 * (ROOM.horizon + 1)):
        walker, move = ROOM.step(key, walker)
        passive = move.blocked | move.carried | move.started
        feeling, _ = body.feel(state, move.action, passive, move.actual.to(torch.float32))
        moves.append(move)
        errors.append(squared_error(feeling.mismatch))
        pains.append(feeling.pain.sum(-1))
    error, pain = torch.stack(errors), torch.stack(pains)
    injured = torch.stack([move.injured & ~move.carried for move in moves])
    own = torch.stack([~(move.carried | move.started) for move in moves])
    hurt = torch.stack([move.hurt_now for move in moves])
    relieved = torch.stack([move.relieved_now for move in moves])
    assert set(error.unique().tolist()) == {0.0, 8000.0, 32000.0}
    assert not error[~injured].any(), "0 on 100 % of uninjured steps"
    assert bool((error[injured & own] > 0).all()), "> 0 on 100 % of injured steps of its own"
    assert bool(((pain > 0) == (error > 0)).all()), "the pain cells say the same"
    assert int(injured.sum()) > 5000
    assert int((~injured).sum()) > 5000
    assert not error[hurt].any(), "the step onto the hazard itself went as predicted"
    after = hurt[:-1] & own[1:]
    assert bool((error[1:][after] > 0).all()), "onset exactly one step after the hazard"
    assert int(after.sum()) > 100
    assert not error[relieved].any()
    assert not error[1:][relieved[:-1]].any(), "offset at relief"
    assert torch.equal(state.weights["command->prediction"][7], grown.weights["command->prediction"])


def test_p3_pain_grows_with_the_mismatch_of_either_sign(grown):
    felt = feel(grown, [2] * 5, [True] * 5, [[k, 0] for k in range(5)])  # touch ahead: no movement is predicted
    assert felt.mismatch.tolist() == [0, 1, 2, 3, 4]
    assert felt.pain.sum(-1).tolist() == [0, 5, 10, 15, 20], "strictly monotone: Spearman 1"
    assert torch.equal(felt.felt[:, 0], felt.mismatch)
    assert not felt.missing.any()
    missing = feel(grown, [0, 1, 2, 3], [False] * 4, [[0, 0]] * 4)
    assert missing.mismatch.tolist() == [1] * 4, "predicted but not felt hurts too"
    assert missing.pain.sum(-1).tolist() == [5] * 4
    assert missing.missing.tolist() == [[0, 0, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0]]
    assert not missing.felt.any()
    both = feel(grown, [2, 2, 2], [False] * 3, [[-1, 0], [-2, 0], [-3, 0]])
    assert both.mismatch.tolist() == [2, 3, 4]
    assert both.pain.sum(-1).tolist() == [10, 15, 20]
    assert free_energy(both.mismatch).tolist() == [2.0, 4.5, 8.0]
    assert squared_error(both.mismatch).tolist() == [32000.0, 72000.0, 128000.0]


def test_p3_the_forward_model_is_learned(grown):
    body, moves = Body(), [[int(x), int(y)] for x, y in INTENDED]
    newborn = body.init(torch.tensor(0))
    before = feel(newborn, [0, 1, 2, 3], [False] * 4, moves)
    assert before.felt.sum(-1).tolist() == [1] * 4, "before babbling every movement surprises"
    assert not before.missing.any(), "it predicts nothing"
    still = feel(newborn, [0, 1, 2, 3], [False] * 4, [[0, 0]] * 4)
    assert not still.mismatch.any()
    assert not feel(grown, [0, 1, 2, 3], [False] * 4, moves).pain.any()
    assert not feel(grown, [0, 1, 2, 3], [True] * 4, [[0, 0]] * 4).pain.any()
    weight = grown.weights["command->prediction"]
    assert 0.0 <= float(weight.min()) <= float(weight.max()) <= 6.0


def test_a_finer_body_is_as_strict(grown):
    body = Body(per_cell=2, reach=3, n_pain=6, epochs=5, command_cells=1)
    state = body.babble(body.init(torch.arange(4)))
    moved = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    feeling, _ = body.feel(state, torch.zeros(4, dtype=torch.int64), torch.ones(4, dtype=torch.bool), moved)
    assert feeling.pain.sum(-1).tolist() == [0, 2, 4, 6]
    with pytest.raises(ConfigError, match="exceeds the reach of 3 cells"):
        body.feel(state, torch.zeros(4, dtype=torch.int64), torch.ones(4, dtype=torch.bool), moved * 2)


@pytest.mark.parametrize(("p", "painful"), [(0.25, 3), (0.5, 6), (0.75, 9), (1.0, 12)])
def test_p2_the_reference_body(p, painful):
    body, key = brp_snn(p), torch.arange(16)
    state = body.babble(body.init(key[:1]))
    weight = state.weights["state->prediction"][0]
    assert weight.numel() == 288
    assert int((weight == 6.0).sum()) == 18
    assert int((weight == 0.0).sum()) == 270
    state = body.babble(body.init(key))
    action, moved = key // 4, torch.tensor(INTENDED)[key % 4]
    pain, seen = body.feel(state, action, moved)
    match = key // 4 == key % 4
    errors = (seen["error.spikes"].sum(1) > 0).sum(-1)
    assert not errors[match].any(), "4 of 4 matching pairs: no error"
    assert not pain[match].any()
    assert int(errors[~match].min()) >= 1, "12 of 12 mismatching pairs"
    assert int(errors[~match].max()) <= 4
    assert pain[~match].sum(-1).tolist() == [painful] * 12, "whatever the size of the mismatch"
    assert bool(pain[~match][:, :painful].all()), "the first of the pain half"
    ticks = seen["error.spikes"].sum(-1).nonzero()[:, 1]
    assert set(ticks.tolist()) == {24, 25}, "latency in a window of 100 ticks"
