"""Triplet STDP: pairs of spikes, and what a third spike before them adds.

    r1, r2 <- r exp(-dt/tau_plus), r exp(-dt/tau_x), + s_i     o1, o2 <- o exp(-dt/tau_minus), o exp(-dt/tau_y), + z_j
    dw_ij = rate (r1_i z_j (a2_plus + a3_plus o2_j) - o1_j s_i (a2_minus + a3_minus r2_i))

r2 and o2 are taken just before this tick's spikes, so no spike is its own third one; r1 and o1 hold them, so two spikes
in one tick count on both branches. With pairing "nearest" a spike sets its traces to 1 instead of adding 1. The
amplitudes were fitted for one pairing and one set of terms at a time; `visual_cortex` and `hippocampus` are the
published fits. Unlike pairs, triplets turn depression to potentiation as the rate of pairing grows. Reward's timing:
none, no modulator is heard.

Pfister & Gerstner (2006) J. Neurosci. 26:9673, tables 3 and 4. doi:10.1523/JNEUROSCI.1425-06.2006
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from bisnn.errors import pick
from bisnn.parameters import finite, one_of, positive
from bisnn.plasticity.base import outer, pair_window, traced

Pairing = Literal["all", "nearest"]
Terms = Literal["full", "minimal"]

NAMES = ("a2_plus", "a3_plus", "a2_minus", "a3_minus", "tau_x", "tau_y")
VISUAL_CORTEX = {
    "all full": (5e-10, 6.2e-3, 7e-3, 2.3e-4, 101.0, 125.0),
    "all minimal": (0.0, 6.5e-3, 7.1e-3, 0.0, 101.0, 114.0),
    "nearest full": (8.8e-11, 5.3e-2, 6.6e-3, 3.1e-3, 714.0, 40.0),
    "nearest minimal": (0.0, 5e-2, 8e-3, 0.0, 714.0, 40.0),
}
"""Fits to visual cortex, in the order of `NAMES`; without a3_minus, tau_x has no effect."""
HIPPOCAMPUS = {
    "all full": (6.1e-3, 6.7e-3, 1.6e-3, 1.4e-3, 946.0, 27.0),
    "all minimal": (5.3e-3, 8e-3, 3.5e-3, 0.0, 946.0, 40.0),
    "nearest full": (4.6e-3, 9.1e-3, 3e-3, 7.5e-9, 575.0, 47.0),
    "nearest minimal": (4.6e-3, 9.1e-3, 3e-3, 0.0, 575.0, 48.0),
}
"""Fits to hippocampal culture."""


class TripletSTDPState(NamedTuple):
    """Traces of `TripletSTDP`."""

    pre: Tensor  # [*B, pre] fast presynaptic trace r1
    pre_slow: Tensor  # [*B, pre] slow presynaptic trace r2
    post: Tensor  # [*B, post] fast postsynaptic trace o1
    post_slow: Tensor  # [*B, post] slow postsynaptic trace o2


@dataclass(frozen=True, kw_only=True)
class TripletSTDP:
    """Triplet STDP (equation and reference: module docstring); the defaults are the full fit to visual cortex.

    Raises `ConfigError` for a time constant that is not above 0, or an amplitude that is not finite, and `UnknownName`
    for another pairing.
    """

    rate: float = 1.0
    """Factor on all four amplitudes."""
    a2_plus: float = 5e-10
    """Potentiation by a pair, pre before post."""
    a3_plus: float = 6.2e-3
    """Potentiation that an earlier postsynaptic spike adds to that pair."""
    a2_minus: float = 7e-3
    """Depression by a pair, post before pre."""
    a3_minus: float = 2.3e-4
    """Depression that an earlier presynaptic spike adds to that pair."""
    tau_plus: float = 16.8
    """Time constant of r1, ms."""
    tau_minus: float = 33.7
    """Time constant of o1, ms."""
    tau_x: float = 101.0
    """Time constant of r2, ms."""
    tau_y: float = 125.0
    """Time constant of o2, ms."""
    pairing: Pairing = "all"
    """Which spikes interact: all, or nearest neighbours."""

    def __post_init__(self) -> None:
        positive(self, "tau_plus", "tau_minus", "tau_x", "tau_y")
        finite(self, "rate", "a2_plus", "a3_plus", "a2_minus", "a3_minus")
        one_of(self, "pairing", ("all", "nearest"))

    @classmethod
    def visual_cortex(cls, terms: Terms = "full", pairing: Pairing = "all", rate: float = 1.0) -> TripletSTDP:
        """The published fit to visual cortex (Sjöström et al. 2001)."""
        fit = VISUAL_CORTEX[pick("fit", f"{pairing} {terms}", VISUAL_CORTEX)]
        return cls(rate=rate, pairing=pairing, **dict(zip(NAMES, fit, strict=True)))

    @classmethod
    def hippocampus(cls, terms: Terms = "full", pairing: Pairing = "all", rate: float = 1.0) -> TripletSTDP:
        """The published fit to hippocampal culture (Wang et al. 2005)."""
        fit = HIPPOCAMPUS[pick("fit", f"{pairing} {terms}", HIPPOCAMPUS)]
        return cls(rate=rate, pairing=pairing, **dict(zip(NAMES, fit, strict=True)))

    @property
    def modulator(self) -> None:
        """Unsupervised."""
        return None

    def init(self, weight: Tensor) -> TripletSTDPState:
        """Empty traces for weights `[*B, pre, post]`."""
        zero = torch.zeros((), device=weight.device, dtype=weight.dtype)
        pre = zero.expand(weight.shape[:-1]).clone()
        post = zero.expand((*weight.shape[:-2], weight.shape[-1])).clone()
        return TripletSTDPState(pre=pre, pre_slow=pre.clone(), post=post, post_slow=post.clone())

    def step(
        self, trace: TripletSTDPState, weight: Tensor, pre: Tensor, post: Tensor, level: Tensor | None, dt: float
    ) -> tuple[Tensor, TripletSTDPState]:
        """One tick: spikes `[*B, pre]`, `[*B, post]` to the weight change `[*B, pre, post]`."""
        nearest = self.pairing == "nearest"
        r1 = traced(trace.pre, pre, self.tau_plus, dt, nearest)
        o1 = traced(trace.post, post, self.tau_minus, dt, nearest)
        r2 = trace.pre_slow * math.exp(-dt / self.tau_x)
        o2 = trace.post_slow * math.exp(-dt / self.tau_y)
        up = outer(r1, post * (o2 * (self.rate * self.a3_plus) + self.rate * self.a2_plus))
        down = outer(pre * (r2 * (self.rate * self.a3_minus) + self.rate * self.a2_minus), o1)
        after = TripletSTDPState(
            pre=r1,
            pre_slow=traced(trace.pre_slow, pre, self.tau_x, dt, nearest),
            post=o1,
            post_slow=traced(trace.post_slow, post, self.tau_y, dt, nearest),
        )
        return up - down, after

    def window(self, gap: float) -> float:
        """Weight change of one pair without a third spike, `gap` ms = t_post - t_pre."""
        return self.rate * pair_window(gap, self.a2_plus, self.tau_plus, self.a2_minus, self.tau_minus)


EXAMPLES = (
    TripletSTDP(),
    TripletSTDP.hippocampus(),
    TripletSTDP.visual_cortex("minimal", "nearest", rate=0.5),
    TripletSTDP(a2_plus=0.3, a3_plus=0.2, a2_minus=0.25, a3_minus=0.1, tau_x=60.0, tau_y=80.0),
)
