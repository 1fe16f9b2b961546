"""How a social agent feels what the faces that it sees feel: one network of empathy, many faces.

A face that has not changed is felt as it was felt before: the network has no noise, so this is exact and only
saves time. All individuals share the childhood in which their mirror neurons grew.

Feng, Zeng, Lu (2022) Front. Comput. Neurosci. doi:10.3389/fncom.2022.784967
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bisnn.circuit import CircuitState
from bisnn.coding import recruit
from bisnn.gates import Gates
from bisnn.systems.empathy import Empathy


class Felt(NamedTuple):
    """What the agent feels of every face; the face itself is kept to see whether it has changed."""

    face: Tensor  # [*B, faces * cells]
    affect: Tensor  # [*B, faces] vicarious affect, spikes per tick
    dopamine: Tensor  # [*B, faces] firing of the dopamine cells against tonic

    @classmethod
    def nothing(cls, like: Tensor, faces: int, cells: int) -> Felt:
        """Before any face was seen; `like` `[*B]`."""
        none = torch.zeros(*like.shape, faces, device=like.device)
        return cls(torch.full((*like.shape, faces * cells), -1.0, device=like.device), none, none)


def childhood(network: Empathy, steps: int) -> CircuitState:
    """The network of one individual `[1]` after `steps` steps of own experience: pain of intensity 0, 1/4, 1/2, 3/4 and
    1 in turn, while it sees its own face, which shows as many cells as feel it."""
    state, half = network.init(torch.zeros(1, dtype=torch.int64)), network.pain["emotion"][1]
    for step in range(steps):
        own = network.own_pattern(recruit(torch.full((1,), (step % 5) / 4.0), half))
        state, _ = network.experience(state, own, own, torch.ones(1))
    return state


def feel(network: Empathy, raised: CircuitState, before: Felt, expression: Tensor, level: Tensor, gates: Gates) -> Felt:
    """What is felt of every face in `expression` `[*B, faces * cells]`, by individuals of an empathy `level` `[*B]`."""
    batch, faces = expression.shape[:-1], before.affect.shape[-1]
    shown, old = (face.unflatten(-1, (faces, -1)).flatten(0, -2) for face in (expression, before.face))
    who = (shown != old).any(-1).nonzero()[:, 0]
    if not len(who):
        return before
    owner, dims = torch.div(who, faces, rounding_mode="floor"), len(batch)

    def mine(value: Tensor) -> Tensor:
        return (value.flatten(0, dims - 1) if dims else value.unsqueeze(0))[owner]

    cut = Gates(*({name: mine(gate) for name, gate in table.items()} for table in gates))
    percept, _ = network.observe(_each(raised, len(who)), shown[who], mine(level), cut)
    pairs = ((before.affect, percept.affect), (before.dopamine, percept.dopamine))
    found = (one.reshape(-1).index_put((who,), seen).reshape(*batch, faces) for one, seen in pairs)
    return Felt(expression, *found)


def _each(one: CircuitState, count: int) -> CircuitState:
    """`count` individuals with the state of `one` `[1]`, whose weights they share."""

    def wide(leaf: Tensor) -> Tensor:
        return leaf.expand(count, *leaf.shape[1:])

    return one._replace(
        neurons={name: type(cell)(*map(wide, cell)) for name, cell in one.neurons.items()},
        spikes={name: tuple(map(wide, past)) for name, past in one.spikes.items()},
        weights={name: wide(weight) for name, weight in one.weights.items()},
        traces={name: type(trace)(*map(wide, trace)) for name, trace in one.traces.items()},
    )
