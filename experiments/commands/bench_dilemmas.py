"""Speed of the dilemmas, as ratios measured in one run: a batched step of many worlds against one world's step
through PettingZoo."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from bisnn import rng
from bisnn.agents.catalogue import dilemmas, make
from bisnn.agents.pettingzoo import DilemmaEnv
from bisnn.errors import ConfigError, pick

STEPS = 50
"""Steps of a measurement, after as many that warm up."""


def bench_dilemmas(names: Sequence[str] = (), worlds: int = 1024, repeats: int = 3) -> dict[str, Any]:
    """Seconds per step of one world, in a batch of `worlds` and alone through PettingZoo, with the same random actions.

    Of every dilemma named (none: of all), on one thread, the median of `repeats` measurements of `STEPS` steps each;
    the two kinds of measurement alternate, so that a busy machine burdens both alike. Resets are among the steps.
    Raises `UnknownName` for another dilemma, `ConfigError` for a number below 1.
    """
    if worlds < 1 or repeats < 1:
        raise ConfigError(f"worlds = {worlds}, repeats = {repeats}; both are whole numbers from 1")
    chosen = [pick("dilemma", name, dilemmas()) for name in names] or list(dilemmas())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        results = [_measure(name, worlds, repeats) for name in chosen]
    finally:
        torch.set_num_threads(threads)
    least = min(results, key=lambda result: float(result["ratio"]))
    return {
        "workload": "dilemmas",
        "threads": 1,
        "worlds": worlds,
        "steps": STEPS,
        "results": results,
        "least_ratio": least["ratio"],
    }


def _measure(name: str, worlds: int, repeats: int) -> dict[str, Any]:
    """One dilemma."""
    batch, alone = _batch(name, worlds), _alone(name)
    together, single = [], []
    for _ in range(repeats):
        together.append(_seconds(batch) / (STEPS * worlds))
        single.append(_seconds(alone) / STEPS)
    batched, zoo = statistics.median(together), statistics.median(single)
    return {
        "id": name,
        "worlds": worlds,
        "seconds_per_batch_step": batched * worlds,
        "seconds_per_world_step": batched,
        "pettingzoo_seconds_per_world_step": zoo,
        "ratio": zoo / batched,
        "agents": len(make(name).agents),
    }


def _seconds(once: Callable[[], None]) -> float:
    begin = time.perf_counter()
    once()
    return time.perf_counter() - begin


def _actions(key: torch.Tensor, agents: int, actions: int) -> torch.Tensor:
    """Random actions of every step, int64 `[STEPS, *B, agent]`."""
    chance = [rng.uniform(key, "bench/actions", step, agents) for step in range(STEPS)]
    return (torch.stack(chance) * actions).long()


def _batch(name: str, worlds: int) -> Callable[[], None]:
    """`STEPS` steps of many worlds, which go on where the last call left them."""
    dilemma, key = make(name), rng.keys(torch.arange(worlds))
    actions = _actions(key, len(dilemma.agents), len(dilemma.actions))
    state = dilemma.reset(key)[0]

    def once() -> None:
        nonlocal state
        for chosen in actions:
            state, _, _ = dilemma.step(key, state, chosen)

    once()
    return once


def _alone(name: str) -> Callable[[], None]:
    """`STEPS` steps of one world through PettingZoo, a reset of a finished episode counting as one."""
    env = DilemmaEnv(make(name))
    actions = _actions(rng.keys(torch.arange(1)), len(env.possible_agents), len(env.dilemma.actions))[:, 0].tolist()
    env.reset(seed=0)

    def once() -> None:
        for chosen in actions:
            if env.agents:
                env.step(dict(zip(env.agents, chosen, strict=True)))
            else:
                env.reset()

    once()
    return once
