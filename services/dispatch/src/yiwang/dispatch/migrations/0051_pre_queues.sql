-- Who has a waiting case in hand (认领), until when. Only of the queue in which it was claimed.
create table claims (
    case_id text primary key,
    queue text not null,
    person_ref text not null,
    role text not null,
    claimed_at timestamptz not null,
    until timestamptz not null
);
create index claims_person on claims (person_ref, until);

-- What beside its state somebody must do about a case: approve, supervise; null where nothing.
alter table cases add column side text;
create index cases_side on cases (coalesce(due_at, 'infinity'), case_id) where side is not null;

-- A queue by remaining time, of everybody and of one unit.
create index cases_waiting on cases (queue, coalesce(due_at, 'infinity'), case_id) where queue <> '' and away is null;
create index cases_unit_waiting on cases (unit_id, queue, coalesce(due_at, 'infinity'), case_id)
    where queue <> '' and away is null and unit_id <> '';
create index cases_area_waiting on cases (queue, area text_pattern_ops) where queue <> '' and away is null;
drop index cases_queue;
create index cases_just_late on cases (due_at) where queue <> '' and away is null and not overdue;

-- How many cases wait, counted as they come and go: by queue, street and unit, in slots that transactions don't share.
create table waiting (
    queue text not null,
    area text not null,
    unit_id text not null,
    slot int not null,
    cases int not null,
    late int not null,
    primary key (queue, area, unit_id, slot)
);
create function waiting_changes() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into waiting as w select queue, left(area, 9), unit_id, pg_backend_pid() % 64, count(*), count(*) filter (where overdue)
        from after_it where queue <> '' and away is null group by 1, 2, 3 order by 1, 2, 3
        on conflict (queue, area, unit_id, slot) do update set cases = w.cases + excluded.cases, late = w.late + excluded.late;
    else
        insert into waiting as w select queue, area, unit_id, pg_backend_pid() % 64, sum(n), sum(l) from (
            select queue, left(area, 9) as area, unit_id, 1 as n, overdue::int as l
            from after_it where queue <> '' and away is null
            union all
            select queue, left(area, 9), unit_id, -1, -overdue::int from before_it where queue <> '' and away is null) as d
        group by 1, 2, 3 having sum(n) <> 0 or sum(l) <> 0 order by 1, 2, 3
        on conflict (queue, area, unit_id, slot) do update set cases = w.cases + excluded.cases, late = w.late + excluded.late;
    end if;
    return null;
end $$;
create function waiting_gone() returns trigger language plpgsql as $$
begin
    insert into waiting as w select queue, left(area, 9), unit_id, pg_backend_pid() % 64, -count(*), -count(*) filter (where overdue)
    from before_it where queue <> '' and away is null group by 1, 2, 3 order by 1, 2, 3
    on conflict (queue, area, unit_id, slot) do update set cases = w.cases + excluded.cases, late = w.late + excluded.late;
    return null;
end $$;
insert into waiting select queue, left(area, 9), unit_id, 0, count(*), count(*) filter (where overdue)
from cases where queue <> '' and away is null group by 1, 2, 3;
create trigger cases_come after insert on cases referencing new table as after_it
    for each statement execute function waiting_changes();
create trigger cases_go_on after update on cases referencing old table as before_it new table as after_it
    for each statement execute function waiting_changes();
create trigger cases_go after delete on cases referencing old table as before_it
    for each statement execute function waiting_gone();
