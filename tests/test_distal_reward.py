"""The network of Izhikevich (2007), doi:10.1093/cercor/bhl152: its events equal its circuit, its task is as written.

Spikes and weights of the event-driven evaluation and of the dense circuit: the same bits. Closed forms: 1e-6.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from bisnn import rng
from bisnn.experiments.claims import distal_reward
from bisnn.experiments.claims.base import misses
from bisnn.experiments.claims.distal_reward import FULL, MARGIN, SMALL, Course, judged, live, predicted
from bisnn.experiments.tasks.daspnet import BLOCK, DistalReward, Pairing, SetTraceRSTDP
from bisnn.experiments.tasks.daspnet_events import EventNetwork

TINY = DistalReward(
    excitatory=24, inhibitory=6, fan_out=6, noise=18.0, start=2.0, latency=(60, 200), rule=SetTraceRSTDP(amplitude=0.5)
)
"""Busy enough that in two seconds all that can happen has happened."""


def by_circuit(plan, seeds, masters, ticks):
    """Flat units that fire at every tick, the excitatory weights `[B, n_exc, n]`, and the task."""
    circuit, key, task = plan.circuit(), rng.keys(torch.tensor(seeds)), Pairing(plan, seeds, masters)
    state, second, fired = circuit.init(key), plan.targets(key)[1], []
    some = torch.arange(len(seeds))
    with torch.inference_mode():
        for tick in range(ticks):
            if tick % BLOCK == 0:
                drives = plan.drive(key, tick // BLOCK)
            drive = drives[:, tick % BLOCK]
            release = {"dopamine": torch.from_numpy(task.release(tick))}
            parts = {"exc": drive[:, : plan.excitatory], "inh": drive[:, plan.excitatory :]}
            state = circuit.step(state, parts, release)
            spikes = torch.cat((state.spikes["exc"][0], state.spikes["inh"][0]), -1)
            task.watch(tick, spikes[:, 0].numpy() > 0, spikes[some, second].numpy() > 0)
            fired.append(np.flatnonzero(spikes.numpy()))
    return fired, torch.cat((state.weights["exc->exc"], state.weights["exc->inh"]), -1), task


def test_events_equal_the_circuit():
    seeds, masters, ticks = [3, 3, 4], [0, None, 0], 2000
    network, fired = EventNetwork(TINY, seeds, masters), []
    network.advance(ticks, fired)
    expected, weight, task = by_circuit(TINY, seeds, masters, ticks)
    assert sum(map(len, expected)) > 500
    assert all(np.array_equal(one, other) for one, other in zip(fired, expected, strict=True)), "0 spikes differ"
    targets = TINY.targets(rng.keys(torch.tensor(seeds)))[0][:, : TINY.excitatory]
    there = torch.gather(weight, -1, targets).numpy().reshape(-1)
    assert np.array_equal(network.weight, there)
    assert np.count_nonzero(weight.numpy()) <= network.weight.size, "synapses that do not exist stay 0"
    assert network.weight.std() > 0.05, "they have learned"
    assert np.array_equal(network.pairing.pairs, task.pairs)
    assert task.pairs.min() >= 1
    assert not np.array_equal(*network.weight.reshape(3, -1)[:2]), "and dopamine made a difference"


def test_an_individual_alone_equals_itself_in_a_batch():
    many, alone = EventNetwork(TINY, [5, 6, 7], [0, 1, None]), EventNetwork(TINY, [6], [0])
    many.advance(1200)
    alone.advance(700)
    alone.advance(500)
    assert np.array_equal(many.weight.reshape(3, -1)[1], alone.weight)
    assert np.array_equal(many.eligibility.reshape(3, -1)[1], alone.eligibility)
    assert np.array_equal(many.count.reshape(3, -1)[1], alone.count)


def test_wiring():
    plan = replace(TINY, fan_out=9)
    targets, second = plan.targets(torch.arange(4))
    assert targets.shape == (4, 30, 9)
    assert bool((targets.diff(dim=-1) > 0).all()), "distinct"
    assert not bool((targets == torch.arange(30)[:, None]).any()), "never itself"
    assert int(targets[:, 24:].max()) < 24, "inhibition reaches excitatory units"
    assert int(targets[:, :24].max()) >= 24
    assert int(second.max()) < 24
    assert bool((targets[:, 0] == second[:, None]).any(-1).all())
    network = EventNetwork(plan, [0, 1], [0, 1])
    assert network.synapse.tolist() == [0.0, 0.0]
    assert np.count_nonzero(network.weight == 0) == 2
    assert FULL.circuit().areas["exc"].n == 800


def play(rule, pre, post, level, ticks):
    """Weight and trace of one synapse after spikes at the given ticks."""
    weight = torch.zeros(1, 1, dtype=torch.float64)
    trace = rule.init(weight)
    for tick in range(ticks):
        spikes = (torch.tensor([float(tick in moments)], dtype=torch.float64) for moments in (pre, post))
        now = torch.tensor(level(tick), dtype=torch.float64)
        change, trace = rule.step(trace, weight, *spikes, now, 1.0)
        weight = weight + change
    return float(weight), trace


@pytest.mark.parametrize(
    ("pre", "post", "eligibility"),
    [
        ({3}, {3}, 0.1),  # it arrives as the target fires: it fired a tick before
        ({3}, {7}, 0.1 * 0.95**4),
        ({7}, {3}, -0.15 * 0.95**3),  # booked a tick after the pre spike, with the trace of that moment
        ({1, 3}, {7}, 0.1 * 0.95**4),  # set, not summed
        ({7}, {1, 3}, -0.15 * 0.95**3),
        ({3}, {4, 7}, 0.1 * (0.95 + 0.95**4)),
    ],
)
def test_the_rule_pairs_spikes_as_the_script(pre, post, eligibility):
    weight, trace = play(SetTraceRSTDP(), pre, post, lambda tick: 0.0, 9)
    assert float(trace.eligibility) == pytest.approx(eligibility, abs=1e-12)
    assert weight == 0.0, "weights move at the tenth tick only"
    weight, trace = play(SetTraceRSTDP(), pre, post, lambda tick: 0.5, 10)
    assert weight == pytest.approx(0.502 * eligibility, abs=1e-12)
    assert float(trace.eligibility) == pytest.approx(0.99 * eligibility, abs=1e-12)
    assert float(trace.clock) == 0.0


def test_a_late_reward_is_worth_its_closed_form():
    """One pair, one reward L ticks later: sum over updates of level times eligibility, less what is tonic."""
    latency, rule = 500, SetTraceRSTDP(tonic=0.0)
    weight, _ = play(rule, {9}, {9}, lambda tick: 0.5 * 0.995 ** (tick - latency) if tick >= latency else 0.0, 6000)
    first = 9 + 10 * math.ceil((latency - 9) / 10)  # the first update at or after the reward
    expected = 0.1 * 0.99 ** ((first - 9) / 10) * 0.5 * 0.995 ** (first - latency) / (1 - 0.995**10 * 0.99)
    assert weight == pytest.approx(expected, rel=1e-6)


def test_theory_of_the_reduced_task():
    """The numbers in the docstring of `reduced`."""
    small, full = predicted(1.76), predicted(1.23, FULL, 3600.0)
    assert small["signal"] == pytest.approx(0.34, abs=0.005)
    assert full["signal"] == pytest.approx(0.09, abs=0.005)
    assert (round(small["needed"]), round(full["needed"])) == (12, 45)
    assert round(small["chance_pairs"]) == 18
    assert small["noise"] == pytest.approx(0.19, abs=0.005)
    assert small["drift"] < 0.0
    assert SMALL.ceiling / (small["noise"] * math.sqrt(30)) == pytest.approx(3.8, abs=0.05)
    assert small["tonic_noise"] == pytest.approx(0.11, abs=0.005)
    assert 99 <= full["chance_pairs"] <= 106, "99 and 106 in the reference without dopamine"


def test_pairs_and_rewards():
    plan, seeds = FULL, list(range(40))
    count = len(seeds)
    task = Pairing(plan, [*seeds, *seeds, *seeds], [*seeds, *[None] * count, *[(s + 1) % count for s in seeds]])
    gap = np.tile(np.array([0, 1, 19, 20] * 10), 3)
    due = []
    for tick in range(3100):
        due.append(task.release(tick).copy())
        task.watch(tick, np.full(3 * count, tick == 50), tick - 50 == gap)
    released = np.stack(due)
    paired = (gap > 0) & (gap < 20)
    assert np.array_equal(task.pairs, paired.astype(int))
    assert np.array_equal(released[:, :count].sum(0), 0.5 * paired[:count]), "own pairs"
    assert not released[:, count : 2 * count].any(), "never"
    assert np.array_equal(released[:, 2 * count :], np.roll(released[:, :count], -1, axis=1)), "the next one's"
    latency = released[:, :count].argmax(0)[paired[:count]] - 50 - gap[:count][paired[:count]]
    assert latency.min() > 1000
    assert latency.max() <= 3000
    assert np.ptp(latency) > 1500, "each its own"


def course(own, none, yoked, ceiling=0.01):
    """A course of two seeds from their weights second by second."""
    weight = np.array([own, none, yoked], dtype=float)
    flat = np.full((3, 2), ceiling)
    return Course(weight=weight, ceiling=flat, mean=flat, pairs=flat.astype(int), rate=flat)


def test_what_is_judged():
    seen = course(own=[[0, 4, 1], [0, 1, 3.995]], none=[[0, 0.2, 0.1], [0, 0, 0]], yoked=[[0, 1, 2], [0, 4, 0]])
    assert seen.first(4.0 - MARGIN)[0].tolist() == [2.0, 3.0]
    found = judged(FULL, seen, 1.0, 2.0)
    assert (found["reinforced"], found["none_largest"], found["yoked_spared"]) == (0.5, 0.2, 0.5)
    claim = next(one for one in distal_reward.CLAIMS if one.name == "dopamine/C-2")
    assert len(misses(claim, found)) == 2
    assert judged(FULL, course([[0], [0]], [[0], [0]], [[0], [0]]), 0, 1)["median_first"] == 2.0, "finite where never"


def test_live_reports_and_returns_all_of_it():
    told = []
    plan = replace(SMALL, noise=20.0)
    found = live(plan, [1, 2], 2, lambda second, seen: told.append((second, seen.weight.shape)), every=1)
    assert told == [(1, (3, 2, 1)), (2, (3, 2, 2))]
    assert found.weight.shape == (3, 2, 2)
    assert bool((found.rate > 1.0).all())


@pytest.mark.slow
def test_other_seeds_than_those_of_the_claim():
    claim = next(one for one in distal_reward.CLAIMS if one.name == "dopamine/C-2-reduced")
    seeds = range(48, 56)
    found = judged(SMALL, live(SMALL, seeds, distal_reward.SMALL_SECONDS), 0.0, distal_reward.SMALL_SECONDS)
    assert not misses(claim, found)
