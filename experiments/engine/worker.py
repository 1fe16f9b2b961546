"""One worker process: `python -m bisnn.experiments.engine.worker RUN SHARD PARENT` runs one shard of the run folder."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path


def main(folder: Path, name: str, parent: int) -> None:
    """Run the shard called `name` of the run in `folder`, as its manifest configures it, while `parent` lives."""
    import torch  # heavy modules only now: the process is bound to its parent first

    from bisnn.errors import ConfigError
    from bisnn.experiments.base import configure, find
    from bisnn.experiments.engine.cohort import plan
    from bisnn.experiments.engine.shard import Shard
    from bisnn.experiments.results import read_manifest

    torch.set_num_threads(1)
    manifest = read_manifest(folder)
    experiment = find(manifest.experiment)
    settings = configure(experiment, manifest.configuration)
    parts = {part.name: part for part in plan(experiment.conditions(settings), settings.seeds)}
    if name not in parts:
        raise ConfigError(f"the run has no shard {name!r}")
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if os.getppid() != parent:
            raise SystemExit(1)  # the run was killed
        if time.monotonic() - last > 0.3 or done == total:
            last = time.monotonic()
            print(json.dumps({"done": done, "total": total}), flush=True)

    Shard(experiment, settings, parts[name]).run(folder, report)


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def exhausted(error: Exception) -> bool:
    """Whether memory ran out; torch says so in a RuntimeError."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in ("allocate memory", "out of memory"))


def told(error: Exception, name: str) -> dict[str, object]:
    """What the run is told of an error: its kind, its words, its number."""
    from bisnn.errors import BisnnError

    if isinstance(error, OSError):
        return {"error": "OSError", "message": error.strerror or str(error), "errno": error.errno}
    if isinstance(error, BisnnError):
        return {"error": type(error).__name__, "message": str(error), "errno": None}
    what = "out of memory, run fewer --seeds or --workers" if exhausted(error) else f"{type(error).__name__}: {error}"
    text = f"the worker of shard {name} failed: {what}; what was finished is kept"
    return {"error": "BisnnError", "message": text, "errno": None}


if __name__ == "__main__":
    run_folder, shard_name, run_process = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    die_with_parent()
    if os.getppid() != run_process:
        raise SystemExit(1)  # it died before this process was bound to it
    try:
        main(run_folder, shard_name, run_process)
    except Exception as problem:
        if os.environ.get("BISNN_DEBUG", "") not in ("", "0"):
            traceback.print_exc()
        print(json.dumps(told(problem, shard_name)), flush=True)
