"""Tasks of graded difficulty, and an individual that tries them or asks a helper.

    P(success | x) = 1 / (1 + exp((x - c) / s)),   c <- c - drop at the injury

x is the difficulty of the task, c the hidden capability of the individual (the difficulty at which it succeeds every
other time) and s the width of its psychometric function; both are drawn for every seed. Every trial has its task and
one uniform number that decides whether the individual's own attempt would succeed. So what would have happened where it
asked is known to the evaluator, never to the individual, and all arms meet the same tasks with the same luck.

    practice   every trial is a scheduled try      test   it chooses      after   it chooses, its capability has changed

Also outside of practice some trials, drawn beforehand, are scheduled tries: they alone tell it about tasks that it
would not try. Success is worth 1; asking is worth the helper's reliability less the cost.

Wichmann, Hill (2001) Percept. Psychophys. 63:1293 (psychometric functions), doi:10.3758/BF03194544
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.circuit import CircuitState
from bisnn.elementary import exp
from bisnn.experiments.trials import Batch, Found
from bisnn.gates import Gates, spikes_of
from bisnn.recording import Probe
from bisnn.systems.competence import Competence, Judgement, Task

CAPABILITY, SLOPE = (0.4, 0.8), (0.05, 0.1)
"""Ranges from which capability and width of the psychometric function are drawn, in units of difficulty."""
GRID = 21
"""Difficulties, in equal steps from 0 to 1, over which the share of tasks that is mastered is averaged."""
SHOWN = 10
"""Trials recorded with spikes at the end of the test and from the drop on."""


class Spans(NamedTuple):
    """When the phases begin, in trials from 0."""

    test: int
    after: int
    end: int

    @classmethod
    def of(cls, practice: float, drop_at: float, trials: int) -> Spans:
        """The phases of so many trials, from the shares of them at which practice ends and the injury happens."""
        return cls(int(practice * trials + 0.5), int(drop_at * trials + 0.5), trials)

    def recorded(self, trial: int) -> bool:
        """Whether the spikes of a trial are kept."""
        return self.after - SHOWN <= trial < self.after + SHOWN and trial >= self.test


class Ability(NamedTuple):
    """What an individual can do, hidden from it."""

    capability: Tensor  # [*B]
    width: Tensor  # [*B]

    @classmethod
    def drawn(cls, key: Tensor) -> Ability:
        """That of individuals `key` int64 `[*B]`."""
        one, two = rng.uniform(key, "competence/ability", 0, 2).unbind(-1)
        low, high = CAPABILITY
        narrow, wide = SLOPE
        return cls(one * (high - low) + low, two * (wide - narrow) + narrow)

    def chance(self, difficulty: Tensor) -> Tensor:
        """Its true probability of success at `difficulty` `[*B]`."""
        return 1.0 / (1.0 + exp((difficulty - self.capability) / self.width))

    def mastered(self) -> Tensor:
        """Its mean probability of success over all difficulties, `[*B]`."""
        one = Ability(*(value[..., None] for value in self))
        return over_grid(one.chance(grid(self.capability)))

    def injured(self, drop: Tensor) -> Ability:
        """The same individual, its capability lower by `drop` `[*B]`."""
        return self._replace(capability=self.capability - drop)


def grid(like: Tensor) -> Tensor:
    """The difficulties over which shares of tasks are averaged, `[GRID]`."""
    return torch.tensor([i / (GRID - 1) for i in range(GRID)], device=like.device, dtype=like.dtype)


def over_grid(values: Tensor) -> Tensor:
    """The mean of `values` `[*B, GRID]`, summed one by one: the same bits in any batch."""
    first, *others = values.unbind(-1)
    for value in others:
        first = first + value
    return first * (1.0 / GRID)


class Life(NamedTuple):
    """What is fixed before the first trial."""

    system: Competence
    spans: Spans
    before: Ability
    after: Ability
    mastered: tuple[Tensor, Tensor]  # share of tasks that it masters, before and after, [N]
    fall: Tensor  # what the injury takes from that share, or would take, [N]
    worth: float  # expected gain of asking
    helper: float  # probability with which the helper succeeds
    cost: float
    explore: Tensor  # [N] share of scheduled tries outside of practice


class Trial(NamedTuple):
    """What an individual meets in one trial, and the luck that it has; `[N]` each."""

    task: Task
    chance: Tensor  # true probability of success
    own: Tensor  # 1: its own attempt succeeds
    helped: Tensor  # 1: the helper succeeds
    drawn: Tensor  # an outcome of the same base rate without relation to the task


def met(life: Life, key: Tensor, number: int) -> Trial:
    """Trial `number` of individuals `key` int64 `[N]`."""
    streams = {"competence/task": 2, "competence/luck": 3, "competence/schedule": 1}
    drawn = rng.uniforms(key, number, streams)
    difficulty, feature = drawn["competence/task"].unbind(-1)
    late = number >= life.spans.after
    ability = life.after if late else life.before
    luck, helper, other = drawn["competence/luck"].unbind(-1)
    scheduled = drawn["competence/schedule"][..., 0] < life.explore
    explore = torch.ones_like(scheduled) if number < life.spans.test else scheduled
    chance = ability.chance(difficulty)
    helped, cost = (torch.full_like(difficulty, value) for value in (life.helper, life.cost))
    return Trial(
        Task(difficulty, feature, helped, cost, explore.to(torch.float32)),
        chance,
        (luck < chance).to(torch.float32),
        (helper < life.helper).to(torch.float32),
        (other < life.mastered[late]).to(torch.float32),
    )


def outcome(trial: Trial, judged: Judgement, gates: Gates) -> Tensor:
    """What it sees of the outcome `[N]`: of its own attempt, or of the helper's."""
    own = gates.shuffled("outcome", trial.own[..., None], trial.drawn[..., None])[..., 0]
    return torch.where(judged.tried, own, trial.helped)


def estimate(system: Competence, weights: Tensor, gates: Gates) -> Tensor:
    """The share of tasks that it expects to master `[N]`: its confidence over all difficulties, from its `weights` by
    the closed form, or what its competence cells are held at."""
    points, held = grid(weights), spikes_of("competence")
    mean = over_grid(system.expected(weights[..., None, :], points, torch.full_like(points, 0.5)))
    return mean * gates.keep[held] + (1.0 - gates.keep[held]) * gates.value[held] if held in gates.keep else mean


def row(life: Life, trial: Trial, judged: Judgement, number: int) -> dict[str, Tensor]:
    """One row of the results, columns `[N]`."""
    worth = torch.full_like(trial.chance, life.worth)
    gain = torch.where(judged.tried, trial.chance, worth)
    best = torch.maximum(trial.chance, worth)
    return {
        "difficulty": trial.task.difficulty,
        "feature": trial.task.feature,
        "chance": trial.chance,
        "confidence": judged.confidence,
        "scheduled": trial.task.explore > 0.0,
        "asked": ~judged.tried,
        "succeeds": trial.own > 0.0,
        "success": torch.where(judged.tried, trial.own, trial.helped) > 0.0,
        "gain": gain,
        "regret": best - gain,
        "reaction": judged.reaction.to(torch.float32) * life.system.dt,
        "mastered": life.mastered[number >= life.spans.after],
        "fall": life.fall,
        "testing": torch.full_like(judged.tried, life.spans.test <= number < life.spans.after),
    }


def lived(batch: Batch, life: Life) -> Found:
    """All trials of the individuals of a batch: rows, and what they had learned at the end of each phase."""
    system, spans, rows = life.system, life.spans, []
    state: CircuitState = system.init(batch.key)
    kept: dict[str, Tensor] = {}
    for number in range(spans.end):
        trial, noise = met(life, batch.key, number), system.noise(batch.key, number)
        shown = spans.recorded(number) and len(batch.recorded) > 0
        probes = tuple(Probe(area) for area in system.circuit.areas) if shown else ()
        judged, seen = system.judge(state, trial.task, noise, batch.gates, probes)
        error = outcome(trial, judged, batch.gates) - judged.confidence
        state, taught = system.learn(state, trial.task, judged.tried, error, noise, batch.gates, probes)
        if shown:
            batch.spikes(seen, number)
            batch.spikes(taught, number, 1)
        weights = system.weights(state, batch.gates)
        if number + 1 in spans:
            kept[f"weights.{('practice', 'test', 'after')[spans.index(number + 1)]}"] = weights
        share = estimate(system, weights, batch.gates)
        rows.append({**row(life, trial, judged, number), "error": error, "estimate": share})
        batch.report((number + 1) / spans.end)
    columns = {name: torch.stack([one[name] for one in rows], -1) for name in rows[0]}
    return Found(columns, {**kept, "capability": life.before.capability, "width": life.before.width})
