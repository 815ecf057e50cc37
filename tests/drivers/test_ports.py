"""The serial transport on real pseudo-terminals, the recording transport, and the camera on real files."""

import asyncio
import contextlib
import os
import pty
import tty

import cv2
import numpy as np
import pytest

from sewcell.drivers.devices.camera import CameraSettings, CaptureSource
from sewcell.drivers.transport.recording import RecordingTransport
from sewcell.drivers.transport.serial_port import SerialTransport
from sewcell.errors import LinkError


@pytest.fixture
def terminal():
    controller, terminal = pty.openpty()
    tty.setraw(terminal)
    name = os.ttyname(terminal)
    os.close(terminal)
    yield controller, name
    with pytest.MonkeyPatch.context(), contextlib.suppress(OSError):
        os.close(controller)


def test_bytes_pass_a_real_terminal_both_ways(terminal):
    controller, name = terminal

    async def main():
        port = await SerialTransport.open(name)
        await port.write(b"$I\n")
        assert os.read(controller, 100) == b"$I\n"
        os.write(controller, bytes(range(256)))
        data = b""
        while len(data) < 256:
            data += await asyncio.wait_for(port.read(), 2.0)
        await port.close()
        assert data == bytes(range(256))
        with pytest.raises(LinkError, match="closed"):
            await port.read()

    asyncio.run(main())


def test_a_pulled_cable_ends_a_waiting_read(terminal):
    controller, name = terminal

    async def main():
        port = await SerialTransport.open(name)
        reading = asyncio.create_task(port.read())
        await asyncio.sleep(0)
        os.close(controller)
        with pytest.raises(LinkError, match=f"{name} is gone"):
            await asyncio.wait_for(reading, 2.0)
        with pytest.raises(LinkError, match=name):
            await port.write(b"x")
        await port.close()

    asyncio.run(main())


def test_a_port_that_comes_back_is_opened_again(tmp_path):
    link = tmp_path / "ttyARM"

    def plug():
        controller, terminal = pty.openpty()
        tty.setraw(terminal)
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(terminal))
        os.close(terminal)
        return controller

    async def main():
        controller = plug()
        port = await SerialTransport.open(str(link))
        os.close(controller)
        with pytest.raises(LinkError, match="is gone"):
            await asyncio.wait_for(port.read(), 2.0)
        link.unlink()
        with pytest.raises(LinkError, match="no such port"):
            await port.reopen()
        controller = plug()
        await port.reopen()
        await port.write(b"?")
        assert os.read(controller, 10) == b"?"
        os.write(controller, b"y")
        assert await asyncio.wait_for(port.read(), 2.0) == b"y"
        await port.close()
        os.close(controller)

    asyncio.run(main())


def test_a_port_is_opened_by_one_program_only(terminal):
    async def main():
        first = await SerialTransport.open(terminal[1])
        with pytest.raises(LinkError, match="another program holds it"):
            await SerialTransport.open(terminal[1])
        await first.close()

    asyncio.run(main())


def test_a_missing_port_is_named_with_those_found():
    with pytest.raises(LinkError, match=r"/dev/ttyNOWHERE cannot be opened: there is no such port; ports found"):
        asyncio.run(SerialTransport.open("/dev/ttyNOWHERE"))


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_file_or_folder_is_no_port(tmp_path, is_folder):
    path = tmp_path if is_folder else tmp_path / "notes.txt"
    if not is_folder:
        path.write_text("no port")
    with pytest.raises(LinkError, match=r"it is a file or folder, not a serial port; correct the ports") as error:
        asyncio.run(SerialTransport.open(str(path)))
    assert str(error.value).count(str(path)) == 1


def test_a_port_that_takes_no_bytes_is_lost_and_opened_again(terminal):
    controller, name = terminal

    async def main():
        port = await SerialTransport.open(name)

        async def flood():
            while True:
                await port.write(bytes(1024))

        with pytest.raises(LinkError, match=r"takes no bytes for 0\.5 s"):
            await flood()
        with pytest.raises(LinkError, match="takes no bytes"):
            await port.read()
        os.read(controller, 65536)
        await port.reopen()
        os.write(controller, b"y")
        assert await asyncio.wait_for(port.read(), 2.0) == b"y"
        await port.close()

    asyncio.run(main())


def test_an_opening_that_nobody_waits_for_any_more_is_taken_over_by_the_next(terminal):
    controller, name = terminal

    async def main():
        port = await SerialTransport.open(name)
        os.write(controller, b"x")
        await port.read()
        port._fail(LinkError("gone"))
        first = asyncio.create_task(port.reopen())
        while port._opening is None:
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await port.reopen()
        await port.write(b"?")
        assert os.read(controller, 10) == b"?"
        await port.close()

    asyncio.run(main())


def test_an_address_where_nobody_listens_is_named():
    with pytest.raises(LinkError, match=r"socket://127.0.0.1:1 cannot be opened: nobody listens"):
        asyncio.run(SerialTransport.open("socket://127.0.0.1:1"))


def test_an_unknown_kind_of_url_is_a_link_error():
    with pytest.raises(LinkError, match="nonsense"):
        asyncio.run(SerialTransport.open("nonsense://x"))


def test_the_record_shows_every_byte_both_ways():
    async def main():
        seen = []
        port = RecordingTransport(await SerialTransport.open("loop://"), lambda *entry: seen.append(entry[:2]))
        await port.write(b"abc")
        data = b""
        while len(data) < 3:
            data += await asyncio.wait_for(port.read(), 2.0)
        await port.close()
        assert data == b"abc"
        assert seen[0] == ("sent", b"abc")
        assert b"".join(chunk for way, chunk in seen if way == "received") == b"abc"
        assert (port.bytes_sent, port.bytes_received, port.name) == (3, 3, "loop://")

    asyncio.run(main())


def test_a_picture_file_is_a_camera(tmp_path):
    async def main():
        pixels = np.zeros((48, 64, 3), dtype=np.uint8)
        pixels[10:20, 5:50] = (10, 200, 90)
        cv2.imwrite(str(tmp_path / "view.png"), pixels)
        camera = CaptureSource("overhead", CameraSettings(str(tmp_path / "view.png")))
        before = asyncio.get_running_loop().time()
        image = await camera.grab()
        assert np.array_equal(image.pixels, pixels)
        assert before <= image.taken_at <= asyncio.get_running_loop().time()
        assert image.camera == "overhead"
        with pytest.raises(LinkError, match=r"overhead.*gives no picture"):
            await camera.grab()
        await camera.close()

    asyncio.run(main())


def test_a_missing_camera_is_named(tmp_path):
    with pytest.raises(LinkError, match=r"camera overhead \(.*nothing.png\) cannot be opened"):
        asyncio.run(CaptureSource("overhead", CameraSettings(str(tmp_path / "nothing.png"))).grab())
