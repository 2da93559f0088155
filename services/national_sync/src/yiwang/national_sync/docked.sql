-- add_refused: records that could not be taken, the newest reason of each
insert into inbound_refused select $1, r.record_id, r.kind, $2, r.reason, $3
from unnest($4::text[], $5::text[], $6::text[]) as r (record_id, kind, reason)
on conflict (platform, record_id) do update set reason = excluded.reason, at = excluded.at

-- taken: it was mended and has come in
delete from inbound_refused where platform = $1 and record_id = any($2::text[])

-- heard: a batch came
insert into inbound_state (platform, last_at, last_error) values ($1, $2, '')
on conflict (platform) do update set last_at = excluded.last_at, last_error = ''

-- trouble: the other side can't be reached, or sends what can't be read
insert into inbound_state (platform, last_error) values ($1, $2)
on conflict (platform) do update set last_error = excluded.last_error

-- next: the next sequence number of a district
select coalesce((select next from inbound_sequences where platform = $1 and district = $2), 1)

-- states: how each exchange goes
select p.platform, s.last_at, coalesce(s.last_error, '') as last_error,
  (select count(*) from inbound_records r where r.platform = p.platform) as records,
  (select count(*) from docked_cases c where c.platform = p.platform) as cases,
  (select count(*) from inbound_refused f where f.platform = p.platform) as refused
from unnest($1::text[]) as p (platform) left join inbound_state s using (platform) order by p.platform

-- refused: what one platform has to mend, the newest first
select record_id, kind, district, reason, at from inbound_refused where platform = $1 order by at desc, record_id limit $2
