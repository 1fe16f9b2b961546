"""Altruism dilemmas and developmental rooms, one file each."""
