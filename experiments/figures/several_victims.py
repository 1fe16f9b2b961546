"""Figures of several-victims: what decides whom it saves, whether groups are treated alike, and what is spared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bisnn import plots
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.measures import band, over_seeds
from bisnn.experiments.results import Run
from bisnn.experiments.statistics import Floats
from bisnn.experiments.tasks.several_victims_scores import STEP, Table, gaps, scores, tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES: Mapping[str, str] = {
    "intact": "intact",
    "swapped_marks": "marks swapped",
    "no_grading": "affect all or none",
    "biased": "biased to own group",
    "no_mirror": "no mirror neurons",
    "selfish": "no empathy (λ = 0)",
    "tabular_q": "tabular Q-learning",
    "random": "random",
    "nearest": "nearest first",
    "neediest": "most pain spared (oracle)",
    "lottery": "need first, then lot",
}
"""Arms in words."""
COLOURS: Mapping[str, str] = {
    "intact": "#0072B2",
    "no_grading": "#D55E00",
    "biased": "#882255",
    "tabular_q": "#E69F00",
    "nearest": "#999999",
    "neediest": "#222222",
}
"""Colours of the arms whose choices are drawn."""
MARKERS: Mapping[str, str] = {"intact": "o", "no_grading": "s", "biased": "D", "tabular_q": "^", "nearest": "v"}


def name(arm: str) -> str:
    """An arm as figures call it."""
    from bisnn.plots import style

    return style.arm_name(arm, NAMES)


def _among(rows: Table, value: Floats, level: float, chosen: NDArray[np.bool_]) -> Floats:
    """Share of choices for the first victim where `value` is `level`, `[seeds, 1]`; NaN where there is none."""
    here = chosen & (np.abs(value - level) < 1e-6)
    count = here.sum(-1)
    total = (rows["saved_1"] * here).sum(-1)
    share = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return np.asarray(share[:, None])


def choice(view: Run) -> Figure:
    """Who is saved, as a function of the difference in need and of that in distance."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 3.4)
        left, right = figure.subplots(1, 2, sharey=True)
        found = tables(view.episodes)
        for arm in (arm for arm in COLOURS if arm in found):
            rows = found[arm]
            one = rows["saved_1"] + rows["saved_2"] == 1.0
            need = np.round((rows["need_1"] - rows["need_2"]) / STEP)
            distance = np.round(rows["distance_2"] - rows["distance_1"])
            _curve(left, arm, rows, need, one)
            _curve(right, arm, rows, distance, one)
        for ax, text in (
            (left, "need of victim 1 − need of victim 2, levels"),
            (right, "steps by which victim 1 is nearer"),
        ):
            ax.axhline(0.5, color=style.GREY, lw=0.8, ls=":")
            ax.axvline(0.0, color=style.GREY, lw=0.8, ls=":")
            ax.set(xlabel=text, ylim=(-0.03, 1.03))
        left.set_ylabel("share of choices for victim 1")
        left.set_title("a   By need")
        right.set_title("b   By distance")
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
        return figure


def _curve(ax: Axes, arm: str, rows: Table, value: Floats, one: NDArray[np.bool_]) -> None:
    """Shares of choices for the first victim at every level of `value`, mean over individuals with its interval."""
    levels = [level for level in np.unique(value) if (one & (value == level)).any()]
    if not levels:
        return
    shares = np.concatenate([_among(rows, value, level, one) for level in levels], -1)
    low, high = band(shares)
    mean, first = over_seeds(shares), arm == "intact"
    dash = "--" if arm in ("neediest", "nearest") else "-"
    if dash == "-":
        ax.fill_between(levels, low, high, color=COLOURS[arm], alpha=0.15, lw=0)
    ax.plot(
        levels, mean, color=COLOURS[arm], ls=dash, lw=2.0 if first else 1.2, marker=MARKERS.get(arm), ms=4,
        label=name(arm), zorder=4 if first else 3,
    )  # fmt: skip


def fairness(view: Run) -> Figure:
    """At which rate victims of the first group are saved above those of the second, who are in equal need."""
    from bisnn.plots import style

    with style.use():
        found = tables(view.episodes)
        arms = [arm for arm in NAMES if arm in found and arm != "no_mirror"]
        by_arm = {arm: gaps(found[arm]) for arm in arms}
        figure = style.figure(7.2, 1.6 + 0.3 * len(arms))
        left, right = figure.subplots(1, 2, sharey=True)
        bound = float(view.summary["fairness"][view.manifest.arms[0]]["adjusted_gap"]["bound"])
        for ax, measure, text in (
            (left, "equal_need_gap", "gap at equal need"),
            (right, "adjusted_gap", "gap given need and distance"),
        ):
            rows = {name(arm): by_arm[arm][measure] for arm in arms}
            summary = {name(arm): view.summary["arms"][arm][measure] for arm in arms}
            most = 1.1 * max([0.2, *(float(np.nanmax(np.abs(row))) for row in rows.values() if np.isfinite(row).any())])
            plots.arms(rows, summary, xlabel=text, reference=None, limits=(-most, most), ax=ax)
            ax.axvline(0.0, color=style.GREY, lw=0.9, zorder=1)
            ax.axvspan(-bound, bound, color="#009E73", alpha=0.12, lw=0, zorder=0.5)
            ax.locator_params(axis="x", nbins=5)
        left.set_title("a   Equal need, different groups")
        right.set_title("b   Adjusted for need and distance")
        right.tick_params(labelleft=False)
        count = len(view.manifest.seeds)
        figure.supxlabel(
            "rate at which the first group is saved − rate of the second; green: equivalence bound\n"
            f"dot: one individual (n = {count}); diamond and bar: mean, 95 % interval",
            fontsize=7,
            color=style.GREY,
        )
        return figure


def outcome(view: Run) -> Figure:
    """Whether the neediest is saved, and how much of the pain that could be spared is spared."""
    from bisnn.plots import style

    with style.use():
        found = tables(view.episodes)
        arms = [arm for arm in NAMES if arm in found]
        by_arm = {arm: scores(found[arm], 1) for arm in arms}
        figure = style.figure(7.2, 1.6 + 0.3 * len(arms))
        axes = figure.subplots(1, 3, sharey=True)
        shown = (
            ("neediest", "neediest saved, share", (-0.02, 1.02)),
            ("spared", "pain spared, of the oracle's", (-0.02, 1.02)),
            ("return_external", "own return per episode", None),
        )
        for ax, (measure, text, limits) in zip(axes, shown, strict=True):
            rows = {name(arm): by_arm[arm][measure] for arm in arms}
            summary = {name(arm): view.summary["arms"][arm][measure] for arm in arms}
            plots.arms(rows, summary, xlabel=text, reference=None, limits=limits, ax=ax)
            ax.tick_params(labelleft=ax is axes[0])
            ax.locator_params(axis="x", nbins=3)
        for ax, title in zip(axes, ("a   Whom?", "b   What for?", "c   At what cost?"), strict=True):
            ax.set_title(title)
        count = len(view.manifest.seeds)
        text = f"test episodes; dot: one individual (n = {count}); diamond and bar: mean, 95 % interval"
        figure.supxlabel(text, fontsize=7, color=style.GREY)
        return figure


FIGURES: Mapping[str, Draw] = {"choice": choice, "fairness": fairness, "outcome": outcome}
"""Figures of several-victims."""
