"""The flight recorder of a run: bytes, joint positions, steps, pictures and decisions from them, in one MCAP file."""

import base64
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import cv2
from mcap.writer import CompressionType, Writer

from sewcell.cell.decision_codec import encode_decision, encode_verdict
from sewcell.errors import ConfigError
from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.process.looking import Decision, EmptyTable, Verdict

PICTURES = "/camera/"
"""Topics of pictures begin with this; the name of the camera follows."""
DECISIONS = "/decisions"
VERDICTS = "/verdicts"
EMPTY_TABLE = "/empty_table"
PNG_EFFORT = 1
"""From 0 to 9: higher is smaller and slower."""

_SCHEMAS = {
    "sewcell.Bytes": {"direction": {"type": "string"}, "hex": {"type": "string"}},
    "sewcell.Joints": {"positions_rad": {"type": "array", "items": {"type": "number"}}},
    "sewcell.Note": {"kind": {"type": "string"}, "text": {"type": "string"}},
    "sewcell.EmptyTable": {"camera": {"type": "string"}},
    "sewcell.Decision": {"camera": {"type": "string"}, "located": {}, "refusal": {"type": "string"}},
    "sewcell.Verdict": {"camera": {"type": "string"}, "inspection": {}, "refusal": {"type": "string"}},
    "foxglove.CompressedImage": {
        "timestamp": {"type": "object", "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}}},
        "frame_id": {"type": "string"},
        "format": {"type": "string"},
        "data": {"type": "string", "contentEncoding": "base64"},
    },
}


class Journal:
    """An MCAP file that stays readable when the run is cut off; opens in Foxglove. Times are loop times [s].

    A thread writes, in the order of the calls: to encode a picture takes longer than the machine waits for a heartbeat.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = path.open("wb")
        except OSError as error:
            raise ConfigError(f"the record {path} cannot be written: {error.strerror}; choose another --out") from error
        self._writer = Writer(self._file, chunk_size=256 * 1024, compression=CompressionType.ZSTD)
        self._writer.start(profile="", library="sewcell")
        self._schemas = {
            name: self._writer.register_schema(
                name, "jsonschema", json.dumps({"type": "object", "properties": properties}).encode()
            )
            for name, properties in _SCHEMAS.items()
        }
        self._channels: dict[str, int] = {}
        self._failure: OSError | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def add_bytes(self, line: str, direction: str, data: bytes, time: float) -> None:
        """Bytes on `line`; `direction` is "sent" (to the device) or "received"."""
        self._write(f"/bytes/{line}", "sewcell.Bytes", {"direction": direction, "hex": data.hex()}, time)

    def add_joints(self, positions: Array, time: float) -> None:
        """Joint positions (6,) [rad] that the arm reported."""
        self._write("/arm/joints", "sewcell.Joints", {"positions_rad": positions.tolist()}, time)

    def add_note(self, kind: str, text: str, time: float) -> None:
        """A step, an alarm."""
        self._write("/notes", "sewcell.Note", {"kind": kind, "text": text}, time)

    def add_image(self, image: Image) -> None:
        """A picture that a decision is taken from, without loss, so that the decision can be taken again."""
        self._thread.submit(self._record_image, image)

    def _record_image(self, image: Image) -> None:
        _, png = cv2.imencode(".png", image.pixels, [cv2.IMWRITE_PNG_COMPRESSION, PNG_EFFORT])
        seconds, nanoseconds = divmod(_nanoseconds(image.taken_at), 1_000_000_000)
        message = {
            "timestamp": {"sec": seconds, "nsec": nanoseconds},
            "frame_id": image.camera,
            "format": "png",
            "data": base64.b64encode(png.tobytes()).decode(),
        }
        self._record(PICTURES + image.camera, "foxglove.CompressedImage", message, image.taken_at)

    def add_empty_table(self, empty: EmptyTable) -> None:
        """Which picture shows the empty table; at the time of that picture."""
        self._write(EMPTY_TABLE, "sewcell.EmptyTable", {"camera": empty.camera}, empty.taken_at)

    def add_decision(self, decision: Decision) -> None:
        """What was asked of a picture and what was answered; at the time of that picture."""
        self._write(DECISIONS, "sewcell.Decision", encode_decision(decision), decision.taken_at)

    def add_verdict(self, verdict: Verdict) -> None:
        """How a seam was judged; at the time of its picture."""
        self._write(VERDICTS, "sewcell.Verdict", encode_verdict(verdict), verdict.taken_at)

    def close(self) -> None:
        """Write what is left and the index, and close the file. Raises: OSError when the disk took not everything."""
        self._thread.shutdown()
        try:
            if self._failure is not None:
                raise self._failure
            self._writer.finish()
        finally:
            self._file.close()

    def _write(self, topic: str, schema: str, message: Mapping[str, object], time: float) -> None:
        self._thread.submit(self._record, topic, schema, message, time)

    def _record(self, topic: str, schema: str, message: Mapping[str, object], time: float) -> None:
        if self._failure is not None:
            return
        stamp = _nanoseconds(time)
        try:
            if topic not in self._channels:
                self._channels[topic] = self._writer.register_channel(topic, "json", self._schemas[schema])
            self._writer.add_message(self._channels[topic], stamp, json.dumps(message).encode(), stamp)
        except OSError as failure:
            self._failure = failure


def _nanoseconds(time: float) -> int:
    return max(0, round(time * 1e9))
