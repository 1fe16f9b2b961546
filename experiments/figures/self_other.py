"""Figures of self-other: what is felt and read in every case, the gate from contagion to detachment, the spikes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from bisnn import plots
from bisnn.experiments import measures
from bisnn.experiments.figures.data import UNRECORDED, missing
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.results import Run
from bisnn.experiments.tasks.self_other import CALM, HIDDEN, PAIN, SHOWN, Design
from bisnn.experiments.tasks.self_other_scores import values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES: Mapping[str, str] = {
    "contagion": "gate open (TPJ silent)",
    "detached": "gate shut (TPJ held at 1)",
    "no_decoupling": "SMG silent",
    "no_own_experience": "no emotion in development",
    "no_mirror": "perception→IFG cut",
}
"""Arms in words."""
OTHERS = ((HIDDEN, "hidden"), (CALM, "calm"), (PAIN, "pain"))
PANELS = (
    ("insula", "a   Own pain felt (insula)"),
    ("affect", "b   Distress, own or shared (affect)"),
    ("other_pain", "c   Pain read into the other (mPFC)"),
    ("other_calm", "d   Calm read into the other (mPFC)"),
)
CURVES = (
    ("confusion_size", "other's pain felt as own\n(insula, in units of own pain)", "#D55E00", "-"),
    ("response", "empathic response\n(affect, in units of own pain)", "#E69F00", (0, (5, 1.5))),
    ("egocentric_bias", "own state read into the other\n(share of mPFC in conflicts)", "#0072B2", (0, (2, 1.2))),
)
GAP = 3.0
"""Between two trials, ms."""


def name(arm: str) -> str:
    """An arm as the figures call it."""
    from bisnn.plots import style

    return style.arm_name(arm, NAMES)


def plan(view: Run) -> Design:
    """The trials of the run."""
    found = view.manifest.configuration
    intensities, noise, gains = (tuple(float(x) for x in found[key]) for key in ("intensities", "noise", "gains"))
    return Design(int(found["episodes"]), intensities, noise, gains)


def note(view: Run, text: str) -> str:
    """`text`, and of how many individuals the means are."""
    count = len(view.manifest.seeds)
    return f"{text}; " + (f"means of {count} individuals" if count > 1 else "one individual")


def responses(view: Run) -> Figure:
    """What every arm feels and reads in the six cases of own and other's state."""
    from bisnn.plots import style

    with style.use():
        names, design = view.manifest.arms, plan(view)
        figure = style.figure(7.4, 2.0 + 0.42 * len(names))
        panels = figure.subplots(2, 2, sharex=True, sharey=True)
        cases = [(own, other) for own in (CALM, PAIN) for other, _ in OTHERS]
        for ax, (column, title) in zip(panels.flat, PANELS, strict=True):
            found = measures.table(view.episodes, column)
            values = [[float(found[arm][:, design.where(*case)].mean()) for case in cases] for arm in reversed(names)]
            labels = [text for _ in (CALM, PAIN) for _, text in OTHERS]
            plots.heat(values, [name(arm) for arm in reversed(names)], labels, label="spikes per ms", ax=ax)
            ax.set_title(title, pad=14)
            ax.axvline(2.5, color="white", lw=2.5)
            for own, place in (("self calm", 1.0), ("self in pain", 4.0)):
                ax.annotate(
                    own, (place, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3), textcoords="offset points",
                    ha="center", fontsize=6.5, color=style.GREY,
                )  # fmt: skip
        for ax in panels[1]:
            ax.set_xlabel("state of the other")
        figure.supxlabel(note(view, _pains(design)), fontsize=7, color=style.GREY)
        return figure


def _pains(design: Design) -> str:
    """The intensities over which a mean goes."""
    return f"intensity of pain {', '.join(f'{one:g}' for one in design.intensities)}"


def gate(view: Run) -> Figure:
    """From contagion over empathy to detachment: the measures against the gain of the outputs of TPJ."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(6.8, 3.5)
        ax = figure.add_subplot()
        found = sorted(view.summary.get("gate", []), key=lambda entry: float(entry["gain"]))
        if len(found) < 2:
            return _with(figure, missing(ax, "One gain of the gate alone: there is no curve."))
        _regimes(ax, found)
        for key, label, colour, dash in CURVES:
            known = [entry for entry in found if entry[key] is not None]
            gains = [entry["gain"] for entry in known]
            ax.plot(gains, [entry[key] for entry in known], color=colour, ls=dash, marker="o", ms=3, label=label)
            low, high = (np.array([entry[f"{key}_ci95"][side] for entry in known]) for side in (0, 1))
            ax.fill_between(gains, low, high, color=colour, alpha=0.2, lw=0)
        ax.axhline(0.5, color=style.GREY, lw=0.8, ls=(0, (1, 1.5)), zorder=1)
        ax.annotate("no distinction", (1.0, 0.5), xycoords=("axes fraction", "data"), xytext=(-2, 2),
                    textcoords="offset points", ha="right", fontsize=6.5, color=style.GREY)  # fmt: skip
        ax.axvline(1.0, ymax=0.92, color=style.DARK, lw=0.8, zorder=1)
        ax.set(xlabel="gain of the outputs of TPJ (0: gate open, 1: as it grew)", ylim=(-0.04, 1.12))
        ax.set_ylabel("share, or response in units\nof that to own pain")
        ax.set_xlim(found[0]["gain"], found[-1]["gain"])
        figure.legend(loc="outside right center", fontsize=7, labelspacing=1.2)
        text = note(view, f"arm: {name(str(view.summary.get('shown', 'intact')))}; {_pains(plan(view))}")
        figure.supxlabel(f"{text}, 95 % intervals shaded", fontsize=7, color=style.GREY)
        return figure


def _with(figure: Figure, ax: Axes) -> Figure:
    return figure


def _regimes(ax: Axes, found: list[dict[str, Any]]) -> None:
    """Name the gains at which pain is confused (5 % or more of own pain), shared, and no longer shared (< 0.8)."""
    if any(entry[key] is None for entry in found for key in ("confusion_size", "response")):
        return  # own pain is not felt at all: there is nothing to compare with
    shared = ["empathy" if entry["response"] >= 0.8 else "detachment" for entry in found]
    kinds = [
        "contagion" if entry["confusion_size"] >= 0.05 else kind for entry, kind in zip(found, shared, strict=True)
    ]
    gains = [float(entry["gain"]) for entry in found]
    edges = [gains[0], *((a + b) / 2 for a, b in pairwise(gains)), gains[-1]]
    shades = {"contagion": "#FBE3D6", "empathy": "#E3F1EA", "detachment": "#E6E6EE"}
    for kind, shade in shades.items():
        here = [k for k, one in enumerate(kinds) if one == kind]
        for k in here:
            ax.axvspan(edges[k], edges[k + 1], color=shade, lw=0, zorder=0)
        if here:
            ax.text((edges[here[0]] + edges[here[-1] + 1]) / 2, 1.06, kind, ha="center", va="center", fontsize=7.5)


def spikes(view: Run) -> Figure:
    """Spikes in the four cases of own and other's state, with the gate as it is, open and shut."""
    from bisnn.plots import style

    with style.use():
        usual = ("intact", str(view.summary.get("shown")), "contagion", "detached")
        wanted = [arm for arm in dict.fromkeys(usual) if arm in view.manifest.arms][:3]
        figure = style.figure(7.4, 6.6)
        if not view.spikes:
            return _with(figure, missing(figure.add_subplot(), UNRECORDED))
        panels = figure.subplots(1, len(wanted), squeeze=False)[0]
        for ax, arm in zip(panels, wanted, strict=True):
            _trials(ax, view, arm, named=ax is panels[0])
            ax.set_title(f"{name(arm)}\n\n", fontsize=8)
            ax.set_xlabel("time in the trial (ms)")
        middle = sorted(plan(view).intensities)[len(plan(view).intensities) // 2]
        who = f"one individual (seed {_seed(view)}); pain of intensity {middle:g}"
        text = f"{who}; upper half of an area: pain, lower: calm"
        figure.supxlabel(text, fontsize=7, color=style.GREY)
        return figure


def _seed(view: Run) -> int:
    return int(np.min(view.spikes["seed"]))


def _trials(ax: Axes, view: Run, arm: str, named: bool) -> None:
    """The four cases of one arm, side by side."""
    from bisnn.plots import style
    from bisnn.systems.self_other import SelfOther

    network, design, columns = SelfOther().empathy, plan(view), view.spikes
    length = network.glance + GAP
    cases = [(own, other) for own in (CALM, PAIN) for other in (CALM, PAIN)]
    mine = (columns["seed"] == _seed(view)) & (columns["arm"] == arm)
    found = {}
    for area in SHOWN:
        times, units = [], []
        for number, case in enumerate(cases):
            here = mine & (columns["area"] == area) & (columns["episode"] == design.example(*case))
            times.append(columns["tick"][here] + number * length + GAP / 2)
            units.append(columns["unit"][here].astype(np.int64))
        count = network.circuit.areas[area].n
        found[area] = plots.Events(np.concatenate(times).astype(np.float64), np.concatenate(units), count)
    plots.raster(found, end=len(cases) * length, ax=ax)
    labels = [f"{style.area_name(area)} ({each.n})" for area, each in found.items()]
    ax.set_yticks(ax.get_yticks(), labels if named else [""] * len(labels))
    for area, label in zip(found, ax.get_yticklabels(), strict=True):
        label.set_color(style.colour(area, style.AREAS))
    for number, (own, other) in enumerate(cases):
        if number:
            ax.axvline(number * length, color="white", lw=2.5, zorder=4)
        text = f"self {'pain' if own else 'calm'}\nother {'pain' if other else 'calm'}"
        ax.annotate(
            text, ((number + 0.5) / len(cases), 1.0), xycoords="axes fraction", xytext=(0, 3), linespacing=1.1,
            textcoords="offset points", ha="center", fontsize=6,
        )  # fmt: skip
    ticks = [(number * length + GAP / 2, 0) for number in range(len(cases))]
    ticks.append((len(cases) * length - GAP / 2, network.glance))
    ax.set_xticks([place for place, _ in ticks], [f"{at:g}" for _, at in ticks], fontsize=6)


MEASURED = (
    ("confusion", "other's pain felt\nas own: share\nof trials", 0.5, "<5 %"),
    ("empathic_response", "empathic response\nin units of that\nto own pain", None, ">0.8"),
    ("intrusion", "own state read\ninto the other: share\nof conflicts", 0.5, ""),
    ("misread", "other's state\nnot read: share\nof conflicts", 0.5, ""),
    ("auroc", "own against other's\npain by the insula:\nAUROC", 0.5, ""),
)
"""Measure, its name, its level of chance, what is required of it."""


def arms(view: Run) -> Figure:
    """The main measures of every arm: individuals as dots, mean and interval, the level of chance dotted."""
    from bisnn.plots import style

    with style.use():
        names = view.manifest.arms
        figure = style.figure(7.4, 1.5 + 0.29 * len(names))
        panels = figure.subplots(1, len(MEASURED), sharey=True)
        found = values(view.episodes, plan(view))
        for ax, (key, label, chance, bound) in zip(panels, MEASURED, strict=True):
            summary = {arm: view.summary["arms"][arm][key] for arm in names}
            shown = {arm: found[key][arm] for arm in names}
            plots.arms(shown, summary, xlabel=label, reference=None, limits=(-0.05, 1.05), number="{:.2f}", ax=ax)
            ax.set_title(f"required: {bound}" if bound else "", fontsize=7, color=style.GREY)
            ax.set_xticks((0.0, 0.5, 1.0), ("0", "0.5", "1"))
            ax.xaxis.label.set_fontsize(7)
            if chance is not None:
                ax.axvline(chance, color=style.GREY, lw=0.8, ls=(0, (1, 1.5)), zorder=1)
        panels[0].set_yticks(range(len(names)), [name(arm) for arm in names])
        for ax in panels[1:]:
            ax.tick_params(labelleft=False)
        count = len(view.manifest.seeds)
        text = f"dot: one individual (n = {count}); diamond and bar: mean and 95 % interval; dotted: chance"
        figure.supxlabel(text, fontsize=7, color=style.GREY)
        return figure


FIGURES: Mapping[str, Draw] = {"arms": arms, "responses": responses, "gate": gate, "spikes": spikes}
"""Figures of self-other."""
