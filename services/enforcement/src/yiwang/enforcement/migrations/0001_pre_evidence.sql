-- Evidence is written once. Every table below refuses to be changed; content alone may be erased, and only after the
-- erasure itself was recorded. Hashes stay, so the tree and all proofs stay.

create table logs (
    log_id     text primary key,
    agency_id  text not null unique,
    suite      text not null,
    opened_at  timestamptz not null
);

create table leaves (
    log_id      text not null references logs,
    leaf_index  bigint not null check (leaf_index >= 0),
    commitment  bytea not null,          -- H(salt || canonical record); the leaf is H(0x00 || commitment)
    record_id   text not null unique,
    file_id     text not null,
    node_code   text not null,
    record_kind text not null,
    officers    jsonb not null,          -- pseudonyms and certificate numbers
    recorded_by text not null,
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    purpose     text not null,
    primary key (log_id, leaf_index)
);
create index leaves_of_file on leaves (file_id, received_at, leaf_index);

create table nodes (                     -- roots of perfect subtrees: never change once written
    log_id text not null references logs,
    level  smallint not null,
    at     bigint not null,
    hash   bytea not null,
    primary key (log_id, level, at)
);

create table contents (                  -- what may have to be forgotten: text, party, place, media references
    log_id     text not null,
    leaf_index bigint not null,
    salt       bytea not null,
    body       bytea not null,
    primary key (log_id, leaf_index),
    foreign key (log_id, leaf_index) references leaves
);

create table erasures (
    log_id     text not null,
    leaf_index bigint not null,
    recorded_in bigint not null,         -- the leaf that records the erasure
    basis      text not null,
    erased_by  text not null,
    erased_at  timestamptz not null,
    primary key (log_id, leaf_index),
    foreign key (log_id, leaf_index) references leaves
);

create table files (
    file_id     text primary key,
    agency_id   text not null,
    log_id      text not null references logs,
    referral_id text unique,             -- null: a clue that officers found themselves
    case_id     text not null,
    case_no     text not null,
    item_code   text not null,
    area        text not null,
    source      text not null,
    purpose     text not null,
    opened_at   timestamptz not null
);
create index files_by_time on files (opened_at, file_id);

create table closures (
    file_id    text primary key references files,
    outcome    text not null,
    leaf_index bigint not null,
    closed_by  text not null,
    closed_at  timestamptz not null
);

create table signing_keys (
    n          bigint generated always as identity primary key,
    owner      text not null,            -- log_id, or witness:<node_id>
    key_id     text not null unique,
    secret     bytea,                    -- null: the key lies in the key directory
    created_at timestamptz not null
);

create table heads (
    log_id    text not null references logs,
    size      bigint not null,
    root      text not null,
    alg       text not null,
    key_id    text not null,
    signature text not null,
    signed_at timestamptz not null,
    primary key (log_id, size)
);

create table cosignatures (              -- what witnesses above said about our heads
    log_id    text not null,
    size      bigint not null,
    witness   text not null,
    root      text not null,
    alg       text not null,
    key_id    text not null,
    signature text not null,
    signed_at timestamptz not null,
    verified  boolean not null,          -- false: the countersignature doesn't fit our head
    primary key (log_id, size, witness)
);

create table witnessed (                 -- what we, as a witness, saw of the logs below
    n         bigint generated always as identity primary key,
    log_id    text not null,
    size      bigint not null,
    root      text not null,
    alg       text not null,
    key_id    text not null,
    signature text not null,
    signed_at timestamptz not null,
    node_id   text not null,
    reason    text not null,             -- empty: accepted
    seen_at   timestamptz not null
);
create index witnessed_accepted on witnessed (log_id, size) where reason = '';

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '执法证据只增不改：表 % 不接受 %。更正请追加新的记录；确需清除内容，请由执法机关负责人办理清除。',
        tg_table_name, tg_op using errcode = 'restrict_violation';
end $$;

create function refuse_silent_erasure() returns trigger language plpgsql as $$
begin
    if not exists (select from erasures e where e.log_id = old.log_id and e.leaf_index = old.leaf_index) then
        raise exception '记录 % 第 % 条的内容不能直接删除：请由执法机关负责人先登记清除及依据。', old.log_id, old.leaf_index
            using errcode = 'restrict_violation';
    end if;
    return old;
end $$;

do $$
declare t text;
begin
    foreach t in array array['logs', 'leaves', 'nodes', 'erasures', 'files', 'closures', 'signing_keys', 'heads',
                             'cosignatures', 'witnessed'] loop
        execute format('create trigger keep before update or delete on %I for each row execute function refuse_change()', t);
        execute format('create trigger keep_all before truncate on %I execute function refuse_change()', t);
    end loop;
end $$;
create trigger keep before update on contents for each row execute function refuse_change();
create trigger keep_unless_erased before delete on contents for each row execute function refuse_silent_erasure();
create trigger keep_all before truncate on contents execute function refuse_change();
