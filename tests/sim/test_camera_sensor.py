"""The simulated sensor: its noise has the statistics that it is told to have."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.camera.sensor import Sensor


def grey(level: float, size: tuple[int, int] = (300, 400)) -> NDArray[np.float32]:
    return np.full((*size, 3), level, dtype=np.float32)


def test_noise_at_mid_grey_has_the_given_spread_and_no_mean() -> None:
    sensor = Sensor(noise=2.0, blur_px=0.6, white=256.0, vignetting=0.0)
    pixels = sensor.expose(grey(0.5), np.random.default_rng(3)).astype(float)
    assert pixels.mean() == pytest.approx(128.0, abs=0.02)
    assert pixels.std() == pytest.approx(np.sqrt(2.0**2 + 1.0 / 12.0), rel=0.02)  # and that of rounding


def test_noise_grows_with_the_light_and_does_not_vanish_in_the_dark() -> None:
    sensor = Sensor(noise=3.0, white=256.0, vignetting=0.0)
    spread = [sensor.expose(grey(g), np.random.default_rng(3)).std() for g in (0.1, 0.4, 0.7)]
    assert 1.5 < spread[0] < spread[1] < spread[2]


def test_noise_of_neighbouring_pixels_and_of_colours_is_independent() -> None:
    pixels = Sensor(white=256.0, vignetting=0.0).expose(grey(0.5), np.random.default_rng(5)).astype(float)
    flat = pixels - pixels.mean(axis=(0, 1))
    along = np.corrcoef(flat[:, :-1, 0].ravel(), flat[:, 1:, 0].ravel())[0, 1]
    between = np.corrcoef(flat[:, :, 0].ravel(), flat[:, :, 1].ravel())[0, 1]
    assert abs(along) < 0.015
    assert abs(between) < 0.015


def test_the_same_seed_gives_the_same_picture_and_another_seed_another() -> None:
    sensor = Sensor()
    first, same, other = (sensor.expose(grey(0.5), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_exposure_scales_the_levels_and_bright_light_saturates() -> None:
    rng = np.random.default_rng(1)
    half = Sensor(noise=0.0, white=200.0, exposure=0.92, vignetting=0.0).expose(grey(0.5), rng)
    assert np.all(half == 92)
    assert np.all(Sensor(noise=0.0, exposure=3.0, vignetting=0.0).expose(grey(0.9), rng) == 255)


def test_corners_are_darker_by_the_vignetting() -> None:
    pixels = Sensor(noise=0.0, white=250.0, vignetting=0.2).expose(grey(0.8), np.random.default_rng(1))
    assert pixels[150, 200, 0] == 200
    assert pixels[0, 0, 0] == 160


def test_red_light_comes_last_in_a_pixel() -> None:
    light = grey(0.0)
    light[:, :, 0] = 0.8
    pixels = Sensor(noise=0.0, white=250.0).expose(light, np.random.default_rng(1))
    assert pixels[150, 200].tolist() == [0, 0, 200]


def test_blur_keeps_the_place_of_an_edge() -> None:
    light = grey(0.2)
    light[:, 200:] = 0.8
    pixels = Sensor(noise=0.0, blur_px=1.5, white=250.0, vignetting=0.0).expose(light, np.random.default_rng(1))
    row = pixels[150, :, 0].astype(float)
    assert 20 < row[200] - row[199] < 80
    assert (row[200] + row[199]) / 2.0 == pytest.approx(125.0, abs=1.0)
