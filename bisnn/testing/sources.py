"""What source text must not hold: global randomness anywhere, and in a step what has other bits on other devices.

    allowed in a step:   + - * /   sqrt   comparison   selection   math.* of plain numbers   bisnn.elementary
    forbidden in a step: alpha=   addcmul, lerp ...   @, matmul, einsum ...   torch.exp, tanh, log, pow ...

The text is read, not run. `documentation` reads docstrings the same way.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import fields
from types import ModuleType
from typing import Any

RANDOM = {"rand", "randn", "randint", "randperm", "bernoulli", "normal", "multinomial", "rand_like", "randn_like"}
RANDOM |= {"bernoulli_", "normal_", "uniform_", "random_", "exponential_", "poisson", "dropout", "randint_like"}
FUSED = {"addcmul", "addcdiv", "addmm", "addmv", "baddbmm", "lerp", "addcmul_", "addcdiv_", "lerp_"}
PRODUCTS = {"matmul", "mm", "bmm", "mv", "einsum", "tensordot", "linear"}
TRANSCENDENTAL = {"exp", "exp2", "expm1", "log", "log2", "log1p", "log10", "tanh", "sigmoid", "softmax", "pow"}
TRANSCENDENTAL |= {"sin", "cos", "tan", "sinh", "cosh", "erf", "softplus", "logsumexp"}
TRANSCENDENTAL |= {f"{name}_" for name in TRANSCENDENTAL}
EXACT = ("math", "bisnn.elementary")
"""Owners whose functions of these names have the same bits everywhere."""


def forbidden(tree: ast.AST, *, step: bool, names: Mapping[str, str] | None = None) -> Iterator[tuple[int, str]]:
    """Line and fault of every call of `tree` that must not stand there; `step`: the text is that of a component.

    `names` says what the local names of imports stand for; they are read from `tree` when it is left out.
    """
    known = imported(tree) if names is None else names
    for node in ast.walk(tree):
        what = None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult) and step:
            what = "a matrix product outside propagate"
        elif isinstance(node, ast.Call):
            what = _random(node, known) or (_inexact(node, known) if step else None)
        if what:
            yield getattr(node, "lineno", 0), what


def imported(tree: ast.AST) -> dict[str, str]:
    """Local name to what it was imported as: `{"t": "torch", "e": "torch.exp"}`."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname is not None}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _owner_and_name(node: ast.Call, names: Mapping[str, str]) -> tuple[str, str]:
    """What a call is of, and its name: `("torch", "exp")`; a local function has the owner ""."""
    text = ast.unparse(node.func) if isinstance(node.func, ast.Attribute | ast.Name) else ""
    first, dot, rest = text.partition(".")
    owner, _, name = (names.get(first, first) + dot + rest).rpartition(".")
    return owner, name


def _random(node: ast.Call, names: Mapping[str, str]) -> str | None:
    owner, name = _owner_and_name(node, names)
    keyed = any(keyword.arg == "generator" for keyword in node.keywords)
    if owner in ("torch", "torch.cuda", "torch.random") and name.startswith(("manual_seed", "seed")):
        return "a global generator is seeded"
    if name in RANDOM and not keyed and (owner.split(".")[0] == "torch" or name.endswith("_")):
        return f"{owner}.{name} draws from a global generator"
    if owner in ("np.random", "numpy.random") and name not in ("default_rng", "Generator", "Philox", "get_state"):
        return f"{owner}.{name} uses a global generator"
    if owner == "random" and name != "getstate":
        return f"random.{name} draws from a global generator"
    return None


def _inexact(node: ast.Call, names: Mapping[str, str]) -> str | None:
    owner, name = _owner_and_name(node, names)
    if any(keyword.arg == "alpha" for keyword in node.keywords) and not name[:1].isupper():
        return "alpha= fuses a product and a sum"
    if name in FUSED:
        return f"{name} fuses a product and a sum"
    if name in PRODUCTS and owner != "math":
        return "a matrix product outside propagate"
    if name in TRANSCENDENTAL and owner not in ("", *EXACT):
        return f"{owner}.{name} has other bits on other devices"
    return None


def of_component(component: Any) -> list[str]:
    """What must not stand in the source of a component: its class, and what that uses of the same file."""
    kind = type(component)
    module = inspect.getmodule(kind)
    try:
        whole = ast.parse(inspect.getsource(module) if module else "")
    except (OSError, TypeError):
        return [f"the source of {kind.__name__} cannot be read; define it in a file"]
    names, found = imported(whole), []
    for part in _used(whole, kind.__name__):
        found += [f"line {line}: {what}" for line, what in forbidden(part, step=True, names=names)]
    return found


def _used(whole: ast.Module, start: str) -> list[ast.AST]:
    """The definition `start` of a module and the functions and classes of that module which it uses."""
    defined = {node.name: node for node in whole.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    found: dict[str, ast.AST] = {}
    todo = [start]
    while todo:
        name = todo.pop()
        if name in defined and name not in found:
            found[name] = defined[name]
            todo += [node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name)]
    return list(found.values())


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
        elif each.name.startswith(("tau", "refractory")) and "ms" not in re.findall(r"\w+", line):
            lacks.append(f"the unit (ms) under {each.name}")
    return lacks


def under_fields(component: type) -> dict[str, str]:
    """The string under each field of a dataclass, those of its bases too."""
    found: dict[str, str] = {}
    for each in reversed(component.__mro__[:-1]):
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0]
        except (OSError, TypeError):
            continue
        for before, after in itertools.pairwise(getattr(body, "body", [])):
            field = isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name)
            if field and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                found[before.target.id] = str(after.value.value)
    return found
