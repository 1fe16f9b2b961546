"""Tasks of action selection: a contextual bandit, its reversal and ablations, and conditioning with a delayed reward.

    trial: cue -> choice -> LATENCY silent steps -> outcome r;   D = r - V(cue)   (an expectation for each cue)

The bandit has 4 cues and 2 actions; at each cue one action brings +6, the other -5. Every seed is an individual of one
batch, and no parameter is set anew between acquisition, reversal and ablation. The actors' rates are such that an
outcome of 6 moves a weight by a quarter (basal ganglia, in either striatum) or half (place cells) of its range.

Zhao, Zeng, Xu (2018) Front. Neurorobot. 12:56, doi:10.3389/fnbot.2018.00056;
Schultz, Dayan, Montague (1997) Science 275:1593, doi:10.1126/science.275.5306.1593
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.circuit import CircuitState
from bisnn.coding import choose
from bisnn.gates import NO_GATES, Gates
from bisnn.interventions import Ablation, Targets, compile_gates
from bisnn.systems.basal_ganglia import BasalGanglia
from bisnn.systems.moral_learning import MoralLearning

GOOD, BAD = 6.0, -5.0
"""Outcomes of the right and of the wrong action."""
CUES, ACTIONS = 4, 2
LATENCY = 2
"""Steps between choice and outcome; what bridges them is the eligibility trace."""
KEPT = 0.9
"""Eligibility left after a step."""
LOW, SPAN = -8.0, 16.0
"""Lowest value that the critic can express, and its range: both outcomes lie inside."""
VISITS = 20
"""Trials per cue."""


class Course(NamedTuple):
    """How a bandit went; a visit is one trial of every cue."""

    correct: Tensor  # [visits, CUES, *B] 1 where the right action was chosen, trials in the order of time
    dopamine: Tensor  # [visits, CUES, *B]
    state: CircuitState  # of the actor afterwards


def critic_rate(beta: float, kept: float = 1.0) -> float:
    """The critic's rate with which V moves by `beta` of its error, where `kept` of the eligibility is left."""
    return beta / (SPAN * kept)


def actors() -> dict[str, MoralLearning]:
    """The two actors of the library, for the bandit: critics alike, weights that change at the same total rate."""
    alike = {
        "places": CUES,
        "emotions": 1,
        "actions": ACTIONS,
        "gamma": 1.0,
        "trace_decay": KEPT,
        "value_low": LOW,
        "value_span": SPAN,
        "rate_critic": critic_rate(0.2, KEPT**LATENCY),
    }
    return {
        "basal_ganglia": BasalGanglia(**alike, rate_actor=0.05),  # type: ignore[arg-type]
        "place_cells": MoralLearning(**alike, rate_actor=0.1),  # type: ignore[arg-type]
    }


def seeds(count: int) -> Tensor:
    """Individuals 0 to `count` - 1."""
    return rng.keys(torch.arange(count))


def bandit(
    actor: MoralLearning,
    key: Tensor,
    visits: int,
    *,
    swap_after: int | None = None,
    yoked: Tensor | None = None,
    gates: Gates = NO_GATES,
) -> Course:
    """`visits` trials of every cue, their order drawn for each individual `key` `[*B]`.

    From visit `swap_after` on the other action is right. `yoked` `[visits, CUES, *B]` replaces the dopamine.
    """
    state, none = actor.init(key), torch.full_like(key, -1)
    nothing, fresh = torch.zeros(key.shape, device=key.device), torch.ones_like(key, dtype=torch.bool)
    correct, dopamine = [], []
    for visit in range(visits):
        order = rng.uniform(key, "bandit/cue", visit, CUES).argsort(dim=-1, stable=True)
        swapped = swap_after is not None and visit >= swap_after
        for turn, cue in enumerate(order.unbind(-1)):
            right = (cue + key + int(swapped)) % ACTIONS
            trial = visit * CUES + turn
            noise = rng.uniforms(key, trial, {"membrane": (ACTIONS + 1) * actor.cells, "tie": ACTIONS})
            counts, value, _ = actor.decide(state, cue, noise["membrane"], gates)
            action = choose(counts, noise["tie"])
            error = torch.where(action == right, GOOD, BAD) - value if yoked is None else yoked[visit, turn]
            state = actor.reinforce(state, cue, action, nothing, fresh, gates)
            for _ in range(LATENCY):
                state = actor.reinforce(state, none, none, nothing, ~fresh, gates)
            state = actor.reinforce(state, none, none, error, ~fresh, gates)
            correct.append((action == right).to(torch.float32))
            dopamine.append(error)
    shape = (visits, CUES, *key.shape)
    return Course(torch.stack(correct).reshape(shape), torch.stack(dopamine).reshape(shape), state)


def from_then_on(accuracy: Tensor, level: float) -> float:
    """The first trial (from 1) from which on `accuracy` `[visits]` stays at `level` or above; infinite if none."""
    below = (accuracy < level).nonzero()[:, 0]
    first = int(below[-1]) + 2 if len(below) else 1
    return float(first) if first <= len(accuracy) else float("inf")


def per_visit(course: Course) -> Tensor:
    """Fraction of correct choices in each visit, `[visits]`, over cues and individuals."""
    return course.correct.flatten(1).mean(-1)


def first_change(actor: MoralLearning, reward: float, count: int = 20) -> float:
    """Mean |dw| of the actor's weights after one trial that brings `reward`, whatever is done."""
    key = seeds(count)
    state, cue, fresh = actor.init(key), torch.zeros_like(key), torch.ones_like(key, dtype=torch.bool)
    none, nothing = torch.full_like(key, -1), torch.zeros(key.shape)
    noise = rng.uniforms(key, 0, {"membrane": (ACTIONS + 1) * actor.cells, "tie": ACTIONS})
    counts, value, _ = actor.decide(state, cue, noise["membrane"])
    taught = actor.reinforce(state, cue, choose(counts, noise["tie"]), nothing, fresh)
    for error in (*[nothing] * LATENCY, reward - value):
        taught = actor.reinforce(taught, none, none, error, ~fresh)
    changes = [
        (taught.weights[p.name] - state.weights[p.name]).abs().mean()
        for p in actor.circuit.plastic
        if p.target != "value"
    ]
    return float(torch.stack(changes).mean())


def shuffled(dopamine: Tensor, key: Tensor) -> Tensor:
    """Dopamine `[visits, CUES, *B]` in another order of trials for each individual `[*B]`."""
    flat = dopamine.flatten(0, 1)
    order = rng.uniform(key, "bandit/shuffle", 0, len(flat)).argsort(dim=-1, stable=True).movedim(-1, 0)
    return flat.gather(0, order).reshape(dopamine.shape)


def ablated(actor: MoralLearning, key: Tensor, visits: int = VISITS) -> dict[str, Course]:
    """The bandit: intact; with dopamine held at 1; with the dopamine of the intact individual's own trials in another
    order; and with an eligibility that is gone at the next step."""
    held = Ablation(name="constant", clamp={"dopamine": 1.0})
    gates = compile_gates((held,), torch.zeros_like(key), key, Targets.of((actor.circuit,)))
    intact = bandit(actor, key, visits)
    return {
        "intact": intact,
        "constant": bandit(actor, key, visits, gates=gates),
        "shuffled": bandit(actor, key, visits, yoked=shuffled(intact.dopamine, key)),
        "no_trace": bandit(replace(actor, trace_decay=1e-12), key, visits),
    }


# ------------------------------------------------------------ conditioning

DELAY, PRELUDE, TRIALS = 6, 2, 60
"""Steps from cue to reward and before the cue, and trials of conditioning."""


def waiting() -> BasalGanglia:
    """An actor whose states are the steps since a cue (a tapped delay line)."""
    return BasalGanglia(
        places=DELAY,
        emotions=1,
        actions=1,
        gamma=0.95,
        value_low=LOW,
        value_span=SPAN,
        rate_critic=critic_rate(0.2),
    )


def conditioning(key: Tensor, trials: int = TRIALS) -> tuple[Tensor, Tensor, Tensor]:
    """Dopamine `[steps, *B]` of the first trial, of a rewarded trial after `trials`, and of one without its reward."""
    actor = waiting()
    state = actor.init(key)
    naive, state = _trial(actor, state, key, 0, GOOD)
    for trial in range(1, trials):
        _, state = _trial(actor, state, key, trial, GOOD)
    rewarded, _ = _trial(actor, state, key, trials, GOOD)
    omitted, _ = _trial(actor, state, key, trials, 0.0)
    return naive, rewarded, omitted


def _trial(
    actor: BasalGanglia, state: CircuitState, key: Tensor, number: int, reward: float
) -> tuple[Tensor, CircuitState]:
    """One trial: D = r + gamma V(now) - V(before) at each step; before the cue and after the reward nothing is expected
    (V = 0), because when the next cue comes cannot be known."""
    none, before, trace = torch.full_like(key, -1), torch.zeros(key.shape), []
    steps = PRELUDE + DELAY + 3
    for step in range(steps):
        since = step - PRELUDE
        waits = 0 <= since < DELAY
        index = none if not waits else torch.full_like(key, since)
        noise = rng.uniform(key, "conditioning/membrane", number * steps + step, 2 * actor.cells)
        value = actor.decide(state, index, noise)[1] if waits else torch.zeros(key.shape)
        error = (reward if since == DELAY else 0.0) + value * actor.gamma - before
        fresh = torch.full(key.shape, step == 0)
        state = actor.reinforce(state, index, none, error, fresh)
        trace.append(error)
        before = value
    return torch.stack(trace), state
