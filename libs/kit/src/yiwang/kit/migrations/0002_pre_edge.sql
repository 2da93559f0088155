-- What the HTTP edge keeps in a service's schema: who did what (append-only), and the answers of idempotent calls.
create table kit_audit (
    n bigint generated always as identity primary key,
    at timestamptz not null,
    person_ref text not null,
    post_id text not null,
    unit_id text not null,
    role text not null,
    method text not null,
    route text not null,
    params jsonb not null,
    status smallint not null,
    code text not null,
    client text not null,
    trace_id text not null
);
create index on kit_audit (at);
create index on kit_audit (person_ref, n);
create table kit_command (
    principal text not null,
    route text not null,
    key text not null,
    digest bytea not null,
    holder uuid not null,
    held_until timestamptz not null,
    effected boolean not null default false,
    status smallint,
    headers jsonb,
    body bytea,
    at timestamptz not null default now(),
    primary key (principal, route, key)
);
create index on kit_command (at);
