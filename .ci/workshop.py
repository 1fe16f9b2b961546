"""Copies of the checkout in which mutants are tried, each in a process of its own forked from a warm one."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mutations import Mutant

ROOT = Path(__file__).resolve().parent.parent
EXAMS = "tests/test_exams.py"
KILLED = "tests/test_mutants_killed.py"
"""What earlier survivors taught; always tried."""
COLLECTED, LONGEST = 60.0, 1800.0
"""Processor seconds for imports and collection, and seconds on the clock for all, after which a mutant is ended."""
NEAREST = 3
"""How many of the files that name a class most often are tried first."""
PRELOADED = ("pytest", "hypothesis", "numpy", "scipy.stats", "torch", "spikingjelly.activation_based.neuron")
PRELOADED += ("spikingjelly.activation_based.learning", "spikingjelly.activation_based.functional")
OUTSIDE = ("agents", "experiments", "kernels")
"""Folders that are imported as parts of bisnn."""


@dataclass
class Job:
    """One run of some tests on one text of one file."""

    tests: list[str]
    classes: tuple[str, ...] = ()
    mutant: Mutant | None = None
    stage: int = 0
    broken: frozenset[str] = frozenset()
    usual: dict[str, float] = field(default_factory=dict)  # test -> seconds without a mutant
    # what came of it
    code: int | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    failed: tuple[str, ...] = ()

    @property
    def killed(self) -> bool:
        """Whether a test noticed."""
        return self.code not in (0, 5)

    @property
    def late(self) -> bool:
        """Whether a test ran far longer than usual."""
        return self.code in (-signal.SIGVTALRM, -signal.SIGKILL)

    @property
    def unborn(self) -> bool:
        """Whether the mutant could not even be imported."""
        return self.code in (2, 3, 4) or any("::" not in test for test in self.failed[:1])


class Watch:
    """A pytest plugin: leaves out what is not asked for, writes what fails, and ends what runs far too long.

    Times are those of the processor, so that a busy machine kills no mutant.
    """

    def __init__(self, report: Path, job: Job) -> None:
        self.report, self.job = report, job
        self.failed: list[str] = []
        self.seconds: dict[str, float] = {}
        self.since = 0.0
        signal.setitimer(signal.ITIMER_VIRTUAL, COLLECTED if job.mutant else 0.0)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Gives a test on a mutant a multiple of what it takes without."""
        self.since = time.process_time()
        limit = 5.0 + 10.0 * self.job.usual.get(nodeid, 1.0)
        signal.setitimer(signal.ITIMER_VIRTUAL, limit if self.job.mutant else 0.0)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """How long it took."""
        self.seconds[nodeid] = time.process_time() - self.since

    def pytest_collection_modifyitems(self, items: list) -> None:
        """Of the exams those of the mutated classes; of all tests those that pass without a mutant."""

        def asked(item: object) -> bool:
            of_others = "test_component[" in item.nodeid and not any(
                f"{name}(" in item.nodeid for name in self.job.classes
            )
            return item.nodeid not in self.job.broken and not (self.job.classes and of_others)

        items[:] = [item for item in items if asked(item)]

    def pytest_runtest_logreport(self, report: object) -> None:
        """A failed test."""
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: object) -> None:
        """A file that cannot be imported."""
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Writes what failed."""
        self.report.write_text(json.dumps([self.failed, self.seconds]), encoding="utf-8")


def preload() -> None:
    """Everything that tests import but bisnn."""
    warnings.simplefilter("ignore")
    sys.dont_write_bytecode = True
    for name in PRELOADED:
        importlib.import_module(name)
    sys.modules["torch"].set_num_threads(1)
    assert not [name for name in sys.modules if name.split(".")[0] == "bisnn"], "bisnn must be imported in the child"


class Workshop:
    """Copies of the checkout, one to read and one for each worker to mutate."""

    def __init__(self, folder: Path, workers: int, slow: bool, near: bool) -> None:
        self.slow, self.near = slow, near
        self.clean = self._copy(folder / "clean")
        self.trees = [self._copy(folder / f"tree{i}") for i in range(workers)]
        self.usual: dict[str, float] = {}  # test -> seconds without a mutant
        self.broken: frozenset[str] = frozenset()  # tests that fail without a mutant

    @staticmethod
    def _copy(to: Path) -> Path:
        skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
        for name in ("bisnn", "tests", "docs", *OUTSIDE):
            shutil.copytree(ROOT / name, to / name, ignore=skip, symlinks=True)
        for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md"):
            shutil.copy(ROOT / name, to / name)
        for name in OUTSIDE:
            (to / "bisnn" / name).symlink_to(f"../{name}")
        return to

    def text(self, file: str) -> str:
        """The text of a file without a mutant."""
        return (self.clean / file).read_text(encoding="utf-8")

    def _classes(self, file: str) -> list[str]:
        """The components that a file defines."""
        text = self.text(file)
        found = re.findall(r"^class (\w+)\b", text, re.MULTILINE) if "EXAMPLES = (" in text else []
        return [name for name in found if not name.endswith("State")]

    def selected(self, file: str) -> tuple[tuple[str, ...], list[list[str]]]:
        """The classes of a file, and its tests in two stages: what names a class and its exams; what is of its kind."""
        classes = self._classes(file)
        if not classes:  # what a base offers is used by all of its kind
            others = sorted(path.name for path in (self.clean / file).parent.glob("*.py"))
            classes = [name for other in others for name in self._classes(str(Path(file).with_name(other)))]
        named = tuple(classes)
        package = re.escape(".".join(Path(file).parent.parts))
        first: list[tuple[bool, bool, int, str]] = []
        second: list[str] = []
        for path in sorted((self.clean / "tests").glob("test_*.py")):
            tests, name = path.read_text(encoding="utf-8"), f"tests/{path.name}"
            if name in (EXAMS, KILLED):
                continue
            mentions = sum(len(re.findall(rf"\b{one}\b", tests)) for one in named)
            if mentions and re.search(r"^\s*(from|import) bisnn", tests, re.MULTILINE):
                its_own = any(one.lower() in name for one in (*named, Path(file).parent.name[:6]))
                first.append((not any(one.lower() in name for one in named), not its_own, -mentions, name))
            elif re.search(rf"^\s*(from|import) {package}\b", tests, re.MULTILINE):
                second.append(name)
        near = [name for *_, name in sorted(first)]
        stages = [[*near[:NEAREST], KILLED, EXAMS], near[NEAREST:] + second]
        return named, stages[:1] if self.near else stages

    def start(self, job: Job, tree: Path) -> int:
        """Fork; the child runs the tests of a job in a tree. Returns its process id."""
        report = tree / "report.json"
        report.unlink(missing_ok=True)
        if job.mutant:
            (tree / job.mutant.file).write_text(job.mutant.text, encoding="utf-8")
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            return pid
        code = 3
        try:
            os.setpgid(0, 0)
            sink = os.open(tree / "pytest.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            os.chdir(tree)
            sys.path.insert(0, str(tree))
            os.environ["PYTHONPATH"] = str(tree)
            warnings.resetwarnings()
            options = ["-q", "-p", "no:cacheprovider", "-c", "pyproject.toml", "--rootdir", "."]
            options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what is preloaded
            options += ["-x"] if job.mutant else []
            options += ["-m", "slow or not slow"] if self.slow else []
            watch = Watch(report, job)
            code = int(sys.modules["pytest"].main([*job.tests, *options], [watch]))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def run(self, jobs: deque[Job], done: Callable[[Job], None] = lambda job: None) -> None:
        """Run jobs, one in each tree at a time; `done(job)` hears of each and may add others."""
        running: dict[int, tuple[Job, Path, float]] = {}
        free = list(self.trees)
        while jobs or running:
            while jobs and free:
                job, tree = jobs.popleft(), free.pop()
                running[self.start(job, tree)] = (job, tree, time.monotonic())
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                for late, (_, _, since) in running.items():
                    if time.monotonic() - since > LONGEST:
                        os.killpg(late, signal.SIGKILL)
                time.sleep(0.01)
                continue
            job, tree, _ = running.pop(pid)
            job.code, report = os.waitstatus_to_exitcode(status), tree / "report.json"
            failed, job.seconds = json.loads(report.read_text("utf-8")) if report.exists() else ([], {})
            job.failed = tuple(failed)
            if job.mutant:
                shutil.copy(self.clean / job.mutant.file, tree / job.mutant.file)
            free.append(tree)
            done(job)

    def try_without(self, files: list[str]) -> None:
        """Run every test that will be used without a mutant: how long it takes, and what fails."""
        chosen = [self.selected(file) for file in files]
        tests = sorted({test for _, stages in chosen for stage in stages for test in stage})
        classes = tuple(name for classes, _ in chosen for name in classes)
        jobs = [Job([test], classes if test == EXAMS else ()) for test in tests]
        self.run(deque(jobs))
        self.usual = {test: seconds for job in jobs for test, seconds in job.seconds.items()}
        self.broken = frozenset(failed for job in jobs for failed in job.failed)
        self.broken |= {job.tests[0] for job in jobs if job.code not in (0, 1, 5)}

    def control(self, mutants: list[Mutant]) -> list[Mutant]:
        """The mutants that are none (a comment is added) and yet die: what kills them says nothing of the others."""
        same = []
        for file in dict.fromkeys(mutant.file for mutant in mutants):
            text = self.text(file) + "# the same\n"
            same.append(Mutant(file, text.count("\n"), "control", "", "# the same", text))
        return [job.mutant for job in self.judge(same) if job.killed and job.mutant]

    def job(self, mutant: Mutant, stage: int) -> Job | None:
        """The tests of a mutant from a stage on; None: no more."""
        classes, stages = self.selected(mutant.file)
        for at in range(stage, len(stages)):
            tests = [test for test in stages[at] if test not in self.broken]
            if tests:
                return Job(tests, classes, mutant, at, self.broken, self.usual)
        return None

    def judge(self, found: list[Mutant]) -> list[Job]:
        """The last job of every mutant: killed, or survived both stages."""
        last: dict[int, Job] = {}
        jobs = deque(job for mutant in found if (job := self.job(mutant, 0)))

        def done(job: Job) -> None:
            assert job.mutant is not None
            last[id(job.mutant)] = job
            more = None if job.killed else self.job(job.mutant, job.stage + 1)
            if more:
                jobs.appendleft(more)
            elif len(last) % 20 == 0:
                print(f"  {len(last)} of {len(found)}", file=sys.stderr, flush=True)

        self.run(jobs, done)
        return [last[id(mutant)] for mutant in found]
