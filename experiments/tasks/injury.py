"""Visits to the room of injuries: what a protected body meets, whether it stops, what it feels, what it then fears.

An approach is a step that a healthy body intends towards a cell in which something lies; it is avoided where the motor
cells stay silent. An experience of a hazard is an injury whose pain begins while the body still stands on what injured
it; where pain begins later (a wall may cut short what would have hurt) the injury is a delayed one. Avoidance is judged
at the first approach of a hazard after 0, 1, 2 or more experiences of it, so that no hazard counts more than once each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.agents.dilemmas.injury_room import FIFTHS, MISMATCH, InjuryRoom, Stride, Walker, gain
from bisnn.agents.protector import NO_COMMAND, Protector, ProtectorState
from bisnn.experiments.trials import Batch, Found
from bisnn.recording import Probe, Recording, join
from bisnn.systems.body import Feeling
from bisnn.systems.protection import Verdict

AREAS = ("object", "la", "cea", "premotor", "motor", "pb", "pag", "acc", "match")
"""Areas whose spikes are kept of the recorded individuals."""
PROBES = tuple(Probe(area) for area in AREAS)
COUNTS = (0, 1, 2)
"""Experiences of a hazard before an approach; the last stands for that many or more."""


class Meeting(NamedTuple):
    """What happened in one step, `[N]` each unless stated."""

    healthy: Tensor  # bool: healthy, with no wall ahead and not led out
    ahead: Tensor  # int64 thing in the cell ahead; 0 nothing
    known: Tensor  # int64 experiences of it before
    first: Tensor  # bool: the first approach since the last injury by it
    hurt_before: Tensor  # bool: it had injured before
    verdict: Verdict
    feeling: Feeling
    alight: Tensor  # bool: alarm of actual injury at the end of the step
    was_alight: Tensor  # bool: at its beginning
    stride: Stride


@dataclass
class Life:
    """What has happened to the individuals `[N]` so far."""

    walker: Walker
    state: ProtectorState
    times: Tensor
    """int64 `[N, things + 1]`: experiences of each thing."""
    injuries: Tensor
    """int64 `[N, things + 1]`: injuries by each thing."""
    tested: Tensor
    """bool `[N, things + 1]`: approached since it last injured."""
    pending: Tensor
    """int64 `[N]`: what injured the body and has not hurt yet; 0 nothing."""
    alight: Tensor
    """bool `[N]`: the alarm of actual injury."""
    waiting: Tensor
    """int64 `[N]`: steps since the alarm that the last injury came with; -1: no such alarm, or already felt."""
    sums: dict[str, Tensor] = field(default_factory=dict)
    """Counts of this visit, float32 `[N]` each."""

    def add(self, name: str, amount: Tensor) -> None:
        """Add to a count of this visit."""
        value = amount.to(torch.float32)
        self.sums[name] = self.sums[name] + value if name in self.sums else value


def lived(batch: Batch, room: InjuryRoom, body: Protector) -> Found:
    """All visits of the individuals of a batch."""
    key, visits = batch.key, batch.settings.episodes
    zero = torch.zeros_like(key)
    life = Life(
        walker=room.reset(key),
        state=body.init(key, batch.gates),
        times=torch.zeros(len(key), room.count + 1, dtype=torch.int64),
        injuries=torch.zeros(len(key), room.count + 1, dtype=torch.int64),
        tested=torch.zeros(len(key), room.count + 1, dtype=torch.bool),
        pending=zero,
        alight=zero > 0,
        waiting=zero - 1,
    )
    rows: list[Mapping[str, Tensor]] = []
    tracks: list[dict[str, Tensor]] = []
    for visit in range(visits):
        life.walker, life.sums = room.reset(key, torch.full_like(key, visit)), {}
        for step in range(room.horizon):
            meeting, seen = _step(life, batch, room, body)
            _count(life, meeting, room)
            _keep(batch, meeting, seen, visit, step)
            tracks.append(_track(batch, life, meeting))
            batch.report((visit + (step + 1) / room.horizon) / visits)
        last = visit == visits - 1
        rows.append({**life.sums, **_gradient(batch, life, room, body, last)})
    table = {name: torch.stack([row[name] for row in rows], -1) for name in rows[0]}
    scale = {name: value[:, None].expand(-1, visits) for name, value in intensity(batch, body, life.state).items()}
    recordings = {name: torch.stack([track[name] for track in tracks], 1) for name in tracks[0]}
    kept = {"object->la": life.state.protection.weights["object->la"], "times": life.times}
    return Found(rows={**table, **scale}, kept=kept, recordings=recordings)


def _step(life: Life, batch: Batch, room: InjuryRoom, body: Protector) -> tuple[Meeting, Recording]:
    """One step of every individual, and the spikes of its protection."""
    key, walker, gates = batch.key, life.walker, batch.gates
    action = room.wish(key, walker)
    ahead, blocked = room.ahead(walker, action)
    known = life.times.gather(-1, ahead[:, None])[:, 0]
    sight = _seen(life, batch, room, body, ahead, "ahead")
    verdict, life.state, looking = body.intend(life.state, action, sight, gates, PROBES)
    stood = room.ground(walker)
    ground = _seen(life, batch, room, body, stood, "ground")
    life.walker, stride = room.step(key, walker, action, verdict.go)
    sent = torch.where(verdict.go & ~stride.carried, action, NO_COMMAND)
    feeling, alight, life.state, acting = body.undergo(life.state, sent, blocked, stride.actual, ground, gates, PROBES)
    healthy = ~stride.injured & ~blocked & ~stride.carried
    first = ~life.tested.gather(-1, ahead[:, None])[:, 0]
    before = life.injuries.gather(-1, ahead[:, None])[:, 0] > 0
    met = Meeting(healthy, ahead, known, first, before, verdict, feeling, alight, life.alight, stride)
    _remember(life, met, stood)
    return met, join([looking, acting])


def _remember(life: Life, met: Meeting, stood: Tensor) -> None:
    """Keep account of injuries and experiences, after a step that began on the thing `stood` `[N]`."""
    number = torch.arange(life.times.shape[-1])
    began = (life.pending > 0) & (met.stride.actual != met.stride.intended).any(-1)
    here = began & (stood == life.pending)
    life.add("delayed", began & ~here)
    life.add("begun", began)
    hurt = (met.stride.hurt_by[:, None] == number) & (number > 0)
    felt = (stood[:, None] == number) & here[:, None]
    life.tested = (life.tested | ((met.ahead[:, None] == number) & met.healthy[:, None])) & ~hurt
    life.times, life.injuries = life.times + felt, life.injuries + hurt
    ended = began | met.stride.carried
    life.pending = torch.where(ended, 0, life.pending) + met.stride.hurt_by
    life.alight = met.alight


def _seen(life: Life, batch: Batch, room: InjuryRoom, body: Protector, thing: Tensor, where: str) -> Tensor:
    """The object cells of a thing; where sight is shuffled, of what lies in a random cell of the room."""
    true = body.look(life.state, thing)
    if "sight" not in batch.gates.shuffle:
        return true
    moment = life.walker.visit * 1024 + life.walker.t
    draw = rng.uniform(batch.key, f"injury/shuffle/{where}", moment, 1) * life.walker.things.shape[-1]
    other = life.walker.things.gather(-1, draw.long())[:, 0]
    return batch.gates.shuffled("sight", true, body.look(life.state, other))


def _count(life: Life, met: Meeting, room: InjuryRoom) -> None:
    """Add one step to the counts of the visit (`analyse` forms the rates)."""
    hazards = len(room.kinds)
    hazard = met.healthy & (met.ahead > 0) & (met.ahead <= hazards)
    vetoed, alarm = ~met.verdict.go, met.verdict.alarm
    after = {number: met.known >= number if number == COUNTS[-1] else met.known == number for number in COUNTS}
    after[0] = ~met.hurt_before
    for number, which in (*after.items(), ("delayed", met.hurt_before & (met.known == 0))):
        here = hazard & met.first & which
        life.add(f"approaches_{number}", here)
        life.add(f"avoided_{number}", here & vetoed)
    known = hazard & (met.known > 0)
    for name, here in (
        ("known", known),
        ("unknown", hazard & (met.known == 0)),
        ("harmless", met.healthy & (met.ahead > hazards)),
        ("empty", met.healthy & (met.ahead == 0)),
    ):
        life.add(f"{name}_steps", here)
        life.add(f"{name}_alarms", here & alarm)
        life.add(f"{name}_vetoes", here & vetoed)
    life.add("lead_ticks", torch.where(known & alarm, met.verdict.lead, 0.0))
    life.add("injuries", met.stride.hurt_by > 0)
    _count_pain(life, met, known & alarm)


def _count_pain(life: Life, met: Meeting, warned: Tensor) -> None:
    """Counts of pain, of its two signs and of the alarm of actual injury; steps from alarm to pain."""
    cells, error = met.feeling.pain.sum(-1), (met.stride.actual - met.stride.intended).abs().sum(-1)
    injured, painful = met.stride.injured, error > 0
    own = (met.stride.actual != 0).any(-1)
    life.add("healthy_steps", ~injured)
    life.add("healthy_pain", ~injured & (cells > 0))
    life.add("mismatch_steps", painful)
    life.add("mismatch_pain", painful & (cells > 0))
    life.add("pain_cells", torch.where(injured, cells, 0.0))
    felt, missing = met.feeling.felt.sum(-1) > 0, met.feeling.missing.sum(-1) > 0
    ahead = (met.stride.actual * met.stride.intended).sum(-1)
    size = (met.stride.intended != 0).any(-1)
    more = painful & ((ahead > size.to(ahead.dtype)) | (own & ~size))
    less = painful & size & (ahead >= 0) & ~more
    right = torch.where(more, felt & ~missing, torch.where(less, missing & ~felt, felt & missing))
    life.add("sign_right", painful & right)
    life.add("injury_alarms", painful & injured & met.alight)
    life.add("injury_steps", painful & injured)
    life.add("moved_healthy", ~injured & own)
    life.add("moved_healthy_alight", ~injured & own & met.alight)
    life.add("impending_as_actual", warned & met.was_alight)
    bare = painful & injured & (met.ahead == 0)
    life.add("bare_pain", bare)
    life.add("actual_as_impending", bare & met.verdict.alarm)
    waiting = torch.where(met.stride.hurt_by > 0, torch.where(warned, 0, -1), life.waiting)
    waiting = torch.where((waiting >= 0) & (met.stride.hurt_by == 0), waiting + 1, waiting)
    now = (waiting > 0) & (cells > 0)
    life.add("lead_steps", torch.where(now, waiting, 0))
    life.add("lead_count", now)
    life.waiting = torch.where(now | met.stride.carried, -1, waiting)


def intensity(batch: Batch, body: Protector, state: ProtectorState) -> dict[str, Tensor]:
    """Pain cells, and cells of displacement felt and missing, for every kind and severity of injury in a free step."""
    found = {}
    key = batch.key
    right, free = torch.full_like(key, 2), torch.zeros_like(key, dtype=torch.bool)
    cases = {"healthy_0": FIFTHS} | {f"{kind}_{s}": gain(kind, s) for kind in MISMATCH for s in (1, 2, 3)}
    for name, share in cases.items():
        moved = torch.tensor([share / FIFTHS, 0.0]).expand(len(key), 2)
        feeling, _ = body.body.feel(state.body, right, free, moved, batch.gates)
        found[f"cells_{name}"] = feeling.pain.sum(-1)
        found[f"felt_{name}"] = feeling.felt.sum(-1)
        found[f"missing_{name}"] = feeling.missing.sum(-1)
    return found


def morph(body: Protector, key: Tensor, number: int, shared: int) -> Tensor:
    """Object cells `[N, objects]` of which `shared` are those of object `number` and the others are not."""
    own = body.protection.pattern(key, number)
    draws = rng.uniform(key, "injury/morph", number, body.protection.objects)
    mine = torch.where(own > 0, draws, 2.0).argsort(dim=-1, stable=True).argsort(dim=-1, stable=True)
    other = torch.where(own > 0, 2.0, draws).argsort(dim=-1, stable=True).argsort(dim=-1, stable=True)
    return ((mine < shared) | (other < body.protection.active - shared)).to(torch.float32)


def _gradient(batch: Batch, life: Life, room: InjuryRoom, body: Protector, last: bool) -> dict[str, Tensor]:
    """Share of the known hazards whose likeness, at every number of shared cells, vetoes a step; NaN before the end."""
    active = body.protection.active
    nothing = torch.full((len(batch.key),), torch.nan)
    if not last:
        return {f"like_{shared}": nothing for shared in range(active + 1)}
    known = life.times[:, 1 : len(room.kinds) + 1] > 0
    calm = life.state._replace(protection=body.protection.circuit.rest(life.state.protection))
    found = {}
    for shared in range(active + 1):
        stops = []
        for number in range(len(room.kinds)):
            sight = morph(body, batch.key, number, shared)
            verdict, _, _ = body.intend(calm, torch.zeros_like(batch.key), sight, batch.gates)
            stops.append(~verdict.go)
        count = known.sum(-1)
        stopped = (torch.stack(stops, -1) & known).sum(-1)
        found[f"like_{shared}"] = torch.where(count > 0, stopped / count.clamp(min=1), nothing)
    return found


def _keep(batch: Batch, met: Meeting, seen: Recording, visit: int, step: int) -> None:
    """The spikes of recorded individuals that meet a hazard, or in which pain begins."""
    some = (met.healthy & (met.ahead > 0)) | ((met.feeling.pain.sum(-1) > 0) & ~met.was_alight)
    rows = batch.recorded[some[batch.recorded]]
    replace(batch, recorded=rows).spikes(seen, visit, step)


def _track(batch: Batch, life: Life, met: Meeting) -> dict[str, Tensor]:
    """What the recorded individuals did and felt in one step, `[R]` each."""
    columns: dict[str, Tensor] = {
        "ahead": met.ahead,
        "known": met.known,
        "healthy": met.healthy,
        "go": met.verdict.go,
        "impending": met.verdict.alarm,
        "actual": met.alight,
        "hurt_by": met.stride.hurt_by,
        "injured": met.stride.injured,
        "pain": met.feeling.pain.sum(-1),
        "visit": life.walker.visit,
    }
    return {name: value[batch.recorded].to(torch.float32) for name, value in columns.items()}
