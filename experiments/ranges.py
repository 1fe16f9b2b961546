"""Ranges in settings: `0:1:11` (start:stop:count), `-4:4` (whole numbers, both ends), `0,0.5,1` (a list).

    start:stop:count   start + i (stop - start) / (count - 1),  i = 0 ... count - 1
    start:stop         start, start + 1 ... stop

Values keep their order; one that comes twice is kept once. What cannot be read raises `ValueError`, which a settings
class reports with the name of its field.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

MOST = 10_000
"""Values in one range, at most."""
_WHOLE = re.compile(r"[+-]?\d{1,9}")


def numbers(value: Any) -> Any:
    """The numbers that a text, or a sequence of texts and numbers, stands for; anything else as it is."""
    if isinstance(value, str):
        value = value.split(",")
    elif isinstance(value, int | float):
        value = (value,)
    if not isinstance(value, list | tuple):
        return value
    found = [number for item in value for number in (_read(item) if isinstance(item, str) else (item,))]
    for number in found:
        if isinstance(number, bool) or not isinstance(number, str | int | float):
            raise ValueError(f"{number!r} stands where a number is due; write a list of numbers, such as 0,0.5,1")
    if len(found) > MOST:
        raise ValueError(f"{len(found)} values; at most {MOST} can be taken in turn")
    return tuple(dict.fromkeys(found))


def _read(text: str) -> tuple[Any, ...]:
    """The numbers in one item of a list."""
    parts = [part.strip() for part in text.split(":")]
    if parts == [""]:
        return ()
    if len(parts) == 1:
        return (_single(text),)
    if len(parts) == 2 and all(map(_WHOLE.fullmatch, parts)):
        return tuple(range(*_ends(text, int(parts[0]), int(parts[1]))))
    if len(parts) == 3 and re.fullmatch(r"\d{1,5}", parts[2]) and 1 <= int(parts[2]) <= MOST:
        try:
            start, stop = float(parts[0]), float(parts[1])
        except ValueError:
            raise ValueError(f"{text!r}: write start:stop:count with numbers, such as 0:1:11") from None
        return _spread(text, start, stop, int(parts[2]))
    raise ValueError(
        f"{text!r}: write start:stop:count (0:1:11), start:stop of whole numbers (-4:4), or a list (0,0.5,1)"
    )


def _single(text: str) -> Any:
    """A number; what is none stays text, for the settings to refuse."""
    if _WHOLE.fullmatch(text.strip()):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


def _ends(text: str, start: int, stop: int) -> tuple[int, int]:
    """Start, and one past the stop, of a range of whole numbers."""
    if not 0 <= stop - start < MOST:
        raise ValueError(f"{text!r}: a range of whole numbers rises, and has at most {MOST} values")
    return start, stop + 1


def _spread(text: str, start: float, stop: float, count: int) -> tuple[float, ...]:
    """`count` values from start to stop, both included."""
    if count == 1 and start != stop:
        raise ValueError(f"{text!r}: one value cannot reach from {start:g} to {stop:g}; ask for two or more")
    return tuple(start if count == 1 else (start * (count - 1 - i) + stop * i) / (count - 1) for i in range(count))


Numbers = Annotated[tuple[float, ...], BeforeValidator(numbers)]
"""A setting that takes numbers, or ranges of them."""
Whole = Annotated[tuple[int, ...], BeforeValidator(numbers)]
"""A setting that takes whole numbers, or ranges of them."""
