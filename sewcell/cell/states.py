"""The state machine of the cell as a table, with the names of PackML (ISA-TR88.00.02)."""

from enum import StrEnum

from sewcell.errors import InterlockError


class State(StrEnum):
    """Where the cell is."""

    STOPPED = "Stopped"
    STARTING = "Starting"
    EXECUTE = "Execute"
    COMPLETING = "Completing"
    COMPLETE = "Complete"
    ABORTING = "Aborting"
    ABORTED = "Aborted"


class Trigger(StrEnum):
    """What moves the cell from state to state."""

    START = "start"
    STATE_DONE = "state done"
    ABORT = "abort"
    CLEAR = "clear"


TRANSITIONS: dict[tuple[State, Trigger], State] = {
    (State.STOPPED, Trigger.START): State.STARTING,
    (State.STARTING, Trigger.STATE_DONE): State.EXECUTE,
    (State.EXECUTE, Trigger.STATE_DONE): State.COMPLETING,
    (State.COMPLETING, Trigger.STATE_DONE): State.COMPLETE,
    (State.COMPLETE, Trigger.START): State.STARTING,
    (State.STARTING, Trigger.ABORT): State.ABORTING,
    (State.EXECUTE, Trigger.ABORT): State.ABORTING,
    (State.COMPLETING, Trigger.ABORT): State.ABORTING,
    (State.ABORTING, Trigger.STATE_DONE): State.ABORTED,
    (State.ABORTED, Trigger.CLEAR): State.STOPPED,
}


def next_state(state: State, trigger: Trigger) -> State:
    """The state after `trigger`; raises InterlockError where the table has no way."""
    try:
        return TRANSITIONS[state, trigger]
    except KeyError:
        possible = ", ".join(t.value for s, t in TRANSITIONS if s is state) or "nothing"
        raise InterlockError(f"'{trigger}' is not possible in state {state}; possible: {possible}") from None


def draw_states() -> str:
    """The table as a Mermaid diagram, for docs/states.md."""
    arrows = [f"    {source} --> {target}: {trigger}" for (source, trigger), target in TRANSITIONS.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {State.STOPPED}", *arrows, "```", ""])
