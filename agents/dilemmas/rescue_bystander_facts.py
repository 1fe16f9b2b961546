"""What the rescue among bystanders says of itself: what help costs whom, who gained what, what must hold, how it looks.

K_i = free_i - alone_i                        best returns of helper i without and with help, by backward induction
fair: helps whose help leaves the worst off with most, max over i of min(alone_i, min over j != i of free_j)
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn.agents import kinds, layouts, planning
from bisnn.agents.base import GOALS, REACH, Ledger, Mark, Outcome, Payoff, Picture
from bisnn.agents.dilemmas.rescue_facts import GOAL, HAZARD, HELPER, PAIN, SWITCH, VICTIM
from bisnn.agents.dilemmas.world import WorldState
from bisnn.agents.planning import Certificate, Map
from bisnn.errors import ConfigError, pick

COLOURS = (HELPER, "#CC79A7", "#E69F00", "#332288")
"""Of each helper."""


class Places(NamedTuple):
    """Where the helpers' ways lie, and whom each looks at, on one device."""

    start: Tensor  # [agent] int64 place
    goal: Tensor  # [agent] int64 place
    switch: Tensor  # [] int64 place
    look: Tensor  # [places, 3] float32: seen, column, row, of who stands there
    others: Tensor  # [agent, agent - 1] int64: the other helpers, from the next one on


@lru_cache(maxsize=64)
def places(dilemma: Any, device: str) -> Places:
    """The places of a dilemma."""
    width, rows, count = dilemma.width, dilemma.rows, dilemma.helpers

    def place(cell: tuple[int, int]) -> int:
        return int(cell[0] - dilemma.wall - 1 + width * cell[1])

    spot = torch.arange(width * rows)
    column, row = (2.0 * part / max(size - 1, 1) - 1.0 for part, size in ((spot % width, width), (spot // width, rows)))
    turn = torch.arange(count)
    found = Places(
        start=torch.tensor([place(cell) for cell in dilemma.starts[:count]]),
        goal=torch.tensor([place(cell) for cell in dilemma.goals[:count]]),
        switch=torch.tensor(place(dilemma.switch)),
        look=torch.stack((torch.ones(len(spot)), column, row), dim=-1),
        others=(turn[:, None] + turn[1:]) % count,
    )
    return Places(*(part.to(device) for part in found))


@lru_cache(maxsize=64)
def certificates(dilemma: Any) -> Certificate:
    """The certificate of every helper, `[agent]` float64 each, for a victim in pain from the start, without tolls."""
    rooms, spots = dilemma.tables("cpu"), places(dilemma, "cpu")
    found = [
        planning.certify(
            Map(
                next_place=rooms.right,
                start=int(spots.start[number]),
                goal=spots.goal[number],
                switch=spots.switch,
                onset=layouts.onset(rooms.layout.script),
                horizon=dilemma.horizon,
                goal_reward=dilemma.goal_reward,
                step_cost=dilemma.step_cost,
            )
        )
        for number in range(dilemma.helpers)
    ]
    return Certificate(*(torch.stack(part) for part in zip(*found, strict=True)))


def _usual(dilemma: Any) -> dict[str, Tensor]:
    """The tolls of the plan."""
    names = ("toll", "toll_others")
    return {name: torch.tensor(float(getattr(dilemma, name)), dtype=torch.float64) for name in names}


def worst(dilemma: Any, tolls: Tensor) -> Tensor:
    """The least return of all when helper i alone helps, `[*B, agent]`, where the act costs `tolls` `[*B, agent]`."""
    found = certificates(dilemma)
    free, alone = found.selfish.to(tolls.device), found.altruistic.to(tolls.device) - tolls
    apart = free.expand(len(free), -1).clone().fill_diagonal_(torch.inf).amin(-1)
    return torch.minimum(alone, apart)


def check(dilemma: Any) -> None:
    """Raises `ConfigError` where somebody cannot help, helps for nothing, or would help for the shared benefit only if
    others did."""
    found = certificates(dilemma)
    if bool(found.altruistic.isinf().any()):
        raise ConfigError(f"not everybody can help within {dilemma.horizon} steps; raise horizon or move the switch")
    cost = found.selfish - found.altruistic + dilemma.tolls(_usual(dilemma))
    if not bool((cost > 0).all()):
        free = int((cost <= 0).nonzero()[0, 0])
        raise ConfigError(
            f"helping costs helper_{free} nothing, so it is no dilemma; move the switch away, or set a toll"
        )
    if 0 < dilemma.shared_benefit <= float(cost.max()):
        raise ConfigError(
            f"shared_benefit = {dilemma.shared_benefit:g} is not above what help costs ({float(cost.max()):g}); "
            f"raise it for a volunteer's dilemma, or leave it 0 for pure altruism"
        )


def payoff(dilemma: Any) -> Payoff:
    """The certificate of the first helper."""
    found, tolls, shared = certificates(dilemma), dilemma.tolls(_usual(dilemma)), dilemma.shared_benefit
    costs = (found.selfish - found.altruistic + tolls).tolist()
    free, alone = float(found.selfish[0]), float(found.altruistic[0] - tolls[0])
    common = {
        "cost_of_helping": costs[0],
        "benefit": float(found.spared[0]),
        "selfish": free + shared,
        "altruistic": alone + shared,
        "fair": float(worst(dilemma, tolls).max()) + shared,
    }
    pain = "the victim is in pain from the start; benefit in painful steps spared"
    if not shared:
        return Payoff(kind="altruism", against=f"the other helpers go their own ways; {pain}", **common)
    game = {"T": free + shared, "R": alone + shared, "S": alone + shared, "P": free, "helpers": float(dilemma.helpers)}
    if max(costs) - min(costs) < 1e-9:
        one, anybody = kinds.volunteering(costs[0], shared, dilemma.helpers)
        game |= {"volunteers": one, "anybody": anybody}
    return Payoff(kind="volunteer's dilemma", against=f"the other helpers help as well; {pain}", game=game, **common)


def ledger(dilemma: Any, before: WorldState, after: WorldState, outcome: Outcome) -> Ledger:
    """What a step brought everybody. Those who relieve the victim in one step share what it brings."""
    info, reward, lived = outcome.info, outcome.reward, ~outcome.started
    scene = before.scene
    act = info["helped_now"].to(reward.dtype)
    part = act / act.sum(-1, keepdim=True).clamp(min=1.0)
    spared = (dilemma.horizon - after.t).to(reward.dtype)
    worth = torch.full_like(reward, dilemma.shared_benefit)
    brought = torch.cat((worth, spared[..., None]), dim=-1)
    return Ledger(
        need=(scene.distress & lived)[..., None] & ~scene.home,
        help=part[..., None] * brought[..., None, :],
        cost=info["paid"].to(reward.dtype),
        welfare=torch.cat((reward, -(info["pain"] & lived)[..., None].to(reward.dtype)), dim=-1),
    )


def advise(dilemma: Any, state: WorldState, goal: str) -> Tensor:
    """What every helper does next, int64 `[*B, agent]`, who knows everything. While the victim is not yet hurt, a
    helper that plays for it awaits the pain at the switch."""
    goal, scene = pick("goal", goal, GOALS), state.scene
    device = str(state.t.device)
    rooms, spots = dilemma.tables(device), places(dilemma, device)
    helps = ~scene.relieved[..., None] & ~scene.home
    if goal == "selfish":
        helps = helps & False
    elif goal == "fair":
        cost = (certificates(dilemma).selfish - certificates(dilemma).altruistic).to(spots.goal.device)
        tolls = dilemma.tolls(state.traits).double()
        least = torch.where(scene.home, -torch.inf, worst(dilemma, tolls))
        cheapest = torch.where(least == least.amax(-1, keepdim=True), cost + tolls, torch.inf).argmin(-1, keepdim=True)
        helps = helps & (torch.arange(dilemma.helpers, device=spots.goal.device) == cheapest)
    there = torch.where(helps, spots.switch, spots.goal)
    way = planning.directions(rooms.right)
    action: Tensor = way[scene.helpers, there] + (helps & scene.distress[..., None]) * REACH
    return action


def audit(dilemma: Any, state: WorldState) -> dict[str, Tensor]:
    """What must hold of every state, by name, bool `[*B]`."""
    scene, spots = state.scene, places(dilemma, str(state.t.device))
    inside = (scene.helpers >= 0) & (scene.helpers < dilemma.places)
    return {
        "the helpers are in their room": inside.all(-1),
        "the victim is in its room": (scene.victim >= 0) & (scene.victim < dilemma.wall * dilemma.rows),
        "a helper is at home where it has reached its goal": (scene.home == (scene.helpers == spots.goal)).all(-1),
        "the victim is relieved where somebody helped": scene.relieved == scene.helped.any(-1),
        "who is relieved was in pain": scene.painful | ~scene.relieved,
        "who is relieved is in no distress": ~(scene.relieved & scene.distress),
        "pain lasts until relief": scene.distress == (scene.painful & ~scene.relieved),
        "the time is within the horizon": (state.t >= 0) & (state.t <= dilemma.horizon),
        "an episode at its horizon is over": state.over | (state.t < dilemma.horizon),
        "an episode is over where all are at home": state.over | ~scene.home.all(-1),
    }


def picture(dilemma: Any, state: WorldState, individual: int) -> Picture:
    """Both rooms of one individual from above."""
    rooms, spots, scene = dilemma.tables("cpu"), places(dilemma, "cpu"), state.scene

    def cell(number: Tensor) -> tuple[int, int]:
        row, column = divmod(int(number), dilemma.columns)
        return column, row

    left, right = rooms.left_cell, rooms.right_cell
    ground = [Mark(cell(left[spot]), "x", HAZARD, "square") for spot in rooms.layout.hazard.nonzero()[:, 0].tolist()]
    ground += [Mark(cell(right[int(spot)]), "G", GOAL, "star") for spot in dict.fromkeys(spots.goal.tolist())]
    ground.append(Mark(cell(right[int(spots.switch)]), "S", SWITCH, "square"))
    pain = bool(scene.distress[individual])
    marks = [Mark(cell(left[int(scene.victim[individual])]), "V" if pain else "v", PAIN if pain else VICTIM, "face")]
    for number in reversed(range(dilemma.helpers)):
        place = right[int(scene.helpers[individual, number])]
        marks.append(
            Mark(cell(place), str(number), COLOURS[number], "ring" if scene.home[individual, number] else "disc")
        )
    who = [f"helper_{number}" for number in scene.helped[individual].nonzero()[:, 0].tolist()]
    said = "shows distress" if pain else f"was relieved by {' and '.join(who)}" if who else "is calm"
    return Picture(
        columns=dilemma.columns,
        rows=dilemma.rows,
        walls=tuple((dilemma.wall, row) for row in range(dilemma.rows)),
        ground=tuple(ground),
        marks=tuple(marks),
        text=f"step {int(state.t[individual])}: the victim {said}",
    )
