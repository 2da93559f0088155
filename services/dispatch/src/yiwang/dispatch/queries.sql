-- add_cases: cases at version 1; one that is known already (recovered from the stream) stays as it is
insert into cases (case_id, case_no, version, state, queue, created_at, updated_at, area, unit_id, category, due_at, overdue,
    side, turns, doc)
select * from unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
    $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::bool[], $13::text[], $14::jsonb[],
    string_to_array($15::text, E'\n'))
on conflict (case_id) do nothing;

-- add_pages: what one transaction adds to the flow of each case
insert into flow_pages (case_id, seq, lines)
select * from unnest($1::text[], $2::int[], string_to_array($3::text, E'\n'))
on conflict (case_id, seq) do nothing;

-- lock_cases: some cases, locked in the order of their ids
select doc::text as doc from cases where case_id = any($1::text[]) order by case_id for update;

-- lock_case: one case by its number or id, locked
select doc::text as doc from cases where case_id = $1 or (case_no = $1 and case_no <> '') for update;

-- lock_idle_case: one case by its id, locked, unless somebody else holds it
select doc::text as doc from cases where case_id = $1 for update skip locked;

-- case_doc: one case by its number or id
select doc::text as doc from cases where case_id = $1 or (case_no = $1 and case_no <> '');

-- save_cases: the next shape of cases
update cases c set case_no = n.case_no, version = n.version, state = n.state, queue = n.queue,
    updated_at = n.updated_at, area = n.area, unit_id = n.unit_id, category = n.category,
    due_at = n.due_at, overdue = n.overdue, side = n.side, turns = n.turns, doc = n.doc
from unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
    $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::bool[], $13::text[], $14::jsonb[],
    string_to_array($15::text, E'\n'))
    as n(case_id, case_no, version, state, queue, created_at, updated_at, area, unit_id, category, due_at, overdue,
    side, turns, doc)
where c.case_id = n.case_id;

-- take_numbers: raise the counters of (jurisdiction, day) pairs by how many are wanted, in sorted order, up to a limit
insert into numbers (jurisdiction, day, last)
select j, d, n from unnest($1::text[], $2::date[], $3::int[]) as w(j, d, n) order by j, d
on conflict (jurisdiction, day) do update set last = numbers.last + excluded.last
    where numbers.last + excluded.last <= $4
returning jurisdiction, day, last;

-- raise_numbers: never below what the stream shows
insert into numbers (jurisdiction, day, last)
select * from unnest($1::text[], $2::date[], $3::int[]) order by 1, 2
on conflict (jurisdiction, day) do update set last = greatest(numbers.last, excluded.last);

-- reconciled_for: the incarnation for which numbers were compared
select incarnation from allocation;

-- reconciled: numbers are compared for this incarnation
insert into allocation (incarnation) values ($1) on conflict (one) do update set incarnation = excluded.incarnation;

-- last_change: when a case was last changed
select max(updated_at) from cases;

-- page_of_cases: newest first, what the caller may see, by whatever is asked; keyset on (created_at, case_id)
select doc::text as doc, queue, due_at from cases
where away is null and (created_at, case_id) < ($1, $2)
    and ($3 = '' or (state = $3 and (queue <> '' or $3 in ('closed', 'voided')))) and ($4 = '' or queue = $4) and ($5 = '' or area like $5) and ($6 = '' or unit_id = $6)
    and ($7 = '' or category = $7) and ($8 = '' or (case_no <> '' and case_no like $8))
    and ($9::boolean is null
        or ($9 and (queue <> '' or overdue) and (overdue or coalesce(due_at < $10, false)))
        or (not $9 and not (overdue or coalesce(due_at < $10, false))))
    and ((cardinality($11::text[]) > 0 and area like any($11::text[])) or unit_id = any($12::text[]))
order by created_at desc, case_id desc limit $13;

-- queue_counts: how many cases wait in each queue, of the caller's areas and of the caller's units
select queue, count(*) filter (where area like any($1::text[])) as in_area,
    count(*) filter (where unit_id = any($2::text[])) as in_unit,
    count(*) filter (where area like any($1::text[]) and (overdue or coalesce(due_at < $3, false))) as late_in_area,
    count(*) filter (where unit_id = any($2::text[]) and (overdue or coalesce(due_at < $3, false))) as late_in_unit
from cases where queue <> '' and away is null group by queue;

-- area_names: what some case there calls each area
select w.code, n.name from unnest($1::text[], $2::text[]) as w (code, start) cross join lateral (
    select doc::jsonb #>> array['place', 'area', 'names', w.code] as name from cases
    where area ~>=~ w.start and area ~<~ (w.start || '~') limit 1) n
where n.name <> ''

-- page_for_snapshot: cases changed since a moment, by id
select doc::text as doc from cases where updated_at >= $1 and case_id > $2 and away is null order by case_id limit $3;

-- flow_of_cases: the flow of some cases, in order
select case_id, seq, version, action, result, state_before, state_after, role, unit_id, person_ref, opinion, receiver,
    started_at, ended_at, due_at, used_s, overdue, media::text as media, note
from flow where case_id = any($1::text[]) order by case_id, seq;

-- pages_of_cases: the flow of some cases in pages, in order
select case_id, lines from flow_pages where case_id = any($1::text[]) order by case_id, seq;

-- open_provisional: open cases whose document names a provisional limit, by id
select case_id from cases where queue <> '' and away is null and case_id > $1 and doc like '%"provisional":true%'
order by case_id limit $2;
