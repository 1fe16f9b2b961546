"""Running an experiment: shards in processes of their own, gathered into one run folder."""

from __future__ import annotations

import contextlib
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

try:
    import fcntl
except ImportError:  # no POSIX: no lock
    fcntl = None  # type: ignore[assignment]

import bisnn
from bisnn import backend as backends
from bisnn.errors import BackendUnavailable, ConfigError, pick
from bisnn.experiments import storage
from bisnn.experiments.base import PLACE, Experiment, Settings, configure, find
from bisnn.experiments.engine import gather, workers
from bisnn.experiments.engine.cohort import plan
from bisnn.experiments.engine.shard import Shard
from bisnn.experiments.results import Manifest, Run, load_run, read_manifest, write_manifest

Report = Callable[[str, int, int], None]
"""Told the shard, the episodes done and their total."""
Begin = Callable[[Path, Manifest], None]
"""Told the run folder and its manifest, once both are found good and before anything is computed."""


def run(
    experiment: str | Experiment,
    out: Path | str | None = None,
    *,
    resume: bool = False,
    workers: int = 1,
    report: Report = lambda shard, done, total: None,
    **settings: Any,
) -> Run:
    """Run an experiment and return it.

    `settings` are the fields of the experiment's `Settings`; `out` is the run folder (default
    runs/NAME-HASH), `workers` the number of processes. With `resume` an interrupted run goes on to the same bits
    and a finished one is returned. Raises `UnknownName`, `ConfigError`, `BackendUnavailable`, `RunCorrupt`, and
    `OSError` when the disk is full; what was finished is kept.
    """
    declared = find(experiment) if isinstance(experiment, str) else experiment
    return execute(declared, configure(declared, settings), out, resume=resume, workers=workers, report=report)


def execute(
    experiment: Experiment,
    settings: Settings,
    out: Path | str | None = None,
    *,
    resume: bool = False,
    workers: int = 1,
    report: Report = lambda shard, done, total: None,
    begin: Begin = lambda folder, manifest: None,
) -> Run:
    """`run` with validated settings."""
    if workers < 1:
        raise ConfigError(f"workers is {workers}; a run needs at least one process")
    manifest = _manifest(experiment, settings)
    folder = Path(out) if out is not None else Path("runs") / f"{experiment.name}-{manifest.config_hash[:8]}"
    with _alone(folder):
        return _execute(experiment, settings, folder, manifest, resume, workers, report, begin)


def _execute(
    experiment: Experiment,
    settings: Settings,
    folder: Path,
    manifest: Manifest,
    resume: bool,
    workers: int,
    report: Report,
    begin: Begin,
) -> Run:
    """`execute` in a folder that no other process writes to."""
    started = _open(folder, manifest, resume)
    begin(folder, started)
    if started.state == "complete":
        shutil.rmtree(folder / "shards", ignore_errors=True)
        return load_run(folder)
    settings = configure(experiment, started.configuration)  # of a resumed run: what it recorded before
    write_manifest(folder, started)
    since = time.monotonic()
    try:
        _simulate(experiment, settings, folder, workers, report)
    finally:  # also of a run that is interrupted
        seconds = round(started.simulation_seconds + time.monotonic() - since, 1)
        started = started.model_copy(update={"simulation_seconds": seconds})
        with contextlib.suppress(OSError):
            write_manifest(folder, started)
    return _finish(experiment, settings, folder, started)


def resolved(experiment: Experiment, settings: Settings) -> dict[str, Any]:
    """The configuration that is hashed: everything that can change a result."""
    values = settings.model_dump(mode="json")
    return {name: value for name, value in values.items() if name not in PLACE}


def _manifest(experiment: Experiment, settings: Settings) -> Manifest:
    conditions = experiment.conditions(settings)
    parts = plan(conditions, settings.seeds)
    for part in parts:  # names in ablations are checked before anything is computed
        shard = Shard(experiment, settings, part)
        condition, seeds = shard.individuals
        shard.gates(condition, seeds)
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise BackendUnavailable("device 'cuda' cannot be used: torch finds no CUDA GPU; use --device cpu")
    backend = backends.resolve(settings.backend, settings.device).name
    return Manifest(
        experiment=experiment.name,
        configuration=settings.model_dump(mode="json"),
        config_hash=storage.config_hash({"experiment": experiment.name, **resolved(experiment, settings)}),
        seeds=list(range(settings.seeds)),
        arms=list(dict.fromkeys(condition.name for condition in conditions)),
        versions={
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "bisnn": bisnn.__version__,
        },
        device=settings.device,
        backend=backend,
    )


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises `ConfigError` where another process runs into it, or it is a file."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; name a folder with --out")
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / ".lock"
    with lock.open("w") as held:
        if fcntl is not None:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigError(f"another process runs into {folder}; wait, or name another with --out") from None
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _open(folder: Path, manifest: Manifest, resume: bool) -> Manifest:
    """The manifest to go on with. Raises `ConfigError` for a folder that is not empty or belongs to another run."""
    if all(path.name.startswith(".") for path in folder.iterdir()):
        storage.sweep(folder)
        return manifest
    if not resume:
        raise ConfigError(f"{folder} is not empty; go on with --resume, or name another folder with --out")
    found = read_manifest(folder)
    if found.config_hash != manifest.config_hash:
        raise ConfigError(
            f"{folder} holds {_difference(found, manifest)}; resume it as it was, or name another folder with --out"
        )
    for part in (folder, folder / "figures", folder / "recordings"):
        storage.sweep(part)
    kept = {**manifest.configuration, "record": found.configuration.get("record", 0)}
    here = {"configuration": kept, "device": manifest.device, "backend": manifest.backend}
    return found if found.state == "complete" else found.model_copy(update=here)


def _difference(found: Manifest, wanted: Manifest) -> str:
    """What distinguishes two configurations, in words."""
    if found.experiment != wanted.experiment:
        return f"a run of {found.experiment}, not of {wanted.experiment}"
    other = [
        f"{name} = {found.configuration.get(name)!r}, not {value!r}"
        for name, value in wanted.configuration.items()
        if name not in PLACE and found.configuration.get(name) != value
    ]
    return f"another configuration ({'; '.join(other) or 'of another version'})"


def _simulate(experiment: Experiment, settings: Settings, folder: Path, count: int, report: Report) -> None:
    parts = plan(experiment.conditions(settings), settings.seeds)
    if count == 1 or len(parts) == 1:
        with one_thread():
            for part in parts:
                Shard(experiment, settings, part).run(folder, partial(report, part.name))
    else:
        workers.run([part.name for part in parts], folder, count, report)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One thread while shards run in this process: more are slower on small tensors."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _finish(experiment: Experiment, settings: Settings, folder: Path, manifest: Manifest) -> Run:
    """Gather the shards, judge, draw, and only then call the run complete."""
    parts = plan(experiment.conditions(settings), settings.seeds)
    gather.gather([Shard(experiment, settings, part) for part in parts], folder)
    episodes = storage.read_parquet(folder / "episodes.parquet")
    storage.write_json(folder / "summary.json", experiment.analyse(episodes, settings))
    manifest = manifest.model_copy(update={"hash": storage.content_hash(folder), "state": "complete"})
    view = Run(folder, manifest)
    draw(experiment, view)
    write_manifest(folder, manifest)
    shutil.rmtree(folder / "shards", ignore_errors=True)
    return view


def draw(experiment: Experiment, view: Run, names: tuple[str, ...] = ()) -> list[Path]:
    """Draw the figures of a run from its files alone: figures/NAME.png and .pdf. Raises `UnknownName`."""
    from bisnn.experiments.figures.files import save

    chosen = tuple(pick("figure", name, experiment.figures) for name in names) or tuple(experiment.figures)
    return [path for name in chosen for path in save(view, name, experiment.figures[name])]
