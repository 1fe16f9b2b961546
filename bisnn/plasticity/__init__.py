"""Plasticity rules, one file each."""

from bisnn.plasticity.base import Rule
from bisnn.plasticity.pre_trace_stdp import PreTraceState, PreTraceSTDP
from bisnn.plasticity.rstdp import RSTDP, RSTDPState

__all__ = ["RSTDP", "PreTraceSTDP", "PreTraceState", "RSTDPState", "Rule"]
