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


def two_rooms(
    grid: tuple[int, int, int], left: Mapping[str, tuple[int, int]], right: Mapping[str, tuple[int, int]]
) -> None:
    """Raises `ConfigError` where a grid (columns, rows, column of the wall) has no two rooms, or a cell lies outside
    its own."""
    columns, rows, wall = grid
    if not (rows >= 1 and 1 <= wall <= columns - 2):
        raise ConfigError("the wall needs at least one column on either side, and a room at least one row")
    cells(right, range(wall + 1, columns), range(rows))
    cells(left, range(wall), range(rows))
