"""The loop of life: agents act, the dilemma answers, every individual restarts its episodes on its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from bisnn.agents.base import Agent, Dilemma, Obs, Outcome
from bisnn.recording import Probe, Recording


@runtime_checkable
class Watchable(Protocol):
    """An agent whose circuits can be recorded while it acts."""

    def watched_act(self, state: Any, obs: Obs, probes: tuple[Probe, ...]) -> tuple[Tensor, Any, tuple[Recording, ...]]:
        """`act`, with recordings of its circuits."""
        ...


class Tally(NamedTuple):
    """What has happened in the current episode, `[*B]` each."""

    episode: Tensor  # int64, from 0
    steps: Tensor  # int64 actions taken
    external: Tensor  # sum of external rewards
    pain_step: Tensor  # int64 step at which pain began, -1 if it has not
    relief_step: Tensor  # int64 step at which it was relieved, -1 if it has not
    visited: Tensor  # bool: the agent has stood on the switch while distress was shown


class LoopState(NamedTuple):
    """A batch in the middle of its lives."""

    key: Tensor  # [*B] int64 seed
    world: Any
    agent: Any
    obs: Obs
    tally: Tally


class Step(NamedTuple):
    """What one turn of the loop brought."""

    actions: Tensor  # [*B] int64
    outcome: Outcome
    tally: Tally  # of the episode that the step belongs to, this step included
    recordings: tuple[Recording, ...]  # of the agent's circuits, when probes were given


def begin(
    dilemma: Dilemma,
    key: Tensor,
    agent_state: Any,
    episode: int = 0,
    traits: Mapping[str, Tensor] | None = None,
) -> LoopState:
    """Individuals `key` int64 `[*B]` at the start of their episode number `episode`, in worlds with `traits` `[*B]`."""
    world, obs = dilemma.reset(key, traits=traits)
    if episode:
        world, obs = dilemma.reset(key, _at(world, torch.full_like(key, episode - 1)))
    zero = torch.zeros_like(key)
    tally = Tally(zero + episode, zero, zero.to(torch.float32), zero - 1, zero - 1, zero > 0)
    return LoopState(key, world, agent_state, obs, tally)


def _at(world: Any, episode: Tensor) -> Any:
    """A world in its episode number `episode`; that of a company is the one that it holds."""
    if "episode" in world._fields:
        return world._replace(episode=episode)
    return world._replace(world=_at(world.world, episode))


def turn(agent: Agent, dilemma: Dilemma, state: LoopState, probes: tuple[Probe, ...] = ()) -> tuple[LoopState, Step]:
    """One step of every individual (or the reset that starts its next episode)."""
    recordings: tuple[Recording, ...] = ()
    seen = state.obs.of(0)
    if probes and isinstance(agent, Watchable):
        actions, mind, recordings = agent.watched_act(state.agent, seen, probes)
    else:
        actions, mind = agent.act(state.agent, seen)
    world, obs, outcome = dilemma.step(state.key, state.world, actions[..., None])
    tally = _count(state.tally, outcome)
    new = LoopState(state.key, world, agent.learn(mind, outcome.of(0)), obs, tally)
    return new, Step(actions, outcome, tally, recordings)


def _count(tally: Tally, outcome: Outcome) -> Tally:
    started, info = outcome.started, outcome.info
    lived = (~started).to(torch.int64)
    steps = tally.steps * lived + lived
    never = -torch.ones_like(steps)
    before = Tally(
        episode=tally.episode + started,
        steps=steps,
        external=tally.external * lived + outcome.reward[..., 0],
        pain_step=torch.where(started, never, tally.pain_step),
        relief_step=torch.where(started, never, tally.relief_step),
        visited=tally.visited & ~started,
    )
    called = info["expressed"] | info["relieved_now"]
    return before._replace(
        pain_step=torch.where(info["painful"] & (before.pain_step < 0), steps, before.pain_step),
        relief_step=torch.where(info["relieved_now"], steps, before.relief_step),
        visited=before.visited | (info["at_switch"] & called),
    )


def rows(step: Step) -> dict[str, Tensor]:
    """The finished episodes of a turn: which individuals (`index` int64 `[k]`), and a column `[k]` for each fact."""
    outcome, tally = step.outcome, step.tally
    index = (outcome.terminated | outcome.truncated).nonzero()[:, 0]
    info = outcome.info
    columns = {
        "episode": tally.episode,
        "steps": tally.steps,
        "return_external": tally.external,
        "goal": outcome.terminated,
        "painful": info["painful"],
        "relieved": info["relieved"],
        "help_first": info["relieved"] & outcome.terminated,
        "pain_step": tally.pain_step,
        "relief_step": tally.relief_step,
        "faked": info["faked"],
        "visited": tally.visited,
    }
    return {"index": index} | {name: column[index] for name, column in columns.items()}
