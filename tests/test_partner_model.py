"""Models of partners: Bayes by hand, partners of known type are found out, forecasts are calibrated.

References: the posterior computed by hand; simulated partners whose type and lapse are known; forecasts that ignore
what was seen, or see it shuffled, as controls.
"""

import pytest
import torch

from bisnn.agents.base import GOALS
from bisnn.agents.dilemmas.trust import Trust
from bisnn.agents.expression import Expression
from bisnn.agents.partner_model import TYPES, PartnerModel
from bisnn.agents.reciprocity import Conditional, Fallible, deeds
from bisnn.agents.society import Advised, Society
from bisnn.errors import ConfigError
from bisnn.experiments.scores import brier, calibration_error

TRUST = Trust(rounds=20, expression=Expression(cells=2, jitter=0.0, flips=0.0, amplitude=0.0))
COUNT = len(TRUST.actions)
SEEDS = 100
PARTNERS = {goal: Fallible(goal=goal, lapse=0.1) for goal in GOALS} | {"random": Fallible(lapse=1.0)}


def watched(partner, model=None, shuffled=False):
    """Beliefs of a trustee whom an altruist always trusts, and every forecast made before a telling deed of its.

    Forecasts are of the probability of each action [trials, N, actions] and of cooperation [trials, N].
    """
    model = model or PartnerModel()
    society, key = Society(TRUST, (Advised("altruistic"), partner)), torch.arange(SEEDS)
    life, beliefs = society.begin(key), model.newborn(torch.zeros(SEEDS))
    foreseen, expected, done, helped = [], [], [], []
    for _ in range(TRUST.horizon):
        after, happened = society.turn(life)
        seen = deeds(TRUST, key, happened, after.world, "fair", 1.0)
        advice, action = seen.advice[:, 1], happened.actions[:, 1]
        if seen.telling[:, 1].any():
            foreseen.append(model.foresee(beliefs, advice, COUNT))
            expected.append(model.cooperation(beliefs))
            done.append(action)
            helped.append(seen.cooperated[:, 1])
        action = action.roll(1) if shuffled else action
        beliefs = model.observe(beliefs, advice, action, COUNT, seen.telling[:, 1], seen.cooperated[:, 1])
        life = after
    return beliefs, torch.stack(foreseen), torch.stack(expected), torch.stack(done), torch.stack(helped)


@pytest.fixture(scope="module")
def lives():
    torch.set_num_threads(1)
    return {name: watched(partner) for name, partner in PARTNERS.items()}


def test_the_posterior_by_hand():
    model, one = PartnerModel(lapse=0.2, change=0.0), torch.tensor([True])
    advice = torch.tensor([[0, 4, 2]])
    beliefs = model.observe(model.newborn(torch.zeros(1)), advice, torch.tensor([2]), 5, one, one)
    unlikely, likely, chance = 0.04, 0.84, 0.2
    total = unlikely * 2 + likely + chance
    assert beliefs.types[0].tolist() == pytest.approx([part / total for part in (unlikely, unlikely, likely, chance)])
    assert float(model.kindness(beliefs)) == pytest.approx((unlikely + likely) / total)
    foreseen = model.foresee(beliefs, advice, 5)[0]
    assert float(foreseen.sum()) == pytest.approx(1)
    assert float(foreseen[2]) == pytest.approx((2 * unlikely * 0.04 + likely * 0.84 + chance * 0.2) / total)
    assert float(model.cooperation(beliefs)) == pytest.approx(2 / 3)


def test_what_tells_nothing_teaches_nothing():
    model = PartnerModel()
    born, no = model.newborn(torch.zeros(3)), torch.zeros(3, dtype=torch.bool)
    after = model.observe(born, torch.zeros(3, 3, dtype=torch.int64), torch.arange(3), 5, no, ~no)
    assert all(torch.equal(one, other) for one, other in zip(born, after, strict=True))


@pytest.mark.parametrize("kind", PARTNERS)
def test_partners_of_known_type_are_found_out(lives, kind):
    types = lives[kind][0].types
    found = types.argmax(-1) == TYPES.index(kind)
    assert float(found.double().mean()) >= 0.99
    assert float(types[:, TYPES.index(kind)].mean()) > 0.9
    assert types.sum(-1).tolist() == pytest.approx([1.0] * SEEDS, abs=1e-5)


def test_forecasts_are_calibrated_and_better_than_without_looking(lives):
    chance, truth, blind, actions = [], [], [], torch.arange(COUNT)
    for _, foreseen, _, done, _ in lives.values():
        chance.append(foreseen.flatten())
        truth.append((done[..., None] == actions).flatten())
        blind.append(foreseen[:1].expand(foreseen.shape).flatten())  # the first forecast, before anything was seen
    chance, truth, blind = (torch.cat(part).double().numpy() for part in (chance, truth, blind))
    assert calibration_error(chance, truth) < 0.02
    assert brier(chance, truth) < 0.6 * brier(blind, truth)


def test_forecasts_from_another_partners_deeds_are_no_better_than_chance():
    """A world of mixed partners whose deeds are taken for their neighbours': the control must fail."""
    mixed = [watched(partner) for partner in PARTNERS.values()]
    truth = torch.stack([done for *_, done, _ in mixed])
    shuffled = torch.stack([foreseen for _, foreseen, *_ in mixed]).roll(1, 0)
    hit = (truth[..., None] == torch.arange(COUNT)).double()
    own = torch.stack([foreseen for _, foreseen, *_ in mixed])
    assert brier(own.flatten(), hit.flatten()) < 0.09
    assert brier(shuffled.flatten(), hit.flatten()) > 0.2


def test_counts_expect_as_much_cooperation_as_there_is(lives):
    expected, truth = [], []
    for name, (_, _, forecast, _, helped) in lives.items():
        rate = float(helped.double().mean())
        late = float(forecast[-1].double().mean())
        assert abs(late - rate) < 0.06, name
        expected.append(forecast[5:].flatten())
        truth.append(helped[5:].flatten())
    expected, truth = (torch.cat(part).double().numpy() for part in (expected, truth))
    assert calibration_error(expected, truth) < 0.06
    assert brier(expected, truth) < 0.15


def test_a_partner_that_changes_is_found_out_again():
    model, yes = PartnerModel(forget=0.2), torch.ones(1, dtype=torch.bool)
    beliefs, advice = model.newborn(torch.zeros(1)), torch.tensor([[0, 4, 2]])
    for action, kind in ((2, "fair"), (0, "selfish"), (4, "altruistic")):
        for _ in range(12):
            cooperated = torch.tensor([action > 0])
            beliefs = model.observe(beliefs, advice, torch.tensor([action]), COUNT, yes, cooperated)
        assert TYPES[int(beliefs.types.argmax())] == kind
        assert (float(model.cooperation(beliefs)) > 0.5) == (action > 0)


def test_types_that_act_alike_stay_open():
    """The altruistic and the fair investor both send all: what they would return is not seen, and not claimed."""
    society, key, model = Society(TRUST, (Fallible(goal="fair"), Advised("fair"))), torch.arange(8), PartnerModel()
    life, beliefs = society.begin(key), model.newborn(torch.zeros(8))
    for _ in range(TRUST.horizon):
        after, happened = society.turn(life)
        seen = deeds(TRUST, key, happened, after.world, "fair", 1.0)
        beliefs = model.observe(
            beliefs, seen.advice[:, 0], happened.actions[:, 0], COUNT, seen.telling[:, 0], seen.cooperated[:, 0]
        )
        life = after
    assert torch.equal(beliefs.types[:, 1], beliefs.types[:, 2])
    assert float(model.kindness(beliefs).min()) > 0.9


def test_who_conditions_on_the_model_meets_each_partner_as_it_deserves():
    earned = {}
    for name, partner in PARTNERS.items():
        for who, player in (("conditional", Conditional()), ("naive", Advised("fair")), ("selfish", Advised())):
            society = Society(TRUST, (player, partner))
            life, total = society.begin(torch.arange(SEEDS)), 0
            for _ in range(TRUST.horizon):
                life, happened = society.turn(life)
                total = total + happened.outcome.reward[:, 0]
            earned[name, who] = float(total.mean())
    assert earned["fair", "conditional"] > 0.95 * earned["fair", "naive"] > earned["fair", "selfish"]
    assert earned["selfish", "conditional"] > 0.9 * earned["selfish", "selfish"]
    assert earned["selfish", "naive"] < 0.25 * earned["selfish", "selfish"]


@pytest.mark.parametrize("changes", [{"lapse": 2.0}, {"change": -1.0}, {"forget": 2.0}, {"lapse": 0.0, "change": 0.0}])
def test_fields_out_of_range_are_refused(changes):
    with pytest.raises(ConfigError, match=next(iter(changes))):
        PartnerModel(**changes)
