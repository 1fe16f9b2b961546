"""The claims of the main job, from runs of the experiments: A1, A2, A4, A5, M4 and the dose-response.

Reference values: rescue of Zhao et al. (2025), doi:10.1109/taffc.2025.3627936, with relief as reward; help .97 - 1 at
dose 9, return .74, six steps without help. A few seeds by default; the whole of it is marked slow.
"""

import numpy as np
import pytest
import torch

from bisnn.agents import loop
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.experiments.runner import run

ARMS = ("no_mirror", "no_dopamine", "no_own_experience", "selfish")


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Three seeds of the arms that decide, over a whole life."""
    return run("altruistic-rescue", tmp_path_factory.mktemp("few") / "run", seeds=3, arms=ARMS, workers=2, record=0)


def test_empathy_helps_at_a_cost(few):
    """A1: strong empathy helps, reaches the goal afterwards, and pays for it."""
    intact = few.summary["arms"]["intact"]
    assert intact["help_rate"]["mean"] >= 0.95
    assert intact["goal_rate"]["mean"] >= 0.99
    assert intact["help_first"]["mean"] >= 0.95
    assert 0.5 <= intact["return_external"]["mean"] <= 1.2
    assert intact["converged_at"] is not None
    assert intact["converged_at"] <= 700


@pytest.mark.parametrize("arm", ARMS)
def test_without_the_circuit_no_help(few, arm):
    """A2 and M4: each cut brings help to that of a selfish agent, and the return with it."""
    measured = few.summary["arms"][arm]
    assert measured["help_rate"]["mean"] <= 0.05
    assert measured["return_external"]["mean"] >= 4.8
    assert few.summary["comparisons"][arm]["help_rate"]["difference"] <= -0.9


def test_actor_weights_stay_bounded(few):
    """A11: bounded weights."""
    weights = few.state["altruist/place->action"]
    assert float(weights.min()) >= 0.0
    assert float(weights.max()) <= 1.0


def test_mirror_neurons_only_where_pain_was_felt(few):
    """M3 and M4 in the developed agents: the census of cells by arm."""
    condition = few.state["altruist/condition"]
    mirror = few.state["altruist/census.mirror_pain"]
    names = [few.manifest.arms[int(i)] for i in condition]
    for name, count in zip(names, mirror.tolist(), strict=True):
        assert count == (0 if name in ("no_mirror", "no_own_experience") else 20), name


def lived(trained, dilemma, turns):
    """What a trained agent did and met in `turns` steps of a dilemma: actions, at the switch, distress shown, ends."""
    with torch.inference_mode():
        state = loop.begin(dilemma, trained.key, trained.state, trained.episode)
        found = []
        for _ in range(turns):
            state, step = loop.turn(trained.agent, dilemma, state)
            info = step.outcome.info
            found.append((int(step.actions), bool(info["at_switch"]), bool(info["expressed"]), bool(info["pain"])))
        return found


def test_a_faked_expression_fools_the_agent(few):
    """Where nothing hurts but the face shows pain, it walks to the switch and reaches out all the same."""
    met = lived(few.agent("intact", 0), Rescue(honesty=0.0), 200)
    assert not any(pain for *_, pain in met)
    assert any(action >= 4 and at_switch for action, at_switch, *_ in met)
    assert sum(expressed and at_switch for _, at_switch, expressed, _ in met) >= 5


def test_hidden_pain_moves_nobody(few):
    """Two worlds that differ only in a pain that is not seen get the same actions, step by step."""
    painful = lived(few.agent("intact", 1), Rescue(observability=0.0), 120)
    painless = lived(few.agent("intact", 1), Rescue(observability=0.0, honesty=0.0), 120)
    assert any(pain for *_, pain in painful)
    assert not any(pain for *_, pain in painless)
    assert [action for action, *_ in painful] == [action for action, *_ in painless]


@pytest.mark.slow
def test_main_job_whole(tmp_path):
    """All arms, 20 seeds: sd over seeds, corrected p, self and other."""
    done = run("altruistic-rescue", tmp_path / "run", seeds=20, workers=2, record=0)
    arms, against = done.summary["arms"], done.summary["comparisons"]
    assert arms["intact"]["help_rate"]["mean"] >= 0.95
    assert arms["intact"]["help_rate"]["sd"] <= 0.05
    for arm in ARMS:
        assert arms[arm]["help_rate"]["mean"] <= 0.05
        for measure in ("help_rate", "return_external"):
            assert against[arm][measure]["p_holm"] < 0.01
        difference = arms[arm]["help_rate"]["mean"] - arms["selfish"]["help_rate"]["mean"]
        assert abs(difference) <= 0.05
    assert arms["no_anti_mirror"]["help_rate"]["mean"] >= 0.95
    anti = done.state["altruist/census.anti_mirror_sma"]
    names = np.array([done.manifest.arms[int(i)] for i in done.state["altruist/condition"]])
    assert (anti.numpy()[names == "intact"] == 10).all()
    assert (anti.numpy()[names == "no_anti_mirror"] == 0).all()


@pytest.mark.slow
def test_lesion_after_learning(tmp_path):
    """Silencing IFG in the last tenth of life ends help at once; as many random units elsewhere do not."""
    done = run("altruistic-rescue", tmp_path / "run", seeds=10, arms=("late_no_ifg", "late_random"), record=0)
    episodes = done.episodes
    first = (episodes["episode"] >= 900) & (episodes["episode"] < 910)
    lesioned = episodes["arm"] == "late_no_ifg"
    assert episodes["relieved"][lesioned & first].mean() == 0.0
    assert episodes["relieved"][(episodes["arm"] == "late_random") & first].mean() >= 0.9
    assert done.summary["arms"]["late_random"]["help_rate"]["mean"] >= 0.9


@pytest.mark.slow
def test_layouts_not_trained_on(tmp_path):
    """Goal, switch and hazards redrawn for every seed: help after the usual learning on each."""
    done = run("altruistic-rescue", tmp_path / "run", seeds=20, layout="drawn", arms=("intact",), record=0)
    assert done.summary["arms"]["intact"]["help_rate"]["mean"] >= 0.8


@pytest.mark.slow
def test_dose_response(tmp_path):
    """A3: rank correlation of dose and help, thresholds in lambda * alpha * f (tabular 3.5 +- .5, spiking 2.5 to 4)."""
    done = run("empathy-dose-response", tmp_path / "run", workers=2)
    summary = done.summary
    means = [entry for entry in summary["dose_means"] if entry["agent"] == "spiking"]
    assert len(means) >= 9
    assert sum(0.05 < entry["help_rate"] < 0.95 for entry in means) >= 4
    for agent in ("spiking", "tabular_q"):
        assert summary["rho"][agent]["value"] >= 0.9
        assert summary["rho"][agent]["p"] < 0.001
    assert 3.0 <= summary["threshold"]["tabular_q"]["value"] <= 4.0
    assert 2.5 <= summary["threshold"]["spiking"]["value"] <= 4.0
