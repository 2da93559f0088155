-- What people enter beside the counters: monthly targets, counted events, measured values, survey results.
-- Nothing is overwritten: the newest row of a name, object and period counts, the older ones stay.
create table inputs (
    n        bigint generated always as identity primary key,
    source   text not null,
    kind     text not null,
    object   text not null,
    name     text not null,
    period   text not null,
    first    date not null,
    last     date not null,
    value    numeric not null,
    samples  int not null default 0,
    note     text not null default '',
    by_whom  text not null,
    at       timestamptz not null
);
create index inputs_key on inputs (source, kind, object, name, period, n desc);
create index inputs_days on inputs (first, last);
