-- queue_page: one queue by remaining time; keyset on (deadline, case_id)
select c.doc::text as doc, c.queue, c.due_at, l.person_ref, l.role, l.until
from cases c left join claims l on l.case_id = c.case_id and l.queue = $1 and l.until > $10
where c.queue = $1 and c.queue <> '' and c.away is null
    and (coalesce(c.due_at, 'infinity'), c.case_id) > ($2::text::timestamptz, $3)
    and ((cardinality($4::text[]) > 0 and c.area like any($4::text[])) or c.unit_id = any($5::text[]))
    and ($6 = '' or c.area like $6) and ($7 = '' or c.unit_id = $7)
    and ($8 = '' or l.person_ref = $8) and (not $9::boolean or l.person_ref is null)
order by coalesce(c.due_at, 'infinity'), c.case_id limit $11;

-- side_page: cases that want something beside their state, by remaining time
select c.doc::text as doc, c.queue, c.due_at, l.person_ref, l.role, l.until
from cases c left join claims l on l.case_id = c.case_id and l.queue = $1 and l.until > $10
where c.side is not null and $1 = any(string_to_array(c.side, ' ')) and c.away is null
    and (coalesce(c.due_at, 'infinity'), c.case_id) > ($2::text::timestamptz, $3)
    and ((cardinality($4::text[]) > 0 and c.area like any($4::text[])) or c.unit_id = any($5::text[]))
    and ($6 = '' or c.area like $6) and ($7 = '' or c.unit_id = $7)
    and ($8 = '' or l.person_ref = $8) and (not $9::boolean or l.person_ref is null)
order by coalesce(c.due_at, 'infinity'), c.case_id limit $11;

-- street_page: one queue by remaining time, for those who see streets or smaller areas alone
select c.doc::text as doc, c.queue, c.due_at, l.person_ref, l.role, l.until
from cases c left join claims l on l.case_id = c.case_id and l.queue = $1 and l.until > $10
where c.queue = $1 and c.queue <> '' and c.away is null and left(c.area, 9) = any($12::text[])
    and (coalesce(c.due_at, 'infinity'), c.case_id) > ($2::text::timestamptz, $3)
    and (c.area like any($4::text[]) or c.unit_id = any($5::text[]))
    and ($6 = '' or c.area like $6) and ($7 = '' or c.unit_id = $7)
    and ($8 = '' or l.person_ref = $8) and (not $9::boolean or l.person_ref is null)
order by coalesce(c.due_at, 'infinity'), c.case_id limit $11;

-- county_page: the same for those who see one county, or smaller areas of one, alone
select c.doc::text as doc, c.queue, c.due_at, l.person_ref, l.role, l.until
from cases c left join claims l on l.case_id = c.case_id and l.queue = $1 and l.until > $10
where c.queue = $1 and c.queue <> '' and c.away is null and left(c.area, 6) = $12
    and (coalesce(c.due_at, 'infinity'), c.case_id) > ($2::text::timestamptz, $3)
    and (c.area like any($4::text[]) or c.unit_id = any($5::text[]))
    and ($6 = '' or c.area like $6) and ($7 = '' or c.unit_id = $7)
    and ($8 = '' or l.person_ref = $8) and (not $9::boolean or l.person_ref is null)
order by coalesce(c.due_at, 'infinity'), c.case_id limit $11;

-- approve_page: cases that wait for one person's word, by remaining time; keyset on (deadline, case_id)
select c.doc::text as doc, c.queue, c.due_at, l.person_ref, l.role, l.until
from cases c left join claims l on l.case_id = c.case_id and l.queue = $1 and l.until > $7
where c.turns is not null and c.away is null
    and (coalesce(c.due_at, 'infinity'), c.case_id) > ($2::text::timestamptz, $3)
    and exists (select from jsonb_to_recordset(c.turns) as t(role text, by text, city boolean),
        jsonb_to_recordset($4::text::jsonb) as r(role text, area text, unit_id text, whole boolean)
        where t.role = r.role and t.by is distinct from $5 and (r.unit_id <> '' and c.unit_id = r.unit_id or c.area like r.area)
            and (not t.city or r.whole or t.role <> 'dispatcher'))
    and ($6 = '' or c.area like $6) and ($8 = '' or c.unit_id = $8)
    and ($9 = '' or l.person_ref = $9) and (not $10::boolean or l.person_ref is null)
order by coalesce(c.due_at, 'infinity'), c.case_id limit $11;

-- approve_counts: how many cases wait for one person's word in each role
select r.role, count(distinct c.case_id)::int as waiting,
    count(distinct c.case_id) filter (where c.overdue or coalesce(c.due_at < $3, false))::int as late
from cases c, jsonb_to_recordset(c.turns) as t(role text, by text, city boolean),
    jsonb_to_recordset($1::text::jsonb) as r(role text, area text, unit_id text, whole boolean)
where c.turns is not null and c.away is null and t.role = r.role and t.by is distinct from $2
    and (r.unit_id <> '' and c.unit_id = r.unit_id or c.area like r.area) and (not t.city or r.whole or t.role <> 'dispatcher')
group by r.role;

-- waiting_counts: kept counts of each queue, of the caller's areas and of the caller's units
select queue, coalesce(sum(cases) filter (where area like any($1::text[])), 0)::int as in_area,
    coalesce(sum(cases) filter (where unit_id = any($2::text[])), 0)::int as in_unit,
    coalesce(sum(late) filter (where area like any($1::text[])), 0)::int as late_in_area,
    coalesce(sum(late) filter (where unit_id = any($2::text[])), 0)::int as late_in_unit
from waiting group by queue;

-- just_late: beyond their deadline, and no alarm has marked them yet
select queue, 0 as in_area, 0 as in_unit, count(*) filter (where area like any($1::text[]))::int as late_in_area,
    count(*) filter (where unit_id = any($2::text[]))::int as late_in_unit
from cases where queue <> '' and away is null and not overdue and due_at < $3 group by queue;

-- side_counts: how many cases want something beside their state
select s.queue, count(*) filter (where area like any($1::text[]))::int as in_area,
    count(*) filter (where unit_id = any($2::text[]))::int as in_unit,
    count(*) filter (where area like any($1::text[]) and (overdue or coalesce(due_at < $3, false)))::int as late_in_area,
    count(*) filter (where unit_id = any($2::text[]) and (overdue or coalesce(due_at < $3, false)))::int as late_in_unit
from cases, string_to_array(side, ' ') as x(q), unnest(x.q) as s(queue)
where side is not null and away is null group by s.queue;

-- mine_counts: how many cases of each queue one person has in hand
select queue, count(*)::int as n from claims where person_ref = $1 and until > $2 group by queue;

-- pack_waiting: the slots of the kept counts in one, as far as nobody writes them
with packed as (
    delete from waiting where ctid = any(array(select ctid from waiting where slot >= 0 for update skip locked))
    returning queue, area, unit_id, cases, late)
insert into waiting as w select queue, area, unit_id, -1, sum(cases), sum(late) from packed group by 1, 2, 3 order by 1, 2, 3
on conflict (queue, area, unit_id, slot) do update set cases = w.cases + excluded.cases, late = w.late + excluded.late;

-- drop_empty: kept counts of nothing
delete from waiting where slot = -1 and cases = 0 and late = 0;

-- claim_of: who has a case in hand
select person_ref, role, queue, claimed_at, until from claims where case_id = $1;

-- claim: take a case in hand, or hold it longer
insert into claims (case_id, queue, person_ref, role, claimed_at, until) values ($1, $2, $3, $4, $5, $6)
on conflict (case_id) do update set queue = excluded.queue, person_ref = excluded.person_ref, role = excluded.role,
    until = excluded.until, claimed_at = case when claims.person_ref = excluded.person_ref and claims.queue = excluded.queue
        then claims.claimed_at else excluded.claimed_at end
returning person_ref, role, queue, claimed_at, until;

-- release: nobody has the case in hand any more
delete from claims where case_id = $1;

-- forget_claims: claims that ran out long ago
delete from claims where ctid = any(array(select ctid from claims where until < $1 limit $2));
