"""Figures of the snowdrift experiment: cleaning by lambda, who rides free, learning, one-shot games."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bisnn import plots
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.measures import band, block_size, over_seeds
from bisnn.experiments.results import Run
from bisnn.experiments.statistics import Floats
from bisnn.experiments.tasks.snowdrift import MEMBERS, OPENING
from bisnn.experiments.tasks.snowdrift_scores import GRID, ONCE, arm_of, columns, per_seed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES: Mapping[str, str] = {
    "intact": "λ = 1.5",
    "selfish": "λ = 0",
    "no_mirror": "no mirror neurons",
    "no_dopamine": "IFG→dopamine cut",
    "no_reward_learning": "no learning",
    "local": "sees 3 × 3",
    "own": "sees own cell",
    "local_selfish": "λ = 0, sees 3 × 3",
    "own_selfish": "λ = 0, sees own cell",
    "selfish_alone": "λ = 0 among two of 1.5",
    "altruist_alone": "λ = 1.5 among two of 0",
    **{arm_of(level): f"λ = {level:g}" for level in GRID},
}
"""Arms in words."""
COLOURS = ("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#111111")


def _note(view: Run, text: str = "") -> str:
    count = len(view.manifest.seeds)
    said = f"mean of {count} groups, 95 % intervals" if count > 1 else "one group"
    return f"{text}; {said}" if text else said


def _points(ax: Axes, x: Sequence[float], entries: Sequence[Mapping[str, Any]], colour: str, label: str) -> None:
    """Means with their intervals over a line; entries without a mean are left out."""
    known = [(at, entry) for at, entry in zip(x, entries, strict=True) if entry["mean"] is not None]
    if not known:
        return
    where, mean = [at for at, _ in known], np.array([entry["mean"] for _, entry in known])
    ends = np.abs(np.array([entry["ci95"] for _, entry in known]).T - mean)
    ax.errorbar(where, mean, yerr=ends, fmt="o-", ms=4, lw=1.4, color=colour, label=label, elinewidth=1.0)


# ------------------------------------------------------------ cleaning by lambda


def strength(view: Run) -> Figure:
    """Drifts cleared, and the probability of cleaning by how many others are in distress, by lambda."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 3.3)
        left, right = figure.subplots(1, 2)
        dose, beside = view.summary["dose"], view.summary["beside"]["cleared"]
        levels = [float(entry["lambda"]) for entry in dose]
        place = list(range(len(levels)))
        _points(left, place, [entry["cleared"] for entry in dose], "#0072B2", "groups of one λ")
        for name, text in (("random", "random actions"), ("all_clean", "all clean whatever they meet")):
            mean = float(beside[name]["mean"])
            left.axhline(mean, color=style.GREY, lw=0.9, ls=":")
            left.annotate(
                text, (0.0, mean), xycoords=("axes fraction", "data"), xytext=(4, 2), textcoords="offset points",
                fontsize=7, color=style.GREY,
            )  # fmt: skip
        left.set(ylim=(0, 10), ylabel="drifts cleared of 10", xlabel="empathy strength λ")
        left.set_title("a   What the group gets done")
        for k, colour in zip(range(MEMBERS), ("#111111", "#E69F00", "#D55E00"), strict=True):
            label = ("none", "one other", "two others")[k]
            _points(right, place, [entry[f"rate_{k}_cold"] for entry in dose], colour, label)
        chance = float(view.summary["chance"]["clean_rate"])
        right.axhline(chance, color=style.GREY, lw=0.9, ls=":")
        right.annotate(
            "random actions", (0.1, chance), xytext=(0, -9), textcoords="offset points", fontsize=7, color=style.GREY
        )
        right.set(ylim=(0, 1.03), ylabel="P(clean | on a drift)", xlabel="empathy strength λ")
        right.legend(loc="upper left", title="sees in distress:", title_fontsize=7)
        right.set_title("b   Who is in distress matters")
        for ax in (left, right):
            ax.set_xticks(place, [f"{level:g}" for level in levels])
        figure.supxlabel(_note(view, "last 30 % of the episodes"), fontsize=7, color=style.GREY)
        return figure


# ------------------------------------------------------------ who rides free


def free_riding(view: Run) -> Figure:
    """Returns of one member and of the others in mixed groups; and one member by the lambda of its partners."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 3.3)
        left, right = figure.subplots(1, 2)
        arms = [arm for arm in ("selfish_alone", "intact", "altruist_alone") if arm in view.manifest.arms]
        text = {
            "selfish_alone": "λ = 0 among\ntwo of 1.5",
            "intact": "all 1.5",
            "altruist_alone": "1.5 among\ntwo of 0",
        }
        for shift, who, colour, label in (
            (-0.08, "first_return", "#D55E00", "the first member"),
            (0.08, "others_return", "#0072B2", "each of the others"),
        ):
            for number, arm in enumerate(arms):
                entry = view.summary["arms"][arm][who]
                _points(left, [number + shift], [entry], colour, label if number == 0 else "")
        left.set_xticks(range(len(arms)), [text[arm] for arm in arms])
        left.set(ylabel="return of an episode", xlim=(-0.5, max(len(arms) - 0.5, 0.5)))
        left.legend(loc="lower left")
        left.set_title("a   Who earns what")
        partners = view.summary["partners"]
        place = list(range(len(partners)))
        _points(right, place, [entry["first_rate"] for entry in partners], "#D55E00", "P(clean), λ = 0.25")
        _points(right, place, [entry["others_rate"] for entry in partners], "#0072B2", "P(clean), its partners")
        right.set_xticks(place, [f"{entry['partners']:g}" for entry in partners])
        right.set(ylim=(0, 1.03), xlabel="λ of both partners", ylabel="P(clean | on a drift)")
        if partners:
            right.legend(loc="upper left")
        right.set_title("b   One member, other partners")
        figure.supxlabel(_note(view, "last 30 % of the episodes"), fontsize=7, color=style.GREY)
        return figure


# ------------------------------------------------------------ learning, and what it needs


def learning(view: Run) -> Figure:
    """Drifts cleared over the episodes, by lambda; and the arms at the end."""
    from bisnn.plots import style

    with style.use():
        found = columns(view.episodes)
        shown = [arm for arm in view.manifest.arms if arm not in ONCE]
        bars = [arm for arm in shown if arm in NAMES and not arm.startswith("lambda")]
        figure = style.figure(7.2, max(3.3, 1.2 + 0.27 * len(bars)))
        left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.1))
        levels = [level for level in GRID if arm_of(level) in shown and level in (0.0, 0.25, 0.5, 1.5)]
        for number, level in enumerate(levels):
            _course(left, found["cleared"][arm_of(level)], COLOURS[2 * number % len(COLOURS)], f"λ = {level:g}")
        if "no_reward_learning" in shown:
            _course(left, found["cleared"]["no_reward_learning"], style.GREY, "no learning")
        left.set(xlabel="episode", ylabel="drifts cleared of 10", ylim=(0, 10))
        left.legend(loc="lower right", ncols=2)
        left.set_title("a   Groups learn")
        values = {NAMES[arm]: per_seed(found, arm)["clean_rate"] for arm in bars}
        summary = {NAMES[arm]: view.summary["arms"][arm]["clean_rate"] for arm in bars}
        plots.arms(values, summary, xlabel="P(clean | on a drift)", reference=None, limits=(0.0, 1.0), ax=right)
        right.set_title("b   What it takes")
        figure.supxlabel(_note(view), fontsize=7, color=style.GREY)
        return figure


def _course(ax: Axes, values: Floats, colour: str, label: str) -> None:
    """A course over trials, in blocks, with its interval over seeds."""
    block = block_size(values.shape[1])
    whole = values[:, : values.shape[1] // block * block].reshape(len(values), -1, block).mean(-1)
    place = (np.arange(whole.shape[1]) + 0.5) * block
    low, high = band(whole)
    ax.plot(place, over_seeds(whole), color=colour, lw=1.4, label=label)
    ax.fill_between(place, low, high, color=colour, alpha=0.18, lw=0)


# ------------------------------------------------------------ one-shot games


def one_shot(view: Run) -> Figure:
    """Cleaning of populations in one-shot games, and the equilibrium of each phase."""
    from bisnn.plots import style

    with style.use():
        arms = [arm for arm in ONCE if arm in view.manifest.arms]
        if not arms:
            figure = style.figure(5.0, 3.0)
            style.say(figure.add_subplot(), "This run has no one-shot games.")
            return figure
        figure = style.figure(5.6, 3.3)
        ax, found = figure.add_subplot(), columns(view.episodes)
        for arm, colour in zip(arms, ("#111111", "#D55E00"), strict=False):
            entry = view.summary["one_shot"][arm]
            cleaned = np.sum([found[f"cleaned_{i}"][arm] for i in range(MEMBERS)], axis=0)
            met = np.sum([found[f"met_{i}"][arm] for i in range(MEMBERS)], axis=0)
            _course(ax, cleaned / np.maximum(met, 1e-9), colour, f"λ = {entry['lambda']:g} after the opening")
            ax.axhline(float(entry["equilibrium"]), color=colour, lw=0.9, ls="--")
            ax.annotate(
                f"equilibrium {entry['equilibrium']:.3f}",
                (1.0, float(entry["equilibrium"])),
                xycoords=("axes fraction", "data"),
                xytext=(-3, -10 if entry["lambda"] == 0 else 3),
                textcoords="offset points",
                fontsize=7,
                color=colour,
                ha="right",
            )
        ax.axvline(OPENING * found["cleared"][arms[0]].shape[1], color=style.GREY, lw=0.9, ls=":")
        ax.set(xlabel="round", ylabel="P(clean)", ylim=(0, 0.8))
        ax.legend(loc="upper right")
        ax.set_title("Populations matched anew for every game")
        count = len(view.manifest.seeds)
        figure.supxlabel(f"dotted: end of the opening; {count} populations", fontsize=7, color=style.GREY)
        return figure


FIGURES: Mapping[str, Draw] = {
    "strength": strength,
    "free_riding": free_riding,
    "learning": learning,
    "one_shot": one_shot,
}
"""Figures of snowdrift."""
