-- add_published: an announcement of ours; nothing if that version was announced before
insert into published (set_name, version, digest, title, scope, addressee, valid_from, published_at, event_id, content,
                       encoding)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing

-- published: our announcements, the newest first
select set_name, version, digest, title, scope, addressee, valid_from, published_at, event_id
from published order by published_at desc, set_name, version, addressee limit $1

-- published_version: the announcements of one version
select set_name, version, digest, title, scope, addressee, valid_from, published_at, event_id
from published where set_name = $1 and version = $2 order by addressee

-- holding: versions that this node was told of, the newest first
select set_name, version, digest from (
    select distinct on (set_name, version, digest) set_name, version, digest, n from config_received
    order by set_name, version, digest, n desc
) as r order by n desc limit $1

-- newest_for: of each set the newest announcement meant for node $1 (or, by its chain $2, for all of a place that it lies in)
-- that it hasn't answered
select set_name, version, digest, title, scope, valid_from, content, encoding from (
    select distinct on (set_name) * from published
    where addressee = $1 or (addressee = '' and scope = any($2::text[]))
    order by set_name, valid_from desc, published_at desc
) as p
where content <> '' and not exists (
    select from config_answers a where a.node = $1 and a.set_name = p.set_name and a.version = p.version
) order by set_name

-- set_answer: a node's answer; an older one doesn't undo a newer
insert into config_answers values ($1, $2, $3, $4, $5, $6)
on conflict (node, set_name, version) do update set state = excluded.state, reason = excluded.reason, at = excluded.at
where config_answers.at <= excluded.at

-- answers: of one version, by node
select * from config_answers where set_name = $1 and version = $2 order by node

-- add_received: an announcement for us; its number, none if it is there
insert into config_received (event_id, issuer, set_name, version, digest, title, valid_from, content, encoding, state,
                             reason, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing returning n

-- have: whether this very content was announced before
select true from config_received where set_name = $1 and version = $2 and digest = $3 limit 1

-- lock_received: one, held
select * from config_received where n = $1 for update

-- received: announcements for us, the newest first
select * from config_received order by n desc limit $1

-- standing: the newest version of a set that was taken over or waits, before number $2
select * from config_received where set_name = $1 and state <> 'refused' and n <> $2 order by valid_from desc, n desc limit 1

-- same_version: another content under the same name
select * from config_received where set_name = $1 and version = $2 and n <> $3 order by n limit 1

-- decide: what became of it
update config_received set state = $2, reason = $3, decided_by = $4, decided_at = $5 where n = $1

-- answered: our own service applied or refused it
update config_received set state = $3, reason = $4, decided_at = $5
where set_name = $1 and version = $2 and state in ('adopted', 'applied')
