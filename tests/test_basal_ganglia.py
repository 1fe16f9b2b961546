"""The basal-ganglia actor: rates against their closed form, selection, lesions, mistakes.

Signs and lesions after Frank (2005) doi:10.1162/0898929052880093 and Gurney, Prescott, Redgrave (2001)
doi:10.1007/PL00007984; resting rates of the monkey (STN 20, GPe 60, GPi 70 per second at a tick of 10 ms) after DeLong,
Crutcher, Georgopoulos (1985) doi:10.1152/jn.1985.53.2.530.
"""

import math

import pytest
import torch

from bisnn import rng
from bisnn.coding import choose
from bisnn.errors import ConfigError, UnknownName
from bisnn.gates import NO_GATES
from bisnn.interventions import Targets, compile_gates, parse
from bisnn.recording import Probe
from bisnn.systems.basal_ganglia import CHANNELLED, BasalGanglia, Strengths, Tonic
from bisnn.systems.moral_learning import MoralLearning

MANY = 400


def keys(count=MANY):
    return rng.keys(torch.arange(count))


def taught(actor, key, go=None, nogo=None):
    """The state at birth with corticostriatal weights `go`, `nogo`, one number per action."""
    state = actor.init(key)
    weights = dict(state.weights)
    for area, given in (("strd1", go), ("strd2", nogo)):
        if given is not None:
            row = torch.tensor(given).repeat_interleave(actor.cells)
            weights[f"dlpfc->{area}"] = row.expand(*key.shape, actor.n_place, -1).clone()
    return state._replace(weights=weights)


def decided(actor, state, key, index=0, lesion=None, step=0):
    """Choice `[*B]` and recording of one decision under a lesion."""
    targets = Targets.of((actor.circuit,))
    gates = compile_gates((parse(lesion),), torch.zeros_like(key), key, targets) if lesion else NO_GATES
    noise = rng.uniforms(key, step, {"membrane": (actor.actions + 1) * actor.cells, "tie": actor.actions})
    where = torch.full_like(key, index)
    with torch.inference_mode():
        probes = tuple(Probe(area) for area in actor.circuit.areas)
        counts, value, seen = actor.decide(state, where, noise["membrane"], gates, probes)
    return choose(counts, noise["tie"]), value, seen


def chosen(actor, go, nogo, lesion=None, key=None):
    """Share of each action among many individuals, and the mean reaction time, ticks."""
    key = keys() if key is None else key
    action, _, seen = decided(actor, taught(actor, key, go, nogo), key, lesion=lesion)
    share = torch.bincount(action, minlength=actor.actions) / len(key)
    return share.tolist(), float(actor.reaction_time(seen).to(torch.float32).mean())


# ------------------------------------------------------------ rates of the nuclei


@pytest.mark.parametrize("actions", [1, 2, 4, 7])
@pytest.mark.parametrize("at_rest", [True, False])
@pytest.mark.parametrize("strengths", [Strengths(), Strengths(stn_gpi=0.5, gpe_stn=-0.45, pm_pm=-0.2, strd1_gpi=-0.7)])
def test_rates_are_those_of_the_linear_equations(actions, at_rest, strengths):
    """Every nucleus to 0.02 spikes per tick, over 400 ticks after 40; PM is silent where it should be."""
    actor = BasalGanglia(actions=actions, ticks=440, places=3, emotions=1, strengths=strengths)
    key = keys(4)
    go, nogo = (0.0, 0.0) if at_rest else (0.5, 0.5)
    _, _, seen = decided(actor, taught(actor, key), key, index=-1 if at_rest else 1)
    expected = actor.rates(go, nogo, cortex=0.0 if at_rest else 1.0)
    assert all(0.0 <= rate < 1.0 for rate in expected.values()), expected
    for area in ("dlpfc", *CHANNELLED):
        measured = float(seen[f"{area}.spikes"][:, 40:].mean())
        assert measured == pytest.approx(expected[area], abs=0.02), area
    assert bool(seen["pm.spikes"].any()) == (expected["pm"] > 1e-6)


def test_the_resting_nuclei_fire_as_in_the_monkey():
    rates = BasalGanglia().rates(cortex=0.0)
    at_10_ms = {name: 100.0 * rates[name] for name in ("stn", "gpe", "gpi")}
    assert at_10_ms == pytest.approx({"stn": 20.0, "gpe": 60.0, "gpi": 70.0})
    assert rates["thalamus"] == pytest.approx(0.0, abs=1e-12)
    assert rates["strd1"] == rates["strd2"] == rates["pm"] == 0.0


def test_selection_is_disinhibition():
    """Go in one channel: its GPi pauses and its thalamus fires, while GPi of the others holds on."""
    actor, key = BasalGanglia(), keys(50)
    _, _, seen = decided(actor, taught(actor, key, [0.9, 0.1, 0.1, 0.1], [0.1, 0.9, 0.9, 0.9]), key)
    rate = {area: seen[f"{area}.spikes"].mean((0, 1)).unflatten(-1, (4, -1)).mean(-1) for area in CHANNELLED}
    rest = actor.rates(cortex=0.0)
    assert rate["gpi"][0] < 0.3 * rest["gpi"]
    assert (rate["gpi"][1:] > 1.3 * rest["gpi"]).all()
    assert rate["thalamus"][0] > 0.8
    assert (rate["thalamus"][1:] < 0.05).all()
    assert not rate["pm"][1:].any()
    assert (rate["gpe"][1:] < 0.3 * rest["gpe"]).all()
    assert (rate["stn"][1:] > 2.0 * rest["stn"]).all()


# ------------------------------------------------------------ choice


@pytest.mark.parametrize("actions", [2, 3, 4, 6])
def test_without_preference_all_actions_are_equally_likely(actions):
    """Within four standard errors of 1 / actions, over 3000 individuals."""
    actor = BasalGanglia(actions=actions, places=2, emotions=1)
    share, _ = chosen(actor, [0.5] * actions, [0.5] * actions, key=keys(3000))
    error = math.sqrt((1 / actions) * (1 - 1 / actions) / 3000)
    assert max(abs(one - 1 / actions) for one in share) < 4 * error


@pytest.mark.parametrize("action", range(4))
def test_go_raises_and_nogo_lowers_the_probability(action):
    """The same step in StrD1 and StrD2 of one action, up and down: the probability follows in order."""
    actor = BasalGanglia()

    def probability(go, nogo):
        rows = [[0.5 + (step if i == action else 0.0) for i in range(4)] for step in (go, nogo)]
        return chosen(actor, *rows)[0][action]

    by_go = [probability(step, 0.0) for step in (-0.1, -0.02, 0.0, 0.02, 0.1)]
    by_nogo = [probability(0.0, step) for step in (-0.2, -0.04, 0.0, 0.04, 0.2)]
    assert by_go == sorted(by_go)
    assert by_nogo == sorted(by_nogo, reverse=True)
    assert by_go[0] < 0.05 < 0.15 < by_go[2] < 0.35 < 0.95 < by_go[4]
    assert by_nogo[4] < 0.05 < 0.95 < by_nogo[0]


def test_choice_does_not_depend_on_the_number_of_the_action():
    """No index is special: each of 7 actions wins alike when its Go is strengthened."""
    actor = BasalGanglia(actions=7, places=1, emotions=1)
    for action in range(7):
        go = [0.5 + 0.1 * (i == action) for i in range(7)]
        assert chosen(actor, go, [0.5] * 7, key=keys(100))[0][action] > 0.95


@pytest.mark.parametrize(("places", "actions"), [(1, 1), (200, 2), (3, 9)])
def test_any_number_of_states_and_actions(places, actions):
    actor = BasalGanglia(places=places, emotions=1, actions=actions, cells=3, ticks=5)
    key = keys(3)
    action, value, _ = decided(actor, actor.init(key), key, index=places - 1)
    assert bool(((action >= 0) & (action < actions)).all())
    assert value.shape == key.shape
    assert actor.circuit.areas["gpi"].n == 3 * actions


# ------------------------------------------------------------ lesions

EASY = ([0.8, 0.2], [0.2, 0.8])
HARD = ([0.5, 0.45], [0.5, 0.55])
TWO = BasalGanglia(actions=2, places=2, emotions=1)


def test_gpi_silenced_disinhibits_every_action():
    """Thalamus fires in all channels, and the choice no longer depends on what was learned."""
    key = keys()
    action, _, seen = decided(TWO, taught(TWO, key, *EASY), key, lesion="silence:gpi")
    assert bool((seen["thalamus.spikes"][:, 1:] == 1).all())
    assert float((action == 0).to(torch.float32).mean()) == pytest.approx(0.5, abs=4 * 0.5 / 20)
    assert chosen(TWO, *EASY)[0][0] == 1.0


def test_stn_silenced_is_impulsive_and_blind_to_conflict():
    """It decides sooner; and the time that a hard choice takes longer than an easy one shrinks to less than a third."""
    (_, easy), (_, hard) = chosen(TWO, *EASY), chosen(TWO, *HARD)
    (_, easy_without), (_, hard_without) = (chosen(TWO, *each, "silence:stn") for each in (EASY, HARD))
    assert hard - easy > 1.0
    assert hard_without < hard - 1.0
    assert easy_without <= easy
    assert hard_without - easy_without < (hard - easy) / 3


def test_stn_silenced_lets_a_bad_pair_through():
    """Where NoGo prevails for both actions, the intact circuit holds back for long."""
    bad = ([0.25, 0.25], [0.75, 0.75])
    assert chosen(TWO, *bad)[1] > 10.0
    assert chosen(TWO, *bad, "silence:stn")[1] < 3.0


def test_without_go_no_action_is_released():
    key = keys(50)
    _, _, seen = decided(TWO, taught(TWO, key, *HARD), key, lesion="silence:strd1")
    assert not seen["pm.spikes"].any()
    share, _ = chosen(TWO, [0.9, 0.5], [0.5, 0.5], "silence:strd1")
    assert share[0] == pytest.approx(0.5, abs=0.1)


def test_without_nogo_nothing_is_avoided():
    """StrD2 ablated: NoGo weights no longer matter (the same choices, unit by unit), and it is faster."""
    level, avoid = ([0.5, 0.5], [0.5, 0.5]), ([0.5, 0.5], [0.9, 0.5])
    assert chosen(TWO, *avoid)[0][0] < 0.02
    assert chosen(TWO, *avoid, "silence:strd2") == chosen(TWO, *level, "silence:strd2")
    assert chosen(TWO, *level, "silence:strd2")[1] < chosen(TWO, *level)[1] - 0.5


def test_gpe_silenced_holds_back():
    """GPe ablated: GPi and STN are set free, as under maximal NoGo."""
    assert chosen(TWO, *HARD, "silence:gpe")[1] > chosen(TWO, *HARD)[1] + 2.0


def test_lateral_inhibition_sharpens():
    """PM -| PM cut: the loser of a close race fires too."""
    key = keys(100)
    losers = []
    for lesion in (None, "cut:pm->pm"):
        _, _, seen = decided(TWO, taught(TWO, key, *HARD), key, lesion=lesion)
        losers.append(float(seen["pm.spikes"][..., TWO.cells :].mean()))
    assert losers[0] < 0.7 * losers[1]


# ------------------------------------------------------------ mistakes


def test_a_projection_of_the_wrong_sign_is_refused():
    with pytest.raises(ConfigError, match=r"gpi->thalamus = 0\.5; this projection inhibits"):
        Strengths(gpi_thalamus=0.5)
    with pytest.raises(ConfigError, match=r"stn->gpi = -1; this projection excites"):
        Strengths(stn_gpi=-1.0)
    with pytest.raises(ConfigError, match="BasalGanglia: actions is 0; give a whole number"):
        BasalGanglia(actions=0)


def test_tonic_drive_is_what_is_asked_for():
    """GPi without drive never fires at rest; an ablation can name its drive and its nuclei."""
    actor, key = BasalGanglia(tonic=Tonic(gpi=0.0)), keys(2)
    _, _, seen = decided(actor, actor.init(key), key, index=-1)
    assert float(seen["gpi.spikes"].mean()) < 0.05
    usual = BasalGanglia()
    _, _, cut = decided(usual, usual.init(key), key, index=-1, lesion="drive:gpi=0")
    assert torch.equal(cut["gpi.spikes"], seen["gpi.spikes"])
    with pytest.raises(UnknownName, match="gpi"):
        decided(usual, usual.init(key), key, lesion="silence:gpii")


@pytest.mark.parametrize("system", [MoralLearning, BasalGanglia])
@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        *((name, wrong, "a whole number of at least 1")
          for name in ("places", "emotions", "actions", "cells", "ticks") for wrong in (0, 1.5, math.nan)),
        *(("trace_decay", wrong, "a number above 0 and below 1") for wrong in (0.0, 1.0, 2, -0.5, math.nan, "0.9")),
        *(("gamma", wrong, "a fraction from 0 to 1") for wrong in (math.nextafter(1.0, 2.0), 2, -0.5, math.nan, "0.9")),
        ("gamma", 0.0, "a finite number above 0"),
        *((name, wrong, "a finite number above 0")
          for name in ("w_max", "value_span") for wrong in (0.0, -1.0, math.inf, None)),
    ],
)  # fmt: skip
def test_a_number_outside_its_range_is_refused(system, name, value, remedy):
    with pytest.raises(ConfigError, match=f"^{system.__name__}: {name} is .*; give {remedy}$"):
        system(**{name: value})


def test_no_discount_is_a_discount():
    assert MoralLearning(gamma=1.0).rule(0.1).tau_e == pytest.approx(-1.0 / math.log(0.5))
