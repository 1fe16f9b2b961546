"""Izhikevich's simple model of spiking neurons.

    dv/dt = square v^2 + linear v + constant - u + I;   du/dt = a (b (v - v_ref) - leak u)
    v >= peak: spike, v <- c, u <- u + d

Time in ms, v in mV. The scheme is that of the author's programs: in a tick, v takes `substeps` Euler steps of
dt / substeps with u and I fixed; then u takes one Euler step of dt with the new v (`u_sees` "new"; "old": with the v
from before the tick, which is Euler for both at once); then the spike is found and reset. `substeps` 2 and dt 1 is the
network of 2003, 1 the figures of 2004. In that network a neuron that crosses the peak is reset at the beginning of the
next tick instead: the same dynamics, seen half a tick later.

A fixed point solves the quadratic with u = b (v - v_ref) / leak (leak 0: v = v_ref); it attracts where both
multipliers of the linearised scheme (dt None: eigenvalues of the equation) are inside the unit circle (below 0).
The classes of the papers, with the stimuli that show them: `bisnn.neurons.izhikevich_presets`.

Izhikevich (2003) IEEE Trans. Neural Netw. 14:1569, doi:10.1109/TNN.2003.820440;
Izhikevich (2004) IEEE Trans. Neural Netw. 15:1063, doi:10.1109/TNN.2004.832719
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from bisnn.errors import ConfigError, pick
from bisnn.neurons.base import reaches
from bisnn.parameters import counts, finite, positive, rising


class IzhikevichState(NamedTuple):
    """State of `Izhikevich`."""

    v: Tensor  # [*B, n] membrane potential, mV
    u: Tensor  # [*B, n] recovery


@dataclass(frozen=True, kw_only=True)
class Izhikevich:
    """Izhikevich neuron (equation, scheme and references: module docstring).

    Near a fixed point an Euler step of h = dt / substeps damps v (recovery left out) only where

        |1 + h (2 square v + linear)| < 1,   that is v > -(linear + 2 / h) / (2 square) = -62.5 - 25 / h (defaults):

    v > -87.5 mV at h = 1 ms, which a constant current of -26 reaches; -112.5 mV at h = 0.5, a current of -106. Beyond,
    v swings up and down; at h = 1 and currents of -55 and less it passes the peak: spikes under inhibition, then NaN.
    Take `substeps=2` or a smaller dt; `fixed_point(current, dt)` is None where the scheme does not rest. Upwards a tick
    that is too long ends in NaN whatever `substeps` is (dt = 5 at a current of 10): take a smaller dt.

    Raises `ConfigError` for a field that is not finite, c not below the peak, `square` not above 0, `substeps` that is
    no whole number from 1, or no `v_init` where nothing rests at current 0.
    """

    a: float = 0.02
    """Rate of recovery, 1/ms."""
    b: float = 0.2
    """Sensitivity of recovery to the potential."""
    c: float = -65.0
    """Potential after a spike, mV."""
    d: float = 8.0
    """What a spike adds to recovery."""
    peak: float = 30.0
    """Potential at which a spike is emitted, mV."""
    square: float = 0.04
    """Coefficient of v^2, 1/(mV ms)."""
    linear: float = 5.0
    """Coefficient of v, 1/ms."""
    constant: float = 140.0
    """Constant of the equation of v, mV/ms."""
    v_ref: float = 0.0
    """Potential from which recovery reckons, mV."""
    leak: float = 1.0
    """Decay of recovery relative to a; 0: recovery integrates (accommodation of 2004)."""
    v_init: float | None = None
    """Initial potential, mV; None: the fixed point at current 0."""
    u_init: float | None = None
    """Initial recovery; None: b (v_init - v_ref)."""
    substeps: int = 1
    """Euler steps of v in a tick."""
    u_sees: Literal["new", "old"] = "new"
    """Whether recovery moves with the potential after or before the tick's steps of v."""

    def __post_init__(self) -> None:
        finite(self, "a", "b", "d", "linear", "constant", "v_ref", "leak")
        positive(self, "square")
        rising(self, "c", "peak")
        pick("u_sees of Izhikevich", self.u_sees, ("new", "old"))
        counts(self, "substeps")
        for name in ("v_init", "u_init"):
            if getattr(self, name) is not None:
                finite(self, name)
        if self.v_init is None and self.fixed_point(0.0) is None:
            raise ConfigError("Izhikevich: nothing rests at current 0 with these parameters; give v_init, in mV")

    def init(self, shape: tuple[int, ...], like: Tensor) -> IzhikevichState:
        """`v_init` and `u_init`, or rest, everywhere."""
        rest = self.fixed_point(0.0) if self.v_init is None else {"v": self.v_init}
        assert rest is not None
        v = rest["v"]
        u = rest.get("u", self.b * (v - self.v_ref)) if self.u_init is None else self.u_init
        return IzhikevichState(
            v=torch.full(shape, v, device=like.device, dtype=like.dtype),
            u=torch.full(shape, u, device=like.device, dtype=like.dtype),
        )

    def step(self, state: IzhikevichState, current: Tensor, dt: float) -> tuple[Tensor, IzhikevichState]:
        """One tick of `dt` ms: `current` `[*B, n]` to spikes `[*B, n]`."""
        v, part, drive = state.v, dt / self.substeps, current + self.constant
        for _ in range(self.substeps):
            v = v + ((v * self.square + self.linear) * v + drive - state.u) * part
        seen = v if self.u_sees == "new" else state.v
        u = state.u + ((seen - self.v_ref) * self.b - state.u * self.leak) * self.a * dt
        spikes = reaches(v, self.peak)
        return spikes, IzhikevichState(v=torch.where(spikes > 0, self.c, v), u=u + spikes * self.d)

    def fixed_point(self, current: float, dt: float | None = None) -> dict[str, float] | None:
        """Potential and recovery at which it rests with a constant current, or None where nothing attracts.

        `dt` None: an attractor of the equation, else of the scheme at this tick. A claim that tests hold `step` to.
        """
        for v, u in self._equilibria(current):
            if v < self.peak and (self._attracts(v) if dt is None else self._scheme_attracts(v, dt)):
                return {"v": v, "u": u}
        return None

    def _equilibria(self, current: float) -> list[tuple[float, float]]:
        """The fixed points (v, u), of lower potential first."""
        if self.leak == 0.0:
            v = self.v_ref
            return [(v, (self.square * v + self.linear) * v + self.constant + current)] if self.b else []
        slope = self.b / self.leak
        half = (self.linear - slope) / (2.0 * self.square)
        inside = half * half - (self.constant + slope * self.v_ref + current) / self.square
        if inside < 0.0:
            return []
        return [(v, slope * (v - self.v_ref)) for v in (-half - math.sqrt(inside), -half + math.sqrt(inside))]

    def _attracts(self, v: float) -> bool:
        slope = 2.0 * self.square * v + self.linear
        trace = slope - self.a * self.leak
        return trace < 0.0 and self.a * (self.b - slope * self.leak) > 0.0

    def _scheme_attracts(self, v: float, dt: float) -> bool:
        part = dt / self.substeps
        factor = 1.0 + (2.0 * self.square * v + self.linear) * part
        by_v = factor**self.substeps
        by_u = -part * sum(factor**i for i in range(self.substeps))
        pull, keep = self.a * self.b * dt, 1.0 - self.a * self.leak * dt
        new = self.u_sees == "new"
        trace = by_v + keep + (pull * by_u if new else 0.0)
        determinant = by_v * keep - (0.0 if new else pull * by_u)
        return determinant < 1.0 and abs(trace) < 1.0 + determinant


EXAMPLES = (
    Izhikevich(b=0.25, d=2.0),
    Izhikevich(a=0.1, b=0.26, d=2.0, substeps=2),
    Izhikevich(a=0.03, b=0.25, c=-52.0, d=0.5, v_init=-64.0, u_sees="old"),
)
