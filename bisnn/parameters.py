"""What the fields of a plan may be: each check names the class, the field and the remedy."""

from __future__ import annotations

import itertools
import math

from bisnn.errors import ConfigError, UnknownName


def positive(plan: object, *names: str) -> None:
    """Raises `ConfigError` unless every named field of the plan is a finite number above 0."""
    _within(plan, names, math.ulp(0.0), math.inf, "a finite number above 0")


def not_negative(plan: object, *names: str) -> None:
    """Raises `ConfigError` unless every named field of the plan is a finite number of at least 0."""
    _within(plan, names, 0.0, math.inf, "a finite number of at least 0")


def finite(plan: object, *names: str) -> None:
    """Raises `ConfigError` unless every named field of the plan is a finite number."""
    _within(plan, names, -math.inf, math.inf, "a finite number")


def fraction(plan: object, *names: str) -> None:
    """Raises `ConfigError` unless every named field of the plan lies between 0 and 1."""
    _within(plan, names, 0.0, 1.0, "a fraction from 0 to 1")


def rising(plan: object, *names: str) -> None:
    """Raises `ConfigError` unless the named fields of the plan are finite and each is below the next."""
    finite(plan, *names)
    values = [getattr(plan, name) for name in names]
    if any(not low < high for low, high in itertools.pairwise(values)):
        given = ", ".join(f"{name} = {value}" for name, value in zip(names, values, strict=True))
        raise ConfigError(f"{type(plan).__name__}: {given}; give values with {' < '.join(names)}")


def one_of(plan: object, name: str, choices: tuple[str, ...]) -> None:
    """Raises `UnknownName` unless the named field of the plan is one of `choices`."""
    if getattr(plan, name) not in choices:
        raise UnknownName(name, getattr(plan, name), choices)


def _within(plan: object, names: tuple[str, ...], low: float, high: float, words: str) -> None:
    for name in names:
        value = getattr(plan, name)
        if not (math.isfinite(value) and low <= value <= high):
            raise ConfigError(f"{type(plan).__name__}: {name} is {value}; give {words}")
