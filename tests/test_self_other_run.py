"""The experiment of self and other: its numbers, its controls, its arms, its files.

Bounds of the requirement: confusion < 5 %, empathic response > 0.8 of the own one; chance 50 %.
"""

import json

import numpy as np
import pytest
import torch

from bisnn.errors import ConfigError, UnknownName
from bisnn.experiments import runner, trials
from bisnn.experiments.base import configure
from bisnn.experiments.claims.base import misses
from bisnn.experiments.claims.self_other import CLAIMS
from bisnn.experiments.self_other import EXPERIMENT, SelfOther, design
from bisnn.experiments.tasks.self_other import CALM, CONTROL, GATE, HIDDEN, MAIN, PAIN, Design
from bisnn.experiments.tasks.self_other_scores import scores, values

CASES = {"episodes": 2, "intensities": (0.5, 1.0), "noise": (1.0, 2.0), "gains": (0.0, 1.0, 2.0)}
SMALL = {**CASES, "visits": 2}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("self_other") / "run"
    return runner.run(EXPERIMENT, folder, seeds=4, **SMALL)


def mean(run, arm, measure):
    return run.summary["arms"][arm][measure]["mean"]


def test_pain_is_shared_and_not_confused(done):
    summary = done.summary
    assert summary["confusion"] < 0.05
    assert mean(done, "intact", "confusion_size") < 0.05
    assert summary["empathic_response"] > 0.8
    assert summary["intrusion"] < 0.05
    assert mean(done, "intact", "misread") < 0.05
    assert summary["auroc"] > 0.95
    assert set(summary["chance"].values()) == {0.5}
    assert set(summary["expected"]) == set(summary["arms"])
    assert set(summary["comparisons"]) == set(summary["arms"]) - {"intact"}
    json.dumps(summary, allow_nan=False)


def test_every_arm_loses_what_it_should(done):
    assert mean(done, "contagion", "confusion") > 0.95
    assert mean(done, "contagion", "intrusion") > 0.95
    assert mean(done, "contagion", "auroc") < 0.6
    assert mean(done, "contagion", "empathic_response") == mean(done, "intact", "empathic_response")
    assert mean(done, "detached", "empathic_response") == 0.0
    assert mean(done, "detached", "misread") == 1.0
    assert mean(done, "detached", "own_pain") > 0.5
    assert mean(done, "no_decoupling", "intrusion") > 0.95
    assert mean(done, "no_decoupling", "confusion") == 0.0
    for arm in ("no_own_experience", "no_mirror"):
        assert mean(done, arm, "empathic_response") == 0.0
        assert mean(done, arm, "own_pain") == mean(done, "intact", "own_pain")


def test_calm_and_shuffled_faces_move_nobody(done):
    for measure in ("neutral_affect", "neutral_insula", "shuffled_affect", "shuffled_insula"):
        assert mean(done, "intact", measure) < 0.025
    rows, plan = done.episodes, Design(**CASES)
    mine = rows["arm"] == "intact"
    energy = rows["episode"][mine].reshape(4, -1)[0]
    assert energy.tolist() == list(range(len(plan.table.own)))
    assert int(plan.where(CALM, PAIN, CONTROL).sum()) == 4


def test_the_gate_is_one_curve(done):
    first, usual, last = done.summary["gate"]
    assert [entry["gain"] for entry in done.summary["gate"]] == [0.0, 1.0, 2.0]
    assert first["confusion"] == 1.0
    assert first["confusion_size"] > 0.8
    assert first["intrusion"] == 1.0
    assert usual["confusion"] == usual["intrusion"] == 0.0
    assert first["response"] == usual["response"] > 0.8
    assert last["confusion"] == last["response"] == 0.0
    assert last["egocentric_bias"] is None, "nothing is read: no share of it"
    assert [entry["noise"] for entry in done.summary["noise"]] == [1.0, 2.0]
    assert done.summary["noise"][0]["response"] == pytest.approx(done.summary["empathic_response"])
    assert done.summary["noise"][1]["confusion"] == 0.0


def test_figures_are_drawn_from_the_files(done):
    for name in EXPERIMENT.figures:
        assert (done.path / "figures" / f"{name}.png").stat().st_size > 10_000
    areas = set(done.spikes["area"].tolist())
    assert {"emotion", "perception", "tpj", "ifg", "affect", "insula", "mpfc", "sma"} <= areas
    plan = design(configure(EXPERIMENT, SMALL))
    shown = {plan.example(own, other) for own in (CALM, PAIN) for other in (CALM, PAIN)}
    assert set(done.spikes["episode"].tolist()) == shown
    header, rows = EXPERIMENT.table(done.summary)
    assert all(len(row) == len(header) for row in rows)
    assert [row[0] for row in rows] == done.manifest.arms


def tried(seeds, arms=("intact", "detached")):
    """The rows of individuals, tested alone in this process: column -> `[arm, seed, trials]`."""
    settings = SelfOther(**{**CASES, "gains": (0.5,), "visits": 1}, arms=arms)
    found = trials.take(EXPERIMENT, settings, seeds, arms)
    return {name: torch.stack([found[arm][name] for arm in arms]) for name in found["intact"]}


def test_the_same_individual_alone_and_in_company():
    together, alone = tried([0, 3]), tried([3])
    turned = tried([3, 1], arms=("detached", "intact"))
    for name, column in together.items():
        assert torch.equal(column[:, 1], alone[name][:, 0]), name
        assert torch.equal(column[:, 1].flip(0), turned[name][:, 0]), name
    assert not torch.equal(together["perception->ifg"][0, 0], together["perception->ifg"][0, 1])


def test_a_lesion_stands_at_the_head(tmp_path):
    small = {**SMALL, "visits": 1, "noise": (1.0,), "gains": (0.0, 1.0), "record": 0}
    run = runner.run(EXPERIMENT, tmp_path / "run", seeds=1, arms=("intact",), lesion=("TPJ",), **small)
    assert run.summary["shown"] == "silence:TPJ"
    assert run.summary["confusion"] == 1.0
    assert run.manifest.arms == ["intact", "silence:TPJ"]


def test_the_design():
    plan = Design(**CASES)
    assert int(plan.where(CALM, PAIN).sum()) == 4, "two trials of two intensities"
    assert int(plan.where(CALM, PAIN, noise=2.0).sum()) == 4
    assert int(plan.where(PAIN, HIDDEN, GATE, gain=2.0).sum()) == 2
    assert len(plan.table.own) == 2 * 2 * 3 * 4 + 2 * 4 + 3 * 3 * 2
    pairs = [plan.where(CALM, PAIN), plan.where(PAIN, CALM, MAIN), plan.where(CALM, PAIN, CONTROL)]
    numbers = [plan.table.number[mask].tolist() for mask in pairs]
    assert numbers[0] == numbers[1] == numbers[2], "paired by noise"


def test_scores_by_hand():
    seen, clash, alone = np.eye(3, dtype=bool)
    columns = {
        "insula": np.array([[0.1, 0.5, 0.4]]),
        "affect": np.array([[0.6, 0.5, 0.8]]),
        "felt_as_own": np.array([[1.0, 1.0, 1.0]]),
        "intruded": np.array([[1.0, 0.0, 0.0]]),
        "own_read": np.array([[0.3, 0.1, 0.0]]),
        "other_read": np.array([[0.2, 0.4, 0.0]]),
    }
    found = {name: value.tolist() for name, value in scores(columns, seen, clash, alone).items()}
    assert found == {
        "confusion": [1.0],
        "confusion_size": pytest.approx([0.25]),
        "empathic_response": pytest.approx([0.75]),
        "intrusion": [0.5],
        "egocentric_bias": pytest.approx([0.4]),
    }


def test_measures_read_the_rows(done):
    found = values(done.episodes, Design(**CASES))
    for name in ("confusion", "intrusion", "misread", "own_pain"):
        assert found[name]["contagion"].tolist() == done.measure(name)["contagion"].tolist()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"intensities": (0.0,)}, "above 0"),
        ({"intensities": (1.5,)}, "up to 1"),
        ({"intensities": ()}, "intensities"),
        ({"noise": (-1.0,)}, "between 0 and 10"),
        ({"gains": (9.0,)}, "between 0 and 8"),
        ({"gains": "nan"}, "gains"),
        ({"episodes": 0}, "episodes"),
        ({"felt": 1.0}, "felt"),
    ],
)
def test_bad_flags_are_refused(flags, words):
    with pytest.raises(ConfigError, match=words):
        configure(EXPERIMENT, flags)


def test_an_unknown_area_is_refused(tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'tpj'"):
        runner.run(EXPERIMENT, tmp_path / "run", seeds=1, lesion=("tjp",))


@pytest.mark.slow
def test_the_claim_holds():
    for claim in CLAIMS:
        assert misses(claim, claim.measure()) == []
