"""The command line: what it answers, its exit codes, and that every mistake is one helpful paragraph."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bisnn.errors import StateMismatch
from bisnn.experiments.cli import main
from bisnn.experiments.commands import run as command_run

TINY = ["run", "altruistic-rescue", "--seeds", "2", "--episodes", "3", "--arms", "intact,no_mirror", "--record", "1"]
Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A finished run: its folder, and what was said on standard output and standard error."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert main([*TINY, "--out", str(folder), "--json"]) == 0
    return folder, out.getvalue(), err.getvalue()


def refused(argv: list[str], said: Said, code: int = 2) -> str:
    """The one paragraph with which a command is refused."""
    assert main(argv) == code
    out, err = said.readouterr()
    assert out == ""
    lines = err.strip().splitlines()
    assert lines[-1].startswith("bisnn: ")
    assert "Traceback" not in err
    return lines[-1]


def asked(argv: list[str], said: Said) -> Any:
    """The JSON that a command prints."""
    assert main([*argv, "--json"]) == 0
    return json.loads(said.readouterr().out)


# ------------------------------------------------------------ run


def test_run_prints_one_json_object(tiny: tuple[Path, str, str]) -> None:
    folder, out, err = tiny
    found = json.loads(out)
    assert out.count("\n") == 1
    assert {"run", "experiment", "hash", "config_hash", "seeds", "arms", "comparisons", "expected"} <= found.keys()
    assert (found["run"], found["experiment"], found["seeds"]) == (str(folder), "altruistic-rescue", 2)
    assert list(found["arms"]) == ["intact", "no_mirror"]
    assert {"mean", "sd", "iqm", "ci95", "n"} <= found["arms"]["intact"]["help_rate"].keys()
    assert "converged_at" in found["arms"]["intact"]
    assert {"difference", "ci95", "hedges_g", "p_holm"} <= found["comparisons"]["no_mirror"]["help_rate"].keys()
    assert "2 arms (intact, no_mirror), 2 seeds, 3 episodes" in err
    assert str(folder) in err


def test_a_finished_run_is_printed_again(tiny: tuple[Path, str, str], capsys: Said) -> None:
    folder, out, _ = tiny
    assert main([*TINY, "--out", str(folder), "--resume"]) == 0
    said = capsys.readouterr()
    assert "is complete" in said.err
    assert "no_mirror" in said.out
    assert "no significance is claimed" in said.out
    assert json.loads(out)["hash"] in said.out
    assert "arms.png" in said.out
    assert asked([*TINY, "--out", str(folder), "--resume"], capsys) == json.loads(out)
    assert main([*TINY, "--out", str(folder), "--resume", "--quiet"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == (f"{folder}\n", "")


def test_where_a_run_is_refused(tiny: tuple[Path, str, str], tmp_path: Path, capsys: Said) -> None:
    folder = str(tiny[0])
    assert "--resume" in refused([*TINY, "--out", folder], capsys)
    assert "seeds = 2, not 3" in refused([*TINY, "--out", folder, "--resume", "--seeds", "3"], capsys)
    other = ["run", "empathy-dose-response", "--seeds", "2", "--episodes", "3", "--out", folder, "--resume"]
    assert "a run of altruistic-rescue" in refused(other, capsys)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear")
    assert "--resume" in refused([*TINY, "--out", str(tmp_path / "letters")], capsys)
    assert "no manifest" in refused([*TINY, "--out", str(tmp_path / "letters"), "--resume"], capsys)
    assert "is a file" in refused([*TINY, "--out", str(tmp_path / "letters" / "a.txt")], capsys)
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "manifest.json").write_text('{"program": "bis')
    assert "truncated" in refused([*TINY, "--out", str(tmp_path / "torn"), "--resume"], capsys)
    assert (tmp_path / "letters" / "a.txt").read_text() == "dear"


def test_a_full_disk_fails_and_what_was_finished_is_kept(
    tiny: tuple[Path, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    folder = tmp_path / "full"
    folder.mkdir()  # an empty folder starts, with --resume or without
    replace = os.replace

    def full(source: Any, target: Any) -> None:
        if Path(target).name == "episodes.parquet":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        said = refused([*TINY, "--out", str(folder), "--resume"], capsys, code=1)
    assert "No space left on device" in said
    assert "episodes.parquet" in said
    assert "--resume" in said
    assert list((folder / "shards").glob("*"))
    assert not list(folder.rglob("*.tmp"))
    assert "is not finished" in refused(["plot", str(folder)], capsys)

    def forbidden(*_: object) -> None:
        raise AssertionError("a finished shard is not lived again")

    monkeypatch.setattr("bisnn.experiments.engine.shard.Shard.newborn", forbidden)
    assert asked([*TINY, "--out", str(folder), "--resume"], capsys)["hash"] == json.loads(tiny[1])["hash"]


def test_plot(tiny: tuple[Path, str, str], tmp_path: Path, capsys: Said) -> None:
    folder = str(tiny[0])
    assert "Did you mean 'arms'?" in refused(["plot", folder, "--figure", "arm"], capsys)
    (tiny[0] / "figures" / "arms.png").unlink()
    found = asked(["plot", folder, "--figure", "arms"], capsys)
    assert sorted(Path(path).name for path in found["figures"]) == ["arms.pdf", "arms.png"]
    assert (tiny[0] / "figures" / "arms.png").is_file()
    out = tmp_path / "arms.svg"
    assert main(["plot", "--figure", "arms", folder, "--out", str(out)]) == 0
    assert "<svg" in out.read_text()
    capsys.readouterr()
    assert "--figure" in refused(["plot", folder, "--out", str(out)], capsys)
    assert "ending" in refused(["plot", folder, "--figure", "arms", "--out", str(tmp_path / "arms.doc")], capsys)


WRONG = [
    (["run", "altruistic-rescu"], "Did you mean 'altruistic-rescue'?"),
    (["run"], "name an experiment"),
    (["run", "--seeds", "3"], "name an experiment"),
    (["rnu"], "Did you mean 'run'?"),
    (["--json"], "before any command"),
    (["run", "altruistic-rescue", "--sed", "3"], "Did you mean '--seeds'?"),
    (["run", "altruistic-rescue", "--seeds", "-3"], "greater than or equal to 1"),
    (["run", "altruistic-rescue", "--seeds=-3"], "greater than or equal to 1"),
    (["run", "altruistic-rescue", "--seeds", "two"], "seeds = 'two'"),
    (["run", "altruistic-rescue", "--seeds"], "--seeds"),
    (["run", "altruistic-rescue", "--seeds", "--resume"], "--seeds"),
    (["run", "altruistic-rescue", "--arms"], "--arms needs a value"),
    (["run", "altruistic-rescue", "--gain", "nan"], "gain = 'nan'"),
    (["run", "altruistic-rescue", "--gain", "-1"], "gain = '-1'"),
    (["run", "altruistic-rescue", "--workers", "0"], "--workers 0"),
    (["run", "altruistic-rescue", "--workers", "-2"], "--workers -2"),
    (["run", "altruistic-rescue", "more"], "unexpected argument 'more'"),
    (["run", "altruistic-rescue", "--arms", "intact,no_miror"], "Did you mean 'no_mirror'?"),
    (["run", "altruistic-rescue", "--lesion", "igf"], "Did you mean 'ifg'?"),
    (["run", "altruistic-rescue", "--ablate", "cut:perception->igf"], "Did you mean 'perception->ifg'?"),
    (["run", "altruistic-rescue", "--ablate", "snip:perception->ifg"], "cut:A->B"),
    (["run", "altruistic-rescue", "--ablate", "gain:perception->ifg"], "needs a number"),
    (["run", "altruistic-rescue", "--layout", "drawm"], "Did you mean 'drawn'?"),
    (["run", "altruistic-rescue", "--backend", "tourch"], "Did you mean 'torch'?"),
    (["run", "altruistic-rescue", "--backend", "cuda"], "Remedy"),
    (["run", "altruistic-rescue", "--config", "/nowhere/a.toml"], "No such file"),
    (["run", "altruistic-rescue", "--config"], "--config needs"),
    (["list", "dilemma"], "Did you mean 'dilemmas'?"),
    (["plot", "/nowhere"], "is not a run"),
    (["plot"], "run"),
    (["bench", "--workload", "W9"], "workload"),
    (["bench", "--individuals", "1,none"], "--individuals none"),
]


@pytest.mark.parametrize(("argv", "words"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_wrong_use_is_answered_with_a_paragraph(
    argv: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.chdir(tmp_path)
    assert words in refused(argv, capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (StateMismatch("arm 'intact', seed 3: ifg is not finite"), 1, "seed 3"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 1, "Permission denied: /x"),
        (ZeroDivisionError("float division"), 1, "unexpected ZeroDivisionError"),
        (KeyboardInterrupt(), 130, "--resume"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_failure_is_a_paragraph_too(
    error: BaseException, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(command_run, "execute", fail)
    assert words in refused(TINY, capsys, code)
    monkeypatch.setenv("BISNN_DEBUG", "1")
    assert main(TINY) == code
    assert ("Traceback" in capsys.readouterr().err) == isinstance(error, Exception)


# ------------------------------------------------------------ settings


class Caught(Exception):
    """Holds what would have been run."""


@pytest.fixture
def would_run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Any, Any, Any]]:
    """Settings, folder and options that a command would run with."""

    def catch(experiment: Any, settings: Any, out: Any, **options: Any) -> None:
        raise Caught(settings, out, options)

    monkeypatch.setattr(command_run, "execute", catch)

    def ask(*argv: str) -> tuple[Any, Any, Any]:
        with pytest.raises(Caught) as found:
            command_run.answer(list(argv))
        settings, out, options = found.value.args
        return settings, out, options

    return ask


def test_flags_become_settings(would_run: Callable[..., tuple[Any, Any, Any]]) -> None:
    for arms in (["intact,no_mirror"], ["intact", "no_mirror"], ["intact", "--arms", "no_mirror"]):
        settings, out, options = would_run("altruistic-rescue", "--arms", *arms, "--seeds", "3")
        assert (settings.arms, settings.seeds, out) == (("intact", "no_mirror"), 3, None)
        assert (options["workers"], options["resume"]) == (1, False)
    cut = ["--ablate", "cut:perception->ifg", "--ablate", "gain:ifg->dopamine=-0.5", "--lesion", "ifg", "sma"]
    settings, _, _ = would_run("--level", "0.5", *cut, "altruistic-rescue", "--layout", "DRAWN")
    assert settings.ablate == ("cut:perception->ifg", "gain:ifg->dopamine=-0.5")
    assert settings.lesion == ("ifg", "sma")
    assert (settings.level, settings.layout) == (0.5, "drawn")
    settings, _, _ = would_run("empathy-dose-response", "--levels", "0,0.5", "1", "--gains", "9")
    assert (settings.levels, settings.gains) == ((0.0, 0.5, 1.0), (9.0,))


def test_flags_go_before_the_file_and_the_file_before_defaults(
    would_run: Callable[..., tuple[Any, Any, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "my.toml"
    path.write_text(
        'experiment = "altruistic-rescue"\nseeds = 7\ngain = 4.5\narms = ["no_mirror"]\nworkers = 3\nout = "here"'
    )
    settings, out, options = would_run("--config", str(path))
    assert (settings.seeds, settings.gain, settings.arms, settings.episodes) == (7, 4.5, ("no_mirror",), 1000)
    assert (out, options["workers"]) == ("here", 3)
    flags = ["--seeds", "2", "--out", "there", "--workers", "1", "--resume"]
    settings, out, options = would_run("altruistic-rescue", f"--config={path}", *flags)
    assert (settings.seeds, settings.gain, out) == (2, 4.5, "there")
    assert (options["workers"], options["resume"]) == (1, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seedz = 3", "Did you mean 'seeds'?"),
        ("seeds = 0", "seeds = 0"),
        ("seeds = true", "a number is due"),
        ("seeds = 3\ngain = = 4\n", "line 2"),
        ("seeds =", "not TOML"),
        ("[run]\nseeds = 3", "no setting 'run'"),
        ('layout = "drawm"', "Did you mean 'drawn'?"),
        ('experiment = "altruistic-rescu"', "Did you mean 'altruistic-rescue'?"),
        ('experiment = "empathy-dose-response"', "name one of them"),
        ('workers = "many"', "a whole number"),
        ("workers = 0", "workers 0"),
        ("out = 3", "a text"),
    ],
)
def test_a_bad_file_is_named(text: str, words: str, tmp_path: Path, capsys: Said) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    said = refused(["run", "altruistic-rescue", "--config", str(path)], capsys)
    assert words in said
    assert "bad.toml" in said or words == "workers 0"


def test_a_file_that_is_no_text_or_no_file(tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "bad.toml").write_bytes(b"seeds = \xff\xfe")
    assert "UTF-8" in refused(["run", "altruistic-rescue", "--config", str(tmp_path / "bad.toml")], capsys)
    assert "directory" in refused(["run", "altruistic-rescue", "--config", str(tmp_path)], capsys)
