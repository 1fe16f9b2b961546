"""The rescue of several victims: its certificate, plans, states and refusals.

References: the optimum of a plan is found again by dynamic programming over place, relieved set and time, written here
on its own; certificates are compared with what their policies earn, played out.
"""

import itertools

import pytest
import torch

from bisnn import rng, tree
from bisnn.agents.dilemmas import rescue_several_facts as facts
from bisnn.agents.dilemmas.rescue_several import EXAMPLES, RescueSeveral
from bisnn.agents.expression import Expression
from bisnn.agents.kinds import conditions
from bisnn.errors import ConfigError, UnknownName

PLAIN = Expression(jitter=0.0, flips=0.0, amplitude=0.0)
SMALL = (
    *EXAMPLES,
    RescueSeveral(columns=13, rows=2, goal=(9, 0), switches=((6, 1), (12, 1)), horizon=30, begins=((8, 1), (9, 1))),
)


def rollout(dilemma, key, goal):
    """Own return and pain spared of every world under `advise`, and the last scene of the first episode."""
    state, _ = dilemma.reset(key)
    done, earned, spared = torch.zeros_like(key, dtype=torch.bool), torch.zeros(len(key)), torch.zeros(len(key))
    last = state.scene
    while not bool(done.all()):
        before, actions = state, dilemma.advise(state, goal)
        state, _, outcome = dilemma.step(key, state, actions)
        ledger = dilemma.ledger(before, actions, state, outcome)
        assert torch.equal(ledger.welfare[:, 0], outcome.reward[:, 0])
        earned += outcome.reward[:, 0] * ~done
        spared += ledger.help[:, 0].sum(-1) * ~done
        last = tree.where(done, last, state.scene)
        done |= state.over
    return earned, spared, last


@pytest.mark.parametrize("dilemma", SMALL, ids=lambda one: repr(one)[:70])
def test_what_advise_earns_is_what_the_certificate_says(dilemma):
    payoff, key = dilemma.payoff(), torch.arange(1500)
    assert all(conditions(payoff).values())
    assert payoff.selfish - payoff.altruistic == pytest.approx(payoff.cost_of_helping)
    assert payoff.bound == 0.0
    for goal, wanted in (("selfish", payoff.selfish), ("altruistic", payoff.altruistic), ("fair", payoff.fair)):
        earned, spared, _ = rollout(dilemma, key, goal)
        error = float(earned.std()) / len(key) ** 0.5
        assert abs(float(earned.mean()) - wanted) < 4 * error + 1e-6
        if goal == "altruistic":
            assert abs(float(spared.mean()) - payoff.benefit) < 4 * float(spared.std()) / len(key) ** 0.5
        if goal == "selfish":
            assert not bool(spared.any())
    with pytest.raises(UnknownName):
        dilemma.advise(dilemma.reset(key)[0], "lazy")


@pytest.mark.parametrize("dilemma", SMALL, ids=lambda one: repr(one)[:70])
def test_the_oracle_spares_the_best_of_every_single_world(dilemma):
    key = torch.arange(200)
    state, _ = dilemma.reset(key)
    _, best = facts.best_order(dilemma.ways("cpu"), dilemma.case(state), dilemma.deadline, dilemma.horizon)
    _, spared, _ = rollout(dilemma, key, "altruistic")
    assert torch.allclose(spared.double(), best, atol=1e-4)


def searched(dilemma, place, need):
    """The most pain that can be spared from `place`, by search over all ways."""
    table = dilemma.ways("cpu")
    move, goal = table.move.tolist(), dilemma.place(dilemma.goal)
    switches, worth = table.switch.tolist(), [float(each) for each in need]
    front = {(place, frozenset()): 0.0}
    best = 0.0
    for t in range(1, dilemma.deadline + 1):
        after = {}
        for (at, saved), value in front.items():
            for to in move[at]:
                now, gained = saved, value
                time = t + dilemma.takes * len(saved)
                for k, switch in enumerate(switches):
                    if to == switch and k not in saved and time <= dilemma.deadline:
                        now, gained = saved | {k}, value + worth[k] * (dilemma.horizon - time)
                best = max(best, gained)
                if to != goal:
                    after[to, now] = max(after.get((to, now), 0.0), gained)
        front = after
    return best


@pytest.mark.parametrize(
    "dilemma",
    [
        RescueSeveral(rows=3, goal=(10, 0), switches=((6, 0), (10, 2))),
        RescueSeveral(rows=3, goal=(10, 0), switches=((6, 0), (10, 2)), saves="all"),
        RescueSeveral(victims=3, saves="all", rows=3, switches=((6, 0), (10, 2), (8, 1)), deadline=18, care=3),
    ],
)
def test_orders_find_what_search_finds(dilemma):
    key = torch.arange(8)
    state, _ = dilemma.reset(key)
    case = dilemma.case(state)
    _, best = facts.best_order(dilemma.ways("cpu"), case, dilemma.deadline, dilemma.horizon)
    for k in range(len(key)):
        assert searched(dilemma, int(case.place[k]), case.need[k]) == pytest.approx(float(best[k]), abs=1e-4)


def test_fair_is_need_first_and_a_lot_among_equals():
    dilemma, key = RescueSeveral(needs=(0.2, 0.5)), torch.arange(4000)
    _, _, last = rollout(dilemma, key, "fair")
    saved, need = last.saved_at > 0, last.need
    assert bool((saved.sum(-1) == 1).all())
    unequal = need[:, 0] != need[:, 1]
    assert bool(saved.gather(-1, need.argmax(-1, keepdim=True))[unequal].all())
    steps = dilemma.ways("cpu").steps[last.start]
    apart = ~unequal & (steps[:, 0] != steps[:, 1])
    near = saved.gather(-1, steps.argmin(-1, keepdim=True))[apart].double()
    assert abs(float(near.mean()) - 0.5) < 4 * 0.5 / len(near) ** 0.5
    mixed = ~unequal & (last.group[:, 0] != last.group[:, 1])
    first = saved.gather(-1, last.group.int().argmin(-1, keepdim=True))[mixed].double()
    assert abs(float(first.mean()) - 0.5) < 4 * 0.5 / len(first) ** 0.5


@pytest.mark.parametrize("dilemma", SMALL, ids=lambda one: repr(one)[:70])
def test_every_state_is_consistent_whatever_is_done(dilemma):
    key = torch.arange(64)
    state, _ = dilemma.reset(key)
    for step in range(120):
        before = state
        actions = (rng.uniform(key, "exam/action", step, 1) * len(dilemma.actions)).long()
        state, obs, outcome = dilemma.step(key, state, actions)
        assert all(bool(held.all()) for held in dilemma.audit(state).values())
        ledger = dilemma.ledger(before, actions, state, outcome)
        for part in ledger:
            assert not bool(part[outcome.started].any())
        assert ledger.help.shape == (64, 1, 1 + dilemma.victims)
        assert obs.expression.shape == (64, 1, dilemma.victims * dilemma.expression.cells)
        assert obs.view.shape == (64, 1, len(dilemma.senses.features))
        assert float(obs.view.abs().max()) <= 1


def test_alone_and_in_a_batch_and_after_a_partial_reset():
    dilemma, key = RescueSeveral(victims=3), torch.arange(5)

    def walk(keys):
        state, _ = dilemma.reset(keys, traits={"toll": keys.float()})
        for step in range(50):
            actions = (rng.uniform(keys, "exam/action", step, 1) * 8).long()
            state, obs, outcome = dilemma.step(keys, state, actions)
        return state, obs, outcome

    together, alone = walk(key), walk(key[3:4])
    mine = tree.take(together, torch.tensor([3]))
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(tree.flatten(mine), tree.flatten(alone), strict=True))
    where = torch.tensor([True, False, True, False, False])
    some, _ = dilemma.reset(key, together[0], where)
    assert torch.equal(some.episode, together[0].episode + where)
    assert torch.equal(some.scene.helper[~where], together[0].scene.helper[~where])


def test_the_face_shows_the_need_and_the_view_says_who_is_beyond_help():
    dilemma, key = RescueSeveral(expression=PLAIN, deadline=6), torch.arange(50)
    state, obs = dilemma.reset(key)
    half = dilemma.expression.cells // 2
    faces = obs.expression.view(50, 2, -1)
    assert torch.equal(faces[..., :half].sum(-1), torch.round(state.scene.need * half))
    assert torch.equal(obs.view[:, 0, :2] > 0, state.scene.group)
    assert not bool(obs.view[:, 0, 2:].any())
    for _ in range(6):
        state, obs, _ = dilemma.step(key, state, torch.zeros(50, 1, dtype=torch.int64))
    late = state.t == 6
    assert bool((obs.view[:, 0, 2:] == 1)[late].all())
    assert dilemma.picture(state, int(late.nonzero()[0, 0])).text.count("beyond help") == 2


def test_one_relief_takes_the_time_of_the_others():
    dilemma = RescueSeveral()
    state, _ = dilemma.reset(torch.arange(100))
    for _ in range(15):
        state, obs, _ = dilemma.step(torch.arange(100), state, dilemma.advise(state, "altruistic"))
        saved = state.scene.saved_at > 0
        assert bool((obs.view[:, 0, 2:][saved.any(-1)].sum(-1) == 1).all())
        assert bool((saved.sum(-1) <= 1).all())


def test_a_toll_and_hidden_faces_are_traits():
    dilemma, key = RescueSeveral(), torch.arange(2).repeat(50)
    state, obs = dilemma.reset(key, traits={"toll": (key * 3).float(), "observability": 1.0 - key})
    assert not bool(obs.expression[key == 1].any())
    earned = torch.zeros(100)
    for _ in range(20):
        over = state.over
        state, _, outcome = dilemma.step(key, state, dilemma.advise(state, "fair"))
        earned += torch.where(outcome.info["relieved_now"] & ~over, outcome.reward[:, 0], 0.0)
    assert float(earned[key == 1].max()) <= -4.0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"victims": 5}, "2 to 4"),
        ({"victims": 3, "switches": ((6, 0), (10, 4))}, "one for each"),
        ({"needs": (0.5, 0.2)}, "ascending"),
        ({"step_cost": 0.0}, "cost of helping > 0"),
        ({"deadline": 40}, "deadline"),
        ({"care": 0}, "leave care open"),
        ({"saves": "all", "care": 30}, "all of them"),
        ({"horizon": 10, "deadline": 9}, "raise horizon"),
        ({"begins": ((7, 1), (6, 1))}, "some of begins"),
        ({"begins": ((3, 1),)}, "outside its room"),
        ({"goal": (6, 0)}, "both at"),
    ],
)
def test_what_is_no_dilemma_is_refused(wrong, says):
    with pytest.raises(ConfigError, match=says):
        RescueSeveral(**wrong)


def test_its_parameters_span_a_family():
    rooms = itertools.product((2, 3, 4), ("one", "all"), (3, 5), ((0.2, 0.4), (0.1, 0.5, 1.0)))
    for victims, saves, rows, needs in rooms:
        last = rows - 1
        dilemma = RescueSeveral(
            victims=victims, saves=saves, rows=rows, needs=needs, switches=((6, 0), (10, last), (6, last), (8, 1))
        )
        assert all(conditions(dilemma.payoff()).values())
        assert dilemma.payoff().altruistic >= dilemma.payoff().fair - 1e-9
