"""What holds for all tests: a run is the same every time, and a worker of pytest-xdist keeps to its own processor."""

import os

import pytest
from hypothesis import settings

settings.register_profile("same every time", derandomize=True, deadline=None, database=None)
settings.load_profile("same every time")

# Read when numpy and OpenCV are imported. The threads of several workers wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs come first: short tests fill up the end, when a worker waits for the other."""
    items.sort(key=lambda item: item.path.parent.name != "e2e")
