"""Protection and ownership: one pain is enough, it is the cause that is feared, and the two alarms are not the same.

Order of events as in Johansen et al. (2010) doi:10.1038/nn.2594 (pain teaches at its onset) and LeDoux (2000)
doi:10.1146/annurev.neuro.23.1.155; numbers are those of 100 individuals.
"""

from __future__ import annotations

import pytest
import torch

from bisnn import tree
from bisnn.agents.dilemmas.injury_room import MISMATCH, InjuryRoom, gain
from bisnn.agents.dilemmas.rooms import SelfPainRoom
from bisnn.agents.protector import NO_COMMAND, Protector
from bisnn.errors import ConfigError, UnknownName
from bisnn.interventions import Ablation, compile_gates
from bisnn.systems.body import Body
from bisnn.systems.ownership import Ownership
from bisnn.systems.protection import Protection

N = 100
PLAN = Protection()
KEY = torch.arange(N)
HAZARD, OTHER, THIRD = (PLAN.pattern(KEY, number) for number in range(3))
NOTHING = torch.zeros_like(HAZARD)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def step(state, ahead, ground=NOTHING, cells=0, gates=None, moved=True, key=KEY):
    """One step of looking and acting with so many active pain cells."""
    options = {} if gates is None else {"gates": gates}
    verdict, state, _ = PLAN.intend(state, torch.full_like(key, 2), ahead, **options)
    pain = (torch.arange(PLAN.n_pain) < cells).float().expand(len(key), -1)
    go = verdict.go & moved
    alight, state, _ = PLAN.undergo(state, pain, go, ground, **options)
    return verdict, alight, state


def hurt(cells, gates=None):
    """Individuals that stepped onto the hazard, and in the next step, before another thing, began to feel pain."""
    state = PLAN.init(KEY)
    _, _, state = step(state, HAZARD, gates=gates)
    _, _, state = step(state, OTHER, HAZARD, cells, gates)
    return state


def share(flags):
    return float(flags.float().mean())


@pytest.mark.parametrize("cells", [1, 5, 20])
def test_one_pain_of_any_intensity_protects_from_its_cause_alone(cells):
    state = hurt(cells)
    for _ in range(2):  # healed: it moves as predicted, and the alarm of actual injury goes out
        _, alight, state = step(state, NOTHING)
    assert not alight.any()
    before, _, state = step(state, HAZARD)
    assert share(before.go) <= 0.05, "avoided in at least 95 % after one experience"
    assert share(before.alarm) >= 0.95
    assert float(before.lead[before.alarm].mean()) > 5, "the alarm rings before the movement begins"
    harmless, _, state = step(state, THIRD)
    assert share(~harmless.go) <= 0.05, "another thing is not feared"
    between, _, _ = step(state, OTHER)
    assert share(~between.go) <= 0.1, "nor what was seen between the cause and the pain"


def test_without_experience_nothing_is_feared():
    state = PLAN.init(KEY)
    for thing in (HAZARD, OTHER, THIRD):
        verdict, alight, state = step(state, thing, thing)
        assert verdict.go.all()
        assert not verdict.alarm.any()
        assert not alight.any()
    assert not state.weights["object->la"].any(), "without pain nothing is learned"


def test_pain_teaches_at_its_onset_and_what_is_met_in_pain_is_not_feared():
    state = hurt(10)
    for _ in range(5):
        _, alight, state = step(state, THIRD, THIRD, 10)
        assert alight.all(), "the alarm of actual injury stays alight"
    for _ in range(2):
        _, _, state = step(state, NOTHING)
    met, _, _ = step(state, THIRD)
    assert share(~met.go) <= 0.05
    _, alight, _ = step(hurt(10), NOTHING, moved=False)
    assert alight.all(), "rest is no evidence of health"


def test_without_the_inhibition_of_pag_noradrenaline_alone_keeps_learning_to_the_onset():
    cut = compile_gates((Ablation(name="a", cut=("acc->pag",)),), torch.zeros_like(KEY), KEY, Protector().targets)
    state = hurt(10, cut)
    for _ in range(5):
        _, _, state = step(state, THIRD, THIRD, 10, cut)
    for _ in range(2):
        _, _, state = step(state, NOTHING, gates=cut)
    met, _, state = step(state, THIRD, gates=cut)
    assert share(~met.go) <= 0.05
    met, _, _ = step(state, HAZARD, gates=cut)
    assert share(~met.go) >= 0.95


def test_what_is_vetoed_sends_no_command():
    body = Body()
    assert not body.command(torch.full((2,), NO_COMMAND), torch.tensor([False, True])).any()


@pytest.mark.parametrize(
    ("ablation", "stops", "rings", "alight"),
    [
        (Ablation(name="a", freeze=("object->la",)), False, False, True),
        (Ablation(name="a", silence=("cea",)), False, False, True),
        (Ablation(name="a", cut=("cea->motor",)), False, True, True),
        (Ablation(name="a", cut=("pb->acc",)), True, True, False),
        (Ablation(name="a", silence=("pb",)), False, False, False),
    ],
    ids=["frozen", "cea silenced", "veto cut", "acc without pain", "pb silenced"],
)
def test_each_part_does_its_own(ablation, stops, rings, alight):
    body = Protector()
    gates = compile_gates((ablation,), torch.zeros_like(KEY), KEY, body.targets)
    state = PLAN.init(KEY)
    _, _, state = step(state, HAZARD, gates=gates)
    _, lit, state = step(state, NOTHING, HAZARD, 10, gates)
    assert share(lit) == float(alight)
    verdict, _, _ = step(state, HAZARD, gates=gates)
    assert (share(~verdict.go) > 0.9) is stops
    assert (share(verdict.alarm) > 0.9) is rings


def test_the_same_individual_alone_and_in_a_batch():
    one = torch.tensor([7])
    state = PLAN.init(one)
    _, _, state = step(state, HAZARD[7:8], NOTHING[7:8], key=one)
    _, _, state = step(state, OTHER[7:8], HAZARD[7:8], 10, key=one)
    pairs = []
    tree.map(lambda a, b: pairs.append(torch.equal(a[7], b[0])), hurt(10), state)
    assert all(pairs)


def test_patterns_are_own_to_every_individual():
    assert HAZARD.sum(-1).eq(PLAN.active).all()
    assert not torch.equal(HAZARD[0], HAZARD[1])
    overlap = float((HAZARD * OTHER).sum(-1).mean())
    assert overlap == pytest.approx(PLAN.active**2 / PLAN.objects, abs=0.4)


@pytest.mark.parametrize("values", [{"active": 200}, {"onset": 14}, {"rate": -1.0}, {"cells": 0}, {"half": 0.0}])
def test_what_makes_no_circuit_is_refused(values):
    with pytest.raises(ConfigError):
        Protection(**values)


# ------------------------------------------------------------------- the room


def test_the_published_injury_is_one_of_the_graded_ones():
    """The left room of `SelfPainRoom` and its injury, move by move until the door."""
    graded = InjuryRoom(
        columns=4, rows=4, switch=(3, 3), kinds=("inverted",), severity=(1,), harmless=0, fixed=((1, 1),)
    )  # fmt: skip
    plain, key = SelfPainRoom(), torch.arange(200)
    one, two, together = plain.reset(key), graded.reset(key), torch.ones(200, dtype=torch.bool)
    compared = 0
    for _ in range(plain.horizon):
        action = graded.wish(key, two)
        one, move = plain.step(key, one)
        two, stride = graded.step(key, two, action)
        assert torch.equal(move.carried[together], stride.carried[together])
        together = together & ~move.carried
        assert torch.equal(move.action[together], action[together])
        for mine, theirs in ((stride.intended, move.intended), (stride.actual, move.actual)):
            assert torch.equal(mine[together], theirs[together].float())
        assert torch.equal(stride.hurt_by[together] > 0, move.hurt_now[together])
        compared += int((stride.injured & together).sum())
    assert compared > 1000


def test_walls_stop_and_parts_of_a_cell_add_up():
    room = InjuryRoom(columns=4, rows=2, start=(0, 0), switch=None, kinds=(), harmless=0)
    key = torch.arange(3)
    body = room.reset(key)._replace(gain=torch.tensor([gain("short", 2), gain("over", 3), gain("inverted", 3)]))
    moved, cells = [], []
    for _ in range(4):
        body, stride = room.step(key, body, torch.full_like(key, 2))
        moved.append(stride.actual[:, 0].tolist())
        cells.append(room.cell(body).tolist())
    assert moved[0] == pytest.approx([0.4, 3.0, 0.0]), "a wall cuts short the throw to the left"
    assert [row[0] for row in cells] == [0, 1, 1, 2], "four steps of 0.4 cells"
    assert moved[1][1] == 0.0
    again, stride = room.step(key, body, torch.full_like(key, 2), torch.zeros(3, dtype=torch.bool))
    assert torch.equal(again.place, body.place)
    assert not stride.intended.any()
    aside = room.reset(key)._replace(place=torch.tensor([[14, 0]] * 3))
    held, stride = room.step(key, aside, torch.full_like(key, 2))
    assert torch.equal(held.place, aside.place), "nor towards a wall that is a part of a cell away"
    pushed, by = room.pushed(body, torch.full_like(key, 3))
    assert by[1].tolist() == [-1.0, 0.0]
    assert int(pushed.place[1, 0]) == 10


def test_layouts_are_drawn_for_every_visit_and_do_not_collide():
    room, key = InjuryRoom(), torch.arange(50)
    first, second = (room.reset(key, torch.full_like(key, visit)).things for visit in (0, 1))
    for things in (first, second):
        assert things.sort(-1).values[:, -room.count :].tolist() == [list(range(1, room.count + 1))] * 50
        assert not things[:, 0].any()
        assert not things[:, -1].any()
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    "values",
    [
        {"columns": 1},
        {"kinds": ("short",), "severity": (4,)},
        {"harmless": 30},
        {"severity": ()},
        {"fixed": ((1, 1),)},
        {"switch": (9, 9)},
        {"horizon": 0},
    ],
)
def test_rooms_that_do_not_fit_are_refused(values):
    with pytest.raises(ConfigError):
        InjuryRoom(**values)
    with pytest.raises(UnknownName):
        InjuryRoom(kinds=("bent",))


def test_pain_is_five_cells_for_each_cell_of_mismatch_whatever_its_sign():
    body, key = Body(), torch.arange(9)
    state = body.babble(body.init(key))
    cases = [(kind, s) for kind in MISMATCH for s in (1, 2, 3)]
    moved = torch.tensor([[gain(kind, s) / 5, 0.0] for kind, s in cases])
    feeling, _ = body.feel(state, torch.full((9,), 2), torch.zeros(9, dtype=torch.bool), moved)
    assert feeling.pain.sum(-1).tolist() == [float(MISMATCH[kind][s - 1]) for kind, s in cases]
    felt, missing = feeling.felt.sum(-1) > 0, feeling.missing.sum(-1) > 0
    assert felt.tolist() == [kind != "short" for kind, _ in cases]
    assert missing.tolist() == [kind != "over" for kind, _ in cases]


# ------------------------------------------------------------------- ownership


def test_an_image_that_moves_as_expected_matches_and_any_other_does_not():
    plan, body = Ownership(), Body()
    moves = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [2.0, 0.0]])
    seen = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    code = [(body.displacement(each) > 0).float() for each in (moves, seen)]
    found, spikes = plan.look(plan.init(torch.arange(6)), *code)
    assert torch.equal(spikes["insula.spikes"].sum(-2) > 0, (code[0] * code[1]) > 0), "only where both meet"
    assert found.match.tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    assert found.mismatch.tolist() == [0.0, 2.0, 1.0, 1.0, 0.0, 1.0]
    evidence = torch.zeros(6)
    for _ in range(200):
        evidence = plan.step(evidence, found)
    assert evidence.tolist() == pytest.approx([1.0, -2.0, -1.0, -1.0, 0.0, 0.0], abs=1e-4)


@pytest.mark.parametrize("values", [{"memory": 1.0}, {"units": 0}, {"ticks": 0}])
def test_ownership_without_cells_or_memory_is_refused(values):
    with pytest.raises(ConfigError):
        Ownership(**values)
