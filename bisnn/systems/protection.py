"""Protection: what was met when pain began is bound to it at once, and afterwards its sight alone stops the movement.

    object -> la (learned)          dw = rate n E,  E <- E exp(-dt/tau_e) + x_i z_j     (`RSTDP` under noradrenaline n)
    pb -> pag -> la                 pain teaches la, at its onset alone: once acc is alight it inhibits pag
    la -> cea -| motor              the impending alarm vetoes the intended movement before it begins
    pb -> acc -> acc                the alarm of actual injury: alight until the body moves as it predicted (match)

A step has two halves. Looking: object cells (inferior temporal) code what is ahead, premotor cells what is intended,
and motor cells charge for some 10 ticks before they fire: an alarm that comes later cannot veto. Acting: object cells
code the ground that the body pushes off from, and pain cells reach the parabrachial nucleus (pb). Noradrenaline is
released by unexpected pain alone, n = I / (I + half) for the intensity I (share of active pain cells) while acc is
dark. The lateral amygdala (la) therefore binds what the body stands on when pain begins, not what it meets later in
pain. The central amygdala (cea) is the alarm of impending injury, read while looking; the cingulate area (acc) that of
actual injury, read after acting. An object is a random pattern of object cells, which spike at random; nothing says
which objects are dangerous.

That learning stays at the onset is due to noradrenaline and to the inhibition of pag: with that cut, noradrenaline
alone holds it there.

Left out: extinction (without pain nothing is unlearned). Where pain begins after the body has left what injured it,
the wrong ground is bound, or none.

Johansen, Diaz-Mataix, Hamanaka, ... LeDoux (2014) PNAS 111:E5584 (Hebb and noradrenaline). doi:10.1073/pnas.1421304111;
Johansen, Tarpley, LeDoux, Blair (2010) Nat. Neurosci. 13:979 (pag, onset). doi:10.1038/nn.2594;
LeDoux (2000) Annu. Rev. Neurosci. 23:155 (la, cea). doi:10.1146/annurev.neuro.23.1.155;
Wang (2001) Trends Neurosci. 24:455 (persistent activity). doi:10.1016/S0166-2236(00)01868-3
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.coding import CURRENT
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Bernoulli, Constant, OneToOne
from bisnn.modulators import Noradrenaline
from bisnn.neurons import IF, LIF, Poisson
from bisnn.parameters import counts, fraction, not_negative, positive
from bisnn.plasticity import RSTDP
from bisnn.recording import Probe, Recording

ACTIONS = 4
"""Actions: up, down, right, left."""


class Verdict(NamedTuple):
    """What came of looking ahead, `[*B]` each."""

    go: Tensor  # bool: the motor cells of the intended action fired, the movement begins
    alarm: Tensor  # bool: impending injury, most cells of cea fired before the movement could begin
    lead: Tensor  # float32 ticks from the first spike of that alarm to the end of looking, when the body moves


@dataclass(frozen=True, kw_only=True)
class Protection:
    """Two alarms and a veto (module docstring). Raises `ConfigError` for sizes and rates that make no circuit."""

    objects: int = 120
    """Object cells."""
    active: int = 10
    """Object cells that one object activates."""
    cells: int = 10
    """Cells of la, cea, pag, acc and match, each."""
    n_pain: int = 20
    """Parabrachial cells, one for each pain cell of the body."""
    command_cells: int = 5
    """Premotor and motor cells of each action."""
    look: int = 14
    """Ticks of looking ahead."""
    act: int = 14
    """Ticks of acting."""
    onset: int = 7
    """Tick of acting at which the body begins to feel the movement."""
    glance: int = 3
    """Ticks at the end of acting in which the eyes move on and see nothing."""
    rate: float = 0.1
    """Change of weight per unit of noradrenaline and eligibility."""
    w_max: float = 0.26
    """Largest weight of object->la."""
    density: float = 0.8
    """Probability that an object cell reaches a cell of la."""
    half: float = 0.05
    """Intensity of pain, share of the pain cells, that releases half of the noradrenaline: n = I / (I + half)."""
    tau_pre: float = 3.0
    """Time constant of the trace of object cells, ms."""
    tau_e: float = 10.0
    """Time constant of the eligibility, ms."""
    backend: str = "torch"
    """Backend of the circuit."""

    def __post_init__(self) -> None:
        counts(self, "objects", "active", "cells", "n_pain", "command_cells", "look", "act", "onset", "glance")
        positive(self, "w_max", "half", "tau_pre", "tau_e")
        not_negative(self, "rate")
        fraction(self, "density")
        if self.active > self.objects or self.onset + self.glance >= self.act:
            raise ConfigError(
                f"Protection: {self.active} of {self.objects} object cells, pain from tick {self.onset} of {self.act}; "
                "activate at most all cells, and begin to feel before acting ends"
            )

    @cached_property
    def circuit(self) -> Circuit:
        """The areas and projections of the module docstring."""
        n, per, motor = self.cells, 1.0 / self.cells, ACTIONS * self.command_cells
        relay, alarm = IF(floor=0.0), LIF(tau=3.0, refractory=0.0)
        rule = RSTDP(
            modulator="noradrenaline", rate=self.rate, tau_pre=self.tau_pre, tau_e=self.tau_e, a_minus=0.0
        )  # fmt: skip

        def fixed(source: str, target: str, value: float, delay: int = 1) -> Projection:
            return Projection(source=source, target=target, weight=Constant(value), delay=delay)

        return Circuit(
            areas={
                "object": Area(n=self.objects, neuron=Poisson(base=2.0, gain=2000.0), sign="excitatory"),
                "pb": Area(n=self.n_pain, neuron=relay),
                "match": Area(n=n, neuron=relay, sign="inhibitory"),
                "pag": Area(n=n, neuron=relay, sign="excitatory"),
                "acc": Area(n=n, neuron=relay),
                "la": Area(n=n, neuron=LIF(tau=5.0, refractory=1.0), sign="excitatory"),
                "cea": Area(n=n, neuron=alarm, sign="inhibitory"),
                "premotor": Area(n=motor, neuron=relay, sign="excitatory"),
                "motor": Area(n=motor, neuron=LIF(tau=10.0, refractory=0.0)),
            },
            projections=(
                Projection(
                    source="object",
                    target="la",
                    rule=rule,
                    bounds=(0.0, self.w_max),
                    mask=Bernoulli(self.density),
                ),
                fixed("pb", "pag", 1.0),
                fixed("pb", "acc", 1.0),
                fixed("pb", "match", -1.0, delay=0),
                fixed("acc", "acc", 1.2 * per),
                fixed("match", "acc", -2.0 * per),
                fixed("acc", "pag", -self.n_pain * 2.0 * per, delay=3),
                fixed("pag", "la", 12.0 * per),
                Projection(source="la", target="cea", weight=Constant(12.0 * per)),
                Projection(source="premotor", target="motor", weight=OneToOne(1.6)),
                fixed("cea", "motor", -3.0 * per),
            ),
            modulators={"noradrenaline": Noradrenaline(tau=0.0)},
            backend=self.backend,
        )

    @property
    def ticks(self) -> int:
        """Ticks of one step."""
        return self.look + self.act

    def init(self, key: Tensor) -> CircuitState:
        """A system without experience, for individuals `key` int64 `[*B]`."""
        return self.circuit.init(key)

    def pattern(self, key: Tensor, number: int) -> Tensor:
        """The object cells `[*B, objects]` that object `number` activates in each individual: `active` random ones."""
        draws = rng.uniform(key, "protection/object", number, self.objects)
        return (draws.argsort(dim=-1, stable=True).argsort(dim=-1, stable=True) < self.active).to(torch.float32)

    def intend(
        self,
        state: CircuitState,
        action: Tensor,
        ahead: Tensor,
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[Verdict, CircuitState, Recording]:
        """Look at `ahead` `[*B, objects]` (active object cells; 0: nothing) while `action` int64 `[*B]` is intended."""
        cells = torch.arange(ACTIONS * self.command_cells, device=action.device) // self.command_cells
        mine = (action[..., None] == cells).to(torch.float32)
        drive = {"object": ahead, "premotor": mine * CURRENT}
        state, seen = self._run(state, drive, {}, gates, self.look, (Probe("cea"), Probe("motor"), *probes))
        fired = (seen["motor.spikes"].sum(-2) > 0).to(torch.float32) * mine
        ringing = seen["cea.spikes"].sum(-1) * 2.0 > self.cells
        first = torch.where(ringing.any(-1), ringing.to(torch.int64).argmax(-1), self.look)
        go = fired.sum(-1) * 2.0 > self.command_cells
        return Verdict(go, ringing.any(-1), (self.look - first).to(torch.float32)), state, seen

    def undergo(
        self,
        state: CircuitState,
        pain: Tensor,
        moved: Tensor,
        ground: Tensor,
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[Tensor, CircuitState, Recording]:
        """Act: feel `pain` `[*B, n_pain]` (active pain cells) of a body that `moved` (bool `[*B]`) from the `ground`
        `[*B, objects]`; whether the alarm of actual injury is alight at the end, bool `[*B]`."""
        tick = torch.arange(self.act, device=pain.device)
        late, seeing = (when.to(pain.dtype)[:, None] for when in (tick >= self.onset, tick < self.act - self.glance))
        felt = moved.to(pain.dtype)[..., None].expand(*moved.shape, self.cells)
        drive = {
            "object": ground[..., None, :] * seeing,
            "pb": pain[..., None, :] * late * CURRENT,
            "match": felt[..., None, :] * late * CURRENT,
        }
        intensity = pain.sum(-1) * (1.0 / self.n_pain)
        unexpected = 1.0 - state.spikes["acc"][0].sum(-1) * (1.0 / self.cells)
        release = {"noradrenaline": (unexpected * intensity / (intensity + self.half))[..., None] * late[:, 0]}
        state, seen = self._run(state, drive, release, gates, self.act, (Probe("acc"), *probes))
        return seen["acc.spikes"][..., -1, :].sum(-1) * 2.0 > self.cells, state, seen

    def _run(
        self,
        state: CircuitState,
        drive: dict[str, Tensor],
        release: dict[str, Tensor],
        gates: Gates,
        steps: int,
        probes: tuple[Probe, ...],
    ) -> tuple[CircuitState, Recording]:
        once = tuple(dict.fromkeys(probes))
        return self.circuit.run(state, drive, release, gates, steps=steps, probes=once)


EXAMPLES = (Protection(), Protection(objects=24, active=6, cells=6, look=16, act=16, rate=0.05, density=1.0))
"""Systems of the exams."""
