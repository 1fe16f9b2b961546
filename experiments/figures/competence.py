"""Figures of the competence experiment: calibration, psychometric curves, the drop, regret, two trials in spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bisnn import plots
from bisnn.experiments.figures.competence_parts import COLOURS, name, note, spans, worth
from bisnn.experiments.figures.competence_spikes import spikes
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.measures import band, over_seeds
from bisnn.experiments.results import Run
from bisnn.experiments.tasks.competence_scores import Floats, Table, in_test, phases

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS, LEAST = 10, 0.02
"""Bins of confidence, and the share of an arm's trials that a bin holds at least where it is drawn."""
BLOCK = 20
"""Trials in one point of a time course."""
ALIKE = ("no_drop", "no_dopamine", "no_exploration", "gain", "gain_no_exploration")
"""Arms whose calibration in the test phase is that of another arm."""
TRUTH = "truth; below: an oracle"


# ------------------------------------------------------------ calibration


def reliability(view: Run) -> Figure:
    """How often it succeeds where it says so, arm by arm; and what it expected before its successes and failures."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 3.7)
        left, right = figure.subplots(1, 2, width_ratios=(1.35, 1.0))
        found = phases(view.episodes, spans(view))
        shown = [arm for arm in found if arm not in ALIKE]
        left.plot((0, 1), (0, 1), color=style.GREY, lw=0.9, ls=(0, (4, 2)), zorder=1, label="calibrated")
        for arm in shown:
            _calibration(left, arm, found[arm][0])
        left.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="confidence: expected probability of success")
        left.set_ylabel("share of own attempts that succeed")
        left.set_title("a   Does it succeed as often as it expects?")
        left.legend(loc="upper left", fontsize=6.5, borderaxespad=0.2)
        _split(right, found[view.manifest.arms[0]][0])
        figure.supxlabel(note(view, "test phase, before the injury"), fontsize=7, color=style.GREY)
        return figure


def _calibration(ax: Axes, arm: str, rows: Table) -> None:
    """One arm: a point per bin of confidence that holds trials, larger where it holds more."""

    place = np.minimum((rows["confidence"] * BINS).astype(np.int64), BINS - 1)
    inside = [place == number for number in range(BINS)]
    hits = np.stack([(rows["succeeds"] * here).sum(-1) for here in inside], -1)
    counts = np.stack([here.sum(-1) for here in inside], -1).astype(np.float64)
    said = np.stack([(rows["confidence"] * here).sum(-1) for here in inside], -1)
    draws = np.random.default_rng(0).integers(0, len(hits), (1000, len(hits)))
    used = counts.sum(0) >= LEAST * counts.sum()
    if not used.any():
        return
    rate, x = (part.sum(0)[used] / counts.sum(0)[used] for part in (hits, said))
    pooled = hits[draws].sum(1)[:, used] / np.maximum(counts[draws].sum(1)[:, used], 1.0)
    ends = np.abs(np.quantile(pooled, (0.025, 0.975), axis=0) - rate)
    size = 6.0 + 60.0 * counts.sum(0)[used] / counts.sum()
    first = arm == "intact"
    colour, over = COLOURS.get(arm, "#222222"), 4 if first else 3
    ax.errorbar(x, rate, yerr=ends, color=colour, lw=2.0 if first else 1.0, elinewidth=0.9, zorder=over)
    ax.scatter(x, rate, s=size, color=colour, zorder=over + 1, edgecolor="white", lw=0.4)
    ax.plot([], [], "o-", ms=4, color=colour, lw=2.0 if first else 1.0, label=name(arm))


def _split(ax: Axes, rows: Table) -> None:
    """Confidence where the own attempt would have succeeded, and where not."""
    edges = [number / 20 for number in range(21)]
    kinds = (
        ("own attempt succeeds", rows["succeeds"] > 0.5, "#0072B2"),
        ("own attempt fails", rows["succeeds"] < 0.5, "#D55E00"),
    )
    for label, chosen, colour in kinds:
        weights = np.full(int(chosen.sum()), 1.0 / max(int(chosen.sum()), 1))
        ax.hist(rows["confidence"][chosen], edges, weights=weights, color=colour, alpha=0.6, label=label)
    ax.set(xlim=(0, 1), xlabel="confidence before the attempt", ylabel="share of trials of its kind")
    ax.set_title("b   Intact: what it expected")
    ax.legend(loc="upper center")


# ------------------------------------------------------------ what it believes of each difficulty


def curves(view: Run) -> Figure:
    """True psychometric function and confidence at every task, of four individuals, before and after the injury."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 2.7)
        before, after = phases(view.episodes, spans(view))[view.manifest.arms[0]]
        order = np.argsort(before["mastered"][:, 0], kind="stable")
        chosen = order[np.unique(np.linspace(0, len(order) - 1, min(4, len(order))).round().astype(int))]
        axes = figure.subplots(1, len(chosen), sharey=True, squeeze=False)[0]
        for ax, seed in zip(axes, chosen, strict=True):
            for rows, colour, mark, label in ((before, "#0072B2", "o", "before"), (after, "#D55E00", "^", "after")):
                x, late = rows["difficulty"][seed], slice(-100, None)
                known = np.argsort(x)
                ax.plot(x[known], rows["chance"][seed][known], color=colour, lw=1.4, label=f"truth {label}")
                said = rows["confidence"][seed][late]
                ax.scatter(x[late], said, s=6, marker=mark, color=colour, alpha=0.55, lw=0, label=f"confidence {label}")
            ax.axhline(worth(view), color=style.GREY, lw=0.8, ls=":")
            ax.set(xlim=(0, 1), ylim=(-0.03, 1.03), xlabel="difficulty of the task")
            ax.set_title(f"individual {view.manifest.seeds[seed]}")
        axes[0].set_ylabel("probability of own success")
        axes[0].text(0.98, worth(view) + 0.02, "asks below", color=style.GREY, ha="right", fontsize=7)
        lines, labels = axes[0].get_legend_handles_labels()
        figure.legend(
            lines,
            labels,
            loc="outside lower center",
            ncols=4,
            title="last 100 trials before and after the injury",
            title_fontsize=7,
        )
        return figure


# ------------------------------------------------------------ around the drop


def drop(view: Run) -> Figure:
    """Estimated share of mastered tasks and rate of asking around the injury, and around a rise of the capability."""
    from bisnn.plots import style

    with style.use():
        found = phases(view.episodes, spans(view))
        columns: list[tuple[str, tuple[str, ...]]] = []
        columns.append(("The capability drops", ("intact", "no_drop", "no_exploration", "frozen")))
        if "gain" in found:
            columns.append(("The capability rises", ("gain", "gain_no_exploration")))
        figure = style.figure(7.2, 4.6)
        axes = figure.subplots(2, len(columns), sharex=True, sharey="row", squeeze=False)
        for column, (title, arms) in enumerate(columns):
            top, bottom = axes[:, column]
            for arm in (arm for arm in arms if arm in found):
                before, after = found[arm]
                colour, text = COLOURS[arm], name(arm)
                _course(top, before["estimate"], after["estimate"], 1, colour, text)
                _course(bottom, before["asked"], after["asked"], BLOCK, colour, text)
            before, after = found[arms[0] if arms[0] in found else view.manifest.arms[0]]
            _course(top, before["mastered"], after["mastered"], 1, style.DARK, TRUTH, "--")
            wise = [(rows["chance"] < worth(view)).astype(np.float64) for rows in (before, after)]
            _course(bottom, wise[0], wise[1], BLOCK, style.DARK, "", "--")
            top.set_title(f"{'ab'[column]}   {title}")
            bottom.set(xlabel="trials from the change on", ylim=(-0.03, 1.03))
            for ax in (top, bottom):
                ax.axvline(0, ymax=0.75 if ax is top else 1.0, color=style.GREY, lw=0.8)
            top.legend(loc="upper left", fontsize=6.5, ncols=2 - column, borderaxespad=0.1)
        axes[0, 0].set(ylabel="share of tasks that it\nexpects to master", ylim=(0.0, 1.0))
        axes[1, 0].set_ylabel(f"share of trials in which\nit asks (blocks of {BLOCK})")
        figure.supxlabel(note(view, "vertical line: the capability changes"), fontsize=7, color=style.GREY)
        return figure


def _course(ax: Axes, before: Floats, after: Floats, block: int, colour: str, label: str, dash: str = "-") -> None:
    """A course over trials, mean over seeds with its interval, in blocks that end or begin at the change."""
    parts = []
    for values, first in ((before[:, len(before[0]) % block :], -(len(before[0]) // block) * block), (after, 0)):
        whole = values[:, : values.shape[1] // block * block]
        blocks = whole.reshape(len(whole), -1, block).mean(-1)
        parts.append((first + (np.arange(blocks.shape[1]) + 0.5) * block, blocks))
    for number, (place, blocks) in enumerate(parts):
        if not blocks.shape[1]:
            continue
        low, high = band(blocks)
        ax.plot(place, over_seeds(blocks), color=colour, ls=dash, lw=1.3, label=label if number else None)
        if dash == "-":
            ax.fill_between(place, low, high, color=colour, alpha=0.18, lw=0)


# ------------------------------------------------------------ what it earns


def regret(view: Run) -> Figure:
    """Whether its confidence tells failures from successes, and what its choices cost, arm by arm."""
    from bisnn.plots import style

    with style.use():
        found = phases(view.episodes, spans(view))
        names = [arm for arm in view.manifest.arms if arm not in ("no_drop", "gain", "gain_no_exploration")]
        scores = {name(arm): in_test(found[arm][0], worth(view)) for arm in names}
        figure = style.figure(7.2, 1.7 + 0.3 * len(names))
        left, right = figure.subplots(1, 2, sharey=True)
        beside = {who: float(view.summary["regret"][who]["mean"]) for who in ("always", "never")}
        most = max(0.05, *beside.values(), *(float(values["regret"].max()) for values in scores.values()))
        shown = (
            (left, "auroc", "AUROC of predicted failure", (0.0, 1.02)),
            (right, "regret", "regret per trial, in successes", (-0.03 * most, 1.1 * most)),
        )
        for ax, measure, label, limits in shown:
            summary = {name(arm): view.summary["arms"][arm][measure] for arm in names}
            plots.arms(
                {name: values[measure] for name, values in scores.items()}, summary, xlabel=label, reference=None,
                limits=limits, number="{:.3f}" if measure == "regret" else "{:.2f}", ax=ax,
            )  # fmt: skip
        _mark(left, 0.5, "chance")
        for who, place in beside.items():
            _mark(right, place, f"{who} asks")
        left.set_title("a   Does it know when it would fail?", pad=14)
        right.set_title("b   What do its choices cost?", pad=14)
        right.tick_params(labelleft=False)
        text = "regret: expected gain below that of an oracle which knows its own capability"
        count = len(view.manifest.seeds)
        figure.supxlabel(
            f"{text}\ndot: one individual (n = {count}); diamond and bar: mean, 95 % interval",
            fontsize=7,
            color=style.GREY,
        )
        return figure


def _mark(ax: Axes, place: float, text: str) -> None:
    """A dotted line with its name above."""
    ax.axvline(place, color="#777777", lw=0.9, ls=":", zorder=1)
    ax.annotate(
        text, (place, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
        ha="center", va="bottom", fontsize=6.5, color="#555555",
    )  # fmt: skip


FIGURES: Mapping[str, Draw] = {
    "reliability": reliability,
    "curves": curves,
    "drop": drop,
    "regret": regret,
    "spikes": spikes,
}
"""Figures of competence."""
