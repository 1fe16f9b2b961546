"""Several rules on one projection.

    dw = dw_1 + dw_2 + ...          (every rule sees the weight before this tick)

The rules listen to one modulator, or to none. Reward's timing: that of each rule.

Zenke, Agnes, Gerstner (2015) Nat. Commun. 6:6922 (why one rule is seldom alone). doi:10.1038/ncomms7922
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor

from bisnn.errors import ConfigError
from bisnn.plasticity.base import Rule, reads, timing
from bisnn.plasticity.pair_stdp import PairSTDP
from bisnn.plasticity.rmax import RMax
from bisnn.plasticity.rstdp import RSTDP
from bisnn.plasticity.weight_decay import WeightDecay


class CombinedState(NamedTuple):
    """Traces of `Combined`."""

    parts: tuple[Any, ...]  # the traces of every rule


@dataclass(frozen=True, kw_only=True)
class Combined:
    """Sum of rules (equation and reference: module docstring).

    Raises `ConfigError` without rules, and for rules that listen to different modulators.
    """

    rules: tuple[Rule, ...]
    """The rules, in the order of their sum."""

    def __post_init__(self) -> None:
        if not self.rules:
            raise ConfigError("Combined: rules is empty; give at least one rule")
        heard = sorted({rule.modulator for rule in self.rules if rule.modulator is not None})
        if len(heard) > 1:
            raise ConfigError(
                f"Combined: rules listen to {', '.join(heard)}; a projection hears one modulator, give them the same"
            )

    @property
    def modulator(self) -> str | None:
        """The modulator of the rules that have one."""
        return next((rule.modulator for rule in self.rules if rule.modulator is not None), None)

    @property
    def reads(self) -> tuple[str, ...]:
        """What any of the rules reads of the target's state, each once."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in reads(rule)))

    @property
    def timing(self) -> str:
        """ "present" where the level acts on this tick's spikes in any rule, else "past"."""
        return "present" if any(timing(rule) == "present" for rule in self.rules if rule.modulator) else "past"

    def init(self, weight: Tensor) -> CombinedState:
        """Empty traces of every rule for weights `[*B, pre, post]`."""
        return CombinedState(parts=tuple(rule.init(weight) for rule in self.rules))

    def step(
        self,
        trace: CombinedState,
        weight: Tensor,
        pre: Tensor,
        post: Tensor,
        level: Tensor | None,
        dt: float,
        *read: Tensor,
    ) -> tuple[Tensor, CombinedState]:
        """One tick: spikes `[*B, pre]`, `[*B, post]`, level `[*B]` and what is read to the change `[*B, pre, post]`."""
        given = dict(zip(self.reads, read, strict=True))
        total, parts = None, []
        for each, part in zip(self.rules, trace.parts, strict=True):
            rule: Any = each
            heard = None if rule.modulator is None else level
            change, after = rule.step(part, weight, pre, post, heard, dt, *(given[name] for name in reads(rule)))
            total = change if total is None else total + change
            parts.append(after)
        assert total is not None
        return total, CombinedState(parts=tuple(parts))


EXAMPLES = (
    Combined(rules=(PairSTDP(), WeightDecay(tau=100.0))),
    Combined(rules=(WeightDecay(tau=50.0, target=0.3), RSTDP(a_plus=0.5), RMax(rate=0.2, tau_e=30.0))),
)
