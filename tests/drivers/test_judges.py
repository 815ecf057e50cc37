"""Independent programs on the other side: pymodbus' client and server, and grblHAL itself where it is installed."""

import asyncio
import os
import pty
import shutil
import subprocess
import threading
import tty
from contextlib import contextmanager

import numpy as np
import pytest
from pymodbus.client import ModbusSerialClient
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from benchmarks.drivers_rig import run_rig
from sewcell.drivers.devices.arm import ArmDevice
from sewcell.drivers.devices.field_bus import FieldBus
from sewcell.drivers.transport.serial_port import SerialTransport
from sewcell.errors import DeviceFaultError
from sewcell.kinematics.arm_model import JointLimits
from sim.firmware.io_module import IoModule
from sim.firmware.modbus_slave import FieldBus as EmulatedBus
from sim.firmware.sewing_head import SewingHead as EmulatedHead
from sim.plant import Plant

LIMITS = JointLimits(*np.deg2rad([[-180] * 6, [180] * 6, [300] * 6, [1e4] * 6, [1e5] * 6]))


class TerminalPort:
    """A device's end of a pseudo-terminal, on the running loop."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        self._received = asyncio.Queue()
        asyncio.get_running_loop().add_reader(descriptor, self._take)

    def _take(self):
        self._received.put_nowait(os.read(self._descriptor, 256))

    async def read(self):
        return await self._received.get()

    def write(self, data):
        os.write(self._descriptor, data)


@contextmanager
def two_terminals():
    """The name of a terminal, and the descriptor at its other end."""
    controller, terminal = pty.openpty()
    tty.setraw(terminal)
    yield os.ttyname(terminal), controller
    os.close(terminal)
    os.close(controller)


def test_pymodbus_client_works_with_the_emulated_modules():
    plant, ready, done = Plant(), threading.Event(), None

    async def serve(descriptor):
        nonlocal done
        done = asyncio.Event()
        bus = EmulatedBus({1: EmulatedHead(plant), 2: IoModule(plant)})
        serving = asyncio.create_task(bus.run(TerminalPort(descriptor)))
        loop = asyncio.get_running_loop()
        ready.loop = loop
        ready.set()
        await done.wait()
        serving.cancel()

    with two_terminals() as (name, descriptor):
        thread = threading.Thread(target=lambda: asyncio.run(serve(descriptor)))
        thread.start()
        ready.wait(5.0)
        client = ModbusSerialClient(name, baudrate=115200, timeout=0.5)
        assert client.connect()
        assert client.read_input_registers(0, count=10, device_id=1).registers[:3] == [0x5345, 2, 0]
        assert client.read_input_registers(0, count=7, device_id=2).registers[:2] == [0x494F, 1]
        assert not client.write_register(2, 1, device_id=1).isError()
        assert not client.write_registers(4, [1000, 250, 43], device_id=1).isError()
        assert client.read_holding_registers(4, count=3, device_id=1).registers == [1000, 250, 43]
        assert client.write_register(4, 99, device_id=1).exception_code == 3
        assert client.read_input_registers(10, count=1, device_id=1).exception_code == 2
        client.close()
        ready.loop.call_soon_threadsafe(done.set)
        thread.join()


def test_our_driver_works_with_a_pymodbus_server():
    async def main(name, descriptor):
        with two_terminals() as (other_name, other):
            loop = asyncio.get_running_loop()
            # The server opens a terminal of its own; what one side sends is handed to the other.
            loop.add_reader(descriptor, lambda: os.write(other, os.read(descriptor, 256)))
            loop.add_reader(other, lambda: os.write(descriptor, os.read(other, 256)))
            inputs = SimData(0, values=[0x5345, 2, 1, 1, 0, 0, 0, 0, 0, 0], datatype=DataType.REGISTERS)
            holding = SimData(0, values=[0] * 15, datatype=DataType.REGISTERS)
            bits = SimData(0, values=[False] * 16, datatype=DataType.BITS)
            device = SimDevice(1, simdata=([bits], [bits], [holding], [inputs]))
            server = ModbusSerialServer(device, port=other_name, baudrate=115200)
            await server.serve_forever(background=True)
            bus = FieldBus(await SerialTransport.open(name))
            await bus.open()
            assert await bus.read_input(1, 0, 10) == (0x5345, 2, 1, 1, 0, 0, 0, 0, 0, 0)
            await bus.write(1, 4, [1000, 250, 43])
            await bus.write(1, 2, [1])
            assert await bus.read_holding(1, 2, 5) == (1, 0, 1000, 250, 43)
            with pytest.raises(DeviceFaultError, match="does not know the register"):
                await bus.read_input(1, 40, 2)
            await bus.close()
            await server.shutdown()
            loop.remove_reader(descriptor)
            loop.remove_reader(other)

    with two_terminals() as (name, descriptor):
        asyncio.run(main(name, descriptor))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("grblHAL_sim") is None, reason="no grblHAL_sim on PATH")
def test_grblhal_itself_goes_where_the_emulated_controller_goes():
    async def drive(arm):
        start = arm.position.joints
        goal = start + np.deg2rad([20.0, 5.0, -5.0, 3.0, -2.0, 10.0])
        s = np.linspace(0.0, 1.0, 101)[:, None]
        await arm.move(start + (goal - start) * s**2 * (3.0 - 2.0 * s), 0.02)
        return arm.position.joints - start

    async def on_the_firmware(name):
        arm = ArmDevice(await SerialTransport.open(name), LIMITS)
        await arm.connect()
        moved, step = await drive(arm), float(arm._steps.max())
        await arm.close()
        return moved, step

    with two_terminals() as (name, descriptor):
        firmware = subprocess.Popen(["grblHAL_sim"], stdin=descriptor, stdout=descriptor)
        moved, step = asyncio.run(on_the_firmware(name))
        firmware.terminate()
        firmware.wait()
    assert moved == pytest.approx(run_rig(lambda rig: drive(rig.arm)), abs=step + 1e-9)
