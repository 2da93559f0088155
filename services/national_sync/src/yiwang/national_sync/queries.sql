-- add_records: facts (a known one adds nothing), a delivery for each platform that wants their kind, bases as told now
with told as (
    insert into bases (case_id, payload) select * from unnest($12::text[], $13::bytea[])
    on conflict (case_id) do update set payload = excluded.payload),
fresh as (
    insert into records (record_id, kind, case_id, district, day, occurred_at, came_from, payload, recorded_at)
    select r.record_id, r.kind, r.case_id, r.district, r.day, r.occurred_at, r.came_from, r.payload, $9
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::timestamptz[], $7::text[], $8::bytea[])
      with ordinality as r (record_id, kind, case_id, district, day, occurred_at, came_from, payload, place)
    order by r.place on conflict (record_id) do nothing returning n, kind, district, day, came_from)
insert into deliveries (platform, n, district, day)
select w.platform, f.n, f.district, f.day from fresh f
join unnest($10::text[], $11::text[]) as w (platform, kind) on w.kind = f.kind and w.platform <> f.came_from

-- bases: the base records of these cases as last told
select case_id, payload from bases where case_id = any($1::text[])

-- new_platform: a platform that is new here; true if it is
insert into platforms (platform, since) values ($1, $2) on conflict do nothing returning true

-- backfill: everything that was recorded before the platform was added, of the kinds that it wants
insert into deliveries (platform, n, district, day)
select $1, n, district, day from records where kind = any($2::text[]) and came_from <> $1 order by n on conflict do nothing

-- unnumbered: the oldest records without a sequence number, held for the pusher
select d.n, d.district, r.record_id, r.kind, r.payload from deliveries d join records r using (n)
where d.platform = $1 and d.seq is null and d.state = 'pending' order by d.n limit $2 for update of d

-- take_numbers: the last of $3 new numbers of one district
insert into sequences (platform, district, last) values ($1, $2, $3)
on conflict (platform, district) do update set last = sequences.last + $3 returning last

-- number: give sequence numbers
update deliveries d set seq = s.seq from unnest($2::bigint[], $3::bigint[]) as s (n, seq) where d.platform = $1 and d.n = s.n

-- refuse: mark as refused, with the reason
update deliveries d set state = 'refused', reason = s.reason, decided_at = $4, attempts = attempts + $5
from unnest($2::bigint[], $3::text[]) as s (n, reason) where d.platform = $1 and d.n = s.n

-- deliver: mark as taken by the other side, with the hash of what was sent
update deliveries d set state = 'delivered', reason = '', hash = s.hash, decided_at = $4, attempts = attempts + 1
from unnest($2::bigint[], $3::text[]) as s (n, hash) where d.platform = $1 and d.n = s.n

-- due_district: the next district after $2 that has something to send, so that all get their turn
select district from deliveries where platform = $1 and state = 'pending' and seq is not null and district > $2
order by district limit 1

-- due: the next records of one district in order
select d.n, d.seq, r.record_id, r.kind, d.day, r.occurred_at, r.payload from deliveries d join records r using (n)
where d.platform = $1 and d.district = $2 and d.state = 'pending' and d.seq is not null order by d.seq limit $3

-- rewind: the receiver asks for a number that we had counted as delivered
update deliveries set state = 'pending', decided_at = null
where platform = $1 and district = $2 and seq >= $3 and state = 'delivered'

-- renumber: the receiver is ahead of us (we were restored): what waits gets new numbers
update deliveries set seq = null where platform = $1 and district = $2 and state = 'pending' and seq is not null

-- last_number: the last number that was given in a district
select last from sequences where platform = $1 and district = $2

-- one_at_a_time: whoever fetches the same waits for the one before
select pg_advisory_xact_lock(hashtextextended($1, 0))

-- set_sequence: go on after this number
insert into sequences (platform, district, last) values ($1, $2, $3)
on conflict (platform, district) do update set last = excluded.last

-- worked: the link works
update platforms set failures = 0, next_try_at = null, last_ok_at = $2, last_error = '' where platform = $1

-- failed: the link doesn't work; when to try again
update platforms set failures = $2, next_try_at = $3, last_error = $4 where platform = $1

-- failures: how often in a row
select failures from platforms where platform = $1

-- overview: for every platform how much waits, is delivered and refused, and since when the oldest waits
select p.platform, p.failures, p.next_try_at, p.last_ok_at, p.last_error,
       coalesce(d.pending, 0) as pending, coalesce(d.delivered, 0) as delivered, coalesce(d.refused, 0) as refused,
       coalesce(d.flows, 0) as flows, coalesce(d.flows_pending, 0) as flows_pending,
       coalesce(d.flows_delivered, 0) as flows_delivered, coalesce(d.flows_refused, 0) as flows_refused,
       d.oldest_pending
from platforms p left join (
    select d.platform, count(*) filter (where state = 'pending') as pending,
           count(*) filter (where state = 'delivered') as delivered, count(*) filter (where state = 'refused') as refused,
           count(*) filter (where r.kind = 'case_flow') as flows,
           count(*) filter (where r.kind = 'case_flow' and state = 'pending') as flows_pending,
           count(*) filter (where r.kind = 'case_flow' and state = 'delivered') as flows_delivered,
           count(*) filter (where r.kind = 'case_flow' and state = 'refused') as flows_refused,
           min(r.recorded_at) filter (where state = 'pending') as oldest_pending
    from deliveries d join records r using (n) group by d.platform) d using (platform)
order by p.platform

-- waiting: how much waits and since when, for the gauges
select count(*) as pending, min(r.recorded_at) as oldest from deliveries d join records r using (n)
where d.platform = $1 and d.state = 'pending'

-- flow_count: flow records there are
select count(*) from records where kind = 'case_flow'

-- sequences: the last number of each district
select platform, district, last from sequences order by platform, district

-- refused: refused records, newest first
select d.platform, d.n, r.record_id, r.kind, r.case_id, d.district, coalesce(d.seq, 0) as seq, d.reason, d.attempts,
       d.decided_at, r.payload
from deliveries d join records r using (n)
where d.state = 'refused' and ($1 = '' or d.platform = $1) and ($2::bigint = 0 or d.n < $2) order by d.n desc limit $3

-- resend: send a refused record again, under a new number
update deliveries set state = 'pending', seq = null, reason = '', decided_at = null
where n = $1 and state = 'refused' and ($2 = '' or platform = $2) returning platform

-- resend_all: send everything again that a platform refused, or only what it refused for one reason
update deliveries set state = 'pending', seq = null, reason = '', decided_at = null
where platform = $1 and state = 'refused' and ($2 = '' or reason = $2)

-- resend_ids: send records again that the receiver lacks
update deliveries d set state = 'pending', seq = null, decided_at = null
from records r where r.n = d.n and d.platform = $1 and r.record_id = any($2::text[]) and d.state = 'delivered'

-- delivered_of_day: what we believe the receiver holds
select r.record_id, d.hash from deliveries d join records r using (n)
where d.platform = $1 and d.district = $2 and d.day = $3 and d.state = 'delivered'

-- days_to_compare: days that ended, whose comparison is missing or older than the last delivery, or found a difference
select d.district, d.day from deliveries d left join reconciliations c using (platform, district, day)
where d.platform = $1 and d.state = 'delivered' and d.day < $2 and d.day >= $3
group by d.district, d.day, c.compared_at, c.missing
having c.compared_at is null or max(d.decided_at) > c.compared_at or cardinality(c.missing) > 0
order by d.day, d.district limit 50

-- set_reconciliation: what a comparison found
insert into reconciliations (platform, district, day, compared_at, our_count, our_digest, their_count, their_digest, missing,
                             foreign_ids) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (platform, district, day) do update set compared_at = excluded.compared_at, our_count = excluded.our_count,
    our_digest = excluded.our_digest, their_count = excluded.their_count, their_digest = excluded.their_digest,
    missing = excluded.missing, foreign_ids = excluded.foreign_ids

-- reconciliations: the newest comparisons of a platform
select platform, district, day, compared_at, our_count, our_digest, their_count, their_digest, missing, foreign_ids
from reconciliations where platform = $1 order by day desc, district limit $2

-- districts_of_day: which districts have delivered records on a day
select distinct district from deliveries where platform = $1 and day = $2 and state = 'delivered' order by district

-- lock_inbound: one batch of a platform's district at a time; the next number that we expect
insert into inbound_sequences (platform, district, next) values ($1, $2, 1)
on conflict (platform, district) do update set next = inbound_sequences.next returning next

-- set_inbound: the next number that we expect
update inbound_sequences set next = $3 where platform = $1 and district = $2

-- inbound_known: which of these records we hold, with their hash
select record_id, hash from inbound_records where platform = $1 and record_id = any($2::text[])

-- add_inbound: a record that came in
insert into inbound_records (platform, record_id, kind, district, seq, day, hash, their_case, received_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- inbound_of_day: what we hold of a day
select record_id, hash from inbound_records where platform = $1 and district = $2 and day = $3

-- docked_case: another maker's case, held
select case_id, version, body from docked_cases where platform = $1 and their_case = $2 for update

-- set_docked_case: the case after these records
insert into docked_cases (platform, their_case, case_id, version, body) values ($1, $2, $3, $4, $5)
on conflict (platform, their_case) do update set version = excluded.version, body = excluded.body
