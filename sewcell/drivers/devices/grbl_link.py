"""The conversation with a grblHAL controller: one writer, character counting, polling and deadlines.

Source: docs/protocols/arm.md.
"""

import asyncio
import contextlib
import math
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from sewcell.drivers.devices import grbl_failures
from sewcell.drivers.protocols import grbl
from sewcell.drivers.protocols.grbl import Identity, Message, RealTime, Status
from sewcell.drivers.protocols.grbl_texts import describe_alarm, describe_error
from sewcell.drivers.transport import ByteTransport
from sewcell.errors import DeviceFaultError, LinkError, SewcellError

POLL_PERIOD = 0.1
"""Time between status requests [s]."""
SILENCE = 1.0
"""Longest time without an answer [s]."""
SMALLEST_BUFFER = 128
"""Receive buffer of the smallest grbl controllers [bytes]: assumed until $I tells better."""
IDENTIFY_ATTEMPTS = 3
_ALARMS_THAT_KEEP_POSITION: Final = frozenset({2, 4, 5, 13, 14})
REPORT_PERIOD = 0.02
"""Time between the reports asked for while waiting for an event [s]."""
_BRAKING_REPORTS: Final = 100
_SILENT_POLLS: Final = round(SILENCE / POLL_PERIOD)


@dataclass(slots=True, eq=False)
class Line:
    """A line on its way. `polls_left`: status requests until its answer is overdue.

    `sent`, `answer`: loop times [s] of handing over and of the `ok`; they fail with the reason when the line is lost or
    refused.
    """

    text: bytes
    polls_left: int
    sent: asyncio.Future[float]
    answer: asyncio.Future[float]


class GrblLink:
    """Lines and single bytes to the controller, status reports and answers from it.

    After a failure (silence, alarm, unasked restart) `failure` says what happened; every waiting and every later call
    raises it. `clear_failure` comes with a command that removes its cause.
    """

    def __init__(self, transport: ByteTransport) -> None:
        self.name = transport.name
        self.failure: SewcellError | None = None
        self.status: Status | None = None
        self.status_at = 0.0
        self.joints: tuple[float, ...] | None = None
        self.joints_at = 0.0
        self.position_lost = False
        self._transport = transport
        self._decoder = grbl.GrblDecoder()
        self._receive_bytes = SMALLEST_BUFFER
        self._axes = 0
        self._urgent = bytearray()
        self._waiting: deque[Line] = deque()
        self._sent: deque[Line] = deque()
        self._in_step = False
        self._alarm_known = False
        self._identity: Identity | None = None
        self._identified: asyncio.Future[Identity] | None = None
        self._strange_lines = 0
        self._reports: list[asyncio.Future[Status]] = []
        self._silent_polls = 0
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> Identity:
        """Start the conversation without resetting the controller.

        Raises: LinkError when nothing answers, or something that is no grbl controller.
        """
        await self._stop_tasks()
        self.failure = None
        self._in_step = self._alarm_known = False
        self._tasks = [asyncio.create_task(job()) for job in (self._read_forever, self._write_forever)]
        identity = await self._identify()
        self._receive_bytes, self._axes = identity.receive_bytes, identity.axes
        self._silent_polls = 0
        self._tasks.append(asyncio.create_task(self._poll_forever()))
        return identity

    async def close(self) -> None:
        """End the conversation and close the transport; waiting calls fail with a LinkError."""
        await self._stop_tasks()
        if self._urgent and self.failure is None:
            with contextlib.suppress(LinkError):
                await self._transport.write(bytes(self._urgent))
        self._fail(LinkError(f"{self.name}: the line to the arm controller is closed: connect again"))
        await self._transport.close()

    async def _stop_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def check(self) -> None:
        """Raise the failure, if there is one."""
        if self.failure is not None:
            raise self.failure

    def clear_failure(self) -> None:
        """Forget an alarm or restart that the command to follow removes; a lost line stays lost."""
        if isinstance(self.failure, DeviceFaultError):
            self.failure = None
            self._in_step = False

    def post(self, text: bytes, expected: float = 0.0) -> Line:
        """Queue a line. `expected`: time [s] that the controller may rightly take to answer, SILENCE is added."""
        self.check()
        polls = math.ceil((expected + SILENCE) / POLL_PERIOD)
        loop = asyncio.get_running_loop()
        line = Line(text, polls, loop.create_future(), loop.create_future())
        self._waiting.append(line)
        self._wake.set()
        return line

    async def send(self, text: bytes, expected: float = 0.0) -> Line:
        """Queue a line and wait until it is taken; raises DeviceFaultError when it is refused."""
        await self.synchronise()
        line = self.post(text, expected)
        await line.answer
        return line

    def urge(self, byte: RealTime) -> None:
        """Send a real-time byte before every waiting line."""
        self._urgent.append(byte)
        self._wake.set()

    def abandon(self, reason: SewcellError) -> None:
        """Forget every line that is not answered; the conversation is put in step again before the next one."""
        for line in (*self._waiting, *self._sent):
            _reject(line.sent, reason)
            _reject(line.answer, reason)
        self._waiting.clear()
        self._sent.clear()
        self._in_step = False

    async def synchronise(self) -> None:
        """Make sure that no answer to an earlier line is on its way, when lines were abandoned."""
        self.check()
        if self._in_step:
            return
        # A moving controller may refuse `$I`.
        for _ in range(_BRAKING_REPORTS):
            if (await self.report()).state not in ("Run", "Jog"):
                break
            await asyncio.sleep(REPORT_PERIOD)
        await self._identify()

    async def report(self) -> Status:
        """Ask for a status report and wait for it; raises LinkError after SILENCE."""
        self.check()
        waiter: asyncio.Future[Status] = asyncio.get_running_loop().create_future()
        self._reports.append(waiter)
        self.urge(RealTime.STATUS)
        try:
            async with asyncio.timeout(SILENCE):
                return await waiter
        except TimeoutError:
            failure = grbl_failures.silence(self.name, SILENCE)
            self._fail(failure)
            raise failure from None

    # ---- identity

    async def _identify(self) -> Identity:
        # Answers come in order: every `ok` before the [OPT:...] of `$I` belongs to an earlier line, the first one after
        # it to `$I` itself.
        self._strange_lines = 0
        for _ in range(IDENTIFY_ATTEMPTS):
            self._identified = asyncio.get_running_loop().create_future()
            self._urgent += grbl.IDENTIFY
            self._wake.set()
            try:
                async with asyncio.timeout(SILENCE):
                    identity = await self._identified
            except TimeoutError:
                continue
            finally:
                self._identified = None
            self._in_step = True
            self._wake.set()
            return identity
        failure = (grbl_failures.stranger if self._strange_lines else grbl_failures.nobody)(self.name)
        self._fail(failure)
        raise failure

    # ---- tasks

    async def _read_forever(self) -> None:
        try:
            while True:
                data = await self._transport.read()
                self._silent_polls = 0
                for message in self._decoder.feed(data):
                    self._handle(message)
        except LinkError as failure:
            self._fail(failure)

    async def _write_forever(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._urgent or self._fits():
                    await self._write_next()
        except LinkError as failure:
            self._fail(failure)

    def _fits(self) -> bool:
        unanswered = sum(len(line.text) for line in self._sent)
        if not self._in_step or not self._waiting:
            return False
        return unanswered + len(self._waiting[0].text) < self._receive_bytes

    async def _write_next(self) -> None:
        if self._urgent:
            data = bytes(self._urgent)
            self._urgent.clear()
        else:
            line = self._waiting.popleft()
            line.sent.set_result(asyncio.get_running_loop().time())
            self._sent.append(line)
            data = line.text
        await self._transport.write(data)

    async def _poll_forever(self) -> None:
        while self.failure is None or isinstance(self.failure, DeviceFaultError):
            await asyncio.sleep(POLL_PERIOD)
            self._silent_polls += 1
            # Polls are counted, not seconds: when the host itself was frozen, the answers are still to be read.
            if self._silent_polls > _SILENT_POLLS:
                self._fail(grbl_failures.silence(self.name, SILENCE))
            elif self._sent and not self._paused():
                self._sent[0].polls_left -= 1
                if self._sent[0].polls_left < 0:
                    self._fail(grbl_failures.overdue(self.name, self._sent[0].text.decode().strip()))
            self.urge(RealTime.STATUS)

    def _paused(self) -> bool:
        return self.status is not None and self.status.state in ("Hold", "Door")

    # ---- messages

    def _handle(self, message: Message) -> None:
        now = asyncio.get_running_loop().time()
        match message:
            case grbl.Ok():
                self._take_ok(now)
            case grbl.Error():
                self._take_error(message.code)
            case grbl.Status():
                self._take_status(message, now)
            case grbl.Alarm():
                self._take_alarm(message.code)
            case grbl.Banner() if self._identified is None:
                self.position_lost = True
                self._fail(DeviceFaultError("the arm controller has restarted, its position is lost: home the arm"))
            case grbl.Info(key="OPT"):
                self._identity = grbl.parse_options(message.value)
            case grbl.Note():
                self._strange_lines += 1

    def _take_ok(self, now: float) -> None:
        if self._identity is not None:
            if self._identified is not None and not self._identified.done():
                self._identified.set_result(self._identity)
            self._identity = None
        elif self._sent:
            line = self._sent.popleft()
            if not line.answer.done():
                line.answer.set_result(now)
            self._wake.set()

    def _take_error(self, code: int) -> None:
        if self._sent:
            line = self._sent.popleft()
            text = line.text.decode("ascii").strip()
            _reject(line.answer, DeviceFaultError(describe_error(code, text)))
            self._wake.set()

    def _take_alarm(self, code: int | None) -> None:
        self._alarm_known = True
        self.position_lost = self.position_lost or code not in _ALARMS_THAT_KEEP_POSITION
        text = "the arm controller is in alarm: remove the cause" if code is None else describe_alarm(code)
        self._fail(DeviceFaultError(text))

    def _take_status(self, status: Status, now: float) -> None:
        self.status, self.status_at = status, now
        # A point that noise has turned into a comma makes one joint more.
        if status.joints is not None and len(status.joints) == self._axes:
            self.joints, self.joints_at = status.joints, now
        if status.state != "Alarm":
            self._alarm_known = False
        elif not self._alarm_known:
            self._take_alarm(status.substate)
        reports, self._reports = self._reports, []
        for waiter in reports:
            if not waiter.done():
                waiter.set_result(status)

    # ---- failures

    def _fail(self, failure: SewcellError) -> None:
        if self.failure is None or isinstance(failure, LinkError):
            self.failure = failure
        self.abandon(self.failure)
        reports, self._reports = self._reports, []
        for waiter in reports:
            _reject(waiter, self.failure)
        if self._identified is not None and isinstance(failure, LinkError):
            _reject(self._identified, failure)


def _reject(future: asyncio.Future[Any], why: SewcellError) -> None:
    if not future.done():
        future.set_exception(why)
        # Marked as seen: nobody may be waiting for this one.
        future.exception()
