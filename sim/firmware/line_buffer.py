"""The arm controller's receive buffer: bytes that wait, and the line that is being read from them."""

from collections import deque

RX_BYTES = 1024
MAX_LINE = 256


class LineBuffer:
    """Bytes beyond RX_BYTES are lost; a line beyond MAX_LINE is kept one byte longer than allowed, to be refused."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._complete: bytes | None = None  # a line that was read and not yet taken
        self._waiting: deque[int] = deque()

    @property
    def free(self) -> int:
        """Bytes that can still wait."""
        return RX_BYTES - len(self._waiting)

    def push(self, byte: int) -> None:
        """A byte has arrived."""
        if self._complete is None and not self._waiting:
            self._gather(byte)
        elif self.free:
            self._waiting.append(byte)

    def peek(self) -> bytes | None:
        """The oldest whole line, None when there is none."""
        while self._complete is None and self._waiting:
            self._gather(self._waiting.popleft())
        return self._complete

    def drop(self) -> None:
        """The oldest whole line has been taken."""
        self._complete = None

    def clear(self, keep_oldest: bool = False) -> None:
        """Forget everything that waits, but not the oldest whole line if it is to be kept."""
        self._waiting.clear()
        self._line.clear()
        if not keep_oldest:
            self._complete = None

    def _gather(self, byte: int) -> None:
        if byte == ord("\n"):
            self._complete = bytes(self._line)
            self._line.clear()
        elif len(self._line) <= MAX_LINE:
            self._line.append(byte)
