create table returns (                     -- data given back to nodes below, or to us from above
    return_id text not null,
    side      text not null check (side in ('given', 'received')),
    peer      text not null,               -- area code of the node at the other end
    title     text not null,
    at        timestamptz not null,
    body      json not null,
    primary key (return_id, side, peer)
);
create index returns_newest on returns (at desc, return_id);

create table fates (                       -- received: what became of our cases above
    case_id   text not null,
    platform  text not null,
    fate      text not null,
    at        timestamptz not null,
    reason    text not null,
    record_id text not null,
    return_id text not null,
    primary key (case_id, platform, fate, record_id, at)
);
