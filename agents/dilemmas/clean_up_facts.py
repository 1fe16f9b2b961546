"""What the clean-up says of itself: what pays, who gained what, what to do, what must hold, how it looks."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn.agents import grids
from bisnn.agents.base import GOALS, REACH, Ledger, Mark, Outcome, Payoff, Picture
from bisnn.agents.dilemmas.clean_up_optima import Plan, solve
from bisnn.agents.dilemmas.world import WorldState
from bisnn.errors import ConfigError, pick

EAT, CLEAN = REACH, REACH + 1
"""The numbers of the actions that eat and clean."""
TO_ORCHARD, TO_RIVER = 2, 3
"""The moves that lead there: right and left."""


class Ground(NamedTuple):
    """What each cell is."""

    between: Tensor  # [cells] int64: its number between river and orchard, row + rows * (column - 1)
    river: Tensor  # [cells] bool
    inside: Tensor  # [cells] bool: in the orchard


@lru_cache(maxsize=64)
def ground(way: int, columns: int, rows: int, device: str) -> Ground:
    """What each cell of a grid is, on `device`."""
    cell = torch.arange(columns * rows)
    column, row = cell % columns, cell // columns
    between = (row + rows * (column - 1)).clamp(min=0)
    return Ground(between.to(device), (column == 0).to(device), (column >= 2 * way).to(device))


def plan_of(dilemma: Any) -> Plan:
    """What of `dilemma` decides how its river and its orchard fare."""
    return Plan(
        agents=dilemma.gatherers,
        spots=dilemma.spots,
        levels=dilemma.levels,
        growth=float(dilemma.growth),
        inflow=float(dilemma.inflow),
        cleaning_cost=float(dilemma.cleaning_cost),
        steps=dilemma.horizon,
        way=dilemma.way,
        apples=dilemma.apples_at_start,
        pollution=dilemma.pollution,
    )


def refuse(dilemma: Any) -> None:
    """Raises `ConfigError` where the game of `dilemma` is no social dilemma."""
    found = solve(plan_of(dilemma))
    values = found.game | {"the others' return with one cleaner": found.benefit, "without": 0.0, "A": found.altruistic}
    for one, other, remedy in (
        ("R", "P", "raise horizon, growth or gatherers, or lower inflow or cleaning_cost"),
        ("T", "R", "lower pollution at the start, or raise cleaning_cost or gatherers"),
        ("P", "S", "lower pollution at the start, or raise inflow or cleaning_cost"),
        ("P", "A", "(A: of one that cleans alone) lower pollution at the start, or raise inflow or cleaning_cost"),
        ("the others' return with one cleaner", "without", "lower inflow, or raise horizon or growth"),
    ):
        if not values[one] > values[other] + 1e-9:
            raise ConfigError(f"{one} > {other} fails: {values[one]:g} against {values[other]:g}; {remedy}")
    if found.alone > found.game["P"] + 1e-9:
        raise ConfigError(
            f"among others who never clean it would pay one to clean for itself ({found.alone:g} against "
            f"{found.game['P']:g}); raise inflow, cleaning_cost or gatherers"
        )


def payoff(dilemma: Any) -> Payoff:
    """The certificate."""
    found = solve(plan_of(dilemma))
    return Payoff(
        kind="social dilemma",
        cost_of_helping=found.game["P"] - found.altruistic,
        benefit=found.benefit,
        selfish=found.game["P"],
        altruistic=found.altruistic,
        fair=found.game["R"],
        against="the others always eat and never clean; benefit in apples of all others together; fair: "
        f"{found.cleaners} of {dilemma.gatherers} clean until step {found.until}, in turn over the episodes; expected "
        "returns are counted; the bound is that of fair, selfish and altruistic are exact",
        method="backward induction over pollution and apples; fair: the best number of cleaners and time, against the "
        "best of all plans without ways",
        bound=found.bound,
        game=found.game,
    )


@lru_cache(maxsize=64)
def futures(plan: Plan, device: str) -> Tensor:
    """`Solution.future` as float32 `[step, w * k]` on `device`."""
    return solve(plan).future.float().flatten(1).to(device)


def ledger(dilemma: Any, before: WorldState, after: WorldState, outcome: Outcome) -> Ledger:
    """What a step brought the others, in the apples that each may expect if all eat and nobody cleans from then on.

    All who clean in a step give each other together the difference between the pollution that they leave and that
    which they found, in equal shares. cost: `cleaning_cost`, and an apple where one was left that it could have had in
    the orchard. need: another is in distress, and the river is polluted.
    """
    future = futures(plan_of(dilemma), str(after.t.device))
    scene, info = before.scene, outcome.info
    lasting, cleaned = ~outcome.started, info["cleaned"]
    row = future[before.t.clamp(max=len(future) - 1)]

    def expected(pollution: Tensor) -> Tensor:
        return row.gather(-1, (pollution * (dilemma.spots + 1) + info["left"])[..., None])[..., 0]

    count = cleaned.sum(-1)
    rest = (scene.pollution - count).clamp(min=0)
    each = (expected(rest) - expected(scene.pollution)) / count.clamp(min=1)
    apart = ~torch.eye(cleaned.shape[-1], dtype=torch.bool, device=cleaned.device)
    hungry = grids.of_others(dilemma.distress(scene) > 0).any(-1)
    price = before.traits["cleaning_cost"] + (info["left"] > 0)
    return Ledger(
        need=hungry & ((scene.pollution > 0) & lasting)[..., None],
        help=(cleaned * each[..., None])[..., None] * apart,
        cost=cleaned * price[..., None],
        welfare=outcome.reward,
    )


def advise(dilemma: Any, state: WorldState, goal: str) -> Tensor:
    """What every agent does next, int64 `[*B, agent]`, who knows everything."""
    goal = pick("goal", goal, GOALS)
    found, scene = solve(plan_of(dilemma)), state.scene
    eat = torch.where(dilemma.inside(scene.cell), EAT, TO_ORCHARD)
    if goal == "selfish":
        return eat
    cleans = (state.t < found.until)[..., None]
    if goal == "fair":
        number = torch.arange(dilemma.gatherers, device=state.t.device)
        cleans = cleans & ((number - scene.first[..., None]) % dilemma.gatherers < found.cleaners)
    return torch.where(cleans, torch.where(dilemma.at_river(scene.cell), CLEAN, TO_RIVER), eat)


def audit(dilemma: Any, state: WorldState) -> dict[str, Tensor]:
    """What must hold of every state, by name, bool `[*B]`."""
    scene = state.scene
    cells = dilemma.columns * dilemma.rows
    return {
        "agents are on the grid": ((scene.cell >= 0) & (scene.cell < cells)).all(-1),
        "apples are 0 to as many as there are spots": (scene.apples >= 0) & (scene.apples <= dilemma.spots),
        "pollution is within its levels": (scene.pollution >= 0) & (scene.pollution <= dilemma.levels),
        "turns are numbers of agents": (scene.first >= 0) & (scene.first < dilemma.gatherers),
        "nobody has waited longer than the episode": ((scene.waited >= 0) & (scene.waited <= state.t[..., None])).all(
            -1
        ),
        "who ate is in the orchard and waits no longer": (
            (dilemma.inside(scene.cell) & (scene.waited == 0)) | ~scene.ate
        ).all(-1),
        "who cleaned is at the river": (dilemma.at_river(scene.cell) | ~scene.cleaned).all(-1),
        "the time is within the horizon": (state.t >= 0) & (state.t <= dilemma.horizon),
        "an episode is over when its time is up": state.over == (state.t >= dilemma.horizon),
    }


def picture(dilemma: Any, state: WorldState, individual: int) -> Picture:
    """The grid of one individual from above: river, meadow, orchard; apples fill the orchard column by column."""
    scene = state.scene
    count, dirt = int(scene.apples[individual]), int(scene.pollution[individual])
    water = "#92C5DE" if dirt == 0 else "#8C8C5A" if 2 * dirt < dilemma.levels else "#5C4B2A"
    ground = [Mark((0, row), "~" if dirt == 0 else "%", water, "square") for row in range(dilemma.rows)]
    for spot in range(dilemma.spots):
        cell = (2 * dilemma.way + spot // dilemma.rows, spot % dilemma.rows)
        ground.append(Mark(cell, *(("a", "#A6D96A") if spot < count else (".", "#D9D9D9")), "square"))
    distress = dilemma.distress(scene)[individual].tolist()
    return Picture(
        columns=dilemma.columns,
        rows=dilemma.rows,
        ground=tuple(ground),
        marks=grids.marks(scene.cell[individual].tolist(), distress, dilemma.columns),
        text=f"step {int(state.t[individual])}: apples left {count}, pollution {dirt} of {dilemma.levels}"
        + grids.named("hungry", distress),
    )
