"""Dopamine as reward-prediction error of a signal, with a leaky prediction, one for all or one for every cue.

    delta = S - P;   P <- P + beta delta                                      (one prediction)
    delta = S - sum_k c_k P_k;   P_k <- P_k + beta c_k delta                    (a prediction for every cue k)

A step of S from 0 to 1 gives 1, 1-beta, (1-beta)^2, ...; the end of a signal of -f that lasted n steps
gives the positive burst f (1 - (1-beta)^n). One step is one step of the environment. With a `source`, the spikes c of
that area in this step say which cues are present: the mean reward is learned for each stimulus alone, as
reward-modulated learning of several stimuli needs, and cues that come together share one error. An outcome that
follows its cue after a delay is the matter of `TemporalDifference`.

Schultz, Dayan, Montague (1997) Science 275:1593, doi:10.1126/science.275.5306.1593;
Zhao et al. (2025) IEEE Trans. Affect. Comput., doi:10.1109/taffc.2025.3627936;
Fremaux, Sprekeler, Gerstner (2010) J. Neurosci. 30:13326 (stimulus by stimulus), doi:10.1523/JNEUROSCI.6249-09.2010
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.errors import ConfigError
from bisnn.modulators.base import check_cells
from bisnn.parameters import fraction


class PredictionState(NamedTuple):
    """State of `RewardPredictionError`."""

    prediction: Tensor  # [*B] expected signal, or [*B, cues]


@dataclass(frozen=True, kw_only=True)
class RewardPredictionError:
    """Reward-prediction error (equation and references: module docstring).

    Raises `ConfigError` for beta outside 0 to 1, and for a source without cues or cues without a source.
    """

    beta: float = 0.2
    """Fraction of the error by which the prediction moves at each step."""
    source: str | None = None
    """Area of the cue cells; None: one prediction for all."""
    cues: int = 0
    """Cells of the source, each with a prediction of its own."""

    def __post_init__(self) -> None:
        fraction(self, "beta")
        if (self.source is None) != (self.cues == 0) or self.cues < 0:
            raise ConfigError(
                f"RewardPredictionError: source is {self.source!r} and cues is {self.cues}; give both, the area of the "
                f"cue cells and its n, or neither"
            )

    def init(self, like: Tensor) -> PredictionState:
        """Prediction 0 on the shape `[*B]` of `like`, for every cue."""
        zero = torch.zeros_like(like)
        return PredictionState(prediction=torch.stack([zero] * self.cues, -1) if self.cues else zero)

    def step(
        self, state: PredictionState, release: Tensor, dt: float, spikes: Tensor | None = None
    ) -> tuple[Tensor, PredictionState]:
        """One step: the signal `release` `[*B]` and, with a source, its `spikes` `[*B, cues]` to the error `[*B]`.
        `dt` plays no part. Raises `ShapeMismatch` when the source has another number of cells."""
        if not self.cues:
            error = release - state.prediction
            return error, PredictionState(prediction=state.prediction + error * self.beta)
        assert spikes is not None
        check_cells(self, spikes, self.cues)
        error = release
        for part in (state.prediction * spikes).unbind(-1):  # one by one: the same bits in any batch
            error = error - part
        return error, PredictionState(prediction=state.prediction + spikes * (error * self.beta)[..., None])


EXAMPLES = (
    RewardPredictionError(),
    RewardPredictionError(beta=0.5),
    RewardPredictionError(beta=0.1, source="cue", cues=5),
)
