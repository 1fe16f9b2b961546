"""The trials of the rubber-hand illusion: what is learned, what is felt and seen, where the hand is taken to be."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng, tree
from bisnn.experiments.trials import Batch
from bisnn.gates import NO_GATES, Gates
from bisnn.systems.hand_ownership import AREAS, HandOwnership, Learned

AT_ONCE = 60_000
"""Units that are simulated at once: so many stay in the cache."""


def learned(batch: Batch, model: HandOwnership) -> tuple[Learned, Learned]:
    """What every individual has learned `[N, n]`, and what an intact one has `[1, n]`.

    Learning is without noise, so it depends on the arm alone: one individual of each arm learns for all.
    """
    arms, arm = torch.unique(batch.condition, return_inverse=True)
    first = torch.stack([(arm == i).nonzero()[0, 0] for i in range(len(arms))])
    whole = batch.gates if batch.settings.lesion_at == "birth" else NO_GATES._replace(plastic=batch.gates.plastic)
    gates: Gates = tree.map(lambda gate: torch.cat((gate[first], torch.ones_like(gate[:1]))), whole)
    weights = model.init(torch.zeros(len(arms) + 1, dtype=torch.int64, device=batch.key.device))
    for trial in range(batch.settings.episodes):
        weights = model.learn(weights, gates)
        batch.report(0.5 * (trial + 1) / batch.settings.episodes)
    return tree.map(lambda leaf: leaf[arm], weights), tree.map(lambda leaf: leaf[-1:], weights)


class Scene(NamedTuple):
    """Test trials: where the hand is felt and seen, and how late; `[N, trials]` each."""

    felt: Tensor
    seen: Tensor
    delay: Tensor


def scene(key: Tensor, model: HandOwnership, offset: Tensor, delay: Tensor, noise: float) -> Scene:
    """The trials of individuals `key` `[N]` at offsets `[trials]`, vision `delay` `[N, trials]` late."""
    trials = len(offset)
    error = rng.uniforms(key, 0, {f"rubber-hand/{sense}": trials for sense in ("felt", "seen")})
    felt, seen = ((error[f"rubber-hand/{sense}"] * 2.0 - 1.0) * noise for sense in ("felt", "seen"))
    return Scene(felt + model.centre, seen + (model.centre + offset), delay)


def estimates(model: HandOwnership, weights: Learned, scenes: Scene, gates: Gates = NO_GATES) -> Tensor:
    """Where the hand is taken to be in every trial `[N, trials]`."""
    count, size = scenes.felt.shape[0], max(1, AT_ONCE // (scenes.felt.shape[1] * model.n))
    parts = []
    for start in range(0, count, size):
        who = torch.arange(start, min(start + size, count), device=scenes.felt.device)
        own: Gates = tree.take(gates, who).over_trials()
        mine = Learned(*(leaf[who, None] for leaf in weights))
        felt, seen, delay = (part[who] for part in scenes)
        parts.append(model.perceive(mine, felt, seen, delay, own).estimate)
    return torch.cat(parts)


def recordings(
    batch: Batch, model: HandOwnership, weights: Learned, intact: Learned, given: Scene
) -> dict[str, Tensor]:
    """Of the recorded: all areas in the trial of the largest offset, and, intact, the drift on further maps."""
    who, settings = batch.recorded, batch.settings
    if not len(who):
        return {}
    largest = max(range(len(settings.offsets)), key=lambda i: settings.offsets[i])
    shown = Scene(*(part[who, largest] for part in given))
    last = model.steps + settings.vision_delay + settings.asynchrony
    seen = model.perceive(tree.take(weights, who), *shown, tree.take(batch.gates, who), last=last, trace=True)
    found = {f"rate.{area}": seen.trace[area].to(torch.float32) for area in AREAS}
    found |= {
        "estimate": seen.estimate,
        "delay": shown.delay,
        "offset": torch.full_like(who, settings.offsets[largest]),
    }
    for size in settings.maps:
        wide, key = HandOwnership(n=size), batch.key[who]
        known = Learned(*(leaf[:, :1].expand(len(who), size) for leaf in intact))
        offset = torch.arange(-wide.centre, wide.centre + 1, device=key.device)
        late = torch.full((len(who), size), settings.vision_delay, device=key.device)
        found[f"map.{size}"] = estimates(wide, known, scene(key, wide, offset, late, settings.noise)) - wide.centre
        if size == settings.maps[0]:
            found["lags"] = lags(wide, known, key, settings.delays, settings.noise)
    return found


def lags(model: HandOwnership, known: Learned, key: Tensor, delays: tuple[int, ...], noise: float) -> Tensor:
    """Drift `[R, offsets, delays]` of intact individuals at the offsets from 1 to 6 and every delay."""
    offset = torch.arange(1, min(6, model.centre) + 1, device=key.device)
    delay = torch.tensor(delays, device=key.device)
    grid = offset.repeat_interleave(len(delay)), delay.repeat(len(offset)).expand(len(key), -1)
    drift = estimates(model, known, scene(key, model, *grid, noise)) - model.centre
    return drift.reshape(len(key), len(offset), len(delay))
