-- open_log: the agency's log, made at its first clue
insert into logs (log_id, agency_id, suite, opened_at) values ($1, $2, $3, $4) on conflict do nothing

-- lock_log: the log by its agency, held until the end of the transaction so that leaves get their index one by one
select log_id, agency_id, suite, opened_at from logs where agency_id = $1 for update

-- lock_log_by_id: the same, by the log's id
select log_id, agency_id, suite, opened_at from logs where log_id = $1 for update

-- log_by_id: one log
select log_id, agency_id, suite, opened_at from logs where log_id = $1

-- all_logs: every log with its number of leaves
select l.log_id, l.agency_id, l.suite, l.opened_at,
       coalesce((select leaf_index + 1 from leaves where log_id = l.log_id order by leaf_index desc limit 1), 0) as size
from logs l order by l.log_id

-- size: how many leaves the log has
select coalesce((select leaf_index + 1 from leaves where log_id = $1 order by leaf_index desc limit 1), 0)

-- add_leaf: one record's leaf
insert into leaves (log_id, leaf_index, commitment, record_id, file_id, node_code, record_kind, officers, recorded_by,
                    occurred_at, received_at, purpose)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- add_content: what the leaf commits to
insert into contents (log_id, leaf_index, salt, body) values ($1, $2, $3, $4)

-- add_nodes: roots of perfect subtrees
insert into nodes (log_id, level, at, hash) select $1, * from unnest($2::smallint[], $3::bigint[], $4::bytea[])

-- nodes: the named nodes of one tree
select n.level, n.at, n.hash from nodes n
join unnest($2::smallint[], $3::bigint[]) as wanted (level, at) using (level, at) where n.log_id = $1

-- add_file: a clue
insert into files (file_id, agency_id, log_id, referral_id, case_id, case_no, item_code, area, source, purpose, opened_at,
                   jurisdiction)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- file: one file with how it ended
select f.file_id, f.agency_id, f.log_id, coalesce(f.referral_id, '') as referral_id, f.case_id, f.case_no, f.item_code,
       f.area, f.source, f.purpose, f.opened_at, f.jurisdiction, coalesce(c.outcome, '') as outcome, c.closed_at
from files f left join closures c using (file_id) where f.file_id = $1

-- file_for_update: the same, held until the end of the transaction
select f.file_id, f.agency_id, f.log_id, coalesce(f.referral_id, '') as referral_id, f.case_id, f.case_no, f.item_code,
       f.area, f.source, f.purpose, f.opened_at, f.jurisdiction, coalesce(c.outcome, '') as outcome, c.closed_at
from files f left join closures c using (file_id) where f.file_id = $1 for update of f

-- files: newest first, of some areas, open or closed or both, after a cursor
select f.file_id, f.agency_id, f.log_id, coalesce(f.referral_id, '') as referral_id, f.case_id, f.case_no, f.item_code,
       f.area, f.source, f.purpose, f.opened_at, f.jurisdiction, coalesce(c.outcome, '') as outcome, c.closed_at
from files f left join closures c using (file_id)
where f.area like any ($1::text[]) and ($2 = '' or f.agency_id = $2) and ($3 = '' or ($3 = 'closed') = (c.file_id is not null))
  and ($4::timestamptz is null or (f.opened_at, f.file_id) < ($4, $5))
order by f.opened_at desc, f.file_id desc limit $6

-- add_closure: how a file ended
insert into closures (file_id, outcome, leaf_index, closed_by, closed_at) values ($1, $2, $3, $4, $5)

-- records: all records of a file with what is left of their content
select l.log_id, l.leaf_index, l.commitment, l.record_id, l.file_id, l.node_code, l.record_kind, l.officers::text as officers,
       l.recorded_by, l.occurred_at, l.received_at, c.salt, c.body, e.erased_at, coalesce(e.basis, '') as erasure_basis
from leaves l left join contents c using (log_id, leaf_index) left join erasures e using (log_id, leaf_index)
where l.file_id = $1 order by l.received_at, l.leaf_index

-- record: one record by its leaf
select l.log_id, l.leaf_index, l.commitment, l.record_id, l.file_id, l.node_code, l.record_kind, l.officers::text as officers,
       l.recorded_by, l.occurred_at, l.received_at, c.salt, c.body, e.erased_at, coalesce(e.basis, '') as erasure_basis
from leaves l left join contents c using (log_id, leaf_index) left join erasures e using (log_id, leaf_index)
where l.log_id = $1 and l.leaf_index = $2

-- entries: hashes of a range of leaves, without content
select l.leaf_index, n.hash as leaf_hash, l.commitment, l.node_code, l.record_kind, l.received_at
from leaves l join nodes n on n.log_id = l.log_id and n.level = 0 and n.at = l.leaf_index
where l.log_id = $1 and l.leaf_index >= $2 order by l.leaf_index limit $3

-- add_erasure: that a content was erased, and why
insert into erasures (log_id, leaf_index, recorded_in, basis, erased_by, erased_at) values ($1, $2, $3, $4, $5, $6)

-- erase_content: salt and text are gone after this; the leaf stays
delete from contents where log_id = $1 and leaf_index = $2

-- add_key: a key for an owner
insert into signing_keys (owner, key_id, secret, created_at) values ($1, $2, $3, $4) on conflict do nothing

-- key: the newest key of an owner
select key_id, secret from signing_keys where owner = $1 order by n desc limit 1

-- lock_owner: nobody else makes a key for this owner until the end of the transaction
select pg_advisory_xact_lock(hashtextextended($1, 0))

-- add_head: a signed head
insert into heads (log_id, size, root, alg, key_id, signature, signed_at) values ($1, $2, $3, $4, $5, $6, $7)

-- last_head: the newest signed head
select size, root, alg, key_id, signature, signed_at from heads where log_id = $1 order by size desc limit 1

-- head_of_size: the signed head of that size
select size, root, alg, key_id, signature, signed_at from heads where log_id = $1 and size = $2

-- head_covering: the smallest signed head that holds a leaf
select size, root, alg, key_id, signature, signed_at from heads where log_id = $1 and size > $2 order by size limit 1

-- last_cosigned_head: the newest head of ours that a witness countersigned
select h.size, h.root, h.alg, h.key_id, h.signature, h.signed_at from heads h
where h.log_id = $1 and exists (select from cosignatures c where c.log_id = h.log_id and c.size = h.size and c.verified)
order by h.size desc limit 1

-- add_cosignature: what a witness said about one head
insert into cosignatures (log_id, size, witness, root, alg, key_id, signature, signed_at, verified)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing

-- cosignatures: the countersignatures of the newest countersigned heads, newest first
select size, witness, root, alg, key_id, signature, signed_at, verified from cosignatures
where log_id = $1 order by size desc, witness limit $2

-- cosignatures_of: the valid countersignatures of one head
select size, witness, root, alg, key_id, signature, signed_at, verified from cosignatures
where log_id = $1 and size = $2 and verified order by witness

-- lock_witnessed: heads of one log are judged one after the other
select pg_advisory_xact_lock(hashtextextended('witness ' || $1, 0))

-- witnessed_latest: the largest head of a log below that we accepted
select size, root, key_id from witnessed where log_id = $1 and reason = '' order by size desc limit 1

-- witnessed_of_size: the head of that size that we accepted
select size, root, key_id from witnessed where log_id = $1 and reason = '' and size = $2 limit 1

-- add_witnessed: a head that we saw, accepted or not
insert into witnessed (log_id, size, root, alg, key_id, signature, signed_at, node_id, reason, seen_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- witnessed_logs: for every log below, the largest accepted head and how many were disputed
select w.log_id, max(w.size) filter (where w.reason = '') as size, max(w.seen_at) as seen_at,
       count(*) filter (where w.reason <> '') as disputed from witnessed w group by w.log_id order by w.log_id

-- disputed: heads that we refused to countersign, newest first
select log_id, size, root, key_id, node_id, reason, seen_at from witnessed where reason <> '' order by n desc limit $1
