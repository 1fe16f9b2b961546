"""Figures of single episodes: what relief releases, and one rescue beside its spikes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bisnn import plots
from bisnn.experiments.figures.data import (
    Individual,
    Slots,
    Trace,
    groups,
    individual,
    map_of,
    missing,
    output,
    settings_and_agent,
    sizes,
    step_events,
    traces,
)
from bisnn.experiments.results import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bisnn.agents.altruist import Altruist

BEFORE, AFTER = 8, 8
"""Steps shown before onset and after relief."""
LONGEST = 22
"""Most steps shown before relief."""
AREAS = ("perception", "ifg", "affect", "dopamine")
NEVER = "The other was never relieved in the recorded episodes\n(the first and the last three of the first seed)."


def relieved(found: Sequence[Trace]) -> list[Trace]:
    """The recorded episodes with a relief: the last of all recorded ones first."""
    return [trace for trace in reversed(found) if trace.relief is not None and trace.onset is not None]


def best(found: Sequence[Trace], last: int) -> Trace:
    """Of the episodes with a relief, the late one in which the pain lasted longest (an early one if none is late)."""
    late = [trace for trace in found if trace.episode > last / 2] or list(found)
    return max(late, key=lambda trace: ((trace.relief or 0) - (trace.onset or 0), trace.episode))


ROWS = (
    ("signal", "firing of dopamine cells\nrelative to tonic", "#A63A79"),
    ("delta", "prediction error δ\nof that firing", "#332288"),
    ("reward", "external reward", "#555555"),
    ("dopamine", "dopamine D, teaches\nthe synapses", "#0072B2"),
)
"""Column of the trace, its name and its colour."""


def relief(view: Run) -> Figure:
    """Shared distress, its prediction error, reward and dopamine around relief, early and late in life."""
    from matplotlib.ticker import MaxNLocator

    from bisnn.plots import style

    with style.use():
        who = individual(view)
        found = [] if who is None else relieved(traces(who))
        if not found:
            figure = style.figure(6.8, 2.4)
            missing(figure.add_subplot(), *(() if who is None else (NEVER,)))
            return figure
        late = best(found, max(trace.episode for trace in found))
        early = [trace for trace in found if trace.episode < late.episode / 2]
        brief = [trace for trace in early if (trace.relief or 0) - (trace.onset or 0) <= LONGEST - 2]
        shown = [*([best(brief or early, 0)] if early else []), late]
        figure = style.figure(6.8, 6.0)
        panels = figure.subplots(len(ROWS), len(shown), sharex="col", sharey="row", squeeze=False)
        for column, trace in enumerate(shown):
            for ax, (name, label, colour) in zip(panels[:, column], ROWS, strict=True):
                _aligned(ax, trace, name, colour)
                ax.set_ylabel(label if column == 0 else "")
            panels[0, column].set_title(f"{'ab'[column]}   Episode {trace.episode} of seed {who.seed if who else 0}")
            panels[-1, column].set_xlabel("steps from relief")
            panels[-1, column].xaxis.set_major_locator(MaxNLocator(integer=True))
        _explain(figure)
        return figure


def _aligned(ax: Axes, shown: Trace, name: str, colour: str) -> None:
    """One quantity around relief, the time of pain shaded."""
    when = np.arange(len(shown[name])) - float(shown.relief or 0)
    near = (when >= max((shown.onset or 0) - (shown.relief or 0) - 2, -LONGEST)) & (when <= AFTER)
    plots.spans(when[near], shown["pain"][near] > 0, ax=ax)
    ax.axvline(0.0, color="#009E73", lw=1.2, zorder=3)
    ax.axhline(0.0, color="#999999", lw=0.6, zorder=1)
    ax.plot(when[near], shown[name][near], "-o", ms=3, color=colour, lw=1.3, zorder=4)


def _explain(figure: Figure) -> None:
    """A legend below the panels."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    from bisnn.plots import style

    handles = [
        Patch(color=style.PAIN, label="the other is in pain"),
        Line2D([], [], color=style.RELIEF, label="relief"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)


def rescue(view: Run) -> Figure:
    """One rescue seen from above, beside the spikes of the same episode."""
    from bisnn.plots import style

    with style.use():
        who = individual(view)
        found = [] if who is None else relieved(traces(who))
        if who is None or not found:
            figure = style.figure(6.8, 2.4)
            missing(figure.add_subplot(), *(() if who is None else (NEVER,)))
            return figure
        shown = best(found, max(trace.episode for trace in found))
        figure = style.figure(6.8, 7.2)
        above, below = figure.subplots(2, 1, height_ratios=(1.0, 1.3))
        _world(above, view, who, shown)
        _spikes(below, view, who, shown, settings_and_agent(view)[1])
        return figure


def _world(ax: Axes, view: Run, who: Individual, shown: Trace) -> None:
    """The way of the helper and of the victim up to relief, and the helper's on to its goal."""
    world = map_of(view, who.seed, shown.episode)
    if world is None:
        missing(ax, "This dilemma has no map.")
        return
    end = (shown.relief or 0) + 1
    victim = world.victim(shown["victim"])[:end]
    plots.trajectory(
        world.helper(shown["place"]), size=world.size, wall=world.wall, goal=world.goal, switch=world.switch,
        hazards=world.hazards, victim=victim, pain=shown["pain"][:end] > 0, ax=ax,
    )  # fmt: skip
    ax.set_title(f"a   A rescue (seed {who.seed}, episode {shown.episode}), the victim drawn until its relief")


def _spikes(ax: Axes, view: Run, who: Individual, shown: Trace, agent: Altruist | None) -> None:
    """Spikes of the same episode; a step is a look at the other, then a decision."""
    look, decide = (12, 10) if agent is None else (agent.empathy.glance, agent.moral.ticks)
    actor = (*output(agent), "value")
    slots = Slots(float(look + decide), dict.fromkeys(("place", *actor), float(look)))
    steps = len(shown["place"])
    first = max(0, (shown.onset or 0) - BEFORE) if steps > 3 * BEFORE else 0
    count = min(steps - first, (shown.relief or 0) - first + AFTER + 1)
    events = step_events(view, who, shown.episode, (*AREAS, *actor), slots, sizes(agent), first) if view.spikes else {}
    if not any(len(each.times) for each in events.values()):
        missing(ax)
        return
    end = count * slots.length
    events = {
        area: each._replace(times=each.times[each.times < end], units=each.units[each.times < end])
        for area, each in events.items()
    }
    plots.raster(events, groups=groups(agent), end=end, ax=ax)
    for moment, text, colour in ((shown.onset, "pain begins", "#B2182B"), (shown.relief, "relief", "#009E73")):
        place = ((moment or 0) - first) * slots.length
        ax.axvline(place, color=colour, lw=1.1, zorder=5)
        near = (shown.relief or 0) - (shown.onset or 0) < 3
        right = near and text == "pain begins"
        ax.annotate(
            text, (place, 1.0), xycoords=("data", "axes fraction"), xytext=(2 if not right else -2, 2),
            textcoords="offset points", ha="right" if right else "left", color=colour, fontsize="small",
        )  # fmt: skip
    ax.set_title("b   Its spikes in that episode\n")
    ax.set_xlabel(f"time (ms); one step of the world is {slots.length:g} ms")
