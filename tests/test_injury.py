"""The injury experiment: its bits, its counts by hand, its arms, its flags and its figures."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from bisnn import rng
from bisnn.experiments.base import configure
from bisnn.experiments.claims.base import misses
from bisnn.experiments.claims.injury import CLAIMS
from bisnn.experiments.cli import main
from bisnn.experiments.injury import EXPERIMENT, RATES, analyse, conditions, spearman, targets, trials
from bisnn.experiments.runner import run
from bisnn.experiments.trials import Batch
from bisnn.interventions import compile_gates

NOBODY = torch.zeros(0, dtype=torch.int64)
QUICK = {"episodes": 2, "steps": 45}


def lived(seeds, arms=("intact",), **settings):
    """What the individuals `seeds` of the arms found, their names, and the number of seeds."""
    torch.set_num_threads(1)
    plan = configure(EXPERIMENT, {"arms": arms, "record": 0, **QUICK, **settings})
    chosen = conditions(plan)
    condition = torch.arange(len(chosen)).repeat_interleave(len(seeds))
    key = rng.keys(torch.tensor(seeds)).repeat(len(chosen))
    gates = compile_gates([one.ablation for one in chosen], condition, key, targets(plan))
    with torch.inference_mode():
        found = trials(Batch(plan, chosen, condition, key, gates, NOBODY))
    return found, [one.name for one in chosen], len(seeds)


def rows(lived, arm):
    """Rows of an arm, column -> `[seeds, trials]`."""
    found, names, count = lived
    first = names.index(arm) * count
    return {name: column[first : first + count] for name, column in found.rows.items()}


@pytest.fixture(scope="module")
def three():
    return lived([0, 1, 2, 3, 4], ("no_plasticity", "shuffled_sight"))


def test_the_same_individual_alone_in_a_batch_and_in_any_order(three):
    """Seed 3 alone, and among 5 beside other arms in another order: the same rows and weights, bit for bit."""
    alone = lived([3], ("shuffled_sight", "no_plasticity"))
    for arm in ("intact", "no_plasticity", "shuffled_sight"):
        one, many = rows(alone, arm), rows(three, arm)
        for name in one:
            assert torch.equal(one[name][0].nan_to_num(-1.0), many[name][3].nan_to_num(-1.0)), name
    assert torch.equal(alone[0].kept["object->la"][0], three[0].kept["object->la"][3])


def test_counts_are_consistent(three):
    for arm in three[1]:
        mine = {name: value.double().numpy() for name, value in rows(three, arm).items()}
        for count, chances in RATES.values():
            if not count.startswith("lead"):
                assert (mine[count] <= mine[chances]).all(), count
        tested = sum(mine[f"approaches_{which}"] for which in ("0", "1", "2", "delayed"))
        assert (tested <= mine["known_steps"] + mine["unknown_steps"]).all()
        assert (mine["begun"].sum(-1) <= mine["injuries"].sum(-1)).all()
        assert mine["healthy_steps"].max() <= QUICK["steps"]
    frozen, intact = rows(three, "no_plasticity"), rows(three, "intact")
    assert not frozen["avoided_1"].any()
    assert torch.equal(intact["avoided_1"], intact["approaches_1"])
    assert bool(intact["avoided_1"].any())


def test_until_the_first_pain_all_arms_are_the_same():
    """Learning alone makes the difference: with pain silenced nothing differs from no plasticity but the pain."""
    found = lived([0, 1], ("no_plasticity", "no_pain"), episodes=1)
    frozen, numb = rows(found, "no_plasticity"), rows(found, "no_pain")
    assert torch.equal(frozen["injuries"], numb["injuries"])
    assert torch.equal(frozen["mismatch_steps"], numb["mismatch_steps"])
    assert not numb["mismatch_pain"].any()
    assert torch.equal(frozen["mismatch_pain"], frozen["mismatch_steps"])


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
    settings = {"seeds": 2, "arms": ("no_veto",), "severity": (1,), "kinds": ("inverted",), **QUICK}
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
    again = run(EXPERIMENT, tmp_path / "two", **settings)
    assert again.manifest.hash == view.manifest.hash


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_claims_hold(claim):
    assert misses(claim, claim.measure()) == []
