"""The mirror test as an experiment: criteria B-1 and B-2, its controls, its bits, its refusals, its figures."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bisnn.errors import ConfigError, UnknownName
from bisnn.experiments import mirror_test, runner
from bisnn.experiments.base import configure
from bisnn.experiments.claims.base import misses
from bisnn.experiments.claims.mirror_test import CLAIMS
from bisnn.experiments.mirror_test import (
    ARMS,
    EXPERIMENT,
    MirrorTest,
    conditions,
    half_point,
    ideal,
    rates,
    system,
    targets,
    trials,
)
from bisnn.experiments.trials import Batch, take
from bisnn.interventions import check, compile_gates
from bisnn.systems.mirror_self import LEARNED

PLAIN = replace(EXPERIMENT, figures={})
SHORT = {"rounds": 9, "episodes": 2, "contingency": (0.0, 1.0), "bodies": 2}


def lived(settings, arms, seeds):
    """All tests of some individuals, one batch: (arm, seed) pairs in the order given."""
    declared = conditions(settings)
    condition = torch.tensor([[arm.name for arm in declared].index(arm) for arm in arms])
    key = torch.tensor(seeds)
    gates = compile_gates([arm.ablation for arm in declared], condition, key, targets(settings))
    with torch.inference_mode():
        return trials(Batch(settings, declared, condition, key, gates, torch.arange(0)))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The experiment with its defaults."""
    torch.set_num_threads(1)
    return runner.run(EXPERIMENT, tmp_path_factory.mktemp("mirror") / "run")


def test_it_finds_itself_and_without_learning_it_does_not(done):
    """B-1: 3 identical bodies, 10 movements, 200 tests an arm; chance is 1/3."""
    arms = done.summary["arms"]
    assert done.summary["chance"]["accuracy"] == pytest.approx(1 / 3)
    assert arms["intact"]["accuracy"]["mean"] >= 0.95
    for arm in ("frozen_stdp", "shuffled_training", "no_efference_copy", "no_insula"):
        assert arms[arm]["accuracy"]["mean"] <= 0.45
        assert arms[arm]["forced_choice"]["mean"] <= 0.45
        low, high = arms[arm]["forced_choice"]["ci95"]
        assert low <= 1 / 3 <= high
        against = done.summary["comparisons"][arm]
        assert all(against[name]["ci95"][1] < -0.4 and against[name]["p_holm"] < 1e-4 for name in ("accuracy",))
        assert done.summary["expected"][arm]


def test_accuracy_rises_with_contingency_and_none_where_nobody_follows(done):
    """B-2, with the theory of a perfect prediction: sampling error of 200 tests is 0.035."""
    found = done.summary
    assert found["contingency"] == [level / 10 for level in range(11)]
    assert found["monotone"]
    assert (np.diff(found["accuracy"]) >= 0).all()
    assert found["accuracy"][0] <= 0.05
    assert found["accuracy"][-1] >= 0.95
    assert found["none_rate"][0] >= 0.8
    for name in ("accuracy", "none_rate", "misidentified"):
        assert found[name] == pytest.approx(found["theory"][name], abs=3 * 0.035)
    assert [sum(parts) for parts in zip(*(found[n] for n in found["theory"]), strict=True)] == pytest.approx([1] * 11)
    half = found["half_point"]
    assert half["ci95"][0] < half["value"] < half["ci95"][1]
    assert half["value"] == pytest.approx(0.437, abs=0.05)
    assert found["criterion"] == {"evidence": 6, "of": 10, "alpha": pytest.approx(0.019, abs=1e-3)}


def test_rows_say_what_happened(done):
    rows = done.episodes
    assert len(rows["correct"]) == 5 * 20 * 110
    assert (rows["correct"].astype(int) + rows["none"] + rows["misidentified"] == 1).all()
    assert ((rows["chosen"] == rows["own"]) == rows["correct"].astype(bool)).all()
    intact = rows["arm"] == "intact"
    assert (rows["evidence_own"][intact & (rows["contingency"] == 1.0)] == 10).all()
    free = rows["evidence_own"][intact & (rows["contingency"] == 0.0)].mean()
    assert free == pytest.approx(2.0, abs=0.3)
    assert done.measure("none_rate")["intact"].shape == (20,)


def test_figures_and_recordings(done):
    figures = sorted(path.name for path in (done.path / "figures").iterdir())
    assert figures == sorted(f"{name}.{form}" for name in EXPERIMENT.figures for form in ("pdf", "png"))
    tensors = done.recordings["intact-0"]
    assert tensors["trial"].tolist() == [0, 100]
    assert tensors["met"].shape == (2, 10, 3)
    assert float(tensors["met"][1].sum(0)[int(tensors["own"][1])]) == 10.0
    spikes = done.spikes
    mine = (spikes["arm"] == "intact") & (spikes["episode"] == 100)
    assert set(spikes["area"][mine]) == {"vpmc", "ipl_m", "sts", "ipl_v", "insula"}
    assert (spikes["area"][mine] == "vpmc").sum() == 10
    assert int((spikes["area"][mine] == "insula").sum()) == int(tensors["met"][1].sum())
    assert torch.equal(done.state[f"subject/{LEARNED}"][0], tensors["weight"])
    header, table = EXPERIMENT.table(done.summary)
    assert len(table) == 5
    assert all(len(row) == len(header) for row in table)


def test_an_individual_is_the_same_alone_in_a_batch_and_in_any_order(monkeypatch):
    quick = {"angles": 3, "actions": 4, "contrast": 0.1, "rounds": 5}
    settings = MirrorTest(**{**SHORT, **quick})
    alone = lived(settings, ["intact"], [3])
    batch = lived(
        settings, ["frozen_stdp", *["intact"] * 5, "no_insula", "shuffled_training"], [3, 4, 3, 0, 1, 2, 3, 3]
    )
    monkeypatch.setattr(mirror_test, "BLOCK", 2)
    other = lived(settings, ["shuffled_training", "intact", "frozen_stdp"], [3, 3, 3])
    assert alone.rows["evidence_own"].any()
    for name, column in alone.rows.items():
        assert torch.equal(column[0], batch.rows[name][2])
        assert torch.equal(other.rows[name], batch.rows[name][[7, 2, 0]])
    assert torch.equal(alone.kept[LEARNED][0], batch.kept[LEARNED][2])
    assert torch.equal(other.kept[LEARNED], batch.kept[LEARNED][[7, 2, 0]])


@pytest.mark.slow
def test_a_changed_mirror_or_motor_noise_makes_it_miss_itself():
    """Chance of the reflected middle angle: 1 of 5, so evidence 2 of 10. Noise 0.4 leaves 6 of 10, and unlearns."""
    few = {"contingency": (1.0,), "arms": ("intact",)}
    changes = ({}, {"test_transform": "reflect"}, {"test_transform": "rotate"}, {"motor_noise": 0.4})
    found = [take(EXPERIMENT, MirrorTest(**few, **change), range(20))["intact"] for change in changes]
    correct = [float(rows["correct"].double().mean()) for rows in found]
    assert correct[0] == 1.0
    assert max(correct[1:3]) <= 0.05
    assert correct[3] < 0.5
    assert float(found[1]["evidence_own"].double().mean()) == pytest.approx(2.0, abs=0.3)
    assert max(float(rows["misidentified"].double().mean()) for rows in found) <= 0.05


def test_the_head_of_the_summary_describes_the_lesion_that_was_asked_for(tmp_path):
    one = {**SHORT, "rounds": 2, "contingency": "0.5", "test_transform": "rotate"}
    done = runner.run(PLAIN, tmp_path / "run", seeds=2, lesion=("STS",), arms=("intact",), **one)
    assert done.summary["shown"] == "silence:STS"
    assert done.summary["contingency"] == [0.5]
    assert done.summary["accuracy"] == [0.0]
    assert done.summary["none_rate"] == [1.0]
    assert done.summary["half_point"]["value"] is None
    assert "0.5" in done.summary["half_point"]["note"]
    assert done.summary["theory"] is None  # the mirror was changed
    assert done.summary["arms"]["intact"]["none_rate"]["mean"] is None  # contingency 0 was not tested
    assert done.recordings["intact-0"]["trial"].tolist() == [0]


@pytest.mark.slow
@pytest.mark.parametrize("values", [{"record": 0}, {"contingency": "0.5", "lesion": ("STS",)}])
def test_figures_are_drawn_where_nothing_was_recorded_and_of_one_level(tmp_path, values):
    chosen = {**SHORT, "seeds": 2, "arms": ("intact",), **values}
    done = runner.run(EXPERIMENT, tmp_path / "run", **chosen)
    assert len(list((done.path / "figures").iterdir())) == 2 * len(EXPERIMENT.figures)


def test_the_half_point_lies_where_the_line_crosses():
    levels = (1.0, 0.0, 0.5)
    accuracy = np.array([[1.0, 0.0, 0.25], [1.0, 0.0, 0.25]])
    found = half_point(levels, accuracy)
    assert found["value"] == pytest.approx(0.5 + 0.25 / 0.75 * 0.5)
    assert found["ci95"] == pytest.approx([found["value"]] * 2)
    apart = half_point(levels, np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.5]]))
    assert apart["ci95"] == pytest.approx([0.5, 0.75])
    assert half_point(levels, accuracy * 0.4)["value"] is None


def test_theory_sums_to_one_and_knows_its_ends():
    body = system(MirrorTest())
    assert all(sum(ideal(body, q / 10).values()) == pytest.approx(1.0) for q in range(11))
    assert ideal(body, 1.0)["accuracy"] == pytest.approx(1.0, abs=1e-6)
    assert ideal(body, 0.0)["misidentified"] == pytest.approx(2 * ideal(body, 0.0)["accuracy"])  # 2 others, all alike
    assert ideal(body, 0.0)["none_rate"] == pytest.approx(1 - body.false_alarm(6), abs=1e-3)
    assert ideal(system(MirrorTest(bodies=1)), 0.5)["misidentified"] == 0.0


def test_rates_keep_contingencies_apart(done):
    settings = configure(EXPERIMENT, done.manifest.configuration)
    found = rates(done.episodes, settings, "contingency")
    assert found["intact"] == pytest.approx(np.tile(np.arange(11) / 10, (20, 1)))


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_the_claims_hold(claim):
    assert misses(claim, claim.measure()) == []


def test_every_arm_says_what_it_expects_and_names_what_exists():
    for arm in ARMS:
        assert arm.expect
        check(arm, targets(MirrorTest()))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"bodies": 0}, "bodies"),
        ({"angles": 1}, "angles"),
        ({"actions": 0}, "actions"),
        ({"contingency": "0:1.5:4"}, "contingency"),
        ({"contingency": (-0.1,)}, "contingency"),
        ({"contingency": ()}, "contingency"),
        ({"contingency": "often"}, "contingency"),
        ({"delay": -1}, "delay"),
        ({"motor_noise": 2.0}, "motor_noise"),
        ({"transform": "invert"}, "transform"),
        ({"test_transform": "invert"}, "test_transform"),
        ({"rounds": 0}, "rounds"),
        ({"alpha": 0.0}, "alpha"),
        ({"episodes": 0}, "episodes"),
    ],
)
def test_bad_flags_are_refused(values, text):
    with pytest.raises(ConfigError, match=text):
        configure(EXPERIMENT, values)


def test_unknown_names_are_refused_before_anything_runs(tmp_path):
    with pytest.raises(UnknownName, match="insula"):
        runner.run(EXPERIMENT, tmp_path / "run", seeds=1, lesion=("insulla",))
    with pytest.raises(UnknownName, match="frozen_stdp"):
        runner.run(EXPERIMENT, tmp_path / "run", seeds=1, arms=("frozen",))
