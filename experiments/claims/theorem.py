"""The theorem of three-factor learning: without a critic a rule whose eligibility has a mean unlearns what it learned.

    E[dw] = rate (Cov(M, e) + E[M] E[e]),   M = R - b

The first term climbs the reward, the second is unsupervised: it drives the weights whatever was done. R-max has
E[e] = 0. For the Hebbian rule (pre times post) E[e] > 0, so E[M] must vanish for every stimulus by itself: a critic
that knows one mean reward only does not do, least of all where rewards differ between stimuli.

Task: one of 4 stimuli (10 of 40 inputs fire), 5 stochastic cells, a target of 5 bits for each stimulus (10 of the 20
bits are 1). A trial is one tick of stimulus and one of reward, then the circuit rests. R = fraction of right bits +
offset: 0; 2; or 2 on average and dependent on the stimulus, from 2 - spread to 2 + spread. The critic b is a running
mean of R over 20 trials from its first reward on: none, one for all, one for each stimulus. After 6000 trials a cell's
bit for a stimulus is what it does more probably; the fraction of right bits is the measure. One set of parameters
(`Task`) serves all 18 conditions. The table comes without parameters; these were found by a search over learning rate,
bounds, time constant of the critic and spread of the offsets, in a fast model of the same equations with other random
numbers.

Frémaux, Sprekeler, Gerstner (2010) J. Neurosci. 30:13326, doi:10.1523/JNEUROSCI.6249-09.2010;
Frémaux & Gerstner (2016) Front. Neural Circuits 9:85, doi:10.3389/fncir.2015.00085
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from bisnn import rng
from bisnn.circuit import Area, Circuit, CircuitState, Projection
from bisnn.experiments.claims.base import Claim
from bisnn.modulators import Dopamine, RewardPredictionError
from bisnn.neurons import IF, EscapeRateLIF
from bisnn.plasticity import RSTDP, RMax

PAPER = "Frémaux, Sprekeler, Gerstner (2010) J. Neurosci. 30:13326, doi:10.1523/JNEUROSCI.6249-09.2010"
RULES = ("rmax", "hebb")
CRITICS = ("none", "global", "stimulus")
OFFSETS = ("0", "2", "varied")
REFERENCE = {
    "rmax": ((1.00, 0.83, 0.87), (1.00, 1.00, 1.00), (1.00, 1.00, 1.00)),
    "hebb": ((0.53, 0.53, 0.53), (0.88, 0.88, 0.62), (1.00, 1.00, 1.00)),
}
"""Fraction of right bits by rule, critic (rows) and offset (columns)."""
STIMULI, ACTIVE, CELLS = 4, 10, 5
PARTS = 60
"""Parts of a life in its learning curve."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """The one set of parameters of all conditions."""

    step: float = 0.07
    """Change of a cell's potential per unit of reward and score, in units of `delta_u`."""
    bound: float = 6.0
    """Largest absolute weight."""
    critic: float = 20.0
    """Trials over which the critic averages."""
    spread: float = 0.35
    """Half the range of the offsets that depend on the stimulus."""
    trials: int = 6000
    """Trials of a life."""

    @cached_property
    def circuit(self) -> Circuit:
        """Inputs onto two sets of cells, one for each rule, each with its own dopamine."""
        cell = EscapeRateLIF(tau=20.0, threshold=0.0, delta_u=1.0, rho0=math.log(2.0), reset=None, refractory=0.0)
        gain = 1.0 - math.exp(-1.0 / cell.tau)
        rate = self.step / (ACTIVE * gain * gain)
        rmax = RMax(modulator="rmax", rate=rate, tau_membrane=cell.tau, delta_u=cell.delta_u, gain=gain)
        hebb = RSTDP(modulator="hebb", rate=rate, tau_pre=cell.tau, a_plus=gain / cell.delta_u, a_minus=0.0)
        bounds = (-self.bound, self.bound)
        return Circuit(
            areas={"stimulus": Area(n=STIMULI * ACTIVE, neuron=IF()), **{r: Area(n=CELLS, neuron=cell) for r in RULES}},
            projections=(
                Projection(source="stimulus", target="rmax", rule=rmax, bounds=bounds, delay=0),
                Projection(source="stimulus", target="hebb", rule=hebb, bounds=bounds, delay=0),
            ),
            modulators={name: Dopamine(tau=0.0) for name in RULES},
        )

    def offsets(self) -> Tensor:
        """Offset of the reward `[offset, stimulus]`."""
        varied = 2.0 + self.spread * torch.linspace(-1.0, 1.0, STIMULI)
        return torch.stack([torch.zeros(STIMULI), torch.full((STIMULI,), 2.0), varied])


class Life(NamedTuple):
    """What was measured of `[critic, offset, seed]` individuals, by rule."""

    right: dict[str, Tensor]  # fraction of right bits at the end, [critic, offset, seed]
    curve: dict[str, Tensor]  # fraction of right spikes in `PARTS` parts of a life, [part, critic, offset]
    mean: dict[str, Tensor]  # mean score per trial and cell, [critic, offset]
    error: dict[str, Tensor]  # its standard error


def targets(key: Tensor) -> Tensor:
    """Target bits `[*B, stimulus, cell]`: half of them 1, own to every seed."""
    draws = rng.uniform(key, "theorem/targets", 0, STIMULI * CELLS)
    bits = (draws.argsort(-1).argsort(-1) < STIMULI * CELLS // 2).to(torch.float32)
    return bits.reshape(*key.shape, STIMULI, CELLS)


def drives() -> Tensor:
    """Input current `[stimulus, input]`: each stimulus makes its own ten inputs fire."""
    return torch.eye(STIMULI).repeat_interleave(ACTIVE, dim=-1)


def chosen(values: Tensor, stimulus: Tensor) -> Tensor:
    """The entry of `values` `[*B, stimulus, ...]` at `stimulus` `[*B]`."""
    index = stimulus.reshape(*stimulus.shape, 1, *(1,) * (values.dim() - stimulus.dim() - 1))
    return values.gather(stimulus.dim(), index.expand(*stimulus.shape, 1, *values.shape[stimulus.dim() + 1 :])).select(
        stimulus.dim(), 0
    )


class Critics:
    """Running means of the reward by context: M = R - b, b <- b + M / tau, from the first reward of a context on."""

    def __init__(self, tau: float, batch: torch.Size) -> None:
        self.predictor = RewardPredictionError(beta=1.0 / tau)
        self.expected, self.met = torch.zeros(*batch, STIMULI), torch.zeros(*batch, STIMULI, dtype=torch.bool)

    def modulation(self, reward: Tensor, stimulus: Tensor) -> Tensor:
        """M of rewards `[critic, offset, seed]`; the rows of `critic` are those of `CRITICS`."""
        context = torch.stack([torch.zeros_like(stimulus[1]), torch.zeros_like(stimulus[1]), stimulus[2]])[..., None]
        first = ~self.met.gather(-1, context)[..., 0]
        state = self.predictor.init(reward)
        state = state._replace(prediction=torch.where(first, reward, self.expected.gather(-1, context)[..., 0]))
        error, state = self.predictor.step(state, reward, 1.0)
        self.expected.scatter_(-1, context, state.prediction[..., None])
        self.met.scatter_(-1, context, True)
        return torch.cat([reward[:1], error[1:]])


def live(task: Task, seeds: Tensor) -> Life:
    """A life of every condition and seed, both rules side by side."""
    key = rng.keys(seeds).expand(len(CRITICS), len(OFFSETS), len(seeds))
    circuit, goal, offset = task.circuit, targets(key), task.offsets()[:, None, :].expand(*key.shape, STIMULI)
    order = rng.uniform(key[0, 0], "theorem/order", 0, task.trials).mul(STIMULI).long()
    critics = {rule: Critics(task.critic, key.shape) for rule in RULES}
    curve = {rule: torch.zeros(PARTS, *key.shape) for rule in RULES}
    moments = {rule: torch.zeros(2, *key.shape, dtype=torch.float64) for rule in RULES}
    state = circuit.init(key)
    for trial in range(task.trials):
        stimulus = order[:, trial].expand(key.shape)
        state = circuit.step(state, {"stimulus": drives()[stimulus]})
        release, wanted = {}, chosen(goal, stimulus)
        for rule in RULES:
            share = (state.spikes[rule][0] == wanted).float().mean(-1)
            release[rule] = critics[rule].modulation(share + chosen(offset, stimulus), stimulus)
            curve[rule][trial * PARTS // task.trials] += share * (PARTS / task.trials)
            score = scores(state, rule).double()
            moments[rule] += torch.stack([score.sum(-1), (score * score).sum(-1)])
        state = circuit.rest(circuit.step(state, {}, release))
    count = task.trials * CELLS * len(seeds)
    total = {rule: value.sum(-1) / count for rule, value in moments.items()}
    return Life(
        right=readout(circuit, state, goal),
        curve={rule: value.mean(-1) for rule, value in curve.items()},
        mean={rule: value[0] for rule, value in total.items()},
        error={rule: ((value[1] - value[0] * value[0]) / count).sqrt() for rule, value in total.items()},
    )


def scores(state: CircuitState, rule: str) -> Tensor:
    """Eligibility of an active input's synapse `[*B, cell]` after the tick of the stimulus."""
    eligibility: Tensor = state.traces[f"stimulus->{rule}"].eligibility
    return eligibility.sum(-2) / ACTIVE


def readout(circuit: Circuit, state: CircuitState, goal: Tensor) -> dict[str, Tensor]:
    """Fraction of right bits `[*B]` by rule: 1 where a cell fires with a probability above one half."""
    right = {rule: torch.zeros(goal.shape[:-2]) for rule in RULES}
    for stimulus, drive in enumerate(drives()):
        shown, _ = circuit.run(
            circuit.rest(state), {"stimulus": drive.expand(*goal.shape[:-2], -1)}, steps=1, learning=False
        )
        for rule in RULES:
            bits = (shown.neurons[rule].expected > 0.5).float()
            right[rule] += (bits == goal[..., stimulus, :]).float().mean(-1) / STIMULI
    return right


SEEDS = 40
"""Seeds of the table: the reference took 10; more make its standard error smaller."""
FIRST = 1000
"""First seed measured; the parameters were chosen on others."""


def measure_table() -> Mapping[str, float]:
    """C-4: fraction of right bits in the 18 conditions, and the mean eligibility in standard errors of both rules."""
    life = live(Task(), torch.arange(FIRST, FIRST + SEEDS))
    found = {name: float(life.right[rule].mean(-1)[at]) for name, (rule, at) in cells().items()}
    ratio = {rule: life.mean[rule] / life.error[rule] for rule in RULES}
    return found | {"rmax_e_in_se": float(ratio["rmax"].abs().max()), "hebb_e_in_se": float(ratio["hebb"].min())}


def cells() -> dict[str, tuple[str, tuple[int, int]]]:
    """Name of every condition to its rule, critic and offset."""
    return {
        f"{rule}_{critic}_{offset}": (rule, (row, column))
        for rule in RULES
        for row, critic in enumerate(CRITICS)
        for column, offset in enumerate(OFFSETS)
    }


def first_trial(task: Task, seeds: int) -> dict[str, tuple[float, float, float]]:
    """Mean weight change of the active synapses in the first trial without a critic, and what the theorem predicts.

    All cells fire with p = 1/2, so Cov(R, z) = (1/5) p (1 - p) for a target of 1 and minus that for a target of 0,
    E[R] = 1/2 + offset, and E[e] = 0 (R-max) or p (Hebb) times the gain. By name: measured mean, its standard error
    over seeds, prediction.
    """
    key = rng.keys(torch.arange(seeds)).expand(2, seeds)
    circuit, goal = task.circuit, targets(key)[..., 0, :]
    offset = torch.tensor([0.0, 2.0])[:, None]
    state = circuit.step(circuit.init(key), {"stimulus": drives()[0].expand(2, seeds, -1)})
    reward = {rule: (state.spikes[rule][0] == goal).float().mean(-1) + offset for rule in RULES}
    state, found = circuit.step(state, {}, reward), {}
    gain = 1.0 - math.exp(-1.0 / 20.0)
    for rule in RULES:
        change = state.weights[f"stimulus->{rule}"][..., :ACTIVE, :].double().mean(-2)
        for row, shift in enumerate((0, 2)):
            for bit in (0, 1):
                here = change[row][goal[row] == bit]
                covariance = (1.0 if bit else -1.0) / CELLS * 0.25
                drift = (0.5 + shift) * 0.5 if rule == "hebb" else 0.0
                predicted = task.step / (ACTIVE * gain) * (covariance + drift)
                error = float(here.std()) / math.sqrt(len(here))
                found[f"{rule}_{shift}_{bit}"] = (float(here.mean()), error, predicted)
    return found


def measure_theorem() -> Mapping[str, float]:
    """E[dw] = Cov + E[M] E[e]: measured against predicted drift, in standard errors, and the size of the harm."""
    found = first_trial(Task(), 4000)
    largest = max(abs(mean - predicted) / error for mean, error, predicted in found.values())
    wrong_way = {rule: found[f"{rule}_2_0"][0] / found[f"{rule}_2_0"][1] for rule in RULES}
    return {"largest_deviation": largest, "hebb_wrong_way": wrong_way["hebb"], "rmax_right_way": -wrong_way["rmax"]}


CLAIMS = (
    Claim(
        name="dopamine/C-4",
        claim="A critic of every stimulus is needed where E[e] > 0 (Hebb), none where E[e] = 0 (R-max).",
        source=PAPER,
        expected={name: REFERENCE[rule][at[0]][at[1]] for name, (rule, at) in cells().items()} | {"rmax_e_in_se": 0.0},
        tolerance={
            name: (round(REFERENCE[rule][at[0]][at[1]] - 0.05, 2), round(REFERENCE[rule][at[0]][at[1]] + 0.05, 2))
            for name, (rule, at) in cells().items()
        }
        | {"rmax_e_in_se": (0.0, 4.0), "hebb_e_in_se": (4.0, None)},
        measure=measure_table,
        seconds=25.0,
    ),
    Claim(
        name="dopamine/C-4-theorem",
        claim="E[dw] = Cov(R, e) + E[R] E[e]: the drift of the first trial is the predicted one, rule by rule.",
        source=PAPER,
        expected={"largest_deviation": 0.0},
        tolerance={"largest_deviation": (0.0, 4.0), "hebb_wrong_way": (4.0, None), "rmax_right_way": (2.0, None)},
        measure=measure_theorem,
        seconds=2.0,
    ),
)
