"""Ends of a served line outside of the process: a pseudo-terminal under a fixed name, a TCP port."""

import asyncio
import contextlib
import os
import pty
import termios
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sewcell.errors import ConfigError
from sim.byte_faults import misread

Take = Callable[[bytes], None]
PORTION = 4096
SPEEDS = {
    getattr(termios, f"B{baud}"): baud
    for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
}
"""Baud rates by the number that the system has for them."""


class Outlet(Protocol):
    """Where the host's program finds a line. `url` is what pyserial takes."""

    url: str

    async def plug(self, take: Take) -> None:
        """From now on the host can open it; `take` is told of the bytes that it sends."""
        ...

    def unplug(self) -> None:
        """The host's open port breaks, a closed one is gone. May be repeated."""
        ...

    def write(self, data: bytes) -> None:
        """Send to the host; lost when nobody listens."""
        ...


class PtyOutlet:
    """A pseudo-terminal behind the link `path`; a host with another baud rate than `baud` hears and sends nonsense.

    Parity cannot be shown: Linux takes it off pseudo-terminals.
    """

    def __init__(self, path: Path, baud: int) -> None:
        if path.exists() and not path.is_symlink():
            raise ConfigError(f"{path} exists and is no link to a port: name another folder with --pty")
        self.url = str(path)
        self._path = path
        self._baud = baud
        self._ends: tuple[int, int] | None = None

    async def plug(self, take: Take) -> None:
        """See `Outlet.plug`."""
        controller, terminal = self._ends = pty.openpty()
        tty.setraw(terminal)
        self._set_speed(terminal)
        os.set_blocking(controller, False)
        asyncio.get_running_loop().add_reader(controller, self._read, controller, take)
        self._path.unlink(missing_ok=True)
        self._path.symlink_to(os.ttyname(terminal))

    def unplug(self) -> None:
        """See `Outlet.unplug`."""
        if self._ends is None:
            return
        ends, self._ends = self._ends, None
        asyncio.get_running_loop().remove_reader(ends[0])
        self._path.unlink(missing_ok=True)
        for end in ends:
            os.close(end)

    def write(self, data: bytes) -> None:
        """See `Outlet.write`."""
        if self._ends is not None:
            # A full buffer means that nobody reads.
            with contextlib.suppress(BlockingIOError):
                os.write(self._ends[0], self._convert(data, self._baud, self._host_baud()))

    def _read(self, controller: int, take: Take) -> None:
        with contextlib.suppress(BlockingIOError):
            take(self._convert(os.read(controller, PORTION), self._host_baud(), self._baud))

    def _host_baud(self) -> int:
        """As the host has set it; on Linux the controlling end tells."""
        assert self._ends is not None
        return SPEEDS.get(termios.tcgetattr(self._ends[0])[5], self._baud)

    def _set_speed(self, terminal: int) -> None:
        number = next((number for number, baud in SPEEDS.items() if baud == self._baud), None)
        if number is not None:
            settings = termios.tcgetattr(terminal)
            settings[4] = settings[5] = number
            termios.tcsetattr(terminal, termios.TCSANOW, settings)

    @staticmethod
    def _convert(data: bytes, sent_baud: int, heard_baud: int) -> bytes:
        return data if sent_baud == heard_baud else misread(data, sent_baud, heard_baud)


class TcpOutlet:
    """A TCP port that serves one host at a time; a second one is turned away."""

    def __init__(self, address: str, port: int) -> None:
        self.url = f"socket://{address}:{port}"
        self._address = address
        self._port = port
        self._server: asyncio.Server | None = None
        self._host: asyncio.Transport | None = None

    async def plug(self, take: Take) -> None:
        """See `Outlet.plug`. Raises: ConfigError when the port is taken."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Connection(self, take), self._address, self._port)
        except OSError as error:
            raise ConfigError(
                f"the TCP port {self._address}:{self._port} cannot be served ({error.strerror}): name another with "
                "--tcp"
            ) from error

    def unplug(self) -> None:
        """See `Outlet.unplug`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._host is not None:
            self._host.abort()

    def write(self, data: bytes) -> None:
        """See `Outlet.write`."""
        if self._host is not None:
            self._host.write(data)

    def accept(self, host: asyncio.Transport) -> bool:
        """Whether this host is the one that is served from now on."""
        if self._host is not None:
            return False
        self._host = host
        return True

    def release(self, host: asyncio.Transport) -> None:
        """This host has gone."""
        if self._host is host:
            self._host = None


class _Connection(asyncio.Protocol):
    """One host at a TCP port."""

    def __init__(self, outlet: TcpOutlet, take: Take) -> None:
        self._outlet = outlet
        self._take = take
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if self._outlet.accept(transport):
            self._transport = transport
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._take(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._outlet.release(self._transport)
