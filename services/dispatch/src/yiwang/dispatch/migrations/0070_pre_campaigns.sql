-- Campaigns (专项): the document decides. `mine`: this node counts in it; else it is another node's, known from what it
-- told. `said` is the revision of the last progress that was told upward.
create table campaigns (
    campaign_id text primary key,
    state text not null,
    mine boolean not null,
    begins_on date not null,
    said bigint not null default 0,
    doc text not null
);
create index campaigns_newest on campaigns (begins_on, campaign_id);
create index campaigns_open on campaigns (campaign_id) where state = 'open' and mine;

-- What counts in a campaign, and what it adds to the sums.
create table campaign_items (
    campaign_id text not null,
    item_id text not null,
    kind text not null,
    how text not null,
    area text not null,
    unit_id text not null,
    year int not null,
    found int not null,
    rectified int not null,
    accepted int not null,
    satisfied int not null,
    reopened int not null,
    overdue int not null,
    primary key (campaign_id, item_id)
);
create index campaign_items_of on campaign_items (item_id);

-- Sums by street, unit and year, kept by differences.
create table campaign_counts (
    campaign_id text not null,
    year int not null,
    area text not null,
    unit_id text not null,
    found bigint not null,
    rectified bigint not null,
    accepted bigint not null,
    satisfied bigint not null,
    reopened bigint not null,
    overdue bigint not null,
    primary key (campaign_id, year, area, unit_id)
);

-- What nodes below told of a campaign: whole sums, of which the latest counts.
create table campaign_below (
    campaign_id text not null,
    jurisdiction text not null,
    revision bigint not null,
    as_of timestamptz not null,
    counts text not null,
    primary key (campaign_id, jurisdiction)
);

-- Ledgers of hazards (隐患台账) and lists of problems (问题清单、满意清单).
create table ledger_entries (
    entry_id text primary key,
    kind text not null,
    state text not null,
    grade text not null,
    area text not null,
    unit_id text not null,
    campaign_id text not null,
    station_id text not null,
    case_id text not null,
    found_at timestamptz not null,
    due_at timestamptz,
    doc text not null
);
create index ledger_newest on ledger_entries (found_at, entry_id);
create index ledger_by_area on ledger_entries (kind, area text_pattern_ops, found_at);
create index ledger_by_campaign on ledger_entries (campaign_id, found_at) where campaign_id <> '';
create index ledger_by_unit on ledger_entries (unit_id, found_at) where unit_id <> '';
create index ledger_by_case on ledger_entries (case_id) where case_id <> '';
create index ledger_by_station on ledger_entries (station_id, found_at) where station_id <> '';

-- What service stations (驿站) did.
create table station_records (
    record_id text primary key,
    station_id text not null,
    mechanism text not null,
    held_on date not null,
    residents int not null,
    doc text not null
);
create index station_records_of on station_records (station_id, held_on, record_id);

-- A patrol may be asked of one department's people in a grid (多部门入格).
alter table patrols add column unit_id text not null default '';
