"""Figures of false-distress: visits through deception and forgiveness, mixed honesty, and unwanted help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bisnn.experiments import measures
from bisnn.experiments.figures.data import missing
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.measures import Measure
from bisnn.experiments.results import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES: Mapping[str, tuple[str, str, str]] = {
    "intact": ("deceived, then honest again", "#0072B2", "-"),
    "honest": ("never deceived", "#009E73", "--"),
    "deceived_on": ("deceived to the end", "#D55E00", ":"),
    "frozen": ("learns no more from the deception on", "#7A5195", "-."),
    "selfish": ("no empathy (λ = 0)", "#111111", "-"),
    "chance": ("chance (random walk)", "#999999", "--"),
}
"""Arm -> name, colour, line."""
AGENTS: Mapping[str, tuple[str, str]] = {
    "trusting": ("spiking agent with trust", "#7A5195"),
    "spiking": ("spiking agent", "#0072B2"),
    "respecting": ("spiking agent that heeds a refusal", "#009E73"),
    "tabular_q": ("tabular Q-learning", "#D55E00"),
}
"""Agent -> name, colour."""
POINTS = 48
"""Points of a curve of visits over a life."""


def visits(view: Run) -> Figure:
    """The share of episodes in which the helper stood on the switch while distress was shown, over life."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 5.6)
        panels = figure.subplots(3, 1, sharex=True)
        window = view.summary.get("window")
        if not window:
            missing(panels[0], "This run holds no deception.")
            for ax in panels[1:]:
                ax.set_axis_off()
            return figure
        total = int(view.manifest.configuration["episodes"])
        for ax, letter, agent in zip(panels, "abc", ("trusting", "spiking", "tabular_q"), strict=True):
            _visits(ax, view, agent, max(1, total // POINTS))
            ax.axvspan(*window, color="#F6D5C6", lw=0, zorder=0, label="all distress is feigned")
            ax.set(ylim=(-0.03, 1.05), xlim=(0, total), ylabel="visits to the switch")
            ax.set_title(f"{letter}   {AGENTS[agent][0]}")
        panels[-1].set_xlabel("episode")
        handles: dict[str, Any] = {}
        for ax in panels:
            handles |= {label: handle for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
        figure.legend(handles.values(), handles.keys(), loc="outside right center", fontsize=7)
        count = len(view.manifest.seeds)
        note = f"share of episodes with a visit while distress is shown; mean and 95 % interval of {count} individuals"
        figure.supxlabel(note, fontsize=7, color=style.GREY)
        return figure


def _visits(ax: Axes, view: Run, agent: str, block: int) -> None:
    for who in (agent, "random") if agent == "trusting" else (agent,):
        if not bool((view.episodes["agent"] == who).any()):
            continue
        curves = measures.curve(view.episodes, Measure("visited"), block, who)
        for arm, (name, colour, look) in LINES.items():
            if arm in curves and bool(np.isfinite(curves[arm].mean).any()):
                one = curves[arm]
                ax.fill_between(one.centres, one.lo, one.hi, color=colour, alpha=0.14, lw=0)
                width = 2.0 if arm == "intact" else 1.2
                ax.plot(one.centres, one.mean, look, color=colour, lw=width, label=name, zorder=4)


def honesty(view: Run) -> Figure:
    """Help where it is needed by the share of real distress, and visits to one who declines help."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 3.0)
        left, right = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
        entries = view.summary.get("by_honesty") or []
        if not entries:
            missing(left, "This run holds no worlds of mixed honesty.")
        for agent, (name, colour) in AGENTS.items():
            rows = sorted(
                (e for e in entries if e["agent"] == agent and e["help_rate"]["mean"] is not None),
                key=lambda e: float(e["honesty"]),
            )
            if rows:
                _by_honesty(left, rows, name, colour)
        left.set(xlabel="share of episodes with real distress", ylabel="help where it is needed", ylim=(-0.03, 1.05))
        left.set_title("a   Help among liars")
        left.legend(loc="lower right", fontsize=7)
        _unwanted(right, view.summary.get("unwanted") or {})
        return figure


def _by_honesty(ax: Axes, rows: list[dict[str, Any]], name: str, colour: str) -> None:
    x = np.array([row["honesty"] for row in rows], dtype=np.float64)
    mean = np.array([row["help_rate"]["mean"] for row in rows], dtype=np.float64)
    ends = np.array([row["help_rate"]["ci95"] for row in rows], dtype=np.float64).T
    error = np.clip(np.stack((mean - ends[0], ends[1] - mean)), 0.0, None)
    ax.errorbar(x, mean, yerr=error, fmt="o-", ms=4, color=colour, elinewidth=0.9, label=name)


def _unwanted(ax: Axes, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Bars: help to those who want it, visits to those who decline it."""
    known = [agent for agent in AGENTS if (found.get(agent) or {}).get("visits_declined", {}).get("mean") is not None]
    if not known:
        missing(ax, "This run holds no unwanted distress.")
        return
    for row, agent in enumerate(known):
        _, colour = AGENTS[agent]
        for shift, measure, alpha in ((-0.19, "help_rate", 1.0), (0.19, "visits_declined", 0.45)):
            entry = found[agent][measure]
            if entry["mean"] is None:
                continue
            low, high = entry["ci95"]
            ax.barh(row + shift, entry["mean"], height=0.34, color=colour, alpha=alpha)
            ax.plot((low, high), (row + shift,) * 2, color="#222222", lw=0.9)
            words = "help to who wants it" if measure == "help_rate" else "intrusion on who declines"
            ax.text(1.03, row + shift, f"{words}: {entry['mean']:.2f}", va="center", fontsize=6.5)
    ax.set_yticks(range(len(known)), ["\n".join(_split(AGENTS[agent][0])) for agent in known])
    ax.set(xlim=(0, 1), ylim=(len(known) - 0.5, -0.5), xlabel="share of such episodes")
    ax.set_title("b   Unwanted help")


def _split(text: str) -> tuple[str, ...]:
    """A name in two lines where it is long."""
    words = text.split(" that ")
    return (words[0], "that " + words[1]) if len(words) == 2 else tuple(text.split(" ", 1))


FIGURES: Mapping[str, Draw] = {"visits": visits, "honesty": honesty}
"""Figures of false-distress."""
