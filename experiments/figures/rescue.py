"""Figures of altruistic-rescue: learning curves and arms; those of one episode and of the network beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bisnn import plots
from bisnn.errors import RunCorrupt
from bisnn.experiments import measures
from bisnn.experiments.figures import episode, network
from bisnn.experiments.figures.data import missing, reference
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.results import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def learning_curves(view: Run) -> Figure:
    """Help rate and external return over the episodes, arm by arm, with 95 % intervals over seeds."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(6.8, 5.0)
        panels = figure.subplots(2, 1, sharex=True)
        shown = (("help_rate", "help rate"), ("return_external", "external return"))
        for ax, letter, (measure, title) in zip(panels, "ab", shown, strict=True):
            found = _curves(view, measure)
            if found is None:
                missing(ax, f"this run has no {title}")
                continue
            plots.curves(found, ylabel=title, xlabel="", reference=reference(view), legend=False, ax=ax)
            ax.set_title(f"{letter}   {TITLES[measure]}")
        panels[0].set_ylim(-0.03, 1.03)
        panels[1].set_xlabel("episode")
        panels[1].set_xlim(0, int(view.manifest.configuration.get("episodes", 1)))
        lines, names = panels[0].get_legend_handles_labels()
        if lines:
            figure.legend(
                lines, names, loc="outside right center", title=_seeds(view), title_fontsize=7.5, alignment="left"
            )
        return figure


TITLES: Mapping[str, str] = {
    "help_rate": "Help: share of painful episodes in which the other was relieved",
    "return_external": "What the helper itself earned per episode",
}


def _curves(view: Run, measure: str) -> dict[str, measures.Curve] | None:
    """The curves of a measure, arms in the order of the manifest, or None where the run lacks it."""
    try:
        found = measures.curve(view.episodes, measure)
    except RunCorrupt:
        return None
    return {arm: found[arm] for arm in view.manifest.arms if arm in found}


def _seeds(view: Run) -> str:
    count = len(view.manifest.seeds)
    return f"mean of {count} seeds,\n95 % intervals\n" if count > 1 else "one seed\n"


def arms(view: Run) -> Figure:
    """Help rate and external return of every arm at the end of life: seeds as dots, mean and interval."""
    from bisnn.plots import style

    with style.use():
        names = view.manifest.arms
        figure = style.figure(6.8, 1.35 + 0.29 * len(names))
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.15, 1.0))
        shown = (
            (left, "help_rate", "painful episodes in which it helped", (-0.03, 1.03), "{:.0%}"),
            (right, "return_external", "own return per episode", _fair(view), "{:.1f}"),
        )
        for ax, measure, label, limits, number in shown:
            summary = {arm: view.summary.get("arms", {}).get(arm, {}).get(measure, {}) for arm in names}
            plots.arms(
                view.measure(measure), summary, xlabel=label, reference=reference(view), limits=limits,
                number=number, ax=ax,
            )  # fmt: skip
        left.set_title("Does it help?", pad=14)
        right.set_title("What does it earn for itself?", pad=14)
        right.tick_params(labelleft=False)
        left.set_xticks((0.0, 0.25, 0.5, 0.75, 1.0), ("0%", "25%", "50%", "75%", "100%"))
        _optima(right, view)
        last = measures.window(int(view.manifest.configuration.get("episodes", 1)))
        what = f"dot: one individual (n = {len(view.manifest.seeds)}), end of life (episodes counted: {last})"
        figure.supxlabel(f"{what};  diamond and bar: mean and 95 % interval", fontsize=7, color=style.GREY)
        return figure


def _fair(view: Run) -> tuple[float, float] | None:
    """Ends of the axis of returns: around what optimal helpers earn, unless too many arms earn far less."""
    payoff = view.summary.get("payoff", {})
    best, other = payoff.get("selfish"), payoff.get("altruistic")
    if best is None or other is None or best <= other:
        return None
    low, high = other - 1.5 * (best - other), best + 0.4 * (best - other)
    means = [row.get("return_external", {}).get("mean") for row in view.summary.get("arms", {}).values()]
    outside = [mean for mean in means if mean is not None and not low <= mean <= high]
    return (low, high) if len(outside) <= len(means) / 4 else None


def _optima(ax: Any, view: Run) -> None:
    """Mark, in the panel of returns, what an optimal selfish and an optimal altruistic helper would earn."""
    payoff = view.summary.get("payoff", {})
    found = {name: payoff.get(name) for name in ("altruistic", "selfish") if payoff.get(name) is not None}
    for place in found.values():
        ax.axvline(place, color="#9A9A9A", lw=0.8, ls=":", zorder=1)
    labels = [(f"best {name}", place, "data", "center") for name, place in found.items()]
    if _fair(view) is None and found:
        labels = [("dotted: " + ", ".join(f"best {name}" for name in found), 1.0, "axes fraction", "right")]
    for text, place, system, align in labels:
        ax.annotate(
            text, (place, 1.0), xycoords=(system, "axes fraction"), xytext=(0, 2),
            textcoords="offset points", ha=align, va="bottom", fontsize=6.5, color="#666666",
        )  # fmt: skip


FIGURES: Mapping[str, Draw] = {
    "development": network.development,
    "weights": network.weights,
    "census": network.census,
    "relief": episode.relief,
    "learning_curves": learning_curves,
    "arms": arms,
    "rescue": episode.rescue,
}
"""Figures of altruistic-rescue."""
