"""What modulators do to circuits: the effects that their sources describe, against closed forms where there is one.

Gerfen, Surmeier (2011) doi:10.1146/annurev-neuro-061010-113641 (D1, D2); Servan-Schreiber, Printz, Cohen (1990)
doi:10.1126/science.2392679 (gain); Doya (2002) doi:10.1016/S0893-6080(02)00044-8 and Miyazaki et al. (2014)
doi:10.1016/j.cub.2014.07.041 (waiting); Hasselmo (2006) doi:10.1016/j.conb.2006.09.002 (encoding and retrieval).
"""

import math

import pytest
import torch

from bisnn import rng
from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError
from bisnn.initialisers import Constant
from bisnn.interventions import INTACT, Ablation, Targets, compile_gates
from bisnn.modulators import Acetylcholine, Dopamine, Noradrenaline, Serotonin, UnexpectedUncertainty
from bisnn.modulators.acetylcholine import enabling, suppression
from bisnn.modulators.dopamine import d1, d2
from bisnn.modulators.noradrenaline import gain
from bisnn.neurons import IF, LIF
from bisnn.plasticity import PreTraceSTDP
from bisnn.recording import Probe
from bisnn.systems.encoding_retrieval import EncodingRetrieval

LINEAR = IF(threshold=1.0, reset="subtract", floor=0.0)
"""A cell whose rate is its current."""


def rates(circuit, current, level, modulator, ticks=1500):
    """Spikes per tick of every area `[areas]` at a constant `current` and a level held from the first tick on."""
    release = torch.zeros(ticks)
    release[0] = level
    steady = circuit.run(
        circuit.init(rng.keys(torch.tensor(0)), torch.float64),
        {name: torch.full((1,), current, dtype=torch.float64) for name in circuit.areas},
        {modulator: release.double()},
        steps=ticks,
        probes=tuple(Probe(name) for name in circuit.areas),
    )[1]
    return [float(steady[f"{name}.spikes"][1:].mean()) for name in circuit.areas]


def test_dopamine_excites_cells_with_d1_and_calms_cells_with_d2():
    circuit = Circuit(
        areas={
            "direct": Area(n=1, neuron=LINEAR, receptors=(d1(0.5),)),
            "indirect": Area(n=1, neuron=LINEAR, receptors=(d2(0.5),)),
            "other": Area(n=1, neuron=LINEAR),
        },
        modulators={"dopamine": Dopamine(tau=1e12)},
    )
    for level in (0.0, 0.4, 1.0, -0.5):
        direct, indirect, other = rates(circuit, 0.3, level, "dopamine")
        assert other == pytest.approx(0.3, abs=1e-3)
        assert direct == pytest.approx(0.3 * (1.0 + 0.5 * level), abs=1e-3)
        assert indirect == pytest.approx(0.3 * (1.0 - 0.5 * level), abs=1e-3)
    assert rates(circuit, 0.3, 2.5, "dopamine")[1] == 0.0, "a factor is never below 0"


def test_a_dopamine_dip_turns_the_balance_to_the_indirect_pathway():
    """With a tonic level both pathways are scaled at rest; a dip below it favours D2 (Frank 2005)."""
    receptors = {"direct": (d1(0.5),), "indirect": (d2(0.5),)}
    circuit = Circuit(
        areas={name: Area(n=1, neuron=LINEAR, receptors=given) for name, given in receptors.items()},
        modulators={"dopamine": Dopamine(tau=1e12, tonic=0.2)},
    )
    balance = []
    for phasic in (-0.6, -0.2, 0.0, 0.6):
        direct, indirect = rates(circuit, 0.3, phasic, "dopamine")
        balance.append(direct - indirect)
    assert balance == pytest.approx([0.3 * (0.2 + phasic) for phasic in (-0.6, -0.2, 0.0, 0.6)], abs=1e-3)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0, 2.0])
def test_noradrenaline_steepens_the_curve_of_rate_by_its_factor(level):
    """The slope of rate against current is the factor 1 + 0.8 level, of a cell whose own slope is 1."""
    circuit = Circuit(
        areas={"cell": Area(n=1, neuron=LINEAR, receptors=(gain(0.8),))},
        modulators={"noradrenaline": Noradrenaline(tau=1e12)},
    )
    low, high = (rates(circuit, current, level, "noradrenaline", 4000)[0] for current in (0.05, 0.25))
    assert (high - low) / 0.2 == pytest.approx(1.0 + 0.8 * level, abs=2e-3)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("current", [1.2, 1.7, 2.5])
def test_a_leaky_cell_under_noradrenaline_fires_as_at_the_scaled_current(level, current):
    cell, factor = LIF(), 1.0 + 0.8 * level
    circuit = Circuit(
        areas={"cell": Area(n=1, neuron=cell, receptors=(gain(0.8),))},
        modulators={"noradrenaline": Noradrenaline(tau=1e12)},
    )
    period = 1.0 / rates(circuit, current, level, "noradrenaline", 2000)[0]
    assert cell.period(current * factor) - 0.1 <= period < cell.period(current * factor) + 1.1


def test_surprise_wakes_a_cell_and_habituates():
    """A switch of the signal raises the rate of a cell with noradrenaline receptors for a while, as the level says."""
    rule = UnexpectedUncertainty(tau=20.0, beta=0.05)
    circuit = Circuit(
        areas={"cell": Area(n=1, neuron=LINEAR, receptors=(gain(0.5),))}, modulators={"noradrenaline": rule}
    )
    signal = torch.cat((torch.zeros(200), torch.ones(400))).double()
    state = circuit.init(rng.keys(torch.tensor(0)), torch.float64)
    drive = {"cell": torch.full((1,), 0.2, dtype=torch.float64)}
    probes = (Probe("cell"), Probe("noradrenaline", "level"))
    _, seen = circuit.run(state, drive, {"noradrenaline": signal}, steps=600, probes=probes)
    level, spikes = seen["noradrenaline.level"], seen["cell.spikes"][:, 0]
    assert float(level[:200].abs().max()) == 0.0
    assert float(level[200]) == 1.0
    peak = int(level.argmax())
    assert 200 < peak < 260
    assert bool((level[peak + 1 :] <= level[peak:-1]).all()), "it falls all the way"
    assert float(level[-1]) < 1e-3
    expected = 0.2 * (1.0 + 0.5 * level[:-1]).clamp(max=4.0)  # felt a tick later
    for first, last in ((0, 200), (200, 260), (260, 320), (500, 599)):
        assert float(spikes[first + 1 : last + 1].sum()) == pytest.approx(float(expected[first:last].sum()), abs=1.01)


def quits(serotonin, level, reward, leave, dt=1.0, release=0.0):
    """When an agent goes: it waits as long as what is left of the reward's worth exceeds that of leaving, ms."""
    state = serotonin.init(torch.zeros((), dtype=torch.float64))
    worth, tick = torch.tensor(reward, dtype=torch.float64), 0
    while float(worth) >= leave:
        pulse = torch.tensor(release if tick == 0 else 0.0, dtype=torch.float64)
        level, state = serotonin.step(state, pulse, dt)
        worth = worth * serotonin.discount(level, dt)
        tick += 1
    return tick * dt


@pytest.mark.parametrize("stretch", [0.5, 2.0])
def test_a_higher_level_of_serotonin_waits_longer(stretch):
    """Waiting for a reward of 1 against 0.4 at once ends after horizon ln(1/0.4), and grows with the level."""
    waits = []
    for tonic in (0.0, 0.25, 0.5, 1.0, 2.0):
        serotonin = Serotonin(tonic=tonic, tau_wait=200.0, stretch=stretch)
        expected = 200.0 * (1.0 + stretch * tonic) * math.log(2.5)
        level = torch.tensor(tonic, dtype=torch.float64)
        assert float(serotonin.patience(level, 1.0, 0.4)) == pytest.approx(expected, rel=1e-12)
        waits.append(quits(serotonin, level, 1.0, 0.4))
        assert expected <= waits[-1] < expected + 1.0
    assert waits == sorted(set(waits)), "strictly longer"


def test_a_delayed_reward_is_worth_waiting_for_up_to_the_patience():
    """Accept where R exp(-D/horizon) >= leave: the longest accepted delay is the patience, which the level prolongs."""
    serotonin = Serotonin(tau_wait=300.0, stretch=1.0)
    levels = torch.tensor([0.0, 0.5, 1.0, 3.0], dtype=torch.float64)
    delays = torch.arange(0, 2000, dtype=torch.float64)
    worth = torch.stack([serotonin.discount(level, 1.0) ** delays for level in levels])
    accepted = (worth * 2.0 >= 0.8).sum(-1).double() - 1.0
    patience = serotonin.patience(levels, 2.0, 0.8)
    assert bool((accepted <= patience).all())
    assert bool((patience - accepted < 1.0).all())
    assert patience.tolist() == pytest.approx([300.0 * (1.0 + s) * math.log(2.5) for s in (0.0, 0.5, 1.0, 3.0)])


def test_a_burst_of_serotonin_prolongs_the_wait_by_the_closed_form():
    """s(t) = S exp(-t/tau): waiting ends at tau ln((1 + g S) exp(L T0 / tau) - g S), with L = ln(R / leave)."""
    tau, wait, stretch, burst = 400.0, 200.0, 2.0, 1.5
    serotonin = Serotonin(tau=tau, tau_wait=wait, stretch=stretch)
    scaled = math.log(2.5) * wait / tau
    expected = tau * math.log((1.0 + stretch * burst) * math.exp(scaled) - stretch * burst)
    plain = quits(serotonin, 0.0, 1.0, 0.4, dt=0.5)
    treated = quits(serotonin, 0.0, 1.0, 0.4, dt=0.5, release=burst)
    assert plain == pytest.approx(wait * math.log(2.5), abs=0.5)
    assert treated == pytest.approx(expected, abs=2.0)
    assert treated > 2.0 * plain


def test_the_horizon_has_ends():
    serotonin = Serotonin(tau_wait=100.0, stretch=5.0, tau_longest=400.0)
    levels = torch.tensor([-1.0, 0.0, 0.4, 10.0])
    assert serotonin.horizon(levels).tolist() == pytest.approx([100.0, 100.0, 300.0, 400.0])
    assert serotonin.patience(levels, 0.5, 1.0).tolist() == [0.0] * 4, "what is worth less than leaving: no waiting"


def test_acetylcholine_weakens_transmission_and_speeds_learning_by_its_factors():
    """One synapse of weight 0.5: current times 1 - 0.9 level a tick later, weight change times 1 + 9 level at once."""
    learned = Projection(
        source="a",
        target="b",
        weight=Constant(0.5),
        rule=PreTraceSTDP(rate=0.001, tau=1e-3),
        receptors=(suppression(),),
        plasticity_receptors=(enabling(),),
        delay=0,
    )
    circuit = Circuit(
        areas={"a": Area(n=1, neuron=IF()), "b": Area(n=1, neuron=IF(threshold=1e-6))},
        projections=(learned,),
        modulators={"acetylcholine": Acetylcholine(tau=1e12)},
    )
    one = torch.ones(1, dtype=torch.float64)
    for level in (0.0, 0.5, 1.0):
        state = circuit.init(rng.keys(torch.tensor(0)), torch.float64)
        state, _ = circuit.run(state, {}, {"acetylcholine": torch.tensor(level).double()}, steps=2)
        before = float(state.weights["a->b"])
        state, _ = circuit.run(state, {"a": one}, steps=1)
        assert float(state.weights["a->b"]) - before == pytest.approx(0.001 * (1.0 + 9.0 * level), abs=1e-12)
        silent = Circuit(
            areas={"a": Area(n=1, neuron=IF()), "b": Area(n=1, neuron=IF(threshold=100.0))},
            projections=(learned,),
            modulators=circuit.modulators,
        )
        state = silent.init(rng.keys(torch.tensor(0)), torch.float64)
        state, _ = silent.run(state, {}, {"acetylcholine": torch.tensor(level).double()}, steps=2)
        state, _ = silent.run(state, {"a": one}, steps=1)
        assert float(state.neurons["b"].v) == pytest.approx(0.5 * (1.0 - 0.9 * level), abs=1e-12)


@pytest.fixture(scope="module")
def memories():
    """Twelve individuals in three arms: intact, acetylcholine low during encoding, and high."""
    torch.set_num_threads(1)
    memory = EncodingRetrieval()
    arms = (
        INTACT,
        Ablation(name="low", clamp={"acetylcholine": 0.0}),
        Ablation(name="high", clamp={"acetylcholine": 1.0}),
    )
    key = rng.keys(torch.arange(12)).expand(3, 12)
    gates = compile_gates(arms, torch.arange(3)[:, None].expand(3, 12), key, Targets.of([memory.circuit]))
    patterns = memory.patterns(key)
    with torch.inference_mode():
        return memory, patterns, memory.encode(memory.init(key), patterns, gates), gates


def test_two_patterns_overlap_as_declared(memories):
    _, patterns, _, _ = memories
    assert patterns.first.sum(-1).unique().tolist() == patterns.second.sum(-1).unique().tolist() == [10.0]
    assert (patterns.first * patterns.second).sum(-1).unique().tolist() == [2.0]
    assert (patterns.cue * patterns.first * (1 - patterns.second)).sum(-1).unique().tolist() == [5.0]
    assert not torch.equal(patterns.first[0, 0], patterns.first[0, 1]), "each individual has its own"


def test_high_acetylcholine_keeps_overlapping_memories_apart(memories):
    """Less interference: no synapse ties one pattern to the other; with the level low during encoding all do."""
    memory, patterns, state, _ = memories
    intact, low, high = memory.crosstalk(state, patterns)
    assert float(intact.max()) <= 0.05
    assert float(low.min()) >= 0.9
    assert torch.equal(high, intact), "encoding is what a high level is"


def test_low_acetylcholine_completes_a_cue(memories):
    """Retrieval: the cued pattern whole and nothing of the other; both after encoding at a low level."""
    memory, patterns, state, gates = memories
    with torch.inference_mode():
        recalled, foreign = memory.retrieve(state, patterns)
        gated, _ = memory.retrieve(state, patterns, gates)
    assert float(recalled.min()) >= 0.95
    assert float(foreign[0].mean()) <= 0.1
    assert float(foreign[1].min()) >= 0.9, "encoded at a low level, a cue calls up both"
    assert float(gated[2].max()) <= 0.05, "at a high level the synapses transmit too little to recall"


def test_a_memory_that_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match="do not fit"):
        EncodingRetrieval(shared=10)
    with pytest.raises(ConfigError, match="do not fit"):
        EncodingRetrieval(cued=9)
