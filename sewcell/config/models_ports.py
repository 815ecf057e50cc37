"""Models of where a cell's wires are plugged in: serial lines and camera."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sewcell.config.base import Model, Name, NotNegative

Parity = Literal["N", "E", "O"]


class ArmPortModel(Model):
    """A serial line as pyserial takes it; 8 data bits, 1 stop bit."""

    url: Name
    baud: Annotated[int, Field(ge=300, le=4_000_000)]
    parity: Parity = "N"

    @property
    def byte_time(self) -> float:
        """Time of a byte with its start, parity and stop bits on the wire [s]."""
        return (10 + (self.parity != "N")) / self.baud


class FieldBusPortModel(ArmPortModel):
    """Modbus RTU has even parity unless the modules are set otherwise."""

    parity: Parity = "E"


class CameraPortModel(Model):
    """The camera as OpenCV takes it: a number, a film or picture file, a URL, a GStreamer pipeline.

    What is left out stays as the camera has it; without `exposure_ms` it exposes by itself. `latency_ms`: from the
    exposure until the picture is here, for cameras that do not tell when they exposed. `timeout_s`: without a picture.
    """

    device: Annotated[int, Field(ge=0)] | Name
    api: Literal["any", "ffmpeg", "gstreamer", "v4l2"] = "any"
    frame_rate_hz: Annotated[float, Field(gt=0.0, le=1000.0)] | None = None
    exposure_ms: Annotated[float, Field(gt=0.0, le=10_000.0)] | None = None
    gain: NotNegative | None = None
    latency_ms: Annotated[float, Field(ge=0.0, le=10_000.0)] = 0.0
    timeout_s: Annotated[float, Field(ge=1.0, le=600.0)] = 8.0


class PortsModel(Model):
    """configs/ports/*.yaml, and the block `ports` of a cell: the wires of the serial backend."""

    arm: ArmPortModel
    field_bus: FieldBusPortModel
    camera: CameraPortModel

    @model_validator(mode="after")
    def _check_urls(self) -> Self:
        if self.arm.url == self.field_bus.url:
            raise ValueError(f"arm and field_bus cannot both be at {self.arm.url}: name the port of each")
        return self
