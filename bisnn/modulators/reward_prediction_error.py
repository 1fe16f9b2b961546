"""Dopamine as reward-prediction error of a signal, with a leaky prediction.

    delta = S - P;   P <- P + beta delta

A step of S from 0 to 1 gives 1, 1-beta, (1-beta)^2, ...; the end of a signal of -f that lasted n steps
gives the positive burst f (1 - (1-beta)^n). One step is one step of the environment.

Schultz, Dayan, Montague (1997) Science 275:1593, doi:10.1126/science.275.5306.1593;
Zhao et al. (2025) IEEE Trans. Affect. Comput., doi:10.1109/taffc.2025.3627936
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class PredictionState(NamedTuple):
    """State of `RewardPredictionError`."""

    prediction: Tensor  # [*B] expected signal


@dataclass(frozen=True, kw_only=True)
class RewardPredictionError:
    """Reward-prediction error (equation and references: module docstring)."""

    beta: float = 0.2
    """Fraction of the error by which the prediction moves at each step."""

    def init(self, like: Tensor) -> PredictionState:
        """Prediction 0 on the shape `[*B]` of `like`."""
        return PredictionState(prediction=torch.zeros_like(like))

    def step(self, state: PredictionState, release: Tensor, dt: float) -> tuple[Tensor, PredictionState]:
        """One step: the signal `release` `[*B]` to the error `[*B]`. `dt` plays no part."""
        error = release - state.prediction
        return error, PredictionState(prediction=state.prediction + error * self.beta)


EXAMPLES = (RewardPredictionError(), RewardPredictionError(beta=0.5))
