"""Do the tests notice faults? Mutates neurons and rules, runs their tests on each mutant, and lists what survives.

    python .ci/mutants.py [FILE_OR_FOLDER ...] [--least 0.85] [--most N --seed K] [--workers 1] [--near] [--json OUT]

Works on a copy of the checkout. One warm process holds torch and pytest and forks for every mutant; the child imports
bisnn from the copy and stops at the first failure: first the tests that name the mutated class, then those of its kind.
Prints killed / all by file and every survivor as a diff. `.ci/equivalent_mutants.toml` holds mutants that no
test can tell, each with its reason. Before, a text with one more comment must survive for every file. Exit code 1 below
`--least`, 2 when tests fail without any mutant.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import tomllib
from pathlib import Path

from mutations import Mutant, mutants
from workshop import ROOT, Job, Workshop, preload

EQUIVALENT = ROOT / ".ci" / "equivalent_mutants.toml"
FOLDERS = ("bisnn/neurons", "bisnn/plasticity")


def chosen(workshop: Workshop, places: list[str], most: int, seed: int, only: list[str]) -> list[Mutant]:
    """The mutants of files and folders, at most so many, drawn by a hash of what they are, and `only` those named."""
    files = [path for place in places for path in _files(workshop.clean / place)]
    names = [str(path.relative_to(workshop.clean)) for path in files]
    found = [mutant for name in dict.fromkeys(names) for mutant in mutants(name, workshop.text(name))]
    if only:
        found = [mutant for mutant in found if any(text in str(mutant) for text in only)]
    if most < len(found):
        draw = {m: hashlib.blake2b(f"{seed}/{m}".encode(), digest_size=8).hexdigest() for m in found}
        drawn = set(sorted(found, key=lambda mutant: draw[mutant])[:most])
        found = [mutant for mutant in found if mutant in drawn]
    return found


def _files(place: Path) -> list[Path]:
    return sorted(place.glob("*.py")) if place.is_dir() else [place]


def equivalents() -> list[dict[str, str]]:
    """Mutants that no test can tell from the original, with the reason."""
    listed: list[dict[str, str]] = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("equivalent", [])
    return listed


def same_edit(entry: dict[str, str], mutant: Mutant) -> bool:
    """Whether an entry of the list is this mutant."""
    parts = (entry["file"], entry["before"].strip(), entry["after"].strip())
    return parts == (mutant.file, mutant.before.strip(), mutant.after.strip())


def tell(jobs: list[Job], least: float) -> tuple[str, dict[str, object]]:
    """The report as text and as data."""
    files: dict[str, list[Job]] = {}
    for job in jobs:
        assert job.mutant is not None
        files.setdefault(job.mutant.file, []).append(job)
    lines = []
    for file, its in files.items():
        killed = sum(job.killed for job in its)
        lines.append(f"{killed:4d} / {len(its):4d}  {killed / len(its):6.1%}  {file}")
    killed, survivors = sum(job.killed for job in jobs), [job for job in jobs if not job.killed]
    score = killed / len(jobs) if jobs else 0.0
    late, unborn = sum(job.late for job in jobs), sum(job.unborn for job in jobs)
    lines += ["", *(f"survived: {job.mutant}" for job in survivors), ""]
    lines.append(f"killed {killed} of {len(jobs)} = {score:.1%} (at least {least:.0%} is asked);")
    lines.append(f"of these {unborn} already failed to import or to be collected and {late} ran out of time")
    data: dict[str, object] = {
        "killed": killed,
        "all": len(jobs),
        "score": score,
        "unborn": unborn,
        "late": late,
        "files": {f: {"killed": sum(job.killed for job in its), "all": len(its)} for f, its in files.items()},
        "survivors": [str(job.mutant) for job in survivors],
        "killers": {str(job.mutant): job.failed[0] for job in jobs if job.killed and job.failed},
    }
    return "\n".join(lines), data


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; its exit code."""
    parser = argparse.ArgumentParser(description="Mutation test of neurons and rules.")
    parser.add_argument("places", nargs="*", default=list(FOLDERS), help="files or folders, from the root")
    parser.add_argument("--least", type=float, default=0.85, help="smallest part that must be killed")
    parser.add_argument("--most", type=int, default=10**9, help="how many mutants, drawn among all")
    parser.add_argument("--seed", type=int, default=0, help="of that draw")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="only mutants whose diff holds it")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the result there")
    parser.add_argument("--slow", action="store_true", help="run the slow tests too")
    parser.add_argument("--near", action="store_true", help="only the first stage: quicker, a lower bound of the score")
    parser.add_argument("--go-on", action="store_true", help="leave out tests that fail without a mutant")
    given = parser.parse_args(arguments)
    preload()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        workshop = Workshop(Path(folder).resolve(), given.workers, given.slow, given.near)
        found, known = chosen(workshop, given.places, given.most, given.seed, given.only), equivalents()
        for entry in known:
            print(f"equivalent: {entry['file']}: {entry['before']} -> {entry['after']}\n    {entry['why']}")
        found = [mutant for mutant in found if not any(same_edit(entry, mutant) for entry in known)]
        workshop.try_without(sorted({mutant.file for mutant in found}))
        for test in sorted(workshop.broken):
            print(f"fails without a mutant: {test}")
        if workshop.broken and not given.go_on:
            return 2
        died = workshop.control(found)
        for control in died:
            print(f"dies without a fault: {control.file}")
        if died:
            return 2
        jobs = workshop.judge(found)
    text, data = tell(jobs, given.least)
    print(text)
    if given.json:
        given.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return 0 if float(str(data["score"])) >= given.least else 1


if __name__ == "__main__":
    sys.exit(main())
