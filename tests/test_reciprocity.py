"""Players that answer what others did: what counts as cooperation, tit for tat, its generous form, conditionals.

References are exact: what the certificate of the trust game says of the four ways to meet.
"""

import pytest
import torch

from bisnn import tree
from bisnn.agents.base import GOALS
from bisnn.agents.company import Company
from bisnn.agents.dilemmas.commons import Commons
from bisnn.agents.dilemmas.omission import Omission
from bisnn.agents.dilemmas.trust import Trust
from bisnn.agents.expression import Expression
from bisnn.agents.partner_model import PartnerModel
from bisnn.agents.reciprocity import Conditional, Fallible, Reciprocator, deeds
from bisnn.agents.scripted import RandomAgent
from bisnn.agents.society import Advised, Happened, Insider, Society
from bisnn.errors import ConfigError, UnknownName

CLEAR = Expression(cells=2, jitter=0.0, flips=0.0, amplitude=0.0)
TRUST = Trust(expression=CLEAR)
TURNS = Trust(alternate=True, expression=CLEAR)
PLAYERS = (Reciprocator(), Conditional(), Fallible(), Advised())


def meet(dilemma, *players, key=None, turns=None):
    """Actions [turns, N, 2], total rewards [N, 2] and the life after an episode (or `turns`)."""
    society = Society(dilemma, players)
    life = society.begin(torch.arange(3) if key is None else key)
    actions, total = [], 0
    for _ in range(dilemma.horizon if turns is None else turns):
        life, happened = society.turn(life)
        actions.append(happened.actions)
        total = total + happened.outcome.reward
    return torch.stack(actions), total, life


def judged(actions, before=((0, 0),), dilemma=TRUST, demand=1.0):
    """What `deeds` says of a step of the trust game after the steps `before`: (telling, cooperated) of one world."""
    key = torch.arange(1)
    state, _ = dilemma.reset(key)
    for step in before:
        state, _, _ = dilemma.step(key, state, torch.tensor([step]))
    chosen = torch.tensor([actions])
    after, _, outcome = dilemma.step(key, state, chosen)
    seen = deeds(dilemma, key, Happened(state, chosen, outcome), after, "fair", demand)
    return seen.telling[0].tolist(), seen.cooperated[0].tolist()


@pytest.mark.parametrize(
    ("back", "cooperated"), [(0, False), (1, False), (2, True), (3, True), (4, True)]
)  # the norm returns half
def test_what_was_returned_is_held_against_the_norm(back, cooperated):
    assert judged((4, back), before=((4, 0),)) == ([False, True], [False, cooperated])


def test_what_counts_as_cooperation():
    assert judged((4, 0), before=()) == ([True, False], [True, False]), "the investor sends all"
    assert judged((3, 0), before=()) == ([True, False], [False, False]), "less than the norm would have"
    assert judged((3, 0), before=(), demand=0.75) == ([True, False], [True, False])
    assert judged((0, 3), before=()) == ([True, False], [False, False]), "who waits does nothing that tells"
    assert judged((0, 3), before=((0, 0),)) == ([False, False], [False, False]), "nothing was sent"


def test_detours_tell_nothing():
    dilemma, key = Omission(expression=CLEAR), torch.arange(3)
    state, _ = dilemma.reset(key)
    actions = torch.tensor([[0], [1], [2]])  # stands by, turns back, goes to act
    after, _, outcome = dilemma.step(key, state, actions)
    seen = deeds(dilemma, key, Happened(state, actions, outcome), after, "fair", 1.0)
    assert seen.telling[:, 0].tolist() == [True, False, True]
    assert seen.cooperated[:, 0].tolist() == [False, False, True]
    assert seen.advice[0, 0].tolist() == [int(dilemma.advise(state, goal)[0, 0]) for goal in GOALS]


def test_to_take_what_the_norm_leaves_is_to_defect():
    commons = Commons()
    for player in (Reciprocator(lasting=True), Conditional()):
        society = Society(commons, (player, Advised("selfish")))
        life, key, told = society.begin(torch.arange(3)), torch.arange(3), []
        for _ in range(2 * commons.horizon):
            after, happened = society.turn(life)
            seen = deeds(commons, key, happened, after.world, "fair", 1.0)
            taken = commons.ledger(happened.before, happened.actions, after.world, happened.outcome).help[:, 1, 0] < 0
            greedy = taken & (happened.actions[:, 1] != seen.advice[:, 1, GOALS.index("fair")])
            assert not (greedy & ~seen.telling[:, 1]).any()
            assert not (greedy & seen.cooperated[:, 1]).any()
            told.append(greedy)
            life = after
        assert torch.stack(told).any(0).all()
        assert torch.equal(player.decide(life.minds[0], commons, life.world, torch.tensor([0]))[0],
                           commons.advise(life.world, "selfish")[:, :1])  # fmt: skip


@pytest.mark.parametrize("player", [Reciprocator(), Conditional()], ids=["tit for tat", "conditional"])
def test_cooperates_with_cooperators_and_is_fooled_once(player):
    fair = TRUST.payoff().fair
    for other in (Advised("fair"), Reciprocator(), Conditional()):
        assert meet(TRUST, player, other)[1].tolist() == [[fair, fair]] * 3
    actions, total, _ = meet(TRUST, player, Advised("selfish"))
    assert actions[::2, 0, 0].tolist() == [4] + [0] * 9, "it trusts once"
    assert total.tolist() == [[36.0, 12.0]] * 3
    naive = meet(TRUST, Advised("fair"), Advised("selfish"))[1]
    assert naive.tolist() == [[0.0, 120.0]] * 3, "who always trusts is exploited for ever"


def test_tit_for_tat_forgives_who_comes_round():
    """One that keeps all in the first round, and repays afterwards: the roles alternate, so it can show it."""
    society = Society(TURNS, (Reciprocator(), Advised("fair")))
    life, chosen = society.begin(torch.arange(1)), []
    for step in range(12):
        given = {1: torch.tensor([0])} if step == 1 else {}
        life, happened = society.turn(life, given)
        chosen.append(happened.actions[0].tolist())
    investments = [chosen[0][0], chosen[2][1], chosen[4][0], chosen[6][1], chosen[8][0]]
    assert investments == [4, 4, 4, 4, 4]
    assert chosen[1][1] == 0
    assert chosen[3][0] == 2, "the other has sent all since: it is repaid"


def test_generosity_tolerance_and_lasting_memory():
    key = torch.arange(400)
    actions, _, _ = meet(TRUST, Reciprocator(generosity=0.25), Advised("selfish"), key=key)
    later = (actions[2::2, :, 0] == 4).double()
    assert abs(float(later.mean()) - 0.25) < 4 * (0.25 * 0.75 / later.numel()) ** 0.5
    assert (meet(TRUST, Reciprocator(tolerated=1), Advised("selfish"))[0][::2, :, 0] == 4).all()
    for lasting, first in ((False, 4), (True, 0)):
        actions, _, _ = meet(TRUST, Reciprocator(lasting=lasting), Advised("selfish"), turns=22)
        assert actions[21, :, 0].tolist() == [first] * 3, "the first step of the second episode"


def test_as_a_partner_it_starts_anew_with_each_episode():
    company, key = Company(TURNS, (Reciprocator(),)), torch.arange(4)
    state, _ = company.reset(key)
    for _ in range(4):
        state, _, _ = company.step(key, state, torch.zeros(4, 1, dtype=torch.int64))
    assert state.minds[1].defected[:, 0].all()
    state, _ = company.reset(key, state, torch.tensor([True, False, False, True]))
    assert state.minds[1].defected[:, 0].tolist() == [False, True, True, False]


@pytest.mark.parametrize("player", PLAYERS, ids=lambda player: type(player).__name__)
def test_players_are_the_same_alone_in_a_batch_and_in_groups(player):
    assert isinstance(player, Insider)
    noisy = Reciprocator(generosity=0.5) if isinstance(player, Reciprocator) else player
    key = torch.tensor([5, 0, 3])
    actions, _, life = meet(TURNS, noisy, RandomAgent(actions=5), key=key, turns=30)
    one, _, mine = meet(TURNS, noisy, RandomAgent(actions=5), key=key[2:], turns=30)
    assert torch.equal(actions[:, 2:], one)
    alone = tree.take((life.world, life.minds), torch.tensor([2]))
    pairs = zip(tree.leaves(alone), tree.leaves((mine.world, mine.minds)), strict=True)
    assert all(torch.equal(left, right) for (_, left), (_, right) in pairs)
    twin = type(noisy)(**{name: getattr(noisy, name) for name in noisy.__dataclass_fields__})
    grouped, apart = (meet(TURNS, noisy, other, key=key, turns=30)[0] for other in (noisy, twin))
    assert torch.equal(grouped, apart)


def test_a_fallible_player_lapses_as_often_as_it_says():
    key = torch.arange(300)
    actions, _, _ = meet(TRUST, Fallible(goal="altruistic", lapse=0.2), Advised("selfish"), key=key)
    meant = (actions[::2, :, 0] == 4).double()
    assert abs(float(meant.mean()) - (1 - 0.2 * 4 / 5)) < 4 * (0.16 * 0.84 / meant.numel()) ** 0.5


@pytest.mark.parametrize("player", [Reciprocator, Conditional])
def test_what_cannot_be_is_refused(player):
    with pytest.raises(UnknownName, match="goal"):
        player(nice="kind")
    with pytest.raises(ConfigError, match="demand"):
        player(demand=-1.0)
    with pytest.raises(ConfigError, match="generosity"):
        Reciprocator(generosity=2.0)
    with pytest.raises(ConfigError, match="threshold"):
        Conditional(threshold=2.0)
    with pytest.raises(ConfigError, match="lapse"):
        Fallible(lapse=2.0)
    with pytest.raises(ConfigError, match="prior"):
        PartnerModel(prior=(0.0, 1.0))
