"""Lives among several victims: who is saved in every episode, by learners and by policies that know the world.

A trial is an episode of `rescue_several_v0`. All individuals of one seed meet the same victims in the same order. Of
individuals whose ablation touches no circuit of development, those of one seed grow up once and are copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn import tree
from bisnn.agents.base import Obs, Outcome
from bisnn.agents.development import Nursery
from bisnn.agents.dilemmas import rescue_several_facts as facts
from bisnn.agents.dilemmas.rescue_several import RescueSeveral
from bisnn.agents.dilemmas.world import WorldState
from bisnn.agents.scripted import RandomAgent
from bisnn.agents.triage import Triage
from bisnn.agents.triage_q import TriageQ
from bisnn.experiments.trials import Batch, Found
from bisnn.gates import Gates
from bisnn.interventions import Ablation

SPIKING, TABULAR, RANDOM, NEAREST, NEEDIEST, LOTTERY = range(6)
"""Who acts: the trait `policy` of a condition."""
TEST = 0.7
"""Where the test begins, as a share of life: exploration has ended (`bisnn.agents.schedule`)."""
CHUNK = 25
"""Turns after which those whose life is over leave the batch."""


@dataclass(frozen=True)
class Plan:
    """The world, and who learns in it."""

    dilemma: RescueSeveral
    spiking: Triage
    tabular: TriageQ
    nursery: Nursery
    episodes: int


class Life(NamedTuple):
    """Individuals of one policy that still live."""

    number: Tensor  # [B] int64 their number in the batch
    key: Tensor
    swap: Tensor  # [B] bool: the marks of the groups are seen swapped
    world: WorldState
    mind: Any
    obs: Obs
    external: Tensor  # [B] sum of rewards in this episode


Act = Callable[[Any, WorldState, Obs], tuple[Tensor, Any]]
Learn = Callable[[Any, Outcome], Any]


def lived(batch: Batch, plan: Plan) -> Found:
    """All episodes of the individuals of a batch."""
    policy = batch.trait("policy", SPIKING).long()
    swap = batch.trait("swap", 0.0) > 0
    rows = _empty(len(batch.key), plan)
    kept: dict[str, Tensor] = {}
    present = policy.unique().tolist()
    for number, who in enumerate(present):
        index = (policy == who).nonzero()[:, 0]
        mind, act, learn = _player(batch, plan, who, index)
        world, obs = plan.dilemma.reset(batch.key[index])
        life = Life(
            index, batch.key[index], swap[index], world, mind, obs, torch.zeros(len(index), device=index.device)
        )

        def report(share: float, done: int = number) -> None:
            batch.report((done + share) / len(present))

        _live(life, plan, rows, act, learn, report)
    return Found(rows, kept)


def _player(batch: Batch, plan: Plan, who: int, index: Tensor) -> tuple[Any, Act, Learn]:
    """The state of the players `index` `[B]` of a policy, how they act and learn."""
    key = batch.key[index]
    if who == SPIKING:
        traits = {name: batch.trait(name, getattr(plan.spiking, name))[index] for name in ("bias", "grading")}
        gates: Gates = tree.take(batch.gates, index)
        mind = _raised(plan, batch, index, plan.spiking.init(key, gates, traits))
        return mind, lambda state, world, obs: plan.spiking.act(state, obs), plan.spiking.learn
    if who in (TABULAR, RANDOM):
        agent: Any = plan.tabular if who == TABULAR else RandomAgent(actions=len(plan.dilemma.actions))
        return agent.init(key), lambda state, world, obs: agent.act(state, obs), agent.learn
    table, deadline = plan.dilemma.ways(str(key.device)), plan.dilemma.deadline

    def act(state: Any, world: WorldState, obs: Obs) -> tuple[Tensor, Any]:
        if who == NEAREST:
            case = plan.dilemma.case(world)
            return facts.approach(table, case.place, facts.nearest(table, case, deadline)), state
        return plan.dilemma.advise(world, "altruistic" if who == NEEDIEST else "fair")[..., 0], state

    return key, act, lambda state, outcome: state


def _raised(plan: Plan, batch: Batch, index: Tensor, state: Any) -> Any:
    """The newborn individuals `index` after development."""
    bare = [replace(one.ablation, name="", expect="", release={}) == Ablation(name="") for one in batch.conditions]
    condition = batch.condition[index]
    alike = torch.where(torch.tensor(bare, device=index.device)[condition], -1, condition)
    _, which = torch.stack((alike, batch.key[index]), -1).unique(dim=0, return_inverse=True)
    order = torch.arange(len(index), device=index.device)
    first = torch.full((int(which.max()) + 1,), len(index), device=index.device)
    first = first.scatter_reduce(0, which, order, "amin")
    grown: Any = plan.nursery.develop(plan.spiking, tree.take(state, first))
    body, empathy = tree.take((grown.body, grown.empathy), which)
    return plan.spiking.regate(state._replace(body=body, empathy=empathy), state.gates)


def _live(
    life: Life, plan: Plan, rows: dict[str, Tensor], act: Act, learn: Learn, report: Callable[[float], None]
) -> None:
    """All episodes of some individuals; their facts go to `rows`."""
    while len(life.number):
        for _ in range(CHUNK):
            life = _turn(life, plan, rows, act, learn)
        episode = life.world.episode
        stay = (episode < plan.episodes).nonzero()[:, 0]
        report(float(episode.clamp(max=plan.episodes).double().mean()) / plan.episodes if len(stay) else 1.0)
        life = tree.take(life, stay)


def _turn(life: Life, plan: Plan, rows: dict[str, Tensor], act: Act, learn: Learn) -> Life:
    """One step of every individual; facts of the episodes that it ends go to `rows`."""
    seen = life.obs.of(0)
    victims = plan.dilemma.victims
    sign = torch.where(life.swap, -1.0, 1.0)[..., None]
    seen = seen._replace(view=torch.cat((seen.view[..., :victims] * sign, seen.view[..., victims:]), dim=-1))
    actions, mind = act(life.mind, life.world, seen)
    world, obs, outcome = plan.dilemma.step(life.key, life.world, actions[..., None])
    external = life.external * ~outcome.started + outcome.reward[..., 0]
    ended = ((outcome.terminated | outcome.truncated) & (world.episode < plan.episodes)).nonzero()[:, 0]
    if len(ended):
        _note(rows, life.number[ended], plan, tree.take(world, ended), external[ended], outcome.terminated[ended])
    return life._replace(world=world, mind=learn(mind, outcome.of(0)), obs=obs, external=external)


def _empty(count: int, plan: Plan) -> dict[str, Tensor]:
    """The rows before any episode."""
    zero = torch.zeros(count, plan.episodes)
    number = range(1, plan.dilemma.victims + 1)
    facts_of = ("need", "distance", "other_group", "saved", "time")
    names = ("return_external", "steps", "spared", "best", "start")
    rows: dict[str, Tensor] = {f"{name}_{k}": zero.clone() for name in facts_of for k in number}
    rows |= {name: zero.clone() for name in names}
    rows |= {name: torch.zeros(count, plan.episodes, dtype=torch.bool) for name in ("goal", "helped")}
    testing = torch.arange(plan.episodes) >= round(TEST * plan.episodes)
    return rows | {"testing": testing.expand(count, -1).clone()}


def _note(
    rows: Mapping[str, Tensor], index: Tensor, plan: Plan, world: WorldState, external: Tensor, goal: Tensor
) -> None:
    """Write what was true of the episodes that `world` `[k]` has just ended, of the individuals `index` `[k]`."""
    dilemma, scene = plan.dilemma, world.scene
    table, saved = dilemma.ways(str(index.device)), scene.saved_at > 0
    begun = dilemma.case(world)._replace(place=scene.start, t=torch.zeros_like(world.t), open=torch.ones_like(saved))
    _, best = facts.best_order(table, begun, dilemma.deadline, dilemma.horizon)
    found: dict[str, Tensor] = {
        "return_external": external,
        "steps": world.t.float(),
        "spared": facts.summed(scene.need * (dilemma.horizon - scene.saved_at) * saved),
        "best": best.float(),
        "start": scene.start.float(),
        "goal": goal,
        "helped": saved.any(-1),
    }
    distance = table.steps[scene.start].float()
    columns = (scene.need, distance, scene.group.float(), saved.float(), scene.saved_at.float())
    for name, column in zip(("need", "distance", "other_group", "saved", "time"), columns, strict=True):
        found |= {f"{name}_{k + 1}": values for k, values in enumerate(column.unbind(-1))}
    for name, values in found.items():
        rows[name][index, world.episode] = values
