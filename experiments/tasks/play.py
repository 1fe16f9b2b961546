"""Play: a society lives its episodes, and its ledgers are kept, episode by episode."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn import tree
from bisnn.agents.base import Dilemma
from bisnn.agents.society import Happened, Life, Society
from bisnn.errors import ConfigError


class Ledgers(NamedTuple):
    """Sums over the steps of every episode, float64; individuals first, `[N, episodes, ...]`."""

    steps: Tensor  # [N, E] actions taken
    need: Tensor  # [N, E, agent] steps in which another was in need that this agent could relieve
    help: Tensor  # [N, E, agent, party] what each agent's acts brought each party
    cost: Tensor  # [N, E, agent] what it gave up for that
    welfare: Tensor  # [N, E, party] what the episode was to each
    gathered: Tensor  # [N, E, agent] steps that brought it a reward above 0
    when: Tensor  # [N, E, agent] sum of the numbers of those steps, from 1
    acts: Tensor  # [N, E, agent, action] how often it chose each action


def play(
    society: Society,
    key: Tensor,
    episodes: int,
    *,
    first: int = 0,
    minds: Sequence[Any] | None = None,
    traits: Mapping[str, Tensor] | None = None,
    last: int | None = None,
    report: Callable[[int], None] = lambda done: None,
) -> tuple[Ledgers, Life]:
    """Worlds `key` int64 `[N]` live `episodes` episodes from number `first` on; of these the `last` are kept (None:
    all). Learners learn. Also returns the worlds as they are in the end.

    Every individual restarts on its own; who is done early goes on, unrecorded. `minds`: given players (see
    `Society.begin`). `report` is told how many episodes the slowest has lived. Raises `ConfigError` for no episode.
    """
    kept = episodes if last is None else last
    if not 1 <= kept <= episodes:
        raise ConfigError(f"{episodes} episodes, of which {kept} are kept: give one or more, and keep one or more")
    life = begin(society, key, first, minds, traits)
    done = torch.zeros_like(key)
    now, book = _blank(society.dilemma, key), _blank(society.dilemma, key, kept)
    slowest = 0
    while slowest < episodes:
        life, happened = society.turn(life)
        now = Ledgers(
            *(a + b for a, b in zip(now, _entry(society.dilemma, happened, life.world, now.steps), strict=True))
        )
        ended = happened.outcome.terminated | happened.outcome.truncated
        if bool(ended.any()):
            number = done - (episodes - kept)
            write = (ended & (number >= 0) & (done < episodes)).nonzero()[:, 0]
            for page, sums in zip(book, now, strict=True):
                page[write, number[write]] = sums[write]
            now = Ledgers(*(torch.where(tree.expand_right(ended, sums), 0.0, sums) for sums in now))
            done = done + ended
            if int(done.min()) > slowest:
                slowest = int(done.min())
                report(slowest)
    return book, life


def begin(
    society: Society,
    key: Tensor,
    first: int = 0,
    minds: Sequence[Any] | None = None,
    traits: Mapping[str, Tensor] | None = None,
) -> Life:
    """Worlds `key` int64 `[N]` at the start of their episode number `first`."""
    life = society.begin(key, minds, traits)
    if not first:
        return life
    world, obs = society.dilemma.reset(key, _at(life.world, torch.full_like(key, first - 1)))
    return life._replace(world=world, obs=obs)


def _at(world: Any, episode: Tensor) -> Any:
    """A world in its episode number `episode`; that of a company is the one that it holds."""
    if "episode" in world._fields:
        return world._replace(episode=episode)
    return world._replace(world=_at(world.world, episode))


def _blank(dilemma: Dilemma, key: Tensor, *episodes: int) -> Ledgers:
    """Empty sums `[N, *episodes, ...]`."""
    agents, parties = len(dilemma.agents), len(dilemma.parties)
    shapes = (
        (),
        (agents,),
        (agents, parties),
        (agents,),
        (parties,),
        (agents,),
        (agents,),
        (agents, len(dilemma.actions)),
    )
    head = (*key.shape, *episodes)
    return Ledgers(*(torch.zeros(*head, *shape, dtype=torch.float64, device=key.device) for shape in shapes))


def _entry(dilemma: Dilemma, happened: Happened, after: Any, steps: Tensor) -> Ledgers:
    """What one turn adds; the reset that starts an episode adds nothing. `steps`: taken before it."""
    outcome = happened.outcome
    ledger = dilemma.ledger(happened.before, happened.actions, after, outcome)
    lived = (~outcome.started).to(torch.float64)
    gathers = (outcome.reward > 0).to(torch.float64) * lived[:, None]
    chosen = torch.nn.functional.one_hot(happened.actions, len(dilemma.actions)).to(torch.float64)
    return Ledgers(
        steps=lived,
        need=ledger.need.to(torch.float64),
        help=ledger.help.to(torch.float64),
        cost=ledger.cost.to(torch.float64),
        welfare=ledger.welfare.to(torch.float64),
        gathered=gathers,
        when=gathers * (steps + 1.0)[:, None],
        acts=chosen * lived[:, None, None],
    )
