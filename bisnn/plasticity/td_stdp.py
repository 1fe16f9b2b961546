"""STDP times the temporal-difference error of a spiking critic.

    x_i <- x_i exp(-dt/tau_pre) + s_i          y_j <- y_j exp(-dt/tau_post) + z_j
    dw_ij = rate delta integral of E_ij over the tick
    E_ij = (A_ij - F_ij) / (tau_slow - tau_fast),   both decaying with their tau and += a_plus x_i z_j - a_minus s_i y_j

E is the pairs filtered by kappa(t) = (exp(-t/tau_slow) - exp(-t/tau_fast)) / (tau_slow - tau_fast), the kernel by
which the value is read from the critic's spikes; its area is 1. delta, the level of the modulator, is the TD error
per ms and held over the tick, so the integral is exact at any dt. a_minus = 0 leaves pre before post alone (TD-LTP of
the paper, with an exponential window and without its restart at every postsynaptic spike); the paper's 1/tau_r is
part of `rate`. Reward's timing: the level of tick t acts on the pairs up to tick t - 1; the kernel starts at 0.

Frémaux, Sprekeler, Gerstner (2013) PLoS Comput. Biol. 9:e1003024. doi:10.1371/journal.pcbi.1003024
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bisnn.errors import ConfigError
from bisnn.parameters import finite, positive
from bisnn.plasticity.base import pair_window, stdp, traced


class TDSTDPState(NamedTuple):
    """Traces of `TDSTDP`."""

    pre: Tensor  # [*B, pre] decaying sum of presynaptic spikes
    post: Tensor  # [*B, post] decaying sum of postsynaptic spikes
    slow: Tensor  # [*B, pre, post] pairs that decay with tau_slow
    fast: Tensor  # [*B, pre, post] pairs that decay with tau_fast


@dataclass(frozen=True, kw_only=True)
class TDSTDP:
    """STDP times a TD error (equation and reference: module docstring).

    Raises `ConfigError` for a time constant that is not above 0, a `tau_fast` that is not below `tau_slow`, or a rate
    that is not finite.
    """

    window_tau: ClassVar[float] = math.inf

    modulator: str = "dopamine"
    """Name of the modulator whose level is the TD error."""
    rate: float = 0.01
    """Weight change per unit of pair under a TD error of 1 per ms."""
    tau_pre: float = 20.0
    """Time constant of the presynaptic trace, ms."""
    tau_post: float = 20.0
    """Time constant of the postsynaptic trace, ms."""
    tau_slow: float = 200.0
    """Decay of the kernel, ms."""
    tau_fast: float = 50.0
    """Rise of the kernel, ms."""
    a_plus: float = 1.0
    """Worth of pre before post."""
    a_minus: float = 1.0
    """Worth, with the sign turned, of post before pre; 0 leaves that branch out."""

    def __post_init__(self) -> None:
        positive(self, "tau_pre", "tau_post", "tau_slow", "tau_fast")
        finite(self, "rate", "a_plus", "a_minus")
        if self.tau_fast >= self.tau_slow:
            raise ConfigError(f"TDSTDP: tau_fast is {self.tau_fast}; it must be below tau_slow ({self.tau_slow})")

    def init(self, weight: Tensor) -> TDSTDPState:
        """Empty traces for weights `[*B, pre, post]`."""
        zero = torch.zeros(weight.shape, device=weight.device, dtype=weight.dtype)
        return TDSTDPState(pre=zero[..., 0].clone(), post=zero[..., 0, :].clone(), slow=zero, fast=zero.clone())

    def share(self, tau: float, dt: float) -> float:
        """What a unit of a trace contributes to the integral of the kernel over one tick."""
        return tau * -math.expm1(-dt / tau) / (self.tau_slow - self.tau_fast)

    def step(
        self, trace: TDSTDPState, weight: Tensor, pre: Tensor, post: Tensor, level: Tensor | None, dt: float
    ) -> tuple[Tensor, TDSTDPState]:
        """One tick: spikes `[*B, pre]`, `[*B, post]` and level `[*B]` to the weight change `[*B, pre, post]`."""
        assert level is not None
        credit = trace.slow * self.share(self.tau_slow, dt) - trace.fast * self.share(self.tau_fast, dt)
        change = credit * (level * self.rate)[..., None, None]
        x = traced(trace.pre, pre, self.tau_pre, dt)
        y = traced(trace.post, post, self.tau_post, dt)
        pairs = stdp(x, y, pre, post, self.a_plus, self.a_minus)
        slow = traced(trace.slow, pairs, self.tau_slow, dt)
        fast = traced(trace.fast, pairs, self.tau_fast, dt)
        return change, TDSTDPState(pre=x, post=y, slow=slow, fast=fast)

    def window(self, gap: float) -> float:
        """Weight change of one pair, `gap` ms = t_post - t_pre, under a constant level of 1."""
        return self.rate * pair_window(gap, self.a_plus, self.tau_pre, self.a_minus, self.tau_post)


EXAMPLES = (
    TDSTDP(),
    TDSTDP(rate=0.2, tau_pre=11.0, tau_post=30.0, tau_slow=80.0, tau_fast=7.0, a_plus=0.6, a_minus=0.4),
)
