"""Redraws docs/figures/modulators.png and modulators_critic.png: `python docs/figures/modulators.py` (a minute)."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import torch

from bisnn import rng
from bisnn.circuit import Area, Circuit
from bisnn.experiments.claims.spiking_critic import arms, errors, learned
from bisnn.interventions import INTACT, Ablation, Targets, compile_gates
from bisnn.modulators import Noradrenaline, Serotonin, TemporalDifference, UnexpectedUncertainty
from bisnn.modulators.noradrenaline import gain
from bisnn.neurons import LIF
from bisnn.plots import style
from bisnn.recording import Probe
from bisnn.systems.encoding_retrieval import EncodingRetrieval
from bisnn.systems.spiking_critic import SpikingCritic

HERE = Path(__file__).parent
BLUE, RED, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#7A5195"
SHADES = ("#9ECAE1", "#4292C6", "#08519C", "#08306B")
CUE, REWARD, TICKS, LAGS = 5, 20, 30, 25


def trial(rule, state, paid, cued=True):
    """Dopamine in one trial of ticks of 100 ms: a cue at tick `CUE`, reward at tick `REWARD`."""
    levels = []
    for tick in range(TICKS):
        heard = torch.tensor([float(cued and tick == CUE)], dtype=torch.float64)
        release = torch.tensor(float(paid and tick == REWARD), dtype=torch.float64)
        level, state = rule.step(state, release, 100.0, heard)
        levels.append(float(level))
    return levels, state


def dopamine(panels):
    """Three stacked panels: a reward without cue, one that a cue predicts, one that is left out."""
    rule = TemporalDifference(cues=1, lags=LAGS, tau_discount=5000.0, beta=0.3)
    naive = state = rule.init(torch.zeros((), dtype=torch.float64))
    for _ in range(300):
        _, state = trial(rule, state, True)
    shown = (
        ("no prediction, reward", trial(rule, naive, True, cued=False)[0], False, True),
        ("cue, reward", trial(rule, state, True)[0], True, True),
        ("cue, reward left out", trial(rule, state, False)[0], True, False),
    )
    times = np.arange(TICKS) * 0.1
    for ax, (words, levels, cued, paid) in zip(panels, shown, strict=True):
        ax.axhline(0.0, color=style.GREY, lw=0.6)
        ax.bar(times, levels, width=0.09, color=BLUE if min(levels) > -0.5 else RED, lw=0)
        ax.set(ylim=(-1.45, 1.25), yticks=(-1, 0, 1), xlim=(-0.1, 2.9))
        ax.text(1.25, 1.2, words, fontsize=7, va="top", ha="center")
        marks = [(CUE, "cue", True)] if cued else []
        for at, name, full in (*marks, (REWARD, "reward" if paid else "(reward)", paid)):
            face = style.DARK if full else "w"
            ax.plot([at * 0.1], [-1.3], "^", ms=4, clip_on=False, mfc=face, mec=style.DARK, mew=0.7)
            ax.text(at * 0.1 + 0.08, -1.15, name, fontsize=6.5, va="center")
        if ax is not panels[-1]:
            ax.tick_params(labelbottom=False)
    panels[0].set_title("a   Dopamine: TD error of a cued reward")
    panels[1].set_ylabel("level")
    panels[2].set_xlabel("time (s)")


def noradrenaline(ax):
    """Rate against current of a leaky cell at three levels: simulated, and the closed form at the scaled current."""
    cell, currents, ticks = LIF(), torch.linspace(0.6, 2.4, 25, dtype=torch.float64), 10000
    circuit = Circuit(
        areas={"cell": Area(n=len(currents), neuron=cell, receptors=(gain(0.5),))},
        modulators={"noradrenaline": Noradrenaline(tau=1e12)},
        dt=0.1,
    )
    fine = np.linspace(0.6, 2.4, 400)
    for level, shade, marker in zip((0.0, 0.5, 1.0), SHADES, "os^", strict=False):
        release = torch.zeros(ticks, dtype=torch.float64)
        release[0] = level
        state = circuit.init(rng.keys(torch.tensor(0)), torch.float64)
        _, seen = circuit.run(
            state, {"cell": currents}, {"noradrenaline": release}, steps=ticks, probes=(Probe("cell"),)
        )
        rate = seen["cell.spikes"].mean(0) * (1000.0 / circuit.dt)
        factor = 1.0 + 0.5 * level
        curve = [1000.0 / cell.period(float(i) * factor) for i in fine]
        ax.plot(fine, curve, color=shade, lw=1.3)
        ax.plot(currents, rate, marker, ms=3, color=shade, label=f"level {level:g}, gain {factor:g}")
    ax.set(xlabel="input current (thresholds)", ylabel="rate (Hz)", ylim=(0, None), xlim=(0.55, 2.45))
    ax.legend(loc="upper left", labelspacing=0.3)
    ax.set_title("b   Noradrenaline: gain")


def surprise(ax):
    """Noradrenaline after switches of a signal that is certain, and of one that is noisy."""
    rule = UnexpectedUncertainty(tau=20.0, beta=0.05, spread=2.0)
    ticks = 700
    base = torch.where((torch.arange(ticks) >= 300) & (torch.arange(ticks) < 500), 1.0, 0.0).double()
    noise = (rng.uniform(rng.keys(torch.tensor(5)), "figure/noise", 0, ticks).double() - 0.5) * 0.8
    for signal, colour, words in ((base, BLUE, "certain"), (base + noise, RED, "noisy")):
        state, levels = rule.init(torch.zeros((), dtype=torch.float64)), []
        for value in signal:
            level, state = rule.step(state, value, 1.0)
            levels.append(float(level))
        ax.plot(levels, color=colour, lw=1.1, label=words)
    for at in (300, 500):
        ax.axvline(at, color=style.GREY, lw=0.8, ls=(0, (3, 2)))
    ax.text(304, ax.get_ylim()[1], "switches", fontsize=6.5, va="top", color=style.DARK)
    ax.set(xlabel="time (ms)", ylabel="level", ylim=(0, None), xlim=(0, ticks))
    ax.legend(loc="upper left", title="signal", title_fontsize=7, alignment="left", labelspacing=0.3)
    ax.set_title("c   Noradrenaline: surprise")


def patience(ax):
    """How long waiting for a reward of 1 pays against one of 0.4 now, by the level of serotonin."""
    levels = torch.linspace(0.0, 2.0, 60, dtype=torch.float64)
    for stretch, shade, marker in zip((0.5, 1.0, 2.0), SHADES, "os^", strict=False):
        serotonin = Serotonin(stretch=stretch)
        ax.plot(levels, serotonin.patience(levels, 1.0, 0.4) / 1000.0, color=shade, lw=1.3)
        at = torch.linspace(0.0, 2.0, 6, dtype=torch.float64)
        left, waited = torch.ones_like(at), torch.zeros_like(at)
        while bool((left >= 0.4).any()):
            waited = torch.where(left >= 0.4, waited + 10.0, waited)
            left = left * serotonin.discount(at, 10.0)
        ax.plot(at, waited / 1000.0, marker, ms=3.5, color=shade, label=f"stretch {stretch:g}")
    ax.set(xlabel="serotonin level", ylabel="time until it leaves (s)", ylim=(0, None))
    ax.legend(loc="upper left", labelspacing=0.3)
    ax.set_title("d   Serotonin: patience")


def acetylcholine(panels):
    """Recurrent weights after encoding and what a cue calls up, with acetylcholine high or low during encoding."""
    memory = EncodingRetrieval()
    kinds = (INTACT, Ablation(name="low", clamp={"acetylcholine": 0.0}))
    key = rng.keys(torch.arange(20)).expand(2, 20)
    gates = compile_gates(kinds, torch.arange(2)[:, None].expand(2, 20), key, Targets.of([memory.circuit]))
    patterns = memory.patterns(key)
    with torch.inference_mode():
        state = memory.encode(memory.init(key), patterns, gates)
        recalled, foreign = memory.retrieve(state, patterns)
    order = (patterns.first * 4 + patterns.cue * 2 - patterns.second)[0, 0].argsort(descending=True, stable=True)
    own, size = memory.size - memory.shared, memory.size
    edges = (0, own, size, size + own)
    for ax, arm, words in zip(panels[:2], (0, 1), ("high", "low"), strict=True):
        cells = torch.cat([order[:size], order[(patterns.second[0, 0] * (1 - patterns.first[0, 0]))[order] > 0]])
        weight = state.weights["ca3->ca3"][arm, 0][cells][:, cells] / memory.bound
        ax.imshow(weight, cmap="Blues", vmin=0, vmax=1, origin="upper")
        for edge in edges[1:3]:
            ax.axhline(edge - 0.5, color=RED, lw=0.7)
            ax.axvline(edge - 0.5, color=RED, lw=0.7)
        middle = [(a + b - 1) / 2 for a, b in itertools.pairwise(edges)]
        ax.set_xticks(middle, ["A", "both", "B"])
        ax.set_yticks(middle, ["A", "both", "B"] if arm == 0 else [])
        ax.tick_params(length=0)
        ax.set_xlabel("to")
        ax.text(0.5, 1.03, f"encoded at {words} ACh", fontsize=7, transform=ax.transAxes, ha="center")
    panels[0].set_ylabel("from")
    panels[0].set_title("e   Acetylcholine: recurrent weights of two patterns", pad=18)
    ax, places = panels[2], np.arange(2)
    for shift, value, colour, words in (
        (-0.2, recalled, BLUE, "rest of A"),
        (0.2, foreign, RED, "B alone"),
    ):
        mean = value.mean(-1)
        ax.bar(places + shift, mean.clamp(min=0.012), width=0.36, color=colour, lw=0, label=words)
    ax.set_xticks(places, ["high", "low"])
    ax.set(ylim=(0, 1.32), yticks=(0, 0.5, 1), xlabel="ACh during encoding", ylabel="spikes per tick")
    ax.legend(loc="upper left", ncols=2, columnspacing=0.8, handlelength=1.0, borderaxespad=0.1)
    ax.set_title("f   Cued with part of A, ACh low", pad=18)


def critic(panels):
    """Value by trial and at the end, and the TD error with and without the reward."""
    track = SpikingCritic(dt=10.0)
    key, gates = arms(track, 8)
    times = track.times / 1000.0
    left, right = panels
    for trials, last, shade, words in ((1, 1, SHADES[0], "trial 1"), (10, 3, SHADES[1], "trials 8 to 10")):
        _, value = learned(track, key, trials, gates, last=last)
        left.plot(times, value[0].mean(0), color=shade, lw=1.1, label=words)
    state, value = learned(track, key, 50, gates)
    low, mean, high = value[0].min(0).values, value[0].mean(0), value[0].max(0).values
    left.fill_between(times, low, high, color=SHADES[2], alpha=0.25, lw=0)
    left.plot(times, mean, color=SHADES[2], lw=1.4, label="trials 31 to 50")
    left.plot(times, value[1].mean(0), color=RED, lw=1.1, ls=(0, (4, 1.5)), label="TD error held at 0")
    left.plot(times, track.ideal(track.times), color=style.DARK, lw=1.0, ls=(0, (1.5, 1.2)), label="true value V*")
    left.set(xlabel="time (s)", ylabel="value V (reward)", ylim=(0, 1.15), xlim=(0, 3))
    left.legend(loc="upper left", bbox_to_anchor=(0.0, 1.0), labelspacing=0.25, fontsize=6.5)
    left.set_title("a   The value that the critic's spikes stand for")
    for rewarded, colour, words in ((True, BLUE, "rewarded"), (False, RED, "reward left out")):
        level = errors(track, state, rewarded)[0].mean(0).reshape(-1, 5).mean(-1) * 1000.0
        right.plot(times.reshape(-1, 5).mean(-1), level, color=colour, lw=1.2, label=words)
    right.axhline(0.0, color=style.GREY, lw=0.6)
    for ax in panels:
        ax.axvline(track.duration / 1000.0, color=style.GREY, lw=0.8, ls=(0, (3, 2)))
    right.set(xlabel="time (s)", ylabel="TD error (reward per s)", xlim=(0, 3))
    right.legend(loc="lower left")
    right.set_title("b   Its dopamine after learning")


def main():
    """Draw both figures."""
    torch.set_num_threads(1)
    with style.use():
        figure = style.figure(7.2, 6.6)
        rows = figure.subfigures(3, 1, height_ratios=(1.15, 0.95, 1.05))
        top = rows[0].subplots(3, 2, sharex="col", width_ratios=(1.15, 1.0))
        grid = top[0, 1].get_gridspec()
        for ax in top[:, 1]:
            ax.remove()
        dopamine(list(top[:, 0]))
        noradrenaline(rows[0].add_subplot(grid[:, 1]))
        middle = rows[1].subplots(1, 2)
        surprise(middle[0])
        patience(middle[1])
        acetylcholine(list(rows[2].subplots(1, 3, width_ratios=(1, 1, 1.1))))
        figure.savefig(HERE / "modulators.png", dpi=200, metadata={"Software": None})
        figure = style.figure(7.2, 2.7)
        critic(list(figure.subplots(1, 2)))
        figure.savefig(HERE / "modulators_critic.png", dpi=200, metadata={"Software": None})


if __name__ == "__main__":
    main()
