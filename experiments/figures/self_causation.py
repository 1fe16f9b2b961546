"""Figures of self-causation: contrasts by true cause, answers, arms, and the spikes of one attribution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bisnn import plots
from bisnn.experiments import measures
from bisnn.experiments.figures.data import events, missing, reference
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.results import Run
from bisnn.experiments.statistics import summarise
from bisnn.experiments.tasks.attribution import areas_under
from bisnn.experiments.tasks.consequences import KINDS
from bisnn.systems.self_causation import OPENS, SelfCausation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES: Mapping[str, str] = {
    "intact": "intact",
    "starting_state": "compared with the start",
    "no_counterfactual": "coincidence alone",
    "no_efference": "no efference copy",
    "no_learning": "forward model frozen",
    "confounded": "confounded babbling",
    "no_other_contrast": "other-contrast silenced",
}
"""Arms in words."""
ROWS = (
    ("harm by self", ("self",), "#0072B2"),
    ("harm by other", ("other",), "#D55E00"),
    ("harm by nature", ("nature",), "#009E73"),
    ("self and another", ("self+other", "self+nature", "all"), "#7A5195"),
)
"""Causes of harm in the figure of contrasts, the kinds of trials they stand for, and their colours."""
BINS = np.linspace(0.0, 1.0, 11)
TRIALS = ("Harm by self", "Harm by other")
"""The recorded trials that are shown, in the order of the schedule."""
WORLDS = ("what was done", "as if I\ndid nothing", "as if the other\ndid nothing", "as if neither\nacted")
"""The first worlds that are imagined, in words."""
AREAS = ("own", "other", "nature", "prediction", "held", "self_caused", "other_caused", "joint", "nature_caused")
"""Areas in the raster, from what is perceived to what it is compared to."""


def name(arm: str) -> str:
    """An arm in words."""
    from bisnn.plots import style

    return style.arm_name(arm, NAMES)


def _mean(view: Run, arm: str, measure: str) -> str:
    """A measure with its interval, as text."""
    found = view.summary.get("arms", {}).get(arm, {}).get(measure, {})
    if found.get("mean") is None:
        return "undefined"
    low, high = found["ci95"]
    return f"{found['mean']:.2f} [{low:.2f}, {high:.2f}]"


def contrasts(view: Run) -> Figure:
    """Distribution of the score of self-causation over test trials, by true cause, arm by arm."""
    from bisnn.plots import style

    with style.use():
        arms = view.manifest.arms
        across = min(4, len(arms))
        down = -(-len(arms) // across)
        figure = style.figure(1.3 + 1.85 * across, 0.75 + 1.95 * down)
        panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        score, kind = measures.table(view.episodes, "score"), measures.table(view.episodes, "kind")
        for number, ax in enumerate(panels.flat):
            if number >= len(arms):
                ax.set_axis_off()
                continue
            arm = arms[number]
            _ridges(ax, score[arm], kind[arm], float(view.manifest.configuration.get("criterion", 0.5)))
            ax.set_title(f"{name(arm)}\nAUROC {_mean(view, arm, 'auroc')}", fontsize=7.5)
            if number + across >= len(arms):
                ax.set_xlabel("score of self-causation")
                ax.tick_params(labelbottom=True)
        figure.supxlabel(
            "score: contrast h(act) − h(nothing), of coincidence: harm felt while acting;  bars: share of trials with "
            f"that cause, all {len(view.manifest.seeds)} individuals;\ndotted: criterion of blame;  AUROC: harm by "
            "self against harm by other or nature, mean and 95 % interval over individuals, chance 0.5",
            fontsize=7,
            color=style.GREY,
        )
        return figure


def _ridges(ax: Axes, score: NDArray[np.float64], kind: NDArray[np.float64], criterion: float) -> None:
    """A histogram for every cause, one above the other, the first at the top."""
    names = [each.name for each in KINDS]
    for row, (_, kinds, colour) in enumerate(ROWS):
        values = score[np.isin(kind, [names.index(each) for each in kinds])]
        share = np.histogram(np.clip(values, 0.0, 1.0), BINS)[0] / max(values.size, 1)
        base = len(ROWS) - 1 - row
        ax.bar(BINS[:-1], 0.85 * share, width=0.098, bottom=base, align="edge", color=colour, lw=0)
        ax.axhline(base, color="#BBBBBB", lw=0.5, zorder=0)
    ax.axvline(criterion, color="#666666", lw=0.8, ls=":", zorder=0)
    ax.set_yticks([len(ROWS) - 1 - row + 0.3 for row in range(len(ROWS))], [label for label, _, _ in ROWS])
    for tick, (_, _, colour) in zip(ax.get_yticklabels(), ROWS, strict=False):
        tick.set_color(colour)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.05, len(ROWS)), xticks=(0.0, 0.5, 1.0))


def confusion(view: Run) -> Figure:
    """Answers by true cause: the reference beside the arm that compares with the starting state."""
    from bisnn.plots import style

    with style.use():
        tables = view.summary.get("confusions", {})
        wanted = [arm for arm in (reference(view), "starting_state") if arm in tables]
        kinds = [each.name for each in KINDS if each.harms and not each.still]
        figure = style.figure(1.9 + 2.5 * max(1, len(wanted)), 3.3)
        panels = figure.subplots(1, max(1, len(wanted)), squeeze=False, sharey=True)[0]
        if not wanted:
            missing(panels[0], "This run has no answers.")
        for ax, arm in zip(panels, wanted, strict=False):
            shares = np.array([[np.nan if x is None else x for x in row] for row in tables[arm]], dtype=np.float64)
            plots.heat(shares[::-1], kinds[::-1], ["self", "other", "nature"], label="share of answers", ax=ax)
            ax.axhline(len(kinds) - 3.5, color="white", lw=2.0)
            ax.set_title(f"{name(arm)}\naccuracy {_mean(view, arm, 'accuracy')}")
            ax.set_xlabel("answer")
        panels[0].set_ylabel("true cause of the harm\n(below the line: several, each sufficient)")
        figure.supxlabel(
            f"n = {len(view.manifest.seeds)} individuals;  chance: 0.33 for each answer", fontsize=7, color=style.GREY
        )
        return figure


def arms(view: Run) -> Figure:
    """Every arm: AUROC, false and missed blame, and interference with the other's harmless act."""
    from bisnn.plots import style

    with style.use():
        names = view.manifest.arms
        figure = style.figure(8.6, 1.5 + 0.29 * len(names))
        panels = figure.subplots(1, 4, sharey=True)
        shown = (
            ("auroc", "AUROC of the contrast", "Self told from others", 0.5),
            ("false_blame", "harms of others blamed on self", "False blame", 0.5),
            ("missed_blame", "own harms not blamed on self", "Missed blame", 0.5),
            ("interference", "permitted acts held back", "Interference", None),
        )
        for ax, (measure, label, title, chance) in zip(panels, shown, strict=True):
            summary = {arm: view.summary.get("arms", {}).get(arm, {}).get(measure, {}) for arm in names}
            plots.arms(
                seeds(view, measure), summary, xlabel=label, reference=reference(view), limits=(-0.03, 1.03),
                number="{:.2f}", ax=ax,
            )  # fmt: skip
            ax.set_title(title)
            if chance is not None:
                ax.axvline(chance, color="#9A9A9A", lw=0.8, ls=":", zorder=1)
            ax.tick_params(labelleft=False)
        panels[0].set_yticks(range(len(names)), [name(arm) for arm in names])
        panels[0].tick_params(labelleft=True)
        what = f"dot: one individual (n = {len(view.manifest.seeds)});  diamond and bar: mean and 95 % interval"
        figure.supxlabel(f"{what};  dotted: chance (a coin that blames the self)", fontsize=7, color=style.GREY)
        return figure


def overdetermined(view: Run) -> Figure:
    """Blame of the self by true causes, one or several: but-for contrast, responsibility, and what is due."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(6.2, 3.0)
        ax = figure.add_subplot()
        kinds = [(k, each) for k, each in enumerate(KINDS) if each.harms and not each.still]
        kind = measures.table(view.episodes, "kind")[reference(view)]
        shown = (
            ("contrast", "but-for contrast h(act) − h(nothing)", "#0072B2", "o", -0.12),
            ("responsibility", "responsibility 1/(1 + k)", "#D55E00", "s", 0.12),
        )
        for what, label, colour, marker, shift in shown:
            values = measures.table(view.episodes, f"self_{what}")[reference(view)]
            found = [summarise([row[mask].mean() for row, mask in _pairs(values, kind == k)]) for k, _ in kinds]
            places = [place + shift for place, each in enumerate(found) if each["n"]]
            found = [each for each in found if each["n"]]
            ends = [(each["mean"] - each["ci95"][0], each["ci95"][1] - each["mean"]) for each in found]
            ax.errorbar(
                places, [each["mean"] for each in found], yerr=np.array(ends).T if ends else None, fmt=marker, ms=5,
                color=colour, lw=1.5, label=label, clip_on=False,
            )  # fmt: skip
        for place, (_, each) in enumerate(kinds):
            due = 1.0 / each.harms.bit_count() if each.harms & 1 else 0.0
            label = "" if place else "due: 1/(number of sufficient causes), 0 for others"
            ax.plot((place - 0.35, place + 0.35), (due, due), color="#444444", lw=0.9, ls=":", label=label, zorder=0)
        ax.axvline(2.5, color="#BBBBBB", lw=0.8)
        ax.set_xticks(range(len(kinds)), [each.name.replace("+", "\n+ ") for _, each in kinds])
        ax.set(
            ylim=(-0.03, 1.03),
            ylabel="score of the self",
            xlabel="true cause of the harm: one | several, each sufficient",
        )
        ax.legend(loc="upper right", fontsize=6.5)
        ax.set_title(
            f"Over-determined harms ({name(reference(view))}, n = {len(view.manifest.seeds)}; mean, 95 % interval)"
        )
        return figure


def _pairs(
    values: NDArray[np.float64], chosen: NDArray[np.bool_]
) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """The rows of individuals that have a chosen trial."""
    return [(row, mask) for row, mask in zip(values, chosen, strict=True) if mask.any()]


def seeds(view: Run, measure: str) -> dict[str, NDArray[np.float64]]:
    """A measure of every individual, arm -> `[seeds]`."""
    found: Mapping[str, Any] = areas_under(view.episodes)[measure] if measure == "auroc" else view.measure(measure)
    return {arm: np.asarray(found[arm], dtype=np.float64) for arm in view.manifest.arms}


def trial(view: Run) -> Figure:
    """Spikes of two attributions, of an own harm and of one by the other: actual world, imagined ones, contrasts."""
    from bisnn.plots import style

    with style.use():
        model, columns = SelfCausation(), view.spikes
        figure = style.figure(7.6, 4.6)
        panels = figure.subplots(1, 2)
        kept = columns["seed"][columns["arm"] == reference(view)] if columns else np.zeros(0)
        for number, ax in enumerate(panels):
            if not len(kept):
                missing(ax)
                continue
            mine = (columns["seed"] == kept.min()) & (columns["arm"] == reference(view))
            mine &= columns["episode"] == number
            _raster(ax, view, mine & (columns["tick"] < len(WORLDS) * model.ticks), model)
            ax.set_title(f"{'ab'[number]}   {TRIALS[number]}", pad=30)
            ax.tick_params(labelleft=number == 0)
        figure.supxlabel(
            f"one individual ({name(reference(view))}); each row a cell; from prediction down, the upper half stands "
            "for harm, the lower for a harmless change;\nyellow: the imagined world in which a contrast area is open",
            fontsize=7,
            color=style.GREY,
        )
        return figure


def _raster(ax: Axes, view: Run, mine: NDArray[np.bool_], model: SelfCausation) -> None:
    """The areas of one trial, with the imagined worlds as columns."""
    length = model.ticks * model.dt
    plots.raster(events(view, mine, model.circuit, AREAS), AREAS, end=len(WORLDS) * length, ax=ax)
    for number, label in enumerate(WORLDS):
        if number:
            ax.axvline(number * length, color="#444444", lw=0.8)
        ax.annotate(
            label, ((number + 0.5) * length, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 4),
            textcoords="offset points", ha="center", va="bottom", fontsize=6,
        )  # fmt: skip
    opened = {area: world for area, world in OPENS.items() if area in AREAS}
    bottom = ax.get_ylim()[0]
    for area, world in opened.items():
        first = sum(1 for _ in AREAS[: AREAS.index(area)])
        low, high = _span(first, bottom)
        ax.fill_between([world * length, (world + 1) * length], low, high, color="#FFE9A8", lw=0, zorder=0.5)


def _span(row: int, bottom: float) -> tuple[float, float]:
    """Where the area of a row lies on the axis of a raster."""
    sizes = [SelfCausation().circuit.areas[area].n for area in AREAS]
    total = sum(sizes)
    heights = [max(size, plots.rasters.LEAST * total) for size in sizes]
    low = sum(heights[:row]) + row * 0.012 * total
    return low, low + heights[row]


FIGURES: Mapping[str, Draw] = {
    "contrasts": contrasts,
    "confusion": confusion,
    "overdetermined": overdetermined,
    "arms": arms,
    "trial": trial,
}
"""Figures of self-causation."""
