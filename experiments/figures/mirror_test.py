"""Figures of the mirror test: rates against contingency, learned weights, one test spike by spike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bisnn import plots
from bisnn.experiments import measures
from bisnn.experiments.figures.data import UNRECORDED, missing, reference
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.figures.mirror_trial import recorded, trial
from bisnn.experiments.results import Run
from bisnn.systems.mirror_self import FIRES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
ARMS: Mapping[str, str] = {
    "intact": "intact",
    "frozen_stdp": "STDP frozen",
    "shuffled_training": "babbling shuffled",
    "no_efference_copy": "no efference copy",
    "no_insula": "no insula",
}
"""Arms in words."""


def _arm(name: str) -> str:
    from bisnn.plots import style

    return style.arm_name(name, ARMS)


def _colours(view: Run) -> dict[str, str]:
    from bisnn.plots import style

    return {arm: style.colour(arm, style.ARMS, number) for number, arm in enumerate(view.manifest.arms)}


def contingency(view: Run) -> Figure:
    """Rates against contingency, arm by arm, with 95 % intervals over seeds, theory, and chance."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(6.8, 5.6)
        panels = figure.subplots(2, 2, sharex=True, sharey=True).ravel()
        shown = (
            ("correct", "accuracy", "a   Takes its own image for itself"),
            ("none", "none_rate", "b   Takes no image for itself"),
            ("misidentified", "misidentified", "c   Takes another's image for itself"),
            ("forced", "forced_choice", "d   Image with most evidence is its own"),
        )
        for ax, (column, name, title) in zip(panels, shown, strict=True):
            _rate(ax, view, column)
            _theory(ax, view, name)
            ax.set_title(title)
        for ax in panels[2:]:
            ax.set_xlabel("contingency: P(own image follows the command)")
        for ax in panels[::2]:
            ax.set_ylabel("share of tests")
        panels[0].set(xlim=(-0.02, 1.02), ylim=(-0.03, 1.03))
        _marks(view, panels)
        lines, names = panels[0].get_legend_handles_labels()
        figure.legend(lines, names, loc="outside lower center", ncols=3, title=_counted(view), title_fontsize=7.5)
        return figure


def _rate(ax: Axes, view: Run, column: str) -> None:
    """One rate of every arm; the reference is bold."""
    levels = np.asarray(view.manifest.configuration["contingency"], dtype=np.float64)
    order, found = np.argsort(levels), measures.table(view.episodes, column)
    for number, (arm, colour) in enumerate(_colours(view).items()):
        seeds = found[arm].reshape(len(found[arm]), len(levels), -1).mean(-1)[:, order]
        low, high = measures.band(seeds)
        first = arm == reference(view)
        ax.fill_between(levels[order], low, high, color=colour, alpha=0.14, lw=0)
        ax.plot(
            levels[order], seeds.mean(0), color=colour, lw=2.4 if first else max(0.8, 5.2 - 1.1 * number),
            marker="o" if first else None, ms=4.5, label=_arm(arm), zorder=6 if first else 3 + 0.1 * number,
        )  # fmt: skip


def _theory(ax: Axes, view: Run, name: str) -> None:
    theory = (view.summary.get("theory") or {}).get(name)
    if theory:
        levels = np.asarray(view.summary["contingency"])
        order = np.argsort(levels)
        ax.plot(
            levels[order], np.asarray(theory)[order], color="black", lw=1.1, ls=":", zorder=7,
            label="theory: perfect prediction, binomial counts",
        )  # fmt: skip


def _marks(view: Run, panels: Any) -> None:
    """Chance, the half point, and the criterion."""
    from bisnn.plots import style

    chance = view.summary["chance"]["forced_choice"]
    panels[3].axhline(chance, color=style.GREY, lw=0.9, ls="--", zorder=1)
    panels[3].text(
        1.0, chance - 0.14, f"chance {chance:.2f}", ha="right", va="top", color=style.GREY, fontsize="small",
        transform=panels[3].get_yaxis_transform(),
    )  # fmt: skip
    half = view.summary["half_point"]
    if half["value"] is not None:
        arm = view.summary.get("shown", reference(view))
        whose = "" if arm == reference(view) else f"{_arm(arm)}\n"
        panels[0].plot(half["value"], 0.5, "D", ms=5.5, mfc="white", mec="black", zorder=7)
        panels[0].annotate(
            f"{whose}half at {half['value']:.2f}\n[{half['ci95'][0]:.2f}, {half['ci95'][1]:.2f}]", (half["value"], 0.5),
            xytext=(9, -3), textcoords="offset points", va="top", fontsize="small",
        )  # fmt: skip
    criterion = view.summary["criterion"]
    panels[1].text(
        0.03, 0.06, f"none: fewer than {criterion['evidence']} of {criterion['of']} movements\nmatch the prediction",
        transform=panels[1].transAxes, fontsize="small", color=style.GREY,
    )  # fmt: skip


def _counted(view: Run) -> str:
    seeds, tests = len(view.manifest.seeds), view.manifest.configuration["episodes"]
    bodies = view.manifest.configuration["bodies"]
    drawn = "all points share their random draws"
    return f"{bodies} bodies; {seeds} individuals × {tests} tests a point ({drawn}); bands: 95 % intervals of the mean"


def arms(view: Run) -> Figure:
    """Own image found, and forced choice, at the highest contingency: individuals as dots, mean and interval."""
    from bisnn.plots import style

    with style.use():
        names = view.manifest.arms
        figure = style.figure(6.8, 1.45 + 0.3 * len(names))
        panels = figure.subplots(1, 2, sharey=True)
        titles = (("accuracy", "takes its own image for itself"), ("forced_choice", "own image has most evidence"))
        for ax, (measure, title) in zip(panels, titles, strict=True):
            found = {arm: view.summary["arms"][arm][measure] for arm in names}
            plots.arms(view.measure(measure), found, xlabel="share of tests", limits=(-0.03, 1.03), ax=ax)
            ax.set_title(title, pad=14)
            ax.set_yticks(range(len(names)), [_arm(arm) for arm in names])
            chance = view.summary["chance"][measure]
            ax.axvline(chance, color="black", lw=0.8, ls=":", zorder=1)
            ax.annotate(
                f"guess {chance:.2f}", (chance, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 2),
                textcoords="offset points", ha="center", va="bottom", fontsize=6.5, color="#666666",
            )  # fmt: skip
        panels[1].tick_params(labelleft=False)
        level = max(view.manifest.configuration["contingency"])
        figure.supxlabel(
            f"contingency {level:g}; dot: one individual (n = {len(view.manifest.seeds)}); diamond and bar: mean and "
            "95 % interval", fontsize=7, color=style.GREY,
        )  # fmt: skip
        return figure


def weights(view: Run) -> Figure:
    """What one individual of every arm learned: weights from motor to visual IPL."""
    from bisnn.plots import style

    with style.use():
        names = view.manifest.arms
        columns = min(3, len(names))
        figure = style.figure(6.8, 0.4 + 2.3 * -(-len(names) // columns))
        panels = np.atleast_1d(figure.subplots(-(-len(names) // columns), columns, squeeze=False)).ravel()
        found = {arm: recorded(view, arm) for arm in names}
        most = max([FIRES, *(float(one[1]["weight"].max()) for one in found.values() if one is not None)])
        for ax, arm in zip(panels, names, strict=False):
            one = found[arm]
            ax.set_title(_arm(arm))
            if one is None:
                missing(ax, UNRECORDED)
                continue
            _matrix(ax, np.asarray(one[1]["weight"]), most)
        for ax in panels[len(names) :]:
            ax.set_axis_off()
        figure.supxlabel(
            "weights from motor to visual IPL after babbling, one individual of each arm\n"
            f"bold: above {FIRES:g}, where the efference copy alone fires the visual cell: a prediction",
            fontsize=7, color=style.GREY,
        )  # fmt: skip
        return figure


def _matrix(ax: Axes, matrix: Floats, most: float) -> None:
    plots.weights(matrix, limit=most, bar=False, ax=ax)
    count = len(matrix)
    for (row, column), value in np.ndenumerate(matrix) if count <= 8 and matrix.any() else ():
        fires = value > FIRES
        ink = "white" if value > 0.6 * most else "black"
        ax.text(
            column, row, f"{value:.2f}", ha="center", va="center", fontsize=6.0 if count <= 5 else 4.5, color=ink,
            fontweight="bold" if fires else "normal",
        )  # fmt: skip
    ticks = range(0, count, max(1, count // 5))
    ax.set(xlabel="angle seen", ylabel="angle commanded", xticks=list(ticks), yticks=list(ticks))


FIGURES: Mapping[str, Draw] = {"contingency": contingency, "arms": arms, "weights": weights, "trial": trial}
"""Figures of mirror-test."""
