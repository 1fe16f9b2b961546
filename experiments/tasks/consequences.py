"""A small world of consequences: in each scene, acts of the self, of another and of nature harm, change, or do nothing.

    effect of an act: drawn for every individual, actor and scene; a third of the acts harm, a third bring about a
    change that harms nobody, a third do nothing.    harm = any act of those done harms;   change likewise
    `hold`: an own act that stops the other's hand; the other's act then has no effect

The outcome is the same percept whoever caused it. While an individual babbles, scene and acts are drawn independently
of each other, each actor does nothing in some trials, and no act cancels the effect of another but `hold`: so each
effect can be told from the others (positivity, no confounding). Half of the triples of acts in a scene, drawn for every
individual, never come up in babbling; a trial that would bring one is drawn again. All trials of attribution are made
of these.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.systems.self_causation import ACTORS, Scene

NOTHING, HARM, CHANGE = 0, 1, 2
"""Effects of an act."""
OWN, OTHER, NATURE = 1, 2, 4
"""Actors as bits of a set."""
ACTIVE, OWN_ACTIVE, HOLDS = 0.5, 0.4, 0.4
"""Probabilities in a trial of babbling that the other acts (or nature), that the self acts, and that it holds."""
REDRAWS = 4
"""How often a trial of babbling is drawn until it brings no triple that is kept for the test; then all stand still."""


class World(NamedTuple):
    """The consequences of one individual's world."""

    effect: Tensor  # int64 [*B, 3, contexts, acts] NOTHING, HARM or CHANGE of the acts of each actor
    kept: Tensor  # bool [*B, contexts, acts, acts, acts] triples (own, other, nature) kept for the test


class Kind(NamedTuple):
    """A kind of test trial: who harms, and who brings about a change; the rest is free, or does nothing at all."""

    name: str
    harms: int  # set of actors, as bits
    changes: int | None = None  # set of actors; None: any of those who do not harm
    still: bool = False  # whether the self stands still


KINDS = (
    Kind("self", OWN),
    Kind("other", OTHER),
    Kind("nature", NATURE),
    Kind("self+other", OWN | OTHER),
    Kind("self+nature", OWN | NATURE),
    Kind("other+nature", OTHER | NATURE),
    Kind("all", OWN | OTHER | NATURE),
    Kind("nobody", 0, 0),
    Kind("change: self", 0, OWN),
    Kind("change: other", 0, OTHER),
    Kind("change: nature", 0, NATURE),
    Kind("bystander: other", OTHER, still=True),
    Kind("bystander: nature", NATURE, still=True),
    Kind("permitted", 0, OTHER, still=True),
)
"""Kinds of test trials. In the last the other brings about a harmless change, which the self could hold back."""
PERMITTED = len(KINDS) - 1
SCHEDULE = (0, 1, 2, 3, 8, 0, 1, 2, 4, 9, 0, 1, 2, 5, 10, 11, 12, 6, 13, 7)
"""Kinds of twenty successive test trials: nine harms with one cause (three of each), four with several, three harmless
changes with one cause, two harms while the self stands still, one permitted change, one trial without any effect."""


def draw(key: Tensor, contexts: int, acts: int) -> World:
    """The world of individuals `key` int64 `[*B]`: two of six acts harm, two change, the rest do nothing."""
    shape = (*key.shape, len(ACTORS), contexts, acts)
    noise = rng.uniform(key, "consequences/effect", 0, len(ACTORS) * contexts * acts).reshape(shape)
    rank = noise.argsort(dim=-1, stable=True).argsort(dim=-1, stable=True)
    third = acts // 3
    effect = torch.where(rank < third, HARM, torch.where(rank < 2 * third, CHANGE, NOTHING))
    kept = rng.uniform(key, "consequences/kept", 0, contexts * acts**3) < 0.5
    return World(effect, kept.reshape(*key.shape, contexts, acts, acts, acts))


def _pick(noise: Tensor, chance: float, n: int) -> Tensor:
    """An act from 0 to n - 1 with probability `chance`, else -1; `noise` uniform."""
    return torch.where(noise < chance, (noise * (n / chance)).to(torch.int64).clamp(max=n - 1), -1)


def _is_kept(world: World, scene: Scene) -> Tensor:
    """Whether all three act, and this triple is kept for the test, bool `[*B]`."""
    contexts, acts = world.kept.shape[-4], world.kept.shape[-1]
    whole = (scene.own >= 0) & (scene.own < acts) & (scene.other >= 0) & (scene.nature >= 0)
    own, other, nature = (index.clamp(0, acts - 1) for index in scene[1:])
    place = ((scene.context * acts + own) * acts + other) * acts + nature
    found = world.kept.reshape(*scene.context.shape, contexts * acts**3).gather(-1, place[..., None])[..., 0]
    return found & whole


def babbling(world: World, key: Tensor, trial: Tensor | int, confounded: Tensor) -> Scene:
    """What happens in a trial of babbling, `[*B]` (so are `key`, `trial` and the individuals of `world`). Where
    `confounded` (bool `[*B]`) the own act always comes with the natural event of the same number, and never without."""
    contexts, acts = world.kept.shape[-4], world.kept.shape[-1]
    noise = rng.uniform(key, "consequences/babbling", trial, 4 * REDRAWS).unflatten(-1, (REDRAWS, 4))
    still = torch.full_like(key, -1)
    scene = Scene(_pick(noise[..., 0, 0], 1.0, contexts), still, still, still)
    found = torch.zeros_like(confounded)
    for draw_number in range(REDRAWS):
        first, second, third, fourth = noise[..., draw_number, :].unbind(-1)
        nature = _pick(fourth, ACTIVE, acts)
        own = torch.where(second < 1.0 - HOLDS, _pick(second, OWN_ACTIVE, acts), acts)
        own = torch.where(confounded, nature, own)
        new = Scene(_pick(first, 1.0, contexts), own, _pick(third, ACTIVE, acts), nature)
        good = ~found & ~_is_kept(world, new)
        scene = Scene(*(torch.where(good, a, b) for a, b in zip(new, scene, strict=True)))
        found = found | good
    return scene


def effects(world: World, scene: Scene) -> Tensor:
    """What each actor's act brings about, int64 `[*B, 3]`."""
    acts = world.kept.shape[-1]
    found = []
    for actor, act in enumerate(scene[1:]):
        table = world.effect[..., actor, :, :].flatten(-2)
        there = (act >= 0) & (act < acts)
        place = scene.context * acts + act.clamp(0, acts - 1)
        effect = table.expand(*place.shape, table.shape[-1]).gather(-1, place[..., None])[..., 0]
        found.append(torch.where(there, effect, NOTHING))
    held = scene.own == acts
    found[1] = torch.where(held, NOTHING, found[1])
    return torch.stack(found, -1)


def outcome(effect: Tensor) -> Tensor:
    """Whether there is harm, and change, bool `[*B, 2]`, of the effects `[*B, 3]` of what was done."""
    return torch.stack([(effect == kind).any(-1) for kind in (HARM, CHANGE)], -1)


def trial_scenes(world: World, key: Tensor, trials: int) -> tuple[Scene, Tensor]:
    """Test trials of individuals `key` int64 `[N]`: scenes `[N, trials]` of triples that never came up in babbling,
    and their kinds int64 `[trials]`. Where the self stands still, its act of the triple is left out."""
    contexts, acts = world.kept.shape[-4], world.kept.shape[-1]
    kinds = torch.tensor(SCHEDULE, device=key.device).repeat(-(-trials // len(SCHEDULE)))[:trials]
    cells = torch.cartesian_prod(torch.arange(contexts), *[torch.arange(acts)] * 3).to(key.device)
    context, acted = cells[:, 0], cells[:, 1:]
    effect = torch.stack([world.effect[:, k][:, context, acted[:, k]] for k in range(3)], -1)  # [N, triples, 3]
    allowed = torch.stack([_allowed(world, effect, kind) for kind in KINDS], 1)  # [N, kinds, triples]
    chosen = []
    for trial in range(trials):
        noise = rng.uniform(key, "consequences/test", trial, len(cells))
        chosen.append(torch.where(allowed[:, SCHEDULE[trial % len(SCHEDULE)]], noise, -1.0).argmax(-1))
    place = torch.stack(chosen, -1)
    still = torch.tensor([kind.still for kind in KINDS], device=key.device)[kinds]
    own = torch.where(still, -1, acted[place, 0])
    return Scene(context[place], own, acted[place, 1], acted[place, 2]), kinds


def _allowed(world: World, effect: Tensor, kind: Kind) -> Tensor:
    """Triples of a kind that are kept for the test, bool `[N, triples]`."""
    found = world.kept.flatten(1)
    for actor in range(len(ACTORS)):
        mine, bit = effect[..., actor], 1 << actor
        found = found & ((mine == HARM) == bool(kind.harms & bit))
        if kind.changes is not None:
            found = found & ((mine == CHANGE) == bool(kind.changes & bit))
    return found


def misread(scene: Scene, key: Tensor, stream: str, trial: Tensor | int, noise: float, acts: int) -> Scene:
    """The scene as it is seen: with probability `noise` each, what the other did, and the natural sign, is taken for a
    draw from what they do in babbling. The own act is known."""
    drawn = rng.uniform(key, f"consequences/{stream}", trial, 4)
    seen = []
    for k, act in enumerate((scene.other, scene.nature)):
        seen.append(torch.where(drawn[..., 2 * k] < noise, _pick(drawn[..., 2 * k + 1], ACTIVE, acts), act))
    return Scene(scene.context, scene.own, *seen)
