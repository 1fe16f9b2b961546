"""One worker process: `python -m bisnn.experiments.worker RUN SHARD` runs one shard of the run folder."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path

import torch

from bisnn.errors import BisnnError, ConfigError
from bisnn.experiments.base import configure, find
from bisnn.experiments.cohort import plan
from bisnn.experiments.results import read_manifest
from bisnn.experiments.shard import Shard


def main(folder: Path, name: str) -> None:
    """Run the shard called `name` of the run in `folder`, as its manifest configures it."""
    torch.set_num_threads(1)
    manifest = read_manifest(folder)
    experiment = find(manifest.experiment)
    settings = configure(experiment, manifest.configuration)
    parts = {part.name: part for part in plan(experiment.conditions(settings), settings.seeds)}
    if name not in parts:
        raise ConfigError(f"the run has no shard {name!r}")
    last, parent = 0.0, os.getppid()

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


if __name__ == "__main__":
    die_with_parent()
    try:
        main(Path(sys.argv[1]), sys.argv[2])
    except (BisnnError, OSError) as error:
        kind = "OSError" if isinstance(error, OSError) else type(error).__name__
        number = error.errno if isinstance(error, OSError) else None
        message = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        print(json.dumps({"error": kind, "message": message, "errno": number}), flush=True)
    except Exception as error:
        if os.environ.get("BISNN_DEBUG", "") not in ("", "0"):
            traceback.print_exc()
        text = f"the worker of shard {sys.argv[2]} failed: {type(error).__name__}: {error}; what was finished is kept"
        print(json.dumps({"error": "BisnnError", "message": text}), flush=True)
