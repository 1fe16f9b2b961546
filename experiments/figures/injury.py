"""The figures of injury: how much it hurts, what is avoided afterwards, and the spikes of the two alarms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bisnn import plots
from bisnn.experiments.figures.data import events, missing, reference
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.results import Run
from bisnn.experiments.statistics import ENOUGH
from bisnn.systems.protection import Protection

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS: Mapping[str, tuple[str, str, str]] = {
    "healthy": ("healthy", "#8A8A8A", "o"),
    "short": ("moves less: predicted, not felt", "#0072B2", "v"),
    "over": ("moves more: felt, not predicted", "#D55E00", "^"),
    "inverted": ("moves the other way: both", "#7A5195", "D"),
}
"""Kind of injury -> its words, colour and mark."""
ARMS: Mapping[str, str] = {
    "no_efference": "no efference copy",
    "no_plasticity": "amygdala does not learn",
    "no_alarm": "alarm (CeA) silenced",
    "no_pain": "pain cells silenced",
    "shuffled_sight": "sight shuffled",
    "no_veto": "alarm→motor cut",
}
"""Arms in words."""
AREAS = ("object", "la", "cea", "motor", "pb", "pag", "acc")
NAMES = {
    "object": "object (IT)", "la": "LA", "cea": "CeA: impending", "motor": "motor",
    "pb": "pain (PB)", "pag": "onset (PAG)", "acc": "ACC: actual",
}  # fmt: skip
GROUPS: Mapping[str, tuple[str, str]] = {
    "avoided_after_0": ("0", "#8A8A8A"),
    "avoided_after_1": ("1", "#0072B2"),
    "avoided_after_2": ("2 or more", "#332288"),
}
"""Measure -> experiences and colour."""


def injury(view: Run) -> Figure:
    """Intensity of pain, avoidance by experience, generalisation by likeness, and the two alarms."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.4, 6.2)
        panels = figure.subplots(2, 2)
        _intensity(panels[0, 0], view)
        _avoidance(panels[0, 1], view)
        _likeness(panels[1, 0], view)
        _alarms(panels[1, 1], view)
        seeds, arm = len(view.manifest.seeds), _shown(view)
        words = "" if arm == reference(view) else f"a, c, d: {style.arm_name(arm, ARMS)};  "
        figure.supxlabel(f"{words}mean and 95 % interval over {seeds} individuals", fontsize=7, color=style.GREY)
        return figure


def _shown(view: Run) -> str:
    """The arm that the summary describes."""
    return str(view.summary.get("arm", reference(view)))


def _intensity(ax: Axes, view: Run) -> None:
    """Pain cells against mismatch, by kind of injury."""
    for kind, (label, colour, mark) in KINDS.items():
        points = [e for e in view.summary["intensity"] if e["kind"] == kind]
        place, cells = ([e[name] for e in points] for name in ("mismatch", "pain_cells"))
        ax.plot(place, cells, mark, ls="-", lw=1.0, ms=6, color=colour, mfc="none", mew=1.4, label=label)
    rho = view.summary["spearman"]
    ax.set(xlabel="mismatch of predicted and felt movement (cells)", ylabel="active pain cells", ylim=(-1, 26))
    ax.set_title("a   Pain grows with the error, of either sign")
    ax.legend(loc="upper left", fontsize=6.5)
    if rho is not None:
        ax.text(0.98, 0.04, f"Spearman ρ = {rho:.2f}", transform=ax.transAxes, ha="right", fontsize=7.5)


def _avoidance(ax: Axes, view: Run) -> None:
    """Share of hazards avoided at the first approach after 0, 1, 2 experiences, arm by arm."""
    from bisnn.plots import style

    arms = view.manifest.arms
    for number, (measure, (label, colour)) in enumerate(GROUPS.items()):
        ax.plot([], [], "o", color=colour, ms=5, label=label)
        for row, arm in enumerate(arms):
            found = view.summary["arms"][arm][measure]
            if found["mean"] is None:
                continue
            place = row + (number - 1) * 0.22
            ax.plot(found["ci95"], (place, place), color=colour, lw=2, solid_capstyle="butt")
            few = found["n"] < ENOUGH
            ax.plot(found["mean"], place, "o", color=colour, ms=5, mfc="white" if few else colour, clip_on=False)
    ax.set_yticks(range(len(arms)), [style.arm_name(arm, ARMS) for arm in arms])
    ax.set(ylim=(len(arms) - 0.4, -0.6), xlim=(-0.03, 1.03), xlabel="hazards avoided at the next approach")
    ax.set_xticks((0, 0.5, 1), ("0%", "50%", "100%"))
    ax.set_title("b   One experience of pain is enough")
    ax.legend(
        title="experiences of\nthis hazard\n(open: n < 5)", loc="center right", fontsize=6.5, title_fontsize=6.5,
        frameon=True, framealpha=0.9, edgecolor="none",
    )  # fmt: skip


def _likeness(ax: Axes, view: Run) -> None:
    """Avoidance of what looks more or less like a known hazard."""
    curve = [e for e in view.summary["generalisation"] if e["avoided"]["mean"] is not None]
    if not curve:
        missing(ax, "no hazard was known at the end")
        return
    shared = [e["shared"] for e in curve]
    mean = [e["avoided"]["mean"] for e in curve]
    low, high = zip(*(e["avoided"]["ci95"] for e in curve), strict=True)
    ax.fill_between(shared, low, high, color="#0072B2", alpha=0.2, lw=0)
    ax.plot(shared, mean, "o-", color="#0072B2", ms=4, label="likeness of a known hazard")
    own = view.summary["arms"][_shown(view)]
    for name, label, colour in (
        ("harmless_avoided", "harmless things", "#009E73"),
        ("empty_avoided", "empty floor", "#8A8A8A"),
    ):
        if own[name]["mean"] is not None:
            ax.axhline(own[name]["mean"], color=colour, lw=1.2, ls=(0, (4, 2)), label=label)
    ax.set(xlabel="share of object cells in common with a known hazard", ylabel="steps stopped", ylim=(-0.03, 1.03))
    ax.set_yticks((0, 0.5, 1), ("0%", "50%", "100%"))
    ax.set_title("c   It fears what looks alike, not everything")
    ax.legend(loc="upper left", fontsize=6.5, bbox_to_anchor=(0.0, 0.98), borderaxespad=0.0)
    ax.set_xlim(-0.05, 1.05)


def _alarms(ax: Axes, view: Run) -> None:
    """When each of the two alarms rings."""
    own = view.summary["arms"][_shown(view)]
    rows = (
        ("known hazard ahead", "hits", "impending_taken_for_actual"),
        ("harmless thing ahead", "false_alarms", None),
        ("injured, in pain", "actual_taken_for_impending", "injury_alarm"),
        ("healthy, moving", None, "injury_alarm_in_health"),
    )
    words = (("impending (CeA)", "#D55E00", -0.17), ("actual (ACC)", "#332288", 0.17))
    for label, colour, shift in words:
        ax.barh(shift, 0.0, height=0.3, color=colour, label=label)
    for row, (_, *measures) in enumerate(rows):
        for measure, (_, colour, shift) in zip(measures, words, strict=True):
            found = own[measure] if measure else None
            if found is None or found["mean"] is None:
                continue
            ax.barh(row + shift, found["mean"], height=0.3, color=colour)
            ax.plot(found["ci95"], (row + shift, row + shift), color="#222222", lw=1.0)
            ax.text(
                max(found["ci95"][1], found["mean"]) + 0.02, row + shift, f"{found['mean']:.0%}", va="center",
                fontsize=6.5,
            )  # fmt: skip
    ax.set_yticks(range(len(rows)), [name for name, *_ in rows])
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlim=(0, 1.2), xlabel="steps in which the alarm rings")
    ax.set_xticks((0, 0.5, 1), ("0%", "50%", "100%"))
    ax.set_title("d   Two alarms, told apart")
    ax.legend(loc="lower right", fontsize=6.5)


def alarm(view: Run) -> Figure:
    """Spikes of one individual: it enters a hazard unwarned, pain begins, and the next time it stops."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.4, 4.4)
        found = _scenes(view)
        if found is None:
            missing(figure.add_subplot(), "No recorded individual was hurt and met the same hazard again.")
            return figure
        panels = figure.subplots(1, 3)
        titles = ("1   first meeting: it goes on", "2   pain begins", "3   next meeting: it stays")
        plan = Protection()
        for number, (ax, title, step) in enumerate(zip(panels, titles, found["steps"], strict=True)):
            mine = _rows(view, found, step)
            plots.raster(events(view, mine, plan.circuit, AREAS), AREAS, end=float(plan.ticks), ax=ax)
            ax.axvline(plan.look, color="#444444", lw=0.8, ls=":")
            for place, text in ((plan.look / 2, "looks ahead"), (plan.look + plan.act / 2, "acts, feels")):
                ax.text(
                    place, 1.0, text, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=6.5,
                    color="#666666",
                )  # fmt: skip
            ax.set_title(f"{title}", pad=14)
            ax.set_yticks(ax.get_yticks(), [NAMES[area] for area in AREAS] if number == 0 else [])
        figure.supxlabel(
            f"one intact individual (seed {found['seed']}); the same hazard in 1 and 3, the body stands on it in 2",
            fontsize=7,
            color=style.GREY,
        )
        return figure


def _scenes(view: Run) -> dict[str, Any] | None:
    """The individual, and the (visit, step) of its first injury, the onset of pain, and the next approach."""
    steps = int(view.manifest.configuration["steps"])
    for name, tensors in view.recordings.items():
        notes = view.notes(name)
        if notes.get("arm") != reference(view) or "hurt_by" not in tensors:
            continue
        track = {key: np.asarray(value) for key, value in tensors.items()}
        for start in np.flatnonzero(track["hurt_by"] > 0):
            which = track["hurt_by"][start]
            pain = np.flatnonzero((track["pain"] > 0) & (np.arange(len(track["pain"])) > start))
            again = np.flatnonzero((track["ahead"] == which) & (track["known"] > 0) & (track["healthy"] > 0))
            if pain.size and again.size and track["known"][again[0]] == 1 and track["go"][again[0]] == 0:
                numbers = (int(start), int(pain[0]), int(again[0]))
                where = [(number // steps, number % steps) for number in numbers]
                return {"seed": int(notes["seed"]), "arm": notes["arm"], "steps": where}
    return None


def _rows(view: Run, found: Mapping[str, Any], when: tuple[int, int]) -> NDArray[np.bool_]:
    """The spikes of one step."""
    columns: Mapping[str, NDArray[Any]] = view.spikes
    here: NDArray[np.bool_] = (columns["seed"] == found["seed"]) & (columns["arm"] == found["arm"])
    here &= (columns["episode"] == when[0]) & (columns["step"] == when[1])
    return here


FIGURES: Mapping[str, Draw] = {"injury": injury, "alarm": alarm}
"""Figures of injury."""
