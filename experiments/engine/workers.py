"""Worker processes: each runs shards of one run folder and speaks in lines of JSON on its standard output."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bisnn import errors
from bisnn.errors import BisnnError

THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""A worker computes on one thread: two on small tensors are slower than one."""


def run(shards: Sequence[str], folder: Path, count: int, report: Callable[[str, int, int], None]) -> None:
    """Run the named shards, `count` at a time. Raises what a worker raised; the other workers are stopped, and
    what they saved is kept."""
    waiting, lines = list(shards), queue.Queue[tuple[str, dict[str, Any] | None]]()
    running: dict[str, subprocess.Popen[str]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < count:
                name = waiting.pop(0)
                running[name] = _start(name, folder, lines)
            name, line = lines.get()
            if line is None:
                code = running.pop(name).wait()
                if code != 0:
                    raise BisnnError(f"the worker of shard {name} ended with code {code}; go on with --resume")
            elif "error" in line:
                raise _error(line)
            else:
                report(name, line["done"], line["total"])
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def _start(name: str, folder: Path, lines: queue.Queue[tuple[str, dict[str, Any] | None]]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bisnn.experiments.engine.worker", str(folder.resolve()), name, str(os.getpid())]
    root = str(Path(errors.__file__).resolve().parent.parent)
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH")) if part)
    environment = {**os.environ, **THREADS, "PYTHONPATH": path}
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environment, process_group=0
    )  # a group of its own: Ctrl-C reaches the run alone, which ends its workers

    def listen() -> None:
        assert process.stdout is not None
        try:
            with process.stdout as told:
                for text in told:
                    lines.put((name, json.loads(text)))
        except ValueError:  # a line that is no JSON must not leave the run waiting for ever
            process.kill()
        finally:
            lines.put((name, None))

    threading.Thread(target=listen, daemon=True).start()
    return process


def _error(line: dict[str, Any]) -> Exception:
    """The exception that a worker reported."""
    if line["error"] == "OSError":
        return OSError(line.get("errno"), line["message"])
    kind = getattr(errors, line["error"], BisnnError)
    made = kind.__new__(kind)
    Exception.__init__(made, line["message"])
    return made  # type: ignore[no-any-return]
