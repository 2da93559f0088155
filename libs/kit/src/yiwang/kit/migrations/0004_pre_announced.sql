create table kit_announced (               -- data sets that an upper tier (or this one) announced and this service uses
    n          bigint generated always as identity primary key,
    set_name   text not null,
    version    text not null,
    valid_from timestamptz not null,
    digest     text not null,
    content    text not null,
    issuer     text not null,
    state      text not null check (state in ('waiting', 'used', 'refused')),
    used_at    timestamptz,
    reason     text not null default '',
    unique (set_name, version, digest)
);
