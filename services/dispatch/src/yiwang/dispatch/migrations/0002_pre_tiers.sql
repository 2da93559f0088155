-- Cases that were handed over stay as they were released, with the node that has them now; null: the case is here.
alter table cases add column away text;
create index cases_away on cases (away) where away is not null;

-- Offers of cases by other nodes, as their receiver sees them.
create table offers (
    offer_id text primary key,
    case_id text not null,
    sender text not null,
    state text not null,
    area text not null,
    changed_at timestamptz not null,
    doc json not null
);
create index offers_open on offers (changed_at) where state in ('offered', 'claimed');
create index offers_case on offers (case_id);

-- Copies of cases whose custodian is another node, ready for evaluation; only ever written from what that node said.
create table copies (
    case_id text primary key,
    case_no text not null,
    version int not null,
    state text not null,
    custodian text not null,
    epoch int not null,
    taken_by text not null,
    as_of timestamptz not null,
    created_at timestamptz not null,
    accepted_at timestamptz,
    filed_at timestamptz,
    dispatched_at timestamptz,
    handled_at timestamptz,
    confirmed_at timestamptz,
    checked_at timestamptz,
    closed_at timestamptz,
    area text not null,
    unit_id text not null,
    category text not null,
    due_at timestamptz,
    overdue boolean not null,
    supervised boolean not null,
    self_disposed boolean not null,
    timeliness text,
    timeliness_source text not null,
    rework_count int not null,
    return_count int not null,
    hang_count int not null,
    resolution_mode text not null,
    purpose text not null,
    doc json not null
);
create index copies_no on copies (case_no text_pattern_ops) where case_no <> '';
create index copies_newest on copies (created_at, case_id);
create index copies_area on copies (area text_pattern_ops);
create index copies_custodian on copies (custodian, created_at);

-- The flow of the copied cases, one line for what each event or snapshot told.
create table copy_lines (case_id text not null, seq int not null, doc json not null, primary key (case_id, seq));

-- Events that came before the ones in front of them.
create table copy_waiting (
    case_id text not null,
    version int not null,
    since timestamptz not null,
    tag text not null,
    data bytea not null,
    primary key (case_id, version)
);

-- Directives: those that this node gave (issued) and those that it was given (taken).
create table directives (
    directive_id text primary key,
    case_id text not null,
    side text not null,
    state text not null,
    issued_at timestamptz not null,
    doc json not null
);
create index directives_case on directives (case_id);
create index directives_open on directives (issued_at) where state in ('issued', 'applied');

-- Reporters of closed cases who are to be asked here, because this node holds their contact.
create table visits (
    case_id text primary key,
    case_no text not null,
    asked_by text not null,
    state text not null,
    asked_at timestamptz not null,
    area text not null,
    doc json not null
);
create index visits_open on visits (asked_at) where state = 'open';
