-- What is due to whom: one row per (audience, template, business id, version); notice_id is derived from them.
create table notice (
    notice_id        uuid primary key,
    xid              xid8 not null default pg_current_xact_id(),
    seq              bigint generated always as identity,
    audience         text not null,
    kind             text not null,
    role             text not null,
    area             text not null,
    business_id      text not null,
    version          integer not null,
    template         text not null,
    template_version text not null,
    rule             text not null,
    title            text not null,
    body             text not null,
    urgency          text not null,
    notice_purpose   text not null,
    consent_id       text not null,
    purpose          text not null,
    case_id          text not null,
    case_no          text not null,
    steps            text not null,
    step             integer not null default 0,
    inbox            boolean not null,
    state            text not null check (state in ('pending', 'delivered', 'failed')),
    failure_class    text not null default '',
    created_at       timestamptz not null,
    done_at          timestamptz
);
create index notice_tail on notice (xid, seq) where inbox;
create index notice_audience on notice (audience, seq) where inbox;
create index notice_role on notice (role, area text_pattern_ops, seq) where inbox and role <> '';
create index notice_pending on notice (created_at) where state = 'pending';

create table notice_read (
    notice_id  uuid not null references notice on delete cascade,
    person_ref text not null,
    read_at    timestamptz not null,
    primary key (notice_id, person_ref)
);

-- Other systems and mailboxes that notices are pushed to. Target of a mailbox and all secrets are sealed.
create table endpoint (
    endpoint_id      uuid primary key,
    channel          text not null check (channel in ('webhook', 'email')),
    name             text not null,
    target           text not null,
    target_shown     text not null,
    audiences        text[] not null,
    receives_contact boolean not null default false,
    secret           text not null default '',
    old_secret       text not null default '',
    old_until        timestamptz,
    enabled          boolean not null default true,
    disabled_reason  text not null default '',
    created_by       text not null,
    created_at       timestamptz not null
);

create table delivery (
    delivery_id   uuid primary key default gen_random_uuid(),
    notice_id     uuid not null references notice on delete cascade,
    endpoint_id   uuid not null references endpoint,
    channel       text not null,
    step          integer not null,
    state         text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
    attempts      integer not null default 0,
    due_at        timestamptz not null,
    claimed_until timestamptz,
    failure_class text not null default '',
    reason        text not null default '',
    provider_id   text not null default '',
    receipt_hash  text not null default '',
    delivered_at  timestamptz,
    unique (notice_id, endpoint_id)
);
create index delivery_due on delivery (due_at) where state = 'pending';

create table attempt (
    delivery_id  uuid not null references delivery on delete cascade,
    n            integer not null,
    at           timestamptz not null,
    class        text not null,
    reason       text not null,
    took_ms      integer not null,
    primary key (delivery_id, n)
);

-- How to reach reporters: every value sealed with the report's key; erased with it.
create table contact (
    report_id text primary key,
    case_id   text not null,
    name      text not null,
    phone     text not null,
    openid    text not null,
    at        timestamptz not null
);
create index contact_case on contact (case_id);
