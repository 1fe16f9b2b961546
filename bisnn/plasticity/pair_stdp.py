"""Pair-based STDP, of all pairs of spikes or of nearest neighbours.

    x_i <- x_i exp(-dt/tau_pre) + s_i          y_j <- y_j exp(-dt/tau_post) + z_j      ("all")
    x_i <- 1 at a spike, else x_i exp(-dt/tau_pre);  y_j likewise                      ("nearest")
    dw_ij = rate (a_plus x_i z_j - a_minus s_i y_j)

"nearest" pairs every spike with the last one of the other side before it (the symmetric scheme of the review). The
traces hold this tick's spikes, so two spikes in one tick count on both branches. Reward's timing: none, no modulator
is heard.

Morrison, Diesmann, Gerstner (2008) Biol. Cybern. 98:459, doi:10.1007/s00422-008-0233-1;
Song, Miller, Abbott (2000) Nat. Neurosci. 3:919, doi:10.1038/78829 (a_minus / a_plus = 1.05)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from bisnn.parameters import finite, one_of, positive
from bisnn.plasticity.base import pair_window, stdp, traced


class PairSTDPState(NamedTuple):
    """Traces of `PairSTDP`."""

    pre: Tensor  # [*B, pre] presynaptic trace
    post: Tensor  # [*B, post] postsynaptic trace


@dataclass(frozen=True, kw_only=True)
class PairSTDP:
    """Pair-based STDP (equation and references: module docstring).

    Raises `ConfigError` for a time constant that is not above 0, or a rate that is not finite, and `UnknownName` for
    another pairing.
    """

    rate: float = 0.01
    """Weight change per unit of pair."""
    tau_pre: float = 20.0
    """Time constant of the presynaptic trace, ms."""
    tau_post: float = 20.0
    """Time constant of the postsynaptic trace, ms."""
    a_plus: float = 1.0
    """Worth of pre before post."""
    a_minus: float = 1.05
    """Worth, with the sign turned, of post before pre; 0 leaves that branch out."""
    pairing: Literal["all", "nearest"] = "all"
    """Which spikes form pairs."""

    def __post_init__(self) -> None:
        positive(self, "tau_pre", "tau_post")
        finite(self, "rate", "a_plus", "a_minus")
        one_of(self, "pairing", ("all", "nearest"))

    @property
    def modulator(self) -> None:
        """Unsupervised."""
        return None

    def init(self, weight: Tensor) -> PairSTDPState:
        """Empty traces for weights `[*B, pre, post]`."""
        zero = torch.zeros((), device=weight.device, dtype=weight.dtype)
        return PairSTDPState(
            pre=zero.expand(weight.shape[:-1]).clone(),
            post=zero.expand((*weight.shape[:-2], weight.shape[-1])).clone(),
        )

    def step(
        self, trace: PairSTDPState, weight: Tensor, pre: Tensor, post: Tensor, level: Tensor | None, dt: float
    ) -> tuple[Tensor, PairSTDPState]:
        """One tick: spikes `[*B, pre]`, `[*B, post]` to the weight change `[*B, pre, post]`."""
        nearest = self.pairing == "nearest"
        x = traced(trace.pre, pre, self.tau_pre, dt, nearest)
        y = traced(trace.post, post, self.tau_post, dt, nearest)
        change = stdp(x, y, pre, post, self.rate * self.a_plus, self.rate * self.a_minus)
        return change, PairSTDPState(pre=x, post=y)

    def window(self, gap: float) -> float:
        """Weight change of one pair, `gap` ms = t_post - t_pre."""
        return self.rate * pair_window(gap, self.a_plus, self.tau_pre, self.a_minus, self.tau_post)


EXAMPLES = (
    PairSTDP(),
    PairSTDP(rate=0.3, tau_pre=17.0, tau_post=34.0, a_plus=0.9, a_minus=0.5, pairing="nearest"),
    PairSTDP(a_minus=0.0),
)
