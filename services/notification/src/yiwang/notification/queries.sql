-- add_notices: new notices, once for each id; gives the ids that were new
insert into notice (notice_id, audience, kind, role, area, business_id, version, template, template_version, rule, title,
                    body, urgency, notice_purpose, consent_id, purpose, case_id, case_no, steps, inbox, state, created_at, done_at)
select n.notice_id, n.audience, n.kind, n.role, n.area, n.business_id, n.version, n.template, n.template_version, n.rule,
       n.title, n.body, n.urgency, n.notice_purpose, n.consent_id, n.purpose, n.case_id, n.case_no, n.plan, n.inbox,
       case when n.inbox then 'delivered' else 'pending' end, $2::timestamptz, case when n.inbox then $2::timestamptz end
from json_to_recordset($1::text::json)
     as n(notice_id uuid, audience text, kind text, role text, area text, business_id text, version int, template text,
          template_version text, rule text, title text, body text, urgency text, notice_purpose text, consent_id text,
          purpose text, case_id text, case_no text, plan text, inbox bool)
on conflict (notice_id) do nothing
returning notice_id;

-- heard_keys: everything that any enabled endpoint listens to
select distinct unnest(audiences) from endpoint where enabled;

-- add_deliveries: pushes of notices to every enabled endpoint that listens to one of their keys; gives notice ids
insert into delivery (notice_id, endpoint_id, channel, step, due_at)
select n.notice_id, e.endpoint_id, e.channel, n.step, n.due_at
from unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::timestamptz[]) as n(notice_id, channels, keys, step, due_at)
join endpoint e on e.enabled and e.channel = any (string_to_array(n.channels, ' '))
     and e.audiences && string_to_array(n.keys, ' ')
on conflict (notice_id, endpoint_id) do nothing
returning notice_id;

-- reachable_cases: which of the cases have a reporter's contact, their own or that of a case that was merged into them
select case_id from contact where case_id = any ($1::text[]) and (phone <> '' or openid <> '')
union
select j.into_case from joined j join contact c using (case_id)
where j.into_case = any ($1::text[]) and (c.phone <> '' or c.openid <> '');

-- keep_joined: the reports of cases go on in another one
insert into joined (case_id, into_case) select * from unnest($1::text[], $2::text[])
on conflict (case_id) do update set into_case = excluded.into_case;

-- keep_contacts: sealed contacts of reporters, the first of a report counts
insert into contact (report_id, case_id, name, phone, openid, at)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
on conflict (report_id) do nothing;

-- contacts_of: the contacts of a case's reporters and of those whose cases were merged into it, the first report first
select report_id, name, phone, openid from contact
where case_id = $1 or case_id in (select case_id from joined where into_case = $1) order by at, report_id;

-- end_notice: nothing is left to try; unsent where no channel led to the audience, else failed with the class of the last push
update notice set state = $2, failure_class = $3, done_at = $4 where notice_id = $1 and state = 'pending';

-- next_step: a notice goes on with a later step; inbox true puts it into the in-app inbox
update notice set step = $2, inbox = inbox or $3, xid = case when $3 then pg_current_xact_id() else xid end,
       state = case when $3 then 'delivered' else state end, done_at = case when $3 then $4 else done_at end
where notice_id = $1;

-- claim: pushes that are due, each for one sender until it gives them back or dies
update delivery d set claimed_until = now() + interval '90 s'
from notice n, endpoint e
where d.delivery_id in (
        select delivery_id from delivery
        where state = 'pending' and due_at <= $1 and (claimed_until is null or claimed_until < now())
          and endpoint_id <> all ($3::uuid[])
        order by due_at, delivery_id limit $2 for update skip locked)
  and n.notice_id = d.notice_id and e.endpoint_id = d.endpoint_id
returning d.delivery_id, d.attempts, d.due_at, d.channel, d.step, n.notice_id, n.audience, n.kind, n.role, n.area,
          n.business_id, n.version, n.template, n.template_version, n.title, n.body, n.urgency, n.purpose, n.case_id,
          n.case_no, n.steps, n.created_at, e.endpoint_id, e.name, e.target, e.receives_contact, e.secret, e.old_secret,
          e.old_until, e.enabled;

-- give_back: a claimed push waits until later, without an attempt
update delivery set due_at = $2, claimed_until = null where delivery_id = $1;

-- record_attempt: what became of an attempt
insert into attempt (delivery_id, n, at, class, reason, took_ms) values ($1, $2, $3, $4, $5, $6)
on conflict (delivery_id, n) do nothing;

-- record_delivery: where a push stands after an attempt
update delivery set state = $2, attempts = $3, due_at = $4, claimed_until = null, failure_class = $5, reason = $6,
       provider_id = $7, receipt_hash = $8, delivered_at = $9
where delivery_id = $1 and state = 'pending';

-- settle_delivered: the notice reached somebody
update notice set state = 'delivered', done_at = $2, failure_class = '' where notice_id = $1 and state = 'pending';

-- open_notice: a notice that is still pending, with how many pushes of its step still may succeed; locked
select n.notice_id, n.audience, n.kind, n.role, n.area, n.steps as plan, n.step, n.urgency,
       (select count(*) from delivery d where d.notice_id = n.notice_id and d.state = 'pending')::int as hopeful
from notice n where n.notice_id = $1 and n.state = 'pending' for update;

-- inbox: notices for a person, newest first, before a seq; each branch walks one index backwards
with mine as (
    select f.notice_id from unnest($1::text[]) as a(audience), lateral (
        select n.notice_id from notice n
        where n.audience = a.audience and n.inbox and n.seq < $5 and (not $6::bool or not exists (
            select from notice_read r where r.notice_id = n.notice_id and r.person_ref = $4))
        order by n.seq desc limit $7) f
    union
    select f.notice_id from unnest($2::text[], $3::text[]) as p(role, prefix), lateral (
        select n.notice_id from notice n
        where n.role = p.role and n.role <> '' and left(n.area, 6) = left(p.prefix, 6) and starts_with(n.area, p.prefix)
          and n.inbox and n.seq < $5 and (not $6::bool or not exists (
            select from notice_read r where r.notice_id = n.notice_id and r.person_ref = $4))
        order by n.seq desc limit $7) f
    where length(p.prefix) >= 6
    union
    select f.notice_id from unnest($2::text[], $3::text[]) as p(role, prefix), lateral (
        select n.notice_id from notice n
        where n.role = p.role and n.role <> '' and starts_with(n.area, p.prefix)
          and n.inbox and n.seq < $5 and (not $6::bool or not exists (
            select from notice_read r where r.notice_id = n.notice_id and r.person_ref = $4))
        order by n.seq desc limit $7) f
    where length(p.prefix) < 6)
select n.notice_id, n.seq, n.audience, n.title, n.body, n.urgency, n.template, n.case_id, n.case_no, n.created_at, r.read_at
from mine join notice n using (notice_id) left join notice_read r on r.notice_id = n.notice_id and r.person_ref = $4
order by n.seq desc limit $7;

-- one_for: a notice if it is for this person
select n.notice_id, n.seq, n.audience, n.title, n.body, n.urgency, n.template, n.case_id, n.case_no, n.created_at, r.read_at
from notice n left join notice_read r on r.notice_id = n.notice_id and r.person_ref = $4
where n.inbox and n.notice_id = $5
  and (n.audience = any ($1::text[]) or exists (
        select from unnest($2::text[], $3::text[]) as p(role, prefix) where n.role = p.role and starts_with(n.area, p.prefix)));

-- mark_read: this person has seen it; the first time counts
insert into notice_read (notice_id, person_ref, read_at) values ($1, $2, $3) on conflict do nothing;

-- horizon: everything with a smaller transaction id is committed or gone
select pg_snapshot_xmin(pg_current_snapshot())::text;

-- tail: inbox notices after a position and below the horizon, in an order that never gains earlier rows
select n.xid::text as xid, n.seq, n.notice_id, n.audience, n.role, n.area, n.title, n.body, n.urgency, n.template, n.case_id,
       n.case_no, n.created_at
from notice n
where n.inbox and (n.xid, n.seq) > ($1::text::xid8, $2::bigint) and n.xid < pg_snapshot_xmin(pg_current_snapshot())
order by n.xid, n.seq limit $3;

-- summary: the equation due = delivered + failed + unsent + pending, and where the pushes stand
select count(*)::int as due,
       (count(*) filter (where state = 'delivered'))::int as delivered,
       (count(*) filter (where state = 'failed'))::int as failed,
       (count(*) filter (where state = 'unsent'))::int as unsent,
       (count(*) filter (where state = 'pending'))::int as pending
from notice where created_at >= $1;

-- pushes: pushes by channel and state
select channel, state, failure_class, count(*)::int as count
from delivery group by channel, state, failure_class order by 1, 2, 3;

-- attempts: every attempt to bring a notice to somebody, in order
select d.delivery_id, e.name as endpoint, d.channel, d.step, d.state, a.n, a.at, a.class as klass, a.reason, a.took_ms
from delivery d join endpoint e using (endpoint_id) left join attempt a using (delivery_id)
where d.notice_id = $1 order by d.step, e.name, a.n;

-- notice_exists: whether there is such a notice
select exists (select from notice where notice_id = $1);

-- endpoints: all endpoints by name
select endpoint_id, channel, name, target_shown, audiences, receives_contact, enabled, disabled_reason, old_until, created_by, created_at
from endpoint order by name, endpoint_id;

-- endpoint: one endpoint
select endpoint_id, channel, name, target_shown, audiences, receives_contact, enabled, disabled_reason, old_until, created_by, created_at
from endpoint where endpoint_id = $1;

-- add_endpoint: a new endpoint
insert into endpoint (endpoint_id, channel, name, target, target_shown, audiences, receives_contact, secret, created_by, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- rotate: a new secret; the old one signs too until a moment
update endpoint set old_secret = secret, secret = $2, old_until = $3 where endpoint_id = $1 and channel = 'webhook';

-- switch: enable or disable an endpoint
update endpoint set enabled = $2, disabled_reason = $3 where endpoint_id = $1 and enabled <> $2;

-- drop_old: notices that ended before a moment
delete from notice where notice_id in (select notice_id from notice where state <> 'pending' and done_at < $1 limit 1000);
