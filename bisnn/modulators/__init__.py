"""Neuromodulators, one file each."""

from bisnn.modulators.base import Modulator
from bisnn.modulators.dopamine import Dopamine, DopamineState
from bisnn.modulators.reward_prediction_error import PredictionState, RewardPredictionError

__all__ = ["Dopamine", "DopamineState", "Modulator", "PredictionState", "RewardPredictionError"]
