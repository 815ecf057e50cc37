"""Poses as 4x4 matrices, points as rows, polylines and polygons: pure numpy."""
