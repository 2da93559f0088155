-- incoming: where an import's rows stand until they are compared
create temp table part_in on commit drop as select code, code_set, major, minor, name, state, owner_unit, maintenance_unit,
    supervising_unit, lon, lat, note, tile from part with no data

-- lock_parts: one import at a time
select pg_advisory_xact_lock(hashtext('yiwang/parts'))

-- drop_same: what hasn't changed leaves the incoming rows
delete from part_in i using part p where p.code = i.code and p.valid_to is null
    and (p.code_set, p.major, p.minor, p.name, p.state, p.owner_unit, p.maintenance_unit, p.supervising_unit, p.lon, p.lat, p.note)
      = (i.code_set, i.major, i.minor, i.name, i.state, i.owner_unit, i.maintenance_unit, i.supervising_unit, i.lon, i.lat, i.note)

-- end_changed: the shape that a part had so far ends
update part p set valid_to = $1 from part_in i where p.code = i.code and p.valid_to is null

-- begin_new: the incoming shapes count from now on
insert into part select code, $1, null, code_set, major, minor, name, state, owner_unit, maintenance_unit, supervising_unit,
    lon, lat, tile, note from part_in

-- end_absent: parts of some counties that a whole inventory doesn't list any more
update part set valid_to = $1 where valid_to is null and left(code, 6) = any($2::text[]) and code <> all($3::text[])

-- note_import: what an import did
insert into part_import (at, person_ref, added, changed, ended, unchanged, report) values ($1, $2, $3, $4, $5, $6, $7)
returning number

-- imports: the last imports, newest first
select number, at, added, changed, ended, unchanged, report::text as report from part_import order by number desc limit 100

-- parts_by_code: some parts as they are now
select code, code_set, major, minor, name, state, owner_unit, maintenance_unit, supervising_unit, lon, lat, note
from part where code = any($1::text[]) and valid_to is null

-- part_on: one part as it was at a moment
select code, code_set, major, minor, name, state, owner_unit, maintenance_unit, supervising_unit, lon, lat, note
from part where code = $1 and valid_from <= $2 and (valid_to is null or valid_to > $2)

-- parts_in_tiles: parts of a class in some tiles
select code, code_set, major, minor, name, state, owner_unit, maintenance_unit, supervising_unit, lon, lat, note
from part join (select distinct * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) as w(s, ma, mi, t)) w
    on code_set = w.s and major = w.ma and minor = w.mi and tile = w.t
where valid_to is null order by code
