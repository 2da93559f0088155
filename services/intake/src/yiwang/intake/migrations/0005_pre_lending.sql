-- Contacts that were asked for by another tier (side given) or by this one (side taken), with all that happened to them.
create table lendings (
    ask_id text primary key,
    side text not null,
    state text not null,
    case_id text not null,
    report_id text not null,
    other text not null,
    area text not null,
    changed_at timestamptz not null,
    public_key text not null default '',
    private text not null default '',
    sealed jsonb not null default '{}',
    doc json not null
);
comment on table lendings is 'The books of sealed hand-overs; private and sealed lie under a vault key of their own, destroyed at the end';
create index lendings_case on lendings (case_id);
create index lendings_report on lendings (report_id) where side = 'given' and state = 'given';
create index lendings_open on lendings (changed_at) where state in ('asked', 'held', 'given');

-- Which node has a case that was handed over, as far as this one heard.
create table custodians (case_id text primary key, jurisdiction text not null, epoch int not null);
