"""What dopamine teaches the basal-ganglia actor, to the bit: the released network's faults are absent
(neutral point, magnitude, NaN, unchosen actions, reset), and values are read as they are written."""

import pytest
import torch

from bisnn import rng
from bisnn.coding import choose
from bisnn.systems.basal_ganglia import BasalGanglia


def keys(count):
    return rng.keys(torch.arange(count))


def decided(actor, state, key, index=0):
    """The value of one decision, `[*B]`."""
    noise = rng.uniform(key, "membrane", 0, (actor.actions + 1) * actor.cells)
    with torch.inference_mode():
        return actor.decide(state, torch.full_like(key, index), noise)[1]


def trial(actor, state, key, index, action, dopamine, fresh=True, wait=0):
    """A choice in state `index`, `wait` steps in which nothing happens, then dopamine."""
    none, nothing = torch.full_like(key, -1), torch.zeros(key.shape)
    where, act = torch.full_like(key, index), torch.full_like(key, action)
    state = actor.reinforce(state, where, act, nothing, torch.full(key.shape, fresh))
    for _ in range(wait):
        state = actor.reinforce(state, none, none, nothing, torch.zeros(key.shape, dtype=torch.bool))
    level = torch.full(key.shape, float(dopamine))
    return actor.reinforce(state, none, none, level, torch.zeros(key.shape, dtype=torch.bool))


@pytest.mark.parametrize("dopamine", [3.0, -3.0, 0.25])
@pytest.mark.parametrize("wait", [0, 1, 4])
def test_weights_change_as_the_equation_says(dopamine, wait):
    """dw = +-rate D (gamma trace_decay)^wait for the executed action in its state; all others keep their bits."""
    actor = BasalGanglia(places=3, emotions=1, actions=3, cells=4, gamma=0.9, trace_decay=0.7, rate_actor=0.02)
    key = keys(2)
    before = actor.init(key)
    after = trial(actor, before, key, index=1, action=2, dopamine=dopamine, wait=wait)
    step = 0.02 * dopamine * (0.9 * 0.7) ** wait
    for area, sign in (("strd1", 1.0), ("strd2", -1.0)):
        old, new = (state.weights[f"dlpfc->{area}"] for state in (before, after))
        change = new - old
        assert float((change[:, 1, 8:] - sign * step).abs().max()) < 1e-7
        untouched = torch.ones_like(old, dtype=torch.bool)
        untouched[:, 1, 8:] = False
        assert torch.equal(new[untouched], old[untouched])
    value = after.weights["dlpfc->value"] - before.weights["dlpfc->value"]
    assert float((value[:, 1] - actor.rate_critic * step / 0.02).abs().max()) < 1e-7
    assert not value[:, 0].any()
    for name in before.weights:
        if name not in ("dlpfc->strd1", "dlpfc->strd2", "dlpfc->value"):
            assert torch.equal(before.weights[name], after.weights[name]), name


def test_a_neutral_outcome_changes_no_bit():
    """Dopamine 0 is the neutral point (in the released network it is 1)."""
    actor, key = BasalGanglia(places=4, emotions=1), keys(3)
    state = before = actor.init(key)
    for i in range(12):
        state = trial(actor, state, key, index=i % 4, action=i % 3, dopamine=0.0, wait=1)
    for name, weight in before.weights.items():
        assert torch.equal(weight, state.weights[name]), name


def test_magnitude_counts_and_equal_rewards_are_no_exception():
    """-3 and -100 differ (the released network takes the sign alone), and an equal outcome of 1 gives numbers."""
    actor, key = BasalGanglia(places=2, emotions=1, rate_actor=0.001), keys(1)
    born = actor.init(key)

    def change(dopamine):
        after = trial(actor, born, key, 0, 1, dopamine)
        return float((after.weights["dlpfc->strd1"] - born.weights["dlpfc->strd1"]).abs().sum())

    assert change(-100.0) == pytest.approx(change(-3.0) * 100.0 / 3.0, rel=1e-4)
    assert change(20.0) == pytest.approx(20.0 * change(1.0), rel=1e-3)
    state = born
    for i in range(20):
        state = trial(actor, state, key, i % 2, i % 4, 1.0)
    assert all(bool(weight.isfinite().all()) for weight in state.weights.values())


def test_weights_stay_within_their_bounds():
    actor, key = BasalGanglia(places=1, emotions=1, actions=2), keys(2)
    up = trial(actor, actor.init(key), key, 0, 0, 1e6)
    down = trial(actor, actor.init(key), key, 0, 0, -1e6)
    cells = actor.cells
    for state, go, nogo in ((up, 1.0, 0.0), (down, 0.0, 1.0)):
        assert bool((state.weights["dlpfc->strd1"][..., :cells] == go).all())
        assert bool((state.weights["dlpfc->strd2"][..., :cells] == nogo).all())
        assert bool((state.weights["dlpfc->strd1"][..., cells:] == 0.5).all())


def test_a_new_episode_forgets_what_was_eligible():
    actor, key = BasalGanglia(places=2, emotions=1), keys(2)
    none, one = torch.full_like(key, -1), torch.ones(key.shape)
    fresh = torch.ones(key.shape, dtype=torch.bool)
    marked = actor.reinforce(actor.init(key), key * 0, key * 0, one * 0, fresh)
    kept, lost = (actor.reinforce(marked, none, none, one * 5, reset) for reset in (~fresh, fresh))
    born = actor.init(key).weights["dlpfc->strd1"]
    assert not torch.equal(kept.weights["dlpfc->strd1"], born)
    assert torch.equal(lost.weights["dlpfc->strd1"], born)
    assert not any(bool(trace.eligibility.any()) for trace in lost.traces.values())


def test_deciding_learns_nothing_and_keeps_eligibility():
    actor, key = BasalGanglia(places=2, emotions=1), keys(3)
    fresh = torch.ones(key.shape, dtype=torch.bool)
    state = actor.reinforce(actor.init(key), key * 0, key * 0, torch.zeros(key.shape), fresh)
    kept = [trace.eligibility.clone() for trace in state.traces.values()]
    decided(actor, state, key)
    assert all(torch.equal(a, b.eligibility) for a, b in zip(kept, state.traces.values(), strict=True))
    assert all(bool(eligibility.any()) for eligibility in kept)


@pytest.mark.parametrize("value", [-60.0, -31.5, 0.0, 12.0, 30.0])
def test_the_value_cells_read_their_weight(value):
    """V = low + span w, to the resolution of the spike count."""
    actor, key = BasalGanglia(places=2, emotions=1), keys(400)
    state = actor.init(key)
    weight = torch.full_like(state.weights["dlpfc->value"], (value + 60.0) / 90.0)
    state = state._replace(weights={**state.weights, "dlpfc->value": weight})
    read = decided(actor, state, key, index=1)
    assert float(read.mean()) == pytest.approx(value, abs=0.15)
    assert float((read - value).abs().max()) <= 90.0 / actor.ticks


def test_alone_as_in_a_batch():
    """Forty trials of choice and learning: the same bits for individual 5 alone and among eight."""
    actor = BasalGanglia(places=3, emotions=1, actions=3, cells=4, ticks=8)

    def lived(key):
        state, path = actor.init(key), []
        for step in range(40):
            index = (rng.uniform(key, "state", step, 1)[..., 0] * 3).to(torch.int64)
            noise = rng.uniforms(key, step, {"membrane": 16, "tie": 3, "reward": 1})
            counts, value, _ = actor.decide(state, index, noise["membrane"])
            action = choose(counts, noise["tie"])
            error = noise["reward"][..., 0] * 20.0 - 10.0 - value
            state = actor.reinforce(state, index, action, error, torch.full(key.shape, step % 5 == 0))
            path.append(torch.stack((action.to(torch.float32), value, error)))
        return torch.stack(path), state

    with torch.inference_mode():
        (many, batch), (one, alone) = lived(keys(8)), lived(torch.tensor(5))
    assert torch.equal(many[..., 5], one)
    for name, weight in alone.weights.items():
        assert torch.equal(batch.weights[name][5], weight), name
