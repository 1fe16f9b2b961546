"""Runs every notebook under docs/ and examples/ in a fresh kernel and an empty folder; there must be one.

A notebook is an .ipynb file, or a .md or .py file whose header names jupytext.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import jupytext
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent


def notebooks() -> list[Path]:
    """The notebooks of the project, sorted."""
    files = [path for folder in ("docs", "examples") for path in (ROOT / folder).rglob("*") if path.is_file()]
    text = [path for path in files if path.suffix in (".md", ".py") and "jupytext:" in path.read_text("utf-8")[:500]]
    hidden = [path for path in files if path.suffix == ".ipynb" and ".ipynb_checkpoints" not in path.parts]
    return sorted(text + hidden)


def main() -> int:
    """Runs them; 1 where there is none. An error in a cell is raised with the cell's text."""
    found = notebooks()
    if not found:
        print("no notebook under docs/ or examples/", file=sys.stderr)
        return 1
    for path in found:
        print(f"running {path.relative_to(ROOT)}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            NotebookClient(
                jupytext.read(path), timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}
            ).execute()
    return 0


if __name__ == "__main__":
    sys.exit(main())
