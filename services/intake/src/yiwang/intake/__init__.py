"""Receives reports from every source and says that they are safe."""
