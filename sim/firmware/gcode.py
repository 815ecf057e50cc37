"""The controller's reading of G-code lines: words, modal state, and the move or dwell that a line asks for."""

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

AXES = "XYZABC"
_WORD = re.compile(r"([A-Z])([+-]?(?:\d+\.?\d*|\.\d+))")
_COMMENT = re.compile(r"\([^)]*\)|;.*")

EXPECTED_LETTER = 1
BAD_NUMBER = 2
UNSUPPORTED = 20
FEED_MISSING = 22
INVALID_TARGET = 33


class GcodeError(Exception):
    """A line is refused with `error:code`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"error:{code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Modal:
    """What lines leave behind for the lines after them. `feed` [deg/min] holds for G94 only."""

    absolute: bool = True
    inverse_time: bool = False
    linear: bool = False
    feed: float = 0.0


@dataclass(frozen=True, slots=True)
class Move:
    """A straight line in joint space to `target` (6,) [deg] that lasts `duration` [s]."""

    target: NDArray[np.float64]
    duration: float


@dataclass(frozen=True, slots=True)
class Dwell:
    """Stand still for `duration` [s]."""

    duration: float


def interpret_line(text: str, modal: Modal, position: NDArray[np.float64]) -> tuple[Modal, Move | Dwell | None]:
    """What an upper-case line asks for, when the queue ends at `position` (6,) [deg].

    Raises:
        GcodeError: with the code that the controller answers; the modal state is then unchanged.
    """
    commands, values = _read_words(text)
    dwell = False
    for command in commands:
        match command:
            case 1:
                modal = replace(modal, linear=True)
            case 4:
                dwell = True
            case 90 | 91:
                modal = replace(modal, absolute=command == 90)
            case 93 | 94:
                # The feed means something else in the other mode: it is forgotten (NIST RS274NGC 3.5.20).
                modal = replace(modal, inverse_time=command == 93, feed=0.0)
            case 21:
                pass
            case _:
                raise GcodeError(UNSUPPORTED)
    if dwell:
        if set(values) != {"P"} or values["P"] < 0.0:
            raise GcodeError(UNSUPPORTED)
        return modal, Dwell(values["P"])
    feed = values.pop("F", None)
    if feed is not None and feed <= 0.0:
        raise GcodeError(FEED_MISSING)
    if feed is not None and not modal.inverse_time:
        modal = replace(modal, feed=feed)
    if not set(values) <= set(AXES):
        raise GcodeError(UNSUPPORTED)
    if not values:
        return modal, None
    if not modal.linear:
        raise GcodeError(INVALID_TARGET)
    target = _target(values, modal.absolute, position)
    if modal.inverse_time:
        if feed is None:
            raise GcodeError(FEED_MISSING)
        return modal, Move(target, 60.0 / feed)
    return modal, _move_at_feed(target, position, modal.feed)


def interpret_jog(text: str, modal: Modal, position: NDArray[np.float64]) -> Move:
    """What the part of `$J=...` behind the equals sign asks for; the modal state is only read.

    Raises:
        GcodeError: with the code that the controller answers.
    """
    commands, values = _read_words(text)
    if not set(commands) <= {21.0, 90.0, 91.0}:
        raise GcodeError(UNSUPPORTED)
    absolute = modal.absolute if not {90.0, 91.0} & set(commands) else 91.0 not in commands
    feed = values.pop("F", 0.0)
    if not set(values) <= set(AXES):
        raise GcodeError(UNSUPPORTED)
    if not values:
        raise GcodeError(INVALID_TARGET)
    return _move_at_feed(_target(values, absolute, position), position, feed)


def _move_at_feed(target: NDArray[np.float64], position: NDArray[np.float64], feed: float) -> Move:
    if feed <= 0.0:
        raise GcodeError(FEED_MISSING)
    return Move(target, float(np.linalg.norm(target - position)) * 60.0 / feed)


def _target(values: dict[str, float], absolute: bool, position: NDArray[np.float64]) -> NDArray[np.float64]:
    target = position.copy()
    for letter, value in values.items():
        axis = AXES.index(letter)
        target[axis] = value if absolute else target[axis] + value
    return target


def _read_words(text: str) -> tuple[list[float], dict[str, float]]:
    """G numbers in their order, and the value of every other letter."""
    text = _COMMENT.sub("", text).replace(" ", "").replace("\t", "")
    commands: list[float] = []
    values: dict[str, float] = {}
    place = 0
    while place < len(text):
        word = _WORD.match(text, place)
        if word is None:
            raise GcodeError(BAD_NUMBER if text[place].isascii() and text[place].isupper() else EXPECTED_LETTER)
        letter, number = word[1], float(word[2])
        if letter == "G":
            commands.append(number)
        elif letter in values:
            raise GcodeError(UNSUPPORTED)
        else:
            values[letter] = number
        place = word.end()
    return commands, values
