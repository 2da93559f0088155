-- add_entries: new ones; those that are known already (imported before) stay as they are
insert into ledger_entries select * from json_populate_recordset(null::ledger_entries, $1::json)
on conflict (entry_id) do nothing returning entry_id;

-- save_entries: their next shape
update ledger_entries e set state = n.state, unit_id = n.unit_id, case_id = n.case_id, due_at = n.due_at, doc = n.doc
from json_populate_recordset(null::ledger_entries, $1::json) n where e.entry_id = n.entry_id;

-- lock_entry: one, locked
select doc from ledger_entries where entry_id = $1 for update;

-- entry_doc: one
select doc from ledger_entries where entry_id = $1;

-- known_entries: which of some ids are known
select entry_id from ledger_entries where entry_id = any($1::text[]);

-- entries_of_cases: entries to which cases are linked, locked in the order of their ids
select doc from ledger_entries where case_id <> '' and case_id = any($1::text[]) order by entry_id for update;

-- page_of_entries: newest first, of the caller's areas and units, by whatever is asked
select doc from ledger_entries
where (found_at, entry_id) < ($1, $2) and ($3 = '' or kind = $3) and ($4::text[] = '{}' or state = any($4::text[]))
    and ($5 = '' or campaign_id = $5) and ($6 = '' or area like $6) and ($7 = '' or unit_id = $7)
    and ($8 = '' or station_id = $8) and (not $9::boolean or (due_at < $10 and state = 'rectifying'))
    and (area like any($11::text[]) or unit_id = any($12::text[]))
order by found_at desc, entry_id desc limit $13;

-- count_entries: how many stand where, in the caller's areas and units
select kind, state, count(*)::int as n, count(*) filter (where state = 'rectifying' and due_at < $3)::int as late
from ledger_entries where (area like any($1::text[]) or unit_id = any($2::text[])) and ($4 = '' or campaign_id = $4)
group by kind, state order by kind, state;
