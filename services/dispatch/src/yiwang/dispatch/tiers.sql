-- set_away: cases that another node has now
update cases set away = n.away from unnest($1::text[], $2::text[]) as n(case_id, away) where cases.case_id = n.case_id;

-- set_home: a case that has come (back) here
update cases set away = null where case_id = $1;

-- whereabouts: which of some cases were ever here, and where they are now (empty: here)
select case_id, coalesce(away, '') as away from cases where case_id = any($1::text[]);

-- case_and_place: a case by its number or id, with the node that has it
select doc::text as doc, coalesce(away, '') as away from cases where case_id = $1 or (case_no = $1 and case_no <> '');

-- lock_offer: one offer, locked
select doc::text as doc from offers where offer_id = $1 for update;

-- save_offer: one offer as it stands
insert into offers (offer_id, case_id, sender, state, area, changed_at, doc)
values ($1, $2, $3, $4, $5, $6, $7::json)
on conflict (offer_id) do update set state = excluded.state, area = excluded.area, changed_at = excluded.changed_at,
    doc = excluded.doc;

-- open_offers: offers that wait for an answer or for their release, oldest first
select doc::text as doc from offers where state in ('offered', 'claimed')
    and (area = '' or area like any($1::text[])) order by changed_at limit $2;

-- lock_copies: copies of some cases, locked in the order of their ids
select doc::text as doc, as_of from copies where case_id = any($1::text[]) order by case_id for update;

-- copy_doc: one copy by its number or id
select doc::text as doc, as_of from copies where case_id = $1 or (case_no = $1 and case_no <> '');

-- save_copies: copies as they stand
insert into copies select * from json_populate_recordset(null::copies, $1::json)
on conflict (case_id) do update set case_no = excluded.case_no, version = excluded.version, state = excluded.state,
    custodian = excluded.custodian, epoch = excluded.epoch, taken_by = excluded.taken_by, as_of = excluded.as_of,
    accepted_at = excluded.accepted_at, filed_at = excluded.filed_at, dispatched_at = excluded.dispatched_at,
    handled_at = excluded.handled_at, confirmed_at = excluded.confirmed_at, checked_at = excluded.checked_at,
    closed_at = excluded.closed_at, area = excluded.area, unit_id = excluded.unit_id, category = excluded.category,
    due_at = excluded.due_at, overdue = excluded.overdue, supervised = excluded.supervised,
    self_disposed = excluded.self_disposed, timeliness = excluded.timeliness,
    timeliness_source = excluded.timeliness_source, rework_count = excluded.rework_count,
    return_count = excluded.return_count, hang_count = excluded.hang_count,
    resolution_mode = excluded.resolution_mode, purpose = excluded.purpose, doc = excluded.doc;

-- forget_copies: copies of cases that are here now
delete from copies where case_id = any($1::text[]);

-- forget_lines: the flows of some copies
delete from copy_lines where case_id = any($1::text[]);

-- add_lines: lines of the flows of copies
insert into copy_lines select * from json_populate_recordset(null::copy_lines, $1::json)
on conflict (case_id, seq) do nothing;

-- lines_of: the flow of one copy, in order
select doc::text as doc from copy_lines where case_id = $1 order by seq;

-- waiting_of: events that wait for some copies, in order
select case_id, version, tag, data from copy_waiting where case_id = any($1::text[]) order by case_id, version;

-- wait_for: events that came before the ones in front of them
insert into copy_waiting (case_id, version, since, tag, data)
select * from unnest($1::text[], $2::int[], $3::timestamptz[], $4::text[], $5::bytea[]) on conflict do nothing;

-- waited: events that wait no more
delete from copy_waiting w using unnest($1::text[], $2::int[]) as n(case_id, version)
where w.case_id = n.case_id and w.version <= n.version;

-- gap_of: the versions between which a copy has a gap
select (select version from copies where case_id = $1) as known, min(version) as next
from copy_waiting where case_id = $1;

-- page_of_subtree: own cases and copies, newest first, what the caller may see; keyset on (created_at, case_id)
select doc, due_at, custodian, as_of, queue from (
    select doc::text as doc, case_id, created_at, due_at, '' as custodian, null::timestamptz as as_of, queue, state, area,
        category, case_no, overdue, unit_id
    from cases where away is null
    union all
    select doc::text, case_id, created_at, due_at, custodian, as_of, '', state, area, category, case_no, overdue, unit_id
    from copies
) as c
where (created_at, case_id) < ($1, $2)
    and ($3 = '' or state = $3) and ($4 = '' or area like $4) and ($5 = '' or category = $5)
    and ($6 = '' or (case_no <> '' and case_no like $6)) and ($7 = '' or unit_id = $7)
    and ($8::boolean is null or ($8 = (overdue or (state not in ('closed', 'voided') and coalesce(due_at < $9, false)))))
    and (area like any($10::text[])
        or ($12 and exists (select from cases o where o.case_id = c.case_id and o.away is not null)))
order by created_at desc, case_id desc limit $11;

-- lock_directive: one directive, locked
select doc::text as doc from directives where directive_id = $1 for update;

-- save_directive: one directive as it stands
insert into directives (directive_id, case_id, side, state, issued_at, doc) values ($1, $2, $3, $4, $5, $6::json)
on conflict (directive_id) do update set state = excluded.state, doc = excluded.doc;

-- directives_of: the directives of one case, newest first
select doc::text as doc from directives where case_id = $1 order by issued_at desc;

-- open_directives: directives that wait for an answer, oldest first
select doc::text as doc from directives where state = 'issued' and side = 'issued' order by issued_at limit $1;

-- highest_numbers: the highest case number of each day that copies of a jurisdiction's cases and own cases show
select max(case_no) as case_no from (
    select case_no from copies where case_no like $1 union all select case_no from cases where case_no like $1
) as n where case_no <> '' group by left(case_no, length(case_no) - 5) order by 1 desc limit 1000;

-- save_visit: a reporter to be asked, or what came of it
insert into visits (case_id, case_no, asked_by, state, asked_at, area, doc) values ($1, $2, $3, $4, $5, $6, $7::json)
on conflict (case_id) do update set state = excluded.state, asked_at = excluded.asked_at, doc = excluded.doc;

-- lock_visit: one visit, locked
select doc::text as doc from visits where case_id = $1 or (case_no = $1 and case_no <> '') for update;

-- open_visits: reporters to be asked, oldest first
select doc::text as doc from visits where state = 'open' and (area = '' or area like any($1::text[]))
order by asked_at limit $2;

-- asked_for: the incarnation for which the parent was asked for numbers and hasn't answered
select asked from allocation;

-- ask_numbers: no number is given until the parent has answered
update allocation set asked = $1;

-- numbers_told: the parent has answered
update allocation set asked = null;

-- waiting_for_number: accepted cases that rules may file
select case_id from cases where state = 'accepted' and away is null order by created_at, case_id limit $1;
