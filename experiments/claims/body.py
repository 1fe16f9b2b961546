"""Claims P1 to P3: pain is the error of the body's own prediction, learned in ten epochs, and graded.

    PE = actual displacement - predicted displacement;   squared error = vertices (pixels PE)^2

Feng, Zeng, Lu (2022) doi:10.3389/fncom.2022.784967 (values of the squared error); Feng, Zeng (2022)
doi:10.3389/fnbot.2022.1025338 (pain cells and latencies of the released network).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bisnn.agents.dilemmas.rooms import SelfPainRoom
from bisnn.experiments.claims.base import Claim
from bisnn.systems.body import INTENDED, Body, squared_error
from bisnn.systems.body_latency import brp_snn

AFFECT = "Feng, Zeng, Lu (2022) Front. Comput. Neurosci., doi:10.3389/fncom.2022.784967"
PAIN = "Feng, Zeng (2022) Front. Neurorobot., doi:10.3389/fnbot.2022.1025338"


def share(what: Tensor) -> float:
    """The fraction of true values; nan where there is none to count."""
    return float(what.double().mean())


def prediction_error(seeds: int = 20) -> Mapping[str, float]:
    """P1: two visits to the room of self-pain. Pain is there in injured steps of its own alone, from the step after the
    hazard until the relief, and the squared error is one of the three values of the reference."""
    room, body, key = SelfPainRoom(), Body(), torch.arange(seeds)
    state = body.babble(body.init(key))
    walker, moves, errors = room.reset(key), [], []
    for _ in range(2 * (room.horizon + 1)):
        walker, move = room.step(key, walker)
        passive = move.blocked | move.carried | move.started
        feeling, _ = body.feel(state, move.action, passive, move.actual.to(torch.float32))
        moves.append(move)
        errors.append(squared_error(feeling.mismatch))
    error = torch.stack(errors)
    injured = torch.stack([move.injured & ~move.carried for move in moves])
    own = torch.stack([~(move.carried | move.started) for move in moves])
    hurt = torch.stack([move.hurt_now for move in moves])
    relieved = torch.stack([move.relieved_now for move in moves])
    painful = error[error > 0]
    return {
        "painless_uninjured": share(error[~injured] == 0),
        "painful_injured": share(error[injured & own] > 0),
        "onset_at_hazard": share(error[hurt] > 0),
        "onset_after": share(error[1:][hurt[:-1] & own[1:]] > 0),
        "left_at_relief": share(error[1:][relieved[:-1]] > 0),
        "smallest_px2": float(painful.min()),
        "largest_px2": float(painful.max()),
        "other_px2": share((painful != 8000.0) & (painful != 32000.0)),
    }


def body_model() -> Mapping[str, float]:
    """P2: the reference body after ten epochs: every pair of an action and a displacement, at four values of p."""
    found, latencies = {"uneven": 0.0, "match_most": 0.0, "detected_least": 12.0}, []
    for p in (0.25, 0.5, 0.75, 1.0):
        body, key = brp_snn(p), torch.arange(16)
        state = body.babble(body.init(key))
        pain, seen = body.feel(state, key // 4, torch.tensor(INTENDED)[key % 4])
        match = key // 4 == key % 4
        wrong = (seen["error.spikes"].sum(1) > 0).sum(-1)
        cells = pain.sum(-1)
        found[f"cells_p{p:g}"] = float(cells[~match].min())
        found["uneven"] = max(found["uneven"], float(cells[~match].max() - cells[~match].min()))
        found["match_most"] = max(found["match_most"], float(cells[match].max()))
        found["detected_least"] = min(found["detected_least"], float((wrong[~match] >= 1).sum()))
        latencies.append(seen["error.spikes"].sum(-1).nonzero()[:, 1])
    ticks = torch.cat(latencies)
    return found | {"first_latency": float(ticks.min()), "last_latency": float(ticks.max())}


def graded_injury() -> Mapping[str, float]:
    """P3: active pain cells at mismatches of 0 to 4 grid cells."""
    body = Body()
    state = body.babble(body.init(torch.arange(5)))
    moved = torch.tensor([[float(k), 0.0] for k in range(5)])
    feeling, _ = body.feel(state, torch.full((5,), 2), torch.ones(5, dtype=torch.bool), moved)
    cells = feeling.pain.sum(-1)
    return {"smallest_step": float(cells.diff().min()), "largest_step": float(cells.diff().max())}


MODEL = {"cells_p0.25": 3.0, "cells_p0.5": 6.0, "cells_p0.75": 9.0, "cells_p1": 12.0, "uneven": 0.0}
MODEL |= {"match_most": 0.0, "detected_least": 12.0, "first_latency": 24.0, "last_latency": 25.0}
FIRST = {"painless_uninjured": 1.0, "painful_injured": 1.0, "onset_at_hazard": 0.0, "onset_after": 1.0}
FIRST |= {"left_at_relief": 0.0, "smallest_px2": 8000.0, "largest_px2": 32000.0, "other_px2": 0.0}

CLAIMS = (
    Claim(
        name="body/P1",
        claim="Pain is prediction error: in no uninjured step, in every injured one, from hazard to relief.",
        source=AFFECT,
        expected=FIRST,
        tolerance={name: (value, value) for name, value in FIRST.items()},
        measure=prediction_error,
        seconds=6.0,
    ),
    Claim(
        name="body/P2",
        claim="Ten epochs teach the body model: 4 matching pairs give no pain, 12 mismatching ones 12 p pain cells.",
        source=PAIN,
        expected=MODEL,
        tolerance={name: (value, value) for name, value in MODEL.items()},
        measure=body_model,
        seconds=6.0,
    ),
    Claim(
        name="body/P3",
        claim="The number of active pain cells grows strictly with the mismatch: five for each grid cell.",
        source="beyond the source, whose pain is all or none: " + PAIN,
        expected={"smallest_step": 5.0, "largest_step": 5.0},
        tolerance={"smallest_step": (1.0, None)},
        measure=graded_injury,
    ),
)
