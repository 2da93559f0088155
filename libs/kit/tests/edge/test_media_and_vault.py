"""Files by their hash, and text that can be erased for ever."""

import asyncio
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
