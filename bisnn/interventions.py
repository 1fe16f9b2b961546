"""Ablations: declared interventions, checked by name and compiled to gates on the batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from bisnn import rng
from bisnn.circuit import Circuit
from bisnn.errors import ConfigError, pick
from bisnn.gates import Gates, spikes_of


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """One arm of a study: what is done to the intact agent. Pure data."""

    name: str
    """Name of the arm."""
    expect: str = ""
    """What the arm should do, written before the run."""
    cut: tuple[str, ...] = ()
    """Projections whose gain is 0."""
    gain: Mapping[str, float] = field(default_factory=dict)
    """Projections with another gain (0.5 half, -1 inverted)."""
    silence: tuple[str, ...] = ()
    """Areas, or ranges of units `area[first:last]`, that emit no spikes."""
    silence_random: int = 0
    """How many units, drawn from the individual's stream outside `spare`, emit no spikes."""
    spare: tuple[str, ...] = ()
    """Areas that `silence_random` leaves alone."""
    freeze: tuple[str, ...] = ()
    """Projections that do not learn."""
    clamp: Mapping[str, float] = field(default_factory=dict)
    """Modulators held at a level, or areas held at 0 or 1 spikes per tick."""
    drive: Mapping[str, float] = field(default_factory=dict)
    """Areas whose external drive is multiplied."""
    release: Mapping[str, float] = field(default_factory=dict)
    """Modulators or named releases that are multiplied."""
    shuffle: tuple[str, ...] = ()
    """Senses replaced by a draw of the same base rate."""
    since: float = 0.0
    """Fraction of the run after which the ablation begins."""


LARGEST_GAIN = 8.0
"""Largest gain, at which the sums of all circuits of the library are still exact."""
INTACT = Ablation(name="intact", expect="The intact agent: the reference of every comparison.")
"""Arm 0 of every study."""


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The names that an agent offers to ablations."""

    areas: Mapping[str, int]
    """Area -> number of units."""
    projections: tuple[str, ...]
    plastic: tuple[str, ...]
    releases: tuple[str, ...]
    senses: tuple[str, ...]

    @classmethod
    def of(cls, circuits: Sequence[Circuit], releases: Sequence[str] = (), senses: Sequence[str] = ()) -> Targets:
        """The names of several circuits, and of the releases and senses of the agent that joins them."""
        return cls(
            areas={name: area.n for circuit in circuits for name, area in circuit.areas.items()},
            projections=tuple(p.name for circuit in circuits for p in circuit.projections),
            plastic=tuple(p.name for circuit in circuits for p in circuit.plastic),
            releases=(*releases, *(name for circuit in circuits for name in circuit.modulators)),
            senses=tuple(senses),
        )


def parse(text: str, name: str | None = None) -> Ablation:
    """An ablation from `cut:A->B`, `silence:A`, `freeze:A->B`, `gain:A->B=0.5`, `clamp:dopamine=0`, joined by `+`.

    Raises `ConfigError` when the text is none of these.
    """
    found = Ablation(name=name or text)
    for part in text.split("+"):
        verb, _, target = part.strip().partition(":")
        target, _, value = target.strip().partition("=")
        if verb not in ("cut", "silence", "freeze", "gain", "clamp", "drive", "release", "shuffle") or not target:
            raise ConfigError(
                f"cannot read the ablation {part.strip()!r}; write cut:A->B, silence:A, freeze:A->B, gain:A->B=0.5, "
                f"clamp:dopamine=0, drive:A=0, release:NAME=0 or shuffle:SENSE, joined by +"
            )
        if value and verb not in ("gain", "clamp", "drive", "release"):
            raise ConfigError(f"{part.strip()!r}: {verb} takes no number; write {verb}:{target}")
        if verb in ("gain", "clamp", "drive", "release"):
            try:
                number = float(value)
            except ValueError:
                raise ConfigError(f"{part.strip()!r} needs a number after '=', such as {verb}:{target}=0.5") from None
            if target.lower() in map(str.lower, getattr(found, verb)):
                raise ConfigError(f"{text!r} gives {target} two numbers under {verb}; choose one")
            changes: dict[str, Any] = {verb: {**getattr(found, verb), target: number}}
        else:
            changes = {verb: (*getattr(found, verb), target)}
        found = replace(found, **changes)
    return found


def check(ablation: Ablation, targets: Targets) -> Ablation:
    """The ablation with its names spelt canonically. Raises `UnknownName` or `ConfigError`."""
    if not 0.0 <= ablation.since <= 1.0:
        raise ConfigError(f"arm {ablation.name!r}: since is {ablation.since}; it is a fraction of the run, from 0 to 1")

    if not isinstance(ablation.silence_random, int) or ablation.silence_random < 0:
        raise ConfigError(
            f"arm {ablation.name!r}: silence_random is {ablation.silence_random}; give a whole number from 0"
        )
    twice = {name.lower() for name in ablation.cut} & {name.lower() for name in ablation.gain}
    if twice:
        raise ConfigError(f"arm {ablation.name!r} cuts {', '.join(sorted(twice))} and gives it a gain; choose one")
    for name, value in ablation.gain.items():
        if not -LARGEST_GAIN <= value <= LARGEST_GAIN:
            raise ConfigError(
                f"arm {ablation.name!r}: gain {value:g} of {name} lies outside -{LARGEST_GAIN:g} to {LARGEST_GAIN:g}"
            )

    for kind in ("clamp", "drive", "release"):
        for name, value in getattr(ablation, kind).items():
            if not abs(value) <= torch.finfo(torch.float32).max:
                raise ConfigError(f"arm {ablation.name!r}: {kind} {value} of {name} is no number that can be used")
    for name, value in ablation.clamp.items():
        if name.lower() not in map(str.lower, targets.releases) and value not in (0.0, 1.0):
            raise ConfigError(f"arm {ablation.name!r}: an area is held at 0 or 1 spikes per tick, not {name}={value:g}")

    def names(kind: str, given: Sequence[str], choices: Sequence[str]) -> tuple[str, ...]:
        return tuple(pick(kind, name, choices) for name in given)

    def table(kind: str, given: Mapping[str, float], choices: Sequence[str]) -> dict[str, float]:
        return {pick(kind, name, choices): value for name, value in given.items()}

    return replace(
        ablation,
        cut=names("projection", ablation.cut, targets.projections),
        gain=table("projection", ablation.gain, targets.projections),
        silence=tuple(_units(text, targets)[0] for text in ablation.silence),
        spare=names("area", ablation.spare, tuple(targets.areas)),
        freeze=names("plastic projection", ablation.freeze, targets.plastic),
        clamp=table("modulator or area", ablation.clamp, (*targets.releases, *targets.areas)),
        drive=table("area", ablation.drive, tuple(targets.areas)),
        release=table("release", ablation.release, targets.releases),
        shuffle=names("sense", ablation.shuffle, targets.senses),
    )


def _units(text: str, targets: Targets) -> tuple[str, str, slice]:
    """Canonical text, area and units of `area` or `area[first:last]`."""
    area, _, units = text.strip().partition("[")
    area = pick("area", area, targets.areas)
    if not units:
        return area, area, slice(None)
    first, _, last = units.rstrip("]").partition(":")
    try:
        span = slice(int(first), int(last))
    except ValueError:
        raise ConfigError(f"cannot read the units of {text!r}; write {area}[first:last]") from None
    if not 0 <= span.start < span.stop <= targets.areas[area]:
        raise ConfigError(f"{text!r} is outside {area!r}, which has units 0 to {targets.areas[area] - 1}")
    return f"{area}[{span.start}:{span.stop}]", area, span


def compile_gates(
    arms: Sequence[Ablation], arm: Tensor, key: Tensor, targets: Targets, progress: Tensor | float = 0.0
) -> Gates:
    """The gates of individuals in `arm` (index into `arms`, int64 `[*B]`), `progress` `[*B]` of the run done.

    Gates that touch no individual are absent. Raises `UnknownName` or `ConfigError` for names that do not exist.
    """
    if arm.is_floating_point() or (arm.numel() and not 0 <= int(arm.min()) <= int(arm.max()) < len(arms)):
        raise ConfigError(f"arm holds indices outside 0 to {len(arms) - 1}; give int64 indices of the {len(arms)} arms")
    gates = Gates({}, {}, {}, {}, {}, {}, {}, {})
    when = torch.as_tensor(progress, dtype=torch.float64, device=arm.device).expand(arm.shape)
    for index, given in enumerate(arms):
        ablation = check(given, targets)
        chosen = (arm == index) & (when >= ablation.since)
        clamps = {n if n in targets.releases else spikes_of(n): value for n, value in ablation.clamp.items()}
        for table, entries in (
            (gates.gain, {**dict.fromkeys(ablation.cut, 0.0), **ablation.gain}),
            (gates.plastic, dict.fromkeys(ablation.freeze, 0.0)),
            (gates.drive, ablation.drive),
            (gates.release, ablation.release),
            (gates.keep, dict.fromkeys(clamps, 0.0)),
            (gates.value, clamps),
            (gates.shuffle, dict.fromkeys(ablation.shuffle, 1.0)),
        ):
            for name, value in entries.items():
                neutral = 0.0 if table is gates.shuffle or table is gates.value else 1.0
                before = table.get(name, torch.full(arm.shape, neutral, device=arm.device))
                table[name] = torch.where(chosen, value, before)
        _silence(gates, ablation, chosen, key, targets)
    return gates


def _silence(gates: Gates, ablation: Ablation, chosen: Tensor, key: Tensor, targets: Targets) -> None:
    """Add the silenced units of one arm to `gates.alive`."""

    def alive(area: str) -> Tensor:
        if area not in gates.alive:
            gates.alive[area] = torch.ones(*chosen.shape, targets.areas[area], device=chosen.device)
        return gates.alive[area]

    for text in ablation.silence:
        _, area, units = _units(text, targets)
        gate = alive(area).clone()
        gate[..., units] = torch.where(chosen[..., None], 0.0, gate[..., units])
        gates.alive[area] = gate
    if ablation.silence_random:
        pool = {name: n for name, n in targets.areas.items() if name not in ablation.spare}
        if ablation.silence_random > sum(pool.values()):
            raise ConfigError(f"arm {ablation.name!r} silences more units than the {sum(pool.values())} that it may")
        draws = rng.uniform(key, f"ablation/{ablation.name}", 0, sum(pool.values()))
        ranks = draws.argsort(dim=-1, stable=True).argsort(dim=-1)
        hit = (ranks < ablation.silence_random) & chosen[..., None]
        for (area, _), part in zip(pool.items(), hit.split(list(pool.values()), dim=-1), strict=True):
            gates.alive[area] = torch.where(part, 0.0, alive(area))
