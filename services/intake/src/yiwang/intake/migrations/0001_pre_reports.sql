-- The read model behind GET /reports/{id} and behind the look-up of repetitions; filled from the streams alone.
create table secret (one boolean primary key default true check (one), secret bytea not null);
comment on table secret is 'Keys for digests and follow-up tokens derive from it; a setting can replace it';
insert into secret (secret) values (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

create table reports (
    report_id text primary key,
    case_id text not null,
    digest text not null,
    nature text not null,
    channel text not null,
    reporter_kind text not null,
    purpose text not null,
    jurisdiction text not null,
    county text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    answered boolean not null
);
create index on reports (case_id);

create table contacts (
    report_id text primary key,
    case_id text not null,
    digest text not null,
    sealed jsonb not null,
    consent text not null,
    recorded_at timestamptz not null
);
comment on column contacts.sealed is 'field -> cipher text under the report''s own key; unreadable once the key is erased';

create table erasures (
    report_id text primary key,
    by text not null,
    reason text not null,
    at timestamptz not null
);

create table looks (
    n bigint generated always as identity primary key,
    report_id text not null,
    by text not null,
    at timestamptz not null
);
comment on table looks is 'Who opened whose contact; append-only';
create index on looks (report_id);

create table progress (
    case_id text primary key,
    version int not null,
    state text not null,
    case_no text not null,
    merged_into text not null,
    county text not null,
    changed_at timestamptz not null
);

create table steps (
    case_id text,
    version int,
    state text not null,
    at timestamptz not null,
    primary key (case_id, version)
);
