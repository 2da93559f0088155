"""Servers, supervisor and tools that run the mesh on one machine."""
