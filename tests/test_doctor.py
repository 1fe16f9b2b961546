"""The doctor reports whatever the state of the machine, and never fails."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from bisnn import backend
from bisnn.experiments.commands import doctor


def test_the_report_is_json_and_has_the_promised_shape() -> None:
    report = json.loads(json.dumps(doctor.report(), allow_nan=False))
    assert {"python", "platform", "torch", "cuda", "packages", "backends", "cpu_threads"} <= report.keys()
    assert report["torch"] == torch.__version__
    assert report["packages"]["numpy"]
    assert report["problems"] == []
    for state in report["backends"].values():
        assert state.keys() == {"available", "why_not", "remedy"}


def test_a_missing_backend_is_rendered_with_its_remedy() -> None:
    text = doctor.render(doctor.report())
    assert "torch   runs" in text
    assert "remedy: use backend 'auto' or 'torch'" in text


def test_a_broken_part_becomes_a_problem_not_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("libcuda is a text file")

    monkeypatch.setattr(backend, "report", broken)
    monkeypatch.setattr(torch.cuda, "is_available", broken)
    report = doctor.report()
    assert report["problems"] == ["OSError: libcuda is a text file"] * 2
    assert "libcuda is a text file" in doctor.render(report)


def test_it_works_where_torch_is_not_installed() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from bisnn.experiments.commands import doctor\n"
        "print(doctor.render(doctor.report()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "problems" in done.stdout


def test_it_does_not_import_what_a_cpu_installation_breaks() -> None:
    code = (
        "import sys; from bisnn.experiments.commands import doctor; doctor.report()\n"
        "print([m for m in ('torchvision', 'torchaudio', 'spikingjelly', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr
