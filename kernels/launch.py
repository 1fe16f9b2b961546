"""Compiles and launches CUDA source through CuPy: the only module that imports it, and only when asked.

A kernel runs on torch's current stream and device, on torch's own memory (DLPack, no copy), and is
compiled once per source with `--fmad=false`, so that a product and a sum round as they do in torch.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

OPTIONS = ("--fmad=false", "-std=c++17")
"""Compiler options of every kernel: no fused multiply-add, so the bits are those of torch."""
REALS = {torch.float32: "float", torch.float64: "double"}
"""The C type of every dtype that kernels accept."""
THREADS = 256
"""Largest number of threads in a block."""


def _cupy() -> Any:
    return import_module("cupy")


def _pip() -> str:
    """The pip line that installs CuPy for the CUDA version of this torch."""
    major = (torch.version.cuda or "13").split(".")[0]
    return f'pip install "cupy-cuda{major}x[ctk]>=14.1"'


def diagnose_compiler() -> tuple[str, str] | None:
    """`(reason, remedy)` when source cannot be compiled here (that needs CuPy and NVRTC, no GPU), else None."""
    try:
        version = _cupy().cuda.nvrtc.getVersion()
    except ImportError as error:
        return f"CuPy cannot be imported ({_first_line(error)})", _pip()
    except Exception as error:  # CuPy reports a missing NVRTC with its own error classes
        return f"CuPy is here but NVRTC, its compiler, does not load ({_first_line(error)})", _pip()
    return None if version else ("CuPy was built without NVRTC, its compiler", _pip())


def diagnose() -> tuple[str, str] | None:
    """`(reason, remedy)` when kernels cannot run here, else None."""
    if torch.version.cuda is None:
        return (
            f"this torch ({torch.__version__}) was built without CUDA",
            f"on a machine with an NVIDIA GPU: pip install --force-reinstall torch && {_pip()}",
        )
    if not torch.cuda.is_available():
        return "torch sees no CUDA device", f"check the NVIDIA driver (nvidia-smi lists the GPUs), then: {_pip()}"
    found = diagnose_compiler()
    if found is None and not _cupy().cuda.is_available():
        return "torch sees a CUDA device but CuPy does not", f"pip uninstall -y cupy && {_pip()}"
    return found


def why_not() -> str | None:
    """Why kernels cannot run here, with the remedy; None when they can."""
    found = diagnose()
    return None if found is None else f"{found[0]}; remedy: {found[1]}"


@cache
def source(name: str, dtype: torch.dtype) -> str:
    """The text of `<name>.cuh` for reals of `dtype`. Raises `ValueError` for a dtype that kernels do not take."""
    if dtype not in REALS:
        raise ValueError(f"kernel {name!r} takes float32 or float64, not {dtype}; convert with .to(torch.float32)")
    text = Path(__file__).with_name(f"{name}.cuh").read_text(encoding="utf-8")
    return f"#define BISNN_REAL {REALS[dtype]}\n{text}"


def compile_to_ptx(source: str, arch: str = "compute_80") -> str:
    """`source` compiled to PTX for the virtual architecture `arch`; needs no GPU and no driver.

    Raises `RuntimeError` with the compiler's log where the source is wrong, or with the remedy where
    there is no compiler.
    """
    found = diagnose_compiler()
    if found is not None:
        raise RuntimeError(f"cannot compile: {found[0]}; remedy: {found[1]}")
    nvrtc = _cupy().cuda.nvrtc
    program = nvrtc.createProgram(source, "bisnn.cu", (), ())
    try:
        nvrtc.compileProgram(program, (f"--gpu-architecture={arch}", *OPTIONS))
        ptx = nvrtc.getPTX(program)
    except nvrtc.NVRTCError as error:
        raise RuntimeError(f"NVRTC: {error}\n{nvrtc.getProgramLog(program)}") from error
    finally:
        nvrtc.destroyProgram(program)
    return ptx.decode().rstrip("\0") if isinstance(ptx, bytes) else str(ptx)


@lru_cache(maxsize=64)
def _module(text: str) -> Any:
    """The compiled module of `text`; CuPy keeps one binary per device behind it."""
    return _cupy().RawModule(code=text, options=OPTIONS)


def check(name: str, *tensors: Tensor) -> None:
    """Raises `ValueError` unless `tensors` are contiguous and lie on one CUDA device in one dtype."""
    first = tensors[0]
    for tensor in tensors:
        if tensor.device.type != "cuda":
            raise ValueError(f"kernel {name!r} needs CUDA tensors, got one on {tensor.device}; use .to('cuda')")
        if tensor.device != first.device or tensor.dtype != first.dtype:
            raise ValueError(
                f"kernel {name!r} needs one device and dtype, got {first.dtype} on {first.device} "
                f"and {tensor.dtype} on {tensor.device}"
            )
        if not tensor.is_contiguous():
            raise ValueError(f"kernel {name!r} needs contiguous tensors, got strides {tensor.stride()}")


def launch(name: str, blocks: int, columns: int, tensors: tuple[Tensor, ...], *numbers: Any) -> None:
    """Runs the kernel `name` of `<name>.cuh`: one block per individual, a thread for each of `columns`.

    `tensors` come first among its arguments, `numbers` (NumPy scalars of the exact C types) after them.
    Returns once the launch is queued on torch's current stream. Raises `ValueError` for tensors that do
    not fit and `RuntimeError` with the remedy where kernels cannot run.
    """
    check(name, *tensors)
    _require()
    cupy, device = _cupy(), tensors[0].device
    kernel = _module(source(name, tensors[0].dtype)).get_function(name)
    threads = min(THREADS, -(-columns // 32) * 32)
    with torch.cuda.device(device), cupy.cuda.Device(device.index), _stream(cupy, device):
        views = [cupy.from_dlpack(tensor.detach()) for tensor in tensors]
        kernel((blocks,), (threads,), (*views, *numbers))


@cache
def _require() -> None:
    """Raises `RuntimeError` where kernels cannot run; asked once per process where they can."""
    reason = why_not()
    if reason is not None:
        raise RuntimeError(f"kernels cannot run here: {reason}")


def _stream(cupy: Any, device: torch.device) -> Any:
    """Torch's current stream on `device`, as CuPy sees it."""
    current = torch.cuda.current_stream(device)
    if hasattr(current, "__cuda_stream__") and hasattr(cupy.cuda.Stream, "from_external"):
        return cupy.cuda.Stream.from_external(current)
    return cupy.cuda.ExternalStream(current.cuda_stream, device.index)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
