"""Plans, states and inputs that contradict themselves: each is refused in words, before anything runs."""

import math

import pytest
import torch

from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError, StateMismatch, UnknownName
from bisnn.initialisers import Bernoulli, Constant, Uniform
from bisnn.interventions import INTACT, Ablation, Targets, compile_gates, parse
from bisnn.modulators import Dopamine
from bisnn.neurons import IF, LIF
from bisnn.plasticity import RSTDP, PairSTDP, PreTraceSTDP
from bisnn.receptors import Receptor
from bisnn.recording import Probe

KEY = torch.arange(2)


def circuit(*, n=3, dt=1.0, neuron=None, sign="any", receptors=(), **synapse):
    synapse = {"weight": Constant(0.5), "rule": RSTDP(), "bounds": (0.0, 1.0), **synapse}
    return Circuit(
        areas={
            "a": Area(n=n, neuron=neuron or IF(), sign=sign, receptors=receptors),
            "b": Area(n=2, neuron=IF()),
        },
        projections=(Projection(source="a", target="b", **synapse),),
        modulators={"dopamine": Dopamine()},
        dt=dt,
    )


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"n": 1.5}, "area 'a': n is 1.5; give a whole number of at least 1"),
        ({"n": "3"}, "area 'a': n is '3'"),
        ({"dt": 0.0}, "Circuit: dt is 0.0; give a finite number above 0"),
        ({"dt": -1.0}, "dt is -1.0"),
        ({"dt": math.nan}, "dt is nan"),
        ({"neuron": LIF}, "give a neuron model such as LIF"),
        ({"receptors": Receptor(modulator="dopamine")}, "receptors are a tuple"),
        ({"weight": 0.5}, "weight is 0.5; give an initialiser"),
        ({"rule": PairSTDP}, "give a rule such as RSTDP"),
        ({"rule": Dopamine()}, "give a rule such as RSTDP"),
        ({"mask": torch.ones(3, 2)}, "give an initialiser of 0 and 1"),
        ({"filter": 5.0}, "give a filter such as Exponential"),
        ({"delay": 1.5}, "delay is 1.5; give a whole number of at least 0"),
        ({"delay": math.nan}, "delay is nan"),
        ({"bounds": None}, "give two numbers"),
        ({"bounds": (0.0, math.nan)}, "give two numbers"),
        (
            {"rule": None, "plasticity_receptors": (Receptor(modulator="dopamine"),)},
            "has plasticity_receptors but no rule",
        ),
    ],
)
def test_plans_that_contradict_themselves(plan, words):
    with pytest.raises(ConfigError, match=words):
        circuit(**plan)


def test_a_sign_is_spelt_as_it_is():
    with pytest.raises(UnknownName, match=r"no sign .Excitatory.; signs: any, excitatory, inhibitory\. Did you mean"):
        circuit(sign="Excitatory")
    with pytest.raises(ConfigError, match="at least one area"):
        Circuit(areas={})


@pytest.mark.parametrize(
    ("synapse", "words"),
    [
        ({"weight": Constant(5.0)}, "learns within 0 to 1, but starts with weights from 5 to 5"),
        ({"weight": Uniform(-0.5, 0.5)}, "but starts with weights from -0"),
        ({"weight": Constant(0.5), "normalise": 2.7, "bounds": (0.0, 0.5)}, "starts after normalisation with weights"),
    ],
)
def test_weights_that_learning_could_not_reach(synapse, words):
    with pytest.raises(ConfigError, match=words):
        circuit(**synapse).init(KEY)


def test_synapses_that_do_not_exist_are_in_no_bounds():
    plan = circuit(weight=Constant(0.5), mask=Bernoulli(0.5), bounds=(0.2, 1.0))
    assert not bool(plan.init(KEY).weights["a->b"].isnan().any())
    assert circuit(weight=Constant(5.0), rule=None).init(KEY).weights["a->b"].max() == 5.0, "a fixed weight is free"


def test_dtypes():
    with pytest.raises(ConfigError, match=r"dtype is torch.float16; a circuit computes in"):
        circuit().init(KEY, torch.float16)
    plan = circuit()
    state = plan.init(KEY)
    with pytest.raises(StateMismatch, match=r"drive of 'a' is torch.float64, the circuit computes in torch.float32"):
        plan.run(state, {"a": torch.zeros(2, 3, dtype=torch.float64)}, steps=1)
    with pytest.raises(StateMismatch, match=r"release of 'dopamine' is torch.float64"):
        plan.run(state, {}, {"dopamine": torch.zeros(2, dtype=torch.float64)}, steps=1)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite(value):
    plan = circuit()
    with pytest.raises(StateMismatch, match="release of 'dopamine' holds NaN or Infinity"):
        plan.run(plan.init(KEY), {}, {"dopamine": torch.full((2,), value)}, steps=1)


@pytest.mark.parametrize("every", [0, -1, 1.5])
def test_rest_comes_every_so_many_ticks(every):
    plan = circuit()
    with pytest.raises(ConfigError, match="rest_every is"):
        plan.run(plan.init(KEY), {}, steps=3, rest_every=every)


def test_the_state_of_another_circuit():
    plan = circuit()
    with pytest.raises(StateMismatch, match="area 'a' has 4 units in the state and 3 in this circuit"):
        plan.run(circuit(n=4).init(KEY), {}, steps=1)
    other = Circuit(areas={"c": Area(n=3, neuron=IF())})
    with pytest.raises(StateMismatch, match="the state has areas c, this circuit a, b"):
        plan.run(other.init(KEY), {}, steps=1)


def test_a_frozen_projection_keeps_every_bit():
    plan = circuit(weight=Uniform(0.1, 0.9), rule=PreTraceSTDP(rate=0.05), normalise=1.3)
    arms = (INTACT, Ablation(name="frozen", freeze=("a->b",)))
    gates = compile_gates(arms, torch.tensor([0, 1]), KEY, Targets.of([plan]))
    first = plan.init(KEY)
    drive = {"a": torch.full((2, 3), 0.6) * torch.tensor([1.0, 0.0, 1.0]), "b": torch.full((2, 2), 0.6)}
    state, _ = plan.run(first, drive, None, gates, steps=20)
    assert not torch.equal(state.weights["a->b"][0], first.weights["a->b"][0])
    assert torch.equal(state.weights["a->b"][1], first.weights["a->b"][1])


def test_ablations_that_cannot_be_meant():
    plan = circuit()
    targets = Targets.of([plan])
    for arm in (torch.tensor([0, 7]), torch.tensor([-1, 0]), torch.tensor([0.0, 0.5])):
        with pytest.raises(ConfigError, match="arm holds indices outside 0 to 0"):
            compile_gates((INTACT,), arm, KEY, targets)
    arm = torch.zeros(2, dtype=torch.int64)
    for given, words in (
        ({"silence_random": -1}, "silence_random is -1"),
        ({"cut": ("a->b",), "gain": {"a->b": 0.5}}, "cuts a->b and gives it a gain"),
    ):
        with pytest.raises(ConfigError, match=words):
            compile_gates((Ablation(name="x", **given),), arm, KEY, targets)
    with pytest.raises(ConfigError, match="cut takes no number"):
        parse("cut:a->b=3")


@pytest.mark.parametrize("learning", [True, False])
def test_a_modulator_is_recorded_beside_an_area_of_its_name(learning):
    plan = Circuit(areas={"dopamine": Area(n=3, neuron=IF())}, modulators={"dopamine": Dopamine(tau=0.0)})
    assert plan.fields("dopamine") == ("spikes", "v", "level")
    probes = (Probe("dopamine"), Probe("dopamine", "level"))
    release = {"dopamine": torch.tensor([[1.0, 2.0], [3.0, 4.0]])}
    _, seen = plan.run(plan.init(KEY), {}, release, steps=2, probes=probes, learning=learning)
    assert seen["dopamine.level"].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert seen["dopamine.spikes"].shape == (2, 2, 3)
