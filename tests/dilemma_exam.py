"""What every exam of dilemmas shares: the walk over the folder, lives of random actions, and checks of each step."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import pkgutil
import typing
from pathlib import Path
from typing import Literal

import torch
from hypothesis import strategies as st

from bisnn import rng, tree
from bisnn.agents import dilemmas as folder
from bisnn.agents.base import GOALS, NOTHING, Dilemma


def offered():
    """The examples of the folder that are dilemmas."""
    found = []
    for each in pkgutil.iter_modules(folder.__path__):
        if "EXAMPLES = (" in (Path(folder.__path__[0]) / f"{each.name}.py").read_text("utf-8"):
            module = importlib.import_module(f"{folder.__name__}.{each.name}")
            found += [one for one in module.EXAMPLES if isinstance(one, Dilemma)]
    return found


def same(one, other):
    """Whether two trees hold the same bits."""
    left, right = dict(tree.leaves(one)), dict(tree.leaves(other))
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def actions_of(dilemma, key, step, style="uniform", state=None):
    """Actions of one step, keyed by seed and step: uniform; one action again and again; or mostly a good advice."""
    agents, count = len(dilemma.agents), len(dilemma.actions)
    chance = rng.uniform(key, "exam/action", step, agents * 2).unflatten(-1, (2, agents))
    anything = (chance[..., 0, :] * count).long()
    if style == "uniform" or state is None:
        return anything
    usual = torch.full_like(anything, int(style) % count) if style.isdigit() else dilemma.advise(state, style)
    return torch.where(chance[..., 1, :] < 0.8, usual, anything)


STYLES = ("uniform", *GOALS, "0", "1", "2", "3", "4", "5", "6", "7")
"""How a random life acts."""


def walk(dilemma, key, steps, style="uniform", traits=None, salt=0):
    """(before, actions, after, obs, outcome) of every step of a random life."""
    state, _ = dilemma.reset(key, traits=traits)
    for step in range(steps):
        actions = actions_of(dilemma, key, step + salt * 4096, style, state)
        after, obs, outcome = dilemma.step(key, state, actions)
        yield state, actions, after, obs, outcome
        state = after


def last(dilemma, key, steps, **how):
    """State, observation and outcome after a random life."""
    return list(itertools.islice(walk(dilemma, key, steps, **how), steps))[-1][2:]


# ------------------------------------------------------------ what must hold of each step


def check_obs(dilemma, shape, obs):
    """Shapes, dtypes and ranges that `senses` promises."""
    senses, agents = dilemma.senses, len(dilemma.agents)
    assert obs.place.shape == (*shape, agents)
    assert obs.place.dtype == torch.int64
    assert bool(((obs.place >= 0) & (obs.place < senses.places)).all())
    assert obs.expression.shape == (*shape, agents, len(senses.faces) * senses.cells)
    assert obs.expression.dtype == torch.float32
    assert bool((obs.expression >= 0).all())
    if senses.features or obs.view is not NOTHING:
        assert obs.view.shape == (*shape, agents, len(senses.features))
        assert obs.view.dtype == torch.float32
        assert bool(((obs.view >= -1) & (obs.view <= 1)).all())


def check_outcome(dilemma, shape, outcome):
    """Shapes, dtypes, and that no step both ends an episode and starts one."""
    assert outcome.reward.shape == (*shape, len(dilemma.agents))
    assert outcome.reward.is_floating_point()
    assert bool(torch.isfinite(outcome.reward).all())
    for flag in outcome[1:4]:
        assert flag.shape == shape
        assert flag.dtype == torch.bool
    assert not bool((outcome.terminated & outcome.truncated).any())
    assert not bool((outcome.started & (outcome.terminated | outcome.truncated)).any())
    assert not bool((outcome.reward.abs().sum(-1) * outcome.started).any()), "the reset that starts an episode pays"
    for name, fact in outcome.info.items():
        assert fact.shape[: len(shape)] == shape, name


def check_ledger(dilemma, shape, ledger, outcome):
    """Shapes, that agents' welfare is their reward, and nothing where an episode started."""
    agents, parties = len(dilemma.agents), len(dilemma.parties)
    shapes = ((agents,), (agents, parties), (agents,), (parties,))
    for name, part, due in zip(ledger._fields, ledger, shapes, strict=True):
        assert part.shape == (*shape, *due), name
        assert bool(torch.isfinite(part.float()).all()), name
        assert not bool((part.float().flatten(len(shape)).abs().sum(-1) * outcome.started).any()), name
    assert ledger.need.dtype == torch.bool
    assert bool((ledger.cost >= 0).all())
    assert torch.equal(ledger.welfare[..., :agents].float(), outcome.reward.float())


def check_state(dilemma, shape, state):
    """The state of every individual is consistent. Says by name what is not."""
    found = dilemma.audit(state)
    assert found
    for name, holds in found.items():
        assert holds.shape == shape, name
        assert holds.dtype == torch.bool, name
        assert bool(holds.all()), f"{dilemma.name}: not so that {name}; {dilemma}"


def check_step(dilemma, shape, before, actions, after, obs, outcome):
    """All of the above."""
    check_obs(dilemma, shape, obs)
    check_outcome(dilemma, shape, outcome)
    check_ledger(dilemma, shape, dilemma.ledger(before, actions, after, outcome), outcome)
    check_state(dilemma, shape, after)


# ------------------------------------------------------------ parameters


def values_of(hint, default):
    """Values of a field, of its type and near its default; its default alone where the type is something else."""
    if typing.get_origin(hint) is Literal:
        return st.sampled_from(typing.get_args(hint))
    if hint is bool:
        return st.booleans()
    if hint is int:
        return st.integers(min(0, default), 2 * abs(default) + 2)
    if hint is float:
        near = st.floats(min(0.0, 2 * default), 2 * abs(default) + 1, allow_subnormal=False)
        return st.one_of(st.sampled_from((default, 0.0, 0.25, 0.5, 1.0)), near)
    return st.just(default)


@st.composite
def parameters(draw, example, most=3):
    """Some fields of an example, with other values: up to `most` at once, so that a good share is admissible."""
    hints = typing.get_type_hints(type(example))
    fields = [part.name for part in dataclasses.fields(example)]
    plans = {name: values_of(hints[name], getattr(example, name)) for name in fields}
    chosen = draw(st.lists(st.sampled_from(fields), max_size=most, unique=True))
    return {name: draw(plans[name]) for name in chosen}


def others(dilemma, trait):
    """Admissible plans that differ from `dilemma` in the field `trait` alone."""
    from bisnn.errors import ConfigError

    usual = getattr(dilemma, trait)
    for value in (0.5, 0.25, 0.75, 1.0, 0.0, 2.0, 1.5, usual + 1, usual * 0.5, usual * 2, usual + 0.25):
        value = type(usual)(value)
        if value != usual:
            try:
                yield value, dataclasses.replace(dilemma, **{trait: value})
            except ConfigError:
                continue
