"""The episodic store of own experience: one-shot storage, allocation, recall by likeness, and what reads it."""

import math

import pytest
import torch

from bisnn import rng
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES
from bisnn.interventions import INTACT, Ablation, Targets, compile_gates
from bisnn.propagate import on_grid
from bisnn.recording import Probe
from bisnn.systems.self_experience import ENTER, EXAMPLES, PASS, STORE, Lived, SelfExperience

PLAN = SelfExperience()
KEY = torch.arange(12)
ALL = torch.ones(len(KEY))


def lived(feature, action, pain):
    """The same experience for all; what hurts holds fast."""
    return Lived(ALL * feature, torch.full(KEY.shape, action), torch.full(KEY.shape, pain > 0), ALL * pain)


def gates(**changes):
    """The gates of an ablation, for all."""
    arms = (INTACT, Ablation(name="arm", **changes))
    return compile_gates(arms, torch.ones_like(KEY), KEY, Targets.of((PLAN.circuit,)))


def look(state, feature, action, effort=0.1, plan=PLAN, gate=NO_GATES, probes=()):
    return plan.observe(state, ALL * feature, torch.full(KEY.shape, action), ALL * effort, gate, probes)


@pytest.fixture(scope="module")
def once():
    """One trap with 13 of 20 pain cells, one harmless situation, one trap passed by."""
    state = PLAN.init(KEY)
    for one in (lived(5.0, ENTER, 0.65), lived(15.0, ENTER, 0.0), lived(5.0, PASS, 0.0)):
        state, _ = PLAN.experience(state, one)
    return state


@pytest.mark.parametrize("plan", EXAMPLES, ids=["default", "small"])
def test_one_experience_is_enough_and_its_cost_comes_back_as_it_was(plan):
    """Every recalled volley calls up exactly the pain cells that fired, and the outcome, in every individual."""
    state, seen = plan.experience(plan.init(KEY), lived(4.0, ENTER, 0.6), probes=(Probe("episode"), Probe("pain")))
    cells = (seen["episode.spikes"].sum(-2) > 0).sum(-1)
    assert 1 <= int(cells.min()) <= int(cells.max()) <= 4
    assert float(cells.float().mean()) < 2.0
    assert bool(((seen["pain.spikes"].sum(-2) > 0).sum(-1) == round(0.6 * plan.cells)).all())
    reading, _ = look(state, 4.0, ENTER, plan=plan)
    assert reading.value.tolist() == pytest.approx([-0.6] * len(KEY))
    assert bool((reading.held > 0).all())
    assert bool((reading.recalled.sum(-1) > 0).all())


def test_the_value_tells_what_hurts_from_what_is_as_new(once):
    trap, _ = look(once, 5.0, ENTER)
    assert trap.value.tolist() == pytest.approx([-0.65] * len(KEY))
    assert float(trap.rescued.float().mean()) >= 0.9
    for feature, action in ((15.0, ENTER), (5.0, PASS)):
        other, _ = look(once, feature, action)
        assert not other.value.any()
        assert not other.rescued.any()
        assert bool((other.held < 0).all()), "it is recalled, as harmless"


def test_nothing_is_known_of_what_was_never_lived_through(once):
    for state, feature in ((PLAN.init(KEY), 5.0), (once, 10.0)):
        reading, _ = look(state, feature, ENTER)
        assert not reading.value.any()
        assert not reading.recalled.any()
        assert not reading.rescued.any()


def test_input_falls_with_distance_as_the_overlap_of_the_fields():
    """I(d) = I(0) exp(-d^2/4) from the learned weights; the weights carry the spikes of one moment, hence the slack."""
    state, _ = PLAN.experience(PLAN.init(KEY), lived(5.0, ENTER, 0.5))
    weight = on_grid(state.weights["situation->episode"])
    trained = weight.sum(-2).argmax(-1)
    mine = weight.gather(-1, trained[:, None, None].expand(-1, PLAN.fields, 1))[..., 0]
    driven = [(mine * PLAN.situation(ALL * (5.0 + d))).sum(-1) for d in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)]
    for d, found in zip((0.5, 1.0, 1.5, 2.0, 3.0), driven[1:], strict=True):
        assert (found / driven[0]).tolist() == pytest.approx([math.exp(-d * d / 4)] * len(KEY), abs=0.05)
    assert driven[0].tolist() == pytest.approx([PLAN.likeness] * len(KEY), rel=0.25)


def test_fields_lie_on_a_ring():
    """Rates are 1 at the centre, exp(-1/2) one width away, and the same once around."""
    rates = PLAN.situation(torch.tensor([3.0, 3.0 + PLAN.around]))
    assert torch.equal(rates[0], rates[1])
    assert float(rates[0, 6]) == 1.0
    assert float(rates[0, 8]) == pytest.approx(math.exp(-0.5))
    assert torch.equal(PLAN.situation(torch.tensor(0.0)).roll(1), PLAN.situation(torch.tensor(0.5)))


def many(plan, key, rounds, gate=NO_GATES):
    """The state after `rounds` experiences of one situation, and the cells that fired in each, `[N, rounds, n]`."""
    state, fired = plan.init(key), []
    for number in range(rounds):
        away = rng.uniform(key, "test/away", number, 1)[..., 0]
        same = Lived(5.0 + away, torch.zeros_like(key), torch.ones_like(key) > 0, torch.ones_like(away) * 0.5)
        state, seen = plan.experience(state, same, gate, (Probe("episode"),))
        fired.append(seen["episode.spikes"].sum(-2) > 0)
    return state, torch.stack(fired, -2)


def test_every_experience_takes_fresh_cells_and_seldom_more_than_one():
    _, fired = many(PLAN, KEY, 30)
    assert int(fired.sum(-2).max()) == 1, "no cell is allocated twice"
    assert float((fired.sum(-1) > 0).float().mean()) >= 0.99
    assert 1.0 <= float(fired.sum(-1).float().mean()) <= 1.5


def test_without_acetylcholine_old_episodes_answer_for_the_new_one():
    """With it no cell of an earlier experience fires while the same situation is stored anew; without it they do."""
    state, _ = PLAN.experience(PLAN.init(KEY), lived(5.0, ENTER, 0.5))
    old = on_grid(state.weights["situation->episode"]).sum(-2) > 0
    answered = []
    for gate in (NO_GATES, gates(clamp={"acetylcholine": 0.0})):
        _, seen = PLAN.experience(state, lived(5.0, ENTER, 0.0), gate, (Probe("episode"),))
        answered.append(float((seen["episode.spikes"].sum(-2) * old).any(-1).float().mean()))
    assert answered[0] == 0.0
    assert answered[1] >= 0.8


def test_a_full_store_takes_nothing_more():
    plan = SelfExperience(episodes=6)
    state, fired = many(plan, KEY[:4], 40)
    assert bool((fired.sum(-2) == 1).all()), "every cell has been allocated once"
    assert not fired[:, -5:].any()
    assert bool((on_grid(state.weights["septum->episode"]) == 0).all())


def test_looking_reads_the_store_alone(once):
    """Own pain cells are silent while another is seen; an emptied store, or one that cannot be called up, is worth
    nothing; a frozen one never holds anything."""
    _, seen = look(once, 5.0, ENTER, probes=(Probe("pain"),))
    assert not seen["pain.spikes"].any()
    emptied = PLAN.wiped(once, KEY)
    newborn = PLAN.init(KEY)
    assert all(torch.equal(emptied.weights[name], newborn.weights[name]) for name in newborn.weights)
    for state, gate in ((emptied, NO_GATES), (once, gates(cut=("episode->cost",))), (once, gates(silence=("cost",)))):
        reading, _ = look(state, 5.0, ENTER, gate=gate)
        assert not reading.value.any()
        assert not reading.rescued.any()
    frozen, _ = PLAN.experience(newborn, lived(5.0, ENTER, 0.65), gates(freeze=STORE))
    assert all(torch.equal(frozen.weights[name], newborn.weights[name]) for name in STORE)
    unfelt, _ = PLAN.experience(newborn, lived(5.0, ENTER, 0.65), gates(drive={"pain": 0.0}))
    reading, _ = look(unfelt, 5.0, ENTER)
    assert bool((reading.held > 0).all()), "the trap is remembered"
    assert not reading.value.any(), "its pain, never felt, is not"


def test_looking_teaches_nothing_and_is_pure(once):
    before = {name: weight.clone() for name, weight in once.weights.items()}
    first, _ = look(once, 5.0, ENTER)
    second, _ = look(once, 5.0, ENTER)
    assert all(torch.equal(one, two) for one, two in zip(first, second, strict=True))
    assert all(torch.equal(weight, once.weights[name]) for name, weight in before.items())


def test_rescue_falls_with_own_cost_and_dopamine_with_that_of_the_other(once):
    rescue, spikes = [], []
    for effort in (0.0, 0.3, 0.6, 1.0):
        reading, seen = look(once, 5.0, ENTER, effort, probes=(Probe("dopamine"),))
        rescue.append(float(reading.rescued.float().mean()))
        spikes.append(float(reading.choice[:, 0].mean()))
    assert rescue == sorted(rescue, reverse=True)
    assert rescue[0] == 1.0
    assert rescue[-1] <= 0.1
    assert spikes == sorted(spikes, reverse=True)
    _, calm = look(once, 15.0, ENTER, probes=(Probe("dopamine"),))
    tonic = float(calm["dopamine.spikes"].mean())
    assert tonic == pytest.approx(0.5, abs=0.02)
    assert float(seen["dopamine.spikes"].mean()) < 0.7 * tonic


@pytest.mark.parametrize(
    "wrong", [{"episodes": 0}, {"fields": 2.5}, {"spacing": 0.0}, {"likeness": -1.0}, {"dt": 0.0}, {"ticks": 0}]
)
def test_a_plan_that_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        SelfExperience(**wrong)
