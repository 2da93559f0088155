"""What is wrong with a link, from what a node can see of it. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec
from yiwang.kit.mesh import Space

NAMES = {"up": "上行", "down": "下行"}
FUTILE = 3
OVERDUE_TIMES, OVERDUE_LEAST_S = 2.0, 5.0
"""A word is overdue after so many times the interval that the other side keeps, and never sooner than these seconds"""
FULL = 0.8
"""From this share of a room on somebody is told"""
STATE_NAMES = {"ok": "正常", "late": "滞后", "stalled": "停滞", "cut": "中断", "never": "从未连通", "docked": "对接"}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One direction of one link as the receiving node sees it at a moment (seconds on a monotonic clock).

    Attributes:
        peer: the node at the other end
        direction: up (the peer is below) or down (the peer is above)
        at: the moment
        quiet_s: since the last sign of the peer's consumer, heartbeats included; negative: never any
        lag: events that wait at the peer, by the peer's own count
        seq: the last sequence of the peer's stream that arrived
        last_seq: what the peer said was its stream's last sequence, 0 if it hasn't
        waiting: events that have landed here and that our own stream has not taken yet
        connected: the peer's side of the link hears us (its interest has reached us)
        refused: events in quarantine
        overdue: the peer's next heartbeat or probe should long have come (see `overdue`)
    """

    peer: str
    direction: str
    at: float
    quiet_s: float = -1.0
    lag: int = 0
    seq: int = 0
    last_seq: int = 0
    waiting: int = 0
    connected: bool = False
    refused: int = 0
    overdue: bool = False

    @property
    def behind(self) -> int:
        """Events that lie there and not yet here, as far as anybody knows."""
        return max(self.lag, self.last_seq - self.seq, 0) + self.waiting

    @property
    def mark(self) -> tuple[int, int]:
        """What differs when something has moved."""
        return self.seq, self.waiting


class Track(msgspec.Struct):
    """What is remembered of a link between two looks."""

    mark: tuple[int, int] = (-1, 0)
    moved_at: float = 0.0
    remedied_at: float = float("-inf")
    remedies: int = 0
    worked: bool = False
    state: str = "never"
    word_at: dt.datetime | None = None
    heard_at: float = 0.0


def overdue(track: Track, word_at: dt.datetime | None, every_s: float, at: float) -> bool:
    """Whether the peer's next word should long have come; *word_at*: when it last spoke, by its own clock.

    A source can stand still and yet show life and no backlog: heartbeats of its consumer arrive while the consumer waits for
    an acknowledgement that was lost when the other side froze (seen with nats-server 2.15.1). Only what the peer would have
    said by now tells. *every_s* 0: the peer doesn't say how often it speaks, and nothing is concluded.
    """
    if word_at != track.word_at:
        track.word_at, track.heard_at = word_at, at
    return word_at is not None and every_s > 0 and at - track.heard_at > max(OVERDUE_TIMES * every_s, OVERDUE_LEAST_S)


def judge(seen: Seen, track: Track, cut_after: float, stall_after: float) -> str:
    """ok, late, stalled, cut or never; brings *track* up to date.

    cut: no sign of the peer, and nothing says that the line stands. stalled: the line stands, events wait or the peer's next
    word is overdue, and none has come for *stall_after* seconds; or the line stands and the source has shown no life for
    *cut_after* seconds.
    """
    waits = seen.behind > 0 or seen.overdue
    if seen.mark != track.mark or not waits:
        track.mark, track.moved_at = seen.mark, seen.at
    silent = seen.quiet_s < 0 or seen.quiet_s > cut_after
    if silent and seen.connected and seen.at - track.moved_at >= (0 if seen.quiet_s > cut_after else stall_after):
        state = "stalled"
    elif silent:
        state = "never" if seen.quiet_s < 0 else "cut"
    elif waits and seen.at - track.moved_at >= stall_after:
        state = "stalled"
    else:
        state = "late" if waits else "ok"
    track.state = state
    track.worked |= state in ("ok", "late")
    return state


def worth_a_restart(seen: Seen, cut_after: float, dead_after: float) -> bool:
    """Whether a restart of a stalled link can help: the other side gives signs, or it never did, or hasn't for very long.

    A server that is frozen for a while gets all requests of that time at once when it goes on. Each restart is one more of
    them, and what it then delivers for an earlier one is lost (seen with nats-server 2.15.1: 34 of 4,644 events).
    """
    return seen.quiet_s <= cut_after or seen.quiet_s > dead_after


def may_remedy(track: Track, now: float) -> bool:
    """Whether a stalled link is to be restarted again now: at once, then after 10, 20, 40 … at most 300 seconds."""
    wait = 0.0 if not track.remedies else min(300.0, 10.0 * 2 ** (track.remedies - 1))
    return now - track.remedied_at >= wait


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong now."""

    alarm: str
    kind: str
    sentence: str


def link_alarm(seen: Seen, state: str, name: str, track: Track) -> Alarm | None:
    """The alarm of a link in that state.

    A new source often shows no life until it has been restarted once: while it has never worked and nothing is known to
    wait, that is for the watchdog alone, and people hear of it only when `FUTILE` restarts have changed nothing.
    """
    where = NAMES[seen.direction]
    side = "下级" if seen.direction == "up" else "上级"
    if state == "cut":
        say = f"与{side} {name} 的{where}链路中断：请检查两地之间的网络和对方服务器，恢复后自动补传"
        return Alarm(alarm=f"link_cut/{seen.peer}/{seen.direction}", kind="link_cut", sentence=say)
    if state == "stalled" and (seen.behind or track.worked or track.remedies > FUTILE):
        waits = f"{seen.behind} 条待传" if seen.behind else "收不到对方的任何消息"
        say = f"与{side} {name} 的{where}链路停滞，{waits}：已自动重启取数；仍不恢复时请检查对方 mesh 服务和磁盘"
        return Alarm(alarm=f"link_stalled/{seen.peer}/{seen.direction}", kind="link_stalled", sentence=say)
    return None


class Local(msgspec.Struct, frozen=True, kw_only=True):
    """What a node knows of itself.

    Attributes:
        unsent_s: age of the oldest event that has not left for the node above
        parked: service → events that wait for a person
        waits: service → the sentence that says what it waits for
        missing: services that should run here and don't answer
        full: stream → share of its room that is used
        space: room of the node's database, where its host bounds it
        quarantined: child → refused events that nobody has looked at
        silent: child → seconds since it last said anything, for those that should
    """

    unsent_s: float = 0.0
    parked: Mapping[str, int] = {}
    waits: Mapping[str, str] = {}
    missing: tuple[str, ...] = ()
    full: Mapping[str, float] = {}
    space: Space = Space()
    quarantined: Mapping[str, int] = {}
    silent: Mapping[str, float] = {}


def local_alarms(local: Local, unsent_after: float, names: Mapping[str, str]) -> list[Alarm]:
    """Everything that is wrong beside the links."""
    found = []
    if local.unsent_s > unsent_after:
        age = dt.timedelta(seconds=int(local.unsent_s))
        say = f"最早一条未送出的事件已等待 {age}：请检查通往上级的链路"
        found.append(Alarm(alarm="unsent", kind="unsent", sentence=say))
    for service, count in local.parked.items():
        say = f"{service} 有 {count} 条事件待人工处理：请用 yiwang parked list 查看"
        found.append(Alarm(alarm=f"parked/{service}", kind="parked", sentence=say))
    for service, why in local.waits.items():
        found.append(Alarm(alarm=f"not_ready/{service}", kind="not_ready", sentence=f"{service} 未就绪：{why}"))
    for service in local.missing:
        say = f"{service} 没有应答：请检查它的进程和日志"
        found.append(Alarm(alarm=f"not_ready/{service}", kind="not_ready", sentence=say))
    for stream, share in local.full.items():
        say = f"流 {stream} 已用 {share:.0%}：请扩大 YIWANG_STREAM_MAX_GIB 或缩短保留天数"
        found.append(Alarm(alarm=f"retention/{stream}", kind="retention", sentence=say))
    if local.space.share > FULL:
        say = (f"数据库已用 {local.space.used:.1f} GiB，配额 {local.space.most:.1f} GiB，用满后不再接收新的上报："
               "请清理数据，或请承载平台加大 quotas.max_database_gib")  # fmt: skip
        found.append(Alarm(alarm="database", kind="database", sentence=say))
    for child, count in local.quarantined.items():
        name = names.get(child, child)
        say = f"{name} 送来 {count} 条不属于它的事件，已隔离：请核实对方系统，核实后在 /mesh/quarantine 确认"
        found.append(Alarm(alarm=f"quarantine/{child}", kind="quarantine", sentence=say))
    for child, seconds in local.silent.items():
        name = names.get(child, child)
        say = f"{name} 已 {int(seconds)} 秒没有心跳：请检查该地的 mesh 服务"
        found.append(Alarm(alarm=f"silent/{child}", kind="silent", sentence=say))
    return found
