"""What an arm controller has reported so far: the newest of every field, with its time."""

from dataclasses import dataclass

from sewcell.drivers.protocols.grbl import Status


@dataclass(slots=True)
class Telemetry:
    """`status`, `joints` [rad] and feed `override` [%] as reported at loop times `..._at` [s]; None before the first.

    `override_before`: when the last report before that of the override came [s]. `homed`: whether the controller says
    that its joints have their reference; None while it has not told.
    """

    status: Status | None = None
    status_at: float = 0.0
    joints: tuple[float, ...] | None = None
    joints_at: float = 0.0
    override: int | None = None
    override_at: float = 0.0
    override_before: float = 0.0
    homed: bool | None = None

    @property
    def is_placed(self) -> bool:
        """Whether the last report told the joints."""
        return self.joints is not None and self.joints_at == self.status_at

    def is_in(self, *states: str) -> bool:
        """Whether the last report told one of these `states`."""
        return self.status is not None and self.status.state in states

    def take(self, status: Status, axes: int, at: float) -> None:
        """A report of a controller with so many `axes` came at loop time `at` [s]."""
        before = self.status_at
        self.status, self.status_at = status, at
        # A point that noise has turned into a comma makes one joint more.
        if status.joints is not None and len(status.joints) == axes:
            self.joints, self.joints_at = status.joints, at
        if status.override is not None:
            self.override, self.override_at, self.override_before = status.override, at, before
        if status.homed is not None:
            self.homed = status.homed
