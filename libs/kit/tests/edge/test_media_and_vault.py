"""Files by their hash, and text that can be erased for ever."""

import asyncio
import datetime as dt
import hashlib
import uuid

import nats
import pytest
import pytest_asyncio
from yiwang.kit import Problem
from yiwang.kit._media import IN_MEMORY, Media, NotHere
from yiwang.kit._sniff import DOCUMENTS, KNOWN, PHOTOS, VIDEOS, sniff
from yiwang.kit._vault import Erased, Vault

JPEG = b"\xff\xd8\xff\xe0" + b"pixels" * 100
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"


@pytest_asyncio.fixture
async def nc(node):
    client = await nats.connect(node.nats_url)
    yield client
    await client.close()


@pytest_asyncio.fixture
async def media(nc):
    return Media(nc, "440300")


@pytest_asyncio.fixture
async def vault(nc):
    return Vault(nc)


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (JPEG, "image/jpeg"), (PNG, "image/png"), (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "image/heic"), (b"\0\0\0\x20ftypisom", "video/mp4"),
        (b"%PDF-1.7", "application/pdf"),
        (b"\0\0\0\x14ftypqt  ", "video/quicktime"), (b"<svg onload=alert(1)>", ""),
        (b"XXXX\x10\0\0\0WEBP", ""), (b"MZ", ""),
        (b"", ""), (b"\0\0\0\x18ftypevil", ""),
    ],
)  # fmt: skip
def test_a_file_is_what_its_bytes_say(head, mime):
    assert sniff(head) == mime


def test_what_is_allowed_can_be_recognised():
    assert KNOWN >= PHOTOS | VIDEOS | DOCUMENTS


YET: dt.timedelta = dt.timedelta(days=1)
NOW: dt.timedelta = dt.timedelta()


async def test_a_file_that_nobody_needed_is_swept_after_its_time(media):
    """Loose and old: gone. Loose and young, held, or stored for an event: they stay."""
    orphan, held, kept = [(await media.put(JPEG + bytes([n]), loose=n < 2)).media_id for n in range(3)]
    assert (await media.hold(held)).media_id == held
    assert (await media.sweep(YET)).deleted == 0

    assert (await media.sweep(NOW)).deleted == 1

    with pytest.raises(NotHere):
        await media.hold(orphan)
    assert [await media.read(one) for one in (held, kept)] == [JPEG + b"\1", JPEG + b"\2"]
    await media.put(JPEG + b"\0")
    assert await media.read(orphan) == JPEG + b"\0"


async def test_a_file_that_was_held_is_not_loose_again_when_it_comes_once_more(media):
    """Whoever stores the same bytes later, loose or not, takes nothing away from the event that names them."""
    first = await media.put(JPEG, loose=True)
    await media.hold(first.media_id)
    await media.put(JPEG, loose=True)
    assert (await media.sweep(NOW)).deleted == 0

    other = await media.put(PNG, loose=True)
    await media.put(PNG)
    assert (await media.sweep(NOW)).deleted == 0
    assert await media.read(other.media_id) == PNG


async def test_a_sweep_begins_where_the_last_one_left_something(media):
    """The first file that is still loose, or the end: what is held is not read again for ever."""
    await media.put(JPEG)
    young = await media.put(PNG, loose=True)
    first = await media.sweep(YET)
    again = await media.sweep(YET, first.next_seq)
    assert again.next_seq == first.next_seq

    gone = await media.sweep(NOW, again.next_seq)
    assert gone.deleted == 1
    assert gone.next_seq > first.next_seq
    with pytest.raises(NotHere):
        await media.info(young.media_id)
    assert (await media.sweep(NOW, gone.next_seq + 1000)).deleted == 0


async def test_of_a_sweep_and_somebody_who_needs_the_file_one_wins(media, nc):
    """Either the file is held and stays, or it is gone and the one who needs it is told: never in between."""
    other = Media(nc, "440300")
    for n in range(30):
        stored = await media.put(PNG + bytes([n]), loose=True)
        held, swept = await asyncio.gather(other.hold(stored.media_id), media.sweep(NOW), return_exceptions=True)
        if isinstance(held, NotHere):
            assert swept.deleted == 1
        else:
            assert swept.deleted == 0
            assert await media.read(stored.media_id) == PNG + bytes([n])


async def test_many_who_store_the_same_file_at_once_store_it_once(media, nc):
    """Loose ones among them don't make it loose: one of them needed it."""
    several = [Media(nc, "440300") for _ in range(8)]
    stored = await asyncio.gather(*(one.put(JPEG, loose=n != 3) for n, one in enumerate(several)))
    assert len({one.media_id for one in stored}) == 1
    assert (await media.sweep(NOW)).deleted == 0
    assert await media.read(stored[0].media_id) == JPEG
    chunks = await nc.jetstream().stream_info("OBJ_MEDIA", subjects_filter="$O.MEDIA.C.>")
    assert len(chunks.state.subjects) == 1


async def test_a_photo_is_stored_under_its_hash_and_comes_back(media):
    stored = await media.put(JPEG)
    assert stored.media_id == hashlib.sha256(JPEG).hexdigest()
    assert (stored.size, stored.mime, stored.home_node) == (len(JPEG), "image/jpeg", "440300")
    assert await media.read(stored.media_id) == JPEG
    ref = stored.ref("report", photo_type="scene")
    assert (ref.sha256, ref.stage, ref.photo_type) == (stored.media_id, "report", "scene")


async def test_the_same_photo_is_stored_once(media, nc):
    photo = JPEG + uuid.uuid4().bytes
    first = await media.put(photo)
    before = (await nc.jetstream().stream_info("OBJ_MEDIA")).state.messages
    assert await Media(nc, "440300").put(photo) == first
    assert (await nc.jetstream().stream_info("OBJ_MEDIA")).state.messages == before


async def test_a_clip_larger_than_memory_streams_in_and_out(media):
    clip = b"\0\0\0\x20ftypisom" + uuid.uuid4().bytes * (IN_MEMORY // 16 + 1000)

    async def parts():
        for at in range(0, len(clip), 100_000):
            yield clip[at : at + 100_000]

    stored = await media.put(parts(), types=VIDEOS)
    found, chunks = await media.open(stored.media_id)
    assert found == stored
    assert b"".join([chunk async for chunk in chunks]) == clip


@pytest.mark.parametrize(
    ("data", "options", "code"),
    [
        (b"<html><script>", {}, "kit.file_type"),
        (b"%PDF-1.7 a document", {}, "kit.file_type"),
        (b"", {}, "kit.empty_file"),
        (JPEG, {"max_bytes": 10}, "kit.payload_too_large"),
    ],
)
async def test_what_is_not_a_photo_is_refused_and_not_stored(media, data, options, code):
    with pytest.raises(Problem) as refused:
        await media.put(data, **options)
    assert refused.value.code == code


async def test_a_file_that_is_elsewhere_is_not_here(media):
    for ask in (media.info, media.open, media.read, media.delete):
        with pytest.raises(NotHere) as refused:
            await ask("0" * 64)
        assert refused.value.status == 404


async def test_a_deleted_file_is_gone_and_may_come_again(media):
    photo = JPEG + uuid.uuid4().bytes
    stored = await media.put(photo)
    await media.delete(stored.media_id)
    with pytest.raises(NotHere):
        await media.read(stored.media_id)
    await media.put(photo)
    assert await media.read(stored.media_id) == photo


async def test_sealed_text_opens_until_its_key_is_destroyed(vault, nc):
    report = str(uuid.uuid4())
    first, second = await vault.seal(report, "家住三楼"), await vault.seal(report, "家住三楼")
    assert first != second
    assert "三楼" not in first
    assert await Vault(nc).open(report, first) == "家住三楼"
    await vault.erase(report)
    assert await vault.open(report, first) is None
    assert await Vault(nc).open(report, second) is None


async def test_an_erased_report_never_gets_a_key_again(vault):
    report, untouched = str(uuid.uuid4()), str(uuid.uuid4())
    await vault.seal(report, "x")
    for name in (report, untouched):
        await vault.erase(name)
        await vault.erase(name)
        with pytest.raises(Erased):
            await vault.seal(name, "y")


async def test_a_seal_belongs_to_its_report(vault):
    mine, other = str(uuid.uuid4()), str(uuid.uuid4())
    sealed = await vault.seal(mine, "x")
    await vault.seal(other, "y")
    with pytest.raises(ValueError, match="not of report"):
        await vault.open(other, sealed)
    with pytest.raises(ValueError, match="never had a key"):
        await vault.open(str(uuid.uuid4()), sealed)
    with pytest.raises(ValueError, match="does not begin"):
        await vault.open(mine, "plain")


async def test_two_writers_agree_on_one_key(nc):
    report = str(uuid.uuid4())
    sealed = await asyncio.gather(*(Vault(nc).seal(report, str(n)) for n in range(8)))
    assert [await Vault(nc).open(report, text) for text in sealed] == [str(n) for n in range(8)]
