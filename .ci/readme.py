"""Takes the commands and snippets out of README.md and the docs, so that what they promise is what is checked.

Usage:
    python .ci/readme.py command MARKER     print the first fenced block after <!-- MARKER -->
    python .ci/readme.py snippets           run the python blocks after <!-- quickstart --> of every page, a fresh
                                            process in an empty folder for each page
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
FENCE = re.compile(r"^```[ \t]*(\w*)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


def blocks(text: str, marker: str, language: str | None = None) -> list[str]:
    """The fenced blocks after `<!-- marker -->`, all or those of one language. Exits where there is none."""
    _, found, rest = text.partition(f"<!-- {marker} -->")
    bodies = [body for name, body in FENCE.findall(rest) if language in (None, name)]
    if not found or not bodies:
        sys.exit(f"the page has no {language or 'fenced'} block after the marker <!-- {marker} -->")
    return bodies


def command(text: str, marker: str) -> str:
    """The shell text of a marked block, without prompts."""
    lines = blocks(text, marker)[0].splitlines()
    return "\n".join(line.removeprefix("$ ") for line in lines)


def pages() -> list[Path]:
    """README.md, and the pages of docs/ that have snippets to run."""
    every = sorted((ROOT / "docs").rglob("*.md"))
    marked = [page for page in every if "<!-- quickstart -->" in page.read_text("utf-8")]
    return [README, *marked]


def snippets(text: str) -> int:
    """Runs the quickstart snippets of a page, in their order, as one program in an empty folder; its exit code."""
    code = "\n\n".join(blocks(text, "quickstart", "python"))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "quickstart.py"
        script.write_text(code, encoding="utf-8")
        return subprocess.run([sys.executable, "-W", "error::SyntaxWarning", str(script)], cwd=folder).returncode


if __name__ == "__main__":
    content = README.read_text(encoding="utf-8")
    if sys.argv[1:2] == ["command"] and len(sys.argv) == 3:
        print(command(content, sys.argv[2]))
    elif sys.argv[1:] == ["snippets"]:
        for page in pages():
            print(f"running the snippets of {page.relative_to(ROOT)}", flush=True)
            if code := snippets(page.read_text(encoding="utf-8")):
                sys.exit(code)
    else:
        sys.exit(__doc__)
