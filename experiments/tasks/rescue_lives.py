"""Lives in a rescue in memory, without a run folder: for the claims on the family of rescues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bisnn import rng, tree
from bisnn.agents import loop
from bisnn.agents.altruist import Altruist
from bisnn.agents.base import Agent, Dilemma
from bisnn.agents.development import Nursery
from bisnn.agents.dilemmas.rescue import Rescue

Floats = NDArray[np.float64]


def live(
    agent: Agent,
    worlds: Sequence[Mapping[str, float]],
    seeds: int,
    episodes: int,
    traits: Mapping[str, Sequence[float]] | None = None,
    dilemma: Dilemma | None = None,
) -> dict[str, Floats]:
    """Every column of `loop.rows`, `[worlds, seeds, episodes]`, of individuals 0 ... seeds - 1 in each of `worlds`
    (traits of the dilemma by name; all name the same ones). `traits`: a value of the agent's trait for every world.
    Altruists develop first. The bits are those of a run."""
    stage = dilemma or Rescue()
    key = rng.keys(torch.arange(seeds)).repeat(len(worlds))

    def spread(values: Sequence[float]) -> Tensor:
        return torch.tensor([float(value) for value in values]).repeat_interleave(seeds)

    around = {name: spread([world[name] for world in worlds]) for name in worlds[0]}
    mine = {name: spread(values) for name, values in (traits or {}).items()}
    found: dict[str, Floats] = {}
    with torch.inference_mode():
        mind: Any = agent.init(key, traits=mine or None)
        if isinstance(agent, Altruist):
            mind = Nursery().develop(agent, mind)
        state, present = loop.begin(stage, key, mind, traits=around or None), torch.arange(len(key))
        while len(present):
            state, step = loop.turn(agent, stage, state)
            rows = loop.rows(step)
            who, when = present[rows.pop("index")].numpy(), rows.pop("episode").numpy()
            for name, column in rows.items():
                table = found.setdefault(name, np.full((len(key), episodes), np.nan))
                table[who, when] = column.numpy()
            over = state.tally.episode >= episodes
            if bool(over.any()):
                stay = (~over).nonzero()[:, 0]
                present, state = present[stay], tree.take(state, stay)
    return {name: table.reshape(len(worlds), seeds, episodes) for name, table in found.items()}


def help_rate(lives: Mapping[str, Floats], last: int) -> Floats:
    """Help in the painful episodes among the last `last`, `[worlds, seeds]`; NaN where there was none."""
    painful = lives["painful"][..., -last:] > 0
    helped = np.where(painful, lives["relieved"][..., -last:], 0.0).sum(-1)
    count = painful.sum(-1)
    return np.asarray(np.divide(helped, count, out=np.full(helped.shape, np.nan), where=count > 0))
