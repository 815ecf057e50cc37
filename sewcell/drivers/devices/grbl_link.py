"""The conversation with a grblHAL controller: one writer, a lane for urgent bytes, polling, loss and return.

Source: docs/protocols/arm.md.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Final

from sewcell.drivers.devices import grbl_failures
from sewcell.drivers.devices.lane_writer import BYTE_TIME, LaneWriter
from sewcell.drivers.devices.line_queue import Line, LineQueue, reject
from sewcell.drivers.devices.link_watch import LOST_AFTER, REOPEN_PERIOD, LinkState, LinkWatch
from sewcell.drivers.devices.telemetry import Telemetry
from sewcell.drivers.protocols import grbl
from sewcell.drivers.protocols.grbl import Identity, Message, RealTime, Status
from sewcell.drivers.protocols.grbl_texts import describe_error
from sewcell.drivers.transport import ByteTransport
from sewcell.errors import DeviceFaultError, LinkError, SewcellError

POLL_PERIOD = 0.03
"""Time between status requests [s]."""
REPORT_PERIOD = 0.02
"""Time between the reports asked for while waiting for an event [s]."""
GREETING_TIME = 1.0
"""Longest time for the first answer: the controller may be starting [s]."""
ANSWER_TIME = 0.2
"""Longest time for the answer to `$I` afterwards [s]."""
IDENTIFY_ATTEMPTS = 3
SETTINGS_TIME = 0.3
"""A hundred settings take so long on the wire [s]."""
_ALARMS_THAT_KEEP_POSITION: Final = frozenset({2, 4, 5, 13, 14})
_BRAKING_REPORTS: Final = 40


class GrblLink:
    """Lines and single bytes to the controller, status reports and answers from it.

    After a failure (silence, alarm, unasked restart) `failure` says what happened; every waiting and every later call
    raises it. `clear_failure` comes with a command that removes its cause. A line that was lost is taken up again by
    itself when the controller answers (a port that is gone is opened again): what the controller still had to do is
    stopped first, and whether it has restarted meanwhile is found out.
    """

    def __init__(self, transport: ByteTransport, byte_time: float = BYTE_TIME) -> None:
        self.name = transport.name
        self.failure: SewcellError | None = None
        self.telemetry = Telemetry()
        self.position_lost = False
        self.blocks = 0
        self.modes: frozenset[str] = frozenset()
        self.settings: dict[int, float] = {}
        self.watch = LinkWatch()
        self._transport = transport
        self._decoder = grbl.GrblDecoder()
        self._lines = LineQueue()
        self._writer = LaneWriter(transport, self._lines, byte_time)
        self._axes = 0
        self._gone = False
        self._greeting = True
        self._alarm_known = False
        self._identity: Identity | None = None
        self._identified: asyncio.Future[Identity] | None = None
        self._strange_lines = 0
        self._reports: list[asyncio.Future[Status]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._reviving: asyncio.Task[None] | None = None

    async def open(self) -> Identity:
        """Start the conversation without resetting the controller.

        Raises: LinkError when nothing answers, or something that is no grbl controller.
        """
        await self._stop_tasks()
        if self._gone:
            await self._transport.reopen()
        self._greeting = self._axes == 0
        if isinstance(self.failure, LinkError):
            self.halt()
        self.failure = None
        self._gone = self._alarm_known = self._writer.in_step = False
        self.watch.hear()
        jobs = (self._read_forever, self._write_forever, self._poll_forever)
        self._tasks = [asyncio.create_task(self._guard(job())) for job in jobs]
        identity = await self._identify()
        self._greeting = False
        self._lines.receive_bytes, self._axes, self.blocks = identity.receive_bytes, identity.axes, identity.blocks
        return identity

    async def close(self) -> None:
        """End the conversation and close the transport; waiting calls fail with a LinkError."""
        await self._stop_tasks()
        if self.failure is None:
            with contextlib.suppress(LinkError):
                await self._writer.finish()
        self._fail(LinkError(f"{self.name}: the line to the arm controller is closed: connect again"))
        await self._transport.close()

    async def _stop_tasks(self) -> None:
        tasks = self._tasks if self._reviving is None else [*self._tasks, self._reviving]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks, self._reviving = [], None

    async def _guard(self, job: Coroutine[Any, Any, None]) -> None:
        """A task that breaks down is a failure, too."""
        try:
            await job
        except Exception as cause:
            self._fail(grbl_failures.broken(self.name, cause))

    def check(self) -> None:
        """Raise the failure, if there is one."""
        if self.failure is not None:
            raise self.failure

    def clear_failure(self) -> None:
        """Forget an alarm or restart that the command to follow removes; a lost line stays lost."""
        if isinstance(self.failure, DeviceFaultError):
            self.failure = None
            self._writer.in_step = False

    def post(self, text: bytes, expected: float = 0.0) -> Line:
        """Queue a line. `expected`: time [s] that the controller may rightly take to answer."""
        self.check()
        line = self._lines.post(text, expected)
        self._writer.wake()
        return line

    def has_room(self, size: int) -> bool:
        """Whether lines of `size` bytes would be sent at once."""
        return self._lines.has_room(size)

    async def send(self, text: bytes, expected: float = 0.0) -> Line:
        """Queue a line and wait until it is taken; raises DeviceFaultError when it is refused."""
        await self.synchronise()
        line = self.post(text, expected)
        await line.answer
        return line

    def urge(self, byte: RealTime) -> None:
        """Send a real-time byte before every waiting line."""
        self._writer.urge(bytes([byte]))

    def halt(self) -> None:
        """Have the controller brake and drop what it still has to do."""
        # In Jog the byte 0x19 is not defined by every firmware; in Run 0x85 would let the motion go on.
        self.urge(RealTime.JOG_CANCEL if self.telemetry.is_in("Jog") else RealTime.STOP)

    def abandon(self, reason: SewcellError) -> None:
        """Forget every line that is not answered; the conversation is put in step again before the next one."""
        self._lines.abandon(reason)
        self._writer.in_step = False

    async def synchronise(self) -> None:
        """Make sure that no answer to an earlier line is on its way, when lines were abandoned."""
        self.check()
        if self._writer.in_step:
            return
        # A moving controller may refuse `$I`.
        for _ in range(_BRAKING_REPORTS):
            if (await self.report()).state not in ("Run", "Jog"):
                break
            await asyncio.sleep(REPORT_PERIOD)
        await self._identify()

    async def report(self, kind: RealTime = RealTime.STATUS) -> Status:
        """Ask for a status report, which may be the FULL_STATUS, and wait for the next one.

        Raises: LinkError when the line is lost meanwhile.
        """
        self.check()
        waiter: asyncio.Future[Status] = asyncio.get_running_loop().create_future()
        self._reports.append(waiter)
        self.urge(kind)
        return await waiter

    async def read_modes(self) -> frozenset[str]:
        """The controller's modal words ("G93", ...), empty when the answer was damaged."""
        await self.synchronise()
        self.modes = frozenset()
        await self.send(grbl.SHOW_MODES)
        return self.modes

    async def read_settings(self) -> dict[int, float]:
        """The controller's settings by number."""
        await self.synchronise()
        self.settings = {}
        await self.send(grbl.SHOW_SETTINGS, SETTINGS_TIME)
        return self.settings

    def declare_restart(self) -> None:
        """The controller has restarted: everything waits for homing."""
        self.position_lost = True
        self._fail(grbl_failures.restarted(self.name))

    # ---- identity

    async def _identify(self) -> Identity:
        # Answers come in order: every `ok` before the [OPT:...] of `$I` belongs to an earlier line, the first one after
        # it to `$I` itself.
        self._strange_lines = 0
        for _ in range(IDENTIFY_ATTEMPTS):
            self._identified = asyncio.get_running_loop().create_future()
            self._writer.urge(grbl.IDENTIFY)
            try:
                async with asyncio.timeout(GREETING_TIME if self._greeting else ANSWER_TIME):
                    identity = await self._identified
            except TimeoutError:
                continue
            finally:
                self._identified = None
            self._writer.in_step = True
            self._writer.wake()
            return identity
        failure = (grbl_failures.stranger if self._strange_lines else grbl_failures.nobody)(self.name)
        self._fail(failure)
        raise failure

    async def _revive(self) -> None:
        """Take a line up again that was lost and answers; where that fails it stays lost, and is tried again."""
        lost = self.failure
        with contextlib.suppress(SewcellError):
            self.halt()
            identity = await self._identify()
            self.failure = None
            if identity.axes != self._axes:
                self._fail(grbl_failures.exchanged(self.name, identity.axes, self._axes))
            elif grbl.RESTARTED in await self.read_modes():
                self.declare_restart()
            return
        self.failure = self.failure or lost

    # ---- tasks

    async def _read_forever(self) -> None:
        while True:
            try:
                while True:
                    for message in self._decoder.feed(await self._transport.read()):
                        self._handle(message)
            except LinkError as failure:
                self._gone = True
                self.watch.wait(LOST_AFTER)
                self._fail(failure)
            await asyncio.sleep(REOPEN_PERIOD)
            with contextlib.suppress(LinkError):
                await self._transport.reopen()
                self._gone = False

    async def _write_forever(self) -> None:
        while True:
            try:
                await self._writer.run()
            except LinkError as failure:
                self._gone = True
                self._fail(failure)

    async def _poll_forever(self) -> None:
        while True:
            await asyncio.sleep(POLL_PERIOD)
            if self._gone or self._greeting:
                continue
            idle = self._reviving is None or self._reviving.done()
            if idle and isinstance(self.failure, LinkError) and self.watch.state is LinkState.CONNECTED:
                self._reviving = asyncio.create_task(self._guard(self._revive()))
            # Periods are counted, not seconds: when the host itself was frozen, the answers are still to be read.
            self.watch.wait(POLL_PERIOD)
            if self.watch.state is LinkState.LOST:
                self._fail(grbl_failures.silence(self.name, LOST_AFTER))
            elif not self._paused() and self.watch.silence < 3 * POLL_PERIOD and self._lines.wait(POLL_PERIOD):
                self._fail(grbl_failures.overdue(self.name, self._lines.oldest()))
            self.urge(RealTime.STATUS)

    def _paused(self) -> bool:
        return self.telemetry.is_in("Hold", "Door")

    # ---- messages

    def _handle(self, message: Message) -> None:
        if isinstance(message, grbl.Note):
            self._strange_lines += 1
            return
        self.watch.hear()
        match message:
            case grbl.Ok():
                self._take_ok()
            case grbl.Error():
                self._lines.refuse(DeviceFaultError(describe_error(message.code, self._lines.oldest())))
                self._writer.wake()
            case grbl.Status():
                self._take_status(message)
            case grbl.Alarm():
                self._take_alarm(message.code)
            case grbl.Banner() if not self._greeting:
                self.declare_restart()
            case grbl.Info(key="OPT"):
                self._identity = grbl.parse_options(message.value)
            case grbl.Info(key="GC"):
                self.modes = frozenset(message.value.split())
            case grbl.Setting():
                self.settings[message.number] = message.value

    def _take_ok(self) -> None:
        if self._identity is None:
            self._lines.take_ok()
            self._writer.wake()
            return
        if self._identified is not None and not self._identified.done():
            self._identified.set_result(self._identity)
        self._identity = None

    def _take_alarm(self, code: int | None) -> None:
        self._alarm_known = True
        self.position_lost = self.position_lost or code not in _ALARMS_THAT_KEEP_POSITION
        self._fail(grbl_failures.in_alarm(self.name, code))

    def _take_status(self, status: Status) -> None:
        self.telemetry.take(status, self._axes, asyncio.get_running_loop().time())
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
            reject(waiter, self.failure)
        if self._identified is not None and isinstance(failure, LinkError):
            reject(self._identified, failure)
