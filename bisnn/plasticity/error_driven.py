"""Delta rule: presynaptic trace times the signed error that reaches the apical dendrite of the target cell.

    x_i <- x_i exp(-dt/tau) + s_i;   dw_ij = rate x_i d_j        (d_j: potential of the apical dendrite of cell j)

The target area holds cells of two compartments: its first units are the somata, its last n // 2 units their apical
dendrites, in the same order (soma j, dendrite n - n // 2 + j; in an area of odd n the last soma has none). The rule
reads the potentials `v` of the area after this tick. What depolarises the dendrite raises the weights of the inputs
that were active, what hyperpolarises it lowers them; synapses on dendrites, and on a soma without one, stay as they
are. The trace includes the current tick. All that the rule needs is in the synapse and in the cell behind it; spikes of
that cell play no part. Reward's timing: none, no modulator is heard.

Widrow, Hoff (1960) Adaptive switching circuits. doi:10.21236/AD0241531;
Urbanczik, Senn (2014) Neuron 81:521 (dendritic prediction of somatic spiking). doi:10.1016/j.neuron.2013.11.030;
Guerguiev, Lillicrap, Richards (2017) eLife 6:e22901 (errors in apical dendrites). doi:10.7554/eLife.22901
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bisnn.parameters import finite, positive
from bisnn.plasticity.base import outer


class ErrorDrivenState(NamedTuple):
    """Trace of `ErrorDriven`."""

    pre: Tensor  # [*B, pre] decaying sum of presynaptic spikes


def apical(v: Tensor) -> Tensor:
    """Potential of every unit's apical dendrite `[*B, n]`, of the potentials `v` `[*B, n]`; 0 where it has none."""
    dendrites = v.shape[-1] // 2
    somata = v.shape[-1] - dendrites
    return torch.cat((v[..., somata:], torch.zeros_like(v[..., :somata])), dim=-1)


@dataclass(frozen=True, kw_only=True)
class ErrorDriven:
    """Presynaptic trace times apical potential (equation, layout of the area and references: module docstring).

    Raises `ConfigError` for a time constant that is not above 0 or a rate that is not finite.
    """

    reads: ClassVar[tuple[str, ...]] = ("v",)

    rate: float = 0.01
    """Weight change per unit of trace and potential, in one tick."""
    tau: float = 100.0
    """Time constant of the presynaptic trace, ms."""

    def __post_init__(self) -> None:
        positive(self, "tau")
        finite(self, "rate")

    @property
    def modulator(self) -> None:
        """Taught by the errors themselves."""
        return None

    def init(self, weight: Tensor) -> ErrorDrivenState:
        """Empty trace for weights `[*B, pre, post]`."""
        return ErrorDrivenState(pre=torch.zeros(weight.shape[:-1], device=weight.device, dtype=weight.dtype))

    def step(
        self,
        trace: ErrorDrivenState,
        weight: Tensor,
        pre: Tensor,
        post: Tensor,
        level: Tensor | None,
        dt: float,
        v: Tensor | None = None,
    ) -> tuple[Tensor, ErrorDrivenState]:
        """One tick: spikes `[*B, pre]` and potentials `v` `[*B, post]` to the weight change `[*B, pre, post]`."""
        assert v is not None
        new = trace.pre * math.exp(-dt / self.tau) + pre
        return outer(new * self.rate, apical(v)), ErrorDrivenState(pre=new)


EXAMPLES = (ErrorDriven(), ErrorDriven(rate=-0.2, tau=7.0))
