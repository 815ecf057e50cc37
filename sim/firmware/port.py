"""What an emulated controller needs of its serial port: a cable's end, a pseudo-terminal or a socket."""

from typing import Protocol


class DevicePort(Protocol):
    """The controller's side of a line."""

    async def read(self) -> bytes:
        """At least one byte, as soon as there is one; a cancelled read loses nothing."""
        ...

    def write(self, data: bytes) -> None:
        """Send without waiting."""
        ...
