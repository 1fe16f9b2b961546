"""Several agents in one dilemma: they share nothing, and how they are grouped into batches changes no bit.

References are exact: bits (`torch.equal`), and single agents played by hand.
"""

import pytest
import torch

from bisnn import tree
from bisnn.agents import catalogue, kinds
from bisnn.agents.base import Dilemma, Payoff
from bisnn.agents.company import Company
from bisnn.agents.loop import begin, turn
from bisnn.agents.scripted import RandomAgent
from bisnn.agents.society import PERSON, Advised, Society, person
from bisnn.errors import ConfigError, ShapeMismatch, UnknownName

KEY = torch.tensor([5, 0, 3, 8])
HUNT = catalogue.make("stag_hunt_v0")
COUNT = len(HUNT.actions)
TURNS = 30


def same(one, other):
    """Whether two trees hold the same bits."""
    equal = []
    tree.map(lambda a, b: equal.append(torch.equal(a, b)), one, other)
    return all(equal)


def played(players, key=KEY, turns=TURNS):
    """The life after some turns, and all actions `[turns, N, agent]`."""
    society = Society(HUNT, players)
    life, actions = society.begin(key), []
    for _ in range(turns):
        life, happened = society.turn(life)
        actions.append(happened.actions)
    return life, torch.stack(actions)


def test_one_plan_for_all_acts_as_a_plan_for_each():
    one = RandomAgent(actions=COUNT)
    together, actions = played((one, one))
    apart, others = played((one, RandomAgent(actions=COUNT)))
    assert torch.equal(actions, others)
    assert same(together.world, apart.world)
    assert len(together.minds) == 1
    assert len(apart.minds) == 2
    assert not torch.equal(actions[..., 0], actions[..., 1]), "each has chances of its own"


def test_a_world_alone_is_that_world_in_a_batch():
    one = RandomAgent(actions=COUNT)
    together, actions = played((one, one))
    for k in (0, 3):
        alone, mine = played((one, one), KEY[k : k + 1])
        assert torch.equal(actions[:, k : k + 1], mine)
        assert same(tree.take(together.world, torch.tensor([k])), alone.world)


def test_the_first_agent_has_the_key_of_its_world():
    assert torch.equal(person(KEY, 0), KEY)
    assert torch.equal(person(KEY, 2) - KEY, torch.full_like(KEY, 2 * PERSON))


def test_given_actions_take_the_place_of_the_players_own():
    society = Society(HUNT, (Advised("altruistic"), Advised("altruistic")))
    life = society.begin(KEY)
    idle = torch.full_like(KEY, COUNT - 1)
    _, happened = society.turn(life, {1: idle})
    assert torch.equal(happened.actions[:, 1], idle)
    assert torch.equal(happened.actions[:, 0], HUNT.advise(life.world, "altruistic")[:, 0])


def test_a_company_is_the_society_as_its_first_agent_lives_in_it():
    learner, partner = RandomAgent(actions=COUNT), RandomAgent(actions=COUNT)
    company = Company(HUNT, (partner,))
    assert isinstance(company, Dilemma)
    assert company.agents == HUNT.agents[:1]
    assert company.payoff() == HUNT.payoff()
    whole, actions = played((learner, partner))
    world, obs = company.reset(KEY)
    mind, mine = learner.init(KEY), []
    for _ in range(TURNS):
        chosen, mind = learner.act(mind, obs.of(0))
        before = world
        world, obs, outcome = company.step(KEY, world, chosen[..., None])
        mind = learner.learn(mind, outcome.of(0))
        mine.append(world.actions)
        ledger = company.ledger(before, chosen[..., None], world, outcome)
        assert torch.equal(ledger.welfare[..., 0], outcome.reward[..., 0])
        assert ledger.help.shape == (len(KEY), 1, len(HUNT.parties))
    assert torch.equal(torch.stack(mine), actions)
    assert same(world.world, whole.world)


def test_a_partial_reset_of_a_company_touches_those_it_names():
    company = Company(HUNT, (RandomAgent(actions=COUNT),))
    state, _ = company.reset(KEY)
    for _ in range(5):
        state, _, _ = company.step(KEY, state, torch.zeros(len(KEY), 1, dtype=torch.int64))
    where = torch.tensor([True, False, True, False])
    after, _ = company.reset(KEY, state, where)
    assert after.world.episode.tolist() == (state.world.episode + where).tolist()
    assert bool((after.world.t == state.world.t * ~where).all())


def test_a_learner_lives_in_a_company_from_any_episode_on():
    company = Company(HUNT, (Advised("selfish"),))
    state = begin(company, KEY, RandomAgent(actions=COUNT).init(KEY), episode=7)
    assert bool((state.world.world.episode == 7).all())
    assert bool((state.tally.episode == 7).all())


def test_a_world_has_traits_of_its_own():
    rescue = catalogue.make("rescue_v0")
    toll = torch.tensor([0.0, 1.0, 2.0, 3.0])
    state = begin(rescue, KEY, RandomAgent().init(KEY), traits={"toll": toll})
    assert torch.equal(state.world.traits["toll"], toll)
    state, _ = turn(RandomAgent(), rescue, state)
    assert torch.equal(state.world.traits["toll"], toll)
    with pytest.raises(UnknownName, match="observability"):
        rescue.reset(KEY, traits={"observabilty": toll})


def test_wrong_players_are_refused():
    with pytest.raises(ShapeMismatch, match="give one for each"):
        Society(HUNT, (Advised(),))
    with pytest.raises(ShapeMismatch, match="give one for each other agent"):
        Company(HUNT, ())
    with pytest.raises(UnknownName, match="altruistic"):
        Advised("altruist")


# ------------------------------------------------------------ catalogue and kinds


def test_the_catalogue_makes_dilemmas_by_name():
    found = catalogue.dilemmas()
    assert list(found) == sorted(found)
    assert {"rescue_v0", "rescue_risk_v0", "stag_hunt_v0"} <= set(found)
    for name, kind in found.items():
        assert kind.name == name
        assert isinstance(catalogue.make(name), Dilemma)
    assert catalogue.make("Rescue_v0", toll=2.0).toll == 2.0
    with pytest.raises(UnknownName, match="rescue_v0"):
        catalogue.make("rescue_v1")
    with pytest.raises(UnknownName, match="parameter of rescue_v0"):
        catalogue.make("rescue_v0", tol=2.0)
    with pytest.raises(ConfigError):
        catalogue.make("rescue_v0", toll=-1.0)


@pytest.mark.parametrize(
    ("kind", "game", "holds"),
    [
        ("snowdrift", {"T": 6, "R": 4, "S": 2, "P": 0}, True),
        ("snowdrift", {"T": 6, "R": 4, "S": -1, "P": 0}, False),
        ("social dilemma", {"T": 5, "R": 3, "P": 1, "S": 0}, True),
        ("stag hunt", {"T": 3, "R": 4, "P": 3, "S": 0}, True),
        ("stag hunt", {"T": 5, "R": 4, "P": 3, "S": 0}, False),
        ("omission", {"saved": 5, "harmed": 1}, True),
        ("omission", {"saved": 1, "harmed": 1}, False),
        ("snowdrift", {"T": 6, "R": 4, "S": 2}, False),
    ],
)
def test_a_kind_is_held_to_its_inequalities(kind, game, holds):
    payoff = Payoff(kind=kind, cost_of_helping=1.0, benefit=1.0, selfish=2.0, altruistic=1.0, game=game)
    assert all(kinds.conditions(payoff).values()) is holds


def test_help_without_a_price_is_no_dilemma():
    payoff = Payoff(kind="altruism", cost_of_helping=0.0, benefit=1.0, selfish=1.0, altruistic=1.0)
    assert kinds.conditions(payoff) == {"cost of helping > 0": False, "benefit > 0": True}
    with pytest.raises(UnknownName, match="kind of dilemma"):
        kinds.conditions(Payoff(kind="chicken", cost_of_helping=1, benefit=1, selfish=1, altruistic=0))
