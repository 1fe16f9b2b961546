"""The errors of bisnn: few, typed; each names the thing, lists the choices and says the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BisnnError(Exception):
    """Base of every error that bisnn raises on purpose."""


class UnknownName(BisnnError, LookupError):
    """A name that does not exist (area, projection, arm, experiment ...)."""

    def __init__(self, kind: str, name: object, choices: Iterable[str]) -> None:
        self.kind, self.name, self.choices = kind, name, tuple(sorted(map(str, choices)))
        near = difflib.get_close_matches(str(name).lower(), self.choices, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        kinds = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
        super().__init__(f"no {kind} {str(name)!r}; {kinds}: {', '.join(self.choices) or 'none'}.{hint}")


class ShapeMismatch(BisnnError, ValueError):
    """A tensor whose shape does not fit the plan."""


class StateMismatch(BisnnError, ValueError):
    """A state that belongs to another plan, batch or dtype, or that holds NaN."""


class BackendUnavailable(BisnnError, RuntimeError):
    """A backend or device asked for by name that cannot run here."""


class ConfigError(BisnnError, ValueError):
    """A configuration value that cannot be used."""


class RunCorrupt(BisnnError, RuntimeError):
    """A run folder that is truncated, foreign or not what it says."""


def pick(kind: str, name: str, choices: Iterable[str]) -> str:
    """The canonical spelling of `name` among `choices` (case does not matter); raises `UnknownName`."""
    by_lower = {choice.lower(): choice for choice in choices}
    found = by_lower.get(str(name).strip().lower())
    if found is None:
        raise UnknownName(kind, name, by_lower.values())
    return found
