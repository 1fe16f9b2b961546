"""Does the body schema follow the body? Permuted or lesioned actions, a tool: error at once, recovery by learning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor

from bisnn import tree
from bisnn.experiments.base import Condition, Experiment, Settings, expected, subjects
from bisnn.experiments.figures.body_schema import FIGURES
from bisnn.experiments.measures import Measure, judge
from bisnn.experiments.tables import interval, number
from bisnn.experiments.tasks.body_schema import (
    BAND,
    BASELINE,
    CHANGES,
    LEAST,
    WINDOW,
    Course,
    by_body,
    effects,
    live,
    scored,
)
from bisnn.experiments.trials import Batch, Found, shown
from bisnn.gates import Gates
from bisnn.interventions import INTACT, Ablation, Targets
from bisnn.systems.body import INTENDED
from bisnn.systems.forward_model import LEARNED, TAUGHT, ForwardModel

EARLY = 12
"""Movements after the change at which weights are kept, to show learning half-way."""


class BodySchema(Settings):
    """Configuration of body-schema."""

    episodes: int = Field(default=160, ge=2 * WINDOW, le=100_000)
    """Movements of every individual after the change of its body."""
    change: tuple[Literal["permute", "lesion", "tool"], ...] = ("permute", "lesion", "tool")
    """What changes: actions a quarter turn off, one action that does nothing, or a reach of one cell further. Each is
    met by a copy of the same individual, and so is no change at all, the control."""
    development: int = Field(default=120, ge=BASELINE, le=100_000, multiple_of=len(INTENDED))
    """Movements before the change, in which the body is learned."""
    washout: int = Field(default=60, ge=WINDOW, le=100_000)
    """Movements after the change is taken back."""
    sensory_noise: float = Field(default=0.2, ge=0.0, le=1.0)
    """Probability that a sensory spike is lost."""

    @field_validator("change", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        given = (value,) if isinstance(value, str) else value
        if not isinstance(given, list | tuple):
            return given
        parts = [part.strip().lower() for item in given for part in str(item).split(",") if part.strip()]
        if not parts:
            raise ValueError("name a change: permute, lesion or tool")
        return tuple(dict.fromkeys(parts))

    @property
    def bodies(self) -> tuple[str, ...]:
        """The changes, the control first."""
        return ("none", *self.change)


ARMS = (
    INTACT,
    Ablation(
        name="no_plasticity",
        freeze=(LEARNED,),
        expect="Frozen from the change on: the error jumps and never returns.",
    ),
    Ablation(
        name="no_error",
        silence=("felt", "missing"),
        expect="Error areas silenced from the change on: no error spikes, so no learning; the mismatch stays.",
    ),
    Ablation(
        name="cannot_learn",
        cut=TAUGHT[:1],
        expect="Felt errors do not teach: a lesion is unlearned, a tool never learned; noise unlearns more.",
    ),
    Ablation(
        name="cannot_unlearn",
        cut=TAUGHT[1:],
        expect="Missing errors do not teach: a tool is learned, a lesion is never unlearned.",
    ),
    Ablation(
        name="slow_learning",
        expect="A quarter of the learning rate: recovers, but later; 160 movements may be too few.",
    ),
)
"""The arms, and what each should do, written before the run. They act from the change on: all have learned the body."""
TRAITS: Mapping[str, Mapping[str, float]] = {"slow_learning": {"plasticity": 0.25}}
"""Arms that differ by their learning rate."""


def conditions(settings: BodySchema) -> tuple[Condition, ...]:
    """The arms that the settings name."""
    return subjects(ARMS, settings, traits=TRAITS)


def model(settings: BodySchema) -> ForwardModel:
    """The forward model of the settings."""
    return ForwardModel(actions=len(INTENDED), backend=settings.backend)


def targets(settings: BodySchema) -> Targets:
    """What ablations can name."""
    return Targets.of((model(settings).circuit,))


def trials(batch: Batch) -> Found:
    """Development in every body; then the usual one changes; then the change is taken back."""
    settings: BodySchema = batch.settings
    body, born = model(settings), settings.development
    moves = effects(settings.bodies, str(batch.key.device))
    seeds, whose = batch.key.unique(return_inverse=True)
    newborn = body.init(seeds[:, None].expand(-1, len(moves)))
    grown, native = live(body, newborn, seeds, moves, (0, born), settings.sensory_noise)
    batch.report(0.2)
    adult = tree.map(lambda leaf: leaf[whose][:, :1].expand(-1, len(moves), *leaf.shape[2:]), grown)
    gates = acting(batch)
    ends = (born, born + min(EARLY, settings.episodes), born + settings.episodes)
    early, first = live(body, adult, batch.key, moves, ends[:2], settings.sensory_noise, gates)
    changed, rest = live(body, early, batch.key, moves, ends[1:], settings.sensory_noise, gates)
    batch.report(0.8)
    span, usual = (ends[2], ends[2] + settings.washout), moves[:1].expand_as(moves)
    reverted, back = live(body, changed, batch.key, usual, span, settings.sensory_noise, gates)
    before = Course(*(part[whose][:, :1].expand(-1, len(moves), -1) for part in native))
    course = Course(*(torch.cat(part, -1) for part in zip(before, first, rest, back, strict=True)))
    rows = {name: part.flatten(1) for name, part in course._asdict().items()}
    rows |= described(settings, course.error, Course(*(part[whose] for part in native)))
    states = {"before": adult, "early": early, "late": changed, "reverted": reverted}
    weights = {f"weight/{name}": one.weights[LEARNED][batch.recorded][..., : body.n] for name, one in states.items()}
    return Found(rows, {LEARNED: reverted.weights[LEARNED]}, weights)


def acting(batch: Batch) -> Gates:
    """The gates of the batch `[N, 1]`, with the learning rate of its traits."""
    wide = batch.gates.over_trials()
    rate = batch.trait("plasticity", 1.0)[:, None]
    if bool((rate == 1.0).all()):
        return wide
    return wide._replace(plastic={LEARNED: wide.plastic.get(LEARNED, torch.ones_like(rate)) * rate})


def described(settings: BodySchema, like: Tensor, native: Course) -> dict[str, Tensor]:
    """Columns that say what each row is, and the error and mismatch of the twin that was born with the body."""
    number_ = torch.arange(like.shape[-1], device=like.device) - settings.development
    index = torch.tensor([CHANGES.index(name) for name in settings.bodies], device=like.device)
    real, end = index[:, None] > 0, settings.episodes
    columns = {
        "change": index[:, None],
        "movement": number_,
        "phase": (number_ >= 0).long() + (number_ >= end).long(),
        "before": real & (number_ >= -BASELINE) & (number_ < 0),
        "first": real & (number_ >= 0) & (number_ < len(INTENDED)),
        "late": real & (number_ >= end - BASELINE) & (number_ < end),
        "native_error": native.error[..., -BASELINE:].mean(-1, keepdim=True),
        "native_mismatch": native.mismatch[..., -BASELINE:].mean(-1, keepdim=True),
    }
    return {name: column.expand_as(like).flatten(1) for name, column in columns.items()}


def analyse(episodes: Mapping[str, Any], settings: BodySchema) -> dict[str, Any]:
    """Jump, recovery and aftereffect of every change and arm; at the top those of the arm that is shown."""
    head, end = shown(settings), settings.development + settings.episodes
    measures: dict[str, dict[str, Any]] = {}
    for body, arms in by_body(episodes, settings.bodies).items():
        for arm, felt in arms.items():
            for name, values in scored(felt, settings.development, end).items():
                measures.setdefault(f"{name}_{body}", {})[arm] = values
    primary = tuple(f"{name}_{body}" for name in ("recovered", "left_mismatch") for body in settings.change)
    found = judge(measures, primary)
    arm = found["arms"][head]

    def listed(*names: str) -> list[dict[str, Any]]:
        return [{"change": body, **{name: arm[f"{name}_{body}"] for name in names}} for body in settings.bodies]

    return {
        "recovery": listed("actions", "recovered", "left", "left_mismatch"),
        "jump": listed("before", "jump", "jump_mismatch"),
        "aftereffect": listed("aftereffect", "back", "returned"),
        **found,
        "criterion": {"window": WINDOW, "baseline": BASELINE, "band": BAND, "least_spikes": LEAST},
        "chance": {
            f"{name}_{body}": value
            for name, value in (("jump", 0.0), ("left", 1.0), ("left_mismatch", 1.0), ("aftereffect", 0.0))
            for body in settings.bodies
        },
        "expected": expected(conditions(settings)),
    }


def closing(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Arms and changes: the jump of the error, the movements until it is back, what is left."""
    header = [
        "arm",
        "change",
        "error before",
        "jump, spikes",
        "movements to recover [95 %]",
        "recovered",
        "left, × twin",
    ]
    rows = []
    for arm, found in summary["arms"].items():
        for body in (entry["change"] for entry in summary["recovery"]):
            rows.append(
                [
                    arm,
                    body,
                    number(found[f"before_{body}"]["mean"], 1),
                    number(found[f"jump_{body}"]["mean"], 1),
                    interval(found[f"actions_{body}"], 0),
                    f"{found[f'recovered_{body}']['mean']:.0%}",
                    interval(found[f"left_mismatch_{body}"]),
                ]
            )
    return header, rows


MEASURES: Mapping[str, Measure] = {
    "error_before": Measure("error", among="before", whole=True),
    "error_first": Measure("error", among="first", whole=True),
    "error_late": Measure("error", among="late", whole=True),
    "mismatch_late": Measure("mismatch", among="late", whole=True),
}
"""What can be read from the rows alone, all changes but the control together."""


EXPERIMENT = Experiment(
    name="body-schema",
    question="Does a forward model notice at once that its body has changed, and learn the new one?",
    reference="doi:10.1126/science.7569931; doi:10.1523/JNEUROSCI.14-05-03208.1994; doi:10.1016/j.tics.2003.12.008",
    settings=BodySchema,
    conditions=conditions,
    trials=trials,
    targets=targets,
    measures=MEASURES,
    analyse=analyse,
    figures=FIGURES,
    table=closing,
)
