"""`bisnn verify`: the scientific claims of the library, expected and measured."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bisnn.errors import ConfigError
from bisnn.experiments import verify
from bisnn.experiments.claims.base import Claim
from bisnn.experiments.commands import console
from bisnn.experiments.commands.flags import ABSENT, parse, pieces, whole
from bisnn.experiments.commands.options import VerifyOptions
from bisnn.experiments.verify import Outcome

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("claim", "source", "quantity", "expected", "measured", "tolerance", "pass")
SHORT = 22
"""Characters of a source in the table; the whole of it is in `--json` and docs/verify.md."""


def answer(argv: list[str]) -> tuple[dict[str, Any], Callable[[], None]]:
    """Run what the arguments ask for."""
    options = parse(VerifyOptions, argv, "bisnn verify", VerifyOptions.__doc__)
    only = pieces(options.only)
    if options.only and not only:
        raise ConfigError("--only names no claim; give topics or names (dopamine,body/P1), or leave it out for all")
    if sum(token.partition("=")[0] == "--claims" for token in argv) > 1:
        raise ConfigError("--claims was given more than once; give one file, or run bisnn verify for each")
    file = None if options.claims == ABSENT else Path(options.claims)
    claims = verify.walk() if file is None else verify.load(file)
    chosen, why = verify.select(claims, only, options.long)
    workers = _cores() if options.workers == ABSENT else whole("--workers", options.workers)
    found = verify.result(claims, _measured(chosen, workers, file), why)
    return found, lambda: _show(found)


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _measured(chosen: list[Claim], workers: int, file: Path | None) -> dict[str, Outcome]:
    """Measure the claims, with a line on standard error as each ends."""
    from bisnn.experiments.verify_workers import measure

    ended = 0

    def report(claim: Claim, outcome: Outcome) -> None:
        nonlocal ended
        ended += 1
        passed = verify.verdict(claim, outcome)["pass"]
        console.note(f"[{ended}/{len(chosen)}] {claim.name}: {'pass' if passed else 'FAIL'}, {outcome.seconds:.1f} s")

    return measure(chosen, workers, file, report)


# ------------------------------------------------------------ what a person reads


def _show(found: dict[str, Any]) -> None:
    rows, rest = found["claims"], found["not_run"]
    if rows:
        console.console(sys.stdout).print(table(rows))
    for row in rows:
        if not row["pass"]:
            print(f"FAIL  {row['claim']}: {row['note']}\n      {row['what']}")
    for reason in dict.fromkeys(row["reason"] for row in rest):
        print(f"not run ({reason}): {', '.join(row['claim'] for row in rest if row['reason'] == reason)}")
    passed = sum(row["pass"] for row in rows)
    print(f"{passed} of {len(rows)} claims that ran passed; {len(rest)} not run.")


def table(rows: list[dict[str, Any]]) -> Table:
    """A line for each quantity; the verdict stands in the first line of a claim, and `miss` where a quantity is out."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in COLUMNS:
        number = name in ("expected", "measured", "tolerance")
        made.add_column(Text(name), justify="right" if number else "left", no_wrap=number, overflow="fold")
    for row in rows:
        for cells in _lines(row):
            made.add_row(*(Text(cell) for cell in cells))
    return made


def _lines(row: dict[str, Any]) -> list[tuple[str, ...]]:
    """The lines of one claim."""
    lines = []
    for i, quantity in enumerate(dict.fromkeys([*row["tolerance"], *row["measured"], *row["expected"]])):
        bounds = row["tolerance"].get(quantity)
        missed = any(note.startswith(f"{quantity} ") for note in row["note"].split("; "))
        verdict = ("pass" if row["pass"] else "FAIL") if i == 0 else "miss" if missed else ""
        head = (row["claim"], _short(row["source"])) if i == 0 else ("", "")
        values = (_figure(row["expected"].get(quantity)), _figure(row["measured"].get(quantity)))
        lines.append((*head, quantity, *values, "–" if bounds is None else verify.interval(bounds), verdict))
    return lines


def _short(source: str) -> str:
    """Authors and year of a source, where it begins with them."""
    head, bracket, _ = source.partition(")")
    text = head + bracket
    return text if len(text) <= SHORT else text[: SHORT - 1].rstrip() + "…"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.5g}"
