"""Neuron models, one file each."""

from bisnn.neurons.base import Neuron
from bisnn.neurons.integrate_and_fire import IF, IFState
from bisnn.neurons.leaky_integrate_and_fire import LIF, LIFState

__all__ = ["IF", "LIF", "IFState", "LIFState", "Neuron"]
