"""Groups of social agents in the snowdrift game, every member with an empathy strength of its own; and one-shot games.

Every seed of an arm is a group of its own in a world of its own; a trial is an episode. In the one-shot arms a seed is
a population that is matched anew into groups for every game, and a trial is a round of games: among the same few
players one would come to clean always and the others never, which is another equilibrium of the same game.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn import rng, tree
from bisnn.agents.base import Obs, Outcome
from bisnn.agents.clock import EPISODE
from bisnn.agents.dilemmas.snowdrift import CLEAN, Snowdrift
from bisnn.agents.social import SocialAgent, SocialState
from bisnn.agents.society import Happened, Life, Society, person
from bisnn.gates import Gates
from bisnn.systems.social_decision import SocialDecision

MEMBERS = 3
"""Agents of a group."""
GROUPS = 8
"""Groups of a population in the one-shot game."""
OPENING = 0.1
"""Share of the rounds in which a population has another lambda, so that it starts far from the equilibrium."""
COLUMNS = (
    *(f"{what}_{i}" for what in ("return", "cleaned", "met") for i in range(MEMBERS)),
    *(f"{what}_by_{k}_cold" for what in ("cleaned", "met") for k in range(MEMBERS)),
    "cleared",
    "steps",
    "decisions",
    "ties",
    "margin",
)
"""What is summed over a trial: of every member, by how many others were cold, of the group. `met`: steps on a drift,
`margin`: spikes by which the first population led."""
NEAR = 0.001
"""Rates of learning in one-shot games."""
ACTOR = "state->striatum"


class Play(NamedTuple):
    """What is fixed before the first episode of some groups."""

    dilemma: Snowdrift
    agent: SocialAgent
    episodes: int
    key: Tensor  # [N] int64
    strength: Tensor  # [N, MEMBERS] lambda of each member; of a population, in its opening, then, and its game
    reach: Tensor  # [N] how far it sees
    gates: Gates  # [N * members], or those of a population
    games: int = 1  # games of a round


def one_shot(dilemma: Snowdrift) -> Snowdrift:
    """The game of one drift on which all stand, for one step."""
    return Snowdrift(
        members=dilemma.members, columns=1, rows=1, drifts=1, horizon=1, benefit=dilemma.benefit, cost=dilemma.cost
    )


def decision(settings: Any) -> SocialDecision:
    """The deciding network of every agent."""
    return SocialDecision(
        channel=1,
        values=3,
        ticks=settings.ticks,
        gamma=settings.gamma,
        trace_decay=settings.trace_decay,
        w_max=settings.w_max,
        rate_actor=settings.rate_actor,
        rate_critic=settings.rate_critic,
        span=settings.span,
    )


def near(settings: Any) -> SocialDecision:
    """The deciding network of one who sees no further than one game. It decides with more noise, so that it goes on
    trying both, as an equilibrium in mixed strategies needs."""
    return replace(decision(settings), gamma=1e-3, span=40.0, noise=0.3, w_max=0.4, rate_actor=NEAR, rate_critic=NEAR)


def agent(settings: Any, dilemma: Snowdrift, **fields: Any) -> SocialAgent:
    """The social agent for a dilemma: it knows its place by what it sees alone, and is moved by relief as it comes."""
    usual = {"decision": decision(settings), "episodes": settings.episodes, "backend": settings.backend}
    return SocialAgent.of(
        dilemma.senses, len(dilemma.actions), places=0, signed=False, **{"anticipates": False, **usual, **fields}
    )


def each(gates: Gates, members: int) -> Gates:
    """The gates of every member, `[N * members]`, from those of its group `[N]`."""
    return Gates(*({n: gate.repeat_interleave(members, 0) for n, gate in table.items()} for table in gates))


def noted(outcome: Outcome, margin: Tensor, benefit: float, cost: float) -> Tensor:
    """One step as `COLUMNS`, `[N, columns]`; all 0 where an episode started."""
    info, reward = outcome.info, outcome.reward
    met, cleaned, cold = info["met"], info["cleaned"], info["cold"]
    others = cold.sum(-1, keepdim=True) - cold.long()
    by_cold = [(what & (others == k)).sum(-1) for what in (cleaned, met) for k in range(MEMBERS)]
    ones = torch.ones_like(reward[:, 0])
    parts = [
        *reward.unbind(-1),
        *cleaned.unbind(-1),
        *met.unbind(-1),
        *by_cold,
        ((reward[:, 0] + cleaned[:, 0] * cost) * (1.0 / benefit)).round(),
        ones,
        ones * MEMBERS,
        (margin == 0).sum(-1),
        margin.sum(-1),
    ]
    return torch.stack([part.to(torch.float32) for part in parts], -1) * ~outcome.started[:, None]


# ------------------------------------------------------------ groups on the grid


def lived(play: Play, report: Callable[[float], None]) -> tuple[Tensor, Tensor]:
    """All episodes of some groups: `[N, episodes, columns]`, and the actor's weights at the end
    `[N, members, states, cells]`."""
    dilemma, society = play.dilemma, Society(play.dilemma, (play.agent,) * MEMBERS)
    mind = play.agent.init(society.keys(play.key, 0), play.gates, {"gain": play.strength.flatten()})
    life = society.begin(play.key, (mind,), {"reach": play.reach})
    total = torch.zeros(len(play.key), play.episodes, len(COLUMNS), device=play.key.device)
    kept = torch.zeros_like(mind.decision.weights[ACTOR].unflatten(0, (-1, MEMBERS)))
    here, turns = torch.arange(len(play.key), device=play.key.device), 0
    while len(here):
        life, happened = society.turn(life)
        margin = life.minds[0].mood.margin.unflatten(0, (-1, MEMBERS))
        now = noted(happened.outcome, margin, dilemma.benefit, dilemma.cost)
        _count(total, here, happened, now)
        turns += 1
        if turns % 50 == 0:
            life, here = _thinned(life, here, play.episodes, kept)
            report(min(1.0, turns / (play.episodes * dilemma.horizon)))
    return total, kept


def _count(total: Tensor, here: Tensor, happened: Happened, now: Tensor) -> None:
    """Add one step to the episode in which each group is; a group that has lived all of them counts no more."""
    episode = happened.before.episode
    live = episode < total.shape[1]
    total[here[live], episode[live]] += now[live]


def _thinned(life: Life, here: Tensor, episodes: int, kept: Tensor) -> tuple[Life, Tensor]:
    """The groups that have not lived all their episodes; what the others have learned goes into `kept`."""
    done = life.world.episode >= episodes
    if not bool(done.any()):
        return life, here
    kept[here[done]] = life.minds[0].decision.weights[ACTOR].unflatten(0, (-1, MEMBERS))[done]
    left = (~done).nonzero()[:, 0]
    mine = (left[:, None] * MEMBERS + torch.arange(MEMBERS, device=left.device)).flatten()
    parts = (tree.take(life.key, left), tree.take(life.world, left))
    return Life(*parts, (tree.take(life.minds[0], mine),), tree.take(life.obs, left)), here[left]


# ------------------------------------------------------------ populations in one-shot games


def matched(play: Play, report: Callable[[float], None]) -> Tensor:
    """All rounds of some populations of `GROUPS` groups: `[N, rounds, columns]`, means over the groups and games.

    `play.strength` holds the lambda of the opening, and the lambda afterwards.
    """
    n, seats = len(play.key), GROUPS * MEMBERS
    members = [person(play.key, number) for number in range(seats)]
    mind = play.agent.init(torch.stack(members, -1).flatten(), play.gates)
    groups = torch.stack([person(play.key, number) for number in range(GROUPS)], -1).flatten()
    rounds = []
    for number in range(play.episodes):
        early = number < round(OPENING * play.episodes)
        strength = play.strength[:, 0 if early else 1].repeat_interleave(seats)
        mind = mind._replace(traits={**mind.traits, "gain": strength})
        total = torch.zeros(n, len(COLUMNS), device=play.key.device)
        for game in range(play.games):
            lot = rng.uniform(play.key, "snowdrift/match", number * EPISODE + game, seats)
            seat = lot.argsort(dim=-1, stable=True)  # [N, seats]: who sits there
            who = (seat + torch.arange(n, device=seat.device)[:, None] * seats).flatten()
            mind, now = _game(play, mind, groups, who)
            total += now.unflatten(0, (n, GROUPS)).sum(1)
        rounds.append(total * (1.0 / (GROUPS * play.games)))
        report((number + 1) / play.episodes)
    return torch.stack(rounds, 1)


def _game(play: Play, mind: SocialState, groups: Tensor, who: Tensor) -> tuple[SocialState, Tensor]:
    """One game of every group, with the agents `who` int64 `[groups * members]` on its seats, in their order."""
    dilemma = play.dilemma
    back = torch.empty_like(who).scatter(0, who, torch.arange(len(who), device=who.device))

    def seen(obs: Obs) -> Obs:
        return Obs(*(part.flatten(0, 1)[back] for part in obs))

    def told(outcome: Outcome) -> Outcome:
        ended, cut, started = (part.repeat_interleave(MEMBERS)[back] for part in outcome[1:4])
        return Outcome(outcome.reward.flatten()[back], ended, cut, started, {})

    world, obs = dilemma.reset(groups)
    actions, mind = play.agent.act(mind, seen(obs))
    margin = mind.mood.margin[who].unflatten(0, (-1, MEMBERS))
    world, obs, outcome = dilemma.step(groups, world, actions[who].unflatten(0, (-1, MEMBERS)))
    mind = play.agent.learn(mind, told(outcome))
    _, mind = play.agent.act(mind, seen(obs))  # it sees what has become of the others, and learns
    _, _, anew = dilemma.step(groups, world, torch.full_like(outcome.reward, CLEAN, dtype=torch.int64))
    return play.agent.learn(mind, told(anew)), noted(outcome, margin, dilemma.benefit, dilemma.cost)


# ------------------------------------------------------------ who plays beside


def beside(dilemma: Snowdrift, key: Tensor, episodes: int) -> dict[str, Tensor]:
    """Drifts cleared for each episode, `[N]`: by agents that act at random, and by some that clean all they meet."""
    found = {}
    for who in ("random", "all clean"):
        world, _ = dilemma.reset(key)
        cleared = torch.zeros(len(key))
        for step in range(episodes * (dilemma.horizon + 1)):
            lot = rng.uniform(key, "snowdrift/beside", step, dilemma.members)
            actions = (lot * len(dilemma.actions)).long() if who == "random" else torch.full_like(lot, CLEAN).long()
            live = world.episode < episodes
            world, _, outcome = dilemma.step(key, world, actions)
            gone = outcome.reward.sum(-1) + outcome.info["cleaned"].sum(-1) * dilemma.cost
            cleared += gone * live * (1.0 / (dilemma.benefit * dilemma.members))
        found[who] = cleared * (1.0 / episodes)
    return found
