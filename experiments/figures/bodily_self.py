"""The figures of bodily-self: one individual from the inside, step by step, and what the arms can tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bisnn.experiments.figures.data import missing, reference
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.measures import table
from bisnn.experiments.results import Run
from bisnn.experiments.tasks.bodily_self import INJURED, OTHER_IMAGE, OWN_IMAGE, PUSHED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
PHASES: Mapping[int, tuple[str, str]] = {
    PUSHED: ("pushed", "#DCE9F5"),
    INJURED: ("injured", "#F6D5C6"),
    OWN_IMAGE: ("sees itself", "#D9EFE4"),
    OTHER_IMAGE: ("sees other", "#E6E1F2"),
}
"""Phase -> its word and ground."""
ARMS: Mapping[str, str] = {
    "no_efference": "no efference copy",
    "not_babbled": "never learned its body",
    "no_pain": "pain cells silenced",
    "shuffled_image": "image shuffled",
}
"""Arms in words."""
BLUE, RED, DARK, ORANGE, GREEN = "#0072B2", "#B2182B", "#222222", "#D55E00", "#009E73"


def self(view: Run) -> Figure:
    """Predicted and actual body, error spikes, pain, agency and ownership over one session, events marked."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.4, 6.8)
        found = _recorded(view)
        if found is None:
            missing(figure.add_subplot())
            return figure
        seed, tracks, rows, everyone = found
        panels = figure.subplots(6, 1, sharex=True, height_ratios=(1.1, 1.1, 1, 0.8, 0.9, 1.0))
        for ax in panels:
            _ground(ax, rows["phase"])
        for ax, axis, name in zip(panels[:2], (0, 1), ("column", "row"), strict=True):
            _body(ax, tracks, axis, name)
        _errors(panels[2], rows)
        _pain(panels[3], rows, everyone)
        _level(panels[4], rows["agency"], everyone["agency"], BLUE, "agency")
        panels[4].set(ylim=(-0.05, 1.05), yticks=(0, 1), yticklabels=("0: moved", "1: I move"))
        _level(panels[5], rows["ownership"], everyone["ownership"], GREEN, "ownership\nof the image")
        panels[5].axhline(0.0, color="#9A9A9A", lw=0.8, ls=":")
        panels[5].set(ylim=(-1.7, 1.15), yticks=(-1.25, 0, 1), yticklabels=("chance", "0", "1: mine"))
        _words(panels[0], rows["phase"])
        panels[-1].set(xlabel="step of the session", xlim=(0, len(rows["phase"])))
        figure.align_ylabels(panels)
        n = len(everyone["agency"])
        figure.suptitle("The bodily self from the inside", x=0.01, ha="left")
        figure.supxlabel(
            f"lines: one individual (seed {seed});  bands: 95 % of {n} individuals", fontsize=7, color=style.GREY
        )
        return figure


def _recorded(view: Run) -> tuple[int, dict[str, Floats], dict[str, Floats], dict[str, Floats]] | None:
    """Seed, tracks and rows of the first recorded individual of the reference, and the rows of all `[seeds, T]`."""
    arm = reference(view)
    names = ("phase", "felt", "missing", "pain", "agency", "ownership")
    everyone = {name: table(view.episodes, name)[arm] for name in names}
    for name, tensors in view.recordings.items():
        notes = view.notes(name)
        if notes.get("arm") == arm and "predicted" in tensors:
            seed = int(notes["seed"])
            place = view.manifest.seeds.index(seed)
            tracks = {key: np.asarray(value, dtype=np.float64) for key, value in tensors.items()}
            return seed, tracks, {key: value[place] for key, value in everyone.items()}, everyone
    return None


def _spans(phase: Floats) -> list[tuple[int, int, int]]:
    """(phase, first step, past the last) of every stretch of one phase."""
    edges = np.flatnonzero(np.diff(phase)) + 1
    starts, stops = (0, *edges.tolist()), (*edges.tolist(), len(phase))
    return [(int(phase[start]), start, stop) for start, stop in zip(starts, stops, strict=True)]


def _ground(ax: Axes, phase: Floats) -> None:
    for number, start, stop in _spans(phase):
        if number in PHASES:
            ax.axvspan(start, stop, color=PHASES[number][1], lw=0, zorder=0)


def _words(ax: Axes, phase: Floats) -> None:
    for number, start, stop in _spans(phase):
        word = PHASES[number][0] if number in PHASES else "walks"
        ax.text(
            (start + stop) / 2, 1.03, word, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=7.5,
            color=DARK if number in PHASES else "#8A8A8A",
        )  # fmt: skip


def _body(ax: Axes, tracks: Mapping[str, Floats], axis: int, name: str) -> None:
    """Where the body is after every step and where it was predicted to be, in one coordinate."""
    actual, predicted = tracks["place"][:, axis], tracks["predicted"][:, axis]
    when = np.arange(len(actual)) + 0.5
    wrong = np.abs(actual - predicted) > 1e-3
    ax.plot(when, actual, color=DARK, lw=0.9, drawstyle="steps-mid", label="actual")
    ax.plot(when[~wrong], predicted[~wrong], ".", color=BLUE, ms=2.2, label="predicted, met")
    ax.vlines(when[wrong], actual[wrong], predicted[wrong], color=ORANGE, lw=0.9)
    ax.plot(when[wrong], predicted[wrong], "o", color=ORANGE, ms=2.6, label="predicted, missed")
    most = int(np.ceil(tracks["place"].max()))
    ax.set(ylabel=f"body:\n{name} (cell)", ylim=(-0.8, most + 0.8), yticks=(0, most // 2, most))
    if axis == 0:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=6.5, handlelength=1.2)


def _errors(ax: Axes, rows: Mapping[str, Floats]) -> None:
    """Spikes of the two error areas, up and down."""
    when = np.arange(len(rows["felt"])) + 0.5
    ax.bar(when, rows["felt"], width=1.0, color=RED, label="felt, not predicted")
    ax.bar(when, -rows["missing"], width=1.0, color="#7A5195", label="predicted, not felt")
    ax.axhline(0.0, color="#444444", lw=0.6)
    most = max(float(rows["felt"].max()), float(rows["missing"].max()), 1.0)
    ax.set(ylabel="error spikes\nper step", ylim=(-1.15 * most, 1.15 * most))
    ax.set_yticks(ax.get_yticks(), [f"{abs(value):g}" for value in ax.get_yticks()])
    ax.set_ylim(-1.15 * most, 1.15 * most)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=6.5, handlelength=1.2)


def _pain(ax: Axes, rows: Mapping[str, Floats], everyone: Mapping[str, Floats]) -> None:
    """Active pain cells."""
    when = np.arange(len(rows["pain"])) + 0.5
    ax.bar(when, rows["pain"], width=1.0, color=RED)
    ax.set(ylabel="pain cells", ylim=(0, max(12.0, 1.1 * float(everyone["pain"].max()))))


def _level(ax: Axes, one: Floats, everyone: Floats, colour: str, label: str) -> None:
    """A level of one individual, and the range of most."""
    when = np.arange(len(one)) + 0.5
    low, high = np.quantile(everyone, (0.025, 0.975), axis=0)
    ax.fill_between(when, low, high, color=colour, alpha=0.18, lw=0)
    ax.plot(when, one, color=colour, lw=1.4)
    ax.set(ylabel=label)


def arms(view: Run) -> Figure:
    """What every arm can tell: own movement from pushes, injury from health, the own image from another's."""
    from bisnn.plots import style

    with style.use():
        names = view.manifest.arms
        figure = style.figure(7.4, 1.5 + 0.32 * len(names))
        panels = figure.subplots(1, 3, sharey=True)
        shown = (
            ("agency_auroc", "a   I moved, or was moved?", "agency"),
            ("pain_auroc", "b   Injured, or healthy?", "pain cells"),
            ("ownership_auroc", "c   My image, or another's?", "ownership (best: 0.88)"),
        )
        for ax, (measure, title, what) in zip(panels, shown, strict=True):
            for row, arm in enumerate(names):
                _arm(ax, row, view.summary["arms"][arm][measure])
            ax.axvline(0.5, color="#9A9A9A", lw=0.9, ls=(0, (4, 2)), zorder=0)
            ax.text(
                0.5, 1.0, "chance", transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=6.5,
                color="#666666",
            )  # fmt: skip
            ax.set(xlim=(-0.03, 1.03), xlabel=f"AUROC of one step:\n{what}")
            ax.set_title(title, pad=14)
        panels[0].set_yticks(range(len(names)), [style.arm_name(arm, ARMS) for arm in names])
        panels[0].set_ylim(len(names) - 0.5, -0.5)
        seeds = len(view.manifest.seeds)
        figure.supxlabel(f"mean and 95 % interval over {seeds} individuals", fontsize=7, color=style.GREY)
        return figure


def _arm(ax: Axes, row: int, found: Mapping[str, Any]) -> None:
    if found["mean"] is None:
        ax.text(0.5, row, "undefined", ha="center", va="center", color="#8A8A8A", fontsize=6.5)
        return
    ax.plot(found["ci95"], (row, row), color=BLUE, lw=2, solid_capstyle="butt")
    ax.plot(found["mean"], row, "o", color=BLUE, ms=5, clip_on=False)
    left = found["mean"] > 0.5
    ax.annotate(
        f"{found['mean']:.2f}", (found["mean"], row), xytext=(-8 if left else 8, 0), textcoords="offset points",
        ha="right" if left else "left", va="center", fontsize=7,
    )  # fmt: skip


FIGURES: Mapping[str, Draw] = {"self": self, "arms": arms}
"""Figures of bodily-self."""
