"""Watching the recorded individuals of a cohort: their development, their observation trials, their first and last
episodes. Watching changes no bit of a life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bisnn.agents import loop
from bisnn.agents.altruist import Altruist, AltruistState
from bisnn.agents.development import Nursery
from bisnn.agents.dilemmas.rooms import Move
from bisnn.coding import recruit
from bisnn.experiments.engine.cohort import Cohort
from bisnn.experiments.engine.life import Life
from bisnn.experiments.engine.record import DEVELOPMENT, ENDS, OBSERVATION, TRIALS, Log
from bisnn.recording import Probe, Recording
from bisnn.systems.body import Feeling
from bisnn.systems.empathy import census

BEFORE, AFTER = 4, 12
"""Steps of development kept around the first injury."""
STRENGTH = 0.5
"""Intensity of pain in the observation trials: that of an inverted move."""


def recorded(cohort: Cohort, life: Life) -> Tensor:
    """Rows of the batch that are recorded, int64 `[r]`: the first seeds of every arm."""
    return (life.loop.key < cohort.settings.record).nonzero()[:, 0]


def spikes_of(agent: Altruist) -> tuple[Probe, ...]:
    """Probes of the spikes of every area of the empathy network and the actor-critic."""
    return tuple(Probe(area) for circuit in (agent.empathy.circuit, agent.moral.circuit) for area in circuit.areas)


def probes(cohort: Cohort, life: Life, rows: Tensor) -> tuple[Probe, ...]:
    """What to record of this turn: nothing unless a recorded individual is in its first or last episodes."""
    if not len(rows) or not isinstance(cohort.agent, Altruist):
        return ()
    return spikes_of(cohort.agent) if bool(_at_ends(cohort, life.loop.tally.episode[rows]).any()) else ()


def _at_ends(cohort: Cohort, episode: Tensor) -> Tensor:
    return (episode < ENDS) | (episode >= cohort.settings.episodes - ENDS)


def note(cohort: Cohort, life: Life, state: loop.LoopState, step: loop.Step, rows: Tensor, log: Log) -> None:
    """Keep what the recorded individuals did in the turn from `life.loop` to `state`."""
    before, mind = life.loop.tally, state.agent
    rows = rows[_at_ends(cohort, before.episode[rows])]
    individual, episode, when = life.present[rows], before.episode[rows], before.steps[rows]
    for recording in step.recordings:
        log.spikes(recording, rows, individual, episode, when)
    info, mood = step.outcome.info, mind.mood
    columns = {
        "episode": episode,
        "step": when,
        "place": life.loop.obs.place[rows, 0],
        "victim": info["victim_cell"][rows],
        "action": step.actions[rows],
        "reward": step.outcome.reward[rows, 0],
        "delta": mood.delta[rows],
        "dopamine": mood.dopamine[rows],
        "signal": mood.signal[rows],
        "mirror": mood.mirror[rows],
        "affect": mood.affect[rows],
        "pain": info["pain"][rows],
        "relieved": info["relieved_now"][rows],
        "at_switch": info["at_switch"][rows],
    }
    log.trace(individual, columns)


def development(
    cohort: Cohort, nursery: Nursery, life: Life, log: Log, share: Callable[[float], None]
) -> AltruistState:
    """Raise the cohort's altruists; excerpts and observation trials of the recorded ones go to `log`, and the cell
    census of all to `life.kept`. `share` is told the fraction done."""
    agent, state = cohort.agent, life.loop.agent
    rows = recorded(cohort, life)
    start = nursery.calm + first_injury(nursery, life.loop.key[rows]) - BEFORE
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        if done % 20 == 0:
            share(done / nursery.steps)

    def watch(step: int, move: Move, feeling: Feeling, seen: Recording, felt: Recording) -> None:
        inside = (step >= start) & (step < start + BEFORE + AFTER)
        if not bool(inside.any()):
            return
        mine, when = rows[inside], step - start[inside]
        episode = torch.full_like(mine, DEVELOPMENT)
        for recording in (seen, felt):
            log.spikes(recording, mine, life.present[mine], episode, when)
        for row in mine.tolist():
            name = f"{int(life.present[row])}/voltage.ifg"
            pieces = [log.extras[name]] if name in log.extras else []
            log.extras[name] = torch.cat([*pieces, seen["ifg.v"][row].cpu()])

    names = tuple(Probe(area) for circuit in (agent.empathy.circuit, agent.body.circuit) for area in circuit.areas)
    wanted = (*names, Probe("ifg", "v")) if len(rows) else ()
    _weights(agent, state, life, rows, log, "birth")
    state = nursery.develop(agent, state, watch if len(rows) else None, wanted, tick)
    _weights(agent, state, life, rows, log, "developed")
    if len(rows):
        _trials(agent, state, life, rows, log)
    counts = census(agent.empathy, state.empathy, state.gates, state.traits["level"])
    for name, value in counts._asdict().items():
        life.kept[f"census.{name}"] = value.cpu()
    return state


def first_injury(nursery: Nursery, key: Tensor) -> Tensor:
    """Step of the room at which each individual `[r]` is first hurt (the first step for one who never is)."""
    walker = nursery.room.reset(key)
    when = torch.full_like(key, -1)
    for step in range(nursery.steps - nursery.calm if len(key) else 0):
        walker, move = nursery.room.step(key, walker)
        when = torch.where((when < 0) & move.hurt_now, step, when)
    return torch.where(when < 0, BEFORE, when)


def _trials(agent: Altruist, state: AltruistState, life: Life, rows: Tensor, log: Log) -> None:
    """The four observation trials with exact faces: own and seen, pain and its absence."""
    half = agent.face.cells // 2
    for number, trial in enumerate(TRIALS):
        pain = torch.full(life.present.shape, STRENGTH if trial.endswith("pain") else 0.0, device=life.present.device)
        pattern = agent.empathy.own_pattern(recruit(pain, half))
        own = pattern if trial.startswith("own") else None
        areas = tuple(Probe(area) for area in agent.empathy.circuit.areas)
        _, seen = agent.empathy.observe(
            state.empathy, pattern, state.traits["level"], state.gates, areas, used=state.used, own=own
        )
        episode, step = torch.full_like(rows, OBSERVATION), torch.full_like(rows, number)
        log.spikes(seen, rows, life.present[rows], episode, step)


def _weights(agent: Altruist, state: AltruistState, life: Life, rows: Tensor, log: Log, phase: str) -> None:
    """Keep the plastic weights of the recorded individuals at the end of a phase."""
    kept: dict[str, Any] = agent.keepsake(state)
    for row in rows.tolist():
        for name, weight in kept.items():
            if name.startswith("share."):
                continue
            log.extras[f"{int(life.present[row])}/weight.{name}@{phase}"] = weight[row].clone().cpu()
