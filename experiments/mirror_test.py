"""Which image in the mirror am I? Identical bodies move; one image, or none, follows the individual's own commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor

from bisnn.experiments.base import Condition, Experiment, Settings, expected, subjects
from bisnn.experiments.figures.mirror_test import FIGURES
from bisnn.experiments.measures import Measure, summary, table
from bisnn.experiments.ranges import Numbers, numbers
from bisnn.experiments.statistics import Floats
from bisnn.experiments.tables import interval, number, p_value
from bisnn.experiments.trials import Batch, Found, shown
from bisnn.interventions import INTACT, Ablation, Targets
from bisnn.systems.mirror_self import LEARNED, VISION, MirrorSelf, reaches

BLOCK = 2**13
"""Tests that are simulated at once, about: what a core's cache holds."""
RESAMPLES, SEED = 2000, 20261123
"""Bootstrap resamples of the seeds for the half point, and the seed of their generator."""
RATES = {"accuracy": "correct", "none_rate": "none", "misidentified": "misidentified", "forced_choice": "forced"}
"""Rates against contingency, and the column of each."""
Transform = Literal["identity", "reflect", "rotate"]


class MirrorTest(Settings):
    """Configuration of mirror-test."""

    episodes: int = Field(default=10, ge=1, le=10_000)
    """Tests of every individual at every contingency."""
    contingency: Numbers = numbers("0:1:11")
    """Probabilities with which the own image follows the movement in a test; else it moves by chance. At 0 no body is
    the own one. Babbling is always before a mirror that follows."""
    bodies: int = Field(default=3, ge=1, le=20)
    """Identical bodies before the mirror, the own one among them."""
    angles: int = Field(default=5, ge=2, le=36)
    """Angles to which a body can move."""
    actions: int = Field(default=10, ge=1, le=200)
    """Movements in one test."""
    delay: int = Field(default=0, ge=0, le=500)
    """Steps (ticks of 1 ms) from the own movement to its image, in babbling and test, beside the latency of vision."""
    motor_noise: float = Field(default=0.0, ge=0.0, le=1.0)
    """Probability that another movement than the commanded one is executed, in babbling and test."""
    transform: Transform = "identity"
    """What the mirror does to an angle: shows it, its reflection, or the next one."""
    test_transform: Transform | None = None
    """What the mirror does in the test, where it is changed after babbling."""
    rounds: int = Field(default=20, ge=1, le=1000)
    """How often babbling visits every angle."""
    contrast: float = Field(default=0.5, gt=0.0, lt=1.0)
    """Share of movements that an angle must follow to be learned: above chance, 1 - (1 - 1/angles)^(bodies - 1)."""
    alpha: float = Field(default=0.05, gt=0.0, lt=1.0)
    """Probability with which chance may pass the criterion in a test: the stricter, the more "none"."""

    @field_validator("contingency")
    @classmethod
    def _probabilities(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or not all(0.0 <= level <= 1.0 for level in value):
            raise ValueError("give one or more probabilities from 0 to 1, such as 0:1:11")
        return value


ARMS = (
    INTACT,
    Ablation(
        name="frozen_stdp",
        freeze=(LEARNED,),
        expect="Never learns what its commands look like: no prediction, so none; forced to choose, chance (1/bodies).",
    ),
    Ablation(
        name="shuffled_training",
        shuffle=(VISION,),
        expect="Babbling with the own image of other moments, base rates kept: no prediction that holds; chance.",
    ),
    Ablation(
        name="no_efference_copy",
        silence=("vpmc",),
        expect="Commands reach no prediction: none, though it sees everything; forced to choose, chance.",
    ),
    Ablation(
        name="no_insula",
        silence=("insula",),
        expect="Learns and predicts as the intact one, but nothing compares prediction and image: none.",
    ),
)
"""The arms, and what each should do, written before the run."""

MEASURES: Mapping[str, Measure] = {
    "accuracy": Measure("correct", among="following", whole=True),
    "forced_choice": Measure("forced", among="following", whole=True),
    "none_rate": Measure("none", among="absent", whole=True),
    "misidentified": Measure("misidentified", whole=True),
}
PRIMARY = ("accuracy", "forced_choice")
DEFINITIONS: Mapping[str, str] = {
    "accuracy": "share of tests in which the own body was chosen; of an arm at the highest contingency. At contingency "
    "0 no body follows the commands: the right answer is 'none', and accuracy is the rate of lucky choices",
    "none_rate": "share of tests in which no image was chosen; of an arm at contingency 0: no body is the own one",
    "misidentified": "share of tests in which another body was chosen; of an arm over all contingencies",
    "forced_choice": "share of tests in which the image with most evidence is the own body: without 'none', ties "
    "decided by the individual's random stream; of an arm at the highest contingency",
}


def conditions(settings: MirrorTest) -> tuple[Condition, ...]:
    """The arms that the settings name."""
    return subjects(ARMS, settings)


def system(settings: MirrorTest) -> MirrorSelf:
    """The system of the settings, before the mirror in which it babbles."""
    shared = ("bodies", "angles", "actions", "delay", "motor_noise", "transform", "rounds", "contrast", "alpha")
    return MirrorSelf(**{name: getattr(settings, name) for name in shared}, backend=settings.backend)


def tested(settings: MirrorTest) -> MirrorSelf:
    """The system of the settings, before the mirror of the test."""
    return replace(system(settings), transform=settings.test_transform or settings.transform)


def targets(settings: MirrorTest) -> Targets:
    """What ablations can name."""
    return Targets.of((system(settings).circuit,), senses=(VISION,))


def trials(batch: Batch) -> Found:
    """Babble, then take all tests: those of the first contingency, then those of the next."""
    body, key = system(batch.settings), batch.key
    scene = body.babbling(key, batch.gates)
    weight = body.babble(body.init(key), scene, batch.gates).weights[LEARNED]
    batch.report(0.4)
    rows, recordings = _tests(batch, weight), {}
    if len(batch.recorded):
        recordings = {"weight": weight[batch.recorded], **_record(batch, weight)}
    return Found(rows, {LEARNED: weight}, recordings)


def _tests(batch: Batch, weight: Tensor) -> dict[str, Tensor]:
    """The rows of all tests, `[N, trials]`, in blocks of trials."""
    settings, key = batch.settings, batch.key
    levels = torch.tensor(settings.contingency, dtype=torch.float64, device=key.device)
    level = levels.repeat_interleave(settings.episodes)
    trial = torch.arange(settings.episodes, device=key.device).repeat(len(levels))
    size, blocks = max(1, BLOCK // len(key)), []
    for first in range(0, len(trial), size):
        blocks.append(_block(batch, weight, level[first : first + size], trial[first : first + size]))
        batch.report(0.4 + 0.6 * min(1.0, (first + size) / len(trial)))
    return {name: torch.cat([block[name] for block in blocks], -1) for name in blocks[0]}


def _block(batch: Batch, weight: Tensor, level: Tensor, trial: Tensor) -> dict[str, Tensor]:
    """The rows of some tests, `[N, T]`; tests are dims of the batch, since nothing is learned in them."""
    body, shape = tested(batch.settings), (len(batch.key), len(trial))
    gates = batch.gates.over_trials()
    key, trial, level = batch.key[:, None].expand(shape), trial.expand(shape), level.expand(shape)
    scene = body.test(key, trial, level)
    met, _ = body.look(weight[:, None].expand(*shape, *weight.shape[1:]), key, scene, gates)
    verdict = body.judge(key, trial, met.sum(-2))
    mine = verdict.evidence.gather(-1, scene.own[..., None])[..., 0]
    others = verdict.evidence.sum(-1) - mine
    return {
        "contingency": level.contiguous(),
        "following": level == max(batch.settings.contingency),
        "absent": level == 0.0,
        "own": scene.own,
        "chosen": verdict.chosen,
        "correct": verdict.chosen == scene.own,
        "none": verdict.chosen < 0,
        "misidentified": (verdict.chosen >= 0) & (verdict.chosen != scene.own),
        "forced": verdict.forced == scene.own,
        "evidence_own": mine,
        "evidence_others": others / max(1, body.bodies - 1),
    }


def _record(batch: Batch, weight: Tensor) -> dict[str, Tensor]:
    """The first test at the lowest and at the highest contingency of the recorded individuals: spikes of all areas,
    movement by movement, and which images met the prediction."""
    settings, body, key = batch.settings, tested(batch.settings), batch.key
    levels, met, own, trials_ = settings.contingency, [], [], []
    for level in dict.fromkeys((min(levels), max(levels))):
        scene = body.test(key, 0, torch.full(key.shape, level, dtype=torch.float64, device=key.device))
        found, seen = body.look(weight, key, scene, batch.gates, tuple(body.circuit.areas))
        trials_.append(levels.index(level) * settings.episodes)
        for action, recording in enumerate(seen):
            batch.spikes(recording, trials_[-1], action)
        met.append(found[batch.recorded])
        own.append(scene.own[batch.recorded])
    trial = torch.tensor(trials_).expand(len(batch.recorded), -1)
    return {"met": torch.stack(met, 1), "own": torch.stack(own, 1), "trial": trial}


def rates(episodes: Mapping[str, Any], settings: MirrorTest, column: str) -> dict[str, Floats]:
    """A column of the rows by contingency, arm -> `[seeds, levels]`."""
    shape = (len(settings.contingency), settings.episodes)
    return {arm: values.reshape(-1, *shape).mean(-1) for arm, values in table(episodes, column).items()}


def half_point(contingency: tuple[float, ...], accuracy: Floats) -> dict[str, Any]:
    """The contingency from which on the mean accuracy `[seeds, levels]` is at least 0.5, levels joined by straight
    lines: `{"value", "ci95"}`, a percentile bootstrap over seeds; None, with a note, where there is none."""
    order = np.argsort(contingency)
    x, y = np.asarray(contingency)[order], accuracy[:, order]
    seeds = len(y)
    drawn = np.random.default_rng(SEED).multinomial(seeds, np.full(seeds, 1.0 / seeds), RESAMPLES) / seeds
    value = _crossing(x, y.mean(0))
    if value is None:
        return {"value": None, "ci95": None, "note": "accuracy does not rise through 0.5 within these contingencies"}
    found = [point for point in (_crossing(x, mean) for mean in drawn @ y) if point is not None]
    return {"value": value, "ci95": [float(edge) for edge in np.quantile(found, (0.025, 0.975))]}


def _crossing(x: Floats, y: Floats) -> float | None:
    """Where y rises through 0.5 for the last time."""
    below = np.flatnonzero(y < 0.5)
    if not below.size or below[-1] + 1 == len(y):
        return None
    i = int(below[-1])
    return float(x[i] + (0.5 - y[i]) / (y[i + 1] - y[i]) * (x[i + 1] - x[i]))


def ideal(body: MirrorSelf, contingency: float) -> dict[str, float]:
    """Theory: the rates of a perfect prediction in an unchanged mirror.

    X ~ Bin(m, q (1 - p) + (1 - q)/n) of the own image, Y ~ Bin(m, 1/n) of each other; the best, if unique, decides.
    """
    m, others, hit = body.actions, body.bodies - 1, 1.0 / body.angles
    own = contingency * (1.0 - body.motor_noise) + (1.0 - contingency) * hit

    def exactly(count: int, p: float) -> float:
        return reaches(m, p, count) - reaches(m, p, count + 1)

    passing = range(body.criterion, m + 1)
    correct = sum(exactly(c, own) * (1.0 - reaches(m, hit, c)) ** others for c in passing)
    wrong = 0.0
    if others:
        rest = ((1.0 - reaches(m, hit, c)) ** (others - 1) * (1.0 - reaches(m, own, c)) for c in passing)
        wrong = others * sum(exactly(c, hit) * beaten for c, beaten in zip(passing, rest, strict=True))
    return {"accuracy": correct, "none_rate": 1.0 - correct - wrong, "misidentified": wrong}


def analyse(episodes: Mapping[str, Any], settings: MirrorTest) -> dict[str, Any]:
    """Rates against contingency of the arm that is shown, their theory, and the arms against `intact`."""
    body, arm = system(settings), shown(settings)
    found = {name: rates(episodes, settings, column)[arm] for name, column in RATES.items()}
    unchanged = settings.test_transform in (None, settings.transform)
    theory = [ideal(body, level) for level in settings.contingency] if unchanged else []
    means = {name: values.mean(0).round(12) for name, values in found.items()}
    guess = 1.0 / body.bodies
    return {
        "contingency": list(settings.contingency),
        **{name: values.tolist() for name, values in means.items()},
        "shown": arm,
        "half_point": half_point(settings.contingency, found["accuracy"]),
        "monotone": bool((np.diff(means["accuracy"][np.argsort(settings.contingency)]) >= 0.0).all()),
        "theory": {name: [level[name] for level in theory] for name in (theory[0] if theory else ())} or None,
        "criterion": {"evidence": body.criterion, "of": body.actions, "alpha": body.false_alarm(body.criterion)},
        **summary(episodes, measures=MEASURES, primary=PRIMARY),
        "chance": {"accuracy": guess, "forced_choice": guess, "none_rate": 1.0 / (body.bodies + 1)},
        "expected": expected(conditions(settings)),
        "definitions": dict(DEFINITIONS),
    }


def closing_table(found: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Arms with their rates, and the paired difference in accuracy from intact."""
    chance = number(found["chance"]["forced_choice"])
    header = ["arm", "found itself [95 %]", f"forced choice (chance {chance})", "none, if no body is own"]
    header += ["took another", "found itself − intact [95 %]", "p (Holm)"]
    rows = []
    for arm, measures in found["arms"].items():
        against = found["comparisons"].get(arm, {}).get("accuracy")
        difference = "" if against is None else interval({"mean": against["difference"], "ci95": against["ci95"]})
        rates_ = [number(measures[name]["mean"]) for name in ("forced_choice", "none_rate", "misidentified")]
        p = "" if against is None else p_value(against["p_holm"])
        rows.append([arm, interval(measures["accuracy"]), *rates_, difference, p])
    return header, rows


EXPERIMENT = Experiment(
    name="mirror-test",
    question="Which of several identical images in a mirror follows the individual's own commands, or does none?",
    reference="doi:10.1007/s12559-017-9505-1",
    settings=MirrorTest,
    conditions=conditions,
    trials=trials,
    targets=targets,
    measures=MEASURES,
    analyse=analyse,
    figures=FIGURES,
    table=closing_table,
)
