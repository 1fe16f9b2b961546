"""The command line beside `run`: lists, doctor, bench, help, version, and how a process ends."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from bisnn.experiments.cli import main
from bisnn.experiments.commands import bench

Said = pytest.CaptureFixture[str]


def asked(argv: list[str], said: Said) -> Any:
    """The JSON that a command prints."""
    assert main([*argv, "--json"]) == 0
    return json.loads(said.readouterr().out)


def test_list_dilemmas(capsys: Said) -> None:
    found = {row["id"]: row for row in asked(["list", "dilemmas"], capsys)}
    rescue = found["rescue_v0"]
    assert rescue["cost_of_helping"] == rescue["optima"]["selfish"] - rescue["optima"]["altruistic"] > 0
    assert rescue["benefit"] > 0
    assert (rescue["kind"], rescue["agents"]) == ("altruism", ["helper"])


def test_list_finds_what_there_is(capsys: Said) -> None:
    found = asked(["list"], capsys)
    names = {kind: [row.get("name", row.get("id")) for row in rows] for kind, rows in found.items()}
    assert {"altruistic-rescue", "empathy-dose-response"} <= set(names["experiments"])
    assert {"Altruist", "TabularQ", "OracleAgent"} <= set(names["agents"])
    assert {"no_mirror", "selfish", "late_no_ifg"} <= set(names["ablations"])
    assert {"IF", "LIF"} <= set(names["neurons"])
    assert "Neuron" not in names["neurons"]
    assert "RSTDP" in names["rules"]
    assert "Dopamine" in names["modulators"]
    arms = next(row for row in found["experiments"] if row["name"] == "altruistic-rescue")
    assert arms["arms"][0] == "intact"
    assert {"question", "further_arms"} <= arms.keys()
    cut = next(row for row in found["ablations"] if row["name"] == "no_mirror")
    assert (cut["does"], bool(cut["expect"])) == ("cut:perception->ifg", True)


def test_list_prints_tables(capsys: Said) -> None:
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("experiments", "rescue_v0", "no_mirror", "LIF", "RSTDP", "Dopamine"))


def test_doctor(capsys: Said) -> None:
    assert {"python", "torch", "backends"} <= asked(["doctor"], capsys).keys()
    assert main(["doctor"]) == 0
    assert "backends" in capsys.readouterr().out


def test_bench(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    def fake(workload: str, individuals: tuple[int, ...]) -> dict[str, Any]:
        print("noise")
        return {"workload": workload, "results": [{"individuals": n, "seconds": 0.5} for n in individuals]}

    monkeypatch.setattr(bench, "bench", fake)
    found = asked(["bench", "--workload", "W1-step", "--individuals", "2,5"], capsys)
    assert found["workload"] == "W1-step"
    assert [row["individuals"] for row in found["results"]] == [2, 5]
    assert main(["bench"]) == 0
    assert "1024" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--help"], ["list", "run", "plot", "doctor", "bench"]),
        (["run", "--help"], ["altruistic-rescue", "empathy-dose-response", "cause help"]),
        (
            ["run", "altruistic-rescue", "--help"],
            ["--seeds INT", "Individuals per arm", "late_no_ifg", "--resume"],
        ),
        (["plot", "--help"], ["--figure"]),
        (["list", "--help"], ["KIND"]),
        (["bench", "--help"], ["W1-step"]),
        (["--version"], ["bisnn 0."]),
    ],
)
def test_help(argv: list[str], words: list[str], capsys: Said) -> None:
    assert main(argv) == 0
    said = capsys.readouterr()
    assert all(word in said.out for word in words)
    assert said.err == ""
    assert "\0" not in said.out


def test_no_command_is_wrong_use(capsys: Said) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def process(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bisnn.experiments", *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_process_ends_with_the_code() -> None:
    done = process("run", "altruistic-rescu")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("bisnn: ")
    assert done.stderr.count("\n") == 1
    assert process("--version").returncode == 0


def test_help_does_not_load_torch() -> None:
    code = "import sys; from bisnn.experiments.cli import main; main(['--help']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120).returncode == 0


def test_a_closed_pipe_is_no_drama() -> None:
    command = [sys.executable, "-m", "bisnn.experiments", "list", "ablations"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 1


def test_memory_that_ran_out_is_told_as_such():
    """torch says so in a RuntimeError."""
    from bisnn.experiments.engine.worker import exhausted, told

    torch_says = RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
    assert exhausted(torch_says)
    assert exhausted(MemoryError())
    assert not exhausted(RuntimeError("shapes differ"))
    assert "fewer --seeds" in str(told(torch_says, "subject-0")["message"])
