"""Claims of plasticity rules: the window of a pair of spikes, and which spikes a reward credits.

A rule may state `window(gap) -> float`: the weight change of one presynaptic and one postsynaptic spike, `gap` ms =
t_post - t_pre, at weight 0. A rule that listens to a modulator states it for this course of the level: 0 up to and with
the tick of the later spike, 1 in the tick after it (or in the tick of the later spike itself where the rule's `timing`
is "present"), and 0 again; with `window_tau` (ms) the level decays by exp(-t/window_tau) instead of ending at once
(inf: it stays 1). What the rule `reads` of its target is 0. Where the rule has no closed form, `window` gives NaN.

    w(gap) = sum of dw over all ticks
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from bisnn.plasticity.base import reads, timing, window_tau

GAPS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Gaps at which windows are examined, ms; both signs."""
TICKS = (1.0, 0.5, 0.25)
"""Lengths of a tick at which they are examined, ms."""
TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-5}
"""Largest error after a pulse, relative to the window's largest value."""
LASTING = {torch.float64: 1e-9, torch.float32: 2e-4}
"""The same where the level lasts: a float32 decay that is off by 3e-8 per tick acts over thousands of ticks."""
LONGEST = 100_000
"""Ticks after which a level that does not end is given up."""


def hold_to_window(rule: Any) -> list[str]:
    """What of the rule's `window` its steps do not show, a line each; empty if it states none or all holds."""
    window = getattr(rule, "window", None)
    gaps = [sign * gap for gap in GAPS for sign in (1.0, -1.0)]
    if window is None or all(math.isnan(window(gap)) for gap in gaps):
        return []
    claimed = [float(window(gap)) for gap in gaps]
    largest = max(map(abs, claimed))
    lines = []
    for dtype, tolerance in (LASTING if window_tau(rule) else TOLERANCE).items():
        for dt in TICKS[:2] if window_tau(rule) else TICKS:
            for gap, claim, found in zip(gaps, claimed, simulated(rule, gaps, dt, dtype), strict=True):
                if not abs(found - claim) <= tolerance * largest:
                    lines.append(
                        f"{type(rule).__name__}: a pair of gap {gap:g} ms changes the weight by {found:.6g}, its "
                        f"window says {claim:.6g} (dt {dt:g} ms, {str(dtype).removeprefix('torch.')})"
                    )
    return lines


def simulated(rule: Any, gaps: list[float], dt: float, dtype: torch.dtype) -> list[float]:
    """Weight changes of pairs of these gaps (ms, multiples of `dt`), every pair an individual of one synapse."""
    later = round(max(map(abs, gaps)) / dt)
    first = torch.tensor([later - round(abs(gap) / dt) for gap in gaps])
    causal = torch.tensor([gap >= 0 for gap in gaps])
    weight = torch.zeros(len(gaps), 1, 1, dtype=dtype)
    pre_at, post_at = torch.where(causal, first, later), torch.where(causal, later, first)
    trace, total, tick = rule.init(weight), torch.zeros_like(weight), 0
    while tick <= later + LONGEST:
        pre, post = ((at == tick).to(dtype)[:, None] for at in (pre_at, post_at))
        level = torch.full((len(gaps),), level_at(rule, tick - later, dt), dtype=dtype)
        change, trace = tell(rule, trace, weight, pre, post, level, dt)
        total = total + change
        tick += 1
        if tick > later + 2 and over(rule, change, total, tick - later, dt):
            break
    return total[:, 0, 0].tolist()


def level_at(rule: Any, since: int, dt: float) -> float:
    """The level `since` ticks after the later spike, as `window` assumes it."""
    since -= 0 if timing(rule) == "present" else 1
    tau = window_tau(rule)
    if since < 0 or (tau == 0.0 and since > 0):
        return 0.0
    return math.exp(-since * dt / tau) if tau else 1.0


def over(rule: Any, change: Tensor, total: Tensor, since: int, dt: float) -> bool:
    """Whether nothing more is to come: no level, or changes too small to matter."""
    if getattr(rule, "modulator", None) is not None and window_tau(rule) == 0.0:
        return True
    if since * dt < GAPS[-1]:
        return False
    small = TOLERANCE[change.dtype] * 5e-4
    return bool((change.abs() <= small * total.abs().max()).all())


def tell(
    rule: Any, trace: Any, weight: Tensor, pre: Tensor, post: Tensor, level: Tensor, dt: float, read: float = 0.0
) -> tuple[Tensor, Any]:
    """One tick of a rule that may or may not listen to a modulator and read its target (every value `read`)."""
    heard = None if rule.modulator is None else level
    change, after = rule.step(trace, weight, pre, post, heard, dt, *(torch.full_like(post, read) for _ in reads(rule)))
    return change, after


def hold_to_timing(rule: Any) -> list[str]:
    """Where the rule credits other spikes than its `timing` says, a line each; empty without a modulator.

    A pair of spikes (pre before post, post before pre, both in the same tick) is completed in one of three ticks, the
    level is 1 in one of them: "past" allows it to make a difference to any of these where it comes after the pair,
    "present" also where it comes with it; in the first such tick it must, to at least one.
    """
    if rule.modulator is None:
        return []
    lines, first = [], 0 if timing(rule) == "present" else 1
    for pair in range(3):
        for reward in range(3):
            orders = ((-1, pair), (pair, -1), (pair, pair))
            moved = any(_moved(rule, pre_at, post_at, reward) for pre_at, post_at in orders)
            if (moved and reward < pair + first) or (not moved and reward == pair + first):
                verb = "credits" if moved else "does not credit"
                lines.append(
                    f"{type(rule).__name__}: the level of tick {reward} {verb} a pair that ends in tick {pair}, "
                    f"its timing is {timing(rule)!r}"
                )
    return lines


def _moved(rule: Any, pre_at: int, post_at: int, reward: int) -> bool:
    """Whether the level in tick `reward` makes a difference to a pair of spikes in these ticks."""
    weight = torch.full((2, 1, 1), 0.5, dtype=torch.float64)  # with and without the level
    trace, total = rule.init(weight), torch.zeros_like(weight)
    for tick in range(-1, 3):
        pre, post = (torch.full((2, 1), float(tick == at), dtype=torch.float64) for at in (pre_at, post_at))
        level = torch.tensor([1.0, 0.0], dtype=torch.float64) * float(tick == reward)
        change, trace = tell(rule, trace, weight, pre, post, level, 1.0)
        total = total + change
    return bool(total[0] != total[1])
