"""A run that is killed at any moment and resumed gives the same content hash as an undisturbed one."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from bisnn.errors import ConfigError
from bisnn.experiments.engine import cohort
from bisnn.experiments.engine import shard as shards
from bisnn.experiments.runner import run

SETTINGS = {"seeds": 2, "episodes": 30, "arms": ("no_mirror", "late_no_ifg"), "record": 1}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The run that nothing happened to."""
    return run("altruistic-rescue", tmp_path_factory.mktemp("whole") / "run", **SETTINGS)


def test_workers_change_no_bit(undisturbed, tmp_path):
    again = run("altruistic-rescue", tmp_path / "run", workers=2, **SETTINGS)
    assert again.manifest.hash == undisturbed.manifest.hash
    assert again.manifest.config_hash == undisturbed.manifest.config_hash


def test_interrupted_at_every_checkpoint(undisturbed, tmp_path, monkeypatch):
    """A checkpoint at every look at the clock, and an interruption after a random one, again and again."""
    monkeypatch.setattr(shards, "SAVE_EVERY", 0.0)
    calls, generator = 0, random.Random(7)

    def report(shard, done, total):
        nonlocal calls
        calls += 1
        if generator.random() < (0.02 if done <= total // 20 else 0.25):  # development has no checkpoint within
            raise KeyboardInterrupt

    for _ in range(200):
        try:
            done = run("altruistic-rescue", tmp_path / "run", resume=True, report=report, **SETTINGS)
            break
        except KeyboardInterrupt:
            continue
    assert done.manifest.hash == undisturbed.manifest.hash
    assert calls > 20


KILLED = """
import sys
from bisnn.experiments.engine import shard
from bisnn.experiments.runner import run
shard.SAVE_EVERY = 0.5
run("altruistic-rescue", sys.argv[1], resume=True, seeds=2, episodes=30, arms=("no_mirror", "late_no_ifg"), record=1)
"""


def test_killed_at_random_moments(undisturbed, tmp_path):
    """SIGKILL at 10 random moments of the process that runs."""
    folder, generator = tmp_path / "run", random.Random(3)
    for _ in range(10):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], start_new_session=True)
        try:
            process.wait(timeout=generator.uniform(1.5, 7.0))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        time.sleep(0.05)
    done = run("altruistic-rescue", folder, resume=True, **SETTINGS)
    assert done.manifest.hash == undisturbed.manifest.hash
    assert not (folder / "shards").exists()
    shutil.rmtree(folder)


def test_one_run_at_a_time(tmp_path):
    """A folder into which a process runs is refused to another one."""
    seen = []

    def report(shard, done, total):
        if not seen:
            seen.append(done)
            with pytest.raises(ConfigError, match="another process"):
                run("altruistic-rescue", tmp_path / "run", resume=True, **SETTINGS)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("altruistic-rescue", tmp_path / "run", report=report, **SETTINGS)
    assert seen
    assert not (tmp_path / "run" / ".lock").exists()


def test_seeds_split_over_cohorts(undisturbed, tmp_path, monkeypatch):
    """Cohorts of one seed give the same bits as one of all."""
    monkeypatch.setattr(cohort, "LARGEST", 1)
    done = run("altruistic-rescue", tmp_path / "run", **SETTINGS)
    assert done.manifest.hash == undisturbed.manifest.hash
