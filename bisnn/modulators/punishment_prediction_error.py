"""Serotonin as prediction error of punishment: the opponent of dopamine.

    p = max(-S, 0);   q = max(S, 0)
    delta = p - P;   P <- P + beta delta                                      (phasic: punishment)
    Q <- Q + (1 - exp(-dt/tau_average)) (q - Q)                                (tonic: average reward)
    level = delta + average Q

S is the signal that dopamine is given: reward above 0, punishment below. Where S is punishment alone, the
phasic part is exactly minus the `RewardPredictionError` of S: an unexpected punishment is a burst here and a dip there,
the omission of an expected one a dip here and a burst there. Reward leaves the phasic part alone and raises the
tonic one.

Daw, Kakade, Dayan (2002) Neural Netw. 15:603. doi:10.1016/S0893-6080(02)00052-7
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.parameters import fraction, not_negative, positive


class PunishmentState(NamedTuple):
    """State of `PunishmentPredictionError`."""

    prediction: Tensor  # [*B] expected punishment
    average: Tensor  # [*B] running mean of reward


@dataclass(frozen=True, kw_only=True)
class PunishmentPredictionError:
    """Punishment-prediction error (equation and reference: module docstring).

    Raises `ConfigError` for a number outside its range.
    """

    beta: float = 0.2
    """Fraction of the error by which the prediction moves at each step."""
    average: float = 0.0
    """Tonic level per unit of average reward; 0: phasic only."""
    tau_average: float = 10000.0
    """Time constant over which reward is averaged, ms."""

    def __post_init__(self) -> None:
        not_negative(self, "average")
        positive(self, "tau_average")
        fraction(self, "beta")

    def init(self, like: Tensor) -> PunishmentState:
        """Nothing expected, on the shape `[*B]` of `like`."""
        return PunishmentState(prediction=torch.zeros_like(like), average=torch.zeros_like(like))

    def step(self, state: PunishmentState, release: Tensor, dt: float) -> tuple[Tensor, PunishmentState]:
        """One step: the signal `release` `[*B]` to the level `[*B]`."""
        error = (-release).clamp(min=0.0) - state.prediction
        share = -math.expm1(-dt / self.tau_average)
        average = state.average + (release.clamp(min=0.0) - state.average) * share
        level = error + average * self.average if self.average else error
        return level, PunishmentState(prediction=state.prediction + error * self.beta, average=average)


EXAMPLES = (PunishmentPredictionError(), PunishmentPredictionError(beta=0.5, average=2.0, tau_average=100.0))
