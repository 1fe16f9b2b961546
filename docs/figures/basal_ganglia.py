"""Draws rates and learning of the basal ganglia: `python docs/figures/basal_ganglia.py [rates|learning]`.

It takes a minute on one core. Bands are 95 % intervals of means
over individuals (1.96 standard errors), those of proportions are Wilson's.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from matplotlib.patches import Patch

from bisnn import rng
from bisnn.coding import choose
from bisnn.experiments.tasks import bandit as tasks
from bisnn.gates import NO_GATES
from bisnn.interventions import Targets, compile_gates, parse
from bisnn.plots import style
from bisnn.recording import Probe
from bisnn.systems.basal_ganglia import CHANNELLED, BasalGanglia

HERE = Path(__file__).resolve().parent
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#D55E00", "#009E73", "#B2182B", "#777777"

# ------------------------------------------------------------ rates


def taught(actor, key, go, nogo):
    """A newborn with corticostriatal weights `go`, `nogo`, one number per action."""
    state = actor.init(key)
    rows = {
        f"dlpfc->{area}": torch.tensor(given)
        .repeat_interleave(actor.cells)
        .expand(*key.shape, actor.n_place, -1)
        .clone()
        for area, given in (("strd1", go), ("strd2", nogo))
    }
    return state._replace(weights={**state.weights, **rows})


def seen(actor, state, key, index, lesion=None):
    """Choice and recording of a decision."""
    targets = Targets.of((actor.circuit,))
    gates = compile_gates((parse(lesion),), torch.zeros_like(key), key, targets) if lesion else NO_GATES
    noise = rng.uniforms(key, 9999, {"membrane": (actor.actions + 1) * actor.cells, "tie": actor.actions})
    with torch.inference_mode():
        probes = tuple(Probe(area) for area in CHANNELLED)
        counts, _, found = actor.decide(state, index, noise["membrane"], gates, probes)
    return choose(counts, noise["tie"]), found


def by_channel(actor, found, first):
    """Rates of each nucleus, `[*B, actions]`, the channel `first` `[*B]` in front (2 actions)."""
    rates = {}
    for area in CHANNELLED:
        each = found[f"{area}.spikes"].mean(-2).unflatten(-1, (actor.actions, -1)).mean(-1)
        rates[area] = torch.stack(
            (each.gather(-1, first[:, None])[:, 0], each.gather(-1, 1 - first[:, None])[:, 0]), -1
        )
    return rates


def rates():
    """Nuclei at rest, before and after learning; time and probability of choice, intact and lesioned."""
    actor, key = tasks.actors()["basal_ganglia"], tasks.seeds(100)
    with torch.inference_mode():
        learned = tasks.bandit(actor, key, tasks.VISITS).state
    cue, right = torch.zeros_like(key), key % tasks.ACTIONS
    cases = (
        ("at rest", actor.init(key), cue - 1),
        ("before learning", actor.init(key), cue),
        ("after learning", learned, cue),
    )
    with style.use():
        figure = style.figure(6.8, 5.4)
        upper, lower = figure.subfigures(2, 1, height_ratios=(1.0, 1.0))
        for ax, letter, (title, state, index) in zip(upper.subplots(1, 3, sharey=True), "abc", cases, strict=True):
            found = by_channel(actor, seen(actor, state, key, index)[1], right)
            for row, area in enumerate(CHANNELLED):
                colour = style.AREAS[area]
                for column, shift in ((0, -0.19), (1, 0.19)):
                    mean, error = float(found[area][:, column].mean()), float(found[area][:, column].std())
                    ax.barh(row + shift, mean, 0.34, color=colour if column == 0 else "white", edgecolor=colour, lw=1.0)
                    ax.plot([max(mean - error, 0), mean + error], [row + shift] * 2, color=style.DARK, lw=0.7)
            ax.set_yticks(range(len(CHANNELLED)), [style.area_name(area) for area in CHANNELLED])
            ax.set(xlim=(0, 1.08), ylim=(6.6, -0.6), xlabel="spikes per tick")
            ax.set_title(f"{letter}   {title}")
        looks = {"the right action": style.GREY, "the other": "white"}
        handles = [Patch(facecolor=colour, edgecolor=style.GREY, label=text) for text, colour in looks.items()]
        upper.legend(handles=handles, loc="outside lower center", ncols=2, title=None)
        lesions(lower)
        figure.savefig(HERE / "basal_ganglia_rates.png")


NAMES = {"intact": None, "STN": "silence:stn", "StrD1": "silence:strd1", "StrD2": "silence:strd2", "GPi": "silence:gpi"}


def lesions(part):
    """Reaction times of an easy and a hard choice, and probability of the better action, lesion by lesion."""
    actor, key = BasalGanglia(actions=2, places=2, emotions=1), tasks.seeds(2000)
    kinds = {
        "easy (0.8 against 0.2)": ([0.8, 0.2], [0.2, 0.8], BLUE),
        "hard (0.52 against 0.5)": ([0.52, 0.5], [0.48, 0.5], ORANGE),
        "both bad (0.27 against 0.25)": ([0.27, 0.25], [0.73, 0.75], GREEN),
    }
    left, right = part.subplots(1, 2)
    for i, (label, (go, nogo, colour)) in enumerate(kinds.items()):
        for row, lesion in enumerate(NAMES.values()):
            action, found = seen(actor, taught(actor, key, go, nogo), key, torch.zeros_like(key), lesion)
            time = actor.reaction_time(found).to(torch.float32)
            y = row + 0.24 * (i - 1)
            low, high = np.percentile(time.numpy(), (10, 90))
            never = float(time.mean()) >= actor.ticks
            left.plot([low, high], [y, y], color=colour, lw=1.2)
            left.plot(float(time.mean()), y, "o", ms=4, color=colour, label=label if row == 0 else None)
            if never and i == 0:
                left.annotate(
                    "never",
                    (actor.ticks, row),
                    xytext=(-8, 0),
                    textcoords="offset points",
                    ha="right",
                    va="center",
                    fontsize=7,
                )
            share = float((action == 0).to(torch.float32).mean())
            low, high = wilson(share, len(key))
            right.plot([low, high], [y, y], color=colour, lw=1.2)
            right.plot(share, y, "o", ms=4, color=colour)
    for ax in (left, right):
        ax.set_yticks(range(len(NAMES)), [name if name == "intact" else f"{name} silenced" for name in NAMES])
        ax.set_ylim(len(NAMES) - 0.5, -0.5)
    left.set(xlabel="ticks until the first PM spike", xlim=(0, 16.6))
    right.set(xlabel="probability of the better action", xlim=(0.35, 1.03))
    right.axvline(0.5, color=style.GREY, lw=0.7, ls=(0, (3, 2)), zorder=0)
    left.set_title("d   Time of choice (mean, 10 to 90 %)")
    right.set_title("e   Choice (95 % interval)")
    part.legend(loc="outside lower center", ncols=3)


def wilson(share, n, z=1.96):
    """The Wilson interval of a proportion."""
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return centre - half, centre + half


# ------------------------------------------------------------ learning


def band(ax, course, colour, label, dash="-", start=1):
    """Fraction correct per visit, mean over cues, with the 95 % interval of the mean over individuals."""
    each = course.correct.mean(1)
    mean, error = each.mean(-1).numpy(), (each.std(-1) / each.shape[-1] ** 0.5 * 1.96).numpy()
    visit = np.arange(start, start + len(mean))
    ax.fill_between(visit, np.clip(mean - error, 0, 1), np.clip(mean + error, 0, 1), color=colour, alpha=0.2, lw=0)
    ax.plot(visit, mean, color=colour, label=label, ls=dash, marker="o", ms=2.2)


def learning():
    """Acquisition and reversal, its dependence on the rate, ablations, and dopamine in conditioning."""
    with style.use(), torch.inference_mode():
        figure = style.figure(6.8, 5.2)
        (a, b), (c, d) = figure.subplots(2, 2)
        reversal(a)
        by_rate(b)
        ablations(c)
        conditioning(d)
        figure.savefig(HERE / "basal_ganglia_learning.png")


def reversal(ax):
    names = {"basal_ganglia": ("basal ganglia", BLUE, "-"), "place_cells": ("place cells", ORANGE, (0, (4, 1.5)))}
    for name, actor in tasks.actors().items():
        label, colour, dash = names[name]
        course = tasks.bandit(actor, tasks.seeds(100), 20, swap_after=10)
        band(ax, course, colour, label, dash)
    ax.axvline(10.5, color=style.GREY, lw=0.8)
    ax.annotate("swap", (10.5, 0.25), xytext=(-3, 0), textcoords="offset points", ha="right", fontsize=7, color=GREY)
    ax.axhline(0.5, color=style.GREY, lw=0.7, ls=(0, (3, 2)), zorder=0)
    ax.set(xlabel="trial of each cue", ylabel="fraction correct", ylim=(-0.03, 1.03), xticks=(1, 5, 10, 15, 20))
    ax.legend(loc="lower right")
    ax.set_title("a   Bandit and reversal")


def by_rate(ax):
    scale = (0.0625, 0.125, 0.25, 0.5, 1.0, 2.0)
    actor = tasks.actors()["basal_ganglia"]
    rows = []
    for factor in scale:
        course = tasks.bandit(replace(actor, rate_actor=actor.rate_actor * factor), tasks.seeds(100), 40, swap_after=20)
        before, after = tasks.per_visit(course).split(20)
        rows.append((tasks.from_then_on(before, 0.8), tasks.from_then_on(after, 0.8)))
        print("rate", actor.rate_actor * factor, rows[-1])
    rate = [actor.rate_actor * factor for factor in scale]
    ax.plot(rate, [row[0] for row in rows], "o-", color=BLUE, ms=4, label="acquisition")
    ax.plot(rate, [row[1] for row in rows], "s--", color=RED, ms=4, label="reversal")
    ax.plot(rate, [2 * row[0] for row in rows], color=style.GREY, lw=0.9, ls=(0, (2, 1.5)), label="2 x acquisition")
    ax.axvline(actor.rate_actor, color=style.GREY, lw=0.7, zorder=0)
    ax.annotate("C-5 to C-7", (actor.rate_actor, 0.1), xycoords=("data", "axes fraction"), xytext=(-3, 0),
                textcoords="offset points", ha="right", va="top", fontsize=7, color=GREY)  # fmt: skip
    ax.set_xscale("log")
    ax.set_xticks(rate, [f"{each:g}" for each in rate], fontsize=6.5)
    ax.minorticks_off()
    ax.set(xlabel="rate of the actor", ylabel="trials of each cue to 80 %", ylim=(0, None))
    ax.legend(loc="upper right", fontsize=7, frameon=True, edgecolor="none", framealpha=1.0)
    ax.set_title("b   What reversal costs")


def ablations(ax):
    names = {
        "intact": ("intact", BLUE, "-"),
        "constant": ("dopamine always 1", RED, "-"),
        "shuffled": ("dopamine shuffled", ORANGE, (0, (4, 1.5))),
        "no_trace": ("no eligibility", GREEN, (0, (1.5, 1.2))),
    }
    for name, course in tasks.ablated(tasks.actors()["basal_ganglia"], tasks.seeds(300)).items():
        band(ax, course, names[name][1], names[name][0], names[name][2])
    ax.axhspan(0.5, 0.55, color=style.PALE, zorder=0, lw=0)
    ax.set(xlabel="trial of each cue", ylabel="fraction correct", ylim=(0.35, 1.03), xticks=(1, 5, 10, 15, 20))
    ax.legend(loc="center right", bbox_to_anchor=(1.0, 0.62))
    ax.set_title("c   Without one of the three factors")


def conditioning(ax):
    found = tasks.conditioning(tasks.seeds(40))
    step = np.arange(len(found[0])) - tasks.PRELUDE
    looks = (("first trial", GREY, "-"), ("after 60 trials", BLUE, "-"), ("reward omitted", RED, (0, (4, 1.5))))
    for trace, (label, colour, dash) in zip(found, looks, strict=True):
        mean, error = trace.mean(-1).numpy(), (trace.std(-1) / trace.shape[-1] ** 0.5 * 1.96).numpy()
        ax.fill_between(step, mean - error, mean + error, color=colour, alpha=0.25, lw=0)
        ax.plot(step, mean, color=colour, ls=dash, marker="o", ms=2.6, label=label)
    ax.axhline(0.0, color=style.GREY, lw=0.6, zorder=0)
    for when, text in ((0, "cue"), (tasks.DELAY, "reward due")):
        ax.axvline(when, color=style.GREY, lw=0.8, ls=(0, (2, 2)), zorder=0)
        ax.annotate(text, (when, -7.4), xytext=(3, 0), textcoords="offset points", fontsize=7, color=GREY)
    ax.set(xlabel="steps from the cue", ylabel="dopamine D", ylim=(-7.9, 7.9))
    ax.legend(loc="lower left", bbox_to_anchor=(0.26, 0.13))
    ax.set_title("d   A delayed reward, and its omission")


if __name__ == "__main__":
    torch.set_num_threads(1)
    drawn = {"rates": rates, "learning": learning}
    for name in sys.argv[1:] or drawn:
        drawn[name]()
