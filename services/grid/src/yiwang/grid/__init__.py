"""Finds the cell, duty grid and area of a point, a code or an address."""
