"""Figures of cost-ladder: help by dose at every cost, thresholds by cost, and what cost a dose of empathy pays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bisnn.experiments import statistics
from bisnn.experiments.figures.data import missing
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.results import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEPS = ("#9ECAE1", "#4292C6", "#08519C", "#041F4A", "#7A5195", "#D55E00")
"""Colours of rising costs."""
MARKERS = ("o", "s", "^", "D", "v", "P")
LADDERS = {"toll": "certain cost (toll)", "risk": "risk of the same mean cost"}


def ladder(view: Run) -> Figure:
    """Help by dose of empathy, a curve for every toll, spiking agents beside tabular learning."""
    from bisnn.plots import style

    with style.use():
        agents = [name for name in ("spiking", "tabular_q") if _points(view, name)]
        figure = style.figure(7.0, 3.1)
        panels = figure.subplots(1, max(1, len(agents)), sharey=True, squeeze=False)[0]
        if not agents:
            missing(panels[0], "This run holds no ladder of tolls.")
            return figure
        for ax, letter, agent in zip(panels, "ab", agents, strict=False):
            _curves(ax, view, agent)
            ax.set_title(f"{letter}   {style.arm_name(agent)}")
            ax.set_xlabel("dose of empathy  λ · α · f")
        panels[0].set_ylabel("help rate")
        panels[-1].legend(loc="center left", bbox_to_anchor=(1.01, 0.5), title="own cost\nof the relief")
        figure.supxlabel(_note(view), fontsize=7, color=style.GREY)
        return figure


def _points(view: Run, agent: str) -> dict[float, list[dict[str, Any]]]:
    """Cost -> entries of the grid by dose, of the certain costs."""
    found: dict[float, list[dict[str, Any]]] = {}
    for entry in view.summary.get("grid") or ():
        if entry["agent"] == agent and entry["risk"] == 0.0 and entry["help_rate"]["mean"] is not None:
            found.setdefault(entry["cost"], []).append(entry)
    return {cost: sorted(found[cost], key=lambda one: float(one["dose"])) for cost in sorted(found)}


def _curves(ax: Axes, view: Run, agent: str) -> None:
    fits = {e["cost"]: e for e in view.summary["thresholds"].get(agent, {}).get("toll", [])}
    points = _points(view, agent)
    for number, (cost, entries) in enumerate(points.items()):
        colour = STEPS[number % len(STEPS)]
        dose = np.array([entry["dose"] for entry in entries], dtype=np.float64)
        mean = np.array([entry["help_rate"]["mean"] for entry in entries], dtype=np.float64)
        ends = np.array([entry["help_rate"]["ci95"] for entry in entries], dtype=np.float64).T
        error = np.clip(np.stack((mean - ends[0], ends[1] - mean)), 0.0, None)
        ax.errorbar(
            dose, mean, yerr=error, fmt=MARKERS[number % len(MARKERS)], ms=4, color=colour, elinewidth=0.8, lw=0,
            label=f"{cost:g}", zorder=3,
        )  # fmt: skip
        fit = fits.get(cost, {})
        if fit.get("value") is not None:
            grid = np.linspace(0.0, 1.02 * float(dose.max()), 400)
            ax.plot(grid, statistics.logistic(grid, fit["ceiling"], fit["value"], fit["width"]), color=colour, lw=1.4)
    ax.set(ylim=(-0.03, 1.05))
    ax.set_xlim(left=0.0)


def thresholds(view: Run) -> Figure:
    """The dose at which half help by own cost, and the cost at which half still help by dose; the planner beside."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.0, 3.3)
        left, right = figure.subplots(1, 2)
        if not view.summary.get("thresholds"):
            missing(left, "This run holds no thresholds.")
            right.set_axis_off()
            return figure
        _planner(left, view)
        for agent in ("spiking", "tabular_q"):
            for which, name in LADDERS.items():
                entries = view.summary["thresholds"].get(agent, {}).get(which, [])
                _line(left, entries, "cost", f"{style.arm_name(agent)}, {name}", style.ARMS[agent], which == "toll")
            entries = [e for e in view.summary["kappa"].get(agent, []) if e["value"] is not None]
            _line(right, entries, "dose", style.arm_name(agent), style.ARMS[agent], True)
        left.set(xlabel="own cost of the relief (mean)", ylabel="threshold: dose at which half help", ylim=(0.0, None))
        left.set_title("a   Dearer help takes more empathy")
        right.set(xlabel="dose of empathy  λ · α · f", ylabel="exchange rate κ*: cost at which half still help")
        right.set_title("b   What a dose of empathy pays")
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=7)
        return figure


def _planner(ax: Axes, view: Run) -> None:
    """Where a discounting planner turns to help: from the most to the least favourable onset of pain."""
    planned = view.summary["planned"]
    cost = [entry["cost"] for entry in planned]
    low, high = ([entry["thresholds"][end] for entry in planned] for end in (0, -1))
    if len(cost) > 1 and np.isfinite(low).all() and np.isfinite(high).all():
        ax.fill_between(cost, low, high, color="#BBBBBB", alpha=0.45, lw=0, label="planner (earliest to latest onset)")


def _line(ax: Axes, entries: list[dict[str, Any]], x: str, label: str, colour: str, full: bool) -> None:
    known = [entry for entry in entries if entry["value"] is not None]
    if not known:
        return
    at = np.array([entry[x] for entry in known], dtype=np.float64)
    value = np.array([entry["value"] for entry in known], dtype=np.float64)
    ends = np.array([_ends(entry) for entry in known], dtype=np.float64).T
    ax.errorbar(
        at, value, yerr=np.clip(np.stack((value - ends[0], ends[1] - value)), 0.0, None), color=colour,
        fmt="o-" if full else "s--", mfc=colour if full else "white", ms=4, lw=1.4 if full else 1.0,
        elinewidth=0.8, label=label, zorder=3,
    )  # fmt: skip


def _ends(entry: Mapping[str, Any]) -> tuple[float, float]:
    """The interval of an entry; an end that is not finite is left out (drawn as of no length)."""
    low, high = entry.get("ci95") or (None, None)
    return entry["value"] if low is None else low, entry["value"] if high is None else high


def _note(view: Run) -> str:
    count = len(view.manifest.seeds)
    return f"points: mean and 95 % interval of {count} individuals at the end of life;  lines: logistic fits"


FIGURES: Mapping[str, Draw] = {"ladder": ladder, "thresholds": thresholds}
"""Figures of cost-ladder."""
