"""Dopamine against closed forms: D1 of empathy.md 7 (1e-6) and exponential clearance (1e-12).

Schultz, Dayan, Montague (1997) doi:10.1126/science.275.5306.1593; Izhikevich (2007) doi:10.1093/cercor/bhl152;
Zhao et al. (2025) doi:10.1109/taffc.2025.3627936 (step response 1, .8, .64 ... at beta = .2).
"""

import math

import pytest
import torch

from bisnn.modulators import Dopamine, RewardPredictionError


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


@pytest.mark.parametrize("dt", [1.0, 0.5, 20.0])
def test_dopamine_is_cleared_exponentially_and_adds_up(dt):
    levels = response(Dopamine(tau=200.0), [1.0, 0.0, 0.0, 0.5, 0.0], dt=dt)
    keep = math.exp(-dt / 200.0)
    expected = [1.0, keep, keep**2, keep**3 + 0.5, (keep**3 + 0.5) * keep]
    assert levels == pytest.approx(expected, abs=1e-12)


def test_a_pulse_lasts_one_tick():
    assert response(Dopamine(tau=0.0), [0.0, -2.0, 0.0, 3.0, 0.0]) == [0.0, -2.0, 0.0, 3.0, 0.0]
