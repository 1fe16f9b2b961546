"""Self-causal awareness: would the harm have come if I had done nothing? A forward model is asked twice.

    h_j(s, a, b, n) = rate of prediction cell j,  current sum_i w_ij s_i;    i: conjunctions of the scene with an act
    dw_ij = rate sum over ticks of s_i (z_j[outcome seen] - z_j[predicted])              (`MSTDP`, sign: theta)
    self = [h(do a) - h(do nothing)]+,  other = [h(do b) - h(b does nothing)]+,  joint = [h(a, b) - h(neither acts)]+
    nature = [harm felt - joint]+                                                          (the remainder)

Association cells fire where their scene and their act (own, by efference copy; the other's, seen; nature's, by its
sign) come together; `hold`, the own act beyond the others, stops the other's hand, so its cells meet three inputs.
Prediction cells, half for harm and half for a harmless change, learn from babbling in two phases: with theta at -1 they
predict and their synapses fall, at +1 the outcome clamps them and their synapses rise, which in sum is a delta rule.

Attribution asks for eight worlds in turn, one for each set of actors imagined to have done nothing. A cell of
`imagine` stands for each but the first: it silences the efference copy (or the sign of the others) and opens the
contrast area that compares this world with the actual one. What was predicted for the actual world is held: a cell of
`held` ignites when its prediction cell fired in half of the ticks, then fires by itself. A contrast cell is
excited by `held` and by `imagine`, inhibited by the prediction of the moment: it is silent where that predicts as much.
The contrast is computed by spikes; nothing but counting is left to the reader. `coincidence` cells, for comparison,
fire where an outcome is felt while the self acts, without any counterfactual.

Score: spikes of the harm half of a contrast area in its world, as a share of the most there can be. Identifiable, if
acts are drawn independently and each also occurs without the others; two acts that always come together share the
blame. The contrast is but-for causation: where two acts each suffice, neither is blamed. `responsibility` is that of
Chockler and Halpern, read off the eight predictions: 1/(1 + k), k the fewest other actors that must be imagined away
until the harm hangs on this one.

"Self-caused" and "blame" mean these counts of spikes. Own and other's contrast compare predictions: they are as large
where a predicted harm did not come. What is called nature is whatever felt harm neither actor explains.

Wolpert, Miall (1996) Neural Netw. 9:1265 (forward model). doi:10.1016/S0893-6080(96)00035-4;
O'Reilly (1996) Neural Comput. 8:895 (learning by two phases). doi:10.1162/neco.1996.8.5.895;
Ketz, Morkonda, O'Reilly (2013) PLoS Comput. Biol. 9:e1003067 (theta as their clock). doi:10.1371/journal.pcbi.1003067;
Krakovna et al. (2018) arXiv:1806.01186 (inaction or starting state as baseline);
Halpern, Pearl (2005) Br. J. Philos. Sci. 56:843. doi:10.1093/bjps/axi147;
Chockler, Halpern (2004) J. Artif. Intell. Res. 22:93. doi:10.1613/jair.1391
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.coding import CURRENT, place
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Blocks, Initialiser, OneToOne
from bisnn.modulators import Dopamine
from bisnn.neurons import IF, LIF, IFState
from bisnn.parameters import counts, positive
from bisnn.plasticity import MSTDP
from bisnn.recording import Probe, Recording

ACTORS = ("self", "other", "nature")
"""Who can cause a harm, in the order of every dim of actors; actor k is bit 2^k of a world."""
INPUTS = ("own", "other", "nature")
"""The areas that stand for what each does."""
WORLDS = 8
"""Worlds to imagine: in world m the actors of its bits have done nothing; 0 is the actual one, 7 that of the start."""
OPENS = {"self_caused": 1, "other_caused": 2, "joint": 3, "nature_caused": 3}
"""Contrast area -> the world in which it compares."""
CONTRASTS = ("self_caused", "other_caused", "nature_caused")
"""The contrast areas that are read, in the order of the actors."""
OUTCOMES = ("harm", "change")
"""Kinds of outcome, equally salient: as many cells, driven alike."""
LEARNED = "association->prediction"
"""The forward model."""
UNIT, TONIC = 1.1, 1.5
"""Weight of one input of a contrast cell, and the tonic inhibition that its world lifts, thresholds."""


class Scene(NamedTuple):
    """What the agent perceives before the outcome; -1: nothing was done, nothing fell."""

    context: Tensor  # int64 [*B] what stands there
    own: Tensor  # int64 [*B] own act; `acts`: holds the other back
    other: Tensor  # int64 [*B] the other's act as it is seen
    nature: Tensor  # int64 [*B] natural sign as it is seen


class Attribution(NamedTuple):
    """What the contrasts say, each a share of the most there can be; actors in the order of `ACTORS`."""

    caused: Tensor  # [*B, 3] contrast of the harm cells
    changed: Tensor  # [*B, 3] contrast of the cells of a harmless change
    predicted: Tensor  # [*B, WORLDS] share of harm cells that predict harm in at least half of the ticks
    coincident: Tensor  # [*B] harm cells of `coincidence` in the actual world


def responsibility(predicted: Tensor) -> Tensor:
    """Degree of responsibility `[*B, 3]` for a harm that is predicted in the worlds of `predicted` `[*B, WORLDS]`.

    1/(1 + k): k other actors, the fewest, whose absence leaves a harm that is gone when this one is absent as well.
    """
    harm = predicted >= 0.5
    found = []
    for bit in (1, 2, 4):
        degree = torch.zeros_like(predicted[..., 0])
        for world in sorted(range(WORLDS), key=lambda m: -m.bit_count()):
            if not world & bit:
                critical = harm[..., world] & ~harm[..., world | bit]
                degree = torch.where(critical, 1.0 / (1 + world.bit_count()), degree)
        found.append(degree)
    return torch.stack(found, -1)


@dataclass(frozen=True, kw_only=True)
class SelfCausation:
    """The forward model and its counterfactual contrasts (module docstring).

    Raises `ConfigError` for sizes that are no whole numbers from 1 (`ticks` from 4) and a rate that is not above 0.
    """

    contexts: int = 3
    """Scenes."""
    acts: int = 6
    """Acts of the self (beside `hold`), of the other, and of nature."""
    cells: int = 10
    """Prediction cells for each kind of outcome."""
    ticks: int = 8
    """Ticks for which each world is imagined."""
    learning_ticks: int = 5
    """Ticks of each of the two phases of a babbling trial."""
    rate: float = 0.05
    """Weight change per pair of spikes, of a weight at which 1 predicts for certain."""
    dt: float = 10.0
    """Length of a tick, ms."""

    def __post_init__(self) -> None:
        counts(self, "contexts", "acts", "cells", "learning_ticks")
        counts(self, "ticks", least=4)
        positive(self, "rate", "dt")

    @property
    def outcomes(self) -> int:
        """Prediction cells."""
        return len(OUTCOMES) * self.cells

    @property
    def perceptive(self) -> dict[str, int]:
        """Units of the areas that perceive a scene, in the order of its fields."""
        return {"context": self.contexts, "own": self.acts + 1, "other": self.acts, "nature": self.acts}

    @cached_property
    def conjunctions(self) -> tuple[tuple[int, ...], ...]:
        """What each association cell stands for: context, own, other's and nature's act; -1: any."""
        pairs = [
            (context, *(act if k == actor else -1 for k in range(3)))
            for actor in range(3)
            for context in range(self.contexts)
            for act in range(self.acts)
        ]
        held = [(context, self.acts, act, -1) for context in range(self.contexts) for act in range(self.acts)]
        return (*pairs, *held)

    @cached_property
    def circuit(self) -> Circuit:
        """What is perceived -> association -> prediction -> held; imagine gates; four contrast areas compare."""
        n, relay = self.outcomes, IF(floor=0.0)
        count = IF(threshold=self.dt, floor=0.0)  # a current of 1 brings it to its threshold in one tick
        meet = LIF(tau=0.3 * self.dt, threshold=1.0, refractory=0.0)  # all its inputs within one tick
        areas = {name: Area(n=size, neuron=relay) for name, size in self.perceptive.items()}
        areas |= {"imagine": Area(n=WORLDS - 1, neuron=relay), "outcome": Area(n=n, neuron=relay)}
        areas |= {"association": Area(n=len(self.conjunctions), neuron=meet), "coincidence": Area(n=n, neuron=meet)}
        areas |= dict.fromkeys(("prediction", "held"), Area(n=n, neuron=count))
        areas |= dict.fromkeys(OPENS, Area(n=n, neuron=IF(threshold=self.dt, floor=-UNIT * self.dt)))
        return Circuit(
            areas=areas,
            projections=(*self._perceiving(), *self._imagining(), *self._comparing()),
            modulators={"theta": Dopamine(tau=0.0)},  # a signed pulse per tick: the phase of theta
            dt=self.dt,
        )

    @cached_property
    def learner(self) -> Circuit:
        """The part of the circuit that babbling needs: the forward model."""
        projections = self._perceiving()
        areas = {name: self.circuit.areas[name] for p in projections for name in (p.source, p.target)}
        return Circuit(areas=areas, projections=projections, modulators=self.circuit.modulators, dt=self.dt)

    def _perceiving(self) -> tuple[Projection, ...]:
        """Conjunctions of two inputs (0.9 of the threshold each) or of three (0.48 each), and what they predict."""
        blocks: dict[str, list[tuple[tuple[int, int], tuple[int, int], float]]] = {}
        for cell, (context, *acts) in enumerate(self.conjunctions):
            share = 0.9 if sum(act >= 0 for act in acts) == 1 else 0.48
            for source, unit in zip(("context", *INPUTS), (context, *acts), strict=True):
                if unit >= 0:
                    blocks.setdefault(source, []).append(((unit, unit + 1), (cell, cell + 1), share))
        rule = MSTDP(modulator="theta", rate=self.rate, tau_pre=0.01 * self.dt, tau_post=0.01 * self.dt, a_minus=0.0)
        return (
            *(fixed(source, "association", Blocks(tuple(each))) for source, each in blocks.items()),
            Projection(source="association", target="prediction", rule=rule, bounds=(-2.0, 2.0), delay=0),
        )

    def _imagining(self) -> tuple[Projection, ...]:
        """Who is imagined to have done nothing falls silent; what was predicted for the actual world is held."""
        without = [[m for m in range(1, WORLDS) if m >> k & 1] for k in range(len(ACTORS))]
        ignite = 1.0 / (0.5 * self.ticks - 0.5)
        return (
            *(fixed("imagine", a, gate(m, self.perceptive[a], -6.0)) for a, m in zip(INPUTS, without, strict=True)),
            fixed("imagine", "held", gate(list(range(1, WORLDS)), self.outcomes, -1.0)),
            fixed("prediction", "held", OneToOne(ignite)),
            Projection(source="held", target="held", weight=OneToOne(6.0), delay=1),
        )

    def _comparing(self) -> tuple[Projection, ...]:
        """Each contrast area: what is held (or felt) in its world, less twice the prediction (or the joint part)."""
        every = Blocks((((0, self.acts + 1), (0, self.outcomes), 0.9),))
        found = [fixed("own", "coincidence", every), fixed("outcome", "coincidence", OneToOne(0.9))]
        for area, world in OPENS.items():
            excites, inhibits = ("outcome", "joint") if area == "nature_caused" else ("held", "prediction")
            found += [
                fixed("imagine", area, gate([world], self.outcomes, TONIC)),
                fixed(excites, area, OneToOne(UNIT)),
                fixed(inhibits, area, OneToOne(-2.0 * UNIT)),
            ]
        return tuple(found)

    def init(self, key: Tensor) -> CircuitState:
        """An agent that expects nothing of any act, for individuals `key` int64 `[*B]`."""
        return self.circuit.init(key)

    def perceived(self, scene: Scene) -> dict[str, Tensor]:
        """Drive of the areas that perceive, `[*B, n]` each."""
        units = self.perceptive.items()
        return {name: place(index, n) * CURRENT for (name, n), index in zip(units, scene, strict=True)}

    def felt(self, outcome: Tensor) -> Tensor:
        """0 or 1 for every outcome cell `[*B, n]`, of the kinds of outcome that came about, bool `[*B, 2]`."""
        return outcome.to(torch.float32).repeat_interleave(self.cells, dim=-1)

    def _rested(self, circuit: Circuit, state: CircuitState, phase: Tensor) -> CircuitState:
        """At rest, but for prediction cells at random potentials: `phase` uniform `[*B, outcomes]`."""
        rest = circuit.rest(state)
        return rest._replace(neurons={**rest.neurons, "prediction": IFState(v=phase * self.dt)})

    def experience(
        self, state: CircuitState, scene: Scene, outcome: Tensor, phase: Tensor, gates: Gates = NO_GATES
    ) -> CircuitState:
        """One babbling trial: predict, then see `outcome` (bool `[*B, 2]`), and learn the difference; `phase` uniform
        `[*B, outcomes]`. The level of a tick acts on the pairs of the tick before, hence one tick at the end."""
        half = self.learning_ticks
        clamp = (self.felt(outcome) * 4.0 - 2.0)[..., None, :]
        ticks = [clamp * 0.0] * half + [clamp] * half + [clamp * 0.0]
        sign = torch.tensor([0.0] + [-1.0] * half + [1.0] * half, device=clamp.device)
        part = state._replace(weights={p.name: state.weights[p.name] for p in self.learner.projections})
        drive = {**self.perceived(scene), "prediction": torch.cat(ticks, -2)}
        release = {"theta": sign.expand(*clamp.shape[:-2], len(sign))}
        rested = self._rested(self.learner, part, phase)
        learned, _ = self.learner.run(rested, drive, release, gates, steps=len(ticks))
        return state._replace(weights={**state.weights, LEARNED: learned.weights[LEARNED]})

    def attribute(
        self,
        state: CircuitState,
        scene: Scene,
        outcome: Tensor,
        phase: Tensor,
        gates: Gates = NO_GATES,
        start: Tensor | None = None,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[Attribution, Recording]:
        """Whose doing was the `outcome` (bool `[*B, 2]`)? Eight worlds of `ticks` ticks; nothing is learned.

        `start`: bool `[*B]`, where true the own and the other's contrast compare with the world before anyone acted.
        """
        worlds = torch.eye(WORLDS, device=phase.device)[:, 1:].expand(*phase.shape[:-1], WORLDS, WORLDS - 1)
        if start is not None:
            before = torch.zeros_like(worlds)
            before[..., 1:3, WORLDS - 2] = 1.0
            worlds = torch.where(start[..., None, None], torch.maximum(worlds, before), worlds)
        drive = {**self.perceived(scene), "imagine": worlds * CURRENT, "outcome": self.felt(outcome) * CURRENT}
        drive |= dict.fromkeys(OPENS, torch.full_like(phase, -TONIC))
        own = [Probe(name) for name in ("prediction", "coincidence", *CONTRASTS)]
        wanted = (*own, *(probe for probe in probes if probe not in own))
        rested, steps = self._rested(self.circuit, state, phase), WORLDS * self.ticks
        _, seen = self.circuit.run(rested, drive, None, gates, steps=steps, learning=False, probes=wanted)
        share = 1.0 / (self.cells * (self.ticks - 1))
        spikes = torch.stack([seen[f"{area}.spikes"].sum(-2) for area in CONTRASTS], -2)
        harm, change = (part.sum(-1) * share for part in spikes.split(self.cells, -1))
        fired = seen["prediction.spikes"][..., : self.cells].unflatten(-2, (WORLDS, self.ticks)).sum(-2)
        predicted = (fired * 2.0 >= self.ticks).to(phase.dtype).sum(-1) * (1.0 / self.cells)
        together = seen["coincidence.spikes"][..., : self.ticks, : self.cells].sum((-2, -1))
        return Attribution(harm, change, predicted, together * (1.0 / (self.cells * self.ticks))), seen


def fixed(source: str, target: str, weight: Initialiser) -> Projection:
    """A projection that does not learn, without delay."""
    return Projection(source=source, target=target, weight=weight, delay=0)


def gate(worlds: list[int], n: int, weight: float) -> Blocks:
    """`weight` from the imagined `worlds` (1 to 7) to all `n` cells of an area."""
    return Blocks(tuple(((m - 1, m), (0, n), weight) for m in worlds))


EXAMPLES = (SelfCausation(), SelfCausation(contexts=2, acts=4, cells=5, ticks=6, learning_ticks=4, rate=0.08))
