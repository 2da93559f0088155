"""Service stations (城市管理服务驿站): what they do in their communities, by the mechanisms that the city set up."""

from __future__ import annotations

import datetime as dt

from ._event import Event

__all__ = ["StationEvent", "StationRecorded"]


class StationEvent(Event, frozen=True, kw_only=True):
    """Something about one station; `station_id` is the order key."""

    station_id: str
    area: str
    """Code of its community or street"""

    @property
    def key(self) -> str:
        return self.station_id


class StationRecorded(StationEvent, frozen=True, kw_only=True, tag="station.recorded.v1"):
    """A station did something under one of its mechanisms (驿站工作记录)."""

    record_id: str
    mechanism: str
    """A word of the city's own list of mechanisms"""
    held_on: dt.date
    residents: int = 0
    """How many residents took part"""
    units: tuple[str, ...] = ()
    """Units that took part"""
    summary_masked: str = ""
    """What was done, without persons"""
    entry_ids: tuple[str, ...] = ()
    """Problems that were written down on the occasion"""
