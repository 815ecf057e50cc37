"""What holds for all tests: a run is the same every time."""

import pytest
from hypothesis import settings

settings.register_profile("same every time", derandomize=True, deadline=None, database=None)
settings.load_profile("same every time")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "faults: damaged bytes, pulled cables, frozen hosts, restarted controllers")
