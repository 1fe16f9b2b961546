"""Figures of self-experience: rescue by experience, distance and cost; values by arm; a memory made and called up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bisnn import plots
from bisnn.experiments import measures, statistics
from bisnn.experiments.figures.data import events, missing, reference
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.measures import Measure
from bisnn.experiments.results import Run
from bisnn.experiments.tasks.self_experience import KINDS, SHOWN, STEPS, TRAP
from bisnn.systems.self_experience import SelfExperience

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
WORDS: Mapping[str, tuple[str, str]] = {
    "trap": ("the other is in a trap", "#B2182B"),
    "harmless": ("in something harmless, equally new", "#0072B2"),
    "passing": ("passes by a trap, equally new", "#8C8C2E"),
}
"""How figures call and colour what the other does."""
DISTANCE = "distance from what was lived through (tuning widths)"
ROWS: Mapping[str, str] = {"septum": "septum (allocates)", "situation": "situation", "episode": "episode (the store)"}
"""Areas that the raster calls otherwise."""


def rescue(view: Run) -> Figure:
    """Rescue by own experiences and distance, as a map and as curves, and by own cost."""
    from bisnn.plots import style

    with style.use():
        table, experiences, distances = _grid(view, "mean")
        tall = max(2.7, 1.2 + 0.18 * len(experiences))
        figure = style.figure(7.2, tall + 2.9)
        parts: Any = figure.subfigures(2, 1, height_ratios=(tall, 2.9))
        upper, lower = parts
        ax = upper.subplots()
        names = [f"{n}" for n in experiences], [f"{distance:g}" for distance in distances]
        plots.heat(table, *names, label="share rescued", ax=ax)
        ax.set(xlabel=DISTANCE, ylabel="own traps before")
        ax.set_title(f"a   Others in a trap that were rescued, by own experience{_arm(view)}")
        left, right = lower.subplots(1, 2, width_ratios=(1.25, 1.0), sharey=True)
        _curves(left, view)
        _costs(right, view)
        figure.supxlabel(f"{_sample(view)};  mean and 95 % interval", fontsize=7, color=style.GREY)
        return figure


def _arm(view: Run) -> str:
    """The arm that the summary describes, where it is not the reference."""
    from bisnn.plots import style

    arm = str(view.summary.get("arm", reference(view)))
    return "" if arm == reference(view) else f" ({style.arm_name(arm)})"


def _sample(view: Run) -> str:
    count = int(view.manifest.configuration.get("episodes", 1))
    looks = f"{count} look{'' if count == 1 else 's'}"
    return f"n = {len(view.manifest.seeds)} individuals, {looks} of each at every point"


def _grid(view: Run, field: str) -> tuple[Any, list[int], list[float]]:
    """A number of the summary's rescue by experiences and distance, NaN where it is unknown, and the two axes."""
    entries: Sequence[Mapping[str, Any]] = view.summary["rescue"]
    experiences = sorted({int(entry["experiences"]) for entry in entries})
    distances = sorted({float(entry["distance"]) for entry in entries})
    table = np.full((len(experiences), len(distances), 2 if field == "ci95" else 1), np.nan)
    for entry in entries:
        if entry[field] is not None:
            table[experiences.index(entry["experiences"]), distances.index(entry["distance"])] = entry[field]
    return table if field == "ci95" else table[..., 0], experiences, distances


def _curves(ax: Axes, view: Run) -> None:
    """Rescue by distance, a curve for every number of own traps."""
    import matplotlib

    means, experiences, distances = _grid(view, "mean")
    ends, _, _ = _grid(view, "ci95")
    shades = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.88, len(experiences)))
    for row, n in enumerate(experiences):
        ax.fill_between(distances, ends[row, :, 0], ends[row, :, 1], color=shades[row], alpha=0.15, lw=0)
        ax.plot(distances, means[row], "o-", ms=3.5, color=shades[row], label=f"{n}", clip_on=False)
    ax.set(xlabel=DISTANCE, ylabel="share rescued", ylim=(-0.03, 1.03))
    ax.set_title("b   Rescue by likeness")
    ax.axhline(0.5, color="#777777", lw=0.9, ls=":", zorder=1)
    ax.annotate("a coin", (0.0, 0.5), xytext=(0, 2), textcoords="offset points", fontsize=6.5, color="#666666")
    few = len(experiences) <= 7
    ax.legend(
        title="own traps", loc="lower left", bbox_to_anchor=(0.0, 0.02), title_fontsize=7.5, ncols=1 if few else 4,
        fontsize=None if few else 6,
    )  # fmt: skip


def _costs(ax: Axes, view: Run) -> None:
    """Rescue by own cost, and the cost at which it has fallen by half."""
    from bisnn.plots import style

    entries = view.summary["cost"]
    costs = [entry["cost"] for entry in entries]
    ends = np.array([entry["ci95"] for entry in entries], dtype=np.float64)
    colour = WORDS["trap"][1]
    ax.fill_between(costs, ends[:, 0], ends[:, 1], color=colour, alpha=0.15, lw=0)
    ax.plot(costs, [entry["mean"] for entry in entries], "o-", ms=3.5, color=colour, clip_on=False)
    rate = view.summary["exchange_rate"]
    if rate["value"] is not None:
        ax.axvline(rate["value"], color=style.GREY, lw=0.9, ls=(0, (4, 2)))
        ax.annotate(
            f"half at {rate['value']:.2f}", (rate["value"], 0.9), xytext=(4, 0), textcoords="offset points",
            color="#555555", fontsize=7,
        )  # fmt: skip
    ax.set(xlabel="own cost of the rescue (share of effort cells)", xlim=(-0.02, 1.02))
    ax.set_title("c   Rescue by own cost, nearest trap")


def values(view: Run) -> Figure:
    """Value read and rescue for what the other does, and AUROC of the value, arm by arm."""
    from matplotlib.lines import Line2D

    from bisnn.plots import style

    with style.use():
        names = view.manifest.arms
        figure = style.figure(7.2, 1.7 + 0.42 * len(names))
        left, middle, right = figure.subplots(1, 3, sharey=True, width_ratios=(1.0, 1.05, 1.0))
        _by_kind(left, view, "value")
        left.set(xlabel="value read (0: no harm known)", xlim=(-1.03, 0.05))
        left.set_title("a   Value of the other's state")
        found = {arm: _auroc(view, arm) for arm in names}
        summary = {arm: view.summary["arms"][arm]["auroc"] for arm in names}
        plots.arms(found, summary, xlabel="AUROC of the value", limits=(-0.03, 1.03), number="{:.2f}", ax=middle)
        _chance(middle, "chance")
        middle.set_title("b   Trap told from the rest")
        _by_kind(right, view, "rescued")
        _chance(right, "a coin")
        right.set(xlabel="share rescued", xlim=(-0.03, 1.03))
        right.set_title("c   Rescue")
        left.set_yticks(range(len(names)), [style.arm_name(arm) for arm in names])
        left.get_yticklabels()[0].set_fontweight("bold")
        marks = [Line2D([], [], marker="D", ls="", ms=4.5, color=colour, label=text) for text, colour in WORDS.values()]
        figure.legend(handles=marks, loc="outside upper center", ncols=3)
        n = max(view.summary["rescue"], key=lambda entry: int(entry["experiences"]))["experiences"]
        text = f"after {n} own traps, at the nearest distance;  dot: one of {len(view.manifest.seeds)} individuals"
        figure.supxlabel(f"{text};  diamond and bar: mean and 95 % interval", fontsize=7, color=style.GREY)
        return figure


def _chance(ax: Axes, text: str) -> None:
    """A dotted line at 0.5, and what it is."""
    ax.axvline(0.5, color="#777777", lw=0.9, ls=":", zorder=1)
    ax.annotate(
        text, (0.5, 1.0), xycoords=("data", "axes fraction"), xytext=(2, -8), textcoords="offset points",
        fontsize=6.5, color="#666666",
    )  # fmt: skip


def _by_kind(ax: Axes, view: Run, column: str) -> None:
    """A row per arm; in it, for each kind, seeds as dots, mean and interval."""
    found = {kind: measures.per_seed(view.episodes, Measure(column, f"near_{kind}", whole=True)) for kind in KINDS}
    for row, arm in enumerate(view.manifest.arms):
        if row % 2 == 0:
            ax.axhspan(row - 0.5, row + 0.5, color="#F5F5F5", lw=0, zorder=0)
        for shift, kind in zip((-0.25, 0.0, 0.25), KINDS, strict=True):
            seeds, colour = found[kind][arm], WORDS[kind][1]
            told = statistics.summarise(seeds)
            if told["mean"] is None:
                continue
            ax.scatter(seeds, np.full(len(seeds), row + shift), s=8, color=colour, alpha=0.3, lw=0, clip_on=False)
            ax.plot(told["ci95"], (row + shift, row + shift), color=colour, lw=2.0, solid_capstyle="butt")
            ax.plot(told["mean"], row + shift, "D", ms=4.5, mfc=colour, mec="white", mew=0.8, zorder=4, clip_on=False)
    ax.set_ylim(len(view.manifest.arms) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _auroc(view: Run, arm: str) -> Floats:
    """AUROC of the read value in the nearest looks after most experiences, `[seeds]`."""
    from bisnn.experiments.scores import auroc

    value, near, harmful = (measures.table(view.episodes, name)[arm] for name in ("value", "near", "harmful"))
    among = near[0] > 0
    return auroc(-value[:, among], harmful[:, among])


def spikes(view: Run) -> Figure:
    """Spikes of one individual: its last own trap, then another in such a trap, then another passing by it."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 5.6)
        shown = _recorded(view)
        if not shown:
            missing(figure.add_subplot())
            return figure
        axes = figure.subplots(1, len(shown), width_ratios=[end for _, _, end in shown], squeeze=False)[0]
        for ax, letter, (title, spiked, end) in zip(axes, "abc", shown, strict=False):
            plots.raster(spiked, end=end, ax=ax)
            ax.set_title(f"{letter}   {title}")
            ax.set_xticks(np.arange(0.0, end + 1, 20.0))
        for ax in axes[1:]:
            ax.set_yticks([])
        text = "one individual after its last experience;  row: a cell (number of cells in brackets), mark: a spike"
        figure.supxlabel(text, fontsize=7, color=style.GREY)
        return figure


def _recorded(view: Run) -> list[tuple[str, dict[str, plots.Events], float]]:
    """Title, spikes and end in ms of an encoding and two recalls of the first recorded individual."""
    arm, columns, rows = reference(view), view.spikes, view.episodes
    mine = columns["arm"] == arm if columns else np.zeros(0, bool)
    if not mine.any():
        return []
    seed = int(columns["seed"][mine].min())
    mine &= columns["seed"] == seed
    name = next(
        n for n in view.recordings if view.notes(n).get("arm") == arm and view.notes(n).get("seed") == str(seed)
    )
    own = int((view.recordings[name]["order"] == TRAP).nonzero()[0, 0])
    here = (rows["arm"] == arm) & (rows["seed"] == seed) & np.isin(rows["episode"], np.unique(columns["episode"][mine]))
    trial = {KINDS[int(rows["kind"][i])]: int(rows["episode"][i]) for i in np.flatnonzero(here)}
    plan = SelfExperience()
    lived, looked = 3 * plan.stretch * plan.dt, plan.ticks * plan.dt
    scenes = (
        ("Own trap", "trap", own, lived),
        ("Another in such a trap", "trap", STEPS, looked),
        ("Another passes by it", "passing", STEPS, looked),
    )
    return [
        (title, events(view, mine & _at(columns, trial[kind], step), plan.circuit, SHOWN, ROWS), end)
        for title, kind, step, end in scenes
    ]


def _at(columns: Mapping[str, NDArray[Any]], trial: int, step: int) -> NDArray[np.bool_]:
    """The spikes of one step of a trial."""
    found: NDArray[np.bool_] = (columns["episode"] == trial) & (columns["step"] == step)
    return found


FIGURES: Mapping[str, Draw] = {"rescue": rescue, "values": values, "spikes": spikes}
"""Figures of self-experience."""
