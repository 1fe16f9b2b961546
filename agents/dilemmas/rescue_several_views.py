"""What a rescue of several demands of its parameters, what holds of all its states, and how it looks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bisnn.agents import checks
from bisnn.agents.base import Mark, Picture
from bisnn.agents.clock import EPISODE
from bisnn.agents.dilemmas import rescue_several_facts as facts
from bisnn.agents.dilemmas.rescue_facts import GOAL, HELPER, PAIN, SWITCH, VICTIM
from bisnn.agents.dilemmas.world import WorldState
from bisnn.errors import ConfigError, pick

MOST = 4
"""Victims, at most."""
LEVELS = 6
"""Levels of need, at most."""
GROUPS = ("#F0F0F0", "#CC79A7")
"""Ground of the victims of the two groups."""
LOST = "#555555"
"""Colour of one beyond help."""


def check(dilemma: Any) -> None:
    """Raises `ConfigError` where the parameters of `dilemma` do not fit together or make no dilemma."""
    victims, needs = dilemma.victims, dilemma.needs
    if not (isinstance(victims, int) and 2 <= victims <= MOST):
        raise ConfigError(f"victims = {victims!r}; give 2 to {MOST}")
    if len(dilemma.switches) < victims:
        raise ConfigError(f"{victims} victims have {len(dilemma.switches)} switches; give one for each")
    pick("saves", dilemma.saves, ("one", "all"))
    named = {f"switch {number}": cell for number, cell in enumerate(dilemma.switches[:victims], 1)}
    checks.two_rooms((dilemma.columns, dilemma.rows, dilemma.wall), {}, {"goal": dilemma.goal, **named})
    if dilemma.wall * dilemma.rows < victims:
        raise ConfigError(f"the left room has {dilemma.wall * dilemma.rows} cells for {victims} victims; widen it")
    if not 1 <= len(needs) <= LEVELS or list(needs) != sorted(set(needs)) or not 0 < needs[0] <= needs[-1] <= 1:
        raise ConfigError(f"needs = {needs}; give 1 to {LEVELS} levels, ascending, above 0 and up to 1")
    checks.within(0, 1, observability=dilemma.observability, group_share=dilemma.group_share)
    checks.within(2, EPISODE - 1, horizon=dilemma.horizon)
    checks.within(0, float("inf"), step_cost=dilemma.step_cost, toll=dilemma.toll, goal_reward=dilemma.goal_reward)
    if not 1 <= dilemma.deadline < dilemma.horizon:
        raise ConfigError(f"deadline = {dilemma.deadline}; it lies between 1 and {dilemma.horizon - 1}")
    checks.within(0, EPISODE, care=dilemma.takes)
    if dilemma.step_cost == 0:
        raise ConfigError("step_cost = 0: cost of helping > 0 fails, a longer way costs nothing; give more than 0")
    _check_ways(dilemma)


def _check_ways(dilemma: Any) -> None:
    """Raises `ConfigError` where no place makes a dilemma, or the way of a helper is longer than the horizon."""
    inside = range(dilemma.wall + 1, dilemma.columns), range(dilemma.rows)
    checks.cells({f"begin {number}": cell for number, cell in enumerate(dilemma.begins, 1)}, *inside)
    if len(dilemma.starts("cpu")) < max(1, len(dilemma.begins)):
        wanted = "no two of them" if dilemma.saves == "one" else "all of them"
        none = "some of begins are no place" if dilemma.begins else "there is no place"
        raise ConfigError(
            f"saves = {dilemma.saves!r} with deadline {dilemma.deadline} and care {dilemma.takes}: {none} from "
            f"which each of {dilemma.victims} victims and {wanted} could be saved on a longer way than to the goal; "
            f"leave care open, change deadline or begins, or move switches and goal"
        )
    longest = facts.odds(dilemma).longest
    if longest > dilemma.horizon:
        raise ConfigError(f"a helper needs up to {longest} steps to its goal; raise horizon from {dilemma.horizon}")


def audit(dilemma: Any, state: WorldState) -> dict[str, Tensor]:
    """What must hold of every state, by name, bool `[*B]`."""
    scene, t, goal = state.scene, state.t, dilemma.place(dilemma.goal)
    levels = torch.tensor(dilemma.needs, device=t.device)
    saved = (scene.saved_at > 0).sum(-1)
    alone = saved <= 1 if dilemma.saves == "one" else saved <= dilemma.victims
    time = dilemma.time(t, scene)
    begun = (scene.start[..., None] == dilemma.starts(str(t.device))).any(-1)
    return {
        "the helper is in its room": (scene.helper >= 0) & (scene.helper < dilemma.places),
        "it began at a place that makes a dilemma": begun,
        "the time is within the horizon": (t >= 0) & (t <= dilemma.horizon),
        "an episode at its horizon is over": state.over | (t < dilemma.horizon),
        "every need is one of the levels": (scene.need[..., None] == levels).any(-1).all(-1),
        "nobody is relieved before it happened": (scene.saved_at <= time[..., None]).all(-1)
        & (scene.saved_at >= 0).all(-1),
        "nobody is relieved after the deadline": (scene.saved_at <= dilemma.deadline).all(-1),
        "no more are saved than time allows": alone,
        "a helper at its goal has ended the episode": state.over | (scene.helper != goal),
    }


def spot(dilemma: Any, victim: int) -> int:
    """The cell, column + columns * row, at which a victim lies in the left room."""
    number = dilemma.wall * dilemma.rows * (2 * victim + 1) // (2 * dilemma.victims)
    return int(number % dilemma.wall + dilemma.columns * (number // dilemma.wall))


def picture(dilemma: Any, state: WorldState, individual: int) -> Picture:
    """Both rooms of one individual from above."""
    scene, time = state.scene, int(dilemma.time(state.t, state.scene)[individual])
    width, ground, marks, lines = dilemma.columns - dilemma.wall - 1, [], [], []
    for victim, switch in enumerate(dilemma.switches[: dilemma.victims]):
        row, column = divmod(spot(dilemma, victim), dilemma.columns)
        group = int(scene.group[individual, victim])
        saved, need = int(scene.saved_at[individual, victim]), float(scene.need[individual, victim])
        glyph, colour, word = ("V", PAIN, f"in pain {need:.1f}")
        if saved:
            glyph, colour, word = "v", VICTIM, f"relieved at {saved}"
        elif time >= dilemma.deadline:
            glyph, colour, word = "x", LOST, "beyond help"
        ground += [Mark((column, row), "ab"[group], GROUPS[group], "square")]
        ground += [Mark(switch, str(victim + 1), SWITCH, "square")]
        marks += [Mark((column, row), glyph, colour, "face")]
        lines += [f"{victim + 1} ({'ab'[group]}) {word}"]
    place = int(scene.helper[individual])
    marks += [Mark((place % width + dilemma.wall + 1, place // width), "H", HELPER, "disc")]
    return Picture(
        columns=dilemma.columns,
        rows=dilemma.rows,
        walls=tuple((dilemma.wall, row) for row in range(dilemma.rows)),
        ground=(*ground, Mark(dilemma.goal, "G", GOAL, "star")),
        marks=tuple(marks),
        text=f"step {int(state.t[individual])}, time {time}, help until {dilemma.deadline}: " + ", ".join(lines),
    )
