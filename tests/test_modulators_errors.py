"""Prediction errors of modulators against closed forms and ticks computed by hand (1e-12 in float64).

Schultz, Dayan, Montague (1997) doi:10.1126/science.275.5306.1593 (burst, transfer to the cue, dip at omission);
Fremaux, Sprekeler, Gerstner (2010) doi:10.1523/JNEUROSCI.6249-09.2010 (a mean for every stimulus) and (2013)
doi:10.1371/journal.pcbi.1003024 (continuous-time TD); Daw, Kakade, Dayan (2002) doi:10.1016/S0893-6080(02)00052-7;
Yu, Dayan (2005) doi:10.1016/j.neuron.2005.04.026.
"""

import math

import pytest
import torch

from bisnn import rng
from bisnn.circuit import Area, Circuit
from bisnn.errors import ShapeMismatch
from bisnn.modulators import (
    PunishmentPredictionError,
    RewardPredictionError,
    TemporalDifference,
    TemporalDifferenceError,
    UnexpectedUncertainty,
)
from bisnn.neurons import IF
from bisnn.recording import Probe


def response(modulator, signal, spikes=None, dt=1.0, state=None, dtype=torch.float64):
    """Levels and last state; `spikes`: rows of 0/1 for every tick."""
    state = modulator.init(torch.zeros((), dtype=dtype)) if state is None else state
    levels = []
    for tick, value in enumerate(signal):
        heard = () if spikes is None else (torch.tensor(spikes[tick], dtype=dtype),)
        level, state = modulator.step(state, torch.tensor(value, dtype=dtype), dt, *heard)
        levels.append(float(level))
    return levels, state


def test_every_cue_has_a_prediction_of_its_own():
    """Rewards 1 after cue 0 and -3 after cue 1: one mean for both never fits, one for each does."""
    cues = [[1.0, 0.0], [0.0, 1.0]] * 60
    signal = [1.0, -3.0] * 60
    own = RewardPredictionError(beta=0.2, source="cue", cues=2)
    levels, state = response(own, signal, cues)
    assert levels[:4] == pytest.approx([1.0, -3.0, 0.8, -2.4], abs=1e-12)
    assert levels[-2:] == pytest.approx([0.8**59, -3.0 * 0.8**59], abs=1e-12)
    assert state.prediction.tolist() == pytest.approx([1.0 - 0.8**60, -3.0 * (1.0 - 0.8**60)], abs=1e-12)
    common, _ = response(RewardPredictionError(beta=0.2), signal)
    assert min(abs(level) for level in common[-2:]) > 1.9, "a prediction that the stimuli share leaves an error"


def test_a_predicted_reward_blocks_learning_about_a_second_cue():
    """Kamin's blocking: P_1 learns (1 - P_0) of what it would alone; cues that come together share one error."""
    rule = RewardPredictionError(beta=0.25, source="cue", cues=2)
    _, state = response(rule, [1.0] * 8, [[1.0, 0.0]] * 8)
    levels, state = response(rule, [1.0], [[1.0, 1.0]], state=state)
    assert levels == pytest.approx([0.75**8], abs=1e-12)
    assert float(state.prediction[1]) == pytest.approx(0.25 * 0.75**8, abs=1e-12)


def test_a_tick_without_cue_predicts_and_teaches_nothing():
    rule = RewardPredictionError(source="cue", cues=2)
    _, before = response(rule, [1.0], [[0.0, 1.0]])
    levels, after = response(rule, [0.7], [[0.0, 0.0]], state=before)
    assert levels == [0.7]
    assert torch.equal(before.prediction, after.prediction)


def test_a_cue_area_of_another_size_is_refused():
    for rule in (RewardPredictionError(source="cue", cues=3), TemporalDifference(cues=3)):
        with pytest.raises(ShapeMismatch, match="knows 3 cues, its source has 2 cells"):
            response(rule, [0.0], [[0.0, 1.0]])


DELAY, LAGS, TICKS = 6, 10, 14


def conditioned(trials, beta=0.5, tau=50.0, dt=1.0):
    """Cue at tick 0 and reward 1 at tick `DELAY`, so many times."""
    rule = TemporalDifference(cues=2, lags=LAGS, tau_discount=tau, beta=beta)
    cue = [[1.0, 0.0]] + [[0.0, 0.0]] * (TICKS - 1)
    paid = [float(tick == DELAY) for tick in range(TICKS)]
    state, levels = None, []
    for _ in range(trials):
        levels, state = response(rule, paid, cue, dt=dt, state=state)
    return rule, cue, paid, levels, state


def test_first_trials_of_the_temporal_difference_by_hand():
    _, _, _, first, state = conditioned(1)
    assert first == [float(tick == DELAY) for tick in range(TICKS)], "an unpredicted reward is a burst"
    assert state.prediction.tolist() == [0.5 * (lag == DELAY - 1) for lag in range(2 * LAGS)]
    _, _, _, second, state = conditioned(2)
    gamma = math.exp(-1.0 / 50.0)
    expected = [0.0] * TICKS
    expected[DELAY - 1], expected[DELAY] = gamma * 0.5, 0.5
    assert second == pytest.approx(expected, abs=1e-12)
    assert state.prediction.tolist()[DELAY - 2 : DELAY] == pytest.approx([0.25 * gamma, 0.75], abs=1e-12)


@pytest.mark.parametrize("dt", [1.0, 2.5])
def test_the_burst_moves_to_the_cue_and_omission_is_a_dip_at_the_time_of_reward(dt):
    rule, cue, _, levels, state = conditioned(200, dt=dt)
    gamma = math.exp(-dt / 50.0)
    expected = [0.0] * TICKS
    expected[0] = gamma**DELAY
    assert levels == pytest.approx(expected, abs=1e-9), "cue: gamma^D; reward: nothing"
    omitted, _ = response(rule, [0.0] * TICKS, cue, dt=dt, state=state)
    expected[DELAY] = -1.0
    assert omitted == pytest.approx(expected, abs=1e-9), "a dip of -1 at the time of reward and nowhere else"
    early = [float(tick == DELAY - 2) for tick in range(TICKS)]
    at, _ = response(rule, early, cue, dt=dt, state=state)
    assert at[DELAY - 2] == pytest.approx(1.0, abs=1e-9), "a reward too early is a surprise"
    other = [row[::-1] for row in cue]
    alone, _ = response(rule, [float(tick == DELAY) for tick in range(TICKS)], other, dt=dt, state=state)
    assert alone == pytest.approx([float(tick == DELAY) for tick in range(TICKS)], abs=1e-12), "another cue: untaught"


def test_a_cue_is_forgotten_after_its_lags_and_gives_way_to_a_newer_one():
    rule = TemporalDifference(cues=2, lags=3)
    quiet = [0.0, 0.0]
    _, state = response(rule, [0.0] * 3, [[0.0, 1.0], quiet, quiet])
    assert float(state.active) == 5.0
    _, state = response(rule, [0.0], [quiet], state=state)
    assert float(state.active) == -1.0
    _, state = response(rule, [0.0] * 3, [[1.0, 0.0], quiet, quiet])
    assert float(state.active) == 2.0
    _, gone = response(rule, [0.0], [quiet], state=state)
    assert float(gone.active) == -1.0, "not the first lag of the other cue"
    _, newer = response(rule, [0.0], [[0.0, 1.0]], state=state)
    assert float(newer.active) == 3.0
    _, both = response(rule, [0.0], [[1.0, 1.0]], state=state)
    assert float(both.active) == 0.0


def test_omission_in_a_circuit_whose_cue_is_a_spike():
    """The same through the engine: `source` hands the modulator the cue area's spikes of this tick."""
    rule = TemporalDifference(source="tone", cues=1, lags=LAGS, tau_discount=50.0, beta=0.5)
    circuit = Circuit(areas={"tone": Area(n=1, neuron=IF())}, modulators={"dopamine": rule})
    drive, paid = torch.zeros(2, TICKS, 1), torch.zeros(2, TICKS)
    drive[:, 0], paid[:, DELAY] = 1.0, 1.0
    state = circuit.init(rng.keys(torch.arange(2)), torch.float64)
    for _ in range(200):
        state, _ = circuit.run(state, {"tone": drive.double()}, {"dopamine": paid.double()}, steps=TICKS)
    _, seen = circuit.run(state, {"tone": drive.double()}, steps=TICKS, probes=(Probe("dopamine", "level"),))
    expected = [0.0] * TICKS
    expected[0], expected[DELAY] = math.exp(-DELAY / 50.0), -1.0
    for levels in seen["dopamine.level"]:
        assert levels.tolist() == pytest.approx(expected, abs=1e-9)


def kappa(s, slow=200.0, fast=50.0):
    return (math.exp(-s / slow) - math.exp(-s / fast)) / (slow - fast) if s > 0 else 0.0


def area_of_kappa(s, slow=200.0, fast=50.0):
    """The integral of kappa from 0 to s."""
    return (slow * -math.expm1(-s / slow) - fast * -math.expm1(-s / fast)) / (slow - fast) if s > 0 else 0.0


@pytest.mark.parametrize("dt", [0.5, 1.0, 5.0])
def test_value_and_error_of_a_spiking_critic_against_the_kernel(dt):
    """V and the mean of delta over each tick, from sums of kappa and of its integral over all spikes."""
    rule = TemporalDifferenceError(nu=40.0, baseline=-0.2, tau_r=700.0)
    ticks, when = 300, {3: 2.0, 4: 1.0, 50: 4.0, 51: 4.0, 120: 1.0}
    spikes = [[float(cell < when.get(tick, 0.0)) for cell in range(4)] for tick in range(ticks)]
    state, before = rule.init(torch.zeros((), dtype=torch.float64)), -0.2
    for tick in range(ticks):
        paid = 0.3 * (tick == 70)
        heard = torch.tensor(spikes[tick], dtype=torch.float64)
        level, state = rule.step(state, torch.tensor(paid, dtype=torch.float64), dt, heard)
        since = [((tick - at) * dt, count) for at, count in when.items() if at <= tick]
        value = sum(10.0 * count * kappa(s) for s, count in since) - 0.2
        held = sum(10.0 * count * (area_of_kappa(s) - area_of_kappa(s - dt)) for s, count in since) - 0.2 * dt
        assert float(rule.value(state, 4)) == pytest.approx(value, abs=1e-12)
        assert float(level) == pytest.approx((value - before - held / 700.0 + paid) / dt, abs=1e-12)
        before = value


def test_first_ticks_of_the_critics_error_by_hand():
    rule = TemporalDifferenceError(nu=150.0, tau_r=1000.0)
    levels, state = response(rule, [0.0, 0.5, 0.0], [[1.0], [0.0], [0.0]])
    slow, fast = math.exp(-1.0 / 200.0), math.exp(-1.0 / 50.0)
    first, second = slow - fast, slow**2 - fast**2  # V after one and two ticks: nu / (200 - 50) = 1
    lost = (200.0 * (1.0 - slow) - 50.0 * (1.0 - fast)) / 1000.0
    more = (200.0 * (1.0 - slow) * slow - 50.0 * (1.0 - fast) * fast) / 1000.0
    assert levels == pytest.approx([0.0, first - lost + 0.5, second - first - more], abs=1e-12)
    assert float(rule.value(state, 1)) == pytest.approx(second, abs=1e-12)


def test_the_errors_of_any_tick_length_add_up_to_the_same():
    """Spikes and reward at the same times: the integral of delta over 400 ms does not depend on dt."""
    totals = []
    for dt in (0.5, 1.0, 4.0):
        ticks = round(400 / dt)
        spikes = [[float((tick + 1) * dt in (40.0, 44.0, 120.0)), 0.0] for tick in range(ticks)]
        paid = [0.7 * ((tick + 1) * dt == 200.0) for tick in range(ticks)]
        levels, _ = response(TemporalDifferenceError(baseline=0.1), paid, spikes, dt=dt)
        totals.append(sum(levels) * dt)
    assert totals == pytest.approx([totals[0]] * 3, abs=1e-12)


def test_a_critic_that_is_not_there_leaves_the_reward():
    rule = TemporalDifferenceError(source=None, baseline=0.5, tau_r=100.0)
    levels, _ = response(rule, [0.0, 2.0], dt=4.0)
    assert levels == pytest.approx([-0.005, 0.495], abs=1e-12)


def test_serotonin_is_the_opponent_of_dopamine_in_punishment():
    signal = [-1.0, -1.0, -0.5, 0.0, 0.0, -2.0, 0.0]
    aversive, _ = response(PunishmentPredictionError(beta=0.3), signal)
    reward, _ = response(RewardPredictionError(beta=0.3), signal)
    assert aversive == [-level for level in reward]
    assert aversive[:2] == pytest.approx([1.0, 0.7], abs=1e-12), "punishment is a burst, and is expected"
    assert aversive[3] < 0 < reward[3], "an omitted punishment: a dip here, a burst there"


def test_reward_leaves_phasic_serotonin_alone_and_raises_the_tonic_level():
    phasic, _ = response(PunishmentPredictionError(), [1.0, 0.0, 3.0])
    assert phasic == [0.0, 0.0, 0.0]
    levels, _ = response(PunishmentPredictionError(average=2.0, tau_average=50.0), [1.0] * 30, dt=5.0)
    assert levels == pytest.approx([2.0 * (1.0 - math.exp(-0.1 * (n + 1))) for n in range(30)], abs=1e-12)


def test_a_switch_surprises_and_the_surprise_habituates():
    """u = (1-b)^(n-1) (1 - b - n b) after a step from 0 to 1, as long as that is above 0; a switch back surprises."""
    rule = UnexpectedUncertainty(tau=0.0, beta=0.1)
    levels, state = response(rule, [0.0] * 20 + [1.0] * 60)
    expected = [max(0.0, 0.9 ** (n - 1) * (0.9 - 0.1 * n)) for n in range(60)]
    assert levels == pytest.approx([0.0] * 20 + expected, abs=1e-12)
    assert levels[20] == pytest.approx(1.0)
    assert levels[40:] == pytest.approx([0.0] * 40, abs=1e-12)
    back, _ = response(rule, [0.0], state=state)
    assert back[0] == pytest.approx(1.0 - 0.9**60 - 60 * 0.1 * 0.9**59, abs=1e-12)


def test_surprise_is_cleared_with_its_time_constant():
    levels, _ = response(UnexpectedUncertainty(tau=100.0, beta=1.0), [1.0, 1.0, 1.0], dt=10.0)
    assert levels == pytest.approx([1.0, math.exp(-0.1), math.exp(-0.2)], abs=1e-12)


@pytest.mark.parametrize("spread", [0.5, 1.0])
def test_the_wider_the_expected_uncertainty_the_less_a_switch_surprises(spread):
    """Alternating signals of growing amplitude a around 0, then a switch to 3: u = |3 - M| - spread U."""
    surprises = []
    for a in (0.0, 0.5, 1.0, 2.0):
        noise = [a * (-1.0) ** n for n in range(400)]
        rule = UnexpectedUncertainty(tau=0.0, beta=0.02, spread=spread)
        levels, state = response(rule, [*noise, 3.0])
        surprises.append(levels[-1])
        assert levels[-2] <= a * (1.0 - spread) + 0.05, "noise of the known size hardly surprises"
        assert float(state.deviation) > 0.9 * a
    assert surprises == sorted(surprises, reverse=True)
    assert surprises[0] == 3.0
    assert surprises[-1] == pytest.approx(3.0 - 2.0 * spread, abs=0.06)
