"""Whether a Modbus unit is the one we expect."""

from collections.abc import Sequence

from sewcell.errors import DeviceFaultError


def check_identity(device: str, port: str, inputs: Sequence[int], ident: int, version: int) -> None:
    """Raise DeviceFaultError unless the first two input registers are `ident` and `version`."""
    if inputs[0] != ident:
        raise DeviceFaultError(
            f"{port}: the unit that should be the {device} identifies itself as 0x{inputs[0]:04X}, not 0x{ident:04X}: "
            "check the unit numbers on the field bus"
        )
    if inputs[1] != version:
        raise DeviceFaultError(
            f"{port}: the {device} speaks protocol version {inputs[1]}, this program speaks {version}: update the "
            "older of the two"
        )
