"""Mirror self-recognition: which of K identical images in a mirror moves as commanded, or none of them?

    vpmc -> ipl_m -(STDP)-> ipl_v -> insula <- sts        sts -> ipl_v
    dw_ij = rate r_i (z_j - depression)                   (`PreTraceSTDP`, while babbling)
    evidence_k = number of actions in which an insula cell of image k fired
    self = argmax_k evidence_k if it is unique and evidence_k >= criterion, else none

A command (ventral premotor cortex) reaches motor IPL as an efference copy. The moving images reach STS later, one group
of angle cells for each image, and from there visual IPL, where all images arrive together and nothing tells which is
the own one. Babbling before the mirror ties motor to visual IPL: the own image follows every command, those of others
only by chance. Acetylcholine, high while babbling, keeps these synapses from driving what they learn. In the test it
is low, and the efference copy fires the visual cells that it predicts. An insula cell gets the prediction of its angle
as a slow current and its image at that angle as a fast one; each alone is below threshold, both fire it. The body
pauses between movements until every trace is gone: the circuit is at rest.

Window. A pairing with gap g ms and hit rate p strengthens a synapse where p exp(-g/tau) > `contrast`, which is the
depression by one presynaptic spike in a movement of 64 ms; a longer one, for a longer delay, depresses more. Whether it
reaches threshold depends on `rounds` too. The other images together hit an angle with p = 1 - (1 - 1/n)^(K-1): where
that comes near (K > 4 with n = 5, K > 2 with n = 3), chance is learned, several angles are predicted, and the criterion
below is too low. A `contrast` of exp(-14/tau) (1 + p)/2 mends it, and shortens the delay that can be bridged.

Criterion. An image that is not the own one meets the prediction of one angle among n by chance: in Y ~ Bin(m, 1/n) of m
actions. The largest of K such counts reaches c with probability 1 - P(Y < c)^K; `criterion` is the smallest c for which
this is at most `alpha`. Equal best images count as none: nothing singles one out.

Neurons are Izhikevich's with the constants of the source (a 0.02, b 0.2, c -65, d 6, peak 30), in units of its input
amplitude, 20: with v = 20 x, u = 20 y, I = 20 J,  dx/dt = 0.8 x^2 + 5 x + 7 - y + J. They start at rest (its released
program: u = 0), and predictions are read from spikes (there: from u).

"Self" means this choice among images and nothing else: identification by contingency; no awareness is claimed.

Zeng, Zhao, Bai, Xu (2018) Cogn. Comput. 10:307 (architecture, neurons). doi:10.1007/s12559-017-9505-1;
Hasselmo (2006) Curr. Opin. Neurobiol. 16:710 (acetylcholine). doi:10.1016/j.conb.2006.09.002;
Sejnowski (1977) J. Math. Biol. 4:303 (depression). doi:10.1007/BF00275079
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.coding import choose, place
from bisnn.gates import NO_GATES, Gates
from bisnn.initialisers import Blocks, OneToOne
from bisnn.modulators import Acetylcholine
from bisnn.modulators.acetylcholine import enabling, suppression
from bisnn.neurons import Izhikevich
from bisnn.parameters import below_one, counts, fraction, one_of, positive
from bisnn.plasticity import PreTraceSTDP
from bisnn.recording import Probe, Recording
from bisnn.synapses import Exponential

TRANSFORMS = ("identity", "reflect", "rotate")
"""What a mirror does to angle a of n: a; n - 1 - a; a + 1 (mod n)."""
LEARNED = "ipl_m->ipl_v"
"""The projection that learns."""
VISION = "vision"
"""The sense that `shuffle` replaces while babbling: the own image of another, randomly drawn movement."""
UNIT = 20.0
"""mV of one unit of potential, and current of one unit of drive: the input amplitude of the source."""
CELL = Izhikevich(
    a=0.02, b=0.2, c=-65.0 / UNIT, d=6.0 / UNIT, peak=30.0 / UNIT, square=0.04 * UNIT, constant=140 / UNIT
)
"""The neuron of all areas."""
STRONG, FIRES = 2.5, 0.76
"""Weight of a relay, as in the source: every spike fires its target; and the least weight that does so (8 ms later)."""
PREDICTED, SEEN = 0.08, 0.7
"""Into the insula: weight of a prediction (slow) and of an image (fast). One, or two predictions, fire nothing."""
PULSE, EFFERENCE, VISUAL, TAIL = 4, 5, 19, 24
"""Ticks: of drive, for one spike; from command to the efference copy in visual IPL; to vision there at delay 0; to the
end of a test movement at delay 0."""
LATENCY, DETOUR = 8, 8
"""Ticks by which vision lags the efference copy at delay 0; from STS to visual IPL: the insula compares first."""


def reaches(count: int, hit: float, least: int) -> float:
    """P(Y >= least) for Y ~ Bin(count, hit)."""
    return math.fsum(math.comb(count, y) * hit**y * (1.0 - hit) ** (count - y) for y in range(max(0, least), count + 1))


class Scene(NamedTuple):
    """What happens before the mirror in M movements."""

    command: Tensor  # int64 [*B, M] angle that the motor command asks for
    images: Tensor  # int64 [*B, M, K] angle that every image shows
    own: Tensor  # int64 [*B] which image is the own body


class Verdict(NamedTuple):
    """What an individual concludes from a test."""

    evidence: Tensor  # [*B, K] actions in which each image met the prediction
    chosen: Tensor  # int64 [*B] the image taken for the own body; -1: none
    forced: Tensor  # int64 [*B] the image with most evidence, ties decided by the individual's stream


@dataclass(frozen=True, kw_only=True)
class MirrorSelf:
    """The mirror test (module docstring). Raises `ConfigError` or `UnknownName` for a field that cannot be used."""

    bodies: int = 3
    """Bodies before the mirror, the own one among them: K."""
    angles: int = 5
    """Angles to which a body can move: n."""
    actions: int = 10
    """Movements of one test: m."""
    delay: int = 0
    """Ticks (ms) by which an image lags its body, beside the latency of vision."""
    motor_noise: float = 0.0
    """Probability that another angle than the commanded one is executed."""
    transform: str = "identity"
    """What the mirror does; one of `TRANSFORMS`."""
    rounds: int = 20
    """How often babbling visits every angle."""
    rate: float = 0.27
    """Learning rate under acetylcholine."""
    tau: float = -1.0 / math.log(0.99)
    """Time constant of the presynaptic trace, ms: that of the source, 0.99 per ms."""
    contrast: float = 0.5
    """Depression by one presynaptic spike, in pairings without gap: less contingency than this is unlearned."""
    bound: float = 2.0
    """Largest learned weight."""
    tau_hold: float = 100.0
    """Time constant of the current by which the insula holds a prediction (NMDA), ms."""
    alpha: float = 0.05
    """Probability with which chance alone may pass the criterion in a test."""
    backend: str = "torch"
    """Backend of the circuit."""

    def __post_init__(self) -> None:
        counts(self, "bodies", "actions", "rounds")
        counts(self, "angles", least=2)
        counts(self, "delay", least=0)
        fraction(self, "motor_noise")
        positive(self, "rate", "tau", "bound", "tau_hold")
        below_one(self, "contrast", "alpha")
        one_of(self, "transform", TRANSFORMS)

    @property
    def movement(self) -> int:
        """Ticks of one movement while babbling."""
        return max(64, self.delay + VISUAL + 1)

    @property
    def depression(self) -> float:
        """Depression of the rule, spikes per tick: `contrast` over the trace of one spike in 64 ticks."""
        return self.contrast / self._trace(0, 64 - EFFERENCE)

    def _trace(self, first: int, past: int) -> float:
        """The trace of one spike, in sum over ticks after it."""
        return math.fsum(math.exp(-tick / self.tau) for tick in range(first, past))

    @property
    def expected_weight(self) -> float:
        """Theory: weight from a command to the angle that its own image shows, after babbling without motor noise."""
        gap, weight = self.delay + VISUAL - EFFERENCE, 0.0
        loss, gain = self.rate * self.depression, self.rate * self._trace(gap, gap + 1)
        before, after = loss * self._trace(0, gap), loss * self._trace(gap, self.movement - EFFERENCE)
        for _ in range(self.rounds):
            weight = max(0.0, min(self.bound, max(0.0, weight - before) + gain) - after)
        return weight

    @cached_property
    def circuit(self) -> Circuit:
        """vpmc -> ipl_m -> ipl_v (learned) -> insula; sts -> ipl_v, insula."""
        n, every = self.angles, range(self.bodies * self.angles)
        seen = Blocks(tuple(((i, i + 1), (i % n, i % n + 1), STRONG) for i in every))
        predicted = Blocks(tuple(((i % n, i % n + 1), (i, i + 1), PREDICTED) for i in every))
        sizes = {"vpmc": n, "ipl_m": n, "sts": len(every), "ipl_v": n, "insula": len(every)}
        rule = PreTraceSTDP(rate=self.rate / (1.0 + 9.0), tau=self.tau, depression=self.depression)
        return Circuit(
            areas={name: Area(n=size, neuron=CELL) for name, size in sizes.items()},
            projections=(
                Projection(source="vpmc", target="ipl_m", weight=OneToOne(STRONG)),
                Projection(
                    source="ipl_m",
                    target="ipl_v",
                    rule=rule,
                    bounds=(0.0, self.bound),
                    receptors=(suppression(1.0),),
                    plasticity_receptors=(enabling(9.0),),
                ),
                Projection(source="sts", target="ipl_v", weight=seen, delay=DETOUR),
                Projection(source="ipl_v", target="insula", weight=predicted, filter=Exponential(tau=self.tau_hold)),
                Projection(source="sts", target="insula", weight=OneToOne(SEEN)),
            ),
            modulators={"acetylcholine": Acetylcholine(tau=0.0)},
            backend=self.backend,
        )

    def init(self, key: Tensor) -> CircuitState:
        """An individual that predicts nothing yet, for `key` int64 `[*B]`."""
        return self.circuit.init(key)

    def mirrored(self, angle: Tensor) -> Tensor:
        """The angle that the mirror shows of an executed one, int64."""
        shown = {"identity": angle, "reflect": self.angles - 1 - angle, "rotate": (angle + 1) % self.angles}
        return shown[self.transform]

    def babbling(self, key: Tensor, gates: Gates = NO_GATES) -> Scene:
        """What individuals `key` int64 `[*B]` do and see while babbling: `rounds` rounds of every angle in random
        order, the own image following each movement. Where `vision` is shuffled, it shows them in another order."""
        n, total = self.angles, self.rounds * self.angles
        order = rng.uniform(key, "mirror/babble/command", 0, total).unflatten(-1, (self.rounds, n))
        command = order.argsort(dim=-1, stable=True).flatten(-2)
        own = self.mirrored(self._executed(key, "mirror/babble", 0, command))
        moment = rng.uniform(key, "mirror/babble/moment", 0, total).argsort(dim=-1, stable=True)
        return self._scene(key, "mirror/babble", 0, command, gates.shuffled(VISION, own, own.gather(-1, moment)))

    def test(self, key: Tensor, trial: Tensor | int, contingency: Tensor) -> Scene:
        """What individuals `key` int64 `[*B]` do and see in test `trial` (int64 `[*B]`), their own image following the
        movement with probability `contingency` `[*B]`, else moving by chance. The draws depend on the trial alone, so
        tests of different contingency are paired."""
        names = [f"mirror/test/{name}" for name in ("command", "follow", "free")]
        command, follow, free = rng.uniforms(key, trial, dict.fromkeys(names, self.actions)).values()
        command = self._angle(command)
        shown = self.mirrored(self._executed(key, "mirror/test", trial, command))
        own = torch.where(follow < contingency[..., None], shown, self._angle(free))
        return self._scene(key, "mirror/test", trial, command, own)

    def _angle(self, draw: Tensor) -> Tensor:
        """A uniform draw in [0, 1) as an angle, int64."""
        return (draw * self.angles).to(torch.int64)

    def _executed(self, key: Tensor, stream: str, step: Tensor | int, command: Tensor) -> Tensor:
        """The executed angles: the commanded ones, or (`motor_noise`) another."""
        count = command.shape[-1]
        drawn = rng.uniforms(key, step, {f"{stream}/slip": count, f"{stream}/slipped": count})
        other = (command + 1 + (drawn[f"{stream}/slipped"] * (self.angles - 1)).to(torch.int64)) % self.angles
        return torch.where(drawn[f"{stream}/slip"] < self.motor_noise, other, command)

    def _scene(self, key: Tensor, stream: str, step: Tensor | int, command: Tensor, own: Tensor) -> Scene:
        """The scene with the other bodies, which move by chance, and the own image at a random place among them."""
        count, k = command.shape[-1], self.bodies
        drawn = rng.uniforms(key, step, {f"{stream}/place": 1, f"{stream}/others": count * k})
        where = (drawn[f"{stream}/place"][..., 0] * k).to(torch.int64)
        free = self._angle(drawn[f"{stream}/others"]).unflatten(-1, (count, k))
        return Scene(command, torch.where(place(where, k)[..., None, :] > 0, own[..., None], free), where)

    def _drive(self, command: Tensor, images: Tensor, ticks: int) -> dict[str, Tensor]:
        """Drive of one movement `[*B, ticks, n]`: a pulse for the command `[*B]`, then one for the images `[*B, K]`."""
        tick = torch.arange(ticks, device=command.device)[:, None]
        late = tick - self.delay - LATENCY
        seen = place(images, self.angles).flatten(-2)
        return {
            "vpmc": place(command, self.angles)[..., None, :] * (tick < PULSE),
            "sts": seen[..., None, :] * ((late >= 0) & (late < PULSE)),
        }

    def babble(self, state: CircuitState, scene: Scene, gates: Gates = NO_GATES) -> CircuitState:
        """Learn from a scene, movement by movement, acetylcholine high; the state after it, at rest."""
        release = {"acetylcholine": torch.ones(*scene.own.shape, self.movement, device=scene.own.device)}
        for command, images in zip(scene.command.unbind(-1), scene.images.unbind(-2), strict=True):
            drive = self._drive(command, images, self.movement)
            state, _ = self.circuit.run(self.circuit.rest(state), drive, release, gates, steps=self.movement)
        return self.circuit.rest(state)

    def look(
        self, weight: Tensor, key: Tensor, scene: Scene, gates: Gates = NO_GATES, areas: tuple[str, ...] = ("insula",)
    ) -> tuple[Tensor, list[Recording]]:
        """Act before the mirror with learned weights `[*B, n, n]`, acetylcholine low and nothing learned: which images
        met the prediction, 0 or 1 `[*B, m, K]`, and the spikes of `areas`, the insula among them, in every movement."""
        state, ticks = self.circuit.init(key), self.delay + TAIL
        state = state._replace(weights={**state.weights, LEARNED: weight})
        used, probes, met, seen = self.circuit.used_weights(state, gates), tuple(map(Probe, areas)), [], []
        for command, images in zip(scene.command.unbind(-1), scene.images.unbind(-2), strict=True):
            drive = self._drive(command, images, ticks)
            _, found = self.circuit.run(state, drive, {}, gates, steps=ticks, learning=False, probes=probes, used=used)
            fired = found["insula.spikes"].sum(-2).unflatten(-1, (self.bodies, self.angles)).sum(-1)
            met.append((fired > 0).to(torch.float32))
            seen.append(found)
        return torch.stack(met, -2), seen

    def judge(self, key: Tensor, trial: Tensor | int, evidence: Tensor) -> Verdict:
        """Which image is the own body, from `evidence` `[*B, K]`; `key` and `trial` as in `test`."""
        best = evidence.amax(-1, keepdim=True)
        unique = (evidence == best).sum(-1) == 1
        sure = unique & (best[..., 0] >= self.criterion)
        ties = rng.uniform(key, "mirror/test/tie", trial, self.bodies)
        return Verdict(evidence, torch.where(sure, evidence.argmax(-1), -1), choose(evidence, ties))

    def false_alarm(self, least: int) -> float:
        """1 - P(Y < least)^K: how often some image reaches this evidence by chance."""
        return 1.0 - (1.0 - reaches(self.actions, 1.0 / self.angles, least)) ** self.bodies

    @cached_property
    def criterion(self) -> int:
        """Least evidence for the own body (derivation: module docstring); `actions` + 1 where no count is enough."""
        possible = (c for c in range(1, self.actions + 1) if self.false_alarm(c) <= self.alpha)
        return next(possible, self.actions + 1)


EXAMPLES = (MirrorSelf(), MirrorSelf(bodies=2, angles=4, actions=6, delay=5, transform="reflect", rounds=4))
