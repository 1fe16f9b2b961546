"""Stochastic neurons and rules that read their target: streams by seed and name, `torch.equal` alone and in a batch."""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import pytest
import torch

from bisnn import rng, tree
from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES
from bisnn.initialisers import FixedFan, Uniform
from bisnn.interventions import INTACT, Ablation, Targets, compile_gates
from bisnn.modulators import Dopamine
from bisnn.neurons import IF, LIF
from bisnn.plasticity import RSTDP
from bisnn.receptors import Receptor
from bisnn.recording import Probe
from bisnn.spatial import Distance
from bisnn.synapses import Exponential

KEY = torch.arange(6).reshape(2, 3)
RELAY = IF()


class CoinState(NamedTuple):
    """State of `Coin`."""

    expected: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class Coin:
    """Spikes with the probability of its current."""

    stochastic: ClassVar[bool] = True

    def init(self, shape, like):
        return CoinState(expected=torch.zeros(shape, device=like.device, dtype=like.dtype))

    def step(self, state, current, dt, noise):
        return (noise < current).to(current.dtype), CoinState(expected=current)


@dataclass(frozen=True, kw_only=True)
class Surprise:
    """dw = pre (post - expected)."""

    reads: ClassVar[tuple[str, ...]] = ("expected",)
    modulator: str | None = None

    def init(self, weight):
        return CoinState(expected=weight[..., 0, :] * 0.0)

    def step(self, trace, weight, pre, post, level, dt, expected):
        return pre[..., :, None] * (post - expected)[..., None, :], CoinState(expected=expected)


def gamblers(extra=False):
    lonely = {"lonely": Area(n=7, neuron=Coin())} if extra else {}
    return Circuit(
        areas={**lonely, "pre": Area(n=3, neuron=Coin()), "post": Area(n=2, neuron=Coin())},
        projections=(
            Projection(
                source="pre", target="post", weight=Uniform(0.0, 0.2), rule=Surprise(), bounds=(-9.0, 9.0), delay=0
            ),
        ),
    )


PROBES = (Probe("pre"), Probe("post"), Probe("post", "expected"), Probe("pre->post", "weight"))


def gamble(circuit, key, steps=200, cuts=1):
    state, parts = circuit.init(key), []
    for _ in range(cuts):
        drive = {"pre": torch.full((*key.shape, 3), 0.5)}
        state, seen = circuit.run(state, drive, steps=steps // cuts, probes=PROBES)
        parts.append(seen)
    return state, {name: torch.cat([part[name] for part in parts], dim=key.dim()) for name in parts[0]}


def test_noise_is_own_named_and_endless():
    state, seen = gamble(gamblers(), KEY)
    rate = float(seen["pre.spikes"].mean())
    assert rate == pytest.approx(0.5, abs=4.5 * 0.5 / math.sqrt(6 * 200 * 3))
    assert state.clock.tick.tolist() == [[200] * 3] * 2
    for i, j in ((0, 0), (1, 2)):
        alone, mine = gamble(gamblers(), KEY[i, j])
        assert all(torch.equal(seen[name][i, j], mine[name]) for name in seen), "alone as in a batch"
        assert torch.equal(alone.weights["pre->post"], state.weights["pre->post"][i, j])
    for other in (gamble(gamblers(extra=True), KEY), gamble(gamblers(), KEY, cuts=8)):
        assert all(torch.equal(seen[name], other[1][name]) for name in seen), "whatever else fires, however it is cut"
    assert not torch.equal(seen["pre.spikes"][0, 0], seen["pre.spikes"][0, 1])
    assert not torch.equal(seen["pre.spikes"][..., :100, :], seen["pre.spikes"][..., 100:, :])
    first = rng.uniform(KEY, "pre/spikes", 7, 3) < 0.5
    assert torch.equal(seen["pre.spikes"][:, :, 7] > 0, first)


def test_blocks_of_noise_change_no_bit(monkeypatch):
    from bisnn.simulation import Noise

    _, seen = gamble(gamblers(), KEY, steps=50)
    monkeypatch.setattr(Noise, "BLOCK", 1)
    _, other = gamble(gamblers(), KEY, steps=50)
    assert all(torch.equal(seen[name], other[name]) for name in seen)


def test_rest_does_not_turn_back_the_noise():
    circuit = gamblers()
    drive = {"pre": torch.full((2, 3, 3), 0.5)}
    state, seen = circuit.run(circuit.init(KEY), drive, steps=40, rest_every=20, probes=(Probe("pre"),))
    assert not torch.equal(seen["pre.spikes"][..., :20, :], seen["pre.spikes"][..., 20:, :])
    assert torch.equal(circuit.rest(state).clock.tick, state.clock.tick)


def test_a_rule_reads_its_target():
    _, seen = gamble(gamblers(), KEY, steps=30)
    pre, post, expected = (seen[name] for name in ("pre.spikes", "post.spikes", "post.expected"))
    first = gamblers().init(KEY).weights["pre->post"]
    change = pre[..., :, None] * (post - expected)[..., None, :]
    total = first
    for tick in range(30):
        total = total + change[:, :, tick]
        assert torch.equal(total, seen["pre->post.weight"][:, :, tick])


def test_a_rule_reads_what_is_there():
    with pytest.raises(ConfigError, match=r"rule of 'pre->post' reads 'expected' of its target, whose neurons have v"):
        Circuit(
            areas={"pre": Area(n=1, neuron=RELAY), "post": Area(n=1, neuron=RELAY)},
            projections=(Projection(source="pre", target="post", rule=Surprise()),),
        )


def test_everything_at_once_alone_as_in_a_batch():
    circuit = Circuit(
        areas={
            "pre": Area(n=9, neuron=Coin(), sign="excitatory"),
            "post": Area(n=5, neuron=LIF(tau=5.0), receptors=(Receptor(modulator="dopamine", gain=0.7),)),
        },
        projections=(
            Projection(
                source="pre",
                target="post",
                weight=Uniform(0.2, 0.9),
                mask=FixedFan(3),
                filter=Exponential(tau=3.0),
                rule=RSTDP(rate=0.2),
                bounds=(0.0, 2.0),
                normalise=1.6,
                delay=2,
            ),
            Projection(
                source="post", target="pre", weight=Distance(peak=-0.3, length=0.5), filter=Exponential(tau=2.0)
            ),
        ),
        modulators={"dopamine": Dopamine(tau=20.0)},
    )
    release = rng.uniform(KEY, "reward", 0, 60) - 0.3

    def life(key, reward):
        drive = {"pre": torch.full((*key.shape, 9), 0.5)}
        return circuit.run(circuit.init(key), drive, {"dopamine": reward}, NO_GATES, steps=60)[0]

    together = life(KEY, release)
    assert float((together.weights["pre->post"] - circuit.init(KEY).weights["pre->post"]).abs().max()) > 0.01
    for i in range(2):
        for j in range(3):
            alone = life(KEY[i, j], release[i, j])
            mine = dict(tree.leaves(tree.map(lambda leaf, i=i, j=j: leaf[i, j], together)))
            assert len(mine) > 12
            for name, leaf in tree.leaves(alone):
                assert torch.equal(leaf, mine[name]), name


def test_a_silenced_cell_is_expected_to_be_silent():
    arms = (INTACT, Ablation(name="lesion", silence=("post",)))
    circuit = gamblers()
    gates = compile_gates(arms, torch.tensor([0, 1]), torch.arange(2), Targets.of([circuit]))
    first = circuit.init(torch.arange(2))
    state, _ = circuit.run(first, {"pre": torch.full((2, 3), 0.5)}, None, gates, steps=60)
    assert not torch.equal(state.weights["pre->post"][0], first.weights["pre->post"][0])
    assert torch.equal(state.weights["pre->post"][1], first.weights["pre->post"][1]), "no surprise, no learning"
