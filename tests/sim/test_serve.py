"""The film of the served camera, and how the drivers take it."""

import asyncio
import http.server
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest

from sewcell.drivers.devices.camera import CameraSettings, CaptureSource
from sewcell.drivers.devices.camera_settings import list_properties
from sewcell.errors import LinkError
from sim.camera.matroska import encode_film_header, encode_picture

pytestmark = pytest.mark.slow

SIZE = (65, 48)


class Film:
    """A camera over HTTP. `paint` makes a picture of its number; without it, the number stands in every pixel."""

    def __init__(self, period=0.05, delay=0.0, paint=lambda number: np.full((SIZE[1], SIZE[0], 3), number, np.uint8)):
        self.period, self.delay, self.paint = period, delay, paint
        self.clock_shift = 0.0
        self.pictures = []
        self.broken = threading.Event()
        film = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                film.send(self.wfile)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/film.mkv"

    def send(self, file):
        try:
            file.write(encode_film_header(*SIZE))
            while not self.broken.wait(self.period):
                exposed, number = time.monotonic(), len(self.pictures) % 256
                self.pictures.append(exposed)
                time.sleep(self.delay)
                file.write(encode_picture(self.paint(number), exposed + self.clock_shift))
        except OSError:
            pass

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def film():
    film = Film()
    yield film
    film.close()


def grab_all(settings, pictures, between=lambda: None):
    async def main():
        camera = CaptureSource("overhead", settings)
        taken = []
        try:
            for _ in range(pictures):
                asked = asyncio.get_running_loop().time()
                taken.append((asked, await camera.grab()))
                between()
            return taken, camera.health
        finally:
            await camera.close()

    return asyncio.run(main())


def test_pictures_pass_the_film_without_loss():
    pixels = np.random.default_rng(1).integers(0, 256, (48, 65, 3), dtype=np.uint8)
    film = Film(paint=lambda number: pixels)
    taken, _ = grab_all(CameraSettings(film.url, SIZE), 1)
    assert np.array_equal(taken[0][1].pixels, pixels)
    film.close()


def test_a_picture_was_exposed_after_it_was_asked_for(film):
    film.delay = 0.03
    taken, health = grab_all(CameraSettings(film.url, SIZE, latency=0.03), 5)
    for asked, image in taken:
        exposed = film.pictures[int(image.pixels[5, 5, 0])]
        assert exposed >= asked
        assert image.taken_at == pytest.approx(exposed, abs=0.05)
    assert health.pictures >= 5


def test_a_picture_that_was_held_up_on_its_way_is_not_taken_for_a_new_one(film):
    def hold_up():
        film.delay = 1.1
        time.sleep(0.2)

    _, (asked, image) = grab_all(CameraSettings(film.url, SIZE), 2, hold_up)[0]
    exposed = film.pictures[int(image.pixels[5, 5, 0])]
    assert exposed >= asked
    assert image.taken_at == pytest.approx(exposed, abs=0.05)


def test_a_camera_whose_clock_starts_anew_goes_on_giving_pictures(film):
    def set_back():
        film.clock_shift -= 20.0

    taken, health = grab_all(CameraSettings(film.url, SIZE, timeout=2.0), 2, set_back)
    assert len(taken) == 2
    assert health.reconnections == 0


def test_a_camera_that_comes_back_is_opened_again(film):
    def pull():
        film.broken.set()
        time.sleep(0.3)
        film.broken.clear()

    taken, health = grab_all(CameraSettings(film.url, SIZE), 2, pull)
    assert len(taken) == 2
    assert health.reconnections >= 1


def test_lost_pictures_are_counted(film):
    def stall():
        film.delay = 0.25
        time.sleep(0.3)
        film.delay = 0.0

    def settle_then_stall():
        time.sleep(0.4)
        stall()

    _, health = grab_all(CameraSettings(film.url, SIZE), 2, settle_then_stall)
    assert health.lost >= 1


def test_a_camera_of_another_size_is_refused(film):
    with pytest.raises(LinkError, match=r"gives pictures of 65 x 48 px, the camera file says 640 x 480"):
        grab_all(CameraSettings(film.url, (640, 480)), 1)


def test_a_camera_that_nobody_serves_is_named():
    with pytest.raises(LinkError, match=r"camera overhead \(http://127.0.0.1:1/film\) cannot be opened"):
        grab_all(CameraSettings("http://127.0.0.1:1/film"), 1)


def test_settings_reach_the_camera_in_its_own_units():
    settings = CameraSettings(0, (640, 480), "v4l2", frame_rate=15.0, exposure=8e-3, gain=2.0)
    assert {prop: value for prop, value, _ in list_properties(settings)} == {
        cv2.CAP_PROP_FRAME_WIDTH: 640.0,
        cv2.CAP_PROP_FRAME_HEIGHT: 480.0,
        cv2.CAP_PROP_FPS: 15.0,
        cv2.CAP_PROP_AUTO_EXPOSURE: 1.0,  # V4L2_EXPOSURE_MANUAL
        cv2.CAP_PROP_EXPOSURE: 80,  # in units of 100 us
        cv2.CAP_PROP_GAIN: 2.0,
    }


def test_an_exposure_that_a_camera_does_not_take_is_refused_by_name(film):
    with pytest.raises(LinkError, match="does not take an exposure of 8 ms"):
        grab_all(CameraSettings(film.url, SIZE, exposure=8e-3), 1)


def test_a_missing_gstreamer_is_told():
    if cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
        pytest.skip("this OpenCV has GStreamer")
    with pytest.raises(LinkError, match="no GStreamer"):
        grab_all(CameraSettings("videotestsrc ! appsink", api="gstreamer"), 1)


def test_serving_nowhere_is_refused_with_what_to_say():
    finished = subprocess.run([sys.executable, "-m", "sim", "serve"], capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert "--pty DIR, --tcp PORT" in finished.stdout
