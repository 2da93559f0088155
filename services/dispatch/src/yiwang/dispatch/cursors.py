"""Cursors of lists that are paged by a moment and a key: opaque to clients, refused with a sentence when they are none."""

from __future__ import annotations

import base64
import binascii
import datetime as dt

from .errors import BAD_CURSOR


def after(moment: dt.datetime | str, key: str) -> str:
    """The place behind the row of *moment* (a word where it has none) and *key*."""
    text = moment if isinstance(moment, str) else moment.isoformat()
    return base64.urlsafe_b64encode(f"{text}|{key}".encode()).decode()


def words(given: str) -> tuple[str, str]:
    """Moment and key as they were written. Raises the Problem BAD_CURSOR."""
    try:
        moment, _, key = base64.urlsafe_b64decode(given.encode()).decode().partition("|")
    except (ValueError, binascii.Error):
        raise BAD_CURSOR() from None
    if "\x00" in key:
        raise BAD_CURSOR()
    return moment, key


def moment_of(text: str) -> dt.datetime:
    """A moment of a cursor. Raises the Problem BAD_CURSOR."""
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise BAD_CURSOR() from None
    if at.tzinfo is None:
        raise BAD_CURSOR()
    return at


def position(given: str, start: tuple[dt.datetime, str]) -> tuple[dt.datetime, str]:
    """Where a page begins: behind the row of the cursor, at *start* without one. Raises the Problem BAD_CURSOR."""
    if not given:
        return start
    moment, key = words(given)
    return moment_of(moment), key
