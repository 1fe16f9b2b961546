"""The snowdrift game: its rules by hand, its certificate played out, its equilibrium, its consistency."""

import math
import time

import pytest
import torch

from bisnn import rng, tree
from bisnn.agents import kinds
from bisnn.agents.dilemmas.snowdrift import CLEAN, EXAMPLES, Snowdrift
from bisnn.agents.dilemmas.snowdrift_facts import dominant, equilibrium, meetings
from bisnn.agents.society import Advised, Society
from bisnn.errors import ConfigError, UnknownName


def lived(dilemma, key, players, steps):
    """Sum of returns `[N, agent]` of the first episode, and the last world."""
    society = Society(dilemma, players)
    life = society.begin(key)
    total, alive = torch.zeros(len(key), len(players)), torch.ones(len(key), dtype=torch.bool)
    for _ in range(steps):
        life, happened = society.turn(life)
        alive = alive & ~happened.outcome.started
        total += happened.outcome.reward * alive[:, None]
    return total


def certified(dilemma, worlds=1500):
    """Mean and standard error of the first agent's (for fair: of every agent's) return, by goal."""
    key, n = torch.arange(worlds), dilemma.members
    casts = {
        "selfish": (Advised("selfish"), *(Advised("altruistic"),) * (n - 1)),
        "altruistic": (Advised("altruistic"), *(Advised("selfish"),) * (n - 1)),
        "fair": (Advised("fair"),) * n,
    }
    found = {}
    for goal, players in casts.items():
        returns = lived(dilemma, key, players, dilemma.horizon).double()
        found[goal] = (returns.mean(0), returns.std(0) / math.sqrt(worlds))
    return found


@pytest.mark.parametrize("dilemma", EXAMPLES, ids=str)
def test_the_certificate_is_what_its_advice_earns(dilemma):
    payoff, found = dilemma.payoff(), certified(dilemma)
    assert all(kinds.conditions(payoff).values())
    assert payoff.selfish - payoff.altruistic == pytest.approx(payoff.cost_of_helping)
    for goal in ("selfish", "altruistic"):
        mean, error = found[goal]
        assert float(mean[0]) == pytest.approx(getattr(payoff, goal), abs=4 * float(error[0]) + 1e-6), goal
    mean, error = found["fair"]
    assert float((mean - payoff.fair).abs().max()) < 4 * float(error.max()) + 1e-6
    if dilemma.movement == "chosen":  # exact: one agent alone clears everything in time
        assert float(found["selfish"][1][0]) == 0.0
        assert float(found["altruistic"][1][0]) == 0.0


def test_one_shot_is_the_volunteers_dilemma():
    """All on one drift: the cleaner 2, the others 6; two cleaners 2 each; nobody: nothing, and all stay cold."""
    dilemma = Snowdrift(columns=1, rows=1, drifts=1, horizon=1)
    key = torch.arange(4)
    actions = torch.tensor([[4, 0, 1], [4, 4, 2], [0, 1, 2], [4, 4, 4]])
    state, _ = dilemma.reset(key)
    after, _, outcome = dilemma.step(key, state, actions)
    assert outcome.reward.tolist() == [[2, 6, 6], [2, 2, 6], [0, 0, 0], [2, 2, 2]]
    assert outcome.terminated.tolist() == [True, True, False, True]
    assert outcome.truncated.tolist() == [False, False, True, False]
    assert after.scene.cold.tolist() == [[True, False, False], [True, True, False], [True] * 3, [True] * 3]
    book = dilemma.ledger(state, actions, after, outcome)
    assert book.help[0].tolist() == [[0, 6, 6], [0, 0, 0], [0, 0, 0]]
    assert book.help[1].tolist() == [[0, 3, 3], [3, 0, 3], [0, 0, 0]]
    assert book.cost.tolist() == [[4, 0, 0], [4, 4, 0], [0, 0, 0], [4, 4, 4]]
    assert torch.equal(book.welfare, outcome.reward)
    again, _, started = dilemma.step(key, after, actions)
    assert bool(started.started.all())
    assert not bool(started.reward.any())
    assert torch.equal(again.scene.snow, state.scene.snow), "drifts are drawn once for a world"


def test_the_equilibrium_by_hand_and_by_its_definition():
    assert equilibrium() == pytest.approx(1 - math.sqrt(2 / 3))
    assert equilibrium(members=2) == pytest.approx(1 - 4 / 6)
    for n, relief in ((2, 0.0), (3, 3.0), (4, 9.0), (5, 0.5)):
        p = equilibrium(n, relief=relief)
        assert p == pytest.approx(1 - (4 / (6 + (n - 1) * relief)) ** (1 / (n - 1)))
        q = 1 - equilibrium(n, relief=relief, by_others=False)
        assert 6 * q ** (n - 1) + relief * (n - 1) * q == pytest.approx(4)
    assert (dominant(1), dominant(2)) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert dominant(0) == math.inf


def test_meetings_are_those_of_walks():
    assert meetings(1, 1, 1, 1) == 1.0
    assert meetings(2, 1, 1, 1) == pytest.approx(0.5)
    assert meetings(2, 1, 2, 1) == pytest.approx(0.5 + 0.5 * 0.25)
    assert meetings(2, 1, 2, 2) == pytest.approx(1 - (0.5 * 0.75) ** 2)


@pytest.mark.parametrize(("view", "seen"), [("full", 64), ("local", 9), ("own", 1)])
def test_a_view_is_the_published_current(view, seen):
    """Own .51, others .3 x .51, drifts .6 x .51, up to one scale; nothing where it does not see."""
    dilemma = Snowdrift(view=view)
    state, obs = dilemma.reset(torch.arange(30))
    current = obs.view * (0.51 * 2.2)
    place, snow = state.scene.place, state.scene.snow
    number = 0
    for world in range(30):
        for me in range(3):
            x, y = int(place[world, me]) % 8, int(place[world, me]) // 8
            for cell in range(64):
                far = max(abs(cell % 8 - x), abs(cell // 8 - y))
                sees = far <= {"full": 9, "local": 1, "own": 0}[view]
                here = 0.51 * (cell == int(place[world, me])) + 0.3 * 0.51 * sum(
                    int(place[world, other]) == cell for other in range(3) if other != me
                )
                wanted = (here + 0.6 * 0.51 * bool(snow[world, cell])) * sees
                assert float(current[world, me, cell]) == pytest.approx(wanted, abs=1e-6)
                number += sees
    assert number <= 90 * seen
    assert bool((obs.view.abs() <= 1).all())
    assert dilemma.senses.places == 64
    assert len(dilemma.senses.features) == 64


def test_faces_show_who_is_cold_and_nothing_else():
    dilemma, key = Snowdrift(drifts=64), torch.arange(3)
    state, obs = dilemma.reset(key)
    half = dilemma.expression.cells // 2
    faces = obs.expression.unflatten(-1, (2, -1))
    assert bool(faces[..., :half].all())
    assert not bool(faces[..., half:].any())
    state, obs, outcome = dilemma.step(key, state, torch.tensor([[CLEAN, 0, 0]] * 3))
    faces = obs.expression.unflatten(-1, (2, -1))[..., 0] > 0
    assert faces[0].tolist() == [[False, False], [True, False], [True, False]]
    assert state.scene.cold[0].tolist() == [True, False, False]
    assert outcome.reward[0].tolist() == [2, 6, 6]


def test_random_moves_do_not_depend_on_what_is_chosen():
    dilemma, key = Snowdrift(), torch.arange(5)
    places = []
    for action in (0, 3, CLEAN):
        state, _ = dilemma.reset(key)
        for _ in range(20):
            state, _, _ = dilemma.step(key, state, torch.full((5, 3), action))
        places.append(state.scene.place)
    assert torch.equal(places[0], places[1])
    assert torch.equal(places[0], places[2])


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"cost": 0.0}, "T > R"),
        ({"cost": 6.0}, "S > P"),
        ({"members": 1}, "members"),
        ({"members": 6}, "members"),
        ({"drifts": 65}, "drifts"),
        ({"drifts": 0}, "drifts"),
        ({"horizon": 0}, "horizon"),
        ({"movement": "chosen", "horizon": 86}, "horizon"),
    ],
)
def test_what_is_no_snowdrift_is_refused(fields, word):
    with pytest.raises(ConfigError, match=word):
        Snowdrift(**fields)


def test_unknown_names_are_refused():
    with pytest.raises(UnknownName, match="full"):
        Snowdrift(view="all")
    with pytest.raises(UnknownName, match="random"):
        Snowdrift(movement="walk")
    state, _ = Snowdrift().reset(torch.arange(2))
    with pytest.raises(UnknownName):
        Snowdrift().advise(state, "kind")


def random_dilemma(number):
    draw = rng.uniform(torch.tensor(number), "test/snowdrift", 0, 9).tolist()
    columns, rows = 1 + int(draw[0] * 8), 1 + int(draw[1] * 8)
    benefit = 0.5 + 9 * draw[2]
    return Snowdrift(
        members=2 + int(draw[3] * 4),
        columns=columns,
        rows=rows,
        drifts=1 + int(draw[4] * columns * rows),
        benefit=benefit,
        cost=benefit * (0.05 + 0.9 * draw[5]),
        view=("full", "local", "own")[int(draw[6] * 3)],
        movement=("random", "chosen")[int(draw[7] * 2)],
        horizon=columns * rows * 3 + 20 + int(draw[8] * 30),
    )


def test_random_parameters_stay_consistent_and_are_dilemmas():
    """24 worlds of other parameters, 25 x 60 random steps each: 36 000 steps, every state consistent."""
    for number in range(24):
        dilemma, key = random_dilemma(number), torch.arange(25)
        assert all(kinds.conditions(dilemma.payoff()).values())
        state, _ = dilemma.reset(key)
        for step in range(60):
            actions = (rng.uniform(key, "test/action", step, dilemma.members) * 5).long()
            before = state
            state, _, outcome = dilemma.step(key, state, actions)
            bad = [name for name, held in dilemma.audit(state).items() if not bool(held.all())]
            assert not bad, (dilemma, bad)
            book = dilemma.ledger(before, actions, state, outcome)
            own = (outcome.info["cleaned"] * dilemma.benefit) / 1.0
            assert bool((book.help.sum(-2) + own - book.cost - book.welfare >= -1e-4).all())


@pytest.mark.parametrize("number", range(4))
def test_random_certificates_are_what_their_advice_earns(number):
    dilemma = random_dilemma(100 + number)
    payoff, found = dilemma.payoff(), certified(dilemma, 400)
    for goal in ("selfish", "altruistic"):
        mean, error = found[goal]
        assert float(mean[0]) == pytest.approx(getattr(payoff, goal), abs=4.5 * float(error[0]) + 1e-4)
    assert float((found["fair"][0] - payoff.fair).abs().max()) < 4.5 * float(found["fair"][1].max()) + 1e-4


def test_alone_and_in_a_batch_the_same_bits():
    for dilemma in EXAMPLES:
        whole, alone = [], []
        for key, found in ((torch.tensor([4, 7, 1]), whole), (torch.tensor([7]), alone)):
            state, obs = dilemma.reset(key)
            for step in range(50):
                actions = (rng.uniform(key, "test/action", step, dilemma.members) * 5).long()
                state, obs, outcome = dilemma.step(key, state, actions)
                found.append((state, obs, outcome))
        picked = tree.take(whole, torch.tensor([1]))
        leaves = [tree.flatten(part) for part in (picked, alone)]
        assert all(torch.equal(one, other) for (_, one), (_, other) in zip(*leaves, strict=True))


def test_pictures_say_what_is_there():
    dilemma = Snowdrift()
    state, _ = dilemma.reset(torch.arange(2))
    picture = dilemma.picture(state, 1)
    assert len(picture.ground) == 10
    assert [mark.glyph for mark in picture.marks] == ["0", "1", "2"]
    assert "10 drifts left" in picture.text


def test_many_worlds_step_fast():
    dilemma, key = Snowdrift(), torch.arange(1024)
    state, _ = dilemma.reset(key)
    actions = torch.full((1024, 3), CLEAN)
    times = []
    for _ in range(30):
        begun = time.perf_counter()
        state, _, _ = dilemma.step(key, state, actions)
        times.append(time.perf_counter() - begun)
    assert sorted(times)[0] < 0.02
