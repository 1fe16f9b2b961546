"""Verification: every claim found by walking experiments/claims, measured, and judged from its tolerance alone.

A claim passes only if it ran and every quantity of its tolerance lies inside. A claim whose `measure` raises fails with
the words of the error, and the others go on. A claim that was not run is listed as such, with the reason.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from bisnn.errors import BisnnError, ConfigError, UnknownName
from bisnn.experiments import claims as folder
from bisnn.experiments.claims.base import Claim, misses

MARKS = ("<!-- claims -->", "<!-- end of claims -->")
"""What stands around the table of claims in a document."""


class Outcome(NamedTuple):
    """What measuring a claim came to."""

    measured: Mapping[str, float]
    seconds: float
    error: str = ""  # why there is no measurement


Report = Callable[[Claim, Outcome], None]


# ------------------------------------------------------------ which claims


def walk() -> dict[str, Claim]:
    """Name -> claim, of every module in experiments/claims. Raises `BisnnError` for a module that cannot be read,
    `ConfigError` for a name that occurs twice."""
    modules = []
    for found in pkgutil.iter_modules(folder.__path__):
        if found.name != "base" and not found.name.startswith("_"):
            name = f"{folder.__name__}.{found.name}"
            try:
                modules.append(importlib.import_module(name))
            except (Exception, SystemExit) as problem:
                raise BisnnError(f"{name} cannot be imported: {type(problem).__name__}: {problem}") from problem
    return _gathered(modules)


def load(path: Path | str) -> dict[str, Claim]:
    """Name -> claim, of a Python file with `CLAIMS`, anywhere. The file is executed. Raises `ConfigError`."""
    path = Path(path)
    if not path.is_file() or path.suffix != ".py":
        raise ConfigError(f"{path} is no Python file; name one that holds CLAIMS, a tuple of Claim")
    spec = importlib.util.spec_from_file_location(f"bisnn_claims_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as problem:  # a script that calls sys.exit would end bisnn without a word
        raise ConfigError(f"{path} cannot be imported: {type(problem).__name__}: {problem}") from problem
    return _gathered([module])


def _gathered(modules: Iterable[ModuleType]) -> dict[str, Claim]:
    found: dict[str, Claim] = {}
    for module in modules:
        given = getattr(module, "CLAIMS", None)
        where = module.__file__ or module.__name__
        if not isinstance(given, tuple) or not given or not all(isinstance(one, Claim) for one in given):
            raise ConfigError(f"{where} has no CLAIMS; add CLAIMS = (Claim(...),)")
        for one in given:
            if one.name in found:
                raise ConfigError(f"claim {one.name!r} of {where} exists already; rename one of the two")
            found[one.name] = one
    return dict(sorted(found.items(), key=lambda item: _natural(item[0])))


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that puts C-2 before C-10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def select(claims: Mapping[str, Claim], only: Sequence[str], long: bool) -> tuple[list[Claim], dict[str, str]]:
    """The claims to run, and of each other one why it is not run. `only` holds names and topics; empty: all.

    Raises `UnknownName` for a name that is neither.
    """
    topics = {claim.topic for claim in claims.values()}
    exact = {name.lower(): name for name in [*topics, *claims]}
    wanted = set()
    for name in only:
        if name.lower() not in exact:
            raise UnknownName("claim", name, [*topics, *claims])
        wanted.add(exact[name.lower()])
    chosen, why = [], {}
    for name, claim in claims.items():
        if wanted and not wanted & {name, claim.topic}:
            why[name] = "not selected by --only"
        elif claim.long and not long:
            why[name] = f"takes about {_duration(claim.seconds)}: add --long"
        else:
            chosen.append(claim)
    return chosen, why


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} minutes"


# ------------------------------------------------------------ what came out


def verdict(claim: Claim, outcome: Outcome) -> dict[str, Any]:
    """The row of one claim that ran; `pass` follows from tolerance and measurement alone."""
    missed = [outcome.error] if outcome.error else misses(claim, outcome.measured)
    return {
        "claim": claim.name,
        "what": claim.claim,
        "source": claim.source,
        "expected": dict(claim.expected),
        "measured": {name: value if math.isfinite(value) else None for name, value in outcome.measured.items()},
        "tolerance": {name: list(bounds) for name, bounds in claim.tolerance.items()},
        "pass": not missed,
        "seconds": round(outcome.seconds, 1),
        "note": "; ".join(missed),
    }


def result(claims: Mapping[str, Claim], outcomes: Mapping[str, Outcome], why: Mapping[str, str]) -> dict[str, Any]:
    """What `bisnn verify --json` prints. `passed` needs at least one claim that ran, and no failure."""
    rows = [verdict(claims[name], outcomes[name]) for name in claims if name in outcomes]
    rest = [
        {"claim": name, "what": claims[name].claim, "source": claims[name].source, "reason": reason}
        for name, reason in why.items()
    ]
    return {"claims": rows, "not_run": rest, "passed": bool(rows) and all(row["pass"] for row in rows)}


# ------------------------------------------------------------ the document


def document(claims: Mapping[str, Claim]) -> str:
    """The claims as a Markdown table."""
    lines = ["| claim | what | source | accepted | expected | runs |", "|---|---|---|---|---|---|"]
    for claim in claims.values():
        accepted = "<br>".join(f"{name}: {interval(bounds)}" for name, bounds in claim.tolerance.items())
        expected = "<br>".join(f"{name}: {value:.6g}" for name, value in claim.expected.items()) or "–"
        when = "with `--long`" if claim.long else "always"
        lines.append(f"| {claim.name} | {claim.claim} | {claim.source} | {accepted} | {expected} | {when} |")
    return "\n".join(lines)


def interval(bounds: Sequence[float | None]) -> str:
    """An accepted interval in words."""
    low, high = bounds
    if low is None:
        return f"<= {high:.5g}"
    if high is None:
        return f">= {low:.5g}"
    return f"= {low:.5g}" if low == high else f"{low:.5g} .. {high:.5g}"


def write_table(path: Path | str) -> None:
    """Put the table of all claims between the marks of a document. Raises `ConfigError` where the marks lack."""
    text = Path(path).read_text(encoding="utf-8")
    before, first, rest = text.partition(MARKS[0])
    _, last, after = rest.partition(MARKS[1])
    if not first or not last:
        raise ConfigError(f"{path} lacks {MARKS[0]} and {MARKS[1]}; write them where the table belongs")
    Path(path).write_text(f"{before}{first}\n{document(walk())}\n{last}{after}", encoding="utf-8")
