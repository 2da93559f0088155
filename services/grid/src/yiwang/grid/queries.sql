-- active_version: name of the version that counts now
select version from grid_version where state = 'active'

-- version_on: name of the version that counted on a day
select version from grid_version
where state <> 'draft' and coalesce(valid_from, '-infinity') <= $1 and $1 < coalesce(valid_to, 'infinity')
order by valid_from desc nulls last limit 1

-- versions: all versions, newest first
select version, state, created_at, created_by, valid_from, valid_to, digest, report::text as report
from grid_version order by created_at desc, version desc limit 500

-- version_by_name: one version
select version, state, created_at, created_by, valid_from, valid_to, digest, report::text as report
from grid_version where version = $1

-- lock_versions: one activation or import at a time
select pg_advisory_xact_lock(hashtext('yiwang/grid'))

-- any_version: whether there is a version at all
select exists (select from grid_version)

-- add_version: a version's row; its layers follow
insert into grid_version (version, state, created_at, created_by, valid_from, digest, report)
values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing

-- supersede: the active version ends
update grid_version set state = 'superseded', valid_to = $1 where state = 'active'

-- activate: a version begins
update grid_version set state = 'active', valid_from = $2, valid_to = null where version = $1

-- announce: tell all replicas which version counts, when this transaction commits
select pg_notify('grid_activated', $1)

-- areas: all areas of a version
select code, name, level, parent, kind, valid_from, valid_to, predecessor, geom
from grid_area where version = $1 order by code

-- cells: all cells of a version
select code, geom, name, land_use, manage_level from grid_cell where version = $1 order by code

-- duties: all duty grids of a version
select id, name, cells, geom from grid_duty where version = $1 order by id

-- addresses: all address rows of a version
select code, kind, name, full_text as "full", lon, lat, cell, street, community
from grid_address where version = $1 order by code

-- keep_unlocated: reports without a place, for a person
insert into unlocated (case_id, report_id, head, claim, part_id, candidates, reason, purpose, reported_at)
select * from unnest($1::text[], $2::text[], $3::jsonb[], $4::jsonb[], $5::text[], $6::jsonb[], $7::text[], $8::text[],
                     $9::timestamptz[])
on conflict do nothing

-- unlocated_page: reports without a place in one state, oldest first, after a key
select case_id, report_id, head::text as head, claim::text as claim, part_id, candidates::text as candidates, reason,
       purpose, reported_at, state, version, place::text as place, resolved_at
from unlocated where state = $1 and (reported_at, case_id) > ($2, $3) order by reported_at, case_id limit $4

-- unlocated_by_case: one of them
select case_id, report_id, head::text as head, claim::text as claim, part_id, candidates::text as candidates, reason,
       purpose, reported_at, state, version, place::text as place, resolved_at
from unlocated where case_id = $1

-- lock_unlocated: one of them for update
select case_id, report_id, head::text as head, claim::text as claim, part_id, candidates::text as candidates, reason,
       purpose, reported_at, state, version, place::text as place, resolved_at
from unlocated where case_id = $1 for update

-- resolve: a person found the place
update unlocated set state = 'resolved', version = version + 1, place = $2, resolved_at = $3, resolved_by = $4
where case_id = $1

-- withdraw: nobody has to place it any more
update unlocated set state = 'resolved', version = version + 1, resolved_at = $2, resolved_by = 'case'
where case_id = $1 and state = 'open'
