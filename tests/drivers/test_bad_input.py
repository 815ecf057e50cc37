"""What a person gets wrong with ports, told in one sentence with the port and the remedy, on real pseudo-terminals."""

import asyncio
import os
import pty
import subprocess
import sys
import tty

import numpy as np
import pytest

from sewcell.drivers.devices.arm import ArmDevice
from sewcell.drivers.devices.field_bus import FieldBus
from sewcell.drivers.devices.port_survey import survey_port
from sewcell.drivers.devices.sewing_head import SewingHead
from sewcell.drivers.transport.serial_port import SerialTransport
from sewcell.errors import DeviceFaultError, LinkError
from sewcell.kinematics.limits import JointLimits
from tests.serving import OldHead, ServedControllers

pytestmark = pytest.mark.slow

FOREVER = np.full(6, 10.0)
"""Joint limits that matter to nobody here."""


def one_sentence(error):
    text = str(error.value)
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def connect_arm(url, baud=115200):
    async def main():
        line = await SerialTransport.open(url, baud)
        arm = ArmDevice(line, JointLimits(-FOREVER, FOREVER, FOREVER, FOREVER, FOREVER))
        try:
            await arm.connect()
        finally:
            await arm.close()

    asyncio.run(main())


def connect_head(url, baud=115200, then=None):
    async def main():
        bus = FieldBus(await SerialTransport.open(url, baud))
        try:
            await SewingHead(bus).connect()
            if then is not None:
                await then(bus)
        finally:
            await bus.close()

    asyncio.run(main())


def test_a_missing_port_is_named_with_those_that_there_are(tmp_path):
    with pytest.raises(LinkError) as error:
        connect_arm(str(tmp_path / "arm"))
    text = one_sentence(error)
    assert str(tmp_path / "arm") in text
    assert "ports found" in text


def test_a_busy_port_is_named(tmp_path):
    async def main():
        first = await SerialTransport.open(cell.arm)
        try:
            with pytest.raises(LinkError) as error:
                await SerialTransport.open(cell.arm)
            text = one_sentence(error)
            assert cell.arm in text
            assert "another program holds it" in text
        finally:
            await first.close()

    with ServedControllers(tmp_path) as cell:
        asyncio.run(main())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without permission")
def test_a_port_without_permission_is_named_with_the_group_to_join():
    # A process that has given its rights away: a pseudo-terminal belongs to whoever opened it.
    controller, terminal = pty.openpty()
    name = os.ttyname(terminal)
    os.chmod(name, 0o600)
    program = (
        "import asyncio, os, sys\n"
        "from sewcell.drivers.transport.serial_port import SerialTransport\n"
        "from sewcell.errors import LinkError\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: asyncio.run(SerialTransport.open(sys.argv[1]))\n"
        "except LinkError as error: print(error)\n"
    )
    try:
        told = subprocess.run([sys.executable, "-c", program, name], capture_output=True, text=True, check=True).stdout
    finally:
        os.close(controller)
        os.close(terminal)
    assert name in told
    assert "no permission" in told
    assert "dialout" in told
    assert told.count("\n") == 1


def test_a_wrong_baud_rate_of_the_arm_is_told_apart_from_silence(tmp_path):
    with ServedControllers(tmp_path) as cell:
        with pytest.raises(LinkError) as error:
            connect_arm(cell.arm, 57600)
        text = one_sentence(error)
        assert cell.arm in text
        assert "baud rate" in text


def test_the_rate_at_which_the_arm_answers_is_found(tmp_path):
    with ServedControllers(tmp_path, baud=57600) as cell:
        answer = asyncio.run(survey_port(cell.arm, 115200, "N"))
    assert (answer.kind, answer.baud, answer.axes) == ("arm controller", 57600, 6)


def test_a_wrong_baud_rate_of_the_field_bus_names_the_port(tmp_path):
    with ServedControllers(tmp_path) as cell:
        with pytest.raises(LinkError) as error:
            connect_head(cell.bus, 19200)
        assert cell.bus in one_sentence(error)


def test_the_arm_at_the_field_bus_port_is_no_sewing_head(tmp_path):
    with ServedControllers(tmp_path) as cell:
        with pytest.raises(LinkError) as error:
            connect_head(cell.arm)
        assert cell.arm in one_sentence(error)
        assert asyncio.run(survey_port(cell.arm, 115200, "N")).kind == "arm controller"


def test_the_field_bus_at_the_arm_port_is_no_arm(tmp_path):
    with ServedControllers(tmp_path) as cell:
        with pytest.raises(LinkError) as error:
            connect_arm(cell.bus)
        assert cell.bus in one_sentence(error)
        answer = asyncio.run(survey_port(cell.bus, 115200, "N"))
    assert answer.kind == "field bus"
    assert [(module.unit, module.ident) for module in answer.modules] == [(1, 0x5345), (2, 0x494F)]


def test_a_device_that_chats_is_something_else():
    controller, terminal = pty.openpty()
    tty.setraw(terminal)
    os.write(controller, b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n")
    os.set_blocking(controller, False)

    async def main():
        chatting = asyncio.create_task(chat())
        try:
            return await survey_port(os.ttyname(terminal), 115200, "N")
        finally:
            chatting.cancel()

    async def chat():
        while True:
            os.write(controller, b"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n")
            await asyncio.sleep(0.1)

    try:
        assert asyncio.run(main()).kind == "something else"
    finally:
        os.close(controller)
        os.close(terminal)


def test_an_old_protocol_version_names_both_versions_and_the_port(tmp_path):
    with ServedControllers(tmp_path, head=OldHead) as cell:
        with pytest.raises(DeviceFaultError) as error:
            connect_head(cell.bus)
        text = one_sentence(error)
    assert cell.bus in text
    assert "version 0" in text
    assert "update" in text


@pytest.mark.parametrize(("register", "value", "reason"), [(4, 6000, "range"), (99, 1, "register")])
def test_a_value_out_of_its_range_or_an_unknown_register_names_port_unit_and_reason(tmp_path, register, value, reason):
    async def write(bus):
        await bus.write(1, register, [value])

    with ServedControllers(tmp_path) as cell:
        with pytest.raises(DeviceFaultError) as error:
            connect_head(cell.bus, then=write)
        text = one_sentence(error)
    assert cell.bus in text
    assert "unit 1" in text
    assert reason in text


def test_settings_that_a_port_does_not_take_are_named():
    controller, terminal = pty.openpty()
    name = os.ttyname(terminal)

    async def open_twice():
        for _ in range(2):
            await (await SerialTransport.open(name, 115200, "E")).close()

    try:
        with pytest.raises(LinkError) as error:
            asyncio.run(open_twice())
        text = one_sentence(error)
    finally:
        os.close(controller)
        os.close(terminal)
    assert name in text
    assert "parity" in text
