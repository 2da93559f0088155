create table records (                     -- what happened, in our own fields; one row for each fact, ever
    n           bigint generated always as identity primary key,
    record_id   text not null unique,
    kind        text not null,
    case_id     text not null,
    district    text not null,
    day         date not null,
    occurred_at timestamptz not null,
    came_from   text not null default '',  -- docked platform that told us; it isn't told again
    payload     bytea not null,
    recorded_at timestamptz not null
);

create table bases (                       -- the case's base record as last told
    case_id text primary key,
    payload bytea not null
);

create table platforms (
    platform     text primary key,
    since        timestamptz not null,
    failures     int not null default 0,
    next_try_at  timestamptz,
    last_ok_at   timestamptz,
    last_error   text not null default ''
);

create table deliveries (
    platform   text not null,
    n          bigint not null references records,
    district   text not null,
    day        date not null,
    seq        bigint,                     -- given by the pusher, without a gap for each platform and district
    state      text not null default 'pending' check (state in ('pending', 'delivered', 'refused')),
    hash       text not null default '',   -- of the payload as it was taken
    reason     text not null default '',
    attempts   int not null default 0,
    decided_at timestamptz,
    primary key (platform, n)
);
create index deliveries_unnumbered on deliveries (platform, n) where seq is null and state = 'pending';
create index deliveries_due on deliveries (platform, district, seq) where state = 'pending';
create index deliveries_refused on deliveries (platform, n) where state = 'refused';
create index deliveries_of_day on deliveries (platform, district, day) where state = 'delivered';
create index deliveries_by_seq on deliveries (platform, district, seq) where state = 'delivered';

create table sequences (
    platform text not null,
    district text not null,
    last     bigint not null,
    primary key (platform, district)
);

create table reconciliations (
    platform     text not null,
    district     text not null,
    day          date not null,
    compared_at  timestamptz not null,
    our_count    bigint not null,
    our_digest   text not null,
    their_count  bigint not null,
    their_digest text not null,
    missing      text[] not null,          -- they lack it, or hold other content: sent again
    foreign_ids  text[] not null,          -- they hold it, we don't: people must look
    primary key (platform, district, day)
);

create table inbound_records (
    platform    text not null,
    record_id   text not null,
    kind        text not null,
    district    text not null,
    seq         bigint not null,
    day         date not null,
    hash        text not null,
    their_case  text not null,
    received_at timestamptz not null,
    primary key (platform, record_id)
);
create index inbound_of_day on inbound_records (platform, district, day);

create table inbound_sequences (
    platform text not null,
    district text not null,
    next     bigint not null,
    primary key (platform, district)
);

create table docked_cases (                -- another maker's case as far as its records told
    platform   text not null,
    their_case text not null,
    case_id    text not null unique,
    version    int not null,
    body       bytea not null,
    primary key (platform, their_case)
);
