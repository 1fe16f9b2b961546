"""Agents and the dilemmas they live in."""
