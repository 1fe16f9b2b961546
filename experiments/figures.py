"""The figures of the experiments, each a function of a `Run` that returns a matplotlib Figure, and their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bisnn import plots
from bisnn.errors import RunCorrupt
from bisnn.experiments import figures_dose, figures_episode, figures_network, measures, storage
from bisnn.experiments.figures_data import missing, reference
from bisnn.experiments.results import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[[Run], "Figure"]
BARE: Mapping[str, Mapping[str, None]] = {
    "png": {"Software": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
}
"""Metadata of each format: no dates and no versions, so that the same run gives the same file."""


def save(view: Run, name: str, function: Draw) -> list[Path]:
    """Draw one figure of a run and write figures/NAME.png and figures/NAME.pdf, each whole or not at all."""
    from bisnn.plots import style

    written = []
    with style.use():
        figure = function(view)
        for form, metadata in BARE.items():
            path = storage.confine(view.path, f"figures/{name}.{form}")
            storage.write_whole(path, lambda file, form=form, bare=dict(metadata): _write(figure, file, form, bare))
            written.append(path)
    return written


def _write(figure: Figure, file: Any, form: str, metadata: dict[str, Any]) -> None:
    figure.savefig(file, format=form, metadata=metadata)


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
        lines, names = panels[0].get_legend_handles_labels()
        if lines:
            figure.legend(lines, names, loc="outside right center", title=_seeds(view), title_fontsize=7.5)
        return figure


TITLES: Mapping[str, str] = {
    "help_rate": "Help: share of painful episodes in which the other was relieved",
    "return_external": "What the helper itself earned per episode",
}


def _curves(view: Run, measure: str) -> dict[str, measures.Curve] | None:
    """The curves of a measure, arms in the order of the manifest; of the return a curve needs a fair scale, so
    its first blocks may lie below the axes. None where the run lacks it."""
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
            (left, "help_rate", "painful episodes in which it helped", (-0.03, 1.03)),
            (right, "return_external", "own return per episode", None),
        )
        for ax, measure, label, limits in shown:
            summary = {arm: view.summary.get("arms", {}).get(arm, {}).get(measure, {}) for arm in names}
            plots.arms(
                view.measure(measure), summary, xlabel=label, reference=reference(view), limits=limits, ax=ax,
            )  # fmt: skip
        left.set_title("Does it help?")
        right.set_title("What does it cost the helper?")
        right.tick_params(labelleft=False)
        left.set_xticks((0.0, 0.25, 0.5, 0.75, 1.0), ("0", "25 %", "50 %", "75 %", "100 %"))
        _optima(right, view)
        last = measures.window(int(view.manifest.configuration.get("episodes", 1)))
        what = f"dot: one of {len(view.manifest.seeds)} individuals, last {last} episodes"
        figure.supxlabel(f"{what};  diamond and bar: mean and 95 % interval", fontsize=7, color=style.GREY)
        return figure


def _optima(ax: Any, view: Run) -> None:
    """Mark, in the panel of returns, what an optimal selfish and an optimal altruistic helper would earn."""
    payoff = view.summary.get("payoff", {})
    for name in ("altruistic", "selfish"):
        if isinstance(payoff.get(name), int | float):
            ax.axvline(payoff[name], color="#9A9A9A", lw=0.8, ls=":", zorder=1)
            ax.annotate(
                f"best {name}", (payoff[name], 1.0), xycoords=("data", "axes fraction"), xytext=(-2, -3),
                textcoords="offset points", rotation=90, ha="right", va="top", fontsize=6, color="#777777",
            )  # fmt: skip


RESCUE: Mapping[str, Draw] = {
    "development": figures_network.development,
    "weights": figures_network.weights,
    "census": figures_network.census,
    "relief": figures_episode.relief,
    "learning_curves": learning_curves,
    "arms": arms,
    "rescue": figures_episode.rescue,
}
"""Figures of altruistic-rescue."""
DOSE: Mapping[str, Draw] = {"dose_response": figures_dose.dose_response, "dose_map": figures_dose.dose_map}
"""Figures of empathy-dose-response."""
