"""The cost ladder: the planner's exchange rate against sums by hand, the experiment, its claims."""

import json

import numpy as np
import pytest

from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.tabular_q import TabularQ
from bisnn.errors import ConfigError
from bisnn.experiments import runner
from bisnn.experiments.base import configure
from bisnn.experiments.claims.base import misses
from bisnn.experiments.claims.cost_ladder import CLAIMS
from bisnn.experiments.cost_ladder import EXPERIMENT, conditions
from bisnn.experiments.tasks.rescue_family import crossing, exchange_rate, monotone, planned_thresholds, slope
from bisnn.experiments.tasks.rescue_lives import live

TINY = {"seeds": 2, "episodes": 4, "doses": (2.0, 9.0), "tolls": (0.0, 4.0), "risks": (0.5,)}


def worth(dose, toll, ways, gamma=0.9, beta=0.2):
    """Discounted return of two ways, summed step by step: straight to the goal, or over the switch."""
    found = []
    for length, relief in ((ways[0], None), (ways[1] + ways[2], ways[1])):
        predicted, total = -beta, 0.0  # after the onset was seen
        for step in range(1, length + 1):
            signal = 0.0 if relief is not None and step >= relief else -1.0
            delta = signal - predicted
            predicted += beta * delta
            reward = 10.0 if step == length else -1.0
            reward -= toll if step == relief else 0.0
            total += gamma ** (step - 1) * (dose * delta + reward)
        found.append(total)
    return found


@pytest.mark.parametrize("toll", [0.0, 2.5])
def test_at_the_planned_threshold_both_ways_are_worth_the_same(toll):
    """Opening R: hurt after one step, which led down to (10, 1): goal 5, switch 3 steps away, 6 from there to goal."""
    dose = planned_thresholds(Rescue(openings=("R",)), toll)[0]
    straight, helping = worth(dose, toll, (5, 3, 6))
    assert straight == pytest.approx(helping, abs=1e-9)
    more, less = (np.subtract(*worth(dose * factor, toll, (5, 3, 6))) for factor in (1.1, 0.9))
    assert more < 0 < less


def test_planned_thresholds_rise_with_cost_and_one_stands_for_every_opening():
    found = np.array([planned_thresholds(Rescue(), cost) for cost in (0.0, 1.0, 3.0, 10.0)])
    assert found.shape == (4, 4)
    assert (np.diff(found, axis=0) > 0).all()
    assert (np.diff(found, axis=1) >= 0).all()


def test_the_exchange_rate_is_where_help_crosses_one_half():
    cost = np.array([0.0, 2.0, 4.0])
    assert crossing(cost, np.array([1.0, 0.75, 0.25])) == pytest.approx(3.0)
    assert crossing(cost, np.array([1.0, 0.9, 0.8])) == float("inf")
    assert crossing(cost, np.array([0.2, 0.1, 0.0])) == float("-inf")
    assert crossing(cost, np.array([1.0, 0.5, 0.0])) == 2.0
    found = exchange_rate(cost, np.array([[1.0, 1.0, 1.0], [1.0, 0.5, 1.0], [0.0, 0.0, 0.0]]))
    assert 2.0 <= found["ci95"][0] <= found["value"] <= found["ci95"][1] <= 3.0
    assert exchange_rate(cost, np.ones((3, 4)))["note"].startswith("above")
    assert exchange_rate(cost, np.full((3, 4), np.nan))["n"] == 0


def test_monotone_and_slope():
    rising = [{"cost": 0.0, "value": 1.0}, {"cost": 2.0, "value": 2.0}, {"cost": 4.0, "value": 3.0}]
    assert monotone(rising) is True
    assert slope(rising) == pytest.approx(0.5)
    assert monotone(rising[::-1]) is False
    assert monotone([*rising, {"cost": 8.0, "value": None}]) is None
    assert slope(rising[:1]) is None


def test_lives_in_memory_are_those_of_a_run(tmp_path):
    """A condition of the experiment, lived again without a run folder."""
    found = runner.run(EXPERIMENT, tmp_path / "run", arms=("toll=4/lambda=9",), **TINY).episodes
    mine = (found["arm"] == "toll=4/lambda=9") & (found["agent"] == "tabular_q")
    again = live(TabularQ(episodes=4), [{"toll": 4.0}], 2, 4, traits={"dose": (9.0,)})
    assert (found["return_external"][mine] == again["return_external"].ravel()).all()
    assert (found["steps"][mine] == again["steps"].ravel()).all()
    paid = live(TabularQ(episodes=4), [{"toll": 4.0}, {"toll": 0.0}], 2, 1, traits={"dose": (9.0, 9.0)})
    helped = paid["relieved"][0] > 0
    assert (paid["return_external"][1] - paid["return_external"][0] == 4.0 * helped).all()


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return runner.run(EXPERIMENT, tmp_path_factory.mktemp("cost_ladder") / "run", **TINY)


def test_every_cost_and_dose_is_there_beside_its_scales(done):
    summary = done.summary
    assert {(e["agent"], e["cost"], e["dose"], e["risk"]) for e in summary["grid"]} == {
        (agent, cost, dose, risk)
        for agent in ("spiking", "tabular_q")
        for cost, risk in ((0.0, 0.0), (4.0, 0.0), (4.0, 0.5))
        for dose in (2.0, 9.0)
    }
    assert summary["chance"]["n"] == 2
    assert [e["cost"] for e in summary["planned"]] == [0.0, 4.0]
    for ladders in summary["thresholds"].values():
        assert [e["cost"] for e in ladders["toll"]] == [e["cost"] for e in ladders["risk"]] == [0.0, 4.0]
    assert {"no_mirror", "selfish"} == set(summary["expected"])
    json.dumps(summary, allow_nan=False)
    assert {path.stem for path in (done.path / "figures").glob("*.png")} == set(EXPERIMENT.figures)


def test_named_arms_keep_both_learners():
    chosen = conditions(configure(EXPERIMENT, {**TINY, "arms": ("toll=4/lambda=9",)}))
    assert [(c.name, c.agent) for c in chosen] == [
        (name, agent) for agent in ("spiking", "tabular_q") for name in ("intact", "toll=4/lambda=9")
    ]


@pytest.mark.parametrize("bad", [{"tolls": (-1.0,)}, {"risks": (0.0,)}, {"risks": (2.0,)}, {"doses": ()}])
def test_settings_refuse_what_is_no_cost(bad):
    with pytest.raises(ConfigError):
        configure(EXPERIMENT, bad)


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_the_claims_hold(claim):
    assert misses(claim, claim.measure()) == []
