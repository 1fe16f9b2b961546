"""Do the empathic clear the way for all? Groups of spiking agents in the snowdrift game, each with its own lambda."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import Field

from bisnn.agents.dilemmas.snowdrift import Snowdrift
from bisnn.experiments.base import Condition, Experiment, Settings, expected, subjects
from bisnn.experiments.figures.snowdrift import FIGURES
from bisnn.experiments.measures import Measure
from bisnn.experiments.tables import interval, number, p_value
from bisnn.experiments.tasks import snowdrift as task
from bisnn.experiments.tasks.snowdrift_scores import GRID, analyse_columns
from bisnn.experiments.trials import Batch, Found
from bisnn.gates import Gates
from bisnn.interventions import INTACT, Ablation, Targets


class SnowdriftSettings(Settings):
    """Configuration of snowdrift."""

    episodes: int = Field(default=80, ge=10, le=100_000)
    """Episodes of every group; of a population in one-shot games, rounds."""
    games: int = Field(default=40, ge=1, le=1000)
    """One-shot games of every agent in a round."""
    benefit: float = Field(default=6.0, gt=0.0, le=1000.0)
    """What every agent gains where a drift is cleared."""
    cost: float = Field(default=4.0, gt=0.0, le=1000.0)
    """What it costs who clears it; less than the benefit."""
    gamma: float = Field(default=0.99, gt=0.0, le=1.0)
    """Discount per step."""
    trace_decay: float = Field(default=0.05, gt=0.0, lt=1.0)
    """Decay of eligibility per step, beside gamma."""
    w_max: float = Field(default=0.2, gt=0.0, le=1.0)
    """Largest weight of the deciding network."""
    rate_actor: float = Field(default=0.003, gt=0.0, le=1.0)
    """Actor weight change per unit of dopamine and eligibility."""
    rate_critic: float = Field(default=0.001, gt=0.0, le=1.0)
    """Critic weight change per unit of error and eligibility."""
    span: float = Field(default=100.0, gt=0.0, le=10_000.0)
    """Value of a gain cell that fires at every tick."""
    ticks: int = Field(default=16, ge=1, le=1000)
    """Ticks of a decision."""


STRENGTH = 1.5
"""Lambda of the intact agents, the published one."""
FIXED = 0.25
"""Own lambda where that of the partners is varied."""


def _level(text: str) -> str:
    return text.replace(".", "")


ARMS = (
    INTACT,
    *(
        Ablation(name=f"lambda_{_level(f'{level:g}')}", expect="Cleaning rises with lambda, and so do all returns.")
        for level in GRID
        if level not in (0.0, STRENGTH)
    ),
    Ablation(
        name="selfish",
        release={"relief": 0.0},
        expect="Lambda 0: cleans where it pays to, less than all others in the grid.",
    ),
    Ablation(name="no_mirror", cut=("perception->ifg",), expect="As selfish: no distress is shared."),
    Ablation(name="no_dopamine", cut=("ifg->dopamine",), expect="As selfish: relief releases nothing."),
    Ablation(
        name="no_reward_learning",
        clamp={"dopamine": 0.0, "error": 0.0},
        expect="No preference is learned: one action in five is to clean, as by chance.",
    ),
    Ablation(name="altruist_alone", expect="One of lambda 1.5 among two of 0 does most of the work and earns less."),
    Ablation(name="selfish_alone", expect="One of lambda 0 among two of 1.5 rides free: it earns more than they do."),
    Ablation(name="partners_0", expect=f"Own lambda {FIXED:g}, partners 0: it cleans most and earns least."),
    Ablation(name="partners_15", expect=f"Own lambda {FIXED:g}, partners 1.5: it can leave the work to them."),
    Ablation(name="local", expect="It sees 3 x 3 cells: as with the full view, or a little more cleaning."),
    Ablation(name="own", expect="It sees its own cell alone: the same."),
    Ablation(name="local_selfish", expect="3 x 3 cells, lambda 0: it cannot know what is left, and cleans more."),
    Ablation(name="own_selfish", expect="Own cell alone, lambda 0: the same."),
    Ablation(
        name="one_shot",
        expect="After an opening at lambda 1, lambda 0: the equilibrium 1 - sqrt(2/3) = .184 of one-shot games.",
    ),
    Ablation(
        name="one_shot_empathic",
        expect="After an opening at lambda 0, lambda 1: 1 - sqrt(4/18) = .529, as relief by whomever counts.",
    ),
)
"""The arms, and what each should do, written before the run."""
TRAITS: Mapping[str, Mapping[str, float]] = {
    **{f"lambda_{_level(f'{level:g}')}": {"first": level, "others": level} for level in GRID},
    "altruist_alone": {"others": 0.0},
    "selfish_alone": {"first": 0.0},
    "partners_0": {"first": FIXED, "others": 0.0},
    "partners_15": {"first": FIXED},
    "local": {"reach": 1.0},
    "own": {"reach": 0.0},
    "local_selfish": {"reach": 1.0, "first": 0.0, "others": 0.0},
    "own_selfish": {"reach": 0.0, "first": 0.0, "others": 0.0},
    "one_shot": {"once": 1.0, "first": 1.0, "others": 0.0},
    "one_shot_empathic": {"once": 1.0, "first": 0.0, "others": 1.0},
}
"""Lambda of the first member and of the others, how far they see, and whether it is the one-shot game, in which the
first lambda is that of the opening."""
MEASURES: Mapping[str, Measure] = {
    "cleared": Measure("cleared"),
    "return": Measure("return_mean"),
    "first_return": Measure("return_0"),
    "clean_rate": Measure("clean_rate", among="met_any"),
    "ties": Measure("tie_rate", whole=True),
}
"""What can be read from the rows alone."""


def conditions(settings: SnowdriftSettings) -> tuple[Condition, ...]:
    """The arms that the settings name."""
    return subjects(ARMS, settings, traits=TRAITS)


def world(settings: SnowdriftSettings) -> Snowdrift:
    """The game on the grid."""
    return Snowdrift(members=task.MEMBERS, benefit=settings.benefit, cost=settings.cost)


def targets(settings: SnowdriftSettings) -> Targets:
    """What ablations can name."""
    return task.agent(settings, world(settings)).targets


def trials(batch: Batch) -> Found:
    """All episodes of the groups of a batch, and all rounds of its populations."""
    settings: SnowdriftSettings = batch.settings
    dilemma, n = world(settings), len(batch.key)
    once = batch.trait("once", 0.0) > 0
    first, others = batch.trait("first", STRENGTH), batch.trait("others", STRENGTH)
    strength = torch.stack((first, *(others,) * (task.MEMBERS - 1)), -1)
    total = torch.zeros(n, settings.episodes, len(task.COLUMNS), device=batch.key.device)
    kept = {}
    grid, single = (~once).nonzero()[:, 0], once.nonzero()[:, 0]
    if len(grid):
        agent, gates = task.agent(settings, dilemma), _of(batch.gates, grid, task.MEMBERS)
        reach = batch.trait("reach", dilemma.reach)[grid]
        play = task.Play(dilemma, agent, settings.episodes, batch.key[grid], strength[grid], reach, gates)
        found, learned = task.lived(play, batch.report)
        weights = torch.zeros(n, *learned.shape[1:], device=learned.device)
        total[grid], weights[grid] = found, learned
        kept["weights"] = weights
    if len(single):
        game = task.one_shot(dilemma)
        agent = task.agent(settings, game, explores=False, anticipates=True, decision=task.near(settings))
        gates = _of(batch.gates, single, task.MEMBERS * task.GROUPS)
        reach = torch.zeros(len(single), device=batch.key.device)
        play = task.Play(game, agent, settings.episodes, batch.key[single], strength[single], reach, gates)._replace(
            games=settings.games
        )
        total[single] = task.matched(play, batch.report)
    return Found(_rows(total), kept)


def _of(gates: Gates, which: torch.Tensor, members: int) -> Gates:
    """The gates of every member of the groups number `which`."""
    return task.each(Gates(*({n: gate[which] for n, gate in table.items()} for table in gates)), members)


def _rows(total: torch.Tensor) -> dict[str, torch.Tensor]:
    """The columns of the rows, `[N, trials]`."""
    rows = dict(zip(task.COLUMNS, total.unbind(-1), strict=True))
    met = rows["met_0"] + rows["met_1"] + rows["met_2"]
    cleaned = rows["cleaned_0"] + rows["cleaned_1"] + rows["cleaned_2"]
    decisions, ties, margin = (rows.pop(name) for name in ("decisions", "ties", "margin"))
    return {
        **rows,
        "return_mean": (rows["return_0"] + rows["return_1"] + rows["return_2"]) * (1.0 / task.MEMBERS),
        "clean_rate": cleaned / met.clamp(min=1e-6),
        "met_any": met > 0,
        "tie_rate": ties / decisions.clamp(min=1e-6),
        "margin": margin / decisions.clamp(min=1e-6),
    }


def analyse(episodes: Mapping[str, Any], settings: SnowdriftSettings) -> dict[str, Any]:
    """Measures arm by arm, the dose-response over lambda, free riding, the equilibrium, and what chance reaches."""
    names = [condition.name for condition in conditions(settings)]
    return {
        **analyse_columns(episodes, names, world(settings), settings.seeds),
        "expected": expected(conditions(settings)),
    }


def table(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Arms with cleaning, returns, the gap of the first member, and ties."""
    header = ["arm", "cleaned / 10 [95 %]", "P(clean on drift) [95 %]", "return", "first − others [95 %]", "p", "ties"]
    rows = []
    for arm, found in summary["arms"].items():
        against = summary["comparisons"].get(arm, {}).get("clean_rate")
        rows.append(
            [
                arm,
                interval(found["cleared"]),
                interval(found["clean_rate"]),
                number(found["return"]["mean"], 1),
                interval(found["gap"], 1),
                "" if against is None else p_value(against["p_holm"]),
                f"{found['ties']['mean']:.2%}",
            ]
        )
    return header, rows


EXPERIMENT = Experiment(
    name="snowdrift",
    question="Do agents that share distress clear the way for all, and who rides free?",
    reference="doi:10.1109/taffc.2025.3627936; doi:10.1177/0022002785029004003",
    settings=SnowdriftSettings,
    conditions=conditions,
    trials=trials,
    targets=targets,
    measures=MEASURES,
    analyse=analyse,
    figures=FIGURES,
    table=table,
)
