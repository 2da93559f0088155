-- What is known of each case, folded from its events.
create table cases (
    case_id text primary key,
    case_no text not null default '',
    version int not null,
    due_at  timestamptz,
    facts   bytea not null
) with (fillfactor = 70);
-- Cases that become overdue by themselves when a moment comes.
create index cases_due on cases (due_at) where due_at is not null;

-- Events that came before the version before them.
create table waiting (
    case_id text not null,
    version int not null,
    heard_at timestamptz not null,
    event   bytea not null,
    primary key (case_id, version)
);

-- Where each case counts, and for what: hits are numbers of counters (`vocabulary.NUMBER`), amounts their values.
create table parts (
    case_id  text not null,
    purpose  text not null,
    kind     text not null,
    object   text not null,
    alt      text not null,
    day      date not null,
    cls      text not null,
    segments text not null,
    hits     smallint[] not null,
    amounts  int[] not null,
    primary key (case_id, kind, object, alt, day)
);
create index parts_object on parts (kind, object text_pattern_ops, day, case_id);
create index parts_day on parts (kind, day, case_id);
create index parts_post on parts (alt, day, case_id) where alt <> '';

-- The figures: sums over parts by object, class or segment, and day. Rates are computed from them, never stored.
create table sums (
    purpose text not null,
    kind    text not null,
    object  text not null,
    cls     text not null,
    day     date not null,
    report_num int not null default 0,
    patrol_report int not null default 0,
    public_report int not null default 0,
    duplicate_num int not null default 0,
    recurrence_num int not null default 0,
    patrol_deal_report int not null default 0,
    patrol_deal_archive int not null default 0,
    patrol_deal_cancel int not null default 0,
    need_send_verify int not null default 0,
    send_verify int not null default 0,
    need_verify int not null default 0,
    verify_num int not null default 0,
    intime_verify int not null default 0,
    operate_num int not null default 0,
    not_operate int not null default 0,
    to_operate int not null default 0,
    valid_report_num int not null default 0,
    inst_num int not null default 0,
    intime_inst int not null default 0,
    not_inst int not null default 0,
    active_inst int not null default 0,
    need_dispatch int not null default 0,
    city_dispatch_num int not null default 0,
    dispatch_num int not null default 0,
    intime_dispatch int not null default 0,
    accur_dispatch int not null default 0,
    wrong_dispatch int not null default 0,
    need_dispose int not null default 0,
    dispose_num int not null default 0,
    intime_dispose int not null default 0,
    overtime_dispose int not null default 0,
    to_dispose int not null default 0,
    intime_to_dispose int not null default 0,
    overtime_to_dispose int not null default 0,
    rework_num int not null default 0,
    multi_rework_num int not null default 0,
    rework_times int not null default 0,
    return_num int not null default 0,
    postpone_num int not null default 0,
    multi_postpone_num int not null default 0,
    postpone_hours int not null default 0,
    hang_num int not null default 0,
    his_hang_num int not null default 0,
    hang_need_archive int not null default 0,
    stock_num int not null default 0,
    escape_stock int not null default 0,
    supervise_num int not null default 0,
    exempt_num int not null default 0,
    mode_service int not null default 0,
    mode_manage int not null default 0,
    mode_enforce int not null default 0,
    dispose_seconds bigint not null default 0,
    need_check int not null default 0,
    check_num int not null default 0,
    intime_check int not null default 0,
    invalid_check int not null default 0,
    fail_check int not null default 0,
    multi_fail_check int not null default 0,
    need_archive int not null default 0,
    archive_num int not null default 0,
    intime_archive int not null default 0,
    force_archive int not null default 0,
    reopen_num int not null default 0,
    need_reply int not null default 0,
    reply_num int not null default 0,
    omit_reply int not null default 0,
    to_visit int not null default 0,
    visit_num int not null default 0,
    satisfied_num int not null default 0,
    satisfaction int not null default 0,
    primary key (kind, object, cls, day, purpose)
) with (fillfactor = 80);

-- By hour, for early warning: cases reported, and disposals that became overdue.
create table hours (
    object   text not null,
    cls      text not null,
    hour     timestamptz not null,
    reported int not null default 0,
    overdue  int not null default 0,
    primary key (object, cls, hour)
);
create index hours_hour on hours (hour);

-- Names of areas, units and classes as events tell them.
create table names (
    kind text not null,
    code text not null,
    name text not null,
    primary key (kind, code)
);

-- Until when each node below has been heard: its events and its heartbeats.
create table heard (
    node     text primary key,
    event_at timestamptz,
    beat_at  timestamptz
);
