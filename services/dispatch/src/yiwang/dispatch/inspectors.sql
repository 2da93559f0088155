-- add_patrol: a new patrol task
insert into patrols (task_id, duty_grid_id, person_ref, area, what, state, starts_at, due_at, done_by, found, note, unit_id)
values ($1, $2, $3, $4, $5, 'open', $6, $7, '', 0, '', $8)

-- patrol_for_update: one patrol task, locked
select task_id, duty_grid_id, person_ref, unit_id, area, what, state, starts_at, due_at, done_at, done_by, found, note
from patrols where task_id = $1 for update

-- patrols_of: open patrol tasks of a person and of the duty grids in their areas, the next to end first
select task_id, duty_grid_id, person_ref, unit_id, area, what, state, starts_at, due_at, done_at, done_by, found, note
from patrols where state = 'open' and area like any($1::text[]) and person_ref in ('', $2) order by due_at, task_id limit 500

-- patrols_in: patrol tasks of some areas that end in a span, for those who give them
select task_id, duty_grid_id, person_ref, unit_id, area, what, state, starts_at, due_at, done_at, done_by, found, note
from patrols where area like any($1::text[]) and due_at >= $2 and due_at < $3 and ($4 = '' or state = $4)
order by due_at, task_id limit 500

-- end_patrol: it was done, or nobody did it in time
update patrols set state = $2, done_at = $3, done_by = $4, found = $5, note = $6 where task_id = $1 and state = 'open'

-- tasks_of: open verify and check tasks of a person and of the duty grids in their areas, the least time left first
select doc::text as doc, queue, due_at from cases
where queue in ('verify', 'check') and away is null and area like any($1::text[])
order by coalesce(due_at, 'infinity'), case_id limit 1000

-- keep_positions: where somebody was; what comes again is the same position
insert into positions (person_ref, at, area, lon, lat, accuracy_m, received_at)
select $1, a, $2, x, y, m, $3 from unnest($4::timestamptz[], $5::float8[], $6::float8[], $7::real[]) as p(a, x, y, m)
on conflict (person_ref, at) do nothing

-- last_positions: the last position of each inspector in some areas since a moment
select distinct on (person_ref) person_ref, at, lon, lat, accuracy_m from positions
where area like any($1::text[]) and at >= $2 order by person_ref, at desc limit 2000

-- forget_positions: positions whose time is over
delete from positions where ctid = any(array(select ctid from positions where received_at < $1 limit $2))
