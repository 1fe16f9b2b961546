"""Scripted source: every unit fires at the times that are written down for it, whatever its input.

    spike of unit j in tick k   =   k is round(t / dt) for one of its times t;   k counts modulo round(period / dt)

Time 0 is the first tick of a run from rest. Times count in ms and are rounded to the nearest tick; two that fall into
one tick are one spike. Without a period the count of ticks stands still after the last spike, so that float32 counts
runs of any length; with one (of at most 2^24 ticks) it starts again.

Input as in Maass, Natschläger, Markram (2002) Neural Comput. 14:2531. doi:10.1162/089976602760407955
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bisnn.errors import ConfigError, ShapeMismatch
from bisnn.neurons.base import ticks
from bisnn.parameters import positive

_NEVER = -1.0


class ScriptedState(NamedTuple):
    """State of `Scripted`."""

    tick: Tensor  # [*B, n] number of the next tick in the script


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """Scripted source (equation: module docstring).

    Raises `ConfigError` for a time that is negative or not finite, a period not above 0, or a time that is not before
    the period; `init` raises `ShapeMismatch` where the units of the area are not those of the script.
    """

    elementwise: ClassVar[bool] = False

    times: tuple[tuple[float, ...], ...] = ((0.0,),)
    """Spike times of every unit, ms; one row alone: those of all units."""
    period: float | None = None
    """Time after which the script starts again, ms; None: it is played once."""

    def __post_init__(self) -> None:
        if not self.times or not isinstance(self.times, tuple) or not all(isinstance(row, tuple) for row in self.times):
            raise ConfigError("Scripted: times must be a tuple with one tuple of spike times for every unit")
        every = list(itertools.chain.from_iterable(self.times))
        for time in every:
            if not (math.isfinite(time) and time >= 0):
                raise ConfigError(f"Scripted: times hold {time}; give finite times from 0 on, in ms")
        if self.period is not None:
            positive(self, "period")
            if every and max(every) >= self.period:
                raise ConfigError(f"Scripted: time {max(every)} is not before the period {self.period}; lengthen it")

    def init(self, shape: tuple[int, ...], like: Tensor) -> ScriptedState:
        """The beginning of the script. Raises `ShapeMismatch` for another number of units."""
        if len(self.times) not in (1, shape[-1]):
            raise ShapeMismatch(
                f"Scripted has times for {len(self.times)} units, its area has {shape[-1]}; give a row for each, or one"
            )
        return ScriptedState(tick=torch.zeros(shape, device=like.device, dtype=like.dtype))

    def step(self, state: ScriptedState, current: Tensor, dt: float) -> tuple[Tensor, ScriptedState]:
        """One tick of `dt` ms: spikes `[*B, n]`; `current` `[*B, n]` is not heeded."""
        script, end = _script(self.times, self.period, dt, state.tick.dtype, state.tick.device)
        spikes = (state.tick.unsqueeze(-1) == script).any(-1).to(state.tick.dtype)
        following = state.tick + 1.0
        again = end if self.period is None else 0.0
        following = torch.where(following < end, following, again)
        return spikes, ScriptedState(tick=following)


@lru_cache(maxsize=64)
def _script(
    times: tuple[tuple[float, ...], ...], period: float | None, dt: float, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, float]:
    """The ticks of every unit's spikes `[units, spikes]`, and the tick at which the script ends."""
    rows = [[ticks(time, dt) for time in row] for row in times]
    last = max((tick for row in rows for tick in row), default=0.0)
    end = last + 1.0 if period is None else max(1.0, ticks(period, dt))
    if period is not None:
        rows = [[tick % end for tick in row] for row in rows]
    width = max(1, *(len(row) for row in rows), 1)
    padded = [row + [_NEVER] * (width - len(row)) for row in rows]
    return torch.tensor(padded, dtype=dtype, device=device), end


EXAMPLES = (Scripted(), Scripted(times=((0.0, 2.0, 3.5),), period=7.0))
