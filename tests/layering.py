"""Reads imports and calls out of source text, and says which of them break the rules of the project."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from bisnn.testing.sources import forbidden

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"bisnn": "bisnn", "agents": "bisnn.agents", "experiments": "bisnn.experiments", "kernels": "bisnn.kernels"}
FLOORS = (
    ("bisnn.errors",),
    ("bisnn.tree", "bisnn.rng", "bisnn.propagate", "bisnn.kernels"),
    ("bisnn",),  # components, recording, backend, and any other module of the core
    ("bisnn.circuit",),
    ("bisnn.systems", "bisnn.interventions"),
    ("bisnn.plots", "bisnn.interop", "bisnn.testing"),
    ("bisnn.agents",),
    ("bisnn.experiments",),
)
"""Low to high; an import goes to the same floor or a lower one."""
BRIDGES = {
    f"bisnn.agents.{name}"
    for name in ("loop", "development", "pettingzoo", "gymnasium", "catalogue", "society", "company")
}
"""The modules beside the brains that may know dilemmas: they join the two, or list them."""
BRAINY = tuple(f"bisnn.{name}" for name in ("systems", "circuit", "neurons", "plasticity", "modulators", "interop"))
STEPS = ("bisnn.neurons", "bisnn.plasticity", "bisnn.modulators")
CORE = ("bisnn.plots", "bisnn.interop", "bisnn.testing", "bisnn.agents", "bisnn.experiments")


def name_of(path: Path) -> str:
    """The name under which the file `path` is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join((FOLDERS[parts[0]], *parts[1:]))


def sources() -> dict[str, str]:
    """Every module of the library: import name to text."""
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return {name_of(path): path.read_text(encoding="utf-8") for path in sorted(files)}


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def floor(module: str) -> int:
    """The floor of the longest prefix that is listed."""
    places = [(len(prefix), i) for i, prefixes in enumerate(FLOORS) for prefix in prefixes if within(module, prefix)]
    return max(places)[1]


def imports(text: str, modules: set[str]) -> Iterator[str]:
    """What `text` imports, anywhere in it; a name taken from a package counts as its module where it is one."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules else base
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__"):
                yield str(node.args[0].value)


def forbidden_imports(module: str, text: str, modules: set[str]) -> list[str]:
    """The imports of `module` that go where they must not."""
    return [f"{module} imports {target}: {why}" for target in imports(text, modules) if (why := _why(module, target))]


def _why(module: str, target: str) -> str | None:
    top = target.split(".")[0]
    if target.startswith("."):
        return "imports are absolute"
    if top in ("agents", "experiments", "kernels", "tests"):
        return "a bare folder name loads a second copy; write bisnn." + target
    if top in ("torchvision", "torchaudio"):
        return "it is broken beside a CPU torch"
    if top == "pickle" or (top == "random" and module != "bisnn.testing.exams"):  # it looks whether others use it
        return "no pickle, and no generator but bisnn.rng"
    if top == "cupy" and module != "bisnn.kernels.launch":
        return "only kernels/launch.py imports cupy"
    if top == "spikingjelly" and module != "bisnn.interop.spikingjelly" and not within(module, "bisnn.agents"):
        return "only bisnn/interop/spikingjelly.py and networks in agents/ import spikingjelly"
    if within(module, "bisnn.kernels") and top not in ("torch", "cupy", "numpy") and not _plain(target):
        return None if within(target, "bisnn.kernels") else "kernels import torch, numpy and cupy only"
    if within(module, "bisnn.testing") and top not in ("bisnn", "torch", "numpy") and not _plain(target):
        return "exams need nothing but the core; whoever calls them brings pytest"
    if top != "bisnn":
        core = not within(module, *CORE) and top not in ("torch", "numpy", "cupy") and not _plain(target)
        return "the core needs torch and numpy alone" if core else None
    return _why_inside(module, target)


def _plain(target: str) -> bool:
    return target.split(".")[0] in sys.stdlib_module_names


def _why_inside(module: str, target: str) -> str | None:
    if module == "bisnn":
        return None if target == "bisnn.experiments.results" else "the top package imports nothing but load_run"
    if within(target, "bisnn.kernels") and not within(module, "bisnn.kernels", "bisnn.backend"):
        return "only bisnn/backend.py imports kernels"
    if within(target, "bisnn.testing") and not within(module, "bisnn.testing", "bisnn.experiments"):
        return "exams look at the library, the library never at its exams"
    seen_by_plots = ("bisnn.plots", "bisnn.recording", "bisnn.tree", "bisnn.errors")
    if within(module, "bisnn.plots") and not within(target, *seen_by_plots):
        return "plots read recordings only"
    if within(module, "bisnn.agents.dilemmas") and within(target, *BRAINY):
        return "a dilemma knows no brain"
    beside = within(module, "bisnn.agents") and not within(module, "bisnn.agents.dilemmas", *BRIDGES)
    if beside and within(target, "bisnn.agents.dilemmas"):
        return "a brain knows no dilemma"
    return "arrows point down" if target != "bisnn" and floor(target) > floor(module) else None


def forbidden_calls(module: str, text: str) -> list[str]:
    """Global randomness anywhere, and in step functions what does not have the same bits everywhere."""
    faults = forbidden(ast.parse(text), step=within(module, *STEPS))
    return [f"{module}:{line}: {what}" for line, what in faults]
