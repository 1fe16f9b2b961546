"""The exams of dilemmas over their parameters: what hypothesis draws is a dilemma or refused, and stays consistent."""

import dataclasses
import importlib.util
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bisnn.agents import kinds
from bisnn.errors import ConfigError

SPEC = importlib.util.spec_from_file_location("dilemma_exam", Path(__file__).with_name("dilemma_exam.py"))
exam = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(exam)

DILEMMAS = exam.offered()
every = pytest.mark.parametrize("dilemma", DILEMMAS, ids=lambda dilemma: repr(dilemma)[:60])
FIRST = list({type(one): one for one in reversed(DILEMMAS)}.values())
once = pytest.mark.parametrize("dilemma", FIRST, ids=lambda dilemma: dilemma.name)
QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


def made(dilemma, changed):
    """The dilemma with other parameters, or None where it is refused for a reason."""
    refusal = None
    try:
        return dataclasses.replace(dilemma, **changed)
    except ConfigError as error:
        refusal = str(error)
    assert len(refusal) > 20, f"{changed} is refused without a reason"
    return None


def certified(dilemma, changed):
    """Whether other parameters were admitted; then the certificate must be one."""
    plan = made(dilemma, changed)
    if plan is None:
        return False
    payoff = plan.payoff()
    failed = [text for text, holds in kinds.conditions(payoff).items() if not holds]
    assert not failed, f"{dilemma.name} with {changed} is admitted, but not so that {failed}: {payoff}"
    assert payoff.selfish - payoff.altruistic == pytest.approx(payoff.cost_of_helping, abs=1e-6)
    return True


def over_parameters(dilemma, examples):
    """How many drawn sets of parameters, not the example's own, were admitted."""
    admitted = []

    @settings(max_examples=examples, derandomize=True, **QUIET)
    @given(exam.parameters(dilemma))
    def held(changed):
        if certified(dilemma, changed) and any(getattr(dilemma, name) != value for name, value in changed.items()):
            admitted.append(changed)

    held()
    return len(admitted)


def lives(dilemma, worlds, steps, examples):
    """World-steps that were audited: random parameters, seeds and ways to act."""
    total = []

    @settings(max_examples=examples, derandomize=True, **QUIET)
    @given(exam.parameters(dilemma), st.integers(0, 2**40), st.sampled_from(exam.STYLES))
    def held(changed, seed, style):
        plan = made(dilemma, changed) or dilemma
        key = torch.arange(worlds) + seed
        for step in exam.walk(plan, key, steps, style, salt=seed % 64):
            exam.check_step(plan, (worlds,), *step)
        total.append(worlds * steps)

    held()
    return sum(total)


@every
def test_over_its_parameters_it_is_a_dilemma_or_refused(dilemma):
    assert over_parameters(dilemma, 20) >= 3


@once
def test_over_its_parameters_every_state_is_consistent(dilemma):
    assert lives(dilemma, 128, 27, 6) >= 20_000


@pytest.mark.slow
@every
def test_over_many_parameters_it_is_a_dilemma_or_refused(dilemma):
    assert over_parameters(dilemma, 300) >= 40


@pytest.mark.slow
@once
def test_a_million_steps_leave_no_inconsistent_state(dilemma):
    assert lives(dilemma, 1024, 100, 10) >= 1_000_000
