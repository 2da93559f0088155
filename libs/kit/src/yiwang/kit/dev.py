"""Development people: tokens for demos and tests, refused outside an embedded run."""

from ._dev_people import DevIssuer, dev_issuer, dev_token

__all__ = ["DevIssuer", "dev_issuer", "dev_token"]
