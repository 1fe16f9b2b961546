"""Golden arrays of plasticity rules, computed by Brian2. Run in Brian2's own environment:

    python3.11 -m venv brian2env && brian2env/bin/pip install brian2==2.9.0 "numpy==2.3.5"
    brian2env/bin/python tests/truth/plasticity/make_three_factor.py

Writes rstdp.npz, mstdpet.npz, izhikevich.npz, pair.npz and triplet.npz beside this file (float64; spikes as uint8).
Each holds `versions` (Brian2, numpy, Python), the trains `pre` [T, 4] and `post` [T, 3], `steps` and the values of all
4 x 3 synapses after these ticks, [len(steps), 4, 3]. The tick is 1 ms, except 0.5 ms in triplet.npz.

Spikes of a tick act in Brian2's slot "synapses", the continuous equations are integrated before it ("groups"), the
dopamine arrives before them ("start"). So a tick integrates from the values after the tick before it, with the dopamine
that arrives now: the reward's timing of bisnn. Every pathway first changes its trace (order -1), then the synapse
(order 1), so that traces hold this tick's spikes. Continuous equations use rk4 (products) or exact exponentials.

Stimberg, Brette, Goodman (2019) Brian 2. eLife 8:e47314. doi:10.7554/eLife.47314
"""

import platform
from pathlib import Path

import brian2 as b2
import numpy as np

HERE = Path(__file__).resolve().parent
PRE, POST = 4, 3
EVERY = 5
b2.prefs.codegen.target = "numpy"


def trains(seed, ticks, rate):
    """Spikes [T, 4], [T, 3] at a rate per tick, some of them in one tick on both sides, in bursts and pauses."""
    draw = np.random.default_rng(seed)
    slow = 0.2 + 1.6 * (np.sin(np.arange(ticks) / 57.0) > -0.3)
    pre = draw.random((ticks, PRE)) < rate * slow[:, None]
    post = draw.random((ticks, POST)) < rate * slow[:, None]
    follow = draw.random((ticks, POST)) < 0.4
    post[3:] |= follow[3:] & pre[:-3, :POST]  # some causal pairs
    return pre, post


def pulses(seed, ticks):
    """Releases [T] of dopamine: about 25 pulses of either sign."""
    draw = np.random.default_rng(seed)
    return np.where(draw.random(ticks) < 25 / ticks, draw.uniform(-0.5, 1.0, ticks), 0.0)


def white(seed, ticks):
    """A level [T] that is drawn anew at every tick."""
    return np.random.default_rng(seed).normal(0.1, 1.0, ticks)


def simulate(pre, post, tick, model, on_pre, on_post, namespace, watched, start=None, given=None, method="exact"):
    """Runs 4 x 3 synapses and saves what is watched after every fifth tick, with the trains."""
    b2.start_scope()
    b2.defaultclock.dt = tick * b2.ms
    ticks = len(pre)
    groups = []
    for spikes in (pre, post):
        when, who = np.nonzero(spikes)
        groups.append(b2.SpikeGeneratorGroup(spikes.shape[1], who, when * tick * b2.ms))
    space = dict(namespace)
    if given is not None:
        space["course"] = b2.TimedArray(given, dt=tick * b2.ms)
    synapses = b2.Synapses(*groups, model=model, on_pre=on_pre, on_post=on_post, namespace=space, method=method)
    synapses.connect()
    for pathway in (*on_pre, *on_post):
        getattr(synapses, pathway).order = -1 if pathway.endswith("trace") else 1
    if start is not None:
        synapses.run_regularly(start, dt=tick * b2.ms, when="start")
    monitor = b2.StateMonitor(synapses, watched, record=True, dt=tick * b2.ms, when="end")
    network = b2.Network(*groups, synapses, monitor)
    network.run(ticks * tick * b2.ms)
    steps = np.arange(EVERY - 1, ticks, EVERY)
    order = np.lexsort((synapses.j[:], synapses.i[:]))
    found = {
        each: np.asarray(getattr(monitor, each))[order][:, steps].T.reshape(len(steps), PRE, POST) for each in watched
    }
    versions = f"brian2 {b2.__version__}, numpy {np.__version__}, python {platform.python_version()}"
    return {"pre": pre.astype(np.uint8), "post": post.astype(np.uint8), "steps": steps, "versions": versions, **found}


def save(name, **arrays):
    path = HERE / f"{name}.npz"
    np.savez_compressed(path, **arrays)
    print(path.name, path.stat().st_size, "bytes")


TRACES = """
dx/dt = -x/tau_pre : 1 (clock-driven)
dy/dt = -y/tau_post : 1 (clock-driven)
"""
SUMMED = ({"pre_trace": "x += 1", "pre_pairs": "{left} -= a_minus * y{over}"},
          {"post_trace": "y += 1", "post_pairs": "{left} += a_plus * x{over}"})  # fmt: skip
TIMES = {"tau_pre": 17 * b2.ms, "tau_post": 34 * b2.ms}


def pathways(left, over=""):
    """Pathways by which pairs of spikes change `left`."""
    return [{name: code.format(left=left, over=over) for name, code in side.items()} for side in SUMMED]


def three_factor():
    """R-STDP and MSTDPET under a white level and under pulses that decay, the level acting as a pulse per tick."""
    ticks = 1500
    pre, post = trains(1, ticks, 0.04)
    for name, over, rate in (("rstdp", "", 0.005), ("mstdpet", "/ (tau_e/ms)", 0.15)):
        space = {**TIMES, "tau_e": 40 * b2.ms, "a_plus": 0.9, "a_minus": 0.6, "rate": rate, "ms": b2.ms}
        model = TRACES + "dtag/dt = -tag/tau_e : 1 (clock-driven)\nw : 1\n"
        both = {}
        for kind, release, level in (("white", white(2, ticks), None), ("pulses", 0.2 * pulses(3, ticks), 200.0)):
            decay = "dd/dt = -d/tau_d : 1 (clock-driven)\n" if level else "d : 1\n"
            arrives = "d += course(t)" if level else "d = course(t)"
            found = simulate(pre, post, 1.0, model + decay, *pathways("tag", over),
                             {**space, "tau_d": 200 * b2.ms}, ("tag", "w"),
                             start=arrives + "\nw += rate * d * tag", given=release)  # fmt: skip
            both |= {f"{kind}_{each}": found.pop(each) for each in ("tag", "w")} | {f"{kind}_release": release, **found}
        save(name, **both)


def izhikevich():
    """Izhikevich 2007: c' = -c/tau_c + STDP, d' = -d/tau_d + DA, s' = c d, all three continuous."""
    ticks = 3000
    pre, post = trains(4, ticks, 0.01)
    release = np.abs(pulses(5, ticks))
    model = (
        TRACES
        + """
    dc/dt = -c/tau_c : 1 (clock-driven)
    dd/dt = -d/tau_d : 1 (clock-driven)
    ds/dt = c * d / second : 1 (clock-driven)
    """
    )
    space = {"tau_pre": 20 * b2.ms, "tau_post": 20 * b2.ms, "tau_c": 1000 * b2.ms, "tau_d": 200 * b2.ms,
             "a_plus": 0.1, "a_minus": 0.15}  # fmt: skip
    found = simulate(pre, post, 1.0, model, *pathways("c"), space, ("c", "d", "s"),
                     start="d += course(t)", given=release, method="rk4")  # fmt: skip
    found["d"] = found["d"][:, 0, 0]
    save("izhikevich", release=release, **found)


def pair():
    """Pair STDP, all-to-all and nearest neighbour."""
    pre, post = trains(6, 1500, 0.05)
    space = {**TIMES, "a_plus": 0.01, "a_minus": 0.007}
    arrays = {}
    for kind in ("all", "nearest"):
        on_pre, on_post = pathways("w")
        if kind == "nearest":
            on_pre["pre_trace"], on_post["post_trace"] = "x = 1", "y = 1"
        found = simulate(pre, post, 1.0, TRACES + "w : 1\n", on_pre, on_post, space, ("w",))
        arrays |= {f"{kind}_w": found.pop("w"), **found}
    save("pair", **arrays)


def triplet():
    """Triplet STDP with the full fits to visual cortex and hippocampus, both pairings, times 0.2, tick 0.5 ms.

    A fast trace is changed before the synapse reads it (order -1), a slow one after.
    """
    pre, post = trains(7, 3000, 0.02)
    model = """
    dr1/dt = -r1/tau_plus : 1 (clock-driven)
    dr2/dt = -r2/tau_x : 1 (clock-driven)
    do1/dt = -o1/tau_minus : 1 (clock-driven)
    do2/dt = -o2/tau_y : 1 (clock-driven)
    w : 1
    """
    fits = {
        "cortex_all": (5e-10, 6.2e-3, 7e-3, 2.3e-4, 101, 125),
        "cortex_nearest": (8.8e-11, 5.3e-2, 6.6e-3, 3.1e-3, 714, 40),
        "hippocampus_all": (6.1e-3, 6.7e-3, 1.6e-3, 1.4e-3, 946, 27),
        "hippocampus_nearest": (4.6e-3, 9.1e-3, 3e-3, 7.5e-9, 575, 47),
    }
    arrays = {}
    for kind, (a2p, a3p, a2m, a3m, tau_x, tau_y) in fits.items():
        space = {"a2p": a2p, "a3p": a3p, "a2m": a2m, "a3m": a3m, "tau_x": tau_x * b2.ms, "tau_y": tau_y * b2.ms,
                 "tau_plus": 16.8 * b2.ms, "tau_minus": 33.7 * b2.ms}  # fmt: skip
        to = "= 1" if kind.endswith("nearest") else "+= 1"
        on_pre = {"pre_trace": f"r1 {to}", "pre_pairs": f"w -= 0.2 * o1 * (a2m + a3m * r2)\nr2 {to}"}
        on_post = {"post_trace": f"o1 {to}", "post_pairs": f"w += 0.2 * r1 * (a2p + a3p * o2)\no2 {to}"}
        found = simulate(pre, post, 0.5, model, on_pre, on_post, space, ("w",))
        arrays |= {f"{kind}_w": found.pop("w"), **found}
    save("triplet", **arrays)


if __name__ == "__main__":
    three_factor()
    izhikevich()
    pair()
    triplet()
