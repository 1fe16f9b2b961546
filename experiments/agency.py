"""Did I do that? Identical motion, self-caused or external, told apart by the spikes of a forward model's errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor

from bisnn.circuit import CircuitState
from bisnn.experiments.base import Condition, Experiment, Settings, expected, subjects
from bisnn.experiments.figures.agency import FIGURES
from bisnn.experiments.measures import Measure, judge, table
from bisnn.experiments.ranges import Numbers
from bisnn.experiments.scores import auroc
from bisnn.experiments.statistics import summarise
from bisnn.experiments.tables import interval, number, p_value
from bisnn.experiments.tasks.agency import BLOCK, Noise, Trials, babble, draw, met
from bisnn.experiments.trials import Batch, Found, shown
from bisnn.interventions import INTACT, Ablation, Targets
from bisnn.recording import Probe
from bisnn.systems.agency import Agency
from bisnn.systems.body import INTENDED
from bisnn.systems.forward_model import AREAS, LEARNED, ForwardModel

TICK = ForwardModel().dt


class SenseOfAgency(Settings):
    """Configuration of agency."""

    episodes: int = Field(default=100, ge=2 * BLOCK, le=10_000, multiple_of=2)
    """Trials of every individual at each level of delay and motor noise: half self-caused, half external."""
    delay: Numbers = tuple(20.0 * i for i in range(11))
    """Delays of the senses beyond the latency in which the body was learned, ms; the first is the reference."""
    motor_noise: Numbers = (0.05, 0.2, 0.4, 0.6, 0.8, 1.0)
    """Probabilities that another movement, drawn at random, is executed; the first is the reference, and the one in
    which the body was learned."""
    sensory_noise: float = Field(default=0.2, ge=0.0, le=1.0)
    """Probability that a sensory spike is lost."""
    babbling: int = Field(default=30, ge=1, le=10_000)
    """Rounds of babbling, in each of which every command is tried once."""

    @model_validator(mode="after")
    def _levels(self) -> SenseOfAgency:
        if not self.delay or not all(0.0 <= value <= 1000.0 and value % TICK == 0.0 for value in self.delay):
            raise ValueError(f"delay = {self.delay}: give multiples of {TICK:g} ms from 0 to 1000")
        if not self.motor_noise or not all(0.0 <= value <= 1.0 for value in self.motor_noise):
            raise ValueError(f"motor_noise = {self.motor_noise}: give probabilities from 0 to 1")
        return self

    @property
    def levels(self) -> tuple[tuple[float, float], ...]:
        """(delay, motor noise) of every level, the reference first."""
        late, noisy = self.delay[0], self.motor_noise[0]
        pairs = [(value, noisy) for value in self.delay] + [(late, value) for value in self.motor_noise]
        return tuple(dict.fromkeys(pairs))


ARMS = (
    INTACT,
    Ablation(
        name="no_efference_copy",
        silence=("command",),
        expect="Nothing is predicted: both kinds of trial are the same to the senses, AUROC 0.5.",
    ),
    Ablation(
        name="no_learning",
        freeze=(LEARNED,),
        expect="Never babbled, so it predicts nothing: AUROC 0.5.",
    ),
    Ablation(
        name="no_felt",
        silence=("felt",),
        expect="Only what is missing is noticed: blind to being moved while it commands nothing.",
    ),
    Ablation(
        name="no_missing",
        silence=("missing",),
        expect="Only what was not predicted is noticed: still tells most external motion.",
    ),
    Ablation(
        name="shuffled_command",
        shuffle=("command",),
        expect="Negative control: efference copies of other trials, at the same base rate: AUROC 0.5.",
    ),
)
"""The arms, and what each should do, written before the run. They act after babbling; what is frozen never learns."""


def conditions(settings: SenseOfAgency) -> tuple[Condition, ...]:
    """The arms that the settings name."""
    return subjects(ARMS, settings)


def model(settings: SenseOfAgency) -> ForwardModel:
    """The forward model of the settings."""
    return ForwardModel(actions=len(INTENDED), reach=1, backend=settings.backend)


def targets(settings: SenseOfAgency) -> Targets:
    """What ablations can name."""
    return Targets.of((model(settings).circuit,), senses=("command",))


def trials(batch: Batch) -> Found:
    """Babbling, then the trials of every level."""
    settings: SenseOfAgency = batch.settings
    body, judge_of_self = model(settings), Agency()
    learned = Noise(settings.motor_noise[0], settings.sensory_noise)
    state = babble(body, batch.key, settings.babbling, learned, batch.gates)
    rows: dict[str, list[Tensor]] = {}
    for level, (delay, noise) in enumerate(settings.levels):
        given = draw(body, batch.key, settings.episodes // 2, Noise(noise, settings.sensory_noise), delay)
        found = met(body, state, given, batch.gates)
        if level == 0:
            show(batch, body, state, given)
        agency, course = judge_of_self.init(batch.key), []
        for error, predicted, sensed in zip(*(x.unbind(1) for x in (found.error, *found[2:4])), strict=True):
            agency, _ = judge_of_self.step(agency, error, predicted, sensed)
            course.append(agency)
        like = torch.ones_like(found.error)
        for name, value in {
            "level": like * level,
            "delay": like * delay,
            "motor_noise": like * noise,
            "own": given.own.expand(like.shape),
            "reference_self": (given.own & (level == 0)).expand(like.shape),
            "reference_external": (~given.own & (level == 0)).expand(like.shape),
            "commanded": given.command.to(like),
            "moved": given.moved.to(like),
            "error": found.error,
            **found._asdict(),
            "evidence": judge_of_self.evidence(found.error, found.sensed),
            "agency": torch.stack(course, 1),
        }.items():
            rows.setdefault(name, []).append(value)
        batch.report((level + 1) / len(settings.levels))
    return Found({name: torch.cat(parts, 1) for name, parts in rows.items()}, {LEARNED: state.weights[LEARNED]})


def show(batch: Batch, body: ForwardModel, state: CircuitState, given: Trials) -> None:
    """Keep the spikes of a self-caused trial, and of being moved without a command and against one."""
    copies = batch.gates.shuffled("command", given.command, given.copied)
    probes = tuple(Probe(name) for name in AREAS)
    for trial in (0, BLOCK, BLOCK + 1) if len(batch.recorded) else ():
        sensed = given.sensed[:, trial]
        _, _, seen = body.move(state, copies[:, trial], sensed, batch.gates, learning=False, probes=probes)
        batch.spikes(seen, trial)


MEASURES: Mapping[str, Measure] = {
    "error_self": Measure("error", among="reference_self", whole=True),
    "error_external": Measure("error", among="reference_external", whole=True),
    "evidence_self": Measure("evidence", among="reference_self", whole=True),
    "evidence_external": Measure("evidence", among="reference_external", whole=True),
}
"""What can be read from the rows alone, at the reference level."""
SCORES = ("auroc", "auroc_agency", "auroc_passive", "auroc_against")
"""By error spikes; by the evidence of the agency integrator; by error spikes, against external trials without a command
only, and against those with another command only."""
Table = dict[str, Any]


def scored(columns: Mapping[str, Mapping[str, Any]], arm: str, at: Any) -> Mapping[str, Any]:
    """The scores and mean error spikes of one arm over the trials `at` bool [trials], each `[seeds]`."""
    error, evidence, own, command = (columns[name][arm][:, at] for name in ("error", "evidence", "own", "commanded"))
    mine, idle = own > 0.5, command < 0.0
    kinds = {"self": mine, "external": ~mine, "passive": ~mine & idle, "against": ~mine & ~idle}
    return {
        "auroc": auroc(-error, own),
        "auroc_agency": auroc(evidence, own),
        "auroc_passive": auroc(np.where(mine | idle, -error, np.nan), own),
        "auroc_against": auroc(np.where(mine | ~idle, -error, np.nan), own),
        **{f"error_{kind}": (error * chosen).sum(1) / chosen.sum(1) for kind, chosen in kinds.items()},
    }


def analyse(episodes: Mapping[str, Any], settings: SenseOfAgency) -> dict[str, Any]:
    """AUROC of self against external, and error spikes of both, at the reference level; both scores at all levels."""
    columns = {name: table(episodes, name) for name in ("error", "evidence", "own", "commanded", "level")}
    head, arms = shown(settings), list(columns["error"])
    level = columns["level"][head][0]
    found = {arm: scored(columns, arm, level == 0) for arm in arms}
    result = judge({name: {arm: found[arm][name] for arm in arms} for name in found[head]}, primary=("auroc",))
    courses: dict[str, list[Table]] = {"by_delay": [], "by_motor_noise": []}
    for number_, (delay, noise) in enumerate(settings.levels):
        here = {arm: scored(columns, arm, level == number_) for arm in arms}
        entry = {arm: {score: summarise(here[arm][score]) for score in SCORES[:2]} for arm in arms}
        if noise == settings.motor_noise[0]:
            courses["by_delay"].append({"delay": delay, "arms": entry})
        if delay == settings.delay[0]:
            courses["by_motor_noise"].append({"motor_noise": noise, "arms": entry})
    arm = result["arms"][head]
    return {
        "auroc": arm["auroc"],
        "error_spikes": {kind: arm[f"error_{kind}"] for kind in ("self", "external", "passive", "against")},
        **result,
        **courses,
        "reference_level": {"delay": settings.delay[0], "motor_noise": settings.motor_noise[0]},
        "chance": dict.fromkeys(SCORES, 0.5),
        "expected": expected(conditions(settings)),
    }


def closing(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Arms with their AUROC, and the error spikes of a trial of either kind."""
    header = ["arm", "AUROC [95 %]", "no command", "other command", "errors, self", "external", "p (Holm)"]
    rows = []
    for arm, found in summary["arms"].items():
        against = summary["comparisons"].get(arm, {}).get("auroc")
        rows.append(
            [
                arm,
                interval(found["auroc"], 3),
                *(number(found[name]["mean"]) for name in ("auroc_passive", "auroc_against")),
                *(number(found[name]["mean"], 1) for name in ("error_self", "error_external")),
                "" if against is None else p_value(against["p_holm"]),
            ]
        )
    return header, rows


EXPERIMENT = Experiment(
    name="agency",
    question="Does the error of a forward model tell self-caused motion from identical external motion?",
    reference="doi:10.1126/science.7569931; doi:10.1038/2870; doi:10.1098/rstb.2000.0734",
    settings=SenseOfAgency,
    conditions=conditions,
    trials=trials,
    targets=targets,
    measures=MEASURES,
    analyse=analyse,
    figures=FIGURES,
    table=closing,
)
