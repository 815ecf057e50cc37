"""Asks the recorded pictures of a run again and sets the new answers beside the old, as far as the recording goes."""

import base64
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mcap.exceptions import McapError
from mcap.records import Channel, Message
from mcap.stream_reader import StreamReader
from zstandard import ZstdError

from sewcell.cell.decision_codec import decode_decision, decode_verdict, encode_inspection
from sewcell.cell.journal import DECISIONS, EMPTY_TABLE, PICTURES, VERDICTS
from sewcell.errors import ConfigError
from sewcell.geometry.planar import wrap_angle
from sewcell.image import Image
from sewcell.process.looking import Decision, EmptyTable, Verdict, decide, judge
from sewcell.vision.background import Background, make_background

RECORDING = "run.mcap"
"""Name of the recording in the folder of a run."""

_BROKEN = (McapError, ZstdError, struct.error, EOFError, ValueError, KeyError, TypeError, MemoryError)
"""What reading a file that was cut off or damaged may raise."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision of the run and the answer of today to the same picture."""

    recorded: Decision
    today: Decision

    @property
    def identical(self) -> bool:
        """Whether both answers are the same to the last bit."""
        old, new = self.recorded.located, self.today.located
        if old is None or new is None:
            return old is new and self.recorded.refusal == self.today.refusal
        return old.pose == new.pose and (old.residual, old.confidence) == (new.residual, new.confidence)

    @property
    def moved(self) -> tuple[float, float] | None:
        """How far the pose moved: the farthest point of the outline [m], and the angle [rad]; None without poses."""
        old, new = self.recorded.located, self.today.located
        if old is None or new is None:
            return None
        outline = self.recorded.order.piece.outline
        way = np.linalg.norm(new.pose.apply(outline) - old.pose.apply(outline), axis=1).max()
        return float(way), abs(float(wrap_angle(new.pose.theta - old.pose.theta)))


@dataclass(frozen=True, slots=True)
class Rejudged:
    """A verdict of the run on a seam and the one of today on the same picture."""

    recorded: Verdict
    today: Verdict

    @property
    def identical(self) -> bool:
        """Whether both verdicts are the same to the last bit."""
        old, new = self.recorded.inspection, self.today.inspection
        if old is None or new is None:
            return old is new and self.recorded.refusal == self.today.refusal
        return encode_inspection(old) == encode_inspection(new)


@dataclass(frozen=True, slots=True)
class Replay:
    """All decisions and verdicts of a recording, in their order. `pictures`: how many it holds; `broken`: whether it
    ends before its end."""

    path: Path
    decisions: tuple[Replayed, ...]
    verdicts: tuple[Rejudged, ...]
    pictures: int
    broken: bool


def replay_recording(run: Path) -> Replay:
    """Decide anew on every picture of `run`, a folder or an mcap file, with what the run knew.

    Raises: ConfigError when there is no recording there, it is none, or it holds no decision.
    """
    path = run / RECORDING if run.is_dir() else run
    try:
        size = path.stat().st_size
        file = path.open("rb")
    except OSError as error:
        raise ConfigError(
            f"the recording {path} cannot be read: {error.strerror}; give the folder of a run or its {RECORDING}"
        ) from error
    decisions: list[Replayed] = []
    verdicts: list[Rejudged] = []
    pictures: dict[str, Image] = {}  # the last one of each camera
    background: Background | None = None
    count, broken = 0, False
    with file:
        entries = _read_entries(StreamReader(file, record_size_limit=max(size, 1)), path)
        while True:
            try:
                entry = next(entries, None)
            except _BROKEN:
                broken = True
                break
            if entry is None:
                break
            if isinstance(entry, Image):
                pictures[entry.camera] = entry
                count += 1
                continue
            image = pictures.get(entry.camera)
            if image is None or image.taken_at != entry.taken_at:
                continue
            if isinstance(entry, EmptyTable):
                background = make_background([image])
            elif isinstance(entry, Verdict):
                verdicts.append(Rejudged(entry, judge(entry.order, image)))
            elif background is not None:
                decisions.append(Replayed(entry, decide(entry.order, image, background)))
    if not decisions:
        held = "no picture" if not count else f"{count} picture(s) but no decision from one"
        end = ", and it breaks off" if broken else ""
        raise ConfigError(
            f"the recording {path} holds {held}{end}: only a run that has looked for a piece can be replayed"
        )
    return Replay(path, tuple(decisions), tuple(verdicts), count, broken)


def _read_entries(reader: StreamReader, path: Path) -> Iterator[Image | EmptyTable | Decision | Verdict]:
    """Pictures and what was decided from them, in their order; raises what _BROKEN lists where the file is damaged."""
    topics: dict[int, str] = {}
    records = iter(reader.records)
    try:
        first = next(records)
    except (StopIteration, *_BROKEN) as error:
        raise ConfigError(f"{path} is no recording of a run: give the folder of a run or its {RECORDING}") from error
    for record in chain([first], records):
        if isinstance(record, Channel):
            topics[record.id] = record.topic
        elif isinstance(record, Message):
            topic, taken_at = topics[record.channel_id], record.log_time * 1e-9
            if topic.startswith(PICTURES):
                yield _decode_picture(json.loads(record.data), taken_at)
            elif topic == EMPTY_TABLE:
                yield EmptyTable(str(json.loads(record.data)["camera"]), taken_at)
            elif topic == DECISIONS:
                yield decode_decision(json.loads(record.data), taken_at)
            elif topic == VERDICTS:
                yield decode_verdict(json.loads(record.data), taken_at)


def _decode_picture(message: dict[str, Any], taken_at: float) -> Image:
    packed = np.frombuffer(base64.b64decode(message["data"]), dtype=np.uint8)
    pixels = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("the picture is damaged")
    return Image(np.asarray(pixels, dtype=np.uint8), str(message["frame_id"]), taken_at)
