"""Whose hand is this? Proprioception and vision of one hand fuse in the anterior insula: the rubber-hand illusion.

A rate model, one unit for each position e = 0 ... n - 1 of the hand, and projections from each unit to its own:

    m1 -> s1 -> ai, tpj        proprioception: the hand as the body has it
    v -> eba -> ai, tpj        vision: the hand as it is seen
    tpj -> ai                  where the two meet

    m1, v     x_j = (1 - (1 - C)^k) exp(-(j - e)^2 / 2 sigma^2)        at step k of the sense's turn; else 0
    others    x <- [x - C (x - [tanh(sum_pre w F(x_pre) / 1000)]+)]+   in the order m1, v, s1, eba, tpj, ai: each sees
                                                                       this step's rates of those before it
    rate      F(x), Hz: spikes in 1000 ms of an Izhikevich neuron with the constant current round(1000 x)
    estimate  position of the unit of largest max_t F(x_ai); where several share it, of these of largest max_t x_ai

Proprioception has steps 1 to 101, vision the 101 steps from 101 + delay on; a trial lasts 300 + delay steps. s1->ai and
eba->ai learn in trials in which the hand is seen where it is. They start at 1; with rates in kHz, after every trial

    w_j <- w_j + L_j sum_t [-.0035 pre post + .35 pre (post - post_before) - .55 (pre - pre_before) post]
    L_j = tanh(L_before - 2 arccos(S_j) e^fired - 1) + 1,  L_before = 1;  S_j = 1 if max_t x_pre,j >= .7, else 0

where `fired` is 1 if any unit of the presynaptic area reached .7. Winners have L = 1. Losers have 8e-8, which is left
out: so a unit learns in the trials of its own position alone, and as units do not act on each other, these run side by
side. Where no unit wins, L = tanh(-pi) + 1 = .0037.

tpj saturates (weight 150): it holds every position that either sense touches, and fades slowly. The unit that it holds
longest wins, one that lies in the tails (2 units) of both senses; cutting s1->ai or eba->ai after learning leaves the
drift as it is, cutting either way into tpj ends it. Beyond 4 units the tails do not meet, and each sense has its own
peak; beyond the lag at which s1 and tpj have faded, the first one no longer adds to the second.

Zhao, Lu, Zeng (2023) Patterns 4:100888, doi:10.1016/j.patter.2023.100888, arXiv:2303.12259 (architecture, constants,
rule); Izhikevich (2003) doi:10.1109/TNN.2003.820440 (5 v + 140, one Euler step a ms, from v = -70, u = 0).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import elementary
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES, Gates, spikes_of
from bisnn.interventions import Targets
from bisnn.neurons import Izhikevich
from bisnn.parameters import below_one, counts, finite, positive

AREAS = ("m1", "s1", "v", "eba", "tpj", "ai")
"""Motor cortex, somatosensory cortex, visual cortex, extrastriate body area, temporoparietal junction, insula."""
PLASTIC = ("s1->ai", "eba->ai")
"""What learns."""
PROJECTIONS = ("m1->s1", "v->eba", "s1->tpj", "eba->tpj", *PLASTIC, "tpj->ai")
"""All projections; each from every unit to its own."""
SENSES = ("proprioception", "vision")
"""What can be shuffled."""
CURRENTS = 1000
"""Currents 0 ... 1000 at which the neuron's rate is known; also the ms for which it is simulated."""
LOSERS = math.tanh(-math.pi) + 1.0
"""Factor of learning where no unit wins."""
NEURON = Izhikevich(a=0.02, b=-0.1, c=-55.0, d=18.0, v_init=-70.0, u_init=0.0)
"""The neuron of every unit."""


@lru_cache(maxsize=8)
def firing_rates(device: str = "cpu") -> Tensor:
    """F at the currents 0, 1 ... 1000, in Hz: float64 `[1001]`, simulated once."""
    current = torch.arange(CURRENTS + 1, dtype=torch.float64)
    state, spikes = NEURON.init(current.shape, current), torch.zeros_like(current)
    for _ in range(CURRENTS):
        fired, state = NEURON.step(state, current, 1.0)
        spikes = spikes + fired
    return spikes.to(device)


@lru_cache(maxsize=32)
def squashed(scale: float, device: str) -> Tensor:
    """[tanh(scale F)]+ for the sum of two rates, F = 0, 1 ... 2000 Hz: float64 `[2001]`."""
    return elementary.tanh(torch.arange(2 * CURRENTS + 1).double() * scale).clamp(min=0.0).to(device)


class Learned(NamedTuple):
    """The weights that learn, float64."""

    s1: Tensor  # [*B, n] s1->ai
    eba: Tensor  # [*B, n] eba->ai


class Activity(NamedTuple):
    """What the areas do at one step; float64."""

    x: Mapping[str, Tensor]  # area -> [*B, n] activity
    rate: Mapping[str, Tensor]  # area -> [*B, n] firing rate, Hz


class Percept(NamedTuple):
    """What came of a trial."""

    estimate: Tensor  # [*B] where the hand is taken to be, units of the map; NaN where ai stayed silent
    peak: Tensor  # [*B, n] largest rate of ai, Hz
    trace: Mapping[str, Tensor]  # area -> [*B, T, n] rates, Hz; empty unless asked for


@dataclass(frozen=True, kw_only=True)
class HandOwnership:
    """The model (module docstring). Raises `ConfigError` for a map that has no centre, and for values out of range."""

    n: int = 9
    """Positions of the map; odd."""
    sigma: float = 1.0
    """Width of the tuning, units of the map."""
    c_sense: float = 0.04
    """C of the drive of m1 and v, per step."""
    c_early: float = 0.04
    """C of s1 and eba, per step."""
    c_tpj: float = 0.01
    """C of tpj, per step."""
    c_ai: float = 0.15
    """C of ai, per step."""
    to_tpj: float = 150.0
    """Weight of s1->tpj and eba->tpj."""
    tpj_to_ai: float = 1.0
    """Weight of tpj->ai."""
    rule: tuple[float, float, float] = (-0.0035, 0.35, -0.55)
    """Factors of pre post, of pre times the change of post, of the change of pre times post."""
    threshold: float = 0.7
    """Activity from which a unit of s1 or eba wins."""
    turn: int = 101
    """Steps for which each sense is driven."""
    onset: int = 101
    """Step at which vision begins without delay."""
    steps: int = 300
    """Steps of a trial without delay."""

    def __post_init__(self) -> None:
        counts(self, "n", "turn", "onset", "steps")
        positive(self, "sigma")
        below_one(self, "c_sense", "c_early", "c_tpj", "c_ai", "threshold")
        finite(self, "to_tpj", "tpj_to_ai")
        if self.n % 2 == 0:
            raise ConfigError(f"HandOwnership: n is {self.n}; a map has a centre where n is odd")
        if self.steps < self.onset + self.turn:
            raise ConfigError(f"HandOwnership: steps is {self.steps}; give at least {self.onset + self.turn}")

    @property
    def centre(self) -> int:
        """The unit in the middle of the map."""
        return self.n // 2

    @property
    def targets(self) -> Targets:
        """What ablations can name."""
        return Targets(
            areas=dict.fromkeys(AREAS, self.n), projections=PROJECTIONS, plastic=PLASTIC, releases=(), senses=SENSES
        )

    @cached_property
    def ramp(self) -> Tensor:
        """Strength of the drive at step k of a sense's turn, `[turn + 2]`: 0 before (k = 0) and after."""
        left, strength = 1.0, [0.0]
        for _ in range(self.turn):
            left *= 1.0 - self.c_sense
            strength.append(1.0 - left)
        return torch.tensor([*strength, 0.0], dtype=torch.float64)

    def init(self, key: Tensor) -> Learned:
        """The weights before learning, for individuals `key` int64 `[*B]`."""
        weight = torch.ones(*key.shape, self.n, dtype=torch.float64, device=key.device)
        return Learned(weight, weight)

    def rest(self, like: Tensor) -> Activity:
        """Silence, of the shape of `like` `[*B, n]`."""
        silent = dict.fromkeys(AREAS, torch.zeros_like(like))
        return Activity(silent, silent)

    def tuned(self, distance: Tensor) -> Tensor:
        """Response of units to a hand at this distance, of the same shape, float64."""
        return elementary.exp(distance.double() * distance.double() * (-0.5 / (self.sigma * self.sigma)))

    def step(self, before: Activity, drive: Mapping[str, Tensor], learned: Learned, gates: Gates) -> Activity:
        """One step with the drive of m1 and v `[*B, n]`."""
        device = str(drive["m1"].device)
        x: dict[str, Tensor] = {}
        rate: dict[str, Tensor] = {}

        def settle(area: str, value: Tensor) -> None:
            x[area] = value
            fired = firing_rates(device)[(value * CURRENTS).round().long().clamp(0, CURRENTS)]
            if spikes_of(area) in gates.keep:  # held at one spike per tick: the largest rate
                rate[area] = (gates.alive_only(area, fired / CURRENTS) * CURRENTS).round()
            else:
                rate[area] = gates.alive_only(area, fired)

        def through(source: str, target: str) -> Tensor:
            gain = gates.gain.get(f"{source}->{target}")
            return rate[source] if gain is None else rate[source] * gain[..., None]

        def follow(area: str, c: float, push: Tensor) -> None:
            settle(area, (before.x[area] - (before.x[area] - push) * c).clamp(min=0.0))

        def relay(area: str, c: float, weight: float, total: Tensor) -> None:
            scale, cut = weight / CURRENTS, any(name.endswith(f"->{area}") for name in gates.gain)
            push = elementary.tanh(total * scale).clamp(min=0.0) if cut else squashed(scale, device)[total.long()]
            follow(area, c, push)  # the table holds the same bits

        for area in ("m1", "v"):
            driven = gates.driven(area, drive[area])
            assert driven is not None
            settle(area, driven)
        relay("s1", self.c_early, 1.0, through("m1", "s1"))
        relay("eba", self.c_early, 1.0, through("v", "eba"))
        relay("tpj", self.c_tpj, self.to_tpj, through("s1", "tpj") + through("eba", "tpj"))
        total = through("s1", "ai") * learned.s1 + through("eba", "ai") * learned.eba
        total = total + through("tpj", "ai") * self.tpj_to_ai
        follow("ai", self.c_ai, elementary.tanh(total * (1.0 / CURRENTS)).clamp(min=0.0))
        return Activity(x, rate)

    def learn(self, learned: Learned, gates: Gates = NO_GATES) -> Learned:
        """One trial at every position, the hand seen where it is."""
        at_hand = torch.ones_like(learned.s1)
        zero, now = torch.zeros_like(at_hand), self.rest(at_hand)
        change, most = {"s1": zero, "eba": zero}, {"s1": zero, "eba": zero}
        on_time = torch.zeros((), dtype=torch.int64, device=at_hand.device)
        for t in range(1, self.steps + 1):
            before, now = now, self.step(now, self.drive(t, at_hand, at_hand, on_time), learned, gates)
            for area in change:
                change[area] = change[area] + self.increment(area, before, now)
                most[area] = torch.maximum(most[area], now.x[area])
        parts = ((area, weight, change[area], most[area]) for area, weight in learned._asdict().items())
        return Learned(*(self._applied(*part, gates) for part in parts))

    def increment(self, area: str, before: Activity, now: Activity) -> Tensor:
        """What the rule adds in one step, `[*B, n]`."""
        both, post_grew, pre_grew = self.rule
        pre, post = now.rate[area], now.rate["ai"]
        grown = pre * (post - before.rate["ai"]) * post_grew + (pre - before.rate[area]) * post * pre_grew
        return (pre * post * both + grown) * (1.0 / (CURRENTS * CURRENTS))

    def _applied(self, area: str, weight: Tensor, change: Tensor, most: Tensor, gates: Gates) -> Tensor:
        after = weight + torch.where(most >= self.threshold, change, change * LOSERS)
        plastic = gates.plastic.get(f"{area}->ai")
        return after if plastic is None else torch.where(plastic[..., None] == 0.0, weight, after)

    def drive(self, t: int, felt: Tensor, seen: Tensor, delay: Tensor) -> dict[str, Tensor]:
        """What reaches m1 and v at step t: tuned responses `[*B, n]` in the turns of the two senses."""
        ramp = self.ramp.to(felt.device)
        k = (t - self.onset + 1 - delay).clamp(0, self.turn + 1)
        return {"m1": felt * ramp[min(t, self.turn + 1)], "v": seen * ramp[k][..., None]}

    def perceive(
        self,
        learned: Learned,
        felt: Tensor,
        seen: Tensor,
        delay: Tensor,
        gates: Gates = NO_GATES,
        trace: bool = False,
        last: int = 0,
    ) -> Percept:
        """Where the hand is taken to be that is felt and seen at positions `felt` and `seen` `[*B]`, vision beginning
        `delay` int64 `[*B]` steps late (below 0: early). A trace goes on to step `last`. Raises `ConfigError` where
        vision would begin before the first step."""
        if int(delay.min()) < 1 - self.onset:
            raise ConfigError(f"vision is {-int(delay.min())} steps early; give a delay from {1 - self.onset}")
        unit = torch.arange(self.n, dtype=torch.float64, device=felt.device)
        drives = [self.tuned(unit - place.double()[..., None]) for place in (felt, seen)]
        now, peak = self.rest(drives[0]), torch.zeros_like(drives[0])
        height, end = peak, self.steps + delay.clamp(min=0)
        kept: dict[str, list[Tensor]] = {area: [] for area in AREAS if trace}
        for t in range(1, max(last, int(end.max())) + 1):
            now = self.step(now, self.drive(t, drives[0], drives[1], delay), learned, gates)
            running = (end >= t)[..., None]
            peak = torch.where(running, torch.maximum(peak, now.rate["ai"]), peak)
            height = torch.where(running, torch.maximum(height, now.x["ai"]), height)
            for area, rates in kept.items():
                rates.append(now.rate[area])
        if spikes_of("ai") in gates.keep:  # held: its rates tell nothing
            height = height * gates.keep[spikes_of("ai")][..., None]
        traces = {area: torch.stack(rates, dim=-2) for area, rates in kept.items()}
        return Percept(self.read(peak, height), peak, traces)

    def read(self, peak: Tensor, height: Tensor) -> Tensor:
        """The position that ai tells by its largest rates and activities `[*B, n]`, float32 `[*B]`: the mean position
        where units do not differ in either, NaN where none fires."""
        best = peak == peak.amax(-1, keepdim=True)
        heights = torch.where(best, height, -1.0)
        best = (heights == heights.amax(-1, keepdim=True)).long()
        place = (best * torch.arange(self.n, device=peak.device)).sum(-1).to(torch.float32) / best.sum(-1)
        return torch.where(peak.amax(-1) > 0.0, place, math.nan)


EXAMPLES = (HandOwnership(), HandOwnership(n=19))
