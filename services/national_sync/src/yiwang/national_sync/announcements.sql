-- add_published: an announcement of ours; nothing if that version was announced before
insert into published values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing

-- published: our announcements, the newest first
select * from published order by published_at desc, set_name, version, addressee limit $1

-- published_version: the announcements of one version
select * from published where set_name = $1 and version = $2 order by addressee

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
