"""Examples of the protocol pages, and small devices at the other end of a byte transport."""

import asyncio
import codecs
import math
import re
import struct
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "protocols"


def _example_lines(page):
    section = (PAGES / page).read_text(encoding="utf-8").split("## Examples", 1)[1]
    return re.findall(r"^([<>]) (.+)$", section, re.MULTILINE)


@pytest.fixture(scope="session")
def arm_examples():
    """(direction, bytes) of every example line of arm.md, and the dialogues as blocks."""
    return [(way, codecs.decode(text, "unicode_escape").encode("latin-1")) for way, text in _example_lines("arm.md")]


@pytest.fixture(scope="session")
def bus_examples():
    """page name -> (direction, bytes) of every example line."""
    return {
        page: [(way, bytes.fromhex(text)) for way, text in _example_lines(f"{page}.md")]
        for page in ("sewing_head", "io")
    }


class FakeLine:
    """A byte transport in memory; `answer` is told of the bytes of every write."""

    name = "fake port"

    def __init__(self):
        self.sent = bytearray()
        self._received = asyncio.Queue()

    def push(self, data):
        self._received.put_nowait(data)

    async def read(self):
        data = await self._received.get()
        if isinstance(data, Exception):
            raise data
        return data

    async def write(self, data):
        self.sent += data
        self.answer(data)

    async def reopen(self):
        pass

    async def close(self):
        pass

    def answer(self, data):
        pass


class FakeArm(FakeLine):
    """A controller that takes lines at once and moves as G93 says. `refuse` may answer a line by itself."""

    def __init__(self, axes=6, rx=1024):
        super().__init__()
        self.axes, self.rx = axes, rx
        self.state = "Idle"
        self.lines = []
        self.real_time = []
        self.moves = deque()  # (end time, target in degrees)
        self.joints = [0.0, -90.0, 90.0, 0.0, 90.0, 0.0]
        self.silent = False
        self.drop_ok_of = -1
        self.refuse: Callable[[str], bytes | None] = lambda line: None
        self.unanswered = 0
        self.most_unanswered = 0
        self.most_ahead = 0.0
        self.first_move_at = None
        self.dwell_until = 0.0
        self.feed_mode = b"G94"
        self.reference = "|H:1,63"  # what a full report tells
        self._text = bytearray()
        self._waiting = deque()

    def push(self, data):
        if not self.silent:
            super().push(data)

    def answer(self, data):
        for byte in data:
            if byte in b"?!~\x18\x19\x85\x87\x90\x91\x92\x93\x94":
                self.real_time.append(byte)
                self._act(byte)
            elif byte == ord("\n"):
                self.unanswered += len(self._text) + 1
                self._waiting.append(self._text.decode())
                self._text.clear()
            else:
                self._text.append(byte)
        self.most_unanswered = max(self.most_unanswered, self.unanswered)
        self._work()

    def _act(self, byte):
        self._advance()
        if byte in b"?\x87":
            place = ",".join(f"{value:.3f}" for value in self.joints)
            reference = self.reference if byte == 0x87 else ""
            self.push(f"<{self.state}|FS:0,0|Bf:100,{self.rx}|Pn:|MPos:{place}{reference}>\r\n".encode())
        elif byte == 0x19 or (byte == 0x85 and self.state == "Jog"):
            self.moves.clear()
            self._waiting.clear()
            self.unanswered = 0
            self.state = "Idle"

    def _advance(self):
        now = asyncio.get_running_loop().time()
        while self.moves and self.moves[0][0] <= now:
            self.joints = list(self.moves.popleft()[1])
        if self.state in ("Idle", "Run"):
            self.state = "Run" if self.moves else "Idle"

    def _work(self):
        loop = asyncio.get_running_loop()
        self._advance()
        while self._waiting and loop.time() >= self.dwell_until:
            line = self._waiting.popleft()
            number = len(self.lines)
            self.lines.append(line)
            self.unanswered -= len(line) + 1
            own = self.refuse(line)
            if own is not None:
                self.push(own)
            elif line == "$I+":
                self.push(b"[VER:1.1f:x]\r\n[OPT:VNML+,100,%d,%d,0]\r\nok\r\n" % (self.rx, self.axes))
            elif line == "$G":
                self.push(b"[GC:G1 G54 G17 G21 G90 %s M5 M9 T0 F0 S0]\r\nok\r\n" % self.feed_mode)
            elif line in ("G93", "G94"):
                self.feed_mode = line.encode()
                self.push(b"ok\r\n")
            elif line.startswith("G4"):
                start = max(loop.time(), self.moves[-1][0] if self.moves else 0.0)
                self.dwell_until = start + float(line.split("P")[1])
                loop.call_at(self.dwell_until, self._end_dwell)
            else:
                if line.startswith("G1"):
                    self._plan(line)
                if line in ("$X", "$H"):
                    self.state = "Idle"
                if number != self.drop_ok_of:
                    self.push(b"ok\r\n")

    def _end_dwell(self):
        self.push(b"ok\r\n")
        self._work()

    def _plan(self, line):
        now = asyncio.get_running_loop().time()
        words = {word[0]: float(word[1:]) for word in line.split()[1:]}
        start = max(now, self.moves[-1][0] if self.moves else now)
        self.moves.append((start + 60.0 / words["F"], [words[axis] for axis in "XYZABC"]))
        self.most_ahead = max(self.most_ahead, self.moves[-1][0] - now)
        if self.first_move_at is None:
            self.first_move_at = start


def crc16(body):
    """CRC-16/MODBUS, low byte first (Modbus over serial line V1.02, 6.2.2)."""
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return body + struct.pack("<H", crc)


class FakeBus(FakeLine):
    """Two units that answer at once. `inputs`, `holdings`: registers by unit; `lost` replies are swallowed first."""

    def __init__(self):
        super().__init__()
        self.inputs = {1: [0x5345, 2, 1, 1, 0, 0, 0, 0, 0, 0], 2: [0x494F, 1, 0b1011, 0, 0, 0, 0]}
        self.holdings = {1: [0] * 15, 2: [0] * 5}
        self.writes = []  # (time, unit, address, values)
        self.requests = []  # (time, bytes)
        self.lost = 0
        self.dead_units = set()
        self.refusal = 0
        self.on_write = lambda unit, address, values: None
        self.delay = 0.001
        self.frozen_echo = False

    def answer(self, data):
        now = asyncio.get_running_loop().time()
        self.requests.append((now, data))
        assert crc16(data[:-2]) == data
        unit, function, address, value = struct.unpack(">BBHH", data[:6])
        if unit in self.dead_units:
            return
        if function in (3, 4):
            table = (self.holdings if function == 3 else self.inputs)[unit][address : address + value]
            body = struct.pack(f">BBB{len(table)}H", unit, function, 2 * len(table), *table)
        else:
            values = [value] if function == 6 else list(struct.unpack(f">{value}H", data[7:-2]))
            if self.refusal and address:
                body = bytes([unit, function | 0x80, self.refusal])
            else:
                self.holdings[unit][address : address + len(values)] = values
                if address == 0 and not self.frozen_echo:
                    self.inputs[unit][{1: 8, 2: 4}[unit]] = value
                self.writes.append((now, unit, address, values))
                self.on_write(unit, address, values)
                body = data[:6]
        if self.lost:
            self.lost -= 1
            return
        asyncio.get_running_loop().call_later(self.delay, self.push, crc16(body))


@pytest.fixture
def make_arm():
    return FakeArm


@pytest.fixture
def make_bus():
    return FakeBus


@pytest.fixture(scope="session")
def degrees():
    return lambda values: [math.radians(value) for value in values]
