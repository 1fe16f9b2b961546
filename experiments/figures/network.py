"""Figures of how the empathy network grows: its spikes before and after, its weights, its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bisnn import plots
from bisnn.experiments.engine.record import DEVELOPMENT, OBSERVATION, TRIALS
from bisnn.experiments.figures.data import (
    UNRECORDED,
    Individual,
    Slots,
    groups,
    individual,
    missing,
    settings_and_agent,
    sizes,
    step_events,
)
from bisnn.experiments.results import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bisnn.agents.altruist import Altruist

EMPATHY = ("emotion", "perception", "tpj", "ifg", "affect", "insula", "sma", "m1", "dopamine")
INJURY = 4
"""Step of the excerpt at which the injury happens."""
PROJECTIONS = (("perception", "ifg"), ("perception", "sma"))
PHASES = (("birth", "at birth"), ("developed", "after own experience"))


def development(view: Run) -> Figure:
    """Spikes around the first injury, and in the trials that follow: own pain beside the pain of another."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(6.8, 6.6)
        first, second = figure.subplots(2, 1, height_ratios=(1.25, 1.0))
        who = individual(view)
        if who is None or not view.spikes:
            for ax in (first, second):
                missing(ax)
            return figure
        _, agent = settings_and_agent(view)
        _injury(first, view, who, agent)
        _trials(second, view, who, agent)
        return figure


def _injury(ax: Axes, view: Run, who: Individual, agent: Altruist | None) -> None:
    """The excerpt of development: in every step the body feels for 5 ms, then the empathy network runs for 20."""
    early = 0.0 if agent is None else float(agent.body.ticks)
    late = 20.0 if agent is None else float(agent.empathy.ticks)
    slots = Slots(early + late, dict.fromkeys(EMPATHY, early))
    found = step_events(view, who, DEVELOPMENT, ("felt", "pain", *EMPATHY), slots, sizes(agent))
    if not any(len(each.times) for each in found.values()):
        missing(ax, "Development was not recorded.")
        return
    steps = 16
    plots.raster(found, groups=groups(agent), end=steps * slots.length, ax=ax)
    ax.axvline(INJURY * slots.length, color="#B2182B", lw=1.0, zorder=5)
    ax.annotate(
        "first injury; from its next move on it feels pain", (INJURY * slots.length, 1.0),
        xycoords=("data", "axes fraction"), xytext=(3, 2), textcoords="offset points",
        color="#B2182B", fontsize="small",
    )  # fmt: skip
    ax.set_title("a   Own experience: the body is hurt while the agent sees its own face\n")
    ax.set_xlabel(f"time (ms); one step of the world is {slots.length:g} ms")


def _trials(ax: Axes, view: Run, who: Individual, agent: Altruist | None) -> None:
    """The four observation trials, side by side."""
    length = 20.0 if agent is None else float(agent.empathy.glance)
    gap = 0.25 * length
    slots = Slots(length + gap, dict.fromkeys(EMPATHY, gap / 2))
    found = step_events(view, who, OBSERVATION, EMPATHY, slots, sizes(agent))
    if not any(len(each.times) for each in found.values()):
        missing(ax, "The observation trials were not recorded.")
        return
    plots.raster(found, groups=groups(agent), end=len(TRIALS) * slots.length, ax=ax)
    names = {
        "own_pain": "own pain",
        "own_neutral": "own calm",
        "seen_pain": "another's pain",
        "seen_neutral": "another's calm",
    }
    for number, trial in enumerate(TRIALS):
        if number:
            ax.axvline(number * slots.length, color="white", lw=3.0, zorder=4)
        ax.annotate(
            names[trial], ((number + 0.5) / len(TRIALS), 1.0), xycoords="axes fraction", xytext=(0, 3),
            textcoords="offset points", ha="center", fontsize="small",
        )  # fmt: skip
    ticks = [
        (number * slots.length + gap / 2 + shift, shift)
        for number in range(len(TRIALS))
        for shift in (0, length / 2, length)
    ]
    ax.set_xticks([place for place, _ in ticks], [f"{shift:g}" for _, shift in ticks])
    ax.set_title("b   After own experience: what is felt and seen, beside what is only seen in another\n")
    ax.set_xlabel("time in the trial (ms)")


def weights(view: Run) -> Figure:
    """What own experience wrote into perception->IFG and perception->SMA."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(6.8, 5.4)
        who = individual(view)
        if who is None:
            missing(figure.add_subplot(), UNRECORDED)
            return figure
        named = groups(settings_and_agent(view)[1])
        panels = figure.subplots(len(PROJECTIONS), len(PHASES), width_ratios=(1.0, 1.0))
        for row, (source, target) in enumerate(PROJECTIONS):
            limit = _limit(who, source, target)
            for column, (phase, when) in enumerate(PHASES):
                ax, name = panels[row, column], f"weight.{source}->{target}@{phase}"
                if name not in who.tensors:
                    missing(ax, f"{source}→{target} {when}\nwas not recorded.")
                    continue
                last = column == len(PHASES) - 1
                plots.weights(who.tensors[name].numpy(), source, target, limit=limit, bar=last, groups=named, ax=ax)
                ax.set_title(f"{'abcd'[2 * row + column]}   {source}→{style.area_name(target)}, {when}")
        return figure


def _limit(who: Individual, source: str, target: str) -> float:
    """The largest weight of a projection in any phase."""
    found = [tensor for name, tensor in who.tensors.items() if name.startswith(f"weight.{source}->{target}@")]
    return max((float(tensor.abs().max()) for tensor in found), default=1.0)


def census(view: Run) -> Figure:
    """Mirror cells of IFG and anti-mirror cells of SMA and M1, arm by arm, mean over seeds."""
    from bisnn.plots import style

    with style.use():
        counts = cell_counts(view)
        figure = style.figure(6.8, 1.5 + 0.27 * max(len(counts), 2))
        if not counts:
            missing(figure.add_subplot(), "This run holds no cell census.")
            return figure
        number = sizes(settings_and_agent(view)[1])
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.6, 1.0))
        ifg, others = ("mirror_pain", "mirror_neutral", "non_selective"), ("anti_mirror_sma", "anti_mirror_m1")
        plots.census(counts, kinds=ifg, total=number.get("ifg"), ax=left)
        plots.census(counts, kinds=others, total=number.get("sma", 0) + number.get("m1", 0) or None, ax=right)
        left.set_title("a   Mirror cells")
        right.set_title("b   Anti-mirror cells")
        left.set_xlabel("cells of IFG")
        right.set_xlabel("cells of SMA and M1")
        what = f"means over individuals (n = {len(view.manifest.seeds)}); outlined: cells of no kind"
        figure.supxlabel(what, fontsize=7, color=style.GREY)
        right.tick_params(labelleft=False)
        return figure


def cell_counts(view: Run) -> dict[str, dict[str, Any]]:
    """Arm -> kind of cell -> counts `[seeds]`, from the final state; from the recordings where that holds none."""
    found: dict[str, dict[str, Any]] = {}
    names = [name for name in view.state if ".census." in f".{name.replace('/', '.')}"]
    for name in names:
        prefix, _, kind = name.partition("/census.")
        condition = view.state[f"{prefix}/condition"].numpy()
        for index in np.unique(condition).tolist():
            if 0 <= index < len(view.manifest.arms):
                row = found.setdefault(view.manifest.arms[index], {})
                row[kind] = view.state[name].numpy()[condition == index]
    return found or _recorded_counts(view)


def _recorded_counts(view: Run) -> dict[str, dict[str, Any]]:
    counts: dict[str, dict[str, Any]] = {}
    for arm in view.manifest.arms:
        who = individual(view, arm)
        row = {} if who is None else {n[7:]: t.numpy() for n, t in who.tensors.items() if n.startswith("census.")}
        if row:
            counts[arm] = row
    return counts
