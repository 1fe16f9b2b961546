"""`bisnn run`: settings from defaults, a file and flags, in this order; the run; its closing table."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

from bisnn.errors import ConfigError, UnknownName, pick
from bisnn.experiments.base import Experiment, Settings, configure, experiments
from bisnn.experiments.commands import configuration, console, listing
from bisnn.experiments.commands.flags import ABSENT, canonical, flags_of, given, parse, whole
from bisnn.experiments.commands.options import RunOptions
from bisnn.experiments.engine.cohort import plan
from bisnn.experiments.results import Manifest, Run
from bisnn.experiments.runner import execute

FEW = 5
"""Seeds below which no significance is claimed."""
MOST = 12
"""Arms that are named in a line."""


def answer(argv: list[str]) -> tuple[dict[str, Any], Callable[[], None]]:
    """Run what the arguments ask for."""
    known = experiments()
    name, rest, file = _which(argv, known)
    if name is None:
        print(_overview(known))
        raise SystemExit(0)
    experiment = known[name]
    flags, options = _flags(experiment, rest)
    settings = _settings(experiment, flags, options.config, file)
    workers = _workers(experiment, settings, options.workers, file)
    out = _out(file.get("out") if options.out == ABSENT else options.out)
    lives = _lives(experiment, settings) * settings.episodes
    with console.progress(lives, options.quiet, f"{experiment.unit}s") as report:
        view = execute(
            experiment,
            settings,
            out,
            resume=options.resume,
            workers=workers,
            report=report,
            begin=lambda folder, manifest: _announce(folder, manifest, experiment, workers, options.quiet),
        )
    return result(view), lambda: _close(experiment, view, options.quiet)


def _out(named: str | None) -> str | None:
    """The run folder that was named, if any. Raises `ConfigError` for a name that no folder can have."""
    if named is not None and (not named.strip() or "\0" in named):
        raise ConfigError(f"out = {named!r} names no folder; give one, or leave it out for runs/EXPERIMENT-HASH")
    return named


def result(view: Run) -> dict[str, Any]:
    """What `--json` prints: the run, its hashes and its summary."""
    manifest = view.manifest
    head: dict[str, Any] = {"run": str(view.path), "experiment": manifest.experiment, "hash": manifest.hash}
    head |= {"config_hash": manifest.config_hash, "seeds": len(manifest.seeds)}
    return {**view.summary, **head}


# ------------------------------------------------------------ what to run


def _which(argv: list[str], known: dict[str, Experiment]) -> tuple[str | None, list[str], dict[str, Any]]:
    """The experiment (None where help is asked for), the other arguments, and the table of `--config`."""
    path = _config_path(argv)
    named = [i for i, word in enumerate(argv) if not word.startswith("-") and (i == 0 or word.lower() in known)]
    named = [i for i in named if i == 0 or argv[i - 1] not in ("--out", "--config")]
    rest = [word for i, word in enumerate(argv) if i not in named[:1]]
    if not named and {"-h", "--help"} & set(argv):
        return None, rest, {}
    file = configuration.read(path) if path is not None else {}
    name = pick("experiment", argv[named[0]], known) if named else None
    if "experiment" in file:
        inside = _inside(path, file["experiment"], known)
        if name is not None and name != inside:
            raise ConfigError(f"{path} configures {inside}, not {name}; name one of them")
        name = inside
    if name is None:
        raise ConfigError(f"name an experiment: bisnn run {'|'.join(known)} (see `bisnn run --help`)")
    return name, rest, file


def _inside(path: str | None, name: Any, known: dict[str, Experiment]) -> str:
    """The experiment that a file names."""
    try:
        return pick("experiment", name, known)
    except UnknownName as problem:
        raise ConfigError(f"{path}: {problem}") from None


def _config_path(argv: list[str]) -> str | None:
    """The value of `--config`, which must be known before the flags can be."""
    for i, word in enumerate(argv):
        if word.startswith("--config="):
            return word.partition("=")[2]
        if word == "--config":
            if i + 1 == len(argv):
                raise ConfigError("--config needs the path of a TOML file")
            return argv[i + 1]
    return None


def _flags(experiment: Experiment, argv: list[str]) -> tuple[dict[str, Any], RunOptions]:
    """The settings that flags give, and the options of the command."""
    both = make_dataclass("Flags", [("settings", flags_of(experiment.settings)), ("run", RunOptions)], frozen=True)
    found: Any = parse(both, argv, f"bisnn run {experiment.name}", _about(experiment))
    return canonical(experiment.settings, given(found.settings)), found.run


def _settings(experiment: Experiment, flags: dict[str, Any], path: str, file: dict[str, Any]) -> Settings:
    """Defaults, then the file, then the flags. Errors in the file name it."""
    values = configuration.settings_in(file)
    if file:
        configuration.check(path, file, experiment.settings)
        try:
            values = canonical(experiment.settings, values)
            configure(experiment, values)
        except (ConfigError, UnknownName) as problem:
            raise ConfigError(f"{path}: {problem}") from None
    return configure(experiment, {**values, **flags})


def _lives(experiment: Experiment, settings: Settings) -> int:
    """Individuals of the run."""
    return len(experiment.conditions(settings)) * settings.seeds


def _workers(experiment: Experiment, settings: Settings, asked: str, file: dict[str, Any]) -> int:
    """Processes: as asked, or one for each shard up to the usable cores."""
    if asked != ABSENT:
        return whole("--workers", asked)
    if "workers" in file:
        return whole("workers", str(file["workers"]))
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, len(plan(experiment.conditions(settings), settings.seeds))))


# ------------------------------------------------------------ what a person reads


def _about(experiment: Experiment) -> str:
    """The head of the help of an experiment."""
    arms, further = listing.arms(experiment), listing.further_arms(experiment)
    shown = ", ".join(arms[:MOST]) + (f" ... ({len(arms)})" if len(arms) > MOST else "")
    lines = [experiment.question, experiment.reference, "", f"arms: {shown}"]
    lines += [f"when named: {', '.join(further)}"] if further else []
    return "\n".join([*lines, "(`bisnn list ablations`: what each does)"])


def _overview(known: dict[str, Experiment]) -> str:
    """The help of `bisnn run`."""
    lines = ["usage: bisnn run EXPERIMENT [flags]", "", "experiments"]
    for name, experiment in known.items():
        lines += [f"  {name}", f"      {experiment.question}"]
    return "\n".join([*lines, "", "`bisnn run EXPERIMENT --help` lists the flags of one."])


def _announce(folder: Path, manifest: Manifest, experiment: Experiment, workers: int, quiet: bool) -> None:
    """The line at the start of a run."""
    if quiet:
        return
    if manifest.state == "complete":
        console.note(f"{folder} is complete: this is its result")
        return
    arms = manifest.arms
    shown = ", ".join(arms[:MOST]) + (" ..." if len(arms) > MOST else "")
    size = f"{_many(len(arms), 'arm')} ({shown}), {_many(len(manifest.seeds), 'seed')}, "
    size += _many(manifest.configuration["episodes"], experiment.unit)
    where = f"{manifest.backend} on {manifest.device}, {_many(workers, 'process', 'es')}"
    console.note(f"{manifest.experiment}: {size}; {where}; into {folder}")


def _many(count: int, noun: str, ending: str = "s") -> str:
    return f"{count} {noun}{'' if count == 1 else ending}"


def _close(experiment: Experiment, view: Run, quiet: bool) -> None:
    """The closing table, the notes and where everything is."""
    if quiet:
        print(view.path)
        return
    console.show(*experiment.table(view.summary))
    if len(view.manifest.seeds) < FEW:
        print(f"{_many(len(view.manifest.seeds), 'seed')}: with fewer than {FEW}, no significance is claimed.")
    figures = sorted((view.path / "figures").glob("[!.]*.png"))
    print(f"run      {view.path}")
    for path in figures:
        print(f"figure   {path}")
    print(f"hash     {view.manifest.hash}")
    sys.stdout.flush()
