"""Pictures of every dilemma, without a display; films that can be read again."""

import numpy as np
import pytest
import torch
from PIL import Image

from bisnn.agents import film as films
from bisnn.agents import rendering
from bisnn.agents.base import Mark, Picture
from bisnn.agents.catalogue import dilemmas, make
from bisnn.agents.film import film, frames, record
from bisnn.agents.pettingzoo import parallel_env
from bisnn.agents.rendering import ansi, rgb
from bisnn.errors import BackendUnavailable, ConfigError, ShapeMismatch, UnknownName

IDS = list(dilemmas())
SMALL = Picture(
    columns=3,
    rows=2,
    walls=((1, 0),),
    ground=(Mark((0, 1), "S", "#F0E442", "square"), Mark((2, 0), "g", "#009E73", "star")),
    marks=(Mark((0, 1), "A", "#0072B2"), Mark((2, 1), "b", "#D55E00", "face"), Mark((2, 1), "c", "#56B4E9", "ring")),
    text="two share a cell",
)


@pytest.fixture(autouse=True)
def no_display(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


def test_a_picture_as_text():
    assert ansi(SMALL).splitlines() == [".#g", "A.c", "at 2,1: b c", "two share a cell"]
    assert ansi(Picture(2, 1)) == ".."


def test_a_picture_as_an_image():
    image = rgb(SMALL, cell=40)
    assert image.dtype == np.uint8
    assert image.shape == (rgb(SMALL._replace(text=""), cell=40).shape)
    left = (image.shape[1] - 3 * 40) // 2

    def pixel(column, row, x=20, y=8):
        return tuple(image[row * 40 + y, left + column * 40 + x])

    assert pixel(1, 0) == (0x4A, 0x4A, 0x4A), "a wall"
    assert pixel(1, 1) == (0xF4, 0xF1, 0xEA), "the floor"
    assert pixel(0, 1, 12, 20) == (0x00, 0x72, 0xB2), "an agent"
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 20
    same = rgb(SMALL._replace(text="a word " * 60), cell=40)
    assert same.shape == image.shape, "long texts are cut"
    both = rgb(SMALL._replace(marks=SMALL.marks[1:2]), cell=40)
    assert not np.array_equal(both[40:80, left + 80 :], image[40:80, left + 80 :]), "who shares a cell is seen too"


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ConfigError, match="8 pixels"):
        rgb(SMALL, cell=4)
    for wrong in (SMALL._replace(walls=((3, 0),)), SMALL._replace(marks=(Mark((0, 2), "A", "#000000"),))):
        for draw in (rgb, ansi):
            with pytest.raises(ShapeMismatch, match="outside"):
                draw(wrong)


@pytest.mark.parametrize("name", IDS)
def test_every_dilemma_is_drawn_without_a_display(name, capsys):
    world = parallel_env(name, render_mode="rgb_array")
    world.reset(seed=2)
    first = world.render()
    sizes, texts = {first.shape}, set()
    for _ in range(6):
        if world.agents:
            world.step({agent: int(world.action_space(agent).n) - 1 for agent in world.agents})
        sizes.add(world.render().shape)
        texts.add(ansi(world.dilemma.picture(world._table.life.world)))
    assert len(sizes) == 1, "frames of a world are of one size"
    assert first.dtype == np.uint8
    assert first.mean() > 60, "not black"
    assert first.std() > 5, "not blank"
    assert texts
    shown = parallel_env(name, render_mode="human")
    shown.reset(seed=2)
    assert shown.render() is None
    written = capsys.readouterr().out
    assert written.count(ansi(shown.dilemma.picture(shown._table.life.world))) == 2
    shown.close()


def test_nothing_is_drawn_unless_asked_for(monkeypatch):
    def never(*_):
        raise AssertionError("drawn without being asked")

    for name in ("rgb", "ansi"):
        monkeypatch.setattr(rendering, name, never)
    world = parallel_env("rescue_v0")
    world.reset(seed=0)
    world.step({"helper": 0})
    with pytest.warns(UserWarning, match="render_mode"):
        assert world.render() is None


def test_a_window_shows_and_closes(monkeypatch):
    import matplotlib

    matplotlib.use("Agg", force=True)
    from matplotlib import pyplot

    screen = rendering.Screen("test", 100.0, window=True)
    screen.show(SMALL)
    screen.show(SMALL._replace(marks=()))
    assert pyplot.get_fignums()
    screen.close()
    screen.close()
    assert not pyplot.get_fignums()
    monkeypatch.setenv("DISPLAY", ":0")
    assert rendering.has_display()


def test_a_gif_holds_its_frames(tmp_path):
    shots = frames(make("rescue_v0"), {"helper": "altruistic"}, seed=5)
    path = film(shots, tmp_path / "deep" / "rescue.gif", fps=5)
    with Image.open(path) as found:
        assert found.n_frames == len(shots)
        assert found.size == shots[0].shape[1::-1]
        assert found.info["duration"] == 200
        near = np.asarray(found.convert("RGB"), dtype=int) - shots[0]
    assert np.abs(near).mean() < 3
    assert [one.name for one in path.parent.iterdir()] == ["rescue.gif"], "nothing is left beside it"


def test_an_mp4_holds_its_frames(tmp_path):
    imageio = pytest.importorskip("imageio.v3")
    pytest.importorskip("av")
    path = record("rescue_v0", tmp_path / "rescue.mp4", seed=5, cell=21, toll=1.0)
    shots = frames(make("rescue_v0", toll=1.0), {}, seed=5, cell=21)
    found = imageio.imread(path, plugin="pyav")
    assert len(found) == len(shots)
    assert found.shape[1:] == (*(side + side % 2 for side in shots[0].shape[:2]), 3)
    assert np.abs(found[0][: shots[0].shape[0], : shots[0].shape[1]].astype(int) - shots[0]).mean() < 8


def test_films_that_cannot_be_are_refused(tmp_path, monkeypatch):
    shot = np.zeros((8, 8, 3), np.uint8)
    for given, name, error in (
        ([shot], "a.avi", ConfigError),
        ([], "a.gif", ConfigError),
        ([shot, shot[:4]], "a.gif", ShapeMismatch),
        ([shot.astype(float)], "a.gif", ShapeMismatch),
        ([shot[..., 0]], "a.gif", ShapeMismatch),
    ):
        with pytest.raises(error):
            film(given, tmp_path / name)
    with pytest.raises(ConfigError, match="above 0"):
        film([shot], tmp_path / "a.gif", fps=0)
    with pytest.raises(ConfigError, match="at least one"):
        frames(make("rescue_v0"), {}, episodes=0)
    with pytest.raises(UnknownName, match="helper"):
        record("rescue_v0", tmp_path / "a.gif", players={"victim": "selfish"})
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(BackendUnavailable, match=r"bisnn\[film\]"):
        film([shot], tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_a_film_shows_whole_episodes():
    dilemma = make("rescue_v0")
    one, two = (frames(dilemma, {"helper": "selfish"}, seed=1, episodes=count) for count in (1, 2))
    assert len(one) == 1 + 6, "the opening and the six steps to the goal"
    assert len(two) == 2 * len(one)
    assert np.array_equal(np.stack(two[: len(one)]), np.stack(one))
    assert films.WRITERS.keys() == {".gif", ".mp4"}
    state, _ = dilemma.reset(torch.tensor([1]))
    assert np.array_equal(one[0], rgb(dilemma.picture(state)))
