-- lock_cases: what is known of some cases, for update
select facts from cases where case_id = any($1::text[]) order by case_id for update;

-- put_cases: their newest facts
insert into cases (case_id, case_no, version, due_at, facts)
select * from unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[], $5::bytea[])
on conflict (case_id) do update set case_no = excluded.case_no, version = excluded.version, due_at = excluded.due_at,
    facts = excluded.facts;

-- waiting: events of some cases that came too early
select case_id, event from waiting where case_id = any($1::text[]);

-- keep_waiting: an event that came too early
insert into waiting (case_id, version, heard_at, event)
select * from unnest($1::text[], $2::int[], $3::timestamptz[], $4::bytea[]) on conflict do nothing;

-- drop_waiting: up to this version nothing waits any more
delete from waiting w using unnest($1::text[], $2::int[]) d(case_id, version)
where w.case_id = d.case_id and w.version <= d.version;

-- drop_parts: parts that are no more
delete from parts p using unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[]) d(case_id, kind, object, alt, day)
where p.case_id = d.case_id and p.kind = d.kind and p.object = d.object and p.alt = d.alt and p.day = d.day;

-- put_parts: parts as they are now
insert into parts (case_id, purpose, kind, object, alt, day, cls, segments, hits, amounts)
select case_id, purpose, kind, object, alt, day, cls, segments, hits::smallint[], amounts::int[]
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[], $7::text[], $8::text[], $9::text[],
    $10::text[]) n(case_id, purpose, kind, object, alt, day, cls, segments, hits, amounts)
on conflict (case_id, kind, object, alt, day) do update set purpose = excluded.purpose, cls = excluded.cls,
    segments = excluded.segments, hits = excluded.hits, amounts = excluded.amounts;

-- add_hours: so many more in an hour
insert into hours (object, cls, hour, reported, overdue)
select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::int[], $5::int[]) order by 1, 2, 3
on conflict (object, cls, hour) do update set reported = hours.reported + excluded.reported,
    overdue = hours.overdue + excluded.overdue;

-- names: of some codes
select kind, code, name from names where kind = any($1::text[]) and code = any($2::text[]);

-- note: events of some nodes have come so far, and how they call what they name; what is stored already isn't written again
with heard_now as (
    insert into heard (node, event_at) select * from unnest($1::text[], $2::timestamptz[]) order by 1
    on conflict (node) do update set event_at = greatest(heard.event_at, excluded.event_at)
)
insert into names (kind, code, name)
select n.kind, n.code, n.name from unnest($3::text[], $4::text[], $5::text[]) as n(kind, code, name)
where not exists (select from names as known where known.kind = n.kind and known.code = n.code and known.name = n.name)
order by 1, 2
on conflict (kind, code) do update set name = excluded.name where names.name <> excluded.name;

-- heard_beat: a node is alive
insert into heard (node, beat_at) values ($1, $2)
on conflict (node) do update set beat_at = greatest(heard.beat_at, excluded.beat_at);

-- heard: until when each node has been heard
select node, event_at, beat_at from heard order by node;

-- due: cases whose limit has passed, for update
select facts from cases where due_at <= $1 order by due_at, case_id limit $2 for update skip locked;

-- next_due: when the next case becomes overdue by itself
select min(due_at) from cases;

-- all_facts: of every case after one, for a recount
select case_id, facts from cases where case_id > $1 order by case_id limit $2;

-- add_input: a target, a counted event, a measured value or a survey's result
insert into inputs (source, kind, object, name, period, first, last, value, samples, note, by_whom, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning n;

-- inputs: the newest of each within some days, of some objects
select distinct on (source, object, name, period) n, source, kind, object, name, period, first, last, value, samples, note,
    by_whom, at
from inputs where kind = $1 and object = any($2::text[]) and first >= $3 and last <= $4
order by source, object, name, period, n desc;

-- last_report: the newest version of a report, locked against a second publication at the same time
select version, figures from reports where report_id = $1 order by version desc limit 1;

-- lock_report: one publication of a report at a time
select pg_advisory_xact_lock(hashtext('evaluation/' || $1));

-- add_report: a version
insert into reports (report_id, version, title, kind, object, period, made_at, made_by, reason, figures, digest, key_id,
    signature, body)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- reports: newest first, after one
select report_id, version, title, kind, object, period, made_at, reason, digest, key_id, signature from reports
where ($1 = '' or period = $1) and made_at < $2 order by made_at desc, report_id, version desc limit $3;

-- report: one version, or the newest
select report_id, version, title, kind, object, period, made_at, reason, digest, key_id, signature, body from reports
where report_id = $1 and ($2 = 0 or version = $2) order by version desc limit 1;

-- key: the signing key
select secret from signing_key;

-- add_key: the first replica makes it
insert into signing_key (secret, at) values ($1, $2) on conflict do nothing;

-- series: hours of every object and class since a moment
select object, cls, hour, reported, overdue from hours where hour >= $1 and hour < $2;

-- first_hour: since when there is history
select min(hour) from hours;

-- standing: alerts that stand
select alert, since, rule, area, object, cls from alerts where cleared_at is null;

-- raise: a new alert
insert into alerts (alert, since, rule, kind, area, object, cls, from_at, to_at, count, usual, bound, sentence)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict do nothing;

-- clear: an alert is over
update alerts set cleared_at = $3 where alert = $1 and since = $2 and cleared_at is null;

-- alerts: newest first, before one; $1: only those that stand
select alert, since, rule, kind, area, object, cls, from_at, to_at, count, usual, bound, sentence, cleared_at from alerts
where (not $1 or cleared_at is null) and since < $2 order by since desc, alert limit $3;

-- tried: until which hour the rules have been tried
select until from tried;

-- set_tried: until which hour they have been tried now
insert into tried (until) values ($1) on conflict (one) do update set until = excluded.until;
