"""The session of bodily-self: its phases, its bits, its measures by hand, its flags and its figures."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from bisnn.experiments.base import configure
from bisnn.experiments.bodily_self import BEST_STEP, EXPERIMENT, scores
from bisnn.experiments.cli import main
from bisnn.experiments.runner import run
from bisnn.experiments.tasks.bodily_self import INJURED, OTHER_IMAGE, OWN_IMAGE, PUSHED, SESSION, WALK, phase
from bisnn.experiments.trials import take

NOBODY = torch.zeros(0, dtype=torch.int64)
PLAIN = replace(EXPERIMENT, figures={})
STEPS = 80


def lived(seeds, arms=("intact",), **settings):
    """What the individuals `seeds` of intact and of the `arms` did: arm -> column -> `[seeds, trials]`."""
    return take(EXPERIMENT, configure(EXPERIMENT, {"arms": arms, "episodes": STEPS, **settings}), seeds)


@pytest.fixture(scope="module")
def five():
    return lived([0, 1, 2, 3, 4], ("no_efference", "no_pain", "shuffled_image"), motor_noise=0.0)


def test_phases_are_eighths_of_the_session():
    assert [phase(step, 80) for step in range(0, 80, 10)] == list(SESSION)
    assert [phase(step, 80) for step in (9, 10, 79)] == [WALK, PUSHED, WALK]
    assert [sum(phase(step, 43) == number for step in range(43)) for number in range(5)] == [22, 5, 5, 6, 5]


def test_the_same_individual_alone_in_a_batch_and_in_any_order(five):
    """Seed 3 alone, and among 5 beside other arms in another order: the same rows, bit for bit."""
    alone = lived([3], ("shuffled_image", "no_pain", "no_efference"), motor_noise=0.0)
    for arm in five:
        one, many = alone[arm], five[arm]
        assert all(torch.equal(one[name][0], many[name][3]) for name in one)


def test_without_slips_every_number_is_known(five):
    """A push is felt alone, an inverted step is both, one's own is neither; levels follow from their equations."""
    mine = five["intact"]
    for number, felt, missing in ((WALK, 0, 0), (PUSHED, 25, 0), (OWN_IMAGE, 0, 0), (OTHER_IMAGE, 0, 0)):
        here = (mine["phase"] == number) & (mine["moved"] > 0)
        assert mine["felt"][here].unique().tolist() == [felt]
        assert mine["missing"][here].unique().tolist() == [missing]
        assert mine["pain"][here].unique().tolist() == [felt / 5]
    hurt = (mine["phase"] == INJURED) & (mine["missing"] > 0) & (mine["moved"] > 0)
    assert mine["felt"][hurt].unique().tolist() == [25]
    assert mine["pain"][hurt].unique().tolist() == [10]
    assert mine["agency"][0, :3].tolist() == pytest.approx([0.625, 0.71875, 0.7890625])
    start = int((mine["phase"][0] == OWN_IMAGE).nonzero()[0, 0])
    rising = [1 - 0.85**k for k in range(1, 11)]
    assert mine["ownership"][0, start : start + 10].tolist() == pytest.approx(rising, abs=1e-5)
    assert not mine["ownership"][0, :start].any()


def test_a_push_comes_without_a_command_and_all_else_with_one(five):
    mine = five["intact"]
    assert torch.equal(mine["command"] > 0, mine["own"])
    assert torch.equal(mine["own"], mine["phase"] != PUSHED)
    assert not five["no_efference"]["command"].any()


@pytest.mark.parametrize("severity", [1, 2, 3])
def test_at_severity_1_alone_the_size_of_a_movement_tells_nothing(severity):
    """Without a prediction pain is the size of the movement: as large as in health at 1, larger at 2 and 3."""
    found = lived([0, 1, 2], ("no_efference",), severity=severity, motor_noise=0.0)["no_efference"]
    told = scores({name: value.double().numpy() for name, value in found.items()})["pain_auroc"]
    assert (told == 0.5).all() if severity == 1 else (told > 0.7).all()


def test_the_ablations_take_what_they_say(five):
    def told(arm):
        return scores({name: value.double().numpy() for name, value in five[arm].items()})

    intact, cut, numb, mixed = (told(arm) for arm in ("intact", "no_efference", "no_pain", "shuffled_image"))
    assert (intact["agency_auroc"] == 1.0).all()
    assert (intact["pain_auroc"] > 0.9).all()
    assert (np.abs(intact["ownership_auroc"] - BEST_STEP) < 0.2).all()
    for name in ("agency_auroc", "pain_auroc", "ownership_auroc"):
        assert (cut[name] == 0.5).all(), name
    assert (numb["agency_auroc"] == intact["agency_auroc"]).all()
    assert (numb["pain_auroc"] == 0.5).all()
    assert (mixed["agency_auroc"] == intact["agency_auroc"]).all()
    assert float(mixed["ownership_own"].mean()) < -0.5 < 0.5 < float(intact["ownership_own"].mean())


@pytest.mark.parametrize(
    "flags", [("--episodes", "20"), ("--severity", "4"), ("--memory", "1.0"), ("--size", "3"), ("--lesion", "tpj")]
)
def test_flags_that_cannot_be_are_refused(flags, tmp_path, capsys):
    assert main(["run", "bodily-self", *flags, "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err.count("\n") <= 3
    assert not (tmp_path / "run").exists()


def test_a_run_has_what_it_promises_and_repeats(tmp_path):
    torch.set_num_threads(1)
    settings = {"seeds": 2, "arms": ("no_pain",), "episodes": STEPS}
    view = run(EXPERIMENT, tmp_path / "one", **settings)
    found = view.summary
    assert {"agency", "pain", "ownership", "arms", "comparisons", "chance", "best", "expected"} <= set(found)
    json.dumps(found, allow_nan=False)
    track = view.recordings["intact-0"]
    assert track["predicted"].shape == track["place"].shape == (STEPS, 2)
    for name in EXPERIMENT.figures:
        assert (tmp_path / "one" / "figures" / f"{name}.png").stat().st_size > 10_000
    assert run(PLAIN, tmp_path / "two", **settings).manifest.hash == view.manifest.hash
    bare = run(PLAIN, tmp_path / "bare", **settings, record=0)
    texts = [text.get_text() for ax in EXPERIMENT.figures["self"](bare).axes for text in ax.texts]
    assert any("--record 1" in text for text in texts)
