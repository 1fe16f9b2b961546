"""The rubber-hand experiment: criterion B-3, its arms, the flags of the command, what they refuse."""

import json
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch

from bisnn.errors import ConfigError, UnknownName
from bisnn.experiments import runner
from bisnn.experiments.base import configure
from bisnn.experiments.claims.base import misses
from bisnn.experiments.claims.rubber_hand import CLAIMS
from bisnn.experiments.cli import main
from bisnn.experiments.rubber_hand import ARMS, EXPERIMENT, PUBLISHED, reach, trials
from bisnn.experiments.trials import Batch, Found, columns, take

QUICK = {"episodes": 1, "delays": (0,), "maps": ()}
"""Too little learning for the published drift, enough for everything else."""


def session(seeds, arms=(), **values):
    """These individuals in these arms, arm -> column -> `[seeds, trials]`."""
    return take(EXPERIMENT, configure(EXPERIMENT, {**QUICK, "arms": arms, **values}), seeds, arms)


class Done(NamedTuple):
    """A run in this process."""

    summary: dict
    arms: list
    found: Found


@pytest.fixture(scope="module")
def done():
    """The experiment as declared, few individuals."""
    usual = {"episodes": 25, "lesion": ("TPJ",), "delays": (0, 40, 148, 160), "maps": (19,), "seeds": 4}
    settings = configure(EXPERIMENT, usual)
    batch = Batch.of(EXPERIMENT, settings, range(4))
    arms = [one.name for one in batch.conditions]
    with torch.inference_mode():
        found = trials(replace(batch, recorded=torch.arange(0, len(batch.key), 4)))
    return Done(EXPERIMENT.analyse(columns(EXPERIMENT, settings), settings), arms, found)


# ------------------------------------------------------------ what it must show


def test_the_drift_vector_is_the_published_one_and_zero_without_tpj(done):
    means = {arm: [entry["mean"] for entry in rows] for arm, rows in done.summary["by_offset"].items()}
    offsets = list(PUBLISHED)
    assert means["intact"] == list(PUBLISHED.values())
    for arm in ("no_tpj", "silence:TPJ", "proprioception_only", "asynchronous"):
        assert means[arm] == [0.0] * 9, arm
    assert means["vision_only"] == offsets
    assert means["no_learning"] != means["intact"]
    assert done.summary["arms"]["intact"]["published"]["mean"] == 1.0


def test_the_head_of_the_summary_is_that_of_the_lesion(done):
    assert done.summary["arm"] == "silence:TPJ"
    assert done.summary["drift"] == [{"offset": k, "mean": 0.0, "sd": 0.0} for k in PUBLISHED]
    assert done.summary["segregation"] is None
    assert done.summary["window"] is None


def test_the_window_and_the_larger_map(done):
    window = {entry["delay"]: entry["mean"] for entry in done.summary["by_delay"]["intact"]}
    assert (window[0], window[40], window[160]) == (1.0, 1.0, 0.0)
    wide = done.found.recordings["map.19"][0].tolist()
    assert wide == [0.0] * 5 + list(PUBLISHED.values()) + [0.0] * 5


def test_learned_weights_are_kept_and_told(done):
    told = done.summary["learned"]
    assert round(told["s1->ai"]["mean"], 3) == 0.348
    assert round(told["eba->ai"]["mean"], 3) == -3.133
    kept = done.found.kept["s1->ai"].unflatten(0, (len(done.arms), 4))
    assert kept.shape[2:] == (9,)
    assert bool((kept[done.arms.index("no_learning")] == 1.0).all())
    assert bool((kept[0] == kept[0, 0, 0]).all()), "without noise in learning, alike for all"


def test_expectations_chance_and_table(done):
    assert set(done.summary["expected"]) == set(done.arms)
    assert done.summary["chance"] == {"capture": 0.0, "moved": 4 / 9, "published": 1 / 9}
    assert all(arm.expect for arm in ARMS)
    header, rows = EXPERIMENT.table(done.summary)
    assert len(rows) == len(done.arms) + 1
    assert rows[0][1] == "-2 -2 -1 -1 0 1 1 2 2"
    assert {len(row) for row in rows} == {len(header)}


def test_reach_by_hand():
    entries = [{"offset": k, "moved": None if k == 0 else float(k in (-4, -1, 1, 2, 4))} for k in range(-6, 7)]
    assert reach(entries, "offset") == {"largest": 4, "unbroken": 2, "none_from": 5}  # 2: one side of two is half
    assert reach([], "delay") == {"largest": None, "unbroken": None, "none_from": None}
    assert reach([{"delay": 3, "moved": 0.0}], "delay") == {"largest": None, "unbroken": None, "none_from": 3}


@pytest.mark.slow
def test_two_hundred_individuals_at_the_usual_noise_all_have_the_published_drift():
    rows = session(list(range(200)), ("intact",), episodes=25)["intact"]
    first = rows["drift"][:, : len(PUBLISHED)]
    assert torch.equal(first, torch.tensor(list(PUBLISHED.values()), dtype=first.dtype).expand(200, -1))


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_claims(claim):
    assert misses(claim, claim.measure()) == []


# ------------------------------------------------------------ individuals


def test_an_individual_is_the_same_alone_in_a_batch_and_in_any_order():
    arms = ("intact", "asynchronous", "no_tpj", "shuffled_vision", "no_learning")
    noisy = {"noise": 0.8, "offsets": (-4, 3), "delays": (0, 60), "lesion_at": "birth"}
    many, turned = session([0, 1, 2, 3, 4], arms, **noisy), session([3, 0], arms[::-1], **noisy)
    alone = session([3], ("asynchronous",), **noisy)["asynchronous"]
    for arm in arms:
        for name, column in many[arm].items():
            assert torch.equal(column[3].nan_to_num(9.0), turned[arm][name][0].nan_to_num(9.0)), (arm, name)
    for name, column in many["asynchronous"].items():
        assert torch.equal(column[3].nan_to_num(9.0), alone[name][0].nan_to_num(9.0)), name


def test_individuals_differ_by_what_they_sense_and_are_paired_over_arms():
    rows = session([0, 1, 2], ("intact", "no_tpj"), noise=0.5)
    felt = rows["intact"]["felt"]
    assert len(felt.unique()) == felt.numel()
    assert float((felt - 4.0).abs().max()) <= 0.5
    assert torch.equal(felt, rows["no_tpj"]["felt"])
    assert not torch.equal(rows["intact"]["seen"] - rows["intact"]["offset"], felt)
    still = session([0, 1], ("intact",), noise=0.0)["intact"]
    assert torch.equal(still["felt"], torch.full_like(still["felt"], 4.0))


def test_a_shuffled_hand_is_seen_anywhere_on_the_map():
    rows = session(list(range(40)), ("shuffled_vision",), offsets=(4,))["shuffled_vision"]
    assert set(rows["seen"].unique().tolist()) == set(range(9))


def test_lags_add_to_the_delay_of_vision():
    rows = session([0], ("intact", "asynchronous"), vision_delay=7, asynchrony=30, delays=(0, 5))
    assert rows["intact"]["delay"][0].tolist() == [7] * 9 + [0, 5]
    assert rows["asynchronous"]["delay"][0].tolist() == [37] * 9 + [30, 35]


def test_lesions_from_birth_change_what_is_learned():
    adult, born = (session([0], ("no_tpj",), lesion_at=when)["no_tpj"] for when in ("test", "birth"))
    assert float(adult["s1->ai"][0, 0]) != float(born["s1->ai"][0, 0])
    assert not bool(born["drift"].any())


# ------------------------------------------------------------ the command


def test_the_command_prints_the_drift_vector(tmp_path, capsys):
    flags = ["--offsets=-4:4", "--map-size", "9", "--vision-delay", "0", "--lesion", "TPJ", "--arms", "intact"]
    less = ["--seeds", "2", "--episodes", "1", "--delays", "0,8", "--maps", "19", "--record", "0"]
    assert main(["run", "rubber-hand", *flags, *less, "--out", str(tmp_path / "run"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {path.stem for path in (tmp_path / "run" / "figures").iterdir()} == set(EXPERIMENT.figures)
    assert told["drift"] == [{"offset": k, "mean": 0.0, "sd": 0.0} for k in range(-4, 5)]
    assert list(told["arms"]) == ["intact", "silence:TPJ"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"map_size": 8}, "odd number from 5 to 99"),
        ({"map_size": 3}, "5"),
        ({"map_size": 101}, "99"),
        ({"offsets": "-5:4"}, "from -4 to 4"),
        ({"offsets": "0.5"}, "offsets"),
        ({"offsets": ""}, "offsets"),
        ({"map_size": 7}, "from -3 to 3"),
        ({"vision_delay": -1}, "vision_delay"),
        ({"vision_delay": 1001}, "1000"),
        ({"asynchrony": -5}, "asynchrony"),
        ({"delays": "0,-4"}, "from 0 to 1000"),
        ({"window_offset": 0}, "nothing can drift"),
        ({"window_offset": 5}, "from -4 to 4"),
        ({"maps": "19,20"}, "odd number"),
        ({"noise": -0.1}, "noise"),
        ({"noise": float("nan")}, "noise"),
        ({"episodes": 0}, "episodes"),
        ({"lesion_at": "never"}, "birth"),
    ],
)
def test_bad_flags_are_refused_with_the_reason(flags, words):
    with pytest.raises(ConfigError, match=words):
        configure(EXPERIMENT, flags)


def test_bad_flags_end_the_command_before_anything_runs(tmp_path, capsys):
    out = tmp_path / "run"
    refused = {"odd": ["--map-size", "10"], "leaves the map": ["--offsets=-9:9"], "tpj": ["--lesion", "TPX"]}
    for words, flags in refused.items():
        assert main(["run", "rubber-hand", *flags, "--out", str(out)]) == 2
        assert words in capsys.readouterr().err
        assert not out.exists()
    with pytest.raises(UnknownName, match="tpj"):
        runner.run(EXPERIMENT, out, seeds=1, ablate=("cut:s1->tpk",))
