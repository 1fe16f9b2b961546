"""Speed, as ratios measured in one run: `bisnn bench`.

W1       the affective-empathy episode of the reference network (bae_snn): 100 environment steps of 20 ticks with
         plasticity, membranes and traces at rest before every step, as one `Circuit.run`
W1-step  the same with one call for each environment step
rescue   a short altruistic-rescue life, development included
dilemmas every dilemma: a batched step of many worlds (the last number of individuals) against one world's step through
         PettingZoo
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from bisnn import rng
from bisnn.agents import loop
from bisnn.agents.altruist import Altruist
from bisnn.agents.development import Nursery
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.coding import direct
from bisnn.errors import ConfigError, pick
from bisnn.experiments.commands.bench_dilemmas import bench_dilemmas
from bisnn.systems.empathy_presets import bae_snn

STEPS, TICKS = 100, 20
"""Environment steps of W1, and ticks of each."""
EPISODES = 20
"""Episodes of the rescue workload."""


def bench(workload: str = "W1", individuals: Sequence[int] = (1, 1024), repeats: int = 3) -> dict[str, Any]:
    """Time a workload for several numbers of individuals on one thread: the median of `repeats` runs each.

    Raises `UnknownName` for another workload, `ConfigError` for a number below 1.
    """
    workload = pick("workload", workload, (*WORKLOADS, "dilemmas"))
    if not individuals or min(individuals) < 1 or repeats < 1:
        raise ConfigError("individuals and repeats are whole numbers from 1")
    if workload == "dilemmas":
        return bench_dilemmas(worlds=individuals[-1], repeats=repeats)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        results = [_measure(workload, number, repeats) for number in individuals]
    finally:
        torch.set_num_threads(threads)
    first, last = results[0], results[-1]
    ratios = {"individuals": last["individuals"] / first["individuals"], "seconds": last["seconds"] / first["seconds"]}
    if first["neuron_updates_per_s"]:
        ratios["neuron_updates_per_s"] = last["neuron_updates_per_s"] / first["neuron_updates_per_s"]
    return {"workload": workload, "threads": 1, "results": results, "ratios": ratios, "peak_memory_mib": _peak()}


def _measure(workload: str, individuals: int, repeats: int) -> dict[str, Any]:
    prepare, neurons, synapses = WORKLOADS[workload]
    with torch.inference_mode():
        once = prepare(individuals)
        seconds = []
        for _ in range(repeats):
            begin = time.perf_counter()
            once()
            seconds.append(time.perf_counter() - begin)
    middle = statistics.median(seconds)
    return {
        "implementation": "torch",
        "definition": "every_step",
        "individuals": individuals,
        "seconds": middle,
        "neuron_updates_per_s": neurons * individuals / middle if neurons else None,
        "synapse_updates_per_s": synapses * individuals / middle if synapses else None,
    }


def _episode(individuals: int) -> dict[str, torch.Tensor]:
    """Drive of W1: pain or not in every environment step, the own face visible from the third tick on."""
    key = rng.keys(torch.arange(individuals))
    pain = (rng.uniform(key, "bench/pain", 0, STEPS) < 0.5).to(torch.float32)[..., None]
    pattern = direct(torch.cat((pain.expand(-1, -1, 20), (1.0 - pain).expand(-1, -1, 20)), dim=-1))
    sight = (torch.arange(TICKS // 2) >= 1).to(torch.float32)[:, None]
    return {"emotion": pattern, "perception": (pattern[:, :, None, :] * sight).flatten(1, 2)}


def _w1(individuals: int) -> Callable[[], object]:
    circuit, drive = bae_snn().circuit, _episode(individuals)
    state = circuit.init(rng.keys(torch.arange(individuals)))
    return lambda: circuit.run(state, drive, steps=STEPS * TICKS, rest_every=TICKS)


def _w1_step(individuals: int) -> Callable[[], object]:
    circuit, drive = bae_snn().circuit, _episode(individuals)
    state = circuit.init(rng.keys(torch.arange(individuals)))
    halves = drive["perception"].unflatten(1, (STEPS, TICKS // 2))

    def once() -> None:
        now = state
        for step in range(STEPS):
            given = {"emotion": drive["emotion"][:, step], "perception": halves[:, step]}
            now, _ = circuit.run(circuit.rest(now), given, steps=TICKS)

    return once


def _rescue(individuals: int) -> Callable[[], object]:
    agent, dilemma, nursery = Altruist(episodes=EPISODES), Rescue(), Nursery(visits=1)
    key = rng.keys(torch.arange(individuals))

    def once() -> None:
        state = loop.begin(dilemma, key, nursery.develop(agent, agent.init(key)))
        while int(state.tally.episode.min()) < EPISODES:
            state, _ = loop.turn(agent, dilemma, state)

    return once


def _peak() -> float:
    """Largest memory of this process so far, MiB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(used / (2**20 if sys.platform == "darwin" else 2**10), 1)


WORKLOADS = {
    "W1": (_w1, 150 * STEPS * TICKS, 2400 * STEPS * TICKS),
    "W1-step": (_w1_step, 150 * STEPS * TICKS, 2400 * STEPS * TICKS),
    "rescue": (_rescue, 0, 0),
}
"""Name -> (preparation, neuron updates, plastic-synapse updates) of one individual."""
