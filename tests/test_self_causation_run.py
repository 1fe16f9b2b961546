"""The experiment self-causation: its world, that it tests what it says, its findings, and that individuals keep their
bits."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from bisnn import load_run, rng, tree
from bisnn.errors import ConfigError, UnknownName
from bisnn.experiments import base
from bisnn.experiments.claims.base import misses
from bisnn.experiments.claims.self_causation import CLAIMS
from bisnn.experiments.runner import run
from bisnn.experiments.self_causation import ARMS, EXPERIMENT, confusion
from bisnn.experiments.tasks import attribution
from bisnn.experiments.tasks import consequences as task
from bisnn.experiments.tasks.consequences import CHANGE, HARM, KINDS, NOTHING, Scene
from bisnn.experiments.trials import Batch
from bisnn.recording import Probe
from bisnn.systems.self_causation import SelfCausation

CONTEXTS, ACTS = 3, 6
PLAIN = replace(EXPERIMENT, figures={})
FREE = torch.tensor([False])


@pytest.fixture(scope="module")
def world():
    return task.draw(rng.keys(torch.arange(8)), CONTEXTS, ACTS)


@pytest.fixture(scope="module")
def babbled():
    """2000 trials of babbling of one individual, free and confounded."""
    key, trial = torch.zeros(2000, dtype=torch.int64), torch.arange(2000)
    mine = tree.take(task.draw(torch.arange(1), CONTEXTS, ACTS), key)
    return mine, [task.babbling(mine, key, trial, torch.full((2000,), tied)) for tied in (False, True)]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Eight individuals of every arm, a third of the usual test trials, half of the usual babbling."""
    torch.set_num_threads(1)
    return run(PLAIN, tmp_path_factory.mktemp("self") / "run", seeds=8, episodes=60, training=500)


# the world


def test_every_actor_has_as_many_acts_that_harm_as_acts_that_change_or_do_nothing(world):
    for effect in (NOTHING, HARM, CHANGE):
        assert ((world.effect == effect).sum(-1) == 2).all()
    assert not torch.equal(world.effect[0], world.effect[1])
    assert 0.45 < float(world.kept.double().mean()) < 0.55


def test_babbling_never_brings_what_is_kept_for_the_test(babbled):
    mine, scenes = babbled
    for scene in scenes:
        assert not task._is_kept(mine, scene).any()
        assert (scene.own >= 0).any()


def test_each_actor_acts_without_the_others_and_independently_of_them(babbled):
    _, (free, tied) = babbled
    acts = torch.stack([(act >= 0).double() for act in free[1:]])
    for k in range(3):
        others = torch.cat((acts[:k], acts[k + 1 :])).sum(0)
        assert 0.03 < float((acts[k] * (others == 0)).double().mean()) < 0.25
    correlation = torch.corrcoef(acts) - torch.eye(3)
    assert float(correlation.abs().max()) < 0.12  # what is kept for the test takes some triples away
    assert 0.4 < float((free.other >= 0).double().mean()) < 0.6
    assert 0.3 < float((free.own == ACTS).double().mean()) < 0.5
    assert torch.equal(tied.own, tied.nature)


def test_the_outcome_is_the_same_whoever_caused_it(world):
    one = tree.take(world, torch.tensor([0]))
    found = []
    for actor in range(3):
        act = int((one.effect[0, actor, 0] == HARM).nonzero()[0])
        scene = Scene(*(torch.tensor([value]) for value in (0, *(act if k == actor else -1 for k in range(3)))))
        found.append(task.outcome(task.effects(one, scene)))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[1], found[2])
    assert found[0].tolist() == [[True, False]]


def test_who_holds_the_other_back_prevents_its_effect_and_not_natures(world):
    one = tree.take(world, torch.tensor([0]))
    harmful = [int((one.effect[0, k, 0] == HARM).nonzero()[0]) for k in range(3)]
    held = Scene(*(torch.tensor([value]) for value in (0, ACTS, harmful[1], -1)))
    assert task.effects(one, held).tolist() == [[NOTHING, NOTHING, NOTHING]]
    storm = held._replace(nature=torch.tensor([harmful[2]]))
    assert task.effects(one, storm).tolist() == [[NOTHING, NOTHING, HARM]]


def test_test_trials_are_of_their_kind_and_were_never_met(world):
    key = torch.arange(8)
    scenes, kinds = task.trial_scenes(world, key, 40)
    index = torch.arange(8).repeat_interleave(40)
    flat = Scene(*(leaf.reshape(-1) for leaf in scenes))
    mine = tree.take(world, index)
    effect, kept = task.effects(mine, flat), task._is_kept(mine, flat).reshape(8, 40)
    harms = (effect == HARM).reshape(8, 40, 3)
    for trial, number in enumerate(kinds.tolist()):
        kind = KINDS[number]
        assert kept[:, trial].all() or kind.still
        assert (scenes.own[:, trial] < 0).all() == kind.still
        for actor in range(3):
            assert (harms[:, trial, actor] == bool(kind.harms >> actor & 1)).all()
    assert sorted(kinds[:20].tolist()) == sorted(task.SCHEDULE)
    assert [task.SCHEDULE.count(k) for k in range(3)] == [3, 3, 3]
    assert task.SCHEDULE[:2] == (0, 1)  # the trials that the figure shows


def test_noise_misreads_the_others_alone(world):
    key = torch.arange(1000)
    scene = Scene(*(torch.full((1000,), value) for value in (0, 1, 2, 3)))
    seen = task.misread(scene, key, "test", 0, 0.3, ACTS)
    assert torch.equal(seen.own, scene.own)
    assert torch.equal(seen.context, scene.context)
    for act, true in ((seen.other, 2), (seen.nature, 3)):
        assert 0.2 < float((act != true).double().mean()) < 0.35  # a redraw may be the truth
        assert {int(a) for a in act.unique()} == set(range(-1, ACTS))
    assert tree.map(torch.equal, task.misread(scene, key, "test", 0, 0.0, ACTS), scene) == Scene(True, True, True, True)


def test_what_others_did_is_misread_in_the_test_too():
    """The same agents, that babbled without noise, tested without and with it."""
    settings = base.configure(EXPERIMENT, {"noise": 0.0, "training": 80, "episodes": 12, "arms": ("intact",)})
    batch = Batch.of(EXPERIMENT, settings, range(4))
    model = SelfCausation()
    mine = task.draw(batch.key, CONTEXTS, ACTS)
    with torch.inference_mode():
        state = attribution.babble(model, mine, batch)
        clear, blurred = (
            attribution.Testing(model, mine, state, replace(batch, settings=seen)).all()
            for seen in (settings, settings.model_copy(update={"noise": 1.0}))
        )
    assert torch.equal(clear["own"], blurred["own"])
    assert torch.equal(clear["other"], blurred["other"]), "rows say what was done, not what was seen"
    assert not torch.equal(clear["other_contrast"], blurred["other_contrast"])


def test_cells_of_holding_the_other_back_need_the_scene_the_hold_and_the_act():
    model, one = SelfCausation(), torch.arange(1)
    cells = torch.tensor([own == ACTS for _, own, _, _ in model.conjunctions])
    fired = []
    for acts in ((ACTS, 0, -1), (ACTS, -1, -1), (-1, 0, -1)):
        scene = Scene(*(torch.full((1,), value) for value in (0, *acts)))
        phase = torch.zeros(1, model.outcomes)
        probes = (Probe("association"),)
        _, seen = model.attribute(model.init(one), scene, torch.zeros(1, 2) > 0, phase, probes=probes)
        spikes = seen["association.spikes"][0, : model.ticks].sum(0)
        fired.append(int((spikes[cells] > 0).sum()))
    assert fired == [1, 0, 0]


# findings


def test_own_harms_are_told_from_those_of_others_and_each_ablation_fails(done):
    arms = {arm: {name: each["mean"] for name, each in rows.items()} for arm, rows in done.summary["arms"].items()}
    intact = arms["intact"]
    assert intact["auroc"] > 0.9
    assert intact["accuracy"] > 0.85
    assert intact["false_blame"] < 0.05
    assert intact["blame_without_harm"] < 0.05
    assert intact["auroc_change"] > 0.9  # yet it knows whose doing a harmless change is
    assert intact["blame_overdetermined"] < 0.2
    assert intact["auroc_responsibility"] > intact["auroc_but_for"] + 0.1
    for arm in ("starting_state", "no_counterfactual", "no_efference", "no_learning"):
        assert 0.4 < arms[arm]["auroc"] < 0.6
    assert arms["no_efference"]["missed_blame"] == arms["no_learning"]["missed_blame"] == 1.0
    assert arms["no_learning"]["accuracy"] == pytest.approx(1 / 3)
    assert arms["starting_state"]["false_blame"] > 0.8
    assert arms["starting_state"]["blame_bystander"] > 0.6
    assert arms["no_counterfactual"]["false_blame"] > 0.8
    assert arms["no_counterfactual"]["blame_bystander"] == 0.0
    assert arms["starting_state"]["interference"] > intact["interference"] + 0.1
    assert intact["interference"] == 0.0
    assert arms["confounded"]["auroc"] < intact["auroc"] - 0.05
    assert arms["no_other_contrast"]["auroc"] == intact["auroc"]
    assert arms["no_other_contrast"]["accuracy"] < intact["accuracy"] - 0.1


@pytest.mark.slow
def test_the_claim_holds():
    (claim,) = CLAIMS
    assert misses(claim, claim.measure()) == []


# the run


def test_the_summary_has_its_shape(done):
    summary = json.loads(json.dumps(done.summary, allow_nan=False))
    for name in ("auroc", "false_blame", "missed_blame", "accuracy"):
        assert {"mean", "ci95", "n"} <= summary[name].keys()
        assert summary[name]["n"] == 8
        assert 0.0 <= summary["chance"][name] <= 1.0
        assert summary["comparisons"]["starting_state"][name]["p_holm"] is not None
    assert summary["arm"] == "intact"
    assert summary["expected"] == {arm.name: arm.expect for arm in ARMS}
    shares = np.array(summary["confusion"]["share"])
    assert shares.shape == (len(summary["confusion"]["true"]), 3) == (7, 3)
    assert np.allclose(shares.sum(-1), 1.0)
    both = summary["overdetermined"]["self+other"]
    assert both["self"]["due"]["responsibility"] == 0.5
    assert both["nature"]["due"]["responsibility"] == 0.0
    assert set(summary["overdetermined"]) == {"self+other", "self+nature", "other+nature", "all"}


def test_arms_measures_and_weights_are_kept(done):
    assert done.measure("false_blame")["intact"].shape == (8,)
    assert done.state["subject/association->prediction"].shape == (8 * len(ARMS), 72, 20)
    mine = done.spikes["arm"] == "intact"
    assert {"prediction", "held", "self_caused"} <= set(done.spikes["area"][mine])
    assert set(done.spikes["episode"]) == set(range(4))


@pytest.mark.parametrize("name", EXPERIMENT.figures)
def test_figures_are_drawn_from_the_files(done, name):
    file = io.BytesIO()
    EXPERIMENT.figures[name](load_run(done.path)).savefig(file)
    assert len(file.getvalue()) > 10_000


def test_an_individual_keeps_its_bits_in_any_company_and_arms_in_any_order(tmp_path):
    small = {"episodes": 21, "training": 40, "record": 0}
    many = run(PLAIN, tmp_path / "a", seeds=5, arms=("no_efference", "starting_state"), **small)
    few = run(PLAIN, tmp_path / "b", seeds=4, arms=("starting_state", "no_efference", "intact"), **small)
    for name in many.episodes:
        if name in ("arm", "seed", "episode", "agent"):
            continue
        for arm in ("intact", "no_efference", "starting_state"):
            one, two = (
                view.episodes[name][(view.episodes["arm"] == arm) & (view.episodes["seed"] == 3)]
                for view in (many, few)
            )
            assert len(one) == 21
            assert (one == two).all()


def test_the_number_of_test_trials_changes_no_trial(tmp_path):
    small = {"seeds": 2, "training": 20, "record": 0, "arms": ("intact",)}
    short, long = (run(PLAIN, tmp_path / str(n), episodes=n, **small) for n in (5, 12))
    for name in ("score", "answer", "own", "other_contrast"):
        assert (short.episodes[name] == long.episodes[name][long.episodes["episode"] < 5]).all()


def test_the_same_run_has_the_same_hash_and_a_lesion_stands_at_the_head(tmp_path):
    small = {"seeds": 2, "episodes": 20, "training": 30, "arms": ("intact",), "lesion": ("OWN",)}
    one, two = (run(PLAIN, tmp_path / name, **small) for name in "ab")
    assert one.manifest.hash == two.manifest.hash
    assert one.summary["arm"] == "silence:OWN"
    assert one.summary["auroc"]["mean"] == 0.5


def test_an_individual_without_some_kind_of_trial_has_no_score(tmp_path):
    found = run(PLAIN, tmp_path / "run", seeds=1, episodes=1, training=1, arms=("intact",)).summary
    assert found["auroc"]["mean"] is None
    assert found["interference"]["mean"] is None
    assert found["confusions"]["intact"][1] == [None, None, None]


@pytest.mark.parametrize(
    "flags", [{"noise": 1.5}, {"noise": "nan"}, {"training": -1}, {"criterion": 0.0}, {"episodes": 0}], ids=str
)
def test_bad_flags_are_refused_before_anything_runs(flags):
    with pytest.raises(ConfigError, match=next(iter(flags))):
        base.configure(EXPERIMENT, flags)


def test_an_area_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(UnknownName, match="self_caused"):
        run(PLAIN, tmp_path / "run", seeds=1, episodes=1, training=0, lesion=("self_cause",))


def test_confusion_counts_answers():
    rows = {
        "arm": ["intact"] * 4,
        "seed": [0] * 4,
        "episode": [0, 1, 2, 3],
        "kind": [0, 0, 1, 3],
        "answer": [0, 2, 1, 1],
    }
    table = confusion({name: np.array(column) for name, column in rows.items()})["intact"]
    assert table[:4] == [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0], [None, None, None], [0.0, 1.0, 0.0]]
