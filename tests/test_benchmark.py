"""The battery: scores worked out by hand, who can be scored, what the command answers and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from bisnn.agents.catalogue import dilemmas, make
from bisnn.agents.scripted import RandomAgent
from bisnn.agents.society import Advised
from bisnn.errors import ConfigError, UnknownName
from bisnn.experiments import battery, contestants
from bisnn.experiments.cli import main
from bisnn.experiments.commands import listing
from bisnn.experiments.figures.benchmark import profile

Said = pytest.CaptureFixture[str]
TINY = ["--dilemmas", "rescue_v0,omission_v0", "--seeds", "3", "--episodes", "4"]
USERS = """
import numpy as np
from bisnn.agents.scripted import RandomAgent
from bisnn.agents.society import Advised

calls = []

def policy(observation, agent):
    calls.append((sorted(observation), agent))
    return 0

def broken(observation, agent):
    return 99

def maker(dilemma):
    return Advised("altruistic")

class Model:
    def predict(self, observation, deterministic=False):
        return np.zeros(len(observation["place"]), dtype=np.int64), None

agent, model, number = RandomAgent(actions=2), Model(), 7
"""


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of somebody's own."""
    (tmp_path / "somebodys_agents.py").write_text(USERS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    import importlib

    yield importlib.import_module("somebodys_agents")
    import sys

    del sys.modules["somebodys_agents"]


def refused(argv: list[str], said: Said) -> str:
    """The one paragraph with which a command is refused."""
    assert main(argv) == 2
    out, err = said.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err.strip().splitlines()[-1]


# ------------------------------------------------------------ scores


def test_a_score_by_hand() -> None:
    chance, oracle = np.array([0.0, 2.0, 1.0]), np.array([4.0, 4.0, 5.0])
    found, draws = battery.score(np.array([1.0, 3.0, 3.0]), chance, oracle)
    assert found["score"] == pytest.approx((1 + 1 + 2) / (4 + 2 + 4))
    assert found["value"] == pytest.approx(7 / 3)
    assert found["n"] == 3
    assert "no significance" in found["note"]
    low, high = found["ci95"]
    assert 0.25 <= low <= found["score"] <= high <= 0.5
    assert draws.shape == (battery.RESAMPLES,)
    assert battery.score(chance, chance, oracle)[0]["score"] == 0.0
    assert battery.score(oracle, chance, oracle)[0]["ci95"] == [1.0, 1.0]


def test_where_a_score_is_undefined() -> None:
    same, ahead = np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 1.0])
    found, draws = battery.score(same, same, same)
    assert found["score"] is None
    assert "does not differ from chance" in found["note"]
    assert np.isnan(draws).all()
    assert "does worse than chance" in battery.score(same, same, ahead)[0]["note"]
    nothing = np.full(3, np.nan)
    assert "no occasion" in battery.score(nothing, same, ahead)[0]["note"]
    some, _ = battery.score(np.array([1.0, np.nan, 3.0]), np.zeros(3), np.full(3, 4.0))
    assert (some["score"], some["n"]) == (0.5, 2)


def test_the_oracle_is_who_does_best() -> None:
    values = {"selfish": np.array([1.0]), "altruistic": np.array([3.0]), "fair": np.array([3.0])}
    assert battery.best("own_return", values) == "altruistic"
    assert battery.best("own_return", dict.fromkeys(values, np.array([1.0]))) == "selfish"
    assert battery.best("help_rate", dict.fromkeys(values, np.array([1.0]))) == "altruistic"


def test_chance_is_0_and_the_oracle_is_1() -> None:
    plan = battery.Plan((make("rescue_v0"),), seeds=5, episodes=6, partners="fair")
    found = battery.benchmark(("random", "oracle", "selfish"), plan)
    scores = {name: one["dilemmas"]["rescue_v0"] for name, one in found["agents"].items()}
    for measure in battery.SCORED:
        assert scores["random"][measure]["score"] == 0.0
        assert found["agents"]["random"]["overall"][measure]["score"] == 0.0
    for measure in ("help_rate", "help_given", "others_welfare"):
        assert scores["oracle"][measure]["score"] == 1.0
    assert scores["selfish"]["own_return"]["score"] == 1.0
    assert scores["selfish"]["own_return"]["value"] == 5.0, "what the certificate says"
    assert scores["oracle"]["own_return"]["score"] < 1.0
    assert scores["selfish"]["help_rate"]["value"] == 0.0
    assert scores["oracle"]["help_rate"]["oracle_plays"] == "altruistic"
    assert found["references"]["altruistic"]["dilemmas"]["rescue_v0"] == scores["oracle"]


def test_the_same_seeds_score_the_same() -> None:
    plan = battery.Plan((make("omission_v0"),), seeds=3, episodes=4, partners="self")
    assert battery.benchmark(("svo",), plan) == battery.benchmark(("svo",), plan)


def test_every_name_plays_somewhere() -> None:
    for name, (maker, what) in contestants.NAMES.items():
        assert what
        plan = battery.Plan((make("rescue_v0", horizon=12),), seeds=2, episodes=1, partners="selfish")
        found = battery.live(plan.dilemmas[0], maker, plan)
        assert found["own_return"].shape == (2,), name
        assert np.isfinite(found["own_return"]).all(), name


# ------------------------------------------------------------ anybody's agents


def test_agents_by_import_path(users: Any) -> None:
    dilemma = make("rescue_v0", horizon=12)
    plan = battery.Plan((dilemma,), seeds=2, episodes=1, partners="selfish")
    up = battery.live(dilemma, contestants.find("somebodys_agents:policy"), plan)
    assert users.calls[0] == (["expression", "place", "view"], "helper")
    assert up["own_return"].tolist() == [-12.0, -12.0]
    model = battery.live(dilemma, contestants.find("somebodys_agents:model"), plan)
    assert model["own_return"].tolist() == [-12.0, -12.0]
    assert isinstance(contestants.find("somebodys_agents:maker")(dilemma, 1), Advised)
    assert contestants.find("somebodys_agents:agent")(dilemma, 1) == RandomAgent(actions=2)
    assert isinstance(contestants.find("bisnn.agents.scripted:RandomAgent")(dilemma, 1), RandomAgent)


def test_what_is_no_agent(users: Any) -> None:
    with pytest.raises(ConfigError, match="is a int; give a bisnn agent"):
        contestants.find("somebodys_agents:number")
    with pytest.raises(UnknownName, match="Did you mean 'policy'"):
        contestants.find("somebodys_agents:polic")
    with pytest.raises(ConfigError, match="cannot be imported"):
        contestants.find("nobodys_agents:policy")
    with pytest.raises(ConfigError, match="no such file"):
        contestants.find("nobodys.zip")
    with pytest.raises(UnknownName, match="Did you mean 'selfish'"):
        contestants.find("selfsh")
    plan = battery.Plan((make("omission_v0"),), seeds=2, episodes=1, partners="selfish")
    with pytest.raises(ConfigError, match=r"can play in none of omission_v0; .* no action 99"):
        battery.benchmark(("somebodys_agents:broken",), plan)


def test_a_saved_model_of_stable_baselines(tmp_path: Path) -> None:
    library = pytest.importorskip("stable_baselines3")
    from bisnn.agents.gymnasium import DilemmaGym

    before = torch.random.get_rng_state()
    model = library.PPO("MultiInputPolicy", DilemmaGym("omission_v0"), seed=0, device="cpu")
    torch.random.set_rng_state(before)
    model.save(tmp_path / "model.zip")
    plan = battery.Plan((make("omission_v0"), make("rescue_v0")), seeds=2, episodes=1, partners="selfish")
    found = battery.benchmark((str(tmp_path / "model.zip"),), plan)["agents"][str(tmp_path / "model.zip")]
    assert list(found["dilemmas"]) == ["omission_v0"]
    assert "it was trained" in found["skipped"]["rescue_v0"]
    (tmp_path / "torn.zip").write_bytes(b"PK")
    with pytest.raises(ConfigError, match="no saved PPO, A2C or DQN"):
        contestants.find(str(tmp_path / "torn.zip"))


# ------------------------------------------------------------ the command


def test_the_command_answers_in_json_and_in_a_table(tmp_path: Path, capsys: Said) -> None:
    out = tmp_path / "battery"
    argv = ["benchmark", "random", "tabular-q", *TINY, "--out", str(out)]
    assert main([*argv, "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert said.out.count("\n") == 1
    assert "rescue_v0: tabular-q" in said.err
    assert json.loads((out / "benchmark.json").read_text()) == found
    assert (found["seeds"], found["episodes"], found["scored"]) == (3, 4, 1)
    assert list(found["agents"]) == ["random", "tabular-q"]
    assert "moves and reaches out" in found["agents"]["tabular-q"]["skipped"]["omission_v0"]
    entry = found["agents"]["tabular-q"]["dilemmas"]["rescue_v0"]["own_return"]
    assert {"score", "ci95", "value", "random", "oracle", "n"} <= entry.keys()
    assert (out / "figures" / "profile.png").stat().st_size > 10_000
    assert main(argv) == 0
    shown = capsys.readouterr().out
    for text in ("own return", "help rate", "does not fit", "mean", "profile.png", "tabular-q cannot play omission_v0"):
        assert text in shown


def test_a_profile_is_drawn_of_what_is_known() -> None:
    scored = {"score": 0.5, "ci95": [0.4, 9.0]}
    undefined = {"score": None, "ci95": None, "note": "undefined"}
    one = {
        "dilemmas": {"a_v0": {"own_return": scored}, "b_v0": {"own_return": undefined}},
        "overall": {"own_return": scored},
    }
    references = {"selfish": one, "altruistic": one}
    assert isinstance(profile({"measures": ["own_return"], "agents": {"x": one}, "references": references}), Figure)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "name an agent"),
        (["selfsh"], "Did you mean 'selfish'?"),
        (["selfish", "--dilemmas", "rescue"], "Did you mean 'rescue_v0'?"),
        (["selfish", "--dilemmas", ","], "names no dilemma"),
        (["selfish", "--seeds", "0"], "--seeds 0"),
        (["selfish", "--episodes", "many"], "--episodes many"),
        (["selfish", "--partners", "nobody"], "no partners 'nobody'"),
        (["selfish", "--seed", "1"], "Did you mean '--seeds'?"),
        (["missing_module:thing"], "cannot be imported"),
        (["missing.zip"], "no such file"),
    ],
)
def test_wrong_use_is_one_paragraph(argv: list[str], words: str, capsys: Said) -> None:
    assert words in refused(["benchmark", *argv], capsys)


def test_a_foreign_folder_is_left_alone(tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "a.txt").write_text("dear")
    assert "something else" in refused(["benchmark", "random", *TINY, "--out", str(tmp_path)], capsys)
    assert "is a file" in refused(["benchmark", "random", *TINY, "--out", str(tmp_path / "a.txt")], capsys)


def test_help_warns_of_code(capsys: Said) -> None:
    assert main(["benchmark", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "executes the code" in said
    assert "inequity-averse" in said


# ------------------------------------------------------------ the list


def test_the_list_of_dilemmas(capsys: Said) -> None:
    assert main(["list", "dilemmas", "--json"]) == 0
    found = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(found) == set(dilemmas())
    for row in found.values():
        assert row["optima"]["selfish"] - row["optima"]["altruistic"] == pytest.approx(row["cost_of_helping"])
        assert {"kind", "benefit", "agents", "parties", "actions", "bound", "method", "against"} <= row.keys()
        assert row["cost_of_helping"] > 0
    rescue = found["rescue_v0"]
    assert (rescue["cost_of_helping"], rescue["benefit"], rescue["optima"]["selfish"]) == (4.0, 97.0, 5.0)
    assert rescue["parties"] == ["helper", "victim"]
    header, rows = listing.table("dilemmas", list(found.values()))
    assert "cost of helping" in header
    assert any("selfish 5, altruistic 1" in cell for row in rows for cell in row)
