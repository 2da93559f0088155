"""Coordinate datums and geometry for grid routing."""
