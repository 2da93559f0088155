"""Keeps enforcement records as evidence that cannot be changed unseen."""
