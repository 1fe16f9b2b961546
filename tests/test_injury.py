"""The injury experiment: its bits, its counts by hand, its arms, its flags and its figures."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from bisnn.agents.protector import NO_COMMAND, Protector
from bisnn.experiments.base import configure
from bisnn.experiments.claims.base import misses
from bisnn.experiments.claims.injury import CLAIMS
from bisnn.experiments.cli import main
from bisnn.experiments.injury import EXPERIMENT, RATES, analyse, spearman
from bisnn.experiments.runner import run
from bisnn.experiments.trials import take

NOBODY = torch.zeros(0, dtype=torch.int64)
PLAIN = replace(EXPERIMENT, figures={})
QUICK = {"episodes": 2, "steps": 45}


def lived(seeds, arms=("intact",), **settings):
    """What the individuals `seeds` of intact and of the `arms` did: arm -> column -> `[seeds, trials]`."""
    return take(EXPERIMENT, configure(EXPERIMENT, {"arms": arms, **QUICK, **settings}), seeds)


@pytest.fixture(scope="module")
def many():
    return lived(list(range(20)), ("no_plasticity", "shuffled_sight", "no_efference", "no_pain"))


def test_the_same_individual_alone_in_a_batch_and_in_any_order(many):
    """Seed 3 alone, and among 20 beside other arms in another order: the same rows and weights, bit for bit."""
    alone = lived([3], ("shuffled_sight", "no_plasticity"))
    for arm in ("intact", "no_plasticity", "shuffled_sight"):
        one, all_ = alone[arm], many[arm]
        for name in one:
            assert torch.equal(one[name][0].nan_to_num(-1.0), all_[name][3].nan_to_num(-1.0)), name


def test_counts_are_consistent(many):
    for arm in many:
        mine = {name: value.double().numpy() for name, value in many[arm].items()}
        for count, chances in RATES.values():
            if not count.startswith("lead"):
                assert (mine[count] <= mine[chances]).all(), count
        tested = sum(mine[f"approaches_{which}"] for which in ("0", "1", "2", "delayed"))
        assert (tested <= mine["known_steps"] + mine["unknown_steps"]).all()
        assert (mine["begun"].sum(-1) <= mine["injuries"].sum(-1)).all()
        assert mine["healthy_steps"].max() <= QUICK["steps"]
    frozen, intact = many["no_plasticity"], many["intact"]
    assert not frozen["avoided_1"].any()
    assert float(intact["approaches_1"].sum()) >= 5
    assert float(intact["avoided_1"].sum()) >= 0.95 * float(intact["approaches_1"].sum())
    shuffled = many["shuffled_sight"]
    assert float(shuffled["known_vetoes"].sum()) <= 0.5 * float(shuffled["known_steps"].sum())
    assert float(frozen["delayed"].sum()) > 0
    felt = many["no_plasticity"]["times"].sum(-1)
    assert torch.equal(felt.float(), (frozen["begun"] - frozen["delayed"]).sum(-1)), "a delayed pain has no cause"


def test_without_learning_and_without_pain_nothing_differs_but_the_pain(many):
    frozen, numb = many["no_plasticity"], many["no_pain"]
    assert torch.equal(frozen["injuries"], numb["injuries"])
    assert torch.equal(frozen["mismatch_steps"], numb["mismatch_steps"])
    assert not numb["mismatch_pain"].any()
    assert torch.equal(frozen["mismatch_pain"], frozen["mismatch_steps"])


def test_without_efference_copy_healthy_steps_hurt_and_the_sign_of_an_error_is_told_by_chance(many):
    intact, cut = many["intact"], many["no_efference"]

    def rate(arm, count, chances):
        return float(arm[count].sum() / arm[chances].sum())

    assert rate(intact, "healthy_pain", "healthy_steps") == 0.0
    assert rate(intact, "sign_right", "mismatch_steps") == 1.0
    assert rate(cut, "healthy_pain", "healthy_steps") > 0.5
    assert rate(cut, "sign_right", "mismatch_steps") < 0.5


@pytest.mark.parametrize("go", [True, False])
def test_where_it_stays_no_command_is_sent(monkeypatch, go):
    sent, intend, undergo = [], Protector.intend, Protector.undergo

    def decided(*given):
        verdict, *rest = intend(*given)
        return verdict._replace(go=torch.full_like(verdict.go, go)), *rest

    def watched(self, state, action, touch, moved, *rest):
        sent.append((action, moved))
        return undergo(self, state, action, touch, moved, *rest)

    monkeypatch.setattr(Protector, "intend", decided)
    monkeypatch.setattr(Protector, "undergo", watched)
    lived([0, 1], episodes=1, steps=4)
    assert len(sent) == 4
    assert all((action != NO_COMMAND).all() == go for action, _ in sent)
    assert any(bool(moved.any()) for _, moved in sent) == go


def test_rank_correlation_of_a_constant_is_undefined():
    assert spearman([{"mismatch": 1.0, "pain_cells": 0.0}, {"mismatch": 2.0, "pain_cells": 0.0}]) is None


def test_rates_are_sums_over_visits():
    count = len(set(RATES.values()))
    assert count == len(RATES)
    columns = {name for pair in RATES.values() for name in pair} | {"injuries"}
    table = {name: np.array([1.0, 3.0]) for name in columns}
    table |= {"approaches_1": np.array([2.0, 6.0]), "approaches_2": np.zeros(2), "avoided_2": np.zeros(2)}
    kinds = ["healthy_0", *(f"{kind}_{s}" for kind in ("short", "over", "inverted") for s in (1, 2, 3))]
    table |= {f"{what}_{kind}": np.full(2, 4.0) for what in ("cells", "felt", "missing") for kind in kinds}
    table |= {f"like_{shared}": np.array([np.nan, 0.5]) for shared in range(3)}
    labels = {"arm": np.array(["intact"] * 2), "seed": np.zeros(2), "episode": np.arange(2)}
    found = analyse({**labels, **table}, configure(EXPERIMENT, {}))
    assert found["avoidance"][1]["avoided"]["mean"] == 0.5
    assert found["avoidance"][2]["avoided"]["mean"] is None, "no hazard was met after two experiences"
    assert found["spearman"] is None
    assert found["chance"] == {"avoided_after_1": 1.0, "hits": 1.0, "sign_told": pytest.approx(1 / 3)}
    assert [entry["shared"] for entry in found["generalisation"]] == [0.0, 0.5, 1.0]
    assert found["generalisation"][1]["avoided"]["mean"] == 0.5, "read at the end"


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--kinds", "bent"), "no kind of injury 'bent'"),
        (("--severity", "0:2"), "give one or more of 1, 2, 3"),
        (("--kinds", "short,short"), "each kind of injury once"),
        (("--steps", "0"), "steps"),
        (("--harmless", "9"), "harmless"),
        (("--ablate", "silence:amygdala"), "la"),
    ],
)
def test_flags_that_cannot_be_are_refused(flags, reason, tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_:
        raise SystemExit(main(["run", "injury", *flags, "--out", str(tmp_path / "run")]))
    assert exit_.value.code == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_has_what_it_promises_and_repeats(tmp_path):
    torch.set_num_threads(1)
    settings = {"seeds": 2, "arms": ("no_veto",), "severity": (1,), "kinds": ("inverted",), **QUICK, "episodes": 1}
    view = run(EXPERIMENT, tmp_path / "one", **settings)
    found = view.summary
    assert {"intensity", "spearman", "avoidance", "alarm", "arms", "comparisons", "chance", "expected"} <= set(found)
    assert [entry["experiences"] for entry in found["avoidance"]] == [0, 1, 2]
    assert {"hits", "false_alarms", "lead_steps"} <= set(found["alarm"])
    assert found["alarm"]["lead_steps"]["arm"] == "no_veto"
    assert len(found["intensity"]) == 10
    json.dumps(found, allow_nan=False)
    for name in EXPERIMENT.figures:
        assert (tmp_path / "one" / "figures" / f"{name}.png").stat().st_size > 10_000
    again = run(PLAIN, tmp_path / "two", **settings)
    assert again.manifest.hash == view.manifest.hash


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_claims_hold(claim):
    assert misses(claim, claim.measure()) == []
