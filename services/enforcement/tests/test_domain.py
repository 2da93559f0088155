"""What a record must be before it becomes evidence."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from yiwang.contracts import MediaRef, Point, areas
from yiwang.enforcement import domain
from yiwang.enforcement.codes import load_codes
from yiwang.enforcement.domain import Draft, Officer, Scene
from yiwang.enforcement.merkle import suite_of

NOW = dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))
CODES = load_codes()


def an_officer(n: int, **changes: Any) -> Officer:
    return Officer(**({"ref": f"officer-{n}", "cert_ref": f"粤S{n:06d}"} | changes))


def a_media(digit: str = "a") -> MediaRef:
    return MediaRef(media_id="m1", sha256=digit * 64, size=1, mime="image/jpeg", stage="evidence", home_node="440300")


def a_draft(**changes: Any) -> Draft:
    fields: dict[str, Any] = {
        "kind": "transcript",
        "node_code": "inspection",
        "occurred_at": NOW,
        "officers": (an_officer(1), an_officer(2)),
        "text": "现场检查发现占道经营",
        "place": Scene(address="福田区某路口"),
    }
    return Draft(**(fields | changes))


def paths(draft: Draft) -> set[str]:
    return {m.path for m in domain.mistakes_of(draft, CODES, NOW)}


def test_a_complete_record_is_taken() -> None:
    assert paths(a_draft()) == set()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"officers": ()}, "$.officers"),
        ({"officers": (an_officer(1),)}, "$.officers"),
        ({"officers": (an_officer(1), an_officer(1))}, "$.officers"),
        ({"officers": (an_officer(1), an_officer(2, cert_ref="粤S000001"))}, "$.officers"),
        ({"officers": (an_officer(1), an_officer(2, cert_ref=" "))}, "$.officers[1].cert_ref"),
        ({"officers": (an_officer(1), an_officer(2, ref=""))}, "$.officers[1].ref"),
        ({"officers": (an_officer(1), an_officer(2), an_officer(3, role="auxiliary"))}, "$.officers[2].role"),
        ({"kind": "song"}, "$.kind"),
        ({"kind": "photo"}, "$.media"),
        ({"kind": "photo", "media": (a_media(), a_media())}, "$.media"),
        ({"node_code": "lunch"}, "$.node_code"),
        ({"text": "  "}, "$.text"),
        ({"place": Scene()}, "$.place"),
        ({"occurred_at": NOW + dt.timedelta(minutes=6)}, "$.occurred_at"),
        ({"occurred_at": dt.datetime(1, 1, 1, tzinfo=NOW.tzinfo)}, "$.occurred_at"),
    ],
)
def test_a_record_is_refused_with_the_field_that_is_wrong(change: dict[str, Any], path: str) -> None:
    assert path in paths(a_draft(**change))


def test_a_photo_needs_no_text() -> None:
    assert paths(a_draft(kind="photo", text="", media=(a_media(),))) == set()


def sealed(draft: Draft) -> bytes:
    return domain.canonical(
        domain.record_of(draft, file_id="f", agency_id="a", record_id="r", recorded_by="p", received_at=NOW)
    )


def test_the_canonical_record_is_sorted_and_holds_no_float() -> None:
    """A verifier in another language writes the same bytes: no float formatting to differ over."""
    body = sealed(a_draft(place=Scene(point=Point(lon=114.0571, lat=22.5, crs="cgcs2000"))))
    decoded = msgspec.json.decode(body)
    assert decoded["place"]["point"] == {"crs": "cgcs2000", "lat": "22.5000000", "lon": "114.0571000"}
    assert list(decoded) == sorted(decoded)
    assert decoded["received_at"] == "2026-11-23T02:00:00Z"
    assert msgspec.json.encode(decoded, order="sorted") == body


def test_the_commitment_depends_on_the_salt_and_on_every_fact() -> None:
    suite, body, salt = suite_of("sha256"), sealed(a_draft()), bytes(32)
    assert domain.commitment(suite, salt, body) != domain.commitment(suite, b"\x01" * 32, body)
    assert domain.commitment(suite, salt, body) != domain.commitment(suite, salt, sealed(a_draft(text="别的")))
    with pytest.raises(ValueError, match="32 random bytes"):
        domain.commitment(suite, b"short", body)


def test_a_profile_may_bring_its_own_words(tmp_path: Any) -> None:
    assert load_codes(str(tmp_path)) == CODES
    (tmp_path / "enforcement").mkdir()
    file = tmp_path / "enforcement" / "codes.toml"
    words = '{clue = "a", closing = "b", erasure = "c"}'
    kinds = '{clue = {name = "a"}, closing = {name = "b"}, erasure = {name = "c"}}'
    file.write_text(f'version = "x"\nnodes = {words}\nkinds = {kinds}\noutcomes = {{done = "办结"}}\n', "utf-8")
    assert load_codes(str(tmp_path)).version == "x"
    file.write_text('version = "x"\nnodes = {}\nkinds = {}\noutcomes = {}\n', "utf-8")
    with pytest.raises(ValueError, match="must be among the nodes"):
        load_codes(str(tmp_path))


@pytest.mark.parametrize("code", ["440000", "440300", "440304", "440304001", "441900003", "500000", "441000"])
def test_the_pattern_of_an_area_is_its_subtree(code: str) -> None:
    prefix = domain.subtree_pattern(code).removesuffix("%")
    for other in ("440000", "440300", "440304", "440304001", "441900003", "500000", "500100", "441000", "441021"):
        assert other.startswith(prefix) is areas.contains(code, other)
