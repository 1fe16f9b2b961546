"""Lives in a body that changes: what is felt movement by movement, and when the error is back at its baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bisnn.circuit import CircuitState
from bisnn.experiments.measures import Columns, table
from bisnn.gates import NO_GATES, Gates
from bisnn.systems.body import INTENDED
from bisnn.systems.forward_model import ForwardModel

Floats = NDArray[np.float64]
CHANGES = ("none", "permute", "lesion", "tool")
"""What can happen to the body; none: nothing, the control."""
QUARTER = (2, 3, 1, 0)
"""Permutation: every action moves as the one a quarter turn clockwise of it."""
LESIONED = 2
"""The action that a lesion takes away."""
WINDOW = 20
"""Movements over which an error is averaged, before it is called back at its baseline."""
BASELINE = 40
"""Movements from which a baseline is taken."""
BAND = 1.1
"""Error that counts as recovered, in multiples of the baseline."""
LEAST = 1.0
"""Spikes per movement that count as recovered in any case (without noise, the baseline is 0)."""


class Course(NamedTuple):
    """What was felt over movements."""

    error: Tensor  # [N, bodies, movements] spikes of both error areas
    felt: Tensor  # [N, bodies, movements]
    missing: Tensor  # [N, bodies, movements]
    mismatch: Tensor  # [N, bodies, movements] |predicted - driven|, counted outside of the error areas and the senses
    sensed: Tensor  # [N, bodies, movements]


def effects(bodies: tuple[str, ...], device: torch.device | str = "cpu") -> Tensor:
    """The displacement (dx, dy) of every action in every body, `[bodies, actions, 2]`, grid cells."""
    usual = torch.tensor(INTENDED, device=device)
    lesioned = usual.clone()
    lesioned[LESIONED] = 0.0
    every = {"none": usual, "permute": usual[list(QUARTER)], "lesion": lesioned, "tool": usual * 2.0}
    return torch.stack([every[name] for name in bodies])


def live(
    body: ForwardModel,
    state: CircuitState,
    key: Tensor,
    moves: Tensor,
    span: tuple[int, int],
    noise: float,
    gates: Gates = NO_GATES,
) -> tuple[CircuitState, Course]:
    """Movements `span[0]` to `span[1]` of a life with learning, for individuals `[N, bodies]` with `key` `[N]`.

    `moves` `[bodies, actions, 2]`: what actions do. Commands and lost spikes depend on the seed and the number of the
    movement alone, so all copies of an individual meet the same.
    """
    commands = body.rounds(key, "body-schema/commands", span[1])
    parts: list[Course] = []
    for number_ in range(*span):
        action = commands[:, number_, None].expand(-1, len(moves))
        arrived = body.arrived(key, "body-schema/sense", torch.full_like(key, number_), noise)
        moved = moves[torch.arange(len(moves), device=key.device), action]
        sensed = body.sensed(moved, arrived[:, None])
        found, state, _ = body.move(state, action, sensed, gates)
        parts.append(Course(found.error, found.felt, found.missing, found.mismatch, found.sensed))
    return state, Course(*(torch.stack(part, -1) for part in zip(*parts, strict=True)))


class Felt(NamedTuple):
    """What one arm felt in one body, over all its movements."""

    error: Floats  # [seeds, movements] error spikes
    mismatch: Floats  # [seeds, movements] |predicted - driven|
    native: Floats  # [seeds] error spikes of the twin that was born with the body
    native_mismatch: Floats  # [seeds]
    usual: Floats  # [seeds] error spikes of the twin in the usual body
    usual_mismatch: Floats  # [seeds]


def by_body(episodes: Columns, bodies: Sequence[str]) -> dict[str, dict[str, Felt]]:
    """Change -> arm -> what was felt, of the rows of a run."""
    names = ("error", "mismatch", "native_error", "native_mismatch")
    columns = {name: table(episodes, name) for name in names}
    found: dict[str, dict[str, Felt]] = {}
    for arm, rows in columns["error"].items():
        shape = (len(rows), len(bodies), -1)
        error, mismatch, native, other = (columns[name][arm].reshape(shape) for name in names)
        for i, body in enumerate(bodies):
            twins = (native[:, i, 0], other[:, i, 0], native[:, 0, 0], other[:, 0, 0])
            found.setdefault(body, {})[arm] = Felt(error[:, i], mismatch[:, i], *twins)
    return found


def recovery(error: Floats, baseline: Floats, mismatch: Floats, other: Floats) -> Floats:
    """Movements `[seeds]` after which error and mismatch `[seeds, T]` are back: the end of the first `WINDOW` in which
    the mean of each is at most `BAND` times its baseline `[seeds]` (or `LEAST` spikes); NaN where they never are.

    The mismatch is counted outside of the error areas and of the senses, so that silencing these is no recovery.
    """
    back = np.ones(1, dtype=bool)
    for values, base in ((error, baseline), (mismatch, other)):
        means = np.lib.stride_tricks.sliding_window_view(values, WINDOW, axis=-1).mean(-1)
        back = back & (means <= np.maximum(BAND * base, LEAST)[:, None])
    return np.where(back.any(-1), back.argmax(-1) + float(WINDOW), np.nan)


def scored(felt: Felt, born: int, end: int) -> dict[str, Floats]:
    """The measures of one arm in one body, each `[seeds]`, of a change at movement `born` that is undone at `end`.

    Jumps: mean of the first round (every action once) less the mean before; `left`: end of the changed time, in
    multiples of the baseline of the twin that was born with the body.
    """
    rounds = len(INTENDED)
    before, late = slice(born - BASELINE, born), slice(end - BASELINE, end)
    first, again = slice(born, born + rounds), slice(end, end + rounds)
    error, mismatch = felt.error, felt.mismatch
    actions = recovery(error[:, born:end], felt.native, mismatch[:, born:end], felt.native_mismatch)
    back = recovery(error[:, end:], felt.usual, mismatch[:, end:], felt.usual_mismatch)
    return {
        "before": error[:, before].mean(1),
        "jump": error[:, first].mean(1) - error[:, before].mean(1),
        "jump_mismatch": mismatch[:, first].mean(1) - mismatch[:, before].mean(1),
        "actions": actions,
        "recovered": np.isfinite(actions).astype(np.float64),
        "left": error[:, late].mean(1) / np.maximum(felt.native, LEAST),
        "left_mismatch": mismatch[:, late].mean(1) / np.maximum(felt.native_mismatch, LEAST),
        "aftereffect": error[:, again].mean(1) - error[:, late].mean(1),
        "back": back,
        "returned": np.isfinite(back).astype(np.float64),
    }
