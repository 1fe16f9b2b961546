"""Self-experience: an episodic store of what one lived through, and the value of another's state read from it alone.

    encoding   I_k = 0.1 (sum_i w_ik s_i + sum_a u_ka s_a) + allocation_k        acetylcholine high
    recall     I_k = sum_i w_ik s_i + sum_a u_ka s_a - inhibition                acetylcholine low
    similarity of a stored and a seen situation: exp(-d^2 / 4),   d: distance in widths of the fields
    value      V = -(spikes of cost cells) / (cost cells * volleys)             0: no harm known, -1: all of them

An episode is (situation, own action, outcome, bodily cost). Situation cells have Gaussian fields on a ring of one
graded feature; action cells stand for what is done there. In an own experience, septal input makes those episode cells
compete that are still fresh: the first to fire silences the rest through basket cells, and its one spike binds the
active situation and action cells to it, and it to the outcome and cost cells that the body then drives. The same spike
takes the cell its septal input, so that no cell is allocated twice. Acetylcholine suppresses the plastic input
meanwhile, so that old episodes do not answer for the new one. Pain cells drive the cost cells one to one.

Another's situation and action drive the same situation and action cells. The episodes that fit best fire first, at a
rhythm that the basket cells set, and call up their cost; nothing else reaches the cost cells while the own body is
well. A volley is a tick in which episode cells fire, and V the mean cost of a volley. Cost excites `rescue` and
inhibits tonic dopamine, which drives `advance` (going on with one's own business); the own effort of a rescue inhibits
`rescue`. The population with more spikes acts; while the own body is in pain, nothing is chosen.

"Value" is this number. Nothing is inferred of the other but that its situation is like one's own; no understanding,
feeling or concern is claimed.

Areas: situation (lateral entorhinal, perirhinal), action (premotor), septum, episode (dentate gyrus, CA3), basket,
outcome (medial prefrontal), pain, cost (anterior insula), effort (anterior cingulate), dopamine (VTA), rescue, advance
(premotor). Sizes and weights are ours. Negative weights of other areas than basket stand for interneurons.

Hasselmo (2006) Curr. Opin. Neurobiol. 16:710 (acetylcholine), doi:10.1016/j.conb.2006.09.002;
Josselyn, Tonegawa (2020) Science 367:eaaw4325 (allocation by excitability), doi:10.1126/science.aaw4325;
de Almeida, Idiart, Lisman (2009) J. Neurosci. 29:7497 (gamma and the winners), doi:10.1523/JNEUROSCI.6044-08.2009;
Gershman, Daw (2017) Annu. Rev. Psychol. 68:101 (values from episodes), doi:10.1146/annurev-psych-122414-033625
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.coding import recruit
from bisnn.elementary import exp
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Constant, OneToOne
from bisnn.modulators import Acetylcholine
from bisnn.modulators.acetylcholine import enabling, suppression
from bisnn.neurons import IF, EscapeRateLIF, IFState
from bisnn.parameters import counts, positive
from bisnn.plasticity import PreTraceSTDP
from bisnn.recording import Probe, Recording
from bisnn.synapses import Exponential

STORE = ("situation->episode", "action->episode", "septum->episode", "episode->outcome", "episode->cost")
"""All that learns: what finds an episode, what allocates it, what it calls up."""
READ = tuple(Probe(area) for area in ("episode", "outcome", "cost", "rescue", "advance"))
"""What is recorded of every look."""
ENTER, PASS = 0, 1
"""Actions: to enter, to pass by."""
GROUP = 4
"""Cells of one action and of one outcome, septal cells, basket cells."""
TONIC_CELLS = 24
"""Dopamine cells."""
TONIC = 0.5
"""Their tonic drive, spikes per tick."""
SURE = 1.2
"""Input that makes a relay fire at once, spikes per tick."""
PAINFUL = 0.5
"""Drive of an active pain cell, spikes per tick."""
EFFORT = 0.1
"""Drive of an active effort cell, spikes per tick: about what a recalled cost cell fires at."""
PLASTIC = 10.0
"""How much faster synapses learn at an acetylcholine level of 1 (`enabling`)."""


class Lived(NamedTuple):
    """One own experience."""

    feature: Tensor  # [*B] of the situation, in widths of the fields
    action: Tensor  # [*B] int64: ENTER or PASS
    held: Tensor  # [*B] bool: the outcome, held fast or free
    pain: Tensor  # [*B] bodily cost: share of the pain cells that fire


class Reading(NamedTuple):
    """What another's situation calls up, and what is done."""

    value: Tensor  # [*B] of the other's state, from -1 to 0
    held: Tensor  # [*B] spikes of the outcome cells for `held` less those for `free`
    rescued: Tensor  # [*B] bool
    choice: Tensor  # [*B, 2] spikes of rescue and of advance
    recalled: Tensor  # [*B, episodes] spikes of every episode cell


@dataclass(frozen=True, kw_only=True)
class SelfExperience:
    """The episodic store and the choice that it feeds (module docstring).

    Raises `ConfigError` for counts below 1 and for widths, times and strengths that are not above 0.
    """

    fields: int = 40
    """Situation cells, their fields in equal steps around the ring."""
    spacing: float = 0.5
    """Step between fields, in widths (standard deviations) of a field."""
    episodes: int = 96
    """Episode cells; at most so many experiences can be stored."""
    cells: int = 20
    """Pain, cost and effort cells each."""
    voters: int = 12
    """Cells of rescue, and of advance."""
    likeness: float = 0.75
    """Input into an episode cell from its own situation, thresholds."""
    likewise: float = 0.7
    """Input into an episode cell from its own action, thresholds."""
    septal: float = 0.92
    """Septal input into a fresh episode cell, thresholds."""
    stretch: int = 8
    """Ticks of each third of an experience: before the outcome, with septal input and outcome, with outcome alone."""
    ticks: int = 40
    """Ticks of one look at another."""
    dt: float = 2.0
    """Length of a tick, ms."""
    backend: str = "torch"
    """Backend of the circuit."""

    def __post_init__(self) -> None:
        counts(self, "fields", "episodes", "cells", "voters", "stretch", "ticks")
        positive(self, "spacing", "likeness", "likewise", "septal", "dt")

    @property
    def around(self) -> float:
        """Circumference of the ring of features, in widths."""
        return self.fields * self.spacing

    @cached_property
    def circuit(self) -> Circuit:
        """The twelve areas; five plastic projections, and the fixed ones."""
        relay, steady = IF(threshold=self.dt), IF(threshold=self.dt, reset="subtract", floor=0.0)
        sizes = {"situation": self.fields, "action": 2 * GROUP, "septum": GROUP, "basket": GROUP}
        sizes |= {"outcome": 2 * GROUP, "pain": self.cells, "cost": self.cells, "effort": self.cells}
        regular = ("situation", "action", "septum", "effort", "pain")
        areas = {name: Area(n=n, neuron=steady if name in regular else relay) for name, n in sizes.items()}
        areas["episode"] = Area(n=self.episodes, neuron=EscapeRateLIF(tau=10.0, delta_u=0.04, rho0=0.25))
        areas["dopamine"] = Area(n=TONIC_CELLS, neuron=steady)
        voter = EscapeRateLIF(tau=20.0, delta_u=0.2, rho0=0.06)
        areas |= {name: Area(n=self.voters, neuron=voter) for name in ("rescue", "advance")}
        return Circuit(
            areas=areas,
            projections=(*self._memory(), *self._wiring()),
            modulators={"acetylcholine": Acetylcholine(tau=0.0)},
            dt=self.dt,
            backend=self.backend,
        )

    def _memory(self) -> tuple[Projection, ...]:
        """The plastic projections: cues, which acetylcholine suppresses while they learn, allocation, contents."""
        trace = 1.0 / (1.0 - math.exp(-self.dt / 10.0))  # of a cell that fires at every tick
        field = math.sqrt(math.pi) / self.spacing  # sum of the squared rates of the situation cells
        allocation, cues = self.septal / GROUP, (self.likeness / field, self.likewise / GROUP)

        def plastic(name: str, rate: float, most: float, tau: float = 10.0, first: float = 0.0) -> Projection:
            source, _, target = name.partition("->")
            return Projection(
                source=source,
                target=target,
                weight=Constant(first),
                rule=PreTraceSTDP(rate=rate, tau=tau),
                bounds=(0.0, most),
                delay=0,
                receptors=(suppression(),) if name in STORE[:2] else (),
                plasticity_receptors=(enabling(),) if name in STORE[:2] else (),
            )

        return (
            *(plastic(name, w / (trace * PLASTIC), 2.0 * w) for name, w in zip(STORE[:2], cues, strict=True)),
            plastic(STORE[2], -self.septal, allocation, first=allocation),
            *(plastic(name, SURE, SURE, tau=20.0) for name in STORE[3:]),
        )

    def _wiring(self) -> tuple[Projection, ...]:
        """The fixed projections."""

        def fixed(source: str, target: str, total: float, tau: float | None = None, delay: int = 0) -> Projection:
            n = {"episode": 1, "basket": GROUP, "dopamine": TONIC_CELLS, "rescue": self.voters, "advance": self.voters}
            weight = Constant(total / n.get(source, self.cells))
            slow = None if tau is None else Exponential(tau=tau)
            return Projection(source=source, target=target, weight=weight, delay=delay, filter=slow)

        return (
            fixed("episode", "basket", SURE),
            fixed("basket", "episode", -4.0, tau=6.0, delay=1),
            Projection(source="pain", target="cost", weight=OneToOne(SURE), delay=0),
            fixed("cost", "dopamine", -1.0, tau=20.0),
            fixed("cost", "rescue", 4.0, tau=20.0),
            fixed("effort", "rescue", -4.0, tau=20.0),
            fixed("dopamine", "advance", 1.6),
            fixed("rescue", "advance", -0.5, tau=20.0, delay=1),
            fixed("advance", "rescue", -0.5, tau=20.0, delay=1),
        )

    def init(self, key: Tensor) -> CircuitState:
        """An individual that has lived through nothing, for individuals `key` int64 `[*B]`."""
        return self.circuit.init(key)

    def wiped(self, state: CircuitState, key: Tensor) -> CircuitState:
        """`state` with the weights of the store as they were before any experience."""
        fresh = self.circuit.init(key).weights
        return self.circuit.rest(state)._replace(weights={**state.weights, **{name: fresh[name] for name in STORE}})

    def situation(self, feature: Tensor) -> Tensor:
        """Rates `[*B, fields]` of situation cells at `feature` `[*B]` in widths around the ring, at most 1 a tick."""
        centre = torch.arange(self.fields, device=feature.device, dtype=feature.dtype) * self.spacing
        away = feature[..., None] - centre
        away = away - torch.round(away / self.around) * self.around
        return exp(away * away * -0.5)

    def _cue(self, feature: Tensor, action: Tensor) -> dict[str, Tensor]:
        """The drive of the situation and the action cells."""
        return {"situation": self.situation(feature), "action": _group(action)}

    def _tonic(self, like: Tensor) -> Tensor:
        """The drive of the dopamine cells, for individuals as `like` `[*B]`."""
        return torch.full((), TONIC, device=like.device).expand(*like.shape, TONIC_CELLS)

    def _met(self, state: CircuitState) -> CircuitState:
        """`state` at rest, tonic cells spread over their cycle, so that their mean is smooth."""
        state = self.circuit.rest(state)
        phases = {}
        for name in ("dopamine", "effort"):
            v = state.neurons[name].v
            phases[name] = IFState(v=(torch.arange(v.shape[-1]).to(v) * (self.dt / v.shape[-1])).expand(v.shape))
        return state._replace(neurons={**state.neurons, **phases})

    def experience(
        self, state: CircuitState, lived: Lived, gates: Gates = NO_GATES, probes: tuple[Probe, ...] = ()
    ) -> tuple[CircuitState, Recording]:
        """Live through something and store it: the state after it, and what the probes saw."""
        before, after = (torch.tensor(on, device=lived.pain.device) for on in ((1.0, 1.0, 0.0), (0.0, 1.0, 1.0)))
        body = {"outcome": _group(lived.held.to(torch.int64)), "pain": recruit(lived.pain, self.cells) * PAINFUL}
        cue = self._cue(lived.feature, lived.action)
        drive = {name: value[..., None, :].expand(*value.shape[:-1], 3, -1) for name, value in cue.items()}
        drive |= {name: value[..., None, :] * after[:, None] for name, value in body.items()}
        drive["septum"] = before[:, None].expand(*lived.pain.shape, 3, GROUP) * SURE
        drive["dopamine"] = self._tonic(lived.pain)
        steps = 3 * self.stretch
        release = {"acetylcholine": torch.ones_like(lived.pain)[..., None].expand(*lived.pain.shape, steps)}
        state, seen = self.circuit.run(self._met(state), drive, release, gates, steps=steps, probes=probes)
        return self.circuit.rest(state), seen

    def observe(
        self,
        state: CircuitState,
        feature: Tensor,
        action: Tensor,
        effort: Tensor,
        gates: Gates = NO_GATES,
        probes: tuple[Probe, ...] = (),
    ) -> tuple[Reading, Recording]:
        """See another at `feature` `[*B]` that does `action` int64 `[*B]`; to rescue it costs `effort` `[*B]` (share of
        the effort cells). Nothing is learned."""
        drive = self._cue(feature, action)
        drive["effort"] = recruit(effort, self.cells) * EFFORT
        drive["dopamine"] = self._tonic(feature)
        wanted = tuple(dict.fromkeys((*READ, *probes)))
        rest = self._met(state)
        _, seen = self.circuit.run(rest, drive, None, gates, steps=self.ticks, learning=False, probes=wanted)
        return self.read(seen), seen

    def read(self, seen: Recording) -> Reading:
        """What the spikes of one look say."""
        volleys = (seen["episode.spikes"].sum(-1) > 0).sum(-1)
        outcome = seen["outcome.spikes"].sum(-2)
        choice = torch.stack([seen[f"{name}.spikes"].sum((-2, -1)) for name in ("rescue", "advance")], -1)
        return Reading(
            value=seen["cost.spikes"].sum((-2, -1)) / (volleys.clamp(min=1) * -self.cells),
            held=outcome[..., GROUP:].sum(-1) - outcome[..., :GROUP].sum(-1),
            rescued=choice[..., 0] > choice[..., 1],
            choice=choice,
            recalled=seen["episode.spikes"].sum(-2),
        )


def _group(index: Tensor) -> Tensor:
    """Drive `[*B, 2 GROUP]` of the cells of one of two groups, int64 `[*B]`."""
    cells = torch.arange(2 * GROUP, device=index.device) // GROUP
    return (index[..., None] == cells).to(torch.float32)


EXAMPLES = (SelfExperience(), SelfExperience(fields=24, episodes=12, cells=10, voters=6, stretch=16, ticks=70, dt=1.0))
