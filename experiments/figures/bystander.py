"""Figures of the bystander experiment: help arm by arm, by the size of the group, and who does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bisnn import plots
from bisnn.experiments.figures.data import missing
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.measures import block_size, table
from bisnn.experiments.results import Run
from bisnn.experiments.tasks.bystander_scores import Floats, household, mean_of, scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ARMS: Mapping[str, str] = {
    "intact": "alone",
    "partner_never": "beside one who never helps",
    "partner_always": "beside one who always helps",
    "pair": "two learn together",
    "trio": "three learn together",
    "pair_mixed": "two: λ, and λ = 0",
    "pair_unequal": "two: help costs the second more",
    "pair_no_mirror": "two without mirror neurons",
    "pair_selfish": "two with λ = 0",
}
"""Arms in words."""
GROUPS = {"intact": 1, "pair": 2, "trio": 3}
"""Arms of one, two and three that learn together."""
PAIRS = {"pair": ("#0072B2", "o"), "pair_unequal": ("#D55E00", "s")}
"""Arms whose division of labour is shown, with colour and mark."""


def _arm(name: str) -> str:
    from bisnn.plots import style

    return style.arm_name(name, ARMS)


def _scores(view: Run) -> dict[str, dict[str, Floats]]:
    """The measures of every individual world."""
    return scores(view.episodes, {arm: household(arm) for arm in view.manifest.arms})


def _note(figure: Figure, view: Run, text: str) -> None:
    from bisnn.plots import style

    count = len(view.manifest.seeds)
    figure.supxlabel(
        f"{text}\nlast episodes of life; n = {count} worlds per arm; 95 % intervals", fontsize=7, color=style.GREY
    )


def help_by_arm(view: Run) -> Figure:
    """Own help, help by anybody, and the cost paid, arm by arm; chance is that of two random walkers."""
    from bisnn.plots import style

    with style.use():
        names, found = view.manifest.arms, _scores(view)
        figure = style.figure(7.4, 1.5 + 0.3 * len(names))
        panels = figure.subplots(1, 3, sharey=True)
        shown = (
            ("help_self", "a   A helper itself helps", "share of painful episodes", (-0.03, 1.03)),
            ("help_anybody", "b   The victim is relieved", "share of painful episodes", (-0.03, 1.03)),
            ("cost", "c   What a helper pays", "external return given up", (-1.0, 6.0)),
        )
        for ax, (measure, title, label, limits) in zip(panels, shown, strict=True):
            known = {arm: view.summary["arms"][arm][measure] for arm in names}
            plots.arms(found[measure], known, xlabel=label, limits=limits, ax=ax)
            ax.set_title(title, pad=16)
            chance = view.summary["chance"][measure]
            if limits[0] <= chance <= limits[1]:
                _mark(ax, chance, "chance")
        panels[0].set_yticks(range(len(names)), [_arm(arm) for arm in names])
        for ax in panels[1:]:
            ax.tick_params(labelleft=False)
        _note(
            figure,
            view,
            "dot: one world; diamond and bar: mean over worlds; a helper: mean over the altruists of a world",
        )
        return figure


def _mark(ax: Axes, place: float, text: str) -> None:
    """A dotted line with its name above."""
    ax.axvline(place, color="#777777", lw=0.9, ls=":", zorder=1)
    ax.annotate(
        text, (place, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
        ha="center", va="bottom", fontsize=6.5, color="#555555",
    )  # fmt: skip


def group_size(view: Run) -> Figure:
    """Help, cost and pain by the number of altruists that learn together, beside theory and oracle."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.4, 3.1)
        panels = figure.subplots(1, 3)
        arms = {arm: size for arm, size in GROUPS.items() if arm in view.manifest.arms}
        if len(arms) < 2:
            missing(panels[1], "This run holds no groups.")
            for ax in (panels[0], panels[2]):
                ax.set_axis_off()
            return figure
        lines = (("help_self", "a helper itself", "#0072B2", "o"), ("help_anybody", "anybody", "#009E73", "s"))
        for measure, label, colour, marker in lines:
            _points(panels[0], view, arms, measure, label, colour, marker)
            theory = [(one["helpers"], one[measure]) for one in view.summary["equilibrium"]]
            if theory:
                panels[0].plot(
                    *zip(*theory, strict=True), marker, ms=6, mfc="none", mec=colour, ls=":", lw=0.9, color=colour
                )
        panels[0].plot([], [], "o:", ms=6, mfc="none", color=style.GREY, lw=0.9, label="mixed equilibrium")
        panels[0].set(ylim=(0.0, 1.05), ylabel="share of painful episodes")
        panels[0].legend(loc="lower left", fontsize=6.5)
        _points(panels[1], view, arms, "cost", "altruists", "#D55E00", "D")
        oracle = [(size, view.summary["beside"][f"fair oracle, {size}"]["cost"]) for size in arms.values()]
        panels[1].plot(*zip(*oracle, strict=True), "x:", color="black", lw=0.9, ms=6, label="one helps, the others not")
        panels[1].set(ylim=(0.0, None), ylabel="external return given up")
        panels[1].legend(loc="lower left", fontsize=6.5)
        _points(panels[2], view, arms, "relief_delay", "altruists", "#7A5195", "^")
        panels[2].set(ylim=(0.0, None), ylabel="steps from pain to relief")
        titles = ("a   Who helps?", "b   What does each pay?", "c   How long is the pain?")
        for ax, title in zip(panels, titles, strict=True):
            ax.set(xticks=list(arms.values()), xlim=(0.7, 3.3), xlabel="number of altruists")
            ax.set_title(title)
        _note(
            figure, view, "bars: intervals of the means over worlds; mixed equilibrium: each draws lots anew each time"
        )
        return figure


def _points(ax: Axes, view: Run, arms: Mapping[str, int], measure: str, label: str, colour: str, marker: str) -> None:
    """A measure by the size of the group, with its intervals."""
    known = [(size, view.summary["arms"][arm][measure]) for arm, size in arms.items()]
    known = [(size, one) for size, one in known if one["mean"] is not None]
    for size, one in known:
        ax.plot((size, size), one["ci95"], color=colour, lw=2.0, alpha=0.6, solid_capstyle="butt")
    ax.plot(
        [size for size, _ in known], [one["mean"] for _, one in known], marker, ls="-", color=colour, ms=5, label=label
    )


def labour(view: Run) -> Figure:
    """Who helps in a pair: both members at the end of life, and how the parts are taken over it."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.4, 3.3)
        left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.35))
        arms = [arm for arm in PAIRS if arm in view.manifest.arms]
        if not arms:
            missing(left, "This run holds no pairs.")
            right.set_axis_off()
            return figure
        columns = {name: table(view.episodes, name) for name in ("painful", "helped_0", "helped_1")}
        found = _scores(view)
        for arm in arms:
            colour, marker = PAIRS[arm]
            _circles(left, found["help_0"][arm], found["help_1"][arm], colour, marker)
            left.scatter([], [], s=26, marker=marker, color="none", edgecolors=colour, linewidths=1.4, label=_arm(arm))
        left.plot((0, 1), (1, 0), color=style.GREY, lw=0.8, ls=":")
        left.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), xlabel="second helps", ylabel="first helps", aspect="equal")
        left.set_title("a   Each world at the end of life")
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3)
        _lines(right, {name: rows[arms[0]] for name, rows in columns.items()})
        right.set_title(f"b   {_arm(arms[0])}: the first's share of help")
        _note(
            figure,
            view,
            "a: size: number of worlds; dotted: one helps, the other not. b: line: one world, episodes in blocks",
        )
        return figure


def _circles(ax: Axes, first: Floats, second: Floats, colour: str, marker: str) -> None:
    """A mark for each pair of help rates, as large as there are worlds with it."""
    known = np.isfinite(first) & np.isfinite(second)
    spots, count = np.unique(np.round(np.stack((second, first), -1)[known] * 20) / 20, axis=0, return_counts=True)
    across, up = spots.T
    ax.scatter(across, up, s=26 * count, marker=marker, color="none", edgecolors=colour, linewidths=1.4, clip_on=False)


def _lines(ax: Axes, own: Mapping[str, Any]) -> None:
    """The first one's share of all acts of help, block by block, a line per world."""
    block = block_size(own["painful"].shape[-1])
    count = own["painful"].shape[-1] // block
    acts = [mean_of(own[f"helped_{k}"][:, : count * block].reshape(-1, count, block)) for k in range(2)]
    total = acts[0] + acts[1]
    share = np.divide(acts[0], total, out=np.full(total.shape, np.nan), where=total > 0)
    centre = (np.arange(count) + 0.5) * block
    for row in share:
        ax.plot(centre, row, color="#0072B2", lw=1.0, alpha=0.45, marker="o", ms=2)
    ax.axhline(0.5, color="#777777", lw=0.8, ls=":")
    ax.set(ylim=(-0.04, 1.04), xlabel="episode", ylabel="share of help done by the first")


FIGURES: Mapping[str, Draw] = {"help": help_by_arm, "group_size": group_size, "labour": labour}
"""Figures of bystander."""
