"""Every mutating call is on record."""

import datetime as dt

import pytest
from yiwang.kit import Service, anonymous
from yiwang.kit._audit import BATCH, AuditRecord, TableTrail


async def written(desk):
    """What the trail holds after everything noted is written."""
    await desk.asgi.state["yw_sites"][0].trail.flushed()
    return await desk.app.pool.fetch("select * from kit_audit order by n")


async def test_a_call_is_recorded_with_who_what_whence_and_trace(desk):
    async with desk.client("acceptor", person_ref="ref-7", unit_id="u-9") as http:
        answer = await http.post("/things", json={"name": "张三的箱子"})
    [row] = await written(desk)
    assert (row["person_ref"], row["role"], row["unit_id"]) == ("ref-7", "acceptor", "u-9")
    assert (row["method"], row["route"], row["status"]) == ("POST", "/things", 201)
    assert row["client"] == "10.1.2.3"
    assert row["trace_id"] == answer.headers["x-trace-id"]
    assert "张三" not in str(dict(row))


async def test_refused_and_failed_calls_are_recorded_too(desk):
    async with desk.client() as http:
        await http.post("/things", json={"name": "a"})
    async with desk.client("auditor") as http:
        await http.post("/things", json={"name": "a"})
    async with desk.client("acceptor") as http:
        await http.post("/things/5/sell/word")
        await http.get("/things/5")
    rows = await written(desk)
    assert [(r["status"], r["code"]) for r in rows] == [
        (401, "kit.unauthenticated"), (403, "kit.forbidden"), (404, "desk.no_thing")]  # fmt: skip
    assert rows[1]["role"] == "auditor"


async def test_private_path_parameters_are_masked(desk):
    async with desk.client("acceptor") as http:
        await http.post("/things/5/sell/open-sesame")
    [row] = await written(desk)
    assert row["route"] == "/things/{no}/sell/{secret}"
    assert row["params"] == '{"no": "5", "secret": "***"}'


async def test_an_auditor_reads_the_trail_page_by_page_and_others_do_not(desk):
    async with desk.client("acceptor") as http:
        for _ in range(5):
            await http.post("/things", json={"name": "a"})
    await written(desk)
    async with desk.client("auditor") as http:
        first = (await http.get("/audit", params={"limit": 3})).json()
        rest = (await http.get("/audit", params={"limit": 3, "before": first["next"]})).json()
        none = (await http.get("/audit", params={"person": "somebody"})).json()
    assert [row["n"] for row in first["records"] + rest["records"]] == [5, 4, 3, 2, 1]
    assert rest.get("next") is None
    assert none["records"] == []
    async with desk.client("admin") as http:
        assert (await http.get("/audit")).status_code == 403


def a_record(n: int) -> AuditRecord:
    return AuditRecord(
        at=dt.datetime(2026, 11, 23, tzinfo=dt.UTC) + dt.timedelta(seconds=n),
        person_ref=f"p{n}", post_id="", unit_id="", role="",
        method="POST", route="/x", params={}, status=200, code="", client="", trace_id="",
    )  # fmt: skip


async def test_records_wait_while_the_database_is_away_and_all_arrive(desk):
    class Flaky:
        """The pool of a database that is away for its first three statements."""

        def __init__(self) -> None:
            self.failures = 3

        async def execute(self, *args):
            if self.failures:
                self.failures -= 1
                raise ConnectionRefusedError("the server is away")
            return await desk.app.pool.execute(*args)

    trail = TableTrail("desk", Flaky(), retry_s=0)  # type: ignore[arg-type]
    for n in range(BATCH + 20):
        trail.note(a_record(n))
    await trail.flushed()
    rows = await desk.app.pool.fetch("select person_ref from kit_audit order by n")
    assert [row["person_ref"] for row in rows] == [f"p{n}" for n in range(BATCH + 20)]


async def test_when_too_much_waits_mutations_are_refused_and_reads_go_on(desk):
    desk.asgi.state["yw_sites"][0].trail = TableTrail("desk", desk.app.pool, wait_at_most=0)
    async with desk.client("acceptor") as http:
        answer = await http.post("/things", json={"name": "a"})
        assert (answer.status_code, answer.json()["code"]) == (503, "kit.too_busy")
        assert (await http.get("/things/1")).status_code == 404


async def test_a_service_without_a_database_writes_its_trail_to_the_log(start, logs):
    from litestar import post

    @post("/drop", guards=[anonymous])
    async def drop() -> str:
        return ""

    service = Service("loose")
    service.api(drop)
    desk = await start(service)
    async with desk.client() as http:
        await http.post("/drop")
    [line] = [line for line in logs if line["event"] == "audit"]
    assert (line["service"], line["route"], line["status"]) == ("loose", "/drop", 201)


@pytest.mark.parametrize("rows", [0, 1])
async def test_closing_writes_what_waits(desk, rows):
    trail = TableTrail("desk", desk.app.pool)
    for n in range(rows):
        trail.note(a_record(n))
    await trail.aclose()
    assert await desk.app.pool.fetchval("select count(*) from kit_audit") == rows
