-- Parts (部件): a row for each shape that a part had; the present one has no end.
create table part (
    code text not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    code_set text not null,
    major text not null,
    minor text not null,
    name text not null,
    state text not null,
    owner_unit text not null,
    maintenance_unit text not null,
    supervising_unit text not null,
    lon double precision not null,
    lat double precision not null,
    tile bigint not null,
    note text not null,
    primary key (code, valid_from)
);
create unique index part_now on part (code) where valid_to is null;
create index part_near on part (code_set, major, minor, tile) where valid_to is null;

-- What each import brought, and what its check found.
create table part_import (
    number int generated always as identity primary key,
    at timestamptz not null,
    person_ref text not null,
    added int not null,
    changed int not null,
    ended int not null,
    unchanged int not null,
    report jsonb not null
);
