-- Published reports: frozen sums, signed. A correction is a new version beside the old one; nothing is ever changed.
create table reports (
    report_id  text not null,
    version    int not null,
    title      text not null,
    kind       text not null,
    object     text not null,
    period     text not null,
    made_at    timestamptz not null,
    made_by    text not null,
    reason     text not null,
    figures    text not null,
    digest     text not null,
    key_id     text not null,
    signature  text not null,
    body       bytea not null,
    primary key (report_id, version)
);
create index reports_made on reports (made_at);
create function never_changed() returns trigger language plpgsql as $$
begin
    raise exception 'a published report is never changed: publish a new version';
end $$;
create trigger reports_frozen before update or delete on reports for each row execute function never_changed();
create trigger reports_kept before truncate on reports for each statement execute function never_changed();

-- The key that signs reports, unless it lies in a file.
create table signing_key (
    one    boolean primary key default true check (one),
    secret bytea not null,
    at     timestamptz not null
);
