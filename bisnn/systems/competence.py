"""Knowing what one can do: a spiking estimate of one's own probability of success, and the choice to try or to ask.

    competence   p = clip(sum_i w_i r_i + sum_j u_j q_j + b, 0, 1)          spikes per tick of the competence cells
    attempt      integrates p + cost - helper,    ask integrates helper - cost - p      (and the urge to explore)
    dopamine     D = outcome - p, a pulse of one tick when the outcome is seen
    learning     w_i <- clip(w_i + rate_difficulty D r_i),  u_j, b alike with their rates, after one's own attempt alone

r and q are the rates of cells with Gaussian fields of the task's difficulty and of another feature of it, b the weight
of cells that fire at every task. Where p exceeds what asking is worth (the helper's reliability less the cost of
asking, both given as drives) the attempt cells fire, else the ask cells: perfect integrators with feed-forward
inhibition, of which the one with more spikes acts. An `explore` area, when driven, makes the attempt cells win.

While somebody acts, an efference copy tells whose act it is. `own` makes the competence cells fire at every tick,
which marks the synapses of the active task cells as eligible; `other` (the helper acts) holds them silent, so nothing
is eligible and the helper's outcome teaches nothing about oneself. So the agent never learns how it would have done
where it asked. A tick is `dt`; rates are spikes per tick, a drive of 1 is a spike at every tick. Negative weights,
also learned ones, stand for inhibition by interneurons.

In people, ventromedial prefrontal cortex and ventral striatum follow the estimate of one's own performance over many
trials: Rouault, Fleming (2020) PNAS 117:27268, doi:10.1073/pnas.2003094117. Rouault, Dayan, Fleming (2019) Nat. Commun.
10:1141, doi:10.1038/s41467-019-09075-3 (it forms from feedback); Fleming, Daw (2017) Psychol. Rev. 124:91,
doi:10.1037/rev0000045 (a second-order estimate of one's own success); Li, Littman, Walsh, Strehl (2011) Mach. Learn.
82:399, doi:10.1007/s10994-010-5225-4 (to know what one does not know, and ask); Fremaux, Sprekeler, Gerstner (2013)
PLoS Comput. Biol. 9:e1003024, doi:10.1371/journal.pcbi.1003024 (the rule). Sizes and rates are ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.coding import choose
from bisnn.elementary import exp
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Constant
from bisnn.modulators import Dopamine
from bisnn.neurons import IF, IFState
from bisnn.parameters import counts, fraction, positive
from bisnn.plasticity import RSTDP
from bisnn.propagate import on_grid
from bisnn.recording import Probe, Recording

TAUGHT = ("difficulty->competence", "feature->competence", "bias->competence")
"""The synapses that dopamine teaches."""
CHOICE = {"competence": 1.0, "cost": 1.0, "helper": -1.0, "explore": 2.0}
"""Summed weight of each area onto an attempt cell; onto an ask cell with the sign turned."""
COPY = 2.0
"""Summed weight of the efference copies: `own` excites, `other` inhibits the competence cells at every tick."""


class Task(NamedTuple):
    """What an individual meets in one trial."""

    difficulty: Tensor  # [*B] from 0 to 1
    feature: Tensor  # [*B] from 0 to 1, another property of the task
    helper: Tensor  # [*B] probability with which the helper succeeds
    cost: Tensor  # [*B] cost of asking, in units of a success
    explore: Tensor  # [*B] 1: driven to try, whatever it expects; 0: free


class Judgement(NamedTuple):
    """What it expects of itself, and what it does."""

    confidence: Tensor  # [*B] estimated probability of its own success
    tried: Tensor  # [*B] bool: it tries; else it asks
    spikes: Tensor  # [*B, 2] of the attempt and of the ask cells
    reaction: Tensor  # [*B] ticks until the first spike of either; `ticks` where there is none


@dataclass(frozen=True, kw_only=True)
class Competence:
    """The competence circuit (module docstring).

    Raises `ConfigError` for counts below 1, `fields` or `features` below 4, a prior that is no probability,
    and rates, times and widths that are not above 0.
    """

    fields: int = 13
    """Difficulty cells, their fields in equal steps from one step below 0 to one step above 1."""
    features: int = 8
    """Feature cells, likewise."""
    width: float = 1.0
    """Standard deviation of a field, in steps between fields."""
    cells: int = 20
    """Cells of every other area."""
    ticks: int = 40
    """Ticks of a judgement."""
    acting: int = 6
    """Ticks of an act, after which its outcome is seen."""
    prior: float = 0.5
    """Probability of success that it expects before any experience."""
    rate_difficulty: float = 0.06
    """Change of a weight per unit of dopamine and of the rate of its difficulty cell."""
    rate_feature: float = 0.01
    """The same for feature cells."""
    rate_bias: float = 0.01
    """The same for all bias cells in sum."""
    tau_pre: float = 50.0
    """Time constant of the presynaptic trace, ms."""
    tau_e: float = 1000.0
    """Time constant of the eligibility trace, ms."""
    dt: float = 10.0
    """Length of a tick, ms."""
    backend: str = "torch"
    """Backend of the circuit."""

    def __post_init__(self) -> None:
        counts(self, "cells", "ticks", "acting")
        counts(self, "fields", "features", least=4)
        fraction(self, "prior")
        positive(self, "width", "rate_difficulty", "rate_feature", "rate_bias", "tau_pre", "tau_e", "dt")

    @property
    def marked(self) -> float:
        """Eligibility of a synapse after an act, per unit of rate of its cell, where the target fired at every tick."""
        left, kept = math.exp(-self.dt / self.tau_pre), math.exp(-self.dt / self.tau_e)
        trace, total = 0.0, 0.0
        for _ in range(self.acting):
            trace = trace * left + 1.0
            total = total * kept + trace
        return total

    @cached_property
    def circuit(self) -> Circuit:
        """Eleven areas; three plastic projections, two efference copies, and the race of attempt and ask."""
        cell = IF(threshold=self.dt, reset="subtract")
        sizes = {"difficulty": self.fields, "feature": self.features}
        names = ("difficulty", "feature", "bias", "own", "other", "competence", "helper", "cost", "explore")
        areas = {name: Area(n=sizes.get(name, self.cells), neuron=cell) for name in (*names, "attempt", "ask")}
        rates = (self.rate_difficulty, self.rate_feature, self.rate_bias / self.cells)
        first = {"bias->competence": self.prior / self.cells}
        return Circuit(
            areas=areas,
            projections=(
                *(self._taught(name, rate, first.get(name, 0.0)) for name, rate in zip(TAUGHT, rates, strict=True)),
                self._fixed("own", "competence", COPY),
                self._fixed("other", "competence", -COPY),
                *(self._fixed(name, "attempt", value) for name, value in CHOICE.items()),
                *(self._fixed(name, "ask", -value) for name, value in CHOICE.items()),
            ),
            modulators={"dopamine": Dopamine(tau=0.0)},
            dt=self.dt,
            backend=self.backend,
        )

    def _taught(self, name: str, rate: float, weight: float) -> Projection:
        source, _, target = name.partition("->")
        rule = RSTDP(rate=rate / self.marked, tau_pre=self.tau_pre, tau_e=self.tau_e, a_minus=0.0)
        return Projection(source=source, target=target, weight=Constant(weight), rule=rule, bounds=(-1.0, 1.0), delay=0)

    def _fixed(self, source: str, target: str, total: float) -> Projection:
        return Projection(source=source, target=target, weight=Constant(total / self.cells), delay=0)

    def init(self, key: Tensor) -> CircuitState:
        """Without experience, for individuals `key` int64 `[*B]`."""
        return self.circuit.init(key)

    def code(self, value: Tensor, cells: int) -> Tensor:
        """Rates `[*B, cells]` of cells with Gaussian fields, for `value` `[*B]` from 0 to 1; spikes per tick."""
        away = (value[..., None] * (cells - 3) + 1.0 - torch.arange(cells, device=value.device)) / self.width
        return exp(away * away * -0.5)

    def draws(self) -> dict[str, int]:
        """The random numbers of one trial: stream -> how many. Phases in which cells are met, and ties."""
        return {"competence/phase": sum(area.n for area in self.circuit.areas.values()), "competence/tie": 2}

    def noise(self, key: Tensor, trial: Tensor | int) -> dict[str, Tensor]:
        """The random numbers of trial number `trial` for individuals `key` int64 `[*B]`."""
        return rng.uniforms(key, trial, self.draws())

    def _met(self, state: CircuitState, noise: Mapping[str, Tensor]) -> CircuitState:
        """`state` at rest, every cell somewhere between two of its spikes."""
        sizes = [area.n for area in self.circuit.areas.values()]
        parts = (noise["competence/phase"] * self.dt).split(sizes, -1)
        phases = {name: IFState(v=part) for name, part in zip(self.circuit.areas, parts, strict=True)}
        return self.circuit.rest(state)._replace(neurons=phases)

    def _shown(self, task: Task) -> dict[str, Tensor]:
        """The drive of the task cells."""
        return {
            "difficulty": self.code(task.difficulty, self.fields),
            "feature": self.code(task.feature, self.features),
            "bias": self._all(torch.ones_like(task.difficulty)),
        }

    def _all(self, value: Tensor) -> Tensor:
        """The same drive `[*B]` for all cells of an area, `[*B, cells]`."""
        return value[..., None].expand(*value.shape, self.cells)

    def judge(
        self,
        state: CircuitState,
        task: Task,
        noise: Mapping[str, Tensor],
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[Judgement, Recording]:
        """Look at a task for `ticks`: what it expects of itself, and whether it tries; `noise` as `noise` gives it.
        Nothing is learned; the recording has the spikes of competence, attempt, ask and of what `probes` add."""
        drive = self._shown(task) | {name: self._all(getattr(task, name)) for name in ("helper", "cost", "explore")}
        own = (Probe("competence"), Probe("attempt"), Probe("ask"))
        wanted = (*own, *(probe for probe in probes if probe not in own))
        start = self._met(state, noise)
        _, seen = self.circuit.run(start, drive, None, gates, steps=self.ticks, learning=False, probes=wanted)
        confidence = seen["competence.spikes"].sum((-2, -1)) * (1.0 / (self.cells * self.ticks))
        fired = torch.stack([seen[f"{area}.spikes"].sum((-2, -1)) for area in ("attempt", "ask")], -1)
        either = seen["attempt.spikes"].sum(-1) + seen["ask.spikes"].sum(-1)
        reaction = ((either > 0.0).cummax(-1).values.logical_not()).sum(-1)
        tried = choose(fired, noise["competence/tie"]) == 0
        return Judgement(confidence, tried, fired, reaction), seen

    def learn(
        self,
        state: CircuitState,
        task: Task,
        tried: Tensor,
        error: Tensor,
        noise: Mapping[str, Tensor],
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[CircuitState, Recording]:
        """Act (`tried` bool `[*B]`; else the helper acts), then see the outcome: dopamine `error` `[*B]`, outcome less
        confidence, teaches what is eligible. The state after it, and what the probes saw."""
        mine = tried.to(error.dtype)
        drive = self._shown(task) | {"own": self._all(mine), "other": self._all(1.0 - mine)}
        silent = torch.zeros_like(error)[..., None].expand(*error.shape, self.acting)
        release = {"dopamine": torch.cat((silent, error[..., None]), -1)}
        steps = self.acting + 1
        return self.circuit.run(self._met(state, noise), drive, release, gates, steps=steps, probes=probes)

    def weights(self, state: CircuitState, gates: Gates = NO_GATES) -> Tensor:
        """The learned weights onto a competence cell as they act, mean over the cells, `[*B, fields + features + 1]`:
        of the difficulty cells, of the feature cells, and of all bias cells in sum. What is cut or silenced is 0."""
        each = []
        for name in TAUGHT:
            weight, source = on_grid(state.weights[name]), name.partition("->")[0]
            if name in gates.gain:
                weight = weight * gates.gain[name][..., None, None]
            if source in gates.alive:
                weight = weight * gates.alive[source][..., None]
            if "competence" in gates.alive:
                weight = weight * gates.alive["competence"][..., None, :]
            each.append(weight.sum(-1) * (1.0 / self.cells))
        return torch.cat((each[0], each[1], each[2].sum(-1, keepdim=True)), -1)

    def expected(self, weights: Tensor, difficulty: Tensor, feature: Tensor) -> Tensor:
        """The closed form of the confidence (module docstring) for `weights` as `weights` gives them, and a task that
        broadcasts with them: `[*B]`. What spikes say is held to it."""
        rates = torch.cat((self.code(difficulty, self.fields), self.code(feature, self.features)), -1)
        total = weights[..., -1] + torch.zeros_like(difficulty)
        for weight, rate in zip(weights[..., :-1].unbind(-1), rates.unbind(-1), strict=True):
            total = total + weight * rate
        return total.clamp(0.0, 1.0)


EXAMPLES = (Competence(), Competence(fields=7, features=4, cells=8, ticks=20, acting=3, prior=0.8, dt=5.0))
