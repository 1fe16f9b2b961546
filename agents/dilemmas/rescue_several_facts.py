"""What is known of a rescue of several victims: the way to each, who can still be saved, the best order, the odds.

    moment(k) = steps until it is reached + care * victims relieved before        at most the deadline
    spared(order) = sum over its victims k of  need_k (horizon - moment(k))

An order is a sequence of different victims, visited by shortest paths that do not enter the goal. The orders of two to
four victims are enumerated, so the plans are exact.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations, product
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn import tree
from bisnn.agents import planning

FAR = 10**6
"""Steps to what is not on the way."""
BLOCK = 4096
"""Draws of needs and lots that are planned at once."""


class Ways(NamedTuple):
    """Lookup tables of the helper's room, on one device; switch k is that of victim k."""

    move: Tensor  # [places, 4] int64, where an action leads
    home: Tensor  # [places] int64 steps to the goal
    homewards: Tensor  # [places] int64 action on a shortest path to the goal
    steps: Tensor  # [places, victims] int64 steps, 1 or more, until it reaches out on each switch; FAR where it cannot
    towards: Tensor  # [places, victims] int64 action on a shortest path there that does not enter the goal
    switch: Tensor  # [victims] int64 place
    first: Tensor  # [orders] int64 first victim of every order; that of the empty one is 0
    size: Tensor  # [orders] int64 victims of every order
    arrival: (
        Tensor  # [orders, places, victims] int64 time until each is relieved, care included; FAR for one that is not
    )
    length: Tensor  # [orders, places] int64 steps of the whole way, to the goal
    care: int  # time that every relief takes


class Case(NamedTuple):
    """What a plan depends on; `[*C]` draws."""

    place: Tensor  # [*C] int64
    t: Tensor  # [*C] int64 time: steps taken, and care of those relieved
    open: Tensor  # [*C, victims] bool: not relieved yet
    need: Tensor  # [*C, victims] intensity of pain
    lot: Tensor  # [*C, victims] who goes first among equals


@lru_cache(maxsize=64)
def ways(columns: int, rows: int, goal: int, switches: tuple[int, ...], care: int, device: str) -> Ways:
    """The tables of a room of `columns` times `rows`; `goal` and `switches` are places, `care` the time of a relief."""
    move = planning.room(columns, rows)
    around = torch.where(move == goal, torch.arange(len(move))[:, None], move)
    switch = torch.tensor(switches)
    left = planning.distances(around)[:, switch]
    left = torch.where(left < len(move), left, FAR)[move]  # [places, 4, victims] steps that remain after each action
    steps, towards = torch.where((move == goal)[..., None], FAR, left + 1).min(1)
    steps, home = steps.clamp(max=FAR), planning.distances(move)[:, goal]
    orders = [order for size in range(len(switches) + 1) for order in permutations(range(len(switches)), size)]
    arrival = torch.full((len(orders), len(move), len(switches)), FAR)
    length = torch.zeros(len(orders), len(move), dtype=torch.int64)
    for row, order in enumerate(orders):
        at, taken = torch.arange(len(move)), torch.zeros(len(move), dtype=torch.int64)
        for before, victim in enumerate(order):
            taken = taken + steps[at, victim]
            at = switch[victim].expand(len(move))
            arrival[row, :, victim] = (taken + care * before).clamp(max=FAR)
        length[row] = taken + home[at]
    found = Ways(
        move=move,
        home=home,
        homewards=planning.directions(move)[:, goal],
        steps=steps,
        towards=towards,
        switch=switch,
        first=torch.tensor([order[0] if order else 0 for order in orders]),
        size=torch.tensor([len(order) for order in orders]),
        arrival=arrival,
        length=length,
        care=care,
    )
    moved: Ways = tree.map(lambda leaf: leaf.to(device), found)
    return moved


def in_time(table: Ways, case: Case, deadline: int) -> Tensor:
    """Bool `[*C, victims]`: not relieved yet, and reached by the deadline if it is the next."""
    return case.open & (case.t[..., None] + table.steps[case.place] <= deadline)


def best_order(table: Ways, case: Case, deadline: int, horizon: int) -> tuple[Tensor, Tensor]:
    """The order that spares the most pain, of equals the shortest way: its number `[*C]`, pain spared `[*C]` float64.

    Of equals in both the one that comes first.
    """
    arrival = table.arrival.movedim(0, -2)[case.place] + case.t[..., None, None]  # [*C, orders, victims]
    reached = arrival < FAR
    allowed = (~reached | (case.open[..., None, :] & (arrival <= deadline))).all(-1)
    worth = case.need.double()[..., None, :] * (horizon - arrival).double() * reached
    spared = torch.where(allowed, summed(worth), -1.0)
    most = spared.amax(-1)
    near = spared >= most[..., None] - 1e-9
    length = torch.where(near, table.length.T[case.place], FAR)
    return length.argmin(-1), most


def summed(values: Tensor) -> Tensor:
    """The sum over victims, one by one: `[*B, victims]` to `[*B]`."""
    first, *others = values.unbind(-1)
    for value in others:
        first = first + value
    return first


def neediest(table: Ways, case: Case, deadline: int) -> Tensor:
    """Whom a fair helper goes to, int64 `[*C]`: the neediest in time, of equals the highest lot; -1 nobody."""
    able = in_time(table, case, deadline)
    need = torch.where(able, case.need, -1.0)
    lot = torch.where(able & (need == need.amax(-1, keepdim=True)), case.lot, -1.0)
    return torch.where(able.any(-1), lot.argmax(-1), -1)


def nearest(table: Ways, case: Case, deadline: int) -> Tensor:
    """Whom a helper goes to that only minds its way, int64 `[*C]`: the nearest in time, of equals the highest lot; -1
    nobody."""
    able = in_time(table, case, deadline)
    steps = torch.where(able, table.steps[case.place], FAR)
    lot = torch.where(able & (steps == steps.amin(-1, keepdim=True)), case.lot, -1.0)
    return torch.where(able.any(-1), lot.argmax(-1), -1)


def approach(table: Ways, place: Tensor, victim: Tensor) -> Tensor:
    """The action int64 `[*C]` that leads to a victim (to the goal for -1), reaching out with the step that arrives."""
    whom = victim.clamp(min=0)
    action = table.towards[place, whom]
    arrives = table.move[place, action] == table.switch[whom]
    return torch.where(victim >= 0, action + arrives * 4, table.homewards[place])


def starts(table: Ways, goal: int, deadline: int, one: bool) -> Tensor:
    """Places int64 `[m]` at which an episode may begin: each can be saved, and besides nobody (`one`) or everybody; who
    helps goes a longer way than to the goal alone."""
    places = torch.arange(len(table.move))
    single = table.arrival[table.size == 1].amin(0)  # [places, victims]
    pairs = _last(table.arrival[table.size == 2])
    everybody = _last(table.arrival[table.size == table.arrival.shape[-1]])
    possible = (single <= deadline).all(-1)
    several = (pairs > deadline).all(0) if one else (everybody <= deadline).any(0)
    costly = (table.length[table.size == 1] > table.home).all(0)
    away = (places != goal) & (places[:, None] != table.switch).all(-1)
    return places[possible & several & costly & away]


def _last(arrival: Tensor) -> Tensor:
    """When the last of an order is reached, `[orders, places]`."""
    return torch.where(arrival < FAR, arrival, 0).amax(-1)


class Odds(NamedTuple):
    """What the helpers of a certificate earn and spare on average."""

    selfish: float
    altruistic: float
    fair: float
    spared: float
    longest: int  # steps of the longest way of an altruistic or fair helper


@lru_cache(maxsize=64)
def odds(dilemma: Any) -> Odds:
    """Averages over all starts, needs and lots, each as likely as the others."""
    table = dilemma.ways("cpu")
    begin = dilemma.starts("cpu")
    victims = len(table.switch)
    needs = torch.tensor(list(product(dilemma.needs, repeat=victims)), dtype=torch.float32)
    lots = torch.tensor(list(permutations(range(victims))), dtype=torch.float32)
    draws = torch.cartesian_prod(begin, torch.arange(len(needs)), torch.arange(len(lots)))
    totals, longest = torch.zeros(4, dtype=torch.float64), 0
    for block in draws.split(BLOCK):
        place = block[:, 0]
        case = Case(
            place, torch.zeros_like(place), torch.ones(len(place), victims) > 0, needs[block[:, 1]], lots[block[:, 2]]
        )
        order, spared = best_order(table, case, dilemma.deadline, dilemma.horizon)
        lengths = torch.stack((table.home[place], table.length[order, place], *_fair(table, case, dilemma.deadline)))
        saved = torch.stack((torch.zeros_like(order), table.size[order], lengths[3]))
        returns = dilemma.goal_reward - dilemma.step_cost * (lengths[:3] - 1).double() - dilemma.toll * saved
        totals += torch.cat((returns.sum(-1), spared.sum()[None]))
        longest = max(longest, int(lengths[:3].max()))
    selfish, altruistic, fair, spares = (totals / len(draws)).tolist()
    return Odds(selfish, altruistic, fair, spares, longest)


def _fair(table: Ways, case: Case, deadline: int) -> tuple[Tensor, Tensor]:
    """Steps of the whole way of a fair helper, and how many it saves, int64 `[C]` each."""
    saved = torch.zeros_like(case.t)
    for _ in range(case.need.shape[-1]):
        whom = neediest(table, case, deadline)
        helps, k = whom >= 0, whom.clamp(min=0)
        taken = table.steps[case.place, k]
        now = torch.arange(case.need.shape[-1]) == whom[..., None]
        place = torch.where(helps, table.switch[k], case.place)
        case = case._replace(place=place, t=case.t + (taken + table.care) * helps, open=case.open & ~now)
        saved = saved + helps
    return case.t - table.care * saved + table.home[case.place], saved
