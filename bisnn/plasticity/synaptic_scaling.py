"""Homeostatic synaptic scaling: all weights into a cell grow or shrink by one factor until its rate is the goal.

    a_j <- a_j exp(-dt/tau) + z_j 1000/tau              (a train of f Hz gives a mean of f)
    I_j <- I_j + (goal - a_j) dt
    dw_ij = w_ij (rate (goal - a_j) + integral_rate I_j) dt

The ratios of the weights are kept, which is why learned differences survive. a_j starts at the goal, so nothing
changes before the cell has shown its rate; a circuit at rest starts it again. Zero stays zero. Reward's timing: none,
no modulator is heard.

Turrigiano et al. (1998) Nature 391:892, doi:10.1038/36103;
van Rossum, Bi, Turrigiano (2000) J. Neurosci. 20:8812, doi:10.1523/JNEUROSCI.20-23-08812.2000
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.parameters import not_negative, positive
from bisnn.plasticity.base import traced


class SynapticScalingState(NamedTuple):
    """Traces of `SynapticScaling`."""

    activity: Tensor  # [*B, post] running rate, Hz
    missed: Tensor  # [*B, post] integral of goal - activity, Hz ms


@dataclass(frozen=True, kw_only=True)
class SynapticScaling:
    """Homeostatic synaptic scaling (equation and references: module docstring).

    Raises `ConfigError` for a time constant that is not above 0, or a goal or rate that is negative.
    """

    goal: float = 10.0
    """Rate that is kept, Hz."""
    tau: float = 10000.0
    """Time constant of the running rate, ms."""
    rate: float = 1e-7
    """Relative weight change per ms and Hz of difference."""
    integral_rate: float = 0.0
    """Relative weight change per ms and Hz ms of accumulated difference; 0: proportional control alone."""

    def __post_init__(self) -> None:
        positive(self, "tau")
        not_negative(self, "goal", "rate", "integral_rate")

    @property
    def modulator(self) -> None:
        """Unsupervised."""
        return None

    def init(self, weight: Tensor) -> SynapticScalingState:
        """The running rate at its goal, for weights `[*B, pre, post]`."""
        goal = torch.full((*weight.shape[:-2], weight.shape[-1]), self.goal, device=weight.device, dtype=weight.dtype)
        return SynapticScalingState(activity=goal, missed=torch.zeros_like(goal))

    def step(
        self, trace: SynapticScalingState, weight: Tensor, pre: Tensor, post: Tensor, level: Tensor | None, dt: float
    ) -> tuple[Tensor, SynapticScalingState]:
        """One tick: weights `[*B, pre, post]` and spikes `[*B, post]` to the weight change `[*B, pre, post]`."""
        activity = traced(trace.activity, post * (1000.0 / self.tau), self.tau, dt)
        lack = (self.goal - activity) * dt
        missed = trace.missed + lack
        factor = lack * self.rate
        if self.integral_rate:
            factor = factor + missed * (self.integral_rate * dt)
        return weight * factor[..., None, :], SynapticScalingState(activity=activity, missed=missed)


EXAMPLES = (SynapticScaling(), SynapticScaling(goal=30.0, tau=500.0, rate=1e-5, integral_rate=1e-8))
