"""Checks of configuration values that several worlds and agents share; each raises `ConfigError`."""

from __future__ import annotations

from collections.abc import Mapping

from bisnn.errors import ConfigError


def within(low: float, high: float, **values: float) -> None:
    """Raises `ConfigError` for a named value that is not a number between `low` and `high`."""
    for name, value in values.items():
        if not low <= value <= high:
            raise ConfigError(f"{name} = {value!r}; it lies between {low} and {high}")


def cells(named: Mapping[str, tuple[int, int]], columns: range, rows: range) -> None:
    """Raises `ConfigError` where a cell (column, row) lies outside its room or two are the same."""
    seen: dict[tuple[int, int], str] = {}
    for name, cell in named.items():
        if len(cell) != 2 or cell[0] not in columns or cell[1] not in rows:
            raise ConfigError(
                f"{name} = {cell} lies outside its room of columns {columns.start} to {columns.stop - 1} "
                f"and rows {rows.start} to {rows.stop - 1}"
            )
        if cell in seen:
            raise ConfigError(f"{name} and {seen[cell]} are both at {cell}")
        seen[cell] = name
