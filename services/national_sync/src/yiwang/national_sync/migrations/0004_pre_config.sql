create table published (                   -- sets that this node announced to nodes below
    set_name     text not null,
    version      text not null,
    digest       text not null,
    title        text not null,
    scope        text not null,
    addressee    text not null,            -- '' = everybody below
    valid_from   timestamptz not null,
    published_at timestamptz not null,
    event_id     text not null,
    primary key (set_name, version, addressee)
);

create table config_answers (              -- what nodes below said to them; the newest counts
    node     text not null,
    set_name text not null,
    version  text not null,
    state    text not null check (state in ('applied', 'refused')),
    reason   text not null default '',
    at       timestamptz not null,
    primary key (node, set_name, version)
);

create table config_received (             -- sets that were announced to this node
    n          bigint generated always as identity primary key,
    event_id   text not null unique,
    issuer     text not null,
    set_name   text not null,
    version    text not null,
    digest     text not null,
    title      text not null,
    valid_from timestamptz not null,
    content    text not null,
    encoding   text not null,
    state      text not null check (state in ('waiting', 'adopted', 'applied', 'refused')),
    reason     text not null default '',
    decided_by text not null default '',
    at         timestamptz not null,
    decided_at timestamptz
);
create index config_received_of_set on config_received (set_name, valid_from desc);
