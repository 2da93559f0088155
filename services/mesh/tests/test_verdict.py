"""When a link is late, stalled or cut, and how often it is restarted."""

from __future__ import annotations

import datetime as dt

from yiwang.kit.mesh import Space
from yiwang.mesh.verdict import (
    Local,
    Seen,
    Track,
    judge,
    link_alarm,
    local_alarms,
    may_remedy,
    overdue,
    worth_a_restart,
)

CUT_S, STALL_S = 10.0, 15.0


def state(seen: Seen, track: Track | None = None) -> str:
    return judge(seen, track or Track(), CUT_S, STALL_S)


def link(at: float = 100.0, **change: object) -> Seen:
    fields: dict[str, object] = {"peer": "440106", "direction": "up", "at": at, "quiet_s": 0.5, "connected": True}
    return Seen(**(fields | change))  # type: ignore[arg-type]


def test_a_living_link_without_backlog_is_well() -> None:
    assert state(link(seq=5, last_seq=5)) == "ok"


def test_a_backlog_that_moves_is_late() -> None:
    """However long it takes: a county that comes back with a week's events is no fault."""
    track = Track()
    for n in range(10):
        assert state(link(at=100.0 + 10 * n, seq=n + 1, last_seq=10_000), track) == "late"


def test_a_backlog_that_does_not_move_is_stalled() -> None:
    track = Track()
    assert state(link(at=0, seq=5, last_seq=9), track) == "late"
    assert state(link(at=STALL_S - 1, seq=5, last_seq=9), track) == "late"
    assert state(link(at=STALL_S, seq=5, last_seq=9), track) == "stalled"
    assert state(link(at=STALL_S + 1, seq=6, last_seq=9), track) == "late"


def test_a_link_that_shows_life_but_lets_nothing_through_is_stalled() -> None:
    """No backlog is known, for the peer's word of it is stuck in the same link: its heartbeat stays away, and that tells."""
    track, word = Track(), dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
    for at in (0.0, 60.0, 120.0):
        late = overdue(track, word, 60.0, at)
        assert not late
        assert state(link(at=at, seq=5, overdue=late), track) == "ok"
    for at, expected in ((121.0, "late"), (121.0 + STALL_S, "stalled")):
        assert overdue(track, word, 60.0, at)
        assert state(link(at=at, seq=5, overdue=True), track) == expected
    assert not overdue(track, word + dt.timedelta(minutes=3), 60.0, 140.0)


def test_a_peer_that_does_not_say_how_often_it_speaks_is_never_overdue() -> None:
    """An older program below, or one that has not spoken yet."""
    track = Track()
    assert not overdue(track, None, 60.0, 0.0)
    assert not overdue(track, None, 60.0, 1e6)
    assert not overdue(track, dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC), 0.0, 1e6)


def test_a_link_without_any_sign_is_cut() -> None:
    assert state(link(quiet_s=CUT_S + 1, connected=False)) == "cut"


def test_a_line_that_stands_while_the_source_is_dead_is_stalled() -> None:
    """The other side listens to us, and yet nothing of it arrives: the source has stopped, not the line."""
    assert state(link(quiet_s=CUT_S + 1, connected=True)) == "stalled"


def test_a_link_that_never_stood_is_said_so() -> None:
    assert state(link(quiet_s=-1, connected=False)) == "never"


def test_who_is_frozen_is_not_shaken() -> None:
    """It would get every restart at once when it goes on; signs of life, none ever, or none for very long: then a restart helps."""
    asked = {quiet: worth_a_restart(link(quiet_s=quiet), CUT_S, 60.0) for quiet in (0.5, CUT_S, CUT_S + 1, 60.0, 61.0, -1.0)}
    assert asked == {0.5: True, CUT_S: True, CUT_S + 1: False, 60.0: False, 61.0: True, -1.0: True}


def test_remedies_become_rarer() -> None:
    """At once, then after 10, 20, 40 … at most 300 seconds: a line that is really cut is not shaken for ever."""
    track, now, gaps = Track(), 0.0, []
    last = 0.0
    for _ in range(8):
        while not may_remedy(track, now):
            now += 1
        gaps.append(now - last)
        last, track.remedied_at, track.remedies = now, now, track.remedies + 1
    assert gaps == [0, 10, 20, 40, 80, 160, 300, 300]


def test_every_alarm_says_what_to_do() -> None:
    local = Local(
        unsent_s=900, parked={"dispatch": 2}, waits={"grid": "等待消息服务器"}, missing=("intake",), full={"UP": 0.9},
        space=Space(9.0, 10.0), quarantined={"440106": 3}, silent={"440111": 700},
    )  # fmt: skip
    found = local_alarms(local, 300, {"440106": "天河区"})
    found += [alarm for s in ("cut", "stalled") if (alarm := link_alarm(link(lag=7), s, "天河区", Track()))]
    assert {alarm.kind for alarm in found} == {
        "unsent", "parked", "not_ready", "retention", "database", "quarantine", "silent", "link_cut", "link_stalled",
    }  # fmt: skip
    assert all("请" in alarm.sentence or "未就绪" in alarm.sentence for alarm in found)
    assert len({alarm.alarm for alarm in found}) == len(found)


def test_a_new_source_without_life_is_told_only_when_restarting_it_does_not_help() -> None:
    """Nothing is known to wait: the watchdog restarts it by itself first; what waits is told at once."""
    quiet = link(quiet_s=-1, connected=True)
    said = [link_alarm(quiet, "stalled", "天河区", Track(remedies=n)) for n in range(6)]
    assert [one is None for one in said] == [True] * 4 + [False] * 2
    told = said[4]
    assert told is not None
    assert "0 条" not in told.sentence
    assert link_alarm(link(lag=1), "stalled", "天河区", Track()) is not None


def test_a_link_that_worked_and_fell_silent_is_told_at_once() -> None:
    """Behind a dead line nobody can say what waits."""
    track = Track()
    assert judge(link(), track, CUT_S, STALL_S) == "ok"
    silent = link(at=200.0, quiet_s=60.0)
    assert link_alarm(silent, judge(silent, track, CUT_S, STALL_S), "天河区", track) is not None


def test_nothing_wrong_raises_nothing() -> None:
    assert local_alarms(Local(unsent_s=299), 300, {}) == []
    assert link_alarm(link(), "ok", "天河区", Track()) is None
    assert link_alarm(link(), "late", "天河区", Track()) is None
