-- Whistles (吹哨): the document decides; the columns beside it are what lists ask for.
create table whistles (
    whistle_id text primary key,
    area text not null,
    kind text not null,
    state text not null,
    blown_at timestamptz not null,
    case_id text not null,
    units text[] not null,
    doc text not null
);
create index whistles_newest on whistles (blown_at, whistle_id);
create index whistles_open on whistles (area text_pattern_ops) where state in ('called', 'resolved');
create index whistles_units on whistles using gin (units) where state in ('called', 'resolved');
create index whistles_case on whistles (case_id) where case_id <> '';
