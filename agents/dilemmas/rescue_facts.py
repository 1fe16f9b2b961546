"""What the rescues of one victim say of themselves: who gained what, what to do, what must hold, how they look."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bisnn.agents import planning
from bisnn.agents.base import GOALS, REACH, Ledger, Mark, Outcome, Picture
from bisnn.agents.layouts import RescueState, Tables
from bisnn.errors import pick

HELPER, VICTIM, PAIN, GOAL, SWITCH, HAZARD = "#0072B2", "#56B4E9", "#D55E00", "#009E73", "#F0E442", "#999999"
"""Colours of what lies and lives in the rooms."""


def ledger(horizon: int, before: RescueState, after: RescueState, outcome: Outcome) -> Ledger:
    """What a step brought helper and victim: relief is worth the painful steps that it spares, an intrusion -1."""
    info, reward = outcome.info, outcome.reward
    scene = before.scene
    need = scene.distress & ~scene.faked & ~scene.declines & ~outcome.started
    spared = (horizon - after.t).to(reward.dtype)
    victim = spared * info["relieved_now"] - info["intruded"].to(reward.dtype)
    felt = -(info["pain"] & ~outcome.started).to(reward.dtype) - info["intruded"].to(reward.dtype)
    return Ledger(
        need=need[..., None],
        help=torch.stack((torch.zeros_like(victim), victim), dim=-1)[..., None, :],
        cost=info["paid"].to(reward.dtype)[..., None],
        welfare=torch.stack((reward[..., 0], felt), dim=-1),
    )


def advise(tables: Tables, state: RescueState, goal: str) -> Tensor:
    """What the helper does next, int64 `[*B, 1]`, who knows everything. While the victim is not yet hurt, a helper
    that plays for it awaits the pain at the switch."""
    goal = pick("goal", goal, GOALS)
    scene, layout = state.scene, state.layout
    helps = ~(scene.relieved | scene.faked | scene.declines) & (goal != "selfish")
    way = planning.directions(tables.right).flatten()
    there = torch.where(helps, layout.switch, layout.goal)
    action = way[scene.helper * len(tables.right) + there]
    return (action + (helps & scene.distress) * REACH)[..., None]


def audit(dilemma: Any, state: RescueState) -> dict[str, Tensor]:
    """What must hold of every state, by name, bool `[*B]`."""
    scene, spots = state.scene, dilemma.wall * dilemma.rows
    return {
        "the helper is in its room": (scene.helper >= 0) & (scene.helper < dilemma.places),
        "the victim is in its room": (scene.victim >= 0) & (scene.victim < spots),
        "the time is within the horizon": (state.t >= 0) & (state.t <= dilemma.horizon),
        "an episode at its horizon is over": scene.over | (state.t < dilemma.horizon),
        "who is relieved was in pain": scene.painful | ~scene.relieved,
        "who is relieved is in no distress": ~(scene.relieved & scene.distress),
        "feigned distress is not painful": ~(scene.faked & scene.painful),
        "who declines help is not in need": ~(scene.declines & scene.painful),
        "a helper at its goal has ended the episode": scene.over | (scene.helper != state.layout.goal),
    }


def picture(dilemma: Any, tables: Tables, state: RescueState, individual: int) -> Picture:
    """Both rooms of one individual from above."""
    scene, layout = state.scene, state.layout

    def cell(number: Tensor) -> tuple[int, int]:
        row, column = divmod(int(number), dilemma.columns)
        return column, row

    left, right = tables.left_cell.cpu(), tables.right_cell.cpu()
    spots = layout.hazard[individual].nonzero()[:, 0].tolist()
    pain = bool(scene.distress[individual])
    return Picture(
        columns=dilemma.columns,
        rows=dilemma.rows,
        walls=tuple((dilemma.wall, row) for row in range(dilemma.rows)),
        ground=(
            *(Mark(cell(left[spot]), "x", HAZARD, "square") for spot in spots),
            Mark(cell(right[int(layout.goal[individual])]), "G", GOAL, "star"),
            Mark(cell(right[int(layout.switch[individual])]), "S", SWITCH, "square"),
        ),
        marks=(
            Mark(cell(left[int(scene.victim[individual])]), "V" if pain else "v", PAIN if pain else VICTIM, "face"),
            Mark(cell(right[int(scene.helper[individual])]), "H", HELPER, "disc"),
        ),
        text=f"step {int(state.t[individual])}: the victim "
        + ("shows distress" if pain else "is relieved" if bool(scene.relieved[individual]) else "is calm"),
    )


def stroll(tables: Tables, victim: Tensor, opening: Tensor, step: Tensor, chance: Tensor) -> tuple[Tensor, Tensor]:
    """Where the victim of the fixed layout goes in its move number `step` (from 0), and whether onto a hazard; all
    `[*B]`. By its opening at first, then at random, by `chance` in [0, 1)."""
    script = tables.layout.script
    scripted = script[opening, step.clamp(0, script.shape[-1] - 1)]
    after = tables.left[victim, torch.where(scripted < 0, (chance * REACH).long(), scripted)]
    return after, tables.layout.hazard[after] & (after != victim)
