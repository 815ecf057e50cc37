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

    async def reopen(self) -> None:
        """Open the line again after it was gone; raises LinkError while it cannot be. For many a line this is nothing
        to do: its reads and writes work again by themselves."""

    async def close(self) -> None: ...
