"""Synapses: masks, signs, filters, normalisation, spatial and sparse initialisers.

References: hand-computed currents and weights (exact), closed forms of the docstrings (1e-12 in float64), and
`torch.equal` where an individual alone is compared with itself in a batch.
"""

import math

import pytest
import torch

from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError, ShapeMismatch, UnknownName
from bisnn.initialisers import Bernoulli, Blocks, Constant, FixedFan, OneToOne, Uniform
from bisnn.neurons import IF, LIF
from bisnn.plasticity import RSTDP, PreTraceSTDP
from bisnn.recording import Probe
from bisnn.spatial import Distance, DistanceBernoulli
from bisnn.synapses import Exponential

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


# ------------------------------------------------------------ masks


def test_a_masked_synapse_neither_carries_nor_learns():
    circuit = pair(
        weight=Uniform(0.2, 0.9), mask=Bernoulli(0.5), rule=PreTraceSTDP(rate=0.05), bounds=(0.1, 4.0), neuron=RELAY
    )
    state, _ = firing(circuit, [1] * 12, 12)
    first, mask = circuit.init(KEY), state.masks["pre->post"]
    assert 0.2 < float(mask.mean()) < 0.8
    assert not bool(first.weights["pre->post"][mask == 0].any())
    assert bool((first.weights["pre->post"][mask == 1] >= 0.2).all())
    assert not bool(state.weights["pre->post"][mask == 0].any()), "not even up to the lower bound"
    grown = (state.weights["pre->post"] > first.weights["pre->post"]) | (mask == 0)
    assert bool(grown.all()), "every synapse that exists has learned"
    assert not torch.equal(mask[0, 0], mask[0, 1]), "every individual has its own"


def test_a_mask_is_zeros_and_ones():
    with pytest.raises(ConfigError, match=r"mask of projection 'pre->post' holds other values than 0 and 1"):
        pair(mask=Uniform(0.0, 1.0)).init(KEY)


def test_one_to_one_learns_on_its_diagonal_alone():
    circuit = pair(
        pre=3, weight=OneToOne(0.7), mask=OneToOne(1.0), rule=PreTraceSTDP(rate=0.1), bounds=(0.0, 2.0), neuron=RELAY
    )
    state, _ = firing(circuit, [1] * 5, 5)
    weight = state.weights["pre->post"][0, 0]
    assert bool((weight.diagonal() > 0.7).all())
    assert not bool((weight - torch.diag(weight.diagonal())).any())


def test_a_shared_mask_of_shared_weights_stays_one_matrix():
    weight = pair(weight=Constant(0.5), mask=Blocks((((0, 2), (0, 1), 1.0),))).init(KEY).weights["pre->post"]
    assert weight.stride()[:2] == (0, 0)
    assert weight[1, 2].tolist() == [[0.5, 0, 0], [0.5, 0, 0], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("of", ["out", "in"])
@pytest.mark.parametrize("loops", [True, False])
def test_fixed_fan_has_exactly_as_many_synapses(of, loops):
    weight = FixedFan(3, value=0.25, of=of, loops=loops).weights(KEY, "a->a", 12, 12)
    assert set(weight.unique().tolist()) == {0.0, 0.25}
    counts = (weight > 0).sum(-1 if of == "out" else -2)
    assert bool((counts == 3).all())
    diagonal = weight.diagonal(dim1=-2, dim2=-1)
    assert bool(diagonal.any()) == loops
    assert torch.equal(FixedFan(3, value=0.25, of=of, loops=loops).weights(KEY[1, 2], "a->a", 12, 12), weight[1, 2])


def test_fixed_fan_draws_every_target_alike():
    weight = FixedFan(5).weights(torch.arange(400), "a->b", 10, 20)
    share = weight.mean((0, 1))
    assert float((share - 0.25).abs().max()) < 4.5 * math.sqrt(0.25 * 0.75 / 4000)


def test_fans_that_cannot_be():
    with pytest.raises(ShapeMismatch, match=r"'a->a': 12 synapses a cell, but only 11 cells"):
        FixedFan(12, loops=False).weights(KEY, "a->a", 12, 12)
    for count in (-1, 1.5):
        with pytest.raises(ConfigError, match=f"FixedFan: count is {count}; give a whole number"):
            FixedFan(count)
    with pytest.raises(UnknownName, match="in, out"):
        FixedFan(2, of="inwards")
    with pytest.raises(ConfigError, match="probability"):
        Bernoulli(1.5)


def test_bernoulli_has_its_probability():
    weight = Bernoulli(0.3, value=-0.5).weights(torch.arange(50), "a->b", 20, 20)
    assert set(weight.unique().tolist()) == {0.0, -0.5}
    assert float((weight != 0).double().mean()) == pytest.approx(0.3, abs=4.5 * math.sqrt(0.21 / 20000))


# ------------------------------------------------------------ Dale's law


def test_signs_hold_through_learning():
    for sign, first, rate, low, high in (("excitatory", 0.3, -1.0, 0.0, 2.0), ("inhibitory", -0.3, 1.0, -2.0, 0.0)):
        circuit = Circuit(
            areas={"pre": Area(n=4, neuron=RELAY, sign=sign), "post": Area(n=3, neuron=RELAY)},
            projections=(
                Projection(
                    source="pre",
                    target="post",
                    weight=Constant(first),
                    rule=PreTraceSTDP(rate=rate),
                    bounds=(-2.0, 2.0),
                    delay=0,
                ),
            ),
        )
        drive = {"pre": torch.full((2, 3, 4), DRIVE), "post": torch.full((2, 3, 3), 3.0)}
        state, _ = circuit.run(circuit.init(KEY), drive, steps=10)
        weight = state.weights["pre->post"]
        assert bool((weight == 0.0).all()), "driven to the other side, it stops at 0"
        assert circuit.wiring.bounds["pre->post"] == (low, high)


def test_signs_that_contradict_the_plan():
    def plan(sign, **synapse):
        return Circuit(
            areas={"pre": Area(n=2, neuron=RELAY, sign=sign), "post": Area(n=1, neuron=RELAY)},
            projections=(Projection(source="pre", target="post", **synapse),),
        )

    with pytest.raises(ConfigError, match=r"starts with weights that are not excitatory.*sign of the area to 'any'"):
        plan("excitatory", weight=Uniform(-0.1, 0.5)).init(KEY)
    with pytest.raises(ConfigError, match=r"starts with weights that are not inhibitory"):
        plan("inhibitory", weight=Constant(0.1)).init(KEY)
    with pytest.raises(
        ConfigError, match=r"no weight of the inhibitory area 'pre' lies within the bounds \(0.5, 1.0\)"
    ):
        plan("inhibitory", rule=RSTDP(modulator=None), bounds=(0.5, 1.0))
    with pytest.raises(ConfigError, match=r"no weight lies within the bounds \(1.0, 0.5\)"):
        plan("any", bounds=(1.0, 0.5))
    with pytest.raises(UnknownName, match="excitatory"):
        plan("excitatori")


# ------------------------------------------------------------ filters


@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_an_exponential_current_decays_as_it_says(dt):
    circuit = Circuit(
        areas={"pre": Area(n=1, neuron=IF(threshold=0.5 * dt)), "post": Area(n=1, neuron=DEAF)},
        projections=(
            Projection(source="pre", target="post", weight=Constant(0.5), filter=Exponential(tau=4.0), delay=0),
        ),
        dt=dt,
    )
    drive = torch.tensor([[1.0], [0.0], [0.0], [1.0], [0.0], [0.0], [0.0], [0.0]])[None] * DRIVE
    probes = (Probe("pre->post", "current"), Probe("pre"), Probe("post", "v"))
    state, seen = circuit.run(circuit.init(KEY[0, :1], torch.float64), {"pre": drive.double()}, steps=8, probes=probes)
    assert seen["pre.spikes"][0, :, 0].tolist() == [1, 0, 0, 1, 0, 0, 0, 0]
    keep, current, expected = math.exp(-dt / 4.0), 0.0, []
    for spike in (1, 0, 0, 1, 0, 0, 0, 0):
        current = current * keep + 0.5 * spike
        expected.append(current)
    assert seen["pre->post.current"][0, :, 0].tolist() == pytest.approx(expected, abs=1e-12)
    assert float(state.currents["pre->post"]) == pytest.approx(expected[-1], abs=1e-12)
    v, leak = 0.0, math.exp(-dt / 10.0)
    for given in expected:
        v = v * leak + given * (1.0 - leak)
    assert float(seen["post.v"][0, -1, 0]) == pytest.approx(v, abs=1e-12)
    assert not bool(circuit.rest(state).currents["pre->post"].any()), "rest empties the synapse"


def test_no_filter_is_one_tick():
    circuit = pair(pre=1, post=1, weight=Constant(0.5))
    _, seen = firing(circuit, [1, 0, 0], 3, probes=(Probe("post", "v"),), learning=False)
    leak = math.exp(-0.1)
    v = 0.5 * (1 - leak)
    assert seen["post.v"][0, 0, :, 0].tolist() == pytest.approx([v, v * leak, v * leak * leak], rel=1e-6)


def test_a_filter_needs_time():
    for tau in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ConfigError, match="Exponential: tau is"):
            Exponential(tau=tau)


# ------------------------------------------------------------ space


def test_weights_fall_with_distance():
    by = Distance(peak=2.0, length=0.2, shape_pre=(4, 5), shape_post=(2, 2))
    weight = by.weights(KEY, "a->b", 20, 4)[0, 0]
    for cell, target in ((0, 0), (7, 2), (19, 1), (13, 3)):
        y, x = (cell // 5 + 0.5) / 4, (cell % 5 + 0.5) / 5
        v, u = (target // 2 + 0.5) / 2, (target % 2 + 0.5) / 2
        d2 = (y - v) ** 2 + (x - u) ** 2
        assert float(weight[cell, target]) == pytest.approx(2.0 * math.exp(-d2 / (2 * 0.2**2)), rel=1e-6)
    line = Distance(length=0.3, profile="exponential").weights(KEY, "a->b", 10, 10)[0, 0]
    assert float(line[0, 9]) == pytest.approx(math.exp(-0.9 / 0.3), rel=1e-6)
    ring = Distance(length=0.3, profile="exponential", periodic=True).weights(KEY, "a->b", 10, 10)[0, 0]
    assert float(ring[0, 9]) == pytest.approx(math.exp(-0.1 / 0.3), rel=1e-6)
    disc = Distance(length=0.25, profile="disc").weights(KEY, "a->b", 10, 10)[0, 0]
    assert disc[0].tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]


def test_near_cells_are_connected_more_often():
    mask = DistanceBernoulli(probability=0.8, by=Distance(length=0.3, profile="exponential"))
    drawn = mask.weights(torch.arange(3000), "a->b", 5, 5)
    share = drawn.mean(0)
    for pre in range(5):
        for post in range(5):
            chance = 0.8 * math.exp(-abs(pre - post) / 5 / 0.3)
            assert float(share[pre, post]) == pytest.approx(chance, abs=4.5 * math.sqrt(chance * (1 - chance) / 3000))


def test_grids_that_do_not_fit():
    with pytest.raises(ShapeMismatch, match=r"grid \[3, 3\] does not hold the 10 cells of the source"):
        pair(pre=10, weight=Distance(shape_pre=(3, 3))).init(KEY)
    with pytest.raises(ShapeMismatch, match="2 dimensions, that of the target 1"):
        pair(pre=9, weight=Distance(shape_pre=(3, 3))).init(KEY)
    with pytest.raises(ConfigError, match="length is 0"):
        Distance(length=0.0)
    with pytest.raises(UnknownName, match="Did you mean 'gaussian'"):
        Distance(profile="gauss")
    with pytest.raises(ConfigError, match="a fraction from 0 to 1"):
        DistanceBernoulli(probability=1.1)
