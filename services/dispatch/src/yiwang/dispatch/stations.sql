-- add_record: what a station did
insert into station_records (record_id, station_id, mechanism, held_on, residents, doc) values ($1, $2, $3, $4, $5, $6)
on conflict (record_id) do nothing;

-- own_entries: those of some entries that came through a station
select entry_id from ledger_entries where station_id = $1 and entry_id = any($2::text[]);

-- records_of: what a station did in a span, the latest first
select doc from station_records where station_id = $1 and held_on between $2 and $3 order by held_on desc, record_id limit 500;

-- done_in: how often some stations did what in a span
select station_id, mechanism, count(*)::int as n, sum(residents)::int as residents from station_records
where station_id = any($1::text[]) and held_on between $2 and $3 group by station_id, mechanism;

-- problems_of: problems that came through some stations, and how many of them ended well
select station_id, count(*)::int as n, count(*) filter (where state = 'satisfied')::int as satisfied from ledger_entries
where station_id <> '' and station_id = any($1::text[]) and kind = 'problem' and state <> 'withdrawn' group by station_id;
