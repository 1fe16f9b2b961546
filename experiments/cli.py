"""The command `bisnn`.

Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted. Every error is one paragraph on standard error;
BISNN_DEBUG=1 shows where it came from. With `--json` standard output holds one JSON object and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import bisnn
from bisnn.errors import BackendUnavailable, BisnnError, ConfigError, RunCorrupt, ShapeMismatch, UnknownName, pick
from bisnn.experiments.commands import console
from bisnn.experiments.engine.worker import exhausted

WRONG_USE = (UnknownName, ConfigError, ShapeMismatch, BackendUnavailable, RunCorrupt)
Answer = tuple[Any, Callable[[], None]]
"""What a command found, and how to print it for a person."""


def _run(argv: list[str]) -> Answer:
    from bisnn.experiments.commands import run as command_run

    return command_run.answer(argv)


def _plot(argv: list[str]) -> Answer:
    from bisnn.experiments.commands import plot as command_plot

    return command_plot.answer(argv)


def _verify(argv: list[str]) -> Answer:
    from bisnn.experiments.commands import verify as command_verify

    return command_verify.answer(argv)


def _list(argv: list[str]) -> Answer:
    from bisnn.experiments.commands.flags import parse
    from bisnn.experiments.commands.options import ListOptions

    options = parse(ListOptions, argv, "bisnn list", ListOptions.__doc__)
    from bisnn.experiments.commands import listing

    kinds = [pick("kind", kind, listing.KINDS) for kind in options.kind] or list(listing.KINDS)
    found = {kind: listing.KINDS[kind]() for kind in kinds}

    def show() -> None:
        for kind, rows in found.items():
            console.show(*listing.table(kind, rows), title=kind)

    return (found[kinds[0]] if len(options.kind) == 1 else found), show


def _doctor(argv: list[str]) -> Answer:
    from bisnn.experiments.commands import doctor
    from bisnn.experiments.commands.flags import parse
    from bisnn.experiments.commands.options import DoctorOptions

    parse(DoctorOptions, argv, "bisnn doctor", DoctorOptions.__doc__)
    report = doctor.report()
    return report, lambda: print(doctor.render(report))


def _bench(argv: list[str]) -> Answer:
    from bisnn.experiments.commands.flags import parse, pieces, whole
    from bisnn.experiments.commands.options import BenchOptions

    options = parse(BenchOptions, argv, "bisnn bench", BenchOptions.__doc__)
    individuals = tuple(whole("--individuals", text) for text in pieces(options.individuals)) or (1, 1024)
    from bisnn.experiments.commands import bench

    found = bench.bench(options.workload, individuals)

    def show() -> None:
        rows = [[_figure(row.get(name)) for name in found["results"][0]] for row in found["results"]]
        console.show([name.replace("_", " ") for name in found["results"][0]], rows, title=found["workload"])

    return found, show


def _benchmark(argv: list[str]) -> Answer:
    from bisnn.experiments.commands import benchmark as command_benchmark

    return command_benchmark.answer(argv)


def _figure(value: Any) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


COMMANDS: Mapping[str, tuple[Callable[[list[str]], Answer], str]] = {
    "list": (_list, "experiments, dilemmas, agents, ablations, neurons, rules, modulators"),
    "run": (_run, "run an experiment, all arms at once, into a run folder"),
    "plot": (_plot, "draw the figures of a run again, from its files alone"),
    "verify": (_verify, "measure every scientific claim and compare it with its source"),
    "doctor": (_doctor, "what is installed, what runs where, and the remedy for what is missing"),
    "benchmark": (_benchmark, "score agents, yours too, over the dilemmas, between chance and full knowledge"),
    "bench": (_bench, "measure speed on fixed workloads"),
}
"""Name -> command and what it does."""


def usage() -> str:
    """The help of `bisnn`."""
    lines = [
        "usage: bisnn COMMAND ...",
        "",
        "Brain-inspired spiking neural agents that feel, share pain and learn to help.",
        "",
    ]
    lines += [f"  bisnn {name:<11}{what}" for name, (_, what) in COMMANDS.items()]
    lines += ["", "  bisnn COMMAND --help     flags of a command", "  bisnn --version", ""]
    lines += ["Try: bisnn run altruistic-rescue --seeds 5 --episodes 300"]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    console.forgiving()
    try:
        code = _dispatch(words)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to be flushed at exit
        return 1
    except KeyboardInterrupt:
        hint = "what was finished is kept: the same command with --resume goes on" if words[:1] == ["run"] else ""
        console.note(f"\nbisnn: interrupted{'; ' if hint else ''}{hint}.")
        return 130
    except SystemExit as stop:  # help was printed
        return stop.code if isinstance(stop.code, int) else 0
    except Exception as error:
        if os.environ.get("BISNN_DEBUG", "") not in ("", "0"):
            traceback.print_exc()
        console.note(f"bisnn: {_sentence(error)}")
        return 2 if isinstance(error, WRONG_USE) else 1


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage(), file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    if words[0] in ("--version", "-V"):
        print(f"bisnn {bisnn.__version__}")
        return 0
    if words[0].startswith("-"):
        raise ConfigError(
            f"{words[0]!r} stands before any command; write `bisnn COMMAND {words[0]}`, see `bisnn --help`"
        )
    command = COMMANDS[pick("command", words[0], COMMANDS)][0]
    if "--json" not in words:
        found, show = command(words[1:])
        show()
        return _code(found)
    with contextlib.redirect_stdout(sys.stderr) if not {"-h", "--help"} & set(words) else contextlib.nullcontext():
        found, _ = command(words[1:])
    from bisnn.experiments.storage import sanitise

    print(json.dumps(sanitise(found), allow_nan=False))
    return _code(found)


def _code(found: Any) -> int:
    """1 for an answer that says it did not pass."""
    return 1 if isinstance(found, Mapping) and found.get("passed") is False else 0


def _sentence(error: Exception) -> str:
    """An error as one paragraph."""
    if isinstance(error, OSError):
        text = error.strerror or str(error)
        text += f": {error.filename}" if error.filename else ""
    elif isinstance(error, BisnnError):
        text = str(error)
    elif exhausted(error):
        text = "out of memory; run fewer --seeds or --workers at once"
    else:
        where = "this is a mistake in bisnn: please report it with what BISNN_DEBUG=1 shows"
        text = f"unexpected {type(error).__name__}: {error}; {where}"
    return " ".join(text.split())
