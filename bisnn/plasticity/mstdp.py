"""Modulated STDP without an eligibility trace: a reward credits the pairs of the tick before it.

    x_i <- x_i exp(-dt/tau_pre) + s_i          y_j <- y_j exp(-dt/tau_post) + z_j
    dw_ij = rate d zeta_ij                     (zeta of the tick before)
    zeta_ij <- a_plus x_i z_j - a_minus s_i y_j

d is the level of the modulator; it acts once per tick, whatever dt.
Reward's timing: the level of tick t acts on the pairs that ended in tick t - 1 and on
no others, so a reward that comes later teaches nothing (`MSTDPET` keeps a trace of them).

Florian (2007) Neural Comput. 19:1468. doi:10.1162/neco.2007.19.6.1468
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.parameters import finite, positive
from bisnn.plasticity.base import pair_window, stdp, traced


class MSTDPState(NamedTuple):
    """Traces of `MSTDP`."""

    pre: Tensor  # [*B, pre] decaying sum of presynaptic spikes
    post: Tensor  # [*B, post] decaying sum of postsynaptic spikes
    eligibility: Tensor  # [*B, pre, post] pairs that ended in the last tick


@dataclass(frozen=True, kw_only=True)
class MSTDP:
    """Modulated STDP (equation and reference: module docstring).

    Raises `ConfigError` for a time constant that is not above 0, or a rate that is not finite.
    """

    modulator: str = "dopamine"
    """Name of the modulator whose level is the third factor."""
    rate: float = 0.01
    """Weight change per unit of level and pair."""
    tau_pre: float = 20.0
    """Time constant of the presynaptic trace, ms."""
    tau_post: float = 20.0
    """Time constant of the postsynaptic trace, ms."""
    a_plus: float = 1.0
    """Worth of pre before post."""
    a_minus: float = 1.0
    """Worth, with the sign turned, of post before pre; 0 leaves that branch out."""

    def __post_init__(self) -> None:
        positive(self, "tau_pre", "tau_post")
        finite(self, "rate", "a_plus", "a_minus")

    def init(self, weight: Tensor) -> MSTDPState:
        """Empty traces for weights `[*B, pre, post]`."""
        zero = torch.zeros(weight.shape, device=weight.device, dtype=weight.dtype)
        return MSTDPState(pre=zero[..., 0].clone(), post=zero[..., 0, :].clone(), eligibility=zero)

    def step(
        self, trace: MSTDPState, weight: Tensor, pre: Tensor, post: Tensor, level: Tensor | None, dt: float
    ) -> tuple[Tensor, MSTDPState]:
        """One tick: spikes `[*B, pre]`, `[*B, post]` and level `[*B]` to the weight change `[*B, pre, post]`."""
        assert level is not None
        change = trace.eligibility * (level * self.rate)[..., None, None]
        x = traced(trace.pre, pre, self.tau_pre, dt)
        y = traced(trace.post, post, self.tau_post, dt)
        return change, MSTDPState(pre=x, post=y, eligibility=stdp(x, y, pre, post, self.a_plus, self.a_minus))

    def window(self, gap: float) -> float:
        """Weight change of one pair, `gap` ms = t_post - t_pre, with level 1 in the tick after its later spike."""
        return self.rate * pair_window(gap, self.a_plus, self.tau_pre, self.a_minus, self.tau_post)


EXAMPLES = (MSTDP(), MSTDP(rate=0.2, tau_pre=17.0, tau_post=34.0, a_plus=0.5, a_minus=0.7), MSTDP(a_minus=0.0))
