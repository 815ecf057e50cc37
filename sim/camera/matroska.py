"""Pictures as an uncompressed Matroska film without an end, which FFmpeg reads from a socket without loss.

Every picture carries the time of its exposure. Source: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

import numpy as np
from numpy.typing import NDArray

from sewcell.units import MS

UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
"""Of an element that ends with the stream (RFC 8794, 6.2)."""
EBML, DOC_TYPE, DOC_TYPE_VERSION, DOC_TYPE_READ_VERSION = 0x1A45DFA3, 0x4282, 0x4287, 0x4285
SEGMENT, INFO, TIMESTAMP_SCALE, MUXING_APP, WRITING_APP = 0x18538067, 0x1549A966, 0x2AD7B1, 0x4D80, 0x5741
TRACKS, TRACK_ENTRY, TRACK_NUMBER, TRACK_UID, TRACK_TYPE, CODEC_ID = 0x1654AE6B, 0xAE, 0xD7, 0x73C5, 0x83, 0x86
VIDEO, PIXEL_WIDTH, PIXEL_HEIGHT, UNCOMPRESSED_FOURCC = 0xE0, 0xB0, 0xBA, 0x2EB524
CLUSTER, TIMESTAMP, SIMPLE_BLOCK = 0x1F43B675, 0xE7, 0xA3
BGR24 = b"BGR\x18"
"""Rows of blue, green, red bytes, the top one first."""
VIDEO_TRACK = 1
KEY_FRAME = 0x80
APP = b"sewcell"


def encode_film_header(width: int, height: int) -> bytes:
    """What goes before the first picture."""
    head = _text(DOC_TYPE, b"matroska") + _number(DOC_TYPE_VERSION, 4) + _number(DOC_TYPE_READ_VERSION, 2)
    info = _number(TIMESTAMP_SCALE, 1_000_000) + _text(MUXING_APP, APP) + _text(WRITING_APP, APP)
    video = _number(PIXEL_WIDTH, width) + _number(PIXEL_HEIGHT, height) + _text(UNCOMPRESSED_FOURCC, BGR24)
    track = (
        _number(TRACK_NUMBER, VIDEO_TRACK)
        + _number(TRACK_UID, VIDEO_TRACK)
        + _number(TRACK_TYPE, 1)
        + _text(CODEC_ID, b"V_UNCOMPRESSED")
        + _text(VIDEO, video)
    )
    segment = _text(INFO, info) + _text(TRACKS, _text(TRACK_ENTRY, track))
    return _text(EBML, head) + _name(SEGMENT) + UNKNOWN_SIZE + segment


def encode_picture(pixels: NDArray[np.uint8], time: float) -> bytes:
    """One picture (H, W, 3), blue-green-red, exposed at `time` [s] of the film."""
    block = bytes((0x80 | VIDEO_TRACK, 0, 0, KEY_FRAME)) + pixels.tobytes()
    return _text(CLUSTER, _number(TIMESTAMP, round(time / MS)) + _text(SIMPLE_BLOCK, block))


def _name(element: int) -> bytes:
    return element.to_bytes((element.bit_length() + 7) // 8)


def _text(element: int, data: bytes) -> bytes:
    return _name(element) + b"\x01" + len(data).to_bytes(7) + data


def _number(element: int, value: int) -> bytes:
    return _text(element, value.to_bytes(max(1, (value.bit_length() + 7) // 8)))
