"""The world in a process of its own, which may fall behind the controllers but never holds them up.

The controllers must answer on time, while a step of the cloth takes as long as it takes on a busy computer. So the
controllers' process notes every step's commands, and the world works them off at its own pace: what it does depends on
the commands only, not on when it does it. Its sensors and pictures come as late as it is behind.
"""

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from sewcell.drivers.transport.urgency import may_hurry
from sewcell.pattern.piece import Piece
from sim.camera.mesh import Mesh
from sim.plant import Plant
from sim.truth import Truth
from sim.world.mishaps import Mishap
from sim.world.parameters import WorldParameters
from sim.world.world import World

KINDNESS = 5
"""By how much it gives way to the controllers and to the host where these may not go before other programs."""
ENDING = 10.0
"""Longest time that the world may take to catch up at the end [s]."""

Changes = dict[str, Any]
"""Values of the plant's wires by name."""


@dataclass(frozen=True, slots=True)
class Step:
    """Advance by `dt` [s], after the commands have changed; `at`: when the controllers did, on the monotonic clock."""

    dt: float
    at: float
    changes: Changes


@dataclass(frozen=True, slots=True)
class End:
    """Tell the truth and end."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The surfaces at one moment. `order`: their keys. `new`: those that the asker does not have yet."""

    order: Sequence[int]
    new: Mapping[int, Mesh]


class _Wires:
    """A plant whose other half is in another process."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self._known = {field.name: _copy(getattr(plant, field.name)) for field in fields(Plant)}

    def take_changes(self) -> Changes:
        """What this side has changed since the last look."""
        changed = {
            name: _copy(value)
            for name, known in self._known.items()
            if not np.array_equal(value := getattr(self.plant, name), known)
        }
        self._known.update(changed)
        return changed

    def apply(self, changes: Changes) -> None:
        """What the other side has changed."""
        for name, value in changes.items():
            setattr(self.plant, name, _copy(value))
        self._known.update(changes)


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


class RemoteWorld:
    """Stands for a `World` in the controllers' process. `scenes`: the end of the pipe for whoever draws the world.

    `plant` and `truth` are kept up to date: the plant as steps are made, the truth when the world is closed.
    """

    def __init__(
        self, parameters: WorldParameters, piece: Piece, piece_count: int, seed: int, plant: Plant, truth: Truth
    ) -> None:
        self._wires = _Wires(plant)
        self._truth = truth
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self.scenes, camera = context.Pipe()
        self._process = context.Process(
            target=_run_world,
            args=(theirs, camera, parameters, piece, piece_count, seed),
            name="world",
            daemon=True,
        )
        self._process.start()
        theirs.close()
        camera.close()
        self._receive()
        self._to_send: queue.SimpleQueue[Step | Mishap | End | None] = queue.SimpleQueue()
        self._sender = threading.Thread(target=self._send_forever, name="to the world", daemon=True)
        self._sender.start()

    def step(self, dt: float) -> None:
        """Have the world make a step; takes over what its sensors tell by now. Raises: RuntimeError when it is gone."""
        while self._line.poll():
            self._wires.apply(self._receive())
        self._to_send.put(Step(dt, time.monotonic(), self._wires.take_changes()))

    def meshes(self) -> list[Mesh]:
        """Nothing: who draws the world asks it by `scenes`."""
        return []

    def suffer(self, mishap: Mishap) -> None:
        """It happens at the end of the steps that are ordered by now."""
        self._to_send.put(mishap)

    def close(self) -> None:
        """Let the world catch up, learn the truth, end it. May be repeated."""
        if not self._process.is_alive():
            return
        self._to_send.put(End())
        deadline = time.monotonic() + ENDING
        while self._line.poll(max(0.0, deadline - time.monotonic())):
            told = self._receive()
            if isinstance(told, Truth):
                for field in fields(Truth):
                    setattr(self._truth, field.name, getattr(told, field.name))
                break
        self._to_send.put(None)
        self._process.terminate()
        self._process.join()
        self.scenes.close()

    def _receive(self) -> Any:
        try:
            told = self._line.recv()
        except (EOFError, ConnectionResetError):
            told = "its process has ended"
        if isinstance(told, str):
            raise RuntimeError(f"the simulated world has broken down: {told}")
        return told

    def _send_forever(self) -> None:
        try:
            while (message := self._to_send.get()) is not None:
                self._line.send(message)
        except (BrokenPipeError, ConnectionResetError):
            return


def _run_world(
    controllers: Connection, camera: Connection, parameters: WorldParameters, piece: Piece, count: int, seed: int
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not may_hurry():
        os.nice(KINDNESS)
    try:
        _Worker(controllers, camera, parameters, piece, count, seed).run()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except RuntimeError as error:
        controllers.send(str(error))


class _Worker:
    """The world's process."""

    def __init__(
        self,
        controllers: Connection,
        camera: Connection,
        parameters: WorldParameters,
        piece: Piece,
        count: int,
        seed: int,
    ) -> None:
        self._controllers = controllers
        self._camera: Connection | None = camera
        self._truth = Truth()
        self._wires = _Wires(Plant())
        self._world = World(parameters, piece, count, seed, self._wires.plant, self._truth)
        self._asked: float | None = None
        self._shown: dict[int, Mesh] = {}

    def run(self) -> None:
        """Work until the end, or until the controllers' process has gone."""
        self._controllers.send({})
        while True:
            message = self._controllers.recv()
            match message:
                case Step():
                    self._wires.apply(message.changes)
                    self._world.step(message.dt)
                    if changes := self._wires.take_changes():
                        self._controllers.send(changes)
                    self._answer_camera(message.at)
                case Mishap():
                    self._world.suffer(message)
                case End():
                    self._controllers.send(self._truth)
                    self._world.close()
                    return

    def _answer_camera(self, now: float) -> None:
        """Show the world once it has come to the moment that the camera asked for."""
        if self._camera is None:
            return
        try:
            if self._asked is None and self._camera.poll():
                self._asked = self._camera.recv()
            if self._asked is not None and self._asked <= now:
                self._asked = None
                self._camera.send(self._describe())
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self._camera = None

    def _describe(self) -> Scene:
        # Resting bodies are the same objects in every call; held here, so that no other takes over the number of one.
        meshes = {id(mesh): mesh for mesh in self._world.meshes()}
        new = {key: mesh for key, mesh in meshes.items() if key not in self._shown}
        self._shown = meshes
        return Scene(list(meshes), new)
