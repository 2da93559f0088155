-- One row a case holds its course; reports are numbered, so that each replica can read those that it doesn't know yet.
alter table progress add column steps jsonb not null default '{}';
comment on column progress.steps is 'version -> [state, moment], for every change of state';
alter table progress set (fillfactor = 70);
update progress p set steps = s.steps from (
    select case_id, jsonb_object_agg(version::text, jsonb_build_array(state, at)) as steps from steps group by case_id
) s where s.case_id = p.case_id;
drop index reports_case_id_idx;
alter table reports add column n bigint generated always as identity;
create index on reports (n);
