-- add_whistle: a new one
insert into whistles (whistle_id, area, kind, state, blown_at, case_id, units, doc) values ($1, $2, $3, $4, $5, $6, $7, $8);

-- save_whistle: its next shape
update whistles set state = $2, doc = $3 where whistle_id = $1;

-- lock_whistle: one, locked
select doc from whistles where whistle_id = $1 for update;

-- whistle_doc: one
select doc from whistles where whistle_id = $1;

-- page_of_whistles: newest first, of the caller's areas and units, by whatever is asked
select doc from whistles
where (blown_at, whistle_id) < ($1, $2) and ($3 = '' or state = $3) and ($4 = '' or kind = $4) and ($5 = '' or case_id = $5)
    and (area like any($6::text[]) or units && $7::text[])
order by blown_at desc, whistle_id desc limit $8;
