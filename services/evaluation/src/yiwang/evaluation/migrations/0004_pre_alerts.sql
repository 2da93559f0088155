-- Early warnings, those that stand and those that are over.
create table alerts (
    alert      text not null,
    since      timestamptz not null,
    rule       text not null,
    kind       text not null,
    area       text not null,
    object     text not null,
    cls        text not null,
    from_at    timestamptz not null,
    to_at      timestamptz not null,
    count      int not null,
    usual      double precision not null,
    bound      double precision not null,
    sentence   text not null,
    cleared_at timestamptz,
    primary key (alert, since)
);
create unique index alerts_standing on alerts (alert) where cleared_at is null;
create index alerts_since on alerts (since);

-- Until which hour the rules have been tried.
create table tried (
    one   boolean primary key default true check (one),
    until timestamptz not null
);
