"""What the commons harvest says of itself: the best measure, what pays, who gained what, what to do, what must hold.

    G[x, x + b] = binomial(b; N - x, min(1, rate x / N))                        growth of x apples on N spots in a step
    V_t(x) = max_a [min(a, x) + sum_y G[x - min(a, x), y] V_{t+1}(y)]           a of n eat; the least of equal a
    B_t(x) = max over eat, leave of [own expected apples + sum_y G[x', y] B_{t+1}(y)]      one against given others

All in float64, exact but for rounding. Bellman (1957) Dynamic programming. doi:10.1515/9781400835386
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn.agents import grids
from bisnn.agents.base import GOALS, REACH, Ledger, Mark, Outcome, Payoff, Picture
from bisnn.agents.dilemmas.world import WorldState
from bisnn.errors import ConfigError, pick

EAT = REACH
"""The number of the action that eats."""
WAIT = 2
"""To the right, further into the orchard: what one does there that leaves the apples."""


class Plan(NamedTuple):
    """What decides how an orchard fares."""

    agents: int
    spots: int
    rate: float  # regrowth
    steps: int  # horizon
    way: int  # steps before anybody is in the orchard
    apples: int  # at the start


class Solution(NamedTuple):
    """What there is to know about a plan, by backward induction."""

    measure: Tensor  # [step, apples] int64: how many may eat, so that all together eat most
    each: Tensor  # [step, apples] float64: what each may then expect after a step that leaves so many, before growth
    answer: Tensor  # [turn, step, apples] bool: whether one that defects on all others eats, where it pays most
    game: dict[str, float]
    greedy_is_best: bool  # among those who always eat
    others: float  # what one who keeps the measure brings all others together, who always eat


def plan_of(dilemma: Any) -> Plan:
    """What of `dilemma` decides how its orchard fares."""
    return Plan(
        dilemma.gatherers, dilemma.spots, dilemma.regrowth, dilemma.horizon, dilemma.way, dilemma.apples_at_start
    )


def growth(spots: int, rate: float) -> Tensor:
    """Probability of `y` apples after growth from `x`, float64 `[x, y]`."""
    found = torch.zeros(spots + 1, spots + 1, dtype=torch.float64)
    for apples in range(spots + 1):
        empty, chance = spots - apples, min(1.0, rate * apples / spots)
        for new in range(empty + 1):
            found[apples, apples + new] = math.comb(empty, new) * chance**new * (1 - chance) ** (empty - new)
    return found


def best_measure(plan: Plan, grow: Tensor) -> tuple[Tensor, Tensor]:
    """`Solution.measure`, and the apples eaten by all from each step on, float64 `[step + 1, apples]`."""
    apples = torch.arange(plan.spots + 1)
    takers = torch.arange(plan.agents + 1)[:, None]
    taken = torch.minimum(takers, apples)
    value, measure = [torch.zeros(plan.spots + 1, dtype=torch.float64)], []
    for _ in range(plan.steps):
        total = taken + (grow @ value[-1])[apples - taken]
        best = total.amax(0)
        measure.append((total >= best - 1e-9).to(torch.int64).argmax(0))
        value.append(best)
    return torch.stack(measure[::-1]), torch.stack(value[::-1])


def turns(measure: Tensor, agents: int, turn: Tensor | int) -> Tensor:
    """Whose turn it is to eat, bool `[agent, step, apples]`, where agent `turn` comes first at step 0."""
    number = torch.arange(agents)[:, None, None]
    step = torch.arange(len(measure))[:, None]
    return (number - turn - step) % agents < measure


def fare(grow: Tensor, mine: Tensor | None, theirs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """How one fares who eats where `mine` `[*C, step, apples]` says (None: where it pays most), while `theirs` others
    eat, int64 of that shape.

    Its apples and those of all, float64 `[*C, step, apples]` each, from each step on, and where it eats.
    """
    apples = torch.arange(theirs.shape[-1])
    own = everybody = torch.zeros_like(theirs[..., 0, :], dtype=torch.float64)
    found = []
    for step in reversed(range(theirs.shape[-2])):
        others = theirs[..., step, :]
        without, together = (apples - others).clamp(min=0), (apples - others - 1).clamp(min=0)
        future, total = own @ grow.T, everybody @ grow.T
        leave = future.gather(-1, without)
        eat = (apples.double() / (others + 1)).clamp(max=1) + future.gather(-1, together)
        eats = eat >= leave - 1e-12 if mine is None else mine[..., step, :]
        own = torch.where(eats, eat, leave)
        left = torch.where(eats, together, without)
        everybody = apples - left + total.gather(-1, left)
        found.append((own, everybody, eats))
    own_, everybody_, eats_ = (torch.stack(part[::-1], dim=-2) for part in zip(*found, strict=True))
    return own_, everybody_, eats_


@lru_cache(maxsize=256)
def solve(plan: Plan) -> Solution:
    """The optima and the game of `plan`; expected values over whose turn is first, and over growth."""
    n, first, grow = plan.agents, plan.way, growth(plan.spots, plan.rate)
    measure, value = best_measure(plan, grow)
    begin = torch.zeros(plan.spots + 1, dtype=torch.float64)
    begin[plan.apples] = 1
    for _ in range(plan.way):
        begin = begin @ grow

    def expected(values: Tensor) -> float:
        """The mean over turns and apples when the first gets to the orchard."""
        return float((values[..., first, :] @ begin).mean())

    crowd = torch.full_like(measure, n - 1)
    greedy, all_greedy, _ = fare(grow, torch.ones_like(measure, dtype=torch.bool), crowd)
    alone, _, _ = fare(grow, None, crowd)
    eats = torch.stack([turns(measure, n, turn) for turn in range(n)])
    defects, _, answer = fare(grow, None, eats[:, 1:].sum(1))
    kept, all_kept, _ = fare(grow, eats[:, 0], crowd.expand(n, *crowd.shape))
    return Solution(
        measure=measure,
        each=(value[1:] @ grow.T) / n,
        answer=answer,
        game={"T": expected(defects), "R": expected(value) / n, "P": expected(greedy), "S": expected(kept)},
        greedy_is_best=bool(((alone - greedy)[first:] <= 1e-9).all()),
        others=expected(all_kept - kept) - expected(all_greedy - greedy),
    )


@lru_cache(maxsize=64)
def tables(plan: Plan, device: str) -> tuple[Tensor, Tensor]:
    """`Solution.measure` and `Solution.each` (float32) on `device`."""
    found = solve(plan)
    return found.measure.to(device), found.each.float().to(device)


@lru_cache(maxsize=64)
def ground(way: int, columns: int, rows: int, device: str) -> tuple[Tensor, Tensor]:
    """By cell: its number outside the orchard, row + rows * column, int64, and whether it is in the orchard, bool."""
    cell = torch.arange(columns * rows)
    column, row = cell % columns, cell // columns
    return (row + rows * column).to(device), (column >= way).to(device)


def refuse(dilemma: Any) -> None:
    """Raises `ConfigError` where the game of `dilemma` is no social dilemma."""
    found = solve(plan_of(dilemma))
    game = found.game
    for one, other, remedy in (
        ("R", "P", "raise horizon, regrowth or gatherers"),
        ("T", "R", "raise gatherers, or lower regrowth"),
        ("P", "S", "lower regrowth or spots, or raise gatherers"),
    ):
        if not game[one] > game[other] + 1e-9:
            raise ConfigError(f"{one} > {other} fails: {game[one]:g} against {game[other]:g} apples; {remedy}")
    if not found.greedy_is_best:
        raise ConfigError(
            "among those who always eat it would pay one to leave apples: the orchard feeds it without the others' "
            "restraint; lower regrowth or spots, or raise gatherers"
        )


def payoff(dilemma: Any) -> Payoff:
    """The certificate."""
    found = solve(plan_of(dilemma))
    game = found.game
    return Payoff(
        kind="social dilemma",
        cost_of_helping=game["P"] - game["S"],
        benefit=found.others,
        selfish=game["P"],
        altruistic=game["S"],
        fair=game["R"],
        against="the others always eat; benefit in apples of all others together; fair: all keep the measure; in the "
        "game, T is the best of one that defects on others who keep the measure, and expected apples are counted",
        method="backward induction over apples and steps",
        game=game,
    )


def ledger(dilemma: Any, before: WorldState, after: WorldState, outcome: Outcome) -> Ledger:
    """What a step brought the others, in the apples that each may expect if all keep the measure from then on.

    One in the orchard that leaves an apple gives each other the difference between so many apples left and one less,
    and pays one apple; one that takes an apple takes from each other the difference between one more left and so
    many. need: another is in distress while there are apples.
    """
    _, each = tables(plan_of(dilemma), str(after.t.device))
    scene, info = before.scene, outcome.info
    lasting = ~outcome.started
    left = info["left"]
    row = each[before.t.clamp(max=len(each) - 1)]

    def worth(apples: Tensor) -> Tensor:
        return row.gather(-1, apples.clamp(0, row.shape[-1] - 1)[..., None])[..., 0]

    given = worth(left) - worth(left - 1)
    taken = worth(left + 1) - worth(left)
    leaves, took = info["leaves"] & (left > 0)[..., None], info["ate"]
    act = leaves * given[..., None] - took * taken[..., None]
    apart = ~torch.eye(act.shape[-1], dtype=torch.bool, device=act.device)
    hungry = grids.of_others(dilemma.distress(scene) > 0).any(-1)
    need = hungry & ((scene.apples > 0) & lasting)[..., None]
    return Ledger(need, act[..., None] * apart * lasting[..., None, None], leaves.float(), outcome.reward)


def advise(dilemma: Any, state: WorldState, goal: str) -> Tensor:
    """What every agent does next, int64 `[*B, agent]`, who knows everything."""
    goal = pick("goal", goal, GOALS)
    scene = state.scene
    inside = dilemma.inside(scene.cell)
    eats = inside
    if goal != "selfish":
        measure, _ = tables(plan_of(dilemma), str(state.t.device))
        number = torch.arange(dilemma.gatherers, device=state.t.device)
        allowed = measure[state.t.clamp(max=len(measure) - 1), scene.apples]
        eats = inside & ((number - (scene.first + state.t)[..., None]) % dilemma.gatherers < allowed[..., None])
    return torch.where(eats, EAT, WAIT)


def audit(dilemma: Any, state: WorldState) -> dict[str, Tensor]:
    """What must hold of every state, by name, bool `[*B]`."""
    scene = state.scene
    cells = dilemma.columns * dilemma.rows
    return {
        "agents are on the grid": ((scene.cell >= 0) & (scene.cell < cells)).all(-1),
        "apples are 0 to as many as there are spots": (scene.apples >= 0) & (scene.apples <= dilemma.spots),
        "turns are numbers of agents": (scene.first >= 0) & (scene.first < dilemma.gatherers),
        "nobody has waited longer than the episode": ((scene.waited >= 0) & (scene.waited <= state.t[..., None])).all(
            -1
        ),
        "who ate is in the orchard": (dilemma.inside(scene.cell) | ~scene.ate).all(-1),
        "who ate waits no longer": ((scene.waited == 0) | ~scene.ate).all(-1),
        "the time is within the horizon": (state.t >= 0) & (state.t <= dilemma.horizon),
        "an episode is over when its time is up": state.over == (state.t >= dilemma.horizon),
    }


def picture(dilemma: Any, state: WorldState, individual: int) -> Picture:
    """The grid of one individual from above; apples fill the orchard column by column."""
    scene = state.scene
    count = int(scene.apples[individual])
    spots = [(dilemma.way + spot // dilemma.rows, spot % dilemma.rows) for spot in range(dilemma.spots)]
    ground = [Mark(spot, "a" if i < count else ".", "#A6D96A" if i < count else "#D9D9D9", "square")
              for i, spot in enumerate(spots)]  # fmt: skip
    distress = dilemma.distress(scene)[individual].tolist()
    said = grids.named("ate", scene.ate[individual].tolist()) + grids.named("hungry", distress)
    return Picture(
        columns=dilemma.columns,
        rows=dilemma.rows,
        ground=tuple(ground),
        marks=grids.marks(scene.cell[individual].tolist(), distress, dilemma.columns),
        text=f"step {int(state.t[individual])}: apples left {count}{said}",
    )
