"""Generates the mutants of a source text: every small fault that a test should notice, as edits of the text.

Swapped operators and comparisons, changed constants and signs, deleted statements, negated conditions, swapped branches
of `where`, dropped clamps and decays, forgotten updates of the state, swapped ends. Docstrings, annotations,
decorators, `EXAMPLES`, `__repr__`, assertions and the texts of errors are left alone, and so is what would fail by
name alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

ARITHMETIC = {ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"), ast.Pow: ("**", "*")}
COMPARISON = {
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
}
CALLS = {"exceeds": "reaches", "reaches": "exceeds", "gt": "ge", "ge": "gt", "lt": "le", "le": "lt", "min": "max"}
CALLS |= {"max": "min", "minimum": "maximum", "maximum": "minimum", "floor": "ceil", "ceil": "floor", "exp": "abs"}
CALLS |= {"zeros": "ones", "zeros_like": "ones_like", "ones_like": "zeros_like", "any": "all", "all": "any"}
CLAMPS = {"clamp", "clamp_", "clip", "abs", "round"}
ENDS = {"pre": "post", "post": "pre", "x": "y", "y": "x"}
DECAY = re.compile(r"\bexp\(|keep|decay|fade")


@dataclass(frozen=True)
class Mutant:
    """One edit of one file."""

    file: str
    """Path from the root."""
    line: int
    """Line of the edit, from 1."""
    what: str
    """The kind of edit."""
    before: str
    """The changed lines as they are."""
    after: str
    """The changed lines as they become; empty: deleted."""
    text: str
    """The whole mutated text."""

    def __str__(self) -> str:
        lines = [f"{self.file}:{self.line} ({self.what})"]
        lines += [f"    - {line.strip()}" for line in self.before.splitlines()]
        return "\n".join(lines + [f"    + {line.strip()}" for line in self.after.splitlines()])


class Source:
    """A text and the places of its nodes."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text, self.tree = file, text, ast.parse(text)
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.lines = text.splitlines()

    def at(self, line: int, column: int) -> int:
        """Index into the text of a place that `ast` gives (its columns count bytes)."""
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def span(self, node: ast.AST) -> tuple[int, int]:
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno, node.end_col_offset)

    def of(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def bound_before(self, node: ast.AST) -> set[str]:
        """Local names that hold a value on the line of a node that is read."""
        if not isinstance(getattr(node, "ctx", None), ast.Load):
            return set()
        around = [f for f in ast.walk(self.tree) if isinstance(f, ast.FunctionDef) and f.lineno <= node.lineno]
        inside = [part for f in around if node.lineno <= f.end_lineno for part in ast.walk(f)]
        names = {part.arg for part in inside if isinstance(part, ast.arg)}
        stored = (part for part in inside if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store))
        return names | {part.id for part in stored if part.lineno < node.lineno}

    def state_at(self, node: ast.AST) -> str:
        """The name of the argument that holds the state before the step around a node; "_" outside of steps."""
        for function in ast.walk(self.tree):
            if isinstance(function, ast.FunctionDef) and function.lineno <= node.lineno <= function.end_lineno:
                names = [arg.arg for arg in function.args.args]
                return names[1] if function.name == "step" else "_"
        return "_"

    def edit(self, what: str, start: int, end: int, new: str) -> Mutant | None:
        """The mutant in which `text[start:end]` is `new`; None where nothing changes or it is no Python."""
        text = self.text[:start] + new + self.text[end:]
        first = self.text.count("\n", 0, start)
        last = self.text.count("\n", 0, end)
        after_lines = text[: len(text) - (len(self.text) - end)].count("\n")
        try:
            if ast.dump(ast.parse(text)) == ast.dump(self.tree):
                return None
        except SyntaxError:
            return None
        before, after = self.lines[first : last + 1], text.splitlines()[first : after_lines + 1]
        return Mutant(self.file, first + 1, what, "\n".join(before), "\n".join(after), text)


def mutants(file: str, text: str) -> list[Mutant]:
    """Every mutant of a file, in the order of the text, none twice."""
    source, found = Source(file, text), {}
    defaults = {
        id(part) for part in ast.walk(source.tree) if isinstance(part, ast.AnnAssign) for part in ast.walk(part)
    }
    for node in _behaviour(source.tree):
        for edit in _edits(source, node):
            if (edit[0] == "sign" and id(node) in defaults) or edit[3].startswith("_."):
                continue  # a negative time constant, or a state where there is none before, fails by name alone
            mutant = source.edit(*edit)
            if mutant is not None:
                found.setdefault(mutant.text, mutant)
    return sorted(found.values(), key=lambda mutant: (mutant.line, mutant.what, mutant.after))


def _behaviour(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree that say what it does."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "args", "bases", "keywords") and not _call(node):
            if not (name == "args" and isinstance(node, ast.FunctionDef)):
                continue
            yield from (part for default in node.args.defaults for part in _behaviour(default))
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _left_alone(child):
                yield from _behaviour(child)


def _call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call)


def _left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Assert | ast.Raise):
        return True
    if isinstance(node, ast.FunctionDef) and node.name in ("__repr__", "__str__"):
        return True
    if isinstance(node, ast.Assign) and any(
        getattr(name, "id", "") in ("EXAMPLES", "__all__") for name in node.targets
    ):
        return True
    if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Subscript):
        return "Literal" in ast.dump(node.value)
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)  # a docstring


Edit = tuple[str, int, int, str]


def _edits(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Kind, start, end and new text of every edit of a node."""
    if isinstance(node, ast.BinOp):
        yield from _arithmetic(source, node)
    elif isinstance(node, ast.Compare):
        yield from _comparison(source, node)
    elif isinstance(node, ast.Constant):
        yield from _constant(source, node)
    elif isinstance(node, ast.Call):
        yield from _called(source, node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield (
            "sign" if isinstance(node.op, ast.USub) else "negation",
            *source.span(node),
            f"({source.of(node.operand)})",
        )
    elif isinstance(node, ast.BoolOp):
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        yield from _between(source, "and/or", node.values[0], node.values[1], old, new)
    elif isinstance(node, ast.If | ast.IfExp):
        yield "condition", *source.span(node.test), f"(not ({source.of(node.test)}))"
    elif isinstance(node, ast.Name) and ENDS.get(node.id) in source.bound_before(node):
        yield "ends", *source.span(node), ENDS[node.id]
    elif isinstance(node, ast.Attribute) and node.attr in ("pre", "post") and isinstance(node.ctx, ast.Load):
        yield "ends", *source.span(node), f"{source.of(node.value)}.{ENDS[node.attr]}"
    if isinstance(node, ast.FunctionDef):
        yield from _deletions(source, node)


def _between(source: Source, what: str, left: ast.AST, right: ast.AST, old: str, new: str) -> Iterator[Edit]:
    start, end = source.span(left)[1], source.span(right)[0]
    place = source.text.find(old, start, end)
    if place >= 0:
        yield what, place, place + len(old), new


def _arithmetic(source: Source, node: ast.BinOp) -> Iterator[Edit]:
    if type(node.op) not in ARITHMETIC:
        return
    yield from _between(source, "arithmetic", node.left, node.right, *ARITHMETIC[type(node.op)])
    if isinstance(node.op, ast.Mult):
        for factor, other in ((node.left, node.right), (node.right, node.left)):
            if DECAY.search(source.of(factor)) and not DECAY.search(source.of(other)):
                yield "decay dropped", *source.span(node), f"({source.of(other)})"


def _comparison(source: Source, node: ast.Compare) -> Iterator[Edit]:
    for left, op, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
        if type(op) in COMPARISON:
            yield from _between(source, "comparison", left, right, *COMPARISON[type(op)])


def _constant(source: Source, node: ast.Constant) -> Iterator[Edit]:
    value, (start, end) = node.value, source.span(node)
    if isinstance(value, bool):
        yield "constant", start, end, str(not value)
    elif isinstance(value, int | float):
        changed = {0: 1, 1: 0}.get(value, value + 1)
        yield "constant", start, end, repr(type(value)(changed))
        if value:
            yield "sign", start, end, f"(-{source.of(node)})"


def _called(source: Source, node: ast.Call) -> Iterator[Edit]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    start, end = source.span(node.func)
    if name in CALLS and not (name == "exp" and source.of(node.func) != "math.exp"):
        new = "math.fabs" if name == "exp" else source.of(node.func)[: -len(name)] + CALLS[name]
        yield "call", start, end, new
    if name in CLAMPS and isinstance(node.func, ast.Attribute) and source.of(node.func.value) != "torch":
        yield "clamp dropped", *source.span(node), source.of(node.func.value)
    if name.endswith("State"):
        for keyword in node.keywords:
            yield "update forgotten", *source.span(keyword.value), f"{source.state_at(node)}.{keyword.arg}"
    if name == "where" and len(node.args) == 3:
        yield "branches", *_swapped(source, node.args[1], node.args[2])
    if name == "outer" and len(node.args) == 2:
        yield "ends", *_swapped(source, node.args[0], node.args[1])


def _swapped(source: Source, one: ast.AST, other: ast.AST) -> tuple[int, int, str]:
    (start, first), (second, end) = source.span(one), source.span(other)
    return start, end, source.of(other) + source.text[first:second] + source.of(one)


def _deletions(source: Source, function: ast.FunctionDef) -> Iterator[Edit]:
    """Statements that can go without leaving a name unbound."""
    bound = {arg.arg for arg in (*function.args.args, *function.args.kwonlyargs)}
    for node in _statements(function.body):
        names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
        again = isinstance(node, ast.Assign | ast.AugAssign) and names <= bound
        acts = isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
        if again or acts or isinstance(node, ast.Raise):
            yield "statement deleted", *source.span(node), "pass"
        bound |= names


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, part, []))
