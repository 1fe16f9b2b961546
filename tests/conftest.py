"""What every test shares."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """One thread: workers that each take all cores wait for one another."""
    torch.set_num_threads(1)
