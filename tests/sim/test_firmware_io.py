"""The emulated gripper and I/O module keeps to docs/protocols/io.md."""

import pytest

from sim.firmware.io_module import HEARTBEAT, LIGHT_TOWER, LOADER_REQUEST, PINS, RED, VACUUM, IoModule
from sim.plant import Plant

INPUTS, HEARTBEAT_ECHO, PLY_THICKNESS, LOADER_ECHO = 2, 4, 5, 6


def bit(io: IoModule, place: int, now: float) -> bool:
    return bool(io.read_inputs(now)[INPUTS] >> place & 1)


def test_the_pins_take_sixty_milliseconds_each_way():
    plant = Plant()
    io = IoModule(plant)
    io.write(PINS, [1], 1.0)
    io.update(1.03)
    assert plant.pins_out == pytest.approx(0.5)
    assert not bit(io, 2, 1.03)
    assert not bit(io, 3, 1.03)
    io.write(PINS, [1], 1.04)  # repeating the command changes nothing
    io.update(1.0601)
    assert plant.pins_out == 1.0
    assert bit(io, 2, 1.0601)
    io.write(PINS, [0], 2.0)
    io.update(2.0601)
    assert plant.pins_out == 0.0
    assert bit(io, 3, 2.0601)


def test_turning_back_in_the_middle_of_the_stroke_takes_the_time_of_the_way_back():
    plant = Plant()
    io = IoModule(plant)
    io.write(PINS, [1], 0.0)
    io.write(PINS, [0], 0.03)
    io.update(0.045)
    assert plant.pins_out == pytest.approx(0.25)
    io.update(0.0601)
    assert plant.pins_out == 0.0


def test_held_fabric_is_seen_twenty_milliseconds_later():
    plant = Plant()
    io = IoModule(plant)
    plant.ply_thickness = 0.3e-3
    io.update(1.0)
    assert io.read_inputs(1.019)[PLY_THICKNESS] == 0
    assert io.read_inputs(1.021)[PLY_THICKNESS] == 30
    assert bit(io, 4, 1.021)
    plant.ply_thickness = 0.0
    io.update(1.5)
    assert io.read_inputs(1.519)[PLY_THICKNESS] == 30
    assert io.read_inputs(1.521)[PLY_THICKNESS] == 0
    assert not bit(io, 4, 1.521)


def test_loader_and_safety_chain_are_what_the_plant_says():
    plant = Plant()
    io = IoModule(plant)
    io.write(LOADER_REQUEST, [7], 0.0)
    assert plant.loader_request == 7
    plant.loader_echo = 7
    plant.loader_ready = True
    assert io.read_inputs(0.5)[LOADER_ECHO] == 7
    assert bit(io, 5, 0.5)
    plant.emergency_stop_released = False
    plant.door_closed = False
    assert not bit(io, 0, 0.6)
    assert not bit(io, 1, 0.6)


def test_vacuum_is_reached_two_hundred_milliseconds_after_it_is_switched_on():
    io = IoModule(Plant())
    assert not bit(io, 6, 1.0)
    io.write(VACUUM, [1], 1.0)
    io.write(VACUUM, [1], 1.1)
    assert not bit(io, 6, 1.19)
    assert bit(io, 6, 1.21)
    io.write(VACUUM, [0], 1.3)
    assert not bit(io, 6, 1.3)


def test_without_heartbeat_the_tower_is_red_and_the_pins_stay_as_they_are():
    plant = Plant()
    io = IoModule(plant)
    io.write(HEARTBEAT, [1, 1, 0, 4], 1.0)
    assert io.read_inputs(1.0)[HEARTBEAT_ECHO] == 1
    io.update(1.2)
    assert io.light_tower(1.2) == 4
    io.write(HEARTBEAT, [1], 1.25)  # written, but not changed
    io.update(1.31)
    assert io.light_tower(1.31) == RED
    assert plant.pins_out == 1.0
    io.write(HEARTBEAT, [2], 2.0)
    assert io.light_tower(2.0) == 4
    assert io.read_holdings()[LIGHT_TOWER] == 4
