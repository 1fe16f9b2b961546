"""The experiment self-experience: what it reports, that its controls fail, the same individual alone and in a batch."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch

from bisnn import load_run
from bisnn.errors import ConfigError, UnknownName
from bisnn.experiments import base, measures, runner, trials
from bisnn.experiments import self_experience as experiment
from bisnn.experiments.self_experience import ARMS, CONTROLS, EXPERIMENT
from bisnn.experiments.tasks import self_experience as task

SMALL = {"experiences": (0, 1, 4), "distances": (0.0, 2.0), "cost": (0.1, 0.5, 1.0), "episodes": 2}
LEAST = {"experiences": (0, 2), "distances": (0.0,), "cost": (0.1,), "episodes": 2}
SEEDS = 6
PLAIN = replace(EXPERIMENT, figures={})


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """All arms, six seeds, a short life."""
    names = tuple(arm.name for arm in (*ARMS, *CONTROLS))
    return runner.run(PLAIN, tmp_path_factory.mktemp("own") / "run", seeds=SEEDS, arms=names, **SMALL)


def session(seeds, arms=("intact",), **settings):
    """These individuals in these arms: arm -> column, or what was learned -> `[seeds, ...]`."""
    values = base.configure(EXPERIMENT, {**SMALL, **settings, "arms": arms})
    return trials.take(EXPERIMENT, values, seeds, arms)


def test_the_anchors_and_their_controls(done):
    """With experience .95 or more are rescued, without it .05 or less, and every arm that should fail does."""
    arms = done.summary["arms"]
    intact = {name: found["mean"] for name, found in arms["intact"].items()}
    assert intact["rescue"] >= 0.95
    assert intact["naive_rescue"] <= 0.05
    assert intact["rescue"] - intact["naive_rescue"] >= 0.9
    assert max(intact["false_rescue"], intact["passing_rescue"]) <= 0.05
    assert intact["auroc"] >= 0.95
    assert intact["outcome_right"] >= 0.95
    for arm in ("wiped", "frozen_store", "no_recall", "painless", "harmless_only", "no_cost_cells"):
        assert arms[arm]["rescue"]["mean"] <= 0.05, arm
        assert arms[arm]["auroc"]["mean"] == 0.5, arm
    assert arms["no_recall"]["outcome_right"]["mean"] >= 0.95, "the episode is found, its cost is not called up"
    control = arms["random_episode_cells"]["rescue"]["mean"]
    lesion = arms["no_cost_cells"]["rescue"]["mean"]
    assert (intact["rescue"] - lesion) / intact["rescue"] >= 0.5
    assert (intact["rescue"] - control) / intact["rescue"] <= 0.1
    shuffled = arms["shuffled_outcomes"]
    assert shuffled["auroc"]["mean"] <= 0.75
    assert shuffled["false_rescue"]["mean"] > 0.2, "harm is read where there was none"


def test_the_summary_has_the_shapes_that_scripts_rely_on(done):
    found = done.summary
    cells = [(entry["experiences"], entry["distance"]) for entry in found["rescue"]]
    assert cells == [(n, distance) for n in (0, 1, 4) for distance in (0.0, 2.0)]
    assert all({"mean", "ci95", "n"} <= set(entry) and entry["n"] == SEEDS for entry in found["rescue"])
    assert {"mean", "ci95", "n"} <= set(found["auroc"])
    assert found["chance"]["auroc"] == 0.5
    assert set(found["expected"]) == set(found["arms"]) == set(done.manifest.arms)
    assert [entry["cost"] for entry in found["cost"]] == [0.1, 0.5, 1.0]
    assert found["cost"][0]["mean"] > found["cost"][2]["mean"]
    rate = {cell: entry["mean"] for cell, entry in zip(cells, found["rescue"], strict=True)}
    assert rate[4, 0.0] >= rate[4, 2.0] >= rate[1, 2.0]
    assert rate[0, 0.0] == rate[0, 2.0] == 0.0
    assert found["rescue"][4]["mean"] == pytest.approx(float(done.measure("rescue")["intact"].mean()))
    header, rows = EXPERIMENT.table(found)
    assert len(rows) == len(done.manifest.arms)
    assert all(len(row) == len(header) for row in rows)


def test_rows_say_what_was_shown(done):
    """Distance and kind as asked for, on both sides; the true cost of a trap by its feature; 0 for the rest."""
    rows = {name: column[done.episodes["arm"] == "intact"] for name, column in done.episodes.items()}
    home = np.array(task.HOME)[rows["kind"]]
    away = rows["feature"] - home
    assert np.abs(away) == pytest.approx(rows["distance"])
    assert set(np.sign(away[rows["distance"] > 0])) == {-1.0, 1.0}
    cost = np.where(rows["kind"] == task.TRAP, 0.75 + 0.15 * away.clip(-1.5, 1.5), 0.0)
    assert rows["true_cost"] == pytest.approx(cost, abs=1e-6)
    assert (rows["correct"] == (rows["rescued"] == (rows["kind"] == task.TRAP))).all()
    assert rows["cost_error"] == pytest.approx(np.abs(rows["value"] + cost), abs=1e-6)


def test_an_individual_is_the_same_alone_and_in_any_company(monkeypatch):
    arms = ("intact", "shuffled_outcomes", "wiped", "random_episode_cells")
    many = session([0, 1, 2, 3, 4], arms)
    alone = session([3], tuple(reversed(arms)))
    for arm in arms:
        for name, values in many[arm].items():
            assert torch.equal(values[3], alone[arm][name][0]), (arm, name)
    monkeypatch.setattr(task, "CROWD", 3)
    apart = session([3])
    assert all(torch.equal(values, alone["intact"][name]) for name, values in apart["intact"].items())


def test_a_life_does_not_depend_on_what_is_tested_in_it():
    """The store after four rounds is the same whether or not the individual was looked at after one."""
    often, once = session([0, 1])["intact"], session([0, 1], experiences=(4,))["intact"]
    learned = [name for name in often if "->" in name]
    assert learned
    assert all(torch.equal(often[name], once[name]) for name in learned)


def test_recorded_spikes_are_those_of_the_rows(done):
    rows, spikes = done.episodes, done.spikes
    mine = (spikes["arm"] == "intact") & (spikes["seed"] == 0)
    looked = mine & (spikes["step"] == task.STEPS)
    shown = np.unique(spikes["episode"][looked])
    assert len(shown) == len(task.KINDS)
    for trial in shown:
        row = (rows["arm"] == "intact") & (rows["seed"] == 0) & (rows["episode"] == trial)
        for area in ("rescue", "advance"):
            count = int((looked & (spikes["episode"] == trial) & (spikes["area"] == area)).sum())
            assert count == int(rows[f"{area}_spikes"][row][0])
    own = mine & (spikes["step"] < task.STEPS)
    assert set(spikes["step"][own]) == {0, 1, 2}
    assert (spikes["area"][own] == "septum").any()
    trap = int((done.recordings["intact-0"]["order"] == task.TRAP).nonzero()[0, 0])
    assert set(spikes["step"][own & (spikes["area"] == "pain")]) == {trap}


def test_a_lesion_is_what_the_head_of_the_summary_describes(tmp_path):
    found = runner.run(PLAIN, tmp_path / "a", seeds=2, arms=("intact",), lesion=("EPISODE",), **LEAST).summary
    assert found["arm"] == "silence:EPISODE"
    assert not any(entry["mean"] for entry in found["rescue"])
    assert found["auroc"]["mean"] == 0.5
    assert found["arms"]["intact"]["rescue"]["mean"] > 0.5


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"experiences": (-1,)}, "experiences"),
        ({"experiences": "25"}, "experiences"),
        ({"experiences": (0,)}, "experiences"),
        ({"experiences": ()}, "experiences"),
        ({"experiences": "0:1:3"}, "experiences"),
        ({"distances": "0,9"}, "distances"),
        ({"distances": (float("nan"),)}, "distances"),
        ({"cost": "1.5"}, "cost"),
        ({"episodes": 0}, "episodes"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong, said):
    with pytest.raises(ConfigError, match=said):
        base.configure(EXPERIMENT, wrong)


def test_names_that_do_not_exist_are_refused_before_anything_runs(tmp_path):
    for wrong in ({"arms": ("amnesia",)}, {"lesion": ("amygdala",)}, {"ablate": ("freeze:pain->cost",)}):
        with pytest.raises(UnknownName):
            runner.run(EXPERIMENT, tmp_path / "a", seeds=1, **wrong, **SMALL)
        assert not (tmp_path / "a").exists()


def test_ranges_can_be_given():
    values = base.configure(EXPERIMENT, {"experiences": "0:3", "distances": "0:2:5"})
    assert values.experiences == (0, 1, 2, 3)
    assert values.distances == (0.0, 0.5, 1.0, 1.5, 2.0)
    assert len(experiment.looks(values)) == 4 * (4 * 5 * 3 + 10)


def test_outcomes_are_shuffled_within_a_round_and_keep_their_base_rate():
    """A third of the experiences hurt in the shuffled arm too: as many cost synapses as in the intact one."""
    found = session(list(range(20)), ("intact", "shuffled_outcomes"), experiences=(4,), distances=(0.0,), cost=(0.1,))
    usual, mixed = found["intact"], found["shuffled_outcomes"]
    hurt = [float((arm["episode->cost"].sum(-1) > 0).sum(-1).float().mean()) for arm in (usual, mixed)]
    assert hurt[0] == pytest.approx(hurt[1], rel=0.25)
    harmless = usual["kind"][0] != task.TRAP
    assert not usual["value"][:, harmless].any()
    assert bool(mixed["value"][:, harmless].any())


@pytest.mark.parametrize("name", EXPERIMENT.figures)
def test_every_figure_is_drawn_from_the_files(done, name):
    figure, file = EXPERIMENT.figures[name](load_run(done.path)), io.BytesIO()
    figure.savefig(file)
    assert len(file.getvalue()) > 10_000
    assert not any("--record" in text.get_text() for ax in figure.axes for text in ax.texts)


def test_an_unrecorded_run_says_why_it_has_no_spikes(tmp_path):
    found = runner.run(PLAIN, tmp_path / "a", seeds=1, arms=("intact",), record=0, **LEAST)
    texts = [text.get_text() for ax in EXPERIMENT.figures["spikes"](found).axes for text in ax.texts]
    assert any("--record 1" in text for text in texts)
    assert measures.per_seed(found.episodes, experiment.MEASURES["naive_rescue"])["intact"].tolist() == [0.0]
