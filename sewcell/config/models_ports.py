"""Models of the ports files, and of the block `ports` of a cell: the wires of the serial backend."""

from typing import Annotated, Literal

from pydantic import Field

from sewcell.config.base import Model, Name, NotNegative

Parity = Literal["N", "E", "O"]


class ArmPortModel(Model):
    """A serial line as pyserial takes it; 8 data bits, 1 stop bit."""

    url: Name
    baud: Annotated[int, Field(ge=300, le=4_000_000)]
    parity: Parity = "N"


class FieldBusPortModel(ArmPortModel):
    """Modbus RTU has even parity unless the modules are set otherwise."""

    parity: Parity = "E"


class CameraPortModel(Model):
    """The camera as OpenCV takes it: a number, a film or picture file, a URL, a GStreamer pipeline.

    What is left out stays as the camera has it; without `exposure_ms` it exposes by itself. `latency_ms`: from the
    exposure until the picture is here, for cameras that do not tell when they exposed.
    """

    device: Annotated[int, Field(ge=0)] | Name
    api: Literal["any", "ffmpeg", "gstreamer", "v4l2"] = "any"
    frame_rate_hz: Annotated[float, Field(gt=0.0, le=1000.0)] | None = None
    exposure_ms: Annotated[float, Field(gt=0.0, le=10_000.0)] | None = None
    gain: NotNegative | None = None
    latency_ms: Annotated[float, Field(ge=0.0, le=10_000.0)] = 0.0


class PortsModel(Model):
    """configs/ports/*.yaml, and the block `ports` of a cell: the wires of the serial backend."""

    arm: ArmPortModel
    field_bus: FieldBusPortModel
    camera: CameraPortModel
