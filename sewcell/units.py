"""Factors that turn a value in a named unit into SI: `2.5 * MM` is 0.0025 m."""

from math import pi
from typing import Final

MM: Final = 1e-3
"""millimetre [m]"""
UM: Final = 1e-6
"""micrometre [m]"""
DEG: Final = pi / 180.0
"""degree [rad]"""
MS: Final = 1e-3
"""millisecond [s]"""
HOUR: Final = 3600.0
"""hour [s]"""
SPM: Final = 1.0 / 60.0
"""stitches per minute [turns/s of the main shaft]"""
GRAM: Final = 1e-3
"""gram [kg]"""
PERCENT: Final = 1e-2
"""percent [1]"""
