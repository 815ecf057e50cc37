"""What several tests of the simulation use."""

import pytest

from tests.sim.arm_terminal import Terminal


@pytest.fixture
def t() -> Terminal:
    terminal = Terminal()
    assert terminal.tell(b"G90\nG93\n") == ["ok", "ok"]
    return terminal
