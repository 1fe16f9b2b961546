"""Receptors that scale areas and projections, and modulators that listen to an area: hand-computed (1e-12)."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch

from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError, UnknownName
from bisnn.initialisers import Constant
from bisnn.interventions import Ablation, Targets, compile_gates
from bisnn.modulators import Dopamine
from bisnn.neurons import IF, LIF
from bisnn.plasticity import PreTraceSTDP
from bisnn.receptors import Receptor
from bisnn.recording import Probe

RELAY = IF()
DEAF = LIF(tau=10.0, threshold=1e9)
DRIVE = 0.6
"""Drive that makes RELAY spike."""


def test_receptors_scale_what_they_sit_on():
    circuit = Circuit(
        areas={
            "pre": Area(n=2, neuron=RELAY),
            "post": Area(n=1, neuron=DEAF, receptors=(Receptor(modulator="dopamine", gain=0.5),)),
            "other": Area(n=1, neuron=DEAF),
        },
        projections=(
            Projection(source="pre", target="post", weight=Constant(1.0), delay=0),
            Projection(
                source="pre",
                target="other",
                weight=Constant(1.0),
                delay=0,
                rule=PreTraceSTDP(rate=0.1, tau=1e-3, depression=-1.0),
                bounds=(0.0, 9.0),
                receptors=(Receptor(modulator="dopamine", gain=-0.25),),
                plasticity_receptors=(Receptor(modulator="dopamine", gain=2.0, high=1.5),),
            ),
        ),
        modulators={"dopamine": Dopamine(tau=0.0)},
    )
    key = torch.arange(2)
    release = torch.tensor([[0.0, 1.0, 0.0], [0.0, -4.0, 0.0]], dtype=torch.float64)
    drive = torch.full((2, 2), DRIVE, dtype=torch.float64)
    probes = (Probe("post", "v"), Probe("other", "v"), Probe("pre->other", "weight"))
    _, seen = circuit.run(
        circuit.init(key, torch.float64), {"pre": drive}, {"dopamine": release}, steps=3, probes=probes
    )

    def potentials(currents):
        v, leak, found = 0.0, math.exp(-0.1), []
        for current in currents:
            v = v * leak + current * (1 - leak)
            found.append(v)
        return found

    assert seen["post.v"][0, :, 0].tolist() == pytest.approx(potentials([2, 2, 3]), abs=1e-12), "felt a tick later"
    assert seen["post.v"][1, :, 0].tolist() == pytest.approx(potentials([2, 2, 0]), abs=1e-12), "not below low"
    weights = [1.0, 1.1, 1.1 + 0.1 * 1.5, 1.1 + 0.1 * 1.5 + 0.1]
    assert seen["pre->other.weight"][0, :, 0, 0].tolist() == pytest.approx(weights[1:], abs=1e-12), "at once"
    grid = [round(w * 4096) / 4096 for w in weights]
    currents = [2 * grid[0], 2 * grid[1], 2 * grid[2] * 0.75]
    assert seen["other.v"][0, :, 0].tolist() == pytest.approx(potentials(currents), abs=1e-12)


def test_a_receptor_names_a_modulator_that_exists():
    with pytest.raises(UnknownName, match=r"no modulator 'dopamin'; modulators: dopamine\. Did you mean 'dopamine'"):
        Circuit(
            areas={"a": Area(n=1, neuron=RELAY, receptors=(Receptor(modulator="dopamin"),))},
            modulators={"dopamine": Dopamine()},
        )
    with pytest.raises(ConfigError, match="low 2 exceeds high 1"):
        Receptor(modulator="dopamine", low=2.0, high=1.0)
    with pytest.raises(ConfigError, match="finite"):
        Receptor(modulator="dopamine", gain=math.nan)


class HeardState(NamedTuple):
    """State of `Counter`."""

    count: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class Counter:
    """A modulator whose level is the number of spikes of an area in this tick."""

    source: str | None = None

    def init(self, like):
        return HeardState(count=torch.zeros_like(like))

    def step(self, state, release, dt, spikes):
        count = spikes.sum(-1)
        return count + release, HeardState(count=count)


def test_a_modulator_hears_its_area():
    for learning in (True, False):  # tick by tick, and swept
        circuit = Circuit(areas={"pre": Area(n=4, neuron=RELAY)}, modulators={"count": Counter(source="pre")})
        drive = torch.tensor([[0.6, 0.6, 0.0, 0.0], [0.6, 0.6, 0.6, 0.0]]).expand(3, 2, 4)
        _, seen = circuit.run(
            circuit.init(torch.arange(3)),
            {"pre": drive},
            {"count": torch.ones(3)},
            steps=2,
            probes=(Probe("count", "level"),),
            learning=learning,
        )
        assert seen["count.level"].tolist() == [[3.0, 3.0]] * 3, "two spikes and the release, then three"
    with pytest.raises(UnknownName, match="no area that modulator 'count' listens to 'pree'"):
        Circuit(areas={"pre": Area(n=4, neuron=RELAY)}, modulators={"count": Counter(source="pree")})


def test_a_tonic_level_is_felt_from_the_first_tick():
    circuit = Circuit(
        areas={"post": Area(n=1, neuron=DEAF, receptors=(Receptor(modulator="dopamine", gain=0.5),))},
        modulators={"dopamine": Dopamine(tau=20.0, tonic=0.6)},
    )
    state = circuit.init(torch.arange(2), torch.float64)
    assert state.levels["dopamine"].tolist() == pytest.approx([0.6, 0.6], abs=1e-12)
    drive = {"post": torch.ones(2, 1, dtype=torch.float64)}
    _, seen = circuit.run(state, drive, steps=1, probes=(Probe("post", "v"),))
    assert float(seen["post.v"][0, 0, 0]) == pytest.approx(1.3 * (1 - math.exp(-0.1)), abs=1e-12)


def test_a_clamp_is_felt_from_the_first_tick():
    circuit = Circuit(
        areas={"post": Area(n=1, neuron=DEAF, receptors=(Receptor(modulator="dopamine", gain=1.0),))},
        modulators={"dopamine": Dopamine(tau=20.0, tonic=1.0)},
    )
    gates = compile_gates(
        (Ablation(name="held", clamp={"dopamine": 0.0}),), torch.tensor([0]), torch.tensor([0]), Targets.of([circuit])
    )
    _, seen = circuit.run(circuit.init(torch.tensor([0])), {"post": torch.ones(1, 1)}, None, gates, steps=1,
                          probes=(Probe("post", "v"),))  # fmt: skip
    assert float(seen["post.v"]) == pytest.approx(1 - math.exp(-0.1), rel=1e-6)
