"""The trust game: certificate against every way to play it, its rules, who sees what, who gains what.

References are exact: exhaustive play through the dilemma's own steps, and hand-computed rewards.
"""

import itertools

import pytest
import torch

from bisnn import rng, tree
from bisnn.agents.base import GOALS, Dilemma
from bisnn.agents.dilemmas.trust import EXAMPLES, Trust
from bisnn.agents.expression import Expression, shows_calm, shows_pain
from bisnn.agents.kinds import conditions
from bisnn.errors import ConfigError, UnknownName

CLEAR = Expression(cells=8, jitter=0.0, flips=0.0, amplitude=0.0)
NAMES = [repr(example)[:40] for example in EXAMPLES]


def play(dilemma, actions):
    """Total rewards [N, 2] and the last state of an episode played with actions [steps, N, 2]."""
    key = torch.arange(actions.shape[1])
    state, _ = dilemma.reset(key)
    total = torch.zeros(len(key), 2, dtype=torch.float64)
    for step in actions:
        state, _, outcome = dilemma.step(key, state, step)
        total += outcome.reward.double()
    return total, state


def advised(dilemma, first, second, key=None):
    """Total rewards [N, 2], costs and help [N] of the first agent where each plays for a goal."""
    key = torch.arange(4) if key is None else key
    state, _ = dilemma.reset(key)
    total, cost, given = 0, 0, 0
    for _ in range(dilemma.horizon):
        actions = torch.stack((dilemma.advise(state, first)[:, 0], dilemma.advise(state, second)[:, 1]), dim=-1)
        before = state
        state, _, outcome = dilemma.step(key, state, actions)
        ledger = dilemma.ledger(before, actions, state, outcome)
        assert torch.equal(ledger.welfare, outcome.reward)
        total, cost, given = total + outcome.reward, cost + ledger.cost[:, 0], given + ledger.help[:, 0, 1]
    assert bool(state.over.all())
    return total, cost, given


def decisions(dilemma):
    """Every sequence of decisions of an episode, as actions [steps, N, 2]; who waits does nothing."""
    every = torch.tensor(list(itertools.product(range(dilemma.levels), repeat=dilemma.horizon)))
    return every.T[..., None].expand(dilemma.horizon, len(every), 2).contiguous()


def solved(dilemma):
    """What each earns when both play for themselves, by backward induction over every sequence of decisions."""
    total, _ = play(dilemma, decisions(dilemma))
    values = total.reshape(*[dilemma.levels] * dilemma.horizon, 2)
    for step in reversed(range(dilemma.horizon)):
        roles = dilemma.roles(torch.tensor([step]))
        who = int(roles.decides[0].nonzero())
        best = values[..., who].argmax(-1)  # the lowest of equals
        values = values.gather(-2, best[..., None, None].expand(*best.shape, 1, 2))[..., 0, :]
    return values


def test_certificate_of_the_default_is_exact():
    payoff = Trust().payoff()
    assert (payoff.selfish, payoff.altruistic, payoff.cost_of_helping, payoff.benefit) == (40.0, 0.0, 40.0, 120.0)
    assert payoff.fair == 60.0
    assert payoff.game == {"T": 12.0, "R": 6.0, "P": 4.0, "S": 0.0}


@pytest.mark.parametrize("alternate", [False, True])
def test_certificate_is_what_exhaustive_play_finds(alternate):
    dilemma = Trust(rounds=2, levels=3, endowment=2.0, multiplier=2.5, alternate=alternate, expression=CLEAR)
    payoff, total = dilemma.payoff(), play(dilemma, decisions(dilemma))[0]
    assert float(solved(dilemma)[0]) == payoff.selfish
    assert float(total.amin(-1).max()) == payoff.fair, "no way to play leaves the worse-off one more"


@pytest.mark.parametrize("seed", range(12))
def test_certificate_meets_its_kind_over_the_range_and_is_earned(seed):
    chance = rng.uniform(torch.tensor([seed]), "test/trust", 0, 5)[0].tolist()
    dilemma = Trust(
        rounds=1 + int(chance[0] * 6),
        levels=3 + 2 * int(chance[1] * 4),
        endowment=0.1 + chance[2] * 9,
        multiplier=2.01 + chance[3] * 5,
        alternate=chance[4] < 0.5,
        expression=CLEAR,
    )
    payoff = dilemma.payoff()
    assert all(conditions(payoff).values())
    assert payoff.selfish - payoff.altruistic == pytest.approx(payoff.cost_of_helping)
    for goal, due in (("selfish", payoff.selfish), ("altruistic", payoff.altruistic)):
        total, cost, given = advised(dilemma, goal, "selfish")
        assert total[:, 0].tolist() == pytest.approx([due] * 4, abs=1e-4)
    assert cost.tolist() == pytest.approx([payoff.cost_of_helping] * 4, rel=1e-5)
    assert given.tolist() == pytest.approx([payoff.benefit] * 4, rel=1e-5)
    assert advised(dilemma, "fair", "fair")[0].amin(-1).tolist() == pytest.approx([payoff.fair] * 4, rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"multiplier": 2.0}, "R > P fails"),
        ({"levels": 4}, "odd number"),
        ({"levels": 1}, "odd number"),
        ({"endowment": 0.0}, "cannot trust"),
        ({"rounds": 0}, "rounds"),
        ({"rounds": 600}, "rounds"),
        ({"observability": 1.5}, "observability"),
    ],
)
def test_what_is_no_dilemma_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        Trust(**changes)


def test_a_round_by_hand():
    dilemma, key = Trust(expression=CLEAR), torch.arange(1)
    state, obs = dilemma.reset(key)
    assert isinstance(dilemma, Dilemma)
    assert obs.place.tolist() == [[3 * 6 + 5, 2 * 6 + 5]], "the investor decides; nothing has been given yet"
    state, obs, outcome = dilemma.step(key, state, torch.tensor([[2, 4]]))
    assert outcome.reward.tolist() == [[2.0, 6.0]], (
        "half of 4 is sent and arrives threefold; the other's action is idle"
    )
    assert obs.place.tolist() == [[1 * 6 + 5, 0 * 6 + 2]]
    assert obs.view[0].tolist() == [[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.5, 1.0]]
    state, obs, outcome = dilemma.step(key, state, torch.tensor([[4, 1]]))
    assert outcome.reward.tolist() == [[1.5, -1.5]]
    assert outcome.info["exploited"].tolist() == [[True, False]]
    assert state.scene.distress.tolist() == [[0.125, 0.0]], "half a unit of four was lost"
    assert shows_pain(obs.expression).tolist() == [[False, True]], "the trustee sees it, on the investor's face"
    assert shows_calm(obs.expression).tolist() == [[True, False]]
    state, obs, _ = dilemma.step(key, state, torch.tensor([[4, 0]]))
    assert shows_pain(obs.expression)[0, 1], "the face stays until the round has ended"
    state, obs, _ = dilemma.step(key, state, torch.tensor([[0, 2]]))
    assert not shows_pain(obs.expression).any()


def test_distress_is_graded_by_the_loss_and_hidden_where_nothing_is_seen():
    dilemma, key = Trust(expression=CLEAR), torch.arange(5)
    back = torch.arange(5)
    state, _ = dilemma.reset(key, traits={"observability": torch.tensor([1.0, 1.0, 1.0, 1.0, 0.0])})
    state, _, _ = dilemma.step(key, state, torch.full((5, 2), 4))
    state, obs, _ = dilemma.step(key, state, torch.stack((back, back), dim=-1))
    assert state.scene.distress[:, 0].tolist() == [1.0, 0.25, 0.0, 0.0, 0.0]
    assert obs.expression[:, 1, :4].sum(-1).tolist() == [4.0, 1.0, 0.0, 0.0, 0.0]
    assert not obs.expression[4].any()


def test_the_two_take_turns_where_roles_alternate():
    dilemma, key = Trust(alternate=True, rounds=2, expression=CLEAR), torch.arange(1)
    assert dilemma.agents == ("first", "second")
    state, _ = dilemma.reset(key)
    for actions, due in (((4, 0), (0, 12)), ((0, 2), (6, -6)), ((0, 4), (12, 0)), ((1, 0), (-3, 3))):
        state, obs, outcome = dilemma.step(key, state, torch.tensor([actions]))
        assert outcome.reward.tolist() == [list(map(float, due))]
    assert bool(outcome.terminated)
    assert not outcome.truncated.any()
    assert shows_pain(obs.expression).tolist() == [[True, False]], "the second one invested last, and lost"


def test_need_is_where_one_may_help():
    dilemma, key = Trust(expression=CLEAR), torch.arange(2)
    state, _ = dilemma.reset(key)
    need = []
    for actions in ([[0, 0], [4, 0]], [[0, 3], [0, 3]]):
        before, chosen = state, torch.tensor(actions)
        state, _, outcome = dilemma.step(key, state, chosen)
        ledger = dilemma.ledger(before, chosen, state, outcome)
        need.append(ledger.need.tolist())
    assert need == [[[True, False], [True, False]], [[False, False], [False, True]]]
    assert ledger.help[1].tolist() == [[0.0, 0.0], [9.0, 0.0]]
    assert ledger.cost[1].tolist() == [0.0, 9.0]


@pytest.mark.parametrize("dilemma", EXAMPLES, ids=NAMES)
def test_random_play_stays_consistent(dilemma):
    key = torch.arange(64)
    multiplier = 2 + rng.uniform(key, "test/multiplier", 0, 1)[:, 0] * 3
    state, obs = dilemma.reset(key, traits={"multiplier": multiplier})
    for step in range(3 * dilemma.horizon):
        actions = (rng.uniform(key, "test/action", step, 2) * dilemma.levels).long()
        before = state
        state, obs, outcome = dilemma.step(key, state, actions)
        ledger = dilemma.ledger(before, actions, state, outcome)
        for name, holds in dilemma.audit(state).items():
            assert bool(holds.all()), name
        assert bool(((obs.place >= 0) & (obs.place < dilemma.senses.places)).all())
        assert obs.view.abs().max() <= 1
        assert obs.view.shape[-1] == len(dilemma.senses.features)
        assert all(not part[outcome.started].any() for part in (*ledger, outcome.reward))
        assert torch.equal(ledger.welfare, outcome.reward)
    alone, _ = dilemma.reset(key[7:8], traits={"multiplier": multiplier[7:8]})
    for step in range(3 * dilemma.horizon):
        actions = (rng.uniform(key[7:8], "test/action", step, 2) * dilemma.levels).long()
        alone, mine, _ = dilemma.step(key[7:8], alone, actions)
    pairs = zip(tree.leaves(tree.take((state, obs), torch.tensor([7]))), tree.leaves((alone, mine)), strict=True)
    assert all(torch.equal(one, other) for (_, one), (_, other) in pairs)


def test_advice_knows_its_goals_and_pictures_its_state():
    dilemma = Trust()
    state, _ = dilemma.reset(torch.arange(2))
    assert [dilemma.advise(state, goal)[0].tolist() for goal in GOALS] == [[0, 0], [4, 0], [4, 0]]
    with pytest.raises(UnknownName, match="goal"):
        dilemma.advise(state, "kind")
    state, _, _ = dilemma.step(torch.arange(2), state, torch.full((2, 2), 3))
    picture = dilemma.picture(state, 1)
    assert "round 1 of 10: trustee decides; sent 3/4" in picture.text
    assert sum(mark.glyph == "o" for mark in picture.ground) == 3
    assert all(0 <= x < picture.columns and 0 <= y < picture.rows for (x, y), *_ in (*picture.ground, *picture.marks))
