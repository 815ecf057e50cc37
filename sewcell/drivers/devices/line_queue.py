"""Lines on their way to a grblHAL controller: character counting, answers in their order, deadlines."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from sewcell.errors import SewcellError

ANSWER_TIME = 0.4
"""Longest time that the controller takes for the answer to a line, beyond what the caller expects [s]."""
SMALLEST_BUFFER = 128
"""Receive buffer of the smallest grbl controllers [bytes]: assumed until $I tells better."""


@dataclass(slots=True, eq=False)
class Line:
    """A line on its way. `patience`: time for which its answer may still be waited for [s].

    `sent`, `answer`: loop times [s] of handing over and of the `ok`; they fail with the reason when the line is lost or
    refused.
    """

    text: bytes
    patience: float
    sent: asyncio.Future[float]
    answer: asyncio.Future[float]


class LineQueue:
    """Keeps the unanswered bytes below the size of the controller's receive buffer."""

    def __init__(self) -> None:
        self.receive_bytes = SMALLEST_BUFFER
        self._waiting: deque[Line] = deque()
        self._sent: deque[Line] = deque()

    def post(self, text: bytes, expected: float) -> Line:
        """Append a line. `expected`: time [s] that the controller may rightly take to answer."""
        loop = asyncio.get_running_loop()
        line = Line(text, expected + ANSWER_TIME, loop.create_future(), loop.create_future())
        self._waiting.append(line)
        return line

    def has_room(self, size: int) -> bool:
        """Whether the controller has room for `size` more bytes."""
        return sum(len(line.text) for line in (*self._waiting, *self._sent)) + size < self.receive_bytes

    def next(self) -> bytes | None:
        """The next line's bytes, to be sent now; None when there is none or the controller has no room for it."""
        unanswered = sum(len(line.text) for line in self._sent)
        if not self._waiting or unanswered + len(self._waiting[0].text) >= self.receive_bytes:
            return None
        line = self._waiting.popleft()
        line.sent.set_result(asyncio.get_running_loop().time())
        self._sent.append(line)
        return line.text

    def take_ok(self) -> None:
        """The oldest sent line was taken."""
        if self._sent:
            line = self._sent.popleft()
            if not line.answer.done():
                line.answer.set_result(asyncio.get_running_loop().time())

    def oldest(self) -> str:
        """The text of the oldest sent line, empty when there is none."""
        return self._sent[0].text.decode("ascii").strip() if self._sent else ""

    def refuse(self, reason: SewcellError) -> None:
        """The oldest sent line was refused."""
        if self._sent:
            reject(self._sent.popleft().answer, reason)

    def wait(self, seconds: float) -> bool:
        """Another `seconds` have passed; True when the answer to the oldest sent line is overdue."""
        if not self._sent:
            return False
        self._sent[0].patience -= seconds
        return self._sent[0].patience < 0.0

    def abandon(self, reason: SewcellError) -> None:
        """Forget every line that is not answered."""
        for line in (*self._waiting, *self._sent):
            reject(line.sent, reason)
            reject(line.answer, reason)
        self._waiting.clear()
        self._sent.clear()


def reject(future: asyncio.Future[Any], why: SewcellError) -> None:
    """Let whoever waits for `future` fail; nothing happens when it is done."""
    if not future.done():
        future.set_exception(why)
        # Marked as seen: nobody may be waiting for this one.
        future.exception()
