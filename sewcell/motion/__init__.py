"""Geometry into timed motion that keeps every limit."""
