"""The system of the rubber-hand illusion: against its equations written again, its published numbers, its gates."""

import math

import pytest
import torch

from bisnn.errors import ConfigError
from bisnn.gates import NO_GATES
from bisnn.interventions import INTACT, Ablation, compile_gates
from bisnn.systems.hand_ownership import (
    AREAS,
    LOSERS,
    PLASTIC,
    PROJECTIONS,
    Activity,
    HandOwnership,
    Learned,
    firing_rates,
    squashed,
)

MODEL = HandOwnership()
PUBLISHED = [-2.0, -2.0, -1.0, -1.0, 0.0, 1.0, 1.0, 2.0, 2.0]
OFFSETS = torch.arange(-4, 5)
KNOWN = Learned(torch.full((1, 9), 0.3478, dtype=torch.float64), torch.full((1, 9), -3.1328, dtype=torch.float64))


def gated(*arms, model=MODEL):
    arm = torch.arange(len(arms))
    return compile_gates(arms, arm, torch.zeros_like(arm), model.targets)


def drift(known=KNOWN, gates=NO_GATES, offset=OFFSETS, delay=0, model=MODEL):
    """`[individuals, offsets]`"""
    felt = torch.full((len(known.s1), len(offset)), float(model.centre))
    late = torch.full(felt.shape, delay)
    mine = Learned(*(weight[:, None] for weight in known))
    return model.perceive(mine, felt, felt + offset, late, gates.over_trials()).estimate - model.centre


def several(count):
    return Learned(*(weight.expand(count, -1) for weight in KNOWN))


# ------------------------------------------------------------ the equations, written again for one unit


def alone(w_s1, w_eba, felt=1.0, seen=1.0):
    """A unit in floats: changes of its weights in a trial, largest rate of ai in spikes per ms."""
    table = (firing_rates() / 1000.0).tolist()
    x = dict.fromkeys(("s1", "eba", "tpj", "ai"), 0.0)

    def rate(area, c, total):
        x[area] = max(0.0, x[area] - c * (x[area] - max(0.0, math.tanh(total))))
        return table[round(1000 * x[area])]

    before = dict.fromkeys(x, 0.0)
    change, most = [0.0, 0.0], 0.0
    for t in range(1, 301):
        m1 = table[round(1000 * (1 - 0.96**t) * felt)] if t <= 101 else 0.0
        v = table[round(1000 * (1 - 0.96 ** (t - 100)) * seen)] if 101 <= t <= 201 else 0.0
        now = {"s1": rate("s1", 0.04, m1), "eba": rate("eba", 0.04, v)}
        now["tpj"] = rate("tpj", 0.01, 150 * (now["s1"] + now["eba"]))
        post = now["ai"] = rate("ai", 0.15, w_s1 * now["s1"] + w_eba * now["eba"] + now["tpj"])
        for k, pre in enumerate(("s1", "eba")):
            change[k] += -0.0035 * now[pre] * post
            change[k] += 0.35 * now[pre] * (post - before["ai"]) - 0.55 * (now[pre] - before[pre]) * post
        before, most = now, max(most, post)
    return change, most


def test_a_trial_of_learning_is_that_of_the_equations():
    s1, eba = alone(1.0, 1.0)[0]
    after = MODEL.learn(MODEL.init(torch.zeros(2, dtype=torch.int64)))
    assert torch.allclose(after.s1, torch.full((2, 9), 1.0 + s1, dtype=torch.float64), rtol=0, atol=1e-9)
    assert torch.allclose(after.eba, torch.full((2, 9), 1.0 + eba, dtype=torch.float64), rtol=0, atol=1e-9)


@pytest.mark.parametrize("offset", [0, 1, 3])
def test_a_test_trial_is_that_of_the_equations(offset):
    known = Learned(*(weight[0] for weight in KNOWN))
    found = MODEL.perceive(known, torch.tensor(4.0), torch.tensor(4.0 + offset), torch.tensor(0))
    for unit in range(9):
        felt, seen = math.exp(-0.5 * (unit - 4) ** 2), math.exp(-0.5 * (unit - 4 - offset) ** 2)
        assert float(found.peak[unit]) == pytest.approx(1000 * alone(0.3478, -3.1328, felt, seen)[1], abs=1e-9)


def test_the_rate_curve_is_that_of_the_neuron():
    rates = firing_rates()
    assert rates[[0, 50, 100, 200, 400, 600, 800, 1000]].tolist() == [0, 36, 91, 208, 420, 595, 803, 1000]
    assert bool((rates.diff() >= 0).all())
    assert torch.equal(rates, rates.round())
    assert squashed(0.15, "cpu")[100].item() == pytest.approx(math.tanh(15.0), abs=1e-15)
    assert squashed(0.15, "cpu")[3].item() == pytest.approx(math.tanh(0.45), abs=1e-15)


def test_the_rule_by_hand():
    rates = {"s1": 200.0, "ai": 100.0}, {"s1": 500.0, "ai": 300.0}
    before, now = (Activity({}, {area: torch.tensor([hz]) for area, hz in each.items()}) for each in rates)
    expected = -0.0035 * 0.5 * 0.3 + 0.35 * 0.5 * 0.2 - 0.55 * 0.3 * 0.3
    assert float(MODEL.increment("s1", before, now)) == pytest.approx(expected, rel=1e-6)


def test_where_no_unit_wins_little_is_learned():
    assert pytest.approx(math.tanh(1 - 2 * math.acos(0) - 1) + 1) == LOSERS
    assert math.tanh(1 - 2 * math.acos(0) * math.e - 1) + 1 < 1e-7, "losers beside a winner: left out"
    start = MODEL.init(torch.zeros(1, dtype=torch.int64))
    usual, high = (HandOwnership(threshold=t).learn(start) for t in (0.7, 0.9))
    ratio = (high.s1 - start.s1) / (usual.s1 - start.s1)
    assert torch.allclose(ratio, torch.full_like(ratio, LOSERS), rtol=1e-9)


# ------------------------------------------------------------ the published numbers


def test_published_weights_and_drift():
    """Learned weights to the published digits and alike for every unit; the drift vector exactly."""
    weights = MODEL.init(torch.zeros(1, dtype=torch.int64))
    for _ in range(25):
        weights = MODEL.learn(weights)
    assert [round(value, 3) for value in weights.s1[0].tolist()] == [0.348] * 9
    assert [round(value, 3) for value in weights.eba[0].tolist()] == [-3.133] * 9
    assert drift(weights).tolist() == [PUBLISHED]


def test_what_each_lesion_does():
    arms = {
        "tpj": (Ablation(name="tpj", silence=("TPJ",)), [0.0] * 9),
        "no vision": (Ablation(name="v", drive={"v": 0.0}), [0.0] * 9),
        "no proprioception": (Ablation(name="m1", drive={"m1": 0.0}), OFFSETS.tolist()),
        "intact": (INTACT, PUBLISHED),
        "vision's way to tpj": (Ablation(name="c", cut=("eba->tpj",)), [0.0] * 9),
        "s1's own way": (Ablation(name="s1", cut=("s1->ai",)), PUBLISHED),
        "eba's own way": (Ablation(name="eba", cut=("eba->ai",)), PUBLISHED),
        "insula held at its largest rate": (Ablation(name="k", clamp={"ai": 1.0}), [0.0] * 9),
    }
    found = drift(several(len(arms)), gated(*(arm for arm, _ in arms.values())))
    for row, (name, (_, expected)) in zip(found.tolist(), arms.items(), strict=True):
        assert row == expected, name


def test_a_silent_insula_gives_no_answer():
    assert bool(drift(gates=gated(Ablation(name="ai", silence=("ai",)))).isnan().all())


def test_far_hands_are_two_and_late_vision_draws_nothing():
    wide = HandOwnership(n=13)
    known = Learned(*(weight[:, :1].expand(1, 13) for weight in KNOWN))
    offset = torch.arange(-6, 7)
    assert drift(known, offset=offset, model=wide).tolist() == [[0.0, 0.0, *PUBLISHED, 0.0, 0.0]]
    assert drift(delay=200).tolist() == [[0.0] * 9]
    assert drift(delay=-100).tolist() == [[0.0] * 9], "both senses at once: vision has to outlast proprioception"


# ------------------------------------------------------------ laws


def test_same_bits_beside_anyone():
    """Intact alone, and beside cut, turned down, silenced, frozen and clamped batch mates, which use other paths."""
    others = (
        Ablation(name="cut", cut=("s1->tpj", "m1->s1")),
        Ablation(name="gain", gain={"s1->ai": 0.5, "tpj->ai": 2.0}),
        Ablation(name="silence", silence=("eba",)),
        Ablation(name="freeze", freeze=PLASTIC),
        Ablation(name="clamp", clamp={"m1": 1.0, "tpj": 0.0}),
    )
    gates = gated(*others, INTACT)
    learned = MODEL.learn(MODEL.init(torch.zeros(6, dtype=torch.int64)), gates)
    alone = MODEL.learn(MODEL.init(torch.zeros(1, dtype=torch.int64)))
    felt, seen = torch.tensor([4.0, 4.1]), torch.tensor([5.0, 1.9])
    late = torch.tensor([0, 30])
    found = MODEL.perceive(
        Learned(*(w[:, None] for w in learned)), felt.expand(6, 2), seen.expand(6, 2), late.expand(6, 2),
        gates.over_trials(), trace=True,
    )  # fmt: skip
    single = MODEL.perceive(Learned(*(w[0] for w in alone)), felt[:1], seen[:1], late[:1], trace=True)
    assert torch.equal(learned.s1[5], alone.s1[0])
    assert torch.equal(learned.eba[5], alone.eba[0])
    assert torch.equal(found.peak[5, 0], single.peak[0])
    for area in AREAS:
        assert torch.equal(found.trace[area][5, 0, :300], single.trace[area][0])
    assert torch.equal(learned.s1[3], torch.ones(9, dtype=torch.float64)), "frozen"
    assert not torch.equal(found.trace["ai"][1], found.trace["ai"][5])
    assert bool((found.trace["m1"][4] == 1000.0).all()), "held at one spike per ms"


def test_the_later_part_of_a_trace_does_not_count():
    long = MODEL.perceive(Learned(*(w[0] for w in KNOWN)), *torch.tensor([4.0, 7.0]), torch.tensor(0), last=900)
    assert float(long.estimate) == 6.0


def test_every_target_can_be_ablated():
    assert set(MODEL.targets.areas) == set(AREAS)
    arms = [Ablation(name=a, silence=(a,)) for a in AREAS] + [Ablation(name=p, cut=(p,)) for p in PROJECTIONS]
    found = MODEL.perceive(
        Learned(*(w.expand(len(arms), -1) for w in KNOWN)), torch.full((len(arms),), 4.0),
        torch.full((len(arms),), 6.0), torch.zeros(len(arms), dtype=torch.int64), gated(*arms), trace=True,
    )  # fmt: skip
    for i, area in enumerate(AREAS):
        assert not found.trace[area][i].any()
    rates = found.trace
    assert not rates["s1"][len(AREAS) + PROJECTIONS.index("m1->s1")].any()
    assert not rates["eba"][len(AREAS) + PROJECTIONS.index("v->eba")].any()


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        ({"n": 8}, "odd"),
        ({"n": 0}, "at least 1"),
        ({"sigma": 0.0}, "above 0"),
        ({"c_tpj": 1.0}, "below 1"),
        ({"steps": 150}, "at least 202"),
        ({"to_tpj": math.nan}, "finite"),
    ],
)
def test_bad_plans_are_refused(plan, text):
    with pytest.raises(ConfigError, match=text):
        HandOwnership(**plan)


def test_vision_cannot_begin_before_the_trial():
    with pytest.raises(ConfigError, match="from -100"):
        drift(delay=-101)
