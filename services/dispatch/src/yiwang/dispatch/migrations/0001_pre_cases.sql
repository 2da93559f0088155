-- Cases: what decides the next step is in doc; the columns beside it are what lists and queues ask for.
create table cases (
    case_id text primary key,
    case_no text not null,
    version int not null,
    state text not null,
    queue text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    area text not null,
    unit_id text not null,
    category text not null,
    due_at timestamptz,
    overdue boolean not null,
    doc json not null
);
create unique index cases_no on cases (case_no text_pattern_ops) where case_no <> '';
create index cases_newest on cases (created_at, case_id);
create index cases_state on cases (state, created_at, case_id);
create index cases_queue on cases (queue, created_at, case_id) where queue <> '';
create index cases_area on cases (area text_pattern_ops);
create index cases_category on cases (category, created_at, case_id);
create index cases_unit on cases (unit_id, created_at, case_id) where unit_id <> '';
create index cases_late on cases (created_at, case_id) where queue <> '' or overdue;

-- The flow of each case (流转记录): written once, never changed.
create table flow (
    case_id text not null,
    seq int not null,
    version int not null,
    action text not null,
    result text not null,
    state_before text not null,
    state_after text not null,
    role text not null,
    unit_id text not null,
    person_ref text not null,
    opinion text not null,
    receiver text not null,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    due_at timestamptz,
    used_s bigint not null,
    overdue boolean not null,
    media json not null,
    note text not null,
    primary key (case_id, seq)
);
create function flow_is_immutable() returns trigger language plpgsql as $$
begin
    raise exception 'flow records are evidence: append a correcting step instead of a % on flow', tg_op;
end $$;
create trigger flow_stays before update or delete on flow for each row execute function flow_is_immutable();
create trigger flow_is_kept before truncate on flow for each statement execute function flow_is_immutable();

-- The last case number given, per registering jurisdiction and Shanghai day.
create table numbers (jurisdiction text, day date, last int not null, primary key (jurisdiction, day));
-- The incarnation of the node for which the numbers were last compared with what had been said.
create table allocation (one boolean primary key default true, incarnation int not null);
