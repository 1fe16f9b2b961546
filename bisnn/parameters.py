"""What the fields of a plan may be: each check names the class, the field and the remedy."""

from __future__ import annotations

import itertools
import math
import numbers

from bisnn.errors import ConfigError, UnknownName


def is_whole(value: object, least: int = 0) -> bool:
    """Whether it is a whole number of at least `least`."""
    return not isinstance(value, bool) and isinstance(value, numbers.Integral) and int(value) >= least


def is_number(value: object) -> bool:
    """Whether it is a finite number."""
    return not isinstance(value, bool) and isinstance(value, numbers.Real) and math.isfinite(float(value))


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


def below_one(plan: object, *names: str) -> None:
    """Raises `ConfigError` unless every named field of the plan lies between 0 and 1 and is neither."""
    _within(plan, names, math.ulp(0.0), math.nextafter(1.0, 0.0), "a number above 0 and below 1")


def counts(plan: object, *names: str, least: int = 1) -> None:
    """Raises `ConfigError` unless every named field of the plan is a whole number of at least `least`."""
    for name in names:
        value = getattr(plan, name)
        if not is_whole(value, least):
            raise ConfigError(f"{type(plan).__name__}: {name} is {value!r}; give a whole number of at least {least}")


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
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise ConfigError(f"{type(plan).__name__}: {name} is {value!r}, which is no number; give {words}")
        if not (is_number(value) and low <= float(value) <= high):
            raise ConfigError(f"{type(plan).__name__}: {name} is {value}; give {words}")
