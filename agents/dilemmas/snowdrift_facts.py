"""What the snowdrift game says of itself: its certificate, its equilibrium, what to do, what must hold, how it looks.

A random walk, uniform at the start, steps to each of the four sides with probability 1/4 and stays where the border is.
With f_d(t) the probability that it is on cell d for the first time at t, one walker meets a drift in an episode with
probability P_1 = mean over d of sum of f_d(t), t < horizon, and at least one of k walkers with
P_k = 1 - mean over d of (1 - sum of f_d)^k. Drifts lie uniformly, and walks do not depend on what is cleaned, so
expected numbers of cleared drifts are `drifts * P_k`. With chosen moves P_k = 1.

    selfish = drifts P_(n-1) benefit        the others clean what they meet, the first one does not
    altruistic = drifts P_1 (benefit - cost)     it cleans what it meets, the others do not
    fair = drifts P_n (benefit - cost / n)       all clean, one at each drift: the best sum of returns, evenly shared

One shot, all n agents on one drift, each cleans with probability p = 1 - q: cleaning is worth as much as not where

    benefit q^(n-1) + relief (n - 1) q^m = cost,      m = 1 or n - 1

`relief` is what an agent gains where another is relieved (lambda times the benefit): by itself alone (m = 1), or also
where it sees it relieved by others (m = n - 1). Diekmann (1985) doi:10.1177/0022002785029004003.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn.agents import checks, planning
from bisnn.agents.base import GOALS, MOVES, Ledger, Mark, Outcome, Payoff, Picture
from bisnn.agents.clock import EPISODE
from bisnn.agents.dilemmas.world import WorldState
from bisnn.errors import ConfigError, pick

Snowdrift = Any
"""The dilemma, which imports this module."""

CLEAN = len(MOVES)
COLD, WARM, SNOW = "#0072B2", "#D55E00", "#8A8A8A"


class Tables(NamedTuple):
    """What the steps look up."""

    next_place: Tensor  # [cells * 5] int64: where an action leads; to clean stays
    one_hot: Tensor  # [cells, cells] float32
    apart: Tensor  # [cells, cells] float32: columns or rows between two cells, whichever are more
    others: Tensor  # [members, members - 1] int64
    faces: Tensor  # [2, expression cells] float32: the plain faces, warm and cold
    way: Tensor  # [cells * cells] int64: the move towards a cell
    order: Tensor  # [cells] int64: rank of a cell on a way that sweeps the grid row by row


def check(world: Snowdrift) -> None:
    """Raises `ConfigError` for a field out of its range, and for rules that are no snowdrift game."""
    checks.within(2, 5, members=world.members)
    checks.within(1, 64, columns=world.columns, rows=world.rows)
    checks.within(1, world.cells, drifts=world.drifts)
    checks.within(1, EPISODE - 1, horizon=world.horizon)
    for name in ("members", "columns", "rows", "drifts", "horizon"):
        if int(getattr(world, name)) != getattr(world, name):
            raise ConfigError(f"{name} = {getattr(world, name)!r}; it is a whole number")
    if not world.cost > 0:
        raise ConfigError(
            f"cost = {world.cost}: to clean costs nothing, so nobody would leave it; T > R needs cost > 0"
        )
    if not world.cost < world.benefit < float("inf"):
        raise ConfigError(
            f"benefit = {world.benefit} and cost = {world.cost}: who cleans alone loses, which is no snowdrift but "
            f"a prisoner's dilemma; S > P needs benefit > cost"
        )


def longest_sweep(world: Snowdrift) -> int:
    """Steps within which one agent alone clears every drift: to the farthest corner, row by row, one for each drift."""
    return int(world.columns + world.rows - 2 + world.cells - 1 + world.drifts)


def tables(world: Snowdrift, device: str) -> Tables:
    """The tables of a world, on a device."""
    cells, n = world.cells, world.members
    moves = planning.room(world.columns, world.rows)
    place = torch.arange(cells)
    column, row = place % world.columns, place // world.columns
    apart = torch.maximum((column[:, None] - column).abs(), (row[:, None] - row).abs())
    face = world.expression.cells // 2
    calm, pain = torch.zeros(2 * face), torch.zeros(2 * face)
    calm[face:], pain[:face] = 1.0, 1.0
    sweep = row * world.columns + torch.where(row % 2 == 0, column, world.columns - 1 - column)
    found = Tables(
        next_place=torch.cat((moves, place[:, None]), -1).flatten(),
        one_hot=torch.eye(cells),
        apart=apart.to(torch.float32),
        others=torch.tensor([[j for j in range(n) if j != i] for i in range(n)]),
        faces=torch.stack((calm, pain)),
        way=planning.directions(moves).flatten(),
        order=sweep,
    )
    return Tables(*(table.to(device) for table in found))


# ------------------------------------------------------------ what it is worth


@lru_cache(maxsize=256)
def meetings(columns: int, rows: int, horizon: int, walkers: int) -> float:
    """P_k: probability that one of `walkers` random walks is on a cell in an episode, mean over cells."""
    moves = planning.room(columns, rows)
    cells = len(moves)
    step = torch.zeros(cells, cells, dtype=torch.float64)
    for way in moves.unbind(-1):
        step[torch.arange(cells), way] += 0.25
    elsewhere = 1.0 - torch.eye(cells, dtype=torch.float64)
    never = torch.full((cells, cells), 1.0 / cells, dtype=torch.float64) * elsewhere  # [target, place]
    for _ in range(horizon - 1):
        never = never @ step * elsewhere
    return float((1.0 - never.sum(-1) ** walkers).mean())


def payoff(world: Snowdrift) -> Payoff:
    """The certificate (module docstring)."""
    n, benefit, cost = world.members, float(world.benefit), float(world.cost)

    def met(walkers: int) -> float:
        if world.movement == "chosen":
            return 1.0
        return meetings(world.columns, world.rows, world.horizon, walkers)

    selfish = world.drifts * met(n - 1) * benefit
    altruistic = world.drifts * met(1) * (benefit - cost)
    return Payoff(
        kind="snowdrift",
        cost_of_helping=selfish - altruistic,
        benefit=world.drifts * met(1) * benefit,
        selfish=selfish,
        altruistic=altruistic,
        fair=world.drifts * met(n) * (benefit - cost / n),
        against="the others clean all that they meet where the first one is selfish, nothing where it is altruistic; "
        "benefit to each of the others, in reward",
        method="exact: first visits of a random walk" if world.movement == "random" else "exact",
        game={"T": benefit, "R": benefit - cost / n, "S": benefit - cost, "P": 0.0},
    )


def equilibrium(
    members: int = 3, benefit: float = 6.0, cost: float = 4.0, relief: float = 0.0, by_others: bool = True
) -> float:
    """Probability of cleaning in the symmetric mixed equilibrium of one shot (equation: module docstring).

    `relief` is what an agent gains for another that is relieved; `by_others`: whoever relieves it.
    With 3 members and no relief: 1 - sqrt(2/3) = .184.
    """
    n, low, high = members, 0.0, 1.0
    power = n - 1 if by_others else 1
    for _ in range(60):
        q = (low + high) / 2
        above = benefit * q ** (n - 1) + relief * (n - 1) * q**power > cost
        low, high = (low, q) if above else (q, high)
    return 1.0 - (low + high) / 2


def dominant(relieved: int, benefit: float = 6.0, cost: float = 4.0) -> float:
    """Smallest lambda at which cleaning is best whatever the others do: benefit - cost + lambda benefit relieved >=
    benefit, where it relieves so many others. With one .667, with two .333."""
    return cost / (benefit * relieved) if relieved else float("inf")


# ------------------------------------------------------------ what to do, and what it brought


def advise(world: Snowdrift, tables: Tables, state: WorldState, goal: str) -> Tensor:
    """What every agent does next, int64 `[*B, agent]`."""
    goal, scene = pick("goal", goal, GOALS), state.scene
    if goal == "selfish":
        return torch.zeros_like(scene.place)
    cleans = scene.snow.gather(-1, scene.place)
    if goal == "fair":
        turn = (torch.arange(world.members, device=cleans.device) - scene.first[..., None]) % world.members
        here = scene.place[..., :, None] == scene.place[..., None, :]
        cleans = cleans & ~(here & (turn[..., None, :] < turn[..., :, None])).any(-1)
    if world.movement == "random":
        return torch.where(cleans, CLEAN, 0)
    ahead = (world.cells - tables.order) * scene.snow  # the drift that a sweep meets first, beside the own cell
    ahead = ahead[..., None, :] * (1.0 - tables.one_hot[scene.place])
    return torch.where(cleans, CLEAN, tables.way[scene.place * world.cells + ahead.argmax(-1)])


def ledger(world: Snowdrift, before: WorldState, outcome: Outcome) -> Ledger:
    """What a step brought every agent."""
    scene, reward, cleans = before.scene, outcome.reward, outcome.info["cleaned"]
    here = scene.place[..., :, None] == scene.place[..., None, :]
    together = (here & cleans[..., None, :]).sum(-1).clamp(min=1)
    each = cleans * (1.0 / together) * float(world.benefit)
    apart = ~torch.eye(world.members, dtype=torch.bool, device=reward.device)
    others_cold = (scene.cold[..., None, :] & apart).any(-1)
    return Ledger(
        need=scene.snow.gather(-1, scene.place) & others_cold & ~outcome.started[..., None],
        help=(each[..., :, None] * apart).to(reward.dtype),
        cost=(cleans * float(world.cost)).to(reward.dtype),
        welfare=reward,
    )


def audit(world: Snowdrift, state: WorldState) -> dict[str, Tensor]:
    """What must hold of every state, by name, bool `[*B]`."""
    scene, left = state.scene, state.scene.snow.sum(-1)
    done, gone = scene.cleaned.sum(-1), world.drifts - state.scene.snow.sum(-1)
    limit = (state.t >= world.horizon) | (left == 0)
    return {
        "agents are on the grid": ((scene.place >= 0) & (scene.place < world.cells)).all(-1),
        "no drift appears": (left >= 0) & (left <= world.drifts),
        "each cleared drift has a cleaner": (done >= gone) & (done <= gone * world.members),
        "none cleans more than there was": (scene.cleaned >= 0).all(-1) & (scene.cleaned <= gone[..., None]).all(-1),
        "all are cold until one cleans": scene.cold.all(-1) | (done > 0),
        "who cleaned last is cold": scene.cold.any(-1),
        "who never cleaned is warm once one has": ((scene.cleaned > 0) | ~scene.cold | (done == 0)[..., None]).all(-1),
        "the order begins with a member": (scene.first >= 0) & (scene.first < world.members),
        "the time is within the horizon": (state.t >= 0) & (state.t <= world.horizon),
        "an episode is over at its end alone": state.over == limit,
    }


def picture(world: Snowdrift, state: WorldState, individual: int) -> Picture:
    """The grid of one individual from above."""
    scene: Any = state.scene

    def cell(number: int) -> tuple[int, int]:
        return number % world.columns, number // world.columns

    drifts = scene.snow[individual].nonzero()[:, 0].tolist()
    places, cold = scene.place[individual].tolist(), scene.cold[individual].tolist()
    cleaned = ", ".join(str(number) for number in scene.cleaned[individual].tolist())
    return Picture(
        columns=world.columns,
        rows=world.rows,
        ground=tuple(Mark(cell(number), "*", SNOW, "square") for number in drifts),
        marks=tuple(
            Mark(cell(number), str(i) if cold[i] else "abcde"[i], COLD if cold[i] else WARM, "face")
            for i, number in enumerate(places)
        ),
        text=f"step {int(state.t[individual])}: {len(drifts)} drifts left, cleaned {cleaned}; "
        f"digits are cold, letters warm",
    )
