"""Claims and their judgement: a claim passes by its tolerance alone, and one that did not run never passes."""

from __future__ import annotations

import io
import math
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bisnn.errors import BisnnError, ConfigError, UnknownName
from bisnn.experiments import verify
from bisnn.experiments.claims.base import Claim, misses, passes
from bisnn.experiments.cli import main
from bisnn.experiments.commands import verify as command_verify
from bisnn.experiments.verify import Outcome

Said = pytest.CaptureFixture[str]
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "verify.md"
TWICE = """
from bisnn.experiments.claims.base import Claim
one = Claim(name="a/1", claim="", source="", expected={}, tolerance={"x": (0, 1)}, measure=dict)
CLAIMS = (one, one)
"""


def nothing() -> dict[str, float]:
    return {}


CLAIM = Claim(
    name="topic/X-1",
    claim="All is well.",
    source="Nobody (2001) J. X 1:1, doi:10.1/x",
    expected={"x": 1.0},
    tolerance={"x": (0.5, 1.5), "y": (None, 0.0), "z": (2.0, None)},
    measure=nothing,
)
INSIDE = {"x": 1.0, "y": -3.0, "z": 2.0}


# ------------------------------------------------------------ the judgement


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, None),
        ({"x": 0.5, "y": 0.0}, None),  # the ends belong to the interval
        ({"x": 1.5}, None),
        ({"w": math.nan}, None),  # what is not judged cannot fail
        ({"x": math.nextafter(0.5, 0.0)}, "below 0.5"),
        ({"x": math.nextafter(1.5, 2.0)}, "above 1.5"),
        ({"y": 1e-12}, "y = 1e-12 is above 0"),
        ({"z": 1.999}, "z = 1.999 is below 2"),
        ({"x": math.nan}, "x is not finite"),
        ({"z": math.inf}, "z is not finite"),  # open above, and yet
        ({"y": -math.inf}, "y is not finite"),
        ({"y": None}, "y was not measured"),
    ],
)
def test_a_claim_passes_by_its_tolerance_alone(change: dict[str, Any], why: str | None) -> None:
    measured = {name: value for name, value in (INSIDE | change).items() if value is not None}
    assert passes(CLAIM, measured) == (why is None)
    assert why is None or why in "; ".join(misses(CLAIM, measured))
    row = verify.verdict(CLAIM, Outcome(measured, 1.0))
    assert row["pass"] == (why is None)
    astray = replace(CLAIM, expected={"x": 77.0, "y": 77.0, "z": -77.0})
    assert verify.verdict(astray, Outcome(measured, 1.0))["pass"] == (why is None), "`expected` plays no part"
    assert not verify.verdict(CLAIM, Outcome(measured, 1.0, "it broke"))["pass"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"tolerance": {}}, "no tolerance"),
        ({"tolerance": {"x": (None, None)}}, "every value"),
        ({"tolerance": {"x": (math.nan, None)}}, "not finite"),
        ({"tolerance": {"x": (-math.inf, 1.0)}}, "not finite"),
        ({"tolerance": {"x": (1.0, 0.0)}}, "'x' accepts nothing from 1 to 0"),
        ({"expected": {"x": math.nan}}, "the expected 'x' is nan"),
        ({"expected": {"x": math.inf}}, "the expected 'x' is inf"),
        ({"name": "X-1"}, "TOPIC/NUMBER"),
        ({"name": "topic/X 1"}, "TOPIC/NUMBER"),
        ({"name": "topic/X,1"}, "TOPIC/NUMBER"),
    ],
)
def test_a_claim_that_could_not_fail_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        replace(CLAIM, **change)


def test_nothing_that_ran_is_no_pass() -> None:
    assert not verify.result({CLAIM.name: CLAIM}, {}, {CLAIM.name: "long"})["passed"]
    assert verify.result({CLAIM.name: CLAIM}, {CLAIM.name: Outcome(INSIDE, 1.0)}, {})["passed"]


# ------------------------------------------------------------ which claims


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = 1", "has no CLAIMS"),
        ("CLAIMS = ()", "has no CLAIMS"),
        ("CLAIMS = (1,)", "has no CLAIMS"),
        ("import nosuchthing", "cannot be imported"),
        ("import sys; sys.exit()", "cannot be imported: SystemExit"),
        ("CLAIMS = (", "cannot be imported: SyntaxError"),
        (TWICE, "exists already"),
    ],
)
def test_a_file_without_claims_is_refused(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(ConfigError, match=why):
        verify.load(path)


def test_selection() -> None:
    claims = {name: replace(CLAIM, name=name, long=name == "a/3") for name in ("a/1", "a/2", "a/3", "b/1")}
    chosen, why = verify.select(claims, ["a"], long=False)
    assert [claim.name for claim in chosen] == ["a/1", "a/2"]
    assert why == {"a/3": "takes about 1 s: add --long", "b/1": "not selected by --only"}
    assert [claim.name for claim in verify.select(claims, [], long=True)[0]] == list(claims)
    with pytest.raises(UnknownName, match="a, a/1, a/2, a/3, b, b/1"):
        verify.select(claims, ["c"], long=True)


# ------------------------------------------------------------ what a person reads


def test_the_table_fits_100_columns() -> None:
    from rich.console import Console

    rows = []
    for claim in verify.walk().values():
        measured = {name: -1.2345e-05 for name in claim.tolerance}
        rows.append(verify.verdict(claim, Outcome(measured, 1.0)))
    out = io.StringIO()
    Console(file=out, width=100).print(command_verify.table(rows))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 100
    assert "…" not in "".join(line[60:] for line in lines), "no number is cut"
    assert sum("-1.2345e-05" in line for line in lines) == sum(len(row["tolerance"]) for row in rows)


def test_a_row_says_which_quantity_is_out() -> None:
    row = verify.verdict(CLAIM, Outcome(INSIDE | {"y": 5.0, "w": 1.0}, 1.0))
    lines = command_verify._lines(row)
    assert [line[2] for line in lines] == ["x", "y", "z", "w"]
    assert [line[-1] for line in lines] == ["FAIL", "miss", "", ""]
    assert [line[5] for line in lines] == ["0.5 .. 1.5", "<= 0", ">= 2", "–"]
    assert lines[0][:2] == ("topic/X-1", "Nobody (2001)")
    assert lines[1][:2] == ("", "")


# ------------------------------------------------------------ the claims of the library


def test_every_claim_is_found_with_its_source() -> None:
    claims = verify.walk()
    assert {
        "body/P1",
        "empathy/M1",
        "dopamine/D1",
        "dopamine/C-2",
        "dopamine/C-2-reduced",
        "rescue/A1",
    } <= claims.keys()
    for claim in claims.values():
        assert "doi:10." in claim.source, f"{claim.name}: a source has a doi"
        assert claim.measure.__doc__, f"{claim.name}: say what `measure` does"
        module = sys.modules[claim.measure.__module__]
        assert getattr(module, claim.measure.__name__, None) is claim.measure, f"{claim.name}: a top-level function"
        assert set(claim.expected) | set(claim.tolerance), claim.name
    assert sum(claim.seconds for claim in claims.values() if not claim.long) <= 1000, "10 minutes on two cores"


@pytest.mark.parametrize("text", ["1 / 0", "raise SystemExit(0)"])
def test_a_broken_module_is_named(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken_claims.py").write_text(text)
    monkeypatch.setattr(verify.folder, "__path__", [str(tmp_path)])
    with pytest.raises(BisnnError, match=r"bisnn\.experiments\.claims\.broken_claims cannot be imported"):
        verify.walk()


def test_the_document_lists_every_claim(tmp_path: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    copy = tmp_path / "verify.md"
    copy.write_text(text, encoding="utf-8")
    verify.write_table(copy)
    remedy = "python -c \"from bisnn.experiments import verify; verify.write_table('docs/verify.md')\""
    assert copy.read_text(encoding="utf-8") == text, f"docs/verify.md is out of date; run {remedy}"
    copy.write_text("no marks", encoding="utf-8")
    with pytest.raises(ConfigError, match="lacks"):
        verify.write_table(copy)


CHEAP = ("body/P3", "dopamine/D1", "empathy/M1", "empathy/M2", "empathy/M3", "empathy/M4", "empathy/M5")


@pytest.mark.parametrize("name", CHEAP)
def test_cheap_claims_hold(name: str) -> None:
    claim = verify.walk()[name]
    assert not misses(claim, claim.measure())


@pytest.mark.slow
def test_all_claims_hold_in_ten_minutes(capsys: Said) -> None:
    since = time.monotonic()
    assert main(["verify", "--json"]) == 0
    assert time.monotonic() - since < 600
