"""Pictures of worlds: as text, as an image, in a window. Nothing is drawn unless it is asked for.

ansi        one character for each cell, then a line that says what happens
rgb_array   uint8 [height, width, 3], drawn by Pillow; needs no display
human       a window where there is a display, else the text on standard output
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bisnn.agents.base import Mark, Picture
from bisnn.errors import ConfigError, ShapeMismatch

FLOOR, LINE, WALL, INK, PAPER = "#F4F1EA", "#D8D3C7", "#4A4A4A", "#222222", "#FFFFFF"
"""Colours of what every room has, of text, and of the strip below."""
LINES = 2
"""Lines of text below an image: always there, so that all frames of a world are of one size."""
LEAST = 240
"""Least width of an image in pixels, so that its text can be read."""
FINE = 3
"""An image is drawn this many times larger and then reduced, for smooth edges."""


def ansi(picture: Picture) -> str:
    """The picture as text: `#` wall, `.` floor; of several marks in a cell the last one, and a line that names all."""
    grid = [["."] * picture.columns for _ in range(picture.rows)]
    _check(picture)
    for column, row in picture.walls:
        grid[row][column] = "#"
    for mark in (*picture.ground, *picture.marks):
        grid[mark.cell[1]][mark.cell[0]] = mark.glyph[:1] or "?"
    crowds = [
        f"at {cell[0]},{cell[1]}: {' '.join(mark.glyph for mark in marks)}"
        for cell, marks in _by_cell(picture.marks)
        if len(marks) > 1
    ]
    return "\n".join([*("".join(row) for row in grid), *crowds, *([picture.text] if picture.text else [])])


def rgb(picture: Picture, cell: int = 32) -> NDArray[np.uint8]:
    """The picture as an image uint8 `[height, width, 3]`, `cell` pixels for each cell, with its text below.

    Its size depends on the grid and on `cell` alone. Raises `ConfigError` for cells below 8 pixels.
    """
    if cell < 8:
        raise ConfigError(f"cell = {cell!r}; a cell has at least 8 pixels")
    _check(picture)
    big = cell * FINE
    room = Image.new("RGB", (picture.columns * big, picture.rows * big), FLOOR)
    draw, walls = ImageDraw.Draw(room), set(picture.walls)
    for column in range(picture.columns):
        for row in range(picture.rows):
            box = (column * big, row * big, (column + 1) * big, (row + 1) * big)
            fill, line = (WALL, WALL) if (column, row) in walls else (FLOOR, LINE)
            draw.rectangle(box, fill=fill, outline=line, width=FINE)
    for mark in picture.ground:
        _mark(draw, mark, (mark.cell[0] + 0.5) * big, (mark.cell[1] + 0.5) * big, 0.46 * big, ground=True)
    for _, marks in _by_cell(picture.marks):
        for mark, (x, y, size) in zip(marks, _spread(len(marks)), strict=True):
            _mark(draw, mark, (mark.cell[0] + x) * big, (mark.cell[1] + y) * big, size * big)
    small = room.resize((picture.columns * cell, picture.rows * cell), Image.Resampling.LANCZOS)
    return np.asarray(_framed(small, picture.text, cell), dtype=np.uint8)


def _check(picture: Picture) -> None:
    """Raises `ShapeMismatch` where something lies outside the grid."""
    for cell in (*picture.walls, *(mark.cell for mark in (*picture.ground, *picture.marks))):
        if not (0 <= cell[0] < picture.columns and 0 <= cell[1] < picture.rows):
            raise ShapeMismatch(f"a mark at {cell} lies outside a picture of {picture.columns} x {picture.rows} cells")


def _by_cell(marks: Iterable[Mark]) -> list[tuple[tuple[int, int], list[Mark]]]:
    found: dict[tuple[int, int], list[Mark]] = defaultdict(list)
    for mark in marks:
        found[mark.cell].append(mark)
    return list(found.items())


def _spread(count: int) -> Sequence[tuple[float, float, float]]:
    """Where `count` marks that share a cell stand in it: x, y and half the size, in cells."""
    if count == 1:
        return ((0.5, 0.5, 0.36),)
    if count == 2:
        return ((0.27, 0.5, 0.25), (0.73, 0.5, 0.25))
    side = 2 if count <= 4 else 3 if count <= 9 else int(np.ceil(np.sqrt(count)))
    return [((i % side + 0.5) / side, (i // side + 0.5) / side, 0.44 / side) for i in range(count)]


def _mark(draw: ImageDraw.ImageDraw, mark: Mark, x: float, y: float, size: float, ground: bool = False) -> None:
    """One mark, centred; what lies on the ground is filled to the edges, and paler."""
    box = (x - size, y - size, x + size, y + size)
    colour = _pale(mark.colour) if ground else mark.colour
    if mark.shape == "square":
        draw.rectangle(box, fill=colour, outline=mark.colour, width=FINE)
    elif mark.shape == "ring":
        draw.ellipse(box, outline=mark.colour, width=max(2, int(size / 4)))
    elif mark.shape == "star":
        draw.regular_polygon((x, y, size * 1.05), 4, rotation=45, fill=colour, outline=mark.colour, width=FINE)
    else:
        draw.ellipse(box, fill=colour, outline=INK, width=FINE)
    low = y
    if mark.shape == "face":
        low = y + size * 0.3
        for side in (-1, 1):
            eye = (x + side * size * 0.4, y - size * 0.4)
            draw.ellipse((eye[0] - size * 0.13, eye[1] - size * 0.13, eye[0] + size * 0.13, eye[1] + size * 0.13), INK)
    ink = INK if ground or mark.shape == "ring" or _light(colour) else PAPER
    draw.text((x, low), mark.glyph[:1], fill=ink, font=_font(int(size * (0.95 if low > y else 1.15))), anchor="mm")


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _pale(colour: str) -> str:
    return "#" + "".join(f"{(value + 2 * 255) // 3:02X}" for value in _channels(colour))


def _light(colour: str) -> bool:
    red, green, blue = _channels(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue > 150


@lru_cache(maxsize=64)
def _font(size: int) -> Any:
    return ImageFont.load_default(max(size, 6))


def _framed(room: Image.Image, text: str, cell: int) -> Image.Image:
    """The room centred above the strip of text."""
    size = min(max(cell * 7 // 16, 11), 18)
    strip, width = LINES * (size + 3) + 4, max(room.width, LEAST)
    frame = Image.new("RGB", (width, room.height + strip), PAPER)
    frame.paste(room, ((width - room.width) // 2, 0))
    font, draw = _font(size), ImageDraw.Draw(frame)
    lines = _wrapped(text, font, width - 8)
    for number, line in enumerate(lines):
        draw.text((4, room.height + 3 + number * (size + 3)), line, fill=INK, font=font)
    return frame


def _wrapped(text: str, font: Any, width: float) -> list[str]:
    """The words of `text` on at most `LINES` lines of `width` pixels; what does not fit is left out, and marked."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > LINES:
        last = lines[LINES - 1]
        while font.getlength(last + " …") > width and " " in last:
            last = last.rsplit(" ", 1)[0]
        lines = [*lines[: LINES - 1], last + " …"]
    return lines


def has_display() -> bool:
    """Whether a window can be opened here."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


class Screen:
    """Where `human` rendering goes: a window where there is a display, else standard output."""

    def __init__(self, title: str, fps: float, window: bool | None = None) -> None:
        self.title, self.pause = title, 1.0 / fps
        self.window = has_display() if window is None else window
        self._shown: Any = None

    def show(self, picture: Picture) -> None:
        """Show the picture; a window stays open until `close`."""
        if not self.window:
            print(ansi(picture), end="\n\n", flush=True)
            return
        from matplotlib import pyplot

        image = rgb(picture)
        if self._shown is None:
            figure, axes = pyplot.subplots(num=self.title, figsize=(image.shape[1] / 80, image.shape[0] / 80))
            axes.set_position((0, 0, 1, 1))
            axes.set_axis_off()
            self._shown = figure, axes.imshow(image)
        self._shown[1].set_data(image)
        pyplot.pause(self.pause)

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._shown is not None:
            from matplotlib import pyplot

            pyplot.close(self._shown[0])
            self._shown = None


def draw(picture: Picture, mode: str, screen: Screen) -> NDArray[np.uint8] | str | None:
    """The picture in a render mode: an image, a text, or None after it was shown."""
    if mode == "rgb_array":
        return rgb(picture)
    if mode == "ansi":
        return ansi(picture)
    screen.show(picture)
    return None
