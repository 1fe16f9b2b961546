"""The shape of the project: who imports whom, what steps may call, how long a file is, what is packaged."""

from __future__ import annotations

import ast
import importlib.util
import re
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _load_rules() -> ModuleType:
    spec = importlib.util.spec_from_file_location("layering_rules", ROOT / "tests" / "layering.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rules = _load_rules()
SOURCES: dict[str, str] = rules.sources()
MODULES = set(SOURCES)
LONGEST = 300


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_imports_follow_the_arrows(module: str) -> None:
    assert not rules.forbidden_imports(module, SOURCES[module], MODULES)


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_calls_keep_the_bits(module: str) -> None:
    assert not rules.forbidden_calls(module, SOURCES[module])


def test_no_import_circle() -> None:
    graph = {module: set(rules.imports(text, MODULES)) & MODULES for module, text in SOURCES.items()}
    graph["bisnn"] = set()  # load_run is looked up when it is asked for
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_no_dilemma_reaches_a_brain_by_a_detour() -> None:
    for start in (module for module in MODULES if rules.within(module, "bisnn.agents.dilemmas")):
        seen, todo = set(), [start]
        while todo:
            module = todo.pop()
            if module not in seen:
                seen.add(module)
                todo += set(rules.imports(SOURCES[module], MODULES)) & MODULES
        assert not {module for module in seen if rules.within(module, *rules.BRAINY)}, start


def files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", files(*rules.FOLDERS, "tests", ".ci"), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", files("tests", "docs", ".ci"), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_imports_a_bare_folder_name(path: Path) -> None:
    tops = {name.split(".")[0] for name in rules.imports(path.read_text(encoding="utf-8"), set())}
    assert not tops & {"agents", "experiments", "kernels"}


def test_the_package_list_is_complete() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    assert len(listed) == len(set(listed))
    assert set(listed) == {rules.name_of(path) for folder in rules.FOLDERS for path in _packages(ROOT / folder)}


def _packages(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("__init__.py")]


def test_every_folder_with_code_is_a_package() -> None:
    for path in files(*rules.FOLDERS):
        assert (path.parent / "__init__.py").is_file(), path


def test_no_open_ends_are_left_in_the_source() -> None:
    for path in files(*rules.FOLDERS):
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text(encoding="utf-8")), path


PLANTED = [
    ("bisnn.rng", "from bisnn.circuit import Circuit", "arrows point down"),
    ("bisnn.plasticity.x", "def f():\n    from bisnn import circuit", "arrows point down"),
    ("bisnn.circuit", "from bisnn.systems.body import Body", "arrows point down"),
    ("bisnn.systems.body", "import bisnn.agents.base", "arrows point down"),
    ("bisnn.agents.loop", "from bisnn.experiments import run", "arrows point down"),
    ("bisnn.circuit", "from bisnn.kernels import launch", "only bisnn/backend.py"),
    ("bisnn.kernels.x", "from bisnn import errors", "kernels import torch"),
    ("bisnn.kernels.x", "import cupy", "only kernels/launch.py"),
    ("bisnn.backend", "import importlib\nimportlib.import_module('cupy')", "only kernels/launch.py"),
    ("bisnn.circuit", "import spikingjelly.activation_based", "only bisnn/interop/spikingjelly.py"),
    ("bisnn.recording", "import pyarrow", "torch and numpy alone"),
    ("bisnn.neurons.x", "from bisnn.testing import exams", "the library never at its exams"),
    ("bisnn.plots.raster", "from bisnn.testing import exams", "the library never at its exams"),
    ("bisnn.testing.exams", "import pytest", "nothing but the core"),
    ("bisnn.testing.exams", "from bisnn.agents import base", "arrows point down"),
    ("bisnn.testing.kinds", "import random", "no generator but bisnn.rng"),
    ("bisnn.plots.raster", "from bisnn.circuit import Circuit", "plots read recordings"),
    ("bisnn.agents.dilemmas.rescue", "from bisnn.systems import body", "knows no brain"),
    ("bisnn.agents.altruist", "from bisnn.agents.dilemmas.rescue import Rescue", "knows no dilemma"),
    ("bisnn.experiments.runner", "from agents import base", "second copy"),
    ("bisnn.experiments.runner", "import pickle", "no pickle"),
    ("bisnn.agents.loop", "from . import base", "absolute"),
    ("bisnn", "import torch\nfrom bisnn.circuit import Circuit", "the top package"),
]


@pytest.mark.parametrize(("module", "text", "why"), PLANTED)
def test_a_planted_import_is_caught(module: str, text: str, why: str) -> None:
    assert any(why in found for found in rules.forbidden_imports(module, text, MODULES))


ALLOWED = [
    ("bisnn", "from bisnn.experiments.results import load_run"),
    ("bisnn.agents.altruist", "from bisnn.interventions import Ablation\nfrom bisnn.systems.body import Body"),
    ("bisnn.agents.network", "import spikingjelly"),
    ("bisnn.agents.loop", "from bisnn.agents import dilemmas"),
    ("bisnn.plots.raster", "import matplotlib.pyplot\nfrom bisnn.recording import Recording"),
    ("bisnn.experiments.runner", "import pyarrow\nfrom bisnn.plots import raster"),
    ("bisnn.backend", "from bisnn import kernels"),
    ("bisnn.testing.circuits", "from bisnn.interventions import Ablation\nimport torch\nimport numpy"),
    ("bisnn.experiments.claims.window", "from bisnn.testing.windows import hold_to_window"),
]


@pytest.mark.parametrize(("module", "text"), ALLOWED)
def test_an_honest_import_is_left_alone(module: str, text: str) -> None:
    assert not rules.forbidden_imports(module, text, MODULES)


@pytest.mark.parametrize(
    "call",
    [
        "torch.manual_seed(0)",
        "torch.rand(3)",
        "np.random.seed(1)",
        "x.add(y, alpha=2.0)",
        "x.addcmul_(y, z)",
        "torch.lerp(a, b, c)",
        "torch.exp(x)",
        "x.tanh()",
        "v.log()",
        "a @ b",
        "torch.einsum('bi,bij->bj', a, b)",
        "from torch import exp\nexp(x)",
        "import torch as t\nt.rand(3)",
        "import random\nrandom.random()",
        "x.uniform_()",
    ],
)
def test_a_planted_call_is_caught(call: str) -> None:
    assert rules.forbidden_calls("bisnn.neurons.x", call)


@pytest.mark.parametrize(
    "call",
    [
        "math.exp(-dt / tau)",
        "from math import exp\nexp(-dt / tau)",
        "from bisnn.elementary import exp\nexp(x)",
        "RSTDP(alpha=0.1)",
        "torch.rand(3, generator=g)",
        "np.random.default_rng(1)",
    ],
)
def test_an_honest_call_is_left_alone(call: str) -> None:
    ast.parse(call)
    assert not rules.forbidden_calls("bisnn.neurons.x", call)
