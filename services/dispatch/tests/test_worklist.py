"""The worklist page in a real browser: a case from acceptance to closing by the hands of six people."""

from __future__ import annotations

import datetime as dt
import shutil
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from yiwang.contracts import (
    AreaRef,
    CampaignTarget,
    CaseClosed,
    CaseHandoverAccepted,
    CaseHandoverOffered,
    Category,
    Code,
    WhistleScored,
)
from yiwang.dispatch.app import make_service
from yiwang.dispatch.campaigning import OpenBody, open_one
from yiwang.dispatch.testing import PLACE, located, reported, some_rules
from yiwang.dispatch.tiers import HOLDERS, Governance
from yiwang.kit import Caller, Post
from yiwang.kit.accounts import NewAccount, PostGrant, Settings, accounts_db, create_account
from yiwang.kit.accounts import service as identity
from yiwang.kit.accounts.keys import SigningKeys
from yiwang.kit.http import IdentitySettings, Keys, Verifier, build_http, close_http, http_server
from yiwang.stack.testing_pair import pair

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PROFILE = Path(__file__).parents[3] / "deploy" / "profiles" / "shenzhen"
PASSWORD = "Luohu-2026!"
LITTER = Category(code_set="gbt30428.2-2013", version="2013", kind="event", major="01", minor="10",
                  major_name="市容环境", minor_name="暴露生活垃圾")  # fmt: skip
PEOPLE = {
    "acceptor": ("演示受理员", "440300", ""),
    "shift_leader": ("演示值班长", "440300", ""),
    "dispatcher": ("演示派遣员", "440300", ""),
    "dept_operator": ("演示部门", "440303", "440303-env"),
    "collector": ("演示采集员", "440303", "inspectors"),
    "community_worker": ("演示社区", "440303001", ""),
}

playwright = pytest.importorskip("playwright.async_api", reason="playwright isn't installed; pip install playwright")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; install it (Debian: apt install chromium)")


class OwnKeys(Keys):
    """The issuer's keys, read in this process."""

    def __init__(self, app: Any) -> None:
        super().__init__("own")
        self._app = app

    async def _read(self) -> str:
        return msgspec.json.encode(await self._app.get(SigningKeys).jwks()).decode()


def picture(red: int, green: int, blue: int, size: int = 64) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes((red, green, blue)) * size) * size
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Desk:
    """One platform with its people, and browsers for them."""

    def __init__(self, node: Any, app: Any, url: str, browser: Any) -> None:
        self.node, self.app, self.url, self.browser = node, app, url, browser
        self.http: Any = None
        """Clients of dispatch in this process: http(role, area=…, unit_id=…, person_ref=…)"""
        self.asked: list[str] = []
        self.troubles: list[str] = []

    async def put(
        self, case_id: str, *, category: Category | None = LITTER, age: dt.timedelta = dt.timedelta()
    ) -> None:
        """A hotline's report with a photo, already located in Luohu."""
        photo = (await self.app.media.put(picture(176, 160, 120))).ref("report")
        names = {"440300": "深圳市", "440303": "罗湖区", "440303001": "桂园街道"}
        place = msgspec.structs.replace(
            PLACE,
            area=AreaRef(city="440300", county="440303", street9="440303001", names=names),
            address_masked="桂园路中段",
        )
        told = reported(
            case_id, at=dt.datetime.now(dt.UTC) - age, category=category, media=(photo,),
            description_masked="路边垃圾堆积多日，无人清运。",
        )  # fmt: skip
        hotline = Code(code_set="channel", version="1", code="12345", name="12345转办")
        first = msgspec.structs.replace(told, case=msgspec.structs.replace(told.case, channel=hotline))
        await self.node.publish(first, located(first, place=place))
        await self.node.settled()

    async def page(self, width: int = 1366, height: int = 768) -> Any:
        """A browser of its own for one person; every address that it asks for is remembered."""
        context = await self.browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
        page = await context.new_page()
        page.set_default_timeout(60_000)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        return page

    async def log_in(self, login: str, **size: int) -> Any:
        page = await self.page(**size)
        await page.goto(f"{self.url}/worklist")
        await page.fill("#login-name", login)
        await page.fill("#login-password", PASSWORD)
        await page.press("#login-password", "Enter")
        await page.wait_for_selector("#queues a")
        return page

    def outside(self) -> list[str]:
        """Addresses of other hosts that the page asked for."""
        return [url for url in self.asked if not url.startswith((self.url, "blob:", "data:"))]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Any]:
    """One browser for all tests; each person has a context of their own in it."""
    async with playwright.async_playwright() as tool:
        browser = await tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def desk(node: Any, chromium: Any) -> AsyncIterator[Desk]:
    cheap = {"YIWANG_IDENTITY_ARGON2_MEMORY_KIB": "64", "YIWANG_IDENTITY_ARGON2_ROUNDS": "1"}
    async with node.running(make_service(), identity, settings=cheap, profile=PROFILE) as (dispatch, accounts):
        await hire(node.database_url)
        async with serving(dispatch.app, accounts.app) as url:
            made = Desk(node, dispatch.app, url, chromium)
            made.http = dispatch.http
            yield made
            for context in chromium.contexts:
                await context.close()
    assert made.outside() == []
    assert made.troubles == []


@asynccontextmanager
async def serving(dispatch: Any, accounts: Any) -> AsyncIterator[str]:
    verifier = Verifier(IdentitySettings(), keys=OwnKeys(accounts))
    asgi = build_http([dispatch, accounts], strict=True, verifier=verifier)
    async with http_server(asgi, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"
    await close_http(asgi)


async def hire(database_url: str) -> None:
    cheap = Settings(argon2_memory_kib=64, argon2_rounds=1)
    async with accounts_db(database_url) as db, db.transaction():
        for role, (name, area, unit) in PEOPLE.items():
            post = PostGrant(role=role, areas=(area,), unit_id=unit)
            account = NewAccount(login=role, display_name=name, password=PASSWORD, posts=(post,))
            await create_account(db, account, must_change=False, settings=cheap)
        other = PostGrant(role="dept_operator", areas=("440303",), unit_id="440303-law")
        law = NewAccount(login="law", display_name="演示执法大队", password=PASSWORD, posts=(other,))
        await create_account(db, law, must_change=False, settings=cheap)
        new = NewAccount(
            login="new",
            display_name="演示新人",
            password=PASSWORD,
            posts=(PostGrant(role="acceptor", areas=("440300",)),),
        )
        await create_account(db, new, must_change=True, settings=cheap)


async def act(page: Any, action: str, *, photo: bytes = b"", choose: str = "", opinion: str = "") -> None:
    """Press the action's button, fill its form in, confirm, and wait for the word that it is done."""
    await page.click(f'button[data-action="{action}"]')
    await page.wait_for_selector("form.act")
    if choose:
        await page.check(choose)
    if photo:
        await page.set_input_files("#photo", {"name": "p.png", "mimeType": "image/png", "buffer": photo})
    if opinion:
        await page.fill("#opinion", opinion)
    await page.click("form.act button.main")
    await page.wait_for_selector("form.act", state="detached")


async def open_queue(page: Any, queue: str) -> None:
    await page.click(f'#queues a[data-queue="{queue}"]')
    await page.click("#list tr[data-case] td.what")
    await page.wait_for_selector("#case h2")


async def state_of(page: Any) -> str:
    return await page.inner_text("#case .tags .tag")


async def test_a_case_goes_from_acceptance_to_closing_through_the_page(desk: Desk) -> None:
    """Acceptor, dispatcher, department, inspector and shift leader, each with their own queue; nothing leaves the host."""
    await desk.put("case-1")

    acceptor = await desk.log_in("acceptor")
    await open_queue(acceptor, "accept")
    assert await state_of(acceptor) == "待受理"
    await acceptor.wait_for_selector("#case .photos img:not(.loading)")
    await act(acceptor, "accept")
    await act(acceptor, "file")
    assert await state_of(acceptor) == "待派遣"
    number = await acceptor.inner_text("#case .facts dd.mono")
    assert len(number) == 19
    assert number.startswith("440300")

    dispatcher = await desk.log_in("dispatcher")
    await open_queue(dispatcher, "dispatch_city")
    await act(dispatcher, "dispatch_down")
    await act(dispatcher, "dispatch")
    assert await state_of(dispatcher) == "待处置"

    department = await desk.log_in("dept_operator")
    await open_queue(department, "assign")
    await department.click('button[data-action="assign_handler"]')
    await department.fill('input[name="handler_ref"]', "p-101")
    await department.press('input[name="handler_ref"]', "Enter")
    await department.wait_for_selector('button[data-action="submit_result"]')
    await act(department, "submit_result", photo=picture(96, 170, 110), choose='input[value="manage"]')
    await act(department, "dept_confirm", opinion="已清运，现场冲洗。")
    assert await department.inner_text("#case .facts dd:last-of-type") == "按时"

    await open_queue(dispatcher, "gate")
    await act(dispatcher, "pass")

    inspector = await desk.log_in("collector")
    await open_queue(inspector, "check")
    await act(inspector, "check_result", photo=picture(120, 180, 140), choose='input[value="pass"]')

    leader = await desk.log_in("shift_leader")
    await open_queue(leader, "close")
    await act(leader, "close", choose='input[name="closing_condition_ids"]')
    assert await state_of(leader) == "已结案"
    history = await leader.inner_text(".history")
    for word in ("受理", "立案", "派遣到区", "派遣", "部门确认", "核查反馈：通过", "结案", "已清运，现场冲洗。"):
        assert word in history
    [closed] = await desk.node.until(CaseClosed)
    assert closed.case.case_no == number


async def test_the_page_works_with_the_keyboard_alone(desk: Desk) -> None:
    """Log in, walk the list with the arrows, open, accept, leave with Escape: no mouse."""
    for n in range(3):
        await desk.put(f"case-{n}")
    page = await desk.log_in("acceptor")
    await page.focus("#list td.no a")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.wait_for_selector('button[data-action="accept"]')
    await page.focus('button[data-action="accept"]')
    await page.keyboard.press("Enter")
    await page.wait_for_selector("form.act")
    assert await page.evaluate("document.activeElement.closest('form.act') !== null"), "the form takes the focus"
    await page.focus("form.act button.main")
    await page.keyboard.press("Enter")
    await page.wait_for_selector('button[data-action="file"]')

    await page.keyboard.press("Escape")

    await page.wait_for_selector("#case", state="hidden")


async def test_several_cases_are_taken_in_hand_and_accepted_at_once(desk: Desk) -> None:
    """Boxes, claim, a batch with an answer a case; what another person has in hand is refused with a sentence."""
    for n in range(3):
        await desk.put(f"case-{n}")
    await desk.app.pool.execute(
        "insert into claims select case_id, queue, 'p-other', 'acceptor', now(), now() + interval '1 hour' from cases "
        "where case_id = 'case-2'"
    )
    page = await desk.log_in("acceptor")
    await open_queue(page, "accept")
    await page.wait_for_selector('tr[data-case="case-2"] .tag.claim')
    for n in range(3):
        await page.check(f'tr[data-case="case-{n}"] .tick input')
    await page.uncheck('tr[data-case="case-2"] .tick input')
    await page.click('button[data-batch="claim"]')
    await page.wait_for_selector('tr[data-case="case-0"] .tag.claim')
    for n in range(3):
        await page.check(f'tr[data-case="case-{n}"] .tick input')

    await page.click('button[data-batch="accept"]')

    await page.wait_for_selector('tr[data-case="case-0"]', state="detached")
    await page.wait_for_selector("#batch .trouble li")
    refusal = await page.inner_text("#batch .trouble")
    assert "p-other 认领" in refusal
    assert "值班长接管" in refusal
    assert await page.is_visible('tr[data-case="case-2"]')
    assert await page.query_selector('tr[data-case="case-1"]') is None


async def test_a_refusal_is_a_sentence_and_what_was_written_stays(desk: Desk) -> None:
    """Somebody was quicker: the page says so in Chinese and keeps the form."""
    await desk.put("case-1")
    slow, quick = await desk.log_in("acceptor"), await desk.log_in("shift_leader")
    await open_queue(slow, "accept")
    await slow.click('button[data-action="void"]')
    await slow.select_option('select[name="reason_code"]', "duplicate")
    await slow.fill("#opinion", "同一地点已有上报")
    await quick.goto(f"{desk.url}/worklist#queue=all&case=case-1")
    await act_void(quick)

    await slow.click("form.act button.main")
    await slow.wait_for_selector("form.act .trouble:not(:empty)")

    assert "已被他人更新" in await slow.inner_text("form.act .trouble")
    assert await slow.input_value("#opinion") == "同一地点已有上报"


async def act_void(page: Any) -> None:
    await page.click('button[data-action="void"]')
    await page.select_option('select[name="reason_code"]', "out_of_scope")
    await page.fill("#opinion", "不在管理范围")
    await page.click("form.act button.main")
    await page.wait_for_selector("form.act", state="detached")


async def test_a_wrong_password_is_told_and_nobody_gets_in(desk: Desk) -> None:
    page = await desk.page()
    await page.goto(f"{desk.url}/")
    await page.fill("#login-name", "acceptor")
    await page.fill("#login-password", "Wrong-2026!")
    await page.press("#login-password", "Enter")
    await page.wait_for_selector("#account .trouble:not(:empty)")

    assert await page.is_hidden("#work")


async def test_a_first_password_must_be_changed_before_anything_is_seen(desk: Desk) -> None:
    page = await desk.page()
    await page.goto(f"{desk.url}/worklist")
    await page.fill("#login-name", "new")
    await page.fill("#login-password", PASSWORD)
    await page.press("#login-password", "Enter")
    await page.fill("#new-password", "Guiyuan-2027!")
    await page.fill("#again-password", "Guiyuan-2027!")
    assert await page.is_hidden("#work")

    await page.press("#again-password", "Enter")

    await page.wait_for_selector("#queues a")


async def test_a_phone_shows_list_and_case_without_scrolling_sideways(desk: Desk) -> None:
    await desk.put("case-1", category=None)
    page = await desk.log_in("acceptor", width=390, height=844)
    sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(sideways) == 0

    await page.click("#list tr[data-case]")
    await page.wait_for_selector("#case .acts")

    assert await page.evaluate(sideways) == 0
    assert await page.is_visible('button[data-action="accept"]')


async def open_form(page: Any, name: str, inside: str = "#list") -> Any:
    """Press the button that opens the form of that name; gives its element."""
    box = page.locator(f"{inside} details.do:has(> summary:text-is('{name}'))").first
    await box.locator("> summary").click()
    return box.locator("form.beside")


async def fill(page: Any, name: str, inside: str = "#list", **words: str) -> None:
    """Fill a form in, send it, and wait until it is done."""
    form = await open_form(page, name, inside)
    for field, text in words.items():
        one = form.locator(f"[name={field}]")
        await one.wait_for()
        if await one.evaluate("one => one.tagName") == "SELECT":
            await one.select_option(text)
        else:
            await one.fill(text)
    await form.locator(".bar button.main").click()
    await form.wait_for(state="hidden")


async def test_a_community_calls_a_unit_that_comes_and_settles(desk: Desk) -> None:
    """吹哨报到 by two people's hands: called, answered, there, settled, judged; on the phone nothing scrolls sideways."""
    community = await desk.log_in("community_worker")
    await community.click('#queues a[data-queue="whistles"]')
    await fill(community, "吹哨", kind="emergency", summary_masked="路面塌陷，有人受困风险", lead="440303-env")
    await community.wait_for_selector("article[data-whistle]:has-text('路面塌陷')")

    unit = await desk.log_in("dept_operator", width=390, height=844)
    await unit.click('#queues a[data-queue="whistles"]:has(.count.some)')
    await unit.wait_for_selector("article[data-whistle]:has-text('前响应')")
    assert await unit.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    await fill(unit, "响应", opinion="马上到")
    await unit.wait_for_selector("article td.ok:has-text('响应')")
    await fill(unit, "报到", opinion="已到现场，设置围挡")
    await fill(unit, "办结", result_masked="已回填，恢复通行")
    await unit.wait_for_selector("article .tag.closed:has-text('已办结')")

    await community.reload()
    await community.wait_for_selector('#queues a[data-queue="whistles"] .count.some')
    await fill(community, "评价", satisfied="yes")
    [scored] = await desk.node.until(WhistleScored)
    assert (scored.satisfied, scored.score) == (True, 100)


async def at_work(desk: Desk, case_id: str) -> None:
    """A case of the sanitation centre with the enforcement brigade as co-unit, brought there over HTTP."""
    await desk.put(case_id)
    env = {"area": "440303", "unit_id": "440303-env", "person_ref": "p-env"}
    acceptor, dispatcher = desk.http("acceptor", area="440300"), desk.http("dispatcher", area="440300")
    for http, action, body in [
        (acceptor, "accept", {}), (acceptor, "file", {}), (dispatcher, "dispatch_down", {}),
        (dispatcher, "dispatch", {"unit_id": "440303-env", "co_unit_ids": ["440303-law"], "overridden_reason": "联合整治"}),
        (desk.http("dept_operator", **env), "assign_handler", {"handler_ref": "p-env"}),
    ]:  # fmt: skip
        answer = await http.post(f"/cases/{case_id}/{action}", json=body)
        assert answer.status_code == 200, (action, answer.text)


async def test_who_decides_finds_what_is_asked_and_co_units_their_parts(desk: Desk) -> None:
    """More time is asked for and withdrawn, asked again and granted by the leader on duty; the co-unit works from its own list."""
    await at_work(desk, "case-1")
    department = await desk.log_in("dept_operator")
    await open_queue(department, "handle")
    await department.click('#case button[data-claim="claim"]')
    await department.wait_for_selector('#case button[data-claim="release"]')
    await act(department, "postpone_apply", opinion="雨天无法清运")
    await department.wait_for_selector("#case .asked .path li.now:has-text('值班长')")
    await act(department, "postpone_withdraw", opinion="雨停了")
    await department.wait_for_selector("#case .asked", state="detached")
    await act(department, "postpone_apply", opinion="又下雨了")

    leader = await desk.log_in("shift_leader")
    await leader.wait_for_selector('#queues a[data-queue="approve"] .count.some')
    await open_queue(leader, "approve")
    await leader.wait_for_selector('#list tr[data-case="case-1"] .tag.ask:has-text("延期待批")')
    await act(leader, "postpone_approve", choose='input[value="approved"]')
    await leader.wait_for_selector("#case .tag:has-text('延期 1 次')")
    await leader.wait_for_selector("#list .empty")

    law = await desk.log_in("law")
    await law.click('#queues a[data-queue="parts"]:has(.count.some)')
    await law.click("#list tr[data-case] td.what")
    await law.wait_for_selector("#case section[aria-label='协办'] .tag:has-text('待指派')")
    await act(law, "assign_co_handler")
    await act(law, "submit_co_result", photo=picture(90, 120, 150))
    await act(law, "confirm_co")
    await law.wait_for_selector("#case section[aria-label='协办'] .tag.closed:has-text('已完成')")
    await law.wait_for_selector("#list .empty")


async def test_an_inspector_is_given_a_patrol_and_reports_it_done(desk: Desk) -> None:
    """Given at one desk, done at the other, seen as done at the first."""
    leader = await desk.log_in("shift_leader")
    await leader.click('#queues a[data-queue="patrols"]')
    await fill(leader, "派巡查任务", what="查占道经营", area="440303", duty_grid_id="LH-01", due_at="2099-12-31T18:00")

    inspector = await desk.log_in("collector", width=390, height=844)
    await inspector.click('#queues a[data-queue="tasks"]:has(.count.some)')
    await inspector.wait_for_selector("article[data-patrol]:has-text('查占道经营')")
    assert await inspector.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    await fill(inspector, "完成巡查", found="2", opinion="已劝离两处")
    await inspector.wait_for_selector("#list .empty")
    await leader.reload()
    await leader.fill("#list .day input", "2099-12-31")
    await leader.wait_for_selector("article[data-patrol] .tag.closed:has-text('已完成')")
    assert await desk.app.pool.fetchval("select found from patrols where state = 'done'") == 2


async def test_the_page_shows_who_has_a_case_and_takes_what_is_offered(
    test_servers: Any, tmp_path: Path, chromium: Any
) -> None:
    """The city's page marks the district's case as a copy; the district's dispatcher accepts an offer by hand."""
    cheap = {"YIWANG_IDENTITY_ARGON2_MEMORY_KIB": "64", "YIWANG_IDENTITY_ARGON2_ROUNDS": "1"}
    how = Governance(
        name="one_supervise_two_command", holders=HOLDERS["one_supervise_two_command"], take=frozenset({"check"})
    )

    def rules(_: Any) -> Any:
        return some_rules(two_commands=True, governance=how)

    async with (
        pair(test_servers, tmp_path, child="440303", name="worklist_tiers") as both,
        both.parent.running(make_service(rules), identity, settings=cheap, **both.kit(both.parent)) as above,
        both.child.running(make_service(rules), identity, settings=cheap, **both.kit(both.child)) as below,
    ):
        await hire(both.parent.database_url)
        await hire(both.child.database_url)
        async with serving(above[0].app, above[1].app) as url, serving(below[0].app, below[1].app) as down:
            city, county = Desk(both.parent, above[0], url, chromium), Desk(both.child, below[0], down, chromium)
            first = reported("case-1", at=dt.datetime.now(dt.UTC))
            await both.parent.publish(first, located(first))
            await both.parent.until(CaseHandoverOffered, timeout=60)

            page = await county.log_in("dispatcher")
            await page.goto(f"{down}/worklist#queue=incoming")
            await page.wait_for_selector("article[data-offer]", timeout=60_000)
            await page.click("article[data-offer] summary:has-text('接收')")
            await page.click("article[data-offer] button:has-text('确认接收')")
            await both.parent.until(CaseHandoverAccepted, timeout=60)

            page = await city.log_in("acceptor")
            await page.goto(f"{url}/worklist#queue=subtree&case=case-1")
            await page.wait_for_selector("tr[data-case='case-1'] .tag.away:has-text('区主办')", timeout=60_000)
            await page.wait_for_selector("#case:has-text('本级只能查看')")
            assert await page.locator("#case .acts").count() == 0
            assert city.troubles == county.troubles == []
            for context in chromium.contexts:
                await context.close()


async def test_a_campaign_is_opened_seen_and_its_ledger_worked_off_on_the_page(desk: Desk) -> None:
    """Targets with what is missing, a hazard written down by an inspector and given to a unit; nothing leaves the host."""
    leader = Caller(person_ref="p-l", posts=(Post(post_id="post-l", role="leader", areas=("440300",)),))
    today = dt.datetime.now(dt.UTC).date()
    plan = OpenBody(
        title="燃气安全专项", begins_on=today - dt.timedelta(days=2), ends_on=today + dt.timedelta(days=30),
        targets=(CampaignTarget(area="440303", found=2),),
    )  # fmt: skip
    await open_one(desk.app, leader, plan)
    await desk.put("case-1")

    inspector = await desk.log_in("collector")
    await inspector.goto(f"{desk.url}/worklist/campaigns.html")
    await inspector.wait_for_selector("#targets tr.short:has-text('还应排查 2 处')")
    await inspector.click("#menu a:has-text('隐患台账')")
    await inspector.click("#list details summary")
    await inspector.fill("form.new #f-summary_masked", "燃气管道占压")
    await inspector.fill("form.new #f-area", "440303001")
    await inspector.select_option("#f-campaign", label="燃气安全专项")
    photo = {"name": "p.png", "mimeType": "image/png", "buffer": picture(200, 60, 60)}
    await inspector.set_input_files("form.new #f-media", photo)
    await inspector.click("form.new button.main")
    await inspector.click("#list tr[data-entry] a")
    await inspector.wait_for_selector("#case .photos img:not(.loading)")

    dispatcher = await desk.log_in("dispatcher")
    await dispatcher.goto(f"{desk.url}/worklist/campaigns.html#list=hazards")
    await dispatcher.click("#list tr[data-entry] a")
    await dispatcher.click('#case button[data-action="assign"]')
    await dispatcher.fill("#case #f-unit_id", "440303-env")
    await dispatcher.click("#case form button.main")
    await dispatcher.wait_for_selector("#case form .trouble:has-text('没有写明整改措施')")
    await dispatcher.fill("#case #f-measure_masked", "迁改管道")
    await dispatcher.click("#case form button.main")
    await dispatcher.wait_for_selector("#entry-state:has-text('整改中')")
    await dispatcher.click("#menu a:has-text('燃气安全专项')")
    await dispatcher.wait_for_selector("#targets tr.short:has-text('还应排查 1 处')")
    assert await dispatcher.inner_text("#targets tbody tr td") == "罗湖区", "areas are called by their names"
    assert "深圳市" in await dispatcher.inner_text("#who")
