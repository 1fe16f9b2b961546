"""Draws docs/figures/neurons.png (rates against theory) and neurons_izhikevich.png (the classes of 2004).

python docs/figures/neurons.py
"""

import itertools
from pathlib import Path

import numpy as np
import torch

from bisnn.neurons import IF, LIF, PRESETS, AdaptiveLIF, EscapeRateLIF, ExponentialIF, HomeostaticLIF, Poisson
from bisnn.plots import style
from bisnn.testing.claims import simulate

HERE = Path(__file__).parent
DT = 0.25
INK, RED, BLUE = style.DARK, "#D55E00", "#0072B2"
MODELS = (  # title, neuron, lowest and highest current, simulated ms, units of a stochastic neuron
    ("IF, subtractive reset", IF(threshold=10.0, reset="subtract"), -0.2, 2.0, 2000.0, 1),
    ("LIF", LIF(), 0.6, 3.0, 2000.0, 1),
    ("adaptive LIF", AdaptiveLIF(), 0.6, 3.0, 3000.0, 1),
    ("exponential IF", ExponentialIF(), 0.4, 3.0, 2000.0, 1),
    ("escape-rate LIF", EscapeRateLIF(), 0.0, 3.0, 1000.0, 200),
    ("homeostatic LIF", HomeostaticLIF(tau=20.0, target=20.0, rise=0.1), 0.0, 3.0, 6000.0, 1),
    ("Poisson source", Poisson(base=10.0, gain=40.0), -0.5, 3.0, 1000.0, 200),
)


def claimed(neuron, current):
    """The claimed rate, Hz."""
    if hasattr(neuron, "period"):
        return 1000.0 / neuron.period(current)
    return 1000.0 / DT * neuron.rate(current, DT)


def measured(neuron, currents, span, units):
    """The simulated rate of each current, Hz: from the mean interval, or of stochastic neurons from the count."""
    ticks = round(span / DT)
    spikes, _ = simulate(neuron, torch.tensor(currents, dtype=torch.float64).repeat_interleave(units), DT, ticks)
    late = spikes[ticks // 2 :]
    if units > 1 or not hasattr(neuron, "period"):
        return (late.mean(0).reshape(-1, units).mean(-1) * 1000.0 / DT).tolist()
    gaps = [train.nonzero()[:, 0].diff().double() for train in late.unbind(-1)]
    return [1000.0 / DT / float(gap.mean()) if len(gap) else 0.0 for gap in gaps]


def rates():
    """Simulated points on claimed lines."""
    figure = style.figure(7.2, 4.3)
    grid = figure.subplots(2, 4)
    for ax, (title, neuron, low, high, span, units) in zip(grid.flat, MODELS, strict=False):
        lines, points = np.linspace(low, high, 600), np.linspace(low, high, 13)
        ax.plot(lines, [claimed(neuron, current) for current in lines], color=BLUE, lw=1.4, label="claimed")
        ax.plot(
            points, measured(neuron, points, span, units), "o", mfc="white", mec=RED, ms=4.2, mew=1.2, label="simulated"
        )
        ax.set_title(title, fontsize=9)
        ax.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
        ax.set_ylim(bottom=-0.04 * ax.get_ylim()[1])
    for ax in grid[:, 0]:
        ax.set_ylabel("rate, Hz")
    for ax in (*grid[1, :3], grid[0, 3]):
        ax.set_xlabel("current")
    key = grid[1, 3]
    key.set_axis_off()
    key.legend(*grid[0, 0].get_legend_handles_labels(), loc="center", frameon=False, fontsize=9)
    key.text(0.5, 0.2, f"tick {DT} ms, float64", transform=key.transAxes, ha="center", fontsize=8, color=style.GREY)
    return figure


def gallery():
    """The twenty classes of 2004, each with its own stimulus and step."""
    figure = style.figure(7.2, 7.6)
    grid = figure.subplots(5, 4)
    names = itertools.islice(PRESETS.items(), 20)
    for ax, letter, (name, given) in zip(grid.flat, "ABCDEFGHIJKLMNOPQRST", names, strict=True):
        times = np.arange(round(given.span / given.dt) + 1) * given.dt
        stimulus = np.array([given.current(time) for time in times])
        state, v = given.neuron.init((1,), torch.zeros((), dtype=torch.float64)), []
        for current in stimulus:
            spikes, state = given.neuron.step(state, torch.full((1,), current, dtype=torch.float64), given.dt)
            v.append(given.neuron.peak if spikes else float(state.v))
        ax.plot(times, v, color=INK, lw=0.7)
        size = np.ptp(stimulus) or 1.0
        ax.plot(times, -103 + 13 * (stimulus - stimulus.min()) / size, color=RED, lw=1.0)
        ax.set_title(f"$\\bf{{{letter}}}$  {name}", fontsize=7.5, fontweight="normal", loc="left", pad=2)
        if letter == "J":
            calm = times > 55.0
            enlarged = 20.0 * (np.array(v)[calm] - np.array(v)[-1]) - 10.0
            ax.plot(times[calm], enlarged, color=BLUE, lw=0.8)
            ax.text(given.span, 2.0, "× 20", ha="right", fontsize=6.5, color=BLUE)
        ax.set_ylim(-108, 36)
        ax.set_xlim(0, given.span)
        ax.set_axis_off()
        length = 10.0 if given.span <= 100 else 50.0
        ax.plot([given.span - length, given.span], [-107, -107], color=style.GREY, lw=2.0, solid_capstyle="butt")
        ax.text(given.span, -112, f"{length:.0f} ms", ha="right", va="top", fontsize=6, color=style.GREY)
    return figure


if __name__ == "__main__":
    torch.set_num_threads(1)
    with style.use():
        rates().savefig(HERE / "neurons.png", dpi=180)
        gallery().savefig(HERE / "neurons_izhikevich.png", dpi=180)
