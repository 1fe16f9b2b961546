"""What a scientific claim is, and how it is judged.

    pass = every quantity in `tolerance` was measured, is finite, and low <= quantity <= high

The judgement reads `tolerance` and the measured numbers, nothing else. Tolerances are those of the cited source or of a
derivation in the docstring of `measure`, or stated there as ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bisnn.errors import ConfigError

Interval = tuple[float | None, float | None]
"""Lowest and highest accepted value; None: open."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of the library, with its source, and what measures it.

    Raises `ConfigError` for a claim that could not fail (no tolerance, or an interval that is open on both sides) or
    not hold (an interval that ends before it begins), and for a number that is not finite.
    """

    name: str
    """Topic and number: "dopamine/C-1"."""
    claim: str
    """What is claimed, one sentence."""
    source: str
    """Paper with doi."""
    expected: Mapping[str, float]
    """Reference value of every measured quantity that has one."""
    tolerance: Mapping[str, Interval]
    """Accepted interval of every quantity that is judged."""
    measure: Callable[[], Mapping[str, float]]
    """Measures the quantities; a top-level function, since worker processes import it."""
    long: bool = False
    """Whether it runs only with `--long`."""
    seconds: float = 1.0
    """Rough cost on one core, s; the longest claims start first."""

    def __post_init__(self) -> None:
        topic, slash, number = self.name.partition("/")
        if not (topic and slash and number) or any(mark.isspace() or mark == "," for mark in self.name):
            raise ConfigError(f"claim {self.name!r}: a name is TOPIC/NUMBER, without spaces or commas: 'dopamine/C-1'")
        if not self.tolerance:
            raise ConfigError(f"claim {self.name!r} has no tolerance, so it could not fail; give one")
        for quantity, (low, high) in self.tolerance.items():
            if low is None and high is None:
                raise ConfigError(f"claim {self.name!r}: {quantity!r} accepts every value; close its interval")
            if any(bound is not None and not math.isfinite(bound) for bound in (low, high)):
                raise ConfigError(
                    f"claim {self.name!r}: a bound of {quantity!r} is not finite; None leaves a side open"
                )
            if low is not None and high is not None and low > high:
                raise ConfigError(
                    f"claim {self.name!r}: {quantity!r} accepts nothing from {low:g} to {high:g}; give (low, high)"
                )
        for quantity, value in self.expected.items():
            if not math.isfinite(value):
                raise ConfigError(f"claim {self.name!r}: the expected {quantity!r} is {value}; leave it out or give it")

    @property
    def topic(self) -> str:
        """What stands before the slash."""
        return self.name.partition("/")[0]


def misses(claim: Claim, measured: Mapping[str, float]) -> list[str]:
    """Why the claim does not hold, a reason for each quantity; empty where it holds."""
    found = []
    for quantity, (low, high) in claim.tolerance.items():
        if quantity not in measured:
            found.append(f"{quantity} was not measured")
            continue
        value = float(measured[quantity])
        if not math.isfinite(value):
            found.append(f"{quantity} is not finite")
        elif low is not None and not value >= low:
            found.append(f"{quantity} = {value:.6g} is below {low:g}")
        elif high is not None and not value <= high:
            found.append(f"{quantity} = {value:.6g} is above {high:g}")
    return found


def passes(claim: Claim, measured: Mapping[str, float]) -> bool:
    """Whether every quantity in `tolerance` was measured, is finite and lies inside."""
    return not misses(claim, measured)
