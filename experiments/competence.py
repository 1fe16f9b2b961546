"""Does it know what it can do? A spiking estimate of one's own success, a costly request for help, an injury."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from bisnn.experiments.base import Condition, Experiment, Settings, expected, subjects
from bisnn.experiments.figures.competence import FIGURES
from bisnn.experiments.measures import Measure, judge
from bisnn.experiments.statistics import summarise
from bisnn.experiments.tables import interval, number, p_value
from bisnn.experiments.tasks.competence import Ability, Life, Spans, lived
from bisnn.experiments.tasks.competence_scores import Floats, bounds, detection, in_test, phases
from bisnn.experiments.trials import Batch, Found, shown
from bisnn.interventions import INTACT, Ablation, Targets
from bisnn.systems.competence import TAUGHT, Competence


class CompetenceSettings(Settings):
    """Configuration of competence."""

    episodes: int = Field(default=600, ge=3, le=1_000_000)
    """Trials of every individual."""
    cost: float = Field(default=0.3, ge=0.0, le=1.0)
    """Cost of asking, in units of a success."""
    helper: float = Field(default=1.0, ge=0.0, le=1.0)
    """Probability with which the helper succeeds."""
    explore: float = Field(default=0.05, ge=0.0, le=1.0)
    """Share of trials after practice that are scheduled tries, whatever it expects of itself."""
    practice: float = Field(default=1 / 3, ge=0.0, le=1.0)
    """When practice ends, in which every trial is a scheduled try, as a share of all trials."""
    drop: float = Field(default=0.3, ge=0.0, le=1.0)
    """Fall of the capability at the injury, in units of difficulty."""
    drop_at: float = Field(default=2 / 3, ge=0.0, le=1.0)
    """When the injury happens, as a share of all trials."""

    @property
    def spans(self) -> Spans:
        """When the phases begin."""
        return Spans.of(self.practice, self.drop_at, self.episodes)

    @model_validator(mode="after")
    def _phases(self) -> CompetenceSettings:
        spans = self.spans
        if not 0 < spans.test < spans.after < spans.end:
            raise ValueError(
                f"practice = {self.practice:g} and drop_at = {self.drop_at:g} of {self.episodes} trials leave a phase "
                f"empty; give 0 < practice < drop_at < 1 and more trials"
            )
        return self


ARMS = (
    INTACT,
    Ablation(
        name="no_drop",
        expect="Control without injury, the same tasks and luck: the criterion of a drop is not crossed.",
    ),
    Ablation(
        name="overconfident",
        clamp={"competence": 1.0},
        expect="Confidence 1 for every task: AUROC 0.5, never asks but by chance, regret that of never asking.",
    ),
    Ablation(
        name="base_rate",
        cut=("difficulty->competence",),
        expect="Confidence does not depend on the task, only on past success: AUROC 0.5, higher regret.",
    ),
    Ablation(
        name="frozen",
        freeze=TAUGHT,
        expect="Confidence stays at the prior: AUROC 0.5, and no drop is noticed.",
    ),
    Ablation(
        name="no_dopamine",
        clamp={"dopamine": 0.0},
        expect="As frozen: no error, no learning.",
    ),
    Ablation(
        name="shuffled_outcomes",
        shuffle=("outcome",),
        expect="Outcomes of the same base rate without relation to the task: AUROC 0.5.",
    ),
    Ablation(
        name="no_other",
        cut=("other->competence",),
        expect="The helper's successes are taken for its own: overconfident, higher Brier score and regret.",
    ),
    Ablation(
        name="no_exploration",
        expect="No scheduled tries after practice: lower regret; a drop is noticed all the same, in what it tries.",
    ),
    Ablation(
        name="gain",
        expect="The capability rises where it fell in the others: noticed through scheduled and newly dared tries.",
    ),
    Ablation(
        name="gain_no_exploration",
        expect="The same without scheduled tries: noticed later or not at all, as it leaves the new tasks to others.",
    ),
)
"""The arms, and what each should do, written before the run."""
GAIN = {"change": -1.0, "criterion": -1.0}
TRAITS: Mapping[str, Mapping[str, float]] = {
    "no_drop": {"change": 0.0},
    "no_exploration": {"explore": 0.0},
    "gain": GAIN,
    "gain_no_exploration": {**GAIN, "explore": 0.0},
}
"""Arms that differ by what happens to them: change of the capability, and the one that the criterion of detection is
made for, in units of the drop; share of scheduled tries."""
PRIMARY = ("auroc", "brier", "regret")
"""Measures of the first family of tests."""
MEASURES: Mapping[str, Measure] = {
    "regret": Measure("regret", among="testing", whole=True),
    "ask_rate": Measure("asked", among="testing", whole=True),
    "success": Measure("success", among="testing", whole=True),
}
"""What can be read from the rows alone."""


def conditions(settings: CompetenceSettings) -> tuple[Condition, ...]:
    """The arms that the settings name."""
    return subjects(ARMS, settings, traits=TRAITS)


def system(settings: CompetenceSettings) -> Competence:
    """The circuit."""
    return Competence(backend=settings.backend)


def targets(settings: CompetenceSettings) -> Targets:
    """What ablations can name."""
    return Targets.of((system(settings).circuit,), senses=("outcome",))


def trials(batch: Batch) -> Found:
    """All trials of the individuals of a batch."""
    settings: CompetenceSettings = batch.settings
    before = Ability.drawn(batch.key)
    after, judged = (before.injured(batch.trait(name, 1.0) * settings.drop) for name in ("change", "criterion"))
    had = before.mastered()
    return lived(
        batch,
        Life(
            system=system(settings),
            spans=settings.spans,
            before=before,
            after=after,
            mastered=(had, after.mastered()),
            fall=had - judged.mastered(),
            worth=settings.helper - settings.cost,
            helper=settings.helper,
            cost=settings.cost,
            explore=batch.trait("explore", settings.explore),
        ),
    )


def analyse(episodes: Mapping[str, Any], settings: CompetenceSettings) -> dict[str, Any]:
    """Measures arm by arm and against `intact`, and beside them what an oracle and simple policies reach."""
    worth, by_arm = settings.helper - settings.cost, phases(episodes, settings.spans)
    values: dict[str, dict[str, Floats]] = {}
    for arm, (before, after) in by_arm.items():
        for name, seeds in {**in_test(before, worth), **detection(before, after)}.items():
            values.setdefault(name, {})[arm] = seeds
    arm = shown(settings)
    beside = {
        who: {name: summarise(seeds) for name, seeds in table.items()}
        for who, table in bounds(by_arm[arm][0], worth).items()
    }
    found = judge(values, PRIMARY)
    own = found["arms"][arm]
    return {
        **found,
        "brier": {**own["brier"], **{who: beside[who]["brier"] for who in ("base_rate", "oracle")}},
        **{name: {**own[name], "oracle": beside["oracle"][name]} for name in ("ece", "auroc")},
        "help": {name: {**own[name], "oracle": beside["oracle"][name]} for name in ("precision", "recall")},
        "regret": {"agent": own["regret"], **{who: beside[who]["regret"] for who in ("always", "never", "oracle")}},
        "drop_detected": {
            "trials": own["detection_trials"],
            "share": own["detected"]["mean"],
            "false_alarms": found["arms"].get("no_drop", {}).get("detected", {}).get("mean"),
            "criterion": "the estimated share of mastered tasks falls by half of what the injury takes",
        },
        "beside": beside,
        "chance": {
            "auroc": 0.5,
            "brier": beside["base_rate"]["brier"]["mean"],
            "precision": beside["base_rate"]["precision"]["mean"],
            "recall": own["ask_rate"]["mean"],
            "feature_effect": 0.0,
        },
        "expected": expected(conditions(settings)),
    }


def table(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Arms with calibration, discrimination, requests, regret and detection of the drop."""
    header = ["arm", "Brier [95 %]", "ECE", "AUROC [95 %]", "precision", "recall", "regret [95 %]", "p (Holm)", "drop"]
    rows = []
    for arm, found in summary["arms"].items():
        against = summary["comparisons"].get(arm, {}).get("regret")
        delay = found["detection_trials"]["mean"]
        rows.append(
            [
                arm,
                interval(found["brier"], 3),
                number(found["ece"]["mean"], 3),
                interval(found["auroc"]),
                *(number(found[name]["mean"]) for name in ("precision", "recall")),
                interval(found["regret"], 3),
                "" if against is None else p_value(against["p_holm"]),
                f"{found['detected']['mean']:.0%}" + ("" if delay is None else f" after {delay:.0f}"),
            ]
        )
    return header, rows


EXPERIMENT = Experiment(
    name="competence",
    question="Does it know what it can do, ask for help where it would fail, and notice when its capability drops?",
    reference="doi:10.1037/rev0000045; doi:10.1007/s10994-010-5225-4; arXiv:1707.05173; arXiv:1706.04599",
    settings=CompetenceSettings,
    conditions=conditions,
    trials=trials,
    targets=targets,
    measures=MEASURES,
    analyse=analyse,
    figures=FIGURES,
    table=table,
)
