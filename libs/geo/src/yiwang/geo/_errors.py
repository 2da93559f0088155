"""What can be wrong with a coordinate; the sentences are in Chinese because the sender reads them."""

from __future__ import annotations


class GeoError(ValueError):
    """A coordinate that can't be used; the message says who must do what."""


class UnknownDatum(GeoError):
    """The coordinate system isn't one that can be converted without parameters of the place."""


class SwappedAxes(GeoError):
    """Longitude and latitude (or easting and northing) stand in each other's place."""


class OutOfChina(GeoError):
    """The point isn't a place in China, or isn't a number at all."""
