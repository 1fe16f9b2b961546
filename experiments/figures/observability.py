"""Figures of observability: help by visibility, and what a hidden face does to dopamine without and with a memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from bisnn import rng
from bisnn.agents.clock import EPISODE
from bisnn.experiments.figures.data import UNRECORDED, Individual, Trace, missing, traces
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.results import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS: Mapping[str, tuple[str, str, str]] = {
    "remembering": ("spiking agent with memory", "#009E73", "o-"),
    "spiking": ("spiking agent", "#0072B2", "s-"),
    "tabular_q": ("tabular Q-learning", "#D55E00", "^-"),
    "oracle": ("oracle (knows the map, remembers)", "#555555", ":"),
}
"""Agent -> name, colour, format."""
HARD = "p=0.5"
"""The arm whose episodes are shown."""
SHOWN = 24
"""Moments of an episode that are shown, at most."""


def help_by_visibility(view: Run) -> Figure:
    """Help rate by the probability that the face is visible, agent by agent, with the published baseline."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(6.8, 3.3)
        ax = figure.add_subplot()
        entries = [one for one in view.summary.get("visible") or () if one["help_rate"]["mean"] is not None]
        if not entries:
            missing(ax, "This run holds no help rates.")
            return figure
        for agent, (name, colour, look) in LOOKS.items():
            rows = sorted((e for e in entries if e["agent"] == agent), key=lambda e: float(e["visible"]))
            if not rows:
                continue
            p = np.array([row["visible"] for row in rows], dtype=np.float64)
            mean = np.array([row["help_rate"]["mean"] for row in rows], dtype=np.float64)
            ends = np.array([row["help_rate"]["ci95"] for row in rows], dtype=np.float64).T
            if agent == "oracle":
                ax.plot(p, mean, look, color=colour, lw=1.1, label=name, zorder=1)
                continue
            error = np.clip(np.stack((mean - ends[0], ends[1] - mean)), 0.0, None)
            ax.errorbar(p, mean, yerr=error, fmt=look, ms=4.5, color=colour, elinewidth=0.9, label=name, zorder=3)
        chance = (view.summary.get("chance") or {}).get("mean")
        if chance is not None:
            ax.axhline(chance, color="#999999", lw=1.0, ls="--", label="chance (random walk)", zorder=1)
        known = sorted((e["visible"], e["reference"]) for e in entries if e.get("reference") is not None)
        if known:
            p, rate = np.array(known, dtype=np.float64).T
            ax.plot(p, rate, "x", ms=6, mew=1.4, color="#222222", label="published baseline (tabular)", zorder=4)
        ax.set(xlabel="probability per step that the face is visible", ylabel="help rate", ylim=(-0.03, 1.05))
        ax.set_title("Help when the face is hidden at times")
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), labelspacing=0.9)
        n = len(view.manifest.seeds)
        figure.supxlabel(f"mean and 95 % interval of {n} individuals, end of life", fontsize=7, color=style.GREY)
        return figure


def dopamine(view: Run) -> Figure:
    """One episode at p = .5 without and with memory: what is seen, what is felt, what dopamine says of it."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 4.6)
        panels = figure.subplots(2, 2, height_ratios=(1.0, 1.25), sharey="row", sharex="col")
        pair = {agent: _individual(view, agent) for agent in ("spiking", "remembering")}
        lives = {agent: traces(who) for agent, who in pair.items() if who is not None}
        number = _episode(lives)
        if number is None:
            for ax in panels.flat:
                ax.set_axis_off()
            missing(panels[0, 0], UNRECORDED + "\n(arm p=0.5, both spiking agents)")
            return figure
        for column, (agent, episodes) in enumerate(lives.items()):
            trace = next(trace for trace in episodes if trace.episode == number)
            who = pair[agent]
            assert who is not None
            _felt(panels[0, column], trace, _visible(who.seed, trace))
            _error(panels[1, column], trace)
            panels[0, column].set_title(f"{'ab'[column]}   {LOOKS[agent][0]}")
            panels[1, column].set_title(f"{'cd'[column]}   {_unearned(episodes)}", fontweight="normal", fontsize=7.5)
            panels[1, column].set_xlabel(f"step of episode {number}")
        panels[0, 0].set_ylabel("shared distress\n(firing of affect cells)")
        panels[1, 0].set_ylabel("dopamine error δ")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        more = panels[1, 0].get_legend_handles_labels()
        figure.legend(handles + more[0], labels + more[1], loc="outside lower center", ncols=5, fontsize=7)
        return figure


def _individual(view: Run, agent: str) -> Individual | None:
    """The first recorded individual of an agent in the arm p = .5."""
    found = []
    for name, tensors in view.recordings.items():
        notes = view.notes(name)
        if notes.get("arm") == HARD and notes.get("agent") == agent:
            found.append(Individual(HARD, int(notes["seed"]), tensors))
    return min(found, key=lambda one: one.seed) if found else None


def _episode(lives: Mapping[str, list[Trace]]) -> int | None:
    """The recorded episode that both agents live with most painful moments, if possible one in which the rememberer
    helps; or None."""
    if len(lives) < 2:
        return None
    pain = [{t.episode: min(SHOWN, float(t["pain"].sum())) for t in episodes} for episodes in lives.values()]
    both = {number: min(each.get(number, 0.0) for each in pain) for number in set(pain[0]) & set(pain[1])}
    eased = {t.episode for t in lives["remembering"] if t.relief is not None and t.relief < SHOWN}
    best = max(both, key=lambda number: (number in eased, both[number], -number), default=None)
    return best if best is not None and both[best] > 0 else None


def _visible(seed: int, trace: Trace) -> NDArray[np.bool_]:
    """At which moments of the episode the face was visible (a property of the world, drawn again)."""
    moments = EPISODE * trace.episode + torch.arange(len(trace["pain"]))
    key = rng.keys(torch.tensor([seed])).expand(moments.shape)
    return np.asarray((rng.uniform(key, "rescue/world", moments, 8)[..., 3] < 0.5).numpy(), dtype=np.bool_)


def _felt(ax: Axes, trace: Trace, visible: NDArray[np.bool_]) -> None:
    from bisnn.plots import style

    step = np.arange(len(visible))[:SHOWN]
    pain, affect = trace["pain"][:SHOWN] > 0, trace["affect"][:SHOWN]
    ax.fill_between(step, 0, 1, where=pain, step="mid", color=style.PAIN, lw=0, label="the other is in pain")
    hidden = step[~visible[:SHOWN]]
    ax.plot(hidden, np.full(len(hidden), -0.09), "s", ms=3.2, color="#444444", label="face hidden", clip_on=False)
    ax.step(step, affect, where="mid", color=style.AREAS["affect"], lw=1.8, label="distress shared")
    ax.set(ylim=(-0.16, 1.1), xlim=(-0.7, float(step[-1]) + 0.7))
    _relief(ax, trace)


def _error(ax: Axes, trace: Trace) -> None:
    delta = trace["delta"][:SHOWN]
    pain = trace["pain"][:SHOWN] > 0
    step = np.arange(len(delta))
    up = delta > 0
    for chosen, colour, label in (
        (up & pain, "#B2182B", "reward though the pain goes on"),
        (up & ~pain, "#009E73", "reward after relief"),
        (~up, "#9A9A9A", "no reward"),
    ):
        ax.bar(step[chosen], delta[chosen], width=0.8, color=colour, label=label)
    ax.axhline(0.0, color="#444444", lw=0.6)
    _relief(ax, trace)


def _relief(ax: Axes, trace: Trace) -> None:
    from bisnn.plots import style

    if trace.relief is not None and trace.relief < SHOWN:
        ax.axvline(trace.relief, color=style.RELIEF, lw=1.2)


def _unearned(episodes: list[Trace]) -> str:
    """How much of all positive errors of the recorded episodes came while the pain went on, in words."""
    total = unearned = 0.0
    for trace in episodes:
        if trace.onset is None:
            continue
        up = np.clip(trace["delta"], 0.0, None)
        total += float(up.sum())
        unearned += float(up[trace["pain"] > 0].sum())
    share = unearned / total if total else 0.0
    return f"{share:.0%} of the positive errors of {len(episodes)} episodes\ncame while the pain went on"


FIGURES: Mapping[str, Draw] = {"help_by_visibility": help_by_visibility, "dopamine": dopamine}
"""Figures of observability."""
