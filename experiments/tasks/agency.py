"""Trials of identical motion: babbling in one's own body, then movements made by oneself or by something else."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng, tree
from bisnn.circuit import CircuitState
from bisnn.gates import NO_GATES, Gates
from bisnn.systems.body import INTENDED
from bisnn.systems.forward_model import ForwardModel, Sensation

BLOCK = 10
"""Trials of one kind in a row."""
HELD = 2**25
"""Spikes of trials that are held at once."""


class Trials(NamedTuple):
    """The trials of one level, in the order in which they are met."""

    own: Tensor  # bool [T] self-caused
    command: Tensor  # int64 [N, T], -1: none
    moved: Tensor  # int64 [N, T] which movement the body makes
    sensed: Tensor  # float32 [N, T, ticks, n] drive of the senses
    copied: Tensor  # int64 [N, T] command of another trial, drawn at random, never the own


def executed(key: Tensor, stream: str, step: Tensor, action: Tensor, noise: float) -> Tensor:
    """The movement that is made of a command int64 `[*B]`: with probability `noise` one drawn at random."""
    draws = rng.uniform(key, f"{stream}/slip", step, 2)
    other = (draws[..., 1] * len(INTENDED)).to(torch.int64)
    return torch.where(draws[..., 0] < noise, other, action)


class Noise(NamedTuple):
    """What makes movements and their sensation uncertain."""

    motor: float  # probability that a movement drawn at random is executed
    sensory: float  # probability that a sensory spike is lost


def babble(body: ForwardModel, key: Tensor, rounds: int, noise: Noise, gates: Gates = NO_GATES) -> CircuitState:
    """A forward model after `rounds` in which every command is tried once, for individuals `key` `[N]`.

    Of the gates only frozen synapses act: what else is ablated was intact in development.
    """
    effects = torch.tensor(INTENDED, device=key.device)
    state, learning = body.init(key), NO_GATES._replace(plastic=gates.plastic)
    actions = body.rounds(key, "agency/babbling", rounds * body.actions)
    for trial in range(actions.shape[-1]):
        action, step = actions[:, trial], torch.full_like(key, trial)
        made = executed(key, "agency/babbling", step, action, noise.motor)
        arrived = body.arrived(key, "agency/babbling/sense", step, noise.sensory)
        _, state, _ = body.move(state, action, body.sensed(effects[made], arrived), learning)
    return body.circuit.rest(state)


def order(pairs: int) -> tuple[Tensor, Tensor]:
    """Which pair every trial belongs to, and whether it is its self-caused one: blocks of one kind take turns."""
    parts = [torch.arange(first, min(first + BLOCK, pairs)) for first in range(0, pairs, BLOCK)]
    own = torch.cat([torch.cat((torch.ones(len(part)), torch.zeros(len(part)))) for part in parts])
    return torch.cat([part.repeat(2) for part in parts]), own.bool()


def draw(body: ForwardModel, key: Tensor, pairs: int, noise: Noise, delay: float = 0.0) -> Trials:
    """`pairs` of trials, sensed `delay` ms late. Both of a pair have the same motion and sensory spikes, bit for bit.

    Self-caused: the command of which the motion was made. External: no command (every other pair) or another one.
    """
    keys, step = key[:, None].expand(-1, pairs), torch.arange(pairs, device=key.device)
    intended = (rng.uniform(keys, "agency/intended", step, 1)[..., 0] * body.actions).to(torch.int64)
    made = executed(keys, "agency", step, intended, noise.motor)
    away = 1 + (rng.uniform(keys, "agency/against", step, 1)[..., 0] * (body.actions - 1)).to(torch.int64)
    external = torch.where(step % 2 == 0, -1, (made + away) % body.actions)
    arrived = body.arrived(keys, "agency/sense", step, noise.sensory)
    effects = torch.tensor(INTENDED, device=key.device)
    sensed = body.sensed(effects[made], arrived, round(delay / body.dt))
    pair, own = (part.to(key.device) for part in order(pairs))
    command = torch.where(own, intended[:, pair], external[:, pair])
    count = 2 * pairs
    away = 1 + (rng.uniform(key, "agency/shuffle", 0, count) * (count - 1)).to(torch.int64)
    other = (torch.arange(count, device=key.device) + away) % count
    return Trials(own, command, made[:, pair], sensed[:, pair], command.gather(1, other))


def met(body: ForwardModel, state: CircuitState, given: Trials, gates: Gates) -> Sensation:
    """What every individual `[N]` senses in every trial, `[N, T]`: without learning, each from rest."""
    copies = gates.shuffled("command", given.command, given.copied)
    wide = gates.over_trials()
    cells = given.sensed.shape[-2] * sum(area.n for area in body.circuit.areas.values())
    size, parts = max(1, HELD // (cells * len(copies))), []
    for command, sensed in zip(copies.split(size, 1), given.sensed.split(size, 1), strict=True):
        count = command.shape[1]
        many = tree.map(lambda leaf, count=count: leaf[:, None].expand(-1, count, *leaf.shape[1:]), state)
        parts.append(body.move(many, command, sensed, wide, learning=False)[0])
    return Sensation(*(torch.cat(part, dim=1) for part in zip(*parts, strict=True)))
