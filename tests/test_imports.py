"""What importing bisnn loads, and from where it works."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torchvision", "torchaudio", "cupy", "matplotlib", "spikingjelly", "pyarrow", "scipy")


def fresh(code: str, folder: Path = ROOT) -> str:
    """The output of `code` in a new process started in `folder`."""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(module: str) -> set[str]:
    return set(json.loads(fresh(f"import json, sys, {module}; print(json.dumps(list(sys.modules)))")))


def core_modules() -> list[str]:
    return [f"bisnn.{path.stem}" for path in sorted((ROOT / "bisnn").glob("*.py")) if path.stem != "__init__"]


def test_the_core_loads_torch_and_numpy_alone() -> None:
    names = loaded_by(", ".join(["bisnn", *core_modules(), "bisnn.kernels"]))
    assert not {name for name in HEAVY if name in names}


def test_importing_bisnn_is_quick() -> None:
    seconds = float(fresh("import time; a = time.perf_counter(); import bisnn; print(time.perf_counter() - a)"))
    assert seconds < 0.5
    assert "torch" not in loaded_by("bisnn")


@pytest.mark.parametrize("package", ["agents", "agents.dilemmas", "agents.base", "experiments", "kernels"])
def test_the_other_folders_are_imported_under_bisnn(package: str) -> None:
    path = fresh(f"import bisnn.{package} as m; print(m.__file__)").strip()
    assert Path(path).is_relative_to(ROOT / package.split(".")[0])


def test_an_unknown_name_on_the_package_is_an_attribute_error() -> None:
    import bisnn

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = bisnn.nonsense
