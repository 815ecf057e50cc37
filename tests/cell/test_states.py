"""The cell moves only along the arrows of its table."""

import pytest

from sewcell.cell.states import State, Trigger, next_state
from sewcell.errors import InterlockError


def test_an_aborted_cell_does_not_start_before_it_is_cleared() -> None:
    with pytest.raises(InterlockError, match="possible: clear"):
        next_state(State.ABORTED, Trigger.START)
    assert next_state(State.ABORTED, Trigger.CLEAR) is State.STOPPED


@pytest.mark.parametrize("state", [State.STARTING, State.EXECUTE, State.COMPLETING])
def test_every_working_state_can_be_aborted(state: State) -> None:
    assert next_state(state, Trigger.ABORT) is State.ABORTING
