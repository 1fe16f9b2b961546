"""Measures of a run against hand-made episodes, and runs read back from their folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bisnn.errors import RunCorrupt, UnknownName
from bisnn.experiments import measures, results, storage

ARMS = ("intact", "a", "b", "c", "d", "e", "f", "g")


def rows(relieved: Any, painful: Any = True, arms: tuple[str, ...] = ("intact",), **extra: Any) -> dict[str, Any]:
    """Columns from `relieved`, which broadcasts to `[arm, seed, episode]`."""
    relieved = np.asarray(relieved, dtype=bool)
    relieved = np.broadcast_to(relieved, (len(arms), *relieved.shape[-2:]))
    arm, seed, episode = (part.ravel() for part in np.indices(relieved.shape))
    hurt = np.broadcast_to(painful, relieved.shape).ravel()
    columns = {
        "arm": np.array(arms, dtype=object)[arm],
        "seed": seed,
        "episode": episode,
        "agent": np.full(arm.size, "helper", dtype=object),
        "steps": np.full(arm.size, 10),
        "return_external": np.where(relieved.ravel(), 1.0, 5.0),
        "goal": np.ones(arm.size, dtype=bool),
        "painful": hurt,
        "relieved": relieved.ravel() & hurt,
        "help_first": relieved.ravel() & hurt & (episode % 2 == 0),
    }
    return {**columns, **extra}


@pytest.mark.parametrize(("episodes", "last"), [(1, 1), (3, 1), (10, 3), (100, 30), (333, 99), (334, 100), (1000, 100)])
def test_window(episodes: int, last: int) -> None:
    assert measures.window(episodes) == last


def test_measures_close_the_run_and_count_painful_episodes_only() -> None:
    relieved = np.zeros((2, 20))
    relieved[0, 14:18] = 1  # the window is 14 ... 19
    relieved[1, :14] = 1
    painful = np.ones((2, 20), dtype=bool)
    painful[:, 19] = False
    found = rows(relieved, painful)
    assert measures.per_seed(found, "help_rate")["intact"] == pytest.approx([0.8, 0.0])
    assert measures.per_seed(found, "help_first")["intact"] == pytest.approx([0.4, 0.0])
    assert measures.per_seed(found, "goal_rate")["intact"] == pytest.approx([1.0, 1.0])
    assert measures.per_seed(found, "return_external")["intact"] == pytest.approx([(4 * 1 + 2 * 5) / 6, 5.0])
    assert measures.per_seed(found, "steps")["intact"] == pytest.approx([10.0, 10.0])


def test_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    found = rows(rng.random((5, 40)) < 0.5, arms=ARMS[:3])
    order = rng.permutation(len(found["arm"]))
    shuffled = {name: column[order] for name, column in found.items()}
    one, two = measures.summary(found), measures.summary(shuffled)
    assert one["arms"] == two["arms"]
    assert one["comparisons"] == two["comparisons"]


def test_one_agent_among_several() -> None:
    found = rows(np.ones((2, 10)))
    both = {name: np.concatenate((column, column)) for name, column in found.items()}
    both["agent"] = np.repeat(np.array(["helper", "other"], dtype=object), 20)
    both["relieved"] = both["agent"] == "helper"
    assert measures.per_seed(both, "help_rate", "helper")["intact"] == pytest.approx([1.0, 1.0])
    assert measures.per_seed(both, "help_rate")["intact"] == pytest.approx([0.5, 0.5])


def test_no_pain_is_null_and_never_nan() -> None:
    found = measures.summary(rows(np.ones((6, 10)), painful=False, arms=("intact", "a")))
    text = json.dumps(found, allow_nan=False)
    assert "NaN" not in text
    assert found["arms"]["a"]["help_rate"]["mean"] is None
    assert found["arms"]["a"]["converged_at"] is None
    assert found["comparisons"]["a"]["help_rate"]["p_holm"] is None
    assert found["comparisons"]["a"]["goal_rate"]["p_holm"] == 1.0


def settled(relieved: Any, painful: Any = True) -> int | None:
    return measures.converged_at(rows(relieved, painful))["intact"]


def test_convergence() -> None:
    late = np.zeros((4, 1000))
    late[:, 400:] = 1
    # a block of 50 that begins at 395 holds 45 helpful episodes of 50
    assert settled(late) == 395
    assert settled(np.ones((4, 1000))) == 0
    assert settled(np.zeros((4, 1000))) is None
    relapse = late.copy()
    relapse[:, 940:] = 0
    assert settled(relapse) is None
    dip = late.copy()
    dip[:, 700:710] = 0
    # blocks with more than 5 of the 10 lapses are too low; the last one of those begins at 704
    assert settled(dip) == 705
    one_of_ten = np.ones((10, 1000))
    one_of_ten[0] = 0
    assert settled(one_of_ten) == 0
    one_of_ten[1] = 0
    assert settled(one_of_ten) is None


def test_convergence_of_short_runs_and_rare_pain() -> None:
    assert settled(np.ones((2, 1))) == 0
    assert settled(np.array([[0, 0, 1, 1, 1, 1, 1, 1]])) == 2
    painful = np.zeros((1, 200), dtype=bool)
    painful[0, 150] = True
    # blocks of 20 without pain are passed over: the first that shows help begins at 131
    assert settled(np.ones((1, 200)), painful) == 131
    assert settled(np.ones((1, 200)), False) is None


def test_curve() -> None:
    rng = np.random.default_rng(1)
    chance = np.linspace(0, 1, 100)
    found = rows(rng.random((30, 100)) < chance, arms=("intact", "a"))
    curves = measures.curve(found, "help_rate", block=8)
    assert list(curves) == ["intact", "a"]
    centres, mean, lo, hi = curves["intact"]
    assert centres[0] == 3.5
    assert centres[-1] == pytest.approx((96 + 99) / 2)
    assert mean == pytest.approx(np.interp(centres, np.arange(100), chance), abs=0.12)
    assert ((lo <= mean) & (mean <= hi)).all()
    assert lo.min() >= 0
    assert hi.max() <= 1
    alone = measures.curve(rows(np.ones((1, 20))), "help_rate")["intact"]
    assert (alone.lo == alone.mean).all()
    assert len(alone.mean) == 10


def test_curve_without_pain_in_a_block() -> None:
    painful = np.ones((4, 40), dtype=bool)
    painful[:, :10] = False
    found = measures.curve(rows(np.ones((4, 40)), painful), "help_rate", block=10)["intact"]
    assert np.isnan(found.mean[0])
    assert found.mean[1:] == pytest.approx(1.0)


def test_all_arms_are_significant_with_twenty_seeds() -> None:
    rng = np.random.default_rng(2)
    chance = np.full((8, 1, 1), 0.01)
    chance[0] = 0.98
    draws = rng.random((8, 20, 300)) < chance
    found = measures.summary(rows(draws, arms=ARMS))
    assert list(found["arms"]) == list(ARMS)
    assert list(found["comparisons"]) == list(ARMS[1:])
    for arm in ARMS[1:]:
        row = found["comparisons"][arm]
        assert set(row) == set(measures.MEASURES)
        for name in ("help_rate", "return_external", "help_first"):
            assert row[name]["p_holm"] < 0.01
            assert {"difference", "ci95", "hedges_g", "cliffs_delta", "p_holm"} <= set(row[name])
        assert row["goal_rate"]["p_holm"] == 1.0
        assert row["help_rate"]["difference"] < -0.9
    assert found["arms"]["intact"]["converged_at"] == 0
    assert found["arms"]["g"]["converged_at"] is None
    assert set(found["arms"]["a"]["steps"]) == {"mean", "sd", "iqm", "ci95", "n"}


def test_families_are_corrected_apart() -> None:
    rng = np.random.default_rng(3)
    found = measures.summary(rows(rng.random((8, 60)) < 0.5, arms=("intact", "a", "b")), primary=("help_rate",))
    one, two = (found["comparisons"][arm]["help_rate"] for arm in ("a", "b"))
    assert one["p_holm"] == pytest.approx(min(1.0, max(2 * one["p"], 0)))
    assert two["p_holm"] >= two["p"]


def test_measures_of_an_experiment_of_its_own() -> None:
    found = rows(np.ones((5, 20)), cleaned=np.full(100, 3.0))
    lacking = {name: column for name, column in found.items() if name not in ("painful", "goal")}
    summary = measures.summary(lacking, measures={**measures.MEASURES, "cleaned": measures.Measure("cleaned")})
    assert set(summary["arms"]["intact"]) == {"return_external", "steps", "cleaned"}
    assert summary["arms"]["intact"]["cleaned"]["mean"] == 3.0
    assert summary["comparisons"] == {}
    with pytest.raises(UnknownName, match="help_rate"):
        measures.per_seed(found, "helprate")
    with pytest.raises(RunCorrupt, match="painful"):
        measures.per_seed(lacking, "help_rate")


def manifest(**changes: Any) -> results.Manifest:
    configuration = {"seeds": 3, "alpha": 0.1}
    fields = {
        "experiment": "altruistic-rescue",
        "configuration": configuration,
        "config_hash": storage.config_hash(configuration),
        "seeds": [2, 0, 1],
        "arms": ["intact", "a"],
        "versions": {"python": "3.11", "torch": "2.13", "numpy": "2.4", "bisnn": "0.1.0"},
        "device": "cpu",
        "backend": "torch",
    }
    return results.Manifest(**{**fields, **changes})


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    relieved = np.arange(3)[:, None] > np.zeros((3, 10))  # seeds 1 and 2 help
    storage.write_parquet(folder / "episodes.parquet", rows(relieved, arms=("a", "intact")))
    storage.write_parquet(folder / "spikes.parquet", {"arm": np.array(["a", "a"]), "unit": np.array([4, 5])})
    storage.write_tensors(folder / "recordings" / "a-0.safetensors", {"v": torch.zeros(2, 3)}, {"dt": "1"})
    storage.write_tensors(folder / "state.safetensors", {"weights/a->b": torch.ones(3, 4)})
    storage.write_json(folder / "summary.json", {"arms": {}, "comparisons": {}})
    results.write_manifest(folder, manifest())
    return folder


def test_a_run_is_read_back(run: Path) -> None:
    found = results.load_run(run)
    assert found.manifest == manifest()
    assert found.summary == {"arms": {}, "comparisons": {}}
    rates = found.measure("help_rate")
    assert list(rates) == ["intact", "a"]
    assert rates["intact"] == pytest.approx([1.0, 0.0, 1.0])  # seeds in the order of the manifest
    assert {name: set(tensors) for name, tensors in found.recordings.items()} == {"a-0": {"v"}}
    assert found.notes("a-0") == {"dt": "1"}
    assert set(found.state) == {"weights/a->b"}
    assert found.spikes["unit"].tolist() == [4, 5]
    with pytest.raises(ValueError, match="read-only"):
        found.episodes["steps"][0] = 1
    with pytest.raises(UnknownName, match="help_rate"):
        found.measure("help_rat")
    with pytest.raises(UnknownName, match="no seed"):
        found.agent("intact", 9)
    (run / "spikes.parquet").unlink()
    assert results.load_run(run).spikes == {}


def test_a_run_that_lacks_something_is_refused(run: Path, tmp_path: Path) -> None:
    for changes, said in (({"arms": ["intact", "silenced"]}, "silenced"), ({"seeds": [0, 11]}, "seed 11")):
        results.write_manifest(run, manifest(**changes))
        with pytest.raises(RunCorrupt, match=said):
            results.load_run(run).measure("steps")
    storage.write_tensors(tmp_path / "outside.safetensors", {"x": torch.zeros(1)})
    (run / "recordings" / "x.safetensors").symlink_to(tmp_path / "outside.safetensors")
    for name in ("summary.json", "episodes.parquet", "state.safetensors"):
        (run / name).unlink()
    for part in ("summary", "episodes", "state", "recordings"):
        with pytest.raises(RunCorrupt, match=r"missing|leads out"):
            getattr(results.load_run(run), part)


def test_manifests_of_others_are_refused(run: Path, tmp_path: Path) -> None:
    good = storage.read_json(run / "manifest.json")
    assert good["schema"] == storage.SCHEMA
    for changes, said in (
        ({"schema": 2}, "schema 2"),
        ({"program": "other"}, "not written by bisnn"),
        ({"seeds": "many"}, "seeds"),
        ({"surprise": 1}, "surprise"),
        ({"hash": "xyz"}, "hash"),
        ({"state": "paused"}, "state"),
    ):
        storage.write_json(run / "manifest.json", {**good, **changes})
        with pytest.raises(RunCorrupt, match=said):
            results.load_run(run)
    for value in ([], 3, {}):
        storage.write_json(run / "manifest.json", value)
        with pytest.raises(RunCorrupt, match="not written by bisnn"):
            results.load_run(run)
    (run / "manifest.json").write_text('{"program": "bis')
    with pytest.raises(RunCorrupt, match="truncated"):
        results.load_run(run)
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(RunCorrupt, match="no manifest"):
            results.load_run(folder)
