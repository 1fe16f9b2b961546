"""Neuromodulators, one file each."""

from bisnn.modulators.acetylcholine import Acetylcholine, AcetylcholineState
from bisnn.modulators.base import Modulator
from bisnn.modulators.dopamine import Dopamine, DopamineState
from bisnn.modulators.noradrenaline import Noradrenaline, NoradrenalineState
from bisnn.modulators.punishment_prediction_error import PunishmentPredictionError, PunishmentState
from bisnn.modulators.reward_prediction_error import PredictionState, RewardPredictionError
from bisnn.modulators.serotonin import Serotonin, SerotoninState
from bisnn.modulators.temporal_difference import TemporalDifference, TemporalDifferenceState
from bisnn.modulators.temporal_difference_error import CriticState, TemporalDifferenceError
from bisnn.modulators.unexpected_uncertainty import UncertaintyState, UnexpectedUncertainty

__all__ = [
    "Acetylcholine",
    "AcetylcholineState",
    "CriticState",
    "Dopamine",
    "DopamineState",
    "Modulator",
    "Noradrenaline",
    "NoradrenalineState",
    "PredictionState",
    "PunishmentPredictionError",
    "PunishmentState",
    "RewardPredictionError",
    "Serotonin",
    "SerotoninState",
    "TemporalDifference",
    "TemporalDifferenceError",
    "TemporalDifferenceState",
    "UncertaintyState",
    "UnexpectedUncertainty",
]
