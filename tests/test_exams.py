"""The universal exams of neurons, rules and modulators (tests/exams.py), taken by every file of their folders.

References are exact: bits (`torch.equal`), shapes, and the analytic claims that components make of themselves
(style.md 2.7: a simulated period lies in [T, T + dt) of the analytic one).
"""

import importlib.util
import itertools
import math
from pathlib import Path

import pytest
import torch

import bisnn.neurons

ROOT = Path(__file__).resolve().parent.parent


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    importlib.import_module("sys").modules[name] = module
    spec.loader.exec_module(module)
    return module


exams = load("exams")
CANDIDATES = exams.candidates()
NEURONS = [neuron for kind, _, neuron in CANDIDATES if kind.package == "bisnn.neurons"]
DTYPES = [torch.float32, torch.float64]
everyone = pytest.mark.parametrize(("kind", "module", "component"), CANDIDATES, ids=[repr(c[2]) for c in CANDIDATES])


def keys(batch):
    return torch.arange(math.prod(batch)).reshape(batch)


@everyone
@pytest.mark.parametrize("batch", exams.BATCHES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_shapes_and_dtypes(kind, module, component, batch, dtype):
    for dt in (1.0, 0.25):
        outputs, state = exams.live(kind, component, keys(batch), dtype, ticks=3, dt=dt)
        assert outputs.shape == (3, *batch, *kind.output)
        assert outputs.dtype == dtype
        for leaf in exams.leaves(state):
            assert leaf.shape[: len(batch)] == batch
            assert leaf.dtype == dtype
            assert bool(leaf.isfinite().all())


@everyone
def test_a_step_is_pure(kind, module, component):
    key = keys((3,))
    _, state = exams.live(kind, component, key, torch.float32)
    inputs = kind.feed(component, key, torch.float32, 99)
    before = exams.copied((state, inputs))
    first = component.step(state, *inputs, 1.0)
    kept = exams.copied(first)
    second = component.step(state, *inputs, 1.0)
    assert exams.same((state, inputs), before), "a step changed what it was given"
    assert exams.same(first, second)
    assert exams.same(first, kept), "a step changed what it had returned"


@everyone
@pytest.mark.parametrize("dtype", DTYPES)
def test_alone_as_in_a_batch(kind, module, component, dtype):
    key = keys((2, 4))
    outputs, state = exams.live(kind, component, key, dtype)
    for i, j in itertools.product(range(2), range(4)):
        alone, mine = exams.live(kind, component, key[i, j], dtype)
        assert torch.equal(outputs[:, i, j], alone)
        assert exams.same(exams.tree.map(lambda leaf, i=i, j=j: leaf[i, j], state), mine)


@everyone
def test_the_exam_is_no_formality(kind, module, component):
    outputs, _ = exams.live(kind, component, keys((2, 4)), torch.float32)
    assert int((outputs != 0).sum()) > 0, "an example that never answers proves nothing"


@everyone
def test_what_it_is(kind, module, component):
    assert isinstance(component, kind.protocol)
    state = kind.start(component, keys(()), torch.float32)
    assert hasattr(state, "_fields"), "a state is a NamedTuple"
    assert not {"spikes", "weight"} & set(state._fields), "a probe could not tell them apart"
    with pytest.raises(AttributeError):
        component.anything = 1  # frozen
    assert not exams.documentation(module, component)


@pytest.mark.parametrize("kind", exams.KINDS, ids=lambda kind: kind.package)
def test_every_file_is_found_and_tried_beyond_its_defaults(kind):
    package = importlib.import_module(kind.package)
    files = {path.stem for folder in package.__path__ for path in Path(folder).glob("*.py")} - {"__init__", "base"}
    found = {module.__name__.rsplit(".", 1)[1]: exams.examples(module) for module in exams.modules(kind.package)}
    assert set(found) == files
    for name, given in found.items():
        assert any(one != type(one)() for one in given), f"{name}: EXAMPLES hold no other than the default"


def test_a_new_file_is_examined_because_it_exists(tmp_path, monkeypatch):
    (tmp_path / "planted.py").write_text('"""A neuron."""\n', encoding="utf-8")
    monkeypatch.setattr(bisnn.neurons, "__path__", [*bisnn.neurons.__path__, str(tmp_path)])
    found = {module.__name__: module for module in exams.modules("bisnn.neurons")}
    assert "bisnn.neurons.planted" in found
    with pytest.raises(AssertionError, match="has no EXAMPLES"):
        exams.examples(found["bisnn.neurons.planted"])
    with pytest.raises(AssertionError, match="has no EXAMPLES"):
        exams.candidates()
    assert "a DOI in the module docstring" in exams.documentation(found["bisnn.neurons.planted"], NEURONS[0])


def spike_ticks(neuron, current, dt, dtype, ticks):
    state = neuron.init((1,), torch.zeros((), dtype=dtype))
    drive, when = torch.full((1,), current, dtype=dtype), []
    for tick in range(ticks):
        spikes, state = neuron.step(state, drive, dt)
        if spikes:
            when.append(tick)
    return when


@pytest.mark.parametrize("neuron", [n for n in NEURONS if hasattr(n, "period")], ids=repr)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_claimed_period(neuron, dtype, dt):
    for current in (1.07, 1.31, 1.9, 2.6, 5.3):
        when = spike_ticks(neuron, current, dt, dtype, int(500 / dt))
        expected = neuron.period(current)
        intervals = {(b - a) * dt for a, b in itertools.pairwise(when)}
        assert intervals, current
        assert max(intervals) - min(intervals) < 1e-9
        assert expected - 1e-5 <= min(intervals) < expected + dt + 1e-5, (current, intervals, expected)
    assert neuron.period(0.9) == math.inf
    assert not spike_ticks(neuron, 0.9, dt, dtype, 500)


@pytest.mark.parametrize("neuron", [n for n in NEURONS if hasattr(n, "rate")], ids=repr)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dt", [1.0, 0.5, 0.125])
def test_claimed_rate(neuron, dtype, dt):
    for current in (0.0703125, 0.11, 0.25, 0.3, 0.47, 0.625, 1.7, 9.0):
        ticks = 4000
        rate = len(spike_ticks(neuron, current, dt, dtype, ticks)) / ticks
        assert rate == pytest.approx(neuron.rate(current, dt), abs=2 / ticks), current
    assert neuron.rate(-1.0) == neuron.rate(0.0) == 0.0
    assert not spike_ticks(neuron, 0.0, dt, dtype, 50)
