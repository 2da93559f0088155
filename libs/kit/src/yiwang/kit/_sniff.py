"""What a file is, by its first bytes; what its sender calls it is never believed."""

from __future__ import annotations

from typing import Final

HEAD: Final = 64
"""Bytes that `sniff` wants to see."""

_MAGIC: Final[tuple[tuple[str, int, bytes], ...]] = (
    ("image/jpeg", 0, b"\xff\xd8\xff"),
    ("image/png", 0, b"\x89PNG\r\n\x1a\n"),
    ("image/gif", 0, b"GIF87a"),
    ("image/gif", 0, b"GIF89a"),
    ("image/webp", 8, b"WEBP"),
    ("audio/wav", 8, b"WAVE"),
    ("application/pdf", 0, b"%PDF-"),
    ("audio/amr", 0, b"#!AMR"),
    ("audio/mpeg", 0, b"ID3"),
    ("audio/mpeg", 0, b"\xff\xfb"),
    ("audio/ogg", 0, b"OggS"),
    ("video/webm", 0, b"\x1a\x45\xdf\xa3"),
)
_BRANDS: Final = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "image/heic"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys(
        (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"dash", b"M4V "), "video/mp4"
    ),
    **dict.fromkeys((b"3gp4", b"3gp5", b"3gp6"), "video/3gpp"),
    **dict.fromkeys((b"M4A ",), "audio/mp4"),
    b"qt  ": "video/quicktime",
}
"""Major brands of ISO base media files (ISO/IEC 14496-12), at byte 8 behind ``ftyp``."""

PHOTOS: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/heic"})
VIDEOS: Final = frozenset({"video/mp4", "video/quicktime", "video/3gpp", "video/webm"})
SOUNDS: Final = frozenset({"audio/wav", "audio/mpeg", "audio/amr", "audio/ogg", "audio/mp4"})
DOCUMENTS: Final = frozenset({"application/pdf"})
KNOWN: Final = frozenset({mime for mime, _, _ in _MAGIC} | set(_BRANDS.values()))


def sniff(head: bytes) -> str:
    """The media type that *head* (the file's first bytes) shows; empty when none is recognised.

    >>> sniff(b"\\x89PNG\\r\\n\\x1a\\n"), sniff(b"\\0\\0\\0\\x18ftypheic"), sniff(b"<html>")
    ('image/png', 'image/heic', '')
    """
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "")
    for mime, offset, magic in _MAGIC:
        if head[offset : offset + len(magic)] == magic and (offset == 0 or head[:4] == b"RIFF"):
            return mime
    return ""
