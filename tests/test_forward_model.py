"""The forward model: the delta rule by signed error spikes, what is predicted and felt, learning and unlearning."""

import itertools
import math
from dataclasses import replace

import pytest
import torch

from bisnn import tree
from bisnn.errors import ConfigError
from bisnn.interventions import Ablation, Targets, compile_gates
from bisnn.plasticity import ErrorDriven
from bisnn.plasticity.error_driven import apical
from bisnn.propagate import on_grid
from bisnn.recording import Probe
from bisnn.systems.body import INTENDED
from bisnn.systems.forward_model import AREAS, LEARNED, TAUGHT, ForwardModel

BODY = ForwardModel()
EFFECTS = torch.tensor(INTENDED)
STILL = torch.zeros(2)


def gates(ablation, count):
    targets = Targets.of((BODY.circuit,))
    return compile_gates((ablation,), torch.zeros(count, dtype=torch.int64), torch.arange(count), targets)


def taught(state, effects, rounds, body=BODY, loss=0.0, gate=None):
    """The state after so many rounds in which every command is tried with its effect; the error of every movement."""
    batch = state.weights[LEARNED].shape[:-2]
    more, errors = () if gate is None else (gate,), []
    for number in range(rounds * body.actions):
        action = torch.full(batch, number % body.actions)
        arrived = body.arrived(torch.arange(batch[0]), "test", number, loss)
        found, state, _ = body.move(state, action, body.sensed(effects[action], arrived), *more)
        errors.append(found.error)
    return state, torch.stack(errors, -1)


@pytest.fixture(scope="module")
def grown():
    torch.set_num_threads(1)
    return taught(BODY.init(torch.arange(4)), EFFECTS, 15)[0]


def moved(state, actions, displacement, body=BODY, extra=0, gate=None, probes=()):
    """What the first individual feels of several commands, each with its displacement."""
    count = len(actions)
    many = tree.map(lambda leaf: leaf[:1].expand(count, *leaf.shape[1:]), state)
    sensed = body.sensed(displacement.expand(count, 2), extra=extra)
    more = () if gate is None else (gate,)
    return body.move(many, torch.tensor(actions), sensed, *more, learning=False, probes=probes)


# ------------------------------------------------------------ the rule


def test_the_rule_is_trace_times_apical_potential_by_hand():
    rule = ErrorDriven(rate=0.5, tau=10.0)
    weight = torch.zeros(2, 5, dtype=torch.float64)
    trace, v = rule.init(weight), torch.tensor([9.0, 9.0, 9.0, 2.0, -4.0], dtype=torch.float64)
    post, keep = torch.ones(5, dtype=torch.float64), math.exp(-2.0 / 10.0)
    assert not apical(torch.tensor([1.0, 2.0, 3.0])).ne(torch.tensor([3.0, 0.0, 0.0])).any()
    first, trace = rule.step(trace, weight, torch.tensor([1.0, 0.0], dtype=torch.float64), post, None, 2.0, v)
    assert first.tolist() == [[1.0, -2.0, 0.0, 0.0, 0.0], [0.0] * 5], "somata 0 to 2, dendrites of 0 and 1"
    second, trace = rule.step(trace, weight, torch.tensor([1.0, 1.0], dtype=torch.float64), post, None, 2.0, v)
    assert second[0].tolist() == pytest.approx([1.0 + keep, -2.0 - 2.0 * keep, 0.0, 0.0, 0.0], abs=1e-12)
    assert second[1].tolist() == first[0].tolist()
    assert rule.modulator is None
    assert ErrorDriven() == ErrorDriven(rate=0.01, tau=100.0)
    for bad in ({"tau": 0.0}, {"rate": math.nan}):
        with pytest.raises(ConfigError):
            ErrorDriven(**bad)


def test_weights_follow_the_error_spikes_that_were_counted():
    """dw = rate sum over ticks of x_i d_j, with x and d worked out from the recorded spikes of command, felt and
    missing alone; float32 sums of some 20 ticks, 1e-5."""
    state = taught(BODY.init(torch.arange(3)), EFFECTS, 2)[0]
    action, n = torch.tensor([0, 1, 2]), BODY.n
    probes = tuple(Probe(name) for name in AREAS)
    _, after, seen = BODY.move(state, action, BODY.sensed(EFFECTS[[2, 1, 3]]), probes=probes)
    command, felt, missing = (seen[f"{name}.spikes"].double() for name in ("command", "felt", "missing"))
    x, d = torch.zeros_like(command[:, 0]), torch.zeros_like(felt[:, 0])
    before, total = torch.zeros_like(d), torch.zeros(3, command.shape[-1], n, dtype=torch.float64)
    leak, weight = math.exp(-BODY.dt / BODY.tau), float(on_grid(torch.tensor(BODY.teaching)))
    for tick in range(BODY.ticks):
        x = x * math.exp(-BODY.dt / BODY.tau_trace) + command[:, tick]
        d = d * leak + before * weight * (1.0 - leak)
        before = felt[:, tick] - missing[:, tick]  # reaches the dendrite a tick later
        total += BODY.rate * x[:, :, None] * d[:, None, :]
    change = (after.weights[LEARNED] - state.weights[LEARNED]).double()
    low = state.weights[LEARNED][..., :n].double() + total < 0.0
    assert bool(felt.any())
    assert float(total.max()) > 0.01
    assert torch.allclose(torch.where(low, 0.0, change[..., :n]), torch.where(low, 0.0, total), atol=1e-5)
    assert not change[..., n:].any(), "no synapse on a dendrite changes"


def test_what_is_missing_lowers_what_is_felt_raises(grown):
    up, _ = taught(grown, EFFECTS * 0.0, 1)
    change = (up.weights[LEARNED] - grown.weights[LEARNED])[..., : BODY.n]
    assert float(change.max()) <= 0.0
    assert float(change.min()) < -0.01
    more, _ = taught(grown, EFFECTS * 2.0, 1)
    change = (more.weights[LEARNED] - grown.weights[LEARNED])[..., : BODY.n]
    assert float(change.min()) >= 0.0
    assert float(change.max()) > 0.01


# ------------------------------------------------------------ prediction and error


def test_it_predicts_nothing_at_birth_and_everything_when_grown(grown):
    newborn = BODY.init(torch.arange(4))
    for action in range(4):
        found, _, _ = moved(newborn, [action], EFFECTS[action])
        assert (found.predicted.item(), found.missing.item()) == (0.0, 0.0)
        assert found.felt.item() == found.sensed.item() == BODY.burst * BODY.per_cell
        found, _, seen = moved(grown, [action], EFFECTS[action])
        assert found.error.item() == found.mismatch.item() == 0.0
        assert found.predicted.item() == found.sensed.item() == BODY.burst * BODY.per_cell
        assert seen["felt.spikes"].shape == (1, BODY.ticks, BODY.n)


def test_the_two_errors_have_opposite_signs(grown):
    felt, _, _ = moved(grown, [-1], EFFECTS[2])
    assert (felt.felt.item(), felt.missing.item()) == (50.0, 0.0), "moved without a command"
    missing, _, _ = moved(grown, [2], STILL)
    assert (missing.felt.item(), missing.missing.item()) == (0.0, 50.0), "commanded, but not moved"
    both, _, seen = moved(grown, [2], EFFECTS[3], probes=(Probe("prediction"),))
    assert (both.felt.item(), both.missing.item()) == (50.0, 50.0)
    assert not seen["prediction.spikes"][..., BODY.n :].any(), "dendrites do not fire"
    nothing, _, _ = moved(grown, [-1], STILL)
    assert [part.item() for part in nothing] == [0.0] * 5


def test_errors_teach_but_do_not_predict(grown):
    """Feedback reaches dendrites only: without it the same cells fire in the same ticks."""
    actions, displacement = [0, 1, 2, 3], torch.stack([EFFECTS[k] for k in (1, 0, 3, 2)])
    _, _, free = moved(grown, actions, displacement)
    _, _, shut = moved(grown, actions, displacement, gate=gates(Ablation(name="x", cut=TAUGHT), 4))
    for name in AREAS[1:]:
        assert torch.equal(free[f"{name}.spikes"], shut[f"{name}.spikes"])


def test_the_prediction_waits_for_the_senses(grown):
    """The farther the senses from the latency in which it was learned, the more error, of both signs in equal parts."""
    errors = []
    for extra in range(0, 21, 2):
        found, _, _ = moved(grown, [2], EFFECTS[2], extra=extra)
        errors.append(found.error.item())
    assert errors[0] == 0.0
    assert all(later >= sooner for sooner, later in itertools.pairwise(errors))
    assert errors[-1] == 2.0 * BODY.burst * BODY.per_cell, "far apart, nothing cancels"


# ------------------------------------------------------------ learning and unlearning


def test_it_learns_unlearns_and_learns_anew(grown):
    turned = EFFECTS[[2, 3, 1, 0]]
    after, errors = taught(grown, turned, 16)
    assert float(errors[:, :4].mean()) == pytest.approx(100.0, abs=10.0), "both movements, at once"
    assert not errors[:, -4:].any(), "not an error is left"
    back, errors = taught(after, EFFECTS, 16)
    assert float(errors[:, 0].mean()) > 90.0, "an aftereffect"
    assert not errors[:, -4:].any()
    _, errors = taught(grown, EFFECTS * 0.0, 16)
    assert not errors[:, -4:].any(), "a body that no longer moves"
    assert not moved(back, [0, 1, 2, 3], EFFECTS)[0].error.any()


def test_one_sided_teaching_goes_one_way(grown):
    cases = ((TAUGHT[:1], 2.0, 0.0), (TAUGHT[1:], 0.0, 2.0))
    for cut, stuck, free in cases:
        gate = gates(Ablation(name="x", cut=cut), 4)
        _, errors = taught(grown, EFFECTS * stuck, 10, gate=gate)
        assert torch.equal(errors[:, :4], errors[:, -4:]), "never learned"
        _, errors = taught(grown, EFFECTS * free, 12, gate=gate)
        assert not errors[:, -4:].any()


def test_frozen_and_untaught_synapses_keep_every_bit(grown):
    for ablation in (Ablation(name="x", freeze=(LEARNED,)), Ablation(name="x", silence=("felt", "missing"))):
        after, _ = taught(grown, EFFECTS * 0.0, 1, gate=gates(ablation, 4))
        assert torch.equal(after.weights[LEARNED], grown.weights[LEARNED])
    _, still, _ = moved(grown, [0], STILL)
    assert torch.equal(still.weights[LEARNED], grown.weights[LEARNED][:1])


def test_without_efference_copy_all_that_is_felt_is_error(grown):
    for ablation in (Ablation(name="x", silence=("command",)), Ablation(name="x", cut=(LEARNED,))):
        found, _, _ = moved(grown, [0, 1, 2, 3], EFFECTS, gate=gates(ablation, 4))
        assert not found.predicted.any()
        assert torch.equal(found.error, found.sensed)


def test_it_learns_the_mean_of_noisy_senses():
    """Where a fifth of the sensory spikes is lost, neither sign of error outweighs the other after learning: each is
    within a fifth of what is sensed, and their difference within a tenth."""
    body = replace(BODY, command_cells=1)
    state, _ = taught(body.init(torch.arange(6)), EFFECTS, 25, body, loss=0.2)
    felt, missing = [], []
    for number in range(400, 440):
        action = torch.full((6,), number % 4)
        arrived = body.arrived(torch.arange(6), "test", number, 0.2)
        found, state, _ = body.move(state, action, body.sensed(EFFECTS[action], arrived))
        felt.append(found.felt)
        missing.append(found.missing)
    more, less = float(torch.stack(felt).mean()), float(torch.stack(missing).mean())
    assert 0.0 < more < 10.0
    assert 0.0 < less < 10.0
    assert abs(more - less) < 4.0


# ------------------------------------------------------------ individuals, codes, plans


def test_the_same_individual_alone_and_in_a_batch():
    def life(seeds):
        key = torch.tensor(seeds)
        state, commands = BODY.init(key), BODY.rounds(key, "life", 12)
        for number in range(12):
            sensed = BODY.sensed(EFFECTS[commands[:, number]], BODY.arrived(key, "lost", number, 0.3))
            found, state, _ = BODY.move(state, commands[:, number], sensed)
        return found, state.weights[LEARNED]

    together, alone = life([4, 0, 7]), life([7])
    assert torch.equal(together[1][2], alone[1][0])
    assert all(torch.equal(a[2], b[0]) for a, b in zip(together[0], alone[0], strict=True))
    assert not torch.equal(together[1][0], together[1][1])


def test_rounds_try_every_command_once_and_spikes_are_lost_at_their_rate():
    key = torch.arange(5)
    commands = BODY.rounds(key, "rounds", 18)
    assert commands.shape == (5, 18)
    assert torch.equal(commands[:, :16].reshape(5, 4, 4).sort(-1).values, torch.arange(4).expand(5, 4, 4))
    assert len({tuple(row) for row in commands[:, :16].reshape(-1, 4).tolist()}) > 5, "in many orders"
    assert torch.equal(commands[:, :10], BODY.rounds(key, "rounds", 10)), "a longer life begins like a shorter one"
    arrived = BODY.arrived(key, "lost", 3, 0.2)
    assert arrived.shape == (5, BODY.burst, BODY.n)
    assert float(arrived.float().mean()) == pytest.approx(0.8, abs=0.04)  # 5 standard errors of 2000
    assert bool(BODY.arrived(key, "lost", 3, 0.0).all())
    assert not BODY.arrived(key, "lost", 3, 1.0).any()


def test_displacements_recruit_cells():
    code = BODY.displacement(torch.tensor([[0.0, 0.0], [1.0, 0.0], [-2.0, 0.0], [0.0, 0.5], [0.0, -1.0]]))
    sides = code.unflatten(-1, (4, -1)).sum(-1)
    assert sides.tolist() == [[0, 0, 0, 0], [5, 0, 0, 0], [0, 10, 0, 0], [0, 0, 2, 0], [0, 0, 0, 5]]


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="larger reach"):
        BODY.sensed(torch.tensor([[3.0, 0.0]]))
    with pytest.raises(ConfigError, match="0 or more"):
        BODY.sensed(torch.tensor([[1.0, 0.0]]), extra=-1)
    for changes, words in (
        ({"ticks": 15}, "at least 16"),
        ({"reach": 0}, "reach is 0"),
        ({"lag": 0}, "lag is 0"),
        ({"rate": 0.0}, "rate is 0.0"),
        ({"tau": -1.0}, "tau is -1.0"),
        ({"teaching": 1.0}, "below 1"),
        ({"dt": 0.5}, "from 1 ms on"),
    ):
        with pytest.raises(ConfigError, match=words):
            ForwardModel(**changes)
