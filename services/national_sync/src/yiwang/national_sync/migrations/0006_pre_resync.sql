create table resyncs (                     -- nodes below that were asked to tell their cases again
    resync_id   text primary key,
    node        text not null,
    since       timestamptz not null,
    reason      text not null,
    asked_at    timestamptz not null,
    answered_at timestamptz,
    cases       int not null default 0
);
create index resyncs_newest on resyncs (asked_at desc);
