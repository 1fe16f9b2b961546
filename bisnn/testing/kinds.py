"""The kinds of component that take exams, how each is started and fed, and how the files of a package are found.

    neuron:      init(shape, like);  step(state, current, dt)  or, stochastic, step(state, current, dt, noise)
    rule:        modulator, init(weight);  step(trace, weight, pre, post, level, dt, *reads)
    modulator:   init(like);  step(state, release, dt)  or, with a source, step(state, release, dt, spikes)

Inputs come from `bisnn.rng`, keyed by the individual, so an individual is fed the same alone and in any batch.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import linecache
import math
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from bisnn import rng, tree
from bisnn.errors import ConfigError, UnknownName
from bisnn.modulators import Modulator
from bisnn.neurons import Neuron
from bisnn.plasticity import Rule

N, PRE, POST = 5, 4, 3
"""Units of an area, and of the two ends of a projection, in every exam: all different, so that a swap shows."""
BATCHES: tuple[tuple[int, ...], ...] = ((), (3,), (2, 4))
"""The batches `*B` of individuals."""
DTYPES = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Kind:
    """How components of one kind are started and fed."""

    name: str
    """neuron, rule or modulator."""
    package: str
    """Where the library keeps its own."""
    protocol: type
    """What they are."""
    start: Callable[[Any, Tensor, torch.dtype], Any]
    """Component, key `[*B]`, dtype to the first state."""
    feed: Callable[[Any, Tensor, torch.dtype, int], tuple[Any, ...]]
    """Component, key, dtype, tick to the inputs before dt."""
    more: Callable[[Any, Tensor, torch.dtype, int], tuple[Any, ...]]
    """The same for the inputs after dt."""
    output: tuple[int, ...]
    """Shape of what a step answers, after `*B`."""

    def inputs(self, component: Any, key: Tensor, dtype: torch.dtype, tick: int, dt: float) -> tuple[Any, ...]:
        """All arguments of one step after the state."""
        return (*self.feed(component, key, dtype, tick), dt, *self.more(component, key, dtype, tick))


def noise(key: Tensor, name: str, tick: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Uniforms `[*B, *shape]` of the individuals."""
    values = _drawn(tuple(key.flatten().tolist()), name, tick, math.prod(shape))
    return values.to(dtype, copy=True).reshape((*key.shape, *shape))


@lru_cache(maxsize=2**14)
def _drawn(key: tuple[int, ...], name: str, tick: int, n: int) -> Tensor:
    """Every component is fed the same, so it is drawn once."""
    return rng.uniform(torch.tensor(key), f"exam/{name}", tick, n)


def spikes(key: Tensor, name: str, tick: int, n: int, dtype: torch.dtype) -> Tensor:
    """Spikes `[*B, n]` of which four in ten are 1."""
    return (noise(key, name, tick, (n,), dtype) < 0.4).to(dtype)


def _start_neuron(neuron: Any, key: Tensor, dtype: torch.dtype) -> Any:
    return neuron.init((*key.shape, N), torch.zeros((), dtype=dtype))


def _feed_neuron(neuron: Any, key: Tensor, dtype: torch.dtype, tick: int) -> tuple[Any, ...]:
    return (noise(key, "current", tick, (N,), dtype) * 4.0 - 0.7,)


def _more_neuron(neuron: Any, key: Tensor, dtype: torch.dtype, tick: int) -> tuple[Any, ...]:
    return (noise(key, "spikes", tick, (N,), dtype),) if getattr(neuron, "stochastic", False) else ()


def _weights(key: Tensor, dtype: torch.dtype) -> Tensor:
    return noise(key, "weight", 0, (PRE, POST), dtype)


def _start_rule(rule: Any, key: Tensor, dtype: torch.dtype) -> Any:
    return rule.init(_weights(key, dtype))


def _feed_rule(rule: Any, key: Tensor, dtype: torch.dtype, tick: int) -> tuple[Any, ...]:
    level = noise(key, "level", tick, (), dtype) - 0.5 if rule.modulator else None
    pre, post = spikes(key, "pre", tick, PRE, dtype), spikes(key, "post", tick, POST, dtype)
    return _weights(key, dtype), pre, post, level


def _more_rule(rule: Any, key: Tensor, dtype: torch.dtype, tick: int) -> tuple[Any, ...]:
    return tuple(noise(key, f"reads/{name}", tick, (POST,), dtype) for name in getattr(rule, "reads", ()))


def _start_modulator(modulator: Any, key: Tensor, dtype: torch.dtype) -> Any:
    return modulator.init(torch.zeros(key.shape, dtype=dtype))


def _feed_modulator(modulator: Any, key: Tensor, dtype: torch.dtype, tick: int) -> tuple[Any, ...]:
    return (noise(key, "release", tick, (), dtype) - 0.3,)


def _more_modulator(modulator: Any, key: Tensor, dtype: torch.dtype, tick: int) -> tuple[Any, ...]:
    return (spikes(key, "source", tick, N, dtype),) if getattr(modulator, "source", None) is not None else ()


NEURON = Kind("neuron", "bisnn.neurons", Neuron, _start_neuron, _feed_neuron, _more_neuron, (N,))
RULE = Kind("rule", "bisnn.plasticity", Rule, _start_rule, _feed_rule, _more_rule, (PRE, POST))
MODULATOR = Kind("modulator", "bisnn.modulators", Modulator, _start_modulator, _feed_modulator, _more_modulator, ())
KINDS = (NEURON, RULE, MODULATOR)


def kind_of(component: Any, name: str | None = None) -> Kind:
    """The kind of a component, told from the shape of its `init` and `step`, or named: neuron, rule, modulator.

    Raises `UnknownName` for another name and `ConfigError` for what is none of these.
    """
    if name is not None:
        for kind in KINDS:
            if kind.name == name:
                return kind
        raise UnknownName("kind of component", name, [kind.name for kind in KINDS])
    given = _arity(getattr(component, "init", None))
    if given == 2 and hasattr(component, "step"):
        return NEURON
    if given == 1 and hasattr(component, "step"):
        return RULE if _arity(component.step) >= 6 else MODULATOR
    raise ConfigError(
        f"{component!r} is no neuron (init(shape, like), step(state, current, dt)), rule (init(weight), "
        "step(trace, weight, pre, post, level, dt)) or modulator (init(like), step(state, release, dt))"
    )


def _arity(method: Any) -> int:
    """How many positional arguments a method takes; -1 for what is none."""
    if not callable(method):
        return -1
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in places for each in inspect.signature(method).parameters.values())


def live(kind: Kind, component: Any, key: Tensor, dtype: torch.dtype, ticks: int = 30, dt: float = 1.0) -> Any:
    """Outputs of all ticks `[ticks, *B, ...]` and the last state."""
    state, outputs = kind.start(component, key, dtype), []
    for tick in range(ticks):
        output, state = component.step(state, *kind.inputs(component, key, dtype, tick, dt))
        outputs.append(output)
    return torch.stack(outputs), state


def keys(batch: Sequence[int]) -> Tensor:
    """Keys `[*B]` of individuals, all different."""
    return torch.arange(math.prod(batch)).reshape(tuple(batch))


def leaves(what: Any) -> list[Tensor]:
    """The tensors of a tree."""
    found: list[Tensor] = []
    tree.map(found.append, what)
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two trees hold the same bits."""
    equal: list[bool] = []
    tree.map(lambda a, b: equal.append(torch.equal(a, b) and a.dtype == b.dtype), one, other)
    return all(equal)


def copied(what: Any) -> Any:
    """The tree with tensors of its own."""
    return tree.map(lambda leaf: leaf.clone(), what)


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


def candidates(kinds: Iterable[Kind] = KINDS) -> list[tuple[Kind, ModuleType, Any]]:
    """Every example of every file of the library's own components."""
    return [(kind, module, one) for kind in kinds for module in modules(kind.package) for one in examples(module)]


def load(path: str | Path) -> ModuleType:
    """The module of a file that is in no package. Raises `ConfigError` where there is none or it cannot be imported."""
    file = Path(path).resolve()
    name = f"{file.stem}_{hashlib.blake2b(str(file).encode(), digest_size=4).hexdigest()}"  # shadows nothing
    spec = importlib.util.spec_from_file_location(name, file)
    if file.suffix != ".py" or not file.is_file() or spec is None or spec.loader is None:
        raise ConfigError(f"{str(path)!r} is no Python file; give the path of the file that defines the component")
    module = importlib.util.module_from_spec(spec)
    linecache.checkcache(str(file))
    sys.modules[name] = module  # dataclasses and readers of source text look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as problem:
        del sys.modules[name]
        raise ConfigError(f"{str(path)!r} cannot be imported: {type(problem).__name__}: {problem}") from problem
    return module
