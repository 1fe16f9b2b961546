"""What two exams find: cells that interact though the class does not say so, and which spikes a level credits."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import pytest
import torch
from torch import Tensor

from bisnn.circuit import Area, Circuit
from bisnn.plasticity.base import outer
from bisnn.recording import Probe
from bisnn.testing import exams
from bisnn.testing.windows import hold_to_timing


class V(NamedTuple):
    """State of `Winner`."""

    v: Tensor  # [*B, n]


@dataclass(frozen=True, kw_only=True)
class Winner:
    """Of the cells of an area, that with the largest potential spikes."""

    threshold: float = 1.0

    def init(self, shape, like):
        return V(torch.zeros(shape, device=like.device, dtype=like.dtype))

    def step(self, state, current, dt):
        v = state.v * 0.5 + current * dt
        spikes = ((v >= self.threshold) & (v == v.amax(-1, keepdim=True))).to(v.dtype)
        return spikes, V(v * (1.0 - spikes))


class SaysSo(Winner):
    """The same, and it says so."""

    elementwise: ClassVar[bool] = False


def swept(neuron):
    return next(exam for exam in exams(neuron) if exam.name == "swept_as_ticked")


def test_cells_that_interact_must_be_declared():
    with pytest.raises(
        AssertionError, match=r"swept_as_ticked: small\.spikes .* declare elementwise: ClassVar\[bool\]"
    ):
        swept(Winner())()
    assert swept(SaysSo()).findings() == []


@pytest.mark.parametrize(("neuron", "both"), [(Winner(), False), (SaysSo(), True)], ids=["silent", "says so"])
def test_what_the_exam_guards_against(neuron, both):
    """Two areas of which one is driven less: without the declaration a sweep lets only one of them spike."""
    circuit = Circuit(areas={"weak": Area(n=2, neuron=neuron), "strong": Area(n=3, neuron=neuron)})
    drive = {"weak": torch.tensor([1.5, 0.0]), "strong": torch.tensor([2.5, 0.0, 0.0])}
    state, probes = circuit.init(torch.tensor(0)), [Probe("weak"), Probe("strong")]
    _, seen = circuit.run(state, drive, steps=4, learning=False, probes=probes)
    assert bool(seen["strong.spikes"].any())
    assert bool(seen["weak.spikes"][..., 0, :].any()) == both


class E(NamedTuple):
    """Trace of `Coincidence`."""

    eligibility: Tensor  # [*B, pre, post]


@dataclass(frozen=True, kw_only=True)
class Coincidence:
    """dw = level e;   e <- e + s_i (z_j - p_j): only spikes of one tick make a pair."""

    reads: ClassVar[tuple[str, ...]] = ("expected",)
    modulator: str = "dopamine"

    def init(self, weight):
        return E(torch.zeros_like(weight))

    def step(self, trace, weight, pre, post, level, dt, expected):
        after = trace.eligibility * 0.9 + outer(pre, post - expected)
        return self.eligible(trace.eligibility, after) * level[..., None, None], E(after)

    def eligible(self, before, after):
        return before


class AtOnce(Coincidence):
    """The same, whose level acts on the pair that ends in its tick."""

    timing: ClassVar[str] = "present"

    def eligible(self, before, after):
        return after


class Early(AtOnce):
    timing: ClassVar[str] = "past"


class Late(Coincidence):
    timing: ClassVar[str] = "present"


def test_spikes_of_one_tick_are_a_pair_too():
    assert hold_to_timing(Coincidence()) == []
    assert hold_to_timing(AtOnce()) == []
    assert any("tick 1 credits a pair that ends in tick 1" in line for line in hold_to_timing(Early()))
    assert any("tick 0 does not credit a pair that ends in tick 0" in line for line in hold_to_timing(Late()))
