"""Presynaptic trace times postsynaptic spike: the plasticity of the released affective-empathy networks.

    r_i <- r_i exp(-dt/tau) + s_i;   dw_ij = rate r_i (z_j - depression)

The trace includes the current tick. A positive rate potentiates, a negative one depresses. With
`depression` = 0 this is the published rule (tau = -1/ln 0.99 ticks). With `depression` > 0 an input that
is active while the target is silent loses weight (the covariance form of Hebb's rule), so that noise
is unlearned. Reward's timing: none, no modulator is heard.

Feng, Zeng, Lu (2022) Front. Comput. Neurosci. doi:10.3389/fncom.2022.784967;
Sejnowski (1977) Storing covariance with nonlinearly interacting neurons. doi:10.1007/BF00275079
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.parameters import finite, positive
from bisnn.plasticity.base import outer


class PreTraceState(NamedTuple):
    """Trace of `PreTraceSTDP`."""

    pre: Tensor  # [*B, pre] decaying sum of presynaptic spikes


@dataclass(frozen=True, kw_only=True)
class PreTraceSTDP:
    """Presynaptic trace times postsynaptic spike (equation and references: module docstring).

    Raises `ConfigError` for a time constant that is not above 0, or a rate or depression that is not finite.
    """

    rate: float = 0.01
    """Weight change per unit of trace and spike; its sign is that of the plasticity."""
    tau: float = -1.0 / math.log(0.99)
    """Time constant of the presynaptic trace, ms; the default decays by 0.99 per ms."""
    depression: float = 0.0
    """Postsynaptic activity below which an active input is weakened, spikes per tick."""

    def __post_init__(self) -> None:
        positive(self, "tau")
        finite(self, "rate", "depression")

    @property
    def modulator(self) -> None:
        """Unsupervised."""
        return None

    def init(self, weight: Tensor) -> PreTraceState:
        """Empty trace for weights `[*B, pre, post]`."""
        return PreTraceState(pre=torch.zeros(weight.shape[:-1], device=weight.device, dtype=weight.dtype))

    def step(
        self, trace: PreTraceState, weight: Tensor, pre: Tensor, post: Tensor, level: Tensor | None, dt: float
    ) -> tuple[Tensor, PreTraceState]:
        """One tick: spikes `[*B, pre]`, `[*B, post]` to the weight change `[*B, pre, post]`."""
        new = trace.pre * math.exp(-dt / self.tau) + pre
        activity = post - self.depression if self.depression else post
        return outer(new * self.rate, activity), PreTraceState(pre=new)

    def window(self, gap: float) -> float:
        """Weight change of one pair, `gap` ms = t_post - t_pre; NaN with `depression`, whose sum depends on dt."""
        if self.depression:
            return math.nan
        return self.rate * math.exp(-gap / self.tau) if gap >= 0 else 0.0


EXAMPLES = (PreTraceSTDP(), PreTraceSTDP(rate=-0.1, tau=5.0), PreTraceSTDP(rate=0.001, depression=0.1))
