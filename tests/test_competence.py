"""The competence circuit: the closed form that its spikes are held to, what teaches it, and what does not."""

from dataclasses import replace

import pytest
import torch

from bisnn import rng
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES
from bisnn.interventions import Ablation, Targets, compile_gates
from bisnn.recording import Probe
from bisnn.systems.competence import TAUGHT, Competence, Task

SYSTEM = Competence()
TARGETS = Targets.of((SYSTEM.circuit,))


def task(difficulty, feature=0.5, helper=1.0, cost=0.3, explore=0.0):
    """The same task for as many individuals as the largest of its properties has."""
    parts = torch.broadcast_tensors(*(torch.as_tensor(part) for part in (difficulty, feature, helper, cost, explore)))
    return Task(*(part.to(torch.float32) for part in parts))


def gates(ablation, count):
    return compile_gates((ablation,), torch.zeros(count, dtype=torch.int64), torch.arange(count), TARGETS)


def learned(system, key, trials, outcome, given=None, gates=NO_GATES, explore=1.0):
    """The state after so many trials; `outcome` of difficulty, feature and luck, `[N]` each."""
    state = system.init(key)
    for trial in range(trials):
        x, y, luck = rng.uniform(key, "test/task", trial, 3).unbind(-1)
        met, noise = task(x, y, explore=explore), system.noise(key, trial)
        judged, _ = system.judge(state, met, noise, gates)
        error = outcome(x, y, luck) - judged.confidence
        tried = judged.tried if given is None else torch.full_like(judged.tried, given)
        state, _ = system.learn(state, met, tried, error, noise, gates)
    return state


def test_what_its_spikes_say_is_the_closed_form():
    """|confidence - clip(sum w r + sum u q + b, 0, 1)| of 300 tasks after learning: 0.01 in root mean square (20 cells
    that are met at random, 40 ticks), without bias (0.002)."""
    key = torch.arange(6)
    state = learned(SYSTEM, key, 60, lambda x, y, luck: (x < 0.5).float())
    x, y = rng.uniform(torch.arange(300), "test/grid", 0, 2).unbind(-1)
    many = torch.arange(300) % 6
    copied = SYSTEM.init(many)._replace(weights={name: value[many] for name, value in state.weights.items()})
    judged, _ = SYSTEM.judge(copied, task(x, y), SYSTEM.noise(torch.arange(300), 0))
    closed = SYSTEM.expected(SYSTEM.weights(state)[many], x, y)
    gap = judged.confidence - closed
    assert float(closed.max() - closed.min()) > 0.9
    assert float((gap * gap).mean().sqrt()) < 0.01
    assert abs(float(gap.mean())) < 0.002


def test_before_any_experience_it_expects_the_prior():
    for prior in (0.2, 0.5, 0.9):
        system = Competence(prior=prior)
        key = torch.arange(20)
        judged, _ = system.judge(system.init(key), task(key / 19.0), system.noise(key, 0))
        assert judged.confidence.sub(prior).abs().max() < 0.02


@pytest.mark.parametrize("cost", [0.0, 0.2, 0.6, 1.0])
def test_it_tries_where_its_confidence_exceeds_what_asking_is_worth(cost):
    """The choice of the race against the comparison that it stands for, where the two differ by 0.02 or more."""
    key = torch.arange(200)
    system = Competence()
    prior = rng.uniform(key, "test/prior", 0, 1)[:, 0]
    state = system.init(key)
    bias = state.weights["bias->competence"] * (prior / system.prior)[:, None, None]
    state = state._replace(weights={**state.weights, "bias->competence": bias})
    judged, seen = system.judge(state, task(torch.full((200,), 0.5), cost=cost), system.noise(key, 0))
    clear = (prior - (1.0 - cost)).abs() > 0.02
    assert int(clear.sum()) > 150
    assert torch.equal(judged.tried[clear], (prior > 1.0 - cost)[clear])
    assert torch.equal(judged.spikes[:, 0], seen["attempt.spikes"].sum((-1, -2)))
    firmly = clear & ((prior - (1.0 - cost)).abs() > 0.2)
    if bool(firmly.any()) and bool((clear & ~firmly).any()):  # a close decision takes longer
        assert judged.reaction[firmly].float().mean() < judged.reaction[clear & ~firmly].float().mean()


def test_a_scheduled_try_wins_over_any_doubt():
    key = torch.arange(30)
    judged, _ = SYSTEM.judge(SYSTEM.init(key), task(key / 29.0, cost=0.0, explore=1.0), SYSTEM.noise(key, 0))
    assert bool(judged.tried.all())
    judged, _ = SYSTEM.judge(SYSTEM.init(key), task(key / 29.0, cost=0.0), SYSTEM.noise(key, 0))
    assert not bool(judged.tried.any())


def test_one_error_moves_the_confidence_by_the_stated_rates():
    """dp = D (rate_difficulty sum r^2 + rate_feature sum q^2 + rate_bias), averaged over phases (3 %)."""
    key = torch.arange(400)
    state, met = SYSTEM.init(key), task(torch.full((400,), 0.43), 0.7)
    after, _ = SYSTEM.learn(state, met, key >= 0, torch.full((400,), -0.8), SYSTEM.noise(key, 0))
    moved = (SYSTEM.expected(SYSTEM.weights(after), *met[:2]) - 0.5).mean()
    r, q = SYSTEM.code(met.difficulty[0], SYSTEM.fields), SYSTEM.code(met.feature[0], SYSTEM.features)
    wanted = SYSTEM.rate_difficulty * (r * r).sum() + SYSTEM.rate_feature * (q * q).sum() + SYSTEM.rate_bias
    assert float(moved) == pytest.approx(-0.8 * float(wanted), rel=0.03)


def test_what_the_helper_does_teaches_nothing():
    """Where it asked not a bit of any synapse changes; with the copy of the other's act cut it takes the success for
    its own."""
    key = torch.arange(10)
    state, met, none = SYSTEM.init(key), task(key / 9.0), key < 0
    error, noise = torch.full((10,), 0.5), SYSTEM.noise(key, 3)
    after, seen = SYSTEM.learn(state, met, none, error, noise, probes=(Probe("competence"),))
    assert not bool(seen["competence.spikes"].any())
    assert all(torch.equal(after.weights[name], state.weights[name]) for name in TAUGHT)
    cut = gates(Ablation(name="cut", cut=("other->competence",)), 10)
    fooled, _ = SYSTEM.learn(state, met, none, error, noise, cut)
    assert bool((SYSTEM.weights(fooled)[:, -1] > SYSTEM.weights(state)[:, -1]).all())


def test_without_dopamine_nothing_is_learned():
    key = torch.arange(4)
    held = gates(Ablation(name="held", clamp={"dopamine": 0.0}), 4)
    state = learned(SYSTEM, key, 5, lambda x, y, luck: (luck < 0.3).float(), gates=held)
    fresh = SYSTEM.init(key)
    assert all(torch.equal(state.weights[name], fresh.weights[name]) for name in TAUGHT)


def test_it_learns_the_property_that_matters_and_only_that():
    """Success by difficulty in half of the individuals, by the feature in the other half: confidence follows the one,
    not the other (a swing of at least 0.6 against at most 0.05, in the mean over individuals)."""
    key = torch.arange(16)
    mine = key < 8
    state = learned(SYSTEM, key, 250, lambda x, y, luck: torch.where(mine, x < 0.5, y < 0.5).float())
    weights, ends = SYSTEM.weights(state), (torch.full((16,), 0.15), torch.full((16,), 0.85))
    middle = torch.full((16,), 0.5)
    by_difficulty = SYSTEM.expected(weights, ends[0], middle) - SYSTEM.expected(weights, ends[1], middle)
    by_feature = SYSTEM.expected(weights, middle, ends[0]) - SYSTEM.expected(weights, middle, ends[1])
    assert float(by_difficulty[mine].mean()) > 0.6
    assert abs(float(by_feature[mine].mean())) < 0.05
    assert float(by_feature[~mine].mean()) > 0.6
    assert abs(float(by_difficulty[~mine].mean())) < 0.05


def test_alone_as_in_a_batch():
    system = Competence(fields=7, features=4, cells=8, ticks=20, acting=3, dt=5.0)
    outcome = lambda x, y, luck: (luck < 1.0 - x).float()  # noqa: E731
    together = learned(system, torch.tensor([5, 2, 9]), 8, outcome, explore=0.0)
    alone = learned(system, torch.tensor([9]), 8, outcome, explore=0.0)
    assert all(torch.equal(together.weights[name][2], alone.weights[name][0]) for name in TAUGHT)


@pytest.mark.parametrize(
    ("field", "value"),
    [("cells", 0), ("fields", 3), ("features", 2), ("prior", 1.2), ("rate_bias", 0.0), ("dt", -1.0), ("acting", 0)],
)
def test_a_plan_that_cannot_be_is_refused(field, value):
    with pytest.raises(ConfigError, match=field):
        replace(SYSTEM, **{field: value})
