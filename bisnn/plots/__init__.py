"""Figures: each function takes recorded data and axes, and returns the axes."""
