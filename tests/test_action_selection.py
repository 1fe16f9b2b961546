"""The claims C-5 to C-7, what measures them, and the rescue dilemma with the basal ganglia as actor."""

import math
from dataclasses import replace

import pytest
import torch

from bisnn.agents.altruist import Altruist
from bisnn.experiments import storage
from bisnn.experiments.altruistic_rescue import BODY, SPARED, AltruisticRescue, conditions
from bisnn.experiments.base import find
from bisnn.experiments.claims import action_selection as selection
from bisnn.experiments.claims.base import misses
from bisnn.experiments.commands import configuration
from bisnn.experiments.engine import shard as shards
from bisnn.experiments.results import load_run
from bisnn.experiments.runner import resolved, run
from bisnn.experiments.tasks import bandit as tasks
from bisnn.gates import NO_GATES
from bisnn.systems.basal_ganglia import BasalGanglia
from bisnn.systems.moral_learning import MoralLearning

CLAIMS = {claim.name: claim for claim in selection.CLAIMS}

# ------------------------------------------------------------ the claims


@pytest.mark.parametrize(
    "name", [name if name == "dopamine/C-5" else pytest.param(name, marks=pytest.mark.slow) for name in CLAIMS]
)
def test_the_claim_holds(name):
    measured = CLAIMS[name].measure()
    assert not misses(CLAIMS[name], measured), measured


def test_an_actor_that_cannot_learn_stays_at_chance():
    """The bandit gives nothing away: without plasticity, half of the choices are right."""
    actor = replace(tasks.actors()["basal_ganglia"], rate_actor=0.0)
    with torch.inference_mode():
        course = tasks.bandit(actor, tasks.seeds(200), 5)
    assert float(course.correct.mean()) == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(200 * 20))


def test_an_actor_of_the_wrong_sign_fails_the_claim():
    """Dopamine that weakened Go would choose what is punished."""
    actor = replace(tasks.actors()["basal_ganglia"], rate_actor=-0.05)
    with torch.inference_mode():
        accuracy = tasks.per_visit(tasks.bandit(actor, tasks.seeds(20), tasks.VISITS))
    assert float(accuracy[selection.LEARNED :].mean()) < 0.5


def test_ablations_of_the_third_factor_leave_chance():
    """C-7 on a sixth of its individuals, within four standard errors of its 200 coins."""
    with torch.inference_mode():
        found = tasks.ablated(tasks.actors()["basal_ganglia"], tasks.seeds(50), visits=8)
    late = {name: float(tasks.per_visit(course)[6:].mean()) for name, course in found.items()}
    assert late.pop("intact") > 0.99
    assert max(late.values()) < 0.5 + 4 * 0.5 / math.sqrt(200)


def test_a_reversal_is_harder_than_the_first_learning():
    actor = tasks.actors()["basal_ganglia"]
    with torch.inference_mode():
        accuracy = tasks.per_visit(tasks.bandit(actor, tasks.seeds(20), 10, swap_after=5))
    assert float(accuracy[0]) == pytest.approx(0.5, abs=0.2)
    assert float(accuracy[5]) < 0.1
    assert float(accuracy[4]) > 0.95 < float(accuracy[9])


def test_dopamine_moves_from_the_reward_to_the_cue():
    """Untrained: all at the reward. Trained: gamma^DELAY r at the cue, none at the reward, -r where it is left out."""
    with torch.inference_mode():
        naive, rewarded, omitted = (trace.mean(-1) for trace in tasks.conditioning(tasks.seeds(20)))
    cue, due = tasks.PRELUDE, tasks.PRELUDE + tasks.DELAY
    elsewhere = [i for i in range(len(naive)) if i not in (cue, due)]
    assert float(naive[due]) == pytest.approx(6.0, abs=0.05)
    assert float(naive[cue]) == pytest.approx(0.0, abs=0.05)
    assert float(rewarded[cue]) == pytest.approx(6.0 * 0.95**tasks.DELAY, abs=0.2)
    assert float(rewarded[due]) == pytest.approx(0.0, abs=0.2)
    assert float(omitted[due]) == pytest.approx(-6.0, abs=0.2)
    for trace in (naive, rewarded, omitted):
        assert float(trace[elsewhere].abs().max()) < 0.2


def test_the_first_trial_that_stays_above():
    accuracy = torch.tensor([0.5, 0.9, 0.7, 0.8, 0.95])
    assert tasks.from_then_on(accuracy, 0.8) == 4.0
    assert tasks.from_then_on(accuracy, 0.4) == 1.0
    assert tasks.from_then_on(accuracy, 0.99) == math.inf


def test_shuffled_dopamine_is_the_same_dopamine_in_another_order():
    key = tasks.seeds(5)
    dopamine = torch.arange(6 * 4 * 5, dtype=torch.float32).reshape(6, 4, 5)
    moved = tasks.shuffled(dopamine, key)
    assert torch.equal(moved.flatten(0, 1).sort(0).values, dopamine.flatten(0, 1).sort(0).values)
    assert not torch.equal(moved, dopamine)
    assert len({tuple((column - i).tolist()) for i, column in enumerate(moved.flatten(0, 1).unbind(-1))}) == 5


# ------------------------------------------------------------ the rescue dilemma

FEW = {"seeds": 2, "episodes": 3, "arms": ("no_mirror",), "actor": "basal-ganglia"}
RESCUE = find("altruistic-rescue")
DRAWN = replace(RESCUE, figures={"rescue": RESCUE.figures["rescue"]})
"""The experiment with one of its figures: the one that shows the actor."""


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A short run with the basal ganglia as actor."""
    return run(DRAWN, tmp_path_factory.mktemp("few") / "run", record=1, **FEW)


def test_a_run_keeps_spikes_weights_and_figures_of_the_basal_ganglia(few):
    assert {"dlpfc", "strd1", "strd2", "stn", "gpe", "gpi", "thalamus", "pm", "value"} <= set(few.spikes["area"])
    assert "action" not in set(few.spikes["area"])
    for area in ("strd1", "strd2", "value"):
        weight = few.state[f"altruist/dlpfc->{area}"]
        assert float(weight.min()) >= 0.0
        assert float(weight.max()) <= 1.0
        assert float((weight - weight[:, :1, :1]).abs().max()) > 0.0
    assert (few.path / "figures" / "rescue.png").stat().st_size > 0


def test_a_trained_agent_is_read_back(few):
    """It holds the actor and the weights of its own individual, and lives on."""
    trained = load_run(few.path).agent("no_mirror", seed=1)
    assert isinstance(trained.agent.moral, BasalGanglia)
    row = ((few.state["altruist/condition"] == 1) & (few.state["altruist/seed"] == 1)).nonzero()[0, 0]
    for area in ("strd1", "strd2", "value"):
        mine = trained.state.moral.weights[f"dlpfc->{area}"][0]
        assert torch.equal(mine, few.state[f"altruist/dlpfc->{area}"][row])
    lived = trained.live(2)
    assert len(lived) == 2
    assert lived == load_run(few.path).agent("no_mirror", seed=1).live(2)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_bits(few, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SAVE_EVERY", 0.0)
    calls = 0

    def report(shard, done, total):
        nonlocal calls
        calls += 1
        if done > total // 4 and calls % 2:
            raise KeyboardInterrupt

    for _ in range(50):
        try:
            done = run(DRAWN, tmp_path / "run", resume=True, report=report, record=1, **FEW)
            break
        except KeyboardInterrupt:
            continue
    assert calls > 5
    assert done.manifest.hash == few.manifest.hash


def test_the_usual_actor_keeps_its_configuration_hash(few):
    """A run without the flag is configured and hashed as before there was one; naming the usual actor is no change."""
    experiment = RESCUE
    usual, named = AltruisticRescue(), AltruisticRescue(actor="place-cells")
    assert "actor" not in usual.model_dump(mode="json")
    assert storage.config_hash({"experiment": experiment.name, **resolved(experiment, usual)}) == (
        "fbfaf8d43e90a0d409a64e98a2c1c8d862674bb969d184176e4a4244990fe794"
    )
    assert resolved(experiment, usual) == resolved(experiment, named)
    assert few.manifest.configuration["actor"] == "basal-ganglia"
    assert isinstance(experiment.agents(usual)["altruist"].moral, MoralLearning)
    assert not isinstance(experiment.agents(usual)["altruist"].moral, BasalGanglia)


def test_the_actor_can_stand_in_a_file(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text('experiment = "altruistic-rescue"\nactor = "basal-ganglia"\n', encoding="utf-8")
    values = configuration.settings_in(configuration.read(str(file)))
    assert AltruisticRescue(**values).actor == "basal-ganglia"


def test_late_arms_name_what_the_actor_has():
    """The control lesion spares the nuclei of the actor, and freezing holds its taught projections."""
    late = {c.name: c.ablation for c in conditions(AltruisticRescue(arms=("late_random", "late_frozen")))}
    assert late["late_random"].spare == SPARED
    assert late["late_frozen"].freeze == ("place->action", "place->value")
    settings = AltruisticRescue(arms=("late_random", "late_frozen"), actor="basal-ganglia")
    late = {c.name: c.ablation for c in conditions(settings)}
    assert late["late_random"].spare == ("ifg", *BasalGanglia().circuit.areas, *BODY)
    assert late["late_frozen"].freeze == ("dlpfc->strd1", "dlpfc->strd2", "dlpfc->value")
    assert late["late_random"].silence_random == 50


def test_an_altruist_has_one_backend_for_all_circuits():
    agent = Altruist(moral=BasalGanglia(), backend="torch")
    assert agent.moral.circuit.backend == "torch"
    assert "strd2" in agent.targets.areas
    assert agent.targets.plastic[-3:] == ("dlpfc->strd1", "dlpfc->strd2", "dlpfc->value")
    assert agent.init(tasks.seeds(2), NO_GATES).moral.weights["dlpfc->strd1"].shape == (2, 50, 24)


@pytest.mark.slow
def test_the_basal_ganglia_help_as_the_place_cells_do(tmp_path):
    """Five seeds over a whole life: it helps, reaches its goal and pays; without mirror neurons it does not help."""
    done = run(
        "altruistic-rescue",
        tmp_path / "run",
        seeds=5,
        arms=("no_mirror",),
        actor="basal-ganglia",
        workers=2,
        record=0,
    )
    intact, cut = done.summary["arms"]["intact"], done.summary["arms"]["no_mirror"]
    assert intact["help_rate"]["mean"] >= 0.9
    assert intact["goal_rate"]["mean"] >= 0.9
    assert intact["return_external"]["mean"] <= 1.5
    assert cut["help_rate"]["mean"] <= 0.1
    assert cut["goal_rate"]["mean"] >= 0.9
