-- Where cases of which class lie, by tiles as wide as twice the distance that counts as near; only as old as that matters.
create table spots (
    spot text not null,
    at timestamptz not null,
    case_id text not null,
    lon double precision not null,
    lat double precision not null,
    primary key (spot, at, case_id)
);
create index spots_old on spots (at);
