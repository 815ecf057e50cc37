"""Reading registers over a pseudo-terminal: our driver, pymodbus' clients, and a plain loop on pyserial."""

import asyncio
import multiprocessing
import os
import pty
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import serial
from pymodbus.client import AsyncModbusSerialClient, ModbusSerialClient

from sewcell.drivers.devices.modbus_line import ModbusLine
from sewcell.drivers.protocols import modbus
from sewcell.drivers.protocols.modbus import Function
from sewcell.drivers.transport.serial_port import SerialTransport
from sim.firmware.modbus_slave import append_crc

COUNT = 10
"""Registers of one message."""
PAUSE = 0.003
"""Time between two messages [s]: more than the silence that ends one."""
_REQUEST = modbus.encode_read_input(1, 0, COUNT)
_ANSWER = append_crc(bytes([1, 4, 2 * COUNT]) + bytes(range(2 * COUNT)))


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """`p99` of the time from a request to its registers [s]; `cpu`: processor time of a message [s]."""

    p99: float
    cpu: float


def measure_ours(messages: int) -> RoundTrips:
    """Our driver of the field bus."""
    return asyncio.run(_measure_ours(messages))


async def _measure_ours(messages: int) -> RoundTrips:
    with _responder() as port:
        line = ModbusLine(await SerialTransport.open(port, parity="N"))
        listening = asyncio.create_task(line.listen())
        times = np.empty(messages)
        began = time.process_time()
        for k in range(messages):
            await asyncio.sleep(PAUSE)
            asked = time.perf_counter()
            reply = await line.exchange(1, Function.READ_INPUT, _REQUEST, lambda reply: len(reply.registers) == COUNT)
            times[k] = time.perf_counter() - asked
            assert reply is not None
        cpu = time.process_time() - began
        listening.cancel()
        await line.close()
    return _summarise(times, cpu)


def measure_pymodbus_async(messages: int) -> RoundTrips:
    """pymodbus' asynchronous client."""
    return asyncio.run(_measure_pymodbus_async(messages))


async def _measure_pymodbus_async(messages: int) -> RoundTrips:
    with _responder() as port:
        client = AsyncModbusSerialClient(port, baudrate=115200, timeout=0.1)
        assert await client.connect()
        times = np.empty(messages)
        began = time.process_time()
        for k in range(messages):
            await asyncio.sleep(PAUSE)
            asked = time.perf_counter()
            reply = await client.read_input_registers(0, count=COUNT, device_id=1)
            times[k] = time.perf_counter() - asked
            assert not reply.isError()
        cpu = time.process_time() - began
        client.close()
    return _summarise(times, cpu)


def measure_pymodbus(messages: int) -> RoundTrips:
    """pymodbus' blocking client."""
    with _responder() as port:
        client = ModbusSerialClient(port, baudrate=115200, timeout=0.1)
        assert client.connect()
        times = np.empty(messages)
        began = time.process_time()
        for k in range(messages):
            time.sleep(PAUSE)
            asked = time.perf_counter()
            reply = client.read_input_registers(0, count=COUNT, device_id=1)
            times[k] = time.perf_counter() - asked
            assert not reply.isError()
        cpu = time.process_time() - began
        client.close()
    return _summarise(times, cpu)


def measure_pyserial(messages: int) -> RoundTrips:
    """A loop that writes a request and reads as many bytes as the answer has, without looking at them."""
    with _responder() as name, serial.Serial(name, 115200, timeout=0.1) as port:
        times = np.empty(messages)
        began = time.process_time()
        for k in range(messages):
            time.sleep(PAUSE)
            asked = time.perf_counter()
            port.write(_REQUEST)
            answer = port.read(len(_ANSWER))
            times[k] = time.perf_counter() - asked
            assert answer == _ANSWER
        cpu = time.process_time() - began
    return _summarise(times, cpu)


def _summarise(times: np.ndarray, cpu: float) -> RoundTrips:
    return RoundTrips(float(np.quantile(times, 0.99)), cpu / len(times))


@contextmanager
def _responder() -> Iterator[str]:
    """The name of a terminal at whose other end another process answers every request at once."""
    controller, terminal = pty.openpty()
    tty.setraw(terminal)
    process = multiprocessing.get_context("fork").Process(target=_answer_forever, args=(controller,), daemon=True)
    process.start()
    try:
        yield os.ttyname(terminal)
    finally:
        process.terminate()
        process.join()
        os.close(controller)
        os.close(terminal)


def _answer_forever(controller: int) -> None:
    received = b""
    while True:
        received += os.read(controller, 256)
        while len(received) >= len(_REQUEST):
            received = received[len(_REQUEST) :]
            os.write(controller, _ANSWER)
