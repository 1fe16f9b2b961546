"""Does empathy cause help? Spiking agents in the rescue dilemma, arm by arm with their own ablations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from bisnn.agents.altruist import Altruist
from bisnn.agents.base import Agent
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.experiments import measures
from bisnn.experiments.base import Condition, Experiment, Settings, expected, select
from bisnn.experiments.figures.rescue import FIGURES
from bisnn.experiments.tables import rescue_table
from bisnn.interventions import INTACT, Ablation
from bisnn.systems.basal_ganglia import BasalGanglia
from bisnn.systems.moral_learning import MoralLearning

ACTORS: Mapping[str, type[MoralLearning]] = {"place-cells": MoralLearning, "basal-ganglia": BasalGanglia}
"""The actors that can be chosen."""


class AltruisticRescue(Settings):
    """Configuration of altruistic-rescue."""

    gain: float = Field(default=9.0, ge=0.0, le=1000.0, allow_inf_nan=False)
    """Empathy strength lambda."""
    level: float = Field(default=1.0, ge=0.0, le=1.0)
    """Empathy level: fraction of the mirror cells that the inhibitory pool leaves free."""
    layout: Literal["fixed", "drawn", "moved"] = "fixed"
    """The published grid; goal, switch and hazards redrawn for every seed; or redrawn for the last tenth of life."""
    observability: float = Field(default=1.0, ge=0.0, le=1.0)
    """Probability per step that the other's face is visible."""
    honesty: float = Field(default=1.0, ge=0.0, le=1.0)
    """Probability per episode that the other's distress is real."""
    actor: Literal["place-cells", "basal-ganglia"] = "place-cells"
    """What chooses the moves: place cells that excite one population per action, or the basal ganglia."""

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The usual actor is not written, so that a run without the flag keeps the hash that it had before there was a
        choice."""
        values: dict[str, Any] = write(self)
        if self.actor == "place-cells":
            values.pop("actor", None)
        return values


GROWN = 1e-6
"""Just after development: an arm that begins here, with its second episode, grew up as the intact one."""

ARMS = (
    INTACT,
    Ablation(
        name="no_mirror",
        cut=("perception->ifg",),
        expect="No vicarious distress: helps as rarely as selfish.",
    ),
    Ablation(
        name="no_dopamine",
        cut=("ifg->dopamine",),
        expect="Distress is shared but its relief releases no dopamine: helps as rarely as selfish.",
    ),
    Ablation(
        name="inverted_dopamine",
        gain={"ifg->dopamine": -1.0},
        expect="Relief is punished: never helps.",
    ),
    Ablation(
        name="no_own_experience",
        drive={"emotion": 0.0},
        expect="Never felt pain of its own: no mirror neurons, helps as rarely as selfish.",
    ),
    Ablation(
        name="no_reward_learning",
        clamp={"dopamine": 0.0},
        expect="Nothing is learned: walks at random, helps by chance, seldom reaches its goal soon.",
    ),
    Ablation(
        name="no_anti_mirror",
        cut=("perception->sma",),
        expect="Helps as the intact agent, but expresses seen pain as its own.",
    ),
    Ablation(
        name="selfish",
        release={"relief": 0.0},
        expect="Lambda 0: does not help, takes the shortest way to its goal.",
    ),
    Ablation(
        name="shuffled_perception",
        shuffle=("perception",),
        expect="Distress without relation to the other: does not help reliably.",
    ),
    Ablation(
        name="contagion",
        silence=("tpj",),
        expect="The gate is open, seen pain is felt as own: reaches for nobody, helps as rarely as selfish.",
    ),
    Ablation(
        name="detached",
        clamp={"tpj": 1.0},
        since=GROWN,
        expect="The gate is shut once it has grown up: seen pain moves nothing, helps as rarely as selfish, "
        "takes the shortest way to its goal.",
    ),
)  # fmt: skip
"""The arms, and what each should do, written before the run."""

LENGTH = {"no_reward_learning": 6.0}
"""Arms whose lives last longer: a random walk finds its goal late."""

LAST = 0.9
"""Where the last tenth of life begins, in which late arms begin and moved layouts move."""
BODY = ("command", "prediction", "sensory", "felt", "missing", "pain", "tpj", "afmc", "insula")
"""The bodily self: the body, which is at rest in the dilemma, and the gate between own and vicarious pain."""
SPARED = ("ifg", "place", "action", "value", *BODY)
"""Areas that the control lesion spares: IFG, the actor-critic, and the bodily self."""
TAUGHT = ("place->action", "place->value")
"""Projections of the actor-critic that dopamine teaches."""

LATE = (
    Ablation(
        name="late_no_ifg",
        silence=("ifg",),
        since=LAST,
        expect="IFG silenced in the last tenth of life: help ends at once.",
    ),
    Ablation(
        name="late_random",
        silence_random=50,
        spare=SPARED,
        since=LAST,
        expect="As many random units elsewhere in the network silenced: help goes on.",
    ),
    Ablation(
        name="late_frozen",
        freeze=TAUGHT,
        since=LAST,
        expect="Nothing is learned in the last tenth of life: in a moved layout, transfer without learning.",
    ),
)
"""Further arms, run when they are named: lesions after learning, and their control."""


def for_actor(arm: Ablation, actor: str) -> Ablation:
    """A late arm with the names of the chosen actor in place of those of the usual one; the other arms as they are."""
    if arm not in LATE or actor == "place-cells":
        return arm
    circuit = ACTORS[actor]().circuit
    changes: dict[str, Any] = {}
    if arm.freeze == TAUGHT:
        changes["freeze"] = tuple(projection.name for projection in circuit.plastic)
    if arm.spare == SPARED:
        changes["spare"] = ("ifg", *circuit.areas, *BODY)
    return replace(arm, **changes)


def conditions(settings: AltruisticRescue) -> tuple[Condition, ...]:
    """The arms that the settings name."""
    arms = (for_actor(arm, settings.actor) for arm in (*ARMS, *LATE))
    declared = tuple(Condition(name=arm.name, ablation=arm, length=LENGTH.get(arm.name, 1.0)) for arm in arms)
    return select(declared, settings, usual=len(ARMS))


def dilemma(settings: AltruisticRescue) -> Rescue:
    """The rescue dilemma of the settings."""
    return Rescue(
        layout=settings.layout,
        moves_at=math.ceil(LAST * settings.episodes),
        observability=settings.observability,
        honesty=settings.honesty,
    )


def agents(settings: AltruisticRescue) -> Mapping[str, Agent]:
    """The spiking altruist of the settings."""
    return {
        "altruist": Altruist(
            episodes=settings.episodes,
            gain=settings.gain,
            level=settings.level,
            moral=ACTORS[settings.actor](),
            backend=settings.backend,
        )
    }


def analyse(episodes: Mapping[str, Any], settings: AltruisticRescue) -> dict[str, Any]:
    """Measures at the end of life, arm by arm and against `intact`."""
    found = measures.summary(episodes)
    return {**found, "expected": expected(conditions(settings)), "payoff": vars(dilemma(settings).payoff())}


EXPERIMENT = Experiment(
    name="altruistic-rescue",
    question="Does affective empathy, learned from own pain, cause help at a cost to oneself?",
    reference="doi:10.1109/taffc.2025.3627936; doi:10.3389/fncom.2022.784967",
    settings=AltruisticRescue,
    conditions=conditions,
    dilemma=dilemma,
    agents=agents,
    analyse=analyse,
    figures=FIGURES,
    table=rescue_table,
)
