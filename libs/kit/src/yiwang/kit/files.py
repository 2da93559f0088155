"""Files and secrets of services: the media store's answers, what bytes really are, and text that can be erased."""

from ._codes import EMPTY_FILE, FILE_TYPE, MEDIA_NOT_HERE
from ._media import NotHere
from ._sniff import DOCUMENTS, HEAD, KNOWN, PHOTOS, SOUNDS, VIDEOS, sniff
from ._vault import Erased

__all__ = [
    "DOCUMENTS",
    "EMPTY_FILE",
    "FILE_TYPE",
    "HEAD",
    "KNOWN",
    "MEDIA_NOT_HERE",
    "PHOTOS",
    "SOUNDS",
    "VIDEOS",
    "Erased",
    "NotHere",
    "sniff",
]
