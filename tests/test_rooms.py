"""The rooms of development: pain is the body's prediction error (P1), and help shortens it."""

import pytest
import torch

from bisnn import tree
from bisnn.agents.dilemmas.rooms import CompanionRoom, SelfPainRoom
from bisnn.errors import ConfigError

N = 300


def visits(room, key, steps, **given):
    """Every move of `steps` steps, stacked `[steps, ...]`, and the last state."""
    state = room.reset(key)
    moves = []
    for _ in range(steps):
        state, move = room.step(key, state, **given)
        moves.append(move)
    return type(moves[0])(*(torch.stack(leaves) for leaves in zip(*moves, strict=True))), state


@pytest.mark.parametrize("room", [SelfPainRoom(), CompanionRoom()])
def test_pain_is_prediction_error(room):
    move, _ = visits(room, torch.arange(N), 100)
    error = (move.actual - move.intended).abs().sum(-1)
    assert bool(move.injured.any())
    assert bool((error[~move.injured] == 0).all())
    assert bool((error[move.injured & ~move.carried] > 0).all())
    assert bool((error[move.carried] == 0).all())
    injured_next, going_on = move.injured[1:], ~move.started[1:]
    assert bool(injured_next[move.hurt_now[:-1] & going_on].all()), "onset one step after the hazard"
    assert not bool((injured_next & move.relieved_now[:-1]).any()), "offset at the relief"
    assert not bool((injured_next & ~move.injured[:-1] & ~move.hurt_now[:-1]).any())
    assert torch.equal(move.relieved_now, move.injured & (move.cell % 9 > 4))
    assert torch.equal(move.relieved_now, move.carried & move.injured)
    assert torch.equal(
        move.blocked & ~move.carried & ~move.started, (move.intended == 0).all(-1) & ~move.carried & ~move.started
    )


def test_displacements_are_the_moves_of_the_cells():
    move, _ = visits(SelfPainRoom(), torch.arange(N), 100)
    before = torch.cat((torch.zeros_like(move.cell[:1]), move.cell[:-1]))
    step = torch.stack((move.cell % 9 - before % 9, move.cell // 9 - before // 9), -1)
    assert torch.equal(step[~move.carried], move.actual[~move.carried])
    assert bool((step[move.carried] == torch.tensor([2, 0])).all())
    assert bool((before[move.carried] == 3 + 9 * 3).all())
    assert not bool((move.cell % 9 == 4).any()), "nobody stands in the wall"
    crossed = (before % 9 > 4) & (move.cell % 9 < 4)
    assert not bool(crossed.any())


def test_self_pain_visits_are_like_the_published_ones():
    move, body = visits(SelfPainRoom(), torch.arange(N), 100)
    hurt, relieved = move.hurt_now.any(0), move.relieved_now.any(0)
    assert 0.78 < float(hurt.float().mean()) < 0.95  # 17 of 20
    assert 0.6 < float(relieved.float().mean()) < 0.85  # 15 of 20
    assert bool(body.over.all())
    body, move = SelfPainRoom().step(torch.arange(N), body)
    assert bool(move.started.all() & (body.visit == 1).all() & (body.t == 0).all() & (body.cell == 0).all())
    assert not bool((move.hurt_now | move.relieved_now | move.injured | move.carried | body.injured).any())


def test_actions_may_be_given():
    key = torch.arange(2)
    room, body = SelfPainRoom(), SelfPainRoom().reset(key)
    for action, cell in ((1, 9), (2, 10), (0, 19), (2, 18), (2, 18)):  # onto (1, 1); then inverted, and blocked
        body, move = room.step(key, body, torch.full((2,), action))
        assert move.cell.tolist() == [cell, cell]
    assert move.actual.tolist() == [[0, 0]] * 2
    assert move.intended.tolist() == [[1, 0]] * 2


def test_help_shortens_pain():
    key = torch.arange(N)
    mean = {}
    for name, call in (("help", None), ("none", torch.zeros(N, dtype=torch.bool))):
        move, state = visits(CompanionRoom(), key, 1000, call=call)
        first = move.started.long().cumsum(0) == 0
        hurt, relieved = (move.hurt_now & first).any(0), (move.relieved_now & first).any(0)
        assert torch.equal(hurt, relieved) or name == "none"
        assert float(relieved[hurt].float().mean()) > 0.98
        assert 0.7 < float(hurt.float().mean()) < 0.88  # 81 of 100
        mean[name] = float((move.injured & first).sum(0)[hurt].float().mean())
        assert bool(state.open.any()) == (name == "help")
    assert 5 < mean["help"] < 10  # 6.3 with a helper that feels at once
    assert 25 < mean["none"] < 55  # 44.5
    assert mean["help"] < 0.3 * mean["none"]


def test_the_colour_lags_one_step_and_the_helper_takes_two_calls():
    key = torch.arange(100)
    room, state = CompanionRoom(), CompanionRoom().reset(key)
    for _ in range(60):
        before = state
        state, move = room.step(key, state)
        live = ~move.started
        assert torch.equal(state.red[live], before.actor.injured[live])
        assert torch.equal(state.open[live], (before.open | (before.red & (before.helper == 5 + 9)))[live])
        assert not bool((state.red | state.open)[move.started].any())


@pytest.mark.parametrize("room", [SelfPainRoom(), CompanionRoom()])
def test_rooms_are_pure_and_independent_of_the_batch(room):
    key = torch.arange(8)
    move, state = visits(room, key, 250)
    order = torch.tensor([6, 2])
    part, _ = visits(room, key[order], 250)
    assert all(torch.equal(a[:, order], b) for a, b in zip(move, part, strict=True))
    copy = tree.map(torch.clone, state)
    room.step(key, state)
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(tree.flatten(state), tree.flatten(copy), strict=True))


def test_misfits_are_refused():
    for wrong in ({"start": (4, 0)}, {"hazards": ((0, 0),)}, {"wall": 1}, {"horizon": 5000}):
        with pytest.raises(ConfigError):
            SelfPainRoom(**wrong)
    for wrong in ({"policy": (0.5, 0.5, 0.5, 0.5)}, {"switch": (0, 0)}, {"exit_row": 0}):
        with pytest.raises(ConfigError):
            CompanionRoom(**wrong)
