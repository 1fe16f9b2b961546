"""The graded network of bisnn after development: it answers what it never met, in degree, and knows whose pain it is.

Claims M1 to M3 and D2 of empathy.md 7 in the default network (no published value: the source answers all or none).
Zhao et al. (2025) doi:10.1109/taffc.2025.3627936. Orders and zeros exact, R^2 >= .99.
"""

import pytest
import torch

from bisnn import tree
from bisnn.agents.altruist import Altruist
from bisnn.agents.development import Nursery
from bisnn.agents.expression import Expression
from bisnn.interventions import Ablation, compile_gates
from bisnn.modulators import RewardPredictionError
from bisnn.recording import Probe

AGENT, KEY, DRAWS = Altruist(), torch.arange(6), 20
VISIBLE = torch.ones(6, dtype=torch.bool)
EXACT = Expression(jitter=0, flips=0, amplitude=0)
MET = (0.25, 0.5)
"""Intensities of pain in development (mismatches of 1 and 2 grid cells)."""


def develop(key, gates=None):
    given = () if gates is None else (gates,)
    met = set()
    with torch.inference_mode():
        newborn = AGENT.init(key, *given)

        def watch(step, move, feeling, seen, felt):
            met.update((feeling.pain.sum(-1) / AGENT.body.n_pain).tolist())

        return Nursery().develop(AGENT, newborn, watch), met


@pytest.fixture(scope="module")
def grown():
    torch.set_num_threads(1)
    state, met = develop(KEY)
    assert met == {0.0, *MET}
    return state


def observe(state, face, level=1.0, probes=(), own=None):
    levels = torch.full(face.shape[:-1], level)
    with torch.inference_mode():
        return AGENT.empathy.observe(state.empathy, face, levels, state.gates, probes, used=state.used, own=own)


def faces(intensity, draws=DRAWS, face=None):
    """Faces `[6, 40]` with noise that development has not drawn."""
    for draw in range(draws):
        yield (face or Expression()).draw(KEY, 900_000 + draw, torch.full((6,), intensity), VISIBLE)


def mean_affect(state, intensity, face=None):
    return torch.stack([observe(state, seen)[0].affect for seen in faces(intensity, face=face)]).mean(0)


def test_the_answer_grows_with_what_is_seen(grown):
    means = {i: mean_affect(grown, i) for i in (0.1, 0.2, 0.25, 0.3, 0.375, 0.5, 0.75)}
    over_seeds = [float(mean.mean()) for mean in means.values()]
    assert over_seeds == sorted(over_seeds)
    assert len(set(over_seeds)) == len(over_seeds), "strictly, at intensities met and never met"
    assert 0.15 < over_seeds[0] < 0.3
    assert over_seeds[-1] > 0.95
    exact = [float(mean_affect(grown, i, EXACT).mean()) for i in (0.1, 0.2, 0.3, 0.4)]
    assert exact == sorted(exact)
    assert len(set(exact)) == 4, "and for the exact prototypes"


def test_calm_faces_move_nobody(grown):
    for seen in faces(0.0):
        percept, recording = observe(grown, seen, probes=(Probe("sma"), Probe("m1")))
        assert not percept.affect.any()
        assert not percept.mirror.any()
        assert not recording["sma.spikes"].any()
        assert float(percept.dopamine.abs().max()) < 0.02
    assert not observe(grown, torch.zeros(6, 40))[0].affect.any(), "nor does a hidden face"


@pytest.mark.parametrize("hidden", [slice(0, 10), slice(10, 20), slice(0, 20, 2), slice(1, 20, 2)])
def test_half_a_face_is_enough(grown, hidden):
    """Without noise for every individual; with it on average (a flipped neutral cell outweighs two pain cells)."""
    exact, noisy = EXACT.draw(KEY, 0, torch.ones(6), VISIBLE), []
    exact[:, hidden] = 0.0
    assert float(observe(grown, exact)[0].affect.min()) >= 0.25
    for seen in faces(1.0):
        seen[:, hidden] = 0.0
        noisy.append(observe(grown, seen)[0].affect)
    assert float(torch.stack(noisy).mean(0).min()) > 5 * AGENT.felt, "every individual"
    assert float((torch.stack(noisy) > AGENT.felt).double().mean()) > 0.85


def test_seen_pain_is_not_expressed_as_own(grown):
    probes = (Probe("sma"), Probe("m1"))
    for intensity in (0.1, 0.375, 1.0):
        for seen in faces(intensity, 5):
            _, recording = observe(grown, seen, probes=probes)
            assert not recording["sma.spikes"].any()
            assert not recording["m1.spikes"].any()
    own = AGENT.empathy.own_pattern((torch.arange(20) < 10).float().expand(6, 20))
    _, recording = observe(grown, next(faces(0.5)), probes=probes, own=own)
    assert bool((recording["m1.spikes"].sum(1)[:, :5] == AGENT.empathy.glance).all()), "own pain is, at every tick"
    assert not recording["m1.spikes"][..., 5:].any()


def test_experience_is_necessary(grown):
    newborn = AGENT.init(KEY)
    for seen in faces(1.0, 3):
        percept, _ = observe(newborn, seen)
        assert not percept.affect.any()
    emotionless = (Ablation(name="no_own_experience", drive={"emotion": 0.0}),)
    gates = compile_gates(emotionless, torch.zeros(6, dtype=torch.int64), KEY, AGENT.targets)
    state, _ = develop(KEY, gates)
    for seen in faces(1.0, 3):
        assert not observe(state._replace(gates=AGENT.init(KEY).gates), seen)[0].affect.any()
        assert float(observe(grown, seen)[0].affect.min()) > 0.5


def r_squared(x, y):
    return float(torch.corrcoef(torch.stack((x, y)))[0, 1] ** 2)


@pytest.mark.parametrize("intensity", [0.375, 0.5, 1.0])
def test_d2_dopamine_is_linear_in_the_level(grown, intensity):
    levels, rpe = torch.linspace(0, 1, 11), RewardPredictionError(beta=0.2)
    face, calm = next(faces(intensity)), next(faces(0.0))
    signal = torch.stack([observe(grown, face, float(level))[0].dopamine for level in levels])
    after = torch.stack([observe(grown, calm, float(level))[0].dopamine for level in levels])
    state, onset = rpe.init(signal), None
    for _ in range(6):
        error, state = rpe.step(state, signal, 1.0)
        onset = error if onset is None else onset
    relief, _ = rpe.step(state, after, 1.0)
    for k in range(6):
        assert r_squared(levels, signal[:, k]) >= 0.99
        assert r_squared(levels, relief[:, k]) >= 0.99
    assert bool((onset[2:] < 0).all()), "onset of shared distress is punishing"
    assert bool((relief[2:] > 0).all()), "relief rewards"
    assert bool((relief[1:] >= relief[:-1]).all())


def test_d2_relief_of_an_exact_face_is_the_closed_form(grown):
    levels, rpe, n = torch.linspace(0, 1, 11), RewardPredictionError(beta=0.2), 6
    face, calm = (EXACT.draw(KEY, 0, torch.full((6,), value), VISIBLE) for value in (1.0, 0.0))
    for level in levels:
        hurt, healed = (observe(grown, seen, float(level))[0].dopamine for seen in (face, calm))
        state = rpe.init(hurt)
        for _ in range(n):
            _, state = rpe.step(state, hurt, 1.0)
        relief, _ = rpe.step(state, healed, 1.0)
        expected = float(level) * (1 - 0.8**n)
        assert float((relief - expected).abs().max()) < 0.03, (
            "24 tonic cells read for 8 ticks resolve .01 of the signal"
        )


def test_development_is_repeatable_and_each_one_s_own(grown):
    again, _ = develop(KEY[4:5])
    equal = []
    one = tree.take((grown.body.weights, grown.empathy.weights), torch.tensor([4]))
    tree.map(lambda a, b: equal.append(torch.equal(a, b)), one, (again.body.weights, again.empathy.weights))
    assert all(equal)
    weight = grown.empathy.weights["perception->ifg"]
    assert not torch.equal(weight[0], weight[1]), "individuals differ by what they met"
