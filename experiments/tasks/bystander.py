"""Lives of spiking altruists beside one another: alone, with a partner that follows a script, in pairs and threes.

All altruists of a shard act in one batch, whatever world they live in; each has its own state and its own noise, and is
told its own reward. Individuals of one seed meet the same victim in every arm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bisnn.agents.altruist import Altruist, AltruistState
from bisnn.agents.base import Dilemma, Obs, Outcome
from bisnn.agents.development import Nursery
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.agents.dilemmas.rescue_bystander import MOST, RescueBystander
from bisnn.agents.society import PERSON
from bisnn.experiments.base import Condition
from bisnn.experiments.trials import Batch, Found
from bisnn.interventions import compile_gates

LEARNS, NEVER, ALWAYS = "altruist", "selfish", "altruistic"
"""A spiking altruist, and partners that do what the dilemma advises: their own way, or help."""
PLACES = MOST - 1
"""Helpers of the largest group that is compared."""
RAISED = 0.05
"""Share of the work that development takes, for the display of progress."""


class Member(NamedTuple):
    """Who plays a helper."""

    player: str = LEARNS
    gain: float | None = None  # empathy strength; None: that of the settings


@dataclass(frozen=True, eq=False)
class House:
    """The worlds of a batch that have as many helpers."""

    dilemma: Dilemma
    index: Tensor
    """Their numbers in the batch, int64 `[n]`."""
    key: Tensor
    """Their seeds, int64 `[n]`."""
    scripts: tuple[tuple[str, Tensor], ...]
    """Goal of a scripted player -> which helpers it plays, bool `[n, agent]`."""
    learns: Tensor
    """Which helpers are altruists, bool `[n, agent]`."""
    traits: dict[str, Tensor]
    """Of the worlds, `[n]` each."""

    @cached_property
    def places(self) -> tuple[Tensor, Tensor]:
        """World and helper of every altruist, int64 `[m]` each."""
        world, agent = self.learns.nonzero().unbind(-1)
        return world, agent

    @property
    def people(self) -> Tensor:
        """The keys of its altruists, int64 `[m]`."""
        world, agent = self.places
        return self.key[world] + agent * PERSON

    def seen(self, obs: Obs) -> Obs:
        """What its altruists perceive, `[m]`: place and face."""
        return Obs(obs.place[self.places], obs.expression[self.places])

    def chosen(self, state: Any, actions: Tensor) -> Tensor:
        """What all helpers do, int64 `[n, agent]`: the altruists their `actions` `[m]`, the others as advised."""
        everybody = torch.zeros_like(self.learns, dtype=torch.int64)
        for goal, plays in self.scripts:
            everybody = torch.where(plays, self.dilemma.advise(state, goal), everybody)
        return everybody.index_put(self.places, actions)

    def told(self, outcome: Outcome) -> Outcome:
        """What its altruists are told, `[m]`."""
        world, _ = self.places
        ended, cut, started = outcome.terminated[world], outcome.truncated[world], outcome.started[world]
        return Outcome(outcome.reward[self.places], ended, cut, started, {})


def houses(batch: Batch, households: Sequence[tuple[Member, ...]]) -> list[House]:
    """The worlds of a batch, by their number of helpers; `households`: who lives in the worlds of each condition."""
    found = []
    for count in sorted({len(members) for members in households}):
        mine = torch.tensor([len(members) == count for members in households])[batch.condition]
        index = mine.nonzero()[:, 0]
        if not len(index):
            continue
        dilemma: Dilemma = Rescue() if count == 1 else RescueBystander(helpers=count)
        plays = {
            goal: torch.tensor([_plays(members, goal, count) for members in households])[batch.condition[index]]
            for goal in (LEARNS, NEVER, ALWAYS)
        }
        scripts = tuple((goal, who) for goal, who in plays.items() if goal != LEARNS and bool(who.any()))
        traits = _world(dilemma, batch.conditions, batch.condition[index])
        found.append(House(dilemma, index, batch.key[index], scripts, plays[LEARNS], traits))
    return found


def _plays(members: tuple[Member, ...], goal: str, count: int) -> list[bool]:
    """Which of `count` helpers are played so; none in a world of another size."""
    return [member.player == goal for member in members] if len(members) == count else [False] * count


def _world(dilemma: Dilemma, conditions: Sequence[Condition], condition: Tensor) -> dict[str, Tensor]:
    """The traits of worlds that the conditions set, `[n]` each."""
    used = [conditions[i] for i in condition.unique().tolist()]
    names = dict.fromkeys(name for one in used for name in one.world)
    usual = {name: float(getattr(dilemma, name)) for name in names}
    return {
        name: torch.tensor([float(one.world.get(name, usual[name])) for one in conditions])[condition] for name in names
    }


class Score(NamedTuple):
    """What has happened in the current episode of every world of a house."""

    episode: Tensor  # [n] int64
    steps: Tensor  # [n] int64
    reward: Tensor  # [n, agent]
    helped: Tensor  # [n, agent] bool
    onset: Tensor  # [n] int64 step in which pain began, -1
    relief: Tensor  # [n] int64 step in which it was relieved, -1


def _fresh(house: House) -> Score:
    zero, each = torch.zeros_like(house.index), torch.zeros_like(house.learns)
    return Score(zero, zero, each * 0.0, each, zero - 1, zero - 1)


class Diary:
    """The rows of a batch: columns `[N, trials]`, filled episode by episode."""

    def __init__(self, worlds: int, trials: int, device: torch.device) -> None:
        self.trials = trials
        each = [f"{name}_{k}" for name in ("helped", "return", "cost") for k in range(PLACES)]
        names = ("painful", "relieved", "steps", "relief_delay", "pain_steps", "rescuers", *each)
        self.columns = {name: torch.full((worlds, trials), float("nan"), device=device) for name in names}

    def note(self, house: House, score: Score, outcome: Outcome) -> Score:
        """The score after a step; ended episodes are written."""
        info, lived = outcome.info, ~outcome.started
        helped_now = info.get("helped_now", info["relieved_now"][..., None]) & lived[..., None]
        episode, steps = score.episode + outcome.started, (score.steps + 1) * lived
        keep = lived[..., None]
        new = Score(
            episode=episode,
            steps=steps,
            reward=score.reward * keep + outcome.reward,
            helped=(score.helped & keep) | helped_now,
            onset=torch.where(lived, torch.where(info["painful"] & (score.onset < 0), steps, score.onset), -1),
            relief=torch.where(lived, torch.where(info["relieved_now"], steps, score.relief), -1),
        )
        self._write(house, new, outcome)
        return new

    def _write(self, house: House, score: Score, outcome: Outcome) -> None:
        ended = ((outcome.terminated | outcome.truncated) & (score.episode < self.trials)).nonzero()[:, 0]
        if not len(ended):
            return
        where = (house.index[ended], score.episode[ended])
        onset, relief = score.onset[ended].float(), score.relief[ended].float()
        eased, nan = relief >= 0, torch.full_like(onset, torch.nan)
        until = torch.where(eased, relief, float(house.dilemma.horizon))
        facts = {
            "painful": onset >= 0,
            "relieved": eased,
            "steps": score.steps[ended],
            "relief_delay": torch.where(eased, relief - onset, nan),
            "pain_steps": torch.where(onset >= 0, until - onset, nan),
            "rescuers": score.helped[ended].sum(-1),
        }
        best = house.dilemma.payoff().selfish
        for agent in range(house.learns.shape[-1]):
            facts[f"helped_{agent}"] = score.helped[ended, agent]
            facts[f"return_{agent}"] = score.reward[ended, agent]
            facts[f"cost_{agent}"] = best - score.reward[ended, agent]
        for name, value in facts.items():
            self.columns[name][where] = value.to(torch.float32)


def raised(
    batch: Batch,
    agent: Altruist,
    households: Sequence[tuple[Member, ...]],
    everyone: Sequence[House],
    nursery: Nursery,
) -> AltruistState:
    """All altruists of a batch, house by house, born and developed."""
    condition = torch.cat([batch.condition[house.index[house.places[0]]] for house in everyone])
    member = torch.cat([house.places[1] for house in everyone])
    key = torch.cat([house.people for house in everyone])
    gains = [[one.gain if one.gain is not None else agent.gain for one in members] for members in households]
    table = torch.tensor([row + [agent.gain] * (MOST - len(row)) for row in gains])
    gates = compile_gates([one.ablation for one in batch.conditions], condition, key, agent.targets)
    return nursery.develop(agent, agent.init(key, gates, {"gain": table[condition, member]}))


def live(
    batch: Batch,
    agent: Altruist,
    households: Sequence[tuple[Member, ...]],
    nursery: Nursery,
    report: Callable[[float], None] = lambda share: None,
) -> Found:
    """All lives of a batch: `agent` the plan of every altruist, `households` who lives in the worlds of each condition.

    Rows, `[N, trials]` each, NaN where there is no such helper: `painful`, `relieved` (by anybody), `helped_k` (helper
    k did it), `rescuers`, `relief_delay` (steps from pain to relief), `pain_steps` (the same, or to the horizon where
    there was no relief), `return_k` (external), `cost_k` (best selfish return less that), `steps`.
    """
    everyone = houses(batch, households)
    trials, worlds = batch.settings.episodes, len(batch.key)
    mind = raised(batch, agent, households, everyone, nursery)
    report(RAISED)
    born = [house.dilemma.reset(house.key, traits=house.traits or None) for house in everyone]
    states, seen = [state for state, _ in born], [obs for _, obs in born]
    scores, diary = [_fresh(house) for house in everyone], Diary(worlds, trials, batch.key.device)
    sizes, turns = [len(house.places[0]) for house in everyone], 0
    while any(bool((score.episode < trials).any()) for score in scores):
        parts = [house.seen(obs) for house, obs in zip(everyone, seen, strict=True)]
        perceived = Obs(torch.cat([part.place for part in parts]), torch.cat([part.expression for part in parts]))
        actions, mind = agent.act(mind, perceived)
        news = []
        for i, (house, mine) in enumerate(zip(everyone, actions.split(sizes), strict=True)):
            acts = house.chosen(states[i], mine)
            states[i], seen[i], outcome = house.dilemma.step(house.key, states[i], acts)
            scores[i] = diary.note(house, scores[i], outcome)
            news.append(house.told(outcome))
        mind = agent.learn(mind, _joined(news))
        turns += 1
        if turns % 100 == 0:
            done = torch.cat([score.episode for score in scores]).clamp(max=trials).double().mean() / trials
            report(RAISED + (1.0 - RAISED) * float(done))
    return Found(diary.columns)


def _joined(news: Sequence[Outcome]) -> Outcome:
    """What the altruists of all houses are told, as one batch."""
    reward, terminated, truncated, started = (
        torch.cat(part)
        for part in zip(*((one.reward, one.terminated, one.truncated, one.started) for one in news), strict=True)
    )
    return Outcome(reward, terminated, truncated, started, {})
