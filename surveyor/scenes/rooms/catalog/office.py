"""Screens, computers and office things."""

from __future__ import annotations

import numpy as np

from surveyor.scenes.rooms.catalog.model import Assembly, CatalogEntry, Model
from surveyor.scenes.rooms.shapes import (
    box,
    cylinder,
    facing_front,
    facing_up,
    joined,
    lathe,
    rotation,
    tube,
)
from surveyor.scenes.rooms.surfaces.materials import Material, Paints

SIDES = (-1, 1)


def live_screen(p: Paints) -> Material:
    """A working display."""
    return Material("screen", "#16324f", 1.0, 0.04, 0.15, glow=1.1, variant=p.variant(6))


def tv(p: Paints) -> Model:
    """A flat television on two feet, on or off."""
    a, black = Assembly("tv"), p.paint("black", rough=0.25)
    width = p.rng.uniform(0.9, 1.35)
    height, on = width * 0.57, p.variant(4) == 0
    screen = (
        Material("art", "#000000", 1.0, 0.04, 0.1, glow=1.0, variant=p.variant(6))
        if on
        else p.glass()
    )
    a.add(box(0.04, width, height, 0.008), black, z=0.06 + height / 2)
    a.add(facing_front(width - 0.03, height - 0.03), screen, 0.0205, 0, 0.06 + height / 2)
    for side in SIDES:
        a.add(box(0.2, 0.03, 0.012), black, 0, side * width * 0.3, 0.006)
        a.add(box(0.025, 0.025, 0.08), black, 0, side * width * 0.3, 0.045)
    return a.done(black, state="on" if on else "off")


def monitor(p: Paints) -> Model:
    """A computer screen on a stand."""
    a, black = Assembly("monitor"), p.paint("black", "black", "silver", rough=0.3)
    width = p.rng.uniform(0.5, 0.68)
    height, on = width * 0.57, p.variant(5) > 0
    lift = p.rng.uniform(0.1, 0.15)
    a.add(box(0.028, width, height, 0.006), black, z=lift + height / 2)
    a.add(
        facing_front(width - 0.02, height - 0.02),
        live_screen(p) if on else p.glass(),
        0.0145,
        0,
        lift + height / 2,
    )
    a.add(box(0.025, 0.05, lift + height * 0.3, 0.006), black, -0.03, 0, (lift + height * 0.3) / 2)
    a.add(box(0.18, 0.24, 0.012, 0.005), black, -0.02, 0, 0.006)
    return a.done(black, state="on" if on else "off")


def keyboard(p: Paints) -> Model:
    """A full-size keyboard."""
    a, body = Assembly("keyboard"), p.paint("black", "white", "silver")
    dark = body.word == "black"
    keys = Material(
        "keys",
        "#232427" if dark else "#e4e4e0",
        1.0,
        0.03,
        0.4,
        second="#e8e8e8" if dark else "#303236",
    )
    a.add(box(0.145, 0.44, 0.018, 0.004), body, z=0.009)
    a.add(facing_up(0.13, 0.424), keys, 0, 0, 0.0187)
    return a.done(body)


def mouse(p: Paints) -> Model:
    """A computer mouse."""
    a, body = Assembly("computer mouse"), p.paint("black", "white", "gray")
    shape = box(0.11, 0.064, 0.038, 0.018, 3)
    a.add(shape, body, z=0.019)
    a.add(
        cylinder(0.008, 0.008, sides=10).turned(rotation(x=np.pi / 2)),
        p.paint("gray"),
        0.03,
        0.004,
        0.036,
    )
    return a.done(body)


def laptop(p: Paints) -> Model:
    """An open laptop; the front is where its user sits."""
    a, shell = Assembly("laptop"), p.metal("silver", "black", "gray")
    keys = Material("keys", "#1c1d20", 1.0, 0.03, 0.4, second="#d8d8d8")
    a.add(box(0.23, 0.33, 0.015, 0.004), shell, z=0.0075)
    a.add(facing_up(0.11, 0.28), keys, -0.02, 0, 0.0157)
    lean = rotation(y=-0.3)
    lid = box(0.008, 0.33, 0.22, 0.003).moved(z=0.11).turned(lean)
    a.add(lid, shell, -0.112, 0, 0.014)
    a.add(
        facing_front(0.31, 0.195).moved(0.0043, 0, 0.11).turned(lean),
        live_screen(p),
        -0.112,
        0,
        0.014,
    )
    return a.done(shell, state="open")


def computer_tower(p: Paints) -> Model:
    """A desktop computer case."""
    a, case = Assembly("computer tower"), p.paint("black", "black", "silver", "white", rough=0.3)
    a.add(box(0.44, 0.2, 0.44, 0.006), case, z=0.23)
    dark = p.glass()
    a.add(box(0.01, 0.18, 0.4, 0.003), dark if p.variant(2) else case, 0.222, 0, 0.23)
    for k in range(2):
        a.add(box(0.006, 0.15, 0.035, 0.002), p.paint("gray"), 0.226, 0, 0.38 - 0.05 * k)
    a.add(
        cylinder(0.012, 0.006, sides=12).turned(rotation(y=np.pi / 2)), p.metal(), 0.226, 0.05, 0.3
    )
    for sx in SIDES:
        for sy in SIDES:
            a.add(cylinder(0.015, 0.012, sides=8), dark, sx * 0.18, sy * 0.07)
    return a.done(case, material="metal")


def printer(p: Paints) -> Model:
    """A desktop printer with paper in its trays."""
    a, body, dark = Assembly("printer"), p.paint("white", "gray", "black"), p.paint("black")
    white = Material("plain", "#f4f3ef")
    a.add(box(0.36, 0.44, 0.2, 0.02, 2), body, z=0.1)
    a.add(box(0.3, 0.36, 0.03, 0.01), dark, -0.02, 0, 0.205)
    a.add(box(0.02, 0.32, 0.05, 0.004), dark, 0.175, 0, 0.09)
    a.add(box(0.14, 0.24, 0.006, 0.001), white, 0.24, 0, 0.075)
    a.add(box(0.16, 0.28, 0.012, 0.003), body, 0.24, 0, 0.065)
    a.add(facing_front(0.1, 0.04), live_screen(p), 0.181, -0.1, 0.16)
    a.add(box(0.01, 0.22, 0.2, 0.001).turned(rotation(y=-0.35)), white, -0.17, 0, 0.29)
    return a.done(body)


def telephone(p: Paints) -> Model:
    """A desk telephone with its handset."""
    a, body = Assembly("telephone"), p.paint("black", "gray", "white", "red")
    a.add(box(0.2, 0.18, 0.05, 0.012, 2).turned(rotation(y=0.12)), body, z=0.037)
    grid = Material("keys", "#3a3b3e", 1.0, second="#e0e0e0")
    a.add(facing_up(0.11, 0.07).turned(rotation(y=0.12)), grid, 0.02, -0.03, 0.0625)
    grip = [(0.08 * np.cos(t), 0.065, 0.075 + 0.03 * np.sin(t)) for t in np.linspace(0, np.pi, 9)]
    a.add(tube(grip, 0.016, 8), body)
    for x in (-0.075, 0.075):
        a.add(box(0.05, 0.05, 0.03, 0.01), body, x, 0.065, 0.075)
    return a.done(body)


def whiteboard(p: Paints) -> Model:
    """A wall whiteboard with a pen tray."""
    a = Assembly("whiteboard")
    board, frame = (
        Material("plain", "#f4f5f4", 1.0, 0.05, 0.2, word="white", substance="metal"),
        p.metal(),
    )
    width, height = p.rng.uniform(1.2, 2.0), p.rng.uniform(0.9, 1.2)
    a.add(box(0.02, width, height, 0.003), board, z=height / 2)
    for side in SIDES:
        a.add(box(0.03, 0.03, height + 0.03, 0.004), frame, 0, side * width / 2, height / 2)
        a.add(box(0.03, width, 0.03, 0.004), frame, 0, 0, height / 2 + side * height / 2)
    a.add(box(0.07, width * 0.5, 0.015, 0.003), frame, 0.04, 0, 0.0)
    for k, word in enumerate(("blue", "red", "black")):
        a.add(box(0.016, 0.12, 0.016, 0.005), p.paint(word), 0.05, -0.2 + 0.15 * k, 0.014)
    ink = p.paint("blue", "black", "red")
    for k in range(5):
        y = width * p.rng.uniform(-0.3, 0.0)
        a.add(
            box(0.001, width * p.rng.uniform(0.1, 0.35), 0.012, 0),
            ink,
            0.0102,
            y,
            height * (0.8 - 0.11 * k),
        )
    return a.done(board)


def fan(p: Paints) -> Model:
    """A standing fan."""
    a, body = Assembly("fan"), p.paint("white", "black", "gray")
    height, r = p.rng.uniform(1.0, 1.25), 0.19
    a.add(lathe([(0, 0), (0.19, 0), (0.18, 0.02), (0.03, 0.045), (0, 0.045)], 24), body)
    a.add(cylinder(0.014, height - 0.15, sides=10), p.metal(), z=0.03)
    a.add(cylinder(0.045, 0.14, 0.035, 14).turned(rotation(y=np.pi / 2)), body, -0.12, 0, height)
    wire = p.metal("silver", "black")
    rings = []
    for x, radius in ((0.02, r), (0.06, r * 1.0), (0.085, r * 0.72), (0.095, r * 0.36)):
        t = np.linspace(0, 2 * np.pi, 29)
        rings.append(
            tube(np.stack([np.full(29, x), radius * np.cos(t), radius * np.sin(t)], 1), 0.004, 5)
        )
    for k in range(16):
        c, s = np.cos(k * np.pi / 8), np.sin(k * np.pi / 8)
        rings.append(
            tube(
                [
                    (0.02, r * c, r * s),
                    (0.06, r * c, r * s),
                    (0.095, 0.36 * r * c, 0.36 * r * s),
                    (0.098, 0.05 * c, 0.05 * s),
                ],
                0.003,
                4,
            )
        )
    a.add(joined(rings), wire, z=height)
    blade = [
        box(0.006, 0.085, 0.14, 0.002)
        .moved(z=0.1)
        .turned(rotation(z=0.4))
        .turned(rotation(x=2 * np.pi * k / 3))
        for k in range(3)
    ]
    a.add(joined(blade), p.paint("gray", "blue"), 0.045, 0, height)
    a.add(cylinder(0.035, 0.03, 0.02, 12).turned(rotation(y=np.pi / 2)), body, 0.04, 0, height)
    a.add(cylinder(0.045, 0.006, sides=14).turned(rotation(y=np.pi / 2)), body, 0.096, 0, height)
    return a.done(body)


OFFICE = {
    "tv": CatalogEntry(tv, mount="top", aliases=("television",)),
    "monitor": CatalogEntry(monitor, mount="top", aliases=("computer screen",)),
    "keyboard": CatalogEntry(keyboard, mount="top"),
    "computer mouse": CatalogEntry(mouse, mount="top", aliases=("mouse",)),
    "laptop": CatalogEntry(laptop, mount="top", aliases=("notebook computer",)),
    "computer tower": CatalogEntry(computer_tower, aliases=("desktop computer",)),
    "printer": CatalogEntry(printer, mount="top"),
    "telephone": CatalogEntry(telephone, mount="top", aliases=("phone",)),
    "whiteboard": CatalogEntry(whiteboard, mount="wall"),
    "fan": CatalogEntry(fan),
}
