create table inbound_refused (             -- what another maker's platform reported and we could not take
    platform  text not null,
    record_id text not null,
    kind      text not null,
    district  text not null,
    reason    text not null,
    at        timestamptz not null,
    primary key (platform, record_id)
);

create table inbound_state (               -- how the exchange with each of them goes
    platform   text primary key,
    last_at    timestamptz,                -- of the newest batch
    last_error text not null default ''
);
