"""The look that all figures share: a style sheet, and fixed colours and readable names for areas and arms.

Colours are told apart with any colour vision (Okabe and Ito 2008; Tol 2021), and no figure says by colour alone
what it says: rows, bars and lines are named as well.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import ParamSpec, TypeVar

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

SHEET = Path(__file__).with_name("bisnn.mplstyle")
"""The style sheet."""
GREY, DARK, PALE = "#8A8A8A", "#222222", "#EDEDED"
"""For what is context, text, and grounds."""
PAIN, RELIEF = "#F6D5C6", "#009E73"
"""Ground of the time in which there is pain, and the line at which it ends."""

AREAS: Mapping[str, str] = {
    "emotion": "#D55E00",
    "perception": "#0072B2",
    "ifg": "#A63A79",
    "affect": "#E69F00",
    "sma": "#009E73",
    "m1": "#117733",
    "dopamine": "#332288",
    "inhibition": "#555555",
    "tpj": "#0F7FA8",
    "afmc": "#999933",
    "insula": "#B2182B",
    "smg": "#7A5195",
    "mpfc": "#332288",
    "pain": "#B2182B",
    "command": "#999933",
    "prediction": "#44AA99",
    "sensory": "#56B4E9",
    "felt": "#CC6677",
    "missing": "#882255",
    "place": "#555555",
    "action": "#0F7FA8",
    "value": "#7A5195",
    "dlpfc": "#555555",
    "strd1": "#009E73",
    "strd2": "#B2182B",
    "stn": "#E69F00",
    "gpe": "#882255",
    "gpi": "#332288",
    "thalamus": "#56B4E9",
    "pm": "#0F7FA8",
}
"""Colour of every area."""
AREA_NAMES: Mapping[str, str] = {
    "ifg": "IFG",
    "sma": "SMA",
    "m1": "M1",
    "tpj": "TPJ",
    "afmc": "aFMC",
    "smg": "SMG",
    "mpfc": "mPFC",
    "pain": "pain cells",
    "felt": "mismatch",
    "dlpfc": "dlPFC",
    "strd1": "StrD1",
    "strd2": "StrD2",
    "stn": "STN",
    "gpe": "GPe",
    "gpi": "GPi",
    "pm": "PM",
}
"""Areas that are not called as they are written in code."""

ARMS: Mapping[str, str] = {
    "intact": "#0072B2",
    "no_mirror": "#D55E00",
    "no_dopamine": "#7A5195",
    "inverted_dopamine": "#882255",
    "no_own_experience": "#E69F00",
    "no_reward_learning": "#555555",
    "no_anti_mirror": "#009E73",
    "selfish": "#111111",
    "shuffled_perception": "#CC79A7",
    "contagion": "#117733",
    "detached": "#88CCEE",
    "late_no_ifg": "#B2182B",
    "late_random": "#44AA99",
    "spiking": "#0072B2",
    "tabular_q": "#D55E00",
}
"""Colour of every arm, and of agents that are compared."""
ARM_NAMES: Mapping[str, str] = {
    "no_mirror": "no mirror neurons",
    "no_dopamine": "IFG→dopamine cut",
    "inverted_dopamine": "dopamine inverted",
    "no_own_experience": "never felt own pain",
    "no_anti_mirror": "no anti-mirror neurons",
    "selfish": "no empathy (λ = 0)",
    "shuffled_perception": "faces shuffled",
    "contagion": "self–other gate open",
    "detached": "self–other gate shut",
    "late_no_ifg": "IFG silenced late",
    "late_random": "random units silenced late",
    "spiking": "spiking agent",
    "tabular_q": "tabular Q-learning",
}
"""Arms and agents that are not called as they are written in code."""
WIDEST = 30
"""Characters in a line of an arm's name."""
SPARE = ("#56B4E9", "#999933", "#CC6677", "#44AA99", "#332288", "#B8860B")
"""Colours of what has no fixed one, in order."""
DASHES = ("-", (0, (5, 1.5)), (0, (2, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
"""Line styles, so that lines differ in print without colour."""

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def use() -> AbstractContextManager[None]:
    """A context in which matplotlib draws in the style of bisnn; outside nothing changes."""
    return matplotlib.style.context(SHEET)


def styled(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """`function`, in the style of bisnn unless it is given axes (then in the style of their owner)."""

    @wraps(function)
    def inside(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if kwargs.get("ax") is not None:
            return function(*args, **kwargs)
        with use():
            return function(*args, **kwargs)

    return inside


def figure(width: float = 6.8, height: float = 3.2) -> Figure:
    """An empty figure of this size in inches, that belongs to no window."""
    return Figure(figsize=(width, height))


def axes(ax: Axes | None, width: float = 5.0, height: float = 3.0) -> Axes:
    """`ax`, or new axes in a figure of this size."""
    return figure(width, height).add_subplot() if ax is None else ax


def say(ax: Axes, text: str) -> Axes:
    """Write `text` into axes that have nothing to show, in place of frame and ticks."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=GREY, wrap=True)
    return ax


def area_name(area: str) -> str:
    """An area as figures call it."""
    return AREA_NAMES.get(area, area.replace("_", " "))


def arm_name(arm: str, names: Mapping[str, str] = MappingProxyType({})) -> str:
    """An arm or agent as figures call it, in the words of `names` where they have it; one of many ablations is broken
    into two lines, the rest left out."""
    if arm in names:
        return names[arm]
    name = ARM_NAMES.get(arm, re.sub(r"\s*\+\s*", " + ", arm.replace("_", " ")))
    return "\n".join(textwrap.wrap(name, WIDEST, break_on_hyphens=False, max_lines=2, placeholder=" …")) or arm


def colour(name: str, among: Mapping[str, str], number: int = 0) -> str:
    """The fixed colour of an area or arm, or one of `SPARE` for one that has none."""
    return among.get(name, SPARE[number % len(SPARE)])
