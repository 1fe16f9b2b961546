"""Figures: what each shows for known data, that they come from files alone, and that no window is involved."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection

from bisnn import plots
from bisnn.errors import ShapeMismatch, UnknownName
from bisnn.experiments import storage
from bisnn.experiments.figures import dose, files, rescue
from bisnn.experiments.results import Run, load_run
from bisnn.experiments.runner import run
from bisnn.plots import style
from bisnn.recording import Recording, Trace


def drawn(ax: Axes) -> Axes:
    """The axes after their figure was rendered once."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    FigureCanvasAgg(figure).draw()
    return ax


def recording() -> Recording:
    spikes = torch.zeros(50, 4)
    spikes[10, 1] = spikes[20, 3] = 1.0
    v = torch.linspace(0.0, 1.0, 25)[:, None].expand(25, 4)
    return Recording(
        {"ifg.spikes": Trace(spikes, 1), "sma.spikes": Trace(torch.zeros(50, 6), 1), "ifg.v": Trace(v, 2)}, 0.5
    )


def lines_of(ax: Axes, gid: str) -> LineCollection:
    return next(each for each in ax.collections if each.get_gid() == gid and isinstance(each, LineCollection))


def test_a_raster_has_a_row_per_unit_silent_ones_too_and_time_in_ms() -> None:
    ax = drawn(plots.raster(recording(), ("ifg", "sma")))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["IFG (4)", "SMA (6)"]
    assert ax.get_xlabel() == "time (ms)"
    segments = lines_of(ax, "ifg").get_segments()
    assert [segment[0][0] for segment in segments] == pytest.approx([10 * 0.5 + 0.5, 20 * 0.5 + 0.5])
    assert [segment.mean(0)[1] for segment in segments] == pytest.approx([1.5, 3.5])
    assert not lines_of(ax, "sma").get_segments()
    assert ax.get_ylim()[0] >= 10.0  # room for all ten units


def test_a_raster_takes_events_and_keeps_their_areas_apart() -> None:
    times, units = np.array([1.0, 2.0]), np.array([0, 1])
    data = {"ifg": plots.Events(times, units, 2), "m1": plots.Events(times[:0], units[:0], 10)}
    ax = drawn(plots.raster(data, groups={"m1": {"pain": (0, 5), "calm": (5, 10)}}, end=20.0))
    assert ax.get_xlim() == (0.0, 20.0)
    colours = [label.get_color() for label in ax.get_yticklabels()]
    assert colours == [style.AREAS["ifg"], style.AREAS["m1"]]


def test_a_raster_names_what_is_missing_and_refuses_a_batch() -> None:
    with pytest.raises(UnknownName, match="ifgg"):
        plots.raster(recording(), "ifgg")
    batch = Recording({"ifg.spikes": Trace(torch.zeros(2, 5, 3), 1)}, 1.0)
    with pytest.raises(ShapeMismatch, match=r"recording\.of"):
        plots.raster(batch)


def test_a_trace_draws_a_line_per_unit_at_the_kept_ticks() -> None:
    ax = drawn(plots.trace(recording(), "ifg.v", threshold=1.0))
    assert len(ax.lines) == 4 + 1
    assert np.allclose(ax.lines[0].get_xdata(), np.arange(25) * 1.0)  # every 2 ticks of 0.5 ms
    assert ax.get_ylabel() == "IFG membrane potential"
    one = drawn(plots.trace([1.0, 2.0, 3.0], "dopamine.level", times=[0, 5, 10]))
    assert len(one.lines) == 1
    with pytest.raises(ShapeMismatch):
        plots.trace(np.zeros((2, 3, 4)))


def test_spans_shade_what_is_on() -> None:
    ax = drawn(plots.spans([0, 1, 2, 3, 4], [0, 1, 1, 0, 1]))
    edges = [patch.get_window_extent().transformed(ax.transData.inverted()).extents[[0, 2]] for patch in ax.patches]
    assert np.allclose(edges, [[1, 3], [4, 5]])


def test_weights_are_white_at_zero_and_say_so_when_all_are() -> None:
    ax = drawn(plots.weights([[1.0, -2.0], [0.0, 0.5]], "perception", "ifg"))
    assert ax.images[0].get_clim() == (-2.0, 2.0)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("IFG cell", "perception cell")
    blank = drawn(plots.weights(np.zeros((3, 2))))
    assert [text.get_text() for text in blank.texts] == ["all weights are 0"]
    with pytest.raises(ShapeMismatch):
        plots.weights(np.zeros((2, 3, 4)))


def test_curves_and_arms_show_every_arm_by_name() -> None:
    x, y = np.arange(4.0), np.linspace(0.0, 1.0, 4)
    data = {"intact": plots.Band(x, y, y - 0.1, y + 0.1), "no_mirror": plots.Band(x, 0 * y, 0 * y, 0 * y)}
    ax = drawn(plots.curves(data, ylabel="help rate"))
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["intact", "no mirror neurons"]
    assert np.allclose(ax.lines[0].get_ydata(), y)
    seeds = {"intact": [1.0, 1.0, 0.9], "selfish": [0.0, 0.0, np.nan], "cut:A->B": [np.nan] * 3, "lost": [-50.0] * 3}
    ax = drawn(plots.arms(seeds, {"intact": {"mean": 0.97, "ci95": [0.9, 1.0]}}, limits=(0.0, 1.0), number="{:.2f}"))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["intact", "no empathy (λ = 0)", "cut:A->B", "lost"]
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["0.97", "0.00", "no values", "◂ −50.00"]
    dots = [len(each.get_offsets()) for each in ax.collections]
    assert sum(dots) == 5


def test_dose_response_draws_points_fit_and_threshold() -> None:
    points = {"spiking": [(0.0, 0.0, 0.0, 0.0), (4.0, 0.9, 0.8, 1.0)], "tabular_q": [(0.0, 0.1, 0.0, 0.2)]}
    fit = {
        "spiking": {"threshold": 3.0, "width": 0.2, "ceiling": 0.9},
        "tabular_q": dict.fromkeys(("threshold", "width")),
    }
    at = {"spiking": {"value": 3.0, "ci95": [2.5, 3.5]}, "tabular_q": {"value": None, "ci95": None}}
    ax = drawn(plots.dose_response(points, fit=fit, threshold=at))
    curve = next(line for line in ax.lines if len(np.asarray(line.get_xdata())) > 100)
    half = np.interp(3.0, np.asarray(curve.get_xdata()), np.asarray(curve.get_ydata()))
    assert half == pytest.approx(0.45, abs=0.01)
    legend = ax.get_legend()
    assert legend is not None
    assert "threshold 3.00 [2.50, 3.50]" in legend.get_texts()[0].get_text()
    drawn(plots.dose_response({}))


def test_trajectory_census_and_heat_draw_what_they_are_given() -> None:
    ax = drawn(
        plots.trajectory(
            [(10, 0), (10, 1), (10, 1)],
            size=(11, 5),
            wall=5,
            goal=(6, 2),
            switch=(10, 4),
            hazards=[(1, 0), (0, 2)],
            victim=[(0, 0), (1, 0)],
            pain=[False, True],
        )
    )
    assert {"★", "●", "×", "0", "1–2"} <= {text.get_text() for text in ax.texts}
    counts = {"intact": {"mirror_pain": [20, 20]}, "no_mirror": {"mirror_pain": 0}}
    ax = drawn(plots.census(counts, kinds=("mirror_pain",), total=50))
    assert [text.get_text() for text in ax.texts] == ["20"]
    ax = drawn(plots.heat([[0.5, np.nan]], ["1"], ["0", "9"]))
    assert [text.get_text() for text in ax.texts] == ["0.50"]


def test_given_axes_are_used_and_the_style_does_not_leak() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    ax = style.figure().add_subplot()
    assert plots.raster(recording(), "ifg", ax=ax) is ax
    plots.curves({})
    assert dict(matplotlib.rcParams) == before


def test_importing_bisnn_and_drawing_need_no_simulation_and_no_pyplot() -> None:
    text = """
import sys, bisnn
from bisnn import plots
import bisnn.experiments.altruistic_rescue
assert "matplotlib" not in sys.modules
plots.weights([[1.0]]), plots.curves({}), plots.arms({}), plots.dose_response({}), plots.census({})
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", text], check=True)
    alone = """
import sys
from bisnn import plots
for name in dir(plots):
    getattr(plots, name)
simulating = ("bisnn.circuit", "bisnn.systems", "bisnn.agents", "bisnn.neurons")
bad = [name for name in sys.modules if name.startswith(simulating)]
assert not bad, bad
"""
    subprocess.run([sys.executable, "-c", alone], check=True)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("plots") / "run"
    run("altruistic-rescue", folder, seeds=1, episodes=3, arms=("no_mirror",))
    return load_run(folder)


@pytest.mark.parametrize("name", sorted(rescue.FIGURES))
def test_every_figure_of_a_run_can_be_drawn_from_its_files(tiny: Run, name: str) -> None:
    figure = rescue.FIGURES[name](tiny)
    assert figure.axes
    FigureCanvasAgg(figure).draw()


def test_a_saved_figure_has_the_same_bytes_every_time(tiny: Run) -> None:
    first = [path.read_bytes() for path in files.save(tiny, "weights", rescue.FIGURES["weights"])]
    assert first[0].startswith(b"\x89PNG")
    assert first[1].startswith(b"%PDF")
    again = files.save(load_run(tiny.path), "weights", rescue.FIGURES["weights"])
    assert [path.name for path in again] == ["weights.png", "weights.pdf"]
    assert [path.read_bytes() for path in again] == first


@pytest.mark.parametrize("name", sorted(rescue.FIGURES))
def test_figures_say_what_is_missing(tiny: Run, name: str, tmp_path: Path) -> None:
    bare = tmp_path / "run"
    shutil.copytree(tiny.path, bare)
    shutil.rmtree(bare / "recordings")
    (bare / "spikes.parquet").unlink()
    state = {key: value for key, value in tiny.state.items() if "census" not in key}
    storage.write_tensors(bare / "state.safetensors", state)
    figure = rescue.FIGURES[name](load_run(bare))
    if name not in ("arms", "learning_curves"):
        words = " ".join(text.get_text() for ax in figure.axes for text in ax.texts)
        assert "record" in words or "holds no" in words


def test_dose_figures_survive_a_run_without_doses(tiny: Run) -> None:
    for function in dose.FIGURES.values():
        words = [text.get_text() for ax in function(tiny).axes for text in ax.texts]
        assert words == ["This run holds no doses."]
