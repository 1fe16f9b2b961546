"""Figures of body-schema: error spikes around each change, movements until recovery, the learned synapses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bisnn import plots
from bisnn.experiments.figures.data import missing
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.measures import band
from bisnn.experiments.results import Run
from bisnn.experiments.tasks.body_schema import BAND, LEAST, Felt, by_body, scored
from bisnn.systems.forward_model import ForwardModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
NAMES: Mapping[str, str] = {
    "no_plasticity": "no plasticity",
    "no_error": "error cells silenced",
    "cannot_learn": "“felt” does not teach",
    "cannot_unlearn": "“missing” does not teach",
    "slow_learning": "a quarter of the rate",
}
COLOURS: Mapping[str, str] = {
    "intact": "#0072B2",
    "no_plasticity": "#D55E00",
    "no_error": "#555555",
    "cannot_learn": "#882255",
    "cannot_unlearn": "#E69F00",
    "slow_learning": "#009E73",
}
TITLES: Mapping[str, str] = {
    "none": "no change (control)",
    "permute": "actions a quarter turn off",
    "lesion": "one action does nothing",
    "tool": "a tool: one cell further",
}
STAGES: Mapping[str, str] = {
    "before": "before",
    "early": "after 12 movements",
    "late": "learned",
    "reverted": "taken back",
}
ROUND = 4
"""Movements in one point of a time course: every action once."""


def _name(arm: str) -> str:
    from bisnn.plots import style

    return style.arm_name(arm, NAMES)


def _colour(arm: str, place: int) -> str:
    from bisnn.plots import style

    return style.colour(arm, COLOURS, place)


def _bodies(view: Run) -> tuple[str, ...]:
    return ("none", *view.manifest.configuration["change"])


def _span(view: Run) -> tuple[int, int]:
    """The movements at which the body changes and at which the change is taken back."""
    born = int(view.manifest.configuration["development"])
    return born, born + int(view.manifest.configuration["episodes"])


def recovery(view: Run) -> Figure:
    """Prediction error of every movement from before the change to after its end, for every change and arm."""
    from bisnn.plots import style

    with style.use():
        bodies, (born, end) = _bodies(view), _span(view)
        found = by_body(view.episodes, bodies)
        figure = style.figure(7.2, 1.55 * len(bodies) + 0.9)
        panels = np.atleast_1d(figure.subplots(len(bodies), 1, sharex=True))
        for ax, body, letter in zip(panels, bodies, "abcd", strict=False):
            for place, arm in enumerate(view.manifest.arms):
                if not found[body][arm].error[:, born:].any():
                    continue
                _course(ax, found[body][arm], born, arm, place)
            first = found[body][view.manifest.arms[0]]
            _ground(ax, first, born, end)
            actions = view.summary["arms"][view.manifest.arms[0]][f"actions_{body}"]
            if body != "none" and actions["mean"] is not None:
                ax.axvline(actions["mean"], color=COLOURS["intact"], lw=0.9, ls=":")
                ax.text(
                    actions["mean"] + 2.0, 0.9, f"intact: back after {actions['mean']:.0f} movements",
                    transform=ax.get_xaxis_transform(), fontsize=7, color=COLOURS["intact"], va="center",
                )  # fmt: skip
            ax.set_title(f"{letter}   {TITLES[body]}")
            ax.set_ylim(0.0, 1.25 * ax.get_ylim()[1])
        panels[-1].set_xlabel("movements from the change")
        panels[-1].set_xlim(-40, None)
        figure.supylabel("error spikes per movement (felt + missing)", fontsize=8)
        lines, names = panels[0].get_legend_handles_labels()
        figure.legend(lines, names, loc="outside upper center", ncols=4)
        told = f"mean of {len(view.manifest.seeds)} individuals and its 95 % band, in rounds of {ROUND} movements"
        figure.supxlabel(
            f"{told};  grey: up to 10 % above\nthe error of a twin born with the changed body;  back: the mean of 20 "
            "movements is within it;  arms without error spikes: see the figure of arms",
            fontsize=7, color=style.GREY,
        )  # fmt: skip
        return figure


def _course(ax: Axes, felt: Felt, born: int, arm: str, place: int) -> None:
    """Error spikes of one arm, a point for each round."""
    start, count = born % ROUND, (felt.error.shape[1] - born % ROUND) // ROUND
    rounds = felt.error[:, start : start + count * ROUND].reshape(len(felt.error), count, ROUND).mean(-1)
    x = start + np.arange(count) * ROUND - born + 0.5 * ROUND
    mean = rounds.mean(0)
    ax.fill_between(x, *band(rounds), color=_colour(arm, place), alpha=0.2, lw=0)
    first = place == 0
    ax.plot(x, mean, color=_colour(arm, place), lw=2.0 if first else 1.2, zorder=4 if first else 3, label=_name(arm))


def _ground(ax: Axes, felt: Felt, born: int, end: int) -> None:
    """The band in which an error counts as recovered, and the two moments at which the body changes."""
    for first, last, twin in ((0, end - born, felt.native), (end - born, felt.error.shape[1] - born, felt.usual)):
        ax.fill_between((first, last), 0.0, max(BAND * float(twin.mean()), LEAST), color="#DDDDDD", lw=0, zorder=0)
    for at, text in ((0, "change"), (end - born, "taken back")):
        ax.axvline(at, color="#444444", lw=0.8)
        ax.annotate(
            text, (at, 1.0), xycoords=("data", "axes fraction"), xytext=(2, -2), textcoords="offset points",
            fontsize=6.5, color="#444444", va="top",
        )  # fmt: skip


def arms(view: Run) -> Figure:
    """Movements until recovery, and the mismatch that is left at the end of the change, for every change and arm."""
    from bisnn.plots import style

    with style.use():
        bodies, (born, end) = _bodies(view)[1:], _span(view)
        found, names = by_body(view.episodes, ("none", *bodies)), view.manifest.arms
        figure = style.figure(7.2, (0.62 + 0.2 * len(names)) * len(bodies) + 0.7)
        panels = figure.subplots(len(bodies), 2, sharex="col", sharey=True, squeeze=False)
        for (left, right), body in zip(panels, bodies, strict=True):
            for place, arm in enumerate(names):
                values = scored(found[body][arm], born, end)
                _dots(left, values["actions"], place, _colour(arm, place))
                _dots(right, values["left_mismatch"], place, _colour(arm, place))
                back = int(values["recovered"].sum())
                text = f"{back} of {len(values['recovered'])} recovered"
                left.text(1.0, place, text, transform=left.get_yaxis_transform(), va="center", ha="right", fontsize=6.5)
            left.set_yticks(range(len(names)), [_name(arm) for arm in names])
            left.set_ylim(len(names) - 0.5, -0.5)
            left.tick_params(axis="y", length=0)
            right.tick_params(axis="y", length=0)
            left.set_title(TITLES[body])
            left.set_xlim(0.0, 1.45 * (end - born))
            left.axvline(end - born, color="#8A8A8A", lw=0.8, ls=":")
            right.axvline(1.0, color="#8A8A8A", lw=0.9, ls=(0, (4, 2)))
        panels[-1, 0].set_xlabel("movements until back (≤ 10 % above the twin)")
        panels[-1, 1].set_xlabel("mismatch at the end (× twin; dashed: 1)")
        what = (
            f"dot: one individual (n = {len(view.manifest.seeds)});  diamond: mean;  twin: born with the changed body"
        )
        figure.supxlabel(what, fontsize=7, color=style.GREY)
        return figure


def _dots(ax: Axes, values: Floats, row: int, colour: str) -> None:
    """Every individual of one arm, and the mean of those that have a value."""
    known = values[np.isfinite(values)]
    place = row + 0.5 * (((np.arange(len(known)) * 0.618) % 1.0) - 0.5)
    ax.scatter(known, place, s=7, color=colour, alpha=0.45, lw=0)
    if known.size:
        ax.plot(known.mean(), row, "D", ms=5, mfc=colour, mec="white", mew=0.8)


def weights(view: Run) -> Figure:
    """Synapses from efference copy to prediction of the first recorded intact individual, at four moments."""
    from bisnn.plots import style

    with style.use():
        bodies = _bodies(view)[1:]
        figure = style.figure(7.2, 1.5 * len(bodies) + 0.7)
        panels = figure.subplots(len(bodies), len(STAGES), sharex=True, sharey=True, squeeze=False)
        arm = view.manifest.arms[0]
        names = [name for name in view.recordings if view.notes(name).get("arm") == arm]
        if not names:
            for ax in panels.flat:
                ax.set_axis_off()
            missing(panels[0, 1])
            return figure
        first = min(names, key=lambda name: int(view.notes(name)["seed"]))
        kept, model = view.recordings[first], ForwardModel()
        most = max(float(kept[f"weight/{stage}"].max()) for stage in STAGES)
        cells, side = model.command_cells, model.n // 4
        groups = {
            "command": {name: (i * cells, (i + 1) * cells) for i, name in enumerate(("up", "down", "right", "left"))},
            "prediction": {name: (i * side, (i + 1) * side) for i, name in enumerate(("right", "left", "down", "up"))},
        }
        for row, body in enumerate(bodies):
            for column, (stage, told) in enumerate(STAGES.items()):
                ax = panels[row, column]
                matrix = kept[f"weight/{stage}"][row + 1].numpy()
                plots.weights(
                    matrix, "command", "prediction", limit=most, bar=column == len(STAGES) - 1, groups=None, ax=ax
                )
                _label(ax, groups)
                ax.set(xlabel="", ylabel="")
                if row == 0:
                    ax.set_title(told)
                if column == 0:
                    ax.set_ylabel(TITLES[body].replace(": ", ":\n").replace("does", "\ndoes"), fontsize=7)
        figure.supxlabel(
            f"predicted direction (cells near to far)      individual {view.notes(first)['seed']}, {_name(arm)}",
            fontsize=7, color=style.GREY,
        )  # fmt: skip
        figure.supylabel("command", fontsize=8)
        return figure


def _label(ax: Axes, groups: Mapping[str, Mapping[str, tuple[int, int]]]) -> None:
    """Names of commands and directions in place of the numbers of cells."""
    for axis, area in ((ax.xaxis, "prediction"), (ax.yaxis, "command")):
        axis.set_ticks([0.5 * (first + last - 1) for first, last in groups[area].values()], list(groups[area]))
        axis.set_tick_params(length=0, labelsize=6.5)


FIGURES: Mapping[str, Draw] = {"recovery": recovery, "arms": arms, "weights": weights}
"""Figures of body-schema."""
