"""Experiments: declared, run, judged and drawn."""
