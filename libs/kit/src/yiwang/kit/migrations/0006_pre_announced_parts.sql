create table kit_announced_part (          -- parts of announced sets that are too long for one message, until all are here
    set_name text not null,
    version  text not null,
    digest   text not null,
    part     int not null,
    content  text not null,
    at       timestamptz not null default now(),
    primary key (set_name, version, digest, part)
);
