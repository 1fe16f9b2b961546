"""Makes lif.npz: leaky integrate-and-fire neurons of Brian2 on the currents of recipe.py.

    python -m venv brian2env && brian2env/bin/pip install brian2==2.9.0 numpy==2.3.5
    brian2env/bin/python tests/truth/neurons/make_lif.py

The equation is integrated exactly over a tick (method "exact", current constant over it), in float64, by the numpy code
generator. Brian2 counts its refractory period from the tick of the spike, so a neuron that is deaf for R ms after
it, as in bisnn, has refractory R + dt there.
"""

from pathlib import Path

import brian2 as b
import numpy as np
import recipe

HERE = Path(__file__).parent


def run(model):
    """Spikes `[STEPS, units]` and potentials at the end of every EVERY-th tick `[STEPS / EVERY, units]`."""
    b.start_scope()
    b.defaultclock.dt = recipe.LIF_DT * b.ms
    currents = recipe.lif_currents()
    group = b.NeuronGroup(
        currents.shape[1],
        """dv/dt = (current - v) / time : 1 (unless refractory)
        current = drive(t, i) : 1 (constant over dt)""",
        threshold="v >= high",
        reset="v = low",
        refractory=(model["refractory"] + recipe.LIF_DT) * b.ms,
        method="exact",
        namespace={
            "time": model["tau"] * b.ms,
            "high": model["threshold"],
            "low": model["reset"],
            "drive": b.TimedArray(currents, dt=recipe.LIF_DT * b.ms),
        },
    )
    spikes = b.SpikeMonitor(group)
    seen = b.StateMonitor(group, "v", record=True, dt=recipe.EVERY * recipe.LIF_DT * b.ms, when="end")
    network = b.Network(group, spikes, seen)
    network.run(recipe.STEPS * recipe.LIF_DT * b.ms)
    train = np.zeros(currents.shape, dtype=bool)
    train[np.rint(np.asarray(spikes.t / b.ms) / recipe.LIF_DT).astype(int), np.asarray(spikes.i)] = True
    return train, np.asarray(seen.v).T


if __name__ == "__main__":
    b.prefs.codegen.target = "numpy"
    found = [run(model) for model in recipe.LIF]
    np.savez_compressed(
        HERE / "lif.npz",
        spikes=np.packbits(np.stack([one for one, _ in found]), axis=-1),
        v=np.stack([one for _, one in found]),
        versions=np.array([f"brian2 {b.__version__}", f"numpy {np.__version__}"]),
    )
