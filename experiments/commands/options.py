"""The options of the commands beside those of experiments: each field is a flag, its text the help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro

from bisnn.experiments.commands.flags import ABSENT, option


@dataclass(frozen=True)
class RunOptions:
    """How and where to run; nothing here changes a result."""

    workers: Annotated[str, option("INT", "(default: one for each shard, up to the number of usable cores)")] = ABSENT
    """Processes, of one thread each."""
    out: Annotated[str, option("DIR", "(default: runs/EXPERIMENT-HASH)")] = ABSENT
    """The run folder."""
    resume: Annotated[bool, option()] = False
    """Go on with an interrupted run, to the same bits; print the result of a finished one."""
    config: Annotated[str, option("FILE.toml")] = ABSENT
    """Settings from a TOML file (`seeds = 50`, a line for each); flags go before them."""
    json: Annotated[bool, option()] = False
    """Print one JSON object on standard output, everything else on standard error."""
    quiet: Annotated[bool, option()] = False
    """Print nothing but the run folder, and errors."""


@dataclass(frozen=True)
class ListOptions:
    """What there is."""

    kind: Annotated[tuple[str, ...], tyro.conf.Positional, option("KIND", "(default: all)")] = ()
    """experiments, dilemmas, agents, ablations, neurons, rules or modulators."""
    json: Annotated[bool, option()] = False
    """Print JSON."""


@dataclass(frozen=True)
class PlotOptions:
    """Draw the figures of a finished run again, from its files alone."""

    run: Annotated[str, tyro.conf.Positional, option("RUN")]
    """The run folder."""
    figure: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, option("NAME[,NAME...]", "(default: all)")] = ()
    """Which figures; may be repeated."""
    out: Annotated[str, option("FILE", "(default: RUN/figures/NAME.png and .pdf)")] = ABSENT
    """Where to write one figure; the ending gives the format (png, pdf, svg ...)."""
    json: Annotated[bool, option()] = False
    """Print JSON: the run and the files."""


@dataclass(frozen=True)
class VerifyOptions:
    """Measure the scientific claims of the library and compare each with its source; exit code 1 where one fails."""

    long: Annotated[bool, option()] = False
    """Run the long claims too (an hour and more)."""
    only: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, option("NAME[,NAME...]", "(default: all)")] = ()
    """Claims (dopamine/C-1) or topics (dopamine); may be repeated."""
    workers: Annotated[str, option("INT", "(default: the number of usable cores)")] = ABSENT
    """Processes, of one thread each."""
    claims: Annotated[str, option("FILE.py", "(default: those of bisnn)")] = ABSENT
    """Your own claims: a file with CLAIMS, a tuple of bisnn.experiments.claims.base.Claim. It is executed."""
    json: Annotated[bool, option()] = False
    """Print one JSON object on standard output, everything else on standard error."""


@dataclass(frozen=True)
class DoctorOptions:
    """What is installed, what runs where, and the exact line for what is missing."""

    json: Annotated[bool, option()] = False
    """Print JSON."""


@dataclass(frozen=True)
class BenchOptions:
    """Measure speed on a fixed workload, on one thread."""

    workload: Annotated[str, option("{W1,W1-step,rescue,dilemmas}", "(default: W1)")] = "W1"
    """W1: 100 environment steps of the empathy network in one call; W1-step: a call for each; rescue: a short life;
    dilemmas: a batched step of each dilemma against one world through PettingZoo."""
    individuals: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, option("INT[,INT...]", "(default: 1,1024)")] = ()
    """How many individuals at once."""
    json: Annotated[bool, option()] = False
    """Print JSON."""
