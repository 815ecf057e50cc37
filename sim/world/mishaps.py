"""What can befall the pieces, the gripper and the loader of the simulated world."""

from enum import StrEnum


class Mishap(StrEnum):
    """By the name of the fault that it belongs to."""

    LINT = "lint-on-table"
    LOADER_EMPTY = "loader-empty"
    LOADER_JAMMED = "loader-jammed"
    PICK_FAILS = "pick-fails"
    PIECE_DROPPED = "piece-dropped"
    PIECE_SLIPS = "piece-slips"
    PIECE_TAKEN_AWAY = "piece-taken-away"
    PLY_CLINGS = "two-plies-picked"
    STACK_SHORT = "stack-short"
