"""Processes that measure claims: each takes one name after another on its standard input and answers a line of JSON.

`python -m bisnn.experiments.verify_workers PARENT [FILE]` is one of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bisnn import errors
from bisnn.experiments.claims.base import Claim
from bisnn.experiments.engine.worker import die_with_parent
from bisnn.experiments.engine.workers import THREADS
from bisnn.experiments.verify import Outcome, Report, load, walk


def measure(claims: Sequence[Claim], count: int, file: Path | None, report: Report) -> dict[str, Outcome]:
    """Measure claims in up to `count` processes, the longest first; `report` is told each as it ends."""
    waiting = queue.SimpleQueue[Claim]()
    for claim in sorted(claims, key=lambda claim: -claim.seconds):
        waiting.put(claim)
    done = queue.SimpleQueue[tuple[Claim, Outcome]]()
    crew = [_Hand(waiting, done, file) for _ in range(min(count, len(claims)))]
    found: dict[str, Outcome] = {}
    try:
        for hand in crew:
            hand.thread.start()
        while len(found) < len(claims):
            claim, outcome = done.get()
            found[claim.name] = outcome
            report(claim, outcome)
    finally:
        for hand in crew:
            hand.end()
    return found


class _Hand:
    """A thread that gives one worker process its claims, and starts another where it dies."""

    def __init__(self, waiting: queue.SimpleQueue[Claim], done: queue.SimpleQueue[Any], file: Path | None) -> None:
        self.waiting, self.done, self.file = waiting, done, file
        self.process: subprocess.Popen[str] | None = None
        self.lock, self.over = threading.Lock(), False
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        while True:
            try:
                claim = self.waiting.get_nowait()
            except queue.Empty:
                return
            since = time.monotonic()
            try:
                outcome = self._ask(claim)
            except Exception as problem:  # the worker died, or could not be started
                error = f"its worker failed: {type(problem).__name__}: {problem}"
                outcome = Outcome({}, time.monotonic() - since, error)
            self.done.put((claim, outcome))

    def _ask(self, claim: Claim) -> Outcome:
        process = self._worker()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(claim.name + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            return Outcome({}, 0.0, f"its worker ended with code {process.wait()}")
        said = json.loads(line)
        return Outcome(said["measured"], said["seconds"], said["error"])

    def _worker(self) -> subprocess.Popen[str]:
        """The process, started where there is none or it has ended."""
        with self.lock:
            if self.over:
                raise RuntimeError("the verification has ended")
            if self.process is not None and self.process.poll() is not None:
                _close(self.process)
                self.process = None
            if self.process is None:
                self.process = _start(self.file)
            return self.process

    def end(self) -> None:
        """End the process, whatever it does, and the thread with it."""
        with self.lock:
            self.over = True
            if self.process is not None:
                self.process.kill()
        if self.thread.ident is not None:
            self.thread.join()
        if self.process is not None:
            _close(self.process)


def _close(process: subprocess.Popen[str]) -> None:
    """Wait for a process that has ended or been killed, and close its pipes."""
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # a name that it did not read
                stream.close()


def _start(file: Path | None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bisnn.experiments.verify_workers", str(os.getpid())]
    command += [] if file is None else [str(file.resolve())]
    root = str(Path(errors.__file__).resolve().parent.parent)
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH")) if part)
    environment = {**os.environ, **THREADS, "PYTHONPATH": path}
    pipe = subprocess.PIPE
    # a group of its own: Ctrl-C reaches the verification alone, which ends its workers
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment, process_group=0)


def answer(claim: Claim) -> dict[str, Any]:
    """Measure a claim in this process: the numbers, the seconds, and the words of the error, if any."""
    since, measured, error = time.monotonic(), {}, ""
    try:
        found: object = claim.measure()
        if not isinstance(found, Mapping):
            kind = type(found).__name__
            raise errors.ConfigError(f"measure returned {kind}; return the numbers by quantity: {{'x': 1.0}}")
        measured = {str(name): float(value) for name, value in found.items()}
    except (Exception, SystemExit) as problem:
        error = " ".join(f"{type(problem).__name__}: {problem}".split())
        if os.environ.get("BISNN_DEBUG", "") not in ("", "0"):
            traceback.print_exc()
    return {"measured": measured, "seconds": time.monotonic() - since, "error": error}


def main(parent: int, file: str | None) -> None:
    """Answer every line of standard input until it ends or `parent` dies."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a claim prints does not stand among the answers
    import torch

    torch.set_num_threads(1)
    claims = walk() if file is None else load(file)
    for line in sys.stdin:
        if os.getppid() != parent:
            return
        print(json.dumps(answer(claims[line.strip()])), file=out, flush=True)


if __name__ == "__main__":
    die_with_parent()
    if os.getppid() == int(sys.argv[1]):  # else it died before this process was bound to it
        main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
