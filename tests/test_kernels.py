"""Kernels: the bits of the torch reference, on the host and on a GPU; compiled for GPUs that are not here."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bisnn import kernels
from bisnn.kernels import launch
from bisnn.propagate import on_grid, propagate, used_weight

FOLDER = Path(kernels.__file__).parent
SOURCES = sorted(path.stem for path in FOLDER.glob("*.cuh"))
SHAPES = [((), 5, 3), ((3,), 1, 1), ((2, 4), 33, 65), ((7,), 200, 17), ((2,), 4, 0), ((2,), 0, 4), ((0,), 3, 3)]
DTYPES = [torch.float32, torch.float64]
Kernel = Callable[[Tensor, Tensor], Tensor]


def case(batch: tuple[int, ...], pre: int, post: int, dtype: torch.dtype, rate: float) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(pre * 1000 + post)
    spikes = (torch.rand((*batch, pre), generator=generator) < rate).to(dtype)
    weight = torch.randn((*batch, pre, post), generator=generator, dtype=dtype).clamp(-4, 4)
    return spikes, on_grid(weight)


def same_bits(a: Tensor, b: Tensor) -> bool:
    bits = {torch.float32: torch.int32, torch.float64: torch.int64}[a.dtype]
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a.view(bits), b.view(bits))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    """The kernel's own text as a host function."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no g++ or clang++ to build the kernel text for the host")
    libraries = {}
    for dtype in DTYPES:
        folder = tmp_path_factory.mktemp("host")
        text = folder / "propagate.cpp"
        text.write_text(launch.source("propagate", dtype))
        flags = ["-O3", "-std=c++17", "-ffp-contract=off", "-Wall", "-Werror", "-shared", "-fPIC"]
        subprocess.run([compiler, *flags, str(text), "-o", str(folder / "p.so")], check=True, timeout=120)
        libraries[dtype] = ctypes.CDLL(str(folder / "p.so"))

    def run(spikes: Tensor, used: Tensor) -> Tensor:
        pre, post = used.shape[-2:]
        current = torch.full((*spikes.shape[:-1], post), float("nan"), dtype=spikes.dtype)
        is_shared = used.dim() > 2 and used.stride(0) == 0
        matrix = used[(0,) * (used.dim() - 2)] if is_shared else used
        assert spikes.is_contiguous()
        assert matrix.is_contiguous()
        count = spikes.shape[:-1].numel()
        pointers = [ctypes.c_void_p(tensor.data_ptr()) for tensor in (spikes, matrix, current)]
        sizes = [ctypes.c_longlong(count), ctypes.c_int(pre), ctypes.c_int(post)]
        libraries[spikes.dtype].propagate_host(*pointers, *sizes, ctypes.c_longlong(0 if is_shared else pre * post))
        return current

    return run


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("batch", "pre", "post"), SHAPES)
@pytest.mark.parametrize("rate", [0.0, 0.1, 1.0])
def test_the_host_build_gives_the_bits_of_torch(
    host: Kernel, batch: tuple[int, ...], pre: int, post: int, dtype: torch.dtype, rate: float
) -> None:
    spikes, used = case(batch, pre, post, dtype, rate)
    assert same_bits(host(spikes, used), propagate(spikes, used))


def test_the_host_build_reads_one_shared_matrix_in_place(host: Kernel) -> None:
    spikes, used = case((6,), 40, 20, torch.float32, 0.3)
    shared = used_weight(used[:1].expand(6, 40, 20))
    assert shared.stride(0) == 0
    assert same_bits(host(spikes, shared), propagate(spikes, shared))


@pytest.mark.parametrize("arch", ["compute_75", "compute_80", "compute_90", "compute_100"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SOURCES)
def test_every_kernel_compiles_to_ptx_without_fused_products(name: str, dtype: torch.dtype, arch: str) -> None:
    found = launch.diagnose_compiler()
    if found is not None:
        assert "BISNN_REQUIRE_NVRTC" not in os.environ, found
        pytest.skip(f"{found[0]}; {found[1]}")
    ptx = launch.compile_to_ptx(launch.source(name, dtype), arch)
    assert f".visible .entry {name}(" in ptx
    assert not re.search(r"\bfma\.", ptx)


def test_a_wrong_kernel_is_answered_with_the_compiler_log() -> None:
    found = launch.diagnose_compiler()
    with pytest.raises(RuntimeError, match="error: identifier" if found is None else "pip install"):
        launch.compile_to_ptx('extern "C" __global__ void f(float *x) { x[0] = nothing; }')


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("batch", "pre", "post"), SHAPES)
def test_the_kernel_gives_the_bits_of_torch(batch: tuple[int, ...], pre: int, post: int, dtype: torch.dtype) -> None:
    reason = kernels.why_not()
    if reason is not None:
        pytest.skip(reason)
    kernel = kernels.get("propagate")
    spikes, used = case(batch, pre, post, dtype, 0.2)
    expected = propagate(spikes, used)
    assert same_bits(kernel(spikes.cuda(), used.cuda()).cpu(), expected)
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        moved = kernel(spikes.cuda(), used.cuda().mT.contiguous().mT)
    side.synchronize()
    assert same_bits(moved.cpu(), expected)


def test_the_kernel_reads_one_shared_matrix_in_place() -> None:
    reason = kernels.why_not()
    if reason is not None:
        pytest.skip(reason)
    spikes, used = case((6,), 40, 20, torch.float32, 0.3)
    shared = used[:1].expand(6, 40, 20)
    moved = kernels.get("propagate")(spikes.cuda(), used[:1].cuda().expand(6, 40, 20))
    assert same_bits(moved.cpu(), propagate(spikes, shared))


def test_misuse_is_refused_in_words() -> None:
    kernel = kernels.get("propagate")
    spikes, used = torch.zeros(2, 3), torch.zeros(2, 3, 4)
    with pytest.raises(ValueError, match="needs CUDA tensors, got one on cpu"):
        kernel(spikes, used)
    with pytest.raises(ValueError, match=r"spikes \[\*B, pre\].*\[2, 3\] and \[2, 4, 3\]"):
        kernel(spikes, used.mT)
    with pytest.raises(ValueError, match="gives no gradient"):
        kernel(spikes, used.clone().requires_grad_())
    with pytest.raises(ValueError, match=r"takes float32 or float64, not torch\.float16"):
        launch.source("propagate", torch.float16)
    with pytest.raises(KeyError, match="no kernel 'nothing'; kernels: propagate"):
        kernels.get("nothing")


def test_launch_refuses_what_would_be_read_wrongly() -> None:
    meta = torch.empty(2, 3, device="meta")
    with pytest.raises(ValueError, match="needs CUDA tensors"):
        launch.launch("propagate", 1, 3, (meta,))


def test_why_not_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    assert re.search(r"without CUDA; remedy: .*pip install .*cupy-cuda13x\[ctk\]", str(kernels.why_not()))
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert re.search(r"no CUDA device; remedy: .*pip install .*cupy-cuda12x\[ctk\]", str(kernels.why_not()))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)

    def absent() -> None:
        raise ModuleNotFoundError("No module named 'cupy'")

    monkeypatch.setattr(launch, "_cupy", absent)
    assert re.search(r"cannot be imported .*remedy: pip install .*cupy-cuda12x\[ctk\]", str(kernels.why_not()))
    assert not kernels.available()


def test_every_kernel_text_has_a_wrapper_in_the_table() -> None:
    assert set(kernels.TABLE) == set(SOURCES)
    for name in kernels.TABLE:
        assert callable(kernels.get(name))
