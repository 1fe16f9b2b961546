"""Soft bounds around another rule: the closer a weight is to a bound, the smaller its steps towards it.

    dw <- dw ((high - w) / (high - low))^mu_plus        for dw > 0
    dw <- dw ((w - low) / (high - low))^mu_minus        for dw < 0

dw is the change that the inner rule proposes for this tick, as a whole. Exponent 0 is the additive rule, 1 the
multiplicative one, between them lies a family; mu_plus = 0 with mu_minus = 1 is additive potentiation and
multiplicative depression. A weight outside [low, high] only steps back, where
its exponent is above 0. Reward's timing: that of the inner rule.

Gütig, Aharonov, Rotter, Sompolinsky (2003) J. Neurosci. 23:3697, doi:10.1523/JNEUROSCI.23-09-03697.2003;
van Rossum, Bi, Turrigiano (2000) J. Neurosci. 20:8812, doi:10.1523/JNEUROSCI.20-23-08812.2000
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from bisnn.elementary import exp, log
from bisnn.errors import ConfigError
from bisnn.parameters import finite, not_negative
from bisnn.plasticity.base import Rule, reads, timing
from bisnn.plasticity.pair_stdp import PairSTDP
from bisnn.plasticity.rmax import RMax
from bisnn.plasticity.rstdp import RSTDP


def power(base: Tensor, exponent: float) -> Tensor:
    """`base` >= 0 to the power of `exponent` >= 0; 0 stays 0 for exponents above 0."""
    if exponent == 1.0:
        return base
    return exp(log(base) * exponent) if exponent else torch.ones_like(base)


@dataclass(frozen=True, kw_only=True)
class SoftBounds:
    """Soft bounds (equation and references: module docstring); the trace is that of the inner rule.

    Raises `ConfigError` for an exponent that is negative, or a `low` that is not below `high`.
    """

    rule: Rule = field(default_factory=PairSTDP)
    """What proposes the change."""
    low: float = 0.0
    """Weight at which depression ends."""
    high: float = 1.0
    """Weight at which potentiation ends."""
    mu_plus: float = 1.0
    """Exponent of potentiation; 0: not bounded softly."""
    mu_minus: float = 1.0
    """Exponent of depression; 0: not bounded softly."""

    def __post_init__(self) -> None:
        finite(self, "low", "high")
        not_negative(self, "mu_plus", "mu_minus")
        if self.low >= self.high:
            raise ConfigError(f"SoftBounds: low is {self.low}; it must be below high ({self.high})")

    @property
    def modulator(self) -> str | None:
        """That of the inner rule."""
        return self.rule.modulator

    @property
    def reads(self) -> tuple[str, ...]:
        """What the inner rule reads of the target's state."""
        return reads(self.rule)

    @property
    def timing(self) -> str:
        """The reward's timing in the inner rule."""
        return timing(self.rule)

    def init(self, weight: Tensor) -> Any:
        """Empty traces of the inner rule for weights `[*B, pre, post]`."""
        return self.rule.init(weight)

    def step(
        self, trace: Any, weight: Tensor, pre: Tensor, post: Tensor, level: Tensor | None, dt: float, *read: Tensor
    ) -> tuple[Tensor, Any]:
        """One tick: weights `[*B, pre, post]`, spikes `[*B, pre]`, `[*B, post]`, level `[*B]` to the weight change."""
        rule: Any = self.rule
        change, after = rule.step(trace, weight, pre, post, level, dt, *read)
        span = self.high - self.low
        above = power(((self.high - weight) / span).clamp(min=0.0), self.mu_plus)
        below = power(((weight - self.low) / span).clamp(min=0.0), self.mu_minus)
        return change * torch.where(change > 0, above, below), after


EXAMPLES = (
    SoftBounds(),
    SoftBounds(rule=RSTDP(tau_e=50.0), low=-0.5, high=1.5, mu_plus=0.3, mu_minus=0.0),
    SoftBounds(rule=RMax(delta_u=0.5), mu_plus=0.0, mu_minus=2.5),
)
