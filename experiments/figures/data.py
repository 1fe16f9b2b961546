"""What the figures of a run are drawn from: its reference arm, spikes in ms, sizes of areas, traces, maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from bisnn import plots, rng
from bisnn.agents.altruist import Altruist
from bisnn.agents.dilemmas.rescue import Rescue
from bisnn.circuit import Circuit
from bisnn.experiments.base import configure, find
from bisnn.experiments.engine.record import TRACE
from bisnn.experiments.results import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bisnn.plots.rasters import Events

Floats = NDArray[np.float64]
Cells = tuple[tuple[int, int], ...]
UNRECORDED = "No individual was recorded.\nRun with --record 1 to see this figure."


def missing(ax: Axes, text: str = UNRECORDED) -> Axes:
    """Say in a panel why it is empty."""
    from bisnn.plots import style

    return style.say(ax, text)


def reference(view: Run) -> str:
    """The arm to which the others are compared: the first."""
    return view.manifest.arms[0]


@dataclass(frozen=True)
class Individual:
    """A recorded individual."""

    arm: str
    seed: int
    tensors: Mapping[str, torch.Tensor]


def individual(view: Run, arm: str | None = None) -> Individual | None:
    """The first recorded individual of an arm (default: the reference), or None."""
    wanted = arm or reference(view)
    found = []
    for name, tensors in view.recordings.items():
        notes = view.notes(name)
        if notes.get("arm") == wanted and notes.get("agent") in ("altruist", "spiking"):
            found.append(Individual(wanted, int(notes["seed"]), tensors))
    return min(found, key=lambda one: one.seed) if found else None


def settings_and_agent(view: Run) -> tuple[Any, Altruist | None]:
    """The settings of the run, and the plan of its spiking altruist."""
    experiment = find(view.manifest.experiment)
    settings = configure(experiment, view.manifest.configuration)
    agents = experiment.agents(settings).values()
    return settings, next((agent for agent in agents if isinstance(agent, Altruist)), None)


def sizes(agent: Altruist | None) -> dict[str, int]:
    """Units of every area of an altruist."""
    circuits = () if agent is None else (agent.body.circuit, agent.empathy.circuit, agent.moral.circuit)
    return {name: area.n for circuit in circuits for name, area in circuit.areas.items()}


def groups(agent: Altruist | None) -> dict[str, dict[str, tuple[int, int]]]:
    """Which units of an area stand for what: pain, its absence, both; or one of the actions."""
    if agent is None:
        return {}
    found = {}
    for area, (first, last) in agent.empathy.pain.items():
        other = agent.empathy.neutral[area]
        both = {"both": (last, other[0])} if other[0] > last else {}
        found[area] = {"pain": (first, last), **both, "calm": other}
    cells = agent.moral.cells
    moves = enumerate(("up", "down", "right", "left")[: agent.moral.actions])
    channels = {move: (number * cells, (number + 1) * cells) for number, move in moves}
    return found | dict.fromkeys(output(agent), channels)


def output(agent: Altruist | None) -> tuple[str, ...]:
    """The areas of the actor that show how it chooses: one population of each for every action."""
    if agent is None or "action" in agent.moral.circuit.areas:
        return ("action",)
    return tuple(area for area in ("strd1", "strd2", "gpi", "pm") if area in agent.moral.circuit.areas)


@dataclass(frozen=True)
class Slots:
    """How the steps of the environment follow one another on the time axis, ms."""

    length: float
    """From one step to the next."""
    starts: Mapping[str, float]
    """Area -> delay of its first tick within a step (default 0)."""


def step_events(
    view: Run,
    who: Individual,
    episode: int,
    areas: Sequence[str],
    slots: Slots,
    count: Mapping[str, int],
    first: int = 0,
) -> dict[str, Events]:
    """Spikes of one episode by area, from step `first` on; areas that never fired are there, silent."""
    columns = view.spikes
    if not columns:
        return {}
    mine = (columns["seed"] == who.seed) & (columns["episode"] == episode) & (columns["step"] >= first)
    mine &= columns["arm"] == who.arm
    found = {}
    for area in areas:
        here = mine & (columns["area"] == area)
        unit = columns["unit"][here].astype(np.int64)
        step = (columns["step"][here] - first).astype(np.float64)
        times = step * slots.length + slots.starts.get(area, 0.0) + columns["tick"][here]
        found[area] = plots.Events(times, unit, max(count.get(area, 0), int(unit.max(initial=0)) + 1))
    return found


def events(
    view: Run,
    chosen: NDArray[np.bool_],
    circuit: Circuit,
    areas: Sequence[str],
    names: Mapping[str, str] | None = None,
    stretch: int = 0,
) -> dict[str, Events]:
    """The spikes of the `chosen` rows of `view.spikes` by area, silent areas too, under their `names` where they have
    others. Each step of a trial begins `stretch` ticks after the one before."""
    columns, found = view.spikes, {}
    for area in areas:
        here = chosen & (columns["area"] == area)
        ticks = columns["tick"][here].astype(np.float64) + columns["step"][here] * stretch
        unit = columns["unit"][here].astype(np.int64)
        found[(names or {}).get(area, area)] = plots.Events(ticks * circuit.dt, unit, circuit.areas[area].n)
    return found


@dataclass(frozen=True)
class Trace:
    """Step by step what happened in one episode: entry k of every array belongs to moment k.

    At moment 0 nothing has happened yet; `reward`, `pain`, `relieved` and `victim` of moment k are what step k - 1
    brought, beside what the agent perceived and felt at k.
    """

    episode: int
    values: Mapping[str, Floats]
    onset: int | None
    """First moment of pain."""
    relief: int | None
    """Moment of relief."""

    def __getitem__(self, name: str) -> Floats:
        return self.values[name]


OUTCOMES = ("victim", "reward", "pain", "relieved", "at_switch")
"""Columns of a trace that a step brings; the others are what precedes it."""


def traces(who: Individual) -> list[Trace]:
    """Every recorded episode of an individual, in order."""
    if "trace.episode" not in who.tensors:
        return []
    table = {name: np.asarray(who.tensors[f"trace.{name}"], dtype=np.float64) for name in TRACE}
    found = []
    for number in np.unique(table["episode"]):
        rows = np.flatnonzero(table["episode"] == number)
        rows = rows[np.argsort(table["step"][rows], kind="stable")]
        values = {name: column[rows] for name, column in table.items()}
        for name in OUTCOMES:
            values[name] = np.concatenate(([0.0], values[name][:-1]))
        hurt, freed = np.flatnonzero(values["pain"] > 0), np.flatnonzero(values["relieved"] > 0)
        onset, relief = (int(each[0]) if each.size else None for each in (hurt, freed))
        found.append(Trace(int(number), values, onset, relief))
    return found


@dataclass(frozen=True)
class Map:
    """Where things lie in the world of one individual; cells are (column, row)."""

    size: tuple[int, int]
    wall: int
    goal: tuple[int, int]
    switch: tuple[int, int]
    hazards: Cells
    victim_start: tuple[int, int]

    def helper(self, place: Floats) -> Floats:
        """Cells `[T, 2]` of places of the helper's room."""
        width = self.size[0] - self.wall - 1
        return np.stack((place % width + self.wall + 1, place // width), -1)

    def victim(self, cell: Floats) -> Floats:
        """Cells `[T, 2]` of the victim, which before the first step is where it starts."""
        found = np.stack((cell % self.size[0], cell // self.size[0]), -1)
        found[:1] = self.victim_start
        return found


def map_of(view: Run, seed: int, episode: int) -> Map | None:
    """The map of one seed's world in an episode (a drawn layout is drawn again), or None for another dilemma."""
    experiment = find(view.manifest.experiment)
    dilemma = experiment.world(configure(experiment, view.manifest.configuration))
    if not isinstance(dilemma, Rescue):
        return None
    key = rng.keys(torch.tensor([seed]))
    state, _ = dilemma.reset(key)
    if episode:
        state, _ = dilemma.reset(key, state._replace(episode=torch.full_like(key, episode - 1)))
    width = dilemma.columns - dilemma.wall - 1
    goal, switch = (
        (int(place) % width + dilemma.wall + 1, int(place) // width)
        for place in (state.layout.goal[0], state.layout.switch[0])
    )
    spots = state.layout.hazard[0].nonzero()[:, 0].tolist()
    return Map(
        size=(dilemma.columns, dilemma.rows),
        wall=dilemma.wall,
        goal=goal,
        switch=switch,
        hazards=tuple((spot % dilemma.wall, spot // dilemma.wall) for spot in spots),
        victim_start=dilemma.victim_start,
    )
