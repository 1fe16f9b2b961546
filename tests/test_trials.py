"""The machine of experiments without a dilemma, on one that is small enough to be known."""

import pytest
import torch

from bisnn import rng
from bisnn.circuit import Area, Circuit
from bisnn.errors import ConfigError, ShapeMismatch, StateMismatch, UnknownName
from bisnn.experiments import base, measures, runner, trials
from bisnn.experiments.base import Experiment, Settings, subjects
from bisnn.experiments.ranges import Numbers
from bisnn.interventions import INTACT, Ablation, Targets
from bisnn.neurons import LIF
from bisnn.recording import Probe

EAR = Circuit(areas={"ear": Area(n=3, neuron=LIF())}, projections=())
ARMS = (INTACT, Ablation(name="deaf", silence=("ear",), expect="hears nothing"))
HEARD = {"heard": measures.Measure("heard", whole=True)}


class Hearing(Settings):
    """Configuration of hearing."""

    episodes: int = 4
    """Trials."""
    levels: Numbers = (0.0, 1.0)
    """Levels."""


def session(batch):
    drive = {"ear": rng.uniform(batch.key, "hearing", 0, 3) * 4}
    _, seen = EAR.run(EAR.init(batch.key), drive, None, batch.gates, steps=30, probes=(Probe("ear"),))
    batch.spikes(seen, trial=2, step=1)
    count = seen["ear.spikes"].sum((-1, -2))
    heard = count[:, None] > torch.arange(batch.settings.episodes) * 5
    return trials.Found({"heard": heard}, {"spikes": count[:, None]}, {"train": seen["ear.spikes"][batch.recorded]})


def made(trials=session, **changes):
    return Experiment(
        **{
            "name": "hearing",
            "question": "Does it hear?",
            "reference": "none",
            "settings": Hearing,
            "conditions": lambda settings: subjects(ARMS, settings),
            "trials": trials,
            "targets": lambda settings: Targets.of((EAR,)),
            "measures": HEARD,
            "analyse": lambda rows, settings: measures.summary(rows, measures=HEARD, primary=("heard",)),
            "table": lambda summary: (["arm"], [[arm] for arm in summary["arms"]]),
            **changes,
        }
    )


@pytest.fixture
def hearing(monkeypatch):
    experiment, known = made(), base.experiments()
    monkeypatch.setattr(base, "experiments", lambda: {**known, "hearing": experiment})
    return experiment


def test_a_run_of_trials_has_rows_spikes_recordings_and_state(hearing, tmp_path):
    done = runner.run(hearing, tmp_path / "a", seeds=6, lesion=("EAR",))
    assert done.manifest.arms == ["intact", "deaf", "silence:EAR"]
    assert len(done.episodes["heard"]) == 3 * 6 * 4
    assert done.measure("heard")["intact"].max() > 0
    assert not done.measure("heard")["deaf"].any()
    assert not done.measure("heard")["silence:EAR"].any()
    train = done.recordings["intact-0"]["train"]
    assert train.shape == (30, 3)
    tick, unit = (train > 0).nonzero().unbind(-1)
    mine = done.spikes["arm"] == "intact"
    assert sorted(zip(done.spikes["tick"][mine], done.spikes["unit"][mine], strict=True)) == sorted(
        zip(tick.tolist(), unit.tolist(), strict=True)
    )
    assert set(done.spikes["episode"][mine]) == {2}
    assert done.state["subject/spikes"].shape == (18, 1)
    assert float(done.state["subject/spikes"][0]) == float(train.sum())


def test_the_same_individual_in_any_run(hearing, tmp_path):
    many = runner.run(hearing, tmp_path / "a", seeds=5)
    few = runner.run(hearing, tmp_path / "b", seeds=2, arms=("deaf",))
    again = runner.run(hearing, tmp_path / "c", seeds=5)
    assert again.manifest.hash == many.manifest.hash
    assert few.measure("heard")["intact"].tolist() == many.measure("heard")["intact"][:2].tolist()
    assert runner.run(hearing, tmp_path / "a", seeds=5, resume=True).manifest.hash == many.manifest.hash


def test_settings_take_ranges_and_lesions_are_checked_before_anything_runs(hearing, tmp_path):
    assert base.configure(hearing, {"levels": "0:1:3"}).levels == (0.0, 0.5, 1.0)
    with pytest.raises(ConfigError, match="levels"):
        base.configure(hearing, {"levels": "0:1:x"})
    for wrong in ({"arms": 3}, {"lesion": True}, {"levels": True}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            base.configure(hearing, wrong)
    with pytest.raises(UnknownName, match="ear"):
        runner.run(hearing, tmp_path / "a", lesion=("eye",))
    settings = base.configure(hearing, {"lesion": ("ear",)})
    assert trials.shown(settings) == "silence:ear"
    assert trials.shown(base.configure(hearing, {})) == "intact"
    both = base.configure(hearing, {"lesion": ("ear",), "ablate": ("drive:ear=0",)})
    assert trials.shown(both) == "drive:ear=0", "ablations come before lesions, as in the arms"
    assert [arm.name for arm in hearing.conditions(both)] == ["intact", "deaf", "drive:ear=0", "silence:ear"]


def test_trials_have_no_agents_and_no_dilemma(hearing, tmp_path):
    done = runner.run(hearing, tmp_path / "a", seeds=1)
    with pytest.raises(ConfigError, match="no agents"):
        done.agent("intact", 0)
    with pytest.raises(ConfigError, match="no dilemma"):
        hearing.world(None)
    with pytest.raises(UnknownName, match="heard"):
        done.measure("help_rate")
    for wrong in ({"dilemma": lambda settings: None}, {"trials": None}, {"targets": None}):
        with pytest.raises(ConfigError, match="give"):
            made(**wrong)


def test_what_a_session_gives_is_checked(hearing, tmp_path):
    def short(batch):
        return trials.Found({"heard": torch.zeros(len(batch.key))})

    def uneven(batch):
        return trials.Found({"heard": torch.zeros(len(batch.key), 2), "told": torch.zeros(len(batch.key), 3)})

    def broken(batch):
        kept = torch.where(batch.key == 1, torch.nan, 0.0)
        return trials.Found({"heard": torch.zeros(len(batch.key), 2)}, {"weight": kept})

    def taken(batch):
        return trials.Found({"episode": torch.zeros(len(batch.key), 2)})

    with pytest.raises(ShapeMismatch, match="episode is written by the run"):
        runner.run(made(taken), tmp_path / "taken", seeds=2)
    late = Ablation(name="late", silence=("ear",), since=0.5)
    with pytest.raises(ConfigError, match="late begins late"):
        subjects((INTACT, late), base.configure(hearing, {}))
    for number, wrong in enumerate((short, uneven)):
        with pytest.raises(ShapeMismatch, match="individuals, trials"):
            runner.run(made(wrong), tmp_path / str(number), seeds=2)
    with pytest.raises(StateMismatch, match="arm 'intact', seed 1: weight"):
        runner.run(made(broken), tmp_path / "nan", seeds=2)
