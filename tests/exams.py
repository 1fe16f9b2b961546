"""The universal exams: every component of a folder is found by walking it, and takes the same questions.

Nothing is listed here: a new file in bisnn/neurons, plasticity or modulators is examined because it exists.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import math
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from bisnn import rng, tree
from bisnn.modulators import Modulator
from bisnn.neurons import Neuron
from bisnn.plasticity import Rule

N, PRE, POST = 5, 4, 3
BATCHES = [(), (3,), (2, 4)]


@dataclass(frozen=True)
class Kind:
    """How components of one folder are started and fed."""

    package: str
    protocol: type
    start: Callable[[Any, Tensor, torch.dtype], Any]  # component, key [*B], dtype -> state
    feed: Callable[[Any, Tensor, torch.dtype, int], tuple[Any, ...]]  # component, key, dtype, tick -> inputs
    output: tuple[int, ...]  # shape after *B


def noise(key: Tensor, name: str, tick: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Uniforms `[*B, *shape]` of the individuals."""
    values = rng.uniform(key, f"exam/{name}", tick, math.prod(shape)).to(dtype)
    return values.reshape((*key.shape, *shape))


def spikes(key: Tensor, name: str, tick: int, n: int, dtype: torch.dtype) -> Tensor:
    return (noise(key, name, tick, (n,), dtype) < 0.4).to(dtype)


def start_neuron(neuron: Any, key: Tensor, dtype: torch.dtype) -> Any:
    return neuron.init((*key.shape, N), torch.zeros((), dtype=dtype))


def feed_neuron(neuron: Any, key: Tensor, dtype: torch.dtype, tick: int) -> tuple[Any, ...]:
    return (noise(key, "current", tick, (N,), dtype) * 4.0 - 0.7,)


def weights(key: Tensor, dtype: torch.dtype) -> Tensor:
    return noise(key, "weight", 0, (PRE, POST), dtype)


def start_rule(rule: Any, key: Tensor, dtype: torch.dtype) -> Any:
    return rule.init(weights(key, dtype))


def feed_rule(rule: Any, key: Tensor, dtype: torch.dtype, tick: int) -> tuple[Any, ...]:
    level = noise(key, "level", tick, (), dtype) - 0.5 if rule.modulator else None
    pre, post = spikes(key, "pre", tick, PRE, dtype), spikes(key, "post", tick, POST, dtype)
    return weights(key, dtype), pre, post, level


def start_modulator(modulator: Any, key: Tensor, dtype: torch.dtype) -> Any:
    return modulator.init(torch.zeros(key.shape, dtype=dtype))


def feed_modulator(modulator: Any, key: Tensor, dtype: torch.dtype, tick: int) -> tuple[Any, ...]:
    return (noise(key, "release", tick, (), dtype) - 0.3,)


KINDS = (
    Kind("bisnn.neurons", Neuron, start_neuron, feed_neuron, (N,)),
    Kind("bisnn.plasticity", Rule, start_rule, feed_rule, (PRE, POST)),
    Kind("bisnn.modulators", Modulator, start_modulator, feed_modulator, ()),
)


def modules(package: str) -> Iterator[ModuleType]:
    """Every file of the package but its base."""
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if found.name != "base" and not found.ispkg:
            yield importlib.import_module(f"{package}.{found.name}")


def examples(module: ModuleType) -> tuple[Any, ...]:
    """The components that a file offers for examination; raises `AssertionError` when it offers none."""
    given = getattr(module, "EXAMPLES", ())
    assert given, f"{module.__name__} has no EXAMPLES, so nothing in it is examined; add EXAMPLES = (X(), X(<other>))"
    return tuple(given)


def candidates() -> list[tuple[Kind, ModuleType, Any]]:
    """Every example of every file of every kind."""
    return [(kind, module, one) for kind in KINDS for module in modules(kind.package) for one in examples(module)]


def live(kind: Kind, component: Any, key: Tensor, dtype: torch.dtype, ticks: int = 30, dt: float = 1.0) -> Any:
    """Outputs of all ticks and the last state."""
    state, outputs = kind.start(component, key, dtype), []
    for tick in range(ticks):
        output, state = component.step(state, *kind.feed(component, key, dtype, tick), dt)
        outputs.append(output)
    return torch.stack(outputs), state


def leaves(what: Any) -> list[Tensor]:
    found: list[Tensor] = []
    tree.map(found.append, what)
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two trees hold the same bits."""
    equal: list[bool] = []
    tree.map(lambda a, b: equal.append(torch.equal(a, b) and a.dtype == b.dtype), one, other)
    return all(equal)


def copied(what: Any) -> Any:
    return tree.map(lambda leaf: leaf.clone(), what)


def documentation(module: ModuleType, component: Any) -> list[str]:
    """What the docstrings of a file lack: an equation, a reference, a line under a field, a unit."""
    text = module.__doc__ or ""
    lacks = []
    if not any(re.match(r"    \S.*(<-|=)", line) for line in text.splitlines()):
        lacks.append("an indented equation in the module docstring")
    if "doi:10." not in text:
        lacks.append("a DOI in the module docstring")
    under = under_fields(type(component))
    for each in fields(component):
        line = under.get(each.name, "")
        if not line:
            lacks.append(f"a docstring under {each.name}")
        elif each.name.startswith(("tau", "refractory")) and "ms" not in line:
            lacks.append(f"the unit (ms) under {each.name}")
    return lacks


def under_fields(component: type) -> dict[str, str]:
    """The string under each field of a dataclass."""
    body = ast.parse(inspect.getsource(component)).body[0].body  # type: ignore[attr-defined]
    found = {}
    for before, after in itertools.pairwise(body):
        if isinstance(before, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[before.target.id] = str(after.value.value)  # type: ignore[union-attr]
    return found
