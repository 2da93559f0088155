-- add_refs: files that events of nodes below named
insert into media_refs select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::timestamptz[])
on conflict do nothing

-- ref: where a file is
select * from media_refs where media_id = $1

-- want: ask for files, once; one that failed before is asked for again when a person asks
insert into media_wanted (media_id, home_node, state, asked_by, asked_at, next_at)
select m, h, 'wanted', $3, $4, $4 from unnest($1::text[], $2::text[]) as u (m, h)
on conflict (media_id) do update set state = 'wanted', asked_by = excluded.asked_by, asked_at = excluded.asked_at,
  next_at = excluded.next_at, tries = 0, reason = ''
where $3 <> '' and media_wanted.state in ('unavailable', 'asked')

-- due: files to ask for now, held
select * from media_wanted where state in ('wanted', 'asked') and next_at <= $1 order by next_at limit $2
for update skip locked

-- asked: it was asked for; again then if nothing comes
update media_wanted set state = 'asked', tries = tries + 1, next_at = $2 where media_id = $1

-- settle: what became of it
update media_wanted set state = $2, reason = $3 where media_id = $1 and state <> 'here'

-- wanted: is it asked for?
select * from media_wanted where media_id = $1

-- wanted_list: what was asked for, the newest first
select * from media_wanted order by asked_at desc, media_id limit $1

-- ask_us: a tier above wants it
insert into media_sent (media_id, asked_at, state) values ($1, $2, 'due')
on conflict (media_id) do update set state = 'due', asked_at = excluded.asked_at, reason = ''

-- to_send: what tiers above want, the oldest first
select media_id from media_sent where state = 'due' order by asked_at limit $1

-- sent: what became of it
update media_sent set state = $2, reason = $3, sent_at = $4 where media_id = $1
