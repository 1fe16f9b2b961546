"""The universal exams of experiments of trials: found by walking the folder, run small, judged by their own files.

What is exact is asked for exactly: bits of an individual alone and beside others, and of a figure drawn twice.
"""

import contextlib
import json

import numpy as np
import pytest
from matplotlib.figure import Figure

from bisnn.errors import ConfigError
from bisnn.experiments import base, runner
from bisnn.experiments.results import load_run
from bisnn.experiments.storage import sanitise

TRIALS = {name: experiment for name, experiment in base.experiments().items() if experiment.trials is not None}
LENGTHS = (20, 40)
"""Trials of a small run: the first number that the settings take, or their own where that is smaller."""


def small(experiment):
    """Settings of a small run."""
    usual = base.configure(experiment, {}).episodes
    for length in LENGTHS:
        with contextlib.suppress(ConfigError):
            base.configure(experiment, {"episodes": length})
            return {"seeds": 2, "record": 1, "episodes": min(length, usual)}
    return {"seeds": 2, "record": 1}


@pytest.fixture(scope="module", params=sorted(TRIALS))
def done(request, tmp_path_factory):
    """A small run of the experiment, all its usual arms."""
    folder = tmp_path_factory.mktemp(request.param) / "run"
    return runner.run(TRIALS[request.param], folder, **small(TRIALS[request.param]))


def of(columns, arm, seed):
    """The rows of one individual, in order."""
    mine = (columns["arm"] == arm) & (columns["seed"] == seed)
    order = np.argsort(columns["episode"][mine], kind="stable")
    return {name: column[mine][order] for name, column in columns.items() if name != "arm"}


def undefined(tree, path=""):
    """Where a summary holds a null without a note beside it, or a number that is not finite."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if value is None and "note" not in tree and name in ("mean", "difference"):
                yield f"{path}/{name}"
            yield from undefined(value, f"{path}/{name}")
    elif isinstance(tree, list | tuple):
        for i, value in enumerate(tree):
            yield from undefined(value, f"{path}/{i}")
    elif isinstance(tree, float) and not np.isfinite(tree):
        yield path


def test_every_arm_is_judged_and_says_what_was_expected(done):
    experiment, summary = TRIALS[done.manifest.experiment], done.summary
    assert done.manifest.state == "complete"
    assert list(summary["arms"]) == done.manifest.arms
    assert set(summary["comparisons"]) == set(done.manifest.arms) - {"intact"}
    assert all(summary["expected"][arm].strip() for arm in done.manifest.arms)
    assert summary["chance"]
    assert list(undefined(sanitise(summary))) == []
    json.dumps(sanitise(summary), allow_nan=False)
    header, rows = experiment.table(summary)
    assert len(rows) >= len(done.manifest.arms)
    assert all(len(row) == len(header) and all(isinstance(cell, str) for cell in row) for row in rows)


def test_a_measure_is_read_from_the_rows(done):
    experiment = TRIALS[done.manifest.experiment]
    for name in experiment.measures:
        values = done.measure(name)
        assert list(values) == done.manifest.arms
        assert np.isfinite(values["intact"]).all()


def test_the_figures_are_drawn_from_the_files_alone(done):
    experiment, view = TRIALS[done.manifest.experiment], load_run(done.path)
    assert experiment.figures
    for name, draw in experiment.figures.items():
        figure = draw(view)
        assert isinstance(figure, Figure)
        assert any(ax.has_data() for ax in figure.axes), name
        for form in ("png", "pdf"):
            assert (done.path / "figures" / f"{name}.{form}").stat().st_size > 1000


def test_an_individual_alone_is_the_one_among_others(done, tmp_path):
    experiment, arm = TRIALS[done.manifest.experiment], done.manifest.arms[-1]
    alone = runner.run(experiment, tmp_path / "alone", **{**small(experiment), "seeds": 1, "record": 0}, arms=(arm,))
    assert set(alone.manifest.arms) == {"intact", arm}
    for which in {"intact", arm}:
        few, many = (of(run.episodes, which, 0) for run in (alone, done))
        assert set(few) == set(many)
        for name in few:
            assert np.array_equal(few[name], many[name], equal_nan=few[name].dtype.kind == "f"), name
