"""Three-factor, reward-modulated STDP with an eligibility trace.

    x_i <- x_i exp(-dt/tau_pre)  + s_i          y_j <- y_j exp(-dt/tau_post) + z_j
    dw_ij = rate d E_ij                         (E before this tick's spikes: reward credits the past)
    E_ij <- min(cap, E_ij exp(-dt/tau_e) + a_plus x_i z_j - a_minus s_i y_j)

d is the level of the modulator at this tick, a pulse that acts once per tick, whatever dt.
Reward's timing: the level of tick t acts on the eligibility up to
tick t - 1, so spikes that come with a reward are not credited to it. With `tau_modulator` the product of the two
decaying traces is integrated over the tick: dw = rate d E (1 - exp(-k dt)) / k with k = 1/tau_e + 1/tau_modulator.

Florian (2007) Neural Comput. 19:1468, doi:10.1162/neco.2007.19.6.1468;
Izhikevich (2007) Cereb. Cortex 17:2443, doi:10.1093/cercor/bhl152
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.parameters import finite, positive
from bisnn.plasticity.base import outer, pair_window


class RSTDPState(NamedTuple):
    """Traces of `RSTDP`."""

    pre: Tensor  # [*B, pre] decaying sum of presynaptic spikes
    post: Tensor  # [*B, post] decaying sum of postsynaptic spikes
    eligibility: Tensor  # [*B, pre, post] what a reward now would credit


@dataclass(frozen=True, kw_only=True)
class RSTDP:
    """Reward-modulated STDP with eligibility (equation and references: module docstring).

    Raises `ConfigError` for a time constant or cap that is not above 0, or a rate that is not finite.
    """

    modulator: str = "dopamine"
    """Name of the modulator whose level is the third factor."""
    rate: float = 0.01
    """Weight change per unit of level and eligibility."""
    tau_pre: float = 20.0
    """Time constant of the presynaptic trace, ms."""
    tau_post: float = 20.0
    """Time constant of the postsynaptic trace, ms."""
    tau_e: float = 25.0
    """Time constant of the eligibility trace, ms."""
    a_plus: float = 1.0
    """Eligibility for pre before post."""
    a_minus: float = 1.0
    """Negative eligibility for post before pre; 0 leaves that branch out."""
    cap: float | None = None
    """Largest eligibility; None: unbounded."""
    tau_modulator: float | None = None
    """Decay of the modulator, ms, to integrate the product over the tick; None: the level is a pulse."""

    def __post_init__(self) -> None:
        positive(self, "tau_pre", "tau_post", "tau_e")
        finite(self, "rate", "a_plus", "a_minus")
        positive(self, *(name for name in ("cap", "tau_modulator") if getattr(self, name) is not None))

    def init(self, weight: Tensor) -> RSTDPState:
        """Empty traces for weights `[*B, pre, post]`."""
        zero = torch.zeros(weight.shape, device=weight.device, dtype=weight.dtype)
        return RSTDPState(pre=zero[..., 0].clone(), post=zero[..., 0, :].clone(), eligibility=zero)

    def credit(self, dt: float) -> float:
        """The factor that turns level times eligibility into a weight change over one tick."""
        if self.tau_modulator is None:
            return self.rate
        k = 1.0 / self.tau_e + 1.0 / self.tau_modulator
        return self.rate * (1.0 - math.exp(-k * dt)) / k

    def step(
        self, trace: RSTDPState, weight: Tensor, pre: Tensor, post: Tensor, level: Tensor | None, dt: float
    ) -> tuple[Tensor, RSTDPState]:
        """One tick: spikes `[*B, pre]`, `[*B, post]` and level `[*B]` to the weight change `[*B, pre, post]`."""
        assert level is not None
        change = trace.eligibility * (level * self.credit(dt))[..., None, None]
        x = trace.pre * math.exp(-dt / self.tau_pre) + pre
        eligibility = trace.eligibility * math.exp(-dt / self.tau_e) + outer(x * self.a_plus, post)
        y = trace.post * math.exp(-dt / self.tau_post) + post
        if self.a_minus:
            eligibility = eligibility - outer(pre * self.a_minus, y)
        if self.cap is not None:
            eligibility = eligibility.clamp_(max=self.cap)
        return change, RSTDPState(pre=x, post=y, eligibility=eligibility)

    @property
    def window_tau(self) -> float:
        """Decay of the level under which `window` is stated, ms: that of the modulator, or 0 for a pulse."""
        return self.tau_modulator or 0.0

    def window(self, gap: float) -> float:
        """Weight change of one pair, `gap` ms = t_post - t_pre, with level 1 in the tick after its later spike that
        decays with `tau_modulator` (or at once)."""
        pair = pair_window(gap, self.a_plus, self.tau_pre, self.a_minus, self.tau_post)
        held = pair if self.cap is None else min(pair, self.cap)
        if self.tau_modulator is None:
            return self.rate * held
        return self.rate * held / (1.0 / self.tau_e + 1.0 / self.tau_modulator)


EXAMPLES = (RSTDP(), RSTDP(tau_e=50.0, a_plus=0.5, a_minus=0.7, cap=2.0), RSTDP(tau_e=1000.0, tau_modulator=200.0))
