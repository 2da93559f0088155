-- The lines that one transaction adds to a case's flow are one row; lines from before stay where they are.
create table flow_pages (
    case_id text not null,
    seq int not null,
    lines text not null,
    primary key (case_id, seq)
);
comment on column flow_pages.lines is 'JSON array of flow records, the first of them number seq; fields at their defaults are left out';
create trigger pages_stay before update or delete on flow_pages for each row execute function flow_is_immutable();
create trigger pages_are_kept before truncate on flow_pages for each statement execute function flow_is_immutable();

create view flow_lines as
select case_id, seq, version, action, result, state_before, state_after, role, unit_id, person_ref, opinion, receiver,
    started_at, ended_at, due_at, used_s, overdue, note
from flow
union all
select p.case_id, l.seq, l.version, l.action, coalesce(l.result, ''), l.state_before, l.state_after, l.role,
    coalesce(l.unit_id, ''), coalesce(l.person_ref, ''), coalesce(l.opinion, ''), coalesce(l.receiver, ''), l.started_at,
    l.ended_at, l.due_at, coalesce(l.used_s, 0), coalesce(l.overdue, false), coalesce(l.note, '')
from flow_pages p, json_to_recordset(p.lines::json) as l(seq int, version int, action text, result text,
    state_before text, state_after text, role text, unit_id text, person_ref text, opinion text, receiver text,
    started_at timestamptz, ended_at timestamptz, due_at timestamptz, used_s bigint, overdue boolean, note text);

-- Nobody looks into the document in SQL: as text it isn't checked again with every write.
alter table cases alter column doc type text using doc::text;
do $$ begin
    alter table cases alter column doc set compression lz4;
    alter table flow_pages alter column lines set compression lz4;
exception when feature_not_supported then null;
end $$;

-- A filter that few cases pass needs no order from its index; open states are found by the index of what is open.
drop index cases_state;
drop index cases_category;
create index cases_category on cases (category);
drop index cases_queue;
create index cases_queue on cases (queue) where queue <> '';
drop index cases_unit;
create index cases_unit on cases (unit_id) where unit_id <> '';
