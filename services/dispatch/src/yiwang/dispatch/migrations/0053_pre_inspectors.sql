-- Patrol tasks (巡查任务) for the inspectors of a duty grid or for one of them.
create table patrols (
    task_id text primary key,
    duty_grid_id text not null,
    person_ref text not null,
    area text not null,
    what text not null,
    state text not null,
    starts_at timestamptz not null,
    due_at timestamptz not null,
    done_at timestamptz,
    done_by text not null,
    found int not null,
    note text not null
);
create index patrols_open on patrols (due_at, task_id) where state = 'open';

-- Where inspectors were on duty: personal, never told to another node, dropped after the hours that the setting says.
create table positions (
    person_ref text not null,
    at timestamptz not null,
    area text not null,
    lon double precision not null,
    lat double precision not null,
    accuracy_m real,
    received_at timestamptz not null,
    primary key (person_ref, at)
);
create index positions_old on positions (received_at);
