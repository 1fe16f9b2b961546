"""Draws docs/figures/three_factor.png from the claims of three-factor learning (about 90 s of one core).

python docs/figures/three_factor.py [DATA.npz]: with a file, measured numbers are kept there and drawn from there.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from bisnn.experiments.claims import closed_form, florian, theorem
from bisnn.plots import style

BLUE, RED, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#8A8A8A"
CRITIC = {"none": "none", "global": "one", "stimulus": "per stimulus"}
OFFSET = {"0": "0", "2": "+2", "varied": "+2, by stimulus"}


def measured() -> dict[str, np.ndarray]:
    """Everything that is drawn."""
    change, _ = closed_form.simulate(closed_form.Pairing(), closed_form.LATENCIES)
    found = {"pairs": change.numpy(), "network": closed_form.network_gains().numpy()}
    life = theorem.live(theorem.Task(), torch.arange(theorem.FIRST, theorem.FIRST + theorem.SEEDS))
    for rule in theorem.RULES:
        found[f"right_{rule}"], found[f"curve_{rule}"] = life.right[rule].numpy(), life.curve[rule].numpy()
    trained = florian.train(florian.Xor(), torch.arange(florian.SEEDS))
    return found | {f"xor_{rule}": curve.numpy() for rule, curve in trained.curve.items()}


def draw_closed_form(ax, data):
    latency = np.linspace(0, 3000, 200)
    ax.semilogy(latency, [closed_form.Pairing().gain(t) for t in latency], color=GREY, lw=1.2, label="closed form")
    ax.plot(closed_form.LATENCIES, data["pairs"][0], "o", color=BLUE, ms=5, label="simulated, exact per tick")
    ax.plot(closed_form.LATENCIES, data["pairs"][1], "x", color=RED, ms=7, label="simulated, forward Euler")
    ax.set(xlabel="latency of dopamine (ms)", ylabel="weight change", title="One pair, one pulse")
    ax.set_yticks([0.3, 1, 3, 6], ["0.3", "1", "3", "6"])
    ax.minorticks_off()
    ax.legend(loc="lower left")


def draw_lives(ax, data):
    trials = (np.arange(theorem.PARTS) + 0.5) * theorem.Task().trials / theorem.PARTS
    for rule, critic, offset, label, colour, dash in (
        ("rmax", "none", "2", "R-max, none, +2", BLUE, style.DASHES[2]),
        ("rmax", "global", "varied", "R-max, one, by stimulus", BLUE, "-"),
        ("hebb", "stimulus", "varied", "Hebb, per stimulus, by stimulus", RED, "-"),
        ("hebb", "global", "2", "Hebb, one, +2", RED, style.DASHES[1]),
        ("hebb", "global", "varied", "Hebb, one, by stimulus", RED, style.DASHES[3]),
        ("hebb", "none", "2", "Hebb, none, +2", RED, style.DASHES[2]),
    ):
        curve = data[f"curve_{rule}"][:, theorem.CRITICS.index(critic), theorem.OFFSETS.index(offset)]
        ax.plot(trials / 1000, curve, color=colour, ls=dash, lw=1.4, label=label)
    ax.set(
        xlabel="trial (thousands)",
        ylabel="fraction of right spikes",
        title="Learning with and without a critic",
        ylim=(-0.1, 1.03),
    )
    ax.set_yticks([0.4, 0.6, 0.8, 1.0])
    ax.legend(loc="lower right", fontsize=7, handlelength=2.6, title="rule, critic, offset", title_fontsize=7.5)


def draw_network(ax, data):
    plan, gains = closed_form.NETWORK, data["network"]
    latency = np.array(closed_form.NETWORK_DELAYS, dtype=float)
    slope, _ = closed_form.fit(latency, gains)
    ax.semilogy(latency, gains[0] * np.exp(-latency / plan.tau_c), color=GREY, lw=1.2, label="exp(-L/τ), τ = 200 ms")
    ax.plot(latency, gains, "o", color=BLUE, ms=5, label=f"network, τ = {-1 / slope:.0f} ms fitted")
    ax.set(xlabel="latency of dopamine (ms)", ylabel="gain over other synapses", title="Among background spikes")
    ax.set_yticks([0.01, 0.02, 0.05], ["0.01", "0.02", "0.05"])
    ax.minorticks_off()
    ax.legend(loc="lower left")


def draw_table(ax, data):
    rows = [(rule, critic) for rule in theorem.RULES for critic in theorem.CRITICS]
    marks = {"0": ("o", BLUE), "2": ("s", RED), "varied": ("D", GREEN)}
    for row, (rule, critic) in enumerate(rows):
        for column, offset in enumerate(theorem.OFFSETS):
            y = -row + (1 - column) * 0.24
            right = data[f"right_{rule}"][theorem.CRITICS.index(critic), column]
            truth = theorem.REFERENCE[rule][theorem.CRITICS.index(critic)][column]
            ax.plot([truth - 0.05, truth + 0.05], [y, y], color="#D8D8D8", lw=5, solid_capstyle="butt", zorder=1)
            mark, colour = marks[offset]
            label = f"offset {OFFSET[offset]}" if row == 0 else None
            error = right.std(ddof=1) / np.sqrt(len(right))
            ax.errorbar(right.mean(), y, xerr=error, fmt=mark, color=colour, ms=4, lw=1, label=label, zorder=2)
    names = {"rmax": "R-max", "hebb": "Hebb"}
    ax.set_yticks([-row for row in range(len(rows))], [f"{names[rule]}, {CRITIC[critic]}" for rule, critic in rows])
    ax.set(xlim=(0.44, 1.08), xlabel="fraction of right bits", title="At the end (bars: reference)")
    ax.legend(loc="center", bbox_to_anchor=(0.4, 0.68), fontsize=8)


def draw_xor(ax, data, rule, title):
    curve = data[f"xor_{rule}"][:, 0]
    smooth = np.apply_along_axis(lambda y: np.convolve(y, np.ones(5) / 5, "valid"), 0, curve)
    epochs = np.arange(len(smooth)) + 3
    for pattern, (label, colour, dash) in enumerate(
        (("0, 1", BLUE, "-"), ("1, 0", GREEN, style.DASHES[1]), ("1, 1", RED, style.DASHES[2]))
    ):
        mean, error = smooth[..., pattern].mean(1), smooth[..., pattern].std(1) / np.sqrt(smooth.shape[1])
        ax.fill_between(epochs, mean - error, mean + error, color=colour, alpha=0.18, lw=0)
        ax.plot(epochs, mean, color=colour, ls=dash, lw=1.5, label=label)
    ax.set(xlabel="epoch", ylabel="output (spikes/s)", title=title, xlim=(0, 40), ylim=(0, 190))
    ax.legend(loc="upper right", ncols=3, fontsize=8, handlelength=1.6, columnspacing=1.0)


def main() -> None:
    torch.set_num_threads(1)
    kept = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if kept is not None and kept.exists():
        data = dict(np.load(kept))
    else:
        with torch.inference_mode():
            data = measured()
        if kept is not None:
            np.savez(kept, **data)
    with style.use():
        figure = style.figure(11.0, 6.2)
        figure.set_layout_engine("none")
        top = figure.add_gridspec(1, 3, wspace=0.3, left=0.06, right=0.985, top=0.95, bottom=0.59)
        low = figure.add_gridspec(1, 3, wspace=0.3, left=0.06, right=0.985, top=0.43, bottom=0.08)
        draw_closed_form(figure.add_subplot(top[0]), data)
        draw_lives(figure.add_subplot(top[1]), data)
        draw_table(figure.add_axes((0.772, 0.59, 0.213, 0.36)), data)
        draw_network(figure.add_subplot(low[0]), data)
        draw_xor(figure.add_subplot(low[1]), data, "mstdp", "XOR by MSTDP: output by input")
        draw_xor(figure.add_subplot(low[2]), data, "mstdpet", "XOR by MSTDPET: output by input")
        figure.savefig(Path(__file__).with_suffix(".png"), dpi=160)


if __name__ == "__main__":
    main()
