"""What the stag hunt says of itself: tables, what pays, who gained what, what to do, what must hold, how it looks."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn.agents import grids, planning
from bisnn.agents.base import GOALS, REACH, Ledger, Mark, Outcome, Payoff, Picture
from bisnn.agents.dilemmas.world import WorldState
from bisnn.errors import ConfigError, pick

NONE, HARE, STAG = 0, 1, 2
"""What a hunter has caught."""
GRIP = REACH
"""The number of the action that grips."""


class Tables(NamedTuple):
    """What is fixed on a field."""

    corner: Tensor  # [agent] int64: where each hunter starts
    hare: Tensor  # [agent] int64: where the hare near its corner is
    near: Tensor  # [cells] bool: the stag can be gripped from here
    away: Tensor  # [cells, cells] int64: steps between cells
    way: Tensor  # [cells, cells] int64: the action that leads there


@lru_cache(maxsize=64)
def tables(size: int, hunters: int, hare_distance: int, device: str) -> Tables:
    """The tables of a field on `device`."""
    last, d = size - 1, hare_distance
    corners = ((0, 0), (last, last), (last, 0), (0, last))[:hunters]
    hares = ((d, 0), (last - d, last), (last, d), (0, last - d))[:hunters]
    moves = planning.room(size, size)
    away = planning.distances(moves)
    found = Tables(
        corner=torch.tensor([column + size * row for column, row in corners]),
        hare=torch.tensor([column + size * row for column, row in hares]),
        near=away[:, size**2 // 2] <= 1,
        away=away,
        way=planning.directions(moves),
    )
    return Tables(*(table.to(device) for table in found))


def game(dilemma: Any) -> dict[str, float]:
    """T, R, P and S, each the return of one hunter over an episode."""
    alone = dilemma.hare - (dilemma.hare_distance + 1) * dilemma.step_cost
    together = dilemma.stag - (dilemma.size - 1) * dilemma.step_cost  # size - 2 moves, and the grip
    return {"T": alone, "R": together, "P": alone, "S": -dilemma.horizon * dilemma.step_cost}


def refuse(dilemma: Any) -> None:
    """Raises `ConfigError` where the game of `dilemma` is no stag hunt."""
    found = game(dilemma)
    if not found["R"] > found["T"]:
        raise ConfigError(
            f"R > T fails: the stag brings {found['R']:g}, a hare {found['T']:g}; raise stag or lower hare"
        )
    if not found["P"] > found["S"]:
        raise ConfigError(
            f"P > S fails: a hare brings {found['P']:g}, to wait for help {found['S']:g}; raise hare or horizon"
        )


def payoff(dilemma: Any) -> Payoff:
    """The certificate. No hunter can have the stag sooner than by the shortest way, or a hare sooner than its own, and
    one prey is all that it can have: so these returns are the best there are."""
    found = game(dilemma)
    return Payoff(
        kind="stag hunt",
        cost_of_helping=found["P"] - found["S"],
        benefit=found["R"] - found["S"],
        selfish=found["P"],
        altruistic=found["S"],
        fair=found["R"],
        against="cost: what one loses that waits at the stag while the others take their hares; benefit: what one that "
        "hunts the stag gains by the last hunter needed joining in, in its own reward; fair: all hunt the stag",
        method="shortest ways",
        game=found,
    )


def ledger(enough: int, before: WorldState, after: WorldState, outcome: Outcome) -> Ledger:
    """What a step brought the hunters.

    need: another has no prey, nor has this one, and they are enough for the stag, which is there. help: +stag to each
    other that catches it with this one, where without its grip they would have been too few; -(stag - hare) to each
    other left without prey, where this one took a hare and, had it not, they would still be enough for the stag. cost:
    `step_cost` of a step in which it held the stag in vain.
    """
    scene, info, traits = before.scene, outcome.info, before.traits
    out, left = scene.prey == NONE, after.scene.prey == NONE
    lasting = ~outcome.started[..., None]
    hunt = scene.stag & (out.sum(-1) >= enough)
    need = out & hunt[..., None] & (out.sum(-1, keepdim=True) > 1) & lasting
    wins, takes = info["took_stag"], info["took_hare"]
    pivotal = wins & (wins.sum(-1) == enough)[..., None]
    spoils = takes & (after.scene.stag & (left.sum(-1) == enough - 1))[..., None] & lasting
    stag, hare = traits["stag"][..., None, None], traits["hare"][..., None, None]
    help_ = (pivotal[..., :, None] & wins[..., None, :]) * stag
    help_ = help_ - (spoils[..., :, None] & left[..., None, :]) * (stag - hare)
    apart = ~torch.eye(out.shape[-1], dtype=torch.bool, device=out.device)
    cost = info["held_in_vain"] * traits["step_cost"][..., None]
    return Ledger(need, help_ * apart, cost, outcome.reward)


def advise(table: Tables, enough: int, scene: Any, goal: str) -> Tensor:
    """What every hunter does next, int64 `[*B, agent]`, who knows everything."""
    goal = pick("goal", goal, GOALS)
    agents = scene.cell.shape[-1]
    number = torch.arange(agents, device=scene.cell.device)
    order = (number - number[:, None]) % agents  # of equally near hares the own one, then the next one's
    far = table.away.shape[0]
    away = table.away[scene.cell[..., None], table.hare] + ~scene.hare[..., None, :] * far
    hare = table.hare[(away * agents + order).argmin(-1)]
    stag = scene.stag & (goal != "selfish")
    if goal == "fair":
        stag = stag & ((scene.prey == NONE).sum(-1) >= enough)
    to_stag = (stag | ~scene.hare.any(-1))[..., None].expand(scene.cell.shape)
    target = torch.where(to_stag, far // 2, hare)  # the stag is in the middle
    there = torch.where(to_stag, table.near[scene.cell], scene.cell == hare)
    return torch.where(there, GRIP, table.way[scene.cell, target])


def audit(dilemma: Any, state: WorldState) -> dict[str, Tensor]:
    """What must hold of every state, by name, bool `[*B]`."""
    scene = state.scene
    stags, hares = (scene.prey == STAG).sum(-1), (scene.prey == HARE).sum(-1)
    fed = (scene.prey != NONE).all(-1)
    return {
        "hunters are on the field": ((scene.cell >= 0) & (scene.cell < dilemma.size**2)).all(-1),
        "prey is none, a hare or the stag": ((scene.prey >= NONE) & (scene.prey <= STAG)).all(-1),
        "the stag was caught by enough or stands there": torch.where(scene.stag, stags == 0, stags >= dilemma.enough),
        "hares that are gone were taken": (~scene.hare).sum(-1) <= hares,
        "who took a hare took one that is gone": (hares == 0) | ~scene.hare.all(-1),
        "the time is within the horizon": (state.t >= 0) & (state.t <= dilemma.horizon),
        "an episode is over when all have prey or its time is up": state.over == (fed | (state.t >= dilemma.horizon)),
    }


def picture(dilemma: Any, state: WorldState, individual: int) -> Picture:
    """The field of one individual from above."""
    table = tables(dilemma.size, dilemma.hunters, dilemma.hare_distance, "cpu")
    scene = state.scene
    size, middle = dilemma.size, dilemma.size // 2
    hares = [int(cell) for cell, there in zip(table.hare, scene.hare[individual].tolist(), strict=True) if there]
    ground = [Mark((cell % size, cell // size), "h", "#E69F00", "star") for cell in hares]
    if bool(scene.stag[individual]):
        ground.append(Mark((middle, middle), "S", "#8C510A", "square"))
    prey, distress = scene.prey[individual].tolist(), dilemma.distress(scene, state.t)[individual].tolist()
    said = ", ".join(f"{number} {('none', 'hare', 'stag')[kind]}" for number, kind in enumerate(prey, 1))
    return Picture(
        columns=size,
        rows=size,
        ground=tuple(ground),
        marks=grids.marks(scene.cell[individual].tolist(), distress, size),
        text=f"step {int(state.t[individual])}, prey: {said}" + grids.named("hungry", distress),
    )
