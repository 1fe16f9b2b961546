"""The sense of agency: the integrator by hand and in spikes; criterion B-4 on identical motion."""

import json
from dataclasses import replace

import pytest
import torch

from bisnn.errors import ConfigError
from bisnn.experiments import runner
from bisnn.experiments.agency import ARMS, EXPERIMENT, SenseOfAgency, model
from bisnn.experiments.base import configure
from bisnn.experiments.cli import main
from bisnn.experiments.tasks.agency import Noise, babble, draw, met, order
from bisnn.experiments.trials import take
from bisnn.gates import NO_GATES
from bisnn.recording import Probe
from bisnn.systems.agency import Agency

PLAIN = replace(EXPERIMENT, figures={})
SMALL = {"episodes": 40, "babbling": 25, "delay": (0.0,), "motor_noise": (0.05,)}


def counts(*values):
    return tuple(torch.tensor([value], dtype=torch.float32) for value in values)


def session(seeds, arms, **values):
    """These individuals in these arms: arm -> column, or what was learned -> `[seeds, ...]`."""
    return take(EXPERIMENT, configure(EXPERIMENT, {**SMALL, "arms": arms, **values}), seeds, arms)


# ------------------------------------------------------------ the integrator


def test_agency_by_hand():
    agency = Agency(tau=4.0, initial=0.5)
    a = agency.init(torch.zeros(1, dtype=torch.int64))
    assert a.tolist() == [0.5]
    for error, predicted, sensed, expected in (
        (0.0, 50.0, 50.0, 0.625),  # evidence 1
        (25.0, 50.0, 50.0, 0.59375),  # evidence 0.5
        (50.0, 0.0, 50.0, 0.4453125),  # felt, nothing predicted: 0
        (100.0, 50.0, 50.0, 0.333984375),  # another movement than predicted: 0, not below
        (50.0, 50.0, 0.0, 0.25048828125),  # predicted, nothing felt: 0
        (3.0, 0.0, 0.0, 0.25048828125),  # no movement: held, whatever the error cells did
    ):
        told, a = agency.step(a, *counts(error, predicted, sensed))
        assert told.item() == a.item() == expected
    assert a.tolist() == [0.25048828125]


def test_agency_stays_between_0_and_1_and_comes_to_the_evidence():
    agency = Agency(tau=3.0, initial=1.0)
    a = agency.init(torch.zeros(1, dtype=torch.int64))
    for _ in range(100):
        a, _ = agency.step(a, *counts(30.0, 40.0, 40.0))
        assert 0.0 <= a.item() <= 1.0
    assert a.item() == pytest.approx(0.25, abs=1e-6)


def test_steps_without_movement_change_nothing():
    agency = Agency(least=5.0)
    a = agency.init(torch.zeros(1, dtype=torch.int64))
    for error, predicted, sensed in ((0.0, 0.0, 0.0), (4.0, 0.0, 4.0), (4.0, 4.0, 0.0)):
        assert agency.step(a, *counts(error, predicted, sensed))[0].item() == 0.5
    assert agency.step(a, *counts(5.0, 0.0, 5.0))[0].item() == 0.375


def test_the_circuit_counts_the_evidence_to_the_nearest_cell():
    agency = Agency(inputs=40, cells=16)
    pairs = [(e, s) for s in (0, 4, 10, 25, 40) for e in range(0, 41, 3)]
    rank = torch.arange(40)
    drive = {
        name: torch.stack([(rank < pair[i]).float() for pair in pairs]) for i, name in enumerate(("error", "sensed"))
    }
    circuit = agency.circuit
    _, seen = circuit.run(circuit.init(torch.arange(len(pairs))), drive, steps=3, probes=(Probe("agency"),))
    error, sensed = (torch.tensor(side, dtype=torch.float32) for side in zip(*pairs, strict=True))
    cells = seen["agency.spikes"].sum(-1)
    assert torch.equal(cells[:, 0], cells[:, 2]), "every tick anew"
    assert float((cells[:, 0] / 16 - agency.evidence(error, sensed)).abs().max()) <= 0.5 / 16 + 1e-6


def test_what_cannot_be_is_refused():
    for changes, words in (
        ({"tau": 0.5}, "at least 1"),
        ({"tau": 0.0}, "above 0"),
        ({"initial": 1.5}, "initial is 1.5"),
        ({"least": 0.0}, "least is 0.0"),
        ({"cells": 0}, "cells is 0"),
    ):
        with pytest.raises(ConfigError, match=words):
            Agency(**changes)


# ------------------------------------------------------------ the trials


def test_both_trials_of_a_pair_have_the_same_motion_and_the_same_sensory_spikes():
    body, key = model(SenseOfAgency()), torch.arange(3)
    given = draw(body, key, 25, Noise(0.3, 0.2))
    pair, own = order(25)
    assert own.sum() == 25
    assert [int(n) for n in own[:30:10]] == [1, 0, 1], "blocks of ten"
    for number in range(25):
        mine, other = (pair == number).nonzero()[:, 0].tolist()
        assert (bool(own[mine]), bool(own[other])) == (True, False)
        assert torch.equal(given.sensed[:, mine], given.sensed[:, other])
        assert torch.equal(given.moved[:, mine], given.moved[:, other])
        assert not (given.command[:, other] == given.moved[:, other]).any(), "nobody commands what is done to it"
        assert (given.command[:, other] == -1).all() == (number % 2 == 0)
    slips = (given.command != given.moved)[:, own].float().mean()
    assert 0.1 < float(slips) < 0.35, "0.3 of the movements are drawn anew, a quarter of these as commanded"
    assert not torch.equal(given.copied, given.command)
    both = draw(body, key, 1, Noise(0.3, 0.2))
    assert torch.equal(both.copied, both.command.flip(1)), "of two trials, the copy of the other"
    late = draw(body, key, 25, Noise(0.3, 0.2), delay=70.0)
    assert torch.equal(late.sensed[:, :, 7:], given.sensed)
    assert not late.sensed[:, :, : body.lag + 7].any()


def test_trials_at_once_are_trials_one_by_one(monkeypatch):
    body, key = model(SenseOfAgency()), torch.arange(2)
    state = babble(body, key, 4, Noise(0.0, 0.1))
    given = draw(body, key, 10, Noise(0.1, 0.1))
    wide = met(body, state, given, NO_GATES)
    monkeypatch.setattr("bisnn.experiments.tasks.agency.HELD", 1)
    narrow = met(body, state, given, NO_GATES)
    assert all(torch.equal(one, other) for one, other in zip(wide, narrow, strict=True))
    for trial in (0, 13):
        found, _, _ = body.move(state, given.command[:, trial], given.sensed[:, trial], learning=False)
        assert torch.equal(found.error, wide.error[:, trial])


def test_b4_own_motion_is_told_from_the_same_motion_of_another_cause(tmp_path):
    """B-4: AUROC >= 0.9; 0.5 +- 0.05 without efference copy. Six seeds here, twenty in `bisnn verify`."""
    values = {**SMALL, "seeds": 6, "episodes": 60, "arms": tuple(arm.name for arm in ARMS)}
    done = runner.run(EXPERIMENT, tmp_path / "run", record=1, **values)
    found = done.summary["arms"]
    score = {arm: row["auroc"]["mean"] for arm, row in found.items()}
    assert score["intact"] >= 0.9
    assert score["no_efference_copy"] == pytest.approx(0.5, abs=0.05)
    assert score["no_learning"] == pytest.approx(0.5, abs=0.05)
    assert score["shuffled_command"] == pytest.approx(0.5, abs=0.12)  # 4 standard errors of 6 seeds, 60 trials each
    assert found["no_felt"]["auroc_against"]["mean"] >= 0.9
    assert found["no_felt"]["auroc_passive"]["mean"] <= 0.5
    assert found["no_missing"]["auroc"]["mean"] >= 0.9
    assert done.summary["auroc"] == found["intact"]["auroc"]
    assert done.summary["error_spikes"]["self"]["mean"] < 20.0 < 50.0 < done.summary["error_spikes"]["external"]["mean"]
    assert done.summary["chance"]["auroc"] == 0.5
    assert done.summary["expected"].keys() == found.keys()
    assert done.measure("error_self")["intact"].mean() == pytest.approx(found["intact"]["error_self"]["mean"])
    mine = done.episodes["arm"] == "no_efference_copy"
    assert (done.episodes["error"] == done.episodes["sensed"])[mine].all(), "all that is felt is error"
    assert set(done.spikes["area"]) == {"command", "prediction", "sensory", "felt", "missing"}
    assert len(list((tmp_path / "run" / "figures").glob("*.png"))) == len(EXPERIMENT.figures)


def test_the_same_individual_alone_in_a_batch_and_in_any_order():
    many = session([0, 1, 2, 3, 4], ("intact", "no_efference_copy", "shuffled_command"))
    few = session([3], ("shuffled_command", "intact"))
    for arm, rows in few.items():
        for name, column in rows.items():
            assert torch.equal(column[0], many[arm][name][3]), (arm, name)
    assert not torch.equal(many["intact"]["error"][0], many["intact"]["error"][1])


def test_late_senses_and_motor_noise_undo_agency(tmp_path):
    values = {**SMALL, "seeds": 4, "delay": (0.0, 20.0, 150.0), "motor_noise": (0.0, 1.0), "arms": ("intact",)}
    found = runner.run(PLAIN, tmp_path / "run", record=0, **values).summary
    late = {entry["delay"]: entry["arms"]["intact"] for entry in found["by_delay"]}
    assert late[0.0]["auroc"]["mean"] == 1.0
    assert late[20.0]["auroc"]["mean"] >= 0.9
    assert late[150.0]["auroc_agency"]["mean"] == pytest.approx(0.5, abs=0.05)
    assert late[150.0]["auroc"]["mean"] < 0.5, "a late movement is two errors"
    noisy = {entry["motor_noise"]: entry["arms"]["intact"]["auroc"]["mean"] for entry in found["by_motor_noise"]}
    assert list(noisy) == [0.0, 1.0]
    assert noisy[1.0] < 0.6
    assert found["reference_level"] == {"delay": 0.0, "motor_noise": 0.0}


def test_what_is_frozen_never_learns_and_other_lesions_come_after_learning():
    found = session([0, 1], ("intact", "no_learning", "no_felt"))
    assert not found["no_learning"]["predicted"].any()
    assert torch.equal(found["no_felt"]["predicted"], found["intact"]["predicted"]), "it had learned with felt cells"
    assert torch.equal(found["no_felt"]["missing"], found["intact"]["missing"])
    assert not found["no_felt"]["felt"].any()


def test_bad_flags_are_refused_before_anything_runs(tmp_path, capsys):
    for flags, words in (
        (["--delay", "15"], "multiples of 10 ms"),
        (["--delay=-10"], "from 0 to 1000"),
        (["--motor-noise", "1.5"], "probabilities from 0 to 1"),
        (["--sensory-noise", "2"], "sensory_noise"),
        (["--episodes", "21"], "multiple of 2"),
        (["--lesion", "tpj"], "command, felt, missing, prediction, sensory"),
        (["--ablate", "shuffle:vision"], "command"),
    ):
        assert main(["run", "agency", "--out", str(tmp_path / "no"), *flags]) == 2
        assert words in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "no").exists()


def test_a_lesion_by_name_is_the_head_of_the_summary(tmp_path):
    values = {**SMALL, "episodes": 20, "motor_noise": (0.0,), "babbling": 2, "arms": ("intact",)}
    found = runner.run(PLAIN, tmp_path / "run", record=0, seeds=2, lesion=("COMMAND",), **values).summary
    assert list(found["arms"]) == ["intact", "silence:COMMAND"]
    assert found["auroc"] == found["arms"]["silence:COMMAND"]["auroc"]
    assert found["auroc"]["mean"] == 0.5
    assert set(json.loads(json.dumps(found["error_spikes"]))) == {"self", "external", "passive", "against"}
