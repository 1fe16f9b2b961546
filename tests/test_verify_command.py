"""The command `bisnn verify`: planted claims, in worker processes that leave nothing behind."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bisnn.experiments import verify, verify_workers
from bisnn.experiments.claims.base import Claim
from bisnn.experiments.cli import main
from bisnn.experiments.verify import Outcome

Said = pytest.CaptureFixture[str]
ROOT = Path(__file__).resolve().parent.parent
PLANTED = """
import os, time
from bisnn.experiments.claims.base import Claim

def good(): return {"x": 1.0, "extra": 3.25}
def low(): return {"x": 0.4}
def missing(): return {"y": 1.0}
def nan(): return {"x": float("nan")}
def infinite(): return {"x": float("inf")}
def words(): return {"x": "many"}
def none(): pass
def leaving(): raise SystemExit(0)
def raising(): raise ValueError("no such\\nthing")
def dying(): os._exit(3)
def loud():
    print("hello")
    os.system("echo hello")
    return {"x": 1.0}
def threads():
    import torch
    return {"x": float(torch.get_num_threads())}
def slow():
    print("waiting", os.getpid(), flush=True)
    time.sleep(60)
    return {"x": 1.0}

def made(name, measure, **more):
    tolerance = more.pop("tolerance", {"x": (0.5, 1.5)})
    source = "Nobody (2001) J. X 1:1, doi:10.1/x"
    return Claim(name=name, claim="All is well.", source=source, expected={"x": 1.0}, tolerance=tolerance,
                 measure=measure, **more)

CLAIMS = (
    made("t/dying", dying), made("t/good", good), made("t/infinite", infinite), made("t/loud", loud),
    made("t/low", low), made("t/missing", missing), made("t/nan", nan),
    made("t/open", infinite, tolerance={"x": (0, None)}),
    made("t/none", none), made("t/leaving", leaving),
    made("t/raising", raising), made("t/threads", threads), made("t/words", words),
    made("t/C-10", good), made("t/C-2", good),
    made("u/long", good, long=True, seconds=3600.0), made("v/slow", slow, long=True),
)
"""
GOOD = {"t/good", "t/loud", "t/threads", "t/C-2", "t/C-10"}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("claims") / "planted.py"
    path.write_text(PLANTED)
    return path


@pytest.fixture(scope="module")
def found(planted: Path) -> tuple[int, Any, str]:
    """Exit code, JSON and standard error of all planted claims, in two workers."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["verify", "--claims", str(planted), "--workers", "2", "--json"])

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return code, json.loads(out.getvalue(), parse_constant=refuse), err.getvalue()


def test_planted_claims(found: tuple[int, Any, str]) -> None:
    code, answer, err = found
    rows = {row["claim"]: row for row in answer["claims"]}
    assert code == 1
    assert answer["passed"] is False
    assert {name for name, row in rows.items() if row["pass"]} == GOOD
    assert {"claim", "source", "expected", "measured", "tolerance", "pass"} <= rows["t/good"].keys()
    assert rows["t/good"]["measured"] == {"x": 1.0, "extra": 3.25}
    assert rows["t/good"]["tolerance"] == {"x": [0.5, 1.5]}
    assert rows["t/open"]["tolerance"] == {"x": [0, None]}
    assert rows["t/threads"]["measured"] == {"x": 1.0}
    assert rows["t/nan"]["measured"] == {"x": None}
    notes = {name: row["note"] for name, row in rows.items()}
    assert notes["t/good"] == ""
    assert notes["t/low"] == "x = 0.4 is below 0.5"
    assert notes["t/missing"] == "x was not measured"
    assert notes["t/nan"] == notes["t/infinite"] == notes["t/open"] == "x is not finite"
    assert notes["t/raising"] == "ValueError: no such thing"
    assert notes["t/none"] == "ConfigError: measure returned NoneType; return the numbers by quantity: {'x': 1.0}"
    assert notes["t/leaving"] == "SystemExit: 0"
    assert notes["t/dying"] == "its worker ended with code 3"
    assert "ValueError" in notes["t/words"]
    assert list(rows)[:2] == ["t/C-2", "t/C-10"], "in the order of numbers"
    assert "[15/15]" in err


def test_what_is_not_run_is_listed_and_does_not_pass(found: tuple[int, Any, str]) -> None:
    rest = {row["claim"]: row["reason"] for row in found[1]["not_run"]}
    assert rest == {"u/long": "takes about 60 minutes: add --long", "v/slow": "takes about 1 s: add --long"}
    assert not {row["claim"] for row in found[1]["claims"]} & rest.keys()


def test_a_long_claim_runs_when_it_is_asked_for(planted: Path, capsys: Said) -> None:
    flags = ["verify", "--claims", str(planted), "--only", "u,T/good", "--workers", "1"]
    assert main([*flags, "--long"]) == 0
    said = capsys.readouterr()
    assert "2 of 2 claims that ran passed; 15 not run." in said.out
    assert "not run (not selected by --only): t/C-2, t/C-10, t/dying" in said.out
    assert "[2/2]" in said.err
    assert main(["verify", "--claims", str(planted), "--only", "u/long"]) == 1, "nothing was verified"
    assert "0 of 0 claims" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--only", "body/P11"], "Did you mean 'body/P1'?"),
        (["--only", "dopamin"], "Did you mean 'dopamine'?"),
        (["--only", ""], "--only names no claim"),
        (["--only", ","], "--only names no claim"),
        (["--claims", "a.py", "--claims=b.py"], "--claims was given more than once"),
        (["--workers", "0"], "1 or more"),
        (["--lnog"], "Did you mean '--long'?"),
        (["--claims", "nowhere.py"], "no Python file"),
        (["--claims", "README.md"], "no Python file"),
    ],
)
def test_wrong_use_is_one_paragraph(flags: list[str], why: str, capsys: Said) -> None:
    assert main(["verify", *flags]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert why in err
    assert err.count("bisnn: ") == 1
    assert "Traceback" not in err


def heeding() -> None:
    """Heed Ctrl-C, also where this was started in the background of a script, which would have it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_worker_ends_with_the_verification(planted: Path) -> None:
    """Ctrl-C: exit code 130, and no process is left."""
    command = [sys.executable, "-m", "bisnn.experiments", "verify", "--claims", str(planted), "--only", "v", "--long"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=ROOT, preexec_fn=heeding
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    worker = int(line.split()[1])
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert "interrupted" in process.stderr.read()
    process.stderr.close()
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the worker is still there")


def test_the_longest_start_first(planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def ask(self: Any, claim: Claim) -> Outcome:
        told.append(claim.name)
        return Outcome({}, 0.0)

    monkeypatch.setattr(verify_workers._Hand, "_ask", ask)
    good = verify.load(planted)["t/good"]
    claims = [replace(good, name=f"a/{i}", seconds=float(seconds)) for i, seconds in enumerate((1, 9, 3))]
    assert set(verify_workers.measure(claims, 1, planted, lambda claim, outcome: None)) == {"a/0", "a/1", "a/2"}
    assert told == ["a/1", "a/2", "a/0"]
