"""The seam between circuits and kernels: a backend runs what it says or raises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from bisnn import backend, kernels
from bisnn.errors import BackendUnavailable, UnknownName
from bisnn.propagate import propagate

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def found_out_anew() -> Iterator[None]:
    backend._resolve.cache_clear()
    yield
    backend._resolve.cache_clear()


def test_auto_on_the_cpu_is_torch_and_says_so() -> None:
    assert backend.resolve("auto", CPU) == backend.Backend("torch", propagate)
    assert backend.resolve("torch", CPU).name == "torch"


def test_names_are_checked_and_the_nearest_is_suggested() -> None:
    with pytest.raises(UnknownName, match=r"auto, cuda, fused, torch.*Did you mean 'torch'"):
        backend.resolve("troch", CPU)


def test_cuda_by_name_never_falls_back_to_the_cpu() -> None:
    with pytest.raises(BackendUnavailable, match=r"'cuda' cannot run.*'cpu'.*Remedy: choose the device 'cuda'"):
        backend.resolve("cuda", CPU)


def test_fused_says_what_to_use_instead() -> None:
    with pytest.raises(BackendUnavailable, match=r"fused.*Remedy: use backend 'auto' or 'torch'"):
        backend.resolve("fused", CPU)


def test_without_kernels_a_cuda_device_gets_torch_by_auto_and_an_error_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "diagnose", lambda: ("CuPy cannot be imported", "pip install cupy"))
    assert backend.resolve("auto", "cuda").name == "torch"
    with pytest.raises(BackendUnavailable, match=r"CuPy cannot be imported\. Remedy: pip install cupy"):
        backend.resolve("cuda", "cuda")


def test_with_kernels_a_cuda_device_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "diagnose", lambda: None)
    from bisnn.kernels.propagate import propagate as kernel

    for name in ("auto", "cuda", "CUDA"):
        assert backend.resolve(name, torch.device("cuda", 0)) == backend.Backend("cuda", kernel)
    assert backend.resolve("torch", "cuda") is backend.TORCH
    assert backend.resolve("auto", CPU).name == "torch"


def test_the_report_covers_every_backend_that_can_be_asked_for() -> None:
    report = backend.report()
    assert tuple(report) == backend.BACKENDS[1:]
    for state in report.values():
        assert state["available"] == (state["why_not"] is None) == (state["remedy"] is None)
    assert report["torch"]["available"]
