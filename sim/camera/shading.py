"""The light that each pixel receives: colour, texture, lamp and shadow of what is seen there."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.camera.lens import ray_of_pixel
from sim.camera.rasteriser import ALL, BASE, PATTERNS, SAMPLES, pattern_of_pixel
from sim.camera.shadows import lamp_share
from sim.camera.textures import tint, turn_of_pixel

Array = NDArray[np.float64]
Picture = NDArray[np.float32]

GROUND = 5e-5
"""Surfaces this near to z = 0 [m] receive the exact shadow of cloth."""
GLOSS = np.array([0.10, 0.0, 0.03, 0.30])
"""Strength of the highlight by texture: plain, weave, wood, metal."""
SQUARINGS = np.array([5, 0, 4, 5])
"""Sharpness of the highlight: its cosine is raised to 2^n (J. Blinn 1977)."""


@njit(cache=True, error_model="numpy", forceinline=True)
def _shade_point(
    t: int,
    u: float,
    v: float,
    screen: Array,
    nearness: Array,
    corners: Array,
    colours: Array,
    m: int,
    texture: int,
    light: Array,
    camera: Array,
    out: Array,
) -> None:
    """Surface of triangle `t` at pixel (u, v).

    `out` (13,): light of room (3), light of lamp (3), point (3), cosine between normal and lamp, 1 where level with the
    ground, how the surface climbs across the shadow map (2).
    """
    ax, ay = screen[t, 0, 0], screen[t, 0, 1]
    bx, by = screen[t, 1, 0], screen[t, 1, 1]
    cx, cy = screen[t, 2, 0], screen[t, 2, 1]
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    wa = max(0.0, ((bx - u) * (cy - v) - (by - v) * (cx - u)) / area) * nearness[t, 0]
    wb = max(0.0, ((cx - u) * (ay - v) - (cy - v) * (ax - u)) / area) * nearness[t, 1]
    wc = max(0.0, ((ax - u) * (by - v) - (ay - v) * (bx - u)) / area) * nearness[t, 2]
    total = wa + wb + wc
    if total <= 0.0:
        wa = total = 1.0
    wa, wb, wc = wa / total, wb / total, wc / total
    px = wa * corners[t, 0, 0] + wb * corners[t, 1, 0] + wc * corners[t, 2, 0]
    py = wa * corners[t, 0, 1] + wb * corners[t, 1, 1] + wc * corners[t, 2, 1]
    pz = wa * corners[t, 0, 2] + wb * corners[t, 1, 2] + wc * corners[t, 2, 2]
    nx = wa * corners[t, 0, 3] + wb * corners[t, 1, 3] + wc * corners[t, 2, 3]
    ny = wa * corners[t, 0, 4] + wb * corners[t, 1, 4] + wc * corners[t, 2, 4]
    nz = wa * corners[t, 0, 5] + wb * corners[t, 1, 5] + wc * corners[t, 2, 5]
    length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
    nx, ny, nz = nx / length, ny / length, nz / length
    ex, ey, ez = camera[9] - px, camera[10] - py, camera[11] - pz
    distance = np.sqrt(ex * ex + ey * ey + ez * ez)
    ex, ey, ez = ex / distance, ey / distance, ez / distance
    value, warmth = 1.0, 0.0
    if texture > 0:
        tu = wa * corners[t, 0, 6] + wb * corners[t, 1, 6] + wc * corners[t, 2, 6]
        tv = wa * corners[t, 0, 7] + wb * corners[t, 1, 7] + wc * corners[t, 2, 7]
        if np.isnan(tu):
            tu, tv = (px, py) if abs(nz) > 0.7 else (px + py, pz)
        slant = max(0.25, abs(nx * ex + ny * ey + nz * ez))
        value, warmth = tint(texture, tu, tv, distance / (camera[12] * np.sqrt(slant)))
    facing = nx * light[0] + ny * light[1] + nz * light[2]
    hx, hy, hz = ex + light[0], ey + light[1], ez + light[2]
    half = (nx * hx + ny * hy + nz * hz) / np.sqrt(hx * hx + hy * hy + hz * hz + 1e-12)
    lamp = light[3] * max(0.0, facing)
    shine = max(0.0, half)
    for _ in range(SQUARINGS[texture]):
        shine *= shine
    shine *= light[3] * GLOSS[texture] if facing > 0.0 else 0.0
    room = light[4] * (0.7 + 0.3 * nz)
    for k in range(3):
        base = max(0.0, colours[m, k] * value * (1.0 - 0.5 * k * warmth))
        out[k] = base * room
        out[3 + k] = base * lamp + shine
    out[6], out[7], out[8] = px, py, pz
    out[9] = facing
    out[10] = 1.0 if abs(pz) < GROUND else 0.0
    if facing > 0.0:
        out[11], out[12] = -nx * light[2] / facing, -ny * light[2] / facing


@njit(cache=True, error_model="numpy")
def shade(
    x0: int,
    y0: int,
    triangle: NDArray[np.int32],
    nearest: Picture,
    slot: NDArray[np.int32],
    sample_triangle: NDArray[np.int32],
    sample_nearness: Picture,
    screen: Array,
    nearness: Array,
    corners: Array,
    mesh: NDArray[np.int32],
    colours: Array,
    textures: NDArray[np.int64],
    two_sided: NDArray[np.bool_],
    light: Array,
    camera: Array,
    lens: Array,
    heights: Picture,
    hulls: Picture,
    frame: Array,
    base_heights: Picture,
    base_hulls: Picture,
    base_frame: Array,
    ground: NDArray[np.uint32],
    picture: Picture,
    lamp_part: Picture,
) -> None:
    """Write the light of every pixel into `picture` (h, w, 3) red, green, blue, where the base layer's light stands.

    `lamp_part` (h, w): the share of the picture's light that comes from the lamp; `nearest` becomes the mean of the
    samples. `light` (5,): direction, key, ambient. `camera` (13,): R_camera_base, optical centre in base, focal
    length [px]. `heights`, `hulls`, `frame`: shadow map of this layer; `base_*` of the layer below. `ground`: see
    `cover_ground`.
    """
    h, w = triangle.shape
    rays = ground.shape[0] if ground.shape[1] == h and ground.shape[2] == w else 0
    out = np.zeros(13)
    total = np.zeros(5)
    for y in range(h):
        for x in range(w):
            s = slot[y, x]
            if s < 0 and triangle[y, x] == BASE:
                shaded = False
                for r in range(rays):
                    shaded = shaded or ground[r, y, x] != 0
                if nearest[y, x] <= 0.0 or (hulls.shape[0] == 1 and not shaded):
                    continue
            pattern = PATTERNS[pattern_of_pixel(x + x0, y + y0) if s >= 0 else 0]
            turn = turn_of_pixel(x + x0, y + y0)
            for k in range(5):
                total[k] = 0.0
            done = 0
            for i in range(SAMPLES if s >= 0 else 1):
                if done >> i & 1:
                    continue
                t = sample_triangle[s, i] if s >= 0 else triangle[y, x]
                members, count, du, dv = ALL, SAMPLES, 0.0, 0.0
                near = float(nearest[y, x])
                if s >= 0:
                    members, count, near = 0, 0, 0.0
                    for j in range(i, SAMPLES):
                        if sample_triangle[s, j] == t:
                            members |= 1 << j
                            count += 1
                            du += pattern[j, 0]
                            dv += pattern[j, 1]
                            near += sample_nearness[s, j]
                    du, dv, near = du / count, dv / count, near / count
                done |= members
                weight = count / SAMPLES
                total[4] += weight * near
                u, v = x + x0 + du, y + y0 + dv
                seen = 1.0
                flat = False
                if t == BASE:
                    whole = lamp_part[y, x]
                    for k in range(3):
                        out[k] = picture[y, x, k] * (1.0 - whole)
                        out[3 + k] = picture[y, x, k] * whole
                    if near > 0.0 and whole > 0.0:
                        rx, ry = ray_of_pixel(u, v, lens, 4)
                        for k in range(3):
                            out[6 + k] = camera[9 + k] + (camera[k] * rx + camera[3 + k] * ry + camera[6 + k]) / near
                        flat = abs(out[8]) < GROUND
                        seen = lamp_share(heights, hulls, frame, out[6], out[7], out[8], 0.0, 0.0, turn)
                else:
                    m = mesh[t]
                    _shade_point(t, u, v, screen, nearness, corners, colours, m, textures[m], light, camera, out)
                    flat = out[10] > 0.0 and not two_sided[m]
                    if out[9] > 0.0:
                        x3, y3, z3, rx, ry = out[6], out[7], out[8], out[11], out[12]
                        seen = lamp_share(heights, hulls, frame, x3, y3, z3, rx, ry, turn)
                        seen *= lamp_share(base_heights, base_hulls, base_frame, x3, y3, z3, rx, ry, turn)
                if flat and rays > 0:
                    covered = 0
                    for r in range(rays):
                        both = int(ground[r, y, x]) & members
                        while both:
                            both &= both - 1
                            covered += 1
                    seen *= 1.0 - covered / (rays * count)
                for k in range(3):
                    total[k] += weight * (out[k] + seen * out[3 + k])
                total[3] += weight * seen * (out[3] + out[4] + out[5])
            light_sum = total[0] + total[1] + total[2]
            lamp_part[y, x] = total[3] / light_sum if light_sum > 0.0 else 0.0
            nearest[y, x] = total[4]
            for k in range(3):
                picture[y, x, k] = total[k]
