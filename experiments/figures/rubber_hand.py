"""Figures of rubber-hand: drift by offset, on larger maps and by lag of vision; one trial in all six areas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bisnn.experiments.figures.data import UNRECORDED, missing
from bisnn.experiments.figures.files import Draw
from bisnn.experiments.results import Run
from bisnn.systems.hand_ownership import AREAS, HandOwnership

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
ARMS: Mapping[str, tuple[str, str, str]] = {
    "intact": ("intact", "#0072B2", "o"),
    "asynchronous": ("asynchronous: vision lags", "#E69F00", "s"),
    "no_tpj": ("TPJ lesioned", "#D55E00", "v"),
    "proprioception_only": ("proprioception only", "#555555", "P"),
    "vision_only": ("vision only", "#009E73", "^"),
    "no_learning": ("weights not learned", "#7A5195", "D"),
    "shuffled_vision": ("seen hand anywhere (shuffled)", "#CC79A7", "X"),
}
"""Arms in words, their colours and marks."""
ROWS: Mapping[str, str] = {
    "m1": "M1\nproprioception",
    "s1": "S1",
    "v": "V\nvision",
    "eba": "EBA",
    "tpj": "TPJ",
    "ai": "anterior\ninsula",
}
"""Areas as the trial calls them."""


def _arm(name: str, place: int) -> tuple[str, str, str]:
    from bisnn.plots import style

    spare = style.SPARE[place % len(style.SPARE)]
    return ARMS.get(name, (style.arm_name(name), spare, "o"))


def _seeds(view: Run) -> str:
    count = len(view.manifest.seeds)
    return f"n = {count} individuals" if count > 1 else "one individual"


def _column(entries: Sequence[Mapping[str, Any]], name: str) -> Floats:
    return np.array([np.nan if entry[name] is None else entry[name] for entry in entries], dtype=np.float64)


def _dodged(ax: Axes, view: Run) -> None:
    """Mean drift of every arm by offset, with the sd over individuals; beside each other, so that none is hidden."""
    arms = view.manifest.arms
    for place, arm in enumerate(arms):
        entries = sorted(view.summary["by_offset"][arm], key=lambda entry: int(entry["offset"]))
        label, colour, mark = _arm(arm, place)
        ax.errorbar(
            _column(entries, "offset") + 0.07 * ((place + 1) // 2) * (-1) ** place, _column(entries, "mean"),
            _column(entries, "sd"), color=colour, marker=mark, ms=6.0 if place == 0 else 4.2, mec="white", mew=0.4,
            lw=2.4 if place == 0 else 0.9, elinewidth=0.8, capsize=1.5, label=label, zorder=4 if place == 0 else 3,
        )  # fmt: skip


def _layered(ax: Axes, view: Run, arms: Sequence[str]) -> None:
    """Mean drift of the arms by delay, with the sd over individuals as a band; later lines are thinner."""
    for place, arm in enumerate(arms):
        entries = sorted(view.summary["by_delay"][arm], key=lambda entry: int(entry["delay"]))
        label, colour, _ = _arm(arm, place)
        delay, mean, sd = (_column(entries, name) for name in ("delay", "mean", "sd"))
        ax.fill_between(delay, mean - np.nan_to_num(sd), mean + np.nan_to_num(sd), color=colour, alpha=0.15, lw=0)
        ax.plot(delay, mean, color=colour, lw=max(1.2, 6.0 - 1.2 * place), label=label, zorder=3 + 0.1 * place)


def drift(view: Run) -> Figure:
    """Drift against offset, arm by arm, between full capture and none."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 3.6)
        ax = figure.subplots()
        offset = _column(view.summary["drift"], "offset")
        ends = np.array((offset.min(), offset.max()))
        ax.plot(ends, ends, color=style.GREY, lw=1.0, ls="--", label="full capture: hand is where it is seen")
        ax.axhline(0.0, color=style.GREY, lw=1.0, ls=":", label="none, and chance: hand is where it is felt")
        _dodged(ax, view)
        ax.set(xlabel="seen hand − true hand (positions of the map)", ylabel="felt hand − true hand (positions)")
        ax.set_title("Where is the hand? Drift of the felt hand towards the seen one")
        ax.locator_params(integer=True)
        size, lag = view.manifest.configuration["map_size"], view.manifest.configuration["vision_delay"]
        note = f"map of {size} positions, vision {lag} steps late;\nmean ± sd, {_seeds(view)}"
        figure.legend(loc="outside right center", title=note, title_fontsize=7.5, alignment="left")
        return figure


def _recorded(view: Run) -> Mapping[str, Any] | None:
    """The recording of the first recorded individual of the arm that the head of the summary describes."""
    found = []
    for name, tensors in view.recordings.items():
        notes = view.notes(name)
        if notes.get("arm") == view.summary["arm"]:
            found.append((int(notes["seed"]), tensors))
    return min(found, key=lambda one: one[0])[1] if found else None


def maps(view: Run) -> Figure:
    """Drift on this run's map and on larger ones: where the two hands are taken for one, and where they part."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 3.4)
        ax, seen = figure.subplots(), _recorded(view)
        sizes = view.manifest.configuration.get("maps", ())
        if seen is None or not sizes:
            missing(ax, UNRECORDED)
            return figure
        reach = max(sizes) // 2
        ax.plot((-reach, reach), (-reach, reach), color=style.GREY, lw=1.0, ls="--", label="full capture")
        ax.axhline(0.0, color=style.GREY, lw=1.0, ls=":", label="no drift")
        for place, size in enumerate(sorted(sizes, reverse=True)):
            offset = np.arange(-(size // 2), size // 2 + 1)
            label = f"{size} positions, one individual, intact"
            ax.plot(
                offset, np.asarray(seen[f"map.{size}"]), color=style.SPARE[place], marker="os^D"[place % 4],
                ms=max(3.0, 9.0 - 3.0 * place), lw=1.2, label=label,
            )  # fmt: skip
        entries = view.summary["by_offset"]["intact"]
        label = f"{view.manifest.configuration['map_size']} positions, {_seeds(view)}, intact"
        ax.plot(_column(entries, "offset"), _column(entries, "mean"), color="#0072B2", marker="o", ms=3, label=label)
        drifts = np.concatenate([np.asarray(seen[f"map.{size}"]) for size in sizes])
        most = max(3.0, float(np.nanmax(np.abs(drifts))) + 1.0)
        ax.set(ylim=(-most, most), xlabel="seen hand − true hand (positions of the map)")
        ax.set_ylabel("felt hand − true hand (positions)")
        ax.set_title("Hands that are far apart are not taken for one (segregation)")
        ax.locator_params(integer=True)
        figure.legend(loc="outside right center")
        return figure


def window(view: Run) -> Figure:
    """Drift against the delay of vision: the arms at the reference offset, and one individual at several offsets."""
    from bisnn.plots import style

    with style.use():
        figure = style.figure(7.2, 5.2)
        top, low = figure.subplots(2, 1, sharex=True, height_ratios=(1.2, 1.0))
        where = view.summary["window_range"]["offset"]
        top.axhline(where, color=style.GREY, lw=1.0, ls="--", label="full capture")
        top.axhline(0.0, color=style.GREY, lw=1.0, ls=":", label="none, and chance")
        arms = [arm for arm in view.manifest.arms if arm not in ("asynchronous", "shuffled_vision")]
        _layered(top, view, arms)
        top.set_ylabel("felt hand − true hand\n(positions)")
        top.set_title(f"a   Seen hand at offset {where}: drift needs vision to follow soon enough")
        figure.legend(
            loc="outside right upper", alignment="left", title=f"mean ± sd, {_seeds(view)}", title_fontsize=7.5
        )
        seen = _recorded(view)
        low.set_xlabel("delay of vision after its published onset (steps)")
        if seen is None or "lags" not in seen:
            missing(low, UNRECORDED)
            return figure
        delays = np.sort(np.asarray(view.manifest.configuration["delays"]))
        values = np.asarray(seen["lags"])[:, np.argsort(view.manifest.configuration["delays"], kind="stable")]
        levels = range(1, len(values) + 1)
        most = max(1.0, float(np.nanmax(values)))
        drawn = low.pcolormesh(delays, levels, values, cmap="Blues", vmin=0.0, vmax=most, shading="nearest")
        bar = figure.colorbar(drawn, ax=low, pad=0.01)
        bar.set_label("drift (positions); white: none")
        bar.set_ticks(list(range(int(most) + 1)))
        low.set_ylabel("seen hand − true hand\n(positions)")
        size = view.manifest.configuration["maps"][0]
        low.set_title(f"b   Intact, one individual, map of {size} positions: every offset has its own window")
        return figure


def trial(view: Run) -> Figure:
    """One trial: rates of all six areas over time, where the hand is felt and seen, where it is taken to be."""
    from bisnn.plots import style

    with style.use():
        seen = _recorded(view)
        figure = style.figure(6.8, 6.6)
        if seen is None:
            missing(figure.subplots(), UNRECORDED)
            return figure
        axes = figure.subplots(len(AREAS), 1, sharex=True, sharey=True)
        delay, offset, guess = (float(seen[name]) for name in ("delay", "offset", "estimate"))
        end = HandOwnership().steps + int(delay)
        for ax, area in zip(axes, AREAS, strict=True):
            rates = np.asarray(seen[f"rate.{area}"])[:end]
            n = rates.shape[1]
            drawn = ax.imshow(
                rates.T, aspect="auto", origin="lower", cmap="magma", vmin=0.0, vmax=1000.0,
                extent=(0.5, end + 0.5, -n // 2 + 0.5, n // 2 + 0.5), interpolation="nearest",
            )  # fmt: skip
            ax.axhline(0.0, color="#56B4E9", lw=0.9, ls=":")
            ax.axhline(offset, color="#56B4E9", lw=0.9, ls="--")
            ax.set_ylabel(ROWS[area], rotation=0, ha="right", va="center")
            for side in ax.spines.values():
                side.set_visible(False)
        if np.isfinite(guess):
            place = guess - n // 2
            unit = round(guess)
            peak = int(rates[:, unit].argmax()) + 1
            axes[-1].plot(peak, place, "o", ms=8, mfc="none", mec="white", mew=1.4)
            text = f"hand taken to be at {place:+.3g}"
            axes[-1].annotate(
                text, (peak, place), xytext=(-9, 0), textcoords="offset points", color="white", ha="right",
                va="center", fontsize=7.5,
            )  # fmt: skip
        axes[0].set_yticks(sorted({-(n // 2), -(n // 4), 0, n // 4, n // 2}))
        axes[0].text(end, 0.0, "true hand ", color="#56B4E9", ha="right", va="bottom", fontsize=7)
        axes[0].text(end, offset, "seen hand ", color="#56B4E9", ha="right", va="top", fontsize=7)
        axes[-1].set_xlabel("step of the trial")
        figure.supylabel("position of the unit, from the true hand", fontsize=8)
        figure.colorbar(drawn, ax=list(axes), label="firing rate (Hz)", pad=0.01)
        label = _arm(view.summary["arm"], 0)[0]
        axes[0].set_title(f"One trial, {label}: hand felt at 0, seen at {offset:+.0f}")
        return figure


FIGURES: Mapping[str, Draw] = {"drift": drift, "maps": maps, "window": window, "trial": trial}
"""Figures of rubber-hand."""
