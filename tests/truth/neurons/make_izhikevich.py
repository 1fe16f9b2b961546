"""Makes izhikevich.npz: Izhikevich neurons of Brian2 on the currents of recipe.py.

    python -m venv brian2env && brian2env/bin/pip install brian2==2.9.0 numpy==2.3.5
    brian2env/bin/python tests/truth/neurons/make_izhikevich.py

Two schemes, in float64, by the numpy code generator: "old" is Brian2's own method "euler" (both equations at once);
"new" is the author's order (v first, then u with the new v), two statements that Brian2 runs in the place of its
integrator; h is the step in ms. Clock, currents, threshold and reset are Brian2's in both. Parameters of the classes
are written out here once more, from the papers, so that a slip in bisnn's table shows.

Rounding grows exponentially in half of these classes: with the square written as v**2, Brian2 sums in another order
than bisnn and the first spikes differ after 800 ticks. Written as below it sums as bisnn does.
"""

from pathlib import Path

import brian2 as b
import numpy as np
import recipe

HERE = Path(__file__).parent
CLASSES = {  # a, b, c, d, coefficient of v, constant, initial v
    "tonic spiking": (0.02, 0.2, -65, 6, 5, 140, -70),
    "tonic bursting": (0.02, 0.2, -50, 2, 5, 140, -70),
    "mixed mode": (0.02, 0.2, -55, 4, 5, 140, -70),
    "class 1": (0.02, -0.1, -55, 6, 4.1, 108, -60),
    "class 2": (0.2, 0.26, -65, 0, 5, 140, -64),
    "chattering": (0.02, 0.2, -50, 2, 5, 140, -70),
    "fast spiking": (0.1, 0.2, -65, 2, 5, 140, -70),
    "low-threshold spiking": (0.02, 0.25, -65, 2, 5, 140, -63),
    "thalamo-cortical": (0.02, 0.25, -65, 0.05, 5, 140, -63),
    "resonator (2003)": (0.1, 0.26, -65, 2, 5, 140, -70),
}
PARAMETERS = """a : 1
        b : 1
        c : 1
        d : 1
        linear : 1
        constant : 1
        current = drive(t, i) : 1 (constant over dt)"""
V, U = "((0.04*v + linear)*v + (constant + current) - u)", "(a*(b*v - u))"


def run(scheme):
    """Spikes `[STEPS, units]`, and v and u at the end of every EVERY-th tick `[STEPS / EVERY, units]`."""
    b.start_scope()
    b.defaultclock.dt = recipe.IZHIKEVICH_DT * b.ms
    currents = recipe.izhikevich_currents()
    old = scheme == "old"
    group = b.NeuronGroup(
        currents.shape[1],
        (f"dv/dt = {V} * h/dt : 1\n du/dt = {U} * h/dt : 1\n" if old else "v : 1\n u : 1\n") + PARAMETERS,
        threshold="v >= 30",
        reset="v = c; u += d",
        method="euler" if old else None,
        namespace={"h": recipe.IZHIKEVICH_DT, "drive": b.TimedArray(currents, dt=recipe.IZHIKEVICH_DT * b.ms)},
    )
    if not old:
        group.run_regularly(f"v = v + {V}*h\n u = u + {U}*h", when="groups")
    values = np.repeat([CLASSES[name] for name in recipe.IZHIKEVICH], len(recipe.FACTORS), axis=0)
    values = np.concatenate((values, values))
    for name, column in zip(("a", "b", "c", "d", "linear", "constant", "v"), values.T, strict=True):
        setattr(group, name, column)
    group.u = values[:, 1] * values[:, 6]
    spikes = b.SpikeMonitor(group)
    every = recipe.EVERY * recipe.IZHIKEVICH_DT * b.ms
    seen = b.StateMonitor(group, ("v", "u"), record=True, dt=every, when="end")
    network = b.Network(group, spikes, seen)
    network.run(recipe.STEPS * recipe.IZHIKEVICH_DT * b.ms)
    train = np.zeros(currents.shape, dtype=bool)
    train[np.rint(np.asarray(spikes.t / b.ms) / recipe.IZHIKEVICH_DT).astype(int), np.asarray(spikes.i)] = True
    return train, np.asarray(seen.v).T, np.asarray(seen.u).T


def main():
    found = {}
    for scheme in ("old", "new"):
        train, v, u = run(scheme)
        found |= {f"spikes_{scheme}": np.packbits(train, axis=-1), f"v_{scheme}": v, f"u_{scheme}": u}
    versions = np.array([f"brian2 {b.__version__}", f"numpy {np.__version__}"])
    np.savez_compressed(HERE / "izhikevich.npz", **found, versions=versions)


if __name__ == "__main__":
    b.prefs.codegen.target = "numpy"
    main()
