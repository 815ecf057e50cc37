"""The simulated camera as a source of pictures, and the overview for people."""

import asyncio

import numpy as np
import pytest

from sewcell.errors import LinkError
from sewcell.geometry.poses import make_pose
from sim.camera.lens import View
from sim.camera.mesh import Mesh
from sim.camera.overview import Overview, look_at
from sim.camera.primitives import make_capsule, make_grid, place_mesh
from sim.camera.renderer import make_light
from sim.camera.sensor import Sensor
from sim.camera.source import RenderedCamera

VIEW = View(
    (200, 150),
    np.array([[400.0, 0.0, 100.0], [0.0, 400.0, 75.0], [0.0, 0.0, 1.0]]),
    np.zeros(5),
    make_pose((0.0, 0.0, 1.0), (np.pi, 0.0, 0.0)),
)
TABLE = make_grid("table", (-0.5, -0.5), (0.5, 0.5), 0.0, (0.5, 0.4, 0.3), "wood")
BALL = make_capsule("ball", (0.0, 0.0, 0.05), (0.0, 0.0, 0.05), 0.04, (0.1, 0.2, 0.9))


def make_camera(world: list[Mesh], latency: float = 0.0) -> RenderedCamera:
    return RenderedCamera("overhead", lambda: world, VIEW, make_light(), Sensor(), latency, np.random.default_rng(4))


def test_a_picture_shows_the_world_at_the_time_of_exposure() -> None:
    async def look() -> None:
        world = [TABLE, BALL]
        camera = make_camera(world, latency=1e-3)
        before = asyncio.get_running_loop().time()
        delivery = asyncio.create_task(camera.grab())
        await asyncio.sleep(0)
        world[1] = place_mesh(BALL, make_pose((0.15, 0.0, 0.0)))
        early, late = await delivery, await camera.grab()
        assert early.pixels.shape == (150, 200, 3)
        assert early.camera == "overhead"
        assert before <= early.taken_at < late.taken_at
        assert early.pixels[75, 100, 0] > 2 * early.pixels[75, 100, 2]  # the blue ball is there
        assert late.pixels[75, 100, 0] < late.pixels[75, 100, 2]  # and has gone
        assert late.pixels[75, 162, 0] > 2 * late.pixels[75, 162, 2]

    asyncio.run(look())


def test_an_unplugged_or_closed_camera_gives_no_picture_and_says_which() -> None:
    async def look() -> None:
        camera = make_camera([TABLE])
        camera.connected = False
        with pytest.raises(LinkError, match="camera 'overhead' gives no picture"):
            await camera.grab()
        camera.connected = True
        await camera.grab()
        await camera.close()
        with pytest.raises(LinkError):
            await camera.grab()

    asyncio.run(look())


def test_two_cameras_with_the_same_seed_take_the_same_pictures() -> None:
    async def look() -> None:
        for _ in range(2):
            first, second = await one.grab(), await other.grab()
            assert np.array_equal(first.pixels, second.pixels)

    one, other = make_camera([TABLE, BALL]), make_camera([TABLE, BALL])
    asyncio.run(look())


def test_the_overview_looks_at_its_target_with_the_sky_on_top() -> None:
    view = look_at((1.0, -1.0, 0.8), (0.1, 0.0, 0.1), (320, 180))
    np.testing.assert_allclose(view.project([[0.1, 0.0, 0.1]])[0], (159.5, 89.5), atol=1e-9)
    assert view.project([[0.1, 0.0, 0.3]])[0, 1] < 89.5
    np.testing.assert_allclose(view.eye, (1.0, -1.0, 0.8), atol=1e-12)


def test_a_fine_overview_shows_the_same_as_a_plain_one() -> None:
    view = look_at((0.6, -0.6, 0.5), (0.0, 0.0, 0.0), (320, 180))
    plain, fine = (Overview(view, fine).draw([TABLE, BALL]).astype(float) for fine in (False, True))
    assert plain.shape == fine.shape
    assert np.abs(plain - fine).mean() < 3.0
    assert np.abs(plain[50:130, 100:220].mean(axis=(0, 1)) - fine[50:130, 100:220].mean(axis=(0, 1))).max() < 1.0
