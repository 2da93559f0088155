"""People above who act on a case below, and people below who answer a supervision."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from yiwang.contracts import CaseDirected, Moment
from yiwang.kit import App, Caller, Context

from . import directives, store, tier_store
from .actions import Done, change
from .acts import Body, Key
from .authority import actor_among
from .auto import Work
from .case import Case
from .custody import named
from .directing import EXPIRY, REPLY, watch_replies
from .directives import ACTIONS, LASTS, MAY_DIRECT, Directive
from .errors import NOT_FOUND, STALE
from .handlers import keep
from .people import acting, over
from .refusals import Refused
from .rules import Rules
from .states import FINAL

REPLIERS: Final = ("dept_operator", "dispatcher", "acceptor", "shift_leader", "leader")


class DirectiveBody(Body, frozen=True, kw_only=True):
    """What is asked for. `version` is the one that the issuer saw; `area` says where an assignment shall go."""

    action: Annotated[str, msgspec.Meta(pattern="^(supervise|recall|assign)$")] = "supervise"
    kind: Annotated[str, msgspec.Meta(pattern="^(timeout|leader|important)$")] = "important"
    area: Key = ""
    expires_at: Moment | None = None
    reply_required: bool = False
    reply_due: Moment | None = None


class ReplyBody(Body, frozen=True, kw_only=True):
    """The answer in words, in the opinion."""

    directive_id: Annotated[str, msgspec.Meta(max_length=200)]


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A directive that was given: `state` is issued until the custodian has answered, applied where the case is here."""

    directive_id: str
    case_id: str
    state: str
    custodian: str
    custodian_name: str


async def direct(app: App, caller: Caller, no: str, body: DirectiveBody) -> Issued:
    """Give a directive about the case of that number or id. Raises the Problems of `errors`."""

    async def once(ctx: Context) -> Issued:
        rules = app.get(Rules)
        own = await store.lock(ctx.tx, no)
        copy = await tier_store.find_copy(ctx.tx, no) if own is None or own.away else None
        case = copy.case if copy else own
        if case is None:
            raise NOT_FOUND(no=no)
        if body.version is not None and body.version != case.version:
            raise STALE(current=case.version, seen=body.version)
        said = _said(ctx, caller, case, body, rules)
        if copy is None:
            return await _here(ctx, case, said, rules)
        issued = Directive(said=said, issuer=said.jurisdiction, side="issued")
        await tier_store.save_directive(ctx.tx, issued, ctx.now())
        await ctx.set_timer(EXPIRY, said.directive_id, said.expires_at)
        ctx.emit(said)
        return _issued(said, "issued", case, rules)

    return await acting(app, caller, once, purpose="")


def _said(ctx: Context, caller: Caller, case: Case, body: DirectiveBody, rules: Rules) -> CaseDirected:
    """The directive as it travels. Raises Refused."""
    me, who = ctx.node.jurisdiction, case.custody.jurisdiction
    name = ACTIONS[body.action]
    by = over(caller, MAY_DIRECT[body.action], case.area, name, wanted=body.role)
    if not body.opinion.strip():
        raise Refused("opinion_missing", action=name)
    if who != me and not (rules.tiers and (who in rules.tiers.mine or rules.tiers.above(me, who))):
        raise Refused("directive_not_below", node=named(rules, who))
    if case.state in FINAL:
        raise Refused("directive_finished")
    now = ctx.now()
    ends = body.expires_at or now + LASTS
    if ends <= now or (body.reply_due is not None and body.reply_due <= now):
        raise Refused("directive_dates")
    return CaseDirected(
        case_id=case.case_id, case_no=case.case_no, directive_id=f"{case.case_id}/d/{ctx.parent}",
        based_on=case.version, epoch=case.custody.epoch, action=body.action,
        kind=body.kind if body.action == "supervise" else "", level=rules.tiers.tier(me) if rules.tiers else ctx.node.tier,
        target=body.area, opinion=body.opinion, expires_at=ends, reply_required=body.reply_required,
        reply_due=body.reply_due, addressee=who, actor=by, jurisdiction=me, purpose=case.purpose,
    )  # fmt: skip


async def _here(ctx: Context, case: Case, said: CaseDirected, rules: Rules) -> Issued:
    """The case is this node's own: a supervision is laid on it at once; the rest needs no directive."""
    if said.action != "supervise":
        raise Refused("directive_own")
    work = Work(case, rules.of(case), ctx.now())
    directives.supervise(work, said)
    await keep(ctx, [work])
    await watch_replies(ctx, work.case)
    ctx.emit(*work.events)
    return _issued(said, "applied", case, rules)


def _issued(said: CaseDirected, state: str, case: Case, rules: Rules) -> Issued:
    who = case.custody.jurisdiction
    return Issued(
        directive_id=said.directive_id, case_id=case.case_id, state=state, custodian=who,
        custodian_name=rules.tiers.name(who) if rules.tiers else who,
    )  # fmt: skip


async def reply(app: App, caller: Caller, no: str, body: ReplyBody) -> Done:
    """Answer a supervision of a case that is here. Raises the Problems of `errors`."""

    async def do(ctx: Context, work: Work) -> None:
        by = actor_among(caller, work.case, "督办回复", REPLIERS, body.role, work.rules)
        directives.reply(work, body.directive_id, by, body.opinion)
        await ctx.cancel_timer(REPLY, body.directive_id)

    return await change(app, caller, no, body.version, do)
