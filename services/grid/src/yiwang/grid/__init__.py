"""Finds the cell, duty grid and area of a point, a code or an address.

Owns: versions of the grid (areas, unit cells, duty grids, addresses) and the reports that a person has to place.
"""
