"""The universal exams of neurons, rules and modulators (bisnn.testing), taken by every file of their folders.

References are exact: bits (`torch.equal`), shapes, and the analytic claims that components make of themselves.
"""

import importlib
from pathlib import Path

import pytest

import bisnn.neurons
from bisnn.neurons import Scripted
from bisnn.testing import claims, exams, kinds, sources

CANDIDATES = kinds.candidates()
NEURONS = [component for kind, _, component in CANDIDATES if kind is kinds.NEURON]
EXAMS = [
    exam
    for kind in kinds.KINDS
    for module in kinds.modules(kind.package)
    for exam in exams(*kinds.examples(module), kind=kind.name)
]


@pytest.mark.parametrize("exam", EXAMS)
def test_component(exam):
    exam()


@pytest.mark.parametrize("neuron", NEURONS, ids=repr)
def test_every_neuron_of_the_library_states_a_claim(neuron):
    assert claims.stated(neuron) or isinstance(neuron, Scripted), "nothing holds it to theory"


@pytest.mark.parametrize(("kind", "module", "component"), CANDIDATES, ids=[repr(c[2]) for c in CANDIDATES])
def test_the_kind_is_told_from_the_component(kind, module, component):
    assert kinds.kind_of(component) is kind


@pytest.mark.parametrize("kind", kinds.KINDS, ids=lambda kind: kind.package)
def test_every_file_and_every_class_is_found(kind):
    package = importlib.import_module(kind.package)
    files = {path.stem for folder in package.__path__ for path in Path(folder).glob("*.py")} - {"__init__", "base"}
    found = {module.__name__.rsplit(".", 1)[1]: module for module in kinds.modules(kind.package)}
    assert set(found) == files
    for name, module in found.items():
        tried = {type(one) for one in kinds.examples(module)}
        defined = {
            one
            for one in vars(module).values()
            if isinstance(one, type) and one.__module__ == module.__name__ and {"init", "step"} <= set(dir(one))
        }
        assert defined <= tried, f"{name}: EXAMPLES leave a component out"


def test_a_new_file_is_examined_because_it_exists(tmp_path, monkeypatch):
    (tmp_path / "planted.py").write_text('"""A neuron."""\n', encoding="utf-8")
    monkeypatch.setattr(bisnn.neurons, "__path__", [*bisnn.neurons.__path__, str(tmp_path)])
    found = {module.__name__: module for module in kinds.modules("bisnn.neurons")}
    assert "bisnn.neurons.planted" in found
    with pytest.raises(AssertionError, match="has no EXAMPLES"):
        kinds.examples(found["bisnn.neurons.planted"])
    with pytest.raises(AssertionError, match="has no EXAMPLES"):
        kinds.candidates()
    assert "a DOI in the module docstring" in sources.documentation(found["bisnn.neurons.planted"], CANDIDATES[0][2])


def test_all_exams_are_asked_of_everyone():
    names = {exam.name for exam in EXAMS}
    for _, _, component in CANDIDATES:
        asked = {exam.name for exam in EXAMS if exam.component == component}
        assert names - asked <= {"tried_beyond_its_defaults"}, component
