"""The choice between omission and commission: certificate against every plan, its rules, who sees and gains what.

References are exact: exhaustive play through the dilemma's own steps, and hand-computed rewards.
"""

import itertools

import pytest
import torch

from bisnn import rng, tree
from bisnn.agents.base import GOALS, Dilemma
from bisnn.agents.dilemmas.omission import ACT, EXAMPLES, LEFT, RIGHT, STAY, Omission
from bisnn.agents.expression import Expression, shows_pain
from bisnn.agents.kinds import conditions
from bisnn.errors import ConfigError, UnknownName

CLEAR = Expression(cells=8, jitter=0.0, flips=0.0, amplitude=0.0)
NAMES = [repr(example)[:40] for example in EXAMPLES]


def play(dilemma, plans, key=None, traits=None):
    """Everything after every step, for plans int64 [N, steps]: list of (state, obs, outcome, ledger)."""
    key = torch.arange(len(plans)) if key is None else key
    state, _ = dilemma.reset(key, traits=traits)
    found = []
    for step in range(plans.shape[1]):
        before, actions = state, plans[:, step, None]
        state, obs, outcome = dilemma.step(key, state, actions)
        found.append((state, obs, outcome, dilemma.ledger(before, actions, state, outcome)))
    return found


def rescue(dilemma, extra=0):
    """A plan [1, horizon] that goes and acts at once, after `extra` idle steps."""
    acts = [STAY] * extra + [RIGHT] * dilemma.distance + [ACT]
    return torch.tensor([acts + [STAY] * (dilemma.horizon - len(acts))])


def total(found):
    return sum(outcome.reward[:, 0].double() for _, _, outcome, _ in found)


def test_certificate_of_the_default_is_exact():
    payoff = Omission().payoff()
    assert (payoff.selfish, payoff.altruistic, payoff.cost_of_helping, payoff.benefit) == (0.0, -4.0, 4.0, 4.0)
    assert payoff.game == {"saved": 5.0, "harmed": 1.0}


@pytest.mark.parametrize(("distance", "deadline"), [(0, 3), (2, 4), (3, 4), (1, 5)])
def test_certificate_is_what_every_plan_finds(distance, deadline):
    dilemma = Omission(distance=distance, deadline=deadline, run=1, step_cost=0.75, effort=0.5, expression=CLEAR)
    plans = torch.tensor(list(itertools.product(range(4), repeat=deadline)))
    found = play(dilemma, torch.cat((plans, torch.zeros_like(plans[:, :1])), dim=-1))
    returns, diverted = total(found), found[-1][0].scene.diverted
    payoff = dilemma.payoff()
    assert float(returns.max()) == payoff.selfish
    assert float(returns[diverted].max()) == payoff.altruistic
    assert payoff.cost_of_helping == pytest.approx(distance * 0.75 + 0.5)


@pytest.mark.parametrize("seed", range(12))
def test_certificate_meets_its_kind_over_the_range_and_is_earned(seed):
    u = rng.uniform(torch.tensor([seed]), "test/omission", 0, 8)[0].tolist()
    few = 1 + int(u[0] * 3)
    dilemma = Omission(
        means=("switch", "push")[seed % 2],
        many=few * 2.5 + int(u[1] * 5),
        few=few,
        certainty=0.5 + u[2] / 2,
        side_certainty=u[3] * 0.9 + 0.1,
        distance=int(u[4] * 5),
        deadline=int(u[4] * 5) + 1 + int(u[5] * 4),
        run=1 + int(u[6] * 3),
        effort=0.1 + u[7] * 5,
        expression=CLEAR,
    )
    payoff = dilemma.payoff()
    assert all(conditions(payoff).values())
    assert payoff.selfish - payoff.altruistic == pytest.approx(payoff.cost_of_helping)
    key = torch.arange(2000)
    for goal, due in (("selfish", payoff.selfish), ("altruistic", payoff.altruistic), ("fair", payoff.fair)):
        state, _ = dilemma.reset(key)
        earned, cost, gain = 0, 0, torch.zeros(len(key), dtype=torch.float64)
        for _ in range(dilemma.horizon):
            before, actions = state, dilemma.advise(state, goal)
            state, _, outcome = dilemma.step(key, state, actions)
            ledger = dilemma.ledger(before, actions, state, outcome)
            earned, cost, gain = earned + outcome.reward[:, 0], cost + ledger.cost[:, 0], gain + ledger.help.sum((1, 2))
        assert earned.tolist() == pytest.approx([due] * len(key), abs=1e-5)
    assert cost.tolist() == pytest.approx([payoff.cost_of_helping] * len(key), rel=1e-5)
    assert abs(float(gain.mean()) - payoff.benefit) <= 4 * float(gain.std()) / len(key) ** 0.5 + 1e-9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"few": 5.0}, "saved > harmed > 0 fails"),
        ({"few": 0.0}, "saved > harmed > 0 fails"),
        ({"certainty": 0.2}, "saved > harmed > 0 fails"),
        ({"step_cost": 0.0, "effort": 0.0}, "cost of helping > 0 fails"),
        ({"deadline": 3}, "in time"),
        ({"run": 0}, "run"),
        ({"deadline": 2000}, "shorter"),
        ({"consent": 2.0}, "consent"),
        ({"effort": -1.0}, "effort"),
    ],
)
def test_what_is_no_dilemma_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        Omission(**changes)
    with pytest.raises(UnknownName, match="push"):
        Omission(means="lever")


def test_to_stand_by_costs_nothing_and_harms_the_many():
    found = play(Omission(expression=CLEAR), torch.zeros(1, 8, dtype=torch.int64))
    assert isinstance(Omission(), Dilemma)
    assert float(total(found)) == 0
    assert [bool(outcome.info["many_harmed"]) for _, _, outcome, _ in found] == [False] * 7 + [True]
    assert found[-1][3].welfare.tolist() == [[0.0, -5.0, 0.0]]
    assert bool(found[-1][2].terminated)
    faces = [shows_pain(obs.expression[0, 0].unflatten(-1, (2, -1))).tolist() for _, obs, _, _ in found]
    assert faces == [[True, False]] * 8
    places = [int(obs.place) for _, obs, _, _ in found]
    assert places == [0] * 5 + [4] * 3, "from the deadline on it is too late"


@pytest.mark.parametrize(
    ("means", "strikes", "faces"),
    [
        ("switch", 8, [[True, False]] * 3 + [[False, True]] * 5),
        ("push", 4, [[True, False]] * 3 + [[False, True]] * 5),
    ],
)
def test_to_act_harms_the_few_now_or_later(means, strikes, faces):
    dilemma = Omission(means=means, expression=CLEAR)
    found = play(dilemma, rescue(dilemma))
    assert float(total(found)) == -4
    when = [step + 1 for step, (_, _, outcome, _) in enumerate(found) if outcome.info["few_harmed"]]
    assert when == [strikes], "a side effect comes with the hazard, the means is the act itself"
    assert found[3][3].help.tolist() == [[[0.0, 5.0, -1.0]]]
    assert sum(ledger.welfare for *_, ledger in found).tolist() == [[-4.0, 0.0, -1.0]]
    assert [shows_pain(obs.expression[0, 0].unflatten(-1, (2, -1))).tolist() for _, obs, _, _ in found] == faces
    assert [bool(ledger.need) for *_, ledger in found] == [True] * 4 + [False] * 4


def test_too_late_elsewhere_or_again_the_act_does_nothing():
    dilemma = Omission(expression=CLEAR)
    late = rescue(dilemma, extra=3)
    elsewhere = torch.tensor([[ACT, RIGHT, ACT, STAY, LEFT, ACT, STAY, STAY]])
    again = rescue(dilemma)
    again[0, 4:6] = ACT
    found = play(dilemma, torch.cat((late, elsewhere, again)))
    assert found[-1][0].scene.diverted.tolist() == [False, False, True]
    assert total(found).tolist() == [-3.0, -2.0, -4.0]
    assert found[-1][2].info["many_harmed"].tolist() == [True, True, False]
    assert [ledger.need[:, 0].tolist() for *_, ledger in found][3][0] is False, "three steps away, three steps left"


def test_fate_depends_on_no_deed_and_follows_the_odds():
    dilemma = Omission(many=9.0, certainty=0.7, side_certainty=0.4, consent=0.25, expression=CLEAR)
    key = torch.arange(4000)
    idle = play(dilemma, torch.zeros(4000, 8, dtype=torch.int64), key)
    busy = play(dilemma, rescue(dilemma).expand(4000, 8), key)
    one, two = idle[-1][0].scene, busy[-1][0].scene
    assert all(torch.equal(getattr(one, name), getattr(two, name)) for name in ("deadly", "side_deadly", "consent"))
    assert torch.equal(one.many_harmed, one.deadly)
    assert torch.equal(two.few_harmed, two.side_deadly)
    for part, odds in ((one.deadly, 0.7), (two.side_deadly, 0.4), (one.consent, 0.25)):
        assert abs(float(part.double().mean()) - odds) < 4 * (odds * (1 - odds) / 4000) ** 0.5
    unwilling = busy[-1][2].info["unwilling_harmed"]
    assert torch.equal(unwilling, two.few_harmed & ~two.consent)
    assert torch.equal(busy[-1][1].view[:, 0, 3] == 1, two.consent)


def test_every_world_may_have_its_own_numbers():
    dilemma, key = Omission(expression=CLEAR), torch.arange(3)
    traits = {"many": torch.tensor([5.0, 2.0, 1.0]), "few": torch.tensor([1.0, 1.0, 3.0])}
    state, obs = dilemma.reset(key, traits=traits)
    assert obs.view[:, 0, 1].tolist() == pytest.approx([4 / 6, 1 / 3, -0.5])
    assert dilemma.advise(state, "altruistic")[:, 0].tolist() == [RIGHT, RIGHT, STAY]
    assert play(dilemma, rescue(dilemma).expand(3, 8), key, traits)[3][3].help[:, 0].tolist() == [
        [0.0, 5.0, -1.0], [0.0, 2.0, -1.0], [0.0, 1.0, -3.0],
    ]  # fmt: skip


@pytest.mark.parametrize("dilemma", EXAMPLES, ids=NAMES)
def test_random_play_stays_consistent(dilemma):
    key = torch.arange(64)
    plans = torch.stack([(rng.uniform(key, "test/action", step, 1)[:, 0] * 4).long() for step in range(40)], dim=-1)
    for state, obs, outcome, ledger in play(dilemma, plans, key):
        for name, holds in dilemma.audit(state).items():
            assert bool(holds.all()), name
        assert bool(((obs.place >= 0) & (obs.place < dilemma.senses.places)).all())
        assert obs.expression.shape[-1] == dilemma.senses.cells * len(dilemma.senses.faces)
        assert obs.view.abs().max() <= 1
        assert obs.view.shape[-1] == len(dilemma.senses.features)
        assert all(not part[outcome.started].any() for part in (*ledger, outcome.reward))
        assert torch.equal(ledger.welfare[:, :1], outcome.reward)
    alone = play(dilemma, plans[7:8], key[7:8])[-1]
    pairs = zip(tree.leaves(tree.take((state, obs), torch.tensor([7]))), tree.leaves(alone[:2]), strict=True)
    assert all(torch.equal(one, other) for (_, one), (_, other) in pairs)


@pytest.mark.parametrize("means", ["switch", "push"])
def test_pictures_and_advice(means):
    dilemma = Omission(means=means)
    for state, *_ in play(dilemma, rescue(dilemma)):
        picture = dilemma.picture(state)
        cells = [mark.cell for mark in (*picture.ground, *picture.marks)]
        assert all(0 <= x < picture.columns and 0 <= y < picture.rows for x, y in cells)
    assert "the hazard has arrived, diverted; 5 against 1" in picture.text
    state, _ = dilemma.reset(torch.arange(1))
    assert [dilemma.advise(state, goal).tolist() for goal in GOALS] == [[[STAY]], [[RIGHT]], [[RIGHT]]]
    with pytest.raises(UnknownName, match="goal"):
        dilemma.advise(state, "kind")
