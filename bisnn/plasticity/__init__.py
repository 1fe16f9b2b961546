"""Plasticity rules, one file each."""

from bisnn.plasticity.base import Rule
from bisnn.plasticity.combined import Combined, CombinedState
from bisnn.plasticity.error_driven import ErrorDriven, ErrorDrivenState
from bisnn.plasticity.mstdp import MSTDP, MSTDPState
from bisnn.plasticity.mstdpet import MSTDPET, MSTDPETState
from bisnn.plasticity.pair_stdp import PairSTDP, PairSTDPState
from bisnn.plasticity.pre_trace_stdp import PreTraceState, PreTraceSTDP
from bisnn.plasticity.rmax import RMax, RMaxState
from bisnn.plasticity.rstdp import RSTDP, RSTDPState
from bisnn.plasticity.soft_bounds import SoftBounds
from bisnn.plasticity.synaptic_scaling import SynapticScaling, SynapticScalingState
from bisnn.plasticity.td_stdp import TDSTDP, TDSTDPState
from bisnn.plasticity.triplet_stdp import TripletSTDP, TripletSTDPState
from bisnn.plasticity.weight_decay import WeightDecay, WeightDecayState

__all__ = [
    "MSTDP",
    "MSTDPET",
    "RSTDP",
    "TDSTDP",
    "Combined",
    "CombinedState",
    "ErrorDriven",
    "ErrorDrivenState",
    "MSTDPETState",
    "MSTDPState",
    "PairSTDP",
    "PairSTDPState",
    "PreTraceSTDP",
    "PreTraceState",
    "RMax",
    "RMaxState",
    "RSTDPState",
    "Rule",
    "SoftBounds",
    "SynapticScaling",
    "SynapticScalingState",
    "TDSTDPState",
    "TripletSTDP",
    "TripletSTDPState",
    "WeightDecay",
    "WeightDecayState",
]
