"""Bytes over a wire: the seam between the cell and its hardware."""

from typing import Protocol


class ByteTransport(Protocol):
    """A serial line, a socket, or a cable to an emulated controller.

    `name` is what a person calls the line in an alarm ("/dev/ttyUSB0").
    """

    name: str

    async def read(self) -> bytes:
        """At least one byte, as soon as there is one; raises LinkError when the line is gone."""
        ...

    async def write(self, data: bytes) -> None:
        """Hand all of `data` to the line; raises LinkError when the line is gone."""
        ...

    async def close(self) -> None: ...
