-- How far a reader of a stream has come: the relay over UP, the guard over each landing stream.
create table mark (
    reader  text primary key,
    created text not null,
    seq     bigint not null
);

-- What a node below or this one said last of itself.
create table peer (
    node        text primary key,
    heartbeat   text not null,
    recorded_at timestamptz not null,
    heard_at    timestamptz not null,
    latency_ms  double precision not null
);

-- The last probe that came from above.
create table probe (
    node        text primary key,
    recorded_at timestamptz not null,
    latency_ms  double precision not null
);

-- Alarms of this node and, as they were heard, of the nodes below.
create table alarm (
    node       text not null,
    alarm      text not null,
    kind       text not null,
    sentence   text not null,
    since      timestamptz not null,
    cleared_at timestamptz,
    remedy     text not null default '',
    primary key (node, alarm)
);

-- Events that a child sent for an area that is not its own, kept for a person to look at.
create table quarantine (
    child    text not null,
    created  text not null,
    seq      bigint not null,
    subject  text not null,
    reason   text not null,
    data     bytea,
    at       timestamptz not null,
    seen_by  text not null default '',
    seen_at  timestamptz,
    primary key (child, created, seq)
);
create index quarantine_at on quarantine (child, at);

-- How many events of a child were refused, and how many of them nobody has looked at.
create table refused (
    child   text primary key,
    total   bigint not null,
    unseen  bigint not null,
    last_at timestamptz not null
);

-- Cases reported, by day (Shanghai) and by the area in whose name they were taken, as far as they have arrived here.
create table day_count (
    day   date not null,
    area  text not null,
    cases bigint not null,
    last_at timestamptz not null,
    primary key (day, area)
);
