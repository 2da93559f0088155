-- How far the cases that were filed before a campaign was opened, or before its scope was changed, are looked through:
-- first those that count in it by rule (`leaving`, by id), then all cases by age, the youngest first (`joining`).
-- `round` grows whenever it begins anew.
create table campaign_walks (
    campaign_id text primary key,
    round int not null default 1,
    phase text not null,
    newest timestamptz not null,
    at timestamptz not null,
    after_id text not null default '',
    looked bigint not null default 0,
    joined bigint not null default 0,
    gone bigint not null default 0,
    began_at timestamptz not null,
    done_at timestamptz
);
create index campaign_walks_waiting on campaign_walks (campaign_id) where phase <> 'done';
