"""The body schema: criterion B-5 on permuted and lesioned actions and on a tool, its ablations, and its definitions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bisnn.experiments import runner
from bisnn.experiments.base import configure
from bisnn.experiments.body_schema import ARMS, EXPERIMENT
from bisnn.experiments.cli import main
from bisnn.experiments.tasks.body_schema import effects, recovery
from bisnn.experiments.trials import take
from bisnn.systems.forward_model import LEARNED

CHANGES = ("permute", "lesion", "tool")
SHORT = {"development": 120, "episodes": 100, "washout": 20}
TINY = {"development": 40, "episodes": 40, "washout": 20}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A run of all arms, with its figures."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("body-schema") / "run"
    return runner.run(EXPERIMENT, folder, seeds=3, arms=tuple(arm.name for arm in ARMS), **SHORT)


def session(seeds, arms, **values):
    """These individuals in these arms: arm -> column, or what was learned -> `[seeds, ...]`."""
    return take(EXPERIMENT, configure(EXPERIMENT, {**TINY, "arms": arms, **values}), seeds, arms)


def mean(done, arm, name):
    return done.summary["arms"][arm][name]["mean"]


# ------------------------------------------------------------ criterion B-5


@pytest.mark.parametrize("change", CHANGES)
def test_b5_the_error_jumps_at_once_and_learning_brings_it_back(done, change):
    """B-5: at most 10 % above baseline within n movements (here 100), by error spikes and by mismatch; and an
    aftereffect when the change is taken back."""
    assert mean(done, "intact", f"jump_{change}") > 0.25 * mean(done, "intact", f"before_{change}")
    assert mean(done, "intact", f"recovered_{change}") == 1.0
    assert 20.0 < mean(done, "intact", f"actions_{change}") < 100.0
    assert mean(done, "intact", f"left_{change}") <= 1.1
    assert mean(done, "intact", f"left_mismatch_{change}") <= 1.1
    assert mean(done, "intact", f"aftereffect_{change}") > 3.0


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("arm", ["no_plasticity", "no_error"])
def test_b5_without_plasticity_or_error_it_never_recovers(done, arm, change):
    assert mean(done, arm, f"recovered_{change}") == 0.0
    assert done.summary["arms"][arm][f"actions_{change}"]["mean"] is None
    assert mean(done, arm, f"left_mismatch_{change}") > 1.5
    assert mean(done, arm, f"jump_mismatch_{change}") > 3.0


def test_no_change_is_no_jump(done):
    for arm in ("intact", "no_plasticity", "slow_learning"):
        assert abs(mean(done, arm, "jump_none")) < 3.0
        assert mean(done, arm, "recovered_none") == 1.0


def test_felt_errors_learn_and_missing_errors_unlearn(done):
    """A double dissociation: a tool is only learned, a lesion only unlearned, a permutation needs both."""
    assert mean(done, "cannot_unlearn", "recovered_tool") == 1.0
    assert mean(done, "cannot_unlearn", "recovered_lesion") == 0.0
    assert mean(done, "cannot_unlearn", "left_mismatch_lesion") > 1.5
    assert mean(done, "cannot_learn", "recovered_tool") == 0.0
    assert mean(done, "cannot_learn", "left_mismatch_tool") > 1.5
    assert mean(done, "cannot_learn", "left_mismatch_lesion") < mean(done, "cannot_unlearn", "left_mismatch_lesion")
    for arm in ("cannot_learn", "cannot_unlearn"):
        assert mean(done, arm, "recovered_permute") == 0.0


def test_without_noise_a_tool_is_only_learned_and_a_lesion_only_unlearned():
    """The dissociation is complete where no sensory spike is lost: nothing is unlearned beside the lesion."""
    arms = ("cannot_learn", "cannot_unlearn")
    found = session([0, 1], arms, change=("lesion", "tool"), episodes=80, development=60, sensory_noise=0.0)
    left = {
        arm: rows["error"].unflatten(-1, (3, -1))[..., 60 + 60 : 60 + 80].amax((0, 2)) for arm, rows in found.items()
    }
    assert (left["cannot_learn"] > 0).tolist() == [False, False, True], "no change, lesion, tool"
    assert (left["cannot_unlearn"] > 0).tolist() == [False, True, False]


def test_a_slower_rate_is_slower(done):
    for change in CHANGES:
        assert mean(done, "slow_learning", f"left_mismatch_{change}") > mean(done, "intact", f"left_mismatch_{change}")
        assert mean(done, "slow_learning", f"left_mismatch_{change}") < mean(
            done, "no_plasticity", f"left_mismatch_{change}"
        )


def test_what_the_run_tells(done):
    summary = done.summary
    assert [entry["change"] for entry in summary["recovery"]] == ["none", *CHANGES]
    assert summary["recovery"][1]["actions"] == summary["arms"]["intact"]["actions_permute"]
    assert {"mean", "ci95", "n"} <= summary["recovery"][1]["actions"].keys()
    assert summary["jump"][3]["jump"] == summary["arms"]["intact"]["jump_tool"]
    assert summary["expected"].keys() == summary["arms"].keys()
    assert summary["comparisons"]["no_plasticity"]["recovered_permute"]["difference"] == -1.0
    assert done.measure("error_first")["intact"].min() > done.measure("error_before")["intact"].max()
    assert done.measure("mismatch_late")["no_error"].min() > done.measure("mismatch_late")["intact"].max()
    assert not done.measure("error_late")["no_error"].any()
    kept = done.recordings["intact-0"]
    for stage in ("before", "early", "late", "reverted"):
        assert kept[f"weight/{stage}"].shape == (4, 8, 40)
    assert torch.equal(kept["weight/before"][0], kept["weight/before"][3]), "one individual meets every change"
    frozen = done.recordings["no_plasticity-0"]
    assert torch.equal(frozen["weight/before"], frozen["weight/reverted"])
    assert torch.equal(frozen["weight/before"], kept["weight/before"]), "all arms have learned the same body"
    assert len(list((done.path / "figures").glob("*.png"))) == len(EXPERIMENT.figures)
    header, rows = EXPERIMENT.table(summary)
    assert len(rows) == 4 * len(ARMS)
    assert all(len(row) == len(header) for row in rows)


# ------------------------------------------------------------ definitions


def test_the_bodies():
    usual, turned, lesioned, tool = effects(("none", *CHANGES))
    x, y = usual.unbind(-1)
    assert torch.equal(turned, torch.stack((-y, x), -1)), "a quarter turn, y pointing down"
    assert torch.equal(tool, usual * 2.0)
    assert (lesioned != usual).any(-1).tolist() == [False, False, True, False]
    assert not lesioned[2].any()


def test_recovery_is_the_end_of_the_first_window_within_the_band_of_both_errors():
    error = np.full((6, 60), 30.0)
    error[0, 25:] = 10.9  # back: below 11
    error[1, 25:] = 11.1  # not quite
    error[2, 25:] = 10.9  # back, but the mismatch is not
    error[3] = 0.0  # silenced error cells
    error[4, 10:] = 0.9  # no more than a spike, whatever the baseline
    mismatch = error.copy()
    mismatch[2:4] = 30.0
    mismatch[5] = 10.0  # back, but the error is not
    base = np.array([10.0, 10.0, 10.0, 10.0, 0.0, 10.0])
    found = recovery(error, base, mismatch, base)
    assert found[0] == 45.0
    assert np.isnan(found[[1, 2, 3, 5]]).all()
    assert found[4] == 30.0


def test_the_same_individual_alone_in_a_batch_and_in_any_order():
    many = session([0, 1, 2, 3, 4], ("intact", "slow_learning", "no_error"))
    few = session([3], ("no_error", "intact"))
    for arm, rows in few.items():
        for name, column in rows.items():
            assert torch.equal(column[0], many[arm][name][3]), (arm, name)
    assert not torch.equal(many["intact"]["error"][0], many["intact"]["error"][1])
    one = session([3], ("intact",), change=("tool",))["intact"]
    length = sum(TINY.values())
    assert torch.equal(one["error"][0, -length:], many["intact"]["error"][3, -length:]), "changes do not meet"
    assert torch.equal(one[LEARNED][0, 1], many["intact"][LEARNED][3, 3])


def test_bad_flags_are_refused_before_anything_runs(tmp_path, capsys):
    for flags, words in (
        (["--change", "telekinesis"], "permute"),
        (["--change", ","], "--change needs a value"),
        (["--episodes", "39"], "40"),
        (["--development", "42"], "multiple of 4"),
        (["--washout", "3"], "20"),
        (["--sensory-noise", "-0.1"], "sensory_noise"),
        (["--lesion", "felt[0:99]"], "felt"),
    ):
        assert main(["run", "body-schema", "--out", str(tmp_path / "no"), *flags]) == 2, flags
        assert words in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "no").exists()


def test_one_change_and_a_lesion_by_name(tmp_path):
    plain, values = replace(EXPERIMENT, figures={}), {**SHORT, "episodes": 60, "change": "lesion", "arms": ("intact",)}
    found = runner.run(plain, tmp_path / "run", record=0, seeds=2, lesion=("command", "sensory"), **values).summary
    assert [entry["change"] for entry in found["recovery"]] == ["none", "lesion"]
    assert found["jump"][1] == {
        "change": "lesion",
        **{name: found["arms"]["silence:command"][f"{name}_lesion"] for name in ("before", "jump", "jump_mismatch")},
    }
    assert found["arms"]["silence:command"]["recovered_none"]["mean"] == 0.0, "without its copy nothing is predicted"
    for body in ("none", "lesion"):
        numb = found["arms"]["silence:sensory"]
        assert numb[f"left_{body}"]["mean"] < 1.0, "it unlearns what it knew, until few errors are left"
        assert numb[f"recovered_{body}"]["mean"] == 0.0, "which is no recovery"
