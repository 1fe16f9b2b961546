"""The closing tables of `bisnn run`."""

from __future__ import annotations

from typing import Any


def number(value: float | None, digits: int = 2) -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def interval(measure: dict[str, Any], digits: int = 2) -> str:
    """A mean with its 95 % interval."""
    if measure["ci95"] is None:
        return number(measure["mean"], digits)
    low, high = measure["ci95"]
    return f"{number(measure['mean'], digits)} [{number(low, digits)}, {number(high, digits)}]"


def p_value(value: float | None) -> str:
    """A p as journals print it."""
    if value is None:
        return "–"
    return "<.001" if value < 0.001 else f"{value:.3f}".lstrip("0") if value < 1 else "1"


def rescue_table(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Arms with help rate, goal rate, external return, and the paired difference in help from intact."""
    header = ["arm", "help rate [95 %]", "goal rate", "external return", "help − intact [95 %]", "p (Holm)"]
    rows = []
    for arm, measures in summary["arms"].items():
        against = summary["comparisons"].get(arm, {}).get("help_rate")
        difference = "" if against is None else interval({"mean": against["difference"], "ci95": against["ci95"]})
        rows.append(
            [
                arm,
                interval(measures["help_rate"]),
                number(measures["goal_rate"]["mean"]),
                number(measures["return_external"]["mean"]),
                difference,
                "" if against is None else p_value(against["p_holm"]),
            ]
        )
    return header, rows


def dose_table(summary: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Help rate by dose and agent."""
    agents = list(summary["rho"])
    table: dict[float, dict[str, str]] = {}
    for entry in summary["dose_means"]:
        table.setdefault(entry["dose"], {})[entry["agent"]] = number(entry["help_rate"])
    rows = [[f"{dose:g}", *(cells.get(agent, "") for agent in agents)] for dose, cells in sorted(table.items())]
    return ["dose λαf", *(f"help rate, {agent}" for agent in agents)], rows
