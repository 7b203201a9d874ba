"""Reading angles, symmetry and confidence from logits over one-degree bins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.core.errors import UserError
from surveyor.services.contract import Orientation
from surveyor.services.neural.preprocessing import Planes

_AZIMUTH, _POLAR = 360, 180
_PRESENT = 0.5  # version 1: less belief than this in a front means that there is none
_GOOD_FIT = 0.8
_USABLE_FIT = 0.45
_ALONG = 1e-6  # cosine of the elevation of a camera that looks along the object's own axis
# Least concentration of a fitted distribution of each order (Orient Anything V2, inference code).
_ORDERS = {1: 0.6, 2: 0.5, 4: 0.25}


@dataclass(frozen=True, slots=True)
class Bins:
    """Logits are azimuth | polar | rotation | (yes, no) confidence; the last two in version 1."""

    rotation: int
    confident: bool

    @classmethod
    def of(cls, total: int) -> Bins:
        """The layout with ``total`` logits."""
        layouts = {900: (360, False), 902: (360, True), 722: (180, True)}
        if total not in layouts:
            raise UserError(f"an orientation head has 722, 900 or 902 outputs, not {total}")
        return cls(*layouts[total])

    def read(self, logits: Planes) -> Orientation:
        """One orientation in the contract's sense.

        Both azimuth and rotation change their sign. Upstream's own projection of the object's axes
        puts the front at ``-sin(azimuth)`` across the image, so that 90 degrees face left; the
        contract grows counter-clockwise from above, so that 90 degrees face right. Upstream leans
        up to the left for a positive rotation, the contract to the right.
        """
        azimuth = logits[:_AZIMUTH]
        polar = int(logits[_AZIMUTH : _AZIMUTH + _POLAR].argmax()) - _POLAR // 2
        turn = logits[_AZIMUTH + _POLAR : _AZIMUTH + _POLAR + self.rotation]
        symmetry, confidence = self._symmetry(azimuth, logits)
        return Orientation(
            azimuth=wrapped(-float(azimuth.argmax())),
            polar=float(polar),
            rotation=-float(int(turn.argmax()) - self.rotation // 2),
            symmetry=symmetry,
            confidence=confidence,
        )

    def _symmetry(self, azimuth: Planes, logits: Planes) -> tuple[int, float]:
        if not self.confident:
            return fit_symmetry(1 / (1 + np.exp(-azimuth.astype(np.float64))))
        yes, no = logits[-2:].astype(np.float64)
        confidence = float(1 / (1 + np.exp(np.clip(no - yes, -60, 60))))
        return (1 if confidence >= _PRESENT else 0), confidence


def composed(first: Orientation, change: Orientation) -> Orientation:
    """How an object stands in a second view that was read relative to the first.

    What the network reads there is a rotation, which follows that of the first view; the three
    angles of both cannot be added. Seen along its own axis an object has one angle for two: then
    azimuth is 0.
    """
    from scipy.spatial.transform import Rotation

    before, turn = (
        Rotation.from_euler("XYZ", (-one.rotation, one.polar, one.azimuth), degrees=True)
        for one in (first, change)
    )
    R = (turn * before).as_matrix()
    polar = np.arcsin(np.clip(R[0, 2], -1, 1))
    along = np.hypot(R[0, 0], R[0, 1]) < _ALONG
    azimuth = 0.0 if along else np.arctan2(-R[0, 1], R[0, 0])
    rotation = np.arctan2(R[2, 1], R[1, 1]) if along else np.arctan2(-R[1, 2], R[2, 2])
    return Orientation(
        azimuth=wrapped(float(np.rad2deg(azimuth))),
        polar=float(np.rad2deg(polar)),
        rotation=wrapped(-float(np.rad2deg(rotation))),
        symmetry=first.symmetry,
        confidence=min(first.confidence, change.confidence),
    )


def wrapped(degrees: float) -> float:
    """The same direction in (-180, 180]."""
    return 180.0 - (180.0 - degrees) % 360.0


def fit_symmetry(weights: NDArray[np.float64]) -> tuple[int, float]:
    """Order of rotational symmetry and confidence from weights over azimuth.

    Distributions ``exp(k cos(n (x - m)))`` of order n = 1, 2, 4 are fitted; the first that explains
    most of the variance wins, else the best, if it is concentrated enough; else 0, no front. The
    confidence is the share of the variance that the winner explains.
    """
    angles = np.arange(_AZIMUTH) * 2 * np.pi / _AZIMUTH
    density = weights / max(float(weights.sum()), 1e-12) * _AZIMUTH / (2 * np.pi)
    best, explained, concentration = 1, -np.inf, 0.0
    for order in _ORDERS:
        fitted, k = _fit(angles, density, order)
        if fitted > explained:
            best, explained, concentration = order, fitted, k
        if fitted > _GOOD_FIT:
            break
    confidence = float(np.clip(explained, 0, 1))
    if concentration >= _ORDERS[best] and explained >= _USABLE_FIT:
        return best, confidence
    return 0, confidence


def _fit(
    angles: NDArray[np.float64], density: NDArray[np.float64], order: int
) -> tuple[float, float]:
    """``(share of variance explained, concentration)`` of the best fit of one order."""
    from scipy.optimize import curve_fit

    def shape(x: NDArray[np.float64], m: float, k: float) -> NDArray[np.float64]:
        return np.exp(k * np.cos(order * (x - m))) / (2 * np.pi)

    total = float(np.sum((density - density.mean()) ** 2))
    if total < 1e-9:
        return 0.0, 0.0
    try:
        start = [angles[int(density.argmax())], 1.0]
        (m, k), _ = curve_fit(shape, angles, density, p0=start, bounds=([-7, 0], [14, 50]))
    except (RuntimeError, ValueError):
        return 0.0, 0.0
    left = float(np.sum((density - shape(angles, m, k)) ** 2))
    return 1 - left / total, float(k)
