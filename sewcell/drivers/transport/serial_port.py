"""A serial port (or `socket://`, `rfc2217://`, `loop://` by URL) as a ByteTransport."""

import asyncio
import errno
import os
import termios
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import serial
from serial.tools import list_ports

from sewcell.errors import LinkError

READ_TICK = 0.1
"""Longest time that the reader thread stays blind to a close [s]."""
ROOM = 1024
"""Bytes that every operating system buffers for a port."""
WRITE_TIMEOUT = 0.5
"""Longest time that the driver of the operating system may take for one write [s]."""


class SerialTransport:
    """Bytes over a port that pyserial opens by URL.

    The loop itself reads when the operating system says that there are bytes; a port that has no file descriptor
    (`rfc2217://`, `loop://`) has a thread that reads. A thread writes where the port has no room left, so that a stuck
    port never stops the loop.
    """

    def __init__(self, url: str, baud: int, parity: str) -> None:
        self.name = url
        self._settings = (url, baud, parity)
        self._port: Any = None
        self._opening: asyncio.Future[Any] | None = None
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._failure: LinkError | None = None
        self._changed = asyncio.Event()
        self._closing = threading.Event()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"write {url}")
        self._descriptor: int | None = None
        self._reader: threading.Thread | None = None

    @classmethod
    async def open(cls, url: str, baud: int = 115200, parity: Literal["N", "E", "O"] = "N") -> "SerialTransport":
        """Open the port `url` with 8 data bits and 1 stop bit.

        Raises: LinkError that names the port and the remedy when it is missing, busy or not permitted.
        """
        transport = cls(url, baud, parity)
        await transport._start()
        return transport

    async def read(self) -> bytes:
        while not self._received:
            if self._failure is not None:
                raise self._failure
            self._changed.clear()
            await self._changed.wait()
        data = bytes(self._received)
        self._received.clear()
        return data

    async def write(self, data: bytes) -> None:
        if self._failure is not None:
            raise self._failure
        try:
            if self._takes_at_once(len(data)):
                self._port.write(data)
            else:
                await self._loop.run_in_executor(self._writer, self._port.write, data)
        except serial.SerialTimeoutException as cause:
            failure = LinkError(
                f"{self.name} takes no bytes for {WRITE_TIMEOUT:g} s: check the cable and whether the device is on"
            )
            self._fail(failure)
            raise failure from cause
        except (serial.SerialException, OSError) as cause:
            self._fail(_lost(self.name, cause))
            raise _lost(self.name, cause) from cause

    def _takes_at_once(self, size: int) -> bool:
        """Whether the operating system has room for so many bytes, so that a write does not wait."""
        try:
            return bool(self._port.out_waiting + size <= ROOM)
        except (AttributeError, OSError, serial.SerialException):  # not every kind of port tells
            return False

    async def reopen(self) -> None:
        if self._failure is None:
            return
        await self._end()
        await self._start()

    async def close(self) -> None:
        self._fail(LinkError(f"{self.name} is closed: open it again"))
        if self._opening is not None:
            self._opening.add_done_callback(_close_unwanted)
        await self._end()
        self._writer.shutdown(wait=False)

    async def _start(self) -> None:
        # Whoever is cancelled meanwhile leaves the opening to the next one.
        if self._opening is None:
            self._opening = self._loop.run_in_executor(None, _open_port, *self._settings)
        try:
            self._port = await asyncio.shield(self._opening)
        except LinkError:
            self._opening = None
            raise
        self._opening = None
        self._received.clear()
        self._failure = None
        self._closing = threading.Event()
        self._descriptor = _find_descriptor(self._port)
        if self._descriptor is not None:
            self._loop.add_reader(self._descriptor, self._read_ready, self._descriptor)
            return
        self._port.timeout = READ_TICK
        self._reader = threading.Thread(
            target=self._read_forever, args=(self._closing,), name=f"read {self.name}", daemon=True
        )
        self._reader.start()

    async def _end(self) -> None:
        """End reading and give the port back."""
        self._closing.set()
        self._stop_reading()
        if self._reader is not None:
            await self._loop.run_in_executor(None, self._reader.join)
            self._reader = None
        if self._port is not None:
            self._port.close()
            self._port = None

    def _read_ready(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, ROOM)
            if not data:
                raise OSError("it gives no bytes, though it says that there are some")
        except BlockingIOError:
            return
        except OSError as cause:
            self._stop_reading()
            self._fail(_lost(self.name, cause))
            return
        self._take(data)

    def _stop_reading(self) -> None:
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            self._descriptor = None

    def _read_forever(self, closing: threading.Event) -> None:
        while not closing.is_set():
            try:
                data = self._port.read(max(1, self._port.in_waiting))
            except (serial.SerialException, OSError, TypeError) as cause:
                if not closing.is_set():
                    self._hand_over(self._fail, _lost(self.name, cause))
                return
            if data:
                self._hand_over(self._take, data)

    def _hand_over(self, function: Any, argument: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, argument)

    def _take(self, data: bytes) -> None:
        self._received += data
        self._changed.set()

    def _fail(self, failure: LinkError) -> None:
        self._failure = self._failure or failure
        self._changed.set()


def _open_port(url: str, baud: int, parity: str) -> Any:
    try:
        return serial.serial_for_url(
            url, baudrate=baud, parity=parity, timeout=0.0, write_timeout=WRITE_TIMEOUT, exclusive=True
        )
    except ValueError as cause:
        raise LinkError(f"'{url}' is no port or URL that can be opened ({cause}): correct it in the ports") from cause
    except (serial.SerialException, OSError) as cause:
        raise LinkError(f"{url} cannot be opened: {_find_remedy(url, cause)}") from cause
    except termios.error as cause:
        raise LinkError(
            f"{url} cannot be opened: it takes no {baud} baud with parity {parity}; correct baud and parity in the "
            "ports (a pseudo-terminal has parity N)"
        ) from cause


def _close_unwanted(opening: asyncio.Future[Any]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _find_descriptor(port: Any) -> int | None:
    try:
        return int(port.fileno())
    except (AttributeError, OSError):
        return None


def _find_remedy(url: str, cause: OSError) -> str:
    code = cause.errno
    if code in (errno.ENOENT, errno.ENODEV, errno.ENXIO) or "FileNotFoundError" in str(cause):
        found = ", ".join(sorted(port.device for port in list_ports.comports())) or "none"
        return f"there is no such port; ports found: {found}; plug the cable in or correct the ports"
    if code in (errno.EACCES, errno.EPERM) or "PermissionError" in str(cause):
        return "no permission; add your user to the port's group (often 'dialout') and log in again"
    if code in (errno.EBUSY, errno.EAGAIN) or "exclusive" in str(cause):
        return "another program holds it; close that program"
    if code in (errno.ENOTTY, errno.EISDIR, errno.EINVAL) or "(25," in str(cause):
        return "it is a file or folder, not a serial port; correct the ports"
    if code in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ETIMEDOUT) or "refused" in str(cause):
        return "nobody listens there; start the device server or correct the address"
    return f"{cause}; check the cable and the settings of the port"


def _lost(name: str, cause: BaseException) -> LinkError:
    return LinkError(f"{name} is gone ({cause}): plug the cable in again and reconnect")
