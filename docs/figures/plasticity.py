"""Redraws docs/figures/plasticity.png from the rules themselves: `python docs/figures/plasticity.py`.

Lines are closed forms or sums over spike times, dots are steps of the rules, crosses are measured synapses.
"""

import math
from pathlib import Path

import numpy as np
import torch

from bisnn.modulators import Dopamine
from bisnn.plasticity import RSTDP, PairSTDP, RMax, TripletSTDP
from bisnn.plots import style
from bisnn.testing.windows import simulated

HERE = Path(__file__).resolve().parent
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#7A5195"
SJOSTROM = {  # Hz: change with pre first, its standard error, with post first, its standard error
    0.1: (-0.04, 0.05, -0.29, 0.08),
    10.0: (0.14, 0.10, -0.41, 0.11),
    20.0: (0.29, 0.14, -0.34, 0.10),
    40.0: (0.53, 0.11, 0.56, 0.32),
    50.0: (0.56, 0.26, 0.75, 0.19),
}


def zero(ax):
    ax.axhline(0.0, color=style.GREY, lw=0.6, zorder=0)


def windows(ax):
    """Change by one pair, relative to the largest: closed form and simulation."""
    gaps = [sign * gap for gap in (1.0, 4.0, 8.0, 14.0, 20.0, 30.0, 40.0, 50.0) for sign in (-1.0, 1.0)]
    rules = {
        "pair STDP": (PairSTDP(rate=1.0, a_minus=0.6, tau_post=34.0, tau_pre=30.0), BLUE, "-"),
        "triplet STDP, culture": (TripletSTDP.hippocampus(rate=1.0 / 6.1e-3), ORANGE, (0, (5, 1.5))),
        "R-max": (RMax(rate=1.0, tau_membrane=10.0), GREEN, (0, (2, 1.2))),
    }
    zero(ax)
    for name, (rule, colour, dashes) in rules.items():
        for side in (-1.0, 1.0):
            t = side * np.linspace(0.01, 52.0, 300)
            ax.plot(t, [rule.window(gap) for gap in t], color=colour, ls=dashes, lw=1.4,
                    label=name if side > 0 else None)  # fmt: skip
        ax.plot(gaps, simulated(rule, gaps, 1.0, torch.float64), "o", ms=3.0, color=colour, mew=0)
    ax.axvline(0.0, color=style.GREY, lw=0.6, zorder=0)
    ax.set(xlim=(-54, 54), ylim=(-0.75, 1.25), title="Windows of a pair")
    ax.set(xlabel=r"gap $t_\mathrm{post} - t_\mathrm{pre}$ (ms)", ylabel="weight change (relative)")
    ax.legend(loc="upper left", fontsize=7, frameon=False, handlelength=2.4)


def protocol(rule, rho, gap, pairs=60):
    """Weight change by 60 pairs at `rho` Hz, stepping from spike to spike."""
    pre = [k * 1000.0 / rho + max(0.0, -gap) for k in range(pairs)]
    post = [time + gap for time in pre]
    trace, total, before = rule.init(torch.zeros(1, 1, dtype=torch.float64)), 0.0, 0.0
    for time in sorted({*pre, *post}):
        spikes = [torch.tensor([float(time in side)], dtype=torch.float64) for side in (pre, post)]
        change, trace = rule.step(trace, torch.zeros(1, 1, dtype=torch.float64), *spikes, None, time - before)
        total, before = total + float(change), time
    return total


def frequency(ax):
    """Pairing protocol: triplets against pairs and against the data."""
    rates = np.concatenate([[0.1], np.arange(1.0, 53.0)])
    triplet = TripletSTDP.visual_cortex()
    pair = PairSTDP(rate=0.007, tau_pre=16.8, tau_post=33.7, a_plus=0.9, a_minus=1.0)
    zero(ax)
    for gap, colour, name in ((10.0, BLUE, "pre first"), (-10.0, ORANGE, "post first")):
        ax.plot(rates, [protocol(triplet, rho, gap) for rho in rates], color=colour, lw=1.5, label=f"triplets, {name}")
        ax.plot(rates, [protocol(pair, rho, gap) for rho in rates], color=colour, lw=1.0, ls=(0, (2, 1.2)),
                alpha=0.8, label=f"pairs, {name}")  # fmt: skip
        at, shift = (0, -0.35) if gap > 0 else (2, 0.35)
        means, errors = ([row[at + i] for row in SJOSTROM.values()] for i in (0, 1))
        ax.errorbar([rho + shift for rho in SJOSTROM], means, errors,
                    fmt="x", color=colour, ms=5, mew=1.4, elinewidth=0.8, capsize=2)  # fmt: skip
    ax.set(xlim=(-1.5, 53), ylim=(-0.75, 1.25), xlabel="pairs per second (Hz)", ylabel="weight change (relative)",
           title="60 pairs, 10 ms apart: visual cortex")  # fmt: skip
    ax.legend(loc="upper left", fontsize=7, frameon=False, ncols=2, columnspacing=1.0, handlelength=2.0)


def lived(latency, ticks=3000, rule=None):
    """Eligibility, dopamine and weight per tick: pre at 100 ms, post 5 ms later, reward `latency` ms after it."""
    rule = rule or RSTDP(rate=1.0, a_plus=0.1, a_minus=0.15, tau_e=1000.0, tau_modulator=200.0)
    modulator, like = Dopamine(tau=200.0), torch.zeros((), dtype=torch.float64)
    weight, state = torch.zeros(1, 1, dtype=torch.float64), modulator.init(like)
    trace, rows = rule.init(weight), []
    for tick in range(ticks):
        level, state = modulator.step(state, like + 0.5 * float(tick == 106 + latency), 1.0)
        spikes = [torch.tensor([float(tick == at)], dtype=torch.float64) for at in (100, 105)]
        change, trace = rule.step(trace, weight, *spikes, level, 1.0)
        weight = weight + change
        rows.append((float(trace.eligibility), float(level), float(weight)))
    return np.array(rows).T


def course(ax):
    """One synapse: what the eligibility bridges."""
    eligibility, level, weight = lived(1000)
    time = np.arange(len(weight)) / 1000.0
    peaks = [values.max() for values in (eligibility, level, weight)]
    rows = ((eligibility / peaks[0], PURPLE, "-", f"eligibility c (max {peaks[0]:.3f})"),
            (level / peaks[1], GREEN, (0, (2, 1.2)), f"dopamine d (max {peaks[1]:.1f})"),
            (weight / peaks[2], BLUE, (0, (5, 1.5)), f"weight gained (max {peaks[2]:.2f})"))  # fmt: skip
    for values, colour, dashes, name in rows:
        ax.plot(time, values, color=colour, ls=dashes, lw=1.5, label=name)
    ax.annotate("pre, then post\n5 ms later", (0.105, 0.0), (0.20, 0.30), fontsize=7, color=style.DARK, va="center",
                arrowprops={"arrowstyle": "-", "lw": 0.6, "color": style.GREY})  # fmt: skip
    ax.annotate("reward", (1.106, 0.0), (0.70, 0.10), fontsize=7, color=style.DARK, va="center",
                arrowprops={"arrowstyle": "-", "lw": 0.6, "color": style.GREY})  # fmt: skip
    ax.set(xlim=(0, 3), ylim=(-0.03, 1.5), xlabel="time (s)", ylabel="relative to its maximum",
           title="Dopamine 1 s late", yticks=(0, 0.5, 1))  # fmt: skip
    ax.legend(loc="upper left", fontsize=7, frameon=False)


def latency(ax):
    """Gain against latency: closed form, exact integration, and the level as a pulse per tick."""
    rule = RSTDP(rate=1.0, a_plus=0.1, a_minus=0.15, tau_e=1000.0, tau_modulator=200.0)
    k = 1.0 / 1000.0 + 1.0 / 200.0
    t = np.linspace(0, 3200, 200)
    gain = 0.5 * 0.1 * math.exp(-5.0 / 20.0) / k
    ax.plot(t / 1000.0, gain * np.exp(-t / 1000.0), color=style.DARK, lw=1.0, label="closed form")
    at = (0, 100, 500, 1000, 2000, 3000)
    found = [lived(late, late + 4000, rule)[2][-1] for late in at]
    ax.plot(np.array(at) / 1000.0, found, "o", color=BLUE, ms=4.5, mew=0, label="R-STDP, integrated over the tick")
    ax.set(yscale="log", ylim=(0.2, 9), xlim=(-0.1, 3.2), xlabel="latency of reward (s)", ylabel="weight gained",
           title="Credit decays with the eligibility", yticks=(0.3, 1, 3))  # fmt: skip
    ax.set_yticks([], minor=True)
    ax.set_yticklabels(["0.3", "1", "3"])
    ax.legend(loc="lower left", fontsize=7, frameon=False)


def main():
    with style.use():
        figure = style.figure(7.4, 5.6)
        axes = figure.subplots(2, 2)
        for draw, ax, letter in zip((windows, frequency, course, latency), axes.flat, "ABCD", strict=True):
            draw(ax)
            ax.title.set_fontsize(9)
            ax.text(-0.14, 1.06, letter, transform=ax.transAxes, fontweight="bold", fontsize=11)
        figure.savefig(HERE / "plasticity.png", dpi=160)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
