"""Whose hand is this? Felt position drifts to a seen hand: by offset, lag, size of the map, and lesion.

Drift is the unit that the insula takes for the place of the hand, less the unit where the hand is (the centre of the
map). Every individual learns one hand that is seen where it is, then meets a seen hand at every offset, and at the
reference offset with every delay of vision. Recorded individuals are also tested, intact, on further maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field, ValidationInfo, field_validator

from bisnn import rng
from bisnn.experiments.base import Condition, Experiment, Settings, expected, subjects
from bisnn.experiments.figures.rubber_hand import FIGURES
from bisnn.experiments.measures import Columns, Measure, summary, table
from bisnn.experiments.ranges import Whole
from bisnn.experiments.statistics import summarise
from bisnn.experiments.tables import interval, number, p_value
from bisnn.experiments.tasks.rubber_hand import Scene, estimates, learned, recordings, scene
from bisnn.experiments.trials import Batch, Found, shown
from bisnn.interventions import INTACT, Ablation, Targets
from bisnn.systems.hand_ownership import PLASTIC, HandOwnership

PUBLISHED: Mapping[int, int] = {-4: -2, -3: -2, -2: -1, -1: -1, 0: 0, 1: 1, 2: 1, 3: 2, 4: 2}
"""Drift of the published model at every offset of its map of 9 positions, vision directly after proprioception."""
LONGEST = 1000
"""Largest delay, steps."""


class RubberHand(Settings):
    """Configuration of rubber-hand."""

    episodes: int = Field(default=25, ge=1, le=1000)
    """Training trials of every individual at each position of the map."""
    map_size: int = Field(default=9, ge=5, le=99)
    """Positions of the map; odd. The true hand is at the centre."""
    offsets: Whole = Field(default=tuple(range(-4, 5)), min_length=1, validate_default=True)
    """Seen hand minus true hand, units of the map: a list, or FIRST:LAST."""
    vision_delay: int = Field(default=0, ge=0, le=LONGEST)
    """How much later than published vision sets in, steps."""
    asynchrony: int = Field(default=200, ge=0, le=LONGEST)
    """Further delay of vision in the arm `asynchronous`, steps."""
    delays: Whole = Field(default=tuple(range(0, 201, 4)), min_length=1)
    """Delays of vision at which the temporal window is measured, steps; the window needs their whole range."""
    window_offset: int = Field(default=2, validate_default=True)
    """Offset at which the temporal window is measured, units of the map."""
    maps: Whole = (19, 37)
    """Further map sizes on which recorded individuals are tested, intact, at every offset; odd."""
    noise: float = Field(default=0.05, ge=0.0, le=10.0, allow_inf_nan=False)
    """By how much each sense may err about the place of the hand in a test trial, either way, units of the map."""
    lesion_at: Literal["test", "birth"] = "test"
    """Whether ablations come after learning, or act from the first training trial; what is frozen never learns."""

    @field_validator("map_size", "maps")
    @classmethod
    def _odd(cls, value: Any) -> Any:
        for size in (value,) if isinstance(value, int) else value:
            if size % 2 == 0 or not 5 <= size <= 99:
                raise ValueError(f"a map of {size} positions; give an odd number from 5 to 99, so that it has a centre")
        return value

    @field_validator("offsets", "window_offset")
    @classmethod
    def _inside(cls, value: Any, info: ValidationInfo) -> Any:
        size = info.data.get("map_size")
        reach = 0 if size is None else size // 2
        for offset in (value,) if isinstance(value, int) else value:
            if size is not None and abs(offset) > reach:
                raise ValueError(
                    f"offset {offset} leaves the map: with {size} positions and the true hand at the centre, offsets "
                    f"go from {-reach} to {reach}; choose among these, or a larger map"
                )
        if value == 0 and info.field_name == "window_offset":
            raise ValueError("at offset 0 nothing can drift; give another offset")
        return value

    @field_validator("delays")
    @classmethod
    def _late(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        for delay in value:
            if not 0 <= delay <= LONGEST:
                raise ValueError(f"a delay of {delay} steps; give whole numbers from 0 to {LONGEST}")
        return value


ARMS = (
    INTACT,
    Ablation(
        name="asynchronous",
        expect="Vision lags so far behind that the two senses no longer meet: no drift.",
    ),
    Ablation(
        name="no_tpj",
        silence=("tpj",),
        expect="The senses have no place to meet: no drift at any offset.",
    ),
    Ablation(
        name="proprioception_only",
        drive={"v": 0.0},
        expect="Nothing is seen: the hand is where it is felt, no drift.",
    ),
    Ablation(
        name="vision_only",
        drive={"m1": 0.0},
        expect="Nothing is felt: the hand is where it is seen, drift equals the offset.",
    ),
    Ablation(
        name="no_learning",
        freeze=PLASTIC,
        expect="Both senses reach the insula with weight 1: drift, but not the published one.",
    ),
    Ablation(
        name="shuffled_vision",
        shuffle=("vision",),
        expect="Negative control: the hand is seen anywhere, so drift does not follow the offset.",
    ),
)  # fmt: skip
"""The arms, and what each should do, written before the run."""


def conditions(settings: RubberHand) -> tuple[Condition, ...]:
    """The arms that the settings name."""
    return subjects(ARMS, settings, traits={"asynchronous": {"lag": float(settings.asynchrony)}})


def targets(settings: RubberHand) -> Targets:
    """What ablations can name."""
    return HandOwnership(n=settings.map_size).targets


def trials(batch: Batch) -> Found:
    """Learning, then a seen hand at every offset and at every delay."""
    settings: RubberHand = batch.settings
    model, device = HandOwnership(n=settings.map_size), batch.key.device
    weights, intact = learned(batch, model)
    count = len(settings.offsets)
    offset = torch.tensor([*settings.offsets, *(settings.window_offset,) * len(settings.delays)], device=device)
    late = torch.tensor([*(settings.vision_delay,) * count, *settings.delays], device=device)
    delay = late + batch.trait("lag", 0.0).long()[:, None]
    given = scene(batch.key, model, offset, delay, settings.noise)
    anywhere = rng.uniforms(batch.key, 0, {f"rubber-hand/shuffled {s}": len(offset) for s in ("felt", "seen")})
    places = {name: (draw * model.n).floor() for name, draw in anywhere.items()}
    felt = batch.gates.shuffled("proprioception", given.felt, places["rubber-hand/shuffled felt"])
    seen = batch.gates.shuffled("vision", given.seen, places["rubber-hand/shuffled seen"])
    given = Scene(felt, seen, delay)
    parts = (Scene(*(p[:, :count] for p in given)), Scene(*(p[:, count:] for p in given)))  # the second lasts longer
    estimate = torch.cat([estimates(model, weights, part, batch.gates) for part in parts], 1)
    drift, like = estimate - model.centre, torch.ones_like(estimate)
    signed = torch.where(offset == 0, torch.nan, drift / offset)
    known = torch.tensor([PUBLISHED.get(k, torch.nan) for k in offset.tolist()], device=device)
    columns = {
        "offset": like.nan_to_num(1.0) * offset,
        "delay": delay,
        "by_offset": (torch.arange(len(offset), device=device) < count).expand(delay.shape),
        "felt": given.felt,
        "seen": given.seen,
        "estimate": estimate,
        "drift": drift,
        "capture": signed,
        "moved": torch.where(signed.isnan(), torch.nan, (signed > 0).to(drift)),
        "published": torch.where((known + drift).isnan(), torch.nan, (drift == known).to(drift)),
        **{
            name: weight[:, model.centre, None].to(drift).expand(delay.shape)
            for name, weight in zip(PLASTIC, weights, strict=True)
        },
    }
    kept = {name: weight.to(torch.float32) for name, weight in zip(PLASTIC, weights, strict=True)}
    return Found(columns, kept, recordings(batch, model, weights, intact, given))


MEASURES = {
    "capture": Measure("capture", among="by_offset", whole=True),  # drift as a share of the offset
    "moved": Measure("moved", among="by_offset", whole=True),  # trials with drift towards the seen hand
    "published": Measure("published", among="by_offset", whole=True),  # trials with the drift of the published model
}
PRIMARY = ("capture",)
HALF = 0.5
"""Share of individuals from which an offset or a delay counts as one that moves the estimate."""


def profile(episodes: Columns, arm: str, column: str, by_offset: bool) -> list[dict[str, Any]]:
    """Drift of an arm at every offset, or at every delay of the window: mean, sd, share that moved."""
    tables = {name: table(episodes, name)[arm] for name in (column, "drift", "moved", "by_offset")}
    found = []
    for trial in np.flatnonzero(tables["by_offset"][0] == by_offset):
        drift, moved = summarise(tables["drift"][:, trial]), summarise(tables["moved"][:, trial])
        value = int(tables[column][0, trial])
        told: dict[str, Any] = {k: drift[k] for k in ("mean", "sd", "ci95", "n", "note") if k in drift}
        found.append({column: value} | told | {"moved": moved["mean"]})
    return found


def reach(entries: list[dict[str, Any]], column: str) -> dict[str, int | None]:
    """The largest offset or delay, either way, at which half of the individuals drift, the largest below which all
    that were tested do, and the first beyond the largest at which they do not; None where there is none."""
    moved: dict[int, list[float]] = {}
    for entry in entries:
        if entry["moved"] is not None:
            moved.setdefault(abs(entry[column]), []).append(entry["moved"])
    held = {size: float(np.mean(shares)) >= HALF for size, shares in sorted(moved.items())}
    largest = max((size for size, drifts in held.items() if drifts), default=None)
    lost = next((size for size, drifts in held.items() if not drifts), None)
    unbroken = max((size for size, drifts in held.items() if drifts and (lost is None or size < lost)), default=None)
    beyond = next((size for size, drifts in held.items() if not drifts and (largest is None or size > largest)), None)
    return {"largest": largest, "unbroken": unbroken, "none_from": beyond}


def analyse(episodes: Columns, settings: RubberHand) -> dict[str, Any]:
    """Drift by offset and by delay, where each ends, and the arms against intact."""
    arms, head = list(table(episodes, "drift")), shown(settings)
    offsets = {arm: profile(episodes, arm, "offset", True) for arm in arms}
    delays = {arm: profile(episodes, arm, "delay", False) for arm in arms}
    segregation, window = reach(offsets[head], "offset"), reach(delays[head], "delay")
    side, size = settings.map_size // 2, settings.map_size
    return {
        "drift": [{name: entry[name] for name in ("offset", "mean", "sd")} for entry in offsets[head]],
        "arm": head,
        "segregation": segregation["largest"],
        "window": window["largest"],
        "segregation_range": segregation,
        "window_range": {**window, "offset": settings.window_offset},
        "learned": {name: summarise(table(episodes, name)[head][:, 0]) for name in PLASTIC},
        **summary(episodes, measures=MEASURES, primary=PRIMARY),
        "chance": {"capture": 0.0, "moved": side / size, "published": 1.0 / size},
        "expected": expected(conditions(settings)),
        "by_offset": offsets,
        "by_delay": delays,
    }


def rows(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Arms with their drift at every offset, and capture against intact; the last row is chance."""
    first = next(iter(summary["by_offset"].values()))
    listed = f"drift at offsets {first[0]['offset']} ... {first[-1]['offset']}"
    header = ["arm", listed, "capture [95 %]", "moved", "− intact [95 %]", "p (Holm)"]
    found = []
    for arm, measured in summary["arms"].items():
        drift = " ".join(
            "–" if entry["mean"] is None else f"{entry['mean']:.3g}" for entry in summary["by_offset"][arm]
        )
        against = summary["comparisons"].get(arm, {}).get("capture")
        difference = "" if against is None else interval({"mean": against["difference"], "ci95": against["ci95"]})
        p = "" if against is None else p_value(against["p_holm"])
        found.append([arm, drift, interval(measured["capture"]), number(measured["moved"]["mean"]), difference, p])
    chance = summary["chance"]
    return header, [*found, ["chance", "0", number(chance["capture"]), number(chance["moved"]), "", ""]]


EXPERIMENT = Experiment(
    name="rubber-hand",
    question="Where is my hand: how far does the felt hand drift to a seen one, and what does it take?",
    reference="doi:10.1016/j.patter.2023.100888; arXiv:2303.12259",
    settings=RubberHand,
    conditions=conditions,
    trials=trials,
    targets=targets,
    measures=MEASURES,
    analyse=analyse,
    figures=FIGURES,
    table=rows,
)
