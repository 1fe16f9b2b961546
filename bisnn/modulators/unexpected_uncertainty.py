"""Noradrenaline as unexpected uncertainty: surprise beyond the spread that is known.

    e = |S - M|;   u = max(e - spread U, 0)
    level <- level exp(-dt/tau) + u
    M <- M + beta (S - M);   U <- U + beta (e - U)

M is what is expected of the signal S, U the expected uncertainty: its mean absolute deviation so far. Noise of the
known size passes; a switch of S surprises, and the surprise habituates as M and U follow: n ticks after a step of S
from 0 to 1, u is (1-b)^(n-1) (1 - b - n b spread) with b = beta, as long as that is above 0. The wider the expected
uncertainty, the less a switch of the same size surprises. This is a running estimate in place of the sources'
Bayesian inference, which it follows in these two effects.

Yu, Dayan (2005) Neuron 46:681. doi:10.1016/j.neuron.2005.04.026;
Aston-Jones, Cohen (2005) Annu. Rev. Neurosci. 28:403. doi:10.1146/annurev.neuro.28.061604.135709
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.modulators.base import cleared
from bisnn.parameters import fraction, not_negative


class UncertaintyState(NamedTuple):
    """State of `UnexpectedUncertainty`."""

    level: Tensor  # [*B] noradrenaline
    expected: Tensor  # [*B] expected signal
    deviation: Tensor  # [*B] expected uncertainty


@dataclass(frozen=True, kw_only=True)
class UnexpectedUncertainty:
    """Noradrenaline as surprise (equation and references: module docstring).

    Raises `ConfigError` for a number outside its range.
    """

    tau: float = 500.0
    """Time constant of clearance, ms; 0: the level is the surprise of this tick."""
    beta: float = 0.1
    """Fraction by which expectation and expected uncertainty move at each tick."""
    spread: float = 1.0
    """How many expected deviations are no surprise."""

    def __post_init__(self) -> None:
        not_negative(self, "tau", "spread")
        fraction(self, "beta")

    def init(self, like: Tensor) -> UncertaintyState:
        """Signal 0 expected for certain, on the shape `[*B]` of `like`."""
        zero = torch.zeros_like(like)
        return UncertaintyState(level=zero, expected=zero.clone(), deviation=zero.clone())

    def step(self, state: UncertaintyState, release: Tensor, dt: float) -> tuple[Tensor, UncertaintyState]:
        """One tick: the signal `release` `[*B]` to the level `[*B]`."""
        error = release - state.expected
        size = error.abs()
        surprise = (size - state.deviation * self.spread).clamp(min=0.0)
        level = cleared(state.level, surprise, self.tau, dt)
        return level, UncertaintyState(
            level=level,
            expected=state.expected + error * self.beta,
            deviation=state.deviation + (size - state.deviation) * self.beta,
        )


EXAMPLES = (UnexpectedUncertainty(), UnexpectedUncertainty(tau=0.0, beta=0.3, spread=0.5))
