"""Modulated STDP with eligibility trace, in the units of its paper.

    x_i <- x_i exp(-dt/tau_pre) + s_i          y_j <- y_j exp(-dt/tau_post) + z_j
    dw_ij = rate d e_ij                        (e before this tick's spikes)
    e_ij <- e_ij exp(-dt/tau_e) + (a_plus x_i z_j - a_minus s_i y_j) / tau_e

d is the level of the modulator. Reward's timing: the level of tick t acts on the pairs up to tick t - 1. The level
acts once per tick: held at 1 it credits a pair 1/(tau_e (1 - exp(-dt/tau_e))) in sum, about 1/dt whatever tau_e is. For
a level that decays, and for results that do not depend on dt, use `RSTDP(tau_modulator=...)`. `RSTDP` of the rate
`rate / tau_e` computes the same weights.

Florian (2007) Neural Comput. 19:1468. doi:10.1162/neco.2007.19.6.1468
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.parameters import finite, positive
from bisnn.plasticity.base import pair_window, stdp, traced


class MSTDPETState(NamedTuple):
    """Traces of `MSTDPET`."""

    pre: Tensor  # [*B, pre] decaying sum of presynaptic spikes
    post: Tensor  # [*B, post] decaying sum of postsynaptic spikes
    eligibility: Tensor  # [*B, pre, post] what a reward now would credit, per ms


@dataclass(frozen=True, kw_only=True)
class MSTDPET:
    """Modulated STDP with eligibility trace (equation and reference: module docstring).

    Raises `ConfigError` for a time constant that is not above 0, or a rate that is not finite.
    """

    modulator: str = "dopamine"
    """Name of the modulator whose level is the third factor."""
    rate: float = 0.25
    """Weight change per unit of level and eligibility, ms."""
    tau_pre: float = 20.0
    """Time constant of the presynaptic trace, ms."""
    tau_post: float = 20.0
    """Time constant of the postsynaptic trace, ms."""
    tau_e: float = 25.0
    """Time constant of the eligibility trace, ms."""
    a_plus: float = 1.0
    """Worth of pre before post."""
    a_minus: float = 1.0
    """Worth, with the sign turned, of post before pre; 0 leaves that branch out."""

    def __post_init__(self) -> None:
        positive(self, "tau_pre", "tau_post", "tau_e")
        finite(self, "rate", "a_plus", "a_minus")

    def init(self, weight: Tensor) -> MSTDPETState:
        """Empty traces for weights `[*B, pre, post]`."""
        zero = torch.zeros(weight.shape, device=weight.device, dtype=weight.dtype)
        return MSTDPETState(pre=zero[..., 0].clone(), post=zero[..., 0, :].clone(), eligibility=zero)

    def step(
        self, trace: MSTDPETState, weight: Tensor, pre: Tensor, post: Tensor, level: Tensor | None, dt: float
    ) -> tuple[Tensor, MSTDPETState]:
        """One tick: spikes `[*B, pre]`, `[*B, post]` and level `[*B]` to the weight change `[*B, pre, post]`."""
        assert level is not None
        change = trace.eligibility * (level * self.rate)[..., None, None]
        x = traced(trace.pre, pre, self.tau_pre, dt)
        y = traced(trace.post, post, self.tau_post, dt)
        pairs = stdp(x, y, pre, post, self.a_plus / self.tau_e, self.a_minus / self.tau_e)
        eligibility = trace.eligibility * math.exp(-dt / self.tau_e) + pairs
        return change, MSTDPETState(pre=x, post=y, eligibility=eligibility)

    def window(self, gap: float) -> float:
        """Weight change of one pair, `gap` ms = t_post - t_pre, with level 1 in the tick after its later spike."""
        return self.rate / self.tau_e * pair_window(gap, self.a_plus, self.tau_pre, self.a_minus, self.tau_post)


EXAMPLES = (MSTDPET(), MSTDPET(rate=2.0, tau_pre=17.0, tau_post=34.0, tau_e=50.0, a_plus=0.5, a_minus=0.7))
