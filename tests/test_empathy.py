"""The published networks of affective empathy, number by number: claims M1, M2, M3, M5 of empathy.md 7.

Feng, Zeng, Lu (2022) doi:10.3389/fncom.2022.784967; Feng, Zeng (2022) doi:10.3389/fnbot.2022.1025338;
Zhao et al. (2025) doi:10.1109/taffc.2025.3627936. Spike counts exact, weights 1e-3.
"""

import pytest
import torch

from bisnn.errors import UnknownName
from bisnn.interventions import Ablation, Targets, compile_gates
from bisnn.recording import Probe
from bisnn.systems.empathy import census
from bisnn.systems.empathy_presets import PRESETS, bae_snn, bae_snn_24, beead_snn

KEY = torch.arange(3)
PROBES = (Probe("ifg"), Probe("sma"), Probe("m1"))


def pattern(network, feeling, area):
    first, last = getattr(network, feeling)[area]
    cells = torch.zeros(3, network.circuit.areas[area].n)
    cells[:, first:last] = 1.0
    return cells


def expose(network, state, feeling, times=1, probes=()):
    for _ in range(times):
        own, face = (pattern(network, feeling, area) for area in ("emotion", "perception"))
        state, seen = network.experience(state, own, face, probes=probes)
    return state, seen


def counts(network, state, feeling, own=False, gates=None):
    """Spikes of every cell over the ticks of one trial, by area."""
    face = pattern(network, feeling, "perception")
    mine = pattern(network, feeling, "emotion") if own else None
    given = {} if gates is None else {"gates": gates}
    _, seen = network.observe(state, face, probes=PROBES, own=mine, **given)
    return {area: seen[f"{area}.spikes"].sum(1) for area in ("ifg", "sma", "m1")}


def raised(network):
    """A network that has felt pain and its absence."""
    state, _ = expose(network, network.init(KEY), "pain")
    return expose(network, state, "neutral")[0]


def block(network, feeling, area):
    return slice(*getattr(network, feeling)[area])


def test_m1_mirror_neurons_emerge():
    network = bae_snn()
    newborn = network.init(KEY)
    assert not any(spikes.any() for spikes in counts(network, newborn, "pain").values()), "0 spikes before"
    state, _ = expose(network, newborn, "pain")
    ifg = counts(network, state, "pain")["ifg"]
    assert bool((ifg[:, :30] == 20).all()), "pain mirror cells and those of both, at every tick"
    assert not ifg[:, 30:].any(), "the other group at none"
    assert not counts(network, state, "neutral")["ifg"].any()


def test_m1_weights_after_each_exposure():
    network = bae_snn()
    state = network.init(KEY)
    for expected in (1.617, 3.234, 4.0, 4.0):
        state, _ = expose(network, state, "pain")
        weight = state.weights["perception->ifg"]
        torch.testing.assert_close(weight[:, :20, :30], torch.full((3, 20, 30), expected), atol=1e-3, rtol=0)
        assert not weight[:, 20:].any()
        assert not weight[:, :, 30:].any()


def test_m1_within_the_first_exposure():
    network = bae_snn()
    probes = (Probe("perception->ifg", "weight"), Probe("perception->sma", "weight"))
    _, seen = expose(network, network.init(KEY), "pain", probes=probes)
    curve = seen["perception->ifg.weight"][0, :, 0, 0]
    assert curve[:2].tolist() == [0.0, 0.0], "the own face is seen from the third tick on"
    assert curve[2:7].tolist() == pytest.approx([0.010, 0.0299, 0.0596, 0.0990, 0.1480], abs=1e-3)
    against = seen["perception->sma.weight"][0, :, 0, 0]
    assert float(against[5]) > -1.0
    assert float(against[6]) == -1.0, "the inhibition of SMA is complete after 5 paired ticks"


@pytest.mark.parametrize(("paired", "spikes"), [(0, 0), (1, 6), (2, 20), (3, 20)])
def test_m1_two_paired_ticks_suffice(paired, spikes):
    """Vision alone gives a current of 20 w; above .5 (from two pairs on) it is a spike at every tick."""
    network = bae_snn()
    own, face = (pattern(network, "pain", area) for area in ("emotion", "perception"))
    drive = network.drive(own, face, None)
    state = network.init(KEY)
    for _ in range(paired):
        state = network.circuit.step(state, drive)
    assert bool((counts(network, network.rest(state), "pain")["ifg"][:, :20] == spikes).all())


def test_m2_own_and_seen_are_told_apart():
    network = bae_snn()
    state = raised(network)
    judged = []
    for feeling, other in (("pain", "neutral"), ("neutral", "pain")):
        mine, yours = counts(network, state, feeling, own=True), counts(network, state, feeling)
        for area in ("sma", "m1"):
            own = block(network, feeling, area)
            assert bool((mine[area][:, own] == 20).all()), "own: expressed at every tick"
            assert not mine[area][:, block(network, other, area)].any()
            assert not yours[area].any(), "seen: expressed at none"
        for spikes, self_ in ((mine, True), (yours, False)):
            said_self = spikes["m1"].sum(-1) > 0
            groups = [spikes["ifg"][:, block(network, group, "ifg")].sum(-1) for group in ("pain", "neutral")]
            said_pain = groups[0] > groups[1]
            judged.append(bool((said_self == self_).all() & (said_pain == (feeling == "pain")).all()))
    assert judged == [True] * 4, "accuracy 100 % over pain and its absence, self and other"


def test_m3_experience_is_necessary():
    network = bae_snn()
    calm, _ = expose(network, network.init(KEY), "neutral", times=5)
    assert not counts(network, calm, "pain")["ifg"].any(), "never hurt: 0 mirrored responses"
    hurt, _ = expose(network, calm, "pain")
    assert bool((counts(network, hurt, "pain")["ifg"][:, :20] == 20).all()), "hurt once: 100 %"


def test_m4_cutting_the_mirror_pathway_ends_it():
    network = bae_snn()
    cut = (Ablation(name="no_mirror", cut=("perception->ifg",)),)
    gates = compile_gates(cut, torch.zeros(3, dtype=torch.int64), KEY, Targets.of((network.circuit,)))
    spikes = counts(network, raised(network), "pain", gates=gates)
    assert not spikes["ifg"].any()


@pytest.mark.parametrize(("preset", "expected"), [(bae_snn, (20, 20, 10, 10, 10)), (bae_snn_24, (25, 25, 0, 10, 10))])
def test_m5_census(preset, expected):
    network = preset()
    assert tuple(int(kind[0]) for kind in census(network, raised(network))) == expected
    newborn = census(network, network.init(KEY))
    assert [int(kind[0]) for kind in newborn[:3]] == [0, 0, 0]
    assert all(bool((kind == kind[0]).all()) for kind in newborn)


def test_the_24_cell_network_answers_all_or_none():
    network = bae_snn_24()
    state = raised(network)
    for active in range(1, 13):
        face = torch.zeros(3, 24)
        face[:, :active] = 1.0
        _, seen = network.observe(state, face)
        spikes = seen["ifg.spikes"].sum(1)
        assert bool((spikes[:, :25] == 20).all()), "1 or 12 perceived pain cells give 25 of 25 mirror cells"
        assert not spikes[:, 25:].any()


def test_the_released_dopamine_network():
    network = beead_snn()
    assert {name: area.n for name, area in network.circuit.areas.items()} == {
        "emotion": 24, "perception": 24, "ifg": 24, "sma": 10, "m1": 10, "dopamine": 24,
    }  # fmt: skip
    state = network.init(KEY)
    own, face = torch.ones(3, 24), pattern(network, "pain", "perception")
    for expected in (1.617, 3.234, 4.0):
        state, _ = network.experience(state, own, face)
        weight = state.weights["perception->ifg"]
        torch.testing.assert_close(weight[:, :12], torch.full((3, 12, 24), expected), atol=1e-3, rtol=0)
        assert not weight[:, 12:].any()
    assert bool((state.weights["perception->sma"][:, :12] == -1.0).all()), "both halves of SMA are held down"
    once, _ = network.experience(network.init(KEY), own, face)
    for active in (1, 5, 12):
        seen_face = torch.zeros(3, 24)
        seen_face[:, :active] = 1.0
        percept, seen = network.observe(once, seen_face)
        assert bool((seen["ifg.spikes"].sum(1) > 0).all()), "any perceived cell recruits 24 of 24"
        assert torch.equal(seen["dopamine.spikes"], seen["ifg.spikes"]), "dopamine relays IFG"
        assert percept.dopamine.tolist() == [1.0] * 3
    never, _ = network.experience(network.init(KEY), torch.zeros(3, 24), face)
    assert not network.observe(never, face)[1]["ifg.spikes"].any()


def test_presets_have_names():
    assert sorted(PRESETS) == ["bae_snn", "bae_snn_24", "beead_snn", "graded"]
    with pytest.raises(UnknownName, match="Did you mean 'ifg'"):
        bae_snn().observe(bae_snn().init(KEY), torch.zeros(3, 40), probes=(Probe("igf"),))
