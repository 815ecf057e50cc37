"""The emulated sewing head with a host that keeps its heartbeat going; registers, states and commands of its page."""

from sim.firmware.sewing_head import Reg, SewingHead
from sim.plant import Plant

STATUS, FLAGS, STITCH_COUNT, SHAFT_ANGLE, SPEED, FAULT, ECHO, COMMAND_ECHO = 2, 3, 4, 5, 6, 7, 8, 9
DISABLED, READY, WAITING, SEWING, TRIMMING, TEMPORARY_STOP, FAULTED = range(7)
SEW, STOP, TRIM, CLEAR, UP, DOWN = range(1, 7)
NEEDLE_UP, NEEDLE_DOWN, FOOT_DOWN, TURNING, THREAD_BREAK, BOBBIN_LOW, HOST_LOST, TRIMMED = (1 << n for n in range(8))


class Bench:
    """A head, its plant, a host that keeps the heartbeat going, a log of the shaft."""

    def __init__(self, foot: bool = True):
        self.plant = Plant()
        self.head = SewingHead(self.plant)
        self.now = 0.0
        self.beats = True
        self.next_beat = 0.0
        self.sequence = 0
        self.log: list[tuple[float, float, float]] = []  # time, turns, feed length
        self.head.write(Reg.ENABLE, [1, int(foot)], 0.0)
        self.run(0.1)

    def run(self, seconds: float) -> None:
        begin, ticks = self.now, round(seconds * 1000)
        for i in range(1, ticks + 1):
            self.now = begin + seconds * i / ticks
            if self.beats and self.now >= self.next_beat:
                self.next_beat = self.now + 0.05
                self.head.write(Reg.HEARTBEAT, [(self.head.read_holdings()[0] + 1) & 0xFFFF], self.now)
            self.head.update(self.now)
            self.log.append((self.now, self.plant.shaft_turns, self.plant.feed_length))

    def command(self, command: int) -> None:
        self.sequence += 1
        self.head.write(Reg.COMMAND, [command, self.sequence], self.now)

    def set_seam(self, stitches=43, start=3, end=3, spm=1000, backtack_spm=400, accel=2000, needle_stop=0) -> None:
        self.head.write(Reg.NEEDLE_STOP, [needle_stop, spm, 250, stitches, start, end, backtack_spm, accel], self.now)

    def read(self, register: int) -> int:
        return self.head.read_inputs(self.now)[register]

    def run_until_rest(self, limit: float = 60.0) -> float:
        """Time at which the shaft came to rest."""
        end = self.now + limit
        while self.read(FLAGS) & TURNING:
            self.run(0.001)
            assert self.now < end
        return self.now
