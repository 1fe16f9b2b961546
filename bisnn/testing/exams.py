"""The universal exams: the same questions to every neuron, rule and modulator, the library's own and a user's.

    from bisnn.testing import exams
    from mine import MyNeuron

    @pytest.mark.parametrize("exam", exams(MyNeuron(), MyNeuron(tau=3.0)))
    def test_mine(exam):
        exam()

`findings` gives what is wrong as data, `examine` and `examine_file` raise `AssertionError` that lists it.
"""

from __future__ import annotations

import inspect
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, dataclass, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from bisnn import tree
from bisnn.testing import circuits, kinds, sources
from bisnn.testing.claims import hold_to_claims
from bisnn.testing.kinds import BATCHES, DTYPES, NEURON, RULE, Kind, copied, keys, kind_of, leaves, live, same
from bisnn.testing.windows import hold_to_timing, hold_to_window

Question = Callable[[Kind, Any], Iterator[str]]
"""An exam: kind and component to what is wrong with it."""
CLAIMED = ((torch.float32, 1.0), (torch.float64, 0.5))
"""Dtypes and ticks, ms, at which claims of neurons are examined."""
RESERVED = {NEURON.name: {"spikes"}, RULE.name: {"weight", "current"}}
"""Fields that a probe could not tell from what the circuit itself offers under the same name."""


class Finding(NamedTuple):
    """One thing that is wrong with a component."""

    component: str  # repr
    exam: str  # name of the exam
    what: str  # what is wrong

    def __str__(self) -> str:
        return f"{self.component}, {self.exam}: {self.what}"


@dataclass(frozen=True)
class Exam:
    """One question to one component; calling it raises `AssertionError` when the answer is wrong."""

    name: str
    """What is asked."""
    component: Any
    """Who is asked."""
    ask: Callable[[], Iterator[str]]
    """Gives what is wrong."""

    @property
    def __name__(self) -> str:
        """The id that pytest gives the test."""
        return f"{self.component!r}-{self.name}"

    def findings(self) -> list[Finding]:
        """What is wrong; empty: nothing. An error of the component counts."""
        try:
            return [Finding(repr(self.component), self.name, what) for what in self.ask()]
        except Exception as error:
            return [Finding(repr(self.component), self.name, f"it raised {type(error).__name__}: {error}")]

    def __call__(self) -> None:
        """Raises `AssertionError` that lists what is wrong."""
        _none(self.findings())


def exams(*components: Any, kind: str | None = None) -> list[Exam]:
    """All exams of the components, for `pytest.mark.parametrize`.

    Their kind is told from the shape of `init` and `step`, or given: neuron, rule or modulator. Among the components
    of one class one must be other than its defaults. Raises `ConfigError` for what is of no kind, `AssertionError`
    when none is given.
    """
    found = []
    for component in components:
        its = kind_of(component, kind)
        found += [Exam(name, component, partial(ask, its, component)) for name, ask in QUESTIONS.items()]
    for first in {type(one): one for one in reversed(components)}.values():
        group = [one for one in components if type(one) is type(first)]
        found.append(Exam("tried_beyond_its_defaults", first, partial(_beyond, group)))
    assert found, "no component was given, so nothing is examined"
    return found


def findings(*components: Any, kind: str | None = None) -> list[Finding]:
    """What is wrong with the components; empty: nothing."""
    return [finding for exam in exams(*components, kind=kind) for finding in exam.findings()]


def examine(*components: Any, kind: str | None = None) -> None:
    """Raises `AssertionError` that lists everything that is wrong with the components."""
    _none(findings(*components, kind=kind))


def examine_file(path: str | Path) -> None:
    """`examine` for the `EXAMPLES` of one Python file, which need not be in any package."""
    examine(*kinds.examples(kinds.load(path)))


def _none(found: list[Finding]) -> None:
    assert not found, "\n".join(map(str, found))


def _is_a_plan(kind: Kind, component: Any) -> Iterator[str]:
    """Frozen dataclass, NamedTuple state with names of its own."""
    if not isinstance(component, kind.protocol):
        yield f"it is no {kind.protocol.__name__}: {inspect.getdoc(kind.protocol)}"
    if not is_dataclass(component):
        yield "it is no dataclass; write @dataclass(frozen=True, kw_only=True)"
    try:
        component.anything = 1
        del component.anything
        yield "it can be changed; write @dataclass(frozen=True, kw_only=True)"
    except (FrozenInstanceError, AttributeError):
        pass
    try:
        hash(component)
        alike = bool(replace(component) == component)
    except TypeError as error:
        yield f"it has no hash or copy ({error}); make it a dataclass whose fields cannot change, tuples for lists"
    else:
        if not alike:
            yield "a copy with the same fields is not equal to it"
    state = kind.start(component, keys(()), torch.float32)
    names = getattr(state, "_fields", None)
    if names is None:
        yield f"its state is a {type(state).__name__}; a state is a NamedTuple of tensors"
    elif len(leaves(state)) < len(names):
        yield "its state holds something other than tensors"
    for name in RESERVED.get(kind.name, set()) & set(names or ()):
        yield f"its state has a field {name!r}, which a probe could not tell from that of the circuit"
    if getattr(component, "stochastic", False) and "expected" not in (names or ()):
        yield "it is stochastic, but its state has no field 'expected', the probability of a spike in this tick"


def _shapes_and_dtypes(kind: Kind, component: Any) -> Iterator[str]:
    """Every batch, both dtypes, several ticks, finite."""
    for batch, dtype, dt in itertools.product(BATCHES, DTYPES, (1.0, 0.25)):
        case = f"for *B = {batch}, {dtype}, dt = {dt}"
        first = kind.start(component, keys(batch), dtype)
        outputs, state = live(kind, component, keys(batch), dtype, ticks=3, dt=dt)
        if outputs.shape[1:] != (*batch, *kind.output) or outputs.dtype != dtype:
            yield f"a step answers {list(outputs.shape[1:])} {outputs.dtype} {case}; [*B, {kind.output}] is asked"
        if not outputs.isfinite().all():
            yield f"a step answers NaN or Infinity {case}"
        for (name, one), (_, leaf) in zip(tree.leaves(first), tree.leaves(state), strict=True):
            if leaf.shape != one.shape or leaf.dtype != one.dtype:
                yield f"{name} starts as {list(one.shape)} {one.dtype}, becomes {list(leaf.shape)} {leaf.dtype} {case}"
            if leaf.shape[: len(batch)] != batch or leaf.dtype != dtype:
                yield f"{name} is {list(leaf.shape)} {leaf.dtype} {case}; individuals lead, in the dtype of the input"
            if not leaf.isfinite().all():
                yield f"{name} is NaN or infinite {case}"


def _steps_are_pure(kind: Kind, component: Any) -> Iterator[str]:
    """The same in, the same out, nothing else touched."""
    key = keys((3,))
    _, state = live(kind, component, key, torch.float32)
    inputs = kind.inputs(component, key, torch.float32, 99, 1.0)
    before, generators = copied((state, inputs)), _generators()
    first = component.step(state, *inputs)
    kept = copied(first)
    second = component.step(state, *inputs)
    if not same((state, inputs), before):
        yield "a step changed what it was given"
    if not same(first, second):
        yield "two steps from the same state and input differ; a step must be pure (no hidden state, no generator)"
    if not same(first, kept):
        yield "a step changed what it had returned before"
    for name, was, now in zip(("torch", "numpy", "random"), generators, _generators(), strict=True):
        if was != now:
            yield f"a step draws from the global generator of {name}; noise is handed to it"


def _generators() -> tuple[str, ...]:
    """The states of the global generators."""
    drawn = np.random.get_state()  # noqa: NPY002
    return str(torch.get_rng_state().tolist()), repr((drawn[1].tolist(), drawn[2])), repr(random.getstate())  # type: ignore[index]


def _alone_as_in_a_batch(kind: Kind, component: Any) -> Iterator[str]:
    """An individual has the same bits alone and beside others."""
    key = keys((2, 4))
    for dtype in DTYPES:
        outputs, state = live(kind, component, key, dtype)
        for i, j in itertools.product(range(2), range(4)):
            alone, mine = live(kind, component, key[i, j], dtype)
            if not torch.equal(outputs[:, i, j], alone):
                yield f"individual {i, j} answers otherwise alone than in a batch, {dtype}: something sums over them"
            if not same(tree.map(lambda leaf, at=(i, j): leaf[at], state), mine):
                yield f"the state of individual {i, j} is another alone, {dtype}: something sums over them"


def _answers(kind: Kind, component: Any) -> Iterator[str]:
    """It does something, and individuals differ."""
    outputs, _ = live(kind, component, keys((2, 4)), torch.float32)
    if not outputs.any():
        yield "it never answers, which proves nothing; give an example that does"
    elif kind is NEURON and not ((outputs == 0) | (outputs == 1)).all():
        yield "spikes are other than 0 and 1"


def _source_keeps_the_bits(kind: Kind, component: Any) -> Iterator[str]:
    """The source holds no generator and no operation with other bits elsewhere."""
    yield from sources.of_component(component)


def _is_documented(kind: Kind, component: Any) -> Iterator[str]:
    """Equation, reference, a line under every field, units."""
    module = inspect.getmodule(type(component))
    if module is None:
        yield f"the file of {type(component).__name__} cannot be found"
    else:
        yield from (f"its file lacks {what}" for what in sources.documentation(module, component))


def _joins_a_circuit(kind: Kind, component: Any) -> Iterator[str]:
    """It runs in a circuit, is recorded and ablated."""
    yield from circuits.faults(kind, component)


def _swept_as_ticked(kind: Kind, component: Any) -> Iterator[str]:
    """Two areas of one neuron have the same bits swept together as tick by tick."""
    if kind is NEURON:
        yield from circuits.sweep_faults(component)


def _keeps_its_claims(kind: Kind, component: Any) -> Iterator[str]:
    """What it states of itself holds: period, rate and fixed point of a neuron; window and timing of a rule."""
    if kind is NEURON:
        for dtype, dt in CLAIMED:
            yield from (f"{what} (dt = {dt}, {dtype})" for what in hold_to_claims(component, dtype, dt))
    if kind is RULE:
        yield from (*hold_to_window(component), *hold_to_timing(component))


def _beyond(group: list[Any]) -> Iterator[str]:
    """Among examples of one class, one is not the default."""
    try:
        default = type(group[0])()
    except TypeError:
        return  # a class without defaults has none to hide behind
    if all(one == default for one in group):
        yield f"every example is the default; add one with other values: {type(group[0]).__name__}(...)"


QUESTIONS: dict[str, Question] = {
    "is_a_plan": _is_a_plan,
    "shapes_and_dtypes": _shapes_and_dtypes,
    "steps_are_pure": _steps_are_pure,
    "alone_as_in_a_batch": _alone_as_in_a_batch,
    "answers": _answers,
    "source_keeps_the_bits": _source_keeps_the_bits,
    "is_documented": _is_documented,
    "joins_a_circuit": _joins_a_circuit,
    "swept_as_ticked": _swept_as_ticked,
    "keeps_its_claims": _keeps_its_claims,
}
