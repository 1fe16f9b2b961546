"""The gate between own and vicarious pain: what it lets through, for every face, and what it leaves alone.

Zeros and equalities exact. The gate's weights are of bisnn (no published value); that distress is not felt as own, and
that an open gate means contagion, is what the sources say: doi:10.1177/1073858407304654, doi:10.1100/tsw.2006.221.
"""

from dataclasses import replace

import pytest
import torch

from bisnn.agents import loop
from bisnn.agents.altruist import Altruist
from bisnn.agents.base import REACH
from bisnn.agents.development import Nursery
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.expression import Expression
from bisnn.coding import recruit
from bisnn.errors import ConfigError
from bisnn.interventions import Ablation, Targets, compile_gates
from bisnn.recording import Probe
from bisnn.systems.empathy_presets import GATE, bae_snn
from bisnn.systems.self_other import OUTPUTS, SelfOther

AGENT, PLAN, KEY = Altruist(), SelfOther(), torch.arange(4)
ALL = torch.cartesian_prod(torch.arange(21), torch.arange(21))
"""How many cells of pain and of calm a face shows: every combination."""
AREAS = tuple(Probe(area) for area in ("tpj", "afmc", "ifg", "smg", "insula"))


@pytest.fixture(scope="module")
def grown():
    torch.set_num_threads(1)
    with torch.inference_mode():
        return Nursery(visits=2).develop(AGENT, AGENT.init(KEY))


def of(grown, count, who=0):
    """The network of one grown individual, `count` times: state and weights as used."""
    key = KEY[who : who + 1].expand(count)
    learned = {p.name: grown.empathy.weights[p.name][who].expand(count, -1, -1) for p in PLAN.circuit.plastic}
    return PLAN.init(key, learned)


def faces(pain, calm):
    rank = torch.arange(20)
    return torch.cat((pain[:, None] > rank, calm[:, None] > rank), -1).float()


def own(intensity, count):
    return PLAN.empathy.own_pattern(recruit(torch.full((count,), intensity), 20))


def gates(count, **ablation):
    arm = (Ablation(name="arm", **ablation),)
    zero = torch.zeros(count, dtype=torch.int64)
    return compile_gates(arm, zero, zero, Targets.of((PLAN.circuit,)))


def test_no_face_makes_another_s_pain_felt_as_own(grown):
    """All 441 combinations of pain and calm cells, self calm: one half of TPJ at most, aFMC silent, no own pain."""
    state = of(grown, len(ALL))
    felt, seen = PLAN.feel(state, own(0.0, len(ALL)), faces(*ALL.T), probes=AREAS)
    halves = seen["tpj.spikes"].sum(1).unflatten(-1, (2, 10)).amax(-1) > 0
    assert not bool(halves.all(-1).any()), "never both halves"
    assert not seen["afmc.spikes"].any()
    assert not felt.own.any()
    shared = felt.affect > AGENT.felt
    assert int(shared.sum()) > 50, "while distress is shared"
    assert bool(shared[(ALL[:, 0] >= 3) & (ALL[:, 1] == 0)].all())
    assert bool(halves[shared, 0].all()), "and then the half of TPJ for pain is active"
    opened, _ = PLAN.feel(state, own(0.0, len(ALL)), faces(*ALL.T), gates(len(ALL), silence=("tpj",)))
    assert bool((opened.own[shared] > AGENT.felt).all()), "the gate open: all of it is felt as own"
    assert torch.equal(opened.affect, felt.affect)


@pytest.mark.parametrize("intensity", [0.05, 0.25, 1.0])
def test_own_pain_is_always_felt(grown, intensity):
    state, mine = of(grown, len(ALL)), own(intensity, len(ALL))
    felt, _ = PLAN.feel(state, mine, faces(*ALL.T))
    assert float(felt.own.min()) >= float(mine[:, :20].mean()) - 1e-6
    shut, seen = PLAN.feel(state, mine, faces(*ALL.T), gates(len(ALL), clamp={"tpj": 1.0}), probes=AREAS)
    assert float((shut.own - mine[:, :20].mean()).abs().max()) < 1e-6, "the gate shut: own pain and nothing else"
    assert not seen["ifg.spikes"][:, PLAN.empathy.settle :].any()


def test_tpj_tells_what_is_seen_and_not_felt(grown):
    state, exact = of(grown, 2), Expression(jitter=0, flips=0, amplitude=0)

    def halves(felt, shown, visible=True):
        see = torch.full((2,), visible)
        face = exact.draw(KEY[:2], 0, torch.full((2,), shown), see)
        _, seen = PLAN.feel(state, own(felt, 2), face, probes=AREAS)
        return (seen["tpj.spikes"].sum(1).unflatten(-1, (2, 10)).sum(-1) > 0)[0].tolist()

    assert halves(0.0, 0.5) == [True, False]
    assert halves(0.5, 0.0) == [False, True]
    for same in (0.0, 0.25, 0.5, 1.0):
        assert halves(same, same) == [False, False], "the own face in a mirror"
        assert halves(same, 0.5, visible=False) == [False, False], "nobody in sight"
    assert halves(0.25, 1.0) == [True, False], "more pain than is felt"


def test_the_other_is_read_and_own_feelings_are_taken_out(grown):
    state, exact = of(grown, 1), Expression(jitter=0, flips=0, amplitude=0)
    see = torch.ones(1, dtype=torch.bool)
    conflicts = ((0.0, 0.5), (0.5, 0.0), (1.0, 0.0), (0.0, 1.0))
    for arm, intrudes in (({}, False), ({"silence": ("smg",)}, True), ({"silence": ("tpj",)}, True)):
        for mine, theirs in conflicts:
            face = exact.draw(KEY[:1], 0, torch.full((1,), theirs), see)
            felt, _ = PLAN.feel(state, own(mine, 1), face, gates(1, **arm))
            read = {"pain": float(felt.other_pain), "calm": float(felt.other_calm)}
            right, wrong = ("pain", "calm") if theirs else ("calm", "pain")
            assert read[right] > 0.9
            assert (read[wrong] > AGENT.felt) is intrudes
    nobody, _ = PLAN.feel(state, own(0.5, 1), torch.zeros(1, 40))
    assert float(nobody.other_pain) > 0.9, "nobody in sight: what is felt is projected"


def test_the_gain_of_the_gate_leads_from_contagion_to_detachment(grown):
    state, exact = of(grown, 1), Expression(jitter=0, flips=0, amplitude=0)
    face = exact.draw(KEY[:1], 0, torch.ones(1), torch.ones(1, dtype=torch.bool))
    felt, shared = [], []
    for gain in (0.0, 0.2, 0.4, 0.6, 1.0, 1.2, 1.28, 1.32, 1.6, 2.0):
        found, _ = PLAN.feel(state, own(0.0, 1), face, gates(1, gain=dict.fromkeys(OUTPUTS, gain)))
        felt.append(float(found.own))
        shared.append(float(found.affect))
    assert felt == sorted(felt, reverse=True)
    assert shared == sorted(shared, reverse=True)
    assert felt[:4] == pytest.approx([1.0, felt[1], felt[2], 0.0])
    assert 0.0 < felt[2] < felt[1] < 1.0
    assert shared[:6] == [1.0] * 6
    assert 0.0 < shared[7] < shared[6] <= 1.0
    assert shared[8:] == [0.0, 0.0]


def test_a_percept_needs_only_what_it_reads(grown):
    network = AGENT.empathy
    assert set(network.reading.circuit.areas) == set(network.circuit.areas) - {"sma", "m1"}
    assert set(bae_snn().reading.circuit.areas) == {"emotion", "perception", "ifg"}
    face = Expression().draw(KEY, 900_000, torch.full((4,), 0.5), torch.ones(4, dtype=torch.bool))
    level = torch.tensor([1.0, 0.7, 0.3, 0.0])
    part, _ = network.observe(grown.empathy, face, level, used=grown.used)
    whole, _ = network.observe(grown.empathy, face, level, probes=(Probe("sma"),), used=grown.used)
    assert all(torch.equal(a, b) for a, b in zip(part, whole, strict=True))


def test_the_gate_changes_nothing_that_is_learned(grown):
    arms = (Ablation(name="without", silence=("tpj",)),)
    without = compile_gates(arms, torch.zeros_like(KEY), KEY, AGENT.targets)
    with torch.inference_mode():
        other = Nursery(visits=2).develop(AGENT, AGENT.init(KEY, without))
    for name, weight in grown.empathy.weights.items():
        assert torch.equal(weight, other.empathy.weights[name])


def life(grown, gates=None, turns=100):
    """Actions and moods of a short life in the dilemma, `[turns, 4]` each."""
    agent = replace(AGENT, episodes=12)
    mind = grown if gates is None else agent.regate(grown, gates)
    state, actions, moods = loop.begin(Rescue(), KEY, mind), [], []
    with torch.inference_mode():
        for _ in range(turns):
            state, step = loop.turn(agent, Rescue(), state)
            actions.append(step.actions)
            moods.append(torch.stack((state.agent.mood.affect, state.agent.mood.own)))
    return torch.stack(actions), torch.stack(moods, 1)


def test_reaching_is_for_distress_that_is_the_other_s(grown):
    arms = (
        Ablation(name="intact"),
        Ablation(name="ungated", cut=("affect->insula", "tpj->afmc")),
        Ablation(name="contagion", silence=("tpj",)),
        Ablation(name="detached", clamp={"tpj": 1.0}),
    )
    found = {}
    for number, arm in enumerate(arms):
        chosen = torch.full_like(KEY, number)
        found[arm.name] = life(grown, compile_gates(arms, chosen, KEY, AGENT.targets))
    actions, (affect, pain) = found["intact"]
    assert torch.equal(actions >= REACH, affect > AGENT.felt)
    assert int((actions >= REACH).sum()) > 20
    assert not pain.any()
    assert torch.equal(actions, found["ungated"][0]), "the gate as it is leaves the altruist as it was without one"
    actions, (affect, pain) = found["contagion"]
    assert not bool((actions >= REACH).any())
    assert int((affect > AGENT.felt).sum()) > 20
    assert bool(((pain > AGENT.felt) == (affect > AGENT.felt)).all())
    actions, (affect, pain) = found["detached"]
    assert not bool((actions >= REACH).any())
    assert not affect.any()
    assert not pain.any()


def test_what_cannot_be():
    with pytest.raises(ConfigError, match="decoupling"):
        SelfOther(decoupling=-0.1)
    assert set(GATE) < set(OUTPUTS) <= {p.name for p in PLAN.circuit.projections}
