create table grid_version (
    version text primary key,
    state text not null check (state in ('draft', 'active', 'superseded')),
    created_at timestamptz not null,
    created_by text not null default '',
    -- the days on which it was the grid; the first version holds for all days before it, too (null)
    valid_from timestamptz,
    valid_to timestamptz,
    digest text not null,
    report jsonb not null
);
create unique index grid_version_one_active on grid_version ((true)) where state = 'active';

create table grid_area (
    version text not null references grid_version on delete cascade,
    code text not null,
    name text not null,
    level text not null,
    parent text not null,
    kind text not null,
    valid_from text not null,
    valid_to text not null,
    predecessor text not null,
    geom bytea,
    primary key (version, code)
);

create table grid_cell (
    version text not null references grid_version on delete cascade,
    code text not null,
    geom bytea not null,
    name text not null,
    land_use text not null,
    manage_level text not null,
    primary key (version, code)
);

create table grid_duty (
    version text not null references grid_version on delete cascade,
    id text not null,
    name text not null,
    cells text[] not null,
    geom bytea,
    primary key (version, id)
);

create table grid_address (
    version text not null references grid_version on delete cascade,
    code text not null,
    kind text not null,
    name text not null,
    full_text text not null,
    lon double precision not null,
    lat double precision not null,
    cell text not null,
    street text not null,
    community text not null,
    primary key (version, code)
);

-- reports that nobody could place yet; a person resolves them, once
create table unlocated (
    case_id text primary key,
    report_id text not null,
    head jsonb not null,
    claim jsonb not null,
    part_id text not null,
    candidates jsonb not null,
    reason text not null,
    purpose text not null,
    reported_at timestamptz not null,
    state text not null default 'open' check (state in ('open', 'resolved')),
    version int not null default 1,
    place jsonb,
    resolved_at timestamptz,
    resolved_by text not null default ''
);
create index unlocated_open on unlocated (reported_at, case_id) where state = 'open';
