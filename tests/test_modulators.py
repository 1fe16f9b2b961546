"""Levels of modulators against closed forms: dopamine (D1 of empathy.md 7, 1e-6; exponential clearance, 1e-12), and the
clearance and validation that all concentrations share.

Schultz, Dayan, Montague (1997) doi:10.1126/science.275.5306.1593; Izhikevich (2007) doi:10.1093/cercor/bhl152;
Zhao et al. (2025) doi:10.1109/taffc.2025.3627936 (step response 1, .8, .64 ... at beta = .2).
"""

import math

import pytest
import torch

from bisnn.errors import ConfigError
from bisnn.modulators import (
    Acetylcholine,
    Dopamine,
    Noradrenaline,
    PunishmentPredictionError,
    RewardPredictionError,
    Serotonin,
    TemporalDifference,
    TemporalDifferenceError,
    UnexpectedUncertainty,
)
from bisnn.modulators.acetylcholine import enabling, suppression
from bisnn.modulators.dopamine import d1, d2

CONCENTRATIONS = (Dopamine, Serotonin, Noradrenaline, Acetylcholine)


def response(modulator, signal, dtype=torch.float64, dt=1.0):
    state, levels = modulator.init(torch.zeros((), dtype=dtype)), []
    for value in signal:
        level, state = modulator.step(state, torch.tensor(value, dtype=dtype), dt)
        levels.append(float(level))
    return levels


def test_step_response_of_the_prediction_error():
    assert response(RewardPredictionError(), [1.0] * 8) == pytest.approx([0.8**n for n in range(8)], abs=1e-12)
    published = [1, 0.8, 0.64, 0.512, 0.41, 0.328, 0.262, 0.21, -0.832, -0.666]  # empathy.md 4.2
    assert response(RewardPredictionError(), [1.0] * 8 + [0.0] * 2) == pytest.approx(published, abs=5e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("f", [0.15, 0.5, 1.0])
@pytest.mark.parametrize("n", [1, 4, 6, 40])
def test_relief_of_shared_distress(dtype, f, n):
    levels = response(RewardPredictionError(beta=0.2), [-f] * n + [0.0] * 3, dtype)
    assert levels[0] == pytest.approx(-f, abs=1e-7), "onset punishes"
    assert levels[n] == pytest.approx(f * (1 - 0.8**n), abs=1e-6), "relief rewards"
    assert all(level < 0 for level in levels[:n])
    assert all(level > 0 for level in levels[n:])


def test_what_is_expected_brings_nothing_and_its_omission_a_dip():
    levels = response(RewardPredictionError(beta=0.5), [1.0] * 60 + [0.0])
    assert levels[-2] == pytest.approx(0.0, abs=1e-12)
    assert levels[-1] == pytest.approx(-1.0, abs=1e-12)


@pytest.mark.parametrize("kind", CONCENTRATIONS)
@pytest.mark.parametrize("dt", [1.0, 0.5, 20.0])
def test_what_is_released_is_cleared_exponentially_and_adds_up(kind, dt):
    levels = response(kind(tau=200.0), [1.0, 0.0, 0.0, 0.5, 0.0], dt=dt)
    keep = math.exp(-dt / 200.0)
    expected = [1.0, keep, keep**2, keep**3 + 0.5, (keep**3 + 0.5) * keep]
    assert levels == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", CONCENTRATIONS)
def test_a_pulse_lasts_one_tick(kind):
    assert response(kind(tau=0.0), [0.0, -2.0, 0.0, 3.0, 0.0]) == [0.0, -2.0, 0.0, 3.0, 0.0]


@pytest.mark.parametrize("kind", CONCENTRATIONS)
def test_the_tonic_level_is_there_without_release_and_is_not_cleared(kind):
    levels = response(kind(tau=10.0, tonic=0.25), [0.0, 0.0, 1.0, -1.0, 0.0])
    keep = math.exp(-0.1)
    phasic = [0.0, 0.0, 1.0, keep - 1.0, (keep - 1.0) * keep]
    assert levels == pytest.approx([0.25 + each for each in phasic], abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_without_a_tonic_level_dopamine_keeps_its_bits(dtype):
    """The equation of the first version, d exp(-dt/tau) + release, bit for bit."""
    release = [0.1, -0.7, 0.0, 1.3, 0.9, 0.0]
    expected, d = [], torch.zeros((), dtype=dtype)
    for value in release:
        d = d * math.exp(-1.0 / 200.0) + torch.tensor(value, dtype=dtype)
        expected.append(float(d))
    assert response(Dopamine(), release, dtype) == expected
    assert response(Dopamine(tonic=0.0), release, dtype) == expected


@pytest.mark.parametrize(
    ("make", "words"),
    [
        *((lambda kind=kind: kind(tau=-1.0), "tau is -1.0") for kind in (*CONCENTRATIONS, UnexpectedUncertainty)),
        *((lambda kind=kind: kind(tonic=math.nan), "tonic is nan") for kind in CONCENTRATIONS),
        (lambda: RewardPredictionError(beta=1.5), "beta is 1.5; give a fraction"),
        (lambda: RewardPredictionError(source="cue"), "give both"),
        (lambda: RewardPredictionError(cues=3), "give both"),
        (lambda: PunishmentPredictionError(tau_average=0.0), "tau_average is 0.0"),
        (lambda: PunishmentPredictionError(beta=-0.1), "beta is -0.1"),
        (lambda: TemporalDifference(lags=0), "lags is 0; give a whole number of at least 1"),
        (lambda: TemporalDifference(cues=math.nan), "TemporalDifference: cues is nan"),
        (lambda: TemporalDifference(lags=math.inf), "TemporalDifference: lags is inf"),
        (lambda: TemporalDifference(tau_discount=0.0), "tau_discount is 0.0"),
        (lambda: TemporalDifferenceError(tau_r=0.0), "tau_r is 0.0"),
        (lambda: TemporalDifferenceError(tau_fast=200.0), "rises faster"),
        (lambda: TemporalDifferenceError(nu=math.inf), "nu is inf"),
        (lambda: Serotonin(stretch=-1.0), "stretch is -1.0"),
        (lambda: Serotonin(tau_longest=10.0), "below tau_wait"),
        (lambda: Serotonin().patience(torch.zeros(()), 1.0, 0.0), "above 0"),
        (lambda: d1(0.0), "D1 receptors have gain 0.0"),
        (lambda: d2(-1.0), "D2 receptors have gain -1.0"),
        (lambda: suppression(1.5), "at most 1"),
        (lambda: enabling(0.0), "above 0"),
    ],
)
def test_numbers_out_of_range_are_refused(make, words):
    with pytest.raises(ConfigError, match=words):
        make()
