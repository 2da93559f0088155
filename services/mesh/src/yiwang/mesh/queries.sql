-- mark: how far a reader has come in the stream of that creation time
select seq from mark where reader = $1 and created = $2;

-- set_mark: it has come so far
insert into mark (reader, created, seq) values ($1, $2, $3)
on conflict (reader) do update set created = excluded.created, seq = excluded.seq;

-- keep: a refused event, as long as there is room for it today
insert into quarantine (child, created, seq, subject, reason, data, at)
select $1, $2, $3, $4, $5, $6, $7::timestamptz
where (select count(*) from quarantine where child = $1 and at > $7::timestamptz - interval '1 day') < $8
on conflict (child, created, seq) do nothing;

-- count_refused: so many more
insert into refused (child, total, unseen, last_at) values ($1, $2, $2, $3)
on conflict (child) do update set total = refused.total + excluded.total, unseen = refused.unseen + excluded.unseen,
    last_at = excluded.last_at;

-- refused: how many, by child
select child, total, unseen from refused order by child;

-- quarantine: what was refused, newest first
select child, seq, subject, reason, at, coalesce(left(convert_from(data, 'LATIN1'), 2000), '') data, seen_by, seen_at
from quarantine where ($1 = '' or child = $1) and ($2 or seen_at is null) order by at desc, seq desc limit 500;

-- mark_seen: somebody has looked at what a child sent
update quarantine set seen_by = $2, seen_at = $3 where child = $1 and seen_at is null;

-- forget_unseen: and the alarm ends
update refused set unseen = 0 where child = $1 and unseen > 0;

-- set_peer: what a node said last of itself; older words don't replace newer ones
insert into peer (node, heartbeat, recorded_at, heard_at, latency_ms) values ($1, $2, $3, $4, $5)
on conflict (node) do update set heartbeat = excluded.heartbeat, recorded_at = excluded.recorded_at,
    heard_at = excluded.heard_at, latency_ms = excluded.latency_ms
where peer.recorded_at <= excluded.recorded_at;

-- said: what one node said last, locked
select heartbeat from peer where node = $1 for update;

-- peers: what each node said last
select node, heartbeat, recorded_at, heard_at, latency_ms from peer order by node;

-- set_probe: the last probe of a node above
insert into probe (node, recorded_at, latency_ms, every_s) values ($1, $2, $3, $4)
on conflict (node) do update set recorded_at = excluded.recorded_at, latency_ms = excluded.latency_ms,
    every_s = excluded.every_s
where probe.recorded_at <= excluded.recorded_at;

-- probed: the last probe of that node
select recorded_at, latency_ms, every_s from probe where node = $1;

-- raise: an alarm stands; gives since when, only if it is new
insert into alarm (node, alarm, kind, sentence, since) values ($1, $2, $3, $4, $5)
on conflict (node, alarm) do update set kind = excluded.kind, sentence = excluded.sentence, since = excluded.since,
    cleared_at = null, remedy = ''
where alarm.cleared_at is not null and alarm.cleared_at <= excluded.since
returning since;

-- reword: a standing alarm in newer words
update alarm set sentence = $3 where node = $1 and alarm = $2 and cleared_at is null and sentence <> $3;

-- clear: an alarm ends; gives since when it stood
update alarm set cleared_at = $3, remedy = $4 where node = $1 and alarm = $2 and cleared_at is null and since <= $3
returning since;

-- standing: alarms of a node that stand
select node, alarm, kind, sentence, since from alarm where node = $1 and cleared_at is null order by since, alarm;

-- all_standing: alarms of all nodes that stand
select node, alarm, kind, sentence, since from alarm where cleared_at is null order by node, since, alarm;

-- count_cases: so many cases of an area on a day
insert into day_count (day, area, cases, last_at)
select * from unnest($1::date[], $2::text[], $3::bigint[], $4::timestamptz[])
on conflict (day, area) do update set cases = day_count.cases + excluded.cases,
    last_at = greatest(day_count.last_at, excluded.last_at);

-- day_counts: cases of a day by area
select area, cases, last_at from day_count where day = $1 order by area;

-- drop_old: what is past its time
with old as (delete from alarm where cleared_at < $1), q as (delete from quarantine where seen_at < $1)
delete from day_count where day < $1::date;
