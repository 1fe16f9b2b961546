"""The competence experiment: its bits, its measures by hand, its ablations, its flags and its figures."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from bisnn import load_run
from bisnn.experiments.base import configure
from bisnn.experiments.claims.base import misses
from bisnn.experiments.claims.competence import CLAIMS
from bisnn.experiments.cli import main
from bisnn.experiments.competence import EXPERIMENT
from bisnn.experiments.runner import run
from bisnn.experiments.tasks.competence import Ability, Spans
from bisnn.experiments.tasks.competence_scores import bounds, detection, in_test, slope
from bisnn.experiments.trials import take

NOBODY = torch.zeros(0, dtype=torch.int64)
PLAIN = replace(EXPERIMENT, figures={})


def lived(seeds, arms=("intact",), **settings):
    """What the individuals `seeds` of intact and of the `arms` did: arm -> column -> `[seeds, trials]`."""
    return take(EXPERIMENT, configure(EXPERIMENT, {"arms": arms, "episodes": 30, **settings}), seeds)


def test_the_same_individual_alone_in_a_batch_and_in_any_order():
    """Seed 3 alone, and among 5 beside other arms in another order: the same rows and weights, bit for bit."""
    arms = ("no_drop", "no_other", "shuffled_outcomes")
    alone, together = lived([3], arms), lived([0, 1, 2, 3, 4], arms[::-1])
    for arm in ("intact", *arms):
        one, many = alone[arm], together[arm]
        assert all(torch.equal(one[name][0], many[name][3]) for name in one)


def test_all_arms_meet_the_same_tasks_with_the_same_luck():
    """Difficulty, feature, own luck and schedule do not depend on the arm; own success only by the injury."""
    found = lived([0, 1, 2], ("no_drop", "overconfident", "frozen", "gain"))
    for arm in list(found)[1:]:
        for name in ("difficulty", "feature"):
            assert torch.equal(found[arm][name], found["intact"][name])
        assert torch.equal(found[arm]["succeeds"][:, :20], found["intact"]["succeeds"][:, :20])
    hurt, well, better = (found[arm]["chance"][:, 20:] for arm in ("intact", "no_drop", "gain"))
    assert bool((hurt <= well).all())
    assert bool((well <= better).all())
    assert bool((hurt < well).any())


def test_practice_is_all_tries_and_a_schedule_of_its_own_afterwards():
    found = lived(list(range(40)), ("no_exploration",), explore=0.25)
    one, none = found["intact"], found["no_exploration"]
    assert not bool(one["asked"][:, :10].any())
    assert bool(one["scheduled"][:, :10].all())
    assert float(one["scheduled"][:, 10:].float().mean()) == pytest.approx(0.25, abs=0.05)  # 800 draws: 3.3 errors
    assert not bool((one["scheduled"] & one["asked"]).any())
    assert not bool(none["scheduled"][:, 10:].any())


def test_what_is_hidden_from_it_stays_hidden():
    """Where it asks, the outcome that its own attempt would have had leaves no trace in what it expects of itself."""
    ability = Ability.drawn(torch.arange(200))
    assert 0.4 <= float(ability.capability.min()) < 0.45 < 0.75 < float(ability.capability.max()) <= 0.8
    found = lived([0, 1, 2, 3], episodes=60, cost=0.0)  # asking costs nothing: it tries when scheduled alone
    free = found["intact"]
    asked = free["asked"]
    assert bool((asked | free["scheduled"]).all())
    estimate = free["estimate"]
    still = estimate[:, 1:] == estimate[:, :-1]
    assert bool(still[asked[:, 1:]].all())
    assert not bool(still[~asked[:, 1:]].all())


def test_it_learns_from_its_own_outcome_or_sees_the_helpers_and_gains_by_what_it_does():
    """Outcome (error + confidence): of its own try, or of the helper where it asked; a drawn one where shuffled."""
    found = lived(list(range(6)), ("shuffled_outcomes",), episodes=60, helper=0.5, cost=0.0)
    for arm in found:
        one = {name: column.double() for name, column in found[arm].items()}
        outcome, asked = (one["error"] + one["confidence"]).round(), one["asked"] > 0
        assert torch.equal(one["gain"], torch.where(asked, 0.5, one["chance"]))
        assert 0.3 < float(outcome[asked].mean()) < 0.7
        assert torch.equal(outcome[asked], one["success"][asked])
        assert torch.equal(outcome[~asked], one["succeeds"][~asked]) is (arm == "intact")
        assert not torch.equal(outcome[asked], one["succeeds"][asked])


def test_constant_confidence_knows_nothing_of_itself():
    """Clamped: confidence 1, AUROC exactly 0.5, the regret of never asking."""
    found = lived([0, 1, 2], ("overconfident",), episodes=60)["overconfident"]
    rows = {name: column for name, column in found.items() if column.shape == found["confidence"].shape}
    held = {name: column[:, 20:40].double().numpy() for name, column in rows.items()}
    assert (held["confidence"] == 1.0).all()
    assert in_test(held, 0.7)["auroc"].tolist() == [0.5, 0.5, 0.5]
    assert np.isnan(in_test(held, 0.7)["precision"]).all()
    assert np.allclose(in_test(held, 0.7)["regret"], bounds(held, 0.7)["never"]["regret"])


def test_the_estimate_is_what_its_spikes_say_whatever_is_ablated():
    """Tasks are uniform, so the mean confidence over many is the estimated share of mastered tasks."""
    cuts = ("cut:bias->competence", "silence:difficulty", "silence:competence", "gain:bias->competence=0.5")
    found = lived(list(range(8)), ("overconfident", "no_other"), episodes=60, ablate=cuts)
    for arm in found:
        mine = found[arm]
        said, estimated = (mine[name][:, 20:].double().mean() for name in ("confidence", "estimate"))
        assert float(said) == pytest.approx(float(estimated), abs=0.04), arm
    assert (found["overconfident"]["estimate"] == 1.0).all()


def test_the_measures_by_hand():
    """Four trials: a sure success, a doubtful failure that it asks for, a needless request, a failure that it dared."""
    one = {
        "confidence": [[0.9, 0.2, 0.6, 0.8]],
        "succeeds": [[1.0, 0.0, 1.0, 0.0]],
        "asked": [[0.0, 1.0, 1.0, 0.0]],
        "scheduled": [[0.0, 0.0, 0.0, 0.0]],
        "chance": [[0.9, 0.1, 0.8, 0.4]],
        "regret": [[0.0, 0.0, 0.1, 0.3]],
        "gain": [[0.9, 0.7, 0.7, 0.4]],
        "difficulty": [[0.1, 0.9, 0.3, 0.5]],
        "feature": [[0.5, 0.2, 0.9, 0.1]],
    }
    table = {name: np.asarray(value) for name, value in one.items()}
    found = {name: float(value[0]) for name, value in in_test(table, 0.7).items()}
    assert found["brier"] == pytest.approx((0.01 + 0.04 + 0.16 + 0.64) / 4)
    assert found["auroc"] == 0.75
    assert (found["precision"], found["recall"], found["ask_rate"]) == (0.5, 0.5, 0.5)
    assert found["regret"] == pytest.approx(0.1)
    assert found["overconfidence"] == pytest.approx(0.125)
    beside = bounds(table, 0.7)
    assert beside["always"]["regret"][0] == pytest.approx((0.2 + 0.1) / 4)
    assert beside["never"]["regret"][0] == pytest.approx((0.6 + 0.3) / 4)
    assert (beside["oracle"]["precision"][0], beside["oracle"]["recall"][0]) == (1.0, 1.0)
    assert beside["base_rate"]["brier"][0] == 0.25


def test_slopes_and_detection_by_hand():
    x, y = np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 1, 5))
    plane = {"difficulty": x.reshape(1, -1), "feature": y.reshape(1, -1)}
    plane["confidence"] = 0.9 - 0.6 * plane["difficulty"] + 0.05 * plane["feature"]
    assert np.allclose([slope(plane, "difficulty"), slope(plane, "feature", "difficulty")], [[-0.6], [0.05]])
    plane["chance"] = plane["difficulty"] ** 2
    bent = {**plane, "confidence": plane["confidence"] + plane["chance"]}
    assert np.allclose(slope(bent, "feature", "difficulty", "chance"), [0.05])
    assert np.isnan(slope({name: column[:, :2] for name, column in plane.items()}, "difficulty")).all()
    flat = np.full((3, 4), 0.6)
    fall = np.array([[0.2], [0.2], [0.0]]) * np.ones((3, 5))
    estimate = np.array([[0.6, 0.55, 0.51, 0.49, 0.6], [0.6, 0.6, 0.72, 0.8, 0.6], [0.6, 0.1, 0.1, 0.1, 0.1]])
    zero = np.zeros((3, 5))
    after = {"estimate": estimate, "fall": fall, "asked": zero, "confidence": zero, "succeeds": zero, "regret": zero}
    found = detection({"estimate": flat}, after)
    assert found["detected"].tolist() == [1.0, 0.0, 0.0]
    assert found["detection_trials"][0] == 4.0
    long = np.concatenate((np.full((3, 60), 0.9), np.full((3, 50), 0.6)), -1)  # the last 50 trials are the usual
    assert np.array_equal(detection({"estimate": long}, after)["detected"], found["detected"])
    risen = detection({"estimate": flat}, {**after, "fall": -fall})
    assert risen["detection_trials"][1] == 3.0


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A short run."""
    folder = tmp_path_factory.mktemp("competence") / "run"
    return run(PLAIN, folder, seeds=5, episodes=75, arms=("no_drop", "overconfident", "gain"))


def test_the_summary_has_what_scripts_rely_on(done):
    found = json.loads(json.dumps(done.summary, allow_nan=False))
    assert {"brier", "ece", "auroc", "help", "regret", "drop_detected", "arms", "comparisons", "chance"} <= set(found)
    assert found["regret"].keys() == {"agent", "always", "never", "oracle"}
    assert found["regret"]["oracle"]["mean"] == 0.0 < found["regret"]["agent"]["mean"]
    assert {"precision", "recall"} == found["help"].keys()
    assert {"trials", "share", "false_alarms", "criterion"} == found["drop_detected"].keys()
    assert found["chance"]["auroc"] == 0.5
    assert found["expected"].keys() == found["arms"].keys() == set(done.manifest.arms)
    assert found["auroc"]["mean"] == found["arms"]["intact"]["auroc"]["mean"] > 0.7
    assert found["arms"]["overconfident"]["precision"]["mean"] is None
    assert done.measure("regret")["intact"].mean() == pytest.approx(found["regret"]["agent"]["mean"])


@pytest.mark.parametrize("name", EXPERIMENT.figures)
def test_figures_are_drawn_from_the_files(done, name):
    file = io.BytesIO()
    EXPERIMENT.figures[name](load_run(done.path)).savefig(file)
    assert len(file.getvalue()) > 10_000


def test_the_areas_that_figures_show_are_recorded(done):
    areas = set(done.spikes["area"])
    assert {"difficulty", "competence", "attempt", "own"} <= areas


def test_the_head_of_the_summary_follows_a_lesion(tmp_path):
    found = run(
        PLAIN, tmp_path / "run", seeds=2, episodes=45, record=0, arms=("no_drop",), lesion=("competence",)
    ).summary
    assert found["arms"]["silence:competence"]["auroc"]["mean"] == 0.5
    assert found["auroc"]["mean"] == 0.5 != found["arms"]["intact"]["auroc"]["mean"]


@pytest.mark.parametrize(
    "flags",
    [
        ["--cost", "1.5"],
        ["--drop=-0.1"],
        ["--drop-at", "0.2"],
        ["--practice", "0"],
        ["--episodes", "2"],
        ["--explore", "nan"],
        ["--lesion", "hippocampus"],
        ["--arms", "no_ears"],
    ],
)
def test_bad_flags_are_refused_before_anything_runs(flags, tmp_path, capsys):
    folder = tmp_path / "run"
    assert main(["run", "competence", "--out", str(folder), *flags]) == 2
    assert not folder.exists()
    assert capsys.readouterr().err.strip()


def test_phases_are_shares_of_the_life():
    assert Spans.of(1 / 3, 2 / 3, 600) == Spans(200, 400, 600)
    assert configure(EXPERIMENT, {"episodes": 3}).spans == Spans(1, 2, 3)


@pytest.mark.slow
def test_the_claim_holds():
    for claim in CLAIMS:
        assert not misses(claim, claim.measure())
