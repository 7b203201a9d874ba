"""The lights of a room: its windows, ceiling lights and lamps, as point sets on their surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.rooms.room import Room

Float = NDArray[np.float64]
SKY = (5.2, 5.8, 6.8)
CEILING = (30.0, 27.5, 24.0)


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """Points (N, 3) that stand for a surface of ``area`` m² with a radiance.

    ``normal`` is the side it shines to, None for all; shadow rays stop ``skin`` metres short, so
    that a lamp's own shade does not hide it.
    """

    points: Float
    area: float
    radiance: tuple[float, float, float]
    normal: tuple[float, float, float] | None = None
    skin: float = 0.02


def lights_of(room: Room) -> tuple[Light, ...]:
    """All lights of a room, as bright as its lighting says."""
    day, lamps = room.lighting.day, room.lighting.lamps
    lights: list[Light] = []
    for q in room.placed:
        depth, width, height = q.model.size
        if q.model.category == "window":
            ahead = np.array([np.cos(q.yaw), np.sin(q.yaw), 0.0])
            left = np.array([-ahead[1], ahead[0], 0.0])
            centre = np.array([q.x, q.y, q.z + height / 2]) + ahead * (depth / 2 + 0.01)
            lights.append(_window(centre, left * width, height, ahead, _times(SKY, day)))
        if q.model.category == "ceiling light":
            lights.append(_ceiling(np.array([q.x, q.y, q.z - 0.01]), width * 0.45, lamps))
        for lamp in q.model.lamps:
            x, y = q.point(lamp.x, lamp.y)
            centre = np.array([x, y, q.z + lamp.z])
            points = centre + lamp.radius * _sphere(6)
            lights.append(
                Light(
                    points,
                    np.pi * lamp.radius**2,
                    _times(lamp.radiance, lamps),
                    skin=3.2 * lamp.radius,
                )
            )
    return tuple(lights)


def _window(
    centre: Float, across: Float, height: float, ahead: Float, radiance: tuple[float, float, float]
) -> Light:
    columns, rows = 4, 3
    u = (np.arange(columns) + 0.5) / columns - 0.5
    v = (np.arange(rows) + 0.5) / rows - 0.5
    points = [centre + a * across + np.array([0, 0, b * height]) for a in u for b in v]
    area = float(np.linalg.norm(across)) * height
    facing = (float(ahead[0]), float(ahead[1]), 0.0)
    return Light(np.array(points), area, radiance, facing)


def _times(radiance: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    r, g, b = radiance
    return r * factor, g * factor, b * factor


def _ceiling(centre: Float, radius: float, lamps: float) -> Light:
    angle = np.arange(8) * 2.39996
    r = radius * np.sqrt((np.arange(8) + 0.5) / 8)
    points = centre + np.stack([r * np.cos(angle), r * np.sin(angle), 0 * r], axis=1)
    return Light(points, np.pi * radius**2, _times(CEILING, lamps), (0.0, 0.0, -1.0))


def _sphere(count: int) -> Float:
    """Points spread over the unit sphere (a Fibonacci spiral)."""
    z = 1 - 2 * (np.arange(count) + 0.5) / count
    angle = np.arange(count) * 2.39996
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=1)
