"""What all tests share: the mark of those that make lines, hosts and controllers fail."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "faults: damaged bytes, pulled cables, frozen hosts, restarted controllers")
