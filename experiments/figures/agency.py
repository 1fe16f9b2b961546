"""Figures of agency: error spikes and ROC, three trials in spikes, delay and motor noise, the integral of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bisnn.experiments.figures.data import UNRECORDED, missing
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.measures import band, table
from bisnn.experiments.results import Run
from bisnn.systems.forward_model import AREAS, ForwardModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
NAMES: Mapping[str, str] = {
    "no_efference_copy": "no efference copy",
    "no_learning": "never learned the body",
    "no_felt": "“felt” cells silenced",
    "no_missing": "“missing” cells silenced",
    "shuffled_command": "shuffled efference copies",
}
COLOURS: Mapping[str, str] = {
    "intact": "#0072B2",
    "no_efference_copy": "#D55E00",
    "no_learning": "#555555",
    "no_felt": "#882255",
    "no_missing": "#E69F00",
    "shuffled_command": "#CC79A7",
}
KINDS = (("self-caused", "#0072B2"), ("moved, no command", "#E69F00"), ("moved, other command", "#B2182B"))
"""The three kinds of trial, and their colours."""
ROWS: Mapping[str, str] = {
    "command": "efference copy",
    "prediction": "prediction",
    "sensory": "senses",
    "felt": "error: felt,\nnot predicted",
    "missing": "error: predicted,\nnot felt",
}
"""Areas as the raster calls them."""


def _name(arm: str) -> str:
    from bisnn.plots import style

    return style.arm_name(arm, NAMES)


def _colour(arm: str, place: int) -> str:
    from bisnn.plots import style

    return style.colour(arm, COLOURS, place)


def _note(view: Run, more: str) -> str:
    return f"n = {len(view.manifest.seeds)} individuals; {more}"


def _reference(view: Run, *names: str) -> dict[str, dict[str, Floats]]:
    """Columns of the reference level: name -> arm -> [seeds, trials]."""
    level = table(view.episodes, "level")
    found = {name: table(view.episodes, name) for name in names}
    return {name: {arm: rows[arm][:, level[arm][0] == 0] for arm in rows} for name, rows in found.items()}


def errors(view: Run) -> Figure:
    """Error spikes per movement of the three kinds of trial, arm by arm, and the ROC of all arms."""
    from bisnn.plots import style

    with style.use():
        arms = view.manifest.arms
        figure = style.figure(7.2, max(3.4, 0.62 * len(arms) + 0.9))
        grid = figure.add_gridspec(len(arms), 2, width_ratios=(1.25, 1.0))
        found = _reference(view, "error", "own", "commanded")
        most = max(float(found["error"][arm].max()) for arm in arms) + 4.0
        first = None
        for row, arm in enumerate(arms):
            ax = figure.add_subplot(grid[row, 0], sharex=first)
            first = first or ax
            _histogram(ax, {name: found[name][arm] for name in found}, most)
            score = view.summary["arms"][arm]["auroc"]["mean"]
            told = "–" if score is None else f"{score:.2f}"
            ax.text(1.01, 0.5, f"AUROC\n{told}", transform=ax.transAxes, va="center", fontsize=7)
            ax.set_ylabel(_name(arm).replace(" ", "\n", 1), rotation=0, ha="right", va="center", fontsize=7)
            ax.tick_params(labelbottom=row == len(arms) - 1)
            if row == 0:
                ax.set_title("a   Error spikes by cause of the same motion")
                bars, labels = ax.get_legend_handles_labels()
        ax.set_xlabel("error spikes in one movement (felt + missing)")
        figure.legend(bars, labels, loc="outside upper left", ncols=3)
        _roc(figure.add_subplot(grid[:, 1]), found, arms)
        figure.supxlabel(
            _note(view, "self-caused and external trials have the same motion and the same sensory spikes"),
            fontsize=7, color=style.GREY,
        )  # fmt: skip
        return figure


def _histogram(ax: Axes, rows: Mapping[str, Floats], most: float) -> None:
    """Shares of the trials of each kind."""
    own, idle = rows["own"] > 0.5, rows["commanded"] < 0
    for (label, colour), chosen in zip(KINDS, (own, ~own & idle, ~own & ~idle), strict=True):
        values = rows["error"][chosen]
        weights = np.full(values.size, 1.0 / max(values.size, 1))
        ax.hist(values, np.arange(0.0, most, 4.0).tolist(), weights=weights, color=colour, alpha=0.5, label=label)
    ax.set(yticks=[], xlim=(0.0, most))
    ax.spines["left"].set_visible(False)


def _roc(ax: Axes, found: Mapping[str, Mapping[str, Floats]], arms: list[str]) -> None:
    """Trials of all individuals: how many self-caused and external ones have at most so many error spikes."""
    for place, arm in enumerate(arms):
        error, own = found["error"][arm].ravel(), found["own"][arm].ravel() > 0.5
        cut = np.concatenate(([-1.0], np.unique(error)))
        hits, alarms = (np.searchsorted(np.sort(error[kind]), cut, "right") / kind.sum() for kind in (own, ~own))
        line = "-" if place == 0 else (0, (4, 1 + place % 3))
        ax.plot(
            alarms, hits, color=_colour(arm, place), lw=2.6 if place == 0 else 1.4, ls=line, label=_name(arm),
            zorder=4 if place == 0 else 3,
        )  # fmt: skip
    ax.plot((0, 1), (0, 1), color="#8A8A8A", lw=0.9, ls=":", zorder=1)
    ax.text(0.32, 0.24, "chance", color="#8A8A8A", fontsize=7)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    ax.set(xlabel="external motion taken for own", ylabel="own motion taken for own")
    ax.set_title("b   ROC of “few error spikes: I did it”")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=7, ncols=2)


def spikes(view: Run) -> Figure:
    """The intact individual in three trials: its own movement, being moved, being moved against its command."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 4.2)
        panels = figure.subplots(1, 3, sharey=True)
        columns = view.spikes
        if not columns:
            missing(panels[1], UNRECORDED)
            for ax in (panels[0], panels[2]):
                ax.set_axis_off()
            return figure
        arm = view.manifest.arms[0]
        seed = int(columns["seed"][columns["arm"] == arm].min())
        rows = {name: values[(columns["arm"] == arm) & (columns["seed"] == seed)] for name, values in columns.items()}
        trials = sorted(np.unique(rows["episode"]).tolist())
        for ax, trial, (title, colour), letter in zip(panels, trials, KINDS, "abc", strict=False):
            _raster(ax, {name: values[rows["episode"] == trial] for name, values in rows.items()})
            slipped = _slipped(view, arm, seed, int(trial))
            ax.set_title(f"{letter}   {title}{' (slip)' if slipped else ''}", color=colour)
        figure.supxlabel(
            f"individual {seed}, {_name(arm)}; a row is a cell, cells code right, left, down, up in turn; a and b are "
            "a pair: one motion, the same sensory spikes",
            fontsize=7, color=style.GREY,
        )  # fmt: skip
        return figure


def _slipped(view: Run, arm: str, seed: int, trial: int) -> bool:
    """Whether motor noise executed another movement than the one commanded, in a self-caused trial."""
    rows = view.episodes
    at = (rows["arm"] == arm) & (rows["seed"] == seed) & (rows["episode"] == trial)
    return bool((rows["own"][at] > 0.5).any() and (rows["commanded"][at] != rows["moved"][at]).any())


def _raster(ax: Axes, rows: Mapping[str, NDArray[Any]]) -> None:
    """The spikes of one trial, area under area; counts of the error areas at the right."""
    from bisnn.plots import style

    body = ForwardModel(reach=1)
    sizes = {area: body.circuit.areas[area].n for area in AREAS} | {"prediction": body.n}
    top, ticks = 0.0, []
    for place, area in enumerate(AREAS):
        here = (rows["area"] == area) & (rows["unit"] < sizes[area])
        time, unit = rows["tick"][here] * body.dt, rows["unit"][here].astype(np.float64)
        ax.axhspan(top, top + sizes[area], color=style.PALE if place % 2 else "#F7F7F7", lw=0, zorder=0)
        ax.vlines(time + 0.5 * body.dt, top + unit + 0.05, top + unit + 0.95, colors=style.AREAS[area], lw=1.6)
        if area in ("felt", "missing"):
            ax.text(
                1.0, top + 0.5 * sizes[area], f"{int(here.sum())} spikes", transform=ax.get_yaxis_transform(),
                ha="right", va="center", fontsize=6.5, color=style.AREAS[area],
            )  # fmt: skip
        ticks.append(top + 0.5 * sizes[area])
        top += sizes[area] + 1.0
    ax.set_yticks(ticks, [ROWS[area] for area in AREAS])
    for label, area in zip(ax.get_yticklabels(), AREAS, strict=False):  # shared axes have none
        label.set_color(style.AREAS[area])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set(ylim=(top, 0.0), xlim=(0.0, body.ticks * body.dt + 20.0), xlabel="time from command (ms)")


def limits(view: Run) -> Figure:
    """AUROC against the delay of the senses and against motor noise, by error spikes and by evidence of agency."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 3.1)
        panels = figure.subplots(1, 2, sharey=True)
        shown = (
            ("by_delay", "delay", "senses later than learned (ms)", "a   Temporal binding"),
            ("by_motor_noise", "motor_noise", "probability that another movement is made", "b   Motor noise"),
        )
        for ax, (key, column, label, title) in zip(panels, shown, strict=True):
            entries = sorted(view.summary[key], key=lambda entry: float(entry[column]))
            for place, arm in enumerate(view.manifest.arms):
                if arm in ("no_learning", "no_felt", "no_missing"):
                    continue
                _course(ax, entries, column, arm, "auroc", _colour(arm, place), _name(arm), "-")
            first = view.manifest.arms[0]
            _course(ax, entries, column, first, "auroc_agency", "#009E73", "intact, by evidence of agency", (0, (4, 2)))
            ax.axhline(0.5, color=style.GREY, lw=0.9, ls=":", zorder=1)
            ax.set(xlabel=label, ylim=(0.0, 1.03))
            ax.set_title(title)
        panels[0].set_ylabel("AUROC, self against external")
        panels[0].text(0.99, 0.52, "chance", color=style.GREY, fontsize=7, ha="right", transform=panels[0].transAxes)
        panels[0].text(
            0.03, 0.05, "below chance: felt later than predicted,\na movement is two errors, not one", fontsize=6.5,
            color=COLOURS["intact"], transform=panels[0].transAxes,
        )  # fmt: skip
        lines, names = panels[0].get_legend_handles_labels()
        figure.legend(
            lines, names, loc="outside upper center", ncols=4, title="AUROC by error spikes (dashed: by evidence)"
        )
        figure.supxlabel(_note(view, "bands: 95 % intervals of the mean"), fontsize=7, color=style.GREY)
        return figure


def _course(
    ax: Axes, entries: list[dict[str, Any]], column: str, arm: str, score: str, colour: str, label: str, line: Any
) -> None:
    """One score of one arm over the levels, with its interval."""
    found = [(entry[column], entry["arms"][arm][score]) for entry in entries if arm in entry["arms"]]
    x = [at for at, each in found if each["mean"] is not None]
    mean = [each["mean"] for _, each in found if each["mean"] is not None]
    ends = np.array([each["ci95"] or (each["mean"],) * 2 for _, each in found if each["mean"] is not None]).T
    ax.fill_between(x, ends[0], ends[1], color=colour, alpha=0.18, lw=0)
    ax.plot(x, mean, color=colour, ls=line, marker="o", ms=3, label=label)


def course(view: Run) -> Figure:
    """The agency of every arm over the trials of the reference level, in which self and external take turns."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 2.9)
        ax = figure.add_subplot()
        found = _reference(view, "agency", "own")
        for place, arm in enumerate(view.manifest.arms):
            values = found["agency"][arm]
            x, mean = np.arange(values.shape[1]) + 0.5, values.mean(0)
            ax.fill_between(x, *band(values), color=_colour(arm, place), alpha=0.18, lw=0)
            line = (0, (3, 3)) if arm == "no_learning" else "-"
            ax.plot(x, mean, color=_colour(arm, place), ls=line, lw=2.2 if place == 0 else 1.4, label=_name(arm))
        own = found["own"][view.manifest.arms[0]][0] > 0.5
        for start in np.flatnonzero(np.diff(np.concatenate(([False], own))) & own).tolist():
            stop = start + int(np.argmin(np.append(own[start:], False)))
            ax.axvspan(start, stop, color="#E3EEF6", lw=0, zorder=0)
        ax.text(
            0.01, 0.97, "shaded: self-caused trials;  white: external", transform=ax.transAxes, va="top", fontsize=7
        )
        ax.set(xlim=(0, len(own)), ylim=(0, 1), xlabel="trial", ylabel="agency A")
        ax.set_title("The integral of evidence, A ← A + (1 − |e|/|s′| − A)/τ")
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        figure.supxlabel(_note(view, "mean and 95 % band over individuals"), fontsize=7, color=style.GREY)
        return figure


FIGURES: Mapping[str, Draw] = {"errors": errors, "spikes": spikes, "limits": limits, "course": course}
"""Figures of agency."""
