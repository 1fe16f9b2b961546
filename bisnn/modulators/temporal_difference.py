"""Dopamine as temporal-difference error over the time since a cue: bursts at what predicts, dips at omission.

    x_kl = 1 where cue k came l ticks ago and no other since, else 0          (complete serial compound)
    delta = r + gamma V - V',   V = sum_kl w_kl x_kl,   gamma = exp(-dt/tau_discount)
    w_kl <- w_kl + beta delta x'_kl                                            (', of the tick before)

An unpredicted reward gives a burst. When a reward 1 always follows its cue after D ticks, the burst moves to the cue,
where it ends as gamma^D, the reward brings nothing, and its omission a dip of -1 at the tick at which it was due.
A newer cue takes the place of an older one; of cues at the same tick the first counts; after `lags` ticks a cue is
forgotten.

Montague, Dayan, Sejnowski (1996) J. Neurosci. 16:1936. doi:10.1523/JNEUROSCI.16-05-01936.1996;
Schultz, Dayan, Montague (1997) Science 275:1593. doi:10.1126/science.275.5306.1593
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.modulators.base import check_cells
from bisnn.parameters import counts, fraction, positive


class TemporalDifferenceState(NamedTuple):
    """State of `TemporalDifference`."""

    prediction: Tensor  # [*B, cues * lags] value of every lag of every cue
    active: Tensor  # [*B] index into these of the current lag, -1: no cue


@dataclass(frozen=True, kw_only=True)
class TemporalDifference:
    """Temporal-difference error after cues (equation and references: module docstring).

    Raises `ConfigError` for a number outside its range.
    """

    source: str | None = "cue"
    """Area whose cells are the cues; None: there is never one."""
    cues: int = 1
    """Cells of the source, each with predictions of its own."""
    lags: int = 20
    """Ticks that a cue is remembered."""
    tau_discount: float = 100.0
    """Time constant of the discount, ms."""
    beta: float = 0.2
    """Fraction of the error by which a prediction moves."""

    def __post_init__(self) -> None:
        positive(self, "tau_discount")
        fraction(self, "beta")
        counts(self, "cues", "lags")

    def init(self, like: Tensor) -> TemporalDifferenceState:
        """Nothing predicted and no cue, on the shape `[*B]` of `like`."""
        zero = torch.zeros_like(like)
        return TemporalDifferenceState(prediction=torch.stack([zero] * (self.cues * self.lags), -1), active=zero - 1.0)

    def step(
        self, state: TemporalDifferenceState, release: Tensor, dt: float, spikes: Tensor | None = None
    ) -> tuple[Tensor, TemporalDifferenceState]:
        """One tick: the reward `release` `[*B]` and the cues `spikes` `[*B, cues]` to the error `[*B]`.

        Raises `ShapeMismatch` when the source has another number of cells.
        """
        active = self._moved_on(state.active, spikes)
        before, now = self._chosen(state.active), self._chosen(active)
        error = release + self._value(state, now) * math.exp(-dt / self.tau_discount) - self._value(state, before)
        prediction = state.prediction + before * (error * self.beta)[..., None]
        return error, TemporalDifferenceState(prediction=prediction, active=active)

    def _moved_on(self, active: Tensor, spikes: Tensor | None) -> Tensor:
        """The index `[*B]` one tick later: the next lag, or lag 0 of a cue that came."""
        moved = torch.where(active < 0.0, -1.0, active + 1.0)
        for cue in range(self.cues):
            moved = torch.where(active == float((cue + 1) * self.lags - 1), -1.0, moved)
        if spikes is None:
            return moved
        check_cells(self, spikes, self.cues)
        for cue in reversed(range(self.cues)):
            moved = torch.where(spikes[..., cue] > 0.0, float(cue * self.lags), moved)
        return moved

    def _chosen(self, active: Tensor) -> Tensor:
        """1 at the active lag, `[*B, cues * lags]`."""
        places = torch.arange(self.cues * self.lags, device=active.device, dtype=active.dtype)
        return (places == active[..., None]).to(active.dtype)

    def _value(self, state: TemporalDifferenceState, chosen: Tensor) -> Tensor:
        """The prediction at one lag, `[*B]`: a sum of at most one number that is not 0."""
        return (state.prediction * chosen).sum(-1)


EXAMPLES = (
    TemporalDifference(cues=5),
    TemporalDifference(source="stimulus", cues=5, lags=3, tau_discount=10.0, beta=0.5),
)
