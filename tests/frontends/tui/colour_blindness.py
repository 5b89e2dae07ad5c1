# SPDX-License-Identifier: MIT
"""Colours as people see them who lack a kind of cones, and how different two of them are.

The matrices are those for severity 1.0 of G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A Physiologically-based
Model for Simulation of Color Vision Deficiency", IEEE Transactions on Visualization and Computer Graphics 15
(2009): https://www.inf.ufrgs.br/~oliveira/pubs_files/CVD_Simulation/CVD_Simulation.html. They are for linear light.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

Matrix = tuple[tuple[float, float, float], ...]


class Vision(Enum):
    """Kinds of colour vision, each with what it makes of red, green and blue light."""

    NORMAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    PROTANOPIA = (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    )
    DEUTERANOPIA = (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    )
    TRITANOPIA = (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    )


def seen(colour: Sequence[int], vision: Vision) -> tuple[float, float, float]:
    """Return the linear light of a colour (red, green and blue from 0 to 255) as it is seen."""
    light = [_linear(part / 255) for part in colour]
    sums = (sum(factor * part for factor, part in zip(row, light, strict=True)) for row in vision.value)
    red, green, blue = (min(1.0, max(0.0, found)) for found in sums)
    return red, green, blue


def _linear(part: float) -> float:
    """IEC 61966-2-1, the transfer function of sRGB."""
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


_XYZ: Matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
"""IEC 61966-2-1: linear sRGB to XYZ of CIE 1931."""
_WHITE = (0.9505, 1.0, 1.089)


def _lab(light: Sequence[float]) -> tuple[float, float, float]:
    """CIE 1976 L*a*b*."""
    x, y, z = (
        _root(sum(factor * part for factor, part in zip(row, light, strict=True)) / white)
        for row, white in zip(_XYZ, _WHITE, strict=True)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _root(value: float) -> float:
    return float(value ** (1 / 3)) if value > (6 / 29) ** 3 else value * (29 / 6) ** 2 / 3 + 4 / 29


def distance(one: Sequence[int], other: Sequence[int], vision: Vision) -> float:
    """Return the difference of two colours, as CIE 1976: about 2.3 is just noticeable."""
    pairs = zip(_lab(seen(one, vision)), _lab(seen(other, vision)), strict=True)
    return float(sum((here - there) ** 2 for here, there in pairs) ** 0.5)
