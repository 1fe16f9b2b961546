"""Draws the areas of the basal ganglia, their projections and signs: `python docs/figures/basal_ganglia_circuit.py`."""

from pathlib import Path

import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from bisnn.plots import style

HERE = Path(__file__).resolve().parent
BLUE, GREEN, RED, GREY = "#0072B2", "#009E73", "#B2182B", "#777777"

PLACES = {
    "dlPFC\nstate": (1.1, 3.0), "StrD1\nGo": (3.4, 4.3), "StrD2\nNoGo": (3.4, 3.0), "STN": (3.4, 0.7),
    "GPe": (5.6, 1.75), "GPi": (7.4, 3.0), "thalamus": (9.4, 3.0), "PM\naction": (11.4, 3.0), "value": (1.1, 5.0),
    "dopamine": (3.4, 5.75),
}  # fmt: skip
WIDTH, HEIGHT = 1.24, 0.74
ROUND = {"boxstyle": "round,pad=0,rounding_size=0.12", "zorder": 3}
LINKS = (
    ("dlPFC\nstate", "StrD1\nGo", "learned"), ("dlPFC\nstate", "StrD2\nNoGo", "learned"),
    ("dlPFC\nstate", "value", "learned"), ("dlPFC\nstate", "STN", "+"),
    ("StrD1\nGo", "GPi", "-"), ("StrD2\nNoGo", "GPe", "-"), ("GPi", "thalamus", "-"), ("thalamus", "PM\naction", "+"),
    ("dopamine", "StrD1\nGo", "D"), ("dopamine", "value", "D"),
)  # fmt: skip
TONIC = ("STN", "GPe", "GPi", "thalamus")
LOOK = {"learned": (BLUE, 2.0), "+": (GREEN, 1.3), "-": (RED, 1.3), "D": ("#A63A79", 1.1)}


def edge(start, end):
    """Where the line from the centre of one box to that of another leaves the first."""
    (x, y), (u, v) = start, end
    dx, dy = u - x, v - y
    scale = min(WIDTH / 2 / abs(dx) if dx else np.inf, HEIGHT / 2 / abs(dy) if dy else np.inf)
    return x + dx * scale, y + dy * scale


def arrow(ax, start, end, kind, bend=0.0):
    colour, thick = LOOK[kind]
    head = "|-|,widthA=0,widthB=3.2" if kind == "-" else "-|>,head_length=4,head_width=2.2"
    ax.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle=head, connectionstyle=f"arc3,rad={bend}", color=colour, lw=thick,
            linestyle=(0, (4, 2)) if kind == "D" else "-", shrinkA=1, shrinkB=3, zorder=2,
        )
    )  # fmt: skip


def circuit():
    """The areas, their projections and signs."""
    with style.use():
        figure = style.figure(6.8, 3.7)
        ax = figure.add_subplot()
        for name, centre in PLACES.items():
            plain = name.split("\n")[0].lower()
            colour = style.AREAS.get(plain, "#A63A79")
            corner = (centre[0] - WIDTH / 2, centre[1] - HEIGHT / 2)
            ground = "#E9E9E9" if name in TONIC else "white"
            ax.add_patch(FancyBboxPatch(corner, WIDTH, HEIGHT, facecolor=ground, edgecolor=colour, lw=1.5, **ROUND))
            ax.text(*centre, name, ha="center", va="center", fontsize=7.5, color=colour, zorder=4, linespacing=1.1)
        for source, target, kind in LINKS:
            a, b = PLACES[source], PLACES[target]
            arrow(ax, edge(a, b), edge(b, a), kind)
        extra(ax)
        ax.set(xlim=(0.2, 12.4), ylim=(-0.75, 6.35), aspect="equal")
        ax.axis("off")
        figure.savefig(HERE / "basal_ganglia_circuit.png")


def extra(ax):
    """What is no straight line between two boxes, and the legend."""
    magenta = LOOK["D"][0]
    arrow(ax, (4.02, 5.7), (4.02, 3.15), "D", -0.55)
    ax.text(4.75, 5.35, "weakens", color=magenta, fontsize=7)
    ax.text(3.3, 5.0, "strengthens", color=magenta, fontsize=7, ha="right", va="center")
    arrow(ax, (6.22, 1.95), (6.95, 2.63), "-")  # GPe -| GPi
    arrow(ax, (4.98, 1.7), (3.6, 1.07), "-", 0.12)  # GPe -| STN
    arrow(ax, (4.02, 0.85), (5.3, 1.38), "+", 0.12)  # STN -> GPe
    arrow(ax, (4.02, 0.5), (7.55, 2.63), "+", 0.34)  # STN -> GPi
    left, below = PLACES["dlPFC\nstate"][0] - 0.35, -0.25
    ax.plot([left, left, 9.4], [3.0 - HEIGHT / 2, below, below], color=GREEN, lw=1.3, zorder=1)
    arrow(ax, (9.4, below), (9.4, 3.0 - HEIGHT / 2), "+")
    x, y = PLACES["PM\naction"]
    arrow(ax, (x - 0.35, y + HEIGHT / 2), (x + 0.35, y + HEIGHT / 2), "-", -1.6)
    ax.text(x, y + 1.05, "between\nactions", ha="center", fontsize=7, color=RED)
    ax.text(5.7, 3.78, "direct", fontsize=7, color=GREY, rotation=-17, ha="center")
    ax.text(4.85, 2.5, "indirect", fontsize=7, color=GREY, ha="left")
    ax.text(2.0, 1.62, "hyperdirect", fontsize=7, color=GREY, rotation=-44, ha="center", va="center")
    ax.text(7.1, 0.75, "to all\nchannels", fontsize=7, color=GREY, ha="left", va="center")
    rows = (("learned", "learned, excites"), ("+", "excites"), ("-", "inhibits"), ("D", "teaches"))
    for i, (kind, text) in enumerate(rows):
        place = 6.2 - 0.36 * i
        arrow(ax, (8.6, place), (9.6, place), kind)
        ax.text(9.75, place, text, va="center", fontsize=7)
    ax.add_patch(FancyBboxPatch((8.85, 4.62), 0.5, 0.24, facecolor="#E9E9E9", edgecolor=GREY, lw=1.0, **ROUND))
    ax.text(9.75, 4.74, "tonic drive", va="center", fontsize=7)


if __name__ == "__main__":
    circuit()
