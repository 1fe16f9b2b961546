"""`bisnn benchmark`: agents, ours or anybody's, scored over the battery of dilemmas."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import tyro

from bisnn.agents.catalogue import dilemmas, make
from bisnn.errors import ConfigError, pick
from bisnn.experiments import battery, contestants, storage
from bisnn.experiments.commands import console
from bisnn.experiments.commands.flags import ABSENT, option, parse, pieces, whole
from bisnn.experiments.figures.files import BARE

MOST = 4
"""Agents whose intervals fit into a table beside each other."""
LEGEND = "0: as by chance; 1: as the oracle, who knows everything; –: undefined, the oracle does not beat chance"


@dataclass(frozen=True)
class BenchmarkOptions:
    """Score agents over the dilemmas, between chance (0) and full knowledge (1).

    AGENT is a name, package.module:thing or a model.zip of Stable-Baselines3. A thing is a bisnn agent, an object with
    predict, a policy callable(observation, agent) -> action, or a function of the dilemma that makes one of these.
    Giving a path executes the code in it (a saved model is unpickled): give only what you trust.
    """

    agent: Annotated[tuple[str, ...], tyro.conf.Positional, option("AGENT [AGENT ...]", "")] = ()
    """Who is scored; several are compared."""
    dilemmas: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, option("ID[,ID...]", "(default: all)")] = ()
    """Which dilemmas (`bisnn list dilemmas`); may be repeated."""
    seeds: Annotated[str, option("INT", "(default: 10)")] = "10"
    """Individuals: seeds 0, 1, ..."""
    episodes: Annotated[str, option("INT", "(default: 40)")] = "40"
    """Episodes of a life, many for who learns; its last 30 % are scored, and who does not learn lives these alone."""
    partners: Annotated[str, option("{selfish,altruistic,fair,random,self}", "(default: fair)")] = "fair"
    """Who plays the other agents; self: the agent itself, in further individuals."""
    out: Annotated[str, option("DIR", "(default: runs/benchmark-HASH)")] = ABSENT
    """The folder for benchmark.json and the figure."""
    json: Annotated[bool, option()] = False
    """Print one JSON object on standard output, everything else on standard error."""


def answer(argv: list[str]) -> tuple[dict[str, Any], Callable[[], None]]:
    """Score what the arguments ask for."""
    known = "; ".join(f"{name}: {what}" for name, (_, what) in contestants.NAMES.items())
    options = parse(BenchmarkOptions, argv, "bisnn benchmark", f"{BenchmarkOptions.__doc__}\n\nNames. {known}.")
    names = tuple(dict.fromkeys(options.agent))
    if not names:
        raise ConfigError(f"name an agent: {', '.join(contestants.NAMES)}, package.module:thing or a model.zip")
    if options.dilemmas and not pieces(options.dilemmas):
        raise ConfigError("--dilemmas names no dilemma; give ids (rescue_v0,trust_v0), or leave it out for all")
    chosen = dict.fromkeys(pick("dilemma", name, dilemmas()) for name in pieces(options.dilemmas) or dilemmas())
    seeds, episodes = whole("--seeds", options.seeds), whole("--episodes", options.episodes)
    partners = pick("partners", options.partners, battery.PARTNERS)
    plan = battery.Plan(tuple(make(name) for name in chosen), seeds, episodes, partners)
    folder = _folder(options.out, {"agents": names, "dilemmas": list(chosen), **plan._asdict(), "plan": repr(plan)})
    for name in names:
        contestants.find(name)  # what is misspelt is said before anything is computed
    found = battery.benchmark(names, plan, console.note)
    found = {"benchmark": str(folder), **found}
    figures = _write(folder, found)
    return found, lambda: _show(found, figures)


def _folder(out: str, plan: dict[str, Any]) -> Path:
    """Where to write. Raises `ConfigError` for a folder that holds something else, or a file."""
    plan.pop("dilemmas")
    name = hashlib.sha256(repr(sorted(plan.items(), key=str)).encode()).hexdigest()[:8]
    folder = Path("runs") / f"benchmark-{name}" if out == ABSENT else Path(out)
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--out {folder} is a file; give a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "benchmark.json").is_file():
        raise ConfigError(f"--out {folder} holds something else; give a new or empty folder, or that of a benchmark")
    parent = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(parent, os.W_OK):
        raise ConfigError(f"--out {folder}: {parent} cannot be written to; give another folder")
    return folder


def _write(folder: Path, found: dict[str, Any]) -> list[Path]:
    """benchmark.json and the profile, each whole or not at all."""
    from bisnn.experiments.figures.benchmark import profile
    from bisnn.plots import style

    text = json.dumps(storage.sanitise(found), allow_nan=False, indent=1).encode()
    storage.write_whole(folder / "benchmark.json", lambda file: file.write(text))
    paths = []
    with style.use():
        figure = profile(storage.sanitise(found))
        for form, metadata in BARE.items():
            paths.append(folder / "figures" / f"profile.{form}")
            storage.write_whole(paths[-1], partial(_save, figure, form, dict(metadata)))
    return paths


def _save(figure: Any, form: str, metadata: dict[str, Any], file: BinaryIO) -> None:
    figure.savefig(file, format=form, metadata=metadata)


# ------------------------------------------------------------ what a person reads


def table(found: dict[str, Any], measure: str) -> tuple[list[str], list[list[str]]]:
    """The scores in one measure: a row for each dilemma and for their mean, a column for each agent and reference. Of
    up to `MOST` agents with their intervals."""
    references = {name: scores for name, scores in found["references"].items() if name not in found["agents"]}
    who, wide = {**found["agents"], **references}, len(found["agents"]) <= MOST
    rows = [
        [
            each,
            *(_cell(s["dilemmas"].get(each, {}).get(measure), wide and n in found["agents"]) for n, s in who.items()),
        ]
        for each in dict.fromkeys(each for scores in who.values() for each in scores["dilemmas"])
    ]
    means = [_cell(scores["overall"][measure], wide and name in found["agents"]) for name, scores in who.items()]
    return ["dilemma", *who], [*rows, ["mean", *means]]


def _cell(found: dict[str, Any] | None, interval: bool) -> str:
    """A score, perhaps with its interval."""
    if found is None or found["score"] is None:
        return "does not fit" if found is None else "–"
    low, high = found["ci95"]
    mean, low, high = (f"{value:.2f}".replace("-0.00", "0.00") for value in (found["score"], low, high))
    return mean + (f" [{low}, {high}]" if interval else "")


def _show(found: dict[str, Any], figures: list[Path]) -> None:
    title = (
        f"{found['seeds']} seeds, last {found['scored']} of {found['episodes']} episodes, partners {found['partners']}"
    )
    print(f"{title}\n{LEGEND}\n")
    for measure in found["measures"]:
        console.show(*table(found, measure), title=measure.replace("_", " "))
    for name, scores in found["agents"].items():
        for which, why in scores["skipped"].items():
            print(f"{name} cannot play {which}: {why}")
    for path in (Path(found["benchmark"]) / "benchmark.json", *figures):
        print(path)
