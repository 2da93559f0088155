-- What every service with a database keeps for the kit: who works, how far, what goes out, what waits.
create table kit_replica (name text primary key, seen timestamptz not null, handler_set int not null);
create table kit_state (one boolean primary key default true, groups int not null, handler_set int not null default 0);
create table kit_lease (grp int primary key, epoch bigint not null default 0, owner text not null default '',
    until timestamptz not null default '-infinity');
create table kit_position (stream text, grp int, seq bigint not null, created text not null, primary key (stream, grp));
create table kit_handled (tag text primary key, stream text not null, from_seq bigint not null, handler_set int not null);
create table kit_catchup (stream text, grp int, tag text, seq bigint not null, until_seq bigint not null,
    primary key (stream, grp, tag));
create table kit_inbox (event_id text not null, day date not null, primary key (event_id, day)) partition by range (day);
create table kit_outbox (n bigint generated always as identity primary key, pp smallint not null, id text not null,
    subject text not null, trace text not null default '', data bytea not null);
create table kit_held (n bigint generated always as identity primary key, pp smallint not null, key text not null,
    stream text not null, seq bigint not null, subject text not null, trace text not null default '', data bytea not null,
    tries int not null default 0, due timestamptz not null default now(), since timestamptz not null default now(),
    reason text not null default '');
create index on kit_held (key, n);
create table kit_parked (id bigint generated always as identity primary key, stream text not null, seq bigint not null,
    subject text not null, tag text not null, key text not null, event_id text not null, reason text not null,
    data bytea not null, parked_at timestamptz not null default now(), state text not null default 'parked',
    decided_by text not null default '', decided_at timestamptz);
create index on kit_parked (key) where state = 'parked';
create table kit_timer (kind text, key text, id text not null, pp smallint not null, due timestamptz not null,
    data jsonb not null, actor text not null default '', purpose text not null default 'live',
    tries int not null default 0, reason text not null default '', primary key (kind, key));
create index on kit_timer (due);
create table kit_loop (name text primary key, owner text not null default '', until timestamptz not null default '-infinity');
