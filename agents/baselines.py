"""The baselines of every dilemma under one roof: chance, self-interest, help, exact planning, tabular learning."""

from __future__ import annotations

from bisnn.agents.oracle import OracleAgent
from bisnn.agents.scripted import AlwaysHelpAgent, RandomAgent, SelfishAgent
from bisnn.agents.tabular_q import TabularQ

__all__ = ["AlwaysHelpAgent", "OracleAgent", "RandomAgent", "SelfishAgent", "TabularQ"]
