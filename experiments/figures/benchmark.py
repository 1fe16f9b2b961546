"""The figure of a benchmark: the profile of every agent, dilemma by dilemma, between chance and full knowledge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOW, HIGH = -1.0, 1.5
"""Ends of the axis; what lies outside is an arrow head there."""
TITLES = {
    "own_return": "own return",
    "others_welfare": "welfare of the others",
    "help_rate": "help rate given need",
    "help_given": "benefit to others",
}
MARKERS = ("o", "s", "^", "v", "P", "X", "<", ">")
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#A63A79", "#E69F00", "#56B4E9", "#332288", "#882255")
GREY = ("#555555", "#8A8A8A", "#AAAAAA")


def profile(found: Mapping[str, Any]) -> Figure:
    """A panel for each measure, a row for each dilemma and for their mean, a mark with its interval for each agent.

    `found`: what `bisnn.experiments.battery.benchmark` gives. The references selfish and altruistic are grey.
    """
    from bisnn.plots import style

    with style.use():
        who = _who(found)
        rows = list(dict.fromkeys(each for scores, _, _ in who.values() for each in scores["dilemmas"]))
        height = 1.6 + len(rows) * max(0.3, 0.085 * len(who)) + 0.3
        figure = style.figure(9.6, height)
        panels = figure.subplots(1, len(found["measures"]), sharey=True)
        for ax, measure in zip(np.atleast_1d(panels), found["measures"], strict=True):
            _panel(ax, measure, rows, who)
        first = np.atleast_1d(panels)[0]
        first.set_yticks(range(len(rows) + 1), [*(_short(each) for each in rows), "mean"])
        first.get_yticklabels()[-1].set_fontweight("bold")
        handles, labels = first.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 6), frameon=False)
        return figure


def _who(found: Mapping[str, Any]) -> dict[str, tuple[Mapping[str, Any], str, str]]:
    """Agents, then the references that are none of them: scores, colour and marker."""
    shown = {}
    for number, (name, scores) in enumerate(found["agents"].items()):
        shown[name] = (scores, COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)])
    for number, name in enumerate(("selfish", "altruistic")):
        if name not in shown:
            shown[name] = (found["references"][name], GREY[number], "d")
    return shown


def _panel(ax: Axes, measure: str, rows: list[str], who: Mapping[str, tuple[Mapping[str, Any], str, str]]) -> None:
    for row in range(0, len(rows) + 1, 2):
        ax.axhspan(row - 0.5, row + 0.5, color="#F5F5F5", lw=0, zorder=0)
    for at in (0.0, 1.0):
        ax.axvline(at, color="#8A8A8A", lw=0.8, ls=(0, (4, 2)), zorder=1)
    ax.axhline(len(rows) - 0.5, color="#8A8A8A", lw=0.6, zorder=1)
    step = 0.72 / max(len(who), 2)
    for number, (name, (scores, colour, marker)) in enumerate(who.items()):
        shift = (number - (len(who) - 1) / 2) * step
        for row, which in enumerate([*rows, None]):
            entry = scores["overall"][measure] if which is None else scores["dilemmas"].get(which, {}).get(measure)
            _mark(ax, row + shift, entry, colour, marker, name if row == 0 else None)
    for row, which in enumerate(rows):
        if all(
            (scores["dilemmas"].get(which, {}).get(measure) or {}).get("score") is None for scores, _, _ in who.values()
        ):
            ax.text(0.5, row, "undefined", ha="center", va="center", fontsize="x-small", color="#8A8A8A")
    ax.set(xlim=(LOW - 0.05, HIGH + 0.05), ylim=(len(rows) + 0.5, -0.5), title=TITLES.get(measure, measure))
    ax.set_xticks((-1, 0, 1), ("−1", "0\nchance", "1\noracle"))
    ax.tick_params(axis="y", length=0)


def _mark(ax: Axes, place: float, entry: Mapping[str, Any] | None, colour: str, marker: str, label: str | None) -> None:
    """One score with its interval; a label for the legend also where there is no score."""
    value = None if entry is None else entry["score"]
    if entry is None or value is None:
        ax.plot([], [], marker, color=colour, ms=5, label=label, lw=0)
        return
    low, high = np.clip(entry["ci95"], LOW, HIGH)
    ax.plot((low, high), (place, place), color=colour, lw=1.4, zorder=2, solid_capstyle="butt")
    outside = "<" if value < LOW else ">" if value > HIGH else None
    ax.plot(np.clip(value, LOW, HIGH), place, outside or marker, color=colour, ms=5, zorder=3)
    if label is not None:
        ax.plot([], [], marker, color=colour, ms=5, label=label, lw=0)


def _short(dilemma: str) -> str:
    return dilemma.replace("_", " ")
