"""Neuron models, one file each."""

from bisnn.neurons.adaptive_lif import AdaptiveLIF, AdaptiveLIFState
from bisnn.neurons.base import Neuron, StochasticNeuron
from bisnn.neurons.escape_rate import EscapeRateLIF, EscapeRateLIFState
from bisnn.neurons.exponential_integrate_and_fire import ExponentialIF, ExponentialIFState
from bisnn.neurons.homeostatic_lif import HomeostaticLIF, HomeostaticLIFState
from bisnn.neurons.integrate_and_fire import IF, IFState
from bisnn.neurons.izhikevich import Izhikevich, IzhikevichState
from bisnn.neurons.izhikevich_presets import PRESETS, Preset, Pulse, preset
from bisnn.neurons.leaky_integrate_and_fire import LIF, LIFState
from bisnn.neurons.poisson import Poisson, PoissonState
from bisnn.neurons.scripted import Scripted, ScriptedState

__all__ = [
    "IF",
    "LIF",
    "PRESETS",
    "AdaptiveLIF",
    "AdaptiveLIFState",
    "EscapeRateLIF",
    "EscapeRateLIFState",
    "ExponentialIF",
    "ExponentialIFState",
    "HomeostaticLIF",
    "HomeostaticLIFState",
    "IFState",
    "Izhikevich",
    "IzhikevichState",
    "LIFState",
    "Neuron",
    "Poisson",
    "PoissonState",
    "Preset",
    "Pulse",
    "Scripted",
    "ScriptedState",
    "StochasticNeuron",
    "preset",
]
