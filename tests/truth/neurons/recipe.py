"""Currents and parameters of the comparisons with Brian2; numpy alone, so that both environments make the same bits.

Noise is made of the raw words of Philox, whose stream numpy keeps the same in all versions.
"""

import numpy as np

STEPS, EVERY = 2000, 25
"""Ticks of a run, and of which potentials are kept."""

LIF_DT = 0.5
LIF = (
    {"tau": 20.0, "threshold": 1.0, "reset": 0.0, "refractory": 2.0},
    {"tau": 7.0, "threshold": 0.8, "reset": -0.3, "refractory": 0.0},
    {"tau": 12.0, "threshold": 1.3, "reset": 0.2, "refractory": 5.5},
)
"""Models, each with the currents of `lif_currents`."""

IZHIKEVICH_DT = 0.25
IZHIKEVICH = {
    "tonic spiking": 14.0,
    "tonic bursting": 15.0,
    "mixed mode": 10.0,
    "class 1": 12.0,
    "class 2": 1.5,
    "chattering": 10.0,
    "fast spiking": 10.0,
    "low-threshold spiking": 10.0,
    "thalamo-cortical": 1.5,
    "resonator (2003)": 4.0,
}
"""Presets, with the current of their constant stimulus."""
FACTORS = (0.8, 1.0, 1.3)


def noise(seed, steps, units):
    """Uniforms in [-1, 1), float64 `[steps, units]`."""
    words = np.random.Philox(key=seed).random_raw(steps * units)
    return ((words >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0).reshape(steps, units)


def lif_currents():
    """Ten constant currents from below threshold up, then ten noisy ones around them, `[STEPS, 20]`."""
    constant = np.broadcast_to(np.linspace(0.7, 4.3, 10), (STEPS, 10))
    return np.concatenate((constant, constant + 3.0 * noise(1, STEPS, 10)), axis=1)


def izhikevich_currents():
    """For every preset three constant currents and three noisy ones, `[STEPS, 6 len(IZHIKEVICH)]`."""
    means = np.array([level * factor for level in IZHIKEVICH.values() for factor in FACTORS])
    constant = np.broadcast_to(means, (STEPS, len(means)))
    noisy = constant + constant * 1.5 * noise(2, STEPS, len(means))
    return np.concatenate((constant, noisy), axis=1)
