"""Normalised synapses: the sum they keep, exact in any order, and what bounds do to it."""

import pytest
import torch

from bisnn import rng
from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError
from bisnn.initialisers import Constant, FixedFan, Uniform
from bisnn.neurons import IF, LIF
from bisnn.plasticity import PreTraceSTDP

KEY = torch.arange(6).reshape(2, 3)
RELAY = IF()
DEAF = LIF(tau=10.0, threshold=1e9)
DRIVE = 0.6
"""Drive that makes RELAY spike."""


def pair(post=3, pre=4, neuron=DEAF, **synapse):
    """pre -> post with the given synapses, post deaf by default so that its potential shows the current."""
    return Circuit(
        areas={"pre": Area(n=pre, neuron=RELAY), "post": Area(n=post, neuron=neuron)},
        projections=(Projection(source="pre", target="post", delay=0, **synapse),),
    )


def firing(circuit, pattern, steps, key=KEY, probes=(), **options):
    """Runs with `pre` firing (1) or not (0) at each of the ticks `pattern`."""
    ticks = torch.tensor(pattern, dtype=torch.float32)
    drive = (ticks * DRIVE)[:, None].expand(*key.shape, len(pattern), circuit.areas["pre"].n)
    return circuit.run(circuit.init(key), {"pre": drive}, steps=steps, probes=probes, **options)


def test_normalised_synapses_keep_their_sum():
    circuit = pair(
        pre=20,
        post=6,
        weight=Uniform(0.1, 0.9),
        rule=PreTraceSTDP(rate=0.02),
        bounds=(0.0, 4.0),
        normalise=3.0,
        neuron=RELAY,
    )
    first = circuit.init(KEY).weights["pre->post"]
    drive = {"pre": (rng.uniform(KEY, "which", 0, 20) < 0.4).float() * DRIVE, "post": torch.full((2, 3, 6), 0.2)}
    state, _ = circuit.run(circuit.init(KEY), drive, steps=15)
    after = state.weights["pre->post"]
    for weight in (first, after):
        assert torch.allclose(weight.sum(-2), torch.tensor(3.0), atol=20 * 2.0**-12)
    assert float((after - first).abs().max()) > 0.05, "it has learned meanwhile"
    lazy = drive["pre"] == 0
    assert bool((after[lazy] <= first[lazy]).all()), "what others gain, the silent lose"


def test_normalisation_is_off_unless_asked_for():
    assert Projection(source="a", target="b").normalise is None
    with pytest.raises(ConfigError, match="normalise = 0"):
        pair(normalise=0.0)


def test_normalised_synapses_do_not_drift():
    circuit = pair(pre=500, post=2, weight=Constant(0.5), rule=PreTraceSTDP(rate=0.0), bounds=(0.0, 1.0), normalise=0.4)
    first = circuit.init(KEY)
    state, _ = firing(circuit, [1] * 30, 30)
    assert torch.allclose(state.weights["pre->post"].sum(-2), torch.tensor(0.4), rtol=1e-5)
    moved = (state.weights["pre->post"] - first.weights["pre->post"]).abs().max()
    assert float(moved) <= 2.0**-29, "without learning nothing moves, but for rounding"
    with pytest.raises(ConfigError, match="leaves weights below the grid"):
        pair(pre=500, weight=Constant(0.5), normalise=0.1).init(KEY)
    single = Circuit(
        areas={"pre": Area(n=8, neuron=RELAY), "post": Area(n=5, neuron=RELAY)},
        projections=(
            Projection(
                source="pre",
                target="post",
                weight=Uniform(0.1, 1.0),
                mask=FixedFan(1, of="in"),
                rule=PreTraceSTDP(),
                normalise=1.0,
            ),
        ),
    )
    assert torch.allclose(single.init(torch.arange(50)).weights["pre->post"].sum(-2), torch.tensor(1.0), rtol=1e-6)


def test_normalisation_goes_as_far_as_the_bounds_allow():
    rule = PreTraceSTDP(rate=0.3)
    circuit = pair(pre=4, post=1, weight=Constant(0.5), rule=rule, bounds=(0.0, 0.8), normalise=2.0, neuron=RELAY)
    drive = {"pre": torch.tensor([DRIVE, DRIVE, 0.0, 0.0]).expand(2, 3, 4), "post": torch.full((2, 3, 1), DRIVE)}
    state, _ = circuit.run(circuit.init(KEY), drive, steps=40)
    weight = state.weights["pre->post"][0, 0, :, 0]
    assert float(weight.max()) <= 0.8
    assert weight[:2].tolist() == pytest.approx([0.8, 0.8], abs=1e-3)
    assert float(weight.sum()) == pytest.approx(2.0, rel=1e-3), "the others keep what the bounds leave"
