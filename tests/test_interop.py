"""SpikingJelly 2 beside bisnn: its nodes as areas, its learners as oracles.

Reference: SpikingJelly itself, doi:10.1126/sciadv.adi1480; spikes and memories bit for bit, weight changes 1e-6.
"""

import pytest
import torch
from spikingjelly.activation_based import functional, learning
from spikingjelly.activation_based import neuron as theirs
from torch import nn

from bisnn import rng, tree
from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError
from bisnn.initialisers import Uniform
from bisnn.interop.spikingjelly import SpikingJellyNeuron, mstdpet_oracle, stdp_oracle
from bisnn.neurons import IF, Neuron
from bisnn.plasticity import PreTraceSTDP
from bisnn.recording import Probe

NODES = {
    "if": lambda: theirs.IFNode(),
    "soft": lambda: theirs.IFNode(v_reset=None),
    "lif": lambda: theirs.LIFNode(tau=3.0, v_reset=-0.2),
    "plif": lambda: theirs.ParametricLIFNode(init_tau=4.0),
    "eif": lambda: theirs.EIFNode(),
    "qif": lambda: theirs.QIFNode(),
    "izhikevich": lambda: theirs.IzhikevichNode(),
    "simple": lambda: theirs.SimpleLIFNode(tau=2.0, decay_input=True),
}
KEY = torch.arange(8).reshape(2, 4)


def drive(key, ticks, n):
    return [rng.uniform(key, "drive", tick, n) * 3.0 for tick in range(ticks)]


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_node_as_neuron_is_the_node(name, dtype):
    ours, node = SpikingJellyNeuron(NODES[name]), NODES[name]()
    assert isinstance(ours, Neuron)
    state = ours.init((2, 4, 5), torch.zeros((), dtype=dtype))
    assert all(leaf.shape == (2, 4, 5) and leaf.dtype == dtype for leaf in state)
    fired = 0.0
    for current in drive(KEY, 40, 5):
        spikes, state = ours.step(state, current.to(dtype), 1.0)
        expected = node(current.to(dtype)).detach()
        assert torch.equal(spikes, expected)
        assert not spikes.requires_grad
        assert spikes.dtype == dtype
        for memory, value in node.named_memories():
            assert torch.equal(getattr(state, memory), value.detach())
        fired += float(spikes.mean())
    assert fired > 0


@pytest.mark.parametrize("name", NODES)
def test_a_step_is_pure_and_alone_as_in_a_batch(name):
    ours = SpikingJellyNeuron(NODES[name])
    state = ours.init((2, 4, 5), torch.zeros(()))
    mine = ours.init((5,), torch.zeros(()))
    for current in drive(KEY, 10, 5):
        before = tree.map(lambda leaf: leaf.clone(), state)
        spikes, after = ours.step(state, current, 1.0)
        again, repeated = ours.step(state, current, 1.0)
        assert torch.equal(spikes, again)
        assert all(torch.equal(a, b) for a, b in zip(after, repeated, strict=True))
        assert all(torch.equal(a, b) for a, b in zip(before, state, strict=True))
        alone, mine = ours.step(mine, current[1, 2], 1.0)
        assert torch.equal(spikes[1, 2], alone)
        state = after
    assert all(not isinstance(value, torch.Tensor) for _, value in ours.node.named_memories()), "the node keeps nothing"


def test_a_node_in_a_circuit():
    circuit = Circuit(
        areas={"in": Area(n=6, neuron=IF()), "jelly": Area(n=5, neuron=SpikingJellyNeuron(NODES["lif"]))},
        projections=(
            Projection(source="in", target="jelly", weight=Uniform(0.2, 1.5), rule=PreTraceSTDP(), bounds=(0.0, 2.0)),
        ),
    )
    assert circuit.fields("jelly") == ("spikes", "v")
    given = {"in": torch.stack(drive(KEY, 30, 6), dim=-2)}
    probes = (Probe("jelly"), Probe("jelly", "v"), Probe("in->jelly", "weight"))
    state, seen = circuit.run(circuit.init(KEY), given, steps=30, probes=probes)
    assert 0.05 < float(seen["jelly.spikes"].mean()) < 0.95
    one = {"in": given["in"][1, 3]}
    _, alone = circuit.run(circuit.init(KEY[1, 3]), one, steps=30, probes=probes)
    assert all(torch.equal(seen[name][1, 3], alone[name]) for name in seen)
    swept, _ = circuit.run(state, given, steps=30, learning=False)
    ticked = state
    for tick in range(30):
        ticked, _ = circuit.run(ticked, {"in": given["in"][..., tick, :]}, steps=1, learning=False)
    assert torch.equal(swept.neurons["jelly"].v, ticked.neurons["jelly"].v)


def test_what_cannot_be_a_neuron_is_refused():
    some = torch.zeros(3)
    lif = SpikingJellyNeuron(NODES["lif"])
    with pytest.raises(ConfigError, match="SpikingJelly counts time in ticks"):
        lif.step(lif.init((3,), some), some, 0.5)
    with pytest.raises(ConfigError, match="has no memories"):
        SpikingJellyNeuron(lambda: nn.Identity()).init((3,), some)
    with pytest.raises(ConfigError, match="step_mode='s'"):
        SpikingJellyNeuron(lambda: theirs.LIFNode(step_mode="m")).init((3,), some)


def trains(ticks, pre, post):
    noise = [rng.uniforms(KEY[0], tick, {"pre": pre, "post": post, "reward": 1}) for tick in range(ticks)]
    spikes = [torch.stack([(each[end] < 0.3).float() for each in noise]) for end in ("pre", "post")]
    return *spikes, torch.stack([each["reward"][..., 0] for each in noise]) - 0.5


def test_the_mstdpet_oracle_is_the_learner_of_spikingjelly():
    pre, post, reward = trains(40, 6, 3)
    weight = torch.zeros(4, 6, 3)
    oracle = mstdpet_oracle(pre, post, reward, weight, tau_pre=20.0, tau_post=15.0, tau_e=25.0, a_plus=1.0, a_minus=0.5)
    assert oracle.shape == (40, 4, 6, 3)
    assert not oracle[0].any(), "reward[t] acts on the eligibility up to t - 1"
    for k in range(4):
        layer, cells = nn.Linear(6, 3, bias=False), nn.Identity()
        learner = learning.MSTDPETLearner(
            step_mode="s", synapse=layer, sn=cells, tau_pre=20.0, tau_post=15.0, tau_trace=25.0,
            f_pre=lambda w: torch.full_like(w, 0.5), f_post=torch.ones_like,
        )  # fmt: skip
        for tick in range(40):
            layer(pre[tick, k])
            cells(post[tick, k])
            change = learner.step(reward[tick, k], on_grad=False)
            torch.testing.assert_close(change.T, oracle[tick, k], atol=1e-6, rtol=0)
        learner.close()


def test_the_stdp_oracle_is_the_step_of_spikingjelly_with_our_decay():
    pre, post, _ = trains(30, 6, 3)
    weight = torch.zeros(4, 6, 3, dtype=torch.float64)
    oracle = stdp_oracle(pre.double(), post.double(), weight, tau_pre=9.0, tau_post=5.0, a_plus=0.3, a_minus=0.2)
    x, y = torch.zeros(4, 6, dtype=torch.float64), torch.zeros(4, 3, dtype=torch.float64)
    for tick in range(30):
        x = x * torch.tensor(-1 / 9.0, dtype=torch.float64).exp() + pre[tick]
        y = y * torch.tensor(-1 / 5.0, dtype=torch.float64).exp() + post[tick]
        expected = 0.3 * x[..., :, None] * post[tick].double()[..., None, :]
        expected = expected - 0.2 * pre[tick].double()[..., :, None] * y[..., None, :]
        torch.testing.assert_close(oracle[tick], expected, atol=1e-12, rtol=0)
    assert hasattr(functional, "learning")
