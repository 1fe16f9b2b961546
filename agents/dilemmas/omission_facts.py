"""What the choice between omission and commission says of itself: who gained what, what must hold, how it looks."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn.agents.base import Ledger, Mark, Outcome, Picture
from bisnn.agents.dilemmas.world import WorldState

AGENT, CALM, PAIN, LEVER, HAZARD, TRACK = "#0072B2", "#56B4E9", "#D55E00", "#F0E442", "#000000", "#999999"
"""Colours of what lies and lives there."""


class OmissionScene(NamedTuple):
    """Where the agent is, what it has done, and what would befall whom."""

    cell: Tensor  # [*B] int64, 0 ... distance
    diverted: Tensor  # [*B] bool
    deadly: Tensor  # [*B] bool: undiverted, the hazard harms the many
    side_deadly: Tensor  # [*B] bool: diverted, it harms the few
    consent: Tensor  # [*B] bool: the few agree to be harmed
    many_harmed: Tensor  # [*B] bool
    few_harmed: Tensor  # [*B] bool


def in_time(dilemma: Any, state: WorldState) -> Tensor:
    """Bool `[*B]`: the hazard is not diverted yet, and the agent can still go and do it."""
    scene: OmissionScene = state.scene
    reachable: Tensor = dilemma.distance - scene.cell + state.t < dilemma.deadline
    return ~scene.diverted & reachable


def worthwhile(dilemma: Any, state: WorldState) -> Tensor:
    """Bool `[*B]`: it can still be diverted, and more are to be spared than harmed."""
    traits = state.traits
    better = traits["many"] * traits["certainty"] > traits["few"] * traits["side_certainty"]
    return better & in_time(dilemma, state)


def ledger(dilemma: Any, before: WorldState, acted: Tensor, outcome: Outcome) -> Ledger:
    """The ledger of a step in which the hazard was diverted where `acted` `[*B]`."""
    scene, traits, reward = before.scene, before.traits, outcome.reward[..., 0]
    zero = torch.zeros_like(reward)
    chance = in_time(dilemma, before) & ~outcome.started
    spared = traits["many"] * (acted & scene.deadly)
    done = -traits["few"] * (acted & scene.side_deadly)
    felt = (-traits["many"] * outcome.info["many_harmed"], -traits["few"] * outcome.info["few_harmed"])
    return Ledger(
        need=(chance & scene.deadly)[..., None],
        help=torch.stack((zero, spared, done), dim=-1)[..., None, :],
        cost=torch.where(chance, -reward, zero).clamp(min=0)[..., None],
        welfare=torch.stack((reward, *felt), dim=-1),
    )


def audit(dilemma: Any, state: WorldState) -> dict[str, Tensor]:
    """What must hold of every state, by name, bool `[*B]`."""
    scene, over = state.scene, state.over
    fated = (scene.deadly | ~scene.many_harmed) & (scene.side_deadly | ~scene.few_harmed)
    return {
        "the agent is in the corridor": (scene.cell >= 0) & (scene.cell <= dilemma.distance),
        "nobody is harmed on both tracks": ~(scene.many_harmed & scene.few_harmed),
        "the many are harmed at the end alone": over | ~scene.many_harmed,
        "the few are harmed by the act alone": scene.diverted | ~scene.few_harmed,
        "who is harmed was fated to be": fated,
        "nobody diverts before it can be reached": ~scene.diverted | (state.t > dilemma.distance),
        "the time is within the horizon": (state.t >= 0) & (state.t <= dilemma.horizon),
        "the hazard's arrival ends the episode": over == (state.t >= dilemma.horizon),
    }


def picture(dilemma: Any, state: WorldState, individual: int) -> Picture:
    """Above, the track with the hazard, the junction and the many, and the side track with the few; below, the
    corridor of the agent, whose last cell lies under the junction. Capitals are harmed, the colour shows distress."""
    scene, t = state.scene, int(state.t[individual])
    junction = max(dilemma.deadline, dilemma.distance)
    columns = junction + dilemma.run + 1
    diverted, over = bool(scene.diverted[individual]), bool(state.over[individual])
    stopped = diverted and dilemma.means == "push"
    at = junction - dilemma.deadline + t
    row = 1 if diverted and at > junction and not stopped else 2
    hurt = [bool(part[individual]) for part in (scene.many_harmed, scene.few_harmed)]
    tint = [PAIN if value > 0 else CALM for value in dilemma.distress(state.over, scene)[individual].tolist()]
    few = (columns - 1, 1) if dilemma.means == "switch" else (junction, 3)
    ground = [Mark((x, 2), "-", TRACK, "square") for x in range(columns)]
    ground += [Mark((x, 1), "-", TRACK, "square") for x in range(junction + 1, columns)] * (dilemma.means == "switch")
    ground.append(Mark((junction, 4), "L", LEVER, "square"))
    marks = (
        Mark((columns - 1, 2), "M" if hurt[0] else "m", tint[0], "face"),
        Mark((junction, 2) if stopped and hurt[1] else few, "F" if hurt[1] else "f", tint[1], "face"),
        Mark((min(at, junction if stopped else columns - 1), row), "H", HAZARD, "star"),
        Mark((junction - dilemma.distance + int(scene.cell[individual]), 4), "A", AGENT, "disc"),
    )
    fate = "the hazard has arrived" if over else f"steps left to act: {max(dilemma.deadline - t, 0)}"
    numbers = f"{float(state.traits['many'][individual]):g} against {float(state.traits['few'][individual]):g}"
    done = "diverted" if diverted else "not diverted"
    return Picture(columns, 5, (), tuple(ground), marks, f"step {t}: {fate}, {done}; {numbers}")
