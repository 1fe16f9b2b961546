"""Basal ganglia: an actor that selects by disinhibition, with a critic, both taught by dopamine.

    direct       dlPFC -> StrD1 -| GPi                  Go: lifts the inhibition of one action
    indirect     dlPFC -> StrD2 -| GPe -| GPi, STN      NoGo: GPe falls silent, GPi and STN are set free
    hyperdirect  dlPFC -> STN -> GPi, GPe (diffuse)     holds all actions back
    output       GPi -| thalamus -> PM, PM -| PM        lateral inhibition between actions
    D = r + gamma V(s') - V(s)                          dopamine, a pulse of one tick
    dlPFC->StrD1:  w <- clip(w + rate_actor D E, 0, w_max)       dopamine strengthens Go,
    dlPFC->StrD2:  w <- clip(w - rate_actor D E, 0, w_max)       weakens NoGo
    dlPFC->value:  w <- clip(w + rate_critic D E, 0, 1);         V = low + span * rate of the value cells
    E <- min(1, gamma trace_decay E + x z) from one environment step to the next

dlPFC codes the state, one unit each. Every other nucleus but the value cells has one channel of `cells` units per
action; all but STN's outputs keep to their channel. STN, GPe, GPi and thalamus are driven tonically; at rest GPi
holds the thalamus down, and PM is silent. The action is the PM channel with most spikes. After the choice an efference
copy makes the executed channel of StrD1 and StrD2 fire and holds the others down, which marks its synapses as
eligible; no others change. Dopamine of 0 changes nothing, and a change is proportional to dopamine.

Rates are spikes per tick, those of the plan per unit of drive. A tick of 10 ms would make the resting rates 20 (STN),
60 (GPe) and 70 Hz (GPi), those of the awake monkey (doi:10.1152/jn.1985.53.2.530). At rest and wherever no rate is cut
off at 0 or 1, mean rates obey the linear equations of `BasalGanglia.rates`.

Zhao, Zeng, Xu (2018) Front. Neurorobot. 12:56, doi:10.3389/fnbot.2018.00056;
Frank (2005) J. Cogn. Neurosci. 17:51, doi:10.1162/0898929052880093;
Gurney, Prescott, Redgrave (2001) Biol. Cybern. 84:401, doi:10.1007/PL00007984
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property

import torch
from torch import Tensor

from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.coding import CURRENT, group_counts, place
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Blocks, Constant, Initialiser
from bisnn.modulators import Dopamine
from bisnn.neurons import IF, IFState
from bisnn.recording import Probe, Recording
from bisnn.systems.moral_learning import FORCE, MoralLearning

CHANNELLED = ("strd1", "strd2", "stn", "gpe", "gpi", "thalamus", "pm")
"""Nuclei with one channel per action."""
INHIBITORY = ("strd1", "strd2", "gpe", "gpi", "pm")
"""Nuclei whose fixed projections inhibit (those of PM through interneurons)."""
LATE = ("stn->gpe", "pm->pm")
"""Projections that close a loop: they take one tick, all others none."""


@dataclass(frozen=True, kw_only=True)
class Tonic:
    """Tonic drive, spikes per tick."""

    stn: float = 0.38
    """Subthalamic nucleus."""
    gpe: float = 0.54
    """External pallidum."""
    gpi: float = 0.84
    """Internal pallidum."""
    thalamus: float = 0.7
    """Thalamus: what GPi at rest just holds down."""


@dataclass(frozen=True, kw_only=True)
class Strengths:
    """Summed weight of each fixed projection onto a unit, source_target; the sign is that of the anatomy."""

    dlpfc_stn: float = 0.2
    """Hyperdirect pathway."""
    dlpfc_thalamus: float = 0.3
    """Cortical drive of the thalamus: lifts it when there is something to decide."""
    strd1_gpi: float = -0.9
    """Direct pathway."""
    strd2_gpe: float = -0.7
    """First limb of the indirect pathway."""
    gpe_gpi: float = -0.5
    """Its short second limb."""
    gpe_stn: float = -0.3
    """Its long second limb."""
    stn_gpe: float = 0.3
    """Feedback of STN, from all channels to all."""
    stn_gpi: float = 0.8
    """Hold, from all channels to all."""
    gpi_thalamus: float = -1.0
    """Inhibition that selection lifts."""
    thalamus_pm: float = 1.0
    """Release of a movement."""
    pm_pm: float = -0.4
    """Lateral inhibition by each other channel."""

    def __post_init__(self) -> None:
        for name, value in self.table.items():
            inhibits = name.partition("->")[0] in INHIBITORY
            if value > 0 if inhibits else value < 0:
                sign = "inhibits: give it 0 or less" if inhibits else "excites: give it 0 or more"
                raise ConfigError(f"{name} = {value:g}; this projection {sign}")

    @property
    def table(self) -> dict[str, float]:
        """Projection -> strength."""
        return {each.name.replace("_", "->"): getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True, kw_only=True)
class BasalGanglia(MoralLearning):
    """The basal-ganglia actor and its critic (module docstring); it stands wherever a `MoralLearning` can."""

    cells: int = 6
    """Units of each channel of each nucleus, and value cells."""
    ticks: int = 16
    """Ticks of one decision."""
    rate_actor: float = 0.005
    """Change of StrD1 weights (and, negative, of StrD2 weights) per unit of dopamine and eligibility."""
    tonic: Tonic = field(default_factory=Tonic)
    """Tonic drive of STN, GPe, GPi and thalamus."""
    strengths: Strengths = field(default_factory=Strengths)
    """The fixed projections."""

    @property
    def units(self) -> int:
        """Units of a nucleus with channels."""
        return self.actions * self.cells

    @cached_property
    def circuit(self) -> Circuit:
        """The nine areas, the three plastic and the eleven fixed projections."""
        cell = IF(threshold=1.0, reset="subtract", floor=0.0)
        areas = {"dlpfc": Area(n=self.n_place, neuron=IF(floor=-0.5))}
        areas |= {name: Area(n=self.units, neuron=cell) for name in CHANNELLED}
        areas["pm"] = Area(n=self.units, neuron=IF(threshold=1.0, reset="subtract", floor=-1.0))
        half, indifferent = 0.5 * self.w_max, -self.value_low / self.value_span
        return Circuit(
            areas=areas | {"value": Area(n=self.cells, neuron=cell)},
            projections=(
                self._learned("strd1", half, self.rate_actor, self.w_max),
                self._learned("strd2", half, -self.rate_actor, self.w_max),
                self._learned("value", indifferent, self.rate_critic, 1.0),
                *(self._fixed(name, value) for name, value in self.strengths.table.items()),
            ),
            modulators={"dopamine": Dopamine(tau=0.0)},
            backend=self.backend,
        )

    def _learned(self, target: str, weight: float, rate: float, largest: float) -> Projection:
        return Projection(
            source="dlpfc",
            target=target,
            weight=Constant(weight),
            rule=self.rule(rate),
            bounds=(0.0, largest),
            delay=0,
        )

    def _fixed(self, name: str, strength: float) -> Projection:
        source, _, target = name.partition("->")
        weight: Initialiser
        spans = tuple(((i, i + self.cells), (i, i + self.cells)) for i in range(0, self.units, self.cells))
        share = strength / self.cells
        if source == "dlpfc":
            weight = Constant(strength)
        elif source == "stn":
            weight = Constant(strength / self.units)
        elif source == target:
            everywhere = ((0, self.units), (0, self.units), share)
            weight = Blocks((everywhere, *((*span, 0.0) for span in spans)))
        else:
            weight = Blocks(tuple((*span, share) for span in spans))
        return Projection(source=source, target=target, weight=weight, delay=1 if name in LATE else 0)

    def decide(
        self,
        state: CircuitState,
        index: Tensor,
        noise: Tensor,
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[Tensor, Tensor, Recording]:
        """PM spikes for and value of a state: `index` int64 `[*B]` (place + places * emotion; -1: no state), `noise`
        `[*B, (actions + 1) * cells]` uniform: the phase in which each unit of a channel, and each value cell, is met
        (PM: so far below rest). Returns counts `[*B, actions]`, value `[*B]`, recording.
        """
        rest = self.circuit.rest(state)
        phases = dict.fromkeys(CHANNELLED, IFState(v=noise[..., : self.units]))
        phases["pm"] = IFState(v=-noise[..., : self.units])
        phases["value"] = IFState(v=noise[..., self.units :])
        rest = rest._replace(neurons={**rest.neurons, **phases}, traces=state.traces)
        own = (Probe("pm"), Probe("value"))
        wanted = (*own, *(probe for probe in probes if probe.target in self.circuit.areas and probe not in own))
        drive = {"dlpfc": place(index, self.n_place) * CURRENT}
        for each in fields(self.tonic):
            tonic = torch.full((), getattr(self.tonic, each.name), device=index.device)
            drive[each.name] = tonic.expand(*index.shape, self.units)
        _, seen = self.circuit.run(rest, drive, None, gates, steps=self.ticks, learning=False, probes=wanted)
        return group_counts(seen["pm.spikes"], self.actions), self.value_of(seen), seen

    def reinforce(
        self,
        state: CircuitState,
        index: Tensor,
        action: Tensor,
        dopamine: Tensor,
        fresh: Tensor,
        gates: Gates = NO_GATES,
    ) -> CircuitState:
        """Dopamine `[*B]` teaches what is eligible; then the efference copy of `action` int64 `[*B]` in state `index`
        marks its synapses (-1: nothing was done, or there was no state). Where `fresh` (bool `[*B]`) an episode begins
        and nothing is eligible yet.
        """
        executed = torch.arange(self.units, device=action.device) // self.cells == action[..., None]
        copy = executed.to(dopamine.dtype) * (2.0 * FORCE) - FORCE
        drive = {
            "dlpfc": place(index, self.n_place) * CURRENT,
            "strd1": copy,
            "strd2": copy,
            "value": torch.full((), FORCE, device=action.device).expand(*action.shape, self.cells),
        }
        state, _ = self.circuit.run(self.eligible(state, fresh), drive, {"dopamine": dopamine}, gates, steps=1)
        return state

    def reaction_time(self, seen: Recording) -> Tensor:
        """Ticks until the first spike of PM, `[*B]`; `ticks` where it never fires."""
        fired = (seen["pm.spikes"].sum(-1) > 0).cummax(-1).values
        silent: Tensor = (~fired).sum(-1)
        return silent

    def rates(self, go: float = 0.0, nogo: float = 0.0, cortex: float = 1.0) -> dict[str, float]:
        """Mean spikes per tick of each nucleus when all channels have the same corticostriatal weights: the closed
        form, valid where every rate that it gives lies between 0 and 1 (thalamus and PM are cut off at 0 here).

            GPe = t_GPe + w_d2 D2 + w_stn STN;   STN = t_STN + w_hyper C + w_gpe GPe;   D1 = go C, D2 = nogo C
            GPi = t_GPi + w_d1 D1 + w_gpe' GPe + w_stn' STN;   thalamus = t_Th + w_c C + w_gpi GPi
            PM = w_th thalamus / (1 - (actions - 1) w_pm)
        """
        tonic, w = self.tonic, self.strengths
        d1, d2 = go * cortex, nogo * cortex
        alone = tonic.gpe + w.strd2_gpe * d2  # GPe without the feedback of STN
        driven = tonic.stn + w.dlpfc_stn * cortex
        stn = (driven + w.gpe_stn * alone) / (1.0 - w.gpe_stn * w.stn_gpe)
        gpe = alone + w.stn_gpe * stn
        gpi = tonic.gpi + w.strd1_gpi * d1 + w.gpe_gpi * gpe + w.stn_gpi * stn
        thalamus = max(0.0, tonic.thalamus + w.dlpfc_thalamus * cortex + w.gpi_thalamus * gpi)
        pm = w.thalamus_pm * thalamus / (1.0 - (self.actions - 1) * w.pm_pm)
        found = {"strd1": d1, "strd2": d2, "stn": stn, "gpe": gpe, "gpi": gpi, "thalamus": thalamus, "pm": pm}
        return {"dlpfc": cortex / self.n_place, **found}


EXAMPLES = (BasalGanglia(), BasalGanglia(places=3, emotions=1, actions=3, cells=4, ticks=8, tonic=Tonic(gpi=0.9)))
