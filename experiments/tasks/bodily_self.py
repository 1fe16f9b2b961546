"""One session of a body with itself: it walks, is pushed, is injured and healed, and meets two images in a mirror.

    walk | pushed | walk | injured | walk | own image | another's image | walk          eighths of the session

A push moves the resting body one cell, without a command, in directions of the same distribution as its own steps. The
injured body moves the other way; at severity 1 as far as a healthy one, so that only a prediction can tell, at 2 and 3
two and three times as far, which the size of the movement tells too. The own image makes the movement that the body
makes; the other image makes that of another body that walks at random. All else is the same in all phases.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents.dilemmas.injury_room import FIFTHS, InjuryRoom, Walker, gain
from bisnn.agents.protector import NO_COMMAND
from bisnn.circuit import CircuitState
from bisnn.experiments.trials import Batch, Found
from bisnn.recording import Probe, Recording
from bisnn.systems.agency import Agency
from bisnn.systems.body import Body, Feeling
from bisnn.systems.ownership import Comparison, Ownership

WALK, PUSHED, INJURED, OWN_IMAGE, OTHER_IMAGE = range(5)
"""Phases."""
SESSION = (WALK, PUSHED, WALK, INJURED, WALK, OWN_IMAGE, OTHER_IMAGE, WALK)
"""The phases in their order, of equal length."""
BODY_PROBES = tuple(Probe(area) for area in ("command", "prediction", "sensory", "felt", "missing", "pain"))
"""What is recorded of a movement."""


class Systems(NamedTuple):
    """What the body is made of."""

    body: Body
    agency: Agency
    ownership: Ownership


class Self(NamedTuple):
    """An individual in the session, `[N]` each or trees of it."""

    walker: Walker
    body: CircuitState
    mirror: CircuitState
    agency: Tensor  # A
    evidence: Tensor  # of agency in the last step
    owned: Tensor  # E


class Movement(NamedTuple):
    """What happened in a step, `[N]` each unless stated."""

    command: Tensor  # int64 action; NO_COMMAND in a push
    own: Tensor  # bool: commanded, not pushed
    touch: Tensor  # bool: with a wall ahead
    actual: Tensor  # [N, 2] displacement in cells


def phase(step: int, steps: int) -> int:
    """The phase of a step of the session."""
    return SESSION[step * len(SESSION) // steps]


def lived(batch: Batch, systems: Systems) -> Found:
    """The session of every individual of a batch."""
    settings, key = batch.settings, batch.key
    room = InjuryRoom(columns=settings.size, rows=settings.size, switch=None, kinds=(), harmless=0, horizon=1000)
    middle = settings.size // 2 * FIFTHS
    walker = room.reset(key)
    one = Self(
        walker=walker._replace(place=torch.full_like(walker.place, middle)),
        body=systems.body.babble(systems.body.init(key), batch.gates),
        mirror=systems.ownership.init(key),
        agency=systems.agency.init(key),
        evidence=torch.zeros(len(key)),
        owned=torch.zeros(len(key)),
    )
    rows: list[Mapping[str, Tensor]] = []
    tracks: list[Mapping[str, Tensor]] = []
    for step in range(settings.episodes):
        now = phase(step, settings.episodes)
        one = _hurt(one, now, settings.severity)
        before = one.walker.place
        movement, one = _move(one, room, batch, step, now)
        feeling, seen = _feel(one, systems, movement, batch)
        image = _image(batch, one, movement, step, now)
        comparison, look = _compare(one, systems, seen, image, now, batch)
        one = _judge(one, systems, seen, comparison)
        rows.append({**_row(one, movement, feeling, seen, comparison, now), "seen": (image != 0).any(-1)})
        predicted = before.to(torch.float32) / FIFTHS + _decode(seen, "prediction", systems.body)
        tracks.append({"predicted": predicted, "place": one.walker.place.to(torch.float32) / FIFTHS, "image": image})
        batch.spikes(seen, step)
        batch.spikes(look, step)
        batch.report((step + 1) / settings.episodes)
    table = {name: torch.stack([row[name] for row in rows], -1) for name in rows[0]}
    track = {name: torch.stack([each[name][batch.recorded] for each in tracks], 1) for name in tracks[0]}
    return Found(rows=table, kept={"command->prediction": one.body.weights["command->prediction"]}, recordings=track)


def _hurt(one: Self, now: int, severity: int) -> Self:
    """The body with or without an injury of the inverted kind."""
    share = gain("inverted", severity) if now == INJURED else FIFTHS
    return one._replace(walker=one.walker._replace(gain=torch.full_like(one.walker.gain, share)))


def _move(one: Self, room: InjuryRoom, batch: Batch, step: int, now: int) -> tuple[Movement, Self]:
    """A push, or a step of its own: random, a healthy one turned round before a wall; sometimes another slips in."""
    key, walker = batch.key, one.walker
    wish = room.wish(key, walker)
    _, wall = room.ahead(walker, wish)
    action = wish if now == INJURED else torch.where(wall, wish ^ 1, wish)
    if now == PUSHED:
        pushed, moved = room.pushed(walker, action)
        no = torch.zeros_like(wall)
        return Movement(torch.full_like(action, NO_COMMAND), no, no, moved), one._replace(walker=pushed)
    draw = rng.uniform(key, "bodily_self/slip", step, 2)
    slips = draw[:, 0] < batch.settings.motor_noise
    made = torch.where(slips, (draw[:, 1] * 4).long(), action)
    after, stride = room.step(key, walker, made)
    touch = wall & (now == INJURED)
    return Movement(action, torch.ones_like(wall), touch, stride.actual), one._replace(walker=after)


def _feel(one: Self, systems: Systems, movement: Movement, batch: Batch) -> tuple[Feeling, Recording]:
    """What the body feels of it."""
    given = (movement.command, movement.touch, movement.actual)
    return systems.body.feel(one.body, *given, batch.gates, BODY_PROBES)


def _image(batch: Batch, one: Self, movement: Movement, step: int, now: int) -> Tensor:
    """The movement of what is seen in the mirror, `[N, 2]` cells; 0 where nothing is seen."""
    if now not in (OWN_IMAGE, OTHER_IMAGE):
        return torch.zeros_like(movement.actual)
    ways = torch.tensor(((0.0, -1.0), (0.0, 1.0), (1.0, 0.0), (-1.0, 0.0)))
    other, drawn = (
        ways[(rng.uniform(batch.key, f"bodily_self/{who}", step, 1)[:, 0] * 4).long()] for who in ("other", "shuffle")
    )
    true = movement.actual if now == OWN_IMAGE else other
    return batch.gates.shuffled("image", true, drawn)


def _compare(
    one: Self, systems: Systems, seen: Recording, image: Tensor, now: int, batch: Batch
) -> tuple[Comparison, Recording]:
    """The image beside the prediction; without a mirror there is nothing to compare."""
    code = (systems.body.displacement(image) > 0).to(torch.float32)
    expected = (seen["prediction.spikes"].sum(-2) > 0).to(torch.float32)
    visible = float(now in (OWN_IMAGE, OTHER_IMAGE))
    return systems.ownership.look(one.mirror, expected * visible, code * visible, batch.gates)


def _spikes(seen: Recording, *areas: str) -> Tensor:
    """Spikes of the areas in a movement, `[N]`."""
    return torch.stack([seen[f"{area}.spikes"].sum((-2, -1)) for area in areas]).sum(0)


def _decode(seen: Recording, area: str, body: Body) -> Tensor:
    """The displacement that an area codes, `[N, 2]` cells."""
    active = (seen[f"{area}.spikes"].sum(-2) > 0).to(torch.float32)
    right, left, down, up = active.unflatten(-1, (4, body.side)).sum(-1).unbind(-1)
    return torch.stack((right - left, down - up), -1) / body.per_cell


def _judge(one: Self, systems: Systems, seen: Recording, comparison: Comparison) -> Self:
    """Agency and ownership after the step."""
    error, predicted, sensed = (_spikes(seen, *areas) for areas in (("felt", "missing"), ("prediction",), ("sensory",)))
    agency, _ = systems.agency.step(one.agency, error, predicted, sensed)
    evidence = systems.agency.evidence(error, sensed)
    return one._replace(agency=agency, evidence=evidence, owned=systems.ownership.step(one.owned, comparison))


def _row(
    one: Self, movement: Movement, feeling: Feeling, seen: Recording, comparison: Comparison, now: int
) -> dict[str, Tensor]:
    """The row of a step."""
    moved = (movement.actual != 0).any(-1)
    return {
        "phase": torch.full_like(movement.command, now),
        "own": movement.own,
        "command": _spikes(seen, "command"),
        "moved": moved,
        "agency": one.agency,
        "evidence": one.evidence,
        "felt": _spikes(seen, "felt"),
        "missing": _spikes(seen, "missing"),
        "pain": feeling.pain.sum(-1),
        "match": comparison.match,
        "mismatch": comparison.mismatch,
        "ownership": one.owned,
    }
