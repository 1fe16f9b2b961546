"""`python -m bisnn.experiments` is the command `bisnn`."""

from __future__ import annotations

import sys

from bisnn.experiments.cli import main

if __name__ == "__main__":
    sys.exit(main())
