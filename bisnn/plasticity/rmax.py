"""R-max: reward times the score of a neuron that fires at random (policy gradient).

    g_i <- g_i exp(-dt/tau_synapse) + s_i           u_i <- u_i exp(-dt/tau_membrane) + gain g_i
    dw_ij = rate d e_ij                             (e before this tick's spikes)
    e_ij <- e_ij exp(-dt/tau_e) + (z_j - p_j) u_i / delta_u

p is the probability of a spike in this tick (`expected` of a stochastic neuron), u_i what input i has added to the
potential per unit of weight, d the level of the modulator. As z is 1 with probability p, E[e] = 0 whatever the inputs
are: the rule has no unsupervised term, and a constant reward moves no weight on average. e is the derivative of
ln P(spikes) by w to first order in p, for an escape rate that grows as exp(u / delta_u); exactly, a summand bears the
factor -ln(1 - p) / p > 1. The potential is taken to forget its input at the rate 1/tau_membrane only, spikes or not.
The level acts once per tick, whatever dt.
Reward's timing: the level of tick t acts on the eligibility up to tick t - 1.

Xie & Seung (2004) Phys. Rev. E 69:041909, doi:10.1103/PhysRevE.69.041909;
Pfister, Toyoizumi, Barber, Gerstner (2006) Neural Comput. 18:1318, doi:10.1162/neco.2006.18.6.1318;
Frémaux, Sprekeler, Gerstner (2010) J. Neurosci. 30:13326, doi:10.1523/JNEUROSCI.6249-09.2010;
Frémaux & Gerstner (2016) Front. Neural Circuits 9:85, doi:10.3389/fncir.2015.00085
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bisnn.parameters import finite, not_negative, positive
from bisnn.plasticity.base import outer


class RMaxState(NamedTuple):
    """Traces of `RMax`."""

    synapse: Tensor  # [*B, pre] synaptic current per unit of weight
    potential: Tensor  # [*B, pre] potential per unit of weight
    eligibility: Tensor  # [*B, pre, post] what a reward now would credit


@dataclass(frozen=True, kw_only=True)
class RMax:
    """Policy gradient for a neuron that fires at random (equation and references: module docstring).

    The target's neuron state must have `expected`. Raises `ConfigError` for a time constant or `delta_u` that is not
    above 0, or a rate that is not finite.
    """

    reads: ClassVar[tuple[str, ...]] = ("expected",)

    modulator: str = "dopamine"
    """Name of the modulator whose level is the third factor."""
    rate: float = 0.01
    """Weight change per unit of level and eligibility."""
    tau_e: float = 500.0
    """Time constant of the eligibility trace, ms."""
    tau_membrane: float = 20.0
    """Membrane time constant of the target, ms."""
    tau_synapse: float = 0.0
    """Time constant of the projection's filter, ms; 0: none."""
    delta_u: float = 1.0
    """Potential over which the target's escape rate grows by a factor of e."""
    gain: float = 1.0
    """Potential that a unit of current adds in one tick; 1 - exp(-dt/tau_membrane) for exact integration."""

    def __post_init__(self) -> None:
        positive(self, "tau_e", "tau_membrane", "delta_u")
        not_negative(self, "tau_synapse")
        finite(self, "rate", "gain")

    def init(self, weight: Tensor) -> RMaxState:
        """Empty traces for weights `[*B, pre, post]`."""
        zero = torch.zeros(weight.shape, device=weight.device, dtype=weight.dtype)
        return RMaxState(synapse=zero[..., 0].clone(), potential=zero[..., 0].clone(), eligibility=zero)

    def step(
        self,
        trace: RMaxState,
        weight: Tensor,
        pre: Tensor,
        post: Tensor,
        level: Tensor | None,
        dt: float,
        expected: Tensor | None = None,
    ) -> tuple[Tensor, RMaxState]:
        """One tick: spikes `[*B, pre]`, `[*B, post]`, level `[*B]` and `expected` `[*B, post]` to `[*B, pre, post]`."""
        assert level is not None
        assert expected is not None
        change = trace.eligibility * (level * self.rate)[..., None, None]
        keep = math.exp(-dt / self.tau_synapse) if self.tau_synapse else 0.0
        synapse = trace.synapse * keep + pre
        potential = trace.potential * math.exp(-dt / self.tau_membrane) + synapse * self.gain
        score = outer(potential / self.delta_u, post - expected)
        eligibility = trace.eligibility * math.exp(-dt / self.tau_e) + score
        return change, RMaxState(synapse=synapse, potential=potential, eligibility=eligibility)

    def window(self, gap: float) -> float:
        """Weight change of one pair, `gap` ms = t_post - t_pre, with `expected` 0 and level 1 in the tick after its
        later spike; NaN with a synaptic filter, whose kernel depends on the tick."""
        if self.tau_synapse:
            return math.nan
        return self.rate * self.gain / self.delta_u * math.exp(-gap / self.tau_membrane) if gap >= 0 else 0.0


EXAMPLES = (
    RMax(),
    RMax(rate=0.3, tau_e=50.0, tau_membrane=11.0, tau_synapse=5.0, delta_u=0.2, gain=0.4),
    RMax(tau_membrane=7.0, delta_u=0.5, gain=0.3),
)
