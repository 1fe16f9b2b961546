"""Every node that SpikingJelly 2 exports either stands in as a neuron, bit for bit, or is refused with the reason.

The nodes are found by walking `spikingjelly.activation_based.neuron`.
Reference: SpikingJelly itself, doi:10.1126/sciadv.adi1480
"""

import inspect

import pytest
import torch
from spikingjelly.activation_based import neuron as theirs
from torch import nn

from bisnn import rng, tree
from bisnn.errors import ConfigError
from bisnn.interop.spikingjelly import SpikingJellyNeuron

N, KEY = 6, torch.arange(6).reshape(2, 3)


def table():
    ones = torch.ones(4)
    return theirs.FewSpikeTable(theta=ones, h=ones, d=ones)


ARGUMENTS = {
    "FewSpikeNode": lambda: {"table": table()},
    "FlexSN": lambda: {"core": lambda x, v: (x, v), "num_states": 1, "step_mode": "s"},
    "GatedLIFNode": lambda: {"T": 4},
    "HGNode": lambda: {"tables": [table(), table()], "gate_thresholds": [0.5]},
    **dict.fromkeys(
        ("ILCBaseNode", "ILCCUBALIFNode", "ILCIFNode", "ILCLIFNode", "NoisyILCBaseNode", "NoisyILCCUBALIFNode"),
        lambda: {"act_dim": 3, "dec_pop_dim": 2},
    ),
    "LIAFNode": lambda: {"act": torch.relu, "threshold_related": False},
    "MPBNBaseNode": lambda: {"out_features": N},
    "MPBNLIFNode": lambda: {"out_features": N},
    "MaskedPSN": lambda: {"k": 2, "T": 4},
    **dict.fromkeys(
        ("NoisyBaseNode", "NoisyCUBALIFNode", "NoisyNonSpikingBaseNode", "NoisyNonSpikingIFNode"),
        lambda: {"num_node": N},
    ),
    "OutlierAwareThresholdNode": lambda: {"table": table(), "outlier_table": table(), "split_threshold": 0.5},
    "PSN": lambda: {"T": 4},
    "STBIFNode": lambda: {"q_threshold": 1.0, "level": 4},
    "SimpleLIFNode": lambda: {"tau": 2.0, "decay_input": True},
    "SlidingPSN": lambda: {"k": 2},
}
"""For the nodes that have no default of everything."""
FORGETS, GRADED, ABSTRACT = "has no memories", "gives more than 0 and 1", "must implement|NotImplementedError"
SHAPELESS, MULTI = "only numbers can be given a shape", "is in multi-step mode"
REFUSED = {
    **dict.fromkeys(("AdaptBaseNode", "BaseNode", "SimpleBaseNode"), ABSTRACT),
    **dict.fromkeys(("MPBNBaseNode", "MPBNLIFNode"), r"cannot step on a current \[65\]"),  # normalises over the batch
    **dict.fromkeys(("ILIFNode", "LIAFNode", "TernaryIFNode", "TernaryLIFNode"), GRADED),
    **dict.fromkeys(("FlexSN", "MaskedPSN", "OTTTLIFNode", "STBIFNode", "SlidingPSN"), SHAPELESS),
    **dict.fromkeys(
        (
            "DSRIFNode", "DSRLIFNode", "FewSpikeNode", "HGNode", "ILCBaseNode", "ILCCUBALIFNode", "ILCIFNode",
            "ILCLIFNode", "NoisyBaseNode", "NoisyCUBALIFNode", "NoisyILCBaseNode", "NoisyILCCUBALIFNode",
            "NoisyNonSpikingBaseNode", "NoisyNonSpikingIFNode", "NonSpikingBaseNode", "NonSpikingIFNode",
            "NonSpikingLIFNode", "OutlierAwareThresholdNode", "PSN",
        ),
        FORGETS,
    ),
    "GatedLIFNode": MULTI,
}  # fmt: skip
"""What cannot stand in, and why."""
NODES = {
    name: kind
    for name, kind in vars(theirs).items()
    if inspect.isclass(kind) and issubclass(kind, nn.Module) and kind.__module__.startswith(theirs.__name__)
}


def factory(name):
    return lambda: NODES[name](**ARGUMENTS.get(name, dict)())


def test_the_walk_finds_the_nodes():
    assert {"IFNode", "LIFNode", "IzhikevichNode", "EIFNode", "QIFNode", "ParametricLIFNode"} <= set(NODES)
    assert set(REFUSED) <= set(NODES)
    assert len(NODES) - len(REFUSED) >= 15


@pytest.mark.parametrize("name", sorted(set(NODES) - set(REFUSED)))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_node_stands_in_with_its_own_bits(name, dtype):
    ours, node = SpikingJellyNeuron(factory(name)), factory(name)().eval()
    state, mine = ours.init((2, 3, N), torch.zeros((), dtype=dtype)), ours.init((N,), torch.zeros((), dtype=dtype))
    fired = 0.0
    for tick in range(60):
        current = (rng.uniform(KEY, "drive", tick, N) * 4.0 - 0.5).to(dtype)
        kept = tree.map(lambda leaf: leaf.clone(), state)
        spikes, after = ours.step(state, current, 1.0)
        assert torch.equal(spikes, node(current).detach())
        assert all(torch.equal(a, b) for a, b in zip(kept, state, strict=True)), "a step changes nothing in place"
        alone, mine = ours.step(mine, current[1, 2], 1.0)
        assert torch.equal(spikes[1, 2], alone)
        assert bool(((spikes == 0) | (spikes == 1)).all())
        state, fired = after, fired + float(spikes.mean()) / 60
    for (memory, value), leaf in zip(node.named_memories(), state, strict=True):
        assert torch.equal(leaf, value.detach()), memory
    assert 0.0 < fired < 1.0


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_node_that_cannot_stand_in_is_refused(name):
    with pytest.raises(ConfigError, match=REFUSED[name]):
        SpikingJellyNeuron(factory(name)).init((N,), torch.zeros(()))


class Drawn(theirs.IFNode):
    """Draws noise at every tick."""

    def single_step_functional_forward(self, inputs, states):
        noise = torch.empty_like(inputs[0]).uniform_()
        return super().single_step_functional_forward((inputs[0] + noise, *inputs[1:]), states)


class Mixed(theirs.IFNode):
    """Reads the other units of its batch."""

    def single_step_functional_forward(self, inputs, states):
        return super().single_step_functional_forward(
            (inputs[0] - inputs[0].mean(-1, keepdim=True), *inputs[1:]), states
        )


@pytest.mark.parametrize(("kind", "said"), [(Drawn, "draws noise"), (Mixed, "another shape of the batch")])
def test_what_no_exported_node_does_is_refused_too(kind, said):
    with pytest.raises(ConfigError, match=said):
        SpikingJellyNeuron(kind).init((N,), torch.zeros(()))
