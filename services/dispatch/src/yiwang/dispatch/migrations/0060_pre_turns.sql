-- Whose word a case waits for: [{kind, role, by, city}], as `turns.py` writes it; null where nobody's.
alter table cases add column turns jsonb;
create index cases_turns on cases (coalesce(due_at, 'infinity'), case_id) where turns is not null;
update cases c set turns = t.turns from (
    select case_id, jsonb_agg(jsonb_build_object('kind', kind, 'role', role, 'by', asker, 'city', city)) as turns
    from (
        select case_id, d.doc ->> 'command' = 'city' is true as city, r.one ->> 'kind' as kind,
            r.one -> 'path' ->> coalesce((r.one ->> 'level')::int, 0) as role, coalesce(r.one ->> 'person_ref', '') as asker
        from (select case_id, doc::jsonb as doc from cases where side like 'approve%') d,
            jsonb_array_elements(coalesce(d.doc -> 'requests', '[]')
                || case when d.doc -> 'appeal' is null or coalesce(d.doc -> 'appeal' ->> 'decision', '') <> '' then '[]'
                    else jsonb_build_array(d.doc -> 'appeal' || '{"kind": "appeal"}') end) as r(one)) as asked
    where role is not null group by case_id) as t
where c.case_id = t.case_id;
