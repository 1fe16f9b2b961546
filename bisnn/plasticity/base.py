"""What a plasticity rule is: a frozen dataclass with `init` and a pure `step`.

A rule sees one projection's weights and spikes and one modulator's level; it proposes a change.
The circuit alone applies and bounds it: w <- clip(w + plastic * dw, bounds).

A rule that needs more than spikes says `reads: ClassVar[tuple[str, ...]] = ("expected",)`: these leaves of the
target's neuron state, as they are after this tick, are handed to its step after `dt`, each `[*B, post]`.

The reward's timing is the same in every rule of this folder that listens to a modulator: the level of tick t acts on
the eligibility up to tick t - 1. A rule of another kind says `timing: ClassVar[str] = "present"` (up to and with t).
"""

from __future__ import annotations

import math
from typing import Any, Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Rule(Protocol):
    """A plasticity rule; its fields are parameters, its trace a NamedTuple of tensors."""

    @property
    def modulator(self) -> str | None:
        """Name of the modulator it listens to; None: unsupervised."""
        ...

    def init(self, weight: Tensor) -> Any:
        """Empty traces for weights `[*B, pre, post]`."""
        ...

    def step(
        self, trace: Any, weight: Tensor, pre: Tensor, post: Tensor, level: Tensor | None, dt: float
    ) -> tuple[Tensor, Any]:
        """One tick: spikes `pre` `[*B, pre]` and `post` `[*B, post]`, modulator `level` `[*B]`; to the
        weight change `[*B, pre, post]` and the next trace."""
        ...


def reads(rule: object) -> tuple[str, ...]:
    """The leaves of the target's neuron state that the rule's step is handed."""
    return tuple(getattr(rule, "reads", ()))


def outer(pre: Tensor, post: Tensor) -> Tensor:
    """The product of every pre value with every post value, `[*B, pre, post]`: one matrix per individual."""
    return pre[..., :, None] * post[..., None, :]


def stdp(x: Tensor, y: Tensor, pre: Tensor, post: Tensor, a_plus: float, a_minus: float) -> Tensor:
    """Pairs that end in this tick, `[*B, pre, post]`: a_plus x_i z_j - a_minus s_i y_j, of the traces `x`, `y`."""
    pairs = outer(x * a_plus, post)
    return pairs - outer(pre * a_minus, y) if a_minus else pairs


def traced(trace: Tensor, spikes: Tensor, tau: float, dt: float, nearest: bool = False) -> Tensor:
    """A trace after this tick: decayed by exp(-dt/tau), plus 1 at a spike, or (`nearest`) set to 1 by it."""
    kept = trace * math.exp(-dt / tau)
    return kept * (1.0 - spikes) + spikes if nearest else kept + spikes


def pair_window(gap: float, plus: float, tau_plus: float, minus: float, tau_minus: float) -> float:
    """Worth of one pair, `gap` ms = t_post - t_pre; spikes of the same tick (0) count on both branches."""
    up = plus * math.exp(-gap / tau_plus) if gap >= 0 else 0.0
    return up - minus * math.exp(gap / tau_minus) if gap <= 0 else up


def window_tau(rule: object) -> float:
    """Decay, ms, of the level under which the rule states its `window`: 1 in the tick after the later spike, then
    exp(-t/tau); 0 (where nothing is said): a pulse of one tick; inf: constant."""
    return float(getattr(rule, "window_tau", 0.0))


def timing(rule: object) -> str:
    """The eligibility on which the level of tick t acts: "past" (up to t - 1) or "present" (up to t)."""
    return str(getattr(rule, "timing", "past"))
