create table media_refs (                  -- files of nodes below, as their events named them
    media_id  text primary key,
    home_node text not null,
    case_id   text not null,
    size      bigint not null,
    mime      text not null,
    seen_at   timestamptz not null
);

create table media_wanted (                -- files that we asked for
    media_id text primary key,
    home_node text not null,
    state    text not null check (state in ('wanted', 'asked', 'here', 'unavailable')),
    reason   text not null default '',
    asked_by text not null default '',     -- empty: by the setting fetch_photos_mib
    asked_at timestamptz not null,
    tries    int not null default 0,
    next_at  timestamptz not null
);
create index media_wanted_next on media_wanted (next_at) where state in ('wanted', 'asked');

create table media_sent (                  -- files that a tier above asked us for
    media_id text primary key,
    asked_at timestamptz not null,
    state    text not null check (state in ('due', 'sent', 'unavailable')),
    reason   text not null default '',
    sent_at  timestamptz
);
create index media_sent_due on media_sent (asked_at) where state = 'due';
