"""Exchanges case records with upper platforms and other makers' platforms."""
